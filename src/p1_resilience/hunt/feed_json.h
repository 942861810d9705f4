/* feed_json.h: between the files that read feeds in JSON. */
#pragma once
#include "base/json_stream.h"
#include "p1_resilience/hunt/feed_private.h"

/* Bytes of one attribute or object; attributes may carry a sample. */
#define FEED_JSON_VALUE_LIMIT (256u << 20)

/* A document in memory, and how often it is gone through. */
struct feed_json {
    const char *name, *text;
    gsize length;
    struct feed_parser *parser; /* which is told of progress; NULL: nobody is */
    guint pass, passes;
};
gboolean feed_json_read(const struct feed_json *json, const struct json_want *wants, gpointer data,
                        GError **error);
/* Adds a line to labels; one too many is left out. */
void feed_label(GString *labels, const char *text);

gboolean feed_parse_misp(struct feed_parser *parser, const char *text, gsize length,
                         GError **error);
gboolean feed_parse_stix(struct feed_parser *parser, const char *text, gsize length,
                         GError **error);
/* Notes versions and authors. */
gboolean feed_survey_stix(struct feed_parser *parser, const char *text, gsize length,
                          GError **error);

/* A MISP event, as far as it says something about all of its attributes. Strings may be NULL. */
struct misp_event {
    char *uuid, *info, *author;
    gint64 time_us;
    gboolean has_tlp;
    enum tlp tlp;
    GString *labels; /* of its tags */
    guint32 source;  /* index + 1, once it has one */
};

/* One attribute, of the event or of one of its objects. Borrowed. */
struct misp_attribute {
    struct misp_event *event;
    const char *object; /* name of the object it is in; NULL: none */
    const char *uuid, *type, *value, *category;
    gboolean to_ids, deleted;
    const json_t *json;
};
typedef gboolean (*misp_take)(const struct misp_attribute *attribute, gpointer data,
                              GError **error);

/* Every attribute of every event of a document, in order; whatever its type. */
gboolean misp_read(struct feed_json *json, misp_take take, gpointer data, GError **error);

/* The UUIDs of the events that a feed's manifest.json lists; a worker reads it. Owned. */
GPtrArray *misp_manifest(const char *path, GError **error);
