#include "p1_resilience/hunt/tls_hello.h"

#include "p1_resilience/hunt/octets.h"

#define RECORD_HEAD 5
#define RECORD_HANDSHAKE 22
#define RECORD_MAX ((1u << 14) + 2048) /* RFC 5246 section 6.2.3, the widest of all versions */
#define VERSION_MAJOR 3
#define VERSION_MINOR_MAX 4
#define HANDSHAKE_HEAD 4
#define CLIENT_HELLO 1
#define RANDOM_SIZE 32

enum extension { EXTENSION_SERVER_NAME = 0, EXTENSION_ALPN = 16, EXTENSION_ENCRYPTED = 0xfe0d };

struct tls_collector {
    guint8 head[RECORD_HEAD];
    guint head_length;
    gsize record_left; /* bytes of the record that are to come */
    GByteArray *message;
};

static gboolean read_server_names(struct octets list, tls_take take, gpointer data)
{
    struct octets name;
    guint32 type;

    if (!octets_vector(&list, 2, &list))
        return FALSE;
    while (list.left) {
        if (!octets_number(&list, 1, &type) || !octets_vector(&list, 2, &name))
            return FALSE;
        if (type == 0 && name.left)
            take(TLS_SERVER_NAME, name.at, name.left, data);
    }
    return TRUE;
}

static gboolean read_protocols(struct octets list, tls_take take, gpointer data)
{
    struct octets name;

    if (!octets_vector(&list, 2, &list))
        return FALSE;
    while (list.left) {
        if (!octets_vector(&list, 1, &name))
            return FALSE;
        if (name.left)
            take(TLS_PROTOCOL, name.at, name.left, data);
    }
    return TRUE;
}

static gboolean read_extensions(struct octets list, tls_take take, gpointer data)
{
    gboolean is_fine = TRUE;
    struct octets body;
    guint32 type;

    while (list.left) {
        if (!octets_number(&list, 2, &type) || !octets_vector(&list, 2, &body))
            return FALSE;
        if (type == EXTENSION_SERVER_NAME)
            is_fine &= read_server_names(body, take, data);
        else if (type == EXTENSION_ALPN)
            is_fine &= read_protocols(body, take, data);
        else if (type == EXTENSION_ENCRYPTED)
            take(TLS_ENCRYPTED_HELLO, NULL, 0, data);
    }
    return is_fine;
}

gsize tls_hello_length(const guint8 head[static 4])
{
    gsize length = octets_be32(head) & 0xffffff;

    if (head[0] != CLIENT_HELLO || length > TLS_HELLO_MAX - HANDSHAKE_HEAD)
        return 0;
    return length + HANDSHAKE_HEAD;
}

gboolean tls_hello_read(const guint8 *bytes, gsize length, tls_take take, gpointer data)
{
    struct octets rest = { bytes, length }, skipped, extensions;
    guint32 version;

    if (length < HANDSHAKE_HEAD || tls_hello_length(bytes) == 0 || tls_hello_length(bytes) > length)
        return FALSE;
    rest.left = tls_hello_length(bytes);
    octets_skip(&rest, HANDSHAKE_HEAD);
    if (!octets_number(&rest, 2, &version) || version >> 8 != VERSION_MAJOR ||
        !octets_skip(&rest, RANDOM_SIZE) || !octets_vector(&rest, 1, &skipped) ||
        !octets_vector(&rest, 2, &skipped) || !octets_vector(&rest, 1, &skipped))
        return FALSE;
    if (!rest.left) /* without extensions */
        return TRUE;
    return octets_vector(&rest, 2, &extensions) && read_extensions(extensions, take, data);
}

struct tls_collector *tls_collector_new(void)
{
    struct tls_collector *collector = g_new0(struct tls_collector, 1);

    collector->message = g_byte_array_new();
    return collector;
}

void tls_collector_free(struct tls_collector *collector)
{
    if (!collector)
        return;
    g_byte_array_unref(collector->message);
    g_free(collector);
}

/* Whether the bytes of the record's head that are there can be one. */
static gboolean head_is_possible(struct tls_collector *collector)
{
    const guint8 *head = collector->head;
    guint length = collector->head_length;

    return head[0] == RECORD_HANDSHAKE && (length < 2 || head[1] == VERSION_MAJOR) &&
           (length < 3 || head[2] <= VERSION_MINOR_MAX) &&
           (length < RECORD_HEAD ||
            (octets_be16(head + 3) > 0 && octets_be16(head + 3) <= RECORD_MAX));
}

enum tls_progress tls_collector_add(struct tls_collector *collector, const guint8 *bytes,
                                    gsize length)
{
    GByteArray *message = collector->message;
    gsize wanted;

    while (length) {
        gsize step;

        if (!collector->record_left) {
            collector->head[collector->head_length++] = *bytes++;
            length--;
            if (!head_is_possible(collector))
                return TLS_OTHER;
            if (collector->head_length == RECORD_HEAD) {
                collector->record_left = octets_be16(collector->head + 3);
                collector->head_length = 0;
            }
            continue;
        }
        step = MIN(length, collector->record_left);
        g_byte_array_append(message, bytes, (guint)step);
        bytes += step;
        length -= step;
        collector->record_left -= step;
        if (message->data[0] != CLIENT_HELLO)
            return TLS_OTHER;
        if (message->len < HANDSHAKE_HEAD)
            continue;
        wanted = tls_hello_length(message->data);
        if (wanted == 0)
            return TLS_OTHER;
        if (message->len >= wanted)
            return TLS_WHOLE;
    }
    return TLS_MORE;
}

const guint8 *tls_collector_message(const struct tls_collector *collector, gsize *length)
{
    *length = collector->message->len;
    return collector->message->data;
}
