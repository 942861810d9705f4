/*
 * dns_wire.h: names, records and messages of DNS as bytes (RFC 1035, 3597, 4034, 6891).
 *
 * A name is its wire form: labels, each behind its length, the empty one last; at most 255 bytes,
 * never compressed. Records of a message are copied out of it with the names in their data
 * expanded, so that they can be compared, hashed and kept. Foreign bytes: read them in a worker.
 */
#pragma once
#include <glib.h>

#define DNS_NAME_MAX 255u
#define DNS_LABEL_MAX 63u
#define DNS_MESSAGE_MAX 65535u

enum dns_record_type {
    DNS_TYPE_A = 1,
    DNS_TYPE_NS = 2,
    DNS_TYPE_CNAME = 5,
    DNS_TYPE_SOA = 6,
    DNS_TYPE_PTR = 12,
    DNS_TYPE_MX = 15,
    DNS_TYPE_TXT = 16,
    DNS_TYPE_AAAA = 28,
    DNS_TYPE_DNAME = 39,
    DNS_TYPE_OPT = 41,
    DNS_TYPE_DS = 43,
    DNS_TYPE_RRSIG = 46,
    DNS_TYPE_NSEC = 47,
    DNS_TYPE_DNSKEY = 48,
    DNS_TYPE_NSEC3 = 50,
    DNS_TYPE_NSEC3PARAM = 51,
    DNS_TYPE_CDS = 59,
    DNS_TYPE_CDNSKEY = 60,
    DNS_TYPE_CSYNC = 62,
    DNS_TYPE_ZONEMD = 63,
    DNS_TYPE_SPF = 99,
    DNS_TYPE_AXFR = 252,
    DNS_TYPE_CAA = 257,
};
#define DNS_CLASS_IN 1
#define DNS_CLASS_CHAOS 3

/* "SOA", or "TYPE65280" (RFC 3597). Owned by the caller. */
char *dns_type_text(guint16 type);
/* Either form; FALSE for neither. */
gboolean dns_type_parse(const char *text, guint16 *type);

/* ---- names */

/* From "www.example.org", with or without the last dot, with \. and \DDD. 0: no name. */
guint dns_name_parse(const char *text, guint8 name[DNS_NAME_MAX]);
/* With the last dot; bytes that are not printable as \DDD. Owned by the caller. */
char *dns_name_text(const guint8 *name);
guint dns_name_length(const guint8 *name);         /* bytes, with the root's */
guint dns_name_labels(const guint8 *name);         /* 0 for the root */
const guint8 *dns_name_parent(const guint8 *name); /* of the root: the root */
gboolean dns_name_equal(const guint8 *a, const guint8 *b);
gboolean dns_name_within(const guint8 *name, const guint8 *zone); /* or equal */
/* The canonical order of RFC 4034 section 6.1, as memcmp(). */
int dns_name_compare(const guint8 *a, const guint8 *b);

/* ---- records */

enum dns_section { DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL };

struct dns_record {
    const guint8 *owner, *data;
    guint32 ttl_s;
    guint16 type, class, length;
    guint8 section;
};

/*
 * The data in the form that is signed and hashed: names of the types listed in RFC 4034 section
 * 6.2 (with RFC 6840 section 5.1) in lower case. Appended.
 */
void dns_data_canonical(const struct dns_record *record, GByteArray *out);
/* Owner in lower case, type, class, TTL `ttl_s`, length, canonical data. Appended. */
void dns_record_canonical(const struct dns_record *record, guint32 ttl_s, GByteArray *out);
/* By owner, type, canonical data. */
int dns_record_compare(const struct dns_record *a, const struct dns_record *b);

/* ---- messages */

#define DNS_FLAG_QR 0x8000
#define DNS_FLAG_AA 0x0400
#define DNS_FLAG_TC 0x0200
#define DNS_FLAG_RD 0x0100
#define DNS_FLAG_RA 0x0080

struct dns_packet {
    guint16 id, flags;
    guint rcode; /* with the upper bits of EDNS */
    gboolean has_question;
    const guint8 *question;
    guint16 question_type, question_class;
    gboolean has_edns;
    guint edns_version, edns_size, edns_flags; /* flags: 0x8000 is DO */
    const guint8 *edns_options;
    guint16 edns_options_length;
    GArray *records; /* struct dns_record, without OPT */
    gsize size;      /* of the message */
    GStringChunk *memory;
};
void dns_packet_free(struct dns_packet *packet);
typedef struct dns_packet dns_packet_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(dns_packet_t, dns_packet_free)

/* One whole message. ENTENTE_ERROR_INPUT names the byte at which it is malformed. */
struct dns_packet *dns_packet_read(const guint8 *bytes, gsize length, GError **error);

/* The option's body in a message's EDNS; NULL when there is none. */
const guint8 *dns_packet_option(const struct dns_packet *packet, guint16 code, guint16 *length);

struct dns_query {
    const guint8 *name;
    guint16 id, type, class;
    gboolean recursion, edns, dnssec;
    guint8 edns_version;
    guint16 edns_size, edns_flags; /* flags besides DO */
    const guint8 *option;          /* whole options: code, length, body; or NULL */
    guint16 option_length;
};
GByteArray *dns_query_build(const struct dns_query *query);

guint16 dns_get16(const guint8 *at);
guint32 dns_get32(const guint8 *at);
void dns_put16(GByteArray *out, guint16 number);
void dns_put32(GByteArray *out, guint32 number);
