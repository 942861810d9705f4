/*
 * predicate_intel.c: "we hold so many objects of these types": what a log gets of indicators that
 * TLP does not let into it. Each object is one salted commitment (p1_resilience/intel/holding.h).
 */
#include "base/error.h"
#include "statement/commitment.h"
#include "statement/intoto.h"
#include "statement/predicate_shapes.h"

#define TYPES_LIMIT 64
#define TEXT_LIMIT 300
#define LOG_LIMIT 256

static const struct shape count_of_type = { NULL, SHAPE_INTEGER, 0, 1, COMMITMENT_COUNT_LIMIT,
                                            NULL, NULL };
static const struct shape committed[] = {
    { "algorithm", SHAPE_TEXT, 0, 1, TEXT_LIMIT, NULL, NULL },
    { "root", SHAPE_SHA256, 0, 0, 0, NULL, NULL },
    { "count", SHAPE_INTEGER, 0, 1, COMMITMENT_COUNT_LIMIT, NULL, NULL },
    { 0 },
};

const struct shape shape_indicators[] = {
    { "log", SHAPE_TEXT, SHAPE_OPTIONAL, 1, LOG_LIMIT, NULL, NULL },
    { "time", SHAPE_TIME, 0, 0, 0, NULL, NULL },
    { "types", SHAPE_MAP, 0, 1, TYPES_LIMIT, NULL, &count_of_type },
    { "commitments", SHAPE_OBJECT, 0, 0, 0, NULL, committed },
    { 0 },
};

gboolean rules_indicators(const json_t *statement, GError **error)
{
    const json_t *predicate = intoto_predicate(statement);
    const json_t *commitments = json_object_get(predicate, "commitments"), *number;
    struct commitment_root root;
    guint64 count = 0;
    const char *type;

    if (!commitment_root_read(commitments, &root, error))
        return FALSE;
    if (g_strcmp0(json_text(commitments, "root"), intoto_subject_sha256(statement)) != 0)
        return input_error(error, "the subject is not the root of what is held");
    json_object_foreach(json_object_get(predicate, "types"), type, number) count +=
        (guint64)json_integer_value(number);
    return count == root.count || input_error(error,
                                              "it commits to %" G_GUINT64_FORMAT
                                              " objects, which are not those of its types",
                                              root.count);
}
