/*
 * feed_wire.c: what a worker that parses feeds says to its parent, made and read.
 *
 * The parent trusts no byte of it: a worker that was taken over can lie about its own feed, and
 * nothing more. Numbers are in native order: both are one program.
 */
#include "p1_resilience/hunt/feed_private.h"
#include "p1_resilience/hunt/hit_terms.h"

#include <string.h>

#define BATCH_SIZE (256u << 10)

#define FEED_SORT_LIMIT 64

/* One assertion; its strings follow, each ending in NUL, and zeros up to a multiple of eight. */
struct record {
    guint32 size; /* of all of it */
    guint32 source, warning;
    guint16 flags;
    guint8 kind, family, prefix, tlp, confidence, zero;
    guint16 text, object, original, labels, terms; /* lengths without the NUL; absent when 0 */
    gint64 valid_from_us, valid_until_us;
    guint8 address[16];
};
G_STATIC_ASSERT(sizeof(struct record) % 8 == 0);

struct feed_parser *feed_parser_new(const struct feed_options *options,
                                    const struct public_suffixes *suffixes, feed_send send,
                                    gpointer to, guint32 sources)
{
    struct feed_parser *parser = g_new0(struct feed_parser, 1);

    parser->options = options;
    parser->suffixes = suffixes;
    parser->send = send;
    parser->to = to;
    parser->sources = sources;
    parser->flags = options->force ? INDICATOR_FORCE : 0;
    parser->batch = g_byte_array_sized_new(BATCH_SIZE + BATCH_SIZE / 4);
    parser->noted = g_byte_array_new();
    return parser;
}

void feed_skipped_clear(struct feed_skipped *skipped)
{
    for (guint i = 0; i < FEED_EXAMPLES; i++) {
        g_free(skipped->detail[i]);
        g_free(skipped->place[i]);
    }
    for (guint i = 0; i < FEED_SORTS; i++)
        g_free(skipped->sorts[i].name);
    memset(skipped, 0, sizeof *skipped);
}

static void clear_skips(struct feed_parser *parser)
{
    for (guint i = 0; i < FEED_SKIPS; i++)
        feed_skipped_clear(&parser->skipped[i]);
    memset(parser->changed, 0, sizeof parser->changed);
}

void feed_parser_free(struct feed_parser *parser)
{
    if (!parser)
        return;
    clear_skips(parser);
    g_byte_array_unref(parser->batch);
    g_byte_array_unref(parser->noted);
    g_free(parser);
}

struct assertion feed_assertion(guint32 source, enum tlp tlp)
{
    return (struct assertion){
        .source = source,
        .tlp = tlp,
        .confidence = ASSERTION_NO_CONFIDENCE,
        .flags = ASSERTION_TO_IDS,
    };
}

static void send_body(struct feed_parser *parser, guint8 kind, const GByteArray *body)
{
    if (!parser->send(parser->to, kind, body->data, body->len))
        parser->parent_gone = TRUE;
}

void feed_parser_progress(struct feed_parser *parser, guint64 done)
{
    parser->done = done;
    if (!parser->batch->len)
        g_byte_array_set_size(parser->batch, sizeof parser->done);
    memcpy(parser->batch->data, &parser->done, sizeof parser->done);
    send_body(parser, FEED_MESSAGE_RECORDS, parser->batch);
    g_byte_array_set_size(parser->batch, 0);
}

void feed_parser_flush(struct feed_parser *parser)
{
    if (parser->batch->len > sizeof parser->done)
        feed_parser_progress(parser, parser->done);
}

static void put(GByteArray *body, gconstpointer bytes, gsize length)
{
    g_byte_array_append(body, bytes, (guint)length);
}

static void put_u64(GByteArray *body, guint64 number)
{
    put(body, &number, sizeof number);
}

/* ---- in the worker: what a survey notes */

static void send_noted(struct feed_parser *parser)
{
    if (parser->noted->len)
        send_body(parser, FEED_MESSAGE_VERSIONS, parser->noted);
    g_byte_array_set_size(parser->noted, 0);
}

void feed_note_version(struct feed_parser *parser, const struct feed_version *version)
{
    put(parser->noted, version, sizeof *version);
    if (parser->noted->len >= BATCH_SIZE)
        send_noted(parser);
}

void feed_note_name(struct feed_parser *parser, const char *identity, const char *name,
                    guint64 version)
{
    g_autoptr(GByteArray) body = g_byte_array_new();

    if (strlen(identity) > FEED_OBJECT_LIMIT)
        return;
    put_u64(body, version);
    put(body, identity, strlen(identity) + 1);
    put(body, name, MIN(strlen(name), FEED_TITLE_LIMIT));
    put(body, "", 1);
    send_body(parser, FEED_MESSAGE_NAME, body);
}

void feed_note_marking(struct feed_parser *parser, const char *id, int level)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    const guint8 mark = (guint8)(level - MARKING_NO_LEVEL);

    if (!*id || strlen(id) > FEED_OBJECT_LIMIT)
        return;
    put(body, &mark, sizeof mark);
    put(body, id, strlen(id) + 1);
    send_body(parser, FEED_MESSAGE_MARKING, body);
}

/* A length, 0 for NULL and else one more than it is; and the bytes. */
static void put_string(GByteArray *body, const char *text, gsize limit)
{
    guint32 length = text ? (guint32)MIN(strlen(text), limit) : 0, mark = text ? length + 1 : 0;

    put(body, &mark, sizeof mark);
    put(body, text, length);
}

/* ---- in the worker: records */

static guint16 length_of(const char *text, gsize limit)
{
    return text ? (guint16)MIN(strlen(text), limit) : 0;
}

static guint8 *copy_string(guint8 *to, const char *text, guint16 length)
{
    if (!length)
        return to;
    memcpy(to, text, length);
    to[length] = '\0';
    return to + length + 1;
}

static guint space(guint16 length)
{
    return length ? length + 1u : 0;
}

static void put_record(struct feed_parser *parser, const struct assertion *as)
{
    const struct indicator *indicator = &as->indicator;
    struct record record = {
        .source = as->source,
        .warning = as->warning,
        .flags = (guint16)as->flags,
        .kind = (guint8)indicator->kind,
        .family = indicator->family,
        .prefix = indicator->prefix,
        .tlp = (guint8)as->tlp,
        .confidence = as->confidence,
        .text = length_of(indicator->text, INDICATOR_LENGTH_LIMIT * 2),
        .object = length_of(as->object, FEED_OBJECT_LIMIT),
        .original = length_of(as->original, INDICATOR_LENGTH_LIMIT),
        .labels = length_of(as->labels, FEED_LABELS_LIMIT),
        .terms = length_of(as->terms, HIT_TERMS_LIMIT),
        .valid_from_us = as->valid_from_us,
        .valid_until_us = as->valid_until_us,
    };
    gsize begin = parser->batch->len ? parser->batch->len : sizeof parser->done, size;
    guint8 *at;

    memcpy(record.address, indicator->address, sizeof record.address);
    size = sizeof record + space(record.text) + space(record.object) + space(record.original) +
           space(record.labels) + space(record.terms);
    record.size = (guint32)((size + 7) & ~(gsize)7);
    g_byte_array_set_size(parser->batch, (guint)(begin + record.size));
    at = parser->batch->data + begin;
    memcpy(at, &record, sizeof record);
    memset(at + record.size - 8, 0, 8 * (record.size > sizeof record));
    at = copy_string(at + sizeof record, indicator->text, record.text);
    at = copy_string(at, as->object, record.object);
    at = copy_string(at, as->original, record.original);
    at = copy_string(at, as->labels, record.labels);
    copy_string(at, as->terms, record.terms);
    if (parser->batch->len >= BATCH_SIZE)
        feed_parser_flush(parser);
}

void feed_add_indicator(struct feed_parser *parser, const struct indicator *indicator,
                        const struct assertion *as)
{
    struct assertion assertion = *as;

    assertion.indicator = *indicator;
    if (indicator->kind == INDICATOR_DOMAIN && parser->suffixes &&
        public_suffixes_have(parser->suffixes, indicator->text)) {
        assertion.indicator.kind = INDICATOR_HOST;
        assertion.flags |= ASSERTION_EXACT;
        parser->changed[INDICATOR_PUBLIC_SUFFIX]++;
    }
    if (parser->options->warnings)
        assertion.warning = warning_lists_match(parser->options->warnings, &assertion.indicator);
    put_record(parser, &assertion);
}

void feed_add(struct feed_parser *parser, const char *text, gsize length, guint only, guint64 line,
              const struct assertion *as)
{
    g_auto(indicator_t) indicator = { 0 };
    g_autofree char *original = NULL;
    struct assertion assertion = *as;
    enum indicator_why why;

    if (!indicator_parse(text, length, parser->flags | only, &indicator, &why)) {
        feed_skip(parser, FEED_SKIP_INDICATOR + why, line, as->object, text, length);
        return;
    }
    parser->changed[why]++;
    if (strlen(indicator.text) != length || memcmp(indicator.text, text, length) != 0)
        assertion.original = original = g_strndup(text, MIN(length, INDICATOR_LENGTH_LIMIT));
    feed_add_indicator(parser, &indicator, &assertion);
}

/* ---- in the worker: sources and what was skipped */

static const char *or_else(const char *text, const char *fallback)
{
    return text && *text ? text : fallback;
}

guint32 feed_source_add(struct feed_parser *parser, const struct feed_source *source)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    g_autofree char *file = g_path_get_basename(parser->path);

    feed_parser_flush(parser);
    put_u64(body, source->format);
    put_u64(body, source->tlp);
    put_u64(body, (guint64)source->time_us);
    put_string(body, or_else(parser->options->source, or_else(source->name, file)),
               FEED_TITLE_LIMIT);
    put_string(body, or_else(source->title, NULL), FEED_TITLE_LIMIT);
    put_string(body, or_else(source->id, NULL), FEED_OBJECT_LIMIT);
    put_string(body, parser->path, FEED_TITLE_LIMIT);
    send_body(parser, FEED_MESSAGE_SOURCE, body);
    return parser->sources++;
}

void feed_sort_add(struct feed_skipped *skipped, const char *name, guint64 count)
{
    guint i = 0;

    while (i < FEED_SORTS - 1 && skipped->sorts[i].name &&
           !g_str_equal(skipped->sorts[i].name, name))
        i++;
    if (!skipped->sorts[i].name)
        skipped->sorts[i].name = g_strndup(i < FEED_SORTS - 1 ? name : "others", FEED_SORT_LIMIT);
    skipped->sorts[i].count += count;
}

void feed_skip(struct feed_parser *parser, guint skip, guint64 line, const char *object,
               const char *detail, gsize length)
{
    feed_skip_sort(parser, skip, line, object, NULL, detail, length);
}

void feed_skip_sort(struct feed_parser *parser, guint skip, guint64 line, const char *object,
                    const char *sort, const char *detail, gsize length)
{
    struct feed_skipped *skipped = &parser->skipped[skip];
    guint64 example = skipped->count++;

    if (sort)
        feed_sort_add(skipped, sort, 1);
    if (example >= FEED_EXAMPLES)
        return;
    skipped->detail[example] = g_strndup(detail, MIN(length, FEED_EXAMPLE_LIMIT));
    skipped->place[example] =
        line     ? g_strdup_printf("%s:%" G_GUINT64_FORMAT, parser->path, line)
        : object ? g_strdup_printf("%s: %.*s", parser->path, FEED_OBJECT_LIMIT, object)
                 : g_strdup(parser->path);
}

void feed_parser_finish_file(struct feed_parser *parser)
{
    g_autoptr(GByteArray) body = g_byte_array_new();

    feed_parser_flush(parser);
    send_noted(parser);
    for (guint i = 0; i < INDICATOR_CHANGES; i++)
        put_u64(body, parser->changed[i]);
    for (guint i = 0; i < FEED_SKIPS; i++) {
        put_u64(body, parser->skipped[i].count);
        for (guint n = 0; n < MIN(parser->skipped[i].count, FEED_EXAMPLES); n++) {
            put_string(body, parser->skipped[i].detail[n], FEED_TITLE_LIMIT);
            put_string(body, parser->skipped[i].place[n], FEED_TITLE_LIMIT);
        }
        for (guint n = 0; n < FEED_SORTS; n++) {
            put_string(body, parser->skipped[i].sorts[n].name, FEED_SORT_LIMIT);
            put_u64(body, parser->skipped[i].sorts[n].count);
            if (!parser->skipped[i].sorts[n].name)
                break;
        }
    }
    send_body(parser, FEED_MESSAGE_SKIPS, body);
    clear_skips(parser);
}

/* ---- in the parent */

struct wire {
    const guint8 *at, *end;
    gboolean broken;
};

static guint64 get_u64(struct wire *wire)
{
    guint64 number = 0;

    if ((gsize)(wire->end - wire->at) < sizeof number) {
        wire->broken = TRUE;
        return 0;
    }
    memcpy(&number, wire->at, sizeof number);
    wire->at += sizeof number;
    return number;
}

/* Owned by the caller; NULL as it was put, or when the message is broken. */
static char *get_string(struct wire *wire)
{
    guint32 mark;
    char *text;

    if ((gsize)(wire->end - wire->at) < sizeof mark) {
        wire->broken = TRUE;
        return NULL;
    }
    memcpy(&mark, wire->at, sizeof mark);
    wire->at += sizeof mark;
    if (!mark)
        return NULL;
    if (mark - 1 > FEED_TITLE_LIMIT || (gsize)(wire->end - wire->at) < mark - 1) {
        wire->broken = TRUE;
        return NULL;
    }
    text = g_utf8_make_valid((const char *)wire->at, (gssize)mark - 1);
    wire->at += mark - 1;
    return text;
}

void feed_source_free(struct feed_source *source)
{
    if (!source)
        return;
    g_free(source->name);
    g_free(source->title);
    g_free(source->id);
    g_free(source->path);
    g_free(source);
}

gboolean feed_wire_source(const guint8 *body, gsize length, struct feed_source **source)
{
    struct wire wire = { body, body + length, FALSE };
    guint64 format = get_u64(&wire), tlp = get_u64(&wire);
    struct feed_source *got = g_new0(struct feed_source, 1);

    got->format = (enum feed_format)format;
    got->tlp = (enum tlp)tlp;
    got->time_us = (gint64)get_u64(&wire);
    got->name = get_string(&wire);
    got->title = get_string(&wire);
    got->id = get_string(&wire);
    got->path = get_string(&wire);
    if (wire.broken || wire.at != wire.end || format >= FEED_FORMATS || tlp > TLP_RED ||
        !got->name || !got->path) {
        feed_source_free(got);
        return FALSE;
    }
    *source = got;
    return TRUE;
}

static void get_sorts(struct wire *wire, struct feed_skipped *skipped)
{
    for (guint n = 0; n < FEED_SORTS && !wire->broken; n++) {
        g_autofree char *name = get_string(wire);
        guint64 count = get_u64(wire);

        if (!name)
            return;
        feed_sort_add(skipped, name, count);
    }
}

gboolean feed_wire_skips(const guint8 *body, gsize length, struct feed_report *report)
{
    struct wire wire = { body, body + length, FALSE };

    for (guint i = 0; i < INDICATOR_CHANGES; i++)
        report->changed[i] += get_u64(&wire);
    for (guint i = 0; i < FEED_SKIPS && !wire.broken; i++) {
        struct feed_skipped *skipped = &report->skipped[i];
        guint64 count = get_u64(&wire);

        for (guint n = 0; n < MIN(count, FEED_EXAMPLES) && !wire.broken; n++) {
            g_autofree char *detail = get_string(&wire), *place = get_string(&wire);
            guint64 example = skipped->count + n;

            if (wire.broken || example >= FEED_EXAMPLES)
                continue;
            skipped->detail[example] = detail ? g_steal_pointer(&detail) : g_strdup("");
            skipped->place[example] = place ? g_steal_pointer(&place) : g_strdup("");
        }
        skipped->count += count;
        get_sorts(&wire, skipped);
    }
    return !wire.broken && wire.at == wire.end;
}

/* The string of `length` bytes at *at, NULL when it has none. */
static const char *take_string(const guint8 **at, const guint8 *end, guint16 length,
                               gboolean *broken)
{
    const char *text = (const char *)*at;

    if (!length || *broken)
        return NULL;
    if ((gsize)(end - *at) < length + 1u || text[length] != '\0' || memchr(text, '\0', length)) {
        *broken = TRUE;
        return NULL;
    }
    *at += length + 1u;
    return text;
}

/* Numbers that contradict one another are nobody's indicator. */
static gboolean record_is_sound(const struct record *record, guint32 sources, guint warnings)
{
    gboolean network = record->kind <= INDICATOR_CIDR;

    return record->kind < INDICATOR_KINDS && record->text && record->source < sources &&
           record->warning <= warnings && record->tlp <= TLP_RED &&
           (record->confidence <= 100 || record->confidence == ASSERTION_NO_CONFIDENCE) &&
           (network ? (record->family == 4 && record->prefix <= 32) ||
                          (record->family == 6 && record->prefix <= 128)
                    : record->family == 0) &&
           (record->kind != INDICATOR_IPV4 || record->family == 4) &&
           (record->kind != INDICATOR_IPV6 || record->family == 6);
}

gboolean feed_wire_record(const guint8 **at, const guint8 *end, guint32 sources, guint warnings,
                          struct assertion *assertion, gboolean *broken)
{
    const guint8 *string = *at + sizeof(struct record), *record_end;
    struct record record;

    *broken = FALSE;
    if (*at == end)
        return FALSE;
    *broken = TRUE;
    if ((gsize)(end - *at) < sizeof record)
        return FALSE;
    memcpy(&record, *at, sizeof record);
    if (record.size < sizeof record || record.size > (gsize)(end - *at) ||
        !record_is_sound(&record, sources, warnings))
        return FALSE;
    record_end = *at + record.size;
    *broken = FALSE;
    memset(assertion, 0, sizeof *assertion);
    assertion->indicator.kind = record.kind;
    assertion->indicator.family = record.family;
    assertion->indicator.prefix = record.prefix;
    memcpy(assertion->indicator.address, record.address, sizeof record.address);
    assertion->indicator.text = (char *)take_string(&string, record_end, record.text, broken);
    assertion->object = take_string(&string, record_end, record.object, broken);
    assertion->original = take_string(&string, record_end, record.original, broken);
    assertion->labels = take_string(&string, record_end, record.labels, broken);
    assertion->terms = take_string(&string, record_end, record.terms, broken);
    assertion->source = record.source;
    assertion->warning = record.warning;
    assertion->flags = record.flags;
    assertion->tlp = record.tlp;
    assertion->confidence = record.confidence;
    assertion->valid_from_us = record.valid_from_us;
    assertion->valid_until_us = record.valid_until_us;
    *at = record_end;
    return !*broken;
}
