/*
 * rtr_pdu.h: what routers and caches of RPKI payloads say to one another: RFC 6810 (version 0),
 * RFC 8210 (1), draft-ietf-sidrops-8210bis (2).
 *
 * ASPA came with version 2 and changed its layout on the way; both are read:
 *
 *     now      type | flags: u8 | 0 | length | customer: u32 | provider: u32 ...
 *     then     type | 0: u16 | length | flags: u8 | afi: u8 | count: u16 | customer | provider ...
 */
#pragma once
#include "rpki/vrp.h"

#define RTR_VERSION_MAX 2
#define RTR_HEADER_SIZE 8
#define RTR_PDU_MAX 65535 /* bytes; a longer one is refused */

enum rtr_type {
    RTR_SERIAL_NOTIFY = 0,
    RTR_SERIAL_QUERY = 1,
    RTR_RESET_QUERY = 2,
    RTR_CACHE_RESPONSE = 3,
    RTR_IPV4_PREFIX = 4,
    RTR_IPV6_PREFIX = 6,
    RTR_END_OF_DATA = 7,
    RTR_CACHE_RESET = 8,
    RTR_ROUTER_KEY = 9,
    RTR_ERROR_REPORT = 10,
    RTR_ASPA = 11,
};

enum rtr_error {
    RTR_CORRUPT_DATA = 0,
    RTR_INTERNAL_ERROR = 1,
    RTR_NO_DATA = 2,
    RTR_INVALID_REQUEST = 3,
    RTR_UNSUPPORTED_VERSION = 4,
    RTR_UNSUPPORTED_PDU = 5,
    RTR_WITHDRAWAL_OF_UNKNOWN = 6,
    RTR_DUPLICATE_ANNOUNCEMENT = 7,
    RTR_UNEXPECTED_VERSION = 8,
    RTR_ASPA_PROVIDERS = 9,
};
const char *rtr_error_name(
    guint code); /* "corrupt data"; "error 99" has no name: "unknown error" */

/* Members count where the type has them. Spans are borrowed from the bytes. */
struct rtr_pdu {
    guint8 version, type;
    guint16 session; /* of an error report: its code */
    guint32 serial;
    gboolean has_timers; /* of an end of data */
    guint32 refresh_s, retry_s, expire_s;
    gboolean is_withdrawn;
    struct vrp vrp;
    guint8 afi; /* of an ASPA: in the older layout 0 or 1; 0 in the other, which is for both */
    guint32 customer;
    const guint8 *providers; /* in network order */
    gsize provider_count;
    const guint8 *text; /* of an error report, as it came */
    gsize text_length;
};
guint32 rtr_provider(const struct rtr_pdu *pdu, gsize index);

enum rtr_step {
    RTR_PDU,  /* one is whole and sound */
    RTR_MORE, /* there are too few bytes yet */
    RTR_BAD,  /* `*code` and `*problem` (static) say what is wrong with it */
};
/* `*size`: bytes of the PDU; of a bad one, those to be sent back with the error. */
enum rtr_step rtr_pdu_parse(const guint8 *bytes, gsize length, struct rtr_pdu *pdu, gsize *size,
                            enum rtr_error *code, const char **problem);

void rtr_put_reset_query(GByteArray *out, guint8 version);
void rtr_put_serial_query(GByteArray *out, guint8 version, guint16 session, guint32 serial);
void rtr_put_error(GByteArray *out, guint8 version, enum rtr_error code, const guint8 *culprit,
                   gsize culprit_length, const char *text);

/* Whether serial `a` comes after `b` (RFC 1982). */
gboolean rtr_serial_after(guint32 a, guint32 b);
