#include "statement/intoto.h"

#include "base/error.h"
#include "statement/dsse.h"

#include <string.h>

GBytes *intoto_build(const char *subject_name, const char *sha256_hex, const char *predicate_type,
                     json_t *predicate, GError **error)
{
    g_autoptr(json_t) statement =
        json_pack("{s:s, s:[{s:s, s:{s:s}}], s:s, s:O}", "_type", INTOTO_STATEMENT_TYPE, "subject",
                  "name", subject_name, "digest", "sha256", sha256_hex, "predicateType",
                  predicate_type, "predicate", predicate);

    if (!statement) {
        input_error(error, "\"%s\" is not UTF-8 and cannot be named in a statement", subject_name);
        return NULL;
    }
    return json_canonical(statement, error);
}

static gboolean digests_are_hex(const json_t *digests)
{
    const char *algorithm;
    json_t *value;

    if (!json_object_size(digests))
        return FALSE;
    json_object_foreach((json_t *)digests, algorithm, value)
    {
        const char *hex = json_string_value(value);

        if (!hex || !*hex || strlen(hex) % 2 || hex[strspn(hex, "0123456789abcdef")])
            return FALSE;
    }
    return TRUE;
}

static gboolean check_subjects(const json_t *subjects, GError **error)
{
    const json_t *subject, *name;
    size_t index;

    if (!json_array_size(subjects))
        return input_error(error,
                           "the statement is about nothing: \"subject\" is empty or missing");
    json_array_foreach(subjects, index, subject)
    {
        name = json_object_get(subject, "name");
        if ((name && !json_is_string(name)) || !digests_are_hex(json_object_get(subject, "digest")))
            return input_error(error,
                               "subject %zu of the statement has no digest in lower-case "
                               "hex, or a name that is not text",
                               index + 1);
    }
    return TRUE;
}

json_t *intoto_read(GBytes *payload, GError **error)
{
    gsize length;
    const void *data = g_bytes_get_data(payload, &length);
    g_autoptr(json_t) statement = json_parse(data, length, DSSE_LIMIT, "payload", error);
    const char *type = json_text(statement, "_type");
    const char *predicate_type = json_text(statement, "predicateType");
    const json_t *predicate = json_object_get(statement, "predicate");

    if (!statement)
        return NULL;
    if (g_strcmp0(type, INTOTO_STATEMENT_TYPE) != 0) {
        input_error(error, "the payload is not an in-toto Statement v1");
        return NULL;
    }
    if (!check_subjects(json_object_get(statement, "subject"), error))
        return NULL;
    if (!predicate_type || !*predicate_type || (predicate && !json_is_object(predicate))) {
        input_error(error, "the statement's predicate has no type or is not an object");
        return NULL;
    }
    return g_steal_pointer(&statement);
}

const char *intoto_predicate_type(const json_t *statement)
{
    return json_text(statement, "predicateType");
}

const json_t *intoto_predicate(const json_t *statement)
{
    return json_object_get(statement, "predicate");
}

static const json_t *first_subject(const json_t *statement)
{
    return json_array_get(json_object_get(statement, "subject"), 0);
}

const char *intoto_subject_name(const json_t *statement)
{
    const char *name = json_text(first_subject(statement), "name");

    return name ? name : "";
}

const char *intoto_subject_sha256(const json_t *statement)
{
    return json_text(json_object_get(first_subject(statement), "digest"), "sha256");
}
