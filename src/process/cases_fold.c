/* cases_fold.c: cases that are folded and kept so, and what of them is asked for most. */
#include "base/error.h"
#include "process/cases_private.h"

#include <string.h>

#define FOLDED_LIMIT 64 /* cases kept folded */
#define ID_DIGITS 4     /* at least, of an abbreviated id */

const char *cases_role_of(const struct kase *kase, const char *party)
{
    for (guint i = 0; i < kase->parties->len; i++) {
        const struct case_party *other = kase->parties->pdata[i];

        if (!other->left && g_str_equal(other->id, party))
            return other->role;
    }
    return NULL;
}

/*
 * A key that was revoked by the time an event came signs nothing any more, whatever time the event
 * claims: who stole it would claim an earlier one. What was taken before stays.
 */
GPtrArray *cases_keys(gpointer data, const char *party, gint64 time_us, const char *hint,
                      enum case_verdict *why)
{
    struct cases *cases = data;

    *why = CASE_UNKNOWN_KEY;
    if (!cases->keys.keys)
        return NULL;
    if (cases->fresh_us > time_us) {
        enum case_verdict now = CASE_APPLIED;
        g_autoptr(GPtrArray) keys =
            cases->keys.keys(cases->keys.data, party, cases->fresh_us, hint, &now);

        if (now == CASE_REVOKED) {
            *why = now;
            return NULL;
        }
    }
    return cases->keys.keys(cases->keys.data, party, time_us, hint, why);
}

/* Adds the events after `folded->number`. */
static gboolean catch_up(struct cases *cases, const char *id, struct folded *folded, GError **error)
{
    g_autoptr(query_t) query = NULL;
    gboolean row = FALSE, good = TRUE;

    query = cases_ask(
        cases, error,
        "SELECT number, envelope, received, signers FROM event WHERE id = $1 AND number > $2 "
        "ORDER BY number",
        "ti", id, folded->number);
    if (!query)
        return FALSE;
    while (good && (good = query_step(query, &row, error)) && row) {
        gsize length;
        const void *bytes = query_bytes(query, 1, &length);
        g_autoptr(GBytes) envelope = NULL;
        g_autoptr(case_event_t) event = NULL;

        folded->number = query_integer(query, 0);
        if (!bytes)
            continue; /* erased */
        envelope = g_bytes_new(bytes, length);
        event = case_event_parse(envelope, error);
        good = event != NULL;
        if (!good)
            break;
        event->signers = (guint)query_integer(query, 3); /* they were judged when it came */
        /* One that is in it already came again because its time was proven. */
        if (case_fold_add(folded->fold, event, query_integer(query, 2)) == CASE_REPLAYED)
            case_fold_refresh(folded->fold);
    }
    return good;
}

struct case_fold *cases_fold(struct cases *cases, const char *id, GError **error)
{
    struct folded *folded = g_hash_table_lookup(cases->folds, id);

    if (!folded) {
        if (g_hash_table_size(cases->folds) >= FOLDED_LIMIT)
            g_hash_table_remove_all(cases->folds);
        folded = g_new0(struct folded, 1);
        folded->fold = case_fold_new(&cases->options.fold);
        g_hash_table_insert(cases->folds, g_strdup(id), folded);
    }
    if (!catch_up(cases, id, folded, error)) {
        cases_fold_forget(cases, id);
        return NULL;
    }
    return folded->fold;
}

void cases_fold_forget(struct cases *cases, const char *id)
{
    g_hash_table_remove(cases->folds, id);
}

char *cases_resolve(struct cases *cases, const char *id, GError **error)
{
    g_autoptr(query_t) query = NULL;
    g_autofree char *found = NULL, *after = NULL;
    gsize length = strlen(id);
    gboolean row;

    if (length < ID_DIGITS || length > CASE_ID_SIZE || strspn(id, "0123456789abcdef") != length) {
        input_error(error, "\"%s\" is no case: give at least %d hex digits of its number", id,
                    ID_DIGITS);
        return NULL;
    }
    after = g_strconcat(id, "g", NULL); /* the first text after all that begin so */
    query = cases_ask(cases, error,
                      "SELECT id FROM head WHERE id >= $1 AND id < $2 ORDER BY id LIMIT 2", "tt",
                      id, after);
    if (!query || !query_step(query, &row, error))
        return NULL;
    if (!row) {
        input_error(error, "there is no case %s here (entente case list)", id);
        return NULL;
    }
    found = cases_text_column(query, 0);
    if (!query_step(query, &row, error))
        return NULL;
    if (row) {
        input_error(error, "\"%s\" is the beginning of more than one case: %.12s, %.12s", id, found,
                    query_text(query, 0));
        return NULL;
    }
    return g_steal_pointer(&found);
}

gboolean cases_has(struct cases *cases, const char *id)
{
    g_autofree char *after = g_strconcat(id, "g", NULL);
    gint64 there;

    return cases_number(cases, &there, 0, NULL,
                        "SELECT count(*) FROM head WHERE id >= $1 AND id < $2", "tt", id, after) &&
           there > 0;
}

const struct kase *cases_get(struct cases *cases, const char *id, gint64 now_us, GError **error)
{
    g_autofree char *whole = cases_resolve(cases, id, error);
    struct case_fold *fold;
    gint64 erased;

    if (!whole || !cases_number(cases, &erased, 0, error, "SELECT erased FROM head WHERE id = $1",
                                "t", whole))
        return NULL;
    if (erased) {
        input_error(error, "case %.12s: its content was erased when its retention ended", whole);
        return NULL;
    }
    fold = cases_fold(cases, whole, error);
    return fold ? case_fold_at(fold, now_us) : NULL;
}
