/* decompress.h: one fuzz target a format: in pieces of any size, nothing is read or written
 * outside. */
#pragma once
#include "stream/decompress.h"

#include <stdint.h>
#include <string.h>

#define UNPACKED_MOST (4u << 20) /* bytes; a bomb ends here */

static inline void decompress_any(enum compression compression, const uint8_t *data, size_t size)
{
    g_autoptr(decompressor_t) decompressor = decompressor_new(compression, NULL);
    gsize piece = size ? 1 + data[0] * 64 : 1, out_size = size ? 1 + data[size - 1] * 256 : 1;
    g_autofree guint8 *out = g_malloc(out_size), *copy = g_malloc(piece);
    gsize unpacked = 0;

    g_assert_nonnull(decompressor);
    for (gsize at = 0; at < size; at += piece) {
        struct decompress_step step = { .in = copy, .in_left = MIN(piece, size - at) };

        memcpy(copy, data + at, step.in_left);
        step.is_last = at + step.in_left == size;
        do {
            gsize in = step.in_left;

            step.out = out;
            step.out_left = out_size;
            if (!decompress(decompressor, &step, NULL))
                return;
            g_assert_true(step.in_left <= in && step.out_left <= out_size);
            unpacked += out_size - step.out_left;
            if (unpacked > UNPACKED_MOST)
                return;
        } while (step.out_left < out_size);
    }
    decompressor_is_whole(decompressor);
}
