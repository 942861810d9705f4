/*
 * past.h: what earlier checks of a zone have seen, so that keys have an age and wishes to the
 * parent a beginning. It is read from the last record (zone_record.h) and goes on in the next:
 *
 *     "keys": [ { "tag", "algorithm", "key_signing", "digest": SHA-256 hex of the DNSKEY data,
 *                 "first_seen": time } ],
 *     "cds_pending_since"?: time
 */
#pragma once
#include "base/json.h"
#include "net/dns_wire.h"

struct zone_past;
typedef struct zone_past zone_past_t;
/* `record` NULL: nothing was ever seen. */
struct zone_past *zone_past_new(const json_t *record);
void zone_past_free(struct zone_past *past);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(zone_past_t, zone_past_free)

#define ZONE_NEVER 0 /* Unix seconds */

gint64 zone_past_key(const struct zone_past *past, const char *digest);
gint64 zone_past_pending(const struct zone_past *past);

/* Owned by the caller. */
char *zone_key_digest(const struct dns_record *record);

/* Puts the members above into a document; `keys` as in it, without "first_seen". */
void zone_past_put(const struct zone_past *past, json_t *document, const json_t *keys,
                   gboolean is_pending, gint64 now_s);
