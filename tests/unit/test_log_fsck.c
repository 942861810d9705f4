/*
 * Modules fsck and fsck_records, on logs that the writer of this program made: with history and
 * WAL. (Tessera's log and every kind of damage to tiles: tests/e2e/test_log_fsck.py.)
 */
#include "base/error.h"
#include "log/fsck.h"
#include "log/writer.h"

#include <glib/gstdio.h>
#include <string.h>

#define ORIGIN "log.example/checked"
#define BATCHES 4u
#define BATCH 200u
#define SIZE (BATCHES * BATCH)

struct fixture {
    char *folder;
    struct signing_key *key;
};

static void shell(const char *format, ...) G_GNUC_PRINTF(1, 2);
static void shell(const char *format, ...)
{
    g_autofree char *line = NULL;
    const char *command[] = { "sh", "-c", NULL, NULL };
    va_list arguments;
    int status;

    va_start(arguments, format);
    line = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    command[2] = line;
    g_assert_true(g_spawn_sync(NULL, (char **)command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, &status, NULL));
    g_assert_cmpint(status, ==, 0);
}

static void set_up(struct fixture *fixture, gconstpointer data)
{
    static const guint8 seed[KEY_SEED_SIZE] = { 23 };

    (void)data;
    fixture->folder = g_dir_make_tmp("entente-fsck-XXXXXX", NULL);
    fixture->key = signing_key_from_seed(ORIGIN, seed, NULL);
}

static void tear_down(struct fixture *fixture, gconstpointer data)
{
    (void)data;
    shell("rm -r '%s'", fixture->folder);
    g_free(fixture->folder);
    signing_key_free(fixture->key);
}

static void answered(enum log_submitted outcome, guint64 index, const GError *error, gpointer data)
{
    (void)index;
    (void)error;
    (void)data;
    g_assert_cmpint(outcome, ==, LOG_ADDED);
}

/* Makes the log NAME with SIZE entries, each beginning with `salt`, a checkpoint in the history
 * after each batch; gives its folder. */
static char *make_log(const struct fixture *fixture, const char *name, const char *salt)
{
    char *folder = g_build_filename(fixture->folder, name, NULL);
    const struct log_writer_options options = { .folder = folder, .key = fixture->key };
    g_autoptr(GError) error = NULL;
    g_autoptr(log_writer_t) writer = NULL;

    g_assert_true(log_create(&options, &error));
    writer = log_writer_open(&options, &error);
    g_assert_no_error(error);
    for (guint size = BATCH; size <= SIZE; size += BATCH) {
        g_autoptr(GBytes) note = NULL;

        for (guint i = size - BATCH; i < size; i++) {
            g_autofree char *text = g_strdup_printf("%s %u", salt, i);
            g_autoptr(GBytes) entry = g_bytes_new(text, strlen(text));

            g_assert_true(log_writer_submit(writer, entry, answered, NULL));
        }
        for (struct log_writer_numbers numbers = { 0 }; numbers.size < size;
             log_writer_numbers(writer, &numbers))
            log_writer_wait(writer, numbers.size, G_USEC_PER_SEC);
        note = log_writer_checkpoint(writer);
        g_assert_true(log_writer_publish(writer, note, TRUE, &error));
        g_assert_no_error(error);
    }
    return folder;
}

static struct log_source open_folder(gpointer data)
{
    return log_source_folder(data);
}

/* Checks a log; TRUE when it is whole. `what` (or NULL) is what differs otherwise. */
static gboolean check(const char *folder, struct log_fsck_counts *counts, char **what)
{
    const struct log_fsck_options options = {
        .open = open_folder, .open_data = (gpointer)folder, .folder = folder, .threads = 3
    };
    g_autoptr(log_reader_t) reader = log_reader_new(log_source_folder(folder));
    g_autoptr(GError) error = NULL;
    g_autoptr(note_t) note = log_reader_checkpoint(reader, &error);
    g_autoptr(checkpoint_t) checkpoint = NULL;
    struct log_fsck_finding finding;
    gboolean whole;

    g_assert_no_error(error);
    checkpoint =
        checkpoint_parse(g_bytes_get_data(note->text, NULL), g_bytes_get_size(note->text), &error);
    g_assert_cmpuint(checkpoint->size, ==, SIZE);
    whole = log_fsck(&options, checkpoint, counts, &finding, &error);
    if (whole)
        g_assert_cmpuint(finding.index, ==, SIZE);
    else
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_FOUND);
    if (what)
        *what = g_strdup(finding.what);
    log_fsck_finding_clear(&finding);
    return whole;
}

/* What the writer wrote is whole; its history and its WAL were looked at. */
static void test_own_log(struct fixture *fixture, gconstpointer data)
{
    g_autofree char *log = make_log(fixture, "log", "entry");
    struct log_fsck_counts counts;

    (void)data;
    g_assert_true(check(log, &counts, NULL));
    g_assert_cmpuint(counts.entries, ==, SIZE);
    g_assert_cmpuint(counts.moments, ==, BATCHES);
    g_assert_cmpuint(counts.wal_records, >, 0);
}

/* A history from another tree, or out of order, does not fit; one cut short by a crash does. */
static void test_history(struct fixture *fixture, gconstpointer data)
{
    g_autofree char *log = make_log(fixture, "log", "entry");
    g_autofree char *other = make_log(fixture, "other", "another");
    g_autofree char *what = NULL, *order = NULL;
    struct log_fsck_counts counts;

    (void)data;
    shell("cp '%s'/history '%s'/kept && truncate -s -1 '%s'/history", log, log, log);
    g_assert_true(check(log, &counts, NULL));
    g_assert_cmpuint(counts.moments, ==, BATCHES - 1);
    shell("cat '%s'/kept '%s'/kept > '%s'/history", log, log, log);
    g_assert_false(check(log, &counts, &order));
    g_assert_nonnull(strstr(order, "no later checkpoint"));
    shell("cp '%s'/history '%s'/history", other, log);
    g_assert_false(check(log, &counts, &what));
    g_assert_nonnull(strstr(what, "history holds a checkpoint of 200 entries with another root"));
}

/* A WAL that committed other entries than the tiles show is a contradiction. */
static void test_wal(struct fixture *fixture, gconstpointer data)
{
    g_autofree char *log = make_log(fixture, "log", "entry");
    g_autofree char *other = make_log(fixture, "other", "another");
    g_autofree char *what = NULL;
    struct log_fsck_counts counts;

    (void)data;
    shell("cp '%s'/wal-* '%s'/", other, log);
    g_assert_false(check(log, &counts, &what));
    g_test_message("%s", what);
    g_assert_true(strstr(what, "the WAL committed other entries") ||
                  strstr(what, "with another root than the log had then"));
}

/* Entry, tile and the level above rewritten together still do not fit the checkpoint. */
static void test_consistent_forgery(struct fixture *fixture, gconstpointer data)
{
    g_autofree char *log = make_log(fixture, "log", "entry");
    g_autofree char *other = make_log(fixture, "other", "another");
    g_autofree char *what = NULL;
    struct log_fsck_counts counts;

    (void)data;
    shell("cp -r '%s'/tile '%s'/", other, log);
    g_assert_false(check(log, &counts, &what));
    g_assert_nonnull(strstr(what, "another root than the checkpoint"));
}

#define WITH_FIXTURE(path, test) g_test_add(path, struct fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    WITH_FIXTURE("/log-fsck/own-log", test_own_log);
    WITH_FIXTURE("/log-fsck/history", test_history);
    WITH_FIXTURE("/log-fsck/wal", test_wal);
    WITH_FIXTURE("/log-fsck/consistent-forgery", test_consistent_forgery);
    return g_test_run();
}
