#include "statement/predicate.h"

#include "base/clock.h"
#include "base/error.h"
#include "statement/base64.h"
#include "statement/intoto.h"
#include "statement/predicate_shapes.h"

#define SHA256_SIZE 32
#define SAID_ROLES (KEY_ROLE_ISSUER | KEY_ROLE_SINGLE)

const struct predicate predicates[] = {
    { "assessment", PREDICATE_ASSESSMENT, EXPOSURE_COMMITTED, SAID_ROLES, shape_assessment,
      rules_assessment },
    { "attestation", PREDICATE_ATTESTATION, EXPOSURE_PUBLIC, KEY_ROLE_ISSUER | KEY_ROLE_ROOT,
      shape_attestation, rules_attestation },
    { "backup-manifest", PREDICATE_BACKUP_MANIFEST, EXPOSURE_COMMITTED, SAID_ROLES,
      shape_backup_manifest, rules_backup_manifest },
    { "case-ack", PREDICATE_CASE_ACK, EXPOSURE_LOCAL, SAID_ROLES, shape_case_ack, rules_case },
    { "case-event", PREDICATE_CASE_EVENT, EXPOSURE_LOCAL, SAID_ROLES, shape_case_event,
      rules_case_event },
    { "case-root", PREDICATE_CASE_ROOT, EXPOSURE_COMMITTED, SAID_ROLES, shape_case_root,
      rules_case_root },
    { "commitment", PREDICATE_COMMITMENT, EXPOSURE_PUBLIC, SAID_ROLES, shape_commitment, NULL },
    { "contact", PREDICATE_CONTACT, EXPOSURE_COMMITTED, SAID_ROLES, shape_contact, NULL },
    { "delegation", PREDICATE_DELEGATION, EXPOSURE_PUBLIC, KEY_ROLE_ROOT, shape_delegation,
      rules_delegation },
    { "document", PREDICATE_DOCUMENT, EXPOSURE_LOCAL, SAID_ROLES, shape_document, rules_document },
    { "endorsement", PREDICATE_ENDORSEMENT, EXPOSURE_PUBLIC, KEY_ROLE_ROOT, shape_endorsement,
      rules_endorsement },
    { "hunt", PREDICATE_HUNT, EXPOSURE_COMMITTED, SAID_ROLES, shape_hunt, rules_hunt },
    { "indicators", PREDICATE_INDICATORS, EXPOSURE_COMMITTED, SAID_ROLES, shape_indicators,
      rules_indicators },
    { "legal-position", PREDICATE_LEGAL_POSITION, EXPOSURE_PUBLIC, SAID_ROLES, shape_legal_position,
      NULL },
    { "mailbox", PREDICATE_MAILBOX, EXPOSURE_PUBLIC, SAID_ROLES, shape_mailbox, rules_mailbox },
    { "norm-report", PREDICATE_NORM_REPORT, EXPOSURE_PUBLIC, SAID_ROLES, shape_norm_report, NULL },
    /* The first policy of a log is signed by the log's key, the others by the old quorum. */
    { "policy", PREDICATE_POLICY, EXPOSURE_PUBLIC, KEY_ROLE_ROOT | KEY_ROLE_LOG, shape_policy,
      NULL },
    { "receipt", PREDICATE_RECEIPT, EXPOSURE_LOCAL, KEY_ROLE_LOG, shape_receipt, rules_receipt },
    { "recovery", PREDICATE_RECOVERY, EXPOSURE_PUBLIC, KEY_ROLE_ROOT, shape_recovery,
      rules_recovery },
    { "recovery-drill", PREDICATE_RECOVERY_DRILL, EXPOSURE_COMMITTED, SAID_ROLES,
      shape_recovery_drill, rules_recovery_drill },
    { "release", PREDICATE_RELEASE, EXPOSURE_PUBLIC, SAID_ROLES, shape_release, rules_release },
    { "review", PREDICATE_REVIEW, EXPOSURE_PUBLIC, SAID_ROLES, shape_review, rules_review },
    { "revocation", PREDICATE_REVOCATION, EXPOSURE_PUBLIC, KEY_ROLE_ROOT, shape_revocation, NULL },
    { "route-alarm", PREDICATE_ROUTE_ALARM, EXPOSURE_PUBLIC, SAID_ROLES, shape_route_alarm,
      rules_route_alarm },
    { "route-sighting", PREDICATE_ROUTE_SIGHTING, EXPOSURE_PUBLIC, SAID_ROLES, shape_route_sighting,
      rules_route_sighting },
    { "succession", PREDICATE_SUCCESSION, EXPOSURE_PUBLIC, KEY_ROLE_LOG, shape_succession, NULL },
    { NULL, NULL, EXPOSURE_LOCAL, 0, NULL, NULL },
};

const struct predicate *predicate_find(const char *type)
{
    for (const struct predicate *row = predicates; row->name; row++)
        if (g_strcmp0(row->type, type) == 0)
            return row;
    return NULL;
}

gboolean predicate_verify(const struct predicate *predicate, const json_t *statement,
                          GError **error)
{
    const char *hex = intoto_subject_sha256(statement);
    guint8 digest[SHA256_SIZE];

    if (json_array_size(json_object_get(statement, "subject")) != 1 || !hex ||
        !hex_decode_into(hex, digest, sizeof digest))
        return input_error(error, "a statement of this type has one subject, with its SHA-256");
    return shape_check(intoto_predicate(statement), predicate->shape, predicate->name, error) &&
           (!predicate->rules || predicate->rules(statement, error));
}

gint64 predicate_time_us(const json_t *predicate)
{
    const char *time = json_text(predicate, "time");
    const char *text = time ? time : json_text(predicate, "ended");
    gint64 time_us = 0;

    return text && clock_parse(text, &time_us, NULL) ? time_us : 0;
}

static const struct {
    enum key_role role;
    const char *name;
} roles[] = {
    { KEY_ROLE_ROOT, "root" },         { KEY_ROLE_ISSUER, "issuer" },
    { KEY_ROLE_WITNESS, "witness" },   { KEY_ROLE_LOG, "log" },
    { KEY_ROLE_SEAL, "seal" },         { KEY_ROLE_OWNER, "owner" },
    { KEY_ROLE_OPERATOR, "operator" }, { KEY_ROLE_OFFICER, "officer" },
    { KEY_ROLE_SINGLE, "single" },
};

const char *key_role_name(enum key_role role)
{
    for (guint i = 0; i < G_N_ELEMENTS(roles); i++)
        if (roles[i].role == role)
            return roles[i].name;
    return NULL;
}

enum key_role key_role_parse(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(roles); i++)
        if (g_strcmp0(roles[i].name, name) == 0 && roles[i].role != KEY_ROLE_ROOT &&
            roles[i].role != KEY_ROLE_SINGLE)
            return roles[i].role;
    return 0;
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
