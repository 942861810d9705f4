#include "p7_hygiene/host/x509.h"

#include <sodium.h>
#include <string.h>
#include <time.h>

/* --- DER (X.690) ------------------------------------------------------------------------------ */

#define INTEGER 0x02
#define BIT_STRING 0x03
#define OCTET_STRING 0x04
#define OBJECT_IDENTIFIER 0x06
#define UTC_TIME 0x17
#define GENERALIZED_TIME 0x18
#define SEQUENCE 0x30
#define EXPLICIT(number) (0xa0 | (number))
#define LONG_LENGTH 0x80 /* the other bits say how many bytes of length follow */
#define LENGTH_BYTES_MAX 4

/* Takes the element of `tag` that comes next; FALSE, and nothing taken, when it is another. */
static gboolean take(struct x509_part *from, guint8 tag, struct x509_part *content)
{
    gsize header = 2, length, more;

    if (from->length < header || from->data[0] != tag)
        return FALSE;
    length = from->data[1];
    if (length & LONG_LENGTH) {
        more = length & ~(gsize)LONG_LENGTH;
        if (more == 0 || more > LENGTH_BYTES_MAX || from->length < header + more)
            return FALSE;
        length = 0;
        for (gsize i = 0; i < more; i++)
            length = length << 8 | from->data[header + i];
        header += more;
    }
    if (length > from->length - header)
        return FALSE;
    *content = (struct x509_part){ from->data + header, length };
    from->data += header + length;
    from->length -= header + length;
    return TRUE;
}

static gboolean skip(struct x509_part *from, guint8 tag)
{
    struct x509_part ignored;

    return take(from, tag, &ignored);
}

/* A positive number, without the zero that keeps its sign. */
static gboolean take_number(struct x509_part *from, struct x509_part *number)
{
    if (!take(from, INTEGER, number) || number->length == 0)
        return FALSE;
    while (number->length > 1 && *number->data == 0) {
        number->data++;
        number->length--;
    }
    return TRUE;
}

/* Whole bytes of a bit string. */
static gboolean take_bits(struct x509_part *from, struct x509_part *bits)
{
    if (!take(from, BIT_STRING, bits) || bits->length == 0 || *bits->data != 0)
        return FALSE;
    bits->data++;
    bits->length--;
    return TRUE;
}

static gboolean is_same(const struct x509_part *a, const struct x509_part *b)
{
    return a->length == b->length && (a->length == 0 || memcmp(a->data, b->data, a->length) == 0);
}

/* --- PEM -------------------------------------------------------------------------------------- */

#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"

struct pem_block {
    struct x509_part label, text;
};

/* The next block of `pem`, which moves behind it. */
static gboolean next_block(struct x509_part *pem, struct pem_block *block)
{
    const char *at = (const char *)pem->data, *end = at + pem->length, *label, *text, *stop;

    for (const char *start = at;; at++) {
        at = end > at ? memmem(at, end - at, BEGIN, strlen(BEGIN)) : NULL;
        if (!at)
            return FALSE;
        if (at == start || at[-1] == '\n')
            break;
    }
    label = at + strlen(BEGIN);
    text = memmem(label, end - label, DASHES, strlen(DASHES));
    if (!text)
        return FALSE;
    block->label = (struct x509_part){ (const guint8 *)label, text - label };
    text += strlen(DASHES);
    stop = memmem(text, end - text, END, strlen(END));
    if (!stop)
        return FALSE;
    block->text = (struct x509_part){ (const guint8 *)text, stop - text };
    *pem = (struct x509_part){ (const guint8 *)stop, end - stop };
    return TRUE;
}

static gboolean is_labelled(const struct pem_block *block, const char *label)
{
    return block->label.length == strlen(label) &&
           memcmp(block->label.data, label, block->label.length) == 0;
}

/* The block's bytes, to be freed; NULL when it is no base64 (encrypted in the old way, say). */
static guint8 *decode(const struct pem_block *block, struct x509_part *der)
{
    guint8 *bytes = g_malloc(block->text.length + 1);
    size_t length;

    if (sodium_base642bin(bytes, block->text.length, (const char *)block->text.data,
                          block->text.length, " \t\r\n", &length, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0) {
        g_free(bytes);
        return NULL;
    }
    *der = (struct x509_part){ bytes, length };
    return bytes;
}

/* --- algorithms ------------------------------------------------------------------------------- */

/* An object identifier by the bytes of its encoding. */
struct identifier {
    const char *bytes;
    gsize length;
};
#define IDENTIFIER(text)                                                                           \
    {                                                                                              \
        text, sizeof text - 1                                                                      \
    }
#define PKCS_1 "\x2a\x86\x48\x86\xf7\x0d\x01\x01" /* 1.2.840.113549.1.1 */
#define ANSI_X962 "\x2a\x86\x48\xce\x3d"          /* 1.2.840.10045 */
#define NIST "\x60\x86\x48\x01\x65\x03\x04"       /* 2.16.840.1.101.3.4 */
#define NIST_DIGEST NIST "\x02"
#define NIST_SIGNATURE NIST "\x03"
#define OIW "\x2b\x0e\x03\x02" /* 1.3.14.3.2 */

static const struct identifier rsa_key = IDENTIFIER(PKCS_1 "\x01");
static const struct identifier rsa_pss = IDENTIFIER(PKCS_1 "\x0a");
static const struct identifier ec_key = IDENTIFIER(ANSI_X962 "\x02\x01");
static const struct identifier ed25519_key = IDENTIFIER("\x2b\x65\x70"); /* 1.3.101.112 */

/* Signatures and, for RSASSA-PSS, digests alone. */
static const struct {
    struct identifier identifier;
    const char *digest;
    gboolean is_weak;
} digests[] = {
    { IDENTIFIER(PKCS_1 "\x02"), "MD2", TRUE },
    { IDENTIFIER(PKCS_1 "\x03"), "MD4", TRUE },
    { IDENTIFIER(PKCS_1 "\x04"), "MD5", TRUE },
    { IDENTIFIER(PKCS_1 "\x05"), "SHA1", TRUE },
    { IDENTIFIER(OIW "\x1d"), "SHA1", TRUE },
    { IDENTIFIER(OIW "\x1a"), "SHA1", TRUE },
    { IDENTIFIER("\x2a\x86\x48\xce\x38\x04\x03"), "SHA1", TRUE }, /* DSA */
    { IDENTIFIER(ANSI_X962 "\x04\x01"), "SHA1", TRUE },           /* ECDSA */
    { IDENTIFIER(PKCS_1 "\x0e"), "SHA224", FALSE },
    { IDENTIFIER(PKCS_1 "\x0b"), "SHA256", FALSE },
    { IDENTIFIER(PKCS_1 "\x0c"), "SHA384", FALSE },
    { IDENTIFIER(PKCS_1 "\x0d"), "SHA512", FALSE },
    { IDENTIFIER(ANSI_X962 "\x04\x03\x01"), "SHA224", FALSE },
    { IDENTIFIER(ANSI_X962 "\x04\x03\x02"), "SHA256", FALSE },
    { IDENTIFIER(ANSI_X962 "\x04\x03\x03"), "SHA384", FALSE },
    { IDENTIFIER(ANSI_X962 "\x04\x03\x04"), "SHA512", FALSE },
    { IDENTIFIER(NIST_SIGNATURE "\x01"), "SHA224", FALSE }, /* DSA */
    { IDENTIFIER(NIST_SIGNATURE "\x02"), "SHA256", FALSE },
    { IDENTIFIER(NIST_DIGEST "\x04"), "SHA224", FALSE },
    { IDENTIFIER(NIST_DIGEST "\x01"), "SHA256", FALSE },
    { IDENTIFIER(NIST_DIGEST "\x02"), "SHA384", FALSE },
    { IDENTIFIER(NIST_DIGEST "\x03"), "SHA512", FALSE },
};

static gboolean is_identifier(const struct x509_part *part, const struct identifier *identifier)
{
    return part->length == identifier->length &&
           memcmp(part->data, identifier->bytes, part->length) == 0;
}

/* AlgorithmIdentifier: its name, and what is left of it. */
static gboolean take_algorithm(struct x509_part *from, struct x509_part *name,
                               struct x509_part *parameters)
{
    return take(from, SEQUENCE, parameters) && take(parameters, OBJECT_IDENTIFIER, name);
}

static void set_digest(struct x509 *certificate, const struct x509_part *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(digests); i++) {
        if (is_identifier(name, &digests[i].identifier)) {
            certificate->digest = digests[i].digest;
            certificate->is_weak = digests[i].is_weak;
        }
    }
}

/* RSASSA-PSS names its digest in its parameters; SHA-1 when it does not (RFC 8017 A.2.3). */
static void read_signature_algorithm(struct x509 *certificate, const struct x509_part *name,
                                     struct x509_part parameters)
{
    struct x509_part all, tagged, digest, ignored;

    if (!is_identifier(name, &rsa_pss)) {
        set_digest(certificate, name);
        return;
    }
    certificate->digest = "SHA1";
    certificate->is_weak = TRUE;
    if (take(&parameters, SEQUENCE, &all) && take(&all, EXPLICIT(0), &tagged) &&
        take_algorithm(&tagged, &digest, &ignored))
        set_digest(certificate, &digest);
}

/* --- certificates ----------------------------------------------------------------------------- */

#define SHORT_TIME 6 /* pairs of digits in YYMMDDHHMMSSZ */
#define LONG_TIME 7  /* in YYYYMMDDHHMMSSZ */

/* As RFC 5280 section 4.1.2.5 wants it. */
static gint64 read_time(const struct x509_part *time, gsize pairs)
{
    int value[LONG_TIME], *rest = value + pairs - 5, year;
    struct tm tm;

    if (time->length != 2 * pairs + 1 || time->data[2 * pairs] != 'Z')
        return G_MININT64;
    for (gsize i = 0; i < pairs; i++) {
        const guint8 *digits = time->data + 2 * i;

        if (!g_ascii_isdigit(digits[0]) || !g_ascii_isdigit(digits[1]))
            return G_MININT64;
        value[i] = (digits[0] - '0') * 10 + digits[1] - '0';
    }
    year =
        pairs == LONG_TIME ? value[0] * 100 + value[1] : value[0] + (value[0] < 50 ? 2000 : 1900);
    tm = (struct tm){ .tm_year = year - 1900,
                      .tm_mon = rest[0] - 1,
                      .tm_mday = rest[1],
                      .tm_hour = rest[2],
                      .tm_min = rest[3],
                      .tm_sec = rest[4] };
    if (!year || !g_date_valid_dmy(rest[1], rest[0], year) || rest[2] > 23 || rest[3] > 59 ||
        rest[4] > 59)
        return G_MININT64;
    return timegm(&tm);
}

static gboolean take_validity(struct x509_part *from, struct x509 *certificate)
{
    struct x509_part validity, time;

    if (!take(from, SEQUENCE, &validity) ||
        !(skip(&validity, UTC_TIME) || skip(&validity, GENERALIZED_TIME)))
        return FALSE;
    if (take(&validity, UTC_TIME, &time))
        certificate->not_after_s = read_time(&time, SHORT_TIME);
    else if (take(&validity, GENERALIZED_TIME, &time))
        certificate->not_after_s = read_time(&time, LONG_TIME);
    else
        return FALSE;
    return TRUE;
}

/* By the algorithm; the number stays empty when it is not as the algorithm wants it. */
static struct x509_key make_key(const struct x509_part *algorithm, struct x509_part parameters,
                                struct x509_part bits)
{
    struct x509_key key = { .kind = X509_KEY_OTHER };
    struct x509_part numbers;

    if (is_identifier(algorithm, &rsa_key)) {
        key.kind = X509_KEY_RSA;
        if (!take(&bits, SEQUENCE, &numbers) || !take_number(&numbers, &key.number))
            key.kind = X509_KEY_OTHER;
    } else if (is_identifier(algorithm, &ec_key)) {
        key.kind = X509_KEY_EC;
        key.number = bits;
        if (!take(&parameters, OBJECT_IDENTIFIER, &key.curve))
            key.kind = X509_KEY_OTHER;
    } else if (is_identifier(algorithm, &ed25519_key)) {
        key.kind = X509_KEY_ED25519;
        key.number = bits;
    }
    return key;
}

static gboolean read_certificate(struct x509 *certificate, struct x509_part der)
{
    struct x509_part outer, body, key, name, parameters, bits;

    if (!take(&der, SEQUENCE, &outer) || !take(&outer, SEQUENCE, &body))
        return FALSE;
    skip(&body, EXPLICIT(0)); /* the version, which may be left out */
    if (!skip(&body, INTEGER) || !skip(&body, SEQUENCE) || !skip(&body, SEQUENCE) ||
        !take_validity(&body, certificate) || !skip(&body, SEQUENCE) ||
        !take(&body, SEQUENCE, &key) || !take_algorithm(&key, &name, &parameters) ||
        !take_bits(&key, &bits))
        return FALSE;
    certificate->key = make_key(&name, parameters, bits);
    if (!take_algorithm(&outer, &name, &parameters) || !skip(&outer, BIT_STRING))
        return FALSE;
    read_signature_algorithm(certificate, &name, parameters);
    return TRUE;
}

gboolean x509_read(struct x509 *certificate, const char *pem, gsize length)
{
    struct x509_part rest = { (const guint8 *)pem, length }, der;
    struct pem_block block;

    *certificate = (struct x509){ .not_after_s = G_MININT64 };
    while (next_block(&rest, &block)) {
        if (!is_labelled(&block, "CERTIFICATE") && !is_labelled(&block, "X509 CERTIFICATE"))
            continue;
        certificate->der = decode(&block, &der);
        return certificate->der && read_certificate(certificate, der);
    }
    return FALSE;
}

void x509_clear(struct x509 *certificate)
{
    g_clear_pointer(&certificate->der, g_free);
}

guint x509_key_bits(const struct x509_key *key)
{
    return key->number.length
               ? (guint)(key->number.length - 1) * 8 + g_bit_storage(*key->number.data)
               : 0;
}

/* --- private keys ----------------------------------------------------------------------------- */

/* RSAPrivateKey: version, modulus, ... */
static gboolean read_rsa(struct x509_part der, struct x509_key *key)
{
    struct x509_part numbers;

    key->kind = X509_KEY_RSA;
    return take(&der, SEQUENCE, &numbers) && skip(&numbers, INTEGER) &&
           take_number(&numbers, &key->number);
}

/* ECPrivateKey: its curve may be told around it; without its public half it cannot be compared. */
static gboolean read_ec(struct x509_part der, struct x509_key *key)
{
    struct x509_part all, tagged;

    key->kind = X509_KEY_EC;
    if (!take(&der, SEQUENCE, &all) || !skip(&all, INTEGER) || !skip(&all, OCTET_STRING))
        return FALSE;
    if (take(&all, EXPLICIT(0), &tagged) && !take(&tagged, OBJECT_IDENTIFIER, &key->curve))
        return FALSE;
    return take(&all, EXPLICIT(1), &tagged) && take_bits(&tagged, &key->number) &&
           key->curve.length;
}

/* PrivateKeyInfo. Ed25519 keeps a seed only: its public half is written to `made`. */
static gboolean read_pkcs8(struct x509_part der, struct x509_key *key,
                           guint8 made[crypto_sign_PUBLICKEYBYTES])
{
    struct x509_part all, name, parameters, inner, seed;
    guint8 secret[crypto_sign_SECRETKEYBYTES];

    if (!take(&der, SEQUENCE, &all) || !skip(&all, INTEGER) ||
        !take_algorithm(&all, &name, &parameters) || !take(&all, OCTET_STRING, &inner))
        return FALSE;
    if (is_identifier(&name, &rsa_key))
        return read_rsa(inner, key);
    if (is_identifier(&name, &ec_key))
        return take(&parameters, OBJECT_IDENTIFIER, &key->curve) && read_ec(inner, key);
    if (!is_identifier(&name, &ed25519_key) || !take(&inner, OCTET_STRING, &seed) ||
        seed.length != crypto_sign_SEEDBYTES)
        return FALSE;
    key->kind = X509_KEY_ED25519;
    key->number = (struct x509_part){ made, crypto_sign_PUBLICKEYBYTES };
    crypto_sign_seed_keypair(made, secret, seed.data);
    sodium_memzero(secret, sizeof secret);
    return TRUE;
}

static enum x509_match compare(const struct x509_key *ours, const struct x509_key *own)
{
    if (ours->kind == X509_KEY_OTHER)
        return X509_UNKNOWN;
    if (ours->kind != own->kind || !is_same(&ours->curve, &own->curve))
        return X509_DIFFERS;
    /* A point may be written compressed. */
    if (ours->kind == X509_KEY_EC && ours->number.length != own->number.length)
        return X509_UNKNOWN;
    return is_same(&ours->number, &own->number) ? X509_MATCHES : X509_DIFFERS;
}

/* Of any kind: what stands behind the first is not looked at. */
static gboolean is_private_key(const struct pem_block *block)
{
    static const char word[] = "PRIVATE KEY";

    return block->label.length >= strlen(word) &&
           memcmp(block->label.data + block->label.length - strlen(word), word, strlen(word)) == 0;
}

enum x509_match x509_match_key(const struct x509 *certificate, const char *pem, gsize length)
{
    struct x509_part rest = { (const guint8 *)pem, length }, der;
    struct pem_block block;

    while (next_block(&rest, &block)) {
        enum x509_match match = X509_UNKNOWN;
        struct x509_key key = { 0 };
        guint8 made[crypto_sign_PUBLICKEYBYTES];
        guint8 *bytes;

        if (!is_private_key(&block))
            continue;
        bytes = decode(&block, &der);
        if (bytes && ((is_labelled(&block, "PRIVATE KEY") && read_pkcs8(der, &key, made)) ||
                      (is_labelled(&block, "RSA PRIVATE KEY") && read_rsa(der, &key)) ||
                      (is_labelled(&block, "EC PRIVATE KEY") && read_ec(der, &key))))
            match = compare(&certificate->key, &key);
        if (bytes)
            sodium_memzero(bytes, der.length);
        g_free(bytes);
        return match;
    }
    return X509_UNKNOWN;
}
