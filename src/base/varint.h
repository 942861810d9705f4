/*
 * varint.h: numbers in as many bytes as they need: seven bits a byte, the lowest first; the top bit
 * of all bytes but the last is set.
 */
#pragma once
#include <glib.h>

#define VARINT_MAX 10 /* bytes */

/* Reads the number at `*at`, before `end`, and moves behind it. FALSE when there is none. */
static inline gboolean varint_read(const guint8 **at, const guint8 *end, guint64 *number)
{
    const guint8 *byte = *at;
    guint64 sum = 0;

    for (guint shift = 0; byte < end && shift < 64; shift += 7) {
        sum |= (guint64)(*byte & 0x7f) << shift;
        if (!(*byte++ & 0x80)) {
            *at = byte;
            *number = sum;
            return TRUE;
        }
    }
    return FALSE;
}

/* Writes at most VARINT_MAX bytes; gives their number. */
static inline gsize varint_write(guint8 *to, guint64 number)
{
    gsize length = 0;

    for (; number >= 0x80; number >>= 7)
        to[length++] = (guint8)(number | 0x80);
    to[length++] = (guint8)number;
    return length;
}
