/*
 * predicate_hunt.c: "we looked there, with this, and found so much": what a hunt says in public.
 *
 * Tables by digest, how much was read, how often there was a hit; what was read and what was found
 * stands in salted commitments, file by file and hit by hit (p1_resilience/hunt/hunt_claim.h).
 */
#include "base/clock.h"
#include "base/error.h"
#include "statement/commitment.h"
#include "statement/intoto.h"
#include "statement/predicate_shapes.h"

#define COUNT_LIMIT COMMITMENT_COUNT_LIMIT
#define SAFE_INTEGER (G_GINT64_CONSTANT(1) << 53)
#define TABLES_LIMIT 64
#define SHORT_TEXT 300

static const struct shape table_members[] = {
    { "sha256", SHAPE_SHA256, 0, 0, 0, NULL, NULL },
    { "serial", SHAPE_INTEGER, 0, 0, SAFE_INTEGER, NULL, NULL },
    { "built", SHAPE_TIME, 0, 0, 0, NULL, NULL },
    { "values", SHAPE_INTEGER, 0, 0, SAFE_INTEGER, NULL, NULL },
    { 0 },
};
static const struct shape table = { NULL, SHAPE_OBJECT, 0, 0, 0, NULL, table_members };

static const struct shape commitments[] = {
    { "algorithm", SHAPE_TEXT, 0, 1, SHORT_TEXT, NULL, NULL },
    { "root", SHAPE_SHA256, 0, 0, 0, NULL, NULL },
    { "count", SHAPE_INTEGER, 0, 1, COUNT_LIMIT, NULL, NULL },
    { 0 },
};

/* What the hunt asked beyond the rules of matching; a hunt that is repeated asks the same. */
static const struct shape rules[] = {
    { "valid", SHAPE_TEXT, 0, 1, SHORT_TEXT, NULL, NULL }, /* "any", "line", or a time */
    { "defanged", SHAPE_BOOLEAN, 0, 0, 0, NULL, NULL },
    { 0 },
};

/* The times are those of the hunt; they stand for "time". A log is named by members of one. */
const struct shape shape_hunt[] = {
    { "log", SHAPE_TEXT, SHAPE_OPTIONAL, 1, 256, NULL, NULL },
    { "engine", SHAPE_TEXT, 0, 1, SHORT_TEXT, NULL, NULL },
    { "started", SHAPE_TIME, 0, 0, 0, NULL, NULL },
    { "ended", SHAPE_TIME, 0, 0, 0, NULL, NULL },
    { "tables", SHAPE_LIST, 0, 1, TABLES_LIMIT, NULL, &table },
    { "rules", SHAPE_OBJECT, 0, 0, 0, NULL, rules },
    { "files", SHAPE_INTEGER, 0, 1, COUNT_LIMIT, NULL, NULL },
    { "unread", SHAPE_INTEGER, 0, 0, COUNT_LIMIT, NULL, NULL },
    { "size", SHAPE_INTEGER, 0, 0, SAFE_INTEGER, NULL, NULL },
    { "bytes", SHAPE_INTEGER, 0, 0, SAFE_INTEGER, NULL, NULL },
    { "lines", SHAPE_INTEGER, 0, 0, SAFE_INTEGER, NULL, NULL },
    { "hits", SHAPE_INTEGER, 0, 0, COUNT_LIMIT, NULL, NULL },
    { "suppressed", SHAPE_INTEGER, 0, 0, COUNT_LIMIT, NULL, NULL },
    { "commitments", SHAPE_OBJECT, 0, 0, 0, NULL, commitments },
    { 0 },
};

gboolean rules_hunt(const json_t *statement, GError **error)
{
    const json_t *hunt = intoto_predicate(statement);
    const char *valid = json_text(json_object_get(hunt, "rules"), "valid");
    const gint64 files = json_number(hunt, "files", 0);
    gint64 started_us, ended_us, valid_us;
    struct commitment_root root;
    const char *hex;

    if (!commitment_root_read(json_object_get(hunt, "commitments"), &root, error))
        return FALSE;
    hex = json_text(json_object_get(hunt, "commitments"), "root");
    if (g_strcmp0(hex, intoto_subject_sha256(statement)) != 0)
        return input_error(error, "the subject is not the root of what was read and found");
    if ((guint64)(files + json_number(hunt, "hits", 0) + json_number(hunt, "suppressed", 0)) !=
        root.count)
        return input_error(
            error, "it commits to %" G_GUINT64_FORMAT " entries, which are not its files and hits",
            root.count);
    if (json_number(hunt, "unread", 0) > files)
        return input_error(error, "more files were not read than there were");
    if (!clock_parse(json_text(hunt, "started"), &started_us, error) ||
        !clock_parse(json_text(hunt, "ended"), &ended_us, error))
        return FALSE;
    if (ended_us < started_us)
        return input_error(error, "the hunt ended before it began");
    return g_str_equal(valid, "any") || g_str_equal(valid, "line") ||
           clock_parse(valid, &valid_us, error);
}
