#include "delivery/ledger.h"

#include "base/clock.h"
#include "base/error.h"
#include "statement/base64.h"
#include "store/store.h"

#include <string.h>

#define FILE_NAME "delivery.db"
#define APPLICATION 0x454e444c /* "ENDL" */
#define REFUSALS_KEPT 10000

static const char *const steps[] = {
    "CREATE TABLE hour (hour_us INTEGER PRIMARY KEY, seed BLOB NOT NULL, leaves INTEGER NOT NULL,"
    " settled INTEGER NOT NULL, entry BLOB) STRICT;"
    "CREATE TABLE leaf (event BLOB PRIMARY KEY, hour_us INTEGER NOT NULL) STRICT;"
    "CREATE INDEX leaf_by_hour ON leaf (hour_us);"
    "CREATE TABLE witnessed (event BLOB PRIMARY KEY, time_us INTEGER NOT NULL) STRICT;"
    "CREATE TABLE sent (event BLOB NOT NULL, recipient TEXT NOT NULL, number INTEGER NOT NULL,"
    " part INTEGER NOT NULL, PRIMARY KEY (event, recipient)) STRICT;"
    "CREATE TABLE owed (event BLOB NOT NULL, recipient TEXT NOT NULL,"
    " PRIMARY KEY (event, recipient)) STRICT;"
    "CREATE TABLE due (what TEXT PRIMARY KEY) STRICT;"
    "CREATE TABLE refused (number INTEGER PRIMARY KEY, what BLOB NOT NULL, who TEXT NOT NULL,"
    " ours INTEGER NOT NULL, reason TEXT NOT NULL, time_us INTEGER NOT NULL,"
    " UNIQUE (what, who, reason)) STRICT;",
    NULL,
};
static const struct store_schema schema = { APPLICATION, steps };

struct ledger {
    struct store *store;
};

struct ledger *ledger_open(const char *data_folder, GError **error)
{
    g_autofree char *path = g_build_filename(data_folder, FILE_NAME, NULL);
    struct store *store = store_open(path, &schema, STORE_WRITE, error);
    struct ledger *ledger;

    if (!store)
        return NULL;
    ledger = g_new0(struct ledger, 1);
    ledger->store = store;
    return ledger;
}

void ledger_close(struct ledger *ledger)
{
    if (!ledger)
        return;
    store_close(ledger->store);
    g_free(ledger);
}

static void bind_hash(struct query *query, int parameter, const struct case_hash *hash)
{
    query_bind_bytes(query, parameter, hash->bytes, sizeof hash->bytes);
}

static gboolean read_hash(struct query *query, int column, struct case_hash *hash)
{
    gsize length;
    const void *bytes = query_bytes(query, column, &length);

    if (!bytes || length != sizeof hash->bytes)
        return FALSE;
    memcpy(hash->bytes, bytes, length);
    return TRUE;
}

/* --- hours --- */

void ledger_hour_clear(struct ledger_hour *hour)
{
    g_clear_pointer(&hour->entry, g_bytes_unref);
}

static gboolean read_hour(struct query *query, struct ledger_hour *hour, GError **error)
{
    gboolean row;
    gsize length;
    const void *bytes;

    *hour = (struct ledger_hour){ 0 };
    if (!query_step(query, &row, error))
        return FALSE;
    if (!row)
        return TRUE;
    bytes = query_bytes(query, 1, &length);
    if (!bytes || length != sizeof hour->seed)
        return found_error(error, FILE_NAME ": the seed of an hour is damaged");
    memcpy(hour->seed, bytes, length);
    hour->hour_us = query_integer(query, 0);
    hour->leaves = (guint64)query_integer(query, 2);
    bytes = query_bytes(query, 3, &length);
    hour->entry = bytes ? g_bytes_new(bytes, length) : NULL;
    return TRUE;
}

gboolean ledger_last_hour(struct ledger *ledger, struct ledger_hour *hour, GError **error)
{
    g_autoptr(query_t) query = store_query(
        ledger->store,
        "SELECT hour_us, seed, leaves, entry FROM hour ORDER BY hour_us DESC LIMIT 1", error);

    return query && read_hour(query, hour, error);
}

gboolean ledger_hour_of(struct ledger *ledger, const struct case_hash *event,
                        struct ledger_hour *hour, GError **error)
{
    g_autoptr(query_t) query =
        store_query(ledger->store,
                    "SELECT hour.hour_us, seed, leaves, entry FROM leaf JOIN hour ON"
                    " hour.hour_us = leaf.hour_us WHERE event = $1",
                    error);

    if (!query)
        return FALSE;
    bind_hash(query, 1, event);
    return read_hour(query, hour, error);
}

static gboolean insert_hour(struct store *store, const struct ledger_hour *hour, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store, "INSERT INTO hour VALUES ($1, $2, $3, 0, NULL)", error);

    if (!query)
        return FALSE;
    query_bind_integer(query, 1, hour->hour_us);
    query_bind_bytes(query, 2, hour->seed, sizeof hour->seed);
    query_bind_integer(query, 3, (gint64)hour->leaves);
    return query_run(query, error);
}

static gboolean insert_leaf(struct store *store, gint64 hour_us, const struct case_hash *event,
                            GError **error)
{
    g_autoptr(query_t) query = store_query(store, "INSERT INTO leaf VALUES ($1, $2)", error);

    if (!query)
        return FALSE;
    bind_hash(query, 1, event);
    query_bind_integer(query, 2, hour_us);
    return query_run(query, error);
}

gboolean ledger_add_hour(struct ledger *ledger, const struct ledger_hour *hour,
                         const GArray *events, GError **error)
{
    gboolean done = store_begin(ledger->store, error) && insert_hour(ledger->store, hour, error);

    for (guint i = 0; done && i < events->len; i++)
        done = insert_leaf(ledger->store, hour->hour_us,
                           &g_array_index(events, struct case_hash, i), error);
    done = done && store_commit(ledger->store, error);
    if (!done)
        store_rollback(ledger->store);
    return done;
}

gboolean ledger_log_hour(struct ledger *ledger, gint64 hour_us, GBytes *entry, GError **error)
{
    g_autoptr(query_t) query =
        store_query(ledger->store, "UPDATE hour SET entry = $1 WHERE hour_us = $2", error);
    gsize length;
    const void *bytes = g_bytes_get_data(entry, &length);

    if (!query)
        return FALSE;
    query_bind_bytes(query, 1, bytes, length);
    query_bind_integer(query, 2, hour_us);
    return query_run(query, error);
}

static gboolean run_for_hour(struct ledger *ledger, const char *sql, gint64 hour_us, GError **error)
{
    g_autoptr(query_t) query = store_query(ledger->store, sql, error);

    if (!query)
        return FALSE;
    query_bind_integer(query, 1, hour_us);
    return query_run(query, error);
}

gboolean ledger_drop_hour(struct ledger *ledger, gint64 hour_us, GError **error)
{
    gboolean done = store_begin(ledger->store, error) &&
                    run_for_hour(ledger, "DELETE FROM leaf WHERE hour_us = $1", hour_us, error) &&
                    run_for_hour(ledger, "DELETE FROM hour WHERE hour_us = $1", hour_us, error) &&
                    store_commit(ledger->store, error);

    if (!done)
        store_rollback(ledger->store);
    return done;
}

gboolean ledger_settle(struct ledger *ledger, gint64 hour_us, GError **error)
{
    return run_for_hour(ledger, "UPDATE hour SET settled = 1 WHERE hour_us = $1", hour_us, error);
}

static void hour_free(gpointer data)
{
    ledger_hour_clear(data);
    g_free(data);
}

GPtrArray *ledger_unsettled(struct ledger *ledger, GError **error)
{
    g_autoptr(query_t) query =
        store_query(ledger->store,
                    "SELECT hour_us, seed, leaves, entry FROM hour WHERE settled = 0 AND entry IS"
                    " NOT NULL ORDER BY hour_us",
                    error);
    g_autoptr(GPtrArray) hours = g_ptr_array_new_with_free_func(hour_free);

    while (query) {
        struct ledger_hour *hour = g_new0(struct ledger_hour, 1);

        g_ptr_array_add(hours, hour);
        if (!read_hour(query, hour, error))
            return NULL;
        if (hour->hour_us)
            continue;
        g_ptr_array_set_size(hours, (gint)hours->len - 1);
        return g_steal_pointer(&hours);
    }
    return NULL;
}

GArray *ledger_events(struct ledger *ledger, gint64 hour_us, GError **error)
{
    g_autoptr(query_t) query = store_query(
        ledger->store, "SELECT event FROM leaf WHERE hour_us = $1 ORDER BY event", error);
    g_autoptr(GArray) events = g_array_new(FALSE, FALSE, sizeof(struct case_hash));
    gboolean row;

    if (!query)
        return NULL;
    query_bind_integer(query, 1, hour_us);
    while (query_step(query, &row, error)) {
        struct case_hash event;

        if (!row)
            return g_steal_pointer(&events);
        if (!read_hash(query, 0, &event)) {
            found_error(error, FILE_NAME ": an event of an hour is damaged");
            return NULL;
        }
        g_array_append_val(events, event);
    }
    return NULL;
}

/* --- witnessed times --- */

static gboolean select_witnessed(struct store *store, const struct case_hash *event,
                                 gint64 *time_us, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store, "SELECT time_us FROM witnessed WHERE event = $1", error);
    gboolean row;

    *time_us = 0;
    if (!query)
        return FALSE;
    bind_hash(query, 1, event);
    if (!query_step(query, &row, error))
        return FALSE;
    if (row)
        *time_us = query_integer(query, 0);
    return TRUE;
}

gboolean ledger_witness(struct ledger *ledger, const struct case_hash *event, gint64 time_us,
                        gboolean *fresh, GError **error)
{
    g_autoptr(query_t) query = NULL;
    gint64 known_us;

    if (!select_witnessed(ledger->store, event, &known_us, error))
        return FALSE;
    if (fresh)
        *fresh = !known_us || time_us < known_us;
    if (known_us && time_us >= known_us)
        return TRUE;
    query = store_query(ledger->store,
                        "INSERT INTO witnessed VALUES ($1, $2) ON CONFLICT (event) DO UPDATE SET"
                        " time_us = excluded.time_us",
                        error);
    if (!query)
        return FALSE;
    bind_hash(query, 1, event);
    query_bind_integer(query, 2, time_us);
    return query_run(query, error);
}

gint64 ledger_witnessed_us(gpointer ledger, const struct case_hash *event)
{
    struct ledger *own = ledger;
    gint64 time_us = 0;

    select_witnessed(own->store, event, &time_us, NULL);
    return time_us;
}

/* --- what was sent --- */

gboolean ledger_sent(struct ledger *ledger, const struct case_hash *event, const char *recipient,
                     struct ledger_sent *sent, gboolean *there, GError **error)
{
    g_autoptr(query_t) query = store_query(
        ledger->store, "SELECT number, part FROM sent WHERE event = $1 AND recipient = $2", error);

    *sent = (struct ledger_sent){ 0 };
    if (!query)
        return FALSE;
    bind_hash(query, 1, event);
    query_bind_text(query, 2, recipient);
    if (!query_step(query, there, error))
        return FALSE;
    if (*there)
        *sent = (struct ledger_sent){ (guint64)query_integer(query, 0),
                                      (guint64)query_integer(query, 1) };
    return TRUE;
}

gboolean ledger_set_sent(struct ledger *ledger, const struct case_hash *event,
                         const char *recipient, const struct ledger_sent *sent, GError **error)
{
    g_autoptr(query_t) query =
        store_query(ledger->store,
                    "INSERT INTO sent VALUES ($1, $2, $3, $4) ON CONFLICT (event, recipient) DO"
                    " UPDATE SET number = excluded.number, part = excluded.part",
                    error);

    if (!query)
        return FALSE;
    bind_hash(query, 1, event);
    query_bind_text(query, 2, recipient);
    query_bind_integer(query, 3, (gint64)sent->row);
    query_bind_integer(query, 4, (gint64)sent->part);
    return query_run(query, error);
}

/* --- proofs that are owed --- */

void ledger_owed_free(struct ledger_owed *owed)
{
    g_free(owed->recipient);
    g_free(owed);
}

GPtrArray *ledger_owed(struct ledger *ledger, guint limit, GError **error)
{
    g_autoptr(query_t) query =
        store_query(ledger->store,
                    "SELECT owed.event, recipient FROM owed JOIN leaf ON leaf.event = owed.event"
                    " JOIN hour ON hour.hour_us = leaf.hour_us WHERE entry IS NOT NULL"
                    " ORDER BY recipient, hour.hour_us LIMIT $1",
                    error);
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)ledger_owed_free);
    gboolean row;

    if (!query)
        return NULL;
    query_bind_integer(query, 1, limit);
    while (query_step(query, &row, error)) {
        struct case_hash event;
        struct ledger_owed *owed;

        if (!row)
            return g_steal_pointer(&list);
        if (!read_hash(query, 0, &event))
            continue;
        owed = g_new0(struct ledger_owed, 1);
        owed->event = event;
        owed->recipient = g_strdup(query_text(query, 1));
        g_ptr_array_add(list, owed);
    }
    return NULL;
}

static gboolean change_owed(struct ledger *ledger, const char *sql, const struct case_hash *event,
                            const char *recipient, GError **error)
{
    g_autoptr(query_t) query = store_query(ledger->store, sql, error);

    if (!query)
        return FALSE;
    bind_hash(query, 1, event);
    query_bind_text(query, 2, recipient);
    return query_run(query, error);
}

gboolean ledger_owe(struct ledger *ledger, const struct case_hash *event, const char *recipient,
                    GError **error)
{
    return change_owed(ledger, "INSERT INTO owed VALUES ($1, $2) ON CONFLICT DO NOTHING", event,
                       recipient, error);
}

gboolean ledger_paid(struct ledger *ledger, const struct case_hash *event, const char *recipient,
                     GError **error)
{
    return change_owed(ledger, "DELETE FROM owed WHERE event = $1 AND recipient = $2", event,
                       recipient, error);
}

/* --- acknowledgements that are due --- */

static gboolean change_due(struct ledger *ledger, const char *sql, const char *what, GError **error)
{
    g_autoptr(query_t) query = store_query(ledger->store, sql, error);

    if (!query)
        return FALSE;
    query_bind_text(query, 1, what);
    return query_run(query, error);
}

gboolean ledger_due(struct ledger *ledger, const char *what, GError **error)
{
    return change_due(ledger, "INSERT INTO due VALUES ($1) ON CONFLICT DO NOTHING", what, error);
}

gboolean ledger_done(struct ledger *ledger, const char *what, GError **error)
{
    return change_due(ledger, "DELETE FROM due WHERE what = $1", what, error);
}

GPtrArray *ledger_all_due(struct ledger *ledger, guint limit, GError **error)
{
    g_autoptr(query_t) query =
        store_query(ledger->store, "SELECT what FROM due ORDER BY what LIMIT $1", error);
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    gboolean row;

    if (!query)
        return NULL;
    query_bind_integer(query, 1, limit);
    while (query_step(query, &row, error)) {
        if (!row)
            return g_steal_pointer(&list);
        g_ptr_array_add(list, g_strdup(query_text(query, 0)));
    }
    return NULL;
}

/* --- refusals --- */

/* The oldest give way: strangers can make as many as they like. */
static gboolean forget_refusals(struct store *store, GError **error)
{
    g_autoptr(query_t) query = store_query(
        store, "DELETE FROM refused WHERE number <= (SELECT max(number) FROM refused) - $1", error);

    if (!query)
        return FALSE;
    query_bind_integer(query, 1, REFUSALS_KEPT);
    return query_run(query, error);
}

gboolean ledger_refuse(struct ledger *ledger, const struct case_hash *what, const char *who,
                       gboolean ours, const char *reason, gint64 now_us, GError **error)
{
    g_autoptr(query_t) query =
        store_query(ledger->store,
                    "INSERT INTO refused (what, who, ours, reason, time_us) VALUES"
                    " ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                    error);

    if (!query)
        return FALSE;
    bind_hash(query, 1, what);
    query_bind_text(query, 2, who);
    query_bind_integer(query, 3, ours);
    query_bind_text(query, 4, reason);
    query_bind_integer(query, 5, now_us);
    return query_run(query, error) && forget_refusals(ledger->store, error);
}

json_t *ledger_refusals(struct ledger *ledger, guint limit, GError **error)
{
    g_autoptr(query_t) query =
        store_query(ledger->store,
                    "SELECT what, who, ours, reason, time_us FROM refused ORDER BY number DESC"
                    " LIMIT $1",
                    error);
    g_autoptr(json_t) list = json_array();
    gboolean row;

    if (!query)
        return NULL;
    query_bind_integer(query, 1, limit);
    while (query_step(query, &row, error)) {
        g_autofree char *time = NULL, *hex = NULL;
        struct case_hash what;

        if (!row)
            return g_steal_pointer(&list);
        if (!read_hash(query, 0, &what))
            continue;
        hex = hex_encode(what.bytes, sizeof what.bytes);
        time = clock_format(query_integer(query, 4));
        json_array_append_new(list, json_pack("{s:s, s:o, s:b, s:s, s:s}", "what", hex, "who",
                                              json_safe_string(query_text(query, 1)), "ours",
                                              (int)query_integer(query, 2), "reason",
                                              query_text(query, 3), "time", time));
    }
    return NULL;
}
