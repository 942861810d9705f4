#include "process/case_private.h"

#include "base/clock.h"
#include "statement/base64.h"

#include <string.h>

#define SECONDS_OF_A_DAY (24 * 60 * 60)

static void set_text(json_t *object, const char *member, const char *text)
{
    if (text)
        json_object_set_new(object, member, json_string(text));
}

static void set_time(json_t *object, const char *member, gint64 time_us)
{
    g_autofree char *text = time_us ? clock_format(time_us) : NULL;

    set_text(object, member, text);
}

static void set_flag(json_t *object, const char *member, gboolean flag)
{
    if (flag)
        json_object_set_new(object, member, json_true());
}

/* For whom the case is shown. */
struct viewer {
    const char *party;   /* NULL: all is seen */
    gboolean is_auditor; /* all but content */
    gboolean is_outside; /* what is said to all parties alone */
    gboolean sees_all;
};

static struct viewer viewer_of(const struct kase *kase, const char *viewer)
{
    const struct process_role *role = kase_role(kase, kase_party(kase, viewer));

    if (!viewer || g_str_equal(viewer, CASE_VIEWER_AUDITOR))
        return (struct viewer){ .is_auditor = viewer != NULL, .sees_all = TRUE };
    if (g_str_equal(viewer, CASE_VIEWER_OUTSIDE))
        return (struct viewer){ .is_outside = TRUE };
    return (struct viewer){ .party = viewer, .sees_all = role && role->sees_all };
}

static gboolean sees_instance(const struct viewer *viewer, const struct process_machine *machine,
                              const char *instance)
{
    return !machine->apart || viewer->sees_all || g_strcmp0(instance, viewer->party) == 0;
}

static gboolean sees_entry(const struct kase *kase, const struct viewer *viewer,
                           const struct case_entry *entry)
{
    const struct process_machine *machine;

    if (viewer->sees_all && !viewer->party)
        return TRUE;
    if (entry->event && viewer->is_outside)
        return g_str_equal(entry->event->stream, CASE_STREAM_SHARED);
    if (entry->event)
        return case_event_is_for(kase, entry->event, viewer->party);
    machine = kind_machine(kase->kind, entry->step->machine);
    return sees_instance(viewer, machine, entry->instance);
}

static json_t *party_json(const struct case_party *party)
{
    json_t *object = json_object();

    set_text(object, "id", party->id);
    set_text(object, "role", party->role);
    set_flag(object, "left", party->left);
    set_text(object, "offered_by", party->offered_by);
    return object;
}

static json_t *state_json(const struct case_state *state, const struct viewer *viewer)
{
    json_t *object = json_object();

    set_text(object, "machine", state->machine->id);
    set_text(object, "instance", state->instance);
    set_text(object, "state", state->state);
    set_time(object, "since", state->since_us);
    json_object_set_new(object, "witnessed", json_boolean(state->since_witnessed));
    set_text(object, "by", state->by);
    set_flag(object, "end", kind_is_end(state->machine, state->state));
    /* An instance may have fields from the stream of its party. */
    if (state->fields && json_object_size(state->fields) && !viewer->is_auditor &&
        !viewer->is_outside)
        json_object_set_new(object, "fields", json_copy(state->fields));
    return object;
}

static json_t *clock_json(const struct case_clock *clock)
{
    json_t *object = json_object();

    set_text(object, "id", clock->clock->id);
    set_text(object, "machine", clock->clock->machine);
    set_text(object, "instance", clock->instance);
    set_text(object, "role", clock->clock->role);
    set_text(object, "bearer", clock->bearer);
    set_time(object, "from", clock->from_us);
    set_time(object, "due", clock->due_us);
    set_time(object, "met", clock->met_us);
    set_time(object, "paused", clock->paused_us);
    if (clock->warned_s)
        json_object_set_new(object, "warning_s", json_integer(clock->warned_s));
    json_object_set_new(object, "witnessed", json_boolean(clock->witnessed));
    set_text(object, "standing", clock_standing_name(clock->standing));
    return object;
}

static void set_event(json_t *object, const struct case_event *event, gboolean content)
{
    static const char *const shown[] = { "time",   "from",        "to",    "stream",
                                         "seq",    "machine",     "event", "tlp",
                                         "fields", "attachments", "anchor" };
    g_autoptr(json_t) all = case_event_json(event);
    g_autofree char *hash = hex_encode(event->hash.bytes, sizeof event->hash.bytes);

    set_text(object, "hash", hash);
    for (guint i = 0; i < G_N_ELEMENTS(shown); i++) {
        json_t *value = json_object_get(all, shown[i]);
        gboolean is_content =
            g_str_equal(shown[i], "fields") || g_str_equal(shown[i], "attachments");

        if (value && (content || !is_content))
            json_object_set(object, shown[i], value);
    }
    json_object_set_new(object, "signers", json_integer(event->signers));
}

/* Where others of its role cannot follow an instance, they cannot judge what was said of it. */
static gboolean sees_verdict(const struct kase *kase, const struct viewer *viewer,
                             const struct case_entry *entry)
{
    const struct process_machine *machine =
        entry->event ? kind_machine(kase->kind, entry->event->machine) : NULL;

    return !machine || sees_instance(viewer, machine, entry->event->instance);
}

static json_t *entry_json(const struct kase *kase, const struct case_entry *entry,
                          const struct viewer *viewer)
{
    json_t *object = json_object();

    if (entry->event) {
        set_event(object, entry->event, !viewer->is_auditor);
        set_text(object, "instance", entry->event->instance);
    } else {
        set_text(object, "machine", entry->step->machine);
        set_text(object, "event", entry->step->event);
        set_text(object, "instance", entry->instance);
    }
    set_time(object, "counts_at", entry->clock_us);
    json_object_set_new(object, "witnessed", json_boolean(entry->witnessed));
    if (!sees_verdict(kase, viewer, entry))
        return object;
    set_text(object, "verdict", case_verdict_name(entry->verdict));
    set_text(object, "from_state", entry->from_state);
    set_text(object, "to_state", entry->to_state);
    if (entry->clock)
        set_text(object, "clock", entry->clock->id);
    return object;
}

static void set_people(json_t *object, const struct kase *kase, const struct viewer *viewer)
{
    json_t *parties = json_array(), *states = json_array(), *clocks = json_array();

    for (guint i = 0; i < kase->parties->len; i++)
        json_array_append_new(parties, party_json(kase->parties->pdata[i]));
    for (guint i = 0; i < kase->states->len; i++) {
        const struct case_state *state = kase->states->pdata[i];

        if (sees_instance(viewer, state->machine, state->instance))
            json_array_append_new(states, state_json(state, viewer));
    }
    for (guint i = 0; i < kase->clocks->len; i++) {
        const struct case_clock *clock = kase->clocks->pdata[i];

        if (sees_instance(viewer, kind_machine(kase->kind, clock->clock->machine), clock->instance))
            json_array_append_new(clocks, clock_json(clock));
    }
    json_object_set_new(object, "parties", parties);
    json_object_set_new(object, "states", states);
    json_object_set_new(object, "clocks", clocks);
}

static void set_entries(json_t *object, const struct kase *kase, const struct viewer *viewer)
{
    json_t *entries = json_array();
    gint64 hidden = 0;

    for (guint i = 0; i < kase->entries->len; i++) {
        const struct case_entry *entry = kase->entries->pdata[i];

        if (sees_entry(kase, viewer, entry))
            json_array_append_new(entries, entry_json(kase, entry, viewer));
        else
            hidden += !entry->event || !g_str_equal(entry->event->stream, CASE_STREAM_LOCAL);
    }
    json_object_set_new(object, "entries", entries);
    json_object_set_new(object, "hidden", json_integer(hidden));
}

/* The fields of the case, without what only events said that are not for the viewer. */
static json_t *fields_json(const struct kase *kase, const struct viewer *viewer)
{
    json_t *fields = json_copy(kase->fields);

    for (guint i = 0; kase->red && i < kase->entries->len; i++) {
        const struct case_entry *entry = kase->entries->pdata[i];
        const char *name;
        json_t *value;

        if (!entry->event || sees_entry(kase, viewer, entry))
            continue;
        json_object_foreach(entry->event->fields, name, value)
        {
            json_object_del(fields, name);
        }
    }
    return fields;
}

json_t *case_json(const struct kase *kase, const char *viewer)
{
    const struct viewer who = viewer_of(kase, viewer);
    const struct case_state *state;
    json_t *object = json_object();

    set_text(object, "schema", CASE_SCHEMA);
    if (!kase->kind) /* what opens it is not there yet */
        return object;
    state = kase_state(kase, kase->kind->machines[0].id, NULL);
    set_text(object, "id", kase->id);
    set_text(object, "kind", kase->kind->id);
    set_text(object, "state", state->state);
    set_text(object, "tlp", tlp_name(kase->tlp));
    set_time(object, "opened", kase->opened_us);
    set_time(object, "changed", kase->changed_us);
    set_time(object, "ended", kase->ended_us);
    if (kase->ended_us)
        set_time(object, "kept_until",
                 kase->ended_us +
                     (gint64)kase->kind->retention_days * SECONDS_OF_A_DAY * G_USEC_PER_SEC);
    if (!who.is_auditor)
        json_object_set_new(object, "fields", fields_json(kase, &who));
    set_people(object, kase, &who);
    set_entries(object, kase, &who);
    return object;
}
