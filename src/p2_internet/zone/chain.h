/*
 * chain.h: where aliases lead, step by step (CNAME, and what DNAME makes of a name): in a circle,
 * or over more steps than resolvers go. Of such a name a resolver only says that it has no answer.
 */
#pragma once
#include "p2_internet/zone/resolve.h"

#define ZONE_CHAIN_LONG 10u /* steps; behind these the first resolvers in use give up */

/* Sets `aliases` and `is_circle` of hosts that are aliases, or have no answer. */
gboolean zone_chains_find(struct zone_resolver *resolver, const GPtrArray *hosts, GError **error);
