#include "p1_resilience/hunt/hunt_table.h"

#include "base/error.h"
#include "base/varint.h"
#include "p1_resilience/hunt/hunt_table_layout.h"

#include <arpa/inet.h>
#include <string.h>

/* Prefix lengths that there are: 0..32, and 128 in the last of three words. */
#define LENGTHS4_MASK ((G_GUINT64_CONSTANT(1) << 33) - 1)
#define LENGTHS6_LAST_MASK G_GUINT64_CONSTANT(1)
#define NETWORKS_WORDS (HUNT_KEY_NETWORKS_BITS / 64)

/* The scanner's filters that stand in sections, each of a power of two words. */
enum filter { LAST_LABELS, NETWORKS, URL_HOSTS, ENDINGS, MIDDLES, FILTERS };

struct words {
    const guint64 *words; /* NULL: none */
    gsize count;
};

/* What one table of the set says beside its keys. */
struct part {
    const struct hunt_summary *summary;
    struct words filters[FILTERS];
    const char *strings;
    gsize strings_length;
    const struct hunt_source_row *sources;
    const guint32 *warnings;
    const struct hunt_skip_row *skips;
    gsize source_count, warning_count, skip_count;
    guint first_source, first_warning; /* in the numbering of the whole */
};

struct hunt_table {
    struct table_set *set;
    struct part *parts; /* one for each table of the set */
    gsize count;
    struct words filters[FILTERS]; /* of all parts together */
    guint64 *joined[FILTERS];      /* those that had to be made of several */
};

/* Whether the filter is not there, or has as many words as it may. */
static gboolean is_filter(struct words filter, gsize least, gsize most)
{
    return !filter.words || (filter.count >= least && filter.count <= most &&
                             (filter.count & (filter.count - 1)) == 0);
}

static gboolean find_sections(struct part *part, const struct table *table, const char *name,
                              GError **error)
{
    static const guint32 sections[FILTERS] = { HUNT_LAST_LABELS, HUNT_NETWORKS, HUNT_URL_HOSTS,
                                               HUNT_ENDINGS, HUNT_MIDDLES };
    gsize summaries;

    part->summary = table_section(table, HUNT_SUMMARY, sizeof *part->summary, &summaries);
    for (guint i = 0; i < FILTERS; i++)
        part->filters[i].words =
            table_section(table, sections[i], sizeof(guint64), &part->filters[i].count);
    part->strings = table_section(table, HUNT_STRINGS, 1, &part->strings_length);
    part->sources = table_section(table, HUNT_SOURCES, sizeof *part->sources, &part->source_count);
    part->warnings =
        table_section(table, HUNT_WARNINGS, sizeof *part->warnings, &part->warning_count);
    part->skips = table_section(table, HUNT_SKIPS, sizeof *part->skips, &part->skip_count);
    if (summaries == 1 && part->summary->key_version != HUNT_KEY_VERSION)
        return input_error(error, "%s: built by another version of this program; build it again",
                           name);
    if (summaries != 1 ||
        !is_filter(part->filters[LAST_LABELS], HUNT_KEY_LAST_LABEL_WORDS,
                   HUNT_KEY_LAST_LABEL_WORDS) ||
        !is_filter(part->filters[NETWORKS], NETWORKS_WORDS, NETWORKS_WORDS) ||
        !is_filter(part->filters[URL_HOSTS], 1, (gsize)1 << 32) ||
        !is_filter(part->filters[ENDINGS], 1, (gsize)1 << 32) ||
        !is_filter(part->filters[MIDDLES], HUNT_KEY_MIDDLES_WORDS, HUNT_KEY_MIDDLES_WORDS) ||
        !part->strings_length || part->strings[part->strings_length - 1] != '\0')
        return input_error(error, "%s: is a broken table of indicators; build it again", name);
    return TRUE;
}

/* One filter that passes what any of the parts' passes; a smaller one stands in it repeatedly. */
static void join_filter(struct hunt_table *t, enum filter filter)
{
    struct words *whole = &t->filters[filter];
    gsize several = 0;

    for (gsize i = 0; i < t->count; i++) {
        struct words part = t->parts[i].filters[filter];

        several += part.words != NULL;
        if (part.count > whole->count)
            *whole = part;
    }
    if (several < 2)
        return;
    t->joined[filter] = g_new0(guint64, whole->count);
    for (gsize i = 0; i < t->count; i++) {
        struct words part = t->parts[i].filters[filter];

        for (gsize word = 0; part.words && word < whole->count; word++)
            t->joined[filter][word] |= part.words[word & (part.count - 1)];
    }
    whole->words = t->joined[filter];
}

/* `name` is for errors. Takes the set, which may be NULL for one that could not be opened. */
static struct hunt_table *take_set(struct table_set *set, const char *name, GError **error)
{
    g_autoptr(hunt_table_t) t = NULL;

    if (!set)
        return NULL;
    t = g_new0(struct hunt_table, 1);
    t->set = set;
    t->count = table_set_size(set);
    t->parts = g_new0(struct part, t->count);
    for (gsize i = 0; i < t->count; i++) {
        struct part *part = &t->parts[i];

        if (!find_sections(part, table_set_table(set, i), name, error))
            return NULL;
        if (i > 0) {
            part->first_source = part[-1].first_source + (guint)part[-1].source_count;
            part->first_warning = part[-1].first_warning + (guint)part[-1].warning_count;
        }
    }
    for (guint i = 0; i < FILTERS; i++)
        join_filter(t, i);
    return g_steal_pointer(&t);
}

static struct hunt_table *take_table(struct table *table, const char *name, GError **error)
{
    return table ? take_set(table_set_of(&table, 1, error), name, error) : NULL;
}

struct hunt_table *hunt_table_open(const char *path, GError **error)
{
    return take_table(table_open(path, HUNT_TABLE_KIND, error), path, error);
}

struct hunt_table *hunt_table_open_bytes(GBytes *bytes, const char *name, GError **error)
{
    return take_table(table_open_bytes(bytes, name, HUNT_TABLE_KIND, error), name, error);
}

struct hunt_table *hunt_table_open_all(const char *const *paths, GError **error)
{
    struct table *tables[HUNT_NEEDLES_FILTERS_MAX];
    g_autofree char *names = g_strjoinv(", ", (char **)paths);
    gsize count = 0;

    if (g_strv_length((char **)paths) > HUNT_NEEDLES_FILTERS_MAX) {
        input_error(error, "%s: more than %d tables; build one of them all", names,
                    HUNT_NEEDLES_FILTERS_MAX);
        return NULL;
    }
    for (; paths[count]; count++) {
        tables[count] = table_open(paths[count], HUNT_TABLE_KIND, error);
        if (tables[count])
            continue;
        while (count > 0)
            table_free(tables[--count]);
        return NULL;
    }
    return take_set(table_set_of(tables, count, error), names, error);
}

void hunt_table_free(struct hunt_table *table)
{
    if (!table)
        return;
    for (guint i = 0; i < FILTERS; i++)
        g_free(table->joined[i]);
    g_free(table->parts);
    table_set_free(table->set);
    g_free(table);
}

gsize hunt_table_parts(const struct hunt_table *table)
{
    return table->count;
}

const struct table *hunt_table_part(const struct hunt_table *table, gsize index)
{
    return table_set_table(table->set, index);
}

guint64 hunt_table_bytes(const struct hunt_table *table)
{
    guint64 bytes = 0;

    for (gsize i = 0; i < table->count; i++)
        bytes += table_info(hunt_table_part(table, i))->size;
    return bytes;
}

guint64 hunt_table_count(const struct hunt_table *table, enum indicator_kind kind)
{
    guint64 count = 0;

    for (gsize i = 0; i < table->count; i++)
        count += table->parts[i].summary->kinds[kind];
    return count;
}

gboolean hunt_table_has_terms(const struct hunt_table *table)
{
    for (gsize i = 0; i < table->count; i++)
        if (table->parts[i].summary->terms)
            return TRUE;
    return FALSE;
}

static gboolean holds(gconstpointer set, guint64 hash, gconstpointer key, gsize length)
{
    struct table_set_cursor cursor;

    return table_set_find(set, hash, key, length, &cursor);
}

/* What a sieve passes over, no part may have: each part has to have one. */
static struct hunt_sieve sieve_of(const struct hunt_table *table)
{
    struct hunt_sieve sieve = { .endings = table->filters[ENDINGS].words,
                                .ending_words = table->filters[ENDINGS].count,
                                .middles = table->filters[MIDDLES].words };

    for (gsize i = 0; i < table->count; i++) {
        const struct words *filters = table->parts[i].filters;

        if (!filters[ENDINGS].words)
            sieve.endings = NULL;
        if (filters[NETWORKS].words && !filters[MIDDLES].words)
            sieve.middles = NULL;
    }
    return sieve;
}

struct hunt_needles hunt_table_needles(const struct hunt_table *table)
{
    struct hunt_needles needles = {
        .last_labels = table->filters[LAST_LABELS].words,
        .networks = table->filters[NETWORKS].words,
        .url_hosts = table->filters[URL_HOSTS].words,
        .url_host_words = table->filters[URL_HOSTS].count,
        .sieve = sieve_of(table),
        .filter_count = (guint)table->count,
        .holds = holds,
        .table = table->set,
    };

    for (gsize i = 0; i < table->count; i++) {
        const struct hunt_summary *summary = table->parts[i].summary;

        needles.filters[i] = table_filter(table_set_table(table->set, i));
        needles.lengths4 |= summary->lengths4 & LENGTHS4_MASK;
        for (guint word = 0; word < HUNT_LENGTHS6_WORDS; word++)
            needles.lengths6[word] |= summary->lengths6[word];
        needles.digests |= summary->digests != 0;
        needles.emails |= summary->emails != 0;
    }
    needles.lengths6[HUNT_LENGTHS6_WORDS - 1] &= LENGTHS6_LAST_MASK;
    return needles;
}

/* NULL for none. */
static const char *string_at(const struct part *part, guint64 offset)
{
    return offset && offset < part->strings_length ? part->strings + offset : NULL;
}

guint hunt_table_sources(const struct hunt_table *table)
{
    const struct part *last = &table->parts[table->count - 1];

    return last->first_source + (guint)last->source_count;
}

/* The part whose source this is; NULL behind the last. */
static const struct part *part_of_source(const struct hunt_table *table, guint index)
{
    for (gsize i = 0; i < table->count; i++) {
        if (index - table->parts[i].first_source < table->parts[i].source_count)
            return &table->parts[i];
    }
    return NULL;
}

gboolean hunt_table_source(const struct hunt_table *table, guint index, struct hunt_source *source)
{
    const struct part *part = part_of_source(table, index);
    const struct hunt_source_row *row;

    if (!part)
        return FALSE;
    row = &part->sources[index - part->first_source];
    *source = (struct hunt_source){
        .name = string_at(part, row->name),
        .title = string_at(part, row->title),
        .id = string_at(part, row->id),
        .path = string_at(part, row->path),
        .format = MIN(row->format, FEED_FORMATS - 1),
        .tlp = MIN(row->tlp, TLP_RED),
        .time_us = row->time_us,
        .assertions = row->assertions,
    };
    return TRUE;
}

const char *hunt_table_warning(const struct hunt_table *table, guint index)
{
    for (gsize i = 0; i < table->count; i++) {
        const struct part *part = &table->parts[i];

        if (index - part->first_warning < part->warning_count)
            return string_at(part, part->warnings[index - part->first_warning]);
    }
    return NULL;
}

gboolean hunt_table_skipped(const struct hunt_table *table, guint index, const char **name,
                            const char **text, guint64 *count)
{
    gsize at = index;

    for (gsize i = 0; i < table->count; at -= table->parts[i++].skip_count) {
        const struct part *part = &table->parts[i];

        if (at >= part->skip_count)
            continue;
        *name = string_at(part, part->skips[at].name);
        *text = string_at(part, part->skips[at].text);
        *count = part->skips[at].count;
        return *name && *text;
    }
    return FALSE;
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
    return table_set_find(table->set, hash, key, length, &cursor->values);
}

/* Whether a part before `part` has the key, too: then it was met there. */
static gboolean was_met(const struct hunt_table *table, gsize part, const struct table_walk *keys)
{
    for (gsize i = 0; i < part; i++) {
        struct table_cursor cursor;

        if (table_find(table_set_table(table->set, i), keys->hash, keys->key, keys->length,
                       &cursor))
            return TRUE;
    }
    return FALSE;
}

gboolean hunt_table_walk(const struct hunt_table *table, struct hunt_walk *walk,
                         struct hunt_cursor *cursor)
{
    for (; walk->part < table->count; walk->part++, walk->keys = (struct table_walk){ 0 }) {
        while (table_walk_next(table_set_table(table->set, walk->part), &walk->keys)) {
            if (!was_met(table, walk->part, &walk->keys) &&
                hunt_table_find(table, walk->keys.hash, walk->keys.key, walk->keys.length, cursor))
                return TRUE;
        }
    }
    return FALSE;
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

/* Of a key that fits. Borrows the text. */
static void fill_indicator(const guint8 *key, gsize length, enum indicator_kind kind, char *text,
                           struct indicator *indicator)
{
    *indicator = (struct indicator){ .kind = kind, .text = text };
    if (key[0] == HUNT_KEY_NETWORK) {
        indicator->family = key[1];
        indicator->prefix = key[2];
        memcpy(indicator->address, key + 3, length - 3);
    }
}

gboolean hunt_key_indicator(const guint8 *key, gsize length, struct indicator *indicator)
{
    for (guint kind = 0; kind < INDICATOR_KINDS; kind++) {
        if (!key_fits(key, length, kind))
            continue;
        fill_indicator(key, length, kind, key_shapes[kind].text(key, length, kind), indicator);
        return TRUE;
    }
    return FALSE;
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
    fill_indicator(key, cursor->key_length, kind, cursor->text, indicator);
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

static gboolean read_warning(const struct part *part, const guint8 **at, const guint8 *end,
                             guint *warning)
{
    guint64 number;

    if (!varint_read(at, end, &number))
        return FALSE;
    /* A list that is not there suppresses nothing. */
    *warning = number && number <= part->warning_count ? part->first_warning + (guint)number : 0;
    return TRUE;
}

static gboolean read_labels(const struct part *part, const guint8 **at, const guint8 *end,
                            const char **labels)
{
    guint64 offset;

    if (!varint_read(at, end, &offset))
        return FALSE;
    *labels = string_at(part, offset);
    return *labels != NULL;
}

/* What stands in a value besides the indicator; the value is used up. */
static gboolean read_value(const struct part *part, const guint8 *at, const guint8 *end,
                           guint8 *kind, struct assertion *assertion)
{
    guint8 flags, tlp, present;
    guint64 source;

    if (!read_byte(&at, end, kind) || !read_byte(&at, end, &flags) || !read_byte(&at, end, &tlp) ||
        !read_byte(&at, end, &present) || !varint_read(&at, end, &source) || tlp > TLP_RED ||
        source >= part->source_count)
        return FALSE;
    *assertion = (struct assertion){ .source = part->first_source + (guint32)source,
                                     .confidence = ASSERTION_NO_CONFIDENCE,
                                     .tlp = tlp,
                                     .flags = flags };
    return (!(present & HUNT_HAS_CONFIDENCE) || read_byte(&at, end, &assertion->confidence)) &&
           (!(present & HUNT_HAS_FROM) || read_time(&at, end, &assertion->valid_from_us)) &&
           (!(present & HUNT_HAS_UNTIL) || read_time(&at, end, &assertion->valid_until_us)) &&
           (!(present & HUNT_HAS_WARNING) || read_warning(part, &at, end, &assertion->warning)) &&
           (!(present & HUNT_HAS_LABELS) || read_labels(part, &at, end, &assertion->labels)) &&
           (!(present & HUNT_HAS_OBJECT) || read_text(&at, end, &assertion->object)) &&
           (!(present & HUNT_HAS_ORIGINAL) || read_text(&at, end, &assertion->original)) &&
           (!(present & HUNT_HAS_TERMS) || read_text(&at, end, &assertion->terms)) && at == end;
}

gboolean hunt_table_next(const struct hunt_table *table, struct hunt_cursor *cursor,
                         struct assertion *assertion)
{
    const guint8 *value;
    gsize length, part;

    while (table_set_next(&cursor->values, &value, &length, &part)) {
        guint8 kind;

        /* What is no assertion of this program says nothing. */
        if (!read_value(&table->parts[part], value, value + length, &kind, assertion) ||
            !key_fits(cursor->key, cursor->key_length, kind))
            continue;
        read_indicator(cursor, kind, &assertion->indicator);
        return TRUE;
    }
    return FALSE;
}
