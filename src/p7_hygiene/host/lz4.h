/*
 * lz4.h: the LZ4 frame format, read (lz4_Frame_format.md 1.6, lz4_Block_format.md), in which APT
 * keeps its package lists. Checksums are not verified: APT did, when it wrote the file.
 */
#pragma once
#include <glib.h>

/* The content of one or more frames, at most `limit` bytes. NULL and ENTENTE_ERROR_INPUT. */
GByteArray *lz4_read(const void *data, gsize length, gsize limit, GError **error);
