#include "process/case_private.h"

#include <string.h>

static void option_free(gpointer data)
{
    struct case_option *option = data;

    g_free(option->instance);
    g_free(option);
}

gboolean case_stream_is_seen(const struct kase *kase, const char *stream, const char *party)
{
    const struct case_party *there = kase_party(kase, party);
    const struct process_role *role = kase_role(kase, there);
    const char *colon = strchr(stream, ':');

    if (!there)
        return FALSE;
    if (!colon)
        return TRUE; /* shared; and local, which only its author has */
    if (g_str_equal(colon + 1, party))
        return strlen(there->role) == (gsize)(colon - stream) &&
               g_str_has_prefix(stream, there->role);
    return role && role->sees_all;
}

char **case_recipients(const struct kase *kase, const char *stream, const char *from)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

    for (guint i = 0; i < kase->parties->len; i++) {
        const struct case_party *party = kase->parties->pdata[i];

        if (!party->left && g_strcmp0(party->id, from) != 0 &&
            !g_str_equal(stream, CASE_STREAM_LOCAL) && case_stream_is_seen(kase, stream, party->id))
            g_strv_builder_add(builder, party->id);
    }
    return g_strv_builder_end(builder);
}

gboolean case_event_is_for(const struct kase *kase, const struct case_event *event,
                           const char *party)
{
    const char *comes = json_text(event->fields, "party");

    if (g_str_equal(event->from, party))
        return TRUE;
    if (g_str_equal(event->stream, CASE_STREAM_LOCAL))
        return FALSE;
    if (g_strv_contains((const char *const *)event->to, party) || g_strcmp0(comes, party) == 0)
        return TRUE;
    return event->tlp != TLP_RED && case_stream_is_seen(kase, event->stream, party);
}

gboolean case_role_is_free(const struct kase *kase, const struct process_role *role)
{
    for (guint i = 0; !role->many && i < kase->parties->len; i++) {
        const struct case_party *party = kase->parties->pdata[i];

        if (!party->left && g_str_equal(party->role, role->id))
            return FALSE;
    }
    return TRUE;
}

static gboolean has_free_role(const struct kase *kase)
{
    for (const struct process_role *role = kase->kind->roles; role->id; role++)
        if (case_role_is_free(kase, role))
            return TRUE;
    return FALSE;
}

/* Whether a role is free for somebody who comes, and what is in the case lets `party` bring one in.
 */
static gboolean suits_arrival(const struct kase *kase, const struct process_step *step,
                              const struct case_party *party, gboolean *reason)
{
    struct case_arrival arrival;

    *reason = FALSE;
    if (!case_step_brings_in(step))
        return TRUE;
    arrival =
        case_arrival(kase, party->id, kase->tlp, step->effect == EFFECT_OFFER ? party->role : NULL);
    *reason = arrival.reason;
    return !arrival.closed && !arrival.source && kase->parties->len < CASE_PARTIES_LIMIT &&
           (step->effect == EFFECT_OFFER || has_free_role(kase));
}

static void add_option(GPtrArray *options, const struct process_step *step, const char *instance,
                       gboolean reason)
{
    struct case_option *option = g_new0(struct case_option, 1);

    option->reason = reason;

    option->step = step;
    option->instance = g_strdup(instance);
    g_ptr_array_add(options, option);
}

/* What only an offered role allows, or forbids. */
static gboolean suits_offer(const struct kase *kase, const struct process_step *step,
                            const struct case_party *party)
{
    gboolean answers = step->effect == EFFECT_TAKE_OVER || step->effect == EFFECT_REFUSE;

    if (!party->offered_by)
        return !answers;
    if (step->effect == EFFECT_TAKE_OVER && kase_party(kase, party->offered_by)->left)
        return FALSE;
    return answers || (g_str_equal(step->to, "=") && !step->effect && !step->causes && !step->sets);
}

GPtrArray *case_options(const struct kase *kase, const char *id)
{
    GPtrArray *options = g_ptr_array_new_with_free_func(option_free);
    const struct case_party *party = kase_party(kase, id);
    gboolean reason;

    if (!party || party->left)
        return options;
    for (guint i = 0; i < kase->states->len; i++) {
        const struct case_state *state = kase->states->pdata[i];

        if (g_strcmp0(state->machine->per_party, party->role) == 0 &&
            !g_str_equal(state->instance, id))
            continue;
        for (const struct process_step *step = kase->kind->steps; step->machine; step++)
            if (g_str_equal(step->machine, state->machine->id) &&
                kind_step_from(step, state->machine, state->state) &&
                kind_step_by(step, party->role) && suits_offer(kase, step, party) &&
                suits_arrival(kase, step, party, &reason) &&
                case_guards_hold(kase, step, state, id))
                add_option(options, step, state->instance, reason);
    }
    return options;
}
