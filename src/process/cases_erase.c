/*
 * cases_erase.c: what time does: clocks that run out, drafts and waiting events that grew too old,
 * and cases past their retention, of which only numbers stay.
 *
 * Of an erased case there stay: the hashes of its events with when they came (so that none can come
 * again, and our own timeliness can be proven), its kind, last state and times, and its clocks.
 * What it was about, who took part, every event, attachment and note are gone from the disk.
 */
#include "base/error.h"
#include "process/cases_private.h"
#include "process/triage_private.h"

#define TICK_LIMIT 1000 /* cases of one kind of work in one call; the rest comes with the next */
#define DROP_FILES(TABLE) "DELETE FROM " TABLE " WHERE id = $1"

/* --- erasure --- */

gboolean cases_erase_case(struct cases *cases, const char *id, GPtrArray *gone, GError **error)
{
    static const char *const statements[] = {
        DROP_FILES("part"),
        DROP_FILES("attached"),
        DROP_FILES("attachment"),
        "DELETE FROM outbox WHERE id = $1",
        "DELETE FROM draft WHERE case_id = $1",
        "DELETE FROM party WHERE id = $1",
        "DELETE FROM recused WHERE id = $1",
        "DELETE FROM event WHERE id = $1 AND verdict IN (2, 12) AND number < (SELECT max(number) "
        "FROM event)",
        "UPDATE event SET envelope = NULL, stream = '' WHERE id = $1",
        "UPDATE clock SET instance = '', bearer = '' WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM "
        "clock o WHERE o.id = clock.id AND o.clock = clock.clock AND o.begun = clock.begun AND "
        "o.instance || ' ' || o.bearer < clock.instance || ' ' || clock.bearer)",
        "DELETE FROM clock WHERE id = $1 AND (instance <> '' OR bearer <> '')",
        "UPDATE head SET title = '', opener = '', peer = '', topic = '', clock = '', mine = 0, "
        "fresh = 0, due = NULL, due_own = NULL, wake = NULL, erase = NULL, rank = NULL, "
        "score = NULL, inputs = NULL, erased = 1 WHERE id = $1",
    };

    G_STATIC_ASSERT(CASE_GAP == 2 && CASE_FORKED == 12);
    cases_fold_forget(cases, id);
    g_ptr_array_add(gone, g_strdup(id));
    if (!triage_outcome_fold(cases, id, error))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(statements); i++)
        if (!cases_do(cases, error, statements[i], "t", id))
            return FALSE;
    /* Our own stay ours: their timeliness is ours to prove. */
    return cases_do(cases, error, "UPDATE event SET author = '' WHERE id = $1 AND author <> $2",
                    "tt", id, cases->self);
}

/* A reader may be in the way: then with the next tick. */
static gboolean shed(struct cases *cases, GError **error)
{
    gboolean gone;

    if (!store_shed(cases->store, &gone, error))
        return FALSE;
    cases->unshed = !gone;
    return TRUE;
}

/* --- what time does --- */

static GPtrArray *ids(struct query *query, GError **error)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    gboolean row;

    for (;;) {
        if (!query || !query_step(query, &row, error))
            return NULL;
        if (!row)
            return g_steal_pointer(&list);
        g_ptr_array_add(list, cases_text_column(query, 0));
    }
}

static GPtrArray *due_ids(struct cases *cases, const char *sql, gint64 now_us, GError **error)
{
    g_autoptr(query_t) query = cases_ask(cases, error, sql, "ii", now_us, (gint64)TICK_LIMIT);

    return ids(query, error);
}

/* Clocks that ran out and do something: their cases are folded again, once each. */
static gboolean wake(struct cases *cases, gint64 now_us, guint *happened, GError **error)
{
    g_autoptr(GPtrArray) list = due_ids(
        cases, "SELECT id FROM head WHERE wake IS NOT NULL AND wake < $1 ORDER BY wake LIMIT $2",
        now_us, error);

    for (guint i = 0; list && i < list->len; i++) {
        struct case_fold *fold = cases_fold(cases, list->pdata[i], error);

        if (!fold || !cases_head_write(cases, case_fold_at(fold, now_us), now_us, error))
            return FALSE;
        ++*happened;
    }
    return list != NULL;
}

static gboolean erase_old(struct cases *cases, gint64 now_us, GPtrArray *gone, guint *erased,
                          GError **error)
{
    g_autoptr(GPtrArray) list = due_ids(
        cases,
        "SELECT id FROM head WHERE erase IS NOT NULL AND erase <= $1 ORDER BY erase LIMIT $2",
        now_us, error);

    for (guint i = 0; list && i < list->len; i++) {
        if (!cases_erase_case(cases, list->pdata[i], gone, error))
            return FALSE;
        ++*erased;
    }
    return list != NULL;
}

/* Cases that were never opened here, with all that waits in them. */
static gboolean drop_unopened(struct cases *cases, gint64 now_us, GPtrArray *gone, GError **error)
{
    g_autoptr(GPtrArray) list =
        due_ids(cases,
                "SELECT DISTINCT id FROM event WHERE verdict = 2 AND received < $1 AND NOT EXISTS "
                "(SELECT 1 FROM head WHERE head.id = event.id) LIMIT $2",
                now_us - CASES_UNOPENED_DAYS * DAY_US, error);

    for (guint i = 0; list && i < list->len; i++) {
        const char *id = list->pdata[i];

        cases_fold_forget(cases, id);
        g_ptr_array_add(gone, g_strdup(id));
        if (!cases_do(cases, error, DROP_FILES("part"), "t", id) ||
            !cases_do(cases, error, DROP_FILES("attached"), "t", id) ||
            !cases_do(cases, error, DROP_FILES("attachment"), "t", id) ||
            !cases_do(cases, error,
                      "DELETE FROM event WHERE id = $1 AND verdict = 2 AND number < (SELECT "
                      "max(number) FROM event)",
                      "t", id))
            return FALSE;
    }
    return list != NULL;
}

static gboolean drop_old(struct cases *cases, gint64 now_us, GError **error)
{
    G_STATIC_ASSERT(CASE_GAP == 2);
    return cases_do(cases, error, "DELETE FROM draft WHERE created < $1", "i",
                    now_us - CASES_DRAFT_DAYS * DAY_US) &&
           cases_do(cases, error,
                    "DELETE FROM event WHERE verdict = 2 AND received < $1 AND number < (SELECT "
                    "max(number) FROM event)",
                    "i", now_us - CASES_WAITING_DAYS * DAY_US);
}

gboolean cases_tick(struct cases *cases, gint64 now_us, guint *happened, GError **error)
{
    g_autoptr(GPtrArray) gone = g_ptr_array_new_with_free_func(g_free);
    guint erased = 0;
    gboolean done;

    *happened = 0;
    if (!store_begin(cases->store, error))
        return FALSE;
    done = wake(cases, now_us, happened, error) && erase_old(cases, now_us, gone, &erased, error) &&
           drop_unopened(cases, now_us, gone, error) && drop_old(cases, now_us, error);
    if (!cases_finish(cases, done, error))
        return FALSE;
    *happened += erased;
    if (!cases_files_remove(cases, gone, error) || !cases_sweep(cases, now_us, error))
        return FALSE;
    return (!erased && !cases->unshed) || shed(cases, error);
}

static gboolean erase_ended(struct cases *cases, const char *id, GPtrArray *gone, GError **error)
{
    g_autofree char *whole = cases_resolve(cases, id, error);
    gint64 ended;

    if (!whole ||
        !cases_number(cases, &ended, 0, error, "SELECT ended FROM head WHERE id = $1", "t", whole))
        return FALSE;
    if (!ended)
        return policy_error(error, "case %.12s is open: it is erased once it ended", whole);
    return cases_erase_case(cases, whole, gone, error);
}

gboolean cases_erase(struct cases *cases, const char *id, GError **error)
{
    g_autoptr(GPtrArray) gone = g_ptr_array_new_with_free_func(g_free);

    return store_begin(cases->store, error) &&
           cases_finish(cases, erase_ended(cases, id, gone, error), error) &&
           cases_files_remove(cases, gone, error) && shed(cases, error);
}
