#include "process/case_private.h"

#include "statement/shape.h"

#include <string.h>

#define ROLES_FIELD "roles"
#define REASON_FIELD "reason"

/* --- what the author knew --- */

/* Whether `wanted` is among the causes of `slot`; what lies less deep is not looked at. */
static gboolean is_cause(const struct slot *slot, const struct slot *wanted)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    g_autoptr(GPtrArray) left = g_ptr_array_new();

    g_ptr_array_add(left, (gpointer)slot);
    while (left->len) {
        const struct slot *at = g_ptr_array_steal_index_fast(left, left->len - 1);

        if (at == wanted)
            return TRUE;
        if (at->depth <= wanted->depth || !g_hash_table_add(seen, (gpointer)at))
            continue;
        if (at->previous)
            g_ptr_array_add(left, at->previous);
        for (guint i = 0; at->heads && i < at->heads->len; i++)
            g_ptr_array_add(left, at->heads->pdata[i]);
    }
    return FALSE;
}

static gboolean knew(const struct slot *slot, const struct slot *wanted)
{
    if (g_str_equal(slot->event->from, wanted->event->from))
        return TRUE;
    /* Streams are chains of their own: what was said in another is taken as not known. */
    if (!g_str_equal(slot->event->stream, wanted->event->stream))
        return FALSE;
    return is_cause(slot, wanted);
}

static gboolean changed_unknown(const struct slot *slot, const struct case_state *state)
{
    return state && state->change && (!state->change->cause || !knew(slot, state->change->cause));
}

/* --- rows --- */

static gboolean other_machines_are(const struct kase *kase, const struct process_step *step,
                                   const char *instance)
{
    for (const char *const *when = step->when; when && *when; when++) {
        const char *slash = strchr(*when, '/');
        g_autofree char *machine = g_strndup(*when, (gsize)(slash - *when));
        const struct case_state *state = kase_state(kase, machine, NULL);

        if (!state)
            state = kase_state(kase, machine, instance);
        if (!state || !g_str_equal(state->state, slash + 1))
            return FALSE;
    }
    return TRUE;
}

static gboolean is_earlier(const struct kase *kase, const struct process_step *step,
                           const struct case_state *state)
{
    gint64 first_us, second_us;

    return !step->earlier[0] ||
           (kase_field_time(kase, state, step->earlier[0], &first_us) &&
            kase_field_time(kase, state, step->earlier[1], &second_us) && first_us < second_us);
}

static gboolean has_value(const struct kase *kase, const struct process_step *step,
                          const struct case_state *state)
{
    return !step->only.field ||
           g_strcmp0(json_string_value(kase_field(kase, state, step->only.field)),
                     step->only.value) == 0;
}

gboolean case_guards_hold(const struct kase *kase, const struct process_step *step,
                          const struct case_state *state, const char *party)
{
    return other_machines_are(kase, step, state->instance) && is_earlier(kase, step, state) &&
           has_value(kase, step, state) &&
           !(step->by_other && party && g_strcmp0(state->by, party) == 0);
}

static gboolean row_is(const struct process_step *step, const struct case_state *state,
                       const char *event, const char *role)
{
    return g_str_equal(step->event, event) && g_str_equal(step->machine, state->machine->id) &&
           kind_step_by(step, role);
}

static gboolean possible_from(const struct kase *kase, const struct case_state *state,
                              const char *from, const char *event, const char *role)
{
    for (const struct process_step *step = kase->kind->steps; step->machine; step++)
        if (row_is(step, state, event, role) && kind_step_from(step, state->machine, from))
            return TRUE;
    return FALSE;
}

/* Whether what came between, and its author could not know, is why a step is not possible. */
static gboolean is_overtaken(const struct kase *kase, const struct slot *slot,
                             const struct case_state *state, const char *role)
{
    const char *event = slot->event->event;

    for (const struct case_change *change = state->change;
         change && (!change->cause || !knew(slot, change->cause)); change = change->older)
        if (possible_from(kase, state, change->from, event, role))
            return TRUE;
    if (!possible_from(kase, state, state->state, event, role))
        return FALSE;
    /* A guard: on other machines; not on those that move in streams which some do not see. */
    for (guint i = 0; i < kase->states->len; i++) {
        const struct case_state *other = kase->states->pdata[i];

        if (other != state && !other->machine->apart && changed_unknown(slot, other))
            return TRUE;
    }
    return FALSE;
}

/* --- one event --- */

static gboolean stream_is_of(const char *stream, const char *role, const char *party)
{
    return g_str_has_prefix(stream, role) && stream[strlen(role)] == ':' &&
           g_str_equal(stream + strlen(role) + 1, party);
}

static gboolean stream_is_valid(const struct kase *kase, const char *stream)
{
    const char *colon = strchr(stream, ':');
    const struct case_party *party = colon ? kase_party(kase, colon + 1) : NULL;

    if (!colon)
        return g_str_equal(stream, CASE_STREAM_SHARED) || g_str_equal(stream, CASE_STREAM_LOCAL);
    for (const struct process_machine *machine = kase->kind->machines; machine->id; machine++)
        if (machine->apart && party && stream_is_of(stream, machine->per_party, party->id))
            return TRUE;
    return FALSE;
}

/* Whether a step may be said in a stream: what all must learn is said to all. */
static gboolean stream_carries(const struct kase *kase, const struct process_step *step,
                               const struct case_event *event, const struct case_state *state)
{
    gboolean changes = !g_str_equal(step->to, "=") || step->effect || step->causes || step->sets;

    if (kase->kind->own)
        return TRUE;
    if (step->local || g_str_equal(event->stream, CASE_STREAM_LOCAL))
        return step->local && g_str_equal(event->stream, CASE_STREAM_LOCAL);
    if (g_str_equal(event->stream, CASE_STREAM_SHARED))
        return TRUE;
    if (step->tells_all)
        return FALSE;
    return state->instance && state->machine->apart
               ? stream_is_of(event->stream, state->machine->per_party, state->instance)
               : !changes;
}

static enum case_verdict judge_level(const struct kase *kase, const struct case_event *event,
                                     const struct case_party *party)
{
    if (event->tlp > kase->kind->tlp_ceiling)
        return CASE_TLP;
    return event->tlp >= kase->tlp || kase_owns(kase, party) ? CASE_APPLIED : CASE_TLP;
}

/* Those it is for are parties who see the stream, or the one whom it brings in. */
static enum case_verdict judge_recipients(const struct kase *kase, const struct case_event *event,
                                          const struct case_options *options)
{
    const char *comes = json_text(event->fields, "party");
    const char *self = options->self;

    if (g_str_equal(event->stream, CASE_STREAM_LOCAL) && event->to[0])
        return CASE_MIS_ADDRESSED;
    for (guint i = 0; event->to[i]; i++)
        if (!case_stream_is_seen(kase, event->stream, event->to[i]) &&
            g_strcmp0(event->to[i], comes) != 0)
            return CASE_MIS_ADDRESSED;
    /* What was said before the party that folds came in is a matter of what it may see then. */
    return !self || case_event_is_for(kase, event, self) ||
                   (!kase_party(kase, self) && event->tlp != TLP_RED)
               ? CASE_APPLIED
               : CASE_MIS_ADDRESSED;
}

/* Whether an effect may be had: the party that comes, goes, takes over. */
static enum case_verdict judge_effect(const struct kase *kase, const struct case_event *event,
                                      const struct process_step *step,
                                      const struct case_party *party)
{
    static const struct shape members[] = { { "party", SHAPE_PARTY, 0, 0, 0, NULL, NULL }, { 0 } };
    const char *id = json_text(event->fields, "party");
    const char *role_id = json_text(event->fields, "role");
    const struct process_role *role = kind_role(kase->kind, role_id);
    const struct case_party *there = kase_party(kase, id);
    const gboolean comes = case_step_brings_in(step);

    if (comes && (!shape_check(event->fields, members, "fields", NULL) ||
                  (step->effect == EFFECT_ADD_PARTY && !role)))
        return CASE_FIELD;
    if (comes && ((there && !there->left) || kase->parties->len >= CASE_PARTIES_LIMIT))
        return CASE_NOT_POSSIBLE;
    if (comes) {
        const struct case_arrival arrival =
            case_arrival(kase, party->id, event->tlp, role ? role_id : party->role);

        if (arrival.closed || arrival.source)
            return CASE_TLP;
        if (arrival.reason && !json_text(event->fields, REASON_FIELD))
            return CASE_FIELD;
    }
    if (step->effect == EFFECT_ADD_PARTY && !case_role_is_free(kase, role))
        return CASE_NOT_POSSIBLE;
    if ((step->effect == EFFECT_TAKE_OVER || step->effect == EFFECT_REFUSE) && !party->offered_by)
        return CASE_NOT_POSSIBLE;
    if (step->effect == EFFECT_TAKE_OVER && kase_party(kase, party->offered_by)->left)
        return CASE_NOT_POSSIBLE;
    return CASE_APPLIED;
}

/* Who was only offered a role may take it over, refuse it, or ask. */
static gboolean waits_for_role(const struct case_party *party, const struct process_step *step)
{
    return party->offered_by && step->effect != EFFECT_TAKE_OVER && step->effect != EFFECT_REFUSE &&
           !(g_str_equal(step->to, "=") && !step->effect && !step->causes && !step->sets);
}

/* The row of the table that an event takes; else why there is none. */
static const struct process_step *find_row(const struct kase *kase, const struct slot *slot,
                                           const struct case_state *state,
                                           const struct case_party *party,
                                           enum case_verdict *verdict)
{
    const char *event = slot->event->event;
    gboolean named = FALSE, allowed = FALSE;

    for (const struct process_step *step = kase->kind->steps; step->machine; step++) {
        if (!row_is(step, state, event, NULL))
            continue;
        named = TRUE;
        if (!kind_step_by(step, party->role))
            continue;
        allowed = TRUE;
        if (kind_step_from(step, state->machine, state->state) &&
            case_guards_hold(kase, step, state, party->id))
            return step;
    }
    *verdict = !named                                         ? CASE_NOT_POSSIBLE
               : !allowed                                     ? CASE_ROLE
               : is_overtaken(kase, slot, state, party->role) ? CASE_OVERTAKEN
                                                              : CASE_NOT_POSSIBLE;
    return NULL;
}

static enum case_verdict judge_step(const struct kase *kase, const struct moment *moment,
                                    struct case_state **state, const struct process_step **step)
{
    const struct case_event *event = moment->slot->event;
    const struct case_party *party = kase_party(kase, event->from);
    const struct process_machine *machine = kind_machine(kase->kind, event->machine);
    enum case_verdict verdict = CASE_APPLIED;

    if (!party || party->left || !case_stream_is_seen(kase, event->stream, event->from))
        return CASE_NOT_A_PARTY;
    if (!stream_is_valid(kase, event->stream) || !machine)
        return CASE_NOT_POSSIBLE;
    *state = kase_state(kase, machine->id, event->instance);
    if (!*state)
        return CASE_NOT_POSSIBLE;
    /* A party speaks for its own instance; others for whom their role allows it. */
    if (g_strcmp0(machine->per_party, party->role) == 0 && !g_str_equal(event->instance, party->id))
        return CASE_ROLE;
    *step = find_row(kase, moment->slot, *state, party, &verdict);
    if (!*step)
        return verdict;
    if (waits_for_role(party, *step))
        return CASE_ROLE;
    if (!stream_carries(kase, *step, event, *state))
        return CASE_NOT_POSSIBLE;
    if (event->signers < (*step)->approvals)
        return CASE_APPROVALS;
    if (!kind_fields_check(kase->kind, event->fields, (*step)->needs, (*step)->takes, NULL))
        return CASE_FIELD;
    verdict = judge_level(kase, event, party);
    if (verdict == CASE_APPLIED)
        verdict = judge_effect(kase, event, *step, party);
    return verdict == CASE_APPLIED ? judge_recipients(kase, event, moment->options) : verdict;
}

/* --- the opening --- */

static const char *opening_role(const struct kind *kind, const struct case_event *event,
                                const char *party, gboolean opens)
{
    const char *said = json_text(json_object_get(event->fields, ROLES_FIELD), party);

    for (const struct process_role *role = kind->roles; role->id; role++)
        if (said ? g_str_equal(said, role->id) && (!opens || role->opens)
                 : (opens ? role->opens : role->addressed))
            return role->id;
    return NULL;
}

/* Whether the roles of an opening are the kind's, and each that is one party's is given once. */
static gboolean roles_are_good(const struct kind *kind, const struct case_event *event)
{
    g_autoptr(GHashTable) given = g_hash_table_new(g_str_hash, g_str_equal);
    const json_t *roles = json_object_get(event->fields, ROLES_FIELD);
    const char *role = opening_role(kind, event, event->from, TRUE);

    if ((roles && !json_is_object(roles)) || !role)
        return FALSE;
    g_hash_table_add(given, (gpointer)role);
    for (guint i = 0; event->to[i]; i++) {
        role = opening_role(kind, event, event->to[i], FALSE);
        if (!role || g_str_equal(event->to[i], event->from) ||
            (!g_hash_table_add(given, (gpointer)role) && !kind_role(kind, role)->many))
            return FALSE;
    }
    return TRUE;
}

/* Bytes of the files of an event; of more than a report may announce, one more than that. */
static guint64 size_of_files(const struct case_event *event)
{
    guint64 size = 0;

    for (guint i = 0; i < event->attachments->len && size <= CASE_REPORT_FILES_LIMIT; i++) {
        const struct case_attachment *file = event->attachments->pdata[i];

        size += MIN(file->size, CASE_REPORT_FILES_LIMIT + 1);
    }
    return MIN(size, CASE_REPORT_FILES_LIMIT + 1);
}

enum case_verdict case_judge_opening(const struct case_event *event)
{
    const struct kind *kind = kind_find(event->kind);
    g_autoptr(json_t) fields = NULL;

    if (event->seq != 1 || !g_str_equal(event->event, CASE_EVENT_OPEN) || event->instance ||
        event->heads || !g_str_equal(event->stream, CASE_STREAM_SHARED))
        return CASE_NOT_POSSIBLE;
    if (!kind)
        return CASE_UNKNOWN_KIND;
    if (!g_str_equal(event->machine, kind->machines[0].id))
        return CASE_NOT_POSSIBLE;
    if (case_party_is_key(event->from) && !kind->anonymous)
        return CASE_NOT_A_PARTY;
    if (event->signers < kind->opens_approvals)
        return CASE_APPROVALS;
    fields = json_copy(event->fields);
    json_object_del(fields, ROLES_FIELD);
    if (!kind_fields_check(kind, fields, kind->opens_with, kind->opens_may, NULL))
        return CASE_FIELD;
    if (event->tlp > kind->tlp_ceiling)
        return CASE_TLP;
    if (kind->own && event->to[0])
        return CASE_MIS_ADDRESSED;
    if (!roles_are_good(kind, event))
        return CASE_FIELD;
    return case_party_is_key(event->from) && size_of_files(event) > CASE_REPORT_FILES_LIMIT
               ? CASE_TOO_LARGE
               : CASE_APPLIED;
}

static void open_case(struct kase *kase, const struct moment *moment)
{
    const struct case_event *event = moment->slot->event;

    kase->kind = kind_find(event->kind);
    kase->id = g_strdup(event->id);
    kase->tlp = event->tlp;
    kase->opened_us = kase->changed_us = moment->time_us;
    case_add_party(kase, moment, event->from, opening_role(kase->kind, event, event->from, TRUE));
    for (guint i = 0; event->to[i]; i++)
        case_add_party(kase, moment, event->to[i],
                       opening_role(kase->kind, event, event->to[i], FALSE));
    case_merge_fields(kase, moment, NULL);
    case_start(kase, moment);
    case_run_causes(kase, moment, kase->kind->opens_causes, NULL, 1);
}

/* --- both --- */

static struct case_entry *keep_entry(struct kase *kase, const struct moment *moment,
                                     enum case_verdict verdict, const struct process_step *step,
                                     const struct case_state *state)
{
    struct case_entry *entry = kase_entry(kase);

    entry->event = moment->slot->event;
    entry->verdict = verdict;
    entry->clock_us = moment->time_us;
    entry->witnessed = moment->witnessed;
    if (verdict == CASE_APPLIED && step) {
        entry->step = step;
        entry->instance = g_strdup(state->instance);
        entry->from_state = state->state;
        entry->to_state = g_str_equal(step->to, "=") ? state->state : step->to;
    }
    return entry;
}

static gboolean is_accepted(enum case_verdict verdict)
{
    return verdict == CASE_APPLIED || verdict == CASE_OVERTAKEN;
}

/* The files of accepted events are taken: of one without an account so many bytes in a case. */
static enum case_verdict judge_files(const struct kase *kase, const struct case_event *event,
                                     enum case_verdict verdict)
{
    const struct case_party *party;

    if (!event->attachments->len || !case_party_is_key(event->from) || !is_accepted(verdict))
        return verdict;
    party = kase_party(kase, event->from);
    return (party ? party->files : 0) + size_of_files(event) > CASE_REPORT_FILES_LIMIT
               ? CASE_TOO_LARGE
               : verdict;
}

static void count_files(struct kase *kase, const struct case_event *event)
{
    struct case_party *party = event->attachments->len && case_party_is_key(event->from)
                                   ? kase_party(kase, event->from)
                                   : NULL;

    if (party)
        party->files += size_of_files(event);
}

enum case_verdict case_judge(struct kase *kase, const struct moment *moment)
{
    const struct case_event *event = moment->slot->event;
    const struct process_step *step = NULL;
    struct case_state *state = NULL;
    struct case_entry *entry;
    enum case_verdict verdict = moment->slot->fixed;

    if (verdict == CASE_APPLIED && kase->kind)
        verdict = g_str_equal(event->event, CASE_EVENT_OPEN)
                      ? CASE_NOT_POSSIBLE
                      : judge_step(kase, moment, &state, &step);
    verdict = judge_files(kase, event, verdict);
    entry = keep_entry(kase, moment, verdict, step, state);
    if (verdict == CASE_OVERTAKEN)
        count_files(kase, event);
    if (verdict != CASE_APPLIED)
        return verdict;
    if (event->tlp == TLP_RED && g_str_equal(event->stream, CASE_STREAM_SHARED))
        kase->red = TRUE;
    if (step) {
        case_mark(kase, event, step);
        case_merge_fields(kase, moment, state);
        case_take_step(kase, moment, step, state);
    } else {
        entry->to_state = kind_find(event->kind)->machines[0].start;
        open_case(kase, moment);
        case_mark(kase, event, NULL);
    }
    count_files(kase, event);
    return verdict;
}
