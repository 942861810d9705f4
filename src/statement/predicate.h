/*
 * predicate.h: the one table of what statements may say: type, exposure, who may sign, what must
 * hold. A changed meaning is a new number in the type.
 *
 * A statement of the protocol names the log it is for ("log": ORIGIN), so that it counts in no
 * other, and the time on its signer's clock ("time"). Its one subject is, by SHA-256:
 *
 *     endorsement, delegation, revocation, recovery, contact, mailbox, case-root,
 *     commitment, legal-position, norm-report, route-alarm
 *                                               the signer's signatory id; name: its domain
 *     attestation                               the id of the signatory that was checked
 *     policy                                    the policy's hash; name: the origin
 *     review                                    the assessment's leaf hash in the log
 *     route-sighting                            the leaf hash of the route-alarm in the log
 *     assessment, document, release             the document or file
 *     hunt                                      the root of its commitments; name: "hunt/ROOT"
 *     indicators                                the same; name: "indicators/ROOT"
 *     backup-manifest                           the root of the manifest
 *     recovery-drill                            the root of what was restored
 *     receipt                                   the entry's leaf hash
 *     case-event, case-ack                      the case's id; name: "case/ID"
 *     succession                                the old log's checkpoint note; name: its origin
 */
#pragma once
#include "statement/shape.h"

#define PREDICATE_PREFIX "urn:entente:predicate:"
#define PREDICATE_ASSESSMENT PREDICATE_PREFIX "assessment:1"
#define PREDICATE_ATTESTATION PREDICATE_PREFIX "attestation:1"
#define PREDICATE_BACKUP_MANIFEST PREDICATE_PREFIX "backup-manifest:1"
#define PREDICATE_CASE_ACK PREDICATE_PREFIX "case-ack:1"
#define PREDICATE_CASE_EVENT PREDICATE_PREFIX "case-event:1"
#define PREDICATE_CASE_ROOT PREDICATE_PREFIX "case-root:1"
#define PREDICATE_COMMITMENT PREDICATE_PREFIX "commitment:1"
#define PREDICATE_CONTACT PREDICATE_PREFIX "contact:1"
#define PREDICATE_DELEGATION PREDICATE_PREFIX "delegation:1"
#define PREDICATE_DOCUMENT PREDICATE_PREFIX "document:1"
#define PREDICATE_ENDORSEMENT PREDICATE_PREFIX "endorsement:1"
#define PREDICATE_HUNT PREDICATE_PREFIX "hunt:1"
#define PREDICATE_INDICATORS PREDICATE_PREFIX "indicators:1"
#define PREDICATE_LEGAL_POSITION PREDICATE_PREFIX "legal-position:1"
#define PREDICATE_MAILBOX PREDICATE_PREFIX "mailbox:1"
#define PREDICATE_NORM_REPORT PREDICATE_PREFIX "norm-report:1"
#define PREDICATE_POLICY PREDICATE_PREFIX "policy:1"
#define PREDICATE_RECEIPT PREDICATE_PREFIX "receipt:1"
#define PREDICATE_RECOVERY PREDICATE_PREFIX "recovery:1"
#define PREDICATE_RECOVERY_DRILL PREDICATE_PREFIX "recovery-drill:1"
#define PREDICATE_RELEASE PREDICATE_PREFIX "release:1"
#define PREDICATE_REVIEW PREDICATE_PREFIX "review:1"
#define PREDICATE_REVOCATION PREDICATE_PREFIX "revocation:1"
#define PREDICATE_ROUTE_ALARM PREDICATE_PREFIX "route-alarm:1"
#define PREDICATE_ROUTE_SIGHTING PREDICATE_PREFIX "route-sighting:1"
#define PREDICATE_SUCCESSION PREDICATE_PREFIX "succession:1"

#define PREDICATE_PRINCIPLES 9
#define PREDICATE_BANDS 5             /* scores are published as one of five bands */
#define PREDICATE_DELEGATION_DAYS 400 /* a delegation lasts at most */
#define PREDICATE_ROOT_KEYS 16        /* root keys of a signatory at most */

#define PREDICATE_NETWORKS 256    /* that an endorsement names at most */
#define PREDICATE_NETWORK_TEXT 50 /* bytes of "2001:db8::/32" or "AS64500" */

enum exposure {
    EXPOSURE_LOCAL,     /* goes to whom its signer hands it; never into the public log */
    EXPOSURE_COMMITTED, /* into the log, with salted commitments to what stays private */
    EXPOSURE_PUBLIC,    /* into the log, whole */
};

/* The roles that root delegates to keys; a predicate names those that may sign it. */
enum key_role {
    KEY_ROLE_ROOT = 1 << 0, /* the signatory's root keys, as many as its threshold says */
    KEY_ROLE_ISSUER = 1 << 1,
    KEY_ROLE_WITNESS = 1 << 2,
    KEY_ROLE_LOG = 1 << 3,
    KEY_ROLE_SEAL = 1 << 4,
    KEY_ROLE_OWNER = 1 << 5,
    KEY_ROLE_OPERATOR = 1 << 6,
    KEY_ROLE_OFFICER = 1 << 7,
    KEY_ROLE_SINGLE = 1 << 8, /* the root key of a signatory that has only one */
};
/* "issuer"; and back: 0 for a word that is no role one may delegate. */
const char *key_role_name(enum key_role role);
enum key_role key_role_parse(const char *name);

struct predicate {
    const char *name; /* "assessment" */
    const char *type; /* "urn:entente:predicate:assessment:1" */
    enum exposure exposure;
    guint key_roles;           /* any of these */
    const struct shape *shape; /* of the predicate */
    /* What must hold beyond the shape; or NULL. */
    gboolean (*rules)(const json_t *statement, GError **error);
};

/* The table, ending with a NULL name. */
extern const struct predicate predicates[];

/* NULL when the type is not known. */
const struct predicate *predicate_find(const char *type);

/* Whether a statement of this type is whole: one subject with its SHA-256, the shape, the rules.
 * ENTENTE_ERROR_INPUT says what is not. */
gboolean predicate_verify(const struct predicate *predicate, const json_t *statement,
                          GError **error);

/* "local", "committed", "public". */
const char *exposure_name(enum exposure exposure);

/* The moment a statement says it was made: "time", else "ended"; 0 when it says none. */
gint64 predicate_time_us(const json_t *predicate);
