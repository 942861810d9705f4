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
#include "statement/base64.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TICK_LIMIT 1000  /* cases of one kind of work in one call; the rest comes with the next */
#define ORPHAN_US DAY_US /* a file that no event names yet may be one being attached */

/* --- erasure --- */

/* Attachments that only this case has. */
static gboolean drop_attachments(struct cases *cases, const char *id, GPtrArray *files,
                                 GError **error)
{
    g_autoptr(query_t) query = NULL;
    gboolean row;

    query = cases_ask(cases, error,
                      "SELECT sha256 FROM attached a WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM "
                      "attached b WHERE b.sha256 = a.sha256 AND b.id <> $1)",
                      "t", id);
    for (;;) {
        struct case_hash hash;

        if (!query || !query_step(query, &row, error))
            return FALSE;
        if (!row)
            break;
        if (cases_hash_column(query, 0, &hash))
            g_ptr_array_add(files, case_hash_hex(&hash));
    }
    return cases_do(cases, error,
                    "DELETE FROM part WHERE sha256 IN (SELECT sha256 FROM attached a WHERE id = $1 "
                    "AND NOT EXISTS (SELECT 1 FROM attached b WHERE b.sha256 = a.sha256 AND "
                    "b.id <> $1))",
                    "t", id) &&
           cases_do(cases, error,
                    "DELETE FROM attachment WHERE sha256 IN (SELECT sha256 FROM attached a WHERE "
                    "id = $1 AND NOT EXISTS (SELECT 1 FROM attached b WHERE b.sha256 = a.sha256 "
                    "AND b.id <> $1))",
                    "t", id) &&
           cases_do(cases, error, "DELETE FROM attached WHERE id = $1", "t", id);
}

gboolean cases_erase_case(struct cases *cases, const char *id, GPtrArray *files, GError **error)
{
    static const char *const statements[] = {
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
    if (!drop_attachments(cases, id, files, error) || !triage_outcome_fold(cases, id, error))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(statements); i++)
        if (!cases_do(cases, error, statements[i], "t", id))
            return FALSE;
    /* Our own stay ours: their timeliness is ours to prove. */
    return cases_do(cases, error, "UPDATE event SET author = '' WHERE id = $1 AND author <> $2",
                    "tt", id, cases->self);
}

static gboolean remove_files(struct cases *cases, const GPtrArray *names, GError **error)
{
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path =
            g_build_filename(cases->data_folder, CASES_ATTACHMENTS, names->pdata[i], NULL);
        g_autofree char *part = g_strconcat(path, CASES_PART_SUFFIX, NULL);

        if ((unlink(path) != 0 && errno != ENOENT) || (unlink(part) != 0 && errno != ENOENT))
            return errno_error(error, errno, "%s cannot be removed", path);
    }
    return TRUE;
}

/* A file that no event names: its event was never recorded, or its erasure was interrupted. */
static gboolean is_orphan(struct cases *cases, const char *folder, const char *name, gint64 now_us,
                          gboolean *orphan, GError **error)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *hex = g_strndup(name, 2 * CASE_HASH_SIZE);
    struct case_hash hash;
    struct stat status;
    gint64 known = 0;

    *orphan = FALSE;
    if (lstat(path, &status) != 0 || !S_ISREG(status.st_mode) ||
        now_us - status.st_mtime * G_USEC_PER_SEC < ORPHAN_US)
        return TRUE;
    if (hex_decode_into(hex, hash.bytes, sizeof hash.bytes) &&
        !cases_number(cases, &known, 0, error, "SELECT 1 FROM attachment WHERE sha256 = $1", "h",
                      &hash))
        return FALSE;
    *orphan = known == 0;
    return TRUE;
}

static gboolean remove_orphans(struct cases *cases, gint64 now_us, GError **error)
{
    g_autofree char *folder = g_build_filename(cases->data_folder, CASES_ATTACHMENTS, NULL);
    g_autoptr(GDir) directory = g_dir_open(folder, 0, error);
    const char *name;

    if (!directory)
        return FALSE;
    while ((name = g_dir_read_name(directory))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        gboolean orphan;

        if (!is_orphan(cases, folder, name, now_us, &orphan, error))
            return FALSE;
        if (orphan && unlink(path) != 0)
            return errno_error(error, errno, "%s cannot be removed", path);
    }
    return TRUE;
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

static gboolean erase_old(struct cases *cases, gint64 now_us, GPtrArray *files, guint *erased,
                          GError **error)
{
    g_autoptr(GPtrArray) list = due_ids(
        cases,
        "SELECT id FROM head WHERE erase IS NOT NULL AND erase <= $1 ORDER BY erase LIMIT $2",
        now_us, error);

    for (guint i = 0; list && i < list->len; i++) {
        if (!cases_erase_case(cases, list->pdata[i], files, error))
            return FALSE;
        ++*erased;
    }
    return list != NULL;
}

/* Cases that were never opened here, with all that waits in them. */
static gboolean drop_unopened(struct cases *cases, gint64 now_us, GPtrArray *files, GError **error)
{
    g_autoptr(GPtrArray) list =
        due_ids(cases,
                "SELECT DISTINCT id FROM event WHERE verdict = 2 AND received < $1 AND NOT EXISTS "
                "(SELECT 1 FROM head WHERE head.id = event.id) LIMIT $2",
                now_us - CASES_UNOPENED_DAYS * DAY_US, error);

    for (guint i = 0; list && i < list->len; i++) {
        const char *id = list->pdata[i];

        cases_fold_forget(cases, id);
        if (!drop_attachments(cases, id, files, error) ||
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
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
    guint erased = 0;
    gboolean done;

    *happened = 0;
    if (!store_begin(cases->store, error))
        return FALSE;
    done = wake(cases, now_us, happened, error) &&
           erase_old(cases, now_us, files, &erased, error) &&
           drop_unopened(cases, now_us, files, error) && drop_old(cases, now_us, error);
    if (!cases_finish(cases, done, error))
        return FALSE;
    *happened += erased;
    if (!remove_files(cases, files, error) || !remove_orphans(cases, now_us, error))
        return FALSE;
    return (!erased && !cases->unshed) || shed(cases, error);
}

static gboolean erase_ended(struct cases *cases, const char *id, GPtrArray *files, GError **error)
{
    g_autofree char *whole = cases_resolve(cases, id, error);
    gint64 ended;

    if (!whole ||
        !cases_number(cases, &ended, 0, error, "SELECT ended FROM head WHERE id = $1", "t", whole))
        return FALSE;
    if (!ended)
        return policy_error(error, "case %.12s is open: it is erased once it ended", whole);
    return cases_erase_case(cases, whole, files, error);
}

gboolean cases_erase(struct cases *cases, const char *id, GError **error)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);

    return store_begin(cases->store, error) &&
           cases_finish(cases, erase_ended(cases, id, files, error), error) &&
           remove_files(cases, files, error) && shed(cases, error);
}
