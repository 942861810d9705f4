#include "log/commit_database.h"

#include "base/error.h"
#include "log/applied.h"
#include "log/log_database.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define PATIENCE_US (30 * G_TIME_SPAN_SECOND)
#define PAUSE_US (G_USEC_PER_SEC / 10)

struct commit_database {
    struct commit_log base;
    char *origin, *channel;
    guint64 epoch;
    gint64 patience_us;
    struct applied *applied;
    struct store *appending; /* the sequencer's */
    pthread_mutex_t lock;    /* of what follows */
    struct store *signing;
    struct lock_state state;

    /* The sequencer's, but while not marked the sync thread's, too. */
    guint64 begun; /* size of the last begin */
    struct merkle_hash begun_root;
    atomic_int marked;
    guint64 end;      /* size of what is committed */
    guint64 appended; /* bytes since the last begin */
};

static struct commit_database *of(struct commit_log *log)
{
    return (struct commit_database *)log;
}

static const struct commit_database *of_const(const struct commit_log *log)
{
    return (const struct commit_database *)log;
}

/* ---- a change of the row that happens once, or not at all ---- */

enum change { CHANGE_DONE, CHANGE_NOT_MINE, CHANGE_FAILED };

/* One of the statements below, bound. */
typedef struct query *(*change_fn)(struct commit_database *log, struct store *store,
                                   gconstpointer data, GError **error);

/*
 * Sends the change until it is known what became of it. It gives a row when it moved the log's row,
 * and else none: then the row is not where this writer left it, because the change before came
 * through although its answer did not, or because it is another's now. The caller looks.
 */
static enum change make_change(struct commit_database *log, struct store *store, change_fn prepare,
                               gconstpointer data, GError **error)
{
    const gint64 end = g_get_monotonic_time() + log->patience_us;

    for (;;) {
        GError *failure = NULL;
        g_autoptr(query_t) query = prepare(log, store, data, &failure);
        gboolean moved;

        if (query && query_step(query, &moved, &failure))
            return moved ? CHANGE_DONE : CHANGE_NOT_MINE;
        if (!log_database_may_return(store) || g_get_monotonic_time() >= end) {
            g_propagate_error(error, failure);
            return CHANGE_FAILED;
        }
        g_error_free(failure);
        g_usleep(PAUSE_US);
    }
}

/* Why the row was not where this writer left it. */
static gboolean taken_over(const struct commit_database *log, const struct log_head *head,
                           GError **error)
{
    if (head->epoch != log->epoch)
        return policy_error(error,
                            "another node sequences the log %s now (epoch %" G_GUINT64_FORMAT
                            ", this one had %" G_GUINT64_FORMAT ")",
                            log->origin, head->epoch, log->epoch);
    return policy_error(error,
                        "the database's log %s ends at size %" G_GUINT64_FORMAT
                        ", and this node committed %" G_GUINT64_FORMAT
                        ": a restored backup, or a standby that lost what was committed",
                        log->origin, head->size, log->end);
}

/* ---- batches ---- */

struct append {
    guint64 first;
    guint32 count;
    const struct merkle_hash *root;
    const guint8 *bundle;
    gsize length;
};

static struct query *prepare_append(struct commit_database *log, struct store *store,
                                    gconstpointer data, GError **error)
{
    const struct append *append = data;
    struct query *query = store_query(
        store,
        "WITH moved AS (UPDATE entente_log SET size = $3::bigint + $4::integer, root = $5::bytea"
        " WHERE origin = $1 AND epoch = $2::bigint AND size = $3::bigint RETURNING epoch),"
        " put AS (INSERT INTO entente_batch (origin, first, count, root, bundle, epoch)"
        " SELECT $1, $3::bigint, $4::integer, $5::bytea, $6::bytea, epoch FROM moved"
        " RETURNING first)"
        " SELECT first, pg_notify($7, '') FROM put",
        error);

    if (!query)
        return NULL;
    query_bind_text(query, 1, log->origin);
    query_bind_integer(query, 2, (gint64)log->epoch);
    query_bind_integer(query, 3, (gint64)append->first);
    query_bind_integer(query, 4, append->count);
    query_bind_bytes(query, 5, append->root->bytes, MERKLE_HASH_SIZE);
    query_bind_bytes(query, 6, append->bundle, append->length);
    query_bind_text(query, 7, log->channel);
    return query;
}

/* Whether our batch is there: its answer was lost, and it was not. */
static gboolean is_there(struct commit_database *log, const struct append *append, gboolean *there,
                         GError **error)
{
    g_autoptr(query_t) query =
        store_query(log->appending,
                    "SELECT 1 FROM entente_batch WHERE origin = $1 AND first = $2 AND count = $3"
                    " AND root = $4 AND epoch = $5",
                    error);

    if (!query)
        return FALSE;
    query_bind_text(query, 1, log->origin);
    query_bind_integer(query, 2, (gint64)append->first);
    query_bind_integer(query, 3, append->count);
    query_bind_bytes(query, 4, append->root->bytes, MERKLE_HASH_SIZE);
    query_bind_integer(query, 5, (gint64)log->epoch);
    return query_step(query, there, error);
}

static gboolean append(struct commit_log *base, GByteArray *bytes, guint64 first, guint32 count,
                       const struct merkle_hash *root, GError **error)
{
    struct commit_database *log = of(base);
    const gsize length = wal_record_length(bytes);
    const struct append change = { first, count, root, bytes->data + bytes->len - length, length };
    enum change outcome = make_change(log, log->appending, prepare_append, &change, error);
    gboolean there = outcome == CHANGE_DONE;
    struct log_head head;

    if (outcome == CHANGE_FAILED)
        return FALSE;
    if (!there && !is_there(log, &change, &there, error))
        return FALSE;
    if (!there)
        return log_head_read(log->appending, log->origin, &head, error) &&
               taken_over(log, &head, error);
    log->end = first + count;
    log->appended += length;
    return TRUE;
}

static void base_of(const struct commit_log *log, guint64 *size, struct merkle_hash *root)
{
    *size = of_const(log)->begun;
    *root = of_const(log)->begun_root;
}

static gboolean replay(struct commit_log *base, wal_record_fn each, gpointer data, GError **error)
{
    struct commit_database *log = of(base);
    struct log_head head;

    if (!log_head_read(log->appending, log->origin, &head, error))
        return FALSE;
    log->end = log->begun;
    if (head.epoch != log->epoch || head.size < log->begun)
        return taken_over(log, &head, error);
    log->end = head.size;
    return log_batches_read(log->appending, log->origin, log->begun, head.size, each, data, error);
}

/* ---- syncing the folder ---- */

static gboolean is_full(const struct commit_log *log)
{
    return of_const(log)->appended >= WAL_STEP;
}

static gboolean is_marked(const struct commit_log *log)
{
    return atomic_load(&of_const(log)->marked);
}

/* The database is as large as its disk. */
static gboolean must_wait(const struct commit_log *log, gsize length)
{
    return FALSE;
}

static gboolean is_empty(const struct commit_log *log)
{
    return of_const(log)->end == of_const(log)->begun;
}

static gboolean begin(struct commit_log *base, guint64 size, const struct merkle_hash *root,
                      gboolean synced, GError **error)
{
    struct commit_database *log = of(base);

    log->begun = size;
    log->begun_root = *root;
    log->appended = 0;
    atomic_store(&log->marked, synced);
    return !synced || applied_mark(log->applied, size, root, error);
}

static gboolean mark(struct commit_log *base, GError **error)
{
    struct commit_database *log = of(base);

    if (!applied_mark(log->applied, log->begun, &log->begun_root, error))
        return FALSE;
    atomic_store(&log->marked, TRUE);
    return TRUE;
}

/* ---- the lock row ---- */

static gboolean lock_read(struct commit_log *base, struct lock_state *state, GError **error)
{
    struct commit_database *log = of(base);
    struct log_head head;

    if (!log_head_read(log->signing, log->origin, &head, error))
        return FALSE;
    *state = log->state = head.signed_state;
    return TRUE;
}

/* The epoch was taken with the lease; whether it still counts. */
static gboolean lock_take(struct commit_log *base, GError **error)
{
    struct commit_database *log = of(base);
    struct log_head head;

    return log_head_read(log->signing, log->origin, &head, error) &&
           (head.epoch == log->epoch || taken_over(log, &head, error));
}

static struct query *prepare_advance(struct commit_database *log, struct store *store,
                                     gconstpointer data, GError **error)
{
    const struct lock_state *next = data;
    struct query *query =
        store_query(store,
                    "UPDATE entente_log SET signed_size = $3, signed_root = $4, signed_us = $5"
                    " WHERE origin = $1 AND epoch = $2 AND signed_size = $6 AND signed_root = $7"
                    " AND size >= $3 RETURNING epoch",
                    error);

    if (!query)
        return NULL;
    query_bind_text(query, 1, log->origin);
    query_bind_integer(query, 2, (gint64)log->epoch);
    query_bind_integer(query, 3, (gint64)next->size);
    query_bind_bytes(query, 4, next->root.bytes, MERKLE_HASH_SIZE);
    query_bind_integer(query, 5, next->time_us);
    query_bind_integer(query, 6, (gint64)log->state.size);
    query_bind_bytes(query, 7, log->state.root.bytes, MERKLE_HASH_SIZE);
    return query;
}

/* With the lock held. */
static gboolean advance(struct commit_database *log, const struct lock_state *next, GError **error)
{
    struct log_head head;

    switch (make_change(log, log->signing, prepare_advance, next, error)) {
    case CHANGE_FAILED:
        return FALSE;
    case CHANGE_NOT_MINE:
        if (!log_head_read(log->signing, log->origin, &head, error))
            return FALSE;
        if (head.epoch != log->epoch || head.signed_state.size != next->size ||
            memcmp(&head.signed_state.root, &next->root, sizeof next->root) != 0)
            return taken_over(log, &head, error);
        break;
    case CHANGE_DONE:
        break;
    }
    log->state = *next;
    return TRUE;
}

static gboolean lock_advance(struct commit_log *base, const struct lock_state *next, GError **error)
{
    struct commit_database *log = of(base);
    gboolean done;

    pthread_mutex_lock(&log->lock);
    done = advance(log, next, error);
    pthread_mutex_unlock(&log->lock);
    return done;
}

/* ---- what is published ---- */

struct publication {
    GBytes *note;
    guint64 size;
    gboolean trusted;
};

/* The same twice is the same once. */
static struct query *prepare_publish(struct commit_database *log, struct store *store,
                                     gconstpointer data, GError **error)
{
    const struct publication *publication = data;
    struct query *query = store_query(
        store,
        "WITH moved AS (UPDATE entente_log SET published = $3::bytea, published_size = $4::bigint,"
        " version = version + 1 WHERE origin = $1 AND epoch = $2::bigint"
        " AND published_size <= $4::bigint AND signed_size >= $4::bigint RETURNING epoch),"
        " kept AS (INSERT INTO entente_history (origin, size, note)"
        " SELECT $1, $4::bigint, $3::bytea FROM moved WHERE $5::integer = 1"
        " ON CONFLICT (origin, size) DO NOTHING)"
        " SELECT epoch, pg_notify($6, '') FROM moved",
        error);
    gsize length;
    const void *bytes = g_bytes_get_data(publication->note, &length);

    if (!query)
        return NULL;
    query_bind_text(query, 1, log->origin);
    query_bind_integer(query, 2, (gint64)log->epoch);
    query_bind_bytes(query, 3, bytes, length);
    query_bind_integer(query, 4, (gint64)publication->size);
    query_bind_integer(query, 5, publication->trusted);
    query_bind_text(query, 6, log->channel);
    return query;
}

static gboolean publish(struct commit_log *base, GBytes *note, guint64 size, gboolean trusted,
                        GError **error)
{
    struct commit_database *log = of(base);
    const struct publication publication = { note, size, trusted };
    struct log_head head;
    enum change outcome;

    pthread_mutex_lock(&log->lock);
    outcome = make_change(log, log->signing, prepare_publish, &publication, error);
    if (outcome == CHANGE_NOT_MINE && log_head_read(log->signing, log->origin, &head, error))
        taken_over(log, &head, error);
    pthread_mutex_unlock(&log->lock);
    return outcome == CHANGE_DONE;
}

/* ---- open and close ---- */

static void close_database(struct commit_log *base)
{
    struct commit_database *log = of(base);

    store_close(log->appending);
    store_close(log->signing);
    applied_close(log->applied);
    pthread_mutex_destroy(&log->lock);
    g_free(log->origin);
    g_free(log->channel);
    g_free(log);
}

static const struct commit_log_calls calls = {
    .base = base_of,
    .replay = replay,
    .append = append,
    .is_full = is_full,
    .is_marked = is_marked,
    .must_wait = must_wait,
    .is_empty = is_empty,
    .begin = begin,
    .mark = mark,
    .lock_read = lock_read,
    .lock_take = lock_take,
    .lock_advance = lock_advance,
    .publish = publish,
    .close = close_database,
};

struct commit_log *commit_database_open(const struct commit_database_options *options,
                                        GError **error)
{
    struct commit_database *log = g_new0(struct commit_database, 1);
    g_autoptr(commit_log_t) base = &log->base;

    base->calls = &calls;
    base->place = "the database";
    pthread_mutex_init(&log->lock, NULL);
    log->origin = g_strdup(options->origin);
    log->channel = log_database_channel(options->origin);
    log->epoch = options->epoch;
    log->patience_us = options->patience_us ? options->patience_us : PATIENCE_US;
    log->marked = TRUE;
    log->applied =
        applied_open(options->folder, options->origin, &log->begun, &log->begun_root, error);
    log->appending = log->applied ? log_database_open(options->url, error) : NULL;
    log->signing = log->appending ? log_database_open(options->url, error) : NULL;
    return log->signing ? g_steal_pointer(&base) : NULL;
}
