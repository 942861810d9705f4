/*
 * utf16.h: logs in UTF-16, as Windows writes them, as the bytes that the scanner knows.
 *
 * Each unit of 16 bits becomes one byte: itself below 0x80, else UTF16_OTHER, which parts tokens as
 * every byte beyond ASCII does. So byte n of the result is unit n of the log.
 */
#pragma once
#include <glib.h>

enum utf16 { UTF16_NOT, UTF16_LITTLE, UTF16_BIG };

#define UTF16_MARK 2      /* bytes of a byte order mark */
#define UTF16_OTHER 0x80u /* a unit that is no ASCII */

/* By the byte order mark that a text begins with. */
enum utf16 utf16_by_mark(const guint8 *bytes, gsize length);

/* By its zero bytes: nearly each second one. For texts without a mark that are mostly ASCII. */
enum utf16 utf16_by_zeros(const guint8 *bytes, gsize length);

/* `units` of them, from `from` to `to`, which may be the same. */
void utf16_narrow(enum utf16 order, const guint8 *from, gsize units, guint8 *to);
