/*
 * store.h: one small database, written so that what was committed stays.
 *
 * A path is a SQLite file in WAL mode with synchronous=FULL: a committed transaction survives
 * `kill -9` and a power cut. Writers of several processes wait for one another (STORE_BUSY_MS). A
 * URL (postgresql://...) is a PostgreSQL database that several machines share; its library is
 * loaded when the first one is opened. Its password comes from where libpq looks (PGPASSFILE,
 * PGSERVICEFILE); no message shows one.
 *
 * A room hands its tables as a list of steps; the database remembers how many were taken, so that a
 * newer program upgrades an older one's and an older program refuses a newer one's. The SQL of
 * queries is what both understand: parameters are $1, $2, ... in order.
 *
 * A query borrowed from the store is reset by query_done(); one of a text may be in use at a time.
 * Not thread-safe: one store per thread.
 *
 * With a server there are more ways to fail, which store_trouble() tells apart. A lost connection
 * is opened anew with the next call, for STORE_RECONNECT_MS at most. Outside a transaction a
 * SELECT is then run again by itself; anything else may have happened or not (STORE_IN_DOUBT), and
 * only the caller can find out.
 */
#pragma once
#include <glib.h>

#define STORE_BUSY_MS 30000      /* how long a writer waits for another */
#define STORE_RECONNECT_MS 10000 /* how long a server may be away within one call */

struct store;
struct query;

struct store_schema {
    guint32 application;      /* in the file's header, so that `file` and we know whose it is */
    const char *const *steps; /* SQL; step i brings version i to i + 1; ends with NULL. STRICT */
    const char *const *postgres_steps; /* the same for PostgreSQL; NULL: files only */
};

enum store_mode { STORE_READ, STORE_WRITE /* made when missing, mode 0600 */ };

/* Whether `place` names a server's database and not a file. */
gboolean store_is_url(const char *place);
/* Whether the URL has a password in it, which a list of processes would show. */
gboolean store_url_has_password(const char *url);

/*
 * ENTENTE_ERROR_SYSTEM; _INPUT for a file of another application or of a newer version. STORE_READ
 * gives NULL without an error for a file that holds nothing: its maker was killed.
 */
struct store *store_open(const char *place, const struct store_schema *schema, enum store_mode mode,
                         GError **error);
void store_close(struct store *store);
typedef struct store store_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(store_t, store_close)

/* What the last failure means for what was tried. A file knows only STORE_NO_TROUBLE: final. */
enum store_trouble {
    STORE_NO_TROUBLE,
    STORE_CONFLICT, /* with others at the same time: nothing happened, run it again */
    STORE_LOST,     /* the connection: nothing happened, run it again */
    STORE_IN_DOUBT, /* the connection, before the answer came: look whether it happened */
};
enum store_trouble store_trouble(const struct store *store);

/* A write transaction; others' writes wait from here on. Without store_commit() nothing happened.
 */
gboolean store_begin(struct store *store, GError **error);
gboolean store_commit(struct store *store, GError **error);
void store_rollback(struct store *store); /* fine outside a transaction, too */

/* All of it in one transaction; run again from the start after STORE_CONFLICT and STORE_LOST. */
typedef gboolean (*store_transaction_fn)(struct store *store, gpointer data, GError **error);
gboolean store_transaction(struct store *store, store_transaction_fn body, gpointer data,
                           GError **error);

/*
 * Hears of pg_notify() on `channel` from now on, on new connections too. store_wait() returns TRUE
 * when there was one, and FALSE when the time is over or the connection is lost: who waits looks
 * again anyhow. A file never hears of anything.
 */
gboolean store_listen(struct store *store, const char *channel, GError **error);
gboolean store_wait(struct store *store, gint64 limit_us);

/* From now on a server may be away for `limit_us` within one call. A file is never away. */
void store_quicken(struct store *store, gint64 limit_us);

/* Prepared once per text, reset and ready to bind. Borrowed. */
struct query *store_query(struct store *store, const char *sql, GError **error);
void query_done(struct query *query);
typedef struct query query_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(query_t, query_done)

/* Parameters count from 1. NULL binds SQL NULL. Bytes and texts are borrowed until query_done(). */
void query_bind_integer(struct query *query, int parameter, gint64 number);
void query_bind_text(struct query *query, int parameter, const char *text);
void query_bind_bytes(struct query *query, int parameter, const void *bytes, gsize length);

/* Runs to the next row: `*row` is FALSE at the end. */
gboolean query_step(struct query *query, gboolean *row, GError **error);
/* Runs a query that gives no rows. */
gboolean query_run(struct query *query, GError **error);

/* Columns count from 0. Borrowed until the next step; NULL for SQL NULL and for another type. */
gint64 query_integer(struct query *query, int column);
const char *query_text(struct query *query, int column);
const void *query_bytes(struct query *query, int column, gsize *length);
gboolean query_is_null(struct query *query, int column);

/*
 * Whether file and indexes are whole (SQLite's integrity_check). ENTENTE_ERROR_FOUND names the
 * first damage. A server checks its own pages.
 */
gboolean store_check(struct store *store, GError **error);

/*
 * After what was deleted must be gone from the disk: its bytes are overwritten as they are deleted,
 * and this takes them out of the write-ahead log. `*gone` FALSE: a reader still uses it; ask again
 * later. A server's files are its keeper's.
 */
gboolean store_shed(struct store *store, gboolean *gone, GError **error);
