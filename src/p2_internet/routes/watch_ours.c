#include "p2_internet/routes/watch_private.h"

#include <string.h>

struct watch_ours {
    GPtrArray *sorted;        /* struct watch_prefix *, by ip_prefix_compare() */
    GHashTable *by_prefix;    /* struct ip_prefix * -> struct watch_prefix * */
    GHashTable *by_as;        /* number -> struct watch_as * */
    gboolean lengths[2][129]; /* IPv4, IPv6: some prefix of ours has this length */
};

static gint compare(gconstpointer a, gconstpointer b)
{
    const struct watch_prefix *left = *(struct watch_prefix *const *)a;
    const struct watch_prefix *right = *(struct watch_prefix *const *)b;

    return ip_prefix_compare(&left->prefix, &right->prefix);
}

void watch_ours_add(struct watch_ours *ours, struct watch_prefix *prefix)
{
    g_ptr_array_add(ours->sorted, prefix);
    g_hash_table_insert(ours->by_prefix, &prefix->prefix, prefix);
    ours->lengths[prefix->prefix.family == 6][prefix->prefix.length] = TRUE;
    g_ptr_array_sort(ours->sorted, compare);
}

struct watch_ours *watch_ours_new(const GPtrArray *prefixes, const GPtrArray *systems)
{
    struct watch_ours *ours = g_new0(struct watch_ours, 1);

    ours->sorted = g_ptr_array_new();
    ours->by_prefix = g_hash_table_new(ip_prefix_hash, ip_prefix_equal);
    ours->by_as = g_hash_table_new(NULL, NULL);
    for (guint i = 0; prefixes && i < prefixes->len; i++) {
        struct watch_prefix *prefix = prefixes->pdata[i];

        g_ptr_array_add(ours->sorted, prefix);
        g_hash_table_insert(ours->by_prefix, &prefix->prefix, prefix);
        ours->lengths[prefix->prefix.family == 6][prefix->prefix.length] = TRUE;
    }
    g_ptr_array_sort(ours->sorted, compare);
    for (guint i = 0; systems && i < systems->len; i++) {
        struct watch_as *as = systems->pdata[i];

        g_hash_table_insert(ours->by_as, GUINT_TO_POINTER(as->as), as);
    }
    return ours;
}

void watch_ours_free(struct watch_ours *ours)
{
    if (!ours)
        return;
    g_ptr_array_unref(ours->sorted);
    g_hash_table_unref(ours->by_prefix);
    g_hash_table_unref(ours->by_as);
    g_free(ours);
}

const struct watch_prefix *watch_ours_around(const struct watch_ours *ours,
                                             const struct ip_prefix *prefix)
{
    const gboolean *lengths = ours->lengths[prefix->family == 6];

    for (int length = prefix->length; length >= 0; length--) {
        const struct watch_prefix *found;
        struct ip_prefix shorter;

        if (!lengths[length] ||
            !ip_prefix_from_bytes(prefix->family, (guint)length, prefix->address, &shorter, NULL))
            continue;
        found = g_hash_table_lookup(ours->by_prefix, &shorter);
        if (found)
            return found;
    }
    return NULL;
}

const struct watch_prefix *watch_ours_within(const struct watch_ours *ours,
                                             const struct ip_prefix *prefix)
{
    guint low = 0, high = ours->sorted->len;
    const struct watch_prefix *next;

    while (low < high) {
        guint middle = low + (high - low) / 2;

        next = ours->sorted->pdata[middle];
        if (ip_prefix_compare(&next->prefix, prefix) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    next = low < ours->sorted->len ? ours->sorted->pdata[low] : NULL;
    return next && ip_prefix_covers(prefix, &next->prefix) ? next : NULL;
}

const struct watch_as *watch_ours_as(const struct watch_ours *ours, guint32 as)
{
    return g_hash_table_lookup(ours->by_as, GUINT_TO_POINTER(as));
}

gboolean watch_list_has(const GArray *list, guint32 as)
{
    for (guint i = 0; list && i < list->len; i++)
        if (g_array_index(list, guint32, i) == as)
            return TRUE;
    return FALSE;
}

static void free_list(GArray *list)
{
    if (list)
        g_array_unref(list);
}

void watch_prefix_free(struct watch_prefix *prefix)
{
    if (!prefix)
        return;
    g_free(prefix->name);
    free_list(prefix->origins);
    free_list(prefix->neighbours);
    g_free(prefix);
}

void watch_as_free(struct watch_as *as)
{
    if (!as)
        return;
    g_free(as->name);
    free_list(as->upstreams);
    free_list(as->peers);
    free_list(as->downstreams);
    g_free(as);
}
