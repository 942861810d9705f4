/*
 * tls_hello.h: what a TLS ClientHello says in clear: server names and application protocols
 * (RFC 8446 section 4.1.2, RFC 6066 section 3, RFC 7301).
 *
 * The hello may be spread over records, and these over segments: a collector takes bytes as they
 * come. In QUIC there are no records: the handshake message is read as it is.
 */
#pragma once
#include <glib.h>

#define TLS_HELLO_MAX (64u << 10) /* bytes of a handshake message that is taken */

enum tls_item {
    TLS_SERVER_NAME,
    TLS_PROTOCOL,        /* ALPN: "h2" */
    TLS_ENCRYPTED_HELLO, /* the real name is encrypted (ECH): no bytes */
};
typedef void (*tls_take)(enum tls_item item, const guint8 *bytes, gsize length, gpointer data);

/* Reads a handshake message: type, length, body. FALSE: no ClientHello, or broken after that. */
gboolean tls_hello_read(const guint8 *bytes, gsize length, tls_take take, gpointer data);

/* Length of the handshake message that begins with these four bytes; 0: no ClientHello begins so.
 */
gsize tls_hello_length(const guint8 head[static 4]);

enum tls_progress {
    TLS_MORE,  /* so far it is one */
    TLS_WHOLE, /* it is there */
    TLS_OTHER, /* it is none */
};

struct tls_collector;
struct tls_collector *tls_collector_new(void);
void tls_collector_free(struct tls_collector *collector);
typedef struct tls_collector tls_collector_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(tls_collector_t, tls_collector_free)

/* Takes the next bytes of a stream that begins with a TLS record. After TLS_MORE only. */
enum tls_progress tls_collector_add(struct tls_collector *collector, const guint8 *bytes,
                                    gsize length);
/* The message, when it is whole. */
const guint8 *tls_collector_message(const struct tls_collector *collector, gsize *length);
