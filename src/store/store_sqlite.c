/* store_sqlite.c: the store in a file of one machine. */
#include "store/store_private.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

struct sqlite_store {
    struct store base;
    sqlite3 *database;
    char *path;
    GHashTable *queries; /* SQL -> struct sqlite_query */
};

struct sqlite_query {
    struct query base;
    sqlite3_stmt *statement;
};

static sqlite3_stmt *statement_of(struct query *query)
{
    return ((struct sqlite_query *)query)->statement;
}

static gboolean store_error(const struct sqlite_store *store, GError **error)
{
    int code = sqlite3_errcode(store->database) & 0xff;

    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        return found_error(error, "%s: damaged: %s", store->path, sqlite3_errmsg(store->database));
    return system_error(error, "%s: %s", store->path, sqlite3_errmsg(store->database));
}

static gboolean execute(struct sqlite_store *store, const char *sql, GError **error)
{
    return sqlite3_exec(store->database, sql, NULL, NULL, NULL) == SQLITE_OK ||
           store_error(store, error);
}

static gboolean read_integer(struct sqlite_store *store, const char *sql, gint64 *number,
                             GError **error)
{
    g_autoptr(query_t) query = store_query(&store->base, sql, error);
    gboolean row;

    if (!query || !query_step(query, &row, error))
        return FALSE;
    *number = row ? query_integer(query, 0) : 0;
    return TRUE;
}

/* Takes the steps the file has not seen yet, in one transaction. */
static gboolean upgrade(struct sqlite_store *store, const struct store_schema *schema,
                        gint64 version, GError **error)
{
    g_autofree char *mark = NULL;
    guint steps = g_strv_length((char **)schema->steps);

    for (gint64 i = version; i < steps; i++)
        if (!execute(store, schema->steps[i], error))
            return FALSE;
    mark = g_strdup_printf("PRAGMA application_id = %u; PRAGMA user_version = %u;",
                           schema->application, steps);
    return execute(store, mark, error);
}

/* `*empty`: nothing was ever committed to it, as when the program that made it was killed. */
static gboolean check_version(struct sqlite_store *store, const struct store_schema *schema,
                              enum store_mode mode, gboolean *empty, GError **error)
{
    guint steps = g_strv_length((char **)schema->steps);
    gint64 application, version, objects;

    if (mode == STORE_WRITE && !store_begin(&store->base, error))
        return FALSE;
    if (!read_integer(store, "PRAGMA application_id", &application, error) ||
        !read_integer(store, "PRAGMA user_version", &version, error) ||
        !read_integer(store, "SELECT count(*) FROM sqlite_schema", &objects, error))
        return FALSE;
    *empty = version == 0 && application == 0 && objects == 0;
    if ((version != 0 || application != 0) && application != schema->application)
        return input_error(error, "%s: a database of another program", store->path);
    if (version > steps)
        return input_error(error,
                           "%s: written by a newer version (schema %" G_GINT64_FORMAT
                           ", this program knows %u)",
                           store->path, version, steps);
    if (mode == STORE_READ)
        return *empty || version == steps ||
               input_error(error, "%s: not a journal yet, or of an older version", store->path);
    if (version < steps && !upgrade(store, schema, version, error))
        return FALSE;
    return store_commit(&store->base, error);
}

static void query_free(gpointer pointer)
{
    struct sqlite_query *query = pointer;

    sqlite3_finalize(query->statement);
    g_free(query);
}

/* SQLite would make the file with the umask's mode: make it private first. */
static gboolean make_private(const char *path, GError **error)
{
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (file < 0)
        return errno_error(error, errno, "%s cannot be opened", path);
    close(file);
    return TRUE;
}

static const struct store_backend backend;

struct store *store_sqlite_open(const char *path, const struct store_schema *schema,
                                enum store_mode mode, GError **error)
{
    struct sqlite_store *store = g_new0(struct sqlite_store, 1);
    g_autoptr(store_t) base = &store->base;
    /* A reader, too, takes back what a killed writer left undone; it changes nothing else. */
    const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_READWRITE;
    gboolean empty;

    store->base.backend = &backend;
    store->path = g_strdup(path);
    store->queries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, query_free);
    if (mode == STORE_WRITE && !make_private(path, error))
        return NULL;
    if (sqlite3_open_v2(path, &store->database, flags, NULL) != SQLITE_OK) {
        if (!store->database)
            system_error(error, "%s: out of memory", path);
        else
            store_error(store, error);
        return NULL;
    }
    sqlite3_busy_timeout(store->database, STORE_BUSY_MS);
    sqlite3_db_config(store->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (!execute(store,
                 "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; "
                 "PRAGMA secure_delete = ON;",
                 error) ||
        !execute(store,
                 mode == STORE_WRITE ? "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                     : "PRAGMA query_only = ON;",
                 error) ||
        !check_version(store, schema, mode, &empty, error))
        return NULL;
    if (empty && mode == STORE_READ)
        return NULL;
    return g_steal_pointer(&base);
}

static void sqlite_close(struct store *base)
{
    struct sqlite_store *store = (struct sqlite_store *)base;

    g_hash_table_unref(store->queries);
    sqlite3_close(store->database);
    g_free(store->path);
    g_free(store);
}

static gboolean sqlite_begin(struct store *store, GError **error)
{
    return execute((struct sqlite_store *)store, "BEGIN IMMEDIATE", error);
}

static gboolean sqlite_commit(struct store *store, GError **error)
{
    return execute((struct sqlite_store *)store, "COMMIT", error);
}

static void sqlite_rollback(struct store *base)
{
    struct sqlite_store *store = (struct sqlite_store *)base;

    if (!sqlite3_get_autocommit(store->database))
        sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
}

static struct query *sqlite_query(struct store *base, const char *sql, GError **error)
{
    struct sqlite_store *store = (struct sqlite_store *)base;
    struct sqlite_query *query = g_hash_table_lookup(store->queries, sql);
    sqlite3_stmt *statement;

    if (query)
        return &query->base;
    if (sqlite3_prepare_v3(store->database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
        SQLITE_OK) {
        store_error(store, error);
        return NULL;
    }
    query = g_new0(struct sqlite_query, 1);
    query->base.store = base;
    query->statement = statement;
    g_hash_table_insert(store->queries, g_strdup(sql), query);
    return &query->base;
}

static void sqlite_done(struct query *query)
{
    sqlite3_reset(statement_of(query));
    sqlite3_clear_bindings(statement_of(query));
}

static void sqlite_bind_integer(struct query *query, int parameter, gint64 number)
{
    sqlite3_bind_int64(statement_of(query), parameter, number);
}

static void sqlite_bind_text(struct query *query, int parameter, const char *text)
{
    sqlite3_bind_text(statement_of(query), parameter, text, -1, SQLITE_STATIC);
}

static void sqlite_bind_bytes(struct query *query, int parameter, const void *bytes, gsize length)
{
    if (bytes)
        sqlite3_bind_blob64(statement_of(query), parameter, bytes, length, SQLITE_STATIC);
    else
        sqlite3_bind_null(statement_of(query), parameter);
}

static gboolean sqlite_step(struct query *query, gboolean *row, GError **error)
{
    int code = sqlite3_step(statement_of(query));

    *row = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE ||
           store_error((struct sqlite_store *)query->store, error);
}

static gint64 sqlite_integer(struct query *query, int column)
{
    return sqlite3_column_int64(statement_of(query), column);
}

static const char *sqlite_text(struct query *query, int column)
{
    if (sqlite3_column_type(statement_of(query), column) != SQLITE_TEXT)
        return NULL;
    return (const char *)sqlite3_column_text(statement_of(query), column);
}

static const void *sqlite_bytes(struct query *query, int column, gsize *length)
{
    const void *bytes;

    *length = 0;
    if (sqlite3_column_type(statement_of(query), column) != SQLITE_BLOB)
        return NULL;
    bytes = sqlite3_column_blob(statement_of(query), column);
    *length = (gsize)sqlite3_column_bytes(statement_of(query), column);
    return bytes ? bytes : ""; /* an empty blob is no NULL */
}

static gboolean sqlite_is_null(struct query *query, int column)
{
    return sqlite3_column_type(statement_of(query), column) == SQLITE_NULL;
}

static gboolean sqlite_check(struct store *store, GError **error)
{
    g_autoptr(query_t) query = store_query(store, "PRAGMA integrity_check(1)", error);
    const char *verdict;
    gboolean row;

    if (!query || !query_step(query, &row, error))
        return FALSE;
    verdict = row ? query_text(query, 0) : NULL;
    if (g_strcmp0(verdict, "ok") == 0)
        return TRUE;
    return found_error(error, "%s: damaged: %s", ((struct sqlite_store *)store)->path,
                       verdict ? verdict : "no verdict");
}

/* Its row is: whether a reader or writer was in the way, pages in the log, pages carried over. */
static gboolean sqlite_shed(struct store *store, gboolean *gone, GError **error)
{
    g_autoptr(query_t) query = store_query(store, "PRAGMA wal_checkpoint(TRUNCATE)", error);
    gboolean row;

    if (!query || !query_step(query, &row, error))
        return FALSE;
    *gone = row && query_integer(query, 0) == 0;
    return TRUE;
}

/* Nobody tells of changes to a file. */
static gboolean sqlite_listen(struct store *store, const char *channel, GError **error)
{
    return TRUE;
}

static gboolean sqlite_wait(struct store *store, gint64 limit_us)
{
    g_usleep((gulong)limit_us);
    return FALSE;
}

static void sqlite_quicken(struct store *store, gint64 limit_us)
{
}

static const struct store_backend backend = {
    .close = sqlite_close,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .query = sqlite_query,
    .done = sqlite_done,
    .bind_integer = sqlite_bind_integer,
    .bind_text = sqlite_bind_text,
    .bind_bytes = sqlite_bind_bytes,
    .step = sqlite_step,
    .integer = sqlite_integer,
    .text = sqlite_text,
    .bytes = sqlite_bytes,
    .is_null = sqlite_is_null,
    .check = sqlite_check,
    .shed = sqlite_shed,
    .listen = sqlite_listen,
    .wait = sqlite_wait,
    .quicken = sqlite_quicken,
};
