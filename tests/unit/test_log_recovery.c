/*
 * Module writer_open: what a killed writer leaves is taken up where it was; what was damaged,
 * restored or made anew is refused.
 */
#include "log/lock_row.h"
#include "log/wal.h"
#include "log_lab.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sodium.h>
#include <unistd.h>

/* What a killed writer leaves is what the files hold at that moment. */
static void test_a_killed_writer_is_recovered(struct fixture *fixture, gconstpointer data)
{
    g_autofree char *copy = g_strconcat(fixture->log, ".copy", NULL);
    struct log_writer *writer = open_log(fixture);

    add_many(writer, 0, 600);
    g_bytes_unref(log_writer_checkpoint(writer));
    copy_tree(fixture->log, copy);
    log_writer_close(writer);
    fixture->options.folder = copy;
    writer = open_log(fixture);
    assert_holds(fixture, writer, 600);
    add(writer, 600, 10);
    log_writer_close(writer);
    writer = open_log(fixture);
    assert_holds(fixture, writer, 610);
    log_writer_close(writer);
}

static void test_a_restored_backup_is_refused(struct fixture *fixture, gconstpointer data)
{
    g_autofree char *backup = g_strconcat(fixture->log, ".backup", NULL);
    struct log_writer *writer = open_log(fixture);

    add(writer, 0, 10);
    log_writer_close(writer);
    copy_tree(fixture->log, backup);
    writer = open_log(fixture);
    add(writer, 10, 10);
    g_bytes_unref(log_writer_checkpoint(writer));
    log_writer_close(writer);
    fixture->options.folder = backup;
    assert_refused(fixture, ENTENTE_ERROR_POLICY);
    fixture->options.folder = fixture->log;
    log_writer_close(open_log(fixture));
}

/* As large as what was signed, but not the same entries. */
static void test_another_tree_is_refused(struct fixture *fixture, gconstpointer data)
{
    g_autofree char *backup = g_strconcat(fixture->log, ".backup", NULL);
    g_autofree char *own_lock = g_strconcat(fixture->lock_file, ".copy", NULL);
    struct log_writer *writer;

    copy_tree(fixture->log, backup);
    copy_tree(fixture->lock_file, own_lock);
    writer = open_log(fixture);
    add(writer, 0, 20);
    g_bytes_unref(log_writer_checkpoint(writer));
    log_writer_close(writer);
    fixture->options.folder = backup;
    fixture->options.lock_file = own_lock;
    writer = open_log(fixture);
    submit(writer, 100, 20, NULL);
    wait_for_size(writer, 20);
    log_writer_close(writer);
    fixture->options.lock_file = fixture->lock_file;
    assert_refused(fixture, ENTENTE_ERROR_POLICY);
}

/* A copy of a running log's folder, whose WAL is not cut. */
static char *killed_copy(struct fixture *fixture, guint batches)
{
    char *copy = g_strconcat(fixture->log, ".copy", NULL);
    struct log_writer *writer = open_log(fixture);

    add(writer, 0, batches); /* each waits: a batch each */
    copy_tree(fixture->log, copy);
    log_writer_close(writer);
    fixture->options.folder = copy;
    return copy;
}

static void change_byte(const char *folder, guint file, off_t at)
{
    g_autofree char *path = g_strdup_printf("%s/wal-%u", folder, file);
    const int fd = open(path, O_RDWR);
    guint8 byte;

    g_assert_cmpint(pread(fd, &byte, 1, at), ==, 1);
    byte ^= 1;
    g_assert_cmpint(pwrite(fd, &byte, 1, at), ==, 1);
    close(fd);
}

static void remove_tiles(const char *folder)
{
    g_autofree char *tiles = g_build_filename(folder, "tile", NULL);

    remove_tree(tiles);
}

/* Record n lies at page 2 + n: one entry each. The header's first bytes, then the bundle. */
#define RECORD_AT(number) ((off_t)(2 + (number)) * WAL_PAGE)
#define BUNDLE_IN_RECORD 110

static void test_a_torn_tail_is_dropped(struct fixture *fixture, gconstpointer data)
{
    g_autofree char *copy = killed_copy(fixture, 5);
    struct log_writer *writer;

    remove_tiles(copy); /* a record that is torn was never committed, nor in tiles */
    change_byte(copy, 1, RECORD_AT(4) + BUNDLE_IN_RECORD);
    writer = open_log(fixture);
    assert_holds(fixture, writer, 4);
    add(writer, 4, 3);
    assert_holds(fixture, writer, 7);
    log_writer_close(writer);
    writer = open_log(fixture);
    assert_holds(fixture, writer, 7);
    log_writer_close(writer);
}

static void test_a_damaged_last_record_shows_in_tiles(struct fixture *fixture, gconstpointer data)
{
    g_autofree char *copy = g_strconcat(fixture->log, ".copy", NULL);
    struct log_writer *writer = open_log(fixture);
    g_autoptr(GBytes) note = NULL;

    add(writer, 0, 5);
    note = log_writer_checkpoint(writer);
    g_assert_true(log_writer_publish(writer, note, FALSE, NULL)); /* partial tiles of size 5 */
    copy_tree(fixture->log, copy);
    log_writer_close(writer);
    fixture->options.folder = copy;
    change_byte(copy, 1, RECORD_AT(4) + BUNDLE_IN_RECORD);
    assert_refused(fixture, ENTENTE_ERROR_FOUND);
}

static void test_a_damaged_record_is_refused(struct fixture *fixture, gconstpointer data)
{
    static const off_t places[] = { 0, 9, 50, 100, BUNDLE_IN_RECORD };
    g_autofree char *copy = killed_copy(fixture, 5);

    for (guint record = 0; record < 4; record++)
        for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
            change_byte(copy, 1, RECORD_AT(record) + places[i]);
            assert_refused(fixture, ENTENTE_ERROR_FOUND);
            change_byte(copy, 1, RECORD_AT(record) + places[i]);
            remove_tiles(copy);
        }
    log_writer_close(open_log(fixture));
}

static void test_a_damaged_header_is_refused(struct fixture *fixture, gconstpointer data)
{
    g_autofree char *copy = killed_copy(fixture, 5);

    change_byte(copy, 1, 40);
    assert_refused(fixture, ENTENTE_ERROR_FOUND);
    change_byte(copy, 1, 40);
    change_byte(copy, 1, WAL_PAGE + 20); /* its mark: then the file before would be needed */
    assert_refused(fixture, ENTENTE_ERROR_FOUND);
}

static void test_damaged_tiles_are_refused(struct fixture *fixture, gconstpointer data)
{
    static const char *const files[] = { "tile/0/001.p/44", "tile/1/000.p/1",
                                         "tile/entries/001.p/44" };
    struct log_writer *writer = open_log(fixture);

    add_many(writer, 0, 300);
    log_writer_close(writer);
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(fixture->log, files[i], NULL);
        g_autofree char *text = NULL;
        gsize length;

        g_assert_true(g_file_get_contents(path, &text, &length, NULL));
        text[length / 2] ^= 1;
        g_assert_true(g_file_set_contents(path, text, (gssize)length, NULL));
        assert_refused(fixture, ENTENTE_ERROR_FOUND);
        g_assert_cmpint(g_unlink(path), ==, 0);
        assert_refused(fixture, ENTENTE_ERROR_FOUND);
        text[length / 2] ^= 1;
        g_assert_true(g_file_set_contents(path, text, (gssize)length, NULL));
    }
    log_writer_close(open_log(fixture));
}

static void remove_wal(struct fixture *fixture)
{
    static const char *const names[] = { "wal-0", "wal-1", "dedup" };

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(fixture->log, names[i], NULL);

        g_unlink(path);
    }
}

/* The tiles reach exactly to what was signed last: the log goes on. */
static void test_a_lost_wal_is_made_again(struct fixture *fixture, gconstpointer data)
{
    g_autofree char *tile = g_build_filename(fixture->log, "tile/0/002.p/88", NULL);
    g_autofree char *away = g_strconcat(tile, ".away", NULL);
    struct log_writer *writer = open_log(fixture);
    g_autoptr(GError) error = NULL;
    guint64 size;

    add_many(writer, 0, 600);
    g_bytes_unref(log_writer_checkpoint(writer));
    log_writer_close(writer);
    g_assert_false(log_restore(&fixture->options, &size, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    remove_wal(fixture);
    assert_refused(fixture, ENTENTE_ERROR_INPUT);
    g_assert_cmpint(rename(tile, away), ==, 0);
    g_clear_error(&error);
    g_assert_false(log_restore(&fixture->options, &size, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_FOUND);
    g_assert_cmpint(rename(away, tile), ==, 0);
    g_assert_true(log_restore(&fixture->options, &size, NULL));
    g_assert_cmpuint(size, ==, 600);
    writer = open_log(fixture);
    assert_holds(fixture, writer, 600);
    add_many(writer, 600, 10);
    log_writer_close(writer);
    /* Entries that were answered, and never signed: nobody knows how many there were. */
    remove_wal(fixture);
    g_clear_error(&error);
    g_assert_false(log_restore(&fixture->options, &size, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
}

/* A public checkpoint that the lock row knows nothing of: the row was restored. */
static void test_a_restored_lock_row_is_refused(struct fixture *fixture, gconstpointer data)
{
    g_autofree char *old = g_strconcat(fixture->lock_file, ".old", NULL);
    g_autoptr(GBytes) note = NULL;
    struct log_writer *writer;

    copy_tree(fixture->lock_file, old);
    writer = open_log(fixture);
    add(writer, 0, 10);
    note = log_writer_checkpoint(writer);
    g_assert_true(log_writer_publish(writer, note, FALSE, NULL));
    log_writer_close(writer);
    fixture->options.lock_file = old;
    assert_refused(fixture, ENTENTE_ERROR_POLICY);
}

static void test_a_clock_that_went_back_is_refused(struct fixture *fixture, gconstpointer data)
{
    struct lock_state state, later;
    g_autoptr(lock_row_t) row = lock_row_open(fixture->lock_file, ORIGIN, &state, NULL);

    g_assert_nonnull(row);
    later = state;
    later.time_us = g_get_real_time() + G_TIME_SPAN_HOUR;
    g_assert_true(lock_row_take(row, NULL));
    g_assert_true(lock_row_advance(row, &later, NULL));
    assert_refused(fixture, ENTENTE_ERROR_POLICY);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(struct fixture *fixture, gconstpointer data);
    } tests[] = {
        { "killed", test_a_killed_writer_is_recovered },
        { "restored-backup", test_a_restored_backup_is_refused },
        { "another-tree", test_another_tree_is_refused },
        { "torn-tail", test_a_torn_tail_is_dropped },
        { "damaged-last-record", test_a_damaged_last_record_shows_in_tiles },
        { "damaged-record", test_a_damaged_record_is_refused },
        { "damaged-header", test_a_damaged_header_is_refused },
        { "damaged-tiles", test_damaged_tiles_are_refused },
        { "lost-wal", test_a_lost_wal_is_made_again },
        { "restored-lock-row", test_a_restored_lock_row_is_refused },
        { "clock", test_a_clock_that_went_back_is_refused },
    };

    g_test_init(&argc, &argv, NULL);
    if (sodium_init() < 0)
        return 1;
    for (guint i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strconcat("/log-recovery/", tests[i].name, NULL);

        g_test_add(path, struct fixture, NULL, set_up, tests[i].run, tear_down);
    }
    return g_test_run();
}
