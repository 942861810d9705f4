#include "process/case_private.h"

#include <string.h>

#define FOLLOW_DEPTH 8 /* steps that cause steps that cause steps */
#define ROLES_FIELD "roles"
#define TEXT_FIELD "text"

static const char *author_of(const struct moment *moment)
{
    return moment->slot ? moment->slot->event->from : NULL;
}

static const char *text_of(const struct moment *moment, const char *field)
{
    return json_text(moment->slot->event->fields, field);
}

static void set_text(char **where, const char *text)
{
    g_free(*where);
    *where = g_strdup(text);
}

/* `by`: who led it there. */
static void enter(struct kase *kase, const struct moment *moment, struct case_state *state,
                  const char *to, const char *by)
{
    const char *from = state->state;

    if (from) {
        struct case_change *change = g_new0(struct case_change, 1);

        *change = (struct case_change){ 1, from, moment->slot, state->change };
        state->change = change;
    }
    state->state = to;
    state->since_us = moment->time_us;
    state->since_witnessed = moment->witnessed;
    if (g_strcmp0(state->by, by) != 0)
        set_text(&state->by, by);
    case_clocks_moved(kase, moment, state, from);
    if (state->machine == kase->kind->machines)
        kase->ended_us = kind_is_end(state->machine, to) ? moment->time_us : 0;
}

static void start_machine(struct kase *kase, const struct moment *moment,
                          const struct process_machine *machine, const char *instance)
{
    struct case_state *state = g_new0(struct case_state, 1);

    state->machine = machine;
    state->instance = g_strdup(instance);
    g_ptr_array_add(kase->states, state);
    enter(kase, moment, state, machine->start, NULL);
}

void case_start(struct kase *kase, const struct moment *moment)
{
    for (const struct process_machine *machine = kase->kind->machines; machine->id; machine++)
        if (!machine->per_party)
            start_machine(kase, moment, machine, NULL);
}

static void start_instances(struct kase *kase, const struct moment *moment,
                            const struct case_party *party)
{
    for (const struct process_machine *machine = kase->kind->machines; machine->id; machine++)
        if (g_strcmp0(machine->per_party, party->role) == 0 &&
            !kase_state(kase, machine->id, party->id))
            start_machine(kase, moment, machine, party->id);
}

static struct case_party *put_party(struct kase *kase, const char *id, const char *role)
{
    struct case_party *party = kase_party(kase, id);

    if (!party) {
        party = g_new0(struct case_party, 1);
        party->id = g_strdup(id);
        g_ptr_array_add(kase->parties, party);
    }
    set_text(&party->role, role);
    set_text(&party->offered_by, NULL);
    party->left = FALSE;
    return party;
}

void case_add_party(struct kase *kase, const struct moment *moment, const char *id,
                    const char *role)
{
    start_instances(kase, moment, put_party(kase, id, role));
}

static void effect_add(struct kase *kase, const struct moment *moment)
{
    case_add_party(kase, moment, text_of(moment, "party"), text_of(moment, "role"));
}

static void effect_offer(struct kase *kase, const struct moment *moment)
{
    const struct case_party *giver = kase_party(kase, author_of(moment));
    struct case_party *taker = put_party(kase, text_of(moment, "party"), giver->role);

    set_text(&taker->offered_by, giver->id);
}

/* What stood for the one who leaves now stands for the one who comes, who begins anew. */
static void rename_instances(struct kase *kase, const char *from, const char *to)
{
    for (guint i = kase->states->len; i > 0; i--) {
        const struct case_state *state = kase->states->pdata[i - 1];

        if (g_strcmp0(state->instance, to) == 0 && kase_state(kase, state->machine->id, from))
            g_ptr_array_remove_index(kase->states, i - 1);
    }
    for (guint i = 0; i < kase->states->len; i++) {
        struct case_state *state = kase->states->pdata[i];

        if (g_strcmp0(state->instance, from) == 0)
            set_text(&state->instance, to);
    }
    for (guint i = 0; i < kase->clocks->len; i++) {
        struct case_clock *clock = kase->clocks->pdata[i];

        if (g_strcmp0(clock->instance, from) == 0)
            set_text(&clock->instance, to);
        if (g_strcmp0(clock->bearer, from) == 0)
            set_text(&clock->bearer, to);
    }
}

static void effect_take_over(struct kase *kase, const struct moment *moment)
{
    struct case_party *taker = kase_party(kase, author_of(moment));
    struct case_party *giver = kase_party(kase, taker->offered_by);

    giver->left = TRUE;
    case_hand_marks_on(giver, taker);
    set_text(&taker->offered_by, NULL);
    rename_instances(kase, giver->id, taker->id);
}

static void effect_refuse(struct kase *kase, const struct moment *moment)
{
    struct case_party *taker = kase_party(kase, author_of(moment));

    set_text(&taker->offered_by, NULL);
    taker->left = TRUE;
}

static void effect_set_tlp(struct kase *kase, const struct moment *moment)
{
    kase->tlp = moment->slot->event->tlp;
}

static void effect_leave(struct kase *kase, const struct moment *moment)
{
    kase_party(kase, author_of(moment))->left = TRUE;
}

static void (*const effects[])(struct kase *kase, const struct moment *moment) = {
    [EFFECT_NONE] = NULL,
    [EFFECT_ADD_PARTY] = effect_add,
    [EFFECT_OFFER] = effect_offer,
    [EFFECT_TAKE_OVER] = effect_take_over,
    [EFFECT_REFUSE] = effect_refuse,
    [EFFECT_SET_TLP] = effect_set_tlp,
    [EFFECT_LEAVE] = effect_leave,
};

/* Where the fields of a machine are kept: an instance has its own. */
static json_t *fields_of(struct kase *kase, struct case_state *state)
{
    if (!state || !state->instance)
        return kase->fields;
    if (!state->fields)
        state->fields = json_object();
    return state->fields;
}

void case_merge_fields(struct kase *kase, const struct moment *moment, struct case_state *state)
{
    const struct case_event *event = moment->slot->event;
    json_t *fields = fields_of(kase, state);
    struct case_state *instance = state && state->instance ? state : NULL;
    gboolean apart =
        !instance && !kase->kind->own && !g_str_equal(event->stream, CASE_STREAM_SHARED);
    g_autoptr(json_t) before = NULL;

    /* What not every party learns does not change the case. */
    if (apart || json_object_size(event->fields) == !!json_object_get(event->fields, TEXT_FIELD))
        return;
    before = json_copy(fields);
    json_object_update(fields, event->fields);
    json_object_del(fields, ROLES_FIELD);
    json_object_del(fields, TEXT_FIELD);
    case_clocks_fields(kase, moment, before, instance);
}

static void run_sets(struct kase *kase, const struct moment *moment,
                     const struct process_step *step, struct case_state *state)
{
    json_t *fields = fields_of(kase, state);
    g_autoptr(json_t) before = NULL;

    if (!step->sets)
        return;
    before = json_copy(fields);
    for (const struct process_set *set = step->sets; set->field; set++) {
        const json_t *value = kase_field(kase, state, set->from);

        if (value)
            json_object_set(fields, set->field, (json_t *)value);
    }
    case_clocks_fields(kase, moment, before, state->instance ? state : NULL);
}

static void take(struct kase *kase, const struct moment *moment, const struct process_step *step,
                 struct case_state *state, guint depth)
{
    const char *to = g_str_equal(step->to, "=") ? state->state : step->to;
    g_autofree char *instance = g_strdup(state->instance);

    run_sets(kase, moment, step, state);
    case_clocks_event(kase, moment, state, step->event, to);
    if (to != state->state && !g_str_equal(to, state->state))
        enter(kase, moment, state, to,
              g_str_equal(step->roles[0], "-") ? state->by : author_of(moment));
    if (effects[step->effect] && moment->slot)
        effects[step->effect](kase, moment);
    kase->changed_us = MAX(kase->changed_us, moment->time_us);
    case_run_causes(kase, moment, step->causes, instance, depth + 1);
}

void case_take_step(struct kase *kase, const struct moment *moment, const struct process_step *step,
                    struct case_state *state)
{
    take(kase, moment, step, state, 0);
}

static const struct process_step *following(const struct kase *kase, const struct case_state *state,
                                            const char *event)
{
    for (const struct process_step *step = kase->kind->steps; step->machine; step++)
        if (g_str_equal(step->event, event) && g_str_equal(step->machine, state->machine->id) &&
            kind_step_from(step, state->machine, state->state) &&
            case_guards_hold(kase, step, state, NULL))
            return step;
    return NULL;
}

void case_follow(struct kase *kase, const struct moment *moment, const char *machine,
                 const char *event, const char *instance, guint depth)
{
    const struct process_machine *row = kind_machine(kase->kind, machine);

    for (guint i = 0; depth < FOLLOW_DEPTH && i < kase->states->len; i++) {
        struct case_state *state = kase->states->pdata[i];
        const struct process_step *step;
        struct case_entry *entry;

        /* From one instance to its own; from the case as a whole to all. */
        if (state->machine != row || (row->per_party && instance && state->instance &&
                                      !g_str_equal(state->instance, instance)))
            continue;
        step = following(kase, state, event);
        if (!step)
            continue;
        entry = kase_entry(kase);
        entry->verdict = CASE_APPLIED;
        entry->clock_us = moment->time_us;
        entry->witnessed = moment->witnessed;
        entry->step = step;
        entry->clock = depth ? NULL : moment->clock;
        entry->instance = g_strdup(state->instance);
        entry->from_state = state->state;
        entry->to_state = g_str_equal(step->to, "=") ? state->state : step->to;
        take(kase, moment, step, state, depth);
    }
}

void case_run_causes(struct kase *kase, const struct moment *moment,
                     const struct process_cause *causes, const char *instance, guint depth)
{
    for (; causes && causes->machine; causes++)
        if (!causes->field ||
            (moment->slot && json_object_get(moment->slot->event->fields, causes->field)))
            case_follow(kase, moment, causes->machine, causes->event, instance, depth);
}
