#include "base/json.h"

#include "base/error.h"
#include "base/file.h"

static gboolean depth_within(const json_t *value, guint left)
{
    const char *key;
    json_t *member;
    size_t index;

    if (!json_is_object(value) && !json_is_array(value))
        return TRUE;
    if (!left)
        return FALSE;
    json_object_foreach((json_t *)value, key,
                        member) if (!depth_within(member, left - 1)) return FALSE;
    json_array_foreach(value, index, member) if (!depth_within(member, left - 1)) return FALSE;
    return TRUE;
}

json_t *json_parse(const void *data, gsize length, gsize limit, const char *name, GError **error)
{
    g_autoptr(json_t) value = NULL;
    json_error_t problem;

    if (length > limit) {
        input_error(error, "%s: %" G_GSIZE_FORMAT " bytes of JSON; the limit is %" G_GSIZE_FORMAT,
                    name, length, limit);
        return NULL;
    }
    value =
        json_loadb(data ? data : "", length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    if (!value) {
        input_error(error, "%s:%d:%d: not JSON: %s", name, problem.line, problem.column,
                    problem.text);
        return NULL;
    }
    if (!depth_within(value, JSON_DEPTH)) {
        input_error(error, "%s: JSON nested deeper than %d levels", name, JSON_DEPTH);
        return NULL;
    }
    return g_steal_pointer(&value);
}

json_t *json_read_file(const char *path, gsize limit, GError **error)
{
    g_autoptr(GBytes) bytes = file_read(path, limit, error);
    gsize length;
    const void *data;

    if (!bytes)
        return NULL;
    data = g_bytes_get_data(bytes, &length);
    return json_parse(data, length, limit, path, error);
}

char *json_pretty(const json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);
    char *result = g_strconcat(text ? text : "null", "\n", NULL);

    free(text);
    return result;
}

const char *json_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

gint64 json_number(const json_t *object, const char *key, gint64 fallback)
{
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

json_t *json_safe_string(const char *text)
{
    g_autofree char *valid = NULL;
    json_t *value;

    if (!text)
        return json_null();
    value = json_string(text);
    if (value)
        return value;
    valid = g_utf8_make_valid(text, -1);
    return json_string(valid);
}
