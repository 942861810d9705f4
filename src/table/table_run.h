/*
 * table_run.h: runs of sorted items in files without a name, and their merging.
 *
 * A run is u64 hash, varint (key length << 1 | hides), key, varint value length, value; again and
 * again. It is read by the process that wrote it.
 */
#pragma once
#include "table/table_sort.h"

#include <string.h>

/* Bytes of an item without its hash, and the item packed so. */
#define TABLE_ITEM_HEAD_MAX 20
gsize table_item_pack(const struct table_item *item, guint8 *to);

/* The item packed at `packed`, of which there are at least `length` bytes; its size, 0 when cut. */
gsize table_item_unpack(const guint8 *packed, gsize length, struct table_item *item);

int table_item_compare(const struct table_item *a, const struct table_item *b);

/* Buffered writing to a file descriptor, which is not closed. */
#define TABLE_OUTPUT_BUFFER (256 * 1024)

struct table_output {
    int fd;
    guint8 *buffer;
    gsize length;
    guint64 written; /* bytes, with those in the buffer */
};

void table_output_begin(struct table_output *output, int fd);
/* What does not fit in the buffer; for table_output_put(). */
gboolean table_output_overflow(struct table_output *output, gconstpointer data, gsize length,
                               GError **error);

static inline gboolean table_output_put(struct table_output *output, gconstpointer data,
                                        gsize length, GError **error)
{
    if (length > TABLE_OUTPUT_BUFFER - output->length)
        return table_output_overflow(output, data, length, error);
    if (length)
        memcpy(output->buffer + output->length, data, length);
    output->length += length;
    output->written += length;
    return TRUE;
}

gboolean table_output_flush(struct table_output *output, GError **error);
void table_output_end(struct table_output *output);

/* Several runs read as one. It takes the descriptors, of which there are at most a few hundred. */
struct table_merge;

struct table_merge *table_merge_new(const int *runs, gsize count, gsize buffer);
void table_merge_free(struct table_merge *merge);

/* As table_sorter_next(). Of equal items, those of earlier runs come first. */
gboolean table_merge_next(struct table_merge *merge, struct table_item *item, GError **error);
