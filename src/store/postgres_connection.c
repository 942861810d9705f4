#include "store/postgres_connection.h"

#include "base/error.h"
#include "base/late_library.h"

#include <stddef.h>
#include <string.h>

#define SONAME "libpq.so.5"
#define PACKAGE "libpq5"
#define PAUSE_US (G_USEC_PER_SEC / 5) /* between two tries to connect */

static const struct late_symbol symbols[] = {
    { "PQconnectdbParams", offsetof(struct pq_calls, connect) },
    { "PQconninfoFree", offsetof(struct pq_calls, conninfo_free) },
    { "PQconninfoParse", offsetof(struct pq_calls, conninfo_parse) },
    { "PQfinish", offsetof(struct pq_calls, finish) },
    { "PQstatus", offsetof(struct pq_calls, status) },
    { "PQerrorMessage", offsetof(struct pq_calls, error_message) },
    { "PQtransactionStatus", offsetof(struct pq_calls, transaction_status) },
    { "PQhost", offsetof(struct pq_calls, host) },
    { "PQport", offsetof(struct pq_calls, port) },
    { "PQdb", offsetof(struct pq_calls, db) },
    { "PQexec", offsetof(struct pq_calls, exec) },
    { "PQprepare", offsetof(struct pq_calls, prepare) },
    { "PQexecPrepared", offsetof(struct pq_calls, exec_prepared) },
    { "PQresultStatus", offsetof(struct pq_calls, result_status) },
    { "PQresultErrorField", offsetof(struct pq_calls, error_field) },
    { "PQclear", offsetof(struct pq_calls, clear) },
    { "PQntuples", offsetof(struct pq_calls, ntuples) },
    { "PQnfields", offsetof(struct pq_calls, nfields) },
    { "PQftype", offsetof(struct pq_calls, ftype) },
    { "PQgetvalue", offsetof(struct pq_calls, value) },
    { "PQgetlength", offsetof(struct pq_calls, length) },
    { "PQgetisnull", offsetof(struct pq_calls, is_null) },
    { "PQsocket", offsetof(struct pq_calls, socket) },
    { "PQconsumeInput", offsetof(struct pq_calls, consume_input) },
    { "PQnotifies", offsetof(struct pq_calls, notifies) },
    { "PQfreemem", offsetof(struct pq_calls, freemem) },
    { "PQescapeIdentifier", offsetof(struct pq_calls, escape_identifier) },
    { "PQsetNoticeProcessor", offsetof(struct pq_calls, set_notice_processor) },
    { NULL, 0 },
};

struct postgres_store *postgres_of(struct store *store)
{
    return (struct postgres_store *)store;
}

/* ---- what went wrong ---- */

/* SQLSTATEs by their beginning (appendix A). The first that fits counts. */
static const struct {
    const char *state;
    enum store_trouble trouble;
    const char *hint; /* or NULL */
} failures[] = {
    { "40001", STORE_CONFLICT, NULL },
    { "40P01", STORE_CONFLICT, NULL },
    { "55P03", STORE_CONFLICT, NULL }, /* lock_timeout */
    { "08", STORE_LOST, NULL },
    { "57P", STORE_LOST, NULL },   /* shut down, starting */
    { "25P03", STORE_LOST, NULL }, /* idle_in_transaction_session_timeout */
    { "25006", STORE_NO_TROUBLE, "it is a standby or read-only: name the primary" },
    { "28", STORE_NO_TROUBLE, "passwords come from PGPASSFILE or PGSERVICEFILE" },
    { "42501", STORE_NO_TROUBLE, "the role lacks a right: see \"Several nodes\" of the handbook" },
    { "53100", STORE_NO_TROUBLE, "the server's disk is full" },
};

static char *first_line(const char *text)
{
    return g_strndup(text ? text : "", text ? strcspn(text, "\n") : 0);
}

gboolean postgres_failed(struct postgres_store *store, const PGresult *result, GError **error)
{
    const char *state = result ? store->calls.error_field(result, PG_DIAG_SQLSTATE) : NULL;
    const char *message = result ? store->calls.error_field(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    g_autofree char *line =
        first_line(message ? message : store->calls.error_message(store->connection));
    const char *hint = NULL;

    store->base.trouble = STORE_NO_TROUBLE;
    for (guint i = 0; state && i < G_N_ELEMENTS(failures); i++)
        if (g_str_has_prefix(state, failures[i].state)) {
            store->base.trouble = failures[i].trouble;
            hint = failures[i].hint;
            break;
        }
    /* What libpq says of its own has no SQLSTATE; after a failed write it may say no more. */
    if (!state || store->calls.status(store->connection) != CONNECTION_OK)
        store->base.trouble = STORE_LOST;
    store->is_lost = store->base.trouble == STORE_LOST;
    if (state && g_str_has_prefix(state, "XX00") && state[4] != '0') /* XX001, XX002: corrupted */
        return found_error(error, "%s: damaged: %s", store->name, line);
    return system_error(error, "%s: %s%s%s", store->name, *line ? line : "the connection is lost",
                        hint ? ": " : "", hint ? hint : "");
}

/* ---- the connection ---- */

/* What the URL does not say and libpq would leave to hours: a server that is gone is noticed. */
static const struct {
    const char *keyword, *value;
} own_settings[] = {
    { "connect_timeout", "5" },        { "keepalives_idle", "5" },
    { "keepalives_interval", "5" },    { "keepalives_count", "3" },
    { "tcp_user_timeout", "15000" },   { "gssencmode", "disable" },
    { "application_name", "entente" }, { "client_encoding", "UTF8" },
};

/* Said to each new session. A commit is on disk when it is answered; a client that is paused in a
 * transaction holds nobody up. */
static const char session[] =
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write');"
    "SET default_transaction_isolation = 'read committed';"
    "SET idle_in_transaction_session_timeout = '10s';"
    "SET lock_timeout = " G_STRINGIFY(STORE_BUSY_MS) ";"
                                                     "SET client_min_messages = 'warning'";

static void ignore_notice(void *data, const char *message)
{
}

gboolean postgres_execute(struct postgres_store *store, const char *sql, GError **error)
{
    PGresult *result = store->calls.exec(store->connection, sql);
    const ExecStatusType status = store->calls.result_status(result);
    gboolean done = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;

    if (!done)
        postgres_failed(store, result, error);
    store->calls.clear(result);
    return done;
}

gboolean postgres_say_listen(struct postgres_store *store, GError **error)
{
    char *name;
    g_autofree char *sql = NULL;

    if (!store->channel)
        return TRUE;
    name =
        store->calls.escape_identifier(store->connection, store->channel, strlen(store->channel));
    sql = g_strdup_printf("LISTEN %s", name ? name : "");
    store->calls.freemem(name);
    return postgres_execute(store, sql, error);
}

void postgres_disconnect(struct postgres_store *store)
{
    if (store->connection)
        store->calls.finish(g_steal_pointer(&store->connection));
    store->in_transaction = FALSE;
}

static void name_after_connection(struct postgres_store *store)
{
    const char *host = store->calls.host(store->connection);
    const char *port = store->calls.port(store->connection);
    const char *database = store->calls.db(store->connection);

    g_free(store->name);
    store->name =
        g_strdup_printf("postgresql://%s%s%s/%s", host && *host != '/' ? host : "",
                        port && *port ? ":" : "", port ? port : "", database ? database : "");
}

gboolean postgres_connect(struct postgres_store *store, GError **error)
{
    const char *keywords[G_N_ELEMENTS(own_settings) + 2], *values[G_N_ELEMENTS(own_settings) + 2];
    guint count = 0;

    for (; count < G_N_ELEMENTS(own_settings); count++) {
        keywords[count] = own_settings[count].keyword;
        values[count] = own_settings[count].value;
    }
    keywords[count] = "dbname"; /* last: what it says counts */
    values[count++] = store->url;
    keywords[count] = values[count] = NULL;
    postgres_disconnect(store);
    store->is_lost = FALSE;
    store->connection = store->calls.connect(keywords, values, TRUE);
    if (!store->connection)
        return system_error(error, "%s: out of memory", store->name);
    store->generation++;
    if (store->calls.status(store->connection) != CONNECTION_OK)
        return postgres_failed(store, NULL, error);
    name_after_connection(store);
    store->calls.set_notice_processor(store->connection, ignore_notice, NULL);
    return postgres_execute(store, session, error) &&
           (!store->read_only ||
            postgres_execute(store, "SET default_transaction_read_only = on", error)) &&
           postgres_say_listen(store, error);
}

gboolean postgres_reconnect(struct postgres_store *store, GError **error)
{
    const gint64 end = g_get_monotonic_time() + store->patience_us;

    for (;;) {
        GError *failure = NULL;

        if (postgres_connect(store, &failure))
            return TRUE;
        if (g_get_monotonic_time() >= end) {
            store->base.trouble = STORE_LOST;
            g_propagate_error(error, failure);
            return FALSE;
        }
        g_error_free(failure);
        g_usleep(PAUSE_US);
    }
}

gboolean postgres_is_connected(const struct postgres_store *store)
{
    return store->connection && !store->is_lost &&
           store->calls.status(store->connection) == CONNECTION_OK;
}

gboolean postgres_have_connection(struct postgres_store *store, GError **error)
{
    return postgres_is_connected(store) || postgres_reconnect(store, error);
}

/* libpq's own message would quote the URL, a password among it. */
static gboolean is_good_url(struct postgres_store *store, GError **error)
{
    PQconninfoOption *parsed = store->calls.conninfo_parse(store->url, NULL);

    if (!parsed)
        return input_error(error, "the database's URL is none that PostgreSQL reads; it looks like "
                                  "postgresql://USER@HOST:5432/DATABASE");
    store->calls.conninfo_free(parsed);
    return TRUE;
}

gboolean postgres_load(struct postgres_store *store, GError **error)
{
    return late_library_load(SONAME, PACKAGE, symbols, &store->calls, error) &&
           is_good_url(store, error);
}
