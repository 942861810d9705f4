/* feed_json.c: which JSON format a feed is in; see feed_misp.c and feed_stix.c. */
#include "p1_resilience/hunt/feed_json.h"
#include "base/error.h"
#include "base/json_stream.h"

#include <string.h>

#define CHUNK (64u << 10)         /* bytes that tell of most files what they are */
#define PROGRESS_BYTES (8u << 20) /* yajl begins a cut value anew with each piece */

enum shape { SHAPE_UNKNOWN, SHAPE_MISP, SHAPE_STIX, SHAPE_WARNING_LIST };

/* Stops as soon as the shape is known; the error is not looked at. */
static gboolean found(gpointer data, enum shape shape, GError **error)
{
    *(enum shape *)data = shape;
    return input_error(error, "known");
}

static gboolean is_misp(const char *const *path, const json_t *value, gpointer data, GError **error)
{
    return found(data, SHAPE_MISP, error);
}

static gboolean is_stix(const char *const *path, const json_t *value, gpointer data, GError **error)
{
    return found(data, SHAPE_STIX, error);
}

static gboolean is_list(const char *const *path, const json_t *value, gpointer data, GError **error)
{
    return found(data, SHAPE_WARNING_LIST, error);
}

static gboolean is_bundle(const char *const *path, const json_t *value, gpointer data,
                          GError **error)
{
    return g_strcmp0(json_string_value(value), "bundle") == 0 ? found(data, SHAPE_STIX, error)
                                                              : TRUE;
}

static enum shape shape_of(const char *name, const char *text, gsize length)
{
    static const struct json_want wants[] = { { "Event/uuid", is_misp },
                                              { "Event/info", is_misp },
                                              { "*/Event/uuid", is_misp },
                                              { "*/Event/info", is_misp },
                                              { "response/*/Event/uuid", is_misp },
                                              { "response/*/Event/info", is_misp },
                                              { "response/Attribute/*", is_misp },
                                              { "objects/*", is_stix },
                                              { "more", is_stix },
                                              { "type", is_bundle },
                                              { "list/*", is_list },
                                              { NULL } };
    enum shape shape = SHAPE_UNKNOWN;
    g_autoptr(json_stream_t) stream = json_stream_new(name, wants, FEED_JSON_VALUE_LIMIT, &shape);
    g_autoptr(GError) error = NULL;

    /* The parser begins a cut value anew with each piece: doubled, they cost no more than one. */
    for (gsize at = 0, size = CHUNK; at < length && !error; at += size, size = at)
        json_stream_feed(stream, text + at, MIN(length - at, size), &error);
    return shape;
}

/* The answer of a TAXII server that has nothing (TAXII 2.1 section 3.7). */
static gboolean is_empty_object(const char *text, gsize length)
{
    g_autofree char *copy = length < 64 ? g_strndup(text, length) : NULL;
    g_auto(GStrv) words = copy ? g_strsplit_set(g_strstrip(copy), " \t\r\n", -1) : NULL;
    g_autofree char *joined = words ? g_strjoinv("", words) : NULL;

    return g_strcmp0(joined, "{}") == 0;
}

gboolean feed_json_read(const struct feed_json *json, const struct json_want *wants, gpointer data,
                        GError **error)
{
    g_autoptr(json_stream_t) stream =
        json_stream_new(json->name, wants, FEED_JSON_VALUE_LIMIT, data);

    for (gsize at = 0; at < json->length; at += PROGRESS_BYTES) {
        if (at && json->parser)
            feed_parser_progress(json->parser, (json->length * json->pass + at) / json->passes);
        if (!json_stream_feed(stream, json->text + at, MIN(json->length - at, PROGRESS_BYTES),
                              error))
            return FALSE;
    }
    return json_stream_end(stream, error);
}

gboolean feed_parse_json(struct feed_parser *parser, const char *text, gsize length, GError **error)
{
    static const struct json_want nothing[] = { { NULL } };
    struct feed_json json = { parser->path, text, length, .passes = 1 };
    enum shape shape = SHAPE_STIX;

    if (!is_empty_object(text, length))
        shape = shape_of(parser->path, text, length);
    if (parser->surveys)
        return shape != SHAPE_STIX || feed_survey_stix(parser, text, length, error);
    if (shape == SHAPE_MISP)
        return feed_parse_misp(parser, text, length, error);
    if (shape == SHAPE_STIX)
        return feed_parse_stix(parser, text, length, error);
    if (shape == SHAPE_WARNING_LIST)
        return input_error(error, "%s: is a warning list: give it with --warning-list",
                           parser->path);
    /* That it is broken JSON is the better message where it is that. */
    return feed_json_read(&json, nothing, NULL, error) &&
           input_error(error, "%s: is JSON, but no MISP event, STIX bundle or TAXII envelope",
                       parser->path);
}

void feed_label(GString *labels, const char *text)
{
    if (!text || !*text || labels->len + strlen(text) >= FEED_LABELS_LIMIT)
        return;
    if (labels->len)
        g_string_append_c(labels, '\n');
    for (; *text; text++)
        g_string_append_c(labels, *text == '\n' ? ' ' : *text);
}
