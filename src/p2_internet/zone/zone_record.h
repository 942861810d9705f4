/*
 * zone_record.h: the last check of a domain, as the journal keeps it, so that measures can be
 * judged from it without a network.
 */
#pragma once
#include "base/json.h"
#include "journal/records.h"

#define ZONE_CHECK_EVENT "zone-check" /* asset and key: the domain's name in the profile */

/*
 * Keeps { "zone", "time", "verdict", "verdicts", "keys", "cds_pending_since"?, "checks": [ { "id",
 * "severity", "outcome", "problems"? } ] } of a document of zone_check.h.
 */
/* The newest one. NULL without an error: there is none. */
json_t *zone_record_last(struct journal *journal, const char *asset, GError **error);
gboolean zone_record_keep(struct journal *journal, const char *asset, const json_t *document,
                          GError **error);
