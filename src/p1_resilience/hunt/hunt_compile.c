#include "base/error.h"
#include "base/varint.h"
#include "p1_resilience/hunt/hit_terms.h"
#include "p1_resilience/hunt/hunt_table.h"
#include "p1_resilience/hunt/hunt_table_layout.h"
#include "p1_resilience/hunt/sieve.h"
#include "table/table_writer.h"

#include <string.h>

#define MEMORY ((gsize)512 * 1024 * 1024) /* of keys and values; more goes through files */
#define TABLE_MODE 0600
#define EXAMPLE_LENGTH 120 /* bytes of what was left out */
#define URL_HOST_WORDS_MIN 64
#define URL_HOSTS_PER_WORD 4 /* 16 bits each */
#define NETWORK_BITS 24      /* of an address, in the section of networks */
#define WORD_BITS 64
/* Bytes of a value besides its texts. */
#define VALUE_FIXED_MAX (4 + 3 * VARINT_MAX + 1 + 2 * sizeof(gint64))

struct hunt_compiler {
    char *path;
    struct table_writer *writer;
    struct hunt_summary summary;
    guint64 *last_labels; /* NULL until there is a name */
    guint64 *networks;    /* NULL until there is an IPv4 network */
    GArray *url_hosts;    /* guint64: hashes */
    GArray *endings;      /* the same */
    gboolean unsievable;  /* a name is in the way of the endings */
    GByteArray *strings;
    GHashTable *offsets; /* text -> offset in strings */
    GByteArray *value;
    GHashTable *terms; /* GBytes: keys that are in the table as terms */
    struct hunt_key key;
    gboolean full;       /* more strings than their offsets can name */
    guint64 too_long;    /* assertions whose key would be */
    char *too_long_text; /* of the first, its beginning */
    guint32 too_long_source;
};

static gsize put_network_key(const struct indicator *indicator, guint8 *to)
{
    gsize size = indicator->family == 4 ? 4 : 16;

    to[0] = HUNT_KEY_NETWORK;
    to[1] = indicator->family;
    to[2] = indicator->prefix;
    memcpy(to + 3, indicator->address, size);
    return 3 + size;
}

static guint32 address4(const struct indicator *indicator)
{
    guint32 address;

    memcpy(&address, indicator->address, sizeof address);
    return GUINT32_FROM_BE(address);
}

static gboolean network_key(const struct indicator *indicator, struct hunt_key *key)
{
    key->length = put_network_key(indicator, key->bytes);
    key->hash = indicator->family == 4 ? hunt_key_network4(address4(indicator), indicator->prefix)
                                       : hunt_key_network6(indicator->address, indicator->prefix);
    return TRUE;
}

/* The key that is one letter and these bytes. */
static gboolean bytes_key(guint8 letter, const guint8 *bytes, gsize length, struct hunt_key *key)
{
    if (length > HUNT_KEY_MAX - 1)
        return FALSE;
    key->bytes[0] = letter;
    memcpy(key->bytes + 1, bytes, length);
    key->length = 1 + length;
    return TRUE;
}

static gboolean name_key(const struct indicator *indicator, struct hunt_key *key)
{
    const guint8 *name = (const guint8 *)indicator->text;
    gsize length = strlen(indicator->text);

    key->hash = hunt_key_name(name, length);
    return length <= HUNT_KEY_NAME_MAX && bytes_key(HUNT_KEY_NAME, name, length, key);
}

static gboolean email_key(const struct indicator *indicator, struct hunt_key *key)
{
    const guint8 *text = (const guint8 *)indicator->text;
    gsize length = strlen(indicator->text);

    key->hash = hunt_key_email(text, length);
    return bytes_key(HUNT_KEY_EMAIL, text, length, key);
}

static gboolean digest_key(const struct indicator *indicator, struct hunt_key *key)
{
    const char *text = indicator->text;
    gsize length = strlen(text) / 2;
    guint8 digest[64];

    if (length > sizeof digest)
        return FALSE;
    for (gsize i = 0; i < length; i++)
        digest[i] = (guint8)(g_ascii_xdigit_value(text[2 * i]) << 4 |
                             g_ascii_xdigit_value(text[2 * i + 1]));
    key->hash = hunt_key_digest(digest, length);
    return bytes_key(HUNT_KEY_DIGEST, digest, length, key);
}

/* What stands after "://" of a URL's normal form, and its scheme's letter. */
static const char *url_rest(const char *text, guint8 *scheme)
{
    if (g_str_has_prefix(text, "http://")) {
        *scheme = 'h';
        return text + strlen("http://");
    }
    if (g_str_has_prefix(text, "https://")) {
        *scheme = 's';
        return text + strlen("https://");
    }
    *scheme = HUNT_KEY_ANY_SCHEME;
    return text;
}

static gboolean url_key(const struct indicator *indicator, struct hunt_key *key)
{
    guint8 scheme;
    const char *rest = url_rest(indicator->text, &scheme);
    gsize length = strlen(rest);

    if (length > HUNT_KEY_MAX - 2)
        return FALSE;
    key->bytes[0] = HUNT_KEY_URL;
    key->bytes[1] = scheme;
    memcpy(key->bytes + 2, rest, length);
    key->length = 2 + length;
    key->hash = hunt_key_url(hunt_key_url_rest((const guint8 *)rest, length), scheme);
    return TRUE;
}

gboolean hunt_key_of(const struct indicator *indicator, struct hunt_key *key)
{
    static gboolean (*const makers[INDICATOR_KINDS])(const struct indicator *,
                                                     struct hunt_key *) = {
        [INDICATOR_IPV4] = network_key, [INDICATOR_IPV6] = network_key,
        [INDICATOR_CIDR] = network_key, [INDICATOR_DOMAIN] = name_key,
        [INDICATOR_HOST] = name_key,    [INDICATOR_URL] = url_key,
        [INDICATOR_HASH] = digest_key,  [INDICATOR_EMAIL] = email_key,
    };

    return makers[indicator->kind](indicator, key);
}

struct hunt_compiler *hunt_compiler_new(const char *path, gint64 built_us, gint64 expires_us,
                                        GError **error)
{
    const struct table_description description = {
        .kind = HUNT_TABLE_KIND,
        .serial = (guint64)built_us,
        .built_us = built_us,
        .expires_us = expires_us,
    };
    g_autoptr(hunt_compiler_t) compiler = g_new0(struct hunt_compiler, 1);

    compiler->path = g_strdup(path);
    compiler->summary.key_version = HUNT_KEY_VERSION;
    compiler->url_hosts = g_array_new(FALSE, FALSE, sizeof(guint64));
    compiler->endings = g_array_new(FALSE, FALSE, sizeof(guint64));
    compiler->strings = g_byte_array_new();
    compiler->offsets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    compiler->value = g_byte_array_new();
    compiler->terms =
        g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
    g_byte_array_append(compiler->strings, (const guint8 *)"", 1);
    compiler->writer = table_writer_new(path, &description, MEMORY, error);
    return compiler->writer ? g_steal_pointer(&compiler) : NULL;
}

void hunt_compiler_free(struct hunt_compiler *compiler)
{
    if (!compiler)
        return;
    table_writer_free(compiler->writer);
    g_free(compiler->last_labels);
    g_free(compiler->networks);
    g_array_unref(compiler->url_hosts);
    g_array_unref(compiler->endings);
    g_byte_array_unref(compiler->strings);
    g_hash_table_unref(compiler->offsets);
    g_byte_array_unref(compiler->value);
    g_hash_table_unref(compiler->terms);
    g_free(compiler->too_long_text);
    g_free(compiler->path);
    g_free(compiler);
}

/* The offset of a text in the strings, where equal ones stand once; 0 for none. */
static guint32 string_offset(struct hunt_compiler *compiler, const char *text)
{
    gpointer found;
    guint32 offset = compiler->strings->len;

    if (!text || !*text)
        return 0;
    if (g_hash_table_lookup_extended(compiler->offsets, text, NULL, &found))
        return GPOINTER_TO_UINT(found);
    if (strlen(text) >= G_MAXINT32 - compiler->strings->len) {
        compiler->full = TRUE;
        return 0;
    }
    g_byte_array_append(compiler->strings, (const guint8 *)text, strlen(text) + 1);
    g_hash_table_insert(compiler->offsets, g_strdup(text), GUINT_TO_POINTER(offset));
    return offset;
}

static void add_name(struct hunt_compiler *compiler, const struct indicator *indicator)
{
    const guint8 *name = (const guint8 *)indicator->text;
    gsize length = strlen(indicator->text);
    enum sieve_name sort;
    guint64 ending;

    if (!compiler->last_labels)
        compiler->last_labels = g_new0(guint64, HUNT_KEY_LAST_LABEL_WORDS);
    hunt_key_filter_set(compiler->last_labels, HUNT_KEY_LAST_LABEL_WORDS,
                        hunt_key_last_label(name, length));
    sort = sieve_name(name, length, &ending);
    if (sort == SIEVE_NAME_HAS_ENDING)
        g_array_append_val(compiler->endings, ending);
    compiler->unsievable |= sort == SIEVE_NAME_REFUSES;
}

static void add_network4(struct hunt_compiler *compiler, const struct indicator *indicator)
{
    guint32 first = address4(indicator) >> (32 - NETWORK_BITS);
    guint32 count = indicator->prefix < NETWORK_BITS ? 1u << (NETWORK_BITS - indicator->prefix) : 1;

    if (!compiler->networks)
        compiler->networks = g_new0(guint64, HUNT_KEY_NETWORKS_BITS / WORD_BITS);
    for (guint32 i = first; i < first + count; i++)
        compiler->networks[i / WORD_BITS] |= (guint64)1 << i % WORD_BITS;
    compiler->summary.lengths4 |= (guint64)1 << indicator->prefix;
}

static void add_network(struct hunt_compiler *compiler, const struct indicator *indicator)
{
    if (indicator->family == 4)
        add_network4(compiler, indicator);
    else
        compiler->summary.lengths6[indicator->prefix / WORD_BITS] |=
            (guint64)1 << indicator->prefix % WORD_BITS;
}

static const char *const own_ports[] = { ":80", ":443" };

static void add_url(struct hunt_compiler *compiler, const struct indicator *indicator)
{
    guint8 scheme;
    const char *rest = url_rest(indicator->text, &scheme);
    gsize length = strcspn(rest, "/?");
    guint64 hash = hunt_key_url_host((const guint8 *)rest, length);

    g_array_append_val(compiler->url_hosts, hash);
    /* "host:80/path" is also http://host/path, whose port goes. */
    for (guint i = 0; scheme == HUNT_KEY_ANY_SCHEME && i < G_N_ELEMENTS(own_ports); i++) {
        gsize port = strlen(own_ports[i]);

        if (length <= port || memcmp(rest + length - port, own_ports[i], port) != 0)
            continue;
        hash = hunt_key_url_host((const guint8 *)rest, length - port);
        g_array_append_val(compiler->url_hosts, hash);
    }
}

static void add_digest(struct hunt_compiler *compiler, const struct indicator *indicator)
{
    compiler->summary.digests = 1;
}

static void add_email(struct hunt_compiler *compiler, const struct indicator *indicator)
{
    compiler->summary.emails = 1;
}

/* Enters the indicator in the small filter of its kind. */
static void add_to_filter(struct hunt_compiler *compiler, const struct indicator *indicator)
{
    static void (*const adders[INDICATOR_KINDS])(struct hunt_compiler *,
                                                 const struct indicator *) = {
        [INDICATOR_IPV4] = add_network, [INDICATOR_IPV6] = add_network,
        [INDICATOR_CIDR] = add_network, [INDICATOR_DOMAIN] = add_name,
        [INDICATOR_HOST] = add_name,    [INDICATOR_URL] = add_url,
        [INDICATOR_HASH] = add_digest,  [INDICATOR_EMAIL] = add_email,
    };

    adders[indicator->kind](compiler, indicator);
}

/* Writes at `to`, and gives where to go on. */
static guint8 *put_time(guint8 *to, gint64 time_us)
{
    guint64 word = GUINT64_TO_LE((guint64)time_us);

    memcpy(to, &word, sizeof word);
    return to + sizeof word;
}

static guint8 *put_text(guint8 *to, const char *text)
{
    gsize size = strlen(text) + 1;

    memcpy(to, text, size);
    return to + size;
}

static gboolean says(const char *text)
{
    return text && *text;
}

static guint8 present_in(const struct assertion *assertion)
{
    return (assertion->confidence != ASSERTION_NO_CONFIDENCE ? HUNT_HAS_CONFIDENCE : 0) |
           (assertion->valid_from_us ? HUNT_HAS_FROM : 0) |
           (assertion->valid_until_us ? HUNT_HAS_UNTIL : 0) |
           (assertion->warning ? HUNT_HAS_WARNING : 0) |
           (says(assertion->labels) ? HUNT_HAS_LABELS : 0) |
           (says(assertion->object) ? HUNT_HAS_OBJECT : 0) |
           (says(assertion->original) ? HUNT_HAS_ORIGINAL : 0) |
           (says(assertion->terms) ? HUNT_HAS_TERMS : 0);
}

static gsize text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

/* The value of an assertion, in compiler->value; its length. */
static gsize pack_value(struct hunt_compiler *compiler, const struct assertion *assertion)
{
    const guint8 present = present_in(assertion);
    const guint8 head[] = { (guint8)assertion->indicator.kind, (guint8)assertion->flags,
                            (guint8)assertion->tlp, present };
    guint8 *at;

    g_byte_array_set_size(compiler->value, VALUE_FIXED_MAX + text_size(assertion->object) +
                                               text_size(assertion->original) +
                                               text_size(assertion->terms));
    at = compiler->value->data;
    memcpy(at, head, sizeof head);
    at += sizeof head;
    at += varint_write(at, assertion->source);
    if (present & HUNT_HAS_CONFIDENCE)
        *at++ = assertion->confidence;
    if (present & HUNT_HAS_FROM)
        at = put_time(at, assertion->valid_from_us);
    if (present & HUNT_HAS_UNTIL)
        at = put_time(at, assertion->valid_until_us);
    if (present & HUNT_HAS_WARNING)
        at += varint_write(at, assertion->warning);
    if (present & HUNT_HAS_LABELS)
        at += varint_write(at, string_offset(compiler, assertion->labels));
    if (present & HUNT_HAS_OBJECT)
        at = put_text(at, assertion->object);
    if (present & HUNT_HAS_ORIGINAL)
        at = put_text(at, assertion->original);
    if (present & HUNT_HAS_TERMS)
        at = put_text(at, assertion->terms);
    return at - compiler->value->data;
}

/* One value that is too long does not keep the others from being hunted. */
static void leave_out(struct hunt_compiler *compiler, const struct assertion *assertion)
{
    if (compiler->too_long++ == 0) {
        compiler->too_long_text = g_strndup(assertion->indicator.text, EXAMPLE_LENGTH);
        compiler->too_long_source = assertion->source;
    }
}

/* Has the scanner find what else the assertion asks for. */
static gboolean take_terms(struct hunt_compiler *compiler, const char *terms, GError **error)
{
    static const guint8 value = HUNT_VALUE_TERM;
    g_autofree struct hunt_key *key = g_new(struct hunt_key, 1);
    struct indicator term;
    gboolean added = TRUE;

    while (added && hit_terms_next(&terms, &term, key)) {
        g_autoptr(GBytes) bytes = g_bytes_new(key->bytes, key->length);

        compiler->summary.terms = 1;
        if (!g_hash_table_contains(compiler->terms, bytes)) {
            add_to_filter(compiler, &term);
            added = table_writer_add(compiler->writer, key->hash, key->bytes, key->length, &value,
                                     sizeof value, error);
            g_hash_table_add(compiler->terms, g_steal_pointer(&bytes));
        }
        indicator_clear(&term);
    }
    return added;
}

gboolean hunt_compiler_take(const struct assertion *assertion, gpointer data, GError **error)
{
    struct hunt_compiler *compiler = data;
    const struct indicator *indicator = &assertion->indicator;
    gsize length;

    if (!hunt_key_of(indicator, &compiler->key)) {
        leave_out(compiler, assertion);
        return TRUE;
    }
    if (says(assertion->terms) && !take_terms(compiler, assertion->terms, error))
        return FALSE;
    length = pack_value(compiler, assertion);
    if (compiler->full)
        return input_error(error, "%s: more than 2 GB of different labels", compiler->path);
    add_to_filter(compiler, indicator);
    compiler->summary.kinds[indicator->kind]++;
    return table_writer_add(compiler->writer, compiler->key.hash, compiler->key.bytes,
                            compiler->key.length, compiler->value->data, length, error);
}

static gboolean write_words(struct hunt_compiler *compiler, guint32 section, const guint64 *words,
                            gsize count, GError **error)
{
    return table_writer_section(compiler->writer, section, sizeof *words, words,
                                count * sizeof *words, error);
}

static gboolean write_sieve(struct hunt_compiler *compiler, GError **error)
{
    gsize words = sieve_words(compiler->endings->len);
    g_autofree guint64 *endings = g_new0(guint64, words);
    guint64 middles[HUNT_KEY_MIDDLES_WORDS];

    for (guint i = 0; i < compiler->endings->len; i++)
        sieve_set_ending(endings, words, g_array_index(compiler->endings, guint64, i));
    return (compiler->unsievable || write_words(compiler, HUNT_ENDINGS, endings, words, error)) &&
           (!compiler->networks || !sieve_middles(compiler->networks, middles) ||
            write_words(compiler, HUNT_MIDDLES, middles, HUNT_KEY_MIDDLES_WORDS, error));
}

static gboolean write_filters(struct hunt_compiler *compiler, GError **error)
{
    struct table_writer *writer = compiler->writer;
    const GArray *hosts = compiler->url_hosts;
    g_autofree guint64 *url_hosts = NULL;
    gsize words = URL_HOST_WORDS_MIN;

    if (compiler->last_labels &&
        !table_writer_section(writer, HUNT_LAST_LABELS, sizeof(guint64), compiler->last_labels,
                              HUNT_KEY_LAST_LABEL_WORDS * sizeof(guint64), error))
        return FALSE;
    if (compiler->networks &&
        !table_writer_section(writer, HUNT_NETWORKS, sizeof(guint64), compiler->networks,
                              HUNT_KEY_NETWORKS_BITS / 8, error))
        return FALSE;
    if (!hosts->len)
        return TRUE;
    while (words < hosts->len / URL_HOSTS_PER_WORD)
        words *= 2;
    url_hosts = g_new0(guint64, words);
    for (guint i = 0; i < hosts->len; i++)
        hunt_key_filter_set(url_hosts, words, g_array_index(hosts, guint64, i));
    return table_writer_section(writer, HUNT_URL_HOSTS, sizeof(guint64), url_hosts,
                                words * sizeof(guint64), error);
}

static gboolean write_sources(struct hunt_compiler *compiler, const struct feed_report *report,
                              GError **error)
{
    g_autoptr(GArray) rows = g_array_new(FALSE, TRUE, sizeof(struct hunt_source_row));

    for (guint i = 0; i < report->sources->len; i++) {
        const struct feed_source *source = report->sources->pdata[i];
        const struct hunt_source_row row = {
            .name = string_offset(compiler, source->name),
            .title = string_offset(compiler, source->title),
            .id = string_offset(compiler, source->id),
            .path = string_offset(compiler, source->path),
            .format = source->format,
            .tlp = source->tlp,
            .time_us = source->time_us,
            .assertions = source->assertions,
        };

        g_array_append_val(rows, row);
    }
    return table_writer_section(compiler->writer, HUNT_SOURCES, sizeof(struct hunt_source_row),
                                rows->data, rows->len * sizeof(struct hunt_source_row), error);
}

static gboolean write_warnings(struct hunt_compiler *compiler, const struct warning_lists *warnings,
                               GError **error)
{
    g_autoptr(GArray) names = g_array_new(FALSE, TRUE, sizeof(guint32));

    for (guint i = 0; warnings && i < warning_lists_count(warnings); i++) {
        guint32 name = string_offset(compiler, warning_list_name(warnings, i));

        g_array_append_val(names, name);
    }
    return table_writer_section(compiler->writer, HUNT_WARNINGS, sizeof(guint32), names->data,
                                names->len * sizeof(guint32), error);
}

static gboolean write_skips(struct hunt_compiler *compiler, const struct feed_report *report,
                            GError **error)
{
    g_autoptr(GArray) rows = g_array_new(FALSE, TRUE, sizeof(struct hunt_skip_row));

    for (guint skip = 0; skip < FEED_SKIPS; skip++) {
        const struct hunt_skip_row row = {
            .name = string_offset(compiler, feed_skip_name(skip)),
            .text = string_offset(compiler, feed_skip_text(skip)),
            .count = report->skipped[skip].count,
        };

        if (row.count)
            g_array_append_val(rows, row);
    }
    return table_writer_section(compiler->writer, HUNT_SKIPS, sizeof(struct hunt_skip_row),
                                rows->data, rows->len * sizeof(struct hunt_skip_row), error);
}

static void report_too_long(const struct hunt_compiler *compiler, struct feed_report *report)
{
    struct feed_skipped *skipped = &report->skipped[FEED_SKIP_INDICATOR + INDICATOR_TOO_LONG];

    if (compiler->too_long && skipped->count < FEED_EXAMPLES) {
        const struct feed_source *source = report->sources->pdata[compiler->too_long_source];

        skipped->detail[skipped->count] = g_strdup(compiler->too_long_text);
        skipped->place[skipped->count] = g_strdup(source->path);
    }
    skipped->count += compiler->too_long;
}

gboolean hunt_compiler_finish(struct hunt_compiler *compiler, struct feed_report *report,
                              const struct warning_lists *warnings, GError **error)
{
    report_too_long(compiler, report);
    return table_writer_section(compiler->writer, HUNT_SUMMARY, sizeof compiler->summary,
                                &compiler->summary, sizeof compiler->summary, error) &&
           write_filters(compiler, error) && write_sieve(compiler, error) &&
           write_sources(compiler, report, error) && write_warnings(compiler, warnings, error) &&
           write_skips(compiler, report, error) &&
           table_writer_section(compiler->writer, HUNT_STRINGS, 1, compiler->strings->data,
                                compiler->strings->len, error) &&
           table_writer_finish(compiler->writer, TABLE_MODE, error);
}
