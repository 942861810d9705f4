/*
 * community_policy.h: a community's rules: its log, its attested founders, their witnesses, the
 * thresholds of the three groups. The predicate of policy:1, and what policy.yaml says.
 *
 *     { "log": ORIGIN, "version": 1, "previous": null | HEX, "log_keys": [VKEY], "operator":
 * DOMAIN, "url": URL?, "members": [ { "name", "domain", "group", "country", "root": {"threshold",
 * "keys": [VKEY]}, "witness": {"key": VKEY, "url": URL?}? } ], "removed": [ID]?, "quorum":
 * {"state": n, "private-sector": n, "civil-society": n}, "attestations": {"needed": 2, "groups":
 * 2}?, "checkpoint_max_age_s": 86400?, "merge_delay_s": 60?, "review": {"findings": 5, "due_s":
 * 1209600}? }
 *
 * Its hash is SHA-256 of the RFC 8785 bytes. Refused, because it could not count: a witness of the
 * operator's own organisation; one organisation (a domain, or one below the other) twice; one key
 * in two places; a threshold above the witnesses of its group; thresholds for some groups and none
 * for others. Thresholds that are all zero make a log *unwitnessed*.
 *
 * "removed" names signatories that no longer count from this policy on: squatters of a domain, or
 * whose root keys were stolen beyond recovery. Their keys are refused and their domain is free.
 */
#pragma once
#include "base/json.h"
#include "log/quorum.h"
#include "profile/profile.h"

#define COMMUNITY_POLICY_LIMIT (1u << 20) /* bytes of its text */

struct root_keys {
    guint threshold;
    GPtrArray *keys; /* struct public_key * */
};
/* From {"threshold", "keys": [VKEY]}; the caller clears it. ENTENTE_ERROR_INPUT. */
gboolean root_keys_read(const json_t *value, struct root_keys *root, GError **error);
void root_keys_copy(struct root_keys *to, const struct root_keys *from);
void root_keys_clear(struct root_keys *root);
gboolean root_keys_has(const struct root_keys *root, const guint8 bytes[KEY_PUBLIC_SIZE]);
gboolean root_keys_equal(const struct root_keys *a, const struct root_keys *b);
json_t *root_keys_json(const struct root_keys *root); /* with its keys sorted */
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
    guint quorum[4];     /* by enum group; GROUP_UNKNOWN has none */
    guint attestations, attestation_groups;
    gint64 max_age_s, merge_delay_s, review_due_s;
    guint review_findings;
    guint8 hash[32];
    struct quorum_policy *witnesses; /* the same as a policy for checkpoints */
};
typedef struct community_policy community_policy_t;

/* From the predicate. ENTENTE_ERROR_INPUT. */
struct community_policy *community_policy_read(const json_t *predicate, GError **error);
/* From the text of policy.yaml or of policy.json, where "version" 1 and "previous" null go without
 * saying. ENTENTE_ERROR_INPUT. */
struct community_policy *community_policy_parse(const void *data, gsize length, const char *name,
                                                GError **error);
void community_policy_free(struct community_policy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(community_policy_t, community_policy_free)

/* The member of this domain; NULL. */
const struct community_member *community_policy_member(const struct community_policy *policy,
                                                       const char *domain);

/*
 * How many members of a group must sign the policy that follows this one: as many as its threshold
 * says, and at least one of each group that has members. Without any member, the log's key signs.
 */
guint community_policy_signers(const struct community_policy *policy, enum group group);

/* Whether a policy may follow another: origin, version + 1, previous hash. ENTENTE_ERROR_INPUT. */
gboolean community_policy_follows(const struct community_policy *next,
                                  const struct community_policy *old, GError **error);

/* The same domain, or one below the other: one organisation. */
gboolean domain_is_one_organisation(const char *a, const char *b);
