/*
 * input_stream.h: the bytes of one input, unpacked.
 *
 * Reading is by read(), into memory of our own: a file that shrinks meanwhile ends early, where a
 * mapping of it would end the process.
 */
#pragma once
#include "stream/input.h"

struct input_stream;
typedef struct input_stream input_stream_t;

/* Borrows an input that is open; sees by its first bytes how it is compressed. */
struct input_stream *input_stream_new(struct input *input);
void input_stream_free(struct input_stream *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(input_stream_t, input_stream_free)

/* Up to `size` bytes; 0: there are no more, or there is a problem. A pipe gives what it has. */
gsize input_stream_fill(struct input_stream *stream, guint8 *to, gsize size);

/* Bytes of the input, as it lies, that were read. */
guint64 input_stream_read(const struct input_stream *stream);

/* SHA-256 (32 bytes) of these bytes, when the input asks for it; once, at the end. */
void input_stream_digest(struct input_stream *stream, guint8 *digest);

/* Why the rest is not there; NULL when nothing went wrong. */
const char *input_stream_problem(const struct input_stream *stream);
