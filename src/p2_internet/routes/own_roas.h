/*
 * own_roas.h: how well what RPKI authorises fits what an organisation announces.
 *
 * One record for each prefix of the profile, which the journal keeps (`ROUTES_CHECK_EVENT`, the
 * asset's name as its key) and the measures org.routes.* are judged by:
 *
 *     { "schema": "entente/routes-own/1", "time", "prefix",
 *       "vrps": how many there were, "built"? | "cache"?: when their file was built, or who gave
 * them, "origins": [ { "asn", "rov", "expires"? } ]   of those that the profile names, "covered":
 * whether any payload covers the prefix, "announced": [ { "prefix", "origin", "rov", "declared",
 * "routes" } ]   seen in it, "loose": [ { "prefix", "asn", "max_length", "longest" } ]   more is
 * authorised than announced (RFC 9319), "unused": [ { "prefix", "asn", "max_length" } ] authorised,
 * and announced by nobody, "as0": [ ... ]   AS 0 over the prefix }
 */
#pragma once
#include "base/json.h"
#include "profile/profile.h"
#include "rpki/vrp.h"

#define ROUTES_CHECK_EVENT "routes-check"
#define OWN_ROAS_SCHEMA "entente/routes-own/1"

struct own_roas {
    const struct profile *profile;
    const struct vrp_set *vrps;
    const GArray *announced; /* struct gather_origin (gather.h), sorted; empty: nothing was read */
    gint64 now_us;
    gint64 built_us;   /* of the oldest file; 0: it does not say */
    const char *cache; /* the cache they are from; NULL: files */
};

/* `asset` is one of the profile's prefixes. */
json_t *own_roas_record(const struct own_roas *own, const struct asset *asset);

/* Whether the profile's prefixes hold this one. */
gboolean own_roas_holds(const struct profile *profile, const struct ip_prefix *prefix);
