/* A plan as canonical JSON (docs/schema is for programs; the hash is over these bytes). */
#include "base/error.h"
#include "fix/fix_plan.h"

#include <string.h>

#define SCHEMA "entente/fix-plan/1"
#define PLAN_MAX (256u << 20) /* bytes of one plan file */

static void put(json_t *object, const char *key, const char *text)
{
    if (text)
        json_object_set_new(object, key, json_safe_string(text));
}

static json_t *texts_to_json(const GPtrArray *texts)
{
    json_t *array = json_array();

    for (guint i = 0; i < texts->len; i++)
        json_array_append_new(array, json_safe_string(texts->pdata[i]));
    return array;
}

static json_t *state_to_json(const struct fix_state *state, gboolean with_content)
{
    json_t *object = json_object();
    g_autofree char *mode = g_strdup_printf("%04o", state->mode);

    put(object, "node", fix_node_name(state->node));
    if (state->node == FIX_ABSENT)
        return object;
    put(object, "mode", mode);
    json_object_set_new(object, "uid", json_integer(state->uid));
    json_object_set_new(object, "gid", json_integer(state->gid));
    put(object, "sha256", state->digest);
    if (with_content && state->content) {
        gsize length;
        const char *data = g_bytes_get_data(state->content, &length);

        if (!length) {
            put(object, "content", "");
        } else if (!memchr(data, 0, length) && g_utf8_validate(data, length, NULL)) {
            json_object_set_new(object, "content", json_stringn(data, length));
        } else {
            g_autofree char *encoded = g_base64_encode((const guchar *)data, length);

            put(object, "content_base64", encoded);
        }
    }
    return object;
}

static json_t *notes_to_json(const GPtrArray *notes)
{
    json_t *array = json_array();

    for (guint i = 0; i < notes->len; i++) {
        const struct fix_note *note = notes->pdata[i];
        json_t *object = json_object();

        put(object, "measure", note->measure);
        put(object, "en", note->en);
        put(object, "fr", note->fr);
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *plan_to_json(const struct fix_plan *plan)
{
    json_t *object = json_object(), *edits = json_array(), *values = json_array();

    put(object, "schema", SCHEMA);
    put(object, "root", plan->root);
    json_object_set_new(object, "risky", json_boolean(plan->risky));
    json_object_set_new(object, "measures", texts_to_json(plan->measures));
    json_object_set_new(object, "guards", texts_to_json(plan->guards));
    for (guint i = 0; i < plan->edits->len; i++) {
        const struct fix_edit *edit = plan->edits->pdata[i];
        json_t *row = json_object();

        put(row, "path", edit->path);
        json_object_set_new(row, "measures", texts_to_json(edit->measures));
        json_object_set_new(row, "old", state_to_json(&edit->old, FALSE));
        json_object_set_new(row, "new", state_to_json(&edit->new, TRUE));
        json_array_append_new(edits, row);
    }
    json_object_set_new(object, "edits", edits);
    for (guint i = 0; i < plan->settings->len; i++) {
        const struct fix_setting *value = plan->settings->pdata[i];
        json_t *row = json_object();

        put(row, "key", value->key);
        put(row, "old", value->old);
        put(row, "new", value->new);
        json_array_append_new(values, row);
    }
    json_object_set_new(object, "values", values);
    json_object_set_new(object, "effects", notes_to_json(plan->effects));
    json_object_set_new(object, "left_out", notes_to_json(plan->left_out));
    return object;
}

/* A path that JSON cannot carry as it is would come back as another. */
static gboolean paths_are_text(const struct fix_plan *plan, GError **error)
{
    for (guint i = 0; i < plan->edits->len; i++) {
        const struct fix_edit *edit = plan->edits->pdata[i];

        if (!g_utf8_validate(edit->path, -1, NULL))
            return system_error(error, "%s: a name that is not UTF-8 cannot be fixed", edit->path);
    }
    return g_utf8_validate(plan->root, -1, NULL) ||
           system_error(error, "%s: the root's name is not UTF-8", plan->root);
}

GBytes *fix_plan_bytes(const struct fix_plan *plan, GError **error)
{
    g_autoptr(json_t) object = NULL;

    if (!paths_are_text(plan, error))
        return NULL;
    object = plan_to_json(plan);
    return json_canonical(object, error);
}

json_t *fix_plan_to_json(const struct fix_plan *plan, const struct fix_tree *tree)
{
    json_t *object = plan_to_json(plan);
    json_t *edits = json_object_get(object, "edits");

    put(object, "hash", plan->hash);
    for (guint i = 0; i < plan->edits->len; i++) {
        g_autofree char *change = fix_edit_describe(plan->edits->pdata[i], tree);

        put(json_array_get(edits, i), "change", change);
    }
    return object;
}

static gboolean texts_from_json(const json_t *object, const char *key, GPtrArray *texts)
{
    const json_t *array = json_object_get(object, key), *item;
    gsize index;

    json_array_foreach(array, index, item)
    {
        if (!json_is_string(item))
            return FALSE;
        g_ptr_array_add(texts, g_strdup(json_string_value(item)));
    }
    return json_is_array(array);
}

static gboolean state_from_json(const json_t *object, struct fix_state *state)
{
    const json_t *content = json_object_get(object, "content");
    const char *digest = json_text(object, "sha256");
    const char *mode = json_text(object, "mode"), *encoded = json_text(object, "content_base64");
    gint64 uid = json_number(object, "uid", -1), gid = json_number(object, "gid", -1);
    guint64 bits;

    if (!fix_node_parse(json_text(object, "node"), &state->node))
        return FALSE;
    if (state->node == FIX_ABSENT)
        return TRUE;
    if (!mode || !g_ascii_string_to_unsigned(mode, 8, 0, 07777, &bits, NULL) || uid < 0 ||
        uid >= G_MAXUINT32 || gid < 0 || gid >= G_MAXUINT32)
        return FALSE;
    state->mode = bits;
    state->uid = uid;
    state->gid = gid;
    if (json_is_string(content)) {
        state->content = g_bytes_new(json_string_value(content), json_string_length(content));
    } else if (encoded) {
        gsize length;
        guchar *data = g_base64_decode(encoded, &length);

        state->content = g_bytes_new_take(data, length);
    }
    if (!state->content) {
        state->digest = g_strdup(digest);
        return TRUE;
    }
    state->digest = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, state->content);
    return g_strcmp0(state->digest, digest) == 0;
}

static gboolean edits_from_json(const json_t *object, struct fix_plan *plan)
{
    const json_t *array = json_object_get(object, "edits"), *item;
    gsize index;

    json_array_foreach(array, index, item)
    {
        const char *path = json_text(item, "path");
        struct fix_edit *edit;

        if (!path || *path != '/')
            return FALSE;
        edit = fix_edit_new(path);
        g_ptr_array_add(plan->edits, edit);
        if (!texts_from_json(item, "measures", edit->measures) ||
            !state_from_json(json_object_get(item, "old"), &edit->old) ||
            !state_from_json(json_object_get(item, "new"), &edit->new) ||
            (edit->new.node == FIX_LINK && !edit->new.content))
            return FALSE;
    }
    return json_is_array(array);
}

static gboolean values_from_json(const json_t *object, struct fix_plan *plan)
{
    const json_t *array = json_object_get(object, "values"), *item;
    gsize index;

    json_array_foreach(array, index, item)
    {
        const char *key = json_text(item, "key"), *old = json_text(item, "old"),
                   *new = json_text(item, "new");

        if (!key || !old || !new || strstr(key, ".."))
            return FALSE;
        g_ptr_array_add(plan->settings, fix_setting_new(key, old, new));
    }
    return json_is_array(array);
}

static gboolean notes_from_json(const json_t *object, const char *name, GPtrArray *notes)
{
    const json_t *array = json_object_get(object, name), *item;
    gsize index;

    json_array_foreach(array, index, item)
    {
        const char *en = json_text(item, "en"), *fr = json_text(item, "fr");

        if (!en || !fr)
            return FALSE;
        g_ptr_array_add(notes, fix_note_new(json_text(item, "measure"), en, fr));
    }
    return json_is_array(array);
}

struct fix_plan *fix_plan_parse(GBytes *bytes, const char *name, GError **error)
{
    g_autoptr(fix_plan_t) plan = NULL;
    g_autoptr(json_t) object = NULL;
    gsize length;
    const void *data = g_bytes_get_data(bytes, &length);

    object = json_parse(data, length, PLAN_MAX, name, error);
    if (!object)
        return NULL;
    if (g_strcmp0(json_text(object, "schema"), SCHEMA) != 0 || !json_text(object, "root")) {
        input_error(error, "%s: is no plan of this version (%s)", name, SCHEMA);
        return NULL;
    }
    plan = fix_plan_new(json_text(object, "root"));
    plan->risky = json_is_true(json_object_get(object, "risky"));
    if (!texts_from_json(object, "measures", plan->measures) ||
        !texts_from_json(object, "guards", plan->guards) || !edits_from_json(object, plan) ||
        !values_from_json(object, plan) || !notes_from_json(object, "effects", plan->effects) ||
        !notes_from_json(object, "left_out", plan->left_out)) {
        input_error(error, "%s: a member of the plan is missing or malformed", name);
        return NULL;
    }
    plan->hash = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes);
    return g_steal_pointer(&plan);
}
