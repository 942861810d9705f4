#include "register/community_policy.h"

#include "base/error.h"
#include "statement/base64.h"

void community_policy_free(struct community_policy *policy)
{
    if (!policy)
        return;
    json_decref(policy->predicate);
    g_free(policy->origin);
    g_free(policy->operator_domain);
    g_free(policy->url);
    g_ptr_array_unref(policy->log_keys);
    g_ptr_array_unref(policy->members);
    g_clear_pointer(&policy->witnesses, quorum_policy_free);
    g_free(policy);
}

const struct community_member *community_policy_member(const struct community_policy *policy,
                                                       const char *domain)
{
    for (guint i = 0; i < policy->members->len; i++) {
        const struct community_member *member = policy->members->pdata[i];

        if (g_str_equal(member->domain, domain))
            return member;
    }
    return NULL;
}

guint community_policy_signers(const struct community_policy *policy, enum group group)
{
    gboolean any = FALSE;

    for (guint i = 0; i < policy->members->len && !any; i++)
        any = ((const struct community_member *)policy->members->pdata[i])->group == group;
    return MAX(policy->quorum[group], any ? 1u : 0u);
}

gboolean community_policy_follows(const struct community_policy *next,
                                  const struct community_policy *old, GError **error)
{
    g_autofree char *hash = hex_encode(old->hash, sizeof old->hash);

    if (!g_str_equal(next->origin, old->origin))
        return input_error(error, "the policy is of another log: \"%s\"", next->origin);
    if (next->version != old->version + 1)
        return input_error(error, "the policy has version %u; %u follows %u", next->version,
                           old->version + 1, old->version);
    return g_strcmp0(json_text(next->predicate, "previous"), hash) == 0 ||
           input_error(error, "the policy does not name the hash of the one before it (%s)", hash);
}
