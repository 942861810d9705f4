/* signed.h: whether a set of records in an answer is signed by the zone's keys; times aside. */
#pragma once
#include "p2_internet/zone/view.h"

/*
 * Says a problem when no signature over the set verifies, or one of them does not. `owner` NULL:
 * that of the first record of the type. FALSE: there is no such set.
 */
gboolean zone_verify_set(struct zone_view *view, guint server, const struct dns_packet *packet,
                         enum dns_section section, const guint8 *owner, guint16 type);

/* Whether a signature in `signatures` is good and by one of `keys` (DNSKEY records). */
gboolean zone_signed_by(const struct zone_view *view, const GPtrArray *set,
                        const GPtrArray *signatures, const GPtrArray *keys);
