/*
 * ntp.h: packets of NTP version 4 (RFC 5905 section 7.3) and their extension fields (RFC 7822).
 *
 *      0       8       16      24      32
 *      LI VN Mo stratum poll   precision
 *      root delay (16.16 s)
 *      root dispersion (16.16 s)
 *      reference id
 *      reference, origin, receive, transmit time (each 32.32 s since 1900, modulo 2^32 s)
 *      fields: type u16 | length u16, with these four bytes, a multiple of 4 | body
 *
 * Integers are big-endian. A stamp (guint64) is a time as on the wire; 0 is "not known".
 */
#pragma once
#include <glib.h>

#define NTP_HEADER 48u
#define NTP_PACKET_MAX 2048u /* more than any server sends */
#define NTP_FIELD_HEAD 4u
#define NTP_FIELD_MIN 16u /* RFC 7822 section 3.1, and a multiple of 4 */
#define NTP_PORT 123

enum ntp_mode { NTP_MODE_CLIENT = 3, NTP_MODE_SERVER = 4, NTP_MODE_CONTROL = 6, NTP_MODE_PRIVATE };
enum ntp_leap { NTP_LEAP_NONE, NTP_LEAP_ADD, NTP_LEAP_DELETE, NTP_LEAP_UNKNOWN };
const char *ntp_leap_name(enum ntp_leap leap); /* "none", "insert", "delete", "unsynchronised" */

struct ntp_header {
    enum ntp_leap leap;
    guint8 version, mode, stratum, reference_id[4];
    gint8 poll, precision; /* log2 of seconds */
    gint64 root_delay_us, root_dispersion_us;
    guint64 reference, origin, receive, transmit;
};

/* ENTENTE_ERROR_INPUT: too short. What stands behind the header is not looked at. */
gboolean ntp_header_parse(const void *packet, gsize size, struct ntp_header *header,
                          GError **error);

/*
 * A request that tells nothing of the client: all zero but version, mode and the transmit stamp,
 * which is random and only comes back as the origin (draft-ietf-ntp-data-minimization).
 */
void ntp_request(guint64 transmit, guint8 packet[NTP_HEADER]);

/* A stamp as microseconds since 1970, in the era of 136 years whose middle is `near_us`. */
gint64 ntp_time_us(guint64 stamp, gint64 near_us);
guint64 ntp_stamp(gint64 time_us);

enum ntp_verdict {
    NTP_GOOD,
    NTP_NOT_OURS,       /* not an answer to this request: another mode, version or origin */
    NTP_KISS,           /* stratum 0: the reference id is a kiss code (section 7.4) */
    NTP_UNSYNCHRONISED, /* leap indicator 3, or stratum 16 and more */
    NTP_MALFORMED,      /* no receive or no transmit time, or the former is behind the latter */
};

/* Judges the answer to a request that was sent with the stamp `sent`. */
enum ntp_verdict ntp_judge(const struct ntp_header *header, guint64 sent);

/* The kiss code ("RATE", "DENY", "RSTR", "NTSN" ...): printable ASCII, "?" for other bytes. */
void ntp_kiss_code(const struct ntp_header *header, char code[5]);

/* One extension field; `body` is borrowed from the packet, its padding included. */
struct ntp_field {
    guint16 type;
    gsize offset; /* of the field in the packet */
    const guint8 *body;
    gsize length;
};

/*
 * The field at `*at` (NTP_HEADER at first), which moves behind it. FALSE without an error at the
 * packet's end; ENTENTE_ERROR_INPUT with the offset for a field that is none.
 */
gboolean ntp_field_next(const void *packet, gsize size, gsize *at, struct ntp_field *field,
                        GError **error);

/* Appends a field; the body is padded with zeros to a multiple of 4 and NTP_FIELD_MIN. */
void ntp_field_append(GByteArray *packet, guint16 type, const void *body, gsize length);
