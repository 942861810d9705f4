#include "p1_resilience/hunt/scan_source.h"

#include "stream/input_stream.h"

#include "p1_resilience/hunt/utf16.h"

#include <string.h>
#include <unistd.h>

struct scan_source {
    const GPtrArray *inputs;
    const struct scan_source_options *options;
    struct log_columns *columns; /* or NULL */
    guint next;                  /* index of the input after this one */
    struct input *input;         /* NULL: none is begun */
    guint64 sequence, offset, read;
    gboolean continues, at_end;
    gboolean skipping;   /* a run that is too long to be a token of anything, up to its end */
    guint64 passed_over; /* bytes of such runs */
    enum utf16 utf16;
    gboolean begun, has_mark, has_half;
    guint odd;   /* bytes before the first unit */
    guint8 half; /* the first byte of a unit whose second one is not read */
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
    log_look_free(block->look);
    g_byte_array_unref(block->matches);
    g_free(block);
}

struct scan_source *scan_source_new(const GPtrArray *inputs,
                                    const struct scan_source_options *options)
{
    struct scan_source *source = g_new0(struct scan_source, 1);

    source->inputs = inputs;
    source->options = options;
    source->columns = options->columns ? log_columns_new(options->columns) : NULL;
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
    log_columns_free(source->columns);
    g_free(source);
}

static void fail(struct scan_source *source, const char *problem)
{
    if (!source->problem)
        source->problem = g_strdup(problem);
    source->at_end = TRUE;
}

static gsize fill_raw(struct scan_source *source, guint8 *to, gsize size)
{
    gsize got = input_stream_fill(source->stream, to, size);

    source->read = input_stream_read(source->stream);
    if (input_stream_problem(source->stream))
        fail(source, input_stream_problem(source->stream));
    return got;
}

/* A file of which only the end is read has its mark at its beginning all the same. */
static enum utf16 mark_of_file(const struct input *input)
{
    guint8 mark[UTF16_MARK];

    return pread(input->fd, mark, sizeof mark, 0) == UTF16_MARK ? utf16_by_mark(mark, sizeof mark)
                                                                : UTF16_NOT;
}

/* The first bytes of an input: whether they are UTF-16. Gives what is left of them. */
static gsize begin_units(struct scan_source *source, guint8 *bytes, gsize length)
{
    if (source->input->from) {
        source->utf16 = mark_of_file(source->input);
        /* Units lie at even places; a line feed may have been cut before its second byte. */
        if (source->utf16 && source->input->from % 2 && length) {
            memmove(bytes, bytes + 1, --length);
            source->odd = 1;
        }
        return length;
    }
    source->utf16 = utf16_by_mark(bytes, length);
    source->has_mark = source->utf16 != UTF16_NOT;
    if (!source->utf16 && source->options->utf16)
        source->utf16 = utf16_by_zeros(bytes, length);
    if (!source->has_mark)
        return length;
    memmove(bytes, bytes + UTF16_MARK, length - UTF16_MARK);
    return length - UTF16_MARK;
}

/* The next bytes as the scanner knows them; 0: there are no more. */
static gsize fill(struct scan_source *source, guint8 *to, gsize size)
{
    guint8 pair[2], *out = to;
    gsize held = 0, got;

    if (!source->begun) {
        source->begun = TRUE;
        while (held < UTF16_MARK && (got = fill_raw(source, to + held, size - held)) > 0)
            held += got;
        held = begin_units(source, to, held);
        if (!source->utf16)
            return held;
    } else if (!source->utf16) {
        return fill_raw(source, to, size);
    }
    if (size < sizeof pair) { /* room for one unit as it will be, not as it is read */
        to = pair;
        size = sizeof pair;
    }
    if (source->has_half) /* never with the first bytes */
        to[held++] = source->half;
    do {
        got = held < size ? fill_raw(source, to + held, size - held) : 0;
        held += got;
    } while (got && held < 2);
    source->has_half = held % 2;
    if (source->has_half)
        source->half = to[held - 1];
    utf16_narrow(source->utf16, to, held / 2, out);
    return held / 2;
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
        source->begun = source->has_mark = source->has_half = FALSE;
        source->odd = 0;
        source->utf16 = UTF16_NOT;
        if (source->columns)
            log_columns_begin(source->columns);
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

/* What may be scanned without what follows; columns are only known of whole lines. */
static gsize cut_of(const struct scan_source *source, const guint8 *bytes, gsize length)
{
    const guint8 *feed;

    if (!source->columns)
        return hunt_scan_cut(bytes, length);
    feed = memrchr(bytes, '\n', length);
    return feed ? (gsize)(feed - bytes) + 1 : 0;
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

    while (length < block->length && cut_of(source, block->bytes + length, 1) == 0)
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
        cut = cut_of(source, block->bytes, block->length);
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

/* With columns: what of the block is looked at. */
static void take_columns(struct scan_source *source, struct source_block *block)
{
    static const guint8 padding[HUNT_SCAN_PADDING];

    if (!source->columns)
        return;
    if (!block->look)
        block->look = log_look_new();
    log_columns_take(source->columns, block->bytes, block->length, block->look);
    g_byte_array_append(block->look->text, padding, sizeof padding);
    if (source->at_end && log_columns_problem(source->columns))
        fail(source, log_columns_problem(source->columns));
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
    block->unit = source->utf16 ? 2 : 1;
    block->mark = source->has_mark ? UTF16_MARK : source->odd;
    take_columns(source, block);
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
