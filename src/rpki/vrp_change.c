/* vrp_change.c: what follows a set: changes to it, and whether a new one may take its place. */
#include "rpki/vrp_private.h"

#include <string.h>

#define LOSS_PERCENT 20u
#define LOSS_PERCENT_AFRINIC 50u /* a small anchor whose count moves more by itself */

/* --- changes --- */

static int compare_vrps(const struct vrp *a, const struct vrp *b)
{
    const struct vrp_entry left = vrp_entry_of(a), right = vrp_entry_of(b);

    if (a->prefix.family != b->prefix.family)
        return (int)a->prefix.family - (int)b->prefix.family;
    return vrp_entry_compare(&left, &right);
}

static int compare_changes(gconstpointer left, gconstpointer right)
{
    const struct vrp_change *a = left, *b = right;

    return compare_vrps(&a->vrp, &b->vrp);
}

static struct vrp_set *begin_next(const struct vrp_set *set, const struct vrp_set_about *about)
{
    struct vrp_set *next = vrp_set_new();

    for (guint i = 0; i < set->anchors->len; i++)
        g_ptr_array_add(next->anchors, g_strdup(set->anchors->pdata[i]));
    next->about = *about;
    return next;
}

/* Both are sorted: one pass over both. `at` moves along the changes, to the one with a problem. */
struct merge {
    const GArray *entries;
    guint8 family;
    const GArray *changes;
    guint at;
    GArray *out;
};

/* Goes through all changes of the payload at hand, in their order; it is `present` before. */
static enum vrp_change_problem merge_payload(struct merge *merge, gboolean present)
{
    const struct vrp_change *change = &g_array_index(merge->changes, struct vrp_change, merge->at);
    struct vrp_entry entry = vrp_entry_of(&change->vrp);

    for (;;) {
        if (change->is_withdrawn != present)
            return present ? VRP_CHANGE_DUPLICATE : VRP_CHANGE_UNKNOWN;
        present = !change->is_withdrawn;
        if (merge->at + 1 == merge->changes->len || compare_changes(change, change + 1) != 0)
            break;
        merge->at++;
        change++;
    }
    if (present)
        g_array_append_val(merge->out, entry);
    return VRP_CHANGE_FINE;
}

static void copy_entries(struct merge *merge, gsize from, gsize until)
{
    if (until > from)
        g_array_append_vals(merge->out, &g_array_index(merge->entries, struct vrp_entry, from),
                            (guint)(until - from));
}

static enum vrp_change_problem merge_family(struct merge *merge)
{
    const struct vrp_entry *entries = (const struct vrp_entry *)merge->entries->data;
    const gsize count = merge->entries->len;
    gsize next = 0;

    for (; merge->at < merge->changes->len; merge->at++) {
        const struct vrp *vrp = &g_array_index(merge->changes, struct vrp_change, merge->at).vrp;
        const struct vrp_entry wanted = vrp_entry_of(vrp);
        const gsize first = next;
        enum vrp_change_problem problem;
        gboolean present;

        if (vrp->prefix.family != merge->family)
            break;
        while (next < count && vrp_entry_compare(&entries[next], &wanted) < 0)
            next++;
        copy_entries(merge, first, next);
        present = next < count && vrp_entry_compare(&entries[next], &wanted) == 0;
        next += present;
        problem = merge_payload(merge, present);
        if (problem != VRP_CHANGE_FINE)
            return problem;
    }
    copy_entries(merge, next, count);
    return VRP_CHANGE_FINE;
}

struct vrp_set *vrp_set_apply(const struct vrp_set *set, GArray *changes,
                              const struct vrp_set_about *about, enum vrp_change_problem *problem,
                              struct vrp *culprit)
{
    static const guint8 families[VRP_FAMILIES] = { 4, 6 };
    g_autoptr(vrp_set_t) next = begin_next(set, about);
    struct merge merge = { .changes = changes };

    g_array_sort(changes, compare_changes); /* stable: changes of one payload keep their order */
    for (guint i = 0; i < VRP_FAMILIES; i++) {
        g_array_unref(next->entries[i]);
        next->entries[i] = g_array_sized_new(FALSE, FALSE, sizeof(struct vrp_entry),
                                             set->entries[i]->len + changes->len);
        merge.entries = set->entries[i];
        merge.family = families[i];
        merge.out = next->entries[i];
        *problem = merge_family(&merge);
        if (*problem != VRP_CHANGE_FINE) {
            *culprit = g_array_index(changes, struct vrp_change, merge.at).vrp;
            return NULL;
        }
    }
    vrp_set_seal_sorted(next);
    return g_steal_pointer(&next);
}

/* --- whether a set may follow --- */

static gsize count_of_name(const struct vrp_set *set, const char *name)
{
    gsize count = 0;

    for (guint i = 1; i <= set->anchors->len; i++)
        if (strcmp(vrp_set_anchor_name(set, i), name) == 0)
            count += set->anchor_counts[i];
    return count;
}

gboolean vrp_set_may_follow(const struct vrp_set *set, const struct vrp_set *next, char **why)
{
    for (guint i = 1; i <= set->anchors->len; i++) {
        const char *name = vrp_set_anchor_name(set, i);
        const gsize before = set->anchor_counts[i], after = count_of_name(next, name);
        const guint allowed =
            g_ascii_strcasecmp(name, "afrinic") == 0 ? LOSS_PERCENT_AFRINIC : LOSS_PERCENT;

        if (before < VRP_ANCHOR_SMALL || after >= before ||
            (before - after) * 100 <= before * allowed)
            continue;
        *why = g_strdup_printf("the trust anchor %s had %" G_GSIZE_FORMAT
                               " payloads and now has %" G_GSIZE_FORMAT
                               ": more than %u %% are gone, as when an anchor fails",
                               name, before, after, allowed);
        return FALSE;
    }
    *why = NULL;
    return TRUE;
}
