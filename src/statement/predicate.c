#include "statement/predicate.h"

#include "base/clock.h"
#include "base/error.h"
#include "statement/base64.h"
#include "statement/commitment.h"
#include "statement/intoto.h"

#include <string.h>

#define SHA256_SIZE 32
#define PERCENT 100

static gboolean has_one_sha256_subject(const json_t *statement, GError **error)
{
    const char *hex = intoto_subject_sha256(statement);
    guint8 digest[SHA256_SIZE];

    return (json_array_size(json_object_get(statement, "subject")) == 1 && hex &&
            hex_decode_into(hex, digest, sizeof digest)) ||
           input_error(error, "a statement of this type has one subject, with its SHA-256");
}

/* null, or an integer of `low`..`high`. */
static gboolean is_null_or_within(const json_t *value, json_int_t low, json_int_t high)
{
    return json_is_null(value) || (json_is_integer(value) && json_integer_value(value) >= low &&
                                   json_integer_value(value) <= high);
}

static gboolean is_time(const char *text)
{
    gint64 time_us;

    return text && clock_parse(text, &time_us, NULL);
}

static gboolean verify_assessment(const json_t *statement, GError **error)
{
    const json_t *predicate = intoto_predicate(statement), *principle;
    const json_t *principles = json_object_get(predicate, "principles");
    const json_t *catalogue = json_object_get(predicate, "catalogue");
    struct commitment_root root;
    size_t index;

    if (!has_one_sha256_subject(statement, error))
        return FALSE;
    if (!json_text(catalogue, "version") || !json_text(catalogue, "digest"))
        return input_error(error, "the assessment does not name the catalogue it was made with");
    if (!is_time(json_text(predicate, "started")) || !is_time(json_text(predicate, "ended")))
        return input_error(error, "the assessment does not say when it was made");
    if (json_array_size(principles) != PREDICATE_PRINCIPLES)
        return input_error(error, "the assessment does not speak of all nine principles");
    json_array_foreach(principles, index, principle)
    {
        if (json_number(principle, "n", 0) != (gint64)index + 1 ||
            !is_null_or_within(json_object_get(principle, "band"), 1, PREDICATE_BANDS) ||
            !is_null_or_within(json_object_get(principle, "coverage"), 0, PERCENT))
            return input_error(error, "principle %zu of the assessment is malformed", index + 1);
    }
    return commitment_root_read(json_object_get(predicate, "commitments"), &root, error);
}

static gboolean verify_document(const json_t *statement, GError **error)
{
    if (!has_one_sha256_subject(statement, error))
        return FALSE;
    return (*intoto_subject_name(statement) &&
            json_number(intoto_predicate(statement), "size", -1) >= 0) ||
           input_error(error, "the statement does not give the document's name and size");
}

const struct predicate predicates[] = {
    { "assessment", PREDICATE_ASSESSMENT, EXPOSURE_COMMITTED, KEY_ROLE_ISSUER | KEY_ROLE_ROOT,
      verify_assessment },
    { "document", PREDICATE_DOCUMENT, EXPOSURE_LOCAL, KEY_ROLE_ISSUER | KEY_ROLE_ROOT,
      verify_document },
    { NULL, NULL, EXPOSURE_LOCAL, 0, NULL },
};

const struct predicate *predicate_find(const char *type)
{
    for (const struct predicate *row = predicates; row->name; row++)
        if (g_strcmp0(row->type, type) == 0)
            return row;
    return NULL;
}

const char *exposure_name(enum exposure exposure)
{
    static const char *const names[] = {
        [EXPOSURE_LOCAL] = "local",
        [EXPOSURE_COMMITTED] = "committed",
        [EXPOSURE_PUBLIC] = "public",
    };

    return names[exposure];
}
