#include "log/lock_row.h"

#include "base/error.h"
#include "statement/base64.h"
#include "store/store.h"

#include <sodium.h>
#include <string.h>

#define APPLICATION 0x454e4c4b /* "ENLK" */
#define TOKEN_SIZE 16

static const char *const steps[] = {
    "CREATE TABLE lock (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL,"
    " time_us INTEGER NOT NULL, token TEXT NOT NULL) STRICT;",
    NULL,
};
static const struct store_schema schema = { APPLICATION, steps };

struct lock_row {
    struct store *store;
    char *origin, *token;
    struct lock_state state;
};

static gboolean select_row(struct store *store, const char *origin, struct lock_state *state,
                           gboolean *there, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store, "SELECT size, root, time_us FROM lock WHERE origin = $1", error);
    const void *root;
    gsize length;

    if (!query)
        return FALSE;
    query_bind_text(query, 1, origin);
    if (!query_step(query, there, error))
        return FALSE;
    if (!*there)
        return TRUE;
    root = query_bytes(query, 1, &length);
    if (!root || length != MERKLE_HASH_SIZE || query_integer(query, 0) < 0)
        return found_error(error, "the lock row of %s is damaged", origin);
    state->size = (guint64)query_integer(query, 0);
    memcpy(state->root.bytes, root, MERKLE_HASH_SIZE);
    state->time_us = query_integer(query, 2);
    return TRUE;
}

static gboolean insert_row(struct store *store, const char *origin, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store, "INSERT INTO lock VALUES ($1, 0, $2, 0, '')", error);
    g_autoptr(merkle_t) merkle = merkle_new();
    const struct merkle_hash empty = merkle_root(merkle, NULL, 0);

    if (!query)
        return FALSE;
    query_bind_text(query, 1, origin);
    query_bind_bytes(query, 2, empty.bytes, MERKLE_HASH_SIZE);
    return query_run(query, error);
}

gboolean lock_row_create(const char *path, const char *origin, GError **error)
{
    g_autoptr(store_t) store = store_open(path, &schema, STORE_WRITE, error);
    struct lock_state state;
    gboolean there;

    if (!store || !select_row(store, origin, &state, &there, error))
        return FALSE;
    if (!there)
        return insert_row(store, origin, error);
    return state.size == 0 || policy_error(error,
                                           "%s: the log %s was in use up to size %" G_GUINT64_FORMAT
                                           "; a lost log goes on under a new origin only",
                                           path, origin, state.size);
}

gboolean lock_row_take(struct lock_row *row, GError **error)
{
    g_autoptr(query_t) query = store_query(
        row->store, "UPDATE lock SET token = $1 WHERE origin = $2 RETURNING size", error);
    gboolean there;

    if (!query)
        return FALSE;
    query_bind_text(query, 1, row->token);
    query_bind_text(query, 2, row->origin);
    return query_step(query, &there, error) && query_run(query, error);
}

struct lock_row *lock_row_open(const char *path, const char *origin, struct lock_state *state,
                               GError **error)
{
    g_autoptr(lock_row_t) row = g_new0(struct lock_row, 1);
    guint8 token[TOKEN_SIZE];
    gboolean there;

    randombytes_buf(token, sizeof token);
    row->token = hex_encode(token, sizeof token);
    row->origin = g_strdup(origin);
    row->store = store_open(path, &schema, STORE_WRITE, error);
    if (!row->store || !select_row(row->store, origin, &row->state, &there, error))
        return NULL;
    if (!there) {
        policy_error(error,
                     "%s: no lock row of the log %s: without it nobody knows what the log signed "
                     "last; bring back the right file, or go on under a new origin",
                     path, origin);
        return NULL;
    }
    *state = row->state;
    return g_steal_pointer(&row);
}

void lock_row_close(struct lock_row *row)
{
    if (!row)
        return;
    store_close(row->store);
    g_free(row->origin);
    g_free(row->token);
    g_free(row);
}

gboolean lock_row_advance(struct lock_row *row, const struct lock_state *next, GError **error)
{
    g_autoptr(query_t) query =
        store_query(row->store,
                    "UPDATE lock SET size = $1, root = $2, time_us = $3 WHERE origin = $4 AND"
                    " token = $5 AND size = $6 AND root = $7 RETURNING size",
                    error);
    gboolean moved;

    if (!query)
        return FALSE;
    query_bind_integer(query, 1, (gint64)next->size);
    query_bind_bytes(query, 2, next->root.bytes, MERKLE_HASH_SIZE);
    query_bind_integer(query, 3, next->time_us);
    query_bind_text(query, 4, row->origin);
    query_bind_text(query, 5, row->token);
    query_bind_integer(query, 6, (gint64)row->state.size);
    query_bind_bytes(query, 7, row->state.root.bytes, MERKLE_HASH_SIZE);
    /* The second step ends, and so commits, the statement that gave a row. */
    if (!query_step(query, &moved, error) || (moved && !query_run(query, error)))
        return FALSE;
    if (!moved)
        return policy_error(
            error, "another writer has taken over the lock row of %s: this one stops", row->origin);
    row->state = *next;
    return TRUE;
}
