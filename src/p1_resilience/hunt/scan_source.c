#include "p1_resilience/hunt/scan_source.h"

#include "stream/input_stream.h"

#include <string.h>

struct scan_source {
    const GPtrArray *inputs;
    guint next;          /* index of the input after this one */
    struct input *input; /* NULL: none is begun */
    guint64 sequence, offset, read;
    gboolean continues, at_end;
    gboolean skipping;   /* a run that is too long to be a token of anything, up to its end */
    guint64 passed_over; /* bytes of such runs */
    char *problem;
    GByteArray *carry; /* read, and left for the next block */
    struct input_stream *stream;
};

struct source_block *source_block_new(void)
{
    struct source_block *block = g_new0(struct source_block, 1);

    block->capacity = SOURCE_BLOCK;
    block->bytes = g_malloc0(block->capacity + HUNT_SCAN_PADDING);
    block->matches = g_byte_array_new();
    return block;
}

void source_block_free(struct source_block *block)
{
    if (!block)
        return;
    g_free(block->bytes);
    g_free(block->problem);
    g_byte_array_unref(block->matches);
    g_free(block);
}

struct scan_source *scan_source_new(const GPtrArray *inputs)
{
    struct scan_source *source = g_new0(struct scan_source, 1);

    source->inputs = inputs;
    source->carry = g_byte_array_new();
    return source;
}

static void end_input(struct scan_source *source)
{
    g_clear_pointer(&source->stream, input_stream_free);
    g_clear_pointer(&source->problem, g_free);
    g_byte_array_set_size(source->carry, 0);
    source->input = NULL;
}

void scan_source_free(struct scan_source *source)
{
    if (!source)
        return;
    end_input(source);
    g_byte_array_unref(source->carry);
    g_free(source);
}

static void fail(struct scan_source *source, const char *problem)
{
    if (!source->problem)
        source->problem = g_strdup(problem);
    source->at_end = TRUE;
}

static gsize fill(struct scan_source *source, guint8 *to, gsize size)
{
    gsize got = input_stream_fill(source->stream, to, size);

    source->read = input_stream_read(source->stream);
    if (input_stream_problem(source->stream))
        fail(source, input_stream_problem(source->stream));
    return got;
}

static gboolean begin_input(struct scan_source *source)
{
    while (source->next < source->inputs->len) {
        struct input *input = source->inputs->pdata[source->next++];

        if (input->fd < 0)
            continue;
        source->input = input;
        source->offset = source->read = 0;
        source->continues = source->at_end = source->skipping = FALSE;
        source->passed_over = 0;
        source->stream = input_stream_new(input);
        return TRUE;
    }
    return FALSE;
}

static void set_capacity(struct source_block *block, gsize capacity)
{
    if (block->capacity == capacity)
        return;
    block->capacity = capacity;
    block->bytes = g_realloc(block->bytes, capacity + HUNT_SCAN_PADDING);
}

static gboolean is_pipe(const struct scan_source *source)
{
    return source->input->size == 0;
}

/* Of a whole file: a shorter one was cut since it was listed, as who rotates logs does. */
static gboolean is_shorter(const struct scan_source *source)
{
    const struct input *input = source->input;

    return input->compression == COMPRESSION_NONE && !input->from && !input->until &&
           source->read < input->size;
}

/* Takes bytes from the head of the block, which are not scanned. */
static void pass_over(struct scan_source *source, struct source_block *block, gsize length)
{
    source->passed_over += length;
    source->offset += length;
    block->offset += length;
    block->length -= length;
    memmove(block->bytes, block->bytes + length, block->length);
}

/*
 * Drops the rest of a run that is too long, up to what ends every token. What follows goes on with
 * the same line. FALSE: the run is not at its end.
 */
static gboolean end_run(struct scan_source *source, struct source_block *block)
{
    gsize length = 0;

    while (length < block->length && hunt_scan_cut(block->bytes + length, 1) == 0)
        length++;
    source->skipping = length == block->length;
    pass_over(source, block, length);
    source->continues = block->continues = TRUE;
    return !source->skipping;
}

static void say_what_was_passed_over(struct scan_source *source)
{
    g_autofree char *problem = NULL;

    if (!source->passed_over)
        return;
    problem = g_strdup_printf("%" G_GUINT64_FORMAT " bytes of it were passed over: more than 64 MB "
                              "without a space or the end of a line",
                              source->passed_over);
    fail(source, problem);
}

/* Reads until the block holds a piece that can be scanned; gives the length of that piece. */
static gsize fill_block(struct scan_source *source, struct source_block *block)
{
    gsize cut = 0;

    while (TRUE) {
        while (!source->at_end && block->length < block->capacity) {
            gsize got = fill(source, block->bytes + block->length, block->capacity - block->length);

            source->at_end = source->at_end || got == 0;
            block->length += got;
            /* Who feeds a pipe wants to know now. */
            if (got && is_pipe(source) && memchr(block->bytes + block->length - got, '\n', got))
                break;
        }
        if (source->skipping && !end_run(source, block) && !source->at_end)
            continue;
        if (source->at_end) {
            if (is_shorter(source))
                fail(source, "it became shorter while it was read");
            say_what_was_passed_over(source);
            return block->length;
        }
        cut = hunt_scan_cut(block->bytes, block->length);
        if (cut)
            return cut;
        if (block->capacity < SOURCE_TOKEN_MAX) {
            set_capacity(block, block->capacity * 2);
        } else if (block->length == block->capacity) {
            pass_over(source, block, block->length);
            source->skipping = TRUE;
        }
    }
}

gboolean scan_source_next(struct scan_source *source, struct source_block *block)
{
    gsize whole;

    if (!source->input && !begin_input(source))
        return FALSE;
    set_capacity(block, MAX(SOURCE_BLOCK, source->carry->len));
    if (source->carry->len)
        memcpy(block->bytes, source->carry->data, source->carry->len);
    block->length = source->carry->len;
    block->sequence = source->sequence++;
    block->input = source->next - 1;
    block->offset = source->offset;
    block->continues = source->continues;
    whole = fill_block(source, block);
    g_byte_array_set_size(source->carry, 0);
    g_byte_array_append(source->carry, block->bytes + whole, (guint)(block->length - whole));
    block->length = whole;
    block->read = source->read;
    block->is_last = source->at_end;
    g_clear_pointer(&block->problem, g_free);
    block->problem = g_steal_pointer(&source->problem);
    source->offset += whole;
    source->continues = whole > 0 && block->bytes[whole - 1] != '\n';
    if (source->at_end) {
        input_stream_digest(source->stream, block->digest);
        end_input(source);
    }
    return TRUE;
}
