/* Reading documents of STIX objects without losing the bytes of any. */
#include "base/error.h"
#include "p1_resilience/intel/stix.h"
#include <string.h>

void stix_document_clear(struct stix_document *document)
{
    g_clear_pointer(&document->id, g_free);
    g_clear_pointer(&document->around, json_decref);
}

/* Over white space of JSON. */
static const char *skip_space(const char *at, const char *end)
{
    while (at < end && strchr(" \t\r\n", *at) && *at)
        at++;
    return at;
}

/* Over one value of a document that is known to be sound. */
static const char *skip_value(const char *at, const char *end)
{
    guint depth = 0;

    for (; at < end; at++) {
        if (*at == '"') {
            for (at++; at < end && *at != '"'; at++)
                if (*at == '\\')
                    at++;
            if (depth == 0)
                return at + 1;
        } else if (*at == '{' || *at == '[') {
            depth++;
        } else if (*at == '}' || *at == ']') {
            if (depth <= 1)
                return depth == 1 ? at + 1 : at;
            depth--;
        } else if (depth == 0 && strchr(", \t\r\n:", *at)) {
            return at;
        }
    }
    return end;
}

/* Whether the JSON string that begins at `at` is `name`, escapes and all. */
static gboolean is_name(const char *at, const char *end, const char *name)
{
    const char *behind = skip_value(at, end);
    g_autoptr(json_t) value =
        json_loadb(at, behind - at, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, NULL);

    return g_strcmp0(json_string_value(value), name) == 0;
}

/* The first byte of the array of objects, behind its bracket; the document is sound and has it. */
static const char *find_objects(const char *at, const char *end)
{
    at = skip_space(at, end) + 1; /* the brace */
    while (at < end) {
        const char *name = skip_space(at, end), *value;

        if (name >= end || *name == '}')
            return NULL;
        value = skip_space(skip_space(skip_value(name, end), end) + 1, end);
        if (is_name(name, end, "objects"))
            return value < end && *value == '[' ? value + 1 : NULL;
        at = skip_space(skip_value(value, end), end);
        if (at < end && *at == ',')
            at++;
    }
    return NULL;
}

static gboolean give(const char *text, gsize length, const json_t *json, const char *name,
                     stix_each_fn each, gpointer data, GError **error)
{
    const struct stix_object object = { text, length, json };

    if (!json_is_object(json) || !json_text(json, "type") || !json_text(json, "id"))
        return input_error(error, "%s: an object of STIX has a type and an id", name);
    if (length > STIX_OBJECT_LIMIT)
        return input_error(error, "%s: %.120s has more than %u bytes", name, json_text(json, "id"),
                           STIX_OBJECT_LIMIT);
    return each(&object, data, error);
}

/* The objects of the array and their bytes go in step. */
static gboolean give_all(const char *text, gsize length, const json_t *objects, const char *name,
                         stix_each_fn each, gpointer data, GError **error)
{
    const char *end = text + length, *at = find_objects(text, end);
    const json_t *object;
    size_t index;

    json_array_foreach(objects, index, object)
    {
        const char *behind;

        if (!at)
            return input_error(error, "%s: its objects are not where they were read", name);
        at = skip_space(at, end);
        behind = skip_value(at, end);
        if (!give(at, behind - at, object, name, each, data, error))
            return FALSE;
        at = skip_space(behind, end);
        if (at < end && *at == ',')
            at++;
    }
    return TRUE;
}

gboolean stix_read(const void *bytes, gsize length, const char *name,
                   struct stix_document *document, stix_each_fn each, gpointer data, GError **error)
{
    g_autoptr(json_t) json = json_parse(bytes, length, STIX_LIMIT, name, error);
    const json_t *objects = json_object_get(json, "objects");
    const char *type = json_text(json, "type");
    gboolean bundle = g_strcmp0(type, "bundle") == 0;

    if (!json)
        return FALSE;
    if (document) {
        document->id = bundle ? g_strdup(json_text(json, "id")) : NULL;
        document->around = json_copy(json);
        if (bundle || !type)
            json_object_del(document->around, "objects");
    }
    if (type && !bundle) {
        const char *at = skip_space(bytes, (const char *)bytes + length);

        return give(at, skip_value(at, (const char *)bytes + length) - at, json, name, each, data,
                    error);
    }
    if (objects && !json_is_array(objects))
        return input_error(error, "%s: \"objects\" is no list", name);
    if (!json_is_object(json) || (!objects && !bundle && json_object_size(json) > 0))
        return input_error(error, "%s: no bundle, envelope or object of STIX", name);
    return give_all(bytes, length, objects, name, each, data, error);
}
