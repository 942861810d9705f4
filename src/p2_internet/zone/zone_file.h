/*
 * zone_file.h: the records of a zone, from its text (RFC 1035 section 5) or from the messages of a
 * transfer (RFC 5936).
 *
 * Read: $ORIGIN, $TTL (RFC 2308), parentheses, comments, quoted strings, the types of
 * dns_type_text() but LOC, NAPTR, CERT, OPENPGPKEY, SVCB and HTTPS, and any type as \# (RFC 3597).
 * Refused: $INCLUDE, a class other than IN, records before their owner is known. Bounded by
 * ZONE_RECORDS_MAX. Foreign bytes: read them in a worker.
 */
#pragma once
#include "net/dns_wire.h"

#define ZONE_RECORDS_MAX 20000000u

struct zone_records {
    const guint8 *apex; /* owner of the SOA record; NULL: there is none */
    GArray *records;    /* struct dns_record, in their order */
    GStringChunk *memory;
};
struct zone_records *zone_records_new(void);
void zone_records_free(struct zone_records *records);
typedef struct zone_records zone_records_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(zone_records_t, zone_records_free)

/* A copy of `record` at the end. */
void zone_records_add(struct zone_records *records, const struct dns_record *record);

/* `origin` may be NULL. ENTENTE_ERROR_INPUT: "NAME:LINE: what". */
struct zone_records *zone_file_read(const char *text, gsize length, const char *name,
                                    const guint8 *origin, GError **error);

/* Of messages, each behind its length (u16): from SOA to SOA, the second of which is left out. */
struct zone_records *zone_transfer_read(const guint8 *bytes, gsize length, const char *name,
                                        GError **error);
