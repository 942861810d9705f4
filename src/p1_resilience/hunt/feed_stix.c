/*
 * feed_stix.c: STIX 2.0 and 2.1 bundles and TAXII 2.1 envelopes: their indicators.
 *
 * Objects refer to one another in any order, so a document is gone through twice: markings, authors
 * and newest versions first, then the indicators. What other documents say of the same objects was
 * noted before (feed_survey.h).
 */
#include "base/clock.h"
#include "base/error.h"
#include "p1_resilience/hunt/feed_json.h"
#include "p1_resilience/hunt/hit_terms.h"
#include "p1_resilience/hunt/marking.h"
#include "p1_resilience/hunt/pattern.h"
#include "p1_resilience/hunt/public_suffix.h"

#include <string.h>

struct reading {
    struct feed_parser *parser;
    char *bundle;
    gboolean is_2_0;
    markings_t *markings;
    json_t *around;       /* the bundle's own object_marking_refs; or NULL */
    GHashTable *names;    /* identity -> name */
    GHashTable *versions; /* struct feed_version: the newest of each indicator */
    GHashTable *sources;  /* created_by_ref -> index + 1 */
};

/* ---- the first time */

static gint64 time_of(const json_t *object, const char *member)
{
    const char *text = json_text(object, member);
    gint64 time_us;

    return text && clock_parse(text, &time_us, NULL) ? MAX(time_us, 0) : 0;
}

static guint hash_of(gconstpointer version)
{
    guint hash;

    memcpy(&hash, ((const struct feed_version *)version)->id, sizeof hash);
    return hash;
}

static gboolean is_same_object(gconstpointer one, gconstpointer other)
{
    return memcmp(((const struct feed_version *)one)->id, ((const struct feed_version *)other)->id,
                  FEED_ID_SIZE) == 0;
}

static gboolean note_object(const char *const *path, const json_t *object, gpointer data,
                            GError **error)
{
    struct reading *reading = data;
    const char *type = json_text(object, "type"), *id = json_text(object, "id");

    if (!type || !id)
        return TRUE;
    markings_learn(reading->markings, object);
    if (g_str_equal(type, "identity") && json_text(object, "name")) {
        g_hash_table_replace(reading->names, g_strdup(id), g_strdup(json_text(object, "name")));
    } else if (g_str_equal(type, "indicator")) {
        struct feed_version version = feed_version_of(object);
        const struct feed_version *newest = g_hash_table_lookup(reading->versions, &version);

        if (!newest || newest->version < version.version)
            g_hash_table_add(reading->versions, g_memdup2(&version, sizeof version));
    }
    return TRUE;
}

static gboolean note_bundle(const char *const *path, const json_t *value, gpointer data,
                            GError **error)
{
    struct reading *reading = data;

    if (g_str_equal(path[0], "object_marking_refs") && !reading->around)
        reading->around = json_pack("{s:o}", path[0], json_deep_copy(value));
    else if (g_str_equal(path[0], "spec_version"))
        reading->is_2_0 = g_strcmp0(json_string_value(value), "2.0") == 0;
    else if (g_str_equal(path[0], "id") && !reading->bundle)
        reading->bundle = g_strdup(json_string_value(value));
    else if (g_str_equal(path[0], "more") && json_is_true(value))
        feed_skip(reading->parser, FEED_SKIP_MORE, 0, NULL, "", 0);
    return TRUE;
}

static gboolean note_for_others(const char *const *path, const json_t *object, gpointer data,
                                GError **error)
{
    struct feed_parser *parser = data;
    const char *type = json_text(object, "type"), *id = json_text(object, "id");
    const char *name = json_text(object, "name");
    int level;

    if (parser->parent_gone)
        return system_error(error, "nobody listens");
    if (marking_defines(object, &level)) {
        feed_note_marking(parser, id, level);
    } else if (type && id && g_str_equal(type, "indicator")) {
        const struct feed_version version = feed_version_of(object);

        feed_note_version(parser, &version);
    } else if (type && id && name && g_str_equal(type, "identity")) {
        feed_note_name(parser, id, name, feed_version_of(object).version);
    }
    return TRUE;
}

gboolean feed_survey_stix(struct feed_parser *parser, const char *text, gsize length,
                          GError **error)
{
    static const struct json_want wants[] = { { "objects/*", note_for_others }, { NULL } };
    const struct feed_json json = { parser->path, text, length, .parser = parser, .passes = 1 };

    return feed_json_read(&json, wants, parser, error);
}

/* ---- the second time */

/* Whether the same author says something newer of the same object, here or in another document. */
static gboolean is_old(const struct reading *reading, const json_t *object)
{
    const struct feed_version version = feed_version_of(object);
    const struct feed_version *newest = g_hash_table_lookup(reading->versions, &version);

    return (newest && version.version < newest->version) ||
           version.version < feed_survey_newest(reading->parser->options->survey, &version);
}

static const char *name_of(const struct reading *reading, const char *author)
{
    const char *name = g_hash_table_lookup(reading->names, author);

    return name ? name : feed_survey_name(reading->parser->options->survey, author);
}

/* The strictest of the markings of the object, of its parts, and of the bundle. */
static enum tlp tlp_of(const struct reading *reading, const json_t *object)
{
    const struct feed_survey *survey = reading->parser->options->survey;
    const struct marking_context context = { .markings = reading->markings,
                                             .others = feed_survey_markings(survey),
                                             .bundle = reading->around,
                                             .fallback = reading->parser->options->tlp };

    return marking_level(object, &context);
}

static guint32 source_of(struct reading *reading, const json_t *object)
{
    const char *author = json_text(object, "created_by_ref");
    guint known;

    if (!author)
        author = "";
    known = GPOINTER_TO_UINT(g_hash_table_lookup(reading->sources, author));
    if (!known) {
        known = 1 + feed_source_add(reading->parser,
                                    &(struct feed_source){
                                        .name = (char *)name_of(reading, author),
                                        .title = *author ? reading->bundle : NULL,
                                        .id = *author ? (char *)author : reading->bundle,
                                        .format = FEED_STIX,
                                        .tlp = reading->parser->options->tlp,
                                    });
        g_hash_table_insert(reading->sources, g_strdup(author), GUINT_TO_POINTER(known));
    }
    return known - 1;
}

static struct assertion describe(struct reading *reading, const json_t *object, GString *labels)
{
    struct assertion as = feed_assertion(source_of(reading, object), tlp_of(reading, object));
    gint64 confidence = json_number(object, "confidence", ASSERTION_NO_CONFIDENCE);
    json_t *item;
    size_t index;

    json_array_foreach(json_object_get(object, "indicator_types"), index, item)
        feed_label(labels, json_string_value(item));
    json_array_foreach(json_object_get(object, "labels"), index, item)
        feed_label(labels, json_string_value(item));
    as.object = json_text(object, "id");
    as.labels = labels->len ? labels->str : NULL;
    as.valid_from_us = time_of(object, "valid_from");
    as.valid_until_us = time_of(object, "valid_until");
    if (confidence >= 0 && confidence <= 100)
        as.confidence = (guint8)confidence;
    if (json_is_true(json_object_get(object, "revoked")))
        as.flags |= ASSERTION_WITHDRAWN;
    return as;
}

/* Whether what else is asked for is more than a public suffix, which any name below it would be. */
static gboolean terms_say_enough(const struct feed_parser *parser, const char *terms)
{
    g_autofree struct hunt_key *key = g_new(struct hunt_key, 1);
    struct indicator term;
    gboolean enough = terms != NULL;

    while (enough && hit_terms_next(&terms, &term, key)) {
        enough = term.kind != INDICATOR_DOMAIN || !parser->suffixes ||
                 !public_suffixes_have(parser->suffixes, term.text);
        indicator_clear(&term);
    }
    return enough;
}

static void assert_pattern(struct reading *reading, const json_t *object, const char *text)
{
    struct feed_parser *parser = reading->parser;
    gboolean old = reading->is_2_0 || !json_object_get(object, "spec_version");
    const char *id = json_text(object, "id");
    enum pattern_refusal refusal = PATTERN_REFUSED_NOT;
    g_autoptr(pattern_t) pattern = pattern_parse(
        text, strlen(text), PATTERN_LENIENT | (old ? PATTERN_STIX_2_0 : 0), &refusal, NULL);
    g_autoptr(pattern_hunt_t) hunt = pattern ? pattern_compile(pattern) : NULL;
    g_autoptr(GString) labels = g_string_new(NULL);
    struct assertion as;

    if (!hunt) {
        feed_skip_sort(parser, FEED_SKIP_PATTERN, 0, id, pattern_refusal_name(refusal), text,
                       strlen(text));
        return;
    }
    if (hunt->unhunted || !hunt->indicators->len)
        feed_skip_sort(parser, FEED_SKIP_UNHUNTABLE, 0, id, pattern_unhuntable_name(hunt->reason),
                       text, strlen(text));
    as = describe(reading, object, labels);
    for (guint i = 0; i < hunt->indicators->len; i++) {
        const struct pattern_indicator *found =
            &g_array_index(hunt->indicators, struct pattern_indicator, i);
        struct assertion each = as;

        if (found->partial) {
            each.flags |= ASSERTION_PARTIAL;
            each.original = text; /* what else it asks for */
            each.terms = terms_say_enough(parser, found->terms) ? found->terms : NULL;
        }
        feed_add_indicator(parser, found->indicator, &each);
    }
}

static gboolean take_object(const char *const *path, const json_t *object, gpointer data,
                            GError **error)
{
    struct reading *reading = data;
    struct feed_parser *parser = reading->parser;
    const char *type = json_text(object, "type"), *id = json_text(object, "id");
    const char *pattern = json_text(object, "pattern"), *language;

    if (parser->parent_gone)
        return system_error(error, "nobody listens");
    if (!type || !id) {
        feed_skip(parser, FEED_SKIP_MALFORMED, 0, id, type ? type : "", type ? strlen(type) : 0);
        return TRUE;
    }
    if (!g_str_equal(type, "indicator")) {
        feed_skip_sort(parser, FEED_SKIP_NOT_INDICATOR, 0, id, type, "", 0);
        return TRUE;
    }
    language = json_text(object, "pattern_type");
    if (is_old(reading, object))
        feed_skip(parser, FEED_SKIP_OLD_VERSION, 0, id, "", 0);
    else if (!pattern)
        feed_skip(parser, FEED_SKIP_MALFORMED, 0, id, "no pattern", 10);
    else if (language && !g_str_equal(language, "stix"))
        feed_skip_sort(parser, FEED_SKIP_PATTERN_TYPE, 0, id, language, pattern, strlen(pattern));
    else
        assert_pattern(reading, object, pattern);
    return TRUE;
}

gboolean feed_parse_stix(struct feed_parser *parser, const char *text, gsize length, GError **error)
{
    static const struct json_want first[] = {
        { "objects/*", note_object },           { "id", note_bundle },
        { "spec_version", note_bundle },        { "more", note_bundle },
        { "object_marking_refs", note_bundle }, { NULL }
    };
    static const struct json_want second[] = { { "objects/*", take_object }, { NULL } };
    struct feed_json json = { parser->path, text, length, .parser = parser, .passes = 2 };
    struct reading reading = { .parser = parser };
    gboolean read;

    reading.markings = markings_new();
    reading.names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    reading.versions = g_hash_table_new_full(hash_of, is_same_object, g_free, NULL);
    reading.sources = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    read = feed_json_read(&json, first, &reading, error);
    json.pass = 1;
    read = read && feed_json_read(&json, second, &reading, error);
    markings_free(reading.markings);
    json_decref(reading.around);
    g_hash_table_unref(reading.names);
    g_hash_table_unref(reading.versions);
    g_hash_table_unref(reading.sources);
    g_free(reading.bundle);
    return read;
}
