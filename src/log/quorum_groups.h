/*
 * quorum_groups.h: the groups of a policy as a tree: which are satisfied, which count, and how many
 * failures they bear. Arrays have one element for each group of the policy; the caller frees them.
 */
#pragma once
#include "log/quorum.h"

/* How many members of each group are satisfied by the cosignatures. */
guint *quorum_satisfied(const struct quorum_policy *policy, const gboolean *cosigned);

/* The groups and witnesses (either may be NULL) that `top` consists of, itself included. */
void quorum_below(const struct quorum_policy *policy, struct quorum_member top, gboolean *groups,
                  gboolean *witnesses);

/* How many witnesses must fail at least before each group cannot be satisfied any more. */
guint64 *quorum_breaking_points(const struct quorum_policy *policy);

/* How many witnesses suffice to satisfy each group. */
guint64 *quorum_smallest(const struct quorum_policy *policy);
