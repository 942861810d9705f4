#include "base/error.h"
#include "statement/commitment.h"
#include "statement/intoto.h"
#include "statement/predicate_shapes.h"

#define NUMBER_LIMIT (G_GINT64_CONSTANT(1) << 53)
#define ASPECTS 9
#define REASON_LIMIT 40
#define ALGORITHM_LIMIT 300
#define LOG_LIMIT 256

static const char *const tools[] = { "borg", "restic", NULL };
static const char *const sources[] = { "local", "log", NULL };
static const char *const verdicts[] = { "failed", "not-proven", "proven", NULL };
static const char *const aspect_words[] = {
    "access",    "completeness", "freshness", "immutability", "integrity",
    "isolation", "manifest",     "restore",   "time",         NULL
};

/* `backup` is SHA-256 of a secret salt and the backup's name: the same for all statements on it. */
#define SHAPE_OF_A_BACKUP                                                                          \
    { "log", SHAPE_TEXT, SHAPE_OPTIONAL, 1, LOG_LIMIT, NULL, NULL },                               \
        { "time", SHAPE_TIME, 0, 0, 0, NULL, NULL },                                               \
    {                                                                                              \
        "backup", SHAPE_SHA256, 0, 0, 0, NULL, NULL                                                \
    }
#define SHAPE_NUMBER(NAME)                                                                         \
    {                                                                                              \
        NAME, SHAPE_INTEGER, 0, 0, NUMBER_LIMIT, NULL, NULL                                        \
    }

const struct shape shape_backup_manifest[] = {
    SHAPE_OF_A_BACKUP,
    { "root", SHAPE_SHA256, 0, 0, 0, NULL, NULL },
    SHAPE_NUMBER("count"),
    SHAPE_NUMBER("bytes"),
    { 0 },
};

static const struct shape dice[] = {
    { "source", SHAPE_WORD, 0, 0, 0, sources, NULL },
    { "root", SHAPE_SHA256, 0, 0, 0, NULL, NULL },
    { "size", SHAPE_INTEGER, SHAPE_OPTIONAL, 0, NUMBER_LIMIT, NULL, NULL },
    { 0 },
};

static const struct shape sample[] = {
    SHAPE_NUMBER("wanted"),
    SHAPE_NUMBER("intact"),
    SHAPE_NUMBER("damaged"),
    SHAPE_NUMBER("changed"),
    { 0 },
};

static const struct shape restored[] = {
    SHAPE_NUMBER("bytes"),
    SHAPE_NUMBER("milliseconds"),
    { 0 },
};

static const struct shape aspect_members[] = {
    { "aspect", SHAPE_WORD, 0, 0, 0, aspect_words, NULL },
    { "verdict", SHAPE_WORD, 0, 0, 0, verdicts, NULL },
    { "reason", SHAPE_TEXT, SHAPE_OPTIONAL, 1, REASON_LIMIT, NULL, NULL },
    { 0 },
};
static const struct shape aspect = { NULL, SHAPE_OBJECT, 0, 0, 0, NULL, aspect_members };

static const struct shape commitments[] = {
    { "algorithm", SHAPE_TEXT, 0, 1, ALGORITHM_LIMIT, NULL, NULL },
    { "root", SHAPE_SHA256, 0, 0, 0, NULL, NULL },
    { "count", SHAPE_INTEGER, 0, 0, COMMITMENT_COUNT_LIMIT, NULL, NULL },
    { 0 },
};

/* The seed of the sample is SHA-256(dice.root || drill). What was restored is committed to. */
const struct shape shape_recovery_drill[] = {
    SHAPE_OF_A_BACKUP,
    { "drill", SHAPE_SHA256, 0, 0, 0, NULL, NULL },
    { "tool", SHAPE_WORD, 0, 0, 0, tools, NULL },
    { "manifest", SHAPE_SHA256, SHAPE_OPTIONAL, 0, 0, NULL, NULL },
    { "dice", SHAPE_OBJECT, 0, 0, 0, NULL, dice },
    { "sample", SHAPE_OBJECT, 0, 0, 0, NULL, sample },
    { "restored", SHAPE_OBJECT, 0, 0, 0, NULL, restored },
    { "aspects", SHAPE_LIST, 0, ASPECTS, ASPECTS, NULL, &aspect },
    { "commitments", SHAPE_OBJECT, 0, 0, 0, NULL, commitments },
    { 0 },
};

gboolean rules_backup_manifest(const json_t *statement, GError **error)
{
    return g_strcmp0(json_text(intoto_predicate(statement), "root"),
                     intoto_subject_sha256(statement)) == 0 ||
           input_error(error, "the subject is not the manifest that it speaks of");
}

gboolean rules_recovery_drill(const json_t *statement, GError **error)
{
    const json_t *committed = json_object_get(intoto_predicate(statement), "commitments");
    struct commitment_root root;

    if (!commitment_root_read(committed, &root, error))
        return FALSE;
    return g_strcmp0(json_text(committed, "root"), intoto_subject_sha256(statement)) == 0 ||
           input_error(error, "the subject is not what was restored");
}
