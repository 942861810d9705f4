#include "process/kind.h"

#define KINDS_SCHEMA "entente/kinds/1"

static json_t *text_json(const struct process_text *text)
{
    return json_pack("{s:s, s:s}", "en", text->en, "fr", text->fr);
}

/* Left out when there is none. */
static void set_list(json_t *object, const char *member, const char *const *list)
{
    json_t *items;

    if (!list || !*list)
        return;
    items = json_array();
    for (; *list; list++)
        json_array_append_new(items, json_string(*list));
    json_object_set_new(object, member, items);
}

static void set_text(json_t *object, const char *member, const char *text)
{
    if (text)
        json_object_set_new(object, member, json_string(text));
}

static void set_flag(json_t *object, const char *member, gboolean flag)
{
    if (flag)
        json_object_set_new(object, member, json_true());
}

static void set_number(json_t *object, const char *member, gint64 number)
{
    if (number)
        json_object_set_new(object, member, json_integer(number));
}

static json_t *role_json(const struct process_role *role)
{
    json_t *object = json_pack("{s:s, s:o}", "id", role->id, "title", text_json(&role->title));

    set_flag(object, "opens", role->opens);
    set_flag(object, "addressed", role->addressed);
    set_flag(object, "many", role->many);
    set_flag(object, "sees_all", role->sees_all);
    return object;
}

static json_t *field_json(const struct process_field *field)
{
    json_t *object =
        json_pack("{s:s, s:s, s:o, s:I}", "id", field->id, "type", field_type_name(field->type),
                  "title", text_json(&field->title), "limit", (json_int_t)field->limit);
    json_t *choices = json_array();

    if (field->hint.en)
        json_object_set_new(object, "hint", text_json(&field->hint));
    for (const struct process_choice *choice = field->choices; choice && choice->id; choice++) {
        json_t *item = json_pack("{s:s, s:o}", "id", choice->id, "text", text_json(&choice->text));

        set_number(item, "score", choice->score);
        json_array_append_new(choices, item);
    }
    if (json_array_size(choices))
        json_object_set(object, "choices", choices);
    json_decref(choices);
    set_flag(object, "first", field->first);
    set_number(object, "suggest_days", field->suggest_days);
    return object;
}

static json_t *causes_json(const struct process_cause *causes)
{
    json_t *list = json_array();

    for (; causes && causes->machine; causes++) {
        json_t *item = json_pack("{s:s, s:s}", "machine", causes->machine, "event", causes->event);

        set_text(item, "field", causes->field);
        json_array_append_new(list, item);
    }
    return list;
}

static void set_causes(json_t *object, const struct process_cause *causes)
{
    if (causes)
        json_object_set_new(object, "causes", causes_json(causes));
}

static json_t *step_json(const struct process_step *step)
{
    json_t *object = json_pack("{s:s, s:s, s:i, s:o}", "event", step->event, "to", step->to,
                               "approvals", (int)step->approvals, "title", text_json(&step->title));
    json_t *sets = json_object();

    set_list(object, "from", step->from);
    set_list(object, "roles", step->roles);
    set_list(object, "needs", step->needs);
    set_list(object, "takes", step->takes);
    set_flag(object, "local", step->local);
    set_flag(object, "tells_all", step->tells_all);
    set_flag(object, "by_other", step->by_other);
    set_list(object, "when", step->when);
    if (step->earlier[0])
        json_object_set_new(object, "earlier",
                            json_pack("[s, s]", step->earlier[0], step->earlier[1]));
    if (step->only.field)
        json_object_set_new(
            object, "only",
            json_pack("{s:s, s:s}", "field", step->only.field, "is", step->only.value));
    for (const struct process_set *set = step->sets; set && set->field; set++)
        json_object_set_new(sets, set->field, json_string(set->from));
    if (json_object_size(sets))
        json_object_set(object, "sets", sets);
    json_decref(sets);
    set_causes(object, step->causes);
    set_text(object, "effect", step_effect_name(step->effect));
    return object;
}

static json_t *clock_json(const struct process_clock *clock)
{
    json_t *object = json_pack("{s:s, s:s, s:o}", "id", clock->id, "role", clock->role, "title",
                               text_json(&clock->title));
    json_t *cases = json_array(), *warnings = json_array();

    set_list(object, "in", clock->in);
    set_number(object, "due_s", clock->due_s);
    set_number(object, "working_days", clock->working_days);
    set_text(object, "due_field", clock->due_field);
    for (const struct process_clock_case *row = clock->cases; row && row->field; row++)
        json_array_append_new(cases, json_pack("{s:s, s:s, s:I}", "field", row->field, "is",
                                               row->value, "due_s", (json_int_t)row->due_s));
    if (json_array_size(cases))
        json_object_set(object, "cases", cases);
    json_decref(cases);
    for (const gint64 *warn = clock->warn_s; warn && *warn; warn++)
        json_array_append_new(warnings, json_integer(*warn));
    if (json_array_size(warnings))
        json_object_set(object, "warn_s", warnings);
    json_decref(warnings);
    set_text(object, "met_on", clock->met_on);
    set_text(object, "renews_on", clock->renews_on);
    set_list(object, "pauses_in", clock->pauses_in);
    if (clock->then)
        json_object_set_new(
            object, "then",
            json_pack("{s:s, s:s}", "machine", clock->then_machine, "event", clock->then));
    return object;
}

static json_t *machine_json(const struct kind *kind, const struct process_machine *machine)
{
    json_t *object = json_pack("{s:s, s:o, s:s}", "id", machine->id, "title",
                               text_json(&machine->title), "start", machine->start);
    json_t *states = json_array(), *steps = json_array(), *clocks = json_array();

    set_text(object, "per_party", machine->per_party);
    set_flag(object, "apart", machine->apart);
    for (guint i = 0; machine->states[i]; i++) {
        json_t *state = json_pack("{s:s, s:o}", "id", machine->states[i], "title",
                                  text_json(&machine->names[i]));

        set_flag(state, "end", kind_is_end(machine, machine->states[i]));
        json_array_append_new(states, state);
    }
    for (const struct process_step *step = kind->steps; step->machine; step++)
        if (g_str_equal(step->machine, machine->id))
            json_array_append_new(steps, step_json(step));
    for (const struct process_clock *clock = kind->clocks; clock && clock->id; clock++)
        if (g_str_equal(clock->machine, machine->id))
            json_array_append_new(clocks, clock_json(clock));
    json_object_set_new(object, "states", states);
    json_object_set_new(object, "steps", steps);
    json_object_set_new(object, "clocks", clocks);
    return object;
}

static json_t *opens_json(const struct kind *kind)
{
    json_t *object = json_pack("{s:i}", "approvals", (int)kind->opens_approvals);

    set_list(object, "needs", kind->opens_with);
    set_list(object, "takes", kind->opens_may);
    set_causes(object, kind->opens_causes);
    return object;
}

static json_t *kind_json(const struct kind *kind)
{
    json_t *object =
        json_pack("{s:s, s:o, s:o, s:s, s:s, s:i, s:o}", "id", kind->id, "title",
                  text_json(&kind->title), "about", text_json(&kind->about), "tlp",
                  tlp_name(kind->tlp), "tlp_ceiling", tlp_name(kind->tlp_ceiling), "retention_days",
                  (int)kind->retention_days, "opens", opens_json(kind));
    json_t *roles = json_array(), *fields = json_array(), *machines = json_array();

    set_number(object, "principle", kind->principle);
    set_flag(object, "anonymous", kind->anonymous);
    set_flag(object, "own", kind->own);
    for (const struct process_role *role = kind->roles; role->id; role++)
        json_array_append_new(roles, role_json(role));
    for (const struct process_field *field = kind->fields; field && field->id; field++)
        json_array_append_new(fields, field_json(field));
    for (const struct process_machine *machine = kind->machines; machine->id; machine++)
        json_array_append_new(machines, machine_json(kind, machine));
    json_object_set_new(object, "roles", roles);
    json_object_set_new(object, "fields", fields);
    json_object_set_new(object, "machines", machines);
    return object;
}

json_t *kinds_json(const struct kind *only)
{
    json_t *list = json_array();

    for (const struct kind *kind = only ? only : kinds; kind->id && (!only || kind == only); kind++)
        json_array_append_new(list, kind_json(kind));
    return json_pack("{s:s, s:o}", "schema", KINDS_SCHEMA, "kinds", list);
}
