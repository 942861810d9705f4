/*
 * zone_copy.h: a whole zone, from a file or by transfer: is it what its publisher made (ZONEMD,
 * RFC 8976), and who is that (DNSSEC, from a trust anchor)? Read and judged in a worker.
 *
 *     { "zone", "serial", "records", "zonemd": "verified" | "none" | "mismatch" | "unusable",
 *       "why"?, "authentic": "yes" | "unsigned" | "no-anchor" | "no", "why_not"?,
 *       "keys": [ { "tag", "algorithm", "sep" } ],
 *       "anchors": [ { "tag", "published" } ] }
 *
 * "authentic" is of the ZONEMD records: "yes" with "verified" means that every byte is the
 * publisher's. "no-anchor": the anchors are not for this zone.
 */
#pragma once
#include "base/json.h"
#include "p2_internet/zone/probe.h"

#define ZONE_ANCHOR_FILE "/usr/share/dns/root.key" /* of Debian's dns-root-data */

struct zone_copy_options {
    const char *anchor; /* file of DS or DNSKEY records; NULL: ZONE_ANCHOR_FILE */
    gint64 now_s;
    const char *origin; /* of a file that names none; or NULL */
};

/* ENTENTE_ERROR_INPUT: not a zone file. */
json_t *zone_copy_file(const char *path, const struct zone_copy_options *options, GError **error);
/* ENTENTE_ERROR_SYSTEM: no transfer. */
json_t *zone_copy_transfer(const struct sockaddr_storage *address, const char *zone,
                           const struct zone_copy_options *options, GError **error);
