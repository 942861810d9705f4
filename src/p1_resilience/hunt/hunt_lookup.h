/*
 * hunt_lookup.h: the keys under which a table may know a single value: itself, the domains that a
 * name lies below, the networks that contain an address.
 *
 * What the scanner does for lines (scan.h), for values that are already taken apart.
 */
#pragma once
#include "p1_resilience/hunt/hunt_table.h"

/* `is_whole`: the key is the value itself, so that what is exact-only counts. */
typedef void (*hunt_lookup_take)(const struct hunt_key *key, gboolean is_whole, gpointer data);

/* A name in any case, with or without a final dot. Its bytes may be any. */
void hunt_lookup_name(const char *name, gsize length, hunt_lookup_take take, gpointer data);

/*
 * An address or network; of prefix lengths, those that the table has (needles). Host bits are
 * looked up as zero.
 */
void hunt_lookup_network(const struct hunt_needles *needles, const struct indicator *indicator,
                         hunt_lookup_take take, gpointer data);

/* A digest, an e-mail address, a URL under its scheme and under any: not their hosts. */
void hunt_lookup_exact(const struct indicator *indicator, hunt_lookup_take take, gpointer data);

/* Everything whose hit the value would be in a log: also the host of a URL or e-mail address. */
void hunt_lookup(const struct hunt_needles *needles, const struct indicator *indicator,
                 hunt_lookup_take take, gpointer data);
