/*
 * json.h: reading, writing and canonical form of JSON.
 *
 * Small documents are jansson trees, read with limits: duplicate member names, more than
 * `JSON_DEPTH` levels and more than the given size are refused. What may be large is read as a
 * stream (json_stream.h). What is signed is RFC 8785.
 */
#pragma once
#include <glib.h>
#include <jansson.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

#define JSON_DEPTH 64

/*
 * Reads one document of at most `limit` bytes; `name` stands in messages ("FILE:LINE:COLUMN").
 * NULL and ENTENTE_ERROR_INPUT.
 */
json_t *json_parse(const void *data, gsize length, gsize limit, const char *name, GError **error);

/* The same from a file ("-" is standard input). */
json_t *json_read_file(const char *path, gsize limit, GError **error);

/*
 * RFC 8785 canonical form (JCS): members sorted by UTF-16 code units, shortest numbers, minimal
 * escapes. Refuses what has no canonical form: NaN, infinities, integers beyond 2^53.
 */
GBytes *json_canonical(const json_t *value, GError **error);

/* Indented text for people and files, ending in a line feed; keys in their order of insertion. */
char *json_pretty(const json_t *value);

/* Members with a default instead of an error: NULL, `fallback`. Borrowed from `object`. */
const char *json_text(const json_t *object, const char *key);
gint64 json_number(const json_t *object, const char *key, gint64 fallback);

/* A JSON string from any bytes: broken UTF-8 becomes U+FFFD. `text` NULL gives JSON null. */
json_t *json_safe_string(const char *text);

/* A streaming writer for documents too large to hold as a tree. */
struct json_writer;
struct json_writer *json_writer_new(void);
void json_begin_object(struct json_writer *writer, const char *key); /* `key` NULL inside arrays */
void json_end_object(struct json_writer *writer);
void json_begin_array(struct json_writer *writer, const char *key);
void json_end_array(struct json_writer *writer);
void json_put_string(struct json_writer *writer, const char *key,
                     const char *text); /* as json_safe_string() */
void json_put_integer(struct json_writer *writer, const char *key, gint64 number);
void json_put_boolean(struct json_writer *writer, const char *key, gboolean truth);
void json_put_null(struct json_writer *writer, const char *key);
void json_put_value(struct json_writer *writer, const char *key, const json_t *value);
/* Ends the writer and gives its text, compact, with a line feed. */
char *json_writer_finish(struct json_writer *writer, gsize *length);
