/* verify.c: whether the journal is what was appended. */
#include "base/error.h"
#include "base/file.h"
#include "journal/journal_private.h"

#include <string.h>
#include <unistd.h>

#define HEAD_FILE_MAX 200 /* bytes of journal.head */

/* A head that some event must match. */
struct pinned {
    const char *what;
    struct journal_head head;
    gboolean there;
};

enum { PINNED_DATABASE, PINNED_FILE, PINNED_KNOWN, PINNED_COUNT };

static gboolean read_head_file(const struct journal *journal, struct pinned *pinned, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(GBytes) bytes = NULL;
    g_autofree char *text = NULL;
    gsize length;

    if (access(journal->head_path, F_OK) != 0)
        return TRUE;
    bytes = file_read(journal->head_path, HEAD_FILE_MAX, error);
    if (!bytes)
        return FALSE;
    text = g_strndup(g_bytes_get_data(bytes, &length), g_bytes_get_size(bytes));
    if (!journal_head_parse(g_strchomp(text), &pinned->head, &problem))
        return found_error(error, "%s: damaged: %s", journal->head_path, problem->message);
    pinned->there = TRUE;
    return TRUE;
}

/* One event against its own hash, the one before it, and every head that names it. */
static gboolean check_event(const struct journal *journal, const struct event *event,
                            const struct journal_head *before, const struct pinned *pinned,
                            GError **error)
{
    guint8 hash[JOURNAL_HASH];

    if (event->seq != before->seq + 1)
        return found_error(error, "%s: event %" G_GUINT64_FORMAT " is missing", journal->path,
                           before->seq + 1);
    event_digest(event, hash);
    if (memcmp(hash, event->hash, JOURNAL_HASH) != 0)
        return found_error(error, "%s: event %" G_GUINT64_FORMAT " was altered", journal->path,
                           event->seq);
    if (memcmp(event->previous, before->hash, JOURNAL_HASH) != 0)
        return found_error(error,
                           "%s: event %" G_GUINT64_FORMAT " does not follow the one before it",
                           journal->path, event->seq);
    for (guint i = 0; i < PINNED_COUNT; i++)
        if (pinned[i].there && pinned[i].head.seq == event->seq &&
            memcmp(pinned[i].head.hash, event->hash, JOURNAL_HASH) != 0)
            return found_error(error,
                               "%s: event %" G_GUINT64_FORMAT " is not the one that %s names",
                               journal->path, event->seq, pinned[i].what);
    return TRUE;
}

static gboolean check_heads(const struct journal *journal, const struct journal_head *last,
                            const struct pinned *pinned, GError **error)
{
    for (guint i = 0; i < PINNED_COUNT; i++)
        if (pinned[i].there && pinned[i].head.seq > last->seq)
            return found_error(error,
                               "%s: cut off after event %" G_GUINT64_FORMAT
                               ": %s names event %" G_GUINT64_FORMAT,
                               journal->path, last->seq, pinned[i].what, pinned[i].head.seq);
    if (pinned[PINNED_DATABASE].head.seq != last->seq)
        return found_error(error,
                           "%s: its own head names event %" G_GUINT64_FORMAT
                           ", but %" G_GUINT64_FORMAT " is the last",
                           journal->path, pinned[PINNED_DATABASE].head.seq, last->seq);
    /* An append that was killed right after its commit leaves no head file only the first time. */
    if (!pinned[PINNED_FILE].there && last->seq > 1)
        return found_error(error, "%s is missing", journal->head_path);
    return TRUE;
}

gboolean journal_verify(struct journal *journal, const struct journal_head *known,
                        struct journal_head *head, GError **error)
{
    struct pinned pinned[PINNED_COUNT] = {
        [PINNED_DATABASE] = { .what = "its own head", .there = TRUE },
        [PINNED_FILE] = { .what = "journal.head" },
        [PINNED_KNOWN] = { .what = "the head given", .there = known != NULL },
    };
    g_autoptr(query_t) query = NULL;

    memset(head, 0, sizeof *head);
    if (known)
        pinned[PINNED_KNOWN].head = *known;
    /* The file first: what is appended meanwhile can only make the journal longer. */
    if (!read_head_file(journal, &pinned[PINNED_FILE], error) ||
        !store_check(journal->store, error))
        return FALSE;
    /* One statement is one view of the database; the head is read with the rows. */
    query = store_query(journal->store,
                        "SELECT " EVENT_COLUMNS
                        ", (SELECT seq FROM head), (SELECT hash FROM head) FROM event ORDER BY seq",
                        error);
    if (!query)
        return FALSE;
    for (;;) {
        struct event event;
        const void *hash;
        gboolean row, good;
        gsize length;

        if (!query_step(query, &row, error))
            return FALSE;
        if (!row)
            break;
        hash = query_bytes(query, 10, &length);
        if (!hash || length != JOURNAL_HASH)
            return found_error(error, "%s: its head is missing or damaged", journal->path);
        pinned[PINNED_DATABASE].head.seq = (guint64)query_integer(query, 9);
        memcpy(pinned[PINNED_DATABASE].head.hash, hash, JOURNAL_HASH);
        if (!event_from_row(query, journal->path, &event, error))
            return FALSE;
        good = check_event(journal, &event, head, pinned, error);
        head->seq = event.seq;
        memcpy(head->hash, event.hash, JOURNAL_HASH);
        event_clear(&event);
        if (!good)
            return FALSE;
    }
    if (head->seq == 0 && !journal_head(journal, &pinned[PINNED_DATABASE].head, error))
        return FALSE;
    return check_heads(journal, head, pinned, error);
}
