/*
 * community_policy.h: a community's rules: its log, its attested founders, their witnesses, the
 * thresholds of the three groups. The predicate of policy:1, and what policy.yaml says.
 *
 *     { "log": ORIGIN, "version": 1, "previous": null | HEX, "log_keys": [VKEY], "operator":
 * DOMAIN, "url": URL?, "members": [ { "name", "domain", "group", "country", "root": {"threshold",
 * "keys": [VKEY]}, "witness": {"key": VKEY, "url": URL?}? } ], "quorum": {"state": n,
 * "private-sector": n, "civil-society": n}, "attestations": {"needed": 2, "groups": 2},
 * "checkpoint_max_age_s": 86400, "merge_delay_s": 60, "review": {"findings": 5, "due_s": 1209600} }
 *
 * Its hash is SHA-256 of the RFC 8785 bytes. A witness of the operator's own organisation is
 * refused: it could not count.
 */
#pragma once
#include "base/json.h"
#include "log/quorum.h"
#include "profile/profile.h"

struct root_keys {
    guint threshold;
    GPtrArray *keys; /* struct public_key * */
};
/* SHA-256 of the RFC 8785 form of {"keys": [sorted vkeys], "threshold"}: a signatory's id. */
void root_keys_id(const struct root_keys *root, guint8 id[32]);

struct community_member {
    char *name, *domain, *country;
    enum group group;
    struct root_keys root;
    struct note_key *witness; /* or NULL */
    char *witness_url;        /* or NULL */
};

struct community_policy {
    json_t *predicate; /* as above */
    char *origin, *operator_domain, *url;
    guint version;
    GPtrArray *log_keys; /* struct note_key * */
    GPtrArray *members;  /* struct community_member * */
    guint quorum[4];     /* by enum group */
    guint attestations, attestation_groups;
    gint64 max_age_s, merge_delay_s, review_due_s;
    guint review_findings;
    guint8 hash[32];
    struct quorum_policy *witnesses; /* the same as a policy for checkpoints */
};
typedef struct community_policy community_policy_t;

/* From the predicate, or from the text of policy.yaml or of policy.json. ENTENTE_ERROR_INPUT. */
struct community_policy *community_policy_read(const json_t *predicate, GError **error);
struct community_policy *community_policy_parse(const void *data, gsize length, const char *name,
                                                GError **error);
void community_policy_free(struct community_policy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(community_policy_t, community_policy_free)

/* Whether a policy may follow another: origin, version + 1, previous hash. ENTENTE_ERROR_INPUT. */
gboolean community_policy_follows(const struct community_policy *next,
                                  const struct community_policy *old, GError **error);
