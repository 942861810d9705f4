#include "p7_hygiene/host/lz4.h"

#include "base/error.h"

#include <string.h>

#define MAGIC 0x184d2204u
#define SKIPPABLE 0x184d2a50u /* to ...5f */
#define MATCH_MIN 4
#define RAW_BLOCK 0x80000000u
#define WINDOW (1u << 16) /* how far a match may reach back, and a little more */

#define FLAG_DICTIONARY 0x01
#define FLAG_CONTENT_CHECKSUM 0x04
#define FLAG_CONTENT_SIZE 0x08
#define FLAG_BLOCK_CHECKSUM 0x10
#define FLAG_INDEPENDENT 0x20

struct input {
    const guint8 *at, *end;
};

static gboolean take(struct input *input, gsize count, const guint8 **out)
{
    if ((gsize)(input->end - input->at) < count)
        return FALSE;
    *out = input->at;
    input->at += count;
    return TRUE;
}

static gboolean take_le32(struct input *input, guint32 *number)
{
    const guint8 *at;

    if (!take(input, sizeof *number, &at))
        return FALSE;
    memcpy(number, at, sizeof *number);
    *number = GUINT32_FROM_LE(*number);
    return TRUE;
}

/* A length of 15 goes on in bytes that add up until one is not 255. */
static gboolean take_length(struct input *input, gsize *length)
{
    const guint8 *at;

    if (*length < 15)
        return TRUE;
    do {
        if (!take(input, 1, &at) || *length > G_MAXUINT32)
            return FALSE;
        *length += *at;
    } while (*at == 255);
    return TRUE;
}

/*
 * What is unpacked, one block behind the other: `start` is as far as a match may reach back. Copies
 * may write up to `edge`, past the end of the block, which the next copy writes again.
 *
 *     memory      start           at        end         edge
 *       |...WINDOW..|..this block..|..........|...SLACK...|
 */
struct output {
    guint8 *memory, *start, *at, *end, *edge;
    gsize room; /* bytes of `memory` without the slack */
    gsize left; /* bytes that may still be unpacked */
    lz4_fn each;
    gpointer data;
};

#define SLACK 32
#define STRIDE 16 /* bytes copied at once */
#define SHORT_STRIDE 8

/* Copies in whole strides, so up to STRIDE - 1 bytes more: the compiler makes moves of each. */
static inline void copy_strides(guint8 *to, const guint8 *from, gsize length)
{
    for (gsize i = 0; i < length; i += STRIDE)
        memcpy(to + i, from + i, STRIDE);
}

static inline void copy_short_strides(guint8 *to, const guint8 *from, gsize length)
{
    for (gsize i = 0; i < length; i += SHORT_STRIDE)
        memcpy(to + i, from + i, SHORT_STRIDE);
}

static gboolean copy_literals(struct output *out, struct input *block, gsize length)
{
    const guint8 *end = block->end, *from;

    if (length > (gsize)(out->end - out->at) || !take(block, length, &from))
        return FALSE;
    if ((gsize)(end - from) >= length + STRIDE && (gsize)(out->edge - out->at) >= length + STRIDE)
        copy_strides(out->at, from, length);
    else
        memcpy(out->at, from, length);
    out->at += length;
    return TRUE;
}

/* Matches may overlap what they write: "aaaa" is one literal and a match at distance 1. */
static gboolean copy_match(struct output *out, gsize offset, gsize length)
{
    const guint8 *from = out->at - offset;
    gboolean roomy;

    if (!offset || offset > (gsize)(out->at - out->start) || length > (gsize)(out->end - out->at))
        return FALSE;
    roomy = (gsize)(out->edge - out->at) >= length + STRIDE;
    if (roomy && offset >= STRIDE)
        copy_strides(out->at, from, length);
    else if (roomy && offset >= SHORT_STRIDE)
        copy_short_strides(out->at, from, length);
    else
        for (gsize i = 0; i < length; i++)
            out->at[i] = from[i];
    out->at += length;
    return TRUE;
}

/* One block: sequences of literals and a match; the last has literals only. */
static gboolean read_sequences(struct output *out, struct input block)
{
    while (block.at < block.end) {
        const guint8 *token, *at;
        gsize literals, match;

        if (!take(&block, 1, &token))
            return FALSE;
        literals = *token >> 4;
        match = *token & 0xf;
        if (!take_length(&block, &literals) || !copy_literals(out, &block, literals))
            return FALSE;
        if (block.at == block.end)
            return TRUE;
        if (!take(&block, 2, &at) || !take_length(&block, &match) ||
            !copy_match(out, at[0] | at[1] << 8, match + MATCH_MIN))
            return FALSE;
    }
    return TRUE;
}

/* Makes room for a block of `largest` bytes, and keeps what its matches may reach. */
static void output_make_room(struct output *out, gsize largest)
{
    gsize behind = MIN((gsize)(out->at - out->start), WINDOW);
    guint8 *memory = out->memory;

    if (out->room < WINDOW + largest) {
        out->room = WINDOW + largest;
        out->memory = g_malloc(out->room + SLACK);
    }
    if (out->memory != memory || (gsize)(memory + out->room - out->at) < largest) {
        if (behind)
            memmove(out->memory, out->at - behind, behind);
        out->start = out->memory;
        out->at = out->memory + behind;
    }
    if (out->memory != memory)
        g_free(memory);
    out->end = out->at + MIN(largest, out->left);
    out->edge = out->memory + out->room + SLACK;
}

static gboolean read_block(struct output *out, struct input block, gboolean raw)
{
    guint8 *from = out->at;
    gboolean good;

    if (raw)
        good = copy_literals(out, &block, block.end - block.at);
    else
        good = read_sequences(out, block);
    out->left -= out->at - from;
    if (good && out->at > from)
        out->each(from, out->at - from, out->data);
    return good;
}

static gboolean read_frame(struct output *out, struct input *input)
{
    const guint8 *head, *at;
    gsize largest;
    guint32 size;

    if (!take(input, 2, &head) || *head >> 6 != 1 || *head & FLAG_DICTIONARY)
        return FALSE;
    largest = (gsize)1 << (8 + 2 * (head[1] >> 4 & 7)); /* 4: 64 KB ... 7: 4 MB */
    if (*head & FLAG_CONTENT_SIZE && !take(input, 8, &at))
        return FALSE;
    if (!take(input, 1, &at)) /* checksum of the header */
        return FALSE;
    out->start = out->at; /* a frame does not reach back into the one before */
    for (;;) {
        struct input block;
        guint32 bytes;

        if (!take_le32(input, &size))
            return FALSE;
        if (!size)
            break;
        bytes = size & ~RAW_BLOCK;
        if (!take(input, bytes, &block.at))
            return FALSE;
        block.end = block.at + bytes;
        if (*head & FLAG_INDEPENDENT)
            out->start = out->at;
        output_make_room(out, largest);
        if (!read_block(out, block, size & RAW_BLOCK))
            return FALSE;
        if (*head & FLAG_BLOCK_CHECKSUM && !take(input, 4, &at))
            return FALSE;
    }
    return !(*head & FLAG_CONTENT_CHECKSUM) || take(input, 4, &at);
}

gboolean lz4_each_piece(const void *packed, gsize length, gsize limit, lz4_fn each, gpointer data,
                        GError **error)
{
    struct input input = { packed, (const guint8 *)packed + length };
    struct output out = { .left = limit, .each = each, .data = data };
    const guint8 *skipped;
    gboolean good = TRUE;
    guint32 magic, size;

    while (good && input.at < input.end) {
        good = take_le32(&input, &magic);
        if (good && (magic & 0xfffffff0u) == SKIPPABLE)
            good = take_le32(&input, &size) && take(&input, size, &skipped);
        else
            good = good && magic == MAGIC && read_frame(&out, &input);
    }
    g_free(out.memory);
    return good ||
           input_error(error, "damaged LZ4 data, or more than %" G_GSIZE_FORMAT " bytes", limit);
}
