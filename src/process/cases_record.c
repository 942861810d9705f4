/*
 * cases_record.c: one event becomes part of a case: judged, kept, and queued for whom it is for.
 */
#include "base/error.h"
#include "process/cases_private.h"

#include <string.h>

#define PARTY_FIELD "party"

static const struct {
    enum case_verdict verdict;
    const char *why;
} reasons[] = {
    { CASE_OVERTAKEN, "another event came before it in the order of the case" },
    { CASE_GAP, "events before it are missing; it waits for them" },
    { CASE_MALFORMED, "it is no event of a case, or not in its canonical form" },
    { CASE_SIGNATURE, "no signature of its author verifies" },
    { CASE_UNKNOWN_KEY, "signed by a key that its author does not have" },
    { CASE_REVOKED, "the key that signed it was revoked" },
    { CASE_EXPIRED, "the key that signed it was not delegated for its time" },
    { CASE_ROLE, "the key that signed it may not speak for its author in cases" },
    { CASE_OTHER_LOG, "it names another community's log" },
    { CASE_MIS_ADDRESSED, "it is not addressed to us" },
    { CASE_REPLAYED, "it is here already" },
    { CASE_FORKED, "its author signed another event under the same number" },
    { CASE_NOT_POSSIBLE, "no such step is possible from the state its author knew" },
    { CASE_APPROVALS, "the step needs the signatures of two people" },
    { CASE_FIELD, "its fields are not as the kind says" },
    { CASE_TLP, "it is more closed than the kind may carry" },
    { CASE_TIME, "its time is before what it names, or too far ahead" },
    { CASE_UNKNOWN_KIND, "there is no such kind of case here" },
    { CASE_NOT_A_PARTY, "its author is no party of the case" },
    { CASE_TOO_LARGE, "it is larger than an event may be, or names more bytes of files than a "
                      "report without an account may" },
};

static char *reason(enum case_verdict verdict)
{
    for (guint i = 0; i < G_N_ELEMENTS(reasons); i++)
        if (reasons[i].verdict == verdict)
            return g_strdup(reasons[i].why);
    return NULL;
}

static gboolean insert(struct cases *cases, const struct case_event *event, gint64 now_us,
                       enum case_verdict verdict, GError **error)
{
    struct folded *folded = g_hash_table_lookup(cases->folds, event->id);
    gint64 number;

    if (!cases_number(cases, &number, 1, error, "SELECT max(number) + 1 FROM event", "") ||
        !cases_do(cases, error,
                  "INSERT INTO event (number, hash, id, author, stream, seq, verdict, signers, "
                  "received, envelope) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                  "ihtttiiiib", number, &event->hash, event->id, event->from, event->stream,
                  (gint64)event->seq, (gint64)verdict, (gint64)event->signers, now_us,
                  event->envelope))
        return FALSE;
    if (folded)
        folded->number = number;
    return TRUE;
}

/* An event that comes before others, or that others waited for, changes what they are worth. */
static gboolean settle_others(struct cases *cases, struct case_fold *fold, const struct kase *kase,
                              const struct case_event *event, GError **error)
{
    const struct case_entry *last =
        kase->entries->len ? kase->entries->pdata[kase->entries->len - 1] : NULL;
    gint64 waiting;

    if (!cases_number(cases, &waiting, 0, error,
                      "SELECT count(*) FROM event WHERE id = $1 AND verdict = $2", "ti", kase->id,
                      (gint64)CASE_GAP))
        return FALSE;
    if (waiting == 0 && last && last->event && last->event == event)
        return TRUE;
    for (guint i = 0; i < kase->entries->len; i++) {
        const struct case_entry *entry = kase->entries->pdata[i];

        if (entry->event &&
            !cases_do(cases, error,
                      "UPDATE event SET verdict = $1 WHERE hash = $2 AND verdict <> $1", "ih",
                      (gint64)entry->verdict, &entry->event->hash))
            return FALSE;
    }
    return TRUE;
}

gboolean cases_queue(struct cases *cases, const struct case_event *event, const char *recipient,
                     gint64 now_us, GError **error)
{
    if (g_str_equal(recipient, cases->self) || g_str_equal(recipient, event->from))
        return TRUE;
    return cases_do(cases, error,
                    "INSERT INTO outbox (recipient, id, author, stream, seq, event, attempts, "
                    "next, created) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $7) "
                    "ON CONFLICT (event, recipient) DO NOTHING",
                    "ttttihi", recipient, event->id, event->from, event->stream, (gint64)event->seq,
                    &event->hash, now_us);
}

/* The party that an event brings in; NULL: none. */
static const char *brought_in(const struct case_entry *entry)
{
    if (!entry->event || !entry->step || entry->verdict != CASE_APPLIED ||
        (entry->step->effect != EFFECT_ADD_PARTY && entry->step->effect != EFFECT_OFFER))
        return NULL;
    return json_text(entry->event->fields, PARTY_FIELD);
}

/* Whoever brings in a party hands on to it what it may read of others, then and later. */
static gboolean queue_for_brought_in(struct cases *cases, const struct kase *kase,
                                     const struct case_entry *bringing,
                                     const struct case_event *event, gint64 now_us, GError **error)
{
    const char *party = brought_in(bringing);
    const gboolean bringing_now = bringing->event == event;

    if (!party || !g_str_equal(bringing->event->from, cases->self))
        return TRUE;
    if (bringing_now && !cases_queue(cases, event, party, now_us, error))
        return FALSE;
    for (guint i = 0; i < kase->entries->len; i++) {
        const struct case_entry *entry = kase->entries->pdata[i];

        if (entry->event && entry->verdict != CASE_GAP && (bringing_now || entry->event == event) &&
            case_event_is_for(kase, entry->event, party) &&
            !g_strv_contains((const char *const *)entry->event->to, party) &&
            !cases_queue(cases, entry->event, party, now_us, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean queue(struct cases *cases, const struct kase *kase, const struct case_event *event,
                      gint64 now_us, GError **error)
{
    if (g_str_equal(event->stream, CASE_STREAM_LOCAL))
        return TRUE;
    if (g_str_equal(event->from, cases->self))
        for (char **to = event->to; *to; to++)
            if (!cases_queue(cases, event, *to, now_us, error))
                return FALSE;
    for (guint i = 0; i < kase->entries->len; i++)
        if (!queue_for_brought_in(cases, kase, kase->entries->pdata[i], event, now_us, error))
            return FALSE;
    return TRUE;
}

/*
 * How many events count against another that may have to wait: of a party its own that wait; of
 * others, who need no more than the case's number and a fresh key to send some, all of theirs.
 */
static gboolean count_waiting(struct cases *cases, const struct case_event *event, gint64 *waiting,
                              GError **error)
{
    gint64 party;

    if (!cases_number(cases, &party, 0, error, "SELECT 1 FROM party WHERE id = $1 AND party = $2",
                      "tt", event->id, event->from))
        return FALSE;
    return party ? cases_number(cases, waiting, 0, error,
                                "SELECT count(*) FROM event WHERE id = $1 AND verdict = $2 "
                                "AND author = $3",
                                "tit", event->id, (gint64)CASE_GAP, event->from)
                 : cases_number(cases, waiting, 0, error,
                                "SELECT count(*) FROM event WHERE id = $1 "
                                "AND author NOT IN (SELECT party FROM party WHERE id = $1)",
                                "t", event->id);
}

/*
 * Each party has its own share, which no other can use up; what we say ourselves is always kept.
 * All that others say counts as waiting.
 */
static gboolean has_share_left(struct cases *cases, const struct case_event *event, gboolean *left,
                               GError **error)
{
    gint64 events, parties;

    *left = g_str_equal(event->from, cases->self);
    if (*left)
        return TRUE;
    if (!cases_number(cases, &events, 0, error,
                      "SELECT count(*) FROM event WHERE id = $1 AND author = $2", "tt", event->id,
                      event->from) ||
        !cases_number(cases, &parties, 0, error, "SELECT count(*) FROM party WHERE id = $1", "t",
                      event->id))
        return FALSE;
    *left = events < MAX(CASES_EVENTS_LIMIT / MAX(parties, 1), CASES_SHARE_LEAST);
    return TRUE;
}

/* What waits for the opening of some case anybody can send: all of it together has a bound. */
static gboolean may_wait_unopened(struct cases *cases, const struct case_event *event,
                                  gboolean *may, GError **error)
{
    gint64 opened, unopened;

    G_STATIC_ASSERT(CASE_GAP == 2);
    if (!cases_number(cases, &opened, 0, error, "SELECT 1 FROM head WHERE id = $1", "t", event->id))
        return FALSE;
    *may = opened || case_event_opens(event);
    if (*may)
        return TRUE;
    if (!cases_number(cases, &unopened, 0, error,
                      "SELECT count(*) FROM event WHERE verdict = 2 AND NOT EXISTS (SELECT 1 FROM "
                      "head WHERE head.id = event.id)",
                      ""))
        return FALSE;
    *may = unopened < CASES_UNOPENED_LIMIT;
    return TRUE;
}

/* Enough waits already, or the case's content is gone. */
static gboolean may_come(struct cases *cases, const struct case_event *event,
                         enum case_verdict *verdict, char **why, GError **error)
{
    gint64 erased, waiting;
    gboolean left, may_wait;

    if (!cases_number(cases, &erased, 0, error, "SELECT erased FROM head WHERE id = $1", "t",
                      event->id) ||
        !count_waiting(cases, event, &waiting, error) ||
        !has_share_left(cases, event, &left, error) ||
        !may_wait_unopened(cases, event, &may_wait, error))
        return FALSE;
    if (erased) {
        *verdict = CASE_NOT_POSSIBLE;
        *why = g_strdup("the content of the case was erased when its retention ended");
    } else if (!may_wait) {
        *verdict = CASE_TOO_LARGE;
        *why = g_strdup_printf("nobody opened its case yet, and %u events wait for such already",
                               CASES_UNOPENED_LIMIT);
    } else if ((waiting >= CASES_WAITING_LIMIT && !case_event_opens(event)) || !left) {
        *verdict = CASE_TOO_LARGE;
        *why = g_strdup_printf("the case has as many events of its author as it may (of %u for all "
                               "parties; %u may wait)",
                               CASES_EVENTS_LIMIT, CASES_WAITING_LIMIT);
    } else {
        *verdict = CASE_APPLIED;
    }
    return TRUE;
}

/* An event that is here already; with signatures of more people it counts for more. */
static gboolean strengthen(struct cases *cases, struct case_event *event, gint64 signers,
                           gint64 now_us, GError **error)
{
    struct case_fold *fold;
    const struct kase *kase;

    cases->fresh_us = now_us;
    if (case_event_verify(event, &cases->options.fold.keys) != CASE_APPLIED ||
        event->signers <= signers)
        return TRUE;
    fold = cases_fold(cases, event->id, error);
    if (!fold)
        return FALSE;
    case_fold_add(fold, event, now_us);
    kase = case_fold_at(fold, now_us);
    return cases_do(cases, error, "UPDATE event SET signers = $1, envelope = $2 WHERE hash = $3",
                    "ibh", (gint64)event->signers, event->envelope, &event->hash) &&
           (!kase->kind || (settle_others(cases, fold, kase, NULL, error) &&
                            cases_head_write(cases, kase, now_us, error)));
}

/* The signers of an event that is here with its bytes; -1: erased, -2: it is not here. */
static gboolean find(struct cases *cases, const struct case_hash *hash, gint64 *signers,
                     GError **error)
{
    return cases_number(cases, signers, -2, error,
                        "SELECT CASE WHEN envelope IS NULL THEN -1 ELSE signers END FROM event "
                        "WHERE hash = $1",
                        "h", hash);
}

gboolean cases_record(struct cases *cases, struct case_event *event, gint64 now_us,
                      enum case_verdict *verdict, char **why, GError **error)
{
    struct case_fold *fold;
    const struct kase *kase;
    gint64 signers;

    *why = NULL;
    if (!find(cases, &event->hash, &signers, error))
        return FALSE;
    if (signers >= -1) {
        *verdict = CASE_REPLAYED;
        *why = reason(*verdict);
        return signers < 0 || strengthen(cases, event, signers, now_us, error);
    }
    if (!may_come(cases, event, verdict, why, error))
        return FALSE;
    if (*verdict != CASE_APPLIED) {
        if (!*why)
            *why = reason(*verdict);
        return TRUE;
    }
    fold = cases_fold(cases, event->id, error);
    if (!fold)
        return FALSE;
    cases->fresh_us = now_us;
    *verdict = case_fold_add(fold, event, now_us);
    *why = reason(*verdict);
    /* What the fold holds is kept, whatever it is worth: it has its place in its author's chain and
     * may come to count; or it lost a fork, and others may name it, or have it for the first. */
    if (case_fold_verdict(fold, &event->hash) == CASE_UNKNOWN_KIND)
        return TRUE;
    kase = case_fold_at(fold, now_us);
    return insert(cases, event, now_us, *verdict, error) &&
           cases_files_announce(cases, event, g_str_equal(event->from, cases_self(cases, kase)),
                                error) &&
           (!kase->kind || (settle_others(cases, fold, kase, event, error) &&
                            queue(cases, kase, event, now_us, error) &&
                            cases_head_write(cases, kase, now_us, error)));
}

enum case_verdict cases_take(struct cases *cases, GBytes *envelope, gint64 now_us, char **why,
                             GError **error)
{
    enum case_verdict verdict = CASE_MALFORMED;
    g_autoptr(case_event_t) event = NULL;
    g_autofree char *reason_text = NULL;
    g_autoptr(GError) malformed = NULL;

    if (why)
        *why = NULL;
    if (g_bytes_get_size(envelope) > CASE_EVENT_LIMIT) {
        verdict = CASE_TOO_LARGE;
        reason_text = reason(verdict);
    } else if (!(event = case_event_parse(envelope, &malformed))) {
        reason_text = g_strdup(malformed->message);
    } else if (!store_begin(cases->store, error) ||
               !cases_finish(cases,
                             cases_record(cases, event, now_us, &verdict, &reason_text, error),
                             error)) {
        return CASE_GAP; /* with `error` set: nothing is decided, and it may come again */
    }
    if (why)
        *why = g_steal_pointer(&reason_text);
    return verdict;
}
