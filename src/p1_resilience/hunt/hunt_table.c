#include "p1_resilience/hunt/hunt_table.h"

#include "base/error.h"
#include "base/varint.h"
#include "p1_resilience/hunt/hunt_table_layout.h"

#include <arpa/inet.h>
#include <string.h>

/* Prefix lengths that there are: 0..32, and 128 in the last of three words. */
#define LENGTHS4_MASK ((G_GUINT64_CONSTANT(1) << 33) - 1)
#define LENGTHS6_LAST_MASK G_GUINT64_CONSTANT(1)

struct hunt_table {
    struct table *table;
    const struct hunt_summary *summary;
    const guint64 *last_labels, *networks, *url_hosts;
    gsize url_host_words;
    const char *strings;
    gsize strings_length;
    const struct hunt_source_row *sources;
    gsize source_count;
    const guint32 *warnings;
    gsize warning_count;
    const struct hunt_skip_row *skips;
    gsize skip_count;
};

static gboolean find_sections(struct hunt_table *t, const char *name, GError **error)
{
    gsize summaries, words, bits;

    t->summary = table_section(t->table, HUNT_SUMMARY, sizeof *t->summary, &summaries);
    t->last_labels = table_section(t->table, HUNT_LAST_LABELS, sizeof(guint64), &words);
    t->networks = table_section(t->table, HUNT_NETWORKS, sizeof(guint64), &bits);
    t->url_hosts = table_section(t->table, HUNT_URL_HOSTS, sizeof(guint64), &t->url_host_words);
    t->strings = table_section(t->table, HUNT_STRINGS, 1, &t->strings_length);
    t->sources = table_section(t->table, HUNT_SOURCES, sizeof *t->sources, &t->source_count);
    t->warnings = table_section(t->table, HUNT_WARNINGS, sizeof *t->warnings, &t->warning_count);
    t->skips = table_section(t->table, HUNT_SKIPS, sizeof *t->skips, &t->skip_count);
    if (summaries == 1 && t->summary->key_version != HUNT_KEY_VERSION)
        return input_error(error, "%s: built by another version of this program; build it again",
                           name);
    if (summaries != 1 || (t->last_labels && words != HUNT_KEY_LAST_LABEL_WORDS) ||
        (t->networks && bits * 64 != HUNT_KEY_NETWORKS_BITS) ||
        (t->url_hosts && (!t->url_host_words || t->url_host_words & (t->url_host_words - 1))) ||
        t->url_host_words > G_GUINT64_CONSTANT(1) << 32 || !t->strings_length ||
        t->strings[t->strings_length - 1] != '\0')
        return input_error(error, "%s: is a broken table of indicators; build it again", name);
    return TRUE;
}

static struct hunt_table *take_table(struct table *table, const char *name, GError **error)
{
    g_autoptr(hunt_table_t) t = NULL;

    if (!table)
        return NULL;
    t = g_new0(struct hunt_table, 1);
    t->table = table;
    return find_sections(t, name, error) ? g_steal_pointer(&t) : NULL;
}

struct hunt_table *hunt_table_open(const char *path, GError **error)
{
    return take_table(table_open(path, HUNT_TABLE_KIND, error), path, error);
}

struct hunt_table *hunt_table_open_bytes(GBytes *bytes, const char *name, GError **error)
{
    return take_table(table_open_bytes(bytes, name, HUNT_TABLE_KIND, error), name, error);
}

void hunt_table_free(struct hunt_table *table)
{
    if (!table)
        return;
    table_free(table->table);
    g_free(table);
}

const struct table *hunt_table_table(const struct hunt_table *table)
{
    return table->table;
}

guint64 hunt_table_count(const struct hunt_table *table, enum indicator_kind kind)
{
    return table->summary->kinds[kind];
}

static gboolean holds(gconstpointer table, guint64 hash, gconstpointer key, gsize length)
{
    struct table_cursor cursor;

    return table_find(table, hash, key, length, &cursor);
}

struct hunt_needles hunt_table_needles(const struct hunt_table *table)
{
    struct hunt_needles needles = {
        .last_labels = table->last_labels,
        .networks = table->networks,
        .lengths4 = table->summary->lengths4 & LENGTHS4_MASK,
        .url_hosts = table->url_hosts,
        .url_host_words = table->url_host_words,
        .digests = table->summary->digests != 0,
        .emails = table->summary->emails != 0,
        .filters = { table_filter(table->table) },
        .filter_count = 1,
        .holds = holds,
        .table = table->table,
    };

    memcpy(needles.lengths6, table->summary->lengths6, sizeof needles.lengths6);
    needles.lengths6[2] &= LENGTHS6_LAST_MASK;
    return needles;
}

/* NULL for none. */
static const char *string_at(const struct hunt_table *table, guint64 offset)
{
    return offset && offset < table->strings_length ? table->strings + offset : NULL;
}

guint hunt_table_sources(const struct hunt_table *table)
{
    return (guint)table->source_count;
}

gboolean hunt_table_source(const struct hunt_table *table, guint index, struct hunt_source *source)
{
    const struct hunt_source_row *row;

    if (index >= table->source_count)
        return FALSE;
    row = &table->sources[index];
    *source = (struct hunt_source){
        .name = string_at(table, row->name),
        .title = string_at(table, row->title),
        .id = string_at(table, row->id),
        .path = string_at(table, row->path),
        .format = MIN(row->format, FEED_FORMATS - 1),
        .tlp = MIN(row->tlp, TLP_RED),
        .time_us = row->time_us,
        .assertions = row->assertions,
    };
    return TRUE;
}

const char *hunt_table_warning(const struct hunt_table *table, guint index)
{
    return index < table->warning_count ? string_at(table, table->warnings[index]) : NULL;
}

gboolean hunt_table_skipped(const struct hunt_table *table, guint index, const char **name,
                            const char **text, guint64 *count)
{
    if (index >= table->skip_count)
        return FALSE;
    *name = string_at(table, table->skips[index].name);
    *text = string_at(table, table->skips[index].text);
    *count = table->skips[index].count;
    return *name && *text;
}

void hunt_cursor_clear(struct hunt_cursor *cursor)
{
    g_free(cursor->text);
    *cursor = (struct hunt_cursor){ 0 };
}

static void set_key(struct hunt_cursor *cursor, gconstpointer key, gsize length)
{
    g_clear_pointer(&cursor->text, g_free);
    cursor->key = key;
    cursor->key_length = length;
}

gboolean hunt_table_find(const struct hunt_table *table, guint64 hash, gconstpointer key,
                         gsize length, struct hunt_cursor *cursor)
{
    set_key(cursor, key, length);
    return table_find(table->table, hash, key, length, &cursor->values);
}

gboolean hunt_table_walk(const struct hunt_table *table, struct table_walk *walk,
                         struct hunt_cursor *cursor)
{
    if (!table_walk_next(table->table, walk))
        return FALSE;
    set_key(cursor, walk->key, walk->length);
    cursor->values = walk->cursor;
    return TRUE;
}

static char *network_text(const guint8 *key, gsize length, enum indicator_kind kind)
{
    char text[INET6_ADDRSTRLEN];
    guint family = key[1], prefix = key[2];

    inet_ntop(family == 4 ? AF_INET : AF_INET6, key + 3, text, sizeof text);
    return kind == INDICATOR_CIDR ? g_strdup_printf("%s/%u", text, prefix) : g_strdup(text);
}

static char *name_text(const guint8 *key, gsize length, enum indicator_kind kind)
{
    return g_utf8_make_valid((const char *)key + 1, length - 1);
}

static char *url_text(const guint8 *key, gsize length, enum indicator_kind kind)
{
    g_autofree char *rest = g_utf8_make_valid((const char *)key + 2, length - 2);
    const char *scheme = key[1] == 'h' ? "http://" : key[1] == 's' ? "https://" : "";

    return g_strconcat(scheme, rest, NULL);
}

static char *digest_text(const guint8 *key, gsize length, enum indicator_kind kind)
{
    GString *text = g_string_sized_new(2 * length);

    for (gsize i = 1; i < length; i++)
        g_string_append_printf(text, "%02x", key[i]);
    return g_string_free(text, FALSE);
}

/* How the keys of a kind look, and what is read from them. */
static const struct {
    guint8 letter, length_min;
    char *(*text)(const guint8 *key, gsize length, enum indicator_kind kind);
} key_shapes[INDICATOR_KINDS] = {
    [INDICATOR_IPV4] = { HUNT_KEY_NETWORK, 3 + 4, network_text },
    [INDICATOR_IPV6] = { HUNT_KEY_NETWORK, 3 + 16, network_text },
    [INDICATOR_CIDR] = { HUNT_KEY_NETWORK, 3 + 4, network_text },
    [INDICATOR_DOMAIN] = { HUNT_KEY_NAME, 2, name_text },
    [INDICATOR_HOST] = { HUNT_KEY_NAME, 2, name_text },
    [INDICATOR_URL] = { HUNT_KEY_URL, 3, url_text },
    [INDICATOR_HASH] = { HUNT_KEY_DIGEST, 2, digest_text },
    [INDICATOR_EMAIL] = { HUNT_KEY_EMAIL, 2, name_text },
};

/* Whether a key of `length` bytes may stand for an indicator of `kind`. */
static gboolean key_fits(const guint8 *key, gsize length, guint kind)
{
    guint family, bits;

    if (kind >= INDICATOR_KINDS || length < key_shapes[kind].length_min ||
        key[0] != key_shapes[kind].letter)
        return FALSE;
    if (key[0] != HUNT_KEY_NETWORK)
        return TRUE;
    family = key[1];
    bits = family == 4 ? 32 : 128;
    return (family == 4 || family == 6) && length == 3 + bits / 8 && key[2] <= bits &&
           (kind == INDICATOR_CIDR ||
            (key[2] == bits && (kind == INDICATOR_IPV4) == (family == 4)));
}

static void read_indicator(struct hunt_cursor *cursor, enum indicator_kind kind,
                           struct indicator *indicator)
{
    const guint8 *key = cursor->key;

    if (!cursor->text || cursor->text_kind != kind) {
        g_free(cursor->text);
        cursor->text = key_shapes[kind].text(key, cursor->key_length, kind);
        cursor->text_kind = kind;
    }
    *indicator = (struct indicator){ .kind = kind, .text = cursor->text };
    if (key[0] == HUNT_KEY_NETWORK) {
        indicator->family = key[1];
        indicator->prefix = key[2];
        memcpy(indicator->address, key + 3, cursor->key_length - 3);
    }
}

static gboolean read_byte(const guint8 **at, const guint8 *end, guint8 *byte)
{
    if (*at == end)
        return FALSE;
    *byte = *(*at)++;
    return TRUE;
}

static gboolean read_time(const guint8 **at, const guint8 *end, gint64 *time_us)
{
    guint64 word;

    if ((gsize)(end - *at) < sizeof word)
        return FALSE;
    memcpy(&word, *at, sizeof word);
    *at += sizeof word;
    *time_us = (gint64)GUINT64_FROM_LE(word);
    return TRUE;
}

/* A text with its zero byte, where it lies. */
static gboolean read_text(const guint8 **at, const guint8 *end, const char **text)
{
    const guint8 *zero = memchr(*at, 0, end - *at);

    if (!zero || !g_utf8_validate((const char *)*at, zero - *at, NULL))
        return FALSE;
    *text = (const char *)*at;
    *at = zero + 1;
    return TRUE;
}

static gboolean read_warning(const guint8 **at, const guint8 *end, guint *warning)
{
    guint64 number;

    if (!varint_read(at, end, &number) || number > G_MAXUINT)
        return FALSE;
    *warning = (guint)number;
    return TRUE;
}

static gboolean read_labels(const struct hunt_table *table, const guint8 **at, const guint8 *end,
                            const char **labels)
{
    guint64 offset;

    if (!varint_read(at, end, &offset))
        return FALSE;
    *labels = string_at(table, offset);
    return *labels != NULL;
}

/* What stands in a value besides the indicator; the value is used up. */
static gboolean read_value(const struct hunt_table *table, const guint8 *at, const guint8 *end,
                           guint8 *kind, struct assertion *assertion)
{
    guint8 flags, tlp, present;
    guint64 source;

    if (!read_byte(&at, end, kind) || !read_byte(&at, end, &flags) || !read_byte(&at, end, &tlp) ||
        !read_byte(&at, end, &present) || !varint_read(&at, end, &source) || tlp > TLP_RED ||
        source >= table->source_count)
        return FALSE;
    *assertion = (struct assertion){
        .source = (guint32)source, .confidence = ASSERTION_NO_CONFIDENCE, .tlp = tlp, .flags = flags
    };
    return (!(present & HUNT_HAS_CONFIDENCE) || read_byte(&at, end, &assertion->confidence)) &&
           (!(present & HUNT_HAS_FROM) || read_time(&at, end, &assertion->valid_from_us)) &&
           (!(present & HUNT_HAS_UNTIL) || read_time(&at, end, &assertion->valid_until_us)) &&
           (!(present & HUNT_HAS_WARNING) || read_warning(&at, end, &assertion->warning)) &&
           (!(present & HUNT_HAS_LABELS) || read_labels(table, &at, end, &assertion->labels)) &&
           (!(present & HUNT_HAS_OBJECT) || read_text(&at, end, &assertion->object)) &&
           (!(present & HUNT_HAS_ORIGINAL) || read_text(&at, end, &assertion->original)) &&
           at == end;
}

gboolean hunt_table_next(const struct hunt_table *table, struct hunt_cursor *cursor,
                         struct assertion *assertion)
{
    const guint8 *value;
    gsize length;

    while (table_next(&cursor->values, &value, &length)) {
        guint8 kind;

        /* What is no assertion of this program says nothing. */
        if (!read_value(table, value, value + length, &kind, assertion) ||
            !key_fits(cursor->key, cursor->key_length, kind))
            continue;
        read_indicator(cursor, kind, &assertion->indicator);
        return TRUE;
    }
    return FALSE;
}
