#include "base/error.h"
#include "statement/intoto.h"
#include "statement/predicate_shapes.h"

#define INDEX_LIMIT (G_GINT64_CONSTANT(1) << 53)

static const char *const statuses[] = { "accepted", "included", "refused", NULL };

const struct shape shape_receipt[] = {
    SHAPE_OF_PROTOCOL,
    { "entry", SHAPE_SHA256, 0, 0, 0, NULL, NULL },
    { "status", SHAPE_WORD, 0, 0, 0, statuses, NULL },
    { "index", SHAPE_INTEGER, SHAPE_OPTIONAL, 0, INDEX_LIMIT, NULL, NULL },
    { "by", SHAPE_TIME, SHAPE_OPTIONAL, 0, 0, NULL, NULL },
    { "reason", SHAPE_TEXT, SHAPE_OPTIONAL, 1, 0, NULL, NULL },
    { 0 },
};

static const struct shape old[] = {
    { "origin", SHAPE_TEXT, 0, 1, 256, NULL, NULL },
    { "size", SHAPE_INTEGER, 0, 0, INDEX_LIMIT, NULL, NULL },
    { "root", SHAPE_SHA256, 0, 0, 0, NULL, NULL },
    { "note", SHAPE_BASE64, 0, 0, 0, NULL, NULL },
    { 0 },
};

const struct shape shape_succession[] = {
    SHAPE_OF_PROTOCOL,
    { "old", SHAPE_OBJECT, 0, 0, 0, NULL, old },
    { "reason", SHAPE_TEXT, 0, 1, 0, NULL, NULL },
    { 0 },
};

/* Each status with the member that it is worth nothing without. */
static const struct {
    const char *status, *member;
} needed[] = { { "accepted", "by" }, { "included", "index" }, { "refused", "reason" } };

gboolean rules_receipt(const json_t *statement, GError **error)
{
    const json_t *predicate = intoto_predicate(statement);

    if (g_strcmp0(json_text(predicate, "entry"), intoto_subject_sha256(statement)) != 0)
        return input_error(error, "the subject is not the entry that the receipt is for");
    for (guint i = 0; i < G_N_ELEMENTS(needed); i++)
        if (g_strcmp0(json_text(predicate, "status"), needed[i].status) == 0 &&
            !json_object_get(predicate, needed[i].member))
            return input_error(error, "a receipt with the status \"%s\" gives \"%s\"",
                               needed[i].status, needed[i].member);
    return TRUE;
}
