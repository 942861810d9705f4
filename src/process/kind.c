#include "process/kind.h"

#include "base/error.h"
#include "statement/shape.h"

#include <string.h>

#define NUMBER_LIMIT (G_GINT64_CONSTANT(1) << 53)
#define LANGUAGES_LIMIT 20
#define X25519_PREFIX "x25519:"

static const char *const type_names[] = {
    [FIELD_TEXT] = "text",       [FIELD_LINE] = "line",
    [FIELD_CHOICE] = "choice",   [FIELD_CHOICES] = "choices",
    [FIELD_YES_NO] = "yes-no",   [FIELD_NUMBER] = "number",
    [FIELD_TIME] = "time",       [FIELD_DATE] = "date",
    [FIELD_COUNTRY] = "country", [FIELD_LANGUAGES] = "languages",
    [FIELD_URI] = "uri",         [FIELD_DIGEST] = "digest",
    [FIELD_KEY] = "key",
};

const char *field_type_name(enum field_type type)
{
    return type_names[type];
}

static const char *const effect_names[] = {
    [EFFECT_NONE] = NULL,       [EFFECT_ADD_PARTY] = "add-party",
    [EFFECT_OFFER] = "offer",   [EFFECT_TAKE_OVER] = "take-over",
    [EFFECT_REFUSE] = "refuse", [EFFECT_SET_TLP] = "set-tlp",
    [EFFECT_LEAVE] = "leave",
};

const char *step_effect_name(enum step_effect effect)
{
    return effect_names[effect];
}

gboolean kind_list_has(const char *const *list, const char *text)
{
    for (; list && *list; list++)
        if (strcmp(*list, text) == 0)
            return TRUE;
    return FALSE;
}

const struct kind *kind_find(const char *id)
{
    for (const struct kind *kind = kinds; id && kind->id; kind++)
        if (g_str_equal(kind->id, id))
            return kind;
    return NULL;
}

const struct process_machine *kind_machine(const struct kind *kind, const char *id)
{
    for (const struct process_machine *machine = kind->machines; machine->id; machine++)
        if (g_str_equal(machine->id, id))
            return machine;
    return NULL;
}

const struct process_field *kind_field(const struct kind *kind, const char *id)
{
    for (const struct process_field *field = kind->fields; field && field->id; field++)
        if (g_str_equal(field->id, id))
            return field;
    return NULL;
}

const struct process_role *kind_role(const struct kind *kind, const char *id)
{
    for (const struct process_role *role = kind->roles; id && role->id; role++)
        if (g_str_equal(role->id, id))
            return role;
    return NULL;
}

gboolean kind_is_end(const struct process_machine *machine, const char *state)
{
    return kind_list_has(machine->ends, state);
}

const struct process_text *kind_state_text(const struct process_machine *machine, const char *state)
{
    for (guint i = 0; machine->states[i]; i++)
        if (g_str_equal(machine->states[i], state))
            return &machine->names[i];
    return NULL;
}

gboolean kind_step_from(const struct process_step *step, const struct process_machine *machine,
                        const char *state)
{
    if (g_str_equal(step->from[0], "**"))
        return TRUE;
    if (g_str_equal(step->from[0], "*"))
        return !kind_is_end(machine, state);
    return kind_list_has(step->from, state);
}

gboolean kind_step_by(const struct process_step *step, const char *role)
{
    return !role || g_str_equal(step->roles[0], "*") || kind_list_has(step->roles, role);
}

static gboolean choice_is_of(const struct process_field *field, const json_t *value)
{
    for (const struct process_choice *choice = field->choices; choice->id; choice++)
        if (g_strcmp0(choice->id, json_string_value(value)) == 0)
            return TRUE;
    return FALSE;
}

static gboolean choices_are_of(const struct process_field *field, const json_t *value)
{
    const json_t *item;
    size_t index;

    if (!json_is_array(value) || !json_array_size(value))
        return FALSE;
    json_array_foreach(value, index, item)
    {
        if (!choice_is_of(field, item))
            return FALSE;
        for (size_t i = 0; i < index; i++)
            if (json_equal(json_array_get(value, i), item))
                return FALSE;
    }
    return TRUE;
}

static const struct shape language = { NULL, SHAPE_LANGUAGE, 0, 0, 0, NULL, NULL };

/* What each type is as a shape; choices are looked at by themselves. */
static const struct shape type_shapes[] = {
    [FIELD_TEXT] = { NULL, SHAPE_TEXT, 0, 1, 0, NULL, NULL },
    [FIELD_LINE] = { NULL, SHAPE_TEXT, 0, 1, 0, NULL, NULL },
    [FIELD_CHOICE] = { NULL, SHAPE_TEXT, 0, 1, 0, NULL, NULL },
    [FIELD_CHOICES] = { NULL, SHAPE_LIST, SHAPE_UNIQUE, 1, G_MAXINT, NULL, NULL },
    [FIELD_YES_NO] = { NULL, SHAPE_BOOLEAN, 0, 0, 0, NULL, NULL },
    [FIELD_NUMBER] = { NULL, SHAPE_INTEGER, 0, 0, NUMBER_LIMIT, NULL, NULL },
    [FIELD_TIME] = { NULL, SHAPE_TIME, 0, 0, 0, NULL, NULL },
    [FIELD_DATE] = { NULL, SHAPE_DATE, 0, 0, 0, NULL, NULL },
    [FIELD_COUNTRY] = { NULL, SHAPE_COUNTRY, 0, 0, 0, NULL, NULL },
    [FIELD_LANGUAGES] = { NULL, SHAPE_LIST, SHAPE_UNIQUE, 1, LANGUAGES_LIMIT, NULL, &language },
    [FIELD_URI] = { NULL, SHAPE_URI, 0, 0, 0, NULL, NULL },
    [FIELD_DIGEST] = { NULL, SHAPE_SHA256, 0, 0, 0, NULL, NULL },
    [FIELD_KEY] = { NULL, SHAPE_ROLE_KEY, 0, 0, 0, NULL, NULL },
};

/* Whether a member of `fields` is as its row says. */
static gboolean field_check(const struct process_field *field, const json_t *fields, GError **error)
{
    const json_t *value = json_object_get(fields, field->id);
    struct shape members[2] = { type_shapes[field->type], { 0 } };

    if (field->type == FIELD_CHOICE && !choice_is_of(field, value))
        return input_error(error, "field \"%s\" is not one of its choices", field->id);
    if (field->type == FIELD_CHOICES)
        return choices_are_of(field, value) ||
               input_error(error, "field \"%s\" is not a list of its choices", field->id);
    members[0].name = field->id;
    if (members[0].kind == SHAPE_TEXT)
        members[0].high = (gint64)field->limit;
    if (!shape_check(fields, members, "fields", error))
        return FALSE;
    if (field->type == FIELD_LINE && strpbrk(json_string_value(value), "\n\t"))
        return input_error(error, "field \"%s\" is not one line", field->id);
    if (field->type == FIELD_KEY && !g_str_has_prefix(json_string_value(value), X25519_PREFIX))
        return input_error(error, "field \"%s\" is not x25519: and 32 bytes in base64", field->id);
    return TRUE;
}

gboolean kind_fields_check(const struct kind *kind, const json_t *fields, const char *const *needs,
                           const char *const *takes, GError **error)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)fields, name, value)
    {
        const struct process_field *field = kind_field(kind, name);

        if (!field || (!kind_list_has(needs, name) && !kind_list_has(takes, name)))
            return input_error(error, "there is no field \"%s\" here", name);
        if (!field_check(field, fields, error))
            return FALSE;
    }
    for (; needs && *needs; needs++)
        if (!json_object_get(fields, *needs))
            return input_error(error, "field \"%s\" is missing", *needs);
    return TRUE;
}
