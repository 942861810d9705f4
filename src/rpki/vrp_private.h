/* vrp_private.h: how a set of payloads lies in memory: vrp.c and vrp_change.c. */
#pragma once
#include "rpki/vrp.h"

#define VRP_FAMILIES 2u
#define VRP_NO_PARENT G_MAXUINT32
#define VRP_ANCHORS_MAX 255u

/*
 * The address as two numbers, so that order is two comparisons; IPv4 in the upper half of `high`.
 * Sorted by address, length, AS, maxLength; `parent` is the last entry of the nearest prefix that
 * is shorter and covers this one.
 */
struct vrp_entry {
    guint64 high, low;
    guint32 asn, expires_s, parent;
    guint8 length, max_length, anchor;
};
G_STATIC_ASSERT(sizeof(struct vrp_entry) == 32);

struct vrp_set {
    gatomicrefcount references;
    gboolean is_sealed;
    GArray *entries[VRP_FAMILIES]; /* struct vrp_entry; IPv4, IPv6 */
    guint32 *from[VRP_FAMILIES];   /* by the first bits of an address: the first entry not below */
    GPtrArray *anchors;            /* of char *: number 1 is the first */
    gsize anchor_counts[VRP_ANCHORS_MAX + 1];
    guint32 horizon_s;
    struct vrp_set_about about;
};

struct vrp_entry vrp_entry_of(const struct vrp *vrp);
struct vrp vrp_of_entry(const struct vrp_entry *entry, guint8 family);
int vrp_entry_compare(gconstpointer left, gconstpointer right);
/* Ends the filling of a set whose entries are sorted and stand once. */
void vrp_set_seal_sorted(struct vrp_set *set);
