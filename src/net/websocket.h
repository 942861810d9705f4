/*
 * websocket.h: a client's side of the WebSocket protocol (RFC 6455), without the network: bytes
 * come in, messages come out.
 *
 *     websocket_request() ─> server ─> head (101, Sec-WebSocket-Accept) ─> frames ─> messages
 *
 * No extension and no subprotocol is offered, and none is taken. Messages are bounded; those of
 * several frames are joined. What breaks a rule of the protocol ends the connection.
 */
#pragma once
#include <glib.h>

#define WEBSOCKET_MESSAGE_MAX ((gsize)1 << 20) /* bytes */
#define WEBSOCKET_HEAD_MAX ((gsize)16 << 10)
#define WEBSOCKET_CONTROL_MAX 125

enum websocket_kind {
    WEBSOCKET_TEXT = 1,
    WEBSOCKET_BINARY = 2,
    WEBSOCKET_CLOSE = 8,
    WEBSOCKET_PING = 9, /* to be answered by a PONG with the same bytes */
    WEBSOCKET_PONG = 10,
};

/* 16 random bytes as a header has them. The caller's. */
char *websocket_key(void);
/* What the server is to answer to it. The caller's. */
char *websocket_accept(const char *key);
/* `host` with its port where that is not the scheme's; `target`: path and query. The caller's. */
char *websocket_request(const char *host, const char *target, const char *key);

/* One whole frame, masked by `mask`, which is to be random and new for each. */
void websocket_append(GByteArray *out, enum websocket_kind kind, gconstpointer bytes, gsize length,
                      const guint8 mask[4]);

/* `bytes` are borrowed during the call. */
typedef void (*websocket_sink)(enum websocket_kind kind, const guint8 *bytes, gsize length,
                               gpointer data);

struct websocket;
typedef struct websocket websocket_t;
struct websocket *websocket_new(const char *key, websocket_sink sink, gpointer data);
void websocket_free(struct websocket *socket);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(websocket_t, websocket_free)

/* FALSE and ENTENTE_ERROR_INPUT with what was wrong: the connection is to be closed. */
gboolean websocket_take(struct websocket *socket, gconstpointer bytes, gsize length,
                        GError **error);
/* The server took the request: messages may go and come. */
gboolean websocket_is_open(const struct websocket *socket);
