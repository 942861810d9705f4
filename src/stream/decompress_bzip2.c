#include "stream/decompress.h"

#include "base/error.h"
#include "base/late_library.h"

#include <bzlib.h>
#include <stddef.h>

struct bzip2_calls {
    typeof(BZ2_bzDecompressInit) *init;
    typeof(BZ2_bzDecompress) *decompress;
    typeof(BZ2_bzDecompressEnd) *end;
};

static const struct late_symbol symbols[] = {
    { "BZ2_bzDecompressInit", offsetof(struct bzip2_calls, init) },
    { "BZ2_bzDecompress", offsetof(struct bzip2_calls, decompress) },
    { "BZ2_bzDecompressEnd", offsetof(struct bzip2_calls, end) },
    { NULL, 0 },
};

struct bunzip2 {
    struct bzip2_calls bzip2;
    bz_stream stream;
    gboolean is_open; /* a stream has begun and not ended */
};

static gboolean load(struct bzip2_calls *bzip2, GError **error)
{
    return late_library_load("libbz2.so.1.0", "libbz2-1.0", symbols, bzip2, error);
}

static gboolean prepare(GError **error)
{
    struct bzip2_calls bzip2 = { 0 };

    return load(&bzip2, error);
}

static gpointer begin(GError **error)
{
    struct bunzip2 *state = g_new0(struct bunzip2, 1);

    if (load(&state->bzip2, error))
        return state;
    g_free(state);
    return NULL;
}

static void close_stream(struct bunzip2 *state)
{
    if (state->is_open)
        state->bzip2.end(&state->stream);
    state->is_open = FALSE;
}

static void end(gpointer data)
{
    close_stream(data);
    g_free(data);
}

static gboolean step_bzip2(gpointer data, struct decompress_step *step, gboolean *whole,
                           GError **error)
{
    struct bunzip2 *state = data;
    guint in = (guint)MIN(step->in_left, G_MAXINT32), out = (guint)MIN(step->out_left, G_MAXINT32);
    int status;

    if (!state->is_open && !in)
        return TRUE;
    if (!state->is_open) {
        state->stream = (bz_stream){ 0 };
        if (state->bzip2.init(&state->stream, 0, 0) != BZ_OK)
            return system_error(error, "no memory to unpack bzip2");
        state->is_open = TRUE;
    }
    state->stream.next_in = (char *)step->in;
    state->stream.avail_in = in;
    state->stream.next_out = (char *)step->out;
    state->stream.avail_out = out;
    status = state->bzip2.decompress(&state->stream);
    step->in += in - state->stream.avail_in;
    step->in_left -= in - state->stream.avail_in;
    step->out += out - state->stream.avail_out;
    step->out_left -= out - state->stream.avail_out;
    if (status == BZ_STREAM_END)
        close_stream(state);
    *whole = !state->is_open;
    if (status != BZ_OK && status != BZ_STREAM_END)
        return input_error(error, "its bzip2 data is broken (libbz2 says %d)", status);
    return TRUE;
}

const struct decompress_format decompress_bzip2 = { "bzip2", prepare, begin, end, step_bzip2 };
