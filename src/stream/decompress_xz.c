#include "stream/decompress.h"

#include "base/error.h"
#include "base/late_library.h"

#include <lzma.h>
#include <stddef.h>

#define MEMORY_MAX (G_GUINT64_CONSTANT(192) << 20) /* bytes: xz -9 needs 65 MiB */

struct lzma_calls {
    typeof(lzma_stream_decoder) *decoder;
    typeof(lzma_code) *code;
    typeof(lzma_end) *end;
};

static const struct late_symbol symbols[] = {
    { "lzma_stream_decoder", offsetof(struct lzma_calls, decoder) },
    { "lzma_code", offsetof(struct lzma_calls, code) },
    { "lzma_end", offsetof(struct lzma_calls, end) },
    { NULL, 0 },
};

struct unxz {
    struct lzma_calls lzma;
    lzma_stream stream;
};

static gboolean load(struct lzma_calls *lzma, GError **error)
{
    return late_library_load("liblzma.so.5", "liblzma5", symbols, lzma, error);
}

static gboolean prepare(GError **error)
{
    struct lzma_calls lzma = { 0 };

    return load(&lzma, error);
}

static gpointer begin(GError **error)
{
    struct unxz *state = g_new0(struct unxz, 1);

    if (load(&state->lzma, error)) {
        if (state->lzma.decoder(&state->stream, MEMORY_MAX, LZMA_CONCATENATED) == LZMA_OK)
            return state;
        system_error(error, "no memory to unpack xz");
    }
    g_free(state);
    return NULL;
}

static void end(gpointer data)
{
    struct unxz *state = data;

    state->lzma.end(&state->stream);
    g_free(state);
}

static gboolean step_xz(gpointer data, struct decompress_step *step, gboolean *whole,
                        GError **error)
{
    struct unxz *state = data;
    lzma_stream *stream = &state->stream;
    lzma_ret status;

    stream->next_in = step->in;
    stream->avail_in = step->in_left;
    stream->next_out = step->out;
    stream->avail_out = step->out_left;
    status = state->lzma.code(stream, step->is_last ? LZMA_FINISH : LZMA_RUN);
    step->in = stream->next_in;
    step->in_left = stream->avail_in;
    step->out = stream->next_out;
    step->out_left = stream->avail_out;
    /* Whether another stream follows is only known at the end of the input. */
    *whole = status == LZMA_STREAM_END;
    if (status == LZMA_MEMLIMIT_ERROR)
        return input_error(error, "its xz data needs more than %" G_GUINT64_FORMAT " MB to unpack",
                           MEMORY_MAX >> 20);
    if (status != LZMA_OK && status != LZMA_STREAM_END && status != LZMA_BUF_ERROR)
        return input_error(error, "its xz data is broken (liblzma says %d)", (int)status);
    return TRUE;
}

const struct decompress_format decompress_xz = { "xz", prepare, begin, end, step_xz };
