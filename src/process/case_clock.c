#include "process/case_private.h"

#include <string.h>

#define SHORT_S (4 * (gint64)3600) /* clocks below it begin when their event says */
#define THEN_LIMIT 1000            /* steps that clocks take one after the other, at most */

static const char *const standing_names[] = {
    [CLOCK_RUNNING] = "running", [CLOCK_PAUSED] = "paused", [CLOCK_MET] = "met",
    [CLOCK_OVERDUE] = "overdue", [CLOCK_MISSED] = "missed", [CLOCK_EXPIRED] = "expired",
};

const char *clock_standing_name(enum clock_standing standing)
{
    return standing_names[standing];
}

static gboolean is_open(const struct case_clock *clock)
{
    return clock->standing == CLOCK_RUNNING || clock->standing == CLOCK_PAUSED ||
           clock->standing == CLOCK_OVERDUE;
}

static gboolean is_working_day(GDateTime *time)
{
    return g_date_time_get_day_of_week(time) <= 5;
}

/* What begins on a day off begins with the next working day. */
gint64 case_working_days(gint64 from_us, guint days, const char *zone)
{
    g_autoptr(GTimeZone) place = zone ? g_time_zone_new_identifier(zone) : NULL;
    g_autoptr(GTimeZone) there = place ? g_steal_pointer(&place) : g_time_zone_new_utc();
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(from_us / G_USEC_PER_SEC);
    g_autoptr(GDateTime) at = g_date_time_to_timezone(utc, there);

    while (!is_working_day(at)) {
        g_autoptr(GDateTime) next = g_date_time_add_days(at, 1);

        g_date_time_unref(at);
        at = g_date_time_new(there, g_date_time_get_year(next), g_date_time_get_month(next),
                             g_date_time_get_day_of_month(next), 0, 0, 0);
    }
    while (days) {
        GDateTime *next = g_date_time_add_days(at, 1);

        g_date_time_unref(at);
        at = next;
        days -= is_working_day(at);
    }
    return g_date_time_to_unix(at) * G_USEC_PER_SEC;
}

/* The party whose duty a clock is: the instance's own, or the only one in the role. */
static const char *bearer_of(const struct kase *kase, const struct process_clock *clock,
                             const struct case_state *state)
{
    const char *bearer = NULL;

    if (g_strcmp0(state->machine->per_party, clock->role) == 0)
        return state->instance;
    for (guint i = 0; i < kase->parties->len; i++) {
        const struct case_party *party = kase->parties->pdata[i];

        if (party->left || party->offered_by || !g_str_equal(party->role, clock->role))
            continue;
        if (bearer)
            return NULL;
        bearer = party->id;
    }
    return bearer;
}

static gboolean field_is(const json_t *value, const char *wanted)
{
    if (json_is_boolean(value))
        return g_str_equal(wanted, json_is_true(value) ? "yes" : "no");
    return g_strcmp0(json_string_value(value), wanted) == 0;
}

/* Log times are an hour apart: a clock of less than a few hours begins when its event says. */
static gint64 begin_of(const struct moment *moment, gint64 due_s)
{
    return due_s && due_s < SHORT_S ? moment->said_us : moment->time_us;
}

static gint64 after(const struct moment *moment, gint64 due_s)
{
    return begin_of(moment, due_s) + due_s * G_USEC_PER_SEC;
}

static gint64 due_of(const struct kase *kase, const struct moment *moment,
                     const struct process_clock *clock, const struct case_state *state,
                     const char *bearer)
{
    gint64 due_us;

    if (clock->due_field && kase_field_time(kase, state, clock->due_field, &due_us))
        return due_us;
    for (const struct process_clock_case *row = clock->cases; row && row->field; row++)
        if (field_is(kase_field(kase, state, row->field), row->value))
            return after(moment, row->due_s);
    if (clock->working_days)
        return case_working_days(moment->time_us, clock->working_days,
                                 bearer && moment->options->zone
                                     ? moment->options->zone(moment->options->data, bearer)
                                     : NULL);
    return clock->due_s ? after(moment, clock->due_s) : 0;
}

static struct case_clock *find_open(const struct kase *kase, const struct process_clock *clock,
                                    const char *instance)
{
    for (guint i = 0; i < kase->clocks->len; i++) {
        struct case_clock *run = kase->clocks->pdata[i];

        if (run->clock == clock && is_open(run) && g_strcmp0(run->instance, instance) == 0)
            return run;
    }
    return NULL;
}

/* A run that was met, or did what it is for, makes room for the next. */
static void drop_met(struct kase *kase, const struct process_clock *clock, const char *instance)
{
    for (guint i = 0; i < kase->clocks->len; i++) {
        struct case_clock *run = kase->clocks->pdata[i];

        if (run->clock == clock && !is_open(run) && run->standing != CLOCK_MISSED &&
            g_strcmp0(run->instance, instance) == 0) {
            g_ptr_array_remove_index(kase->clocks, i);
            return;
        }
    }
}

static void start(struct kase *kase, const struct moment *moment, const struct process_clock *clock,
                  const struct case_state *state)
{
    const char *bearer = bearer_of(kase, clock, state);
    gint64 due_us = due_of(kase, moment, clock, state, bearer);
    struct case_clock *run;

    drop_met(kase, clock, state->instance);
    if (!due_us) /* only a date would make it run, and there is none yet */
        return;
    run = g_new0(struct case_clock, 1);
    run->clock = clock;
    run->instance = g_strdup(state->instance);
    run->bearer = g_strdup(bearer);
    run->from_us =
        due_us - moment->said_us < SHORT_S * G_USEC_PER_SEC ? moment->said_us : moment->time_us;
    run->due_us = due_us;
    run->witnessed = moment->witnessed;
    run->standing = CLOCK_RUNNING;
    g_ptr_array_add(kase->clocks, run);
}

static void resume(struct case_clock *run, gint64 time_us)
{
    if (run->paused_us && run->paused_us < run->due_us)
        run->due_us += MAX(time_us - run->paused_us, 0);
    run->paused_us = 0;
    run->standing = CLOCK_RUNNING;
}

static void finish(struct case_clock *run, const struct moment *moment)
{
    if (run->paused_us)
        resume(run, moment->said_us);
    run->met_us = moment->said_us;
    run->witnessed = run->witnessed && moment->witnessed;
    run->warned_s = 0;
    if (moment->clock == run->clock)
        run->standing = CLOCK_EXPIRED;
    else
        run->standing = run->met_us <= run->due_us ? CLOCK_MET : CLOCK_MISSED;
}

static gboolean is_of(const struct process_clock *clock, const char *state)
{
    return kind_list_has(clock->in, state) || kind_list_has(clock->pauses_in, state);
}

static void move(struct kase *kase, const struct moment *moment, const struct process_clock *clock,
                 const struct case_state *state, const char *from)
{
    struct case_clock *run = find_open(kase, clock, state->instance);
    gboolean runs = kind_list_has(clock->in, state->state);

    if (!run && runs && (!from || !is_of(clock, from)))
        start(kase, moment, clock, state);
    else if (run && runs && run->paused_us)
        resume(run, moment->said_us);
    else if (run && !runs && !kind_list_has(clock->pauses_in, state->state))
        finish(run, moment);
    else if (run && !runs && !run->paused_us) {
        run->paused_us = moment->said_us;
        run->standing = CLOCK_PAUSED;
    }
}

/* At the end of the case nothing is owed any more. */
static void drop_open(struct kase *kase)
{
    for (guint i = kase->clocks->len; i > 0; i--)
        if (is_open(kase->clocks->pdata[i - 1]))
            g_ptr_array_remove_index(kase->clocks, i - 1);
}

void case_clocks_moved(struct kase *kase, const struct moment *moment,
                       const struct case_state *state, const char *from)
{
    for (const struct process_clock *clock = kase->kind->clocks; clock && clock->id; clock++)
        if (g_str_equal(clock->machine, state->machine->id))
            move(kase, moment, clock, state, from);
    if (state->machine == kase->kind->machines && kind_is_end(state->machine, state->state))
        drop_open(kase);
}

void case_clocks_event(struct kase *kase, const struct moment *moment,
                       const struct case_state *state, const char *event, const char *to)
{
    for (const struct process_clock *clock = kase->kind->clocks; clock && clock->id; clock++) {
        gboolean renews = g_strcmp0(clock->renews_on, event) == 0;
        struct case_clock *run;

        if (!g_str_equal(clock->machine, state->machine->id) ||
            (!renews && g_strcmp0(clock->met_on, event) != 0))
            continue;
        run = find_open(kase, clock, state->instance);
        if (!run)
            continue;
        finish(run, moment);
        if (renews && kind_list_has(clock->in, to))
            start(kase, moment, clock, state);
    }
}

/* What a field said for a machine before those of the case, or of the instance, changed. */
static const json_t *said_before(const struct kase *kase, const json_t *before,
                                 const struct case_state *state, gboolean own, const char *field)
{
    const json_t *nearest = own ? before : state->fields;
    const json_t *value = nearest ? json_object_get(nearest, field) : NULL;

    return value ? value : json_object_get(own ? kase->fields : before, field);
}

/* What a field says now, and did not say before. */
static void field_moves(const struct kase *kase, const struct moment *moment, const json_t *before,
                        const struct case_state *state, gboolean own, struct case_clock *run)
{
    const struct process_clock *clock = run->clock;
    gint64 due_us;

    if (clock->due_field &&
        !json_equal(said_before(kase, before, state, own, clock->due_field),
                    kase_field(kase, state, clock->due_field)) &&
        kase_field_time(kase, state, clock->due_field, &due_us))
        run->due_us = due_us;
    for (const struct process_clock_case *row = clock->cases; row && row->field; row++)
        if (field_is(kase_field(kase, state, row->field), row->value) &&
            !field_is(said_before(kase, before, state, own, row->field), row->value))
            run->due_us = MIN(run->due_us, after(moment, row->due_s));
}

void case_clocks_fields(struct kase *kase, const struct moment *moment, const json_t *before,
                        const struct case_state *state)
{
    for (guint i = 0; i < kase->states->len; i++) {
        const struct case_state *other = kase->states->pdata[i];

        if (state && state != other)
            continue;
        for (const struct process_clock *clock = kase->kind->clocks; clock && clock->id; clock++) {
            struct case_clock *run;

            if (!g_str_equal(clock->machine, other->machine->id))
                continue;
            run = find_open(kase, clock, other->instance);
            if (run)
                field_moves(kase, moment, before, other, state != NULL, run);
            else if (clock->due_field && kind_list_has(clock->in, other->state) &&
                     !said_before(kase, before, other, state != NULL, clock->due_field) &&
                     kase_field(kase, other, clock->due_field))
                start(kase, moment, clock, other);
        }
    }
}

static gint compare_due(gconstpointer a, gconstpointer b)
{
    const struct case_clock *left = *(struct case_clock *const *)a;
    const struct case_clock *right = *(struct case_clock *const *)b;
    gint order = (left->due_us > right->due_us) - (left->due_us < right->due_us);

    if (!order)
        order = strcmp(left->clock->id, right->clock->id);
    if (!order)
        order = g_strcmp0(left->instance, right->instance);
    return order ? order : (left->from_us > right->from_us) - (left->from_us < right->from_us);
}

/* The clock that runs out first before `time_us`, and has something to do then. */
static struct case_clock *first_due(const struct kase *kase, gint64 time_us)
{
    struct case_clock *first = NULL;

    for (guint i = 0; i < kase->clocks->len; i++) {
        struct case_clock *run = kase->clocks->pdata[i];

        if (run->clock->then && is_open(run) && !run->paused_us && run->due_us < time_us &&
            (!first || compare_due(&run, &first) < 0))
            first = run;
    }
    return first;
}

gboolean case_clocks_due(const struct kase *kase, gint64 time_us)
{
    return first_due(kase, time_us) != NULL;
}

void case_clocks_run(struct kase *kase, const struct case_options *options, gint64 time_us)
{
    struct case_clock *run = first_due(kase, time_us);

    for (guint i = 0; run && i < THEN_LIMIT; i++) {
        const struct process_clock *clock = run->clock;
        const struct moment moment = { options,        run->due_us, run->due_us,
                                       run->witnessed, NULL,        clock };
        g_autofree char *instance = g_strdup(run->instance);

        case_follow(kase, &moment, clock->then_machine, clock->then, instance, 0);
        /* A step in another machine, or none that was possible: the clock has done its own. */
        run = find_open(kase, clock, instance);
        if (run && run->due_us <= moment.time_us)
            finish(run, &moment);
        run = first_due(kase, time_us);
    }
}

void case_clocks_show(struct kase *kase, gint64 now_us)
{
    for (guint i = 0; i < kase->clocks->len; i++) {
        struct case_clock *run = kase->clocks->pdata[i];

        if (!is_open(run) || (run->paused_us && run->paused_us <= run->due_us))
            continue;
        run->standing = now_us > run->due_us ? CLOCK_OVERDUE : CLOCK_RUNNING;
        run->warned_s = 0;
        for (const gint64 *warn = run->clock->warn_s; warn && *warn; warn++)
            if (now_us >= run->due_us - *warn * G_USEC_PER_SEC &&
                (!run->warned_s || *warn < run->warned_s))
                run->warned_s = *warn;
    }
    g_ptr_array_sort(kase->clocks, compare_due);
}
