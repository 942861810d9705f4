/*
 * zone_check.h: a zone, looked at as a whole: a resolver's verdict, every server asked directly,
 * and all checks of check.h judged.
 *
 *     { "schema": "entente/zone-check/1", "zone", "parent", "time", "verdict",
 *       "verdicts": [ { "what", "name", "type", "security", "why"? } ],
 *       "servers": [ { "host"?, "address", "of_parent", "udp"?, "tcp"?, "took_ms"?, "serial"?,
 *                      "identity"? } ],
 *       "keys": [ ... ], "cds_pending_since"?: past.h,
 *       "not_asked": [ addresses that are not public ],
 *       "checks": [ { "id", "source", "severity", "title", "fix", "outcome",
 *                     "problems": [ { "level", "text", "host"?, "address"? } ] } ],
 *       "counts": { "pass", "problem", "not-applicable", "not-seen" }, "worst"? }
 */
#pragma once
#include "base/json.h"
#include "net/dns.h"

struct zone_network_source;
struct zone_check_options {
    struct dns_options dns;
    guint16 port;           /* of name servers; 0: 53 */
    gboolean allow_private; /* ask addresses that are not public, too */
    gint64 try_us;          /* to wait for one answer of a server; 0: 2 s */
    gint64 now_s;           /* signatures are judged at this time */
    gint64 horizon_s;       /* and are to be good for so long; 0: three days */
    char **names;           /* beside www: where do they lead; or NULL */
    const json_t *before;   /* of this zone: zone_record_last(); NULL: never looked at */
    const struct zone_network_source *networks; /* networks.h; NULL: nothing is known of them */
};

#define ZONE_CHECK_SCHEMA "entente/zone-check/1"
#define ZONE_HORIZON_S (3 * 24 * 3600)

/* `name` as people write it. ENTENTE_ERROR_INPUT: no name; _SYSTEM: could not be looked at. */
json_t *zone_check_run(const char *name, const struct zone_check_options *options, GError **error);

/* The addresses at which the zone's servers are, as texts, for other questions to them; and the
 * same step alone, for the root zone (zone_root.h). */
struct zone_resolver;
GArray *zone_servers_of(struct zone_resolver *resolver, const char *zone, guint16 port,
                        gboolean allow_private, gboolean of_parent, guint most, json_t *not_asked,
                        GError **error);
