#include "p2_internet/zone/dnssec.h"

#include "base/late_library.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <string.h>

#define KEY_FIXED 4u
#define SIGNATURE_FIXED 18u
#define DS_FIXED 4u
#define NSEC3_HASH 20u
#define DIGEST_MAX 64u
#define RSA_KEY_MAX 4096u /* bytes */
#define ALGORITHM_RSAMD5 1u

static const struct {
    guint8 number;
    enum dnssec_standing standing;
    const char *name;
} algorithms[] = {
    { 1, DNSSEC_BROKEN, "RSAMD5" },
    { 3, DNSSEC_BROKEN, "DSA" },
    { 5, DNSSEC_BROKEN, "RSASHA1" },
    { 6, DNSSEC_BROKEN, "DSA-NSEC3-SHA1" },
    { 7, DNSSEC_BROKEN, "RSASHA1-NSEC3-SHA1" },
    { 8, DNSSEC_GOOD, "RSASHA256" },
    { 10, DNSSEC_OLD, "RSASHA512" },
    { 12, DNSSEC_BROKEN, "ECC-GOST" },
    { 13, DNSSEC_GOOD, "ECDSAP256SHA256" },
    { 14, DNSSEC_GOOD, "ECDSAP384SHA384" },
    { 15, DNSSEC_GOOD, "ED25519" },
    { 16, DNSSEC_GOOD, "ED448" },
    { 17, DNSSEC_OPTIONAL, "SM2SM3" },
    { 23, DNSSEC_OPTIONAL, "ECC-GOST12" },
}, digests[] = {
    { 1, DNSSEC_BROKEN, "SHA-1" },     { 2, DNSSEC_GOOD, "SHA-256" },
    { 3, DNSSEC_BROKEN, "GOST" },      { 4, DNSSEC_GOOD, "SHA-384" },
    { 5, DNSSEC_OPTIONAL, "GOST-12" }, { 6, DNSSEC_OPTIONAL, "SM3" },
};

enum dnssec_standing dnssec_algorithm(guint number, const char **name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(algorithms); i++)
        if (algorithms[i].number == number) {
            *name = algorithms[i].name;
            return algorithms[i].standing;
        }
    *name = "unknown";
    return DNSSEC_NONE;
}

enum dnssec_standing dnssec_digest(guint number, const char **name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(digests); i++)
        if (digests[i].number == number) {
            *name = digests[i].name;
            return digests[i].standing;
        }
    *name = "unknown";
    return DNSSEC_NONE;
}

/* RFC 4034 appendix B. */
static guint16 key_tag(const struct dns_record *record)
{
    guint32 sum = 0;

    if (record->data[3] == ALGORITHM_RSAMD5 && record->length >= KEY_FIXED + 3)
        return dns_get16(record->data + record->length - 3);
    for (guint i = 0; i < record->length; i++)
        sum += i & 1 ? record->data[i] : (guint32)record->data[i] << 8;
    return (guint16)(sum + (sum >> 16));
}

gboolean dnssec_key_read(const struct dns_record *record, struct dnssec_key *key)
{
    if (record->length < KEY_FIXED)
        return FALSE;
    *key = (struct dnssec_key){
        .flags = dns_get16(record->data),
        .tag = key_tag(record),
        .protocol = record->data[2],
        .algorithm = record->data[3],
        .bytes = record->data + KEY_FIXED,
        .length = record->length - KEY_FIXED,
    };
    return TRUE;
}

/* RFC 3110: exponent length in one or three bytes, exponent, modulus. */
static gboolean split_rsa(const struct dnssec_key *key, const guint8 **exponent,
                          gsize *exponent_length, const guint8 **modulus, gsize *modulus_length)
{
    gsize head = 1, length;

    if (key->length < 3)
        return FALSE;
    length = key->bytes[0];
    if (!length) {
        head = 3;
        length = dns_get16(key->bytes + 1);
    }
    if (!length || length >= key->length - head)
        return FALSE;
    *exponent = key->bytes + head;
    *exponent_length = length;
    *modulus = *exponent + length;
    *modulus_length = key->length - head - length;
    return TRUE;
}

static gboolean is_rsa(guint algorithm)
{
    return algorithm == 1 || algorithm == 5 || algorithm == 7 || algorithm == 8 || algorithm == 10;
}

gboolean dnssec_rsa_size(const struct dnssec_key *key, guint *modulus, guint64 *exponent)
{
    const guint8 *e, *n;
    gsize e_length, n_length;

    if (!is_rsa(key->algorithm) || !split_rsa(key, &e, &e_length, &n, &n_length))
        return FALSE;
    while (n_length && !*n) {
        n++;
        n_length--;
    }
    *modulus = n_length ? (guint)(n_length - 1) * 8 + (guint)g_bit_storage(*n) : 0;
    *exponent = 0;
    for (; e_length; e++, e_length--)
        *exponent = *exponent >> 56 ? G_MAXUINT64 : *exponent << 8 | *e;
    return TRUE;
}

gboolean dnssec_signature_read(const struct dns_record *record, struct dnssec_signature *out)
{
    const guint8 *data = record->data;
    guint signer = 0;

    if (record->length < SIGNATURE_FIXED + 1)
        return FALSE;
    *out = (struct dnssec_signature){
        .covers = dns_get16(data),
        .algorithm = data[2],
        .labels = data[3],
        .original_ttl_s = dns_get32(data + 4),
        .until = dns_get32(data + 8),
        .from = dns_get32(data + 12),
        .tag = dns_get16(data + 16),
        .signer = data + SIGNATURE_FIXED,
    };
    while (signer < record->length - SIGNATURE_FIXED && out->signer[signer])
        signer += 1u + out->signer[signer];
    signer++;
    if (signer > MIN(record->length - SIGNATURE_FIXED, DNS_NAME_MAX))
        return FALSE;
    out->bytes = out->signer + signer;
    out->length = record->length - SIGNATURE_FIXED - signer;
    return out->length > 0;
}

gboolean dnssec_ds_read(const struct dns_record *record, struct dnssec_ds *ds)
{
    if (record->length < DS_FIXED + 1)
        return FALSE;
    *ds = (struct dnssec_ds){
        .tag = dns_get16(record->data),
        .algorithm = record->data[2],
        .digest_type = record->data[3],
        .digest = record->data + DS_FIXED,
        .length = record->length - DS_FIXED,
    };
    return TRUE;
}

static void append_lower(GByteArray *out, const guint8 *name)
{
    const guint start = out->len;

    g_byte_array_append(out, name, dns_name_length(name));
    for (guint i = start; i < out->len; i++)
        out->data[i] = (guint8)g_ascii_tolower((char)out->data[i]);
}

gboolean dnssec_ds_matches(const struct dnssec_ds *ds, const guint8 *owner,
                           const struct dns_record *record)
{
    static const struct {
        guint8 type;
        GChecksumType hash;
    } hashes[] = { { 1, G_CHECKSUM_SHA1 }, { 2, G_CHECKSUM_SHA256 }, { 4, G_CHECKSUM_SHA384 } };
    g_autoptr(GByteArray) wire = g_byte_array_new();
    struct dnssec_key key;

    if (!dnssec_key_read(record, &key) || key.tag != ds->tag || key.algorithm != ds->algorithm)
        return FALSE;
    append_lower(wire, owner);
    g_byte_array_append(wire, record->data, record->length);
    for (gsize i = 0; i < G_N_ELEMENTS(hashes); i++) {
        guint8 digest[DIGEST_MAX];
        gsize length = sizeof digest;
        g_autoptr(GChecksum) sum = NULL;

        if (hashes[i].type != ds->digest_type)
            continue;
        sum = g_checksum_new(hashes[i].hash);
        g_checksum_update(sum, wire->data, wire->len);
        g_checksum_get_digest(sum, digest, &length);
        return length == ds->length && memcmp(digest, ds->digest, length) == 0;
    }
    return FALSE;
}

/* ---- keys of libcrypto: made from SubjectPublicKeyInfo (RFC 5280), which needs few functions */

struct dnssec_library {
    typeof(d2i_PUBKEY) *read_key;
    typeof(EVP_PKEY_free) *free_key;
    typeof(EVP_MD_CTX_new) *new_context;
    typeof(EVP_MD_CTX_free) *free_context;
    typeof(EVP_DigestVerifyInit) *begin;
    typeof(EVP_DigestVerify) *verify;
    typeof(EVP_get_digestbyname) *hash;
};

static const struct late_symbol symbols[] = {
    { "d2i_PUBKEY", offsetof(struct dnssec_library, read_key) },
    { "EVP_PKEY_free", offsetof(struct dnssec_library, free_key) },
    { "EVP_MD_CTX_new", offsetof(struct dnssec_library, new_context) },
    { "EVP_MD_CTX_free", offsetof(struct dnssec_library, free_context) },
    { "EVP_DigestVerifyInit", offsetof(struct dnssec_library, begin) },
    { "EVP_DigestVerify", offsetof(struct dnssec_library, verify) },
    { "EVP_get_digestbyname", offsetof(struct dnssec_library, hash) },
    { NULL, 0 },
};

struct dnssec_library *dnssec_library_new(GError **error)
{
    g_autofree struct dnssec_library *library = g_new0(struct dnssec_library, 1);

    if (!late_library_load("libcrypto.so.3", "libssl3", symbols, library, error))
        return NULL;
    return g_steal_pointer(&library);
}

void dnssec_library_free(struct dnssec_library *library)
{
    g_free(library);
}

/* How an algorithm's keys and signatures are. */
struct method {
    guint8 algorithm;
    const char *hash; /* NULL: part of the algorithm */
    gsize size;       /* bytes of a key; 0: RSA */
    gboolean ecdsa;   /* signatures are two numbers, which libcrypto wants as DER */
    gsize head_length;
    guint8 head[27]; /* SubjectPublicKeyInfo up to the bytes of the key */
};
/* clang-format off */
static const struct method methods[] = {
    { .algorithm = 5, .hash = "SHA1" },
    { .algorithm = 7, .hash = "SHA1" },
    { .algorithm = 8, .hash = "SHA256" },
    { .algorithm = 10, .hash = "SHA512" },
    { 13, "SHA256", 64, TRUE, 27,
      { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
        0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04 } },
    { 14, "SHA384", 96, TRUE, 24,
      { 0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05,
        0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04 } },
    { 15, NULL, 32, FALSE, 12,
      { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 } },
    { 16, NULL, 57, FALSE, 12,
      { 0x30, 0x43, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x71, 0x03, 0x3a, 0x00 } },
};
/* clang-format on */

#define DER_INTEGER 0x02
#define DER_BITS 0x03
#define DER_SEQUENCE 0x30

static void der_head(GByteArray *out, guint8 tag, gsize length)
{
    const guint8 long_form[] = { tag, 0x82, (guint8)(length >> 8), (guint8)length };
    const guint8 short_form[] = { tag, (guint8)length };

    if (length < 0x80)
        g_byte_array_append(out, short_form, sizeof short_form);
    else
        g_byte_array_append(out, long_form, sizeof long_form);
}

static void der_number(GByteArray *out, const guint8 *bytes, gsize length)
{
    while (length > 1 && !*bytes) {
        bytes++;
        length--;
    }
    der_head(out, DER_INTEGER, length + (*bytes >> 7));
    if (*bytes >> 7)
        g_byte_array_append(out, (const guint8 *)"", 1);
    g_byte_array_append(out, bytes, (guint)length);
}

/* A new array: `inner`, which is freed, behind its head. */
static GByteArray *der_wrap(guint8 tag, GByteArray *inner)
{
    GByteArray *out = g_byte_array_new();

    der_head(out, tag, inner->len);
    g_byte_array_append(out, inner->data, inner->len);
    g_byte_array_unref(inner);
    return out;
}

static GByteArray *der_pair(const guint8 *first, gsize first_length, const guint8 *second,
                            gsize second_length)
{
    GByteArray *pair = g_byte_array_new();

    der_number(pair, first, first_length);
    der_number(pair, second, second_length);
    return der_wrap(DER_SEQUENCE, pair);
}

static GByteArray *rsa_key(const struct dnssec_key *key)
{
    static const guint8 algorithm[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                        0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00 };
    const guint8 *e, *n;
    gsize e_length, n_length;
    g_autoptr(GByteArray) numbers = NULL, bits = NULL;
    GByteArray *inner;

    if (key->length > RSA_KEY_MAX || !split_rsa(key, &e, &e_length, &n, &n_length))
        return NULL;
    numbers = der_pair(n, n_length, e, e_length);
    bits = g_byte_array_new();
    der_head(bits, DER_BITS, numbers->len + 1);
    g_byte_array_append(bits, (const guint8 *)"", 1);
    g_byte_array_append(bits, numbers->data, numbers->len);
    inner = g_byte_array_new();
    g_byte_array_append(inner, algorithm, sizeof algorithm);
    g_byte_array_append(inner, bits->data, bits->len);
    return der_wrap(DER_SEQUENCE, inner);
}

static EVP_PKEY *make_key(const struct dnssec_library *library, const struct method *method,
                          const struct dnssec_key *key)
{
    g_autoptr(GByteArray) info = NULL;
    const unsigned char *at;

    if (!method->size) {
        info = rsa_key(key);
    } else if (key->length == method->size) {
        info = g_byte_array_new();
        g_byte_array_append(info, method->head, (guint)method->head_length);
        g_byte_array_append(info, key->bytes, (guint)key->length);
    }
    at = info ? info->data : NULL;
    return info ? library->read_key(NULL, &at, (long)info->len) : NULL;
}

static gboolean is_signed(const struct dnssec_library *library, const struct method *method,
                          EVP_PKEY *key, const guint8 *bytes, gsize length, const GByteArray *wire)
{
    EVP_MD_CTX *context = library->new_context();
    gboolean good = context &&
                    library->begin(context, NULL, method->hash ? library->hash(method->hash) : NULL,
                                   NULL, key) == 1 &&
                    library->verify(context, bytes, length, wire->data, wire->len) == 1;

    library->free_context(context);
    return good;
}

/* ---- what is signed (RFC 4034 section 3.1.8.1) */

static int compare_records(gconstpointer a, gconstpointer b)
{
    return dns_record_compare(*(const struct dns_record *const *)a,
                              *(const struct dns_record *const *)b);
}

/* The owner as it was signed: of a wildcard's answer the wildcard itself. */
static void signed_owner(const guint8 *owner, guint labels, guint8 out[DNS_NAME_MAX + 2])
{
    guint has = dns_name_labels(owner);

    if (has > labels) {
        for (; has > labels; has--)
            owner = dns_name_parent(owner);
        out[0] = 1;
        out[1] = '*';
        memcpy(out + 2, owner, dns_name_length(owner));
        return;
    }
    memcpy(out, owner, dns_name_length(owner));
}

static GByteArray *signed_bytes(const struct dns_record *record,
                                const struct dnssec_signature *signature,
                                const struct dns_record *const *records, guint count)
{
    GByteArray *wire = g_byte_array_new();
    g_autoptr(GPtrArray) sorted = g_ptr_array_new();
    guint8 owner[DNS_NAME_MAX + 2];
    const struct dns_record *last = NULL;

    g_byte_array_append(wire, record->data, SIGNATURE_FIXED);
    append_lower(wire, signature->signer);
    for (guint i = 0; i < count; i++)
        g_ptr_array_add(sorted, (gpointer)records[i]);
    g_ptr_array_sort(sorted, compare_records);
    signed_owner(records[0]->owner, signature->labels, owner);
    for (guint i = 0; i < count; i++) {
        struct dns_record one = *(const struct dns_record *)sorted->pdata[i];

        if (last && dns_record_compare(last, sorted->pdata[i]) == 0)
            continue;
        last = sorted->pdata[i];
        one.owner = owner;
        dns_record_canonical(&one, signature->original_ttl_s, wire);
    }
    return wire;
}

enum dnssec_verdict dnssec_verify(const struct dnssec_library *library,
                                  const struct dns_record *record,
                                  const struct dns_record *const *records, guint count,
                                  const struct dns_record *key_record)
{
    const struct method *method = NULL;
    struct dnssec_signature signature;
    struct dnssec_key key;
    g_autoptr(GByteArray) wire = NULL, der = NULL;
    EVP_PKEY *native;
    gboolean good;

    if (!count || !dnssec_signature_read(record, &signature) ||
        !dnssec_key_read(key_record, &key) || signature.labels > dns_name_labels(records[0]->owner))
        return DNSSEC_MALFORMED;
    for (gsize i = 0; i < G_N_ELEMENTS(methods); i++)
        if (methods[i].algorithm == signature.algorithm)
            method = &methods[i];
    if (!method)
        return DNSSEC_UNKNOWN;
    if (key.algorithm != signature.algorithm || key.tag != signature.tag)
        return DNSSEC_WRONG;
    if (method->ecdsa && signature.length != method->size)
        return DNSSEC_MALFORMED;
    native = make_key(library, method, &key);
    if (!native)
        return DNSSEC_MALFORMED;
    wire = signed_bytes(record, &signature, records, count);
    if (method->ecdsa)
        der = der_pair(signature.bytes, signature.length / 2,
                       signature.bytes + signature.length / 2, signature.length / 2);
    good = is_signed(library, method, native, der ? der->data : signature.bytes,
                     der ? der->len : signature.length, wire);
    library->free_key(native);
    return good ? DNSSEC_VALID : DNSSEC_WRONG;
}

gint64 dnssec_time(guint32 time, gint64 now_s)
{
    return now_s + (gint32)(time - (guint32)now_s);
}

gboolean dnssec_bitmap_has(const guint8 *map, gsize length, guint16 type)
{
    while (length >= 2) {
        const gsize size = map[1];

        if (size > length - 2)
            return FALSE;
        if (map[0] == type >> 8)
            return (type & 0xff) / 8u < size && map[2 + (type & 0xff) / 8] & 0x80 >> type % 8;
        map += 2 + size;
        length -= 2 + size;
    }
    return FALSE;
}

void dnssec_nsec3_hash(const guint8 *name, const guint8 *salt, guint salt_length, guint iterations,
                       guint8 hash[20])
{
    g_autoptr(GByteArray) input = g_byte_array_new();
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA1);

    append_lower(input, name);
    for (guint i = 0; i <= iterations; i++) {
        gsize length = NSEC3_HASH;

        g_checksum_reset(sum);
        g_checksum_update(sum, input->data, input->len);
        g_checksum_update(sum, salt, salt_length);
        g_checksum_get_digest(sum, hash, &length);
        g_byte_array_set_size(input, 0);
        g_byte_array_append(input, hash, NSEC3_HASH);
    }
}
