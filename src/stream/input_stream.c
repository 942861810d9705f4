#include "stream/input_stream.h"

#include "base/error.h"
#include "base/sha256.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PACKED_SIZE ((gsize)256 << 10) /* bytes of compressed input read at a time */

struct input_stream {
    struct input *input;
    guint64 read;
    char *problem;
    struct decompressor *decompressor; /* NULL: it is not compressed */
    guint8 *packed;
    gsize packed_at, packed_end;
    gboolean packed_done;
    struct sha256 *digest; /* NULL: it is not asked for, or was given */
};

static void fail(struct input_stream *stream, const char *problem)
{
    if (!stream->problem)
        stream->problem = g_strdup(problem);
}

/* What the descriptor has now; 0 at its end, or after a problem. */
static gsize read_some(struct input_stream *stream, guint8 *to, gsize size)
{
    const struct input *input = stream->input;
    ssize_t got;

    if (input->until)
        size = MIN(size, (gsize)(input->until - input->from - stream->read));
    do
        got = size ? read(input->fd, to, size) : 0;
    while (got < 0 && errno == EINTR);
    if (got < 0)
        fail(stream, strerror(errno));
    if (got <= 0)
        return 0;
    if (stream->digest)
        sha256_update(stream->digest, to, (gsize)got);
    stream->read += (guint64)got;
    return (gsize)got;
}

/* Standard input and FIFOs show what they are when they are read. */
static void recognise(struct input_stream *stream)
{
    g_autoptr(GError) error = NULL;

    while (stream->packed_end < COMPRESSION_MAGIC_SIZE && !stream->packed_done) {
        gsize got = read_some(stream, stream->packed + stream->packed_end,
                              PACKED_SIZE - stream->packed_end);

        stream->packed_end += got;
        stream->packed_done = got == 0;
    }
    if (!stream->input->from)
        stream->input->compression = compression_of(stream->packed, stream->packed_end);
    if (stream->input->compression == COMPRESSION_NONE)
        return;
    stream->decompressor = decompressor_new(stream->input->compression, &error);
    if (!stream->decompressor)
        fail(stream, error->message);
}

struct input_stream *input_stream_new(struct input *input)
{
    struct input_stream *stream = g_new0(struct input_stream, 1);

    stream->input = input;
    stream->packed = g_malloc(PACKED_SIZE);
    if (input->with_digest)
        stream->digest = sha256_new(input->size);
    recognise(stream);
    return stream;
}

void input_stream_free(struct input_stream *stream)
{
    if (!stream)
        return;
    decompressor_free(stream->decompressor);
    sha256_free(stream->digest);
    g_free(stream->packed);
    g_free(stream->problem);
    g_free(stream);
}

guint64 input_stream_read(const struct input_stream *stream)
{
    return stream->read;
}

void input_stream_digest(struct input_stream *stream, guint8 *digest)
{
    if (!stream->digest)
        return;
    sha256_finish(stream->digest, digest);
    g_clear_pointer(&stream->digest, sha256_free);
}

const char *input_stream_problem(const struct input_stream *stream)
{
    return stream->problem;
}

static gsize unpack(struct input_stream *stream, guint8 *to, gsize size)
{
    struct decompress_step step = { .out = to, .out_left = size };
    g_autoptr(GError) error = NULL;

    while (step.out_left == size) {
        gsize before;

        if (stream->packed_at == stream->packed_end && !stream->packed_done) {
            stream->packed_at = 0;
            stream->packed_end = read_some(stream, stream->packed, PACKED_SIZE);
            stream->packed_done = stream->packed_end == 0;
        }
        step.in = stream->packed + stream->packed_at;
        step.in_left = before = stream->packed_end - stream->packed_at;
        step.is_last = stream->packed_done;
        if (!decompress(stream->decompressor, &step, &error)) {
            fail(stream, error->message);
            break;
        }
        stream->packed_at += before - step.in_left;
        if (stream->packed_done && step.out_left == size) {
            if (!stream->problem && (!decompressor_is_whole(stream->decompressor) || step.in_left))
                fail(stream, "it is cut: its compressed data has no end");
            break;
        }
    }
    return size - step.out_left;
}

gsize input_stream_fill(struct input_stream *stream, guint8 *to, gsize size)
{
    gsize held = stream->packed_end - stream->packed_at;

    if (stream->problem)
        return 0;
    if (stream->decompressor)
        return unpack(stream, to, size);
    if (held) { /* what was read to recognise it */
        held = MIN(held, size);
        memcpy(to, stream->packed + stream->packed_at, held);
        stream->packed_at += held;
        return held;
    }
    return read_some(stream, to, size);
}
