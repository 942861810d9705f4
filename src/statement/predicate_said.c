#include "base/error.h"
#include "statement/commitment.h"
#include "statement/intoto.h"
#include "statement/predicate_shapes.h"

#define PERCENT 100
#define COUNT_LIMIT COMMITMENT_COUNT_LIMIT
#define SHORT_TEXT 300

static const char *const norm_letters[] = { "a", "b", "c", "d", "e", "f",
                                            "g", "h", "i", "j", "k", NULL };
static const char *const kinds[] = { "legal", "normative", "operational", "technical", NULL };
static const char *const statuses[] = { "done", "pledged", "withdrawn", NULL };
static const char *const verdicts[] = { "confirmed", "contradicted", "not-answered", NULL };

static const struct shape norm = { NULL, SHAPE_WORD, 0, 0, 0, norm_letters, NULL };
static const struct shape cbm = { NULL, SHAPE_TEXT, 0, 1, 40, NULL, NULL };
static const struct shape gcsc = { NULL, SHAPE_INTEGER, 0, 1, 8, NULL, NULL };
static const struct shape contact_role = { NULL, SHAPE_TEXT, 0, 1, 40, NULL, NULL };
static const struct shape leaf_index = { NULL, SHAPE_INTEGER, 0, 0, COUNT_LIMIT, NULL, NULL };

static const struct shape scored_members[] = {
    { "n", SHAPE_INTEGER, 0, 1, PREDICATE_PRINCIPLES, NULL, NULL },
    { "band", SHAPE_INTEGER, SHAPE_NULLABLE, 1, PREDICATE_BANDS, NULL, NULL },
    { "coverage", SHAPE_INTEGER, SHAPE_NULLABLE, 0, PERCENT, NULL, NULL },
    { 0 },
};
static const struct shape scored = { NULL, SHAPE_OBJECT, 0, 0, 0, NULL, scored_members };

static const struct shape catalogue[] = {
    { "version", SHAPE_TEXT, 0, 0, SHORT_TEXT, NULL, NULL },
    { "digest", SHAPE_TEXT, 0, 0, SHORT_TEXT, NULL, NULL },
    { 0 },
};

static const struct shape commitments[] = {
    { "algorithm", SHAPE_TEXT, 0, 1, SHORT_TEXT, NULL, NULL },
    { "root", SHAPE_SHA256, 0, 0, 0, NULL, NULL },
    { "count", SHAPE_INTEGER, 0, 0, COUNT_LIMIT, NULL, NULL },
    { 0 },
};

static const struct shape order[] = {
    { "critical", SHAPE_INTEGER, 0, 0, COUNT_LIMIT, NULL, NULL },
    { "high", SHAPE_INTEGER, 0, 0, COUNT_LIMIT, NULL, NULL },
    { "medium", SHAPE_INTEGER, 0, 0, COUNT_LIMIT, NULL, NULL },
    { "low", SHAPE_INTEGER, 0, 0, COUNT_LIMIT, NULL, NULL },
    { "info", SHAPE_INTEGER, 0, 0, COUNT_LIMIT, NULL, NULL },
    { "first", SHAPE_INTEGER, 0, 0, COUNT_LIMIT, NULL, NULL },
    { 0 },
};

static const struct shape who[] = {
    { "name", SHAPE_TEXT, SHAPE_OPTIONAL, 0, 0, NULL, NULL },
    { "domain", SHAPE_TEXT, SHAPE_OPTIONAL, 0, 0, NULL, NULL },
    { 0 },
};

/* The times are those of a run; they stand for "time". A log is named when it is published. */
const struct shape shape_assessment[] = {
    { "log", SHAPE_TEXT, SHAPE_OPTIONAL, 1, 256, NULL, NULL },
    { "catalogue", SHAPE_OBJECT, 0, 0, 0, NULL, catalogue },
    { "started", SHAPE_TIME, 0, 0, 0, NULL, NULL },
    { "ended", SHAPE_TIME, 0, 0, 0, NULL, NULL },
    { "principles", SHAPE_LIST, 0, PREDICATE_PRINCIPLES, PREDICATE_PRINCIPLES, NULL, &scored },
    { "commitments", SHAPE_OBJECT, 0, 0, 0, NULL, commitments },
    { "order", SHAPE_OBJECT, SHAPE_OPTIONAL, 0, 0, NULL, order },
    { "signatory", SHAPE_OBJECT, SHAPE_OPTIONAL, 0, 0, NULL, who },
    { 0 },
};

static const struct shape evidence_members[] = {
    { "entry", SHAPE_SHA256, 0, 0, 0, NULL, NULL },
    { 0 },
};
static const struct shape evidence = { NULL, SHAPE_OBJECT, 0, 0, 0, NULL, evidence_members };

const struct shape shape_commitment[] = {
    SHAPE_OF_PROTOCOL,
    { "text", SHAPE_TEXTS, 0, 1, 30, NULL, NULL },
    { "principle", SHAPE_INTEGER, 0, 1, PREDICATE_PRINCIPLES, NULL, NULL },
    { "norms", SHAPE_LIST, SHAPE_UNIQUE, 0, 11, NULL, &norm },
    { "cbms", SHAPE_LIST, SHAPE_UNIQUE, 0, 100, NULL, &cbm },
    { "gcsc", SHAPE_LIST, SHAPE_UNIQUE, 0, 8, NULL, &gcsc },
    { "kind", SHAPE_WORD, 0, 0, 0, kinds, NULL },
    { "due", SHAPE_DATE, 0, 0, 0, NULL, NULL },
    { "convening", SHAPE_TEXT, 0, 1, SHORT_TEXT, NULL, NULL },
    { "status", SHAPE_WORD, SHAPE_OPTIONAL, 0, 0, statuses, NULL },
    { "of", SHAPE_SHA256, SHAPE_OPTIONAL, 0, 0, NULL, NULL },
    { "evidence", SHAPE_LIST, SHAPE_OPTIONAL | SHAPE_UNIQUE, 0, 100, NULL, &evidence },
    { 0 },
};

#define SHAPE_OF_A_TEXT                                                                            \
    SHAPE_OF_PROTOCOL, { "title", SHAPE_TEXT, 0, 1, SHORT_TEXT, NULL, NULL },                      \
        { "language", SHAPE_LANGUAGE, 0, 0, 0, NULL, NULL },                                       \
        { "uri", SHAPE_URI, 0, 0, 0, NULL, NULL },                                                 \
        { "sha256", SHAPE_SHA256, 0, 0, 0, NULL, NULL },                                           \
    {                                                                                              \
        "norms", SHAPE_LIST, SHAPE_UNIQUE, 0, 11, NULL, &norm                                      \
    }

const struct shape shape_legal_position[] = { SHAPE_OF_A_TEXT, { 0 } };

const struct shape shape_norm_report[] = {
    SHAPE_OF_A_TEXT,
    { "period", SHAPE_TEXT, 0, 1, SHORT_TEXT, NULL, NULL },
    { 0 },
};

const struct shape shape_contact[] = {
    SHAPE_OF_PROTOCOL,
    { "roles", SHAPE_LIST, SHAPE_UNIQUE, 0, 100, NULL, &contact_role },
    { "digest", SHAPE_SHA256, SHAPE_WITHHELD, 0, 0, NULL, NULL },
    { 0 },
};

static const struct shape draw[] = {
    { "size", SHAPE_INTEGER, 0, 1, G_GINT64_CONSTANT(1) << 53, NULL, NULL },
    { "root", SHAPE_SHA256, 0, 0, 0, NULL, NULL },
    { 0 },
};

const struct shape shape_review[] = {
    SHAPE_OF_PROTOCOL,
    { "assessment", SHAPE_SHA256, 0, 0, 0, NULL, NULL },
    { "draw", SHAPE_OBJECT, 0, 0, 0, NULL, draw },
    { "indices", SHAPE_LIST, SHAPE_UNIQUE, 0, 100, NULL, &leaf_index },
    { "verdict", SHAPE_WORD, 0, 0, 0, verdicts, NULL },
    { "note", SHAPE_TEXT, SHAPE_OPTIONAL, 1, 0, NULL, NULL },
    { 0 },
};

/* A program or a file of it that was handed out: who gets another under this name was deceived. */
const struct shape shape_release[] = {
    SHAPE_OF_PROTOCOL,
    { "name", SHAPE_TEXT, 0, 1, SHORT_TEXT, NULL, NULL },
    { "version", SHAPE_TEXT, 0, 1, SHORT_TEXT, NULL, NULL },
    { "digest", SHAPE_SHA256, 0, 0, 0, NULL, NULL },
    { 0 },
};

const struct shape shape_document[] = {
    { "size", SHAPE_INTEGER, 0, 0, G_MAXINT64, NULL, NULL },
    { 0 },
};

gboolean rules_assessment(const json_t *statement, GError **error)
{
    const json_t *predicate = intoto_predicate(statement);
    const json_t *counts = json_object_get(predicate, "order");
    struct commitment_root root;
    const json_t *item;
    size_t index;
    gint64 sum = json_number(counts, "first", 0);

    json_array_foreach(json_object_get(predicate, "principles"), index, item)
    {
        if (json_number(item, "n", 0) != (gint64)index + 1)
            return input_error(error, "principle %zu of the assessment is not in its place",
                               index + 1);
    }
    if (!commitment_root_read(json_object_get(predicate, "commitments"), &root, error))
        return FALSE;
    for (const struct shape *severity = order; severity->name && counts; severity++)
        if (!g_str_equal(severity->name, "first"))
            sum += json_number(counts, severity->name, 0);
    return !counts || (guint64)sum == root.count ||
           input_error(error, "the order of the findings is not of as many as were committed");
}

gboolean rules_document(const json_t *statement, GError **error)
{
    return *intoto_subject_name(statement) ||
           input_error(error, "the statement does not give the document's name");
}

gboolean rules_release(const json_t *statement, GError **error)
{
    return g_strcmp0(json_text(intoto_predicate(statement), "digest"),
                     intoto_subject_sha256(statement)) == 0 ||
           input_error(error, "the subject is not the file that was released");
}

gboolean rules_review(const json_t *statement, GError **error)
{
    return g_strcmp0(json_text(intoto_predicate(statement), "assessment"),
                     intoto_subject_sha256(statement)) == 0 ||
           input_error(error, "the subject is not the assessment that was reviewed");
}
