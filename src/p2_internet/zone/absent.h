/*
 * absent.h: domains that do not exist and that a zone relies on, as servers, mail exchangers or
 * what an alias leads to: whoever registers one answers in the zone's place.
 */
#pragma once
#include "p2_internet/zone/resolve.h"

/*
 * Sets `absent` of each host that does not exist and lies outside of `apex`: the highest name
 * above it, or itself, that does not exist either. FALSE: the resolver failed.
 */
gboolean zone_absent_find(struct zone_resolver *resolver, const GPtrArray *hosts,
                          const guint8 *apex, GError **error);

/* The name that the host stands for: of an alias, what it leads to. */
const char *zone_host_target(const struct zone_host *host);
