/*
 * lz4.h: the LZ4 frame format, read (lz4_Frame_format.md 1.6, lz4_Block_format.md), in which APT
 * keeps its package lists. Checksums are not verified: APT did, when it wrote the file.
 */
#pragma once
#include <glib.h>

typedef void (*lz4_fn)(const guint8 *bytes, gsize length, gpointer data);

/*
 * Gives on the content of one or more frames block by block: a package list need not be held as a
 * whole. FALSE and ENTENTE_ERROR_INPUT when it is damaged, cut, or has more than `limit` bytes:
 * some blocks may have gone.
 */
gboolean lz4_each_piece(const void *packed, gsize length, gsize limit, lz4_fn each, gpointer data,
                        GError **error);
