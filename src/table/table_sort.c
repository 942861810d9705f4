#include "table/table_sort.h"

#include "base/error.h"
#include "table/table_run.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CHUNK_SIZE (1024 * 1024)
#define RUNS_MAX 64        /* then they are merged into one */
#define BUCKET_BITS_MAX 20 /* of the hash, by which items are dealt out before they are sorted */
#define BUCKET_ITEMS 8     /* wanted in each, about */
#define FETCH_AHEAD 16     /* sorted items lie all over the memory */
#define INSERTION_MAX 48   /* items that are sorted by insertion */

/* An item in memory: its hash, and the rest packed in a chunk. */
struct place {
    guint64 hash;
    const guint8 *packed;
};

struct table_sorter {
    char *folder;
    gsize memory;
    GPtrArray *chunks; /* the last one is being filled */
    gsize chunk_used, chunk_size, held;
    struct place *places;
    gsize count, allocated, next;
    GArray *runs; /* int */
    struct table_merge *merge;
};

struct table_sorter *table_sorter_new(const char *folder, gsize memory)
{
    struct table_sorter *sorter = g_new0(struct table_sorter, 1);

    sorter->folder = g_strdup(folder);
    sorter->memory = memory;
    sorter->chunks = g_ptr_array_new_with_free_func(g_free);
    sorter->runs = g_array_new(FALSE, FALSE, sizeof(int));
    return sorter;
}

void table_sorter_free(struct table_sorter *sorter)
{
    if (!sorter)
        return;
    for (guint i = 0; i < sorter->runs->len; i++)
        close(g_array_index(sorter->runs, int, i));
    g_array_unref(sorter->runs);
    table_merge_free(sorter->merge);
    g_ptr_array_unref(sorter->chunks);
    g_free(sorter->places);
    g_free(sorter->folder);
    g_free(sorter);
}

int table_scratch(const char *folder)
{
    g_autofree char *name = NULL;
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    /* A file system without such files: one with a name, for a moment. */
    name = g_build_filename(folder, ".entente-scratch-XXXXXX", NULL);
    fd = g_mkstemp_full(name, O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        unlink(name);
    return fd;
}

static void unpack(const struct place *place, struct table_item *item)
{
    item->hash = place->hash;
    table_item_unpack(place->packed, G_MAXINT32, item);
}

static gint compare_places(gconstpointer a, gconstpointer b, gpointer user_data)
{
    const struct place *left = a, *right = b;
    struct table_item x, y;

    if (left->hash != right->hash)
        return left->hash < right->hash ? -1 : 1;
    unpack(left, &x);
    unpack(right, &y);
    return table_item_compare(&x, &y);
}

static void sort_few(struct place *places, gsize count)
{
    for (gsize i = 1; i < count; i++) {
        struct place moved = places[i];
        gsize j = i;

        for (; j > 0 && compare_places(&places[j - 1], &moved, NULL) > 0; j--)
            places[j] = places[j - 1];
        places[j] = moved;
    }
}

/*
 * Hashes are even: dealing the items out by their first bits leaves a few in each bucket. Both
 * steps keep the order of equal items, and hashes that are not even cost time only.
 */
static void sort_places(struct table_sorter *sorter)
{
    const gsize count = sorter->count;
    g_autofree gsize *starts = NULL;
    struct place *sorted;
    guint bits = 1;

    if (count < 2)
        return;
    while (bits < BUCKET_BITS_MAX && count >> bits > BUCKET_ITEMS)
        bits++;
    starts = g_new0(gsize, ((gsize)1 << bits) + 1);
    sorted = g_new(struct place, count);
    for (gsize i = 0; i < count; i++)
        starts[(sorter->places[i].hash >> (64 - bits)) + 1]++;
    for (gsize i = 0; i < (gsize)1 << bits; i++)
        starts[i + 1] += starts[i];
    for (gsize i = 0; i < count; i++)
        sorted[starts[sorter->places[i].hash >> (64 - bits)]++] = sorter->places[i];
    /* starts[i] is now the end of bucket i. */
    for (gsize i = 0, start = 0; i < (gsize)1 << bits; start = starts[i++]) {
        gsize in_bucket = starts[i] - start;

        if (in_bucket <= INSERTION_MAX)
            sort_few(sorted + start, in_bucket);
        else
            g_qsort_with_data(sorted + start, (gint)in_bucket, sizeof *sorted, compare_places,
                              NULL);
    }
    g_free(sorter->places);
    sorter->places = sorted;
    sorter->allocated = count;
}

static gboolean write_item(struct table_output *output, const struct table_item *item,
                           GByteArray *packed, GError **error)
{
    g_byte_array_set_size(packed, sizeof item->hash + TABLE_ITEM_HEAD_MAX + item->key_length +
                                      item->value_length);
    memcpy(packed->data, &item->hash, sizeof item->hash);
    return table_output_put(
        output, packed->data,
        sizeof item->hash + table_item_pack(item, packed->data + sizeof item->hash), error);
}

/* Writes everything that table_sorter_next() gives to a run; -1 when that does not work. */
static int write_run(struct table_sorter *sorter, GError **error)
{
    g_autoptr(GByteArray) packed = g_byte_array_new();
    struct table_output output;
    struct table_item item;
    gboolean done;
    int fd = table_scratch(sorter->folder);

    if (fd < 0) {
        errno_error(error, errno, "%s: no room to sort a table", sorter->folder);
        return -1;
    }
    table_output_begin(&output, fd);
    while ((done = table_sorter_next(sorter, &item, error)) && item.key) {
        if (!(done = write_item(&output, &item, packed, error)))
            break;
    }
    done = done && table_output_flush(&output, error);
    table_output_end(&output);
    if (done && lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    if (done)
        errno_error(error, errno, "%s: no room to sort a table", sorter->folder);
    close(fd);
    return -1;
}

static void begin_merge(struct table_sorter *sorter)
{
    sorter->merge = table_merge_new((const int *)(gpointer)sorter->runs->data, sorter->runs->len,
                                    sorter->memory);
    g_array_set_size(sorter->runs, 0); /* they are the merge's now */
}

static gboolean merge_runs(struct table_sorter *sorter, GError **error)
{
    int fd;

    begin_merge(sorter);
    fd = write_run(sorter, error);
    g_clear_pointer(&sorter->merge, table_merge_free);
    if (fd >= 0)
        g_array_append_val(sorter->runs, fd);
    return fd >= 0;
}

/* Sorts what is in memory into one more run. */
static gboolean spill(struct table_sorter *sorter, GError **error)
{
    int fd;

    if (!sorter->count)
        return TRUE;
    sort_places(sorter);
    sorter->next = 0;
    fd = write_run(sorter, error);
    if (fd < 0)
        return FALSE;
    g_array_append_val(sorter->runs, fd);
    g_ptr_array_set_size(sorter->chunks, 0);
    g_clear_pointer(&sorter->places, g_free);
    sorter->count = sorter->allocated = sorter->held = 0;
    sorter->chunk_used = sorter->chunk_size = 0;
    return sorter->runs->len < RUNS_MAX || merge_runs(sorter, error);
}

gboolean table_sorter_add(struct table_sorter *sorter, const struct table_item *item,
                          GError **error)
{
    gsize size = TABLE_ITEM_HEAD_MAX + item->key_length + item->value_length;
    guint8 *to;

    if (sorter->held + size + 2 * (sorter->count + 1) * sizeof(struct place) > sorter->memory &&
        !spill(sorter, error))
        return FALSE;
    if (size > sorter->chunk_size - sorter->chunk_used) {
        sorter->chunk_size = MAX(CHUNK_SIZE, size);
        sorter->chunk_used = 0;
        g_ptr_array_add(sorter->chunks, g_malloc(sorter->chunk_size));
    }
    if (sorter->count == sorter->allocated) {
        sorter->allocated = MAX(1024, sorter->allocated * 2);
        sorter->places = g_renew(struct place, sorter->places, sorter->allocated);
    }
    to = (guint8 *)sorter->chunks->pdata[sorter->chunks->len - 1] + sorter->chunk_used;
    size = table_item_pack(item, to);
    sorter->chunk_used += size;
    sorter->held += size;
    sorter->places[sorter->count++] = (struct place){ .hash = item->hash, .packed = to };
    return TRUE;
}

gboolean table_sorter_sort(struct table_sorter *sorter, GError **error)
{
    if (sorter->runs->len) {
        if (!spill(sorter, error))
            return FALSE;
        begin_merge(sorter);
        return TRUE;
    }
    sort_places(sorter);
    sorter->next = 0;
    return TRUE;
}

gboolean table_sorter_next(struct table_sorter *sorter, struct table_item *item, GError **error)
{
    if (sorter->merge)
        return table_merge_next(sorter->merge, item, error);
    if (sorter->next < sorter->count) {
        if (sorter->next + FETCH_AHEAD < sorter->count)
            __builtin_prefetch(sorter->places[sorter->next + FETCH_AHEAD].packed);
        unpack(&sorter->places[sorter->next++], item);
    } else {
        *item = (struct table_item){ .key = NULL };
    }
    return TRUE;
}
