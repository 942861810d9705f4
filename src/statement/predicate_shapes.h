/* predicate_shapes.h: for predicate.c alone: the shapes and rules that its rows name. */
#pragma once
#include "statement/predicate.h"

/* predicate_trust.c: who is who, and which key may do what. */
extern const struct shape shape_attestation[], shape_delegation[], shape_endorsement[],
    shape_policy[], shape_recovery[], shape_revocation[];
gboolean rules_attestation(const json_t *statement, GError **error);
gboolean rules_delegation(const json_t *statement, GError **error);
gboolean rules_endorsement(const json_t *statement, GError **error);
gboolean rules_recovery(const json_t *statement, GError **error);

/* predicate_said.c: what signatories say of themselves and of one another. */
extern const struct shape shape_assessment[], shape_commitment[], shape_contact[], shape_document[],
    shape_legal_position[], shape_norm_report[], shape_release[], shape_review[];
gboolean rules_assessment(const json_t *statement, GError **error);
gboolean rules_document(const json_t *statement, GError **error);
gboolean rules_release(const json_t *statement, GError **error);
gboolean rules_review(const json_t *statement, GError **error);

/* predicate_case.c: what parties of a case say to one another. */
extern const struct shape shape_case_ack[], shape_case_event[];
gboolean rules_case(const json_t *statement, GError **error);
gboolean rules_case_event(const json_t *statement, GError **error);
/* predicate_delivery.c: what the public learns of cases: where messages go, that something
 * happened. */
extern const struct shape shape_case_root[], shape_mailbox[];
gboolean rules_case_root(const json_t *statement, GError **error);
gboolean rules_mailbox(const json_t *statement, GError **error);

/* predicate_hunt.c: where somebody looked, with what, and how much was there. */
extern const struct shape shape_hunt[];
gboolean rules_hunt(const json_t *statement, GError **error);

/* predicate_intel.c: how much is held that is not for a log. */
extern const struct shape shape_indicators[];
gboolean rules_indicators(const json_t *statement, GError **error);

/* predicate_recover.c: what backups hold, and whether they come back. */
extern const struct shape shape_backup_manifest[], shape_recovery_drill[];
gboolean rules_backup_manifest(const json_t *statement, GError **error);
gboolean rules_recovery_drill(const json_t *statement, GError **error);

/* predicate_routes.c: what is done to the signer's networks in BGP, and who sees it too. */
extern const struct shape shape_route_alarm[], shape_route_sighting[];
gboolean rules_route_alarm(const json_t *statement, GError **error);
gboolean rules_route_sighting(const json_t *statement, GError **error);

/* predicate_log.c: what a log says. */
extern const struct shape shape_receipt[], shape_succession[];
gboolean rules_receipt(const json_t *statement, GError **error);

/* The first two members of every statement of the protocol. */
#define SHAPE_OF_PROTOCOL                                                                          \
    { "log", SHAPE_TEXT, 0, 1, 256, NULL, NULL },                                                  \
    {                                                                                              \
        "time", SHAPE_TIME, 0, 0, 0, NULL, NULL                                                    \
    }
