/* seal_stream.h: the format of seal.h, from any source of bytes to any sink; private to seal/. */
#pragma once
#include <glib.h>

#define SEAL_CHUNK_SIZE (1u << 20)

struct seal_stream {
    /* Reads up to `length` bytes; fewer only at the end. -1 and an error. */
    gssize (*read)(void *from, guint8 *buffer, gsize length, GError **error);
    gboolean (*write)(void *to, const guint8 *bytes, gsize length, GError **error);
    void *from, *to;
    const char *name; /* stands in messages */
};

gboolean seal_stream_seal(const struct seal_stream *stream, guint64 size,
                          const GPtrArray *recipients, GError **error);

/* What was written before an error is not to be believed: the last chunk had not verified. */
gboolean seal_stream_open(const struct seal_stream *stream, const GPtrArray *secrets,
                          GError **error);
