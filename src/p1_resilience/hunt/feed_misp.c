/*
 * feed_misp.c: MISP events (MISP core format): files of a feed, answers of the REST API.
 *
 * What an event says about all of its attributes may stand behind them, so that a document is gone
 * through twice: the events first, then the attributes. Numbers and truths come as strings, too.
 */
#include "base/clock.h"
#include "base/error.h"
#include "p1_resilience/hunt/feed_json.h"
#include "p1_resilience/hunt/marking.h"

#include <string.h>

#define ADDRESS                                                                                    \
    (INDICATOR_ONLY(INDICATOR_IPV4) | INDICATOR_ONLY(INDICATOR_IPV6) |                             \
     INDICATOR_ONLY(INDICATOR_CIDR))
#define NAME INDICATOR_ONLY(INDICATOR_DOMAIN)
#define URL INDICATOR_ONLY(INDICATOR_URL)
#define HASH INDICATOR_ONLY(INDICATOR_HASH)
#define EMAIL INDICATOR_ONLY(INDICATOR_EMAIL)

/* Attribute types that are hunted; of "a|b" which part is what. All others are context. */
static const struct {
    const char *type;
    guint first, second; /* INDICATOR_ONLY() of the parts; 0: that part is not hunted */
    gboolean only_ids;   /* without to_ids it is a reference, never an indicator */
} types[] = {
    { .type = "ip-src", .first = ADDRESS },
    { .type = "ip-dst", .first = ADDRESS },
    { .type = "ip-src|port", .first = ADDRESS },
    { .type = "ip-dst|port", .first = ADDRESS },
    { .type = "domain", .first = NAME },
    { .type = "hostname", .first = NAME },
    { .type = "hostname|port", .first = NAME },
    { .type = "domain|ip", .first = NAME, .second = ADDRESS },
    { .type = "url", .first = URL },
    { .type = "link", .first = URL, .only_ids = TRUE },
    { .type = "md5", .first = HASH },
    { .type = "sha1", .first = HASH },
    { .type = "sha256", .first = HASH },
    { .type = "sha512", .first = HASH },
    { .type = "filename|md5", .second = HASH },
    { .type = "filename|sha1", .second = HASH },
    { .type = "filename|sha256", .second = HASH },
    { .type = "filename|sha512", .second = HASH },
    { .type = "malware-sample", .second = HASH },
    { .type = "email", .first = EMAIL },
    { .type = "email-src", .first = EMAIL },
    { .type = "email-dst", .first = EMAIL },
    { .type = "email-reply-to", .first = EMAIL },
};

#define CONFIDENCE_TAG "misp:confidence-level="
static const struct {
    const char *word;
    guint8 confidence;
} confidences[] = {
    { "\"completely-confident\"", 100 },
    { "\"usually-confident\"", 75 },
    { "\"fairly-confident\"", 50 },
    { "\"rarely-confident\"", 25 },
    { "\"unconfident\"", 0 },
};

/* Types of sightings; 0 says that it was seen. */
#define SIGHTING_FALSE_POSITIVE 1
#define SIGHTING_EXPIRATION 2

static void event_free(gpointer data)
{
    struct misp_event *event = data;

    g_free(event->uuid);
    g_free(event->info);
    g_free(event->author);
    g_string_free(event->labels, TRUE);
    g_free(event);
}

/* A number that may be a string; `fallback` when it is neither. */
static gint64 number_of(const json_t *value, gint64 fallback)
{
    gint64 number;

    if (json_is_integer(value))
        return json_integer_value(value);
    if (json_is_string(value) &&
        g_ascii_string_to_signed(json_string_value(value), 10, 0, G_MAXINT64 / G_USEC_PER_SEC,
                                 &number, NULL))
        return number;
    return fallback;
}

static gboolean truth_of(const json_t *value)
{
    const char *text = json_string_value(value);

    if (json_is_boolean(value))
        return json_is_true(value);
    return text ? g_str_equal(text, "1") || g_ascii_strcasecmp(text, "true") == 0
                : number_of(value, 0) != 0;
}

/* RFC 3339, or seconds since 1970; 0: neither. */
static gint64 time_of(const json_t *value)
{
    gint64 time_us, seconds = number_of(value, 0);

    if (seconds > 0 && seconds <= G_MAXINT64 / G_USEC_PER_SEC)
        return seconds * G_USEC_PER_SEC;
    return json_is_string(value) && clock_parse(json_string_value(value), &time_us, NULL)
               ? MAX(time_us, 0)
               : 0;
}

/* ---- events */

struct reading {
    GHashTable *events; /* where it stands ("response/0") -> struct misp_event */
    misp_take take;
    gpointer data;
};

/* The event of this key; made at its first mention. */
static struct misp_event *event_of(struct reading *reading, const char *key)
{
    struct misp_event *event = g_hash_table_lookup(reading->events, key);

    if (!event) {
        event = g_new0(struct misp_event, 1);
        event->labels = g_string_new(NULL);
        g_hash_table_insert(reading->events, g_strdup(key), event);
    }
    return event;
}

/* The event that a path lies in, or may be in: what stands before "Event". */
static struct misp_event *event_at(struct reading *reading, const char *const *path)
{
    g_autoptr(GString) key = g_string_new(NULL);

    for (guint i = 0; path[i] && !g_str_equal(path[i], "Event") && i < 2; i++)
        g_string_append_printf(key, "%s/", path[i]);
    return event_of(reading, key->str);
}

/* A tag is a TLP level, or a label. The strictest level counts. */
static void take_tag(const json_t *tag, gboolean *has_tlp, enum tlp *tlp, guint8 *confidence,
                     GString *labels)
{
    const char *name = json_text(tag, "name");
    enum tlp level;

    if (!name)
        return;
    if (marking_level_of_tag(name, &level)) {
        *tlp = *has_tlp ? MAX(*tlp, level) : level;
        *has_tlp = TRUE;
        return;
    }
    if (confidence && g_str_has_prefix(name, CONFIDENCE_TAG))
        for (guint i = 0; i < G_N_ELEMENTS(confidences); i++)
            if (strstr(name, confidences[i].word))
                *confidence = confidences[i].confidence;
    feed_label(labels, name);
}

static gboolean take_member(const char *const *path, const json_t *value, gpointer data,
                            GError **error)
{
    struct misp_event *event = event_at(data, path);
    guint length = g_strv_length((char **)path);
    const char *member = path[length - 1];

    if (length > 1 && g_str_equal(path[length - 2], "Tag"))
        take_tag(value, &event->has_tlp, &event->tlp, NULL, event->labels);
    else if (g_str_equal(member, "uuid") && json_is_string(value) && !event->uuid)
        event->uuid = g_strdup(json_string_value(value));
    else if (g_str_equal(member, "info") && json_is_string(value) && !event->info)
        event->info = g_strdup(json_string_value(value));
    else if (g_str_equal(member, "Orgc") && json_text(value, "name") && !event->author)
        event->author = g_strdup(json_text(value, "name"));
    else if (g_str_equal(member, "timestamp"))
        event->time_us = time_of(value);
    return TRUE;
}

/* ---- attributes */

static gboolean take_one(struct reading *reading, struct misp_event *event, const char *object,
                         gboolean deleted, const json_t *json, GError **error)
{
    struct misp_attribute attribute = {
        .event = event,
        .object = object,
        .uuid = json_text(json, "uuid"),
        .type = json_text(json, "type"),
        .value = json_text(json, "value"),
        .category = json_text(json, "category"),
        .to_ids = truth_of(json_object_get(json, "to_ids")),
        .deleted = deleted || truth_of(json_object_get(json, "deleted")),
        .json = json,
    };

    return reading->take(&attribute, reading->data, error);
}

static gboolean take_attribute(const char *const *path, const json_t *value, gpointer data,
                               GError **error)
{
    return take_one(data, event_at(data, path), NULL, FALSE, value, error);
}

/* An attribute that a search found: it says itself of which event it is. */
static gboolean take_found(const char *const *path, const json_t *value, gpointer data,
                           GError **error)
{
    const json_t *mentioned = json_object_get(value, "Event");
    const char *uuid = json_text(mentioned, "uuid"), *info = json_text(mentioned, "info");
    g_autofree char *key = g_strconcat("found/", uuid ? uuid : "", "/", info ? info : "", NULL);
    struct misp_event *event = event_of(data, key);

    if (!event->uuid)
        event->uuid = g_strdup(uuid);
    if (!event->info)
        event->info = g_strdup(info);
    return take_one(data, event, NULL, FALSE, value, error);
}

static gboolean take_object(const char *const *path, const json_t *value, gpointer data,
                            GError **error)
{
    struct misp_event *event = event_at(data, path);
    const char *name = json_text(value, "name");
    gboolean deleted = truth_of(json_object_get(value, "deleted"));
    json_t *attribute;
    size_t index;

    json_array_foreach(json_object_get(value, "Attribute"), index,
                       attribute) if (!take_one(data, event, name ? name : "", deleted, attribute,
                                                error)) return FALSE;
    return TRUE;
}

gboolean misp_read(struct feed_json *json, misp_take take, gpointer data, GError **error)
{
#define OF_EVENT(PREFIX)                                                                           \
    { PREFIX "Event/uuid", take_member }, { PREFIX "Event/info", take_member },                    \
        { PREFIX "Event/timestamp", take_member }, { PREFIX "Event/Orgc", take_member },           \
    {                                                                                              \
        PREFIX "Event/Tag/*", take_member                                                          \
    }
    static const struct json_want events[] = {
        OF_EVENT(""), OF_EVENT("*/"), OF_EVENT("response/*/"), { NULL }
    };
    static const struct json_want attributes[] = { { "Event/Attribute/*", take_attribute },
                                                   { "Event/Object/*", take_object },
                                                   { "*/Event/Attribute/*", take_attribute },
                                                   { "*/Event/Object/*", take_object },
                                                   { "response/*/Event/Attribute/*",
                                                     take_attribute },
                                                   { "response/*/Event/Object/*", take_object },
                                                   { "response/Attribute/*", take_found },
                                                   { NULL } };
    struct reading reading = { .take = take, .data = data };
    gboolean read;

    reading.events = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, event_free);
    json->passes = 2;
    read = feed_json_read(json, events, &reading, error);
    json->pass = 1;
    read = read && feed_json_read(json, attributes, &reading, error);
    g_hash_table_unref(reading.events);
    return read;
}

/* ---- assertions */

static guint32 source_of(struct feed_parser *parser, struct misp_event *event)
{
    if (!event->source)
        event->source =
            1 +
            feed_source_add(parser, &(struct feed_source){
                                        .name = event->author,
                                        .title = event->info,
                                        .id = event->uuid,
                                        .format = FEED_MISP,
                                        .time_us = event->time_us,
                                        .tlp = event->has_tlp ? event->tlp : parser->options->tlp,
                                    });
    return event->source - 1;
}

static void take_sightings(const json_t *sightings, struct assertion *as)
{
    json_t *sighting;
    size_t index;

    json_array_foreach(sightings, index, sighting)
    {
        gint64 type = number_of(json_object_get(sighting, "type"), 0);
        gint64 time_us = time_of(json_object_get(sighting, "date_sighting"));

        if (type == SIGHTING_FALSE_POSITIVE)
            as->flags |= ASSERTION_FALSE_POSITIVE;
        if (type == SIGHTING_EXPIRATION && time_us > 0 &&
            (!as->valid_until_us || time_us < as->valid_until_us))
            as->valid_until_us = time_us;
    }
}

/* What the attribute and its event say about it; `labels` holds the text. */
static struct assertion describe(struct feed_parser *parser, const struct misp_attribute *attribute,
                                 GString *labels)
{
    struct misp_event *event = attribute->event;
    struct assertion as = feed_assertion(source_of(parser, event), parser->options->tlp);
    gboolean has_tlp = event->has_tlp;
    enum tlp tlp = event->tlp;
    json_t *tag;
    size_t index;

    feed_label(labels, attribute->category);
    json_array_foreach(json_object_get(attribute->json, "Tag"), index, tag)
        take_tag(tag, &has_tlp, &tlp, &as.confidence, labels);
    feed_label(labels, event->labels->str);
    if (has_tlp)
        as.tlp = tlp;
    if (!attribute->to_ids)
        as.flags &= ~(guint)ASSERTION_TO_IDS;
    as.object = attribute->uuid;
    as.labels = labels->len ? labels->str : NULL;
    as.valid_from_us = time_of(json_object_get(attribute->json, "first_seen"));
    take_sightings(json_object_get(attribute->json, "Sighting"), &as);
    return as;
}

static void assert_part(struct feed_parser *parser, const char *text, gsize length, guint only,
                        const struct assertion *as)
{
    g_autofree char *page = NULL;

    /* A URL that is a host alone is its first page. */
    if (only == URL && !memchr(text, '/', length) && !memchr(text, '\\', length)) {
        page = g_strdup_printf("%.*s/", (int)length, text);
        feed_add(parser, page, length + 1, only, 0, as);
        return;
    }
    feed_add(parser, text, length, only, 0, as);
}

static gboolean assert_attribute(const struct misp_attribute *attribute, gpointer data,
                                 GError **error)
{
    struct feed_parser *parser = data;
    g_autoptr(GString) labels = g_string_new(NULL);
    const char *value = attribute->value, *bar = value ? strchr(value, '|') : NULL;
    struct assertion as;
    guint i;

    if (parser->parent_gone)
        return system_error(error, "nobody listens");
    source_of(parser, attribute->event);
    if (!attribute->type || !value) {
        feed_skip(parser, FEED_SKIP_MALFORMED, 0, attribute->uuid, "attribute", 9);
        return TRUE;
    }
    for (i = 0; i < G_N_ELEMENTS(types) && !g_str_equal(types[i].type, attribute->type); i++)
        ;
    if (attribute->deleted) {
        feed_skip_sort(parser, FEED_SKIP_DELETED, 0, attribute->uuid, attribute->type, value,
                       strlen(value));
    } else if (i == G_N_ELEMENTS(types)) {
        feed_skip_sort(parser, FEED_SKIP_TYPE, 0, attribute->uuid, attribute->type, value,
                       strlen(value));
    } else if (!attribute->to_ids && (!parser->options->include_non_ids || types[i].only_ids)) {
        feed_skip_sort(parser, types[i].only_ids ? FEED_SKIP_TYPE : FEED_SKIP_NOT_TO_IDS, 0,
                       attribute->uuid, attribute->type, value, strlen(value));
    } else {
        as = describe(parser, attribute, labels);
        /* Only a composite type has parts: a URL may hold a bar. */
        if (types[i].first)
            assert_part(parser, value,
                        strchr(types[i].type, '|') && bar ? (gsize)(bar - value) : strlen(value),
                        types[i].first, &as);
        if (types[i].second && bar)
            assert_part(parser, bar + 1, strcspn(bar + 1, "|"), types[i].second, &as);
        else if (types[i].second && !types[i].first)
            feed_skip(parser, FEED_SKIP_MALFORMED, 0, attribute->uuid, value, strlen(value));
    }
    return TRUE;
}

gboolean feed_parse_misp(struct feed_parser *parser, const char *text, gsize length, GError **error)
{
    struct feed_json json = { parser->path, text, length, .parser = parser };

    return misp_read(&json, assert_attribute, parser, error);
}
