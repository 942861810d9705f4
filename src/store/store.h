/*
 * store.h: one small database file, written so that what was committed stays.
 *
 * SQLite in WAL mode with synchronous=FULL: a committed transaction survives `kill -9` and a power
 * cut. Writers of several processes wait for one another (STORE_BUSY_MS). A room hands its tables
 * as a list of steps (STRICT tables); the file remembers how many were taken, so that a newer
 * program upgrades an older file and an older program refuses a newer one. SQL is kept to what
 * PostgreSQL understands too: parameters are $1, $2, ... in order.
 *
 * A query borrowed from the store is reset by query_done(); one of a text may be in use at a time.
 * Not thread-safe: one store per thread.
 */
#pragma once
#include <glib.h>

#define STORE_BUSY_MS 30000 /* how long a writer waits for another */

struct store;
struct query;

struct store_schema {
    guint32 application;      /* in the file's header, so that `file` and we know whose it is */
    const char *const *steps; /* SQL; step i brings version i to i + 1; ends with NULL */
};

enum store_mode { STORE_READ, STORE_WRITE /* made when missing, mode 0600 */ };

/*
 * ENTENTE_ERROR_SYSTEM; _INPUT for a file of another application or of a newer version. STORE_READ
 * gives NULL without an error for a file that holds nothing: its maker was killed.
 */
struct store *store_open(const char *path, const struct store_schema *schema, enum store_mode mode,
                         GError **error);
void store_close(struct store *store);
typedef struct store store_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(store_t, store_close)

/* A write transaction; others' writes wait from here on. Without store_commit() nothing happened.
 */
gboolean store_begin(struct store *store, GError **error);
gboolean store_commit(struct store *store, GError **error);
void store_rollback(struct store *store); /* fine outside a transaction, too */

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
 * first damage.
 */
gboolean store_check(struct store *store, GError **error);
