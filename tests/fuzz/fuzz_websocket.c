/* What a WebSocket server sends: in two pieces it says what it says in one. */
#include "net/websocket.h"

#include <stdint.h>

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(enum websocket_kind kind, const guint8 *bytes, gsize length, gpointer data)
{
    guint64 *hash = data;

    g_assert_cmpuint(length, <=, WEBSOCKET_MESSAGE_MAX);
    for (gsize i = 0; i < length; i++)
        *hash = *hash * 33 + bytes[i];
    *hash = *hash * 33 + kind;
}

static guint64 read_in_pieces(const uint8_t *data, size_t size, size_t first)
{
    guint64 hash = 5381;
    g_autoptr(websocket_t) socket = websocket_new(KEY, check, &hash);
    const gboolean is_whole = websocket_take(socket, data, first, NULL) &&
                              websocket_take(socket, data + first, size - first, NULL);

    return hash * 2 + is_whole;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const guint64 whole = read_in_pieces(data, size, 0);
    const guint64 pieces = read_in_pieces(data, size, size / 3);

    g_assert_true(whole == pieces);
    return 0;
}
