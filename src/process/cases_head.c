/*
 * cases_head.c: what lists and clocks need of a case, as rows: written anew whenever an event came
 * or a clock did something, so that no list ever folds a case.
 */
#include "process/cases_private.h"
#include "process/triage_private.h"

#include <string.h>

#define TITLE_FIELD "title"

static gboolean is_open(const struct case_clock *clock)
{
    return clock->standing == CLOCK_RUNNING || clock->standing == CLOCK_OVERDUE;
}

static gboolean is_ours(const struct cases *cases, const struct kase *kase,
                        const struct case_clock *clock)
{
    if (clock->bearer)
        return g_str_equal(clock->bearer, cases_self(cases, kase));
    return g_strcmp0(clock->clock->role, cases_role_of(kase, cases_self(cases, kase))) == 0;
}

static gboolean write_clocks(struct cases *cases, const struct kase *kase, GError **error)
{
    if (!cases_do(cases, error, "DELETE FROM clock WHERE id = $1", "t", kase->id))
        return FALSE;
    for (guint i = 0; i < kase->clocks->len; i++) {
        const struct case_clock *clock = kase->clocks->pdata[i];

        if (!cases_do(cases, error,
                      "INSERT INTO clock (id, kind, clock, instance, bearer, own, begun, due, met, "
                      "witnessed, standing, open) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, "
                      "$11, $12) "
                      "ON CONFLICT (id, clock, instance, bearer, begun) DO NOTHING",
                      "tttttiiiiiii", kase->id, kase->kind->id, clock->clock->id,
                      clock->instance ? clock->instance : "", clock->bearer ? clock->bearer : "",
                      (gint64)is_ours(cases, kase, clock), clock->from_us, clock->due_us,
                      clock->met_us, (gint64)clock->witnessed, (gint64)clock->standing,
                      (gint64)is_open(clock)))
            return FALSE;
    }
    return TRUE;
}

static gboolean write_parties(struct cases *cases, const struct kase *kase, GError **error)
{
    if (!cases_do(cases, error, "DELETE FROM party WHERE id = $1", "t", kase->id))
        return FALSE;
    for (guint i = 0; i < kase->parties->len; i++) {
        const struct case_party *party = kase->parties->pdata[i];

        if (!cases_do(cases, error,
                      "INSERT INTO party (id, party, role) VALUES ($1, $2, $3) "
                      "ON CONFLICT (id, party) DO UPDATE SET role = excluded.role",
                      "ttt", kase->id, party->id, party->role))
            return FALSE;
    }
    return TRUE;
}

/* The first text of the case that is one of these fields; NULL: none. */
static const char *text_among(const struct kase *kase, const char *const *ids)
{
    const char *text = NULL;

    for (; !text && ids && *ids; ids++) {
        const struct process_field *field = kind_field(kase->kind, *ids);

        if (field && (field->type == FIELD_LINE || field->type == FIELD_TEXT))
            text = json_text(kase->fields, field->id);
    }
    return text;
}

/*
 * The first line of what the case says of itself: its title, or the first text that opening takes.
 * What later steps say (who is brought in, why one leaves) is no subject.
 */
static char *title_of(const struct kase *kase)
{
    const char *title = json_text(kase->fields, TITLE_FIELD), *end;
    gsize length;

    if (!title)
        title = text_among(kase, kase->kind->opens_with);
    if (!title)
        title = text_among(kase, kase->kind->opens_may);
    if (!title)
        return g_strdup("");
    length = strcspn(title, "\r\n");
    if (length > CASES_TITLE_LENGTH) {
        end = g_utf8_find_prev_char(title, title + CASES_TITLE_LENGTH);
        length = end ? (gsize)(end - title) : 0;
    }
    return g_strndup(title, length);
}

static const struct case_entry *first_entry(const struct kase *kase)
{
    for (guint i = 0; i < kase->entries->len; i++) {
        const struct case_entry *entry = kase->entries->pdata[i];

        if (entry->event && entry->verdict == CASE_APPLIED)
            return entry;
    }
    return NULL;
}

/* Whether we said anything in it. */
static gboolean has_our_word(const struct cases *cases, const struct kase *kase)
{
    for (guint i = 0; i < kase->entries->len; i++) {
        const struct case_entry *entry = kase->entries->pdata[i];

        if (entry->event && entry->verdict == CASE_APPLIED &&
            g_str_equal(entry->event->from, cases_self(cases, kase)))
            return TRUE;
    }
    return FALSE;
}

struct head {
    const char *opener, *peer, *clock;
    gint64 due, due_own, wake; /* 0: none */
};

static void look_at_clocks(const struct cases *cases, const struct kase *kase, struct head *head)
{
    head->clock = "";
    for (guint i = 0; i < kase->clocks->len; i++) {
        const struct case_clock *clock = kase->clocks->pdata[i];

        if (clock->clock->then && clock->standing == CLOCK_RUNNING &&
            (!head->wake || clock->due_us < head->wake))
            head->wake = clock->due_us;
        if (!is_open(clock))
            continue;
        if (!head->due || clock->due_us < head->due) {
            head->due = clock->due_us;
            head->clock = clock->clock->id;
        }
        if (is_ours(cases, kase, clock) && (!head->due_own || clock->due_us < head->due_own))
            head->due_own = clock->due_us;
    }
}

static const char *peer_of(const struct cases *cases, const struct kase *kase)
{
    for (guint i = 0; i < kase->parties->len; i++) {
        const struct case_party *party = kase->parties->pdata[i];

        if (!g_str_equal(party->id, cases_self(cases, kase)))
            return party->id;
    }
    return "";
}

/* 0 becomes NULL: it has none. */
static void bind_time(struct query *query, int parameter, gint64 time_us)
{
    if (time_us)
        query_bind_integer(query, parameter, time_us);
    else
        query_bind_bytes(query, parameter, NULL, 0);
}

static gboolean write_head(struct cases *cases, const struct kase *kase, const struct head *head,
                           GError **error)
{
    const struct case_state *state = kase->states->len ? kase->states->pdata[0] : NULL;
    const gboolean fresh = !kase->ended_us && !has_our_word(cases, kase);
    const char *topic = json_text(kase->fields, CASES_TOPIC_FIELD);
    g_autofree char *title = title_of(kase), *inputs = NULL;
    g_autoptr(json_t) inputs_json = NULL;
    g_autoptr(query_t) query = NULL;
    gint64 rank, score, drafts;

    if (!cases_number(cases, &drafts, 0, error, "SELECT count(*) FROM draft WHERE case_id = $1",
                      "t", kase->id))
        return FALSE;
    query = cases_ask(
        cases, error,
        "INSERT INTO head (id, kind, state, title, opener, peer, topic, tlp, opened, changed, "
        "ended, clock, fresh, mine, erased, due, due_own, wake, erase, rank, score, inputs) VALUES "
        "($1, $2, "
        "$3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, $15, $16, $17, $18, $19, $20, "
        "$21) "
        "ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, state = excluded.state, "
        "title = excluded.title, opener = excluded.opener, peer = excluded.peer, "
        "topic = excluded.topic, tlp = excluded.tlp, opened = excluded.opened, "
        "changed = excluded.changed, ended = excluded.ended, clock = excluded.clock, "
        "fresh = excluded.fresh, mine = excluded.mine, due = excluded.due, "
        "due_own = excluded.due_own, wake = excluded.wake, erase = excluded.erase, "
        "rank = excluded.rank, score = excluded.score, inputs = excluded.inputs",
        "tttttttiiiitii", kase->id, kase->kind->id, state ? state->state : "", title, head->opener,
        head->peer, kase->kind->own && topic ? topic : "", (gint64)kase->tlp, kase->opened_us,
        kase->changed_us, kase->ended_us, head->clock, (gint64)fresh,
        (gint64)(!kase->ended_us && (fresh || head->due_own || drafts)));
    if (!query)
        return FALSE;
    bind_time(query, 15, kase->ended_us ? 0 : head->due);
    bind_time(query, 16, kase->ended_us ? 0 : head->due_own);
    bind_time(query, 17, kase->ended_us ? 0 : head->wake);
    bind_time(query, 18, kase->ended_us ? kase->ended_us + kase->kind->retention_days * DAY_US : 0);
    if (triage_is_waiting(kase, cases->self)) {
        score = triage_inputs_score(kase->kind, kase->fields);
        rank = triage_rank(score, kase->opened_us);
        query_bind_integer(query, 19, rank);
        query_bind_integer(query, 20, score);
        inputs_json = triage_inputs(kase->kind, kase->fields);
        inputs = json_dumps(inputs_json, JSON_COMPACT);
        query_bind_text(query, 21, inputs);
    } else {
        bind_time(query, 19, 0);
        bind_time(query, 20, 0);
        bind_time(query, 21, 0);
    }
    return query_run(query, error);
}

gboolean cases_head_write(struct cases *cases, const struct kase *kase, gint64 now_us,
                          GError **error)
{
    const struct case_entry *first = first_entry(kase);
    struct head head = { .opener = first ? first->event->from : "" };

    (void)now_us;
    head.peer = peer_of(cases, kase);
    look_at_clocks(cases, kase, &head);
    return write_clocks(cases, kase, error) && write_parties(cases, kase, error) &&
           write_head(cases, kase, &head, error) && triage_outcome_write(cases, kase, error);
}
