/* cases_refresh.c: what is known of an event's author, and of its time once that was proven. */
#include "process/cases_private.h"

char *cases_author(struct cases *cases, const struct case_hash *event)
{
    g_autoptr(query_t) query =
        cases_ask(cases, NULL, "SELECT author FROM event WHERE hash = $1", "h", event);
    gboolean row;

    return query && query_step(query, &row, NULL) && row ? cases_text_column(query, 0) : NULL;
}

static char *case_of(struct cases *cases, const struct case_hash *event)
{
    g_autoptr(query_t) query =
        cases_ask(cases, NULL, "SELECT id FROM event WHERE hash = $1", "h", event);
    gboolean row;

    return query && query_step(query, &row, NULL) && row ? cases_text_column(query, 0) : NULL;
}

/* The event comes last again, so that every process that keeps its case folded notices. */
static gboolean write_anew(struct cases *cases, const char *id, const struct case_hash *event,
                           gint64 now_us, GError **error)
{
    struct case_fold *fold;
    const struct kase *kase;

    if (!cases_do(cases, error,
                  "UPDATE event SET number = (SELECT max(number) + 1 FROM event) WHERE hash = $1",
                  "h", event))
        return FALSE;
    fold = cases_fold(cases, id, error);
    if (!fold)
        return FALSE;
    kase = case_fold_at(fold, now_us);
    return !kase->kind || cases_head_write(cases, kase, now_us, error);
}

gboolean cases_refresh(struct cases *cases, const struct case_hash *event, gint64 now_us,
                       GError **error)
{
    g_autofree char *id = case_of(cases, event);

    return !id || (store_begin(cases->store, error) &&
                   cases_finish(cases, write_anew(cases, id, event, now_us, error), error));
}
