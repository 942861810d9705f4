/*
 * Modules writer, writer_publish, commit_files and tile_set: what was answered stays, what was
 * signed is never contradicted.
 */
#include "log/wal.h"
#include "log_lab.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

static void test_entries_stay(struct fixture *fixture, gconstpointer data)
{
    struct log_writer *writer = open_log(fixture);

    assert_holds(fixture, writer, 0);
    add(writer, 0, 3);
    assert_holds(fixture, writer, 3);
    submit(writer, 3, 700, NULL);
    wait_for_size(writer, 703);
    assert_holds(fixture, writer, 703);
    log_writer_close(writer);
    assert_tiles(fixture, 703);
    writer = open_log(fixture);
    assert_holds(fixture, writer, 703);
    submit(writer, 703, 65536 + 100 - 703, NULL);
    wait_for_size(writer, 65536 + 100);
    log_writer_close(writer);
    assert_tiles(fixture, 65536 + 100);
    writer = open_log(fixture);
    assert_holds(fixture, writer, 65536 + 100);
    log_writer_close(writer);
}

static void test_an_order_is_kept(struct fixture *fixture, gconstpointer data)
{
    struct log_writer *writer = open_log(fixture);

    submit(writer, 0, 5000, NULL);
    wait_for_size(writer, 5000);
    log_writer_close(writer);
    assert_tiles(fixture, 5000);
}

static void test_a_log_is_not_made_twice(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    struct log_writer *writer = open_log(fixture);

    g_assert_false(log_create(&fixture->options, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    add(writer, 0, 3);
    g_bytes_unref(log_writer_checkpoint(writer));
    log_writer_close(writer);
    /* The data are gone, the lock row remembers. */
    remove_tree(fixture->log);
    g_clear_error(&error);
    g_assert_false(log_create(&fixture->options, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    assert_refused(fixture, ENTENTE_ERROR_INPUT);
}

static void test_a_second_writer_is_refused(struct fixture *fixture, gconstpointer data)
{
    struct log_writer *writer = open_log(fixture);

    assert_refused(fixture, ENTENTE_ERROR_POLICY);
    add(writer, 0, 1);
    log_writer_close(writer);
    log_writer_close(open_log(fixture));
}

/* Two machines, one lock row: the one that opened first signs nothing any more. */
static void test_a_fenced_writer_stops(struct fixture *fixture, gconstpointer data)
{
    g_autofree char *copy = g_strconcat(fixture->log, ".copy", NULL);
    g_autoptr(GBytes) entry = entry_of(99);
    g_autoptr(GError) error = NULL;
    struct log_writer *first, *second;
    guint64 index;

    copy_tree(fixture->log, copy);
    first = open_log(fixture);
    add(first, 0, 3);
    fixture->options.folder = copy;
    second = open_log(fixture);
    submit(second, 50, 3, NULL);
    wait_for_size(second, 3);
    g_assert_null(log_writer_checkpoint(first));
    g_assert_false(log_writer_works(first, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    g_clear_error(&error);
    g_assert_false(log_writer_add(first, entry, &index, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM);
    g_bytes_unref(log_writer_checkpoint(second));
    log_writer_close(first);
    log_writer_close(second);
}

/* Several files' worth: generations follow one another, and old records are no part of the new. */
static void test_the_wal_goes_round(struct fixture *fixture, gconstpointer data)
{
    const guint size = ENTRY_LIMIT - 4, count = 5 * (WAL_STEP / size);
    g_autofree char *copy = g_strconcat(fixture->log, ".copy", NULL);
    g_autofree guint8 *bytes = g_malloc0(size);
    struct log_writer *writer;
    g_autoptr(checkpoint_t) before = NULL;
    g_autoptr(checkpoint_t) after = NULL;

    fixture->options.batch = 100;
    writer = open_log(fixture);
    for (guint i = 0; i < count; i++) {
        g_autoptr(GBytes) entry = NULL;

        memcpy(bytes, &i, sizeof i);
        entry = g_bytes_new(bytes, size);
        while (!log_writer_submit(writer, entry, forget, NULL))
            g_usleep(1000);
    }
    wait_for_size(writer, count);
    before = checkpoint_of(writer);
    copy_tree(fixture->log, copy);
    log_writer_close(writer);
    fixture->options.folder = copy;
    writer = open_log(fixture);
    after = checkpoint_of(writer);
    g_assert_cmpuint(after->size, ==, count);
    g_assert_cmpmem(&after->root, sizeof after->root, &before->root, sizeof before->root);
    log_writer_close(writer);
    log_writer_close(open_log(fixture));
}

struct answer {
    enum log_submitted outcome;
    guint64 index;
    gint is_there;
};

static void note_answer(enum log_submitted outcome, guint64 index, const GError *error,
                        gpointer data)
{
    struct answer *answer = data;

    answer->outcome = outcome;
    answer->index = index;
    g_atomic_int_set(&answer->is_there, TRUE);
}

static void wait_for_answer(struct answer *answer)
{
    while (!g_atomic_int_get(&answer->is_there))
        g_usleep(100);
}

static void test_duplicates_keep_their_index(struct fixture *fixture, gconstpointer data)
{
    static const guint numbers[] = { 0, 255, 256, 599 };
    struct log_writer *writer = open_log(fixture);
    struct answer answer[2] = { { 0 } };
    g_autoptr(GBytes) fresh = entry_of(600);

    add_many(writer, 0, 600);
    for (guint round = 0; round < 3; round++) {
        for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
            struct answer again = { 0 };
            g_autoptr(GBytes) entry = entry_of(numbers[i]);

            log_writer_submit(writer, entry, note_answer, &again);
            wait_for_answer(&again);
            g_assert_cmpint(again.outcome, ==, LOG_DUPLICATE);
            g_assert_cmpuint(again.index, ==, numbers[i]);
        }
        log_writer_close(writer);
        if (round == 1) { /* lost: it comes back from the tiles */
            g_autofree char *table = g_build_filename(fixture->log, "dedup", NULL);

            g_assert_cmpint(g_unlink(table), ==, 0);
        }
        writer = open_log(fixture);
    }
    /* Twice in one batch. */
    fixture->options.delay_ms = 200;
    log_writer_close(writer);
    writer = open_log(fixture);
    log_writer_submit(writer, fresh, note_answer, &answer[0]);
    log_writer_submit(writer, fresh, note_answer, &answer[1]);
    wait_for_answer(&answer[0]);
    wait_for_answer(&answer[1]);
    g_assert_cmpint(answer[0].outcome, ==, LOG_ADDED);
    g_assert_cmpint(answer[1].outcome, ==, LOG_DUPLICATE);
    g_assert_cmpuint(answer[0].index, ==, 600);
    g_assert_cmpuint(answer[1].index, ==, 600);
    assert_holds(fixture, writer, 601);
    log_writer_close(writer);
    fixture->options.keep_duplicates = TRUE;
    writer = open_log(fixture);
    answer[0].is_there = FALSE;
    log_writer_submit(writer, fresh, note_answer, &answer[0]);
    wait_for_answer(&answer[0]);
    g_assert_cmpint(answer[0].outcome, ==, LOG_ADDED);
    log_writer_close(writer);
}

/* A wrong table does no harm: the tile decides. */
static void test_a_table_of_lies_is_not_believed(struct fixture *fixture, gconstpointer data)
{
    g_autofree char *table = g_build_filename(fixture->log, "dedup", NULL);
    g_autofree char *text = NULL;
    struct log_writer *writer = open_log(fixture);
    gsize length;

    add_many(writer, 0, 100);
    log_writer_close(writer);
    g_assert_true(g_file_get_contents(table, &text, &length, NULL));
    for (gsize i = 4096 + 8; i + 8 <= length; i += 16) /* the place of each slot */
        if (text[i])
            text[i] ^= 3;
    g_assert_true(g_file_set_contents(table, text, (gssize)length, NULL));
    writer = open_log(fixture);
    add_many(writer, 100, 100);
    assert_holds(fixture, writer, 200);
    log_writer_close(writer);
}

static gboolean refuse_odd(GBytes *entry, gpointer data, GError **error)
{
    const char *text = g_bytes_get_data(entry, NULL);

    return strtoul(text + strlen("{\"entry\":"), NULL, 10) % 2 == 0 ||
           policy_error(error, "odd entries are not taken");
}

static void test_refused_entries_take_no_place(struct fixture *fixture, gconstpointer data)
{
    struct log_writer_numbers numbers;
    struct log_writer *writer;
    guint64 index;

    fixture->options.check = refuse_odd;
    writer = open_log(fixture);
    for (guint i = 0; i < 50; i++) {
        g_autoptr(GBytes) entry = entry_of(i);
        g_autoptr(GError) error = NULL;

        if (i % 2) {
            g_assert_false(log_writer_add(writer, entry, &index, &error));
            g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
            g_assert_nonnull(strstr(error->message, "odd entries"));
        } else {
            g_assert_true(log_writer_add(writer, entry, &index, &error));
            g_assert_cmpuint(index, ==, i / 2);
        }
    }
    log_writer_numbers(writer, &numbers);
    g_assert_cmpuint(numbers.size, ==, 25);
    g_assert_cmpuint(numbers.refused, ==, 25);
    log_writer_close(writer);
}

static void test_entries_have_a_size(struct fixture *fixture, gconstpointer data)
{
    g_autofree guint8 *bytes = g_malloc0(ENTRY_LIMIT + 1);
    g_autoptr(GBytes) empty = g_bytes_new("", 0);
    g_autoptr(GBytes) largest = g_bytes_new(bytes, ENTRY_LIMIT);
    g_autoptr(GBytes) too_large = g_bytes_new(bytes, ENTRY_LIMIT + 1);
    g_autoptr(GError) error = NULL;
    struct log_writer *writer = open_log(fixture);
    guint64 index;

    g_assert_false(log_writer_add(writer, empty, &index, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    g_clear_error(&error);
    g_assert_false(log_writer_add(writer, too_large, &index, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    g_assert_true(log_writer_add(writer, largest, &index, NULL));
    g_assert_cmpuint(index, ==, 0);
    log_writer_close(writer);
}

static gboolean wait_for_leave(GBytes *entry, gpointer data, GError **error)
{
    pthread_mutex_lock(data);
    pthread_mutex_unlock(data);
    return TRUE;
}

static void test_a_full_queue_says_so(struct fixture *fixture, gconstpointer data)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct log_writer *writer;
    gint answered = 0;

    fixture->options.queue = 8;
    fixture->options.check = wait_for_leave;
    fixture->options.check_data = &gate;
    writer = open_log(fixture);
    pthread_mutex_lock(&gate);
    for (guint i = 0; i < 8; i++) {
        g_autoptr(GBytes) entry = entry_of(i);

        g_assert_true(log_writer_submit(writer, entry, forget, &answered));
    }
    {
        g_autoptr(GBytes) entry = entry_of(8);

        g_assert_false(log_writer_submit(writer, entry, forget, &answered));
    }
    pthread_mutex_unlock(&gate);
    wait_for_size(writer, 8);
    log_writer_close(writer); /* answers all before it returns */
    g_assert_cmpint(answered, ==, 8);
    fixture->options.check = NULL;
    writer = open_log(fixture);
    assert_holds(fixture, writer, 8);
    log_writer_close(writer);
}

static void test_publishing(struct fixture *fixture, gconstpointer data)
{
    const struct merkle_hash other = { { 1 } };
    struct log_writer *writer = open_log(fixture);
    g_autofree char *path = g_build_filename(fixture->log, "checkpoint", NULL);
    g_autofree char *history = g_build_filename(fixture->log, "history", NULL);
    g_autofree char *partial = g_build_filename(fixture->log, "tile/0/000.p/10", NULL);
    g_autoptr(GBytes) empty = log_writer_checkpoint(writer);
    g_autoptr(GBytes) forged = checkpoint_sign(fixture->key, 10, &other);
    g_autoptr(GBytes) later = checkpoint_sign(fixture->key, 11, &other);
    g_autoptr(GBytes) note = NULL;
    g_autoptr(GBytes) read = NULL;
    g_autoptr(GBytes) records = NULL;
    g_autoptr(GError) error = NULL;

    add(writer, 0, 10);
    note = log_writer_checkpoint(writer);
    g_assert_false(log_writer_publish(writer, forged, FALSE, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_FOUND);
    g_clear_error(&error);
    g_assert_false(log_writer_publish(writer, later, FALSE, &error));
    g_clear_error(&error);
    log_writer_publish(writer, note, TRUE, &error);
    g_assert_no_error(error);
    g_assert_true(g_file_test(partial, G_FILE_TEST_EXISTS));
    read = file_read(path, NOTE_LIMIT, NULL);
    g_assert_true(g_bytes_equal(read, note));
    g_assert_false(log_writer_publish(writer, empty, FALSE, &error)); /* back */
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    g_clear_error(&error);
    g_assert_true(log_writer_publish(writer, note, TRUE, NULL)); /* with more cosignatures */
    log_writer_close(writer);
    records = file_read(history, NOTE_LIMIT, NULL);
    g_assert_cmpuint(g_bytes_get_size(records), ==, 4 + g_bytes_get_size(note)); /* once */

    /* A torn record goes, and publishing goes on where it was. */
    {
        const int fd = open(history, O_WRONLY | O_APPEND);

        g_assert_cmpint(write(fd, "\0\0\1\0torn", 8), ==, 8);
        close(fd);
    }
    writer = open_log(fixture);
    g_assert_false(log_writer_publish(writer, empty, FALSE, NULL));
    add(writer, 10, 5);
    g_bytes_unref(note);
    note = log_writer_checkpoint(writer);
    g_assert_true(log_writer_publish(writer, note, TRUE, NULL));
    g_bytes_unref(records);
    records = file_read(history, NOTE_LIMIT, NULL);
    g_assert_cmpuint(g_bytes_get_size(records) % (4 + g_bytes_get_size(note)), ==, 0);
    log_writer_close(writer);
}

/* One writer, several submitters, a publisher and one who asks for proofs: for ThreadSanitizer, and
 * every checkpoint is consistent with the one before. */
struct crowd {
    struct log_writer *writer;
    gint answered, ended;
    guint count;
};

static gpointer submit_some(gpointer data)
{
    struct crowd *crowd = data;

    submit(crowd->writer, 0, crowd->count, &crowd->answered); /* the same by all: duplicates */
    return NULL;
}

static gpointer publish_all(gpointer data)
{
    struct crowd *crowd = data;
    g_autoptr(merkle_t) merkle = merkle_new();
    g_autoptr(checkpoint_t) last = checkpoint_of(crowd->writer);

    while (!g_atomic_int_get(&crowd->ended)) {
        g_autoptr(checkpoint_t) next = checkpoint_of(crowd->writer);
        g_autoptr(GBytes) note = log_writer_checkpoint(crowd->writer);
        struct merkle_hash path[MERKLE_PATH_LIMIT];
        guint length;

        g_assert_true(log_writer_publish(crowd->writer, note, TRUE, NULL));
        g_assert_true(
            log_writer_consistency(crowd->writer, last->size, next->size, path, &length, NULL));
        g_assert_true(tree_is_consistent(merkle, last->size, &last->root, next->size, &next->root,
                                         path, length));
        checkpoint_free(last);
        last = g_steal_pointer(&next);
        g_usleep(2000);
    }
    return NULL;
}

static void test_many_at_once(struct fixture *fixture, gconstpointer data)
{
    struct crowd crowd = { .count = 3000 };
    GThread *threads[3], *publisher;

    fixture->options.batch = 64;
    crowd.writer = open_log(fixture);
    publisher = g_thread_new("publisher", publish_all, &crowd);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("submitter", submit_some, &crowd);
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    while (g_atomic_int_get(&crowd.answered) < (gint)(G_N_ELEMENTS(threads) * crowd.count))
        g_usleep(1000);
    g_atomic_int_set(&crowd.ended, TRUE);
    g_thread_join(publisher);
    g_assert_cmpuint(size_of(crowd.writer), ==, crowd.count);
    log_writer_close(crowd.writer);
    log_writer_close(open_log(fixture));
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(struct fixture *fixture, gconstpointer data);
    } tests[] = {
        { "entries-stay", test_entries_stay },
        { "order", test_an_order_is_kept },
        { "made-once", test_a_log_is_not_made_twice },
        { "second-writer", test_a_second_writer_is_refused },
        { "fenced", test_a_fenced_writer_stops },
        { "wal-goes-round", test_the_wal_goes_round },
        { "duplicates", test_duplicates_keep_their_index },
        { "lying-table", test_a_table_of_lies_is_not_believed },
        { "refused", test_refused_entries_take_no_place },
        { "sizes", test_entries_have_a_size },
        { "full-queue", test_a_full_queue_says_so },
        { "publish", test_publishing },
        { "many", test_many_at_once },
    };

    g_test_init(&argc, &argv, NULL);
    if (sodium_init() < 0)
        return 1;
    for (guint i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strconcat("/log-writer/", tests[i].name, NULL);

        g_test_add(path, struct fixture, NULL, set_up, tests[i].run, tear_down);
    }
    return g_test_run();
}
