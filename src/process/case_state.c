#include "process/case_private.h"

#include "base/clock.h"

#include <string.h>

#define DATE_LENGTH 10
#define DAY_LAST_SECOND_US ((gint64)(24 * 60 * 60 - 1) * G_USEC_PER_SEC)

struct case_change *case_change_ref(struct case_change *change)
{
    if (change)
        change->references++;
    return change;
}

void case_change_unref(struct case_change *change)
{
    while (change && --change->references == 0) {
        struct case_change *older = change->older;

        g_free(change);
        change = older;
    }
}

static void party_free(gpointer data)
{
    struct case_party *party = data;

    g_free(party->id);
    g_free(party->role);
    g_free(party->offered_by);
    g_free(party);
}

static void state_free(gpointer data)
{
    struct case_state *state = data;

    g_free(state->instance);
    g_free(state->by);
    json_decref(state->fields);
    case_change_unref(state->change);
    g_free(state);
}

static void clock_free(gpointer data)
{
    struct case_clock *clock = data;

    g_free(clock->instance);
    g_free(clock->bearer);
    g_free(clock);
}

static void entry_free(gpointer data)
{
    struct case_entry *entry = data;

    g_free(entry->instance);
    g_free(entry);
}

struct kase *kase_new(void)
{
    struct kase *kase = g_new0(struct kase, 1);

    kase->parties = g_ptr_array_new_with_free_func(party_free);
    kase->states = g_ptr_array_new_with_free_func(state_free);
    kase->clocks = g_ptr_array_new_with_free_func(clock_free);
    kase->fields = json_object();
    return kase;
}

void kase_free(struct kase *kase)
{
    if (!kase)
        return;
    g_free(kase->id);
    g_ptr_array_unref(kase->parties);
    g_ptr_array_unref(kase->states);
    g_ptr_array_unref(kase->clocks);
    if (kase->entries)
        g_ptr_array_unref(kase->entries);
    json_decref(kase->fields);
    g_free(kase);
}

static void copy_parties(struct kase *copy, const struct kase *kase)
{
    for (guint i = 0; i < kase->parties->len; i++) {
        const struct case_party *from = kase->parties->pdata[i];
        struct case_party *party = g_new0(struct case_party, 1);

        *party = (struct case_party){ g_strdup(from->id), g_strdup(from->role),
                                      from->left,         g_strdup(from->offered_by),
                                      from->marked,       from->marked_apart,
                                      from->files };
        g_ptr_array_add(copy->parties, party);
    }
}

static void copy_states(struct kase *copy, const struct kase *kase)
{
    for (guint i = 0; i < kase->states->len; i++) {
        const struct case_state *from = kase->states->pdata[i];
        struct case_state *state = g_new0(struct case_state, 1);

        *state = *from;
        state->instance = g_strdup(from->instance);
        state->by = g_strdup(from->by);
        state->fields = from->fields ? json_copy(from->fields) : NULL;
        case_change_ref(state->change);
        g_ptr_array_add(copy->states, state);
    }
}

static void copy_clocks(struct kase *copy, const struct kase *kase)
{
    for (guint i = 0; i < kase->clocks->len; i++) {
        const struct case_clock *from = kase->clocks->pdata[i];
        struct case_clock *clock = g_new0(struct case_clock, 1);

        *clock = *from;
        clock->instance = g_strdup(from->instance);
        clock->bearer = g_strdup(from->bearer);
        g_ptr_array_add(copy->clocks, clock);
    }
}

struct kase *kase_copy(const struct kase *kase)
{
    struct kase *copy = kase_new();

    copy->kind = kase->kind;
    copy->id = g_strdup(kase->id);
    copy->tlp = kase->tlp;
    copy->red = kase->red;
    copy->opened_us = kase->opened_us;
    copy->changed_us = kase->changed_us;
    copy->ended_us = kase->ended_us;
    copy_parties(copy, kase);
    copy_states(copy, kase);
    copy_clocks(copy, kase);
    json_object_update(copy->fields, kase->fields);
    return copy;
}

struct case_party *kase_party(const struct kase *kase, const char *id)
{
    for (guint i = 0; id && i < kase->parties->len; i++) {
        struct case_party *party = kase->parties->pdata[i];

        if (g_str_equal(party->id, id))
            return party;
    }
    return NULL;
}

const struct case_party *case_party_of(const struct kase *kase, const char *id)
{
    return kase_party(kase, id);
}

struct case_state *kase_state(const struct kase *kase, const char *machine, const char *instance)
{
    for (guint i = 0; i < kase->states->len; i++) {
        struct case_state *state = kase->states->pdata[i];

        if (g_str_equal(state->machine->id, machine) && g_strcmp0(state->instance, instance) == 0)
            return state;
    }
    return NULL;
}

const struct case_state *case_state_of(const struct kase *kase, const char *machine,
                                       const char *instance)
{
    return kase_state(kase, machine, instance);
}

struct case_entry *kase_entry(struct kase *kase)
{
    struct case_entry *entry = g_new0(struct case_entry, 1);

    if (!kase->entries)
        kase->entries = g_ptr_array_new_with_free_func(entry_free);
    g_ptr_array_add(kase->entries, entry);
    return entry;
}

const struct process_role *kase_role(const struct kase *kase, const struct case_party *party)
{
    return party ? kind_role(kase->kind, party->role) : NULL;
}

gboolean kase_owns(const struct kase *kase, const struct case_party *party)
{
    const struct process_role *role = kase_role(kase, party);

    return role && role->opens && !party->left && !party->offered_by;
}

const json_t *kase_field(const struct kase *kase, const struct case_state *state, const char *field)
{
    const json_t *own = state && state->fields ? json_object_get(state->fields, field) : NULL;

    return own ? own : json_object_get(kase->fields, field);
}

gboolean kase_field_time(const struct kase *kase, const struct case_state *state, const char *field,
                         gint64 *time_us)
{
    const char *text = json_string_value(kase_field(kase, state, field));

    if (!text || !clock_parse(text, time_us, NULL))
        return FALSE;
    if (strlen(text) == DATE_LENGTH)
        *time_us += DAY_LAST_SECOND_US;
    return TRUE;
}
