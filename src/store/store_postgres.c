/*
 * store_postgres.c: the store in a PostgreSQL database (libpq, PostgreSQL documentation chapter
 * 34). Transactions are SERIALIZABLE, so that they mean what a file's one writer at a time means;
 * what then cannot be put into an order is STORE_CONFLICT. Parameters go as text, bytes as they
 * are; results come in binary, and their column's type says how they are read.
 */
#include "base/error.h"
#include "store/postgres_connection.h"

#include <poll.h>
#include <string.h>

#define NUMBER_SIZE 24 /* the digits of a gint64 */
#define PARAMETERS_MAX 16
#define TRIES 10 /* of a single statement that conflicts with others */
#define PAUSE_US (G_USEC_PER_SEC / 20)
#define BINARY 1
#define TEXT 0

/* Types of columns (pg_type.dat). */
enum oid {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_VARCHAR = 1043,
};

struct postgres_query {
    struct query base;
    char *sql, *name;
    guint prepared; /* in the connection of this generation */
    gboolean is_select;
    PGresult *result;
    int row;
    int count; /* parameters bound */
    const char *values[PARAMETERS_MAX];
    int lengths[PARAMETERS_MAX], formats[PARAMETERS_MAX];
    char numbers[PARAMETERS_MAX][NUMBER_SIZE];
};

static struct postgres_query *query_of(struct query *query)
{
    return (struct postgres_query *)query;
}

/* ---- tables ---- */

static gboolean read_number(struct store *store, const char *sql, gint64 number, gint64 *value,
                            gboolean *there, GError **error)
{
    g_autoptr(query_t) query = store_query(store, sql, error);

    if (!query)
        return FALSE;
    if (number >= 0)
        query_bind_integer(query, 1, number);
    if (!query_step(query, there, error))
        return FALSE;
    *value = *there ? query_integer(query, 0) : 0;
    return TRUE;
}

/* The version of our tables; 0: there are none. */
static gboolean read_version(struct store *store, guint32 application, gint64 *version,
                             GError **error)
{
    gboolean there;

    return read_number(store, "SELECT (to_regclass('entente_schema') IS NOT NULL)::int", -1,
                       version, &there, error) &&
           (!*version ||
            read_number(store, "SELECT version FROM entente_schema WHERE application = $1::bigint",
                        application, version, &there, error));
}

static gboolean upgrade(struct store *base, const struct store_schema *schema, GError **error)
{
    struct postgres_store *store = postgres_of(base);
    const guint steps = g_strv_length((char **)schema->postgres_steps);
    gint64 version;
    /* Two that start at once take turns; the second finds it done. */
    g_autofree char *begin =
        g_strdup_printf("BEGIN; SELECT pg_advisory_xact_lock(%u)", schema->application);
    g_autofree char *mark = g_strdup_printf(
        "INSERT INTO entente_schema VALUES (%u, %u) ON CONFLICT (application) DO UPDATE"
        " SET version = EXCLUDED.version; COMMIT",
        schema->application, steps);

    if (!postgres_execute(store, begin, error))
        return FALSE;
    store->in_transaction = TRUE;
    if (!read_version(base, schema->application, &version, error) ||
        !postgres_execute(store,
                          "CREATE TABLE IF NOT EXISTS entente_schema"
                          " (application BIGINT PRIMARY KEY, version INTEGER NOT NULL)",
                          error))
        return FALSE;
    for (gint64 i = version; i < steps; i++)
        if (!postgres_execute(store, schema->postgres_steps[i], error))
            return FALSE;
    if (!postgres_execute(store, mark, error))
        return FALSE;
    store->in_transaction = FALSE;
    return TRUE;
}

static gboolean check_version(struct store *base, const struct store_schema *schema,
                              enum store_mode mode, gboolean *empty, GError **error)
{
    const guint steps = g_strv_length((char **)schema->postgres_steps);
    gint64 version;

    if (!read_version(base, schema->application, &version, error))
        return FALSE;
    *empty = version == 0;
    if (version > steps)
        return input_error(error,
                           "%s: written by a newer version (schema %" G_GINT64_FORMAT
                           ", this program knows %u)",
                           postgres_of(base)->name, version, steps);
    if (version == steps || (mode == STORE_READ && *empty))
        return TRUE;
    if (mode == STORE_READ)
        return input_error(error, "%s: of an older version", postgres_of(base)->name);
    if (upgrade(base, schema, error))
        return TRUE;
    store_rollback(base);
    return FALSE;
}

/* ---- open and close ---- */

static void postgres_query_free(gpointer pointer)
{
    struct postgres_query *query = pointer;

    if (query->result)
        postgres_of(query->base.store)->calls.clear(query->result);
    g_free(query->sql);
    g_free(query->name);
    g_free(query);
}

static void postgres_close(struct store *base)
{
    struct postgres_store *store = postgres_of(base);

    g_hash_table_unref(store->queries);
    postgres_disconnect(store);
    g_free(store->channel);
    g_free(store->name);
    g_free(store->url);
    g_free(store);
}

static const struct store_backend backend;

struct store *store_postgres_open(const char *url, const struct store_schema *schema,
                                  enum store_mode mode, GError **error)
{
    struct postgres_store *store = g_new0(struct postgres_store, 1);
    g_autoptr(store_t) base = &store->base;
    gboolean empty;

    store->base.backend = &backend;
    store->url = g_strdup(url);
    store->name = g_strdup("the database");
    store->patience_us = STORE_RECONNECT_MS * (gint64)1000;
    store->read_only = mode == STORE_READ;
    store->queries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, postgres_query_free);
    if (!postgres_load(store, error))
        return NULL;
    if (!schema->postgres_steps) {
        input_error(error, "this is kept in a file, not in a PostgreSQL database");
        return NULL;
    }
    if (!postgres_connect(store, error))
        return NULL;
    if (!check_version(base, schema, mode, &empty, error) || (empty && mode == STORE_READ))
        return NULL;
    return g_steal_pointer(&base);
}

/* ---- transactions ---- */

static gboolean postgres_begin(struct store *base, GError **error)
{
    struct postgres_store *store = postgres_of(base);
    const char *const begin = store->read_only ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
                                               : "BEGIN ISOLATION LEVEL SERIALIZABLE";

    /* A connection may have been lost without a word: the second try is on a new one. */
    if (!postgres_have_connection(store, error))
        return FALSE;
    if (!postgres_execute(store, begin, NULL) &&
        !(postgres_have_connection(store, error) && postgres_execute(store, begin, error)))
        return FALSE;
    store->in_transaction = TRUE;
    return TRUE;
}

static gboolean postgres_commit(struct store *base, GError **error)
{
    struct postgres_store *store = postgres_of(base);
    gboolean whole;

    if (!postgres_is_connected(store)) {
        store->base.trouble = STORE_LOST;
        return system_error(error, "%s: the connection was lost", store->name);
    }
    /* COMMIT of a failed transaction is answered well and rolls back. */
    whole = store->calls.transaction_status(store->connection) == PQTRANS_INTRANS;
    store->in_transaction = FALSE;
    if (!whole)
        return system_error(error, "%s: the transaction had failed", store->name);
    if (postgres_execute(store, "COMMIT", error))
        return TRUE;
    if (store->base.trouble == STORE_LOST)
        store->base.trouble = STORE_IN_DOUBT;
    return FALSE;
}

static void postgres_rollback(struct store *base)
{
    struct postgres_store *store = postgres_of(base);

    if (postgres_is_connected(store) &&
        store->calls.transaction_status(store->connection) != PQTRANS_IDLE)
        postgres_execute(store, "ROLLBACK", NULL);
    store->in_transaction = FALSE;
}

/* ---- queries ---- */

static struct query *postgres_query(struct store *base, const char *sql, GError **error)
{
    struct postgres_store *store = postgres_of(base);
    struct postgres_query *query = g_hash_table_lookup(store->queries, sql);

    if (query)
        return &query->base;
    query = g_new0(struct postgres_query, 1);
    query->base.store = base;
    query->sql = g_strdup(sql);
    query->name = g_strdup_printf("q%u", g_hash_table_size(store->queries));
    query->is_select = g_str_has_prefix(sql, "SELECT");
    g_hash_table_insert(store->queries, query->sql, query);
    return &query->base;
}

static void clear_result(struct postgres_query *query)
{
    if (query->result)
        postgres_of(query->base.store)->calls.clear(g_steal_pointer(&query->result));
}

static void postgres_done(struct query *base)
{
    struct postgres_query *query = query_of(base);

    clear_result(query);
    memset(query->values, 0, sizeof query->values);
    query->count = 0;
}

static void bind(struct query *base, int parameter, const char *value, gsize length, int format)
{
    struct postgres_query *query = query_of(base);

    g_return_if_fail(parameter >= 1 && parameter <= PARAMETERS_MAX && length <= G_MAXINT);
    query->values[parameter - 1] = value;
    query->lengths[parameter - 1] = (int)length;
    query->formats[parameter - 1] = format;
    query->count = MAX(query->count, parameter);
}

static void postgres_bind_integer(struct query *base, int parameter, gint64 number)
{
    char *digits = query_of(base)->numbers[CLAMP(parameter, 1, PARAMETERS_MAX) - 1];

    g_snprintf(digits, NUMBER_SIZE, "%" G_GINT64_FORMAT, number);
    bind(base, parameter, digits, 0, TEXT);
}

static void postgres_bind_text(struct query *base, int parameter, const char *text)
{
    bind(base, parameter, text, 0, TEXT);
}

static void postgres_bind_bytes(struct query *base, int parameter, const void *bytes, gsize length)
{
    bind(base, parameter, bytes, length, BINARY);
}

static gboolean prepare(struct postgres_store *store, struct postgres_query *query, GError **error)
{
    PGresult *result;
    gboolean done;

    if (query->prepared == store->generation)
        return TRUE;
    result = store->calls.prepare(store->connection, query->name, query->sql, 0, NULL);
    done = store->calls.result_status(result) == PGRES_COMMAND_OK;
    if (done)
        query->prepared = store->generation;
    else
        postgres_failed(store, result, error);
    store->calls.clear(result);
    return done;
}

/* Once. `*sent`: a failure may have come behind it. */
static gboolean try_query(struct postgres_store *store, struct postgres_query *query,
                          gboolean *sent, GError **error)
{
    ExecStatusType status;

    *sent = FALSE;
    if (!postgres_have_connection(store, error) || !prepare(store, query, error))
        return FALSE;
    *sent = TRUE;
    query->result =
        store->calls.exec_prepared(store->connection, query->name, query->count, query->values,
                                   query->lengths, query->formats, BINARY);
    status = store->calls.result_status(query->result);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return TRUE;
    postgres_failed(store, query->result, error);
    clear_result(query);
    return FALSE;
}

/*
 * Runs it, again where that is safe: what did not happen because of others, or was never sent, or
 * only reads. In a transaction nothing is run again here: what came before it is gone, too.
 */
static gboolean run_query(struct postgres_query *query, GError **error)
{
    struct postgres_store *store = postgres_of(query->base.store);
    const gint64 end = g_get_monotonic_time() + store->patience_us;

    if (store->in_transaction && !postgres_is_connected(store)) {
        store->base.trouble = STORE_LOST;
        return system_error(error, "%s: the connection was lost", store->name);
    }
    for (guint i = 1;; i++) {
        const gboolean in_transaction = store->in_transaction;
        GError *failure = NULL;
        gboolean sent, again;

        if (try_query(store, query, &sent, &failure)) {
            store->base.trouble = STORE_NO_TROUBLE;
            return TRUE;
        }
        if (store->base.trouble == STORE_LOST && sent && !in_transaction && !query->is_select)
            store->base.trouble = STORE_IN_DOUBT;
        again = !in_transaction &&
                ((store->base.trouble == STORE_CONFLICT && i < TRIES) ||
                 (store->base.trouble == STORE_LOST && g_get_monotonic_time() < end));
        if (!again) {
            g_propagate_error(error, failure);
            return FALSE;
        }
        g_error_free(failure);
        g_usleep(PAUSE_US);
    }
}

static gboolean postgres_step(struct query *base, gboolean *row, GError **error)
{
    struct postgres_query *query = query_of(base);

    *row = FALSE;
    if (!query->result) {
        if (!run_query(query, error))
            return FALSE;
        query->row = -1;
    }
    query->row++;
    *row = query->row < postgres_of(base->store)->calls.ntuples(query->result);
    return TRUE;
}

/* The bytes of a value of one of two types; NULL for SQL NULL and for others. */
static const char *value_of(struct query *base, int column, enum oid type, enum oid other)
{
    const struct postgres_query *query = query_of(base);
    const struct pq_calls *calls = &postgres_of(base->store)->calls;
    Oid found;

    if (!query->result || query->row >= calls->ntuples(query->result) ||
        column >= calls->nfields(query->result) ||
        calls->is_null(query->result, query->row, column))
        return NULL;
    found = calls->ftype(query->result, column);
    return found == (Oid)type || found == (Oid)other
               ? calls->value(query->result, query->row, column)
               : NULL;
}

static gint64 postgres_integer(struct query *base, int column)
{
    const char *value;
    guint64 eight;
    guint32 four;
    guint16 two;

    if ((value = value_of(base, column, OID_INT8, OID_INT8))) {
        memcpy(&eight, value, sizeof eight);
        return (gint64)GUINT64_FROM_BE(eight);
    }
    if ((value = value_of(base, column, OID_INT4, OID_INT4))) {
        memcpy(&four, value, sizeof four);
        return (gint32)GUINT32_FROM_BE(four);
    }
    if ((value = value_of(base, column, OID_INT2, OID_INT2))) {
        memcpy(&two, value, sizeof two);
        return (gint16)GUINT16_FROM_BE(two);
    }
    value = value_of(base, column, OID_BOOL, OID_BOOL);
    return value && *value;
}

static const char *postgres_text(struct query *base, int column)
{
    return value_of(base, column, OID_TEXT, OID_VARCHAR);
}

static const void *postgres_bytes(struct query *base, int column, gsize *length)
{
    const char *value = value_of(base, column, OID_BYTEA, OID_BYTEA);

    *length = value ? (gsize)postgres_of(base->store)
                          ->calls.length(query_of(base)->result, query_of(base)->row, column)
                    : 0;
    return value;
}

static gboolean postgres_is_null(struct query *base, int column)
{
    const struct postgres_query *query = query_of(base);
    const struct pq_calls *calls = &postgres_of(base->store)->calls;

    return !query->result || query->row >= calls->ntuples(query->result) ||
           calls->is_null(query->result, query->row, column);
}

static gboolean postgres_check(struct store *base, GError **error)
{
    return postgres_have_connection(postgres_of(base), error) &&
           postgres_execute(postgres_of(base), "SELECT 1", error);
}

static gboolean postgres_shed(struct store *base, gboolean *gone, GError **error)
{
    *gone = TRUE;
    return TRUE;
}

/* ---- hearing of changes ---- */

static gboolean postgres_listen(struct store *base, const char *channel, GError **error)
{
    struct postgres_store *store = postgres_of(base);

    g_free(store->channel);
    store->channel = g_strdup(channel);
    return postgres_is_connected(store) ? postgres_say_listen(store, error)
                                        : postgres_reconnect(store, error);
}

/* Whether something was heard; all of it is taken. */
static gboolean take_notices(struct postgres_store *store)
{
    gboolean heard = FALSE;

    for (PGnotify *notice; (notice = store->calls.notifies(store->connection)); heard = TRUE)
        store->calls.freemem(notice);
    return heard;
}

static gboolean postgres_wait(struct store *base, gint64 limit_us)
{
    struct postgres_store *store = postgres_of(base);
    struct pollfd poller = { .events = POLLIN };

    if (!postgres_is_connected(store)) {
        g_usleep((gulong)MIN(limit_us, PAUSE_US));
        return FALSE;
    }
    if (take_notices(store))
        return TRUE;
    poller.fd = store->calls.socket(store->connection);
    if (poll(&poller, 1, (int)(limit_us / 1000)) <= 0)
        return FALSE;
    return store->calls.consume_input(store->connection) && take_notices(store);
}

static void postgres_quicken(struct store *base, gint64 limit_us)
{
    postgres_of(base)->patience_us = limit_us;
}

static const struct store_backend backend = {
    .close = postgres_close,
    .begin = postgres_begin,
    .commit = postgres_commit,
    .rollback = postgres_rollback,
    .query = postgres_query,
    .done = postgres_done,
    .bind_integer = postgres_bind_integer,
    .bind_text = postgres_bind_text,
    .bind_bytes = postgres_bind_bytes,
    .step = postgres_step,
    .integer = postgres_integer,
    .text = postgres_text,
    .bytes = postgres_bytes,
    .is_null = postgres_is_null,
    .check = postgres_check,
    .shed = postgres_shed,
    .listen = postgres_listen,
    .wait = postgres_wait,
    .quicken = postgres_quicken,
};
