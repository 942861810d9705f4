/*
 * One face, two back ends: each test runs on a file (store_sqlite) and on a real PostgreSQL server
 * (store_postgres, postgres_connection).
 */
#include "base/error.h"
#include "config.h"
#include "postgres.h"
#include "store/store.h"

#include <string.h>

#define APPLICATION 0x454e5453 /* "ENTS" */

static const char *const steps[] = {
    "CREATE TABLE thing (name TEXT PRIMARY KEY, number INTEGER, bytes BLOB) STRICT;",
    NULL,
};
static const char *const postgres_steps[] = {
    "CREATE TABLE thing (name TEXT PRIMARY KEY, number BIGINT, bytes BYTEA)",
    NULL,
};
static const char *const more_steps[] = {
    "CREATE TABLE thing (name TEXT PRIMARY KEY, number INTEGER, bytes BLOB) STRICT;",
    "ALTER TABLE thing ADD COLUMN more TEXT;",
    NULL,
};
static const char *const more_postgres_steps[] = {
    "CREATE TABLE thing (name TEXT PRIMARY KEY, number BIGINT, bytes BYTEA)",
    "ALTER TABLE thing ADD COLUMN more TEXT",
    NULL,
};
static const struct store_schema schema = { APPLICATION, steps, postgres_steps };
static const struct store_schema newer = { APPLICATION, more_steps, more_postgres_steps };

/* One server for all tests; a schema of its own for each. */
struct fixture {
    char *place, *folder;
    gboolean is_server;
};
static struct postgres server;

static struct store *open_store(const struct fixture *fixture, enum store_mode mode)
{
    g_autoptr(GError) error = NULL;
    struct store *store = store_open(fixture->place, &schema, mode, &error);

    g_assert_no_error(error);
    return store;
}

static gboolean run(struct store *store, const char *sql)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(query_t) query = store_query(store, sql, &error);

    return query && query_run(query, &error);
}

static gint64 count(struct store *store)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(query_t) query = store_query(store, "SELECT count(*) FROM thing", &error);
    gboolean row;

    g_assert_no_error(error);
    query_step(query, &row, &error);
    g_assert_no_error(error);
    g_assert_true(row);
    return query_integer(query, 0);
}

static void make_schema(const char *name)
{
    g_autofree char *sql = g_strdup_printf("CREATE SCHEMA %s", name);
    g_autoptr(GError) error = NULL;
    g_autoptr(store_t) store = store_open(server.url, &schema, STORE_WRITE, &error);

    g_assert_no_error(error);
    g_assert_true(run(store, sql));
}

static void set_up(struct fixture *fixture, gconstpointer data)
{
    static guint number;

    fixture->is_server = data != NULL;
    if (fixture->is_server) {
        g_autofree char *name = g_strdup_printf("t%u", number++);

        make_schema(name);
        fixture->place = g_strdup_printf("%s&options=-csearch_path%%3D%s", server.url, name);
    } else {
        fixture->folder = g_dir_make_tmp("entente-store-XXXXXX", NULL);
        fixture->place = g_build_filename(fixture->folder, "things.db", NULL);
    }
}

static void tear_down(struct fixture *fixture, gconstpointer data)
{
    if (fixture->folder) {
        static const char *const tails[] = { "", "-wal", "-shm" };

        for (guint i = 0; i < G_N_ELEMENTS(tails); i++) {
            g_autofree char *path = g_strconcat(fixture->place, tails[i], NULL);

            g_unlink(path);
        }
        g_rmdir(fixture->folder);
    }
    g_free(fixture->folder);
    g_free(fixture->place);
}

static void put(struct store *store, const char *name, gint64 number, const void *bytes,
                gsize length)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(query_t) query =
        store_query(store, "INSERT INTO thing (name, number, bytes) VALUES ($1, $2, $3)", &error);

    g_assert_no_error(error);
    query_bind_text(query, 1, name);
    query_bind_integer(query, 2, number);
    query_bind_bytes(query, 3, bytes, length);
    query_run(query, &error);
    g_assert_no_error(error);
}

static void test_values_come_back(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(store_t) store = open_store(fixture, STORE_WRITE);
    static const guint8 bytes[] = { 0, 255, '\\', 'x', 0, '\'' };
    g_autoptr(GError) error = NULL;
    g_autoptr(query_t) query = NULL;
    const void *back;
    gboolean row;
    gsize length;

    put(store, "one", G_MAXINT64, bytes, sizeof bytes);
    put(store, "three", G_MININT64, NULL, 0);
    put(store, "two’s \"quote\" '; DROP", -1, "", 0);
    query = store_query(store, "SELECT name, number, bytes FROM thing ORDER BY name", &error);
    g_assert_true(query_step(query, &row, &error) && row);
    g_assert_cmpstr(query_text(query, 0), ==, "one");
    g_assert_cmpint(query_integer(query, 1), ==, G_MAXINT64);
    back = query_bytes(query, 2, &length);
    g_assert_cmpmem(back, length, bytes, sizeof bytes);
    g_assert_null(query_text(query, 2)); /* another type */
    g_assert_null(query_bytes(query, 0, &length));
    g_assert_true(query_step(query, &row, &error) && row);
    g_assert_cmpint(query_integer(query, 1), ==, G_MININT64);
    g_assert_true(query_is_null(query, 2));
    g_assert_null(query_bytes(query, 2, &length));
    g_assert_true(query_step(query, &row, &error) && row);
    g_assert_cmpstr(query_text(query, 0), ==, "two’s \"quote\" '; DROP");
    g_assert_false(query_is_null(query, 2));
    g_assert_nonnull(query_bytes(query, 2, &length)); /* an empty blob is no NULL */
    g_assert_cmpuint(length, ==, 0);
    g_assert_true(query_step(query, &row, &error));
    g_assert_false(row);
    g_assert_true(store_check(store, &error));
}

static void test_returning(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(store_t) store = open_store(fixture, STORE_WRITE);
    g_autoptr(GError) error = NULL;
    g_autoptr(query_t) query = NULL;
    gboolean row;

    put(store, "a", 1, NULL, 0);
    query = store_query(
        store, "UPDATE thing SET number = $1 WHERE name = $2 AND number = $3 RETURNING number",
        &error);
    for (guint i = 0; i < 2; i++) { /* the second finds another number: nothing is changed */
        query_bind_integer(query, 1, 7);
        query_bind_text(query, 2, "a");
        query_bind_integer(query, 3, 1);
        g_assert_true(query_step(query, &row, &error));
        g_assert_cmpint(row, ==, i == 0);
        g_assert_cmpint(row ? query_integer(query, 0) : 7, ==, 7);
        query_done(query);
    }
}

static void test_without_commit_nothing_happened(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    {
        g_autoptr(store_t) store = open_store(fixture, STORE_WRITE);

        g_assert_true(store_begin(store, &error));
        put(store, "a", 1, NULL, 0);
        store_rollback(store);
        store_rollback(store); /* outside one it does nothing */
        g_assert_cmpint(count(store), ==, 0);
        g_assert_true(store_begin(store, &error));
        put(store, "b", 1, NULL, 0);
        g_assert_true(store_commit(store, &error));
        g_assert_true(store_begin(store, &error));
        put(store, "c", 1, NULL, 0);
    }
    {
        g_autoptr(store_t) store = open_store(fixture, STORE_READ);

        g_assert_cmpint(count(store), ==, 1);
        g_assert_false(run(store, "INSERT INTO thing (name) VALUES ('d')")); /* it only reads */
    }
}

static void test_a_failed_statement_says_so(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(store_t) store = open_store(fixture, STORE_WRITE);
    g_autoptr(GError) error = NULL;

    put(store, "a", 1, NULL, 0);
    g_assert_true(store_begin(store, &error));
    g_assert_false(run(store, "INSERT INTO thing (name) VALUES ('a')"));
    g_assert_cmpint(store_trouble(store), ==, STORE_NO_TROUBLE);
    store_rollback(store);
    put(store, "b", 1, NULL, 0);
    g_assert_cmpint(count(store), ==, 2);
}

static void test_versions(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    store_close(open_store(fixture, STORE_WRITE));
    store_close(open_store(fixture, STORE_WRITE)); /* once is enough */
    {
        g_autoptr(store_t) store = store_open(fixture->place, &newer, STORE_WRITE, &error);

        g_assert_no_error(error);
        g_assert_true(run(store, "INSERT INTO thing (name, more) VALUES ('x', 'y')"));
    }
    g_assert_null(store_open(fixture->place, &schema, STORE_WRITE, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, "newer"));
}

static void test_nothing_to_read_yet(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    if (!fixture->is_server)
        g_file_set_contents(fixture->place, "", 0, NULL);
    g_assert_null(store_open(fixture->place, &schema, STORE_READ, &error));
    g_assert_no_error(error);
}

#define ADDS 50
#define THREADS 4

static gboolean add_one(struct store *store, gpointer data, GError **error)
{
    g_autoptr(query_t) read =
        store_query(store, "SELECT number FROM thing WHERE name = 'n'", error);
    g_autoptr(query_t) write =
        store_query(store, "UPDATE thing SET number = $1 WHERE name = 'n'", error);
    gboolean row;

    if (!read || !write || !query_step(read, &row, error))
        return FALSE;
    query_bind_integer(write, 1, query_integer(read, 0) + 1);
    query_done(read);
    return query_run(write, error);
}

static gpointer add_many(gpointer data)
{
    g_autoptr(store_t) store = open_store(data, STORE_WRITE);

    for (guint i = 0; i < ADDS; i++) {
        g_autoptr(GError) error = NULL;

        /* Its own tries may be used up by three others: then the caller's turn. */
        while (!store_transaction(store, add_one, NULL, &error)) {
            g_assert_cmpint(store_trouble(store), ==, STORE_CONFLICT);
            g_clear_error(&error);
        }
    }
    return NULL;
}

/* Reading, then writing what was read: nothing is lost between four that do it at once. */
static void test_transactions_are_serial(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(store_t) store = open_store(fixture, STORE_WRITE);
    g_autoptr(GError) error = NULL;
    g_autoptr(query_t) query = NULL;
    GThread *threads[THREADS];
    gboolean row;

    put(store, "n", 0, NULL, 0);
    for (guint i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("add", add_many, fixture);
    for (guint i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
    query = store_query(store, "SELECT number FROM thing WHERE name = 'n'", &error);
    g_assert_true(query_step(query, &row, &error) && row);
    g_assert_cmpint(query_integer(query, 0), ==, ADDS * THREADS);
}

/* ---- of a server alone ---- */

static void test_a_lost_connection(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(store_t) store = open_store(fixture, STORE_WRITE);
    g_autoptr(GError) error = NULL;

    put(store, "a", 1, NULL, 0);
    postgres_do(&server, "kill", NULL);
    g_assert_true(postgres_do(&server, "up", NULL));
    /* What only reads is simply read again; the statements prepared are prepared anew. */
    g_assert_cmpint(count(store), ==, 1);
    put(store, "b", 1, NULL, 0);

    g_assert_true(store_begin(store, &error));
    put(store, "c", 1, NULL, 0);
    postgres_do(&server, "kill", NULL);
    g_assert_true(postgres_do(&server, "up", NULL));
    g_assert_false(run(store, "INSERT INTO thing (name) VALUES ('d')"));
    g_assert_cmpint(store_trouble(store), ==, STORE_LOST);
    g_assert_false(run(store, "INSERT INTO thing (name) VALUES ('e')")); /* nor outside of it */
    store_rollback(store);
    g_assert_cmpint(count(store), ==, 2);

    /* The answer to a COMMIT that never came: nobody can say. */
    g_assert_true(store_begin(store, &error));
    put(store, "f", 1, NULL, 0);
    postgres_do(&server, "kill", NULL);
    g_assert_true(postgres_do(&server, "up", NULL));
    g_assert_false(store_commit(store, &error));
    g_assert_cmpint(store_trouble(store), ==, STORE_IN_DOUBT);
    store_rollback(store);
    g_assert_cmpint(count(store), ==, 2);
    /* The same of a single statement that writes, once it is sent. */
    g_assert_true(run(store, "UPDATE thing SET number = 2"));
    postgres_do(&server, "kill", NULL);
    g_assert_true(postgres_do(&server, "up", NULL));
    g_assert_false(run(store, "UPDATE thing SET number = 2"));
    g_assert_cmpint(store_trouble(store), ==, STORE_IN_DOUBT);
}

static gboolean fail_once(struct store *store, gpointer data, GError **error)
{
    g_autoptr(query_t) query = store_query(store, "INSERT INTO thing (name) VALUES ('t')", error);
    guint *runs = data;

    if (!query || !query_run(query, error))
        return FALSE;
    if (++*runs == 1) {
        postgres_do(&server, "kill", NULL);
        g_assert_true(postgres_do(&server, "up", NULL));
        query_done(query);
        return query_run(query, error); /* here the loss is noticed */
    }
    return TRUE;
}

static void test_a_transaction_is_run_again(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(store_t) store = open_store(fixture, STORE_WRITE);
    g_autoptr(GError) error = NULL;
    guint runs = 0;

    g_assert_true(store_transaction(store, fail_once, &runs, &error));
    g_assert_cmpuint(runs, ==, 2);
    g_assert_cmpint(count(store), ==, 1);
}

static void test_a_server_that_stays_away(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(store_t) store = open_store(fixture, STORE_WRITE);
    g_autoptr(GError) error = NULL;
    g_autoptr(query_t) query = store_query(store, "SELECT count(*) FROM thing", &error);
    gboolean row;

    store_quicken(store, G_USEC_PER_SEC / 10);
    postgres_do(&server, "stop", NULL);
    g_assert_false(query_step(query, &row, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM);
    g_assert_cmpint(store_trouble(store), ==, STORE_LOST);
    g_assert_true(postgres_do(&server, "up", NULL));
    g_assert_cmpint(count(store), ==, 0);
}

static void test_notices(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(store_t) listener = open_store(fixture, STORE_WRITE);
    g_autoptr(store_t) speaker = open_store(fixture, STORE_WRITE);
    g_autoptr(GError) error = NULL;

    g_assert_true(store_listen(listener, "a \"channel\"", &error));
    g_assert_false(store_wait(listener, 1000));
    g_assert_true(run(speaker, "SELECT pg_notify('a \"channel\"', '')"));
    g_assert_true(store_wait(listener, 10 * G_USEC_PER_SEC));
    g_assert_false(store_wait(listener, 1000));
}

static void test_passwords_are_seen(void)
{
    g_assert_true(store_is_url("postgresql://h/d"));
    g_assert_true(store_is_url("postgres://h/d"));
    g_assert_false(store_is_url("/var/lib/log/lock.db"));
    g_assert_true(store_url_has_password("postgresql://me:secret@h/d"));
    g_assert_true(store_url_has_password("postgresql://h/d?user=me&password=secret"));
    g_assert_true(store_url_has_password("postgresql:///d?password=secret"));
    g_assert_false(store_url_has_password("postgresql://me@h:5432/d?sslmode=verify-full"));
    g_assert_false(store_url_has_password("postgresql://h:5432/a:b@c"));
}

/* An unreadable URL, which may have a password in it, is not quoted. */
static void test_urls_are_not_shown(struct fixture *fixture, gconstpointer data)
{
    static const char *const urls[] = {
        "postgresql://me:sec%ZZret@h/d",
        "postgresql://me:secret@127.0.0.1:1/d",
        "postgresql://me:secret@h/d?nonsense=1",
    };

    for (guint i = 0; i < G_N_ELEMENTS(urls); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(store_open(urls[i], &schema, STORE_WRITE, &error));
        g_assert_nonnull(error);
        g_assert_null(strstr(error->message, "ret@"));
        g_assert_null(strstr(error->message, "secret"));
    }
}

typedef void (*test_fn)(struct fixture *fixture, gconstpointer data);

static void add(const char *name, const char *where, test_fn test)
{
    g_autofree char *path = g_strdup_printf("/store/%s/%s", where, name);

    g_test_add(path, struct fixture, g_str_equal(where, "server") ? "" : NULL, set_up, test,
               tear_down);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        test_fn test;
        gboolean server_only;
    } tests[] = {
        { "values", test_values_come_back, FALSE },
        { "returning", test_returning, FALSE },
        { "without-commit", test_without_commit_nothing_happened, FALSE },
        { "failed-statement", test_a_failed_statement_says_so, FALSE },
        { "versions", test_versions, FALSE },
        { "nothing-yet", test_nothing_to_read_yet, FALSE },
        { "serial", test_transactions_are_serial, FALSE },
        { "lost-connection", test_a_lost_connection, TRUE },
        { "transaction-again", test_a_transaction_is_run_again, TRUE },
        { "server-away", test_a_server_that_stays_away, TRUE },
        { "notices", test_notices, TRUE },
        { "urls", test_urls_are_not_shown, TRUE },
    };
    gboolean has_server = FALSE;
    int status;

    g_test_init(&argc, &argv, NULL);
#ifdef HAVE_POSTGRESQL
    has_server = postgres_start(&server);
#endif
    g_test_add_func("/store/passwords", test_passwords_are_seen);
    for (guint i = 0; i < G_N_ELEMENTS(tests); i++) {
        if (!tests[i].server_only)
            add(tests[i].name, "file", tests[i].test);
        if (has_server)
            add(tests[i].name, "server", tests[i].test);
    }
    status = g_test_run();
    if (has_server)
        postgres_end(&server);
    return status;
}
