#include "net/websocket.h"

#include "base/error.h"

#include <sodium.h>
#include <string.h>

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 section 1.3 */
#define KEY_BYTES 16
#define SHA1_BYTES 20
#define HEAD_END "\r\n\r\n"
#define STATUS_LINE "HTTP/1.1 101"

#define FIN 0x80u
#define RESERVED 0x70u
#define OPCODE 0x0fu
#define MASKED 0x80u
#define CONTROL 0x08u
#define CONTINUATION 0u
#define LENGTH_16 126u /* lengths that stand in 2 or 8 bytes of their own */
#define LENGTH_64 127u

struct websocket {
    char *accept;
    websocket_sink sink;
    gpointer data;
    gboolean is_open, is_broken;
    GByteArray *held;    /* bytes of a head or frame whose end did not come yet */
    GByteArray *message; /* of frames before the last */
    guint kind;          /* of `message`; 0: none is begun */
};

/* --- the request --- */

char *websocket_key(void)
{
    guint8 bytes[KEY_BYTES];

    randombytes_buf(bytes, sizeof bytes);
    return g_base64_encode(bytes, sizeof bytes);
}

char *websocket_accept(const char *key)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA1);
    guint8 digest[SHA1_BYTES];
    gsize length = sizeof digest;

    g_checksum_update(sum, (const guchar *)key, -1);
    g_checksum_update(sum, (const guchar *)GUID, -1);
    g_checksum_get_digest(sum, digest, &length);
    return g_base64_encode(digest, length);
}

char *websocket_request(const char *host, const char *target, const char *key)
{
    return g_strdup_printf("GET %s HTTP/1.1\r\n"
                           "Host: %s\r\n"
                           "Upgrade: websocket\r\n"
                           "Connection: Upgrade\r\n"
                           "Sec-WebSocket-Key: %s\r\n"
                           "Sec-WebSocket-Version: 13\r\n\r\n",
                           target, host, key);
}

void websocket_append(GByteArray *out, enum websocket_kind kind, gconstpointer bytes, gsize length,
                      const guint8 mask[4])
{
    const guint8 *from = bytes;
    guint8 head[2] = { (guint8)(FIN | kind), MASKED };
    guint8 wide[8];
    gsize start;

    for (guint i = 0; i < sizeof wide; i++)
        wide[i] = (guint8)((guint64)length >> (56 - 8 * i));
    head[1] |= (guint8)(length < LENGTH_16      ? length
                        : length <= G_MAXUINT16 ? LENGTH_16
                                                : LENGTH_64);
    g_byte_array_append(out, head, sizeof head);
    if (length > G_MAXUINT16)
        g_byte_array_append(out, wide, sizeof wide);
    else if (length >= LENGTH_16)
        g_byte_array_append(out, wide + 6, 2);
    g_byte_array_append(out, mask, 4);
    start = out->len;
    g_byte_array_append(out, from, (guint)length);
    for (gsize i = 0; i < length; i++)
        out->data[start + i] ^= mask[i % 4];
}

/* --- the head of the answer --- */

struct websocket *websocket_new(const char *key, websocket_sink sink, gpointer data)
{
    struct websocket *socket = g_new0(struct websocket, 1);

    socket->accept = websocket_accept(key);
    socket->sink = sink;
    socket->data = data;
    socket->held = g_byte_array_new();
    socket->message = g_byte_array_new();
    return socket;
}

void websocket_free(struct websocket *socket)
{
    if (!socket)
        return;
    g_free(socket->accept);
    g_byte_array_unref(socket->held);
    g_byte_array_unref(socket->message);
    g_free(socket);
}

gboolean websocket_is_open(const struct websocket *socket)
{
    return socket->is_open;
}

/* The value of the one header with this name; NULL: none, or several. The caller's. */
static char *header_of(char **lines, const char *name)
{
    const gsize length = strlen(name);
    char *value = NULL;

    for (guint i = 0; lines[i]; i++) {
        if (g_ascii_strncasecmp(lines[i], name, length) != 0 || lines[i][length] != ':')
            continue;
        if (value) {
            g_free(value);
            return NULL;
        }
        value = g_strstrip(g_strdup(lines[i] + length + 1));
    }
    return value;
}

static gboolean list_has(const char *list, const char *word)
{
    g_auto(GStrv) words = g_strsplit(list, ",", -1);

    for (guint i = 0; words[i]; i++)
        if (g_ascii_strcasecmp(g_strstrip(words[i]), word) == 0)
            return TRUE;
    return FALSE;
}

static gboolean check_head(struct websocket *socket, const char *head, GError **error)
{
    g_auto(GStrv) lines = g_strsplit(head, "\r\n", -1);
    g_autofree char *upgrade = header_of(lines, "Upgrade"),
                    *connection = header_of(lines, "Connection"),
                    *accept = header_of(lines, "Sec-WebSocket-Accept"),
                    *extensions = header_of(lines, "Sec-WebSocket-Extensions"),
                    *protocol = header_of(lines, "Sec-WebSocket-Protocol");

    if (!lines[0] || !g_str_has_prefix(lines[0], STATUS_LINE)) {
        const char *line = lines[0] ? lines[0] : ""; /* a head of nothing has no lines */
        g_autofree char *shown = g_utf8_make_valid(line, MIN(80, (gssize)strlen(line)));

        return input_error(error, "no WebSocket: the server answers \"%s\"", shown);
    }
    if (!upgrade || g_ascii_strcasecmp(upgrade, "websocket") != 0 || !connection ||
        !list_has(connection, "upgrade"))
        return input_error(error, "no WebSocket: the server does not upgrade the connection");
    if (g_strcmp0(accept, socket->accept) != 0)
        return input_error(error, "no WebSocket: the server's Sec-WebSocket-Accept is wrong");
    if (extensions || protocol)
        return input_error(error, "the server takes an extension or protocol that nobody offered");
    return TRUE;
}

/* FALSE: an error. Else the bytes of the head that were taken; 0: its end did not come yet. */
static gboolean take_head(struct websocket *socket, gsize *taken, GError **error)
{
    const guint8 *end = NULL;
    g_autofree char *head = NULL;

    *taken = 0;
    if (socket->held->len)
        end = memmem(socket->held->data, socket->held->len, HEAD_END, strlen(HEAD_END));
    if (!end)
        return socket->held->len <= WEBSOCKET_HEAD_MAX ||
               input_error(error, "no WebSocket: the head of the answer does not end");
    *taken = (gsize)(end - socket->held->data) + strlen(HEAD_END);
    head = g_strndup((const char *)socket->held->data, *taken - strlen(HEAD_END));
    socket->is_open = TRUE;
    return check_head(socket, head, error);
}

/* --- frames --- */

struct frame {
    guint opcode;
    gboolean is_last;
    guint64 length;
    gsize head; /* bytes before its own */
};

/* FALSE: more is needed. Rules are checked by check_frame(). */
static gboolean read_frame(const guint8 *at, gsize left, struct frame *frame)
{
    guint short_length;
    gsize wide;

    if (left < 2)
        return FALSE;
    short_length = at[1] & ~MASKED;
    wide = short_length == LENGTH_64 ? 8 : short_length == LENGTH_16 ? 2 : 0;
    if (left < 2 + wide)
        return FALSE;
    frame->opcode = at[0] & OPCODE;
    frame->is_last = (at[0] & FIN) != 0;
    frame->head = 2 + wide;
    frame->length = wide ? 0 : short_length;
    for (gsize i = 0; i < wide; i++)
        frame->length = frame->length << 8 | at[2 + i];
    return TRUE;
}

static gboolean is_shortest(const struct frame *frame)
{
    return frame->head == 2 || (frame->head == 4 && frame->length >= LENGTH_16) ||
           frame->length > G_MAXUINT16;
}

static gboolean check_frame(const struct websocket *socket, const guint8 *at,
                            const struct frame *frame, GError **error)
{
    if (at[0] & RESERVED)
        return input_error(error, "a WebSocket frame with reserved bits");
    if (at[1] & MASKED)
        return input_error(error, "a WebSocket frame that a server masked");
    if (!is_shortest(frame))
        return input_error(error, "a WebSocket frame whose length is written too long");
    if (frame->opcode & CONTROL) {
        if (frame->opcode > WEBSOCKET_PONG)
            return input_error(error, "a WebSocket frame of the unknown kind %u", frame->opcode);
        return (frame->is_last && frame->length <= WEBSOCKET_CONTROL_MAX) ||
               input_error(error, "a WebSocket control frame that is cut or too long");
    }
    if (frame->opcode > WEBSOCKET_BINARY)
        return input_error(error, "a WebSocket frame of the unknown kind %u", frame->opcode);
    if ((frame->opcode == CONTINUATION) != (socket->kind != 0))
        return input_error(error, "a WebSocket message within another, or without its begin");
    return socket->message->len + frame->length <= WEBSOCKET_MESSAGE_MAX ||
           input_error(error, "a WebSocket message of more than %" G_GSIZE_FORMAT " bytes",
                       WEBSOCKET_MESSAGE_MAX);
}

static void take_frame(struct websocket *socket, const struct frame *frame, const guint8 *bytes)
{
    if (frame->opcode & CONTROL) {
        socket->sink((enum websocket_kind)frame->opcode, bytes, frame->length, socket->data);
        return;
    }
    if (frame->opcode && frame->is_last) { /* the usual: whole, and without a copy */
        socket->sink((enum websocket_kind)frame->opcode, bytes, frame->length, socket->data);
        return;
    }
    if (frame->opcode)
        socket->kind = frame->opcode;
    g_byte_array_append(socket->message, bytes, (guint)frame->length);
    if (!frame->is_last)
        return;
    socket->sink((enum websocket_kind)socket->kind, socket->message->data, socket->message->len,
                 socket->data);
    socket->kind = 0;
    g_byte_array_set_size(socket->message, 0);
}

/* All frames that are there; `at` is moved behind them. */
static gboolean take_frames(struct websocket *socket, gsize *at, GError **error)
{
    const GByteArray *held = socket->held;
    struct frame frame;

    while (read_frame(held->data + *at, held->len - *at, &frame)) {
        if (!check_frame(socket, held->data + *at, &frame, error))
            return FALSE;
        if (held->len - *at - frame.head < frame.length)
            return TRUE;
        take_frame(socket, &frame, held->data + *at + frame.head);
        *at += frame.head + frame.length;
    }
    return TRUE;
}

gboolean websocket_take(struct websocket *socket, gconstpointer bytes, gsize length, GError **error)
{
    gsize at = 0;
    gboolean taken = TRUE;

    if (socket->is_broken)
        return input_error(error, "the WebSocket is broken");
    g_byte_array_append(socket->held, bytes, (guint)length);
    if (!socket->is_open)
        taken = take_head(socket, &at, error);
    if (taken && socket->is_open)
        taken = take_frames(socket, &at, error);
    g_byte_array_remove_range(socket->held, 0, (guint)at);
    socket->is_broken = !taken;
    return taken;
}
