#include "base/error.h"
#include "journal/journal_private.h"

#include <sodium.h>
#include <string.h>

#define ENCODING "entente/event/1\n"
#define ABSENT 0xffffffffu

static void put_integer(GByteArray *out, guint64 number)
{
    number = GUINT64_TO_BE(number);
    g_byte_array_append(out, (const guint8 *)&number, sizeof number);
}

static void put_string(GByteArray *out, const void *bytes, gsize length)
{
    guint32 size = GUINT32_TO_BE(bytes ? (guint32)length : ABSENT);

    g_byte_array_append(out, (const guint8 *)&size, sizeof size);
    if (bytes)
        g_byte_array_append(out, bytes, (guint)length);
}

static void put_text(GByteArray *out, const char *text)
{
    put_string(out, text, text ? strlen(text) : 0);
}

static void put_bytes(GByteArray *out, GBytes *bytes)
{
    gsize length = 0;
    const void *data = bytes ? g_bytes_get_data(bytes, &length) : NULL;

    put_string(out, bytes && !data ? "" : data, length);
}

void event_digest(const struct event *event, guint8 hash[JOURNAL_HASH])
{
    g_autoptr(GByteArray) out = g_byte_array_new();

    g_byte_array_append(out, (const guint8 *)ENCODING, strlen(ENCODING));
    put_integer(out, event->seq);
    put_integer(out, (guint64)event->time_us);
    put_text(out, event->kind);
    put_text(out, event->asset);
    put_text(out, event->key);
    put_bytes(out, event->body);
    put_bytes(out, event->signature);
    g_byte_array_append(out, event->previous, JOURNAL_HASH);
    crypto_hash_sha256(hash, out->data, out->len);
}

static gboolean read_hash(struct query *query, int column, guint8 hash[JOURNAL_HASH])
{
    gsize length;
    const void *bytes = query_bytes(query, column, &length);

    if (!bytes || length != JOURNAL_HASH)
        return FALSE;
    memcpy(hash, bytes, JOURNAL_HASH);
    return TRUE;
}

static GBytes *read_bytes(struct query *query, int column)
{
    gsize length;
    const void *bytes = query_bytes(query, column, &length);

    return bytes ? g_bytes_new(bytes, length) : NULL;
}

gboolean event_from_row(struct query *query, const char *path, struct event *event, GError **error)
{
    memset(event, 0, sizeof *event);
    event->seq = (guint64)query_integer(query, 0);
    event->time_us = query_integer(query, 1);
    event->kind = g_strdup(query_text(query, 2));
    event->asset = g_strdup(query_text(query, 3));
    event->key = g_strdup(query_text(query, 4));
    event->body = read_bytes(query, 5);
    event->signature = read_bytes(query, 6);
    if (event->kind && event->body && read_hash(query, 7, event->previous) &&
        read_hash(query, 8, event->hash))
        return TRUE;
    event_clear(event);
    return found_error(error, "%s: event %" G_GUINT64_FORMAT " is damaged", path,
                       (guint64)query_integer(query, 0));
}

void event_clear(struct event *event)
{
    g_clear_pointer(&event->kind, g_free);
    g_clear_pointer(&event->asset, g_free);
    g_clear_pointer(&event->key, g_free);
    g_clear_pointer(&event->body, g_bytes_unref);
    g_clear_pointer(&event->signature, g_bytes_unref);
}

struct event *event_copy(const struct event *event)
{
    struct event *copy = g_memdup2(event, sizeof *event);

    copy->kind = g_strdup(event->kind);
    copy->asset = g_strdup(event->asset);
    copy->key = g_strdup(event->key);
    copy->body = g_bytes_ref(event->body);
    copy->signature = event->signature ? g_bytes_ref(event->signature) : NULL;
    return copy;
}

void event_free(struct event *event)
{
    if (!event)
        return;
    event_clear(event);
    g_free(event);
}
