/*
 * octets.h: bytes of the network, read from the front, never beyond their end.
 *
 * Each function takes from the front and gives FALSE, with nothing taken, when there is too little.
 * Numbers are in network order.
 */
#pragma once
#include <glib.h>

struct octets {
    const guint8 *at;
    gsize left;
};

static inline gboolean octets_take(struct octets *from, gsize length, struct octets *taken)
{
    if (length > from->left)
        return FALSE;
    *taken = (struct octets){ from->at, length };
    from->at += length;
    from->left -= length;
    return TRUE;
}

static inline gboolean octets_skip(struct octets *from, gsize length)
{
    struct octets skipped;

    return octets_take(from, length, &skipped);
}

static inline gboolean octets_number(struct octets *from, guint size, guint32 *number)
{
    struct octets taken;

    if (!octets_take(from, size, &taken))
        return FALSE;
    *number = 0;
    for (guint i = 0; i < size; i++)
        *number = *number << 8 | taken.at[i];
    return TRUE;
}

/* Bytes that stand behind their own length, a number of `size` bytes. Both may be the same. */
static inline gboolean octets_vector(struct octets *from, guint size, struct octets *taken)
{
    struct octets rest = *from, body;
    guint32 length;

    if (!octets_number(&rest, size, &length) || !octets_take(&rest, length, &body))
        return FALSE;
    *from = rest;
    *taken = body;
    return TRUE;
}

static inline guint16 octets_be16(const guint8 *at)
{
    return (guint16)(at[0] << 8 | at[1]);
}

static inline guint32 octets_be32(const guint8 *at)
{
    return (guint32)octets_be16(at) << 16 | octets_be16(at + 2);
}
