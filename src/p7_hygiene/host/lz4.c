#include "p7_hygiene/host/lz4.h"

#include "base/error.h"

#include <string.h>

#define MAGIC 0x184d2204u
#define SKIPPABLE 0x184d2a50u /* to ...5f */
#define MATCH_MIN 4
#define RAW_BLOCK 0x80000000u

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

/* Where one block is unpacked to: room for the largest block there can be. */
struct output {
    guint8 *start; /* of what matches may reach back to */
    guint8 *at, *end;
};

/* Matches may overlap what they write: "aaaa" is one literal and a match at distance 1. */
static gboolean copy_match(struct output *out, gsize offset, gsize length)
{
    const guint8 *from = out->at - offset;

    if (!offset || offset > (gsize)(out->at - out->start) || length > (gsize)(out->end - out->at))
        return FALSE;
    if (offset >= length)
        memcpy(out->at, from, length);
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
        if (!take_length(&block, &literals) || literals > (gsize)(out->end - out->at) ||
            !take(&block, literals, &at))
            return FALSE;
        memcpy(out->at, at, literals);
        out->at += literals;
        if (block.at == block.end)
            return TRUE;
        if (!take(&block, 2, &at) || !take_length(&block, &match) ||
            !copy_match(out, at[0] | at[1] << 8, match + MATCH_MIN))
            return FALSE;
    }
    return TRUE;
}

static gboolean read_block(GByteArray *bytes, gsize start, struct input block, gsize largest,
                           gsize limit)
{
    gsize have = bytes->len, room = MIN(largest, limit - have);
    struct output out;
    gboolean good;

    g_byte_array_set_size(bytes, have + room);
    out = (struct output){ bytes->data + start, bytes->data + have, bytes->data + have + room };
    good = read_sequences(&out, block);
    g_byte_array_set_size(bytes, out.at - bytes->data);
    return good;
}

static gboolean read_frame(GByteArray *out, struct input *input, gsize limit)
{
    const gsize start = out->len;
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
        if (size & RAW_BLOCK) {
            if (bytes > limit - out->len)
                return FALSE;
            g_byte_array_append(out, block.at, bytes);
        } else if (!read_block(out, *head & FLAG_INDEPENDENT ? out->len : start, block, largest,
                               limit)) {
            return FALSE;
        }
        if (*head & FLAG_BLOCK_CHECKSUM && !take(input, 4, &at))
            return FALSE;
    }
    return !(*head & FLAG_CONTENT_CHECKSUM) || take(input, 4, &at);
}

GByteArray *lz4_read(const void *data, gsize length, gsize limit, GError **error)
{
    struct input input = { data, (const guint8 *)data + length };
    g_autoptr(GByteArray) out = g_byte_array_new();
    const guint8 *skipped;
    guint32 magic, size;

    while (input.at < input.end) {
        gboolean good = take_le32(&input, &magic);

        if (good && (magic & 0xfffffff0u) == SKIPPABLE)
            good = take_le32(&input, &size) && take(&input, size, &skipped);
        else
            good = good && magic == MAGIC && read_frame(out, &input, limit);
        if (!good) {
            input_error(error, "damaged LZ4 data, or more than %" G_GSIZE_FORMAT " bytes", limit);
            return NULL;
        }
    }
    return g_steal_pointer(&out);
}
