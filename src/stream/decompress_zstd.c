#include "stream/decompress.h"

#include "base/error.h"
#include "base/late_library.h"

#include <stddef.h>
#include <zstd.h>
#include <zstd_errors.h>

/* 128 MiB, what decoders must take (RFC 8878 recommends 8 MiB, zstd's own limit is this one). */
#define WINDOW_LOG_MAX 27

struct zstd_calls {
    typeof(ZSTD_createDStream) *create;
    typeof(ZSTD_freeDStream) *release;
    typeof(ZSTD_DCtx_setParameter) *set;
    typeof(ZSTD_decompressStream) *decompress;
    typeof(ZSTD_isError) *is_error;
    typeof(ZSTD_getErrorCode) *error_code;
    typeof(ZSTD_getErrorName) *error_name;
};

static const struct late_symbol symbols[] = {
    { "ZSTD_createDStream", offsetof(struct zstd_calls, create) },
    { "ZSTD_freeDStream", offsetof(struct zstd_calls, release) },
    { "ZSTD_DCtx_setParameter", offsetof(struct zstd_calls, set) },
    { "ZSTD_decompressStream", offsetof(struct zstd_calls, decompress) },
    { "ZSTD_isError", offsetof(struct zstd_calls, is_error) },
    { "ZSTD_getErrorCode", offsetof(struct zstd_calls, error_code) },
    { "ZSTD_getErrorName", offsetof(struct zstd_calls, error_name) },
    { NULL, 0 },
};

struct unzstd {
    struct zstd_calls zstd;
    ZSTD_DStream *stream;
};

static gboolean load(struct zstd_calls *zstd, GError **error)
{
    return late_library_load("libzstd.so.1", "libzstd1", symbols, zstd, error);
}

static gboolean prepare(GError **error)
{
    struct zstd_calls zstd = { 0 };

    return load(&zstd, error);
}

static gpointer begin(GError **error)
{
    struct unzstd *state = g_new0(struct unzstd, 1);

    if (!load(&state->zstd, error)) {
        g_free(state);
        return NULL;
    }
    state->stream = state->zstd.create();
    if (!state->stream) {
        system_error(error, "no memory to unpack Zstandard");
        g_free(state);
        return NULL;
    }
    state->zstd.set(state->stream, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    return state;
}

static void end(gpointer data)
{
    struct unzstd *state = data;

    state->zstd.release(state->stream);
    g_free(state);
}

static gboolean step_zstd(gpointer data, struct decompress_step *step, gboolean *whole,
                          GError **error)
{
    ZSTD_inBuffer in = { step->in, step->in_left, 0 };
    ZSTD_outBuffer out = { step->out, step->out_left, 0 };
    struct unzstd *state = data;
    gsize wants = state->zstd.decompress(state->stream, &out, &in);

    step->in += in.pos;
    step->in_left -= in.pos;
    step->out += out.pos;
    step->out_left -= out.pos;
    if (state->zstd.is_error(wants) &&
        state->zstd.error_code(wants) == ZSTD_error_frameParameter_windowTooLarge)
        return input_error(
            error,
            "its Zstandard data wants a window of more than %u MB: unpack it with zstd "
            "--long=31 -dc, and hunt in that",
            (1u << WINDOW_LOG_MAX) >> 20);
    if (state->zstd.is_error(wants))
        return input_error(error, "its Zstandard data is broken: %s",
                           state->zstd.error_name(wants));
    if (in.pos || out.pos)
        *whole = wants == 0; /* a frame has ended, and all of it is out */
    return TRUE;
}

const struct decompress_format decompress_zstd = { "zstd", prepare, begin, end, step_zstd };
