/*
 * The reader of the write-ahead log. The input is one file: its first page and records are tried as
 * they are; then with the digests put right, as chance would never find them.
 */
#include "log/tree.h"
#include "log/wal.h"

#include <sodium.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define INPUT_LIMIT (256u << 10)
#define RECORD_DIGEST_AT 72 /* what stands before a record header's digest */
#define RECORD_HEADER 104

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct growth {
    struct tree_edge edge;
    struct merkle *merkle;
};

/* As the writer's recovery does: a record holds when the tree has its root. */
static gboolean take(const struct wal_record *record, GBytes *bundle, GPtrArray *entries,
                     gpointer data, GError **error)
{
    struct growth *growth = data;
    struct merkle_hash completed[TREE_LEVELS], root;
    struct tree_edge edge = growth->edge;

    g_assert(entries->len == record->count);
    g_assert(g_bytes_get_size(bundle) == record->length);
    for (guint i = 0; i < entries->len; i++) {
        const struct merkle_hash leaf =
            merkle_leaf(growth->merkle, g_bytes_get_data(entries->pdata[i], NULL),
                        g_bytes_get_size(entries->pdata[i]));

        tree_append(&edge, growth->merkle, &leaf, completed);
    }
    root = tree_root(&edge, growth->merkle);
    if (memcmp(&root, &record->root, sizeof root) != 0)
        return FALSE;
    growth->edge = edge;
    return TRUE;
}

static void read_file(const guint8 *data, gsize size, const struct wal_header *header)
{
    struct growth growth = { .merkle = merkle_new() };
    const int file = memfd_create("wal", MFD_CLOEXEC);
    guint64 end, last;

    if (file < 0 || write(file, data, size) != (ssize_t)size)
        g_error("no memory for a file");
    if (wal_records_read(file, "wal", header, take, &growth, &end, &last, NULL))
        g_assert(last < end);
    close(file);
    merkle_free(growth.merkle);
}

static void put_right(guint8 *at, gsize length)
{
    crypto_hash_sha256(at + length, at, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree guint8 *copy = NULL;
    struct wal_header header = { .generation = 1 };
    guint8 page[WAL_PAGE] = { 0 };

    if (size > INPUT_LIMIT)
        return 0;
    memcpy(page, data, MIN(size, WAL_PAGE));
    if (wal_header_read(page, &header))
        wal_mark_read(page, &header);
    read_file(data, size, &header);

    copy = g_memdup2(data, size);
    for (gsize at = 2 * WAL_PAGE; at + RECORD_HEADER <= size; at += WAL_PAGE) {
        memcpy(copy + at, "record/1", 8);
        memcpy(copy + at + 8, header.salt, WAL_SALT_SIZE);
        put_right(copy + at, RECORD_DIGEST_AT);
    }
    read_file(copy, size, &header);
    return 0;
}
