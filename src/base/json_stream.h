/*
 * json_stream.h: reading JSON that may be large, piece by piece, through yajl.
 *
 * Large documents are lists of small things: SARIF results, feeds, components, ballots. The caller
 * names the places it wants by path ("runs", any, "results", any) and gets each value found there
 * as a small tree; everything else passes by without being kept. Duplicate member names, more than
 * JSON_DEPTH levels, a wanted value beyond its limit and anything that is not one UTF-8 JSON
 * document (RFC 8259) are refused. A lone surrogate escape arrives as "?", as yajl reads it.
 */
#pragma once
#include "base/json.h"

/* Takes a value found at a wanted path; borrowed for the call. FALSE with `error` stops. */
typedef gboolean (*json_stream_fn)(const char *const *path, const json_t *value, gpointer data,
                                   GError **error);

struct json_want {
    const char *path; /* components split by '/'; "*" is any member or any element */
    json_stream_fn take;
};

struct json_stream;

/*
 * `wants` ends with a NULL path; a value is given to the first that matches, and what lies inside
 * a given value is not looked at again. `value_limit`: bytes of text and structure kept at once.
 * `name` stands in messages.
 */
struct json_stream *json_stream_new(const char *name, const struct json_want *wants,
                                    gsize value_limit, gpointer data);
gboolean json_stream_feed(struct json_stream *stream, const void *bytes, gsize length,
                          GError **error);
/* Says that the document ends here; refuses one that is not complete. */
gboolean json_stream_end(struct json_stream *stream, GError **error);
void json_stream_free(struct json_stream *stream);
typedef struct json_stream json_stream_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_stream_t, json_stream_free)
