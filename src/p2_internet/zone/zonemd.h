/*
 * zonemd.h: the digest of a whole zone (RFC 8976): scheme SIMPLE with SHA-384 or SHA-512.
 *
 * It shows that a copy of the zone is what its publisher made; who the publisher is, DNSSEC shows
 * (`is_signed`: then the caller verifies the RRSIG of the ZONEMD records).
 */
#pragma once
#include "p2_internet/zone/zone_file.h"

#define ZONEMD_SHA384 1
#define ZONEMD_SHA512 2
#define ZONEMD_DIGEST_MAX 64u

enum zonemd_verdict {
    ZONEMD_NONE,     /* the zone has no ZONEMD record */
    ZONEMD_VERIFIED, /* one of them is the digest of the zone */
    ZONEMD_MISMATCH, /* one of them is of this serial and algorithm, and is another digest */
    ZONEMD_UNUSABLE, /* other serial, unknown scheme or algorithm, doubled, malformed */
};
const char *zonemd_verdict_name(enum zonemd_verdict verdict); /* "verified", ... */

struct zonemd_result {
    enum zonemd_verdict verdict;
    guint32 serial;     /* of the SOA record */
    gboolean is_signed; /* there is an RRSIG that covers the ZONEMD records */
    char *why;          /* NULL when verified */
};
void zonemd_result_clear(struct zonemd_result *result);

/* Sorts the records. FALSE and ENTENTE_ERROR_INPUT: no single SOA. */
gboolean zonemd_verify(struct zone_records *records, struct zonemd_result *result, GError **error);

/* The digest; `algorithm` is one of those above. The records are in order (zonemd_verify()). */
guint zonemd_digest(const struct zone_records *records, guint algorithm,
                    guint8 digest[ZONEMD_DIGEST_MAX]);
void zonemd_sort(struct zone_records *records);
