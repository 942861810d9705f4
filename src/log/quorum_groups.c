#include "log/quorum_groups.h"

static const struct quorum_group *group_at(const struct quorum_policy *policy, guint index)
{
    return policy->groups->pdata[index];
}

guint *quorum_satisfied(const struct quorum_policy *policy, const gboolean *cosigned)
{
    guint *satisfied = g_new0(guint, policy->groups->len + 1);

    for (guint i = 0; i < policy->groups->len; i++) {
        const struct quorum_group *group = group_at(policy, i);

        for (guint j = 0; j < group->members->len; j++) {
            const struct quorum_member *member =
                &g_array_index(group->members, struct quorum_member, j);

            if (!member->is_group)
                satisfied[i] += cosigned[member->index] ? 1 : 0;
            else if (satisfied[member->index] >= group_at(policy, member->index)->threshold)
                satisfied[i]++;
        }
    }
    return satisfied;
}

gboolean quorum_is_met(const struct quorum_policy *policy, const gboolean *cosigned)
{
    g_autofree guint *satisfied = NULL;

    if (policy->none)
        return TRUE;
    if (!policy->quorum.is_group)
        return cosigned[policy->quorum.index];
    satisfied = quorum_satisfied(policy, cosigned);
    return satisfied[policy->quorum.index] >= group_at(policy, policy->quorum.index)->threshold;
}

void quorum_below(const struct quorum_policy *policy, struct quorum_member top, gboolean *groups,
                  gboolean *witnesses)
{
    g_autofree gboolean *inside = g_new0(gboolean, policy->groups->len + 1);

    if (top.is_group)
        inside[top.index] = TRUE;
    else if (witnesses)
        witnesses[top.index] = TRUE;
    for (guint i = policy->groups->len; i-- > 0;) {
        const struct quorum_group *group = group_at(policy, i);

        for (guint j = 0; inside[i] && j < group->members->len; j++) {
            const struct quorum_member *member =
                &g_array_index(group->members, struct quorum_member, j);

            if (member->is_group)
                inside[member->index] = TRUE;
            else if (witnesses)
                witnesses[member->index] = TRUE;
        }
        if (groups && inside[i])
            groups[i] = TRUE;
    }
}

static gint compare_costs(gconstpointer a, gconstpointer b)
{
    const guint64 *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

/* For each group, the sum of the smallest `wanted(group)` costs of its members; a witness' is 1. */
static guint64 *cheapest(const struct quorum_policy *policy,
                         guint (*wanted)(const struct quorum_group *group))
{
    guint64 *costs = g_new0(guint64, policy->groups->len + 1);

    for (guint i = 0; i < policy->groups->len; i++) {
        const struct quorum_group *group = group_at(policy, i);
        g_autoptr(GArray) each = g_array_new(FALSE, FALSE, sizeof(guint64));

        for (guint j = 0; j < group->members->len; j++) {
            const struct quorum_member *member =
                &g_array_index(group->members, struct quorum_member, j);
            const guint64 cost = member->is_group ? costs[member->index] : 1;

            g_array_append_val(each, cost);
        }
        g_array_sort(each, compare_costs);
        for (guint j = 0; j < MIN(wanted(group), each->len); j++)
            costs[i] += g_array_index(each, guint64, j);
    }
    return costs;
}

static guint to_break(const struct quorum_group *group)
{
    return group->members->len - group->threshold + 1;
}

static guint to_satisfy(const struct quorum_group *group)
{
    return group->threshold;
}

guint64 *quorum_breaking_points(const struct quorum_policy *policy)
{
    return cheapest(policy, to_break);
}

guint64 *quorum_smallest(const struct quorum_policy *policy)
{
    return cheapest(policy, to_satisfy);
}

/* ---- warnings ---- */

/* The organisation of a witness: as the policy says, else the host in its key's name. */
static char *organisation_of(const struct quorum_witness *witness)
{
    if (witness->organisation)
        return g_ascii_strdown(witness->organisation, -1);
    {
        g_autofree char *host = g_strndup(witness->key->name, strcspn(witness->key->name, "/:"));

        return g_ascii_strdown(host, -1);
    }
}

static void warn_about_witnesses(const struct quorum_policy *policy, GPtrArray *warnings)
{
    g_autofree gboolean *inside = g_new0(gboolean, policy->witnesses->len + 1);
    g_autoptr(GHashTable) organisations =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    quorum_below(policy, policy->quorum, NULL, inside);
    for (guint i = 0; i < policy->witnesses->len; i++) {
        const struct quorum_witness *witness = policy->witnesses->pdata[i];
        g_autofree char *organisation = organisation_of(witness);
        const struct quorum_witness *other = g_hash_table_lookup(organisations, organisation);

        if (!inside[i])
            g_ptr_array_add(warnings, g_strdup_printf("the witness \"%s\" does not count: it is "
                                                      "outside the quorum",
                                                      witness->name));
        else if (other)
            g_ptr_array_add(warnings,
                            g_strdup_printf("%s counts twice: its witnesses \"%s\" and \"%s\" are "
                                            "in the quorum",
                                            organisation, other->name, witness->name));
        if (inside[i] && !other)
            g_hash_table_insert(organisations, g_steal_pointer(&organisation), (gpointer)witness);
    }
}

static void warn_about_groups(const struct quorum_policy *policy, GPtrArray *warnings)
{
    g_autofree gboolean *inside = g_new0(gboolean, policy->groups->len + 1);
    g_autofree guint64 *breaking = quorum_breaking_points(policy);

    quorum_below(policy, policy->quorum, inside, NULL);
    for (guint i = 0; i < policy->groups->len; i++) {
        if (inside[i] && breaking[i] == 1)
            g_ptr_array_add(warnings, g_strdup_printf("one witness that fails stops the group "
                                                      "\"%s\"",
                                                      group_at(policy, i)->name));
    }
}

GPtrArray *quorum_policy_warnings(const struct quorum_policy *policy)
{
    GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);

    if (policy->none) {
        g_ptr_array_add(warnings, g_strdup("no witness is asked for: whoever has the log's key can "
                                           "show different people different logs"));
        return warnings;
    }
    warn_about_witnesses(policy, warnings);
    warn_about_groups(policy, warnings);
    return warnings;
}
