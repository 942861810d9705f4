#include "stream/decompress.h"

#include "base/error.h"

#include <string.h>

struct decompressor {
    const struct decompress_format *format;
    gpointer state;
    gboolean whole;
};

static const struct decompress_format *const formats[COMPRESSIONS] = {
    [COMPRESSION_GZIP] = &decompress_gzip,
    [COMPRESSION_ZSTD] = &decompress_zstd,
    [COMPRESSION_BZIP2] = &decompress_bzip2,
    [COMPRESSION_XZ] = &decompress_xz,
};

enum compression compression_of(const guint8 *bytes, gsize length)
{
    static const struct {
        enum compression compression;
        guint8 length;
        guint8 magic[COMPRESSION_MAGIC_SIZE], mask[COMPRESSION_MAGIC_SIZE];
    } rows[] = {
        { COMPRESSION_GZIP, 3, { 0x1f, 0x8b, 8 }, { 0xff, 0xff, 0xff } },
        { COMPRESSION_ZSTD, 4, { 0x28, 0xb5, 0x2f, 0xfd }, { 0xff, 0xff, 0xff, 0xff } },
        /* A skippable frame may come first. */
        { COMPRESSION_ZSTD, 4, { 0x50, 0x2a, 0x4d, 0x18 }, { 0xf0, 0xff, 0xff, 0xff } },
        { COMPRESSION_BZIP2, 4, { 'B', 'Z', 'h', '0' }, { 0xff, 0xff, 0xff, 0xf0 } },
        { COMPRESSION_XZ,
          6,
          { 0xfd, '7', 'z', 'X', 'Z', 0 },
          { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        gsize same = 0;

        while (same < rows[i].length && same < length &&
               (bytes[same] & rows[i].mask[same]) == rows[i].magic[same])
            same++;
        if (same == rows[i].length)
            return rows[i].compression;
    }
    return COMPRESSION_NONE;
}

gboolean decompress_prepare(enum compression compression, GError **error)
{
    return compression == COMPRESSION_NONE || formats[compression]->prepare(error);
}

struct decompressor *decompressor_new(enum compression compression, GError **error)
{
    g_autoptr(decompressor_t) decompressor = g_new0(struct decompressor, 1);

    decompressor->format = formats[compression];
    decompressor->whole = TRUE;
    if (!decompressor->format->prepare(error) ||
        !(decompressor->state = decompressor->format->begin(error)))
        return NULL;
    return g_steal_pointer(&decompressor);
}

void decompressor_free(struct decompressor *decompressor)
{
    if (!decompressor)
        return;
    if (decompressor->state)
        decompressor->format->end(decompressor->state);
    g_free(decompressor);
}

gboolean decompress(struct decompressor *decompressor, struct decompress_step *step, GError **error)
{
    while (step->out_left > 0) {
        gsize in = step->in_left, out = step->out_left;

        if (!decompressor->format->step(decompressor->state, step, &decompressor->whole, error))
            return FALSE;
        if (step->in_left == in && step->out_left == out)
            break; /* it wants more input, or there is none */
    }
    return TRUE;
}

gboolean decompressor_is_whole(const struct decompressor *decompressor)
{
    return decompressor->whole;
}
