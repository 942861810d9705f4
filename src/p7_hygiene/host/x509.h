/*
 * x509.h: what a certificate in PEM says (RFC 7468, RFC 5280), and whether a private key is its own
 * (RFC 5958, RFC 8017, RFC 5915, RFC 8410). Nothing is verified: whether to trust it is not asked.
 *
 * Read by hand, in a hundred microseconds: OpenSSL would load its configuration, its providers and
 * their decoders in every assessment. Encodings other than DER are refused.
 */
#pragma once
#include <glib.h>

enum x509_key_kind {
    X509_KEY_OTHER, /* of a kind that is not looked into */
    X509_KEY_RSA,
    X509_KEY_EC,
    X509_KEY_ED25519,
};

/* Bytes within the certificate or the key that was read. */
struct x509_part {
    const guint8 *data;
    gsize length;
};

/* A public key: what tells it from others. */
struct x509_key {
    enum x509_key_kind kind;
    struct x509_part curve;  /* of EC: its object identifier */
    struct x509_part number; /* RSA: the modulus; EC: the point; Ed25519: the key; may be empty */
};

struct x509 {
    guint8 *der;         /* what the parts are in */
    gint64 not_after_s;  /* seconds since 1970; G_MININT64: malformed */
    const char *digest;  /* of the signature, "SHA256"; NULL: unknown, or a part of the algorithm */
    gboolean is_weak;    /* that digest */
    struct x509_key key; /* the subject's */
};

/* The first certificate in `pem`; FALSE when there is none or it is malformed. */
gboolean x509_read(struct x509 *certificate, const char *pem, gsize length);
void x509_clear(struct x509 *certificate);
typedef struct x509 x509_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(x509_t, x509_clear)

/* Of the modulus of an RSA key. */
guint x509_key_bits(const struct x509_key *key);

enum x509_match {
    X509_MATCHES,
    X509_DIFFERS,
    X509_UNKNOWN, /* no key there, or it is encrypted or of a kind that is not looked into */
};

/* Whether the first private key in `pem` belongs to the certificate. */
enum x509_match x509_match_key(const struct x509 *certificate, const char *pem, gsize length);
