/* A row of the catalogue as data; tools/catalogue.py writes the same, and the digest is over it. */
#include "assess/catalogue.h"

#include "base/json.h"

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text)
        json_object_set_new(object, key, json_string(text));
}

static json_t *both(const struct text *text)
{
    return json_pack("{s:s,s:s}", "en", text->en, "fr", text->fr);
}

static json_t *action_json(const struct fix_action *action)
{
    json_t *object = json_object();

    set_text(object, "kind", fix_kind_name(action->kind));
    set_text(object, "path", action->path);
    set_text(object, "section", action->section);
    set_text(object, "key", action->key);
    set_text(object, "value", action->value);
    set_text(object, "separator", action->separator);
    set_text(object, "owner", action->owner);
    set_text(object, "group", action->group);
    if (action->mode) {
        g_autofree char *mode = g_strdup_printf("%#o", action->mode);

        set_text(object, "mode", mode);
    }
    return object;
}

json_t *catalogue_row_json(const struct measure *measure)
{
    json_t *row = json_object(), *needs = json_array(), *references = json_array();
    json_t *actions = json_array();

    for (guint bit = NEEDS_LIVE; bit <= NEEDS_BUS; bit <<= 1)
        if (measure->needs & bit)
            json_array_append_new(needs, json_string(needs_name(bit)));
    for (const char *const *name = measure->references; *name; name++)
        json_array_append_new(references, json_string(*name));
    for (gsize i = 0; i < measure->n_actions; i++)
        json_array_append_new(actions, action_json(&measure->actions[i]));
    set_text(row, "id", measure->id);
    set_text(row, "catalogue_id", measure->catalogue_id);
    json_object_set_new(row, "principle", json_integer(measure->principle));
    json_object_set_new(row, "version", json_integer(measure->version));
    set_text(row, "severity", severity_name(measure->severity));
    set_text(row, "function", function_name(measure->function));
    set_text(row, "asset", measure->asset_kind);
    json_object_set_new(row, "needs", needs);
    json_object_set_new(row, "title", both(&measure->title));
    json_object_set_new(row, "why", both(&measure->why));
    json_object_set_new(row, "fix", both(&measure->fix));
    json_object_set_new(row, "references", references);
    json_object_set_new(row, "actions", actions);
    return row;
}
