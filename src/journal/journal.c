#include "journal/journal.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "journal/journal_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define APPLICATION 0x456e744a /* "EntJ" */

/* The triggers guard against mistakes, the hashes against everybody else. */
static const char *const schema_steps[] = {
    "CREATE TABLE event ("
    "  seq INTEGER PRIMARY KEY NOT NULL,"
    "  time_us INTEGER NOT NULL,"
    "  kind TEXT NOT NULL,"
    "  asset TEXT,"
    "  key TEXT,"
    "  body BLOB NOT NULL,"
    "  signature BLOB,"
    "  previous BLOB NOT NULL,"
    "  hash BLOB NOT NULL"
    ") STRICT;"
    "CREATE INDEX event_by_kind ON event (kind, key, seq);"
    "CREATE INDEX event_by_asset ON event (asset, seq);"
    "CREATE TABLE head (one INTEGER PRIMARY KEY NOT NULL CHECK (one = 1),"
    "  seq INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;"
    "CREATE TRIGGER event_keeps BEFORE UPDATE ON event"
    "  BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;"
    "CREATE TRIGGER event_stays BEFORE DELETE ON event"
    "  BEGIN SELECT RAISE(ABORT, 'events are never removed'); END;",
    NULL,
};
static const struct store_schema schema = { APPLICATION, schema_steps };

static struct journal *open_in(const char *folder, enum store_mode mode, GError **error)
{
    g_autoptr(journal_t) journal = g_new0(struct journal, 1);
    g_autofree char *lock = g_build_filename(folder, "journal.lock", NULL);

    journal->path = g_build_filename(folder, "journal.db", NULL);
    journal->head_path = g_build_filename(folder, "journal.head", NULL);
    journal->lock = -1;
    if (mode == STORE_WRITE) {
        journal->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (journal->lock < 0) {
            errno_error(error, errno, "%s cannot be opened", lock);
            return NULL;
        }
    }
    journal->store = store_open(journal->path, &schema, mode, error);
    return journal->store ? g_steal_pointer(&journal) : NULL;
}

struct journal *journal_open(const char *folder, GError **error)
{
    return open_in(folder, STORE_WRITE, error);
}

struct journal *journal_open_existing(const char *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder, "journal.db", NULL);

    if (access(path, F_OK) != 0 && errno == ENOENT)
        return NULL;
    return open_in(folder, STORE_READ, error);
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    store_close(journal->store);
    if (journal->lock >= 0)
        close(journal->lock);
    g_free(journal->path);
    g_free(journal->head_path);
    g_free(journal);
}

gboolean journal_head(struct journal *journal, struct journal_head *head, GError **error)
{
    g_autoptr(query_t) query =
        store_query(journal->store, "SELECT seq, hash FROM head WHERE one = 1", error);
    const void *bytes;
    gboolean row;
    gsize length;

    memset(head, 0, sizeof *head);
    if (!query || !query_step(query, &row, error))
        return FALSE;
    if (!row)
        return TRUE;
    head->seq = (guint64)query_integer(query, 0);
    bytes = query_bytes(query, 1, &length);
    if (!bytes || length != JOURNAL_HASH)
        return found_error(error, "%s: its head is damaged", journal->path);
    memcpy(head->hash, bytes, JOURNAL_HASH);
    return TRUE;
}

char *journal_head_format(const struct journal_head *head)
{
    GString *text = g_string_new(NULL);

    g_string_printf(text, "%" G_GUINT64_FORMAT ":", head->seq);
    for (guint i = 0; i < JOURNAL_HASH; i++)
        g_string_append_printf(text, "%02x", head->hash[i]);
    return g_string_free(text, FALSE);
}

gboolean journal_head_parse(const char *text, struct journal_head *head, GError **error)
{
    const char *colon = strchr(text, ':');
    g_autofree char *digits = colon ? g_strndup(text, (gsize)(colon - text)) : NULL;

    if (!colon || strlen(colon + 1) != 2 * JOURNAL_HASH ||
        !g_ascii_string_to_unsigned(digits, 10, 1, G_MAXINT64, &head->seq, NULL))
        return input_error(error, "\"%s\" is not a journal's head (SEQ:64 hex digits)", text);
    for (guint i = 0; i < JOURNAL_HASH; i++) {
        int high = g_ascii_xdigit_value(colon[1 + 2 * i]);
        int low = g_ascii_xdigit_value(colon[2 + 2 * i]);

        if (high < 0 || low < 0)
            return input_error(error, "\"%s\" is not a journal's head (SEQ:64 hex digits)", text);
        head->hash[i] = (guint8)(high << 4 | low);
    }
    return TRUE;
}

static gboolean insert_event(struct journal *journal, const struct event *event, GError **error)
{
    g_autoptr(query_t) query = store_query(journal->store,
                                           "INSERT INTO event (" EVENT_COLUMNS ")"
                                           " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                                           error);
    gsize body_length, signature_length = 0;
    const void *body = g_bytes_get_data(event->body, &body_length);
    const void *signature =
        event->signature ? g_bytes_get_data(event->signature, &signature_length) : NULL;

    if (!query)
        return FALSE;
    query_bind_integer(query, 1, (gint64)event->seq);
    query_bind_integer(query, 2, event->time_us);
    query_bind_text(query, 3, event->kind);
    query_bind_text(query, 4, event->asset);
    query_bind_text(query, 5, event->key);
    query_bind_bytes(query, 6, body ? body : "", body_length);
    query_bind_bytes(query, 7, signature, signature_length);
    query_bind_bytes(query, 8, event->previous, JOURNAL_HASH);
    query_bind_bytes(query, 9, event->hash, JOURNAL_HASH);
    return query_run(query, error);
}

static gboolean set_head(struct journal *journal, const struct event *event, GError **error)
{
    g_autoptr(query_t) query =
        store_query(journal->store,
                    "INSERT INTO head (one, seq, hash) VALUES (1, $1, $2)"
                    " ON CONFLICT (one) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
                    error);

    if (!query)
        return FALSE;
    query_bind_integer(query, 1, (gint64)event->seq);
    query_bind_bytes(query, 2, event->hash, JOURNAL_HASH);
    return query_run(query, error);
}

static gboolean last_time(struct journal *journal, guint64 seq, gint64 *time_us, GError **error)
{
    g_autoptr(query_t) query =
        store_query(journal->store, "SELECT time_us FROM event WHERE seq = $1", error);
    gboolean row;

    if (!query)
        return FALSE;
    query_bind_integer(query, 1, (gint64)seq);
    if (!query_step(query, &row, error))
        return FALSE;
    *time_us = row ? query_integer(query, 0) : 0;
    return TRUE;
}

/* Inside a transaction: chains the event to the head and writes both. */
static gboolean append_in(struct journal *journal, struct event *event, GError **error)
{
    struct journal_head head;
    gint64 before;

    if (!journal_head(journal, &head, error) || !last_time(journal, head.seq, &before, error))
        return FALSE;
    event->seq = head.seq + 1;
    event->time_us = MAX(clock_now_us(), before);
    memcpy(event->previous, head.hash, JOURNAL_HASH);
    event_digest(event, event->hash);
    return insert_event(journal, event, error) && set_head(journal, event, error);
}

/* The head file may be behind (a kill between commit and here), never ahead. */
static void write_head_file(const struct journal *journal, const struct journal_head *head)
{
    g_autofree char *text = journal_head_format(head);
    g_autofree char *line = g_strconcat(text, "\n", NULL);
    g_autoptr(GError) error = NULL;

    if (!file_write(journal->head_path, line, strlen(line), 0600, &error))
        g_warning("the event is written, but not the head beside it: %s", error->message);
}

/*
 * The first append may have been killed before it wrote the head file. That is made good before a
 * second event is written, so that a missing file beside two events is somebody's doing.
 */
static gboolean settle_first_head(struct journal *journal, GError **error)
{
    struct journal_head head;

    if (access(journal->head_path, F_OK) == 0)
        return TRUE;
    if (!journal_head(journal, &head, error))
        return FALSE;
    if (head.seq == 1)
        write_head_file(journal, &head);
    return TRUE;
}

gboolean journal_append(struct journal *journal, struct event *event, GError **error)
{
    struct journal_head head;
    gboolean good;

    if (g_bytes_get_size(event->body) > JOURNAL_BODY_MAX)
        return input_error(error, "an event's body is longer than %u bytes", JOURNAL_BODY_MAX);
    if (flock(journal->lock, LOCK_EX) != 0)
        return errno_error(error, errno, "%s cannot be locked", journal->path);
    good = settle_first_head(journal, error) && store_begin(journal->store, error) &&
           append_in(journal, event, error) && store_commit(journal->store, error);
    if (good) {
        head.seq = event->seq;
        memcpy(head.hash, event->hash, JOURNAL_HASH);
        write_head_file(journal, &head);
    } else {
        store_rollback(journal->store);
    }
    flock(journal->lock, LOCK_UN);
    return good;
}

gboolean journal_note(struct journal *journal, const char *kind, const char *asset, const char *key,
                      const char *body, GError **error)
{
    g_autoptr(GBytes) bytes = g_bytes_new(body, strlen(body));
    struct event event = {
        .kind = (char *)kind, .asset = (char *)asset, .key = (char *)key, .body = bytes
    };

    return journal_append(journal, &event, error);
}

gboolean journal_each(struct journal *journal, const struct journal_filter *filter,
                      journal_each_fn each, gpointer data, GError **error)
{
    g_autoptr(query_t) query = store_query(
        journal->store,
        "SELECT " EVENT_COLUMNS " FROM event WHERE seq > $1 AND ($2 IS NULL OR kind = $2)"
        " AND ($3 IS NULL OR asset = $3) AND ($4 IS NULL OR key = $4) ORDER BY seq",
        error);
    gboolean row = TRUE, more = TRUE;

    if (!query)
        return FALSE;
    query_bind_integer(query, 1, (gint64)filter->after);
    query_bind_text(query, 2, filter->kind);
    query_bind_text(query, 3, filter->asset);
    query_bind_text(query, 4, filter->key);
    while (more) {
        struct event event;

        if (!query_step(query, &row, error))
            return FALSE;
        if (!row)
            break;
        if (!event_from_row(query, journal->path, &event, error))
            return FALSE;
        more = each(&event, data);
        event_clear(&event);
    }
    return TRUE;
}
