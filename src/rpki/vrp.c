#include "rpki/vrp_private.h"

#include <string.h>

#define INDEX_BITS 16u /* of an address: where a search begins */

static const char *const state_names[ROV_STATES] = {
    [ROV_NOTFOUND] = "notfound",
    [ROV_VALID] = "valid",
    [ROV_INVALID_ASN] = "invalid-asn",
    [ROV_INVALID_LENGTH] = "invalid-length",
};

const char *rov_state_name(enum rov_state state)
{
    return state < ROV_STATES ? state_names[state] : "?";
}

/* --- entries and prefixes --- */

static guint family_index(guint8 family)
{
    return family == 6;
}

static guint family_bits(guint8 family)
{
    return family == 6 ? 128 : 32;
}

static guint64 read_u64(const guint8 *bytes)
{
    guint64 number;

    memcpy(&number, bytes, sizeof number);
    return GUINT64_FROM_BE(number);
}

static void address_numbers(const struct ip_prefix *prefix, guint64 *high, guint64 *low)
{
    guint32 number;

    if (prefix->family == 6) {
        *high = read_u64(prefix->address);
        *low = read_u64(prefix->address + 8);
        return;
    }
    memcpy(&number, prefix->address, sizeof number);
    *high = (guint64)GUINT32_FROM_BE(number) << 32;
    *low = 0;
}

/* A number whose first `bits` (0 to 64) bits are set. */
static guint64 first_bits(guint bits)
{
    return bits ? G_MAXUINT64 << (64 - bits) : 0;
}

static void masks(guint length, guint64 *high, guint64 *low)
{
    *high = first_bits(MIN(length, 64));
    *low = length > 64 ? first_bits(length - 64) : 0;
}

/* The first difference of address, then length. */
static int compare_prefix(const struct vrp_entry *a, const struct vrp_entry *b)
{
    if (a->high != b->high)
        return a->high < b->high ? -1 : 1;
    if (a->low != b->low)
        return a->low < b->low ? -1 : 1;
    return (int)a->length - (int)b->length;
}

int vrp_entry_compare(gconstpointer left, gconstpointer right)
{
    const struct vrp_entry *a = left, *b = right;
    const int order = compare_prefix(a, b);

    if (order)
        return order;
    if (a->asn != b->asn)
        return a->asn < b->asn ? -1 : 1;
    return (int)a->max_length - (int)b->max_length;
}

static gboolean covers(const struct vrp_entry *outer, const struct vrp_entry *inner)
{
    guint64 high, low;

    masks(outer->length, &high, &low);
    return outer->length <= inner->length && (inner->high & high) == outer->high &&
           (inner->low & low) == outer->low;
}

gboolean vrp_is_sound(const struct vrp *vrp)
{
    const struct ip_prefix *prefix = &vrp->prefix;
    guint64 high, low, mask_high, mask_low;

    if ((prefix->family != 4 && prefix->family != 6) || prefix->length > vrp->max_length ||
        vrp->max_length > family_bits(prefix->family))
        return FALSE;
    address_numbers(prefix, &high, &low);
    masks(prefix->length, &mask_high, &mask_low);
    return !(high & ~mask_high) && !(low & ~mask_low);
}

struct vrp_entry vrp_entry_of(const struct vrp *vrp)
{
    struct vrp_entry entry = {
        .asn = vrp->asn,
        .expires_s = vrp->expires_s,
        .parent = VRP_NO_PARENT,
        .length = vrp->prefix.length,
        .max_length = vrp->max_length,
        .anchor = vrp->anchor,
    };

    address_numbers(&vrp->prefix, &entry.high, &entry.low);
    return entry;
}

struct vrp vrp_of_entry(const struct vrp_entry *entry, guint8 family)
{
    struct vrp vrp = {
        .prefix = { .family = family, .length = entry->length },
        .max_length = entry->max_length,
        .anchor = entry->anchor,
        .asn = entry->asn,
        .expires_s = entry->expires_s,
    };
    const guint64 high = GUINT64_TO_BE(entry->high), low = GUINT64_TO_BE(entry->low);

    memcpy(vrp.prefix.address, &high, family == 6 ? sizeof high : sizeof(guint32));
    if (family == 6)
        memcpy(vrp.prefix.address + 8, &low, sizeof low);
    return vrp;
}

/* --- filling --- */

struct vrp_set *vrp_set_new(void)
{
    struct vrp_set *set = g_new0(struct vrp_set, 1);

    g_atomic_ref_count_init(&set->references);
    for (guint i = 0; i < VRP_FAMILIES; i++)
        set->entries[i] = g_array_new(FALSE, FALSE, sizeof(struct vrp_entry));
    set->anchors = g_ptr_array_new_with_free_func(g_free);
    return set;
}

struct vrp_set *vrp_set_ref(struct vrp_set *set)
{
    g_atomic_ref_count_inc(&set->references);
    return set;
}

void vrp_set_unref(struct vrp_set *set)
{
    if (!set || !g_atomic_ref_count_dec(&set->references))
        return;
    for (guint i = 0; i < VRP_FAMILIES; i++) {
        g_array_unref(set->entries[i]);
        g_free(set->from[i]);
    }
    g_ptr_array_unref(set->anchors);
    g_free(set);
}

guint8 vrp_set_anchor(struct vrp_set *set, const char *name)
{
    g_assert(!set->is_sealed);
    for (guint i = 0; i < set->anchors->len; i++)
        if (strcmp(set->anchors->pdata[i], name) == 0)
            return (guint8)(i + 1);
    if (set->anchors->len == VRP_ANCHORS_MAX)
        return VRP_ANCHORS_MAX;
    g_ptr_array_add(set->anchors,
                    g_strdup(set->anchors->len + 1 == VRP_ANCHORS_MAX ? "other" : name));
    return (guint8)set->anchors->len;
}

gboolean vrp_set_add(struct vrp_set *set, const struct vrp *vrp)
{
    struct vrp_entry entry;

    g_assert(!set->is_sealed);
    if (!vrp_is_sound(vrp) || vrp->anchor > set->anchors->len)
        return FALSE;
    entry = vrp_entry_of(vrp);
    g_array_append_val(set->entries[family_index(vrp->prefix.family)], entry);
    return TRUE;
}

void vrp_set_say(struct vrp_set *set, const struct vrp_set_about *about)
{
    g_assert(!set->is_sealed);
    set->about = *about;
}

/* Sorted, each payload once, in no more memory than it needs. */
static GArray *settle(GArray *entries)
{
    GArray *settled = NULL;
    gsize kept = 0;

    g_array_sort(entries, vrp_entry_compare);
    for (gsize i = 0; i < entries->len; i++) {
        struct vrp_entry *entry = &g_array_index(entries, struct vrp_entry, i);
        struct vrp_entry *last = kept ? &g_array_index(entries, struct vrp_entry, kept - 1) : NULL;

        if (!last || vrp_entry_compare(last, entry) != 0)
            g_array_index(entries, struct vrp_entry, kept++) = *entry;
        else if (last->expires_s)
            last->expires_s = entry->expires_s ? MAX(last->expires_s, entry->expires_s) : 0;
    }
    settled = g_array_sized_new(FALSE, FALSE, sizeof(struct vrp_entry), (guint)kept);
    if (kept)
        g_array_append_vals(settled, entries->data, (guint)kept);
    g_array_unref(entries);
    return settled;
}

/* An entry's parent is the entry before it, or that one's parent, and so on up. */
static void link_parents(GArray *entries)
{
    struct vrp_entry *all = (struct vrp_entry *)entries->data;

    for (guint32 i = 1; i < entries->len; i++) {
        guint32 at = i - 1;

        if (compare_prefix(&all[at], &all[i]) == 0) {
            all[i].parent = all[at].parent;
            continue;
        }
        while (at != VRP_NO_PARENT && !covers(&all[at], &all[i]))
            at = all[at].parent;
        all[i].parent = at;
    }
}

static guint32 *index_entries(const GArray *entries)
{
    guint32 *from = g_new(guint32, (1u << INDEX_BITS) + 1);
    guint32 next = 0;

    for (guint32 start = 0; start < 1u << INDEX_BITS; start++) {
        while (next < entries->len &&
               g_array_index(entries, struct vrp_entry, next).high >> (64 - INDEX_BITS) < start)
            next++;
        from[start] = next;
    }
    from[1u << INDEX_BITS] = entries->len;
    return from;
}

static void seal_counts(struct vrp_set *set)
{
    for (guint family = 0; family < VRP_FAMILIES; family++)
        for (guint i = 0; i < set->entries[family]->len; i++) {
            const struct vrp_entry *entry =
                &g_array_index(set->entries[family], struct vrp_entry, i);

            set->anchor_counts[entry->anchor]++;
            if (entry->expires_s && (!set->horizon_s || entry->expires_s < set->horizon_s))
                set->horizon_s = entry->expires_s;
        }
}

void vrp_set_seal_sorted(struct vrp_set *set)
{
    for (guint i = 0; i < VRP_FAMILIES; i++) {
        link_parents(set->entries[i]);
        set->from[i] = index_entries(set->entries[i]);
    }
    seal_counts(set);
    set->is_sealed = TRUE;
}

void vrp_set_seal(struct vrp_set *set)
{
    g_assert(!set->is_sealed);
    for (guint i = 0; i < VRP_FAMILIES; i++)
        set->entries[i] = settle(set->entries[i]);
    vrp_set_seal_sorted(set);
}

/* --- reading --- */

const struct vrp_set_about *vrp_set_about(const struct vrp_set *set)
{
    return &set->about;
}

gsize vrp_set_count(const struct vrp_set *set)
{
    return (gsize)set->entries[0]->len + set->entries[1]->len;
}

gsize vrp_set_bytes(const struct vrp_set *set)
{
    return sizeof *set + vrp_set_count(set) * sizeof(struct vrp_entry) +
           VRP_FAMILIES * ((1u << INDEX_BITS) + 1) * sizeof(guint32);
}

guint32 vrp_set_horizon(const struct vrp_set *set)
{
    return set->horizon_s;
}

gboolean vrp_set_at(const struct vrp_set *set, gsize index, struct vrp *vrp)
{
    const gsize first = set->entries[0]->len;

    if (index >= vrp_set_count(set))
        return FALSE;
    *vrp = index < first
               ? vrp_of_entry(&g_array_index(set->entries[0], struct vrp_entry, index), 4)
               : vrp_of_entry(&g_array_index(set->entries[1], struct vrp_entry, index - first), 6);
    return TRUE;
}

guint vrp_set_anchors(const struct vrp_set *set)
{
    return set->anchors->len;
}

const char *vrp_set_anchor_name(const struct vrp_set *set, guint anchor)
{
    return anchor && anchor <= set->anchors->len ? set->anchors->pdata[anchor - 1] : NULL;
}

gsize vrp_set_anchor_count(const struct vrp_set *set, guint anchor)
{
    return anchor <= VRP_ANCHORS_MAX ? set->anchor_counts[anchor] : 0;
}

/*
 * The last entry whose prefix is not behind the route's in order, or its parent, whichever first
 * covers it: every prefix that covers the route covers, or is, that last entry's prefix as well.
 */
static guint32 nearest(const struct vrp_set *set, guint family, const struct vrp_entry *route)
{
    const struct vrp_entry *all = (const struct vrp_entry *)set->entries[family]->data;
    const guint start = (guint)(route->high >> (64 - INDEX_BITS));
    guint32 low = set->from[family][start], high = set->from[family][start + 1];

    while (low < high) {
        const guint32 middle = low + (high - low) / 2;

        if (compare_prefix(&all[middle], route) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    low = low ? low - 1 : VRP_NO_PARENT;
    while (low != VRP_NO_PARENT && !covers(&all[low], route))
        low = all[low].parent;
    return low;
}

/* The next entry that covers the same route. */
static guint32 next_covering(const struct vrp_entry *all, guint32 at)
{
    return at && compare_prefix(&all[at - 1], &all[at]) == 0 ? at - 1 : all[at].parent;
}

static struct vrp_entry route_of(const struct ip_prefix *prefix)
{
    struct vrp_entry route = { .length = prefix->length };

    address_numbers(prefix, &route.high, &route.low);
    return route;
}

enum rov_state rov_validate(const struct vrp_set *set, const struct ip_prefix *prefix,
                            guint32 origin, gboolean has_origin)
{
    const guint family = family_index(prefix->family);
    const struct vrp_entry *all = (const struct vrp_entry *)set->entries[family]->data;
    const struct vrp_entry route = route_of(prefix);
    enum rov_state state = ROV_NOTFOUND;

    for (guint32 at = nearest(set, family, &route); at != VRP_NO_PARENT;
         at = next_covering(all, at)) {
        if (state == ROV_NOTFOUND)
            state = ROV_INVALID_ASN;
        if (!has_origin || !origin || all[at].asn != origin)
            continue;
        if (route.length <= all[at].max_length)
            return ROV_VALID;
        state = ROV_INVALID_LENGTH;
    }
    return state;
}

void vrp_set_covering(const struct vrp_set *set, const struct ip_prefix *prefix, vrp_fn take,
                      gpointer data)
{
    const guint family = family_index(prefix->family);
    const struct vrp_entry *all = (const struct vrp_entry *)set->entries[family]->data;
    const struct vrp_entry route = route_of(prefix);

    for (guint32 at = nearest(set, family, &route); at != VRP_NO_PARENT;
         at = next_covering(all, at)) {
        const struct vrp vrp = vrp_of_entry(&all[at], prefix->family);

        take(&vrp, data);
    }
}

void vrp_set_within(const struct vrp_set *set, const struct ip_prefix *prefix, vrp_fn take,
                    gpointer data)
{
    const guint family = family_index(prefix->family);
    const GArray *entries = set->entries[family];
    const struct vrp_entry route = route_of(prefix);

    for (guint32 at = set->from[family][route.high >> (64 - INDEX_BITS)]; at < entries->len; at++) {
        const struct vrp_entry *entry = &g_array_index(entries, struct vrp_entry, at);

        if (covers(&route, entry)) {
            const struct vrp vrp = vrp_of_entry(entry, prefix->family);

            take(&vrp, data);
        } else if (compare_prefix(entry, &route) > 0) {
            break;
        }
    }
}
