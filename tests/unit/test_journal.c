#include "base/error.h"
#include "base/file.h"
#include "journal/journal.h"
#include "journal/records.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct folder {
    char *path;
};

static void set_up(struct folder *folder, gconstpointer data)
{
    folder->path = g_dir_make_tmp("entente-journal-XXXXXX", NULL);
    g_assert_nonnull(folder->path);
}

static void tear_down(struct folder *folder, gconstpointer data)
{
    GDir *dir = g_dir_open(folder->path, 0, NULL);

    for (const char *name; (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(folder->path, name, NULL);

        g_remove(path);
    }
    g_dir_close(dir);
    g_rmdir(folder->path);
    g_free(folder->path);
}

static struct journal *open_journal(const struct folder *folder)
{
    g_autoptr(GError) error = NULL;
    struct journal *journal = journal_open(folder->path, &error);

    g_assert_no_error(error);
    return journal;
}

static void note(struct journal *journal, const char *kind, const char *asset, const char *key,
                 const char *body)
{
    g_autoptr(GError) error = NULL;

    journal_note(journal, kind, asset, key, body, &error);
    g_assert_no_error(error);
}

static void fill(const struct folder *folder)
{
    g_autoptr(journal_t) journal = open_journal(folder);

    note(journal, "answer", NULL, "incident-drill", "{\"value\":\"yes\"}");
    note(journal, "waiver", "web1", "host.ssh.root-login", "{\"reason\":\"x\"}");
    note(journal, "answer", NULL, "incident-drill", "{\"value\":\"no\"}");
    note(journal, "import", "web1", NULL, "");
}

/* Verifies anew, as another process would. Returns the message, or NULL when the journal is whole.
 */
static char *verdict(const struct folder *folder, const struct journal_head *known)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(journal_t) journal = journal_open_existing(folder->path, &error);
    struct journal_head head;

    if (journal && journal_verify(journal, known, &head, &error))
        return NULL;
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_FOUND);
    return g_strdup(error->message);
}

static gboolean count(const struct event *event, gpointer data)
{
    ++*(guint *)data;
    return TRUE;
}

static void test_events_come_back(struct folder *folder, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(journal_t) journal = NULL;
    struct journal_head head;
    guint seen = 0;
    struct journal_filter filter = { .kind = "answer", .key = "incident-drill" };

    fill(folder);
    journal = journal_open_existing(folder->path, &error);
    g_assert_no_error(error);
    g_assert_true(journal_verify(journal, NULL, &head, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(head.seq, ==, 4);
    journal_each(journal, &filter, count, &seen, NULL);
    g_assert_cmpuint(seen, ==, 2);
    filter = (struct journal_filter){ .asset = "web1", .after = 2 };
    seen = 0;
    journal_each(journal, &filter, count, &seen, NULL);
    g_assert_cmpuint(seen, ==, 1);
}

static void test_records_give_the_newest(struct folder *folder, gconstpointer data)
{
    static const char *const kinds[] = { "waiver", "answer", NULL };
    g_autoptr(GError) error = NULL;
    g_autoptr(records_t) records = NULL;
    g_autoptr(records_t) none = records_load(NULL, kinds, NULL);

    fill(folder);
    {
        g_autoptr(journal_t) journal = journal_open_existing(folder->path, &error);

        records = records_load(journal, kinds, &error);
    }
    g_assert_no_error(error);
    g_assert_cmpuint(records_count(records), ==, 3);
    g_assert_cmpuint(records_latest(records, "answer", "incident-drill")->seq, ==, 3);
    g_assert_cmpuint(records_latest(records, "waiver", NULL)->seq, ==, 2);
    g_assert_null(records_latest(records, "import", NULL));
    g_assert_cmpuint(records_count(none), ==, 0);
    g_assert_null(records_latest(NULL, "answer", NULL));
}

static void run_sql(const struct folder *folder, const char *sql)
{
    g_autofree char *path = g_build_filename(folder->path, "journal.db", NULL);
    sqlite3 *database;
    char *problem = NULL;

    g_assert_cmpint(sqlite3_open(path, &database), ==, SQLITE_OK);
    sqlite3_exec(database, "DROP TRIGGER event_keeps; DROP TRIGGER event_stays;", NULL, NULL, NULL);
    sqlite3_exec(database, sql, NULL, NULL, &problem);
    if (problem)
        g_error("%s: %s", sql, problem);
    sqlite3_close(database);
}

/* Whoever may write the database changes one thing behind our back. */
static void test_every_change_is_found(struct folder *folder, gconstpointer data)
{
    static const struct {
        const char *sql, *message;
    } rows[] = {
        { "UPDATE event SET time_us = time_us + 1 WHERE seq = 2", "event 2 was altered" },
        { "UPDATE event SET kind = 'waiwer' WHERE seq = 2", "event 2 was altered" },
        { "UPDATE event SET asset = 'web2' WHERE seq = 2", "event 2 was altered" },
        { "UPDATE event SET asset = NULL WHERE seq = 2", "event 2 was altered" },
        { "UPDATE event SET asset = '' WHERE seq = 1", "event 1 was altered" },
        { "UPDATE event SET key = 'x' WHERE seq = 4", "event 4 was altered" },
        { "UPDATE event SET body = CAST('{\"value\":\"yes\"}' AS BLOB) WHERE seq = 3",
          "event 3 was altered" },
        { "UPDATE event SET signature = x'00' WHERE seq = 1", "event 1 was altered" },
        { "UPDATE event SET previous = zeroblob(32) WHERE seq = 3", "event 3 was altered" },
        { "UPDATE event SET hash = zeroblob(32) WHERE seq = 1", "event 1 was altered" },
        { "UPDATE event SET hash = x'00' WHERE seq = 1", "event 1 is damaged" },
        { "UPDATE event SET seq = 9 WHERE seq = 4", "event 4 is missing" },
        { "DELETE FROM event WHERE seq = 2", "event 2 is missing" },
        { "DELETE FROM event WHERE seq = 1", "event 1 is missing" },
        { "DELETE FROM event WHERE seq = 4", "cut off after event 3" },
        { "DELETE FROM event", "" },
        { "DELETE FROM head", "its head is missing" },
        { "UPDATE head SET seq = 3", "its own head" },
        /* The tail cut and the database's head moved back: the file beside it knows better. */
        { "DELETE FROM event WHERE seq = 4;"
          "UPDATE head SET seq = 3, hash = (SELECT hash FROM event WHERE seq = 3)",
          "journal.head names event 4" },
        { "UPDATE event SET seq = 5 WHERE seq = 2; UPDATE event SET seq = 2 WHERE seq = 3;"
          "UPDATE event SET seq = 3 WHERE seq = 5",
          "event 2 was altered" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *message = NULL;
        struct folder copy;

        set_up(&copy, NULL);
        fill(&copy);
        g_assert_null(verdict(&copy, NULL));
        run_sql(&copy, rows[i].sql);
        message = verdict(&copy, NULL);
        g_test_message("%s: %s", rows[i].sql, message);
        g_assert_nonnull(message);
        g_assert_nonnull(strstr(message, rows[i].message));
        tear_down(&copy, NULL);
    }
}

/* Both heads rewritten along with a shorter journal: only a head kept elsewhere finds that. */
static void test_a_head_kept_elsewhere_finds_a_rewrite(struct folder *folder, gconstpointer data)
{
    g_autoptr(journal_t) journal = NULL;
    struct journal_head known, parsed;
    g_autofree char *text = NULL, *message = NULL;
    g_autoptr(GError) error = NULL;

    fill(folder);
    journal = open_journal(folder);
    g_assert_true(journal_head(journal, &known, &error));
    text = journal_head_format(&known);
    g_assert_true(journal_head_parse(text, &parsed, &error));
    g_assert_cmpmem(&known, sizeof known, &parsed, sizeof parsed);
    g_assert_false(journal_head_parse("4:00", &parsed, NULL));
    note(journal, "answer", NULL, "incident-drill", "{}");
    g_assert_null(verdict(folder, &known));
    known.hash[0] ^= 1;
    message = verdict(folder, &known);
    g_assert_nonnull(strstr(message, "event 4 is not the one that the head given names"));
}

/* Bytes of the file flipped at rest, wherever an event's own content stands. */
static void test_flipped_bytes_are_found(struct folder *folder, gconstpointer data)
{
    static const char *const places[] = { "incident-drill\"", "host.ssh.root-login", "waiver",
                                          "{\"reason\"", "web1" };
    g_autofree char *path = g_build_filename(folder->path, "journal.db", NULL);
    g_autofree char *bytes = NULL;
    gsize length;

    fill(folder);
    g_assert_true(g_file_get_contents(path, &bytes, &length, NULL));
    for (gsize i = 1; i < G_N_ELEMENTS(places); i++) {
        char *at = memmem(bytes, length, places[i], strlen(places[i]));
        g_autofree char *message = NULL;

        g_assert_nonnull(at);
        *at ^= 1;
        g_assert_true(g_file_set_contents(path, bytes, (gssize)length, NULL));
        message = verdict(folder, NULL);
        g_assert_nonnull(message);
        *at ^= 1;
    }
    g_assert_true(g_file_set_contents(path, bytes, (gssize)length, NULL));
    g_assert_null(verdict(folder, NULL));
}

/* Appends for ever, telling the parent each event that is acknowledged. */
static void append_and_tell(const struct folder *folder, int pipe)
{
    struct journal *journal = journal_open(folder->path, NULL);

    for (;;) {
        g_autoptr(GBytes) body = g_bytes_new_static("{}", 2);
        struct event event = { .kind = (char *)"answer", .body = body };

        if (!journal || !journal_append(journal, &event, NULL) ||
            write(pipe, &event.seq, sizeof event.seq) != sizeof event.seq)
            _exit(1);
    }
}

#define KILLS 12
#define WRITERS 3

static void test_kill_loses_nothing_acknowledged(struct folder *folder, gconstpointer data)
{
    guint64 told = 0;

    /* On a slow machine more often, and later: until there is something to lose. */
    for (guint round = 0; round < KILLS || told <= KILLS; round++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(journal_t) journal = NULL;
        struct journal_head head;
        pid_t children[WRITERS];
        gboolean whole;
        int ends[2];
        guint64 seq;

        g_assert_cmpint(pipe(ends), ==, 0);
        for (guint i = 0; i < WRITERS; i++) {
            children[i] = fork();
            if (children[i] == 0)
                append_and_tell(folder, ends[1]);
        }
        close(ends[1]);
        g_usleep((gulong)g_test_rand_int_range(20000, 90000) * (1 + round / KILLS));
        for (guint i = 0; i < WRITERS; i++)
            kill(children[i], SIGKILL);
        for (guint i = 0; i < WRITERS; i++)
            waitpid(children[i], NULL, 0);
        while (read(ends[0], &seq, sizeof seq) == sizeof seq)
            told = MAX(told, seq);
        close(ends[0]);
        journal = journal_open(folder->path, &error);
        g_assert_no_error(error);
        whole = journal_verify(journal, NULL, &head, &error);
        g_assert_no_error(error);
        g_assert_true(whole);
        g_assert_cmpuint(head.seq, >=, told);
    }
    g_test_message("%" G_GUINT64_FORMAT " events acknowledged", told);
}

static void test_another_database_is_refused(struct folder *folder, gconstpointer data)
{
    g_autofree char *path = g_build_filename(folder->path, "journal.db", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_null(journal_open_existing(folder->path, &error));
    g_assert_no_error(error);
    fill(folder);
    run_sql(folder, "PRAGMA user_version = 99");
    g_assert_null(journal_open(folder->path, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_clear_error(&error);
    run_sql(folder, "PRAGMA application_id = 1");
    g_assert_null(journal_open(folder->path, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_clear_error(&error);
    g_assert_true(g_file_set_contents(path, "not a database at all, but long enough", -1, NULL));
    g_assert_null(journal_open(folder->path, &error));
    g_assert_nonnull(error);
}

#define ADD(NAME, FUNCTION)                                                                        \
    g_test_add("/journal/" NAME, struct folder, NULL, set_up, FUNCTION, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("events-come-back", test_events_come_back);
    ADD("records", test_records_give_the_newest);
    ADD("every-change-is-found", test_every_change_is_found);
    ADD("head-kept-elsewhere", test_a_head_kept_elsewhere_finds_a_rewrite);
    ADD("flipped-bytes", test_flipped_bytes_are_found);
    ADD("kill", test_kill_loses_nothing_acknowledged);
    ADD("another-database", test_another_database_is_refused);
    return g_test_run();
}
