/*
 * stream.h: one connection that stays, plain or by TLS, over libcurl: what carries a WebSocket.
 *
 * Certificates and names are checked as http.h does it, addresses that are not public are refused
 * unless allowed, and proxies of the environment are not used. One thread at a time.
 */
#pragma once
#include <glib.h>

struct stream_options {
    gboolean allow_private; /* loopback, private and link-local addresses */
    const char *ca_file;    /* PEM; NULL: the system's */
    gint64 timeout_us;      /* of connecting, and of a write; 0: 20 s */
};

/* Loads what is needed, for who will be confined. */
gboolean stream_load(GError **error);

struct stream;
typedef struct stream stream_t;
/* `url`: http or https; its path does not matter. ENTENTE_ERROR_SYSTEM, or _POLICY for an address
 * that may not be asked. */
struct stream *stream_open(const char *url, const struct stream_options *options, GError **error);
void stream_free(struct stream *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(stream_t, stream_free)

/* To be polled once stream_read() gave 0: TLS may hold bytes that came already. */
int stream_descriptor(const struct stream *stream);
/* Bytes that came; 0: none now; -1 and an error: the connection is over. */
gssize stream_read(struct stream *stream, gpointer bytes, gsize size, GError **error);
/* All of them. */
gboolean stream_write(struct stream *stream, gconstpointer bytes, gsize length, GError **error);
