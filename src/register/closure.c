/*
 * closure.c: who is attested: the members of the policy in force, and whoever enough of the
 * attested vouch for. The least such set: a ring that vouches for itself is not in it.
 */
#include "register/register_private.h"

#define GROUPS 3

gboolean attestation_counts(const struct reg_attestation *attestation,
                            const struct reg_signatory *of)
{
    return attestation->complete && !attestation->withdrawn && !attestation->entry->disputed &&
           attestation->identity == of->identity && attestation->group == of->group &&
           attestation->by != of && attestation->by->attested;
}

/* An organisation counts once: itself, and one that counted already, under a name below its own. */
static gboolean counts_again(const struct reg_signatory *signatory, guint before,
                             const struct reg_signatory *by)
{
    if (domain_is_one_organisation(signatory->domain, by->domain))
        return TRUE;
    for (guint i = 0; i < before; i++) {
        const struct reg_attestation *attestation = signatory->attestations->pdata[i];

        if (attestation_counts(attestation, signatory) &&
            domain_is_one_organisation(attestation->by->domain, by->domain))
            return TRUE;
    }
    return FALSE;
}

static gboolean is_vouched_for(const struct reg_signatory *signatory,
                               const struct community_policy *policy)
{
    guint count = 0, groups = 0;
    gboolean seen[GROUPS + 1] = { FALSE };

    for (guint i = 0; i < signatory->attestations->len; i++) {
        const struct reg_attestation *attestation = signatory->attestations->pdata[i];

        if (!attestation_counts(attestation, signatory) ||
            counts_again(signatory, i, attestation->by))
            continue;
        count++;
        groups += !seen[attestation->by->group];
        seen[attestation->by->group] = TRUE;
    }
    return count >= policy->attestations && groups >= policy->attestation_groups;
}

/* Marks what follows from `signatory`, and from whom it vouches for in turn. */
void closure_grow(struct reg_signatory *signatory, const struct community_policy *policy)
{
    g_autoptr(GPtrArray) waiting = g_ptr_array_new();

    g_ptr_array_add(waiting, signatory);
    while (waiting->len) {
        struct reg_signatory *at = g_ptr_array_steal_index_fast(waiting, waiting->len - 1);

        if (at->attested || at->removed_at != G_MAXUINT64 ||
            !(at->member || is_vouched_for(at, policy)))
            continue;
        at->attested = TRUE;
        for (guint i = 0; i < at->attested_by_it->len; i++)
            g_ptr_array_add(waiting, at->attested_by_it->pdata[i]);
    }
}

void closure_recompute(struct reg *reg)
{
    const struct community_policy *policy = register_policy(reg);

    for (guint i = 0; i < reg->signatories->len; i++)
        ((struct reg_signatory *)reg->signatories->pdata[i])->attested = FALSE;
    for (guint i = 0; i < reg->signatories->len; i++) {
        struct reg_signatory *signatory = reg->signatories->pdata[i];

        if (signatory->member)
            closure_grow(signatory, policy);
    }
}
