#include "table/table_run.h"

#include "base/error.h"
#include "base/file.h"
#include "table/table_layout.h"

#include <errno.h>
#include <unistd.h>

#define READER_BUFFER_MIN (64 * 1024)

gsize table_item_pack(const struct table_item *item, guint8 *to)
{
    guint8 *at = to;

    at += varint_write(at, (guint64)item->key_length << 1 | (item->hides ? 1 : 0));
    if (item->key_length)
        memcpy(at, item->key, item->key_length);
    at += item->key_length;
    at += varint_write(at, item->value_length);
    if (item->value_length)
        memcpy(at, item->value, item->value_length);
    return at + item->value_length - to;
}

gsize table_item_unpack(const guint8 *packed, gsize length, struct table_item *item)
{
    const guint8 *at = packed, *end = packed + length;
    guint64 head, value_length;

    if (!varint_read(&at, end, &head) || head >> 1 > (gsize)(end - at))
        return 0;
    item->hides = head & 1;
    item->key = at;
    item->key_length = head >> 1;
    at += item->key_length;
    if (!varint_read(&at, end, &value_length) || value_length > (gsize)(end - at))
        return 0;
    item->value = at;
    item->value_length = value_length;
    return at + value_length - packed;
}

int table_item_compare(const struct table_item *a, const struct table_item *b)
{
    int order;

    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    order = memcmp(a->key, b->key, MIN(a->key_length, b->key_length));
    if (order)
        return order;
    if (a->key_length != b->key_length)
        return a->key_length < b->key_length ? -1 : 1;
    return b->hides - a->hides;
}

gboolean table_item_same_key(const struct table_item *a, const struct table_item *b)
{
    return a->hash == b->hash && a->key_length == b->key_length &&
           memcmp(a->key, b->key, a->key_length) == 0;
}

void table_output_begin(struct table_output *output, int fd)
{
    *output = (struct table_output){ .fd = fd, .buffer = g_malloc(TABLE_OUTPUT_BUFFER) };
}

void table_output_end(struct table_output *output)
{
    g_clear_pointer(&output->buffer, g_free);
}

static gboolean write_all(int fd, const guint8 *data, gsize length, GError **error)
{
    return file_write_all(fd, data, length) ||
           errno_error(error, errno, "the table cannot be written");
}

gboolean table_output_flush(struct table_output *output, GError **error)
{
    gsize length = output->length;

    output->length = 0;
    return write_all(output->fd, output->buffer, length, error);
}

gboolean table_output_overflow(struct table_output *output, gconstpointer data, gsize length,
                               GError **error)
{
    if (!table_output_flush(output, error))
        return FALSE;
    if (length <= TABLE_OUTPUT_BUFFER)
        return table_output_put(output, data, length, error);
    output->written += length;
    return write_all(output->fd, data, length, error);
}

struct run_reader {
    int fd;
    guint8 *buffer;
    gsize size, start, end; /* of the buffer, and of what is unread in it */
    gboolean at_end;
    gsize taken; /* bytes of the item in hand */
    struct table_item item;
};

struct table_merge {
    struct run_reader *readers;
    gsize count;
    gsize *heap; /* readers with an item, least first */
    gsize heap_length;
    gboolean started;
};

struct table_merge *table_merge_new(const int *runs, gsize count, gsize buffer)
{
    struct table_merge *merge = g_new0(struct table_merge, 1);

    merge->readers = g_new0(struct run_reader, count);
    merge->heap = g_new(gsize, count);
    merge->count = count;
    for (gsize i = 0; i < count; i++) {
        struct run_reader *reader = &merge->readers[i];

        reader->fd = runs[i];
        reader->size = MAX(buffer / count, READER_BUFFER_MIN);
        reader->buffer = g_malloc(reader->size);
    }
    return merge;
}

void table_merge_free(struct table_merge *merge)
{
    if (!merge)
        return;
    for (gsize i = 0; i < merge->count; i++) {
        close(merge->readers[i].fd);
        g_free(merge->readers[i].buffer);
    }
    g_free(merge->readers);
    g_free(merge->heap);
    g_free(merge);
}

/* More bytes behind those unread; the buffer grows when they fill it. */
static gboolean reader_fill(struct run_reader *reader, GError **error)
{
    gsize unread = reader->end - reader->start;
    ssize_t got;

    memmove(reader->buffer, reader->buffer + reader->start, unread);
    reader->start = 0;
    reader->end = unread;
    if (unread == reader->size) {
        reader->size *= 2;
        reader->buffer = g_realloc(reader->buffer, reader->size);
    }
    do
        got = read(reader->fd, reader->buffer + reader->end, reader->size - reader->end);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno_error(error, errno, "the sorted pieces of the table cannot be read again");
    reader->end += got;
    reader->at_end = got == 0;
    return TRUE;
}

/* Moves to the next item; `*more` is FALSE after the last. */
static gboolean reader_advance(struct run_reader *reader, gboolean *more, GError **error)
{
    reader->start += reader->taken;
    reader->taken = 0;
    for (;;) {
        const guint8 *at = reader->buffer + reader->start;
        gsize unread = reader->end - reader->start, size = 0;

        if (unread > sizeof(guint64)) {
            memcpy(&reader->item.hash, at, sizeof(guint64));
            size = table_item_unpack(at + sizeof(guint64), unread - sizeof(guint64), &reader->item);
        }
        if (size) {
            reader->taken = sizeof(guint64) + size;
            *more = TRUE;
            return TRUE;
        }
        if (reader->at_end) {
            *more = FALSE;
            return unread == 0 || system_error(error, "the sorted pieces of the table were cut");
        }
        if (!reader_fill(reader, error))
            return FALSE;
    }
}

static gboolean comes_before(const struct table_merge *merge, gsize a, gsize b)
{
    int order = table_item_compare(&merge->readers[a].item, &merge->readers[b].item);

    return order ? order < 0 : a < b;
}

static void sift_down(struct table_merge *merge, gsize at)
{
    for (;;) {
        gsize least = at, *heap = merge->heap;

        for (gsize child = 2 * at + 1; child <= 2 * at + 2 && child < merge->heap_length; child++) {
            if (comes_before(merge, heap[child], heap[least]))
                least = child;
        }
        if (least == at)
            return;
        gsize moved = heap[at];
        heap[at] = heap[least];
        heap[least] = moved;
        at = least;
    }
}

static gboolean merge_start(struct table_merge *merge, GError **error)
{
    merge->started = TRUE;
    for (gsize i = 0; i < merge->count; i++) {
        gboolean more;

        if (!reader_advance(&merge->readers[i], &more, error))
            return FALSE;
        if (more)
            merge->heap[merge->heap_length++] = i;
    }
    for (gsize i = merge->heap_length; i-- > 0;)
        sift_down(merge, i);
    return TRUE;
}

/* The item given last is left only now: until here it lived in its reader's buffer. */
static gboolean merge_advance(struct table_merge *merge, GError **error)
{
    gboolean more;

    if (!merge->heap_length)
        return TRUE;
    if (!reader_advance(&merge->readers[merge->heap[0]], &more, error))
        return FALSE;
    if (!more)
        merge->heap[0] = merge->heap[--merge->heap_length];
    sift_down(merge, 0);
    return TRUE;
}

gboolean table_merge_next(struct table_merge *merge, struct table_item *item, GError **error)
{
    if (merge->started ? !merge_advance(merge, error) : !merge_start(merge, error))
        return FALSE;
    if (merge->heap_length)
        *item = merge->readers[merge->heap[0]].item;
    else
        *item = (struct table_item){ .key = NULL };
    return TRUE;
}
