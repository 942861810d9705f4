/*
 * dnssec.h: keys, signatures and digests of DNSSEC (RFC 4033 to 4035, 5702, 6605, 8080), checked
 * with libcrypto. Records are those of dns_wire.h; everything is borrowed.
 */
#pragma once
#include "net/dns_wire.h"

/* ---- algorithms of zone signing (IANA registry; RFC 8624, RFC 9904, RFC 9905) */

enum dnssec_standing {
    DNSSEC_GOOD,
    DNSSEC_OPTIONAL, /* few resolvers know it */
    DNSSEC_OLD,      /* not recommended */
    DNSSEC_BROKEN,   /* must not be used */
    DNSSEC_NONE,     /* reserved, private, unassigned, not for zones */
};
enum dnssec_standing dnssec_algorithm(guint number, const char **name);
enum dnssec_standing dnssec_digest(guint number, const char **name); /* of DS */

/* ---- records, read */

struct dnssec_key {
    guint16 flags, tag;
    guint8 protocol, algorithm;
    const guint8 *bytes;
    gsize length;
};
#define DNSSEC_FLAG_ZONE 0x0100
#define DNSSEC_FLAG_REVOKED 0x0080
#define DNSSEC_FLAG_SEP 0x0001
gboolean dnssec_key_read(const struct dns_record *record, struct dnssec_key *key);
/* Of RSA: bits of modulus and exponent; FALSE: not RSA, or malformed. */
gboolean dnssec_rsa_size(const struct dnssec_key *key, guint *modulus, guint64 *exponent);

struct dnssec_signature {
    guint16 covers, tag;
    guint8 algorithm, labels;
    guint32 original_ttl_s, until, from;
    const guint8 *signer, *bytes;
    gsize length;
};
gboolean dnssec_signature_read(const struct dns_record *record, struct dnssec_signature *out);

struct dnssec_ds {
    guint16 tag;
    guint8 algorithm, digest_type;
    const guint8 *digest;
    gsize length;
};
gboolean dnssec_ds_read(const struct dns_record *record, struct dnssec_ds *ds);

/* ---- checks */

/* Whether `ds` is the digest of this DNSKEY record (DNS_TYPE_DNSKEY or CDNSKEY) of `owner`.
 * Unknown digest types: FALSE. */
gboolean dnssec_ds_matches(const struct dnssec_ds *ds, const guint8 *owner,
                           const struct dns_record *key);

struct dnssec_library;
/* libcrypto's functions; before a worker is confined. ENTENTE_ERROR_SYSTEM: not installed. */
struct dnssec_library *dnssec_library_new(GError **error);
void dnssec_library_free(struct dnssec_library *library);
typedef struct dnssec_library dnssec_library_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(dnssec_library_t, dnssec_library_free)

enum dnssec_verdict {
    DNSSEC_VALID,
    DNSSEC_WRONG,     /* the signature is not of these records by this key */
    DNSSEC_UNKNOWN,   /* an algorithm that this program does not compute */
    DNSSEC_MALFORMED, /* the key or the signature cannot be one */
};

/*
 * Whether the signature is that of the records by the key; times are not looked at. The records
 * have one owner, type and class.
 */
enum dnssec_verdict dnssec_verify(const struct dnssec_library *library,
                                  const struct dns_record *signature,
                                  const struct dns_record *const *records, guint count,
                                  const struct dns_record *key);

/* A time of a signature as seconds since 1970, near `now_s` (RFC 1982 arithmetic). */
gint64 dnssec_time(guint32 time, gint64 now_s);

/* Whether the type stands in the bit map of NSEC, NSEC3, CSYNC data (`skip` bytes before it). */
gboolean dnssec_bitmap_has(const guint8 *map, gsize length, guint16 type);
/* The hash of a name for NSEC3 (RFC 5155 section 5), SHA-1, 20 bytes. */
void dnssec_nsec3_hash(const guint8 *name, const guint8 *salt, guint salt_length, guint iterations,
                       guint8 hash[20]);
