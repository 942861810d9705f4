#include "community/memory.h"

#include "base/error.h"
#include "store/store.h"

#include <string.h>

#define APPLICATION 0x656e636d /* "encm" */

static const char *const steps[] = {
    "CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;"
    "CREATE TABLE checkpoint (id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL,"
    " root BLOB NOT NULL, note BLOB NOT NULL, trusted INTEGER NOT NULL,"
    " verified_us INTEGER NOT NULL) STRICT;"
    "CREATE TABLE receipt (leaf BLOB PRIMARY KEY, envelope BLOB NOT NULL, entry BLOB NOT NULL,"
    " due_us INTEGER NOT NULL, verdict INTEGER NOT NULL) STRICT;",
    NULL,
};

struct memory {
    struct store *store;
};

struct memory *memory_open(const char *path, GError **error)
{
    static const struct store_schema schema = { APPLICATION, steps };
    struct store *store = store_open(path, &schema, STORE_WRITE, error);
    struct memory *memory;

    if (!store)
        return NULL;
    memory = g_new0(struct memory, 1);
    memory->store = store;
    return memory;
}

void memory_close(struct memory *memory)
{
    if (!memory)
        return;
    store_close(memory->store);
    g_free(memory);
}

/* --- settings --- */

char *memory_setting(struct memory *memory, const char *key, GError **error)
{
    g_autoptr(query_t) query =
        store_query(memory->store, "SELECT value FROM setting WHERE key = $1", error);
    gboolean row;

    if (!query)
        return NULL;
    query_bind_text(query, 1, key);
    return query_step(query, &row, error) && row ? g_strdup(query_text(query, 0)) : NULL;
}

gboolean memory_set(struct memory *memory, const char *key, const char *value, GError **error)
{
    g_autoptr(query_t) query =
        store_query(memory->store,
                    "INSERT INTO setting (key, value) VALUES ($1, $2)"
                    " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                    error);

    if (!query)
        return FALSE;
    query_bind_text(query, 1, key);
    query_bind_text(query, 2, value);
    return query_run(query, error);
}

/* --- the largest checkpoint --- */

void remembered_clear(struct remembered *remembered)
{
    g_clear_pointer(&remembered->note, g_bytes_unref);
}

gboolean memory_largest(struct memory *memory, struct remembered *remembered, GError **error)
{
    g_autoptr(query_t) query = store_query(
        memory->store, "SELECT size, root, note, trusted, verified_us FROM checkpoint", error);
    gboolean row;
    const void *root, *note;
    gsize root_length, note_length;

    memset(remembered, 0, sizeof *remembered);
    if (!query || !query_step(query, &row, error))
        return FALSE;
    if (!row)
        return TRUE;
    root = query_bytes(query, 1, &root_length);
    note = query_bytes(query, 2, &note_length);
    if (!root || !note || root_length != MERKLE_HASH_SIZE)
        return system_error(error, "the memory of the community is damaged");
    remembered->size = (guint64)query_integer(query, 0);
    memcpy(remembered->root.bytes, root, MERKLE_HASH_SIZE);
    remembered->note = g_bytes_new(note, note_length);
    remembered->trusted = query_integer(query, 3) != 0;
    remembered->verified_us = query_integer(query, 4);
    return TRUE;
}

gboolean memory_remember(struct memory *memory, const struct checkpoint *checkpoint, GBytes *note,
                         gboolean trusted, gint64 now_us, GError **error)
{
    g_autoptr(query_t) query = store_query(
        memory->store,
        "INSERT INTO checkpoint (id, size, root, note, trusted, verified_us)"
        " VALUES (1, $1, $2, $3, $4, $5) ON CONFLICT (id) DO UPDATE SET size = excluded.size,"
        " root = excluded.root, note = excluded.note, trusted = excluded.trusted,"
        " verified_us = excluded.verified_us WHERE excluded.size >= checkpoint.size",
        error);
    gsize length;
    const void *bytes = g_bytes_get_data(note, &length);

    if (!query)
        return FALSE;
    query_bind_integer(query, 1, (gint64)checkpoint->size);
    query_bind_bytes(query, 2, checkpoint->root.bytes, MERKLE_HASH_SIZE);
    query_bind_bytes(query, 3, bytes, length);
    query_bind_integer(query, 4, trusted);
    query_bind_integer(query, 5, now_us);
    return query_run(query, error);
}

/* --- receipts --- */

static void kept_receipt_free(struct kept_receipt *receipt)
{
    g_bytes_unref(receipt->envelope);
    g_bytes_unref(receipt->entry);
    g_free(receipt);
}

gboolean memory_keep_receipt(struct memory *memory, const struct receipt *receipt, GBytes *envelope,
                             GBytes *entry, GError **error)
{
    g_autoptr(query_t) query =
        store_query(memory->store,
                    "INSERT INTO receipt (leaf, envelope, entry, due_us, verdict)"
                    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (leaf) DO NOTHING",
                    error);

    if (!query)
        return FALSE;
    query_bind_bytes(query, 1, receipt->entry.bytes, MERKLE_HASH_SIZE);
    query_bind_bytes(query, 2, g_bytes_get_data(envelope, NULL), g_bytes_get_size(envelope));
    query_bind_bytes(query, 3, g_bytes_get_data(entry, NULL), g_bytes_get_size(entry));
    query_bind_integer(query, 4,
                       receipt->status == RECEIPT_ACCEPTED ? receipt->by_us : receipt->time_us);
    query_bind_integer(query, 5, RECEIPT_PENDING);
    return query_run(query, error);
}

static GBytes *column(struct query *query, int index)
{
    gsize length = 0;
    const void *bytes = query_bytes(query, index, &length);

    return g_bytes_new(bytes, bytes ? length : 0);
}

GPtrArray *memory_receipts(struct memory *memory, gboolean only_pending, GError **error)
{
    g_autoptr(GPtrArray) receipts =
        g_ptr_array_new_with_free_func((GDestroyNotify)kept_receipt_free);
    g_autoptr(query_t) query =
        store_query(memory->store,
                    "SELECT leaf, envelope, entry, due_us, verdict FROM receipt"
                    " WHERE verdict = $1 OR $1 < 0 ORDER BY due_us, leaf",
                    error);
    gboolean row;

    if (!query)
        return NULL;
    query_bind_integer(query, 1, only_pending ? RECEIPT_PENDING : -1);
    while (query_step(query, &row, error)) {
        struct kept_receipt *receipt;
        const void *leaf;
        gsize length;

        if (!row)
            return g_steal_pointer(&receipts);
        leaf = query_bytes(query, 0, &length);
        receipt = g_new0(struct kept_receipt, 1);
        if (leaf && length == MERKLE_HASH_SIZE)
            memcpy(receipt->leaf.bytes, leaf, length);
        receipt->envelope = column(query, 1);
        receipt->entry = column(query, 2);
        receipt->due_us = query_integer(query, 3);
        receipt->verdict = (enum receipt_verdict)CLAMP(query_integer(query, 4), 0, RECEIPT_IDLE);
        g_ptr_array_add(receipts, receipt);
    }
    return NULL;
}

gboolean memory_judge_receipt(struct memory *memory, const struct merkle_hash *leaf,
                              enum receipt_verdict verdict, GError **error)
{
    g_autoptr(query_t) query =
        store_query(memory->store, "UPDATE receipt SET verdict = $1 WHERE leaf = $2", error);

    if (!query)
        return FALSE;
    query_bind_integer(query, 1, verdict);
    query_bind_bytes(query, 2, leaf->bytes, MERKLE_HASH_SIZE);
    return query_run(query, error);
}
