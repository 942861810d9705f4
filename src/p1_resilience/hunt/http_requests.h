/*
 * http_requests.h: requests of HTTP/1 (RFC 9112) in a stream of bytes: their hosts, URLs and user
 * agents.
 *
 * A reader takes bytes as they come. Requests may follow one another; bodies are passed over by
 * Content-Length or in chunks. The target may be a path, a whole URL (to a proxy), or an authority
 * (CONNECT).
 */
#pragma once
#include <glib.h>

#define HTTP_LINE_MAX (16u << 10) /* bytes of a line that is kept */

enum http_item {
    HTTP_HOST, /* of the Host field, or of the target; with its port */
    HTTP_URL,  /* http://, the host, and the target as it is; a whole URL or an authority alone */
    HTTP_AGENT,
};
typedef void (*http_take)(enum http_item item, const guint8 *bytes, gsize length, gpointer data);

enum http_progress {
    HTTP_MORE,  /* so far it is requests */
    HTTP_OTHER, /* what follows is none: a tunnel, another protocol */
    HTTP_TWO,   /* HTTP/2 without TLS begins here */
};

struct http_reader;
struct http_reader *http_reader_new(http_take take, gpointer data);
void http_reader_free(struct http_reader *reader);
typedef struct http_reader http_reader_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(http_reader_t, http_reader_free)

/* Whether a request may begin with this byte. */
gboolean http_may_begin(guint8 byte);

/* Takes the next bytes. After HTTP_MORE only. */
enum http_progress http_reader_add(struct http_reader *reader, const guint8 *bytes, gsize length);

/* No more will come: gives what is known of a request whose head is cut. */
void http_reader_finish(struct http_reader *reader);
