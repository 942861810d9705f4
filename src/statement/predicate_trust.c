#include "base/clock.h"
#include "base/error.h"
#include "statement/intoto.h"
#include "statement/predicate_shapes.h"

#include <string.h>

#define NAME_LIMIT 300
#define MEMBERS_LIMIT 1000
#define DAY_US (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)

static const char *const groups[] = { "civil-society", "private-sector", "state", NULL };
static const char *const principle_numbers[] = {
    "1", "2", "3", "4", "5", "6", "7", "8", "9", NULL
};
static const char *const roles[] = { "issuer", "log",  "officer", "operator",
                                     "owner",  "seal", "witness", NULL };
static const char *const reasons[] = { "lost", "other", "retired", "rotated", "stolen", NULL };
static const char *const checks[] = { "contact", "domain", "legal-existence", NULL };

static const struct shape ed25519 = { NULL, SHAPE_ED25519, 0, 0, 0, NULL, NULL };
static const struct shape principle = {
    NULL, SHAPE_INTEGER, 0, 1, PREDICATE_PRINCIPLES, NULL, NULL
};
static const struct shape predicate_type = { NULL, SHAPE_PREDICATE, 0, 0, 0, NULL, NULL };
static const struct shape check = { NULL, SHAPE_WORD, 0, 0, 0, checks, NULL };
static const struct shape digest = { NULL, SHAPE_SHA256, 0, 0, 0, NULL, NULL };
static const struct shape network = { NULL, SHAPE_TEXT, 0, 3, PREDICATE_NETWORK_TEXT, NULL, NULL };
static const struct shape log_key = { NULL, SHAPE_ED25519, 0, 0, 0, NULL, NULL };

static const struct shape root[] = {
    { "threshold", SHAPE_INTEGER, 0, 1, PREDICATE_ROOT_KEYS, NULL, NULL },
    { "keys", SHAPE_LIST, SHAPE_UNIQUE, 1, PREDICATE_ROOT_KEYS, NULL, &ed25519 },
    { 0 },
};

static const struct shape signatory[] = {
    { "name", SHAPE_TEXT, 0, 1, NAME_LIMIT, NULL, NULL },
    { "group", SHAPE_WORD, 0, 0, 0, groups, NULL },
    { "subtype", SHAPE_TEXT, SHAPE_OPTIONAL, 1, NAME_LIMIT, NULL, NULL },
    { "country", SHAPE_COUNTRY, 0, 0, 0, NULL, NULL },
    { "domain", SHAPE_DOMAIN, 0, 0, 0, NULL, NULL },
    { 0 },
};

const struct shape shape_endorsement[] = {
    SHAPE_OF_PROTOCOL,
    { "signatory", SHAPE_OBJECT, 0, 0, 0, NULL, signatory },
    { "principles", SHAPE_LIST, SHAPE_UNIQUE, 1, PREDICATE_PRINCIPLES, NULL, &principle },
    { "root", SHAPE_OBJECT, 0, 0, 0, NULL, root },
    { "statements", SHAPE_TEXTS, SHAPE_OPTIONAL, 0, PREDICATE_PRINCIPLES, principle_numbers, NULL },
    { "reviewer", SHAPE_BOOLEAN, 0, 0, 0, NULL, NULL },
    { "contacts", SHAPE_SHA256, SHAPE_OPTIONAL | SHAPE_WITHHELD, 0, 0, NULL, NULL },
    { "networks", SHAPE_LIST, SHAPE_OPTIONAL | SHAPE_UNIQUE, 0, PREDICATE_NETWORKS, NULL,
      &network },
    { 0 },
};

const struct shape shape_delegation[] = {
    SHAPE_OF_PROTOCOL,
    { "key", SHAPE_ROLE_KEY, 0, 0, 0, NULL, NULL },
    { "role", SHAPE_WORD, 0, 0, 0, roles, NULL },
    { "predicates", SHAPE_LIST, SHAPE_OPTIONAL | SHAPE_UNIQUE, 1, 100, NULL, &predicate_type },
    { "from", SHAPE_TIME, SHAPE_OPTIONAL, 0, 0, NULL, NULL },
    { "until", SHAPE_TIME, 0, 0, 0, NULL, NULL },
    { 0 },
};

const struct shape shape_revocation[] = {
    SHAPE_OF_PROTOCOL,
    { "key", SHAPE_ROLE_KEY, 0, 0, 0, NULL, NULL },
    { "reason", SHAPE_WORD, 0, 0, 0, reasons, NULL },
    { "from_index", SHAPE_INTEGER, 0, 0, G_GINT64_CONSTANT(1) << 53, NULL, NULL },
    { 0 },
};

const struct shape shape_recovery[] = {
    SHAPE_OF_PROTOCOL,
    { "root", SHAPE_OBJECT, 0, 0, 0, NULL, root },
    { 0 },
};

const struct shape shape_attestation[] = {
    SHAPE_OF_PROTOCOL,
    { "signatory", SHAPE_SHA256, 0, 0, 0, NULL, NULL },
    { "group", SHAPE_WORD, 0, 0, 0, groups, NULL },
    { "checked", SHAPE_LIST, SHAPE_UNIQUE, 0, 3, NULL, &check },
    { "note", SHAPE_TEXT, SHAPE_OPTIONAL, 1, 0, NULL, NULL },
    { "withdrawn", SHAPE_BOOLEAN, SHAPE_OPTIONAL, 0, 0, NULL, NULL },
    { 0 },
};

static const struct shape witness[] = {
    { "key", SHAPE_WITNESS, 0, 0, 0, NULL, NULL },
    { "url", SHAPE_URI, SHAPE_OPTIONAL, 0, 0, NULL, NULL },
    { 0 },
};

static const struct shape member_members[] = {
    { "name", SHAPE_TEXT, 0, 1, NAME_LIMIT, NULL, NULL },
    { "domain", SHAPE_DOMAIN, 0, 0, 0, NULL, NULL },
    { "group", SHAPE_WORD, 0, 0, 0, groups, NULL },
    { "country", SHAPE_COUNTRY, 0, 0, 0, NULL, NULL },
    { "root", SHAPE_OBJECT, 0, 0, 0, NULL, root },
    { "witness", SHAPE_OBJECT, SHAPE_OPTIONAL | SHAPE_NULLABLE, 0, 0, NULL, witness },
    { 0 },
};
static const struct shape member = { NULL, SHAPE_OBJECT, 0, 0, 0, NULL, member_members };

static const struct shape quorum[] = {
    { "state", SHAPE_INTEGER, 0, 0, MEMBERS_LIMIT, NULL, NULL },
    { "private-sector", SHAPE_INTEGER, 0, 0, MEMBERS_LIMIT, NULL, NULL },
    { "civil-society", SHAPE_INTEGER, 0, 0, MEMBERS_LIMIT, NULL, NULL },
    { 0 },
};

static const struct shape attestations[] = {
    { "needed", SHAPE_INTEGER, 0, 2, 100, NULL, NULL },
    { "groups", SHAPE_INTEGER, 0, 2, 3, NULL, NULL },
    { 0 },
};

static const struct shape review[] = {
    { "findings", SHAPE_INTEGER, 0, 1, 100, NULL, NULL },
    { "due_s", SHAPE_INTEGER, 0, 3600, 366 * 86400, NULL, NULL },
    { 0 },
};

/* What is optional here has the values of TRUST.md (community_policy.c). */
const struct shape shape_policy[] = {
    { "log", SHAPE_TEXT, 0, 1, 256, NULL, NULL },
    { "time", SHAPE_TIME, SHAPE_OPTIONAL, 0, 0, NULL, NULL },
    { "version", SHAPE_INTEGER, 0, 1, G_MAXINT32, NULL, NULL },
    { "previous", SHAPE_SHA256, SHAPE_NULLABLE, 0, 0, NULL, NULL },
    { "log_keys", SHAPE_LIST, SHAPE_UNIQUE, 1, 8, NULL, &log_key },
    { "operator", SHAPE_DOMAIN, 0, 0, 0, NULL, NULL },
    { "url", SHAPE_URI, SHAPE_OPTIONAL | SHAPE_NULLABLE, 0, 0, NULL, NULL },
    { "members", SHAPE_LIST, 0, 0, MEMBERS_LIMIT, NULL, &member },
    { "removed", SHAPE_LIST, SHAPE_OPTIONAL | SHAPE_UNIQUE, 0, MEMBERS_LIMIT, NULL, &digest },
    { "quorum", SHAPE_OBJECT, 0, 0, 0, NULL, quorum },
    { "attestations", SHAPE_OBJECT, SHAPE_OPTIONAL, 0, 0, NULL, attestations },
    { "checkpoint_max_age_s", SHAPE_INTEGER, SHAPE_OPTIONAL, 60, 366 * 86400, NULL, NULL },
    { "merge_delay_s", SHAPE_INTEGER, SHAPE_OPTIONAL, 1, 86400, NULL, NULL },
    { "review", SHAPE_OBJECT, SHAPE_OPTIONAL, 0, 0, NULL, review },
    { 0 },
};

static gboolean threshold_fits(const json_t *keys, GError **error)
{
    return json_number(keys, "threshold", 0) <=
               (gint64)json_array_size(json_object_get(keys, "keys")) ||
           input_error(error, "the threshold of the root keys is above their number");
}

gboolean rules_endorsement(const json_t *statement, GError **error)
{
    return threshold_fits(json_object_get(intoto_predicate(statement), "root"), error);
}

gboolean rules_recovery(const json_t *statement, GError **error)
{
    return threshold_fits(json_object_get(intoto_predicate(statement), "root"), error);
}

gboolean rules_attestation(const json_t *statement, GError **error)
{
    const json_t *predicate = intoto_predicate(statement);

    if (g_strcmp0(json_text(predicate, "signatory"), intoto_subject_sha256(statement)) != 0)
        return input_error(error, "the subject is not the signatory that was checked");
    return json_is_true(json_object_get(predicate, "withdrawn")) ||
           json_array_size(json_object_get(predicate, "checked")) ||
           input_error(error, "the attestation does not say what was checked");
}

/* The kind of key that each role signs, or opens, with. */
static gboolean key_fits_role(const char *key, enum key_role role)
{
    const char *base64 = strrchr(key, '+');

    if (role == KEY_ROLE_SEAL)
        return g_str_has_prefix(key, "x25519:");
    if (g_str_has_prefix(key, "x25519:") || !base64)
        return FALSE;
    base64 = strchr(strchr(key, '+') + 1, '+') + 1;
    /* The type byte decides the first of the base64's letters: 0x01 is "AQ".."AX", 0x04 "BA".. */
    return (base64[0] == 'B') == (role == KEY_ROLE_WITNESS);
}

gboolean rules_delegation(const json_t *statement, GError **error)
{
    const json_t *predicate = intoto_predicate(statement);
    const char *from = json_text(predicate, "from");
    enum key_role role = key_role_parse(json_text(predicate, "role"));
    gint64 from_us, until_us;

    if (!clock_parse(from ? from : json_text(predicate, "time"), &from_us, error) ||
        !clock_parse(json_text(predicate, "until"), &until_us, error))
        return FALSE;
    if (until_us <= from_us || until_us - from_us > PREDICATE_DELEGATION_DAYS * DAY_US)
        return input_error(error, "a delegation lasts more than nothing and at most %d days",
                           PREDICATE_DELEGATION_DAYS);
    if (!key_fits_role(json_text(predicate, "key"), role))
        return input_error(error, "the key is not of the kind that the role \"%s\" needs",
                           json_text(predicate, "role"));
    return role == KEY_ROLE_ISSUER || !json_object_get(predicate, "predicates") ||
           input_error(error, "only an issuer's key is limited to predicates");
}
