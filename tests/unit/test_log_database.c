/* A log in a real PostgreSQL database: several nodes' folders, one that sequences, takeovers. */
#include "base/error.h"
#include "config.h"
#include "log/commit_database.h"
#include "log/history.h"
#include "log/reader.h"
#include "log/replica.h"
#include "log/writer.h"
#include "postgres.h"

#include <string.h>

#define ORIGIN "database.example/log"
#define LEASE_US (G_USEC_PER_SEC * 60)
#define SHORT_LEASE_US 1

static struct postgres server;

/* A log of its own for each test, in the one server. */
struct fixture {
    char *folder, *origin;
    struct signing_key *key;
    GPtrArray *keys;
    struct store *store;
};

static void set_up(struct fixture *fixture, gconstpointer data)
{
    static guint number;
    const guint8 seed[KEY_SEED_SIZE] = { 7 };
    g_autoptr(GError) error = NULL;

    fixture->origin = g_strdup_printf(ORIGIN "%u", number++);
    fixture->folder = g_dir_make_tmp("entente-database-XXXXXX", NULL);
    fixture->key = signing_key_from_seed(fixture->origin, seed, &error);
    g_assert_no_error(error);
    fixture->keys = g_ptr_array_new_with_free_func((GDestroyNotify)note_key_free);
    g_ptr_array_add(fixture->keys, note_key_new(NOTE_KEY_ED25519, fixture->key->public));
    fixture->store = log_database_open(server.url, &error);
    g_assert_no_error(error);
    g_assert_true(log_database_create(fixture->store, fixture->origin, &error));
}

static void tear_down(struct fixture *fixture, gconstpointer data)
{
    const char *const arguments[] = { "rm", "-rf", fixture->folder, NULL };

    g_spawn_sync(NULL, (char **)arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                 NULL);
    store_close(fixture->store);
    g_ptr_array_unref(fixture->keys);
    signing_key_free(fixture->key);
    g_free(fixture->folder);
    g_free(fixture->origin);
}

static char *folder_of(const struct fixture *fixture, const char *node)
{
    return g_build_filename(fixture->folder, node, NULL);
}

static guint64 take_lease(const struct fixture *fixture, const char *node, gint64 lease_us)
{
    g_autoptr(GError) error = NULL;
    guint64 epoch;

    log_lease_take(fixture->store, fixture->origin, node, lease_us, &epoch, &error);
    g_assert_no_error(error);
    return epoch;
}

static struct log_writer *open_writer(const struct fixture *fixture, const char *node,
                                      guint64 epoch, GError **error)
{
    g_autofree char *folder = folder_of(fixture, node);
    const struct commit_database_options database = {
        .url = server.url, .folder = folder, .origin = fixture->origin, .epoch = epoch
    };
    const struct log_writer_options options = { .folder = folder,
                                                .commits = commit_database_open(&database, error),
                                                .key = fixture->key,
                                                .threads = 1,
                                                .batch = 8 };

    return options.commits ? log_writer_open(&options, error) : NULL;
}

static struct replica *open_replica(const struct fixture *fixture, const char *node, GError **error)
{
    g_autofree char *folder = folder_of(fixture, node);
    const struct replica_options options = { server.url, folder, fixture->origin, fixture->keys };

    return replica_open(&options, error);
}

static guint64 add(struct log_writer *writer, guint number)
{
    g_autofree char *text = g_strdup_printf("entry %u", number);
    g_autoptr(GBytes) entry = g_bytes_new(text, strlen(text));
    g_autoptr(GError) error = NULL;
    guint64 index;

    log_writer_add(writer, entry, &index, &error);
    g_assert_no_error(error);
    return index;
}

static void publish(struct log_writer *writer, gboolean trusted)
{
    g_autoptr(GBytes) note = log_writer_checkpoint(writer);
    g_autoptr(GError) error = NULL;

    g_assert_nonnull(note);
    log_writer_publish(writer, note, trusted, &error);
    g_assert_no_error(error);
}

static char *read_text(const struct fixture *fixture, const char *node, const char *name,
                       gsize *length)
{
    g_autofree char *path = g_build_filename(fixture->folder, node, name, NULL);
    char *text;

    g_assert_true(g_file_get_contents(path, &text, length, NULL));
    return text;
}

static void assert_same_file(const struct fixture *fixture, const char *one, const char *other,
                             const char *name)
{
    gsize length, other_length;
    g_autofree char *text = read_text(fixture, one, name, &length);
    g_autofree char *other_text = read_text(fixture, other, name, &other_length);

    g_assert_cmpmem(text, length, other_text, other_length);
}

static void run_sql(const struct fixture *fixture, const char *sql)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(query_t) query = store_query(fixture->store, sql, &error);

    query_bind_text(query, 1, fixture->origin);
    query_run(query, &error);
    g_assert_no_error(error);
}

static gboolean keep(guint64 index, GBytes *entry, gpointer data, GError **error)
{
    g_ptr_array_add(data, g_strndup(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry)));
    return TRUE;
}

/* The entries of a folder under its checkpoint, each verified. */
static GPtrArray *entries_of(const struct fixture *fixture, const char *node)
{
    g_autofree char *folder = folder_of(fixture, node);
    g_autoptr(log_reader_t) reader = log_reader_new(log_source_folder(folder));
    GPtrArray *entries = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    g_autoptr(note_t) note = log_reader_checkpoint(reader, &error);
    g_autoptr(checkpoint_t) checkpoint = NULL;

    g_assert_no_error(error);
    checkpoint =
        checkpoint_parse(g_bytes_get_data(note->text, NULL), g_bytes_get_size(note->text), &error);
    g_assert_no_error(error);
    log_reader_trust(reader, checkpoint->size, &checkpoint->root, &error);
    g_assert_no_error(error);
    log_reader_each(reader, 0, checkpoint->size, keep, entries, &error);
    g_assert_no_error(error);
    return entries;
}

static void test_a_follower_has_the_same_files(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(replica_t) replica = open_replica(fixture, "b", &error);
    struct log_writer *writer;
    g_autoptr(GPtrArray) entries = NULL;
    struct log_head head;

    g_assert_no_error(error);
    writer = open_writer(fixture, "a", take_lease(fixture, "a", LEASE_US), &error);
    g_assert_no_error(error);
    for (guint i = 0; i < 300; i++)
        g_assert_cmpuint(add(writer, i), ==, i);
    g_assert_cmpuint(add(writer, 7), ==, 7); /* it is there already */
    publish(writer, TRUE);
    g_assert_true(replica_take(replica, &head, &error));
    g_assert_cmpuint(replica_size(replica), ==, 300);
    g_assert_cmpuint(replica_published(replica), ==, 300);
    for (guint i = 300; i < 310; i++)
        add(writer, i);
    publish(writer, TRUE);
    g_assert_true(replica_take(replica, &head, &error));
    assert_same_file(fixture, "a", "b", "checkpoint");
    assert_same_file(fixture, "a", "b", "history");
    assert_same_file(fixture, "a", "b", "tile/0/000");
    assert_same_file(fixture, "a", "b", "tile/entries/001.p/54");
    entries = entries_of(fixture, "b");
    g_assert_cmpuint(entries->len, ==, 310);
    g_assert_cmpstr(entries->pdata[309], ==, "entry 309");
    log_writer_close(writer);
    /* Who comes later has the same, too. */
    replica_close(g_steal_pointer(&replica));
    replica = open_replica(fixture, "c", &error);
    g_assert_no_error(error);
    g_assert_true(replica_take(replica, &head, &error));
    assert_same_file(fixture, "a", "c", "checkpoint");
    assert_same_file(fixture, "a", "c", "history");
    assert_same_file(fixture, "a", "c", "tile/1/000.p/1");
}

static void test_who_was_taken_over_can_do_nothing(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(log_writer_t) first = NULL, second = NULL;
    g_autoptr(GBytes) entry = g_bytes_new_static("late", 4);
    g_autoptr(GBytes) note = NULL;
    guint64 epoch = take_lease(fixture, "a", SHORT_LEASE_US), index;
    gboolean held;

    g_assert_cmpuint(epoch, ==, 1);
    first = open_writer(fixture, "a", epoch, &error);
    g_assert_no_error(error);
    add(first, 0);
    publish(first, TRUE);
    add(first, 1); /* committed, and never signed */

    g_assert_cmpuint(take_lease(fixture, "b", LEASE_US), ==, 2);
    g_assert_cmpuint(take_lease(fixture, "c", LEASE_US), ==, 0);
    g_assert_true(log_lease_renew(fixture->store, fixture->origin, 1, LEASE_US, &held, &error));
    g_assert_false(held);
    g_assert_true(log_lease_renew(fixture->store, fixture->origin, 2, LEASE_US, &held, &error));
    g_assert_true(held);
    second = open_writer(fixture, "b", 2, &error);
    g_assert_no_error(error);

    note = log_writer_checkpoint(first); /* of what it committed, and did not sign before */
    g_assert_null(note);
    g_assert_false(log_writer_add(first, entry, &index, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM);
    g_assert_nonnull(strstr(error->message, "another node"));
    g_clear_error(&error);
    g_assert_cmpuint(add(second, 2), ==, 2);
    publish(second, TRUE);

    g_assert_null(open_writer(fixture, "c", 1, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
}

/* The commit itself, by one who believes nothing happened. */
static void test_a_late_commit_is_refused(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(log_writer_t) first = NULL, second = NULL;
    g_autoptr(GBytes) entry = g_bytes_new_static("late", 4);
    guint64 index;

    first = open_writer(fixture, "a", take_lease(fixture, "a", SHORT_LEASE_US), &error);
    add(first, 0);
    second = open_writer(fixture, "b", take_lease(fixture, "b", LEASE_US), &error);
    g_assert_no_error(error);
    g_assert_false(log_writer_add(first, entry, &index, &error));
    g_assert_nonnull(strstr(error->message, "another node"));
    g_assert_false(log_writer_works(first, NULL));
    g_assert_cmpuint(add(second, 1), ==, 1);
}

/* Its process is paused between the two halves of a commit, and the row is locked. */
static void test_a_stuck_session_holds_nobody_up(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(store_t) stuck = log_database_open(server.url, &error);
    g_autoptr(query_t) query = NULL;

    g_assert_no_error(error);
    g_assert_cmpuint(take_lease(fixture, "a", SHORT_LEASE_US), ==, 1);
    g_assert_true(store_begin(stuck, &error));
    query = store_query(stuck, "UPDATE entente_log SET version = 7 WHERE origin = $1", &error);
    query_bind_text(query, 1, fixture->origin);
    g_assert_true(query_run(query, &error));
    g_assert_cmpuint(take_lease(fixture, "b", SHORT_LEASE_US), ==, 2);
    g_assert_false(store_commit(stuck, &error));
}

struct work {
    struct log_writer *writer;
    guint8 seen[1000];
};

static gpointer add_many(gpointer data)
{
    struct work *work = data;

    for (guint i = 0; i < G_N_ELEMENTS(work->seen); i++)
        g_assert_cmpuint(add(work->writer, i), ==, i);
    return NULL;
}

/* The server crashes while entries are added: each is there once, in order, and none twice. */
static void test_lost_answers(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    struct work work = { open_writer(fixture, "a", take_lease(fixture, "a", LEASE_US), &error) };
    g_autoptr(GPtrArray) entries = NULL;
    GThread *thread;

    g_assert_no_error(error);
    thread = g_thread_new("add", add_many, &work);
    for (guint i = 0; i < 4; i++) {
        g_usleep(G_USEC_PER_SEC / 4);
        postgres_do(&server, "kill", NULL);
        g_assert_true(postgres_do(&server, "up", NULL));
    }
    g_thread_join(thread);
    publish(work.writer, FALSE);
    entries = entries_of(fixture, "a");
    g_assert_cmpuint(entries->len, ==, G_N_ELEMENTS(work.seen));
    log_writer_close(work.writer);
}

static void make_some(struct fixture *fixture, const char *node)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(log_writer_t) writer =
        open_writer(fixture, node, take_lease(fixture, node, SHORT_LEASE_US), &error);

    g_assert_no_error(error);
    for (guint i = 0; i < 5; i++)
        add(writer, i);
    publish(writer, TRUE);
}

static void assert_refused(struct fixture *fixture, const char *node, int code)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(open_replica(fixture, node, &error));
    g_assert_error(error, ENTENTE_ERROR, code);
}

static void test_a_restored_database_is_refused(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(replica_t) replica = NULL;
    struct log_head head;

    make_some(fixture, "a");
    replica = open_replica(fixture, "b", &error);
    g_assert_no_error(error);
    /* As it was two entries earlier: row, batches, notes. */
    run_sql(fixture, "DELETE FROM entente_batch WHERE origin = $1 AND first >= 3");
    run_sql(fixture, "DELETE FROM entente_history WHERE origin = $1 AND size > 3");
    run_sql(fixture, "UPDATE entente_log l SET size = 3, signed_size = 3, root = b.root,"
                     " signed_root = b.root, published = NULL, published_size = 0"
                     " FROM entente_batch b WHERE l.origin = $1 AND b.origin = l.origin"
                     " AND b.first = 2");
    assert_refused(fixture, "a", ENTENTE_ERROR_POLICY);
    g_assert_false(replica_take(replica, &head, &error)); /* and while it runs */
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    g_assert_false(replica_may_go_on(replica));
    /* A folder that never saw more goes on, and cannot know. */
    replica_close(open_replica(fixture, "c", NULL));
    /* It goes on with other entries, beyond the size of before. */
    {
        g_autoptr(log_writer_t) writer =
            open_writer(fixture, "c", take_lease(fixture, "c", SHORT_LEASE_US), NULL);

        g_assert_nonnull(writer);
        for (guint i = 10; i < 15; i++)
            add(writer, i);
    }
    assert_refused(fixture, "a", ENTENTE_ERROR_FOUND);
}

static void test_changed_entries_are_refused(struct fixture *fixture, gconstpointer data)
{
    make_some(fixture, "a");
    run_sql(fixture, "UPDATE entente_batch SET bundle = set_byte(bundle, 3, 65)"
                     " WHERE origin = $1 AND first = 2");
    assert_refused(fixture, "b", ENTENTE_ERROR_FOUND);
    run_sql(fixture, "DELETE FROM entente_batch WHERE origin = $1 AND first = 2");
    assert_refused(fixture, "b", ENTENTE_ERROR_FOUND);
}

static void test_a_folder_has_one_keeper(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(replica_t) replica = open_replica(fixture, "a", &error);

    g_assert_no_error(error);
    assert_refused(fixture, "a", ENTENTE_ERROR_POLICY);
}

static void test_a_log_is_made_once(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    struct log_head head;

    g_assert_true(log_database_create(fixture->store, fixture->origin, &error)); /* still empty */
    make_some(fixture, "a");
    g_assert_false(log_database_create(fixture->store, fixture->origin, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    g_clear_error(&error);
    g_assert_false(log_head_read(fixture->store, "nobody.example/log", &head, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*test)(struct fixture *, gconstpointer);
    } tests[] = {
        { "follower", test_a_follower_has_the_same_files },
        { "taken-over", test_who_was_taken_over_can_do_nothing },
        { "late-commit", test_a_late_commit_is_refused },
        { "stuck-session", test_a_stuck_session_holds_nobody_up },
        { "lost-answers", test_lost_answers },
        { "restored", test_a_restored_database_is_refused },
        { "changed", test_changed_entries_are_refused },
        { "one-keeper", test_a_folder_has_one_keeper },
        { "made-once", test_a_log_is_made_once },
    };
    gboolean has_server = FALSE;
    int status;

    g_test_init(&argc, &argv, NULL);
#ifdef HAVE_POSTGRESQL
    has_server = postgres_start(&server);
#endif
    for (guint i = 0; has_server && i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strconcat("/log-database/", tests[i].name, NULL);

        g_test_add(path, struct fixture, NULL, set_up, tests[i].test, tear_down);
    }
    status = g_test_run();
    if (has_server)
        postgres_end(&server);
    return status;
}
