#include "log/log_database.h"

#include "base/error.h"
#include "log/wal.h"

#include <string.h>

#define APPLICATION 0x454e4c47 /* "ENLG" */
#define BATCHES_AT_ONCE 8      /* read at once: each has WAL_PAYLOAD_LIMIT bytes at most */
#define TAKING_LOCK_MS 2000    /* how long a takeover waits for a commit under way */

static const char *const postgres_steps[] = {
    "CREATE TABLE entente_log (origin TEXT PRIMARY KEY,"
    " size BIGINT NOT NULL, root BYTEA NOT NULL,"
    " epoch BIGINT NOT NULL, holder TEXT NOT NULL, lease_until TIMESTAMPTZ NOT NULL,"
    " signed_size BIGINT NOT NULL, signed_root BYTEA NOT NULL, signed_us BIGINT NOT NULL,"
    " published_size BIGINT NOT NULL, published BYTEA, version BIGINT NOT NULL)"
    " WITH (fillfactor = 50);"
    "CREATE TABLE entente_batch (origin TEXT NOT NULL, first BIGINT NOT NULL,"
    " count INTEGER NOT NULL, root BYTEA NOT NULL, bundle BYTEA NOT NULL, epoch BIGINT NOT NULL,"
    " PRIMARY KEY (origin, first));"
    "ALTER TABLE entente_batch ALTER COLUMN bundle SET STORAGE EXTERNAL;"
    "CREATE TABLE entente_history (origin TEXT NOT NULL, size BIGINT NOT NULL,"
    " note BYTEA NOT NULL, PRIMARY KEY (origin, size))",
    NULL,
};
static const struct store_schema schema = { APPLICATION, NULL, postgres_steps };

/* Settings without which an answered COMMIT may be lost by a crash. */
static gboolean keeps_commits(struct store *store, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store,
                    "SELECT name::text FROM pg_settings WHERE setting = 'off' AND"
                    " name IN ('fsync', 'full_page_writes')",
                    error);
    gboolean row;

    if (!query || !query_step(query, &row, error))
        return FALSE;
    return !row ||
           policy_error(error,
                        "the database's server runs with %s off: a crash would lose entries "
                        "that were answered",
                        query_text(query, 0));
}

struct store *log_database_open(const char *url, GError **error)
{
    g_autoptr(store_t) store = store_open(url, &schema, STORE_WRITE, error);

    return store && keeps_commits(store, error) ? g_steal_pointer(&store) : NULL;
}

gboolean log_database_may_return(const struct store *store)
{
    return store_trouble(store) != STORE_NO_TROUBLE;
}

char *log_database_channel(const char *origin)
{
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, origin, -1);

    return g_strdup_printf("entente_%.16s", digest); /* a name of a channel is short */
}

/* ---- the row ---- */

static gboolean take_hash(struct query *query, int column, struct merkle_hash *hash)
{
    gsize length;
    const void *bytes = query_bytes(query, column, &length);

    if (!bytes || length != MERKLE_HASH_SIZE)
        return FALSE;
    memcpy(hash->bytes, bytes, MERKLE_HASH_SIZE);
    return TRUE;
}

static gboolean read_head(struct store *store, const char *origin, struct log_head *head,
                          gboolean *there, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store,
                    "SELECT size, root, epoch, lease_until > clock_timestamp(), holder,"
                    " signed_size, signed_root, signed_us, published_size, version"
                    " FROM entente_log WHERE origin = $1",
                    error);
    const char *holder;

    *head = (struct log_head){ 0 };
    if (!query)
        return FALSE;
    query_bind_text(query, 1, origin);
    if (!query_step(query, there, error))
        return FALSE;
    if (!*there)
        return TRUE;
    head->size = (guint64)query_integer(query, 0);
    head->epoch = (guint64)query_integer(query, 2);
    head->held = query_integer(query, 3) != 0;
    holder = query_text(query, 4);
    g_strlcpy(head->holder, holder ? holder : "", sizeof head->holder);
    head->signed_state.size = (guint64)query_integer(query, 5);
    head->signed_state.time_us = query_integer(query, 7);
    head->published_size = (guint64)query_integer(query, 8);
    head->version = (guint64)query_integer(query, 9);
    return (query_integer(query, 0) >= 0 && take_hash(query, 1, &head->root) &&
            take_hash(query, 6, &head->signed_state.root)) ||
           found_error(error, "the database's row of the log %s is damaged", origin);
}

gboolean log_head_read(struct store *store, const char *origin, struct log_head *head,
                       GError **error)
{
    gboolean there;

    return read_head(store, origin, head, &there, error) &&
           (there || policy_error(error,
                                  "the database has no log %s; \"entente community init "
                                  "--database\" makes one",
                                  origin));
}

gboolean log_database_create(struct store *store, const char *origin, GError **error)
{
    g_autoptr(merkle_t) merkle = merkle_new();
    const struct merkle_hash empty = merkle_root(merkle, NULL, 0);
    g_autoptr(query_t) query =
        store_query(store,
                    "INSERT INTO entente_log VALUES ($1, 0, $2, 0, '', '-infinity', 0, $2, 0, 0,"
                    " NULL, 0) ON CONFLICT (origin) DO NOTHING",
                    error);
    struct log_head head;

    if (!query)
        return FALSE;
    query_bind_text(query, 1, origin);
    query_bind_bytes(query, 2, empty.bytes, MERKLE_HASH_SIZE);
    if (!query_run(query, error) || !log_head_read(store, origin, &head, error))
        return FALSE;
    return head.size == 0 ||
           policy_error(error,
                        "the database has a log %s already, of size %" G_GUINT64_FORMAT
                        "; a lost log goes on under a new origin only",
                        origin, head.size);
}

/* ---- the lease ---- */

/*
 * Sessions of ours that hold a transaction open longer than a lease runs: their process was paused
 * or cut off between sending a commit's two halves, and the row is locked until TCP gives up.
 */
static gboolean end_stuck_sessions(struct store *store, gint64 lease_us, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store,
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    " WHERE usename = current_user"
                    " AND application_name = current_setting('application_name')"
                    " AND pid <> pg_backend_pid() AND datname = current_database()"
                    " AND xact_start < clock_timestamp() - $1::bigint * interval '1 microsecond'",
                    error);

    if (!query)
        return FALSE;
    query_bind_integer(query, 1, lease_us);
    return query_run(query, error);
}

static gboolean set_lock_timeout(struct store *store, guint limit_ms, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store, "SELECT set_config('lock_timeout', ($1::integer)::text, false)", error);

    if (!query)
        return FALSE;
    query_bind_integer(query, 1, limit_ms);
    return query_run(query, error);
}

gboolean log_lease_take(struct store *store, const char *origin, const char *holder,
                        gint64 lease_us, guint64 *epoch, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store,
                    "UPDATE entente_log SET epoch = epoch + 1, holder = $2,"
                    " lease_until = clock_timestamp() + $3::bigint *"
                    " interval '1 microsecond' WHERE origin = $1 AND lease_until <="
                    " clock_timestamp() RETURNING epoch",
                    error);
    gboolean taken;

    *epoch = 0;
    if (!query || !set_lock_timeout(store, TAKING_LOCK_MS, error) ||
        !end_stuck_sessions(store, lease_us, error))
        return FALSE;
    query_bind_text(query, 1, origin);
    query_bind_text(query, 2, holder);
    query_bind_integer(query, 3, lease_us);
    if (!query_step(query, &taken, error))
        return FALSE;
    if (taken)
        *epoch = (guint64)query_integer(query, 0);
    return TRUE;
}

gboolean log_lease_renew(struct store *store, const char *origin, guint64 epoch, gint64 lease_us,
                         gboolean *held, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store,
                    "UPDATE entente_log SET lease_until = clock_timestamp() + $3::bigint *"
                    " interval '1 microsecond' WHERE origin = $1 AND epoch = $2 RETURNING epoch",
                    error);

    if (!query)
        return FALSE;
    query_bind_text(query, 1, origin);
    query_bind_integer(query, 2, (gint64)epoch);
    query_bind_integer(query, 3, lease_us);
    return query_step(query, held, error);
}

gboolean log_lease_release(struct store *store, const char *origin, guint64 epoch, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store,
                    "UPDATE entente_log SET lease_until = '-infinity', holder = ''"
                    " WHERE origin = $1 AND epoch = $2",
                    error);

    if (!query)
        return FALSE;
    query_bind_text(query, 1, origin);
    query_bind_integer(query, 2, (gint64)epoch);
    return query_run(query, error);
}

/* ---- batches ---- */

static gboolean contradicts(const char *origin, guint64 first, const char *what, GError **error)
{
    return found_error(error,
                       "the database's entries of %s from %" G_GUINT64_FORMAT
                       " on %s: damaged, or another history than this node's; stop, and keep both",
                       origin, first, what);
}

static gboolean take_batch(struct query *query, const char *origin, guint64 first, guint64 *next,
                           log_batch_fn each, gpointer data, GError **error)
{
    struct wal_record record = { .first = (guint64)query_integer(query, 0),
                                 .count = (guint32)query_integer(query, 1) };
    gsize length;
    const void *bytes = query_bytes(query, 3, &length);
    g_autoptr(GBytes) bundle = bytes ? g_bytes_new(bytes, length) : NULL;
    g_autoptr(GPtrArray) entries = NULL;
    GError *failure = NULL;

    if (record.first != first || !bundle || !record.count || length > WAL_PAYLOAD_LIMIT ||
        !take_hash(query, 2, &record.root))
        return contradicts(origin, first, "do not join", error);
    record.length = (guint32)length;
    entries = bundle_split(bundle, record.count, NULL);
    if (!entries || !each(&record, bundle, entries, data, &failure)) {
        if (!failure)
            return contradicts(origin, first, "do not have the root they were committed with",
                               error);
        g_propagate_error(error, failure);
        return FALSE;
    }
    *next = record.first + record.count;
    return TRUE;
}

static gboolean read_some(struct store *store, const char *origin, guint64 *first, guint64 end,
                          log_batch_fn each, gpointer data, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store,
                    "SELECT first, count, root, bundle FROM entente_batch"
                    " WHERE origin = $1 AND first >= $2 AND first < $3 ORDER BY first"
                    " LIMIT " G_STRINGIFY(BATCHES_AT_ONCE),
                    error);
    const guint64 before = *first;
    gboolean row;

    if (!query)
        return FALSE;
    query_bind_text(query, 1, origin);
    query_bind_integer(query, 2, (gint64)*first);
    query_bind_integer(query, 3, (gint64)end);
    if (!query_step(query, &row, error))
        return FALSE;
    while (row)
        if (!take_batch(query, origin, *first, first, each, data, error) ||
            !query_step(query, &row, error))
            return FALSE;
    return *first > before || contradicts(origin, before, "are not there", error);
}

gboolean log_batches_read(struct store *store, const char *origin, guint64 first, guint64 end,
                          log_batch_fn each, gpointer data, GError **error)
{
    while (first < end)
        if (!read_some(store, origin, &first, end, each, data, error))
            return FALSE;
    return TRUE;
}
