/* cases_outbox.c: what is on its way, until its recipient acknowledged it. */
#include "process/cases_private.h"
#include "statement/base64.h"

#include <string.h>

void outbox_row_free(struct outbox_row *row)
{
    if (!row)
        return;
    g_free(row->recipient);
    g_free(row->id);
    g_free(row->author);
    g_free(row->stream);
    g_bytes_unref(row->envelope);
    g_free(row);
}

static void row_free(gpointer data)
{
    outbox_row_free(data);
}

GPtrArray *cases_outbox(struct cases *cases, gint64 now_us, guint limit, GError **error)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(row_free);
    g_autoptr(query_t) query = NULL;
    gboolean more;

    query = cases_ask(
        cases, error,
        "SELECT o.number, o.recipient, o.id, o.event, event.envelope, o.attempts, o.next, "
        "o.created, "
        "o.author, o.stream, o.seq "
        "FROM outbox o JOIN event ON event.hash = o.event WHERE o.next <= $1 AND "
        "event.envelope IS NOT NULL "
        "ORDER BY o.recipient, (SELECT min(f.number) FROM outbox f WHERE f.recipient = o.recipient "
        "AND f.id = o.id), o.number LIMIT $2",
        "ii", now_us, (gint64)limit);
    if (!query)
        return NULL;
    for (;;) {
        struct outbox_row *row;
        const void *bytes;
        gsize length;

        if (!query_step(query, &more, error))
            return NULL;
        if (!more)
            return g_steal_pointer(&rows);
        row = g_new0(struct outbox_row, 1);
        row->number = (guint64)query_integer(query, 0);
        row->recipient = cases_text_column(query, 1);
        row->id = cases_text_column(query, 2);
        cases_hash_column(query, 3, &row->event);
        bytes = query_bytes(query, 4, &length);
        row->envelope = g_bytes_new(bytes, length);
        row->attempts = (guint)query_integer(query, 5);
        row->next_us = query_integer(query, 6);
        row->created_us = query_integer(query, 7);
        row->author = cases_text_column(query, 8);
        row->stream = cases_text_column(query, 9);
        row->seq = (guint32)query_integer(query, 10);
        g_ptr_array_add(rows, row);
    }
}

json_t *cases_undelivered(struct cases *cases, const char *id, GError **error)
{
    g_autoptr(query_t) query = cases_ask(
        cases, error, "SELECT event, recipient, attempts FROM outbox WHERE id = $1 ORDER BY number",
        "t", id);
    g_autoptr(json_t) list = json_array();
    gboolean more;

    for (;;) {
        g_autofree char *hex = NULL;
        struct case_hash hash;

        if (!query || !query_step(query, &more, error))
            return NULL;
        if (!more)
            return g_steal_pointer(&list);
        if (!cases_hash_column(query, 0, &hash))
            continue;
        hex = case_hash_hex(&hash);
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:I}", "event", hex, "to", query_text(query, 1),
                                        "attempts", (json_int_t)query_integer(query, 2)));
    }
}

gboolean cases_sent(struct cases *cases, guint64 number, gint64 next_us, GError **error)
{
    return cases_do(cases, error,
                    "UPDATE outbox SET attempts = attempts + 1, next = $1 WHERE number = $2", "ii",
                    next_us, (gint64)number);
}

gboolean cases_arrived(struct cases *cases, const char *recipient, const char *id,
                       const char *author, const char *stream, guint32 seq, GError **error)
{
    return cases_do(cases, error,
                    "DELETE FROM outbox WHERE recipient = $1 AND id = $2 AND stream = $3 AND "
                    "author = $4 AND seq <= $5",
                    "tttti", recipient, id, stream, author, (gint64)seq);
}

GHashTable *cases_waiting(struct cases *cases, const char *id, GError **error)
{
    g_autoptr(GHashTable) waiting = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(query_t) query = cases_ask(
        cases, error, "SELECT DISTINCT author, stream FROM event WHERE id = $1 AND verdict = $2",
        "ti", id, (gint64)CASE_GAP);
    gboolean row;

    for (;;) {
        if (!query || !query_step(query, &row, error))
            return NULL;
        if (!row)
            return g_steal_pointer(&waiting);
        g_hash_table_add(waiting,
                         g_strconcat(query_text(query, 0), "\n", query_text(query, 1), NULL));
    }
}

/* --- what others gave to us alone --- */

/* Also what lost a fork since it was named: who lacks it waits for it all the same. */
static gboolean hand_on(struct cases *cases, const struct case_fold *fold, const struct kase *kase,
                        const struct case_hash *hash, const char *recipient, gint64 now_us,
                        GError **error)
{
    const struct case_event *event = case_fold_event(fold, hash);

    return !event || g_str_equal(event->from, cases->self) ||
           !case_event_is_for(kase, event, recipient) ||
           cases_queue(cases, event, recipient, now_us, error);
}

gboolean cases_hand_on(struct cases *cases, const struct outbox_row *row, gint64 now_us,
                       GError **error)
{
    g_autoptr(case_event_t) event = case_event_parse(row->envelope, error);
    struct case_fold *fold = event ? cases_fold(cases, row->id, error) : NULL;
    const struct kase *kase = fold ? case_fold_at(fold, now_us) : NULL;
    const char *author;
    json_t *head;

    if (!kase)
        return FALSE;
    if (event->has_previous &&
        !hand_on(cases, fold, kase, &event->previous, row->recipient, now_us, error))
        return FALSE;
    json_object_foreach(event->heads, author, head)
    {
        struct case_hash hash;

        if (hex_decode_into(json_string_value(head), hash.bytes, sizeof hash.bytes) &&
            !hand_on(cases, fold, kase, &hash, row->recipient, now_us, error))
            return FALSE;
    }
    return TRUE;
}

GArray *cases_events_between(struct cases *cases, gint64 from_us, gint64 until_us, GError **error)
{
    g_autoptr(GArray) hashes = g_array_new(FALSE, FALSE, sizeof(struct case_hash));
    g_autoptr(query_t) query = NULL;
    gboolean more;

    query = cases_ask(cases, error,
                      "SELECT hash FROM event WHERE received >= $1 AND received < $2 ORDER BY hash",
                      "ii", from_us, until_us);
    if (!query)
        return NULL;
    for (;;) {
        struct case_hash hash;

        if (!query_step(query, &more, error))
            return NULL;
        if (!more)
            return g_steal_pointer(&hashes);
        if (cases_hash_column(query, 0, &hash))
            g_array_append_val(hashes, hash);
    }
}
