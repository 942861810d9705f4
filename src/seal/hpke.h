/*
 * hpke.h: Hybrid Public Key Encryption (RFC 9180) in base mode, with the one suite of Entente:
 * DHKEM(X25519, HKDF-SHA256) 0x0020, HKDF-SHA256 0x0001, AES-256-GCM 0x0002.
 *
 *     sender:    setup(pkR, info) -> enc, context;   seal(aad, text) as often as wanted
 *     receiver:  setup(enc, skR, info) -> context;   open(aad, sealed) in the same order
 *
 * Keys are raw 32 bytes, as RFC 7748 section 5 writes them. Contexts hold keys: clear them.
 */
#pragma once
#include "seal/aead.h"

#define HPKE_KEM_ID 0x0020
#define HPKE_KDF_ID 0x0001
#define HPKE_AEAD_ID 0x0002
#define HPKE_PUBLIC_SIZE 32
#define HPKE_PRIVATE_SIZE 32
#define HPKE_ENC_SIZE 32    /* Nenc: the ephemeral public key */
#define HPKE_SECRET_SIZE 32 /* Nsecret, and Nh of SHA-256 */

struct hpke {
    guint8 key[AEAD_KEY_SIZE], base_nonce[AEAD_NONCE_SIZE], exporter[HPKE_SECRET_SIZE];
    guint64 sequence; /* messages sealed or opened so far */
};
typedef struct hpke hpke_t;

/* Wipes the keys. */
void hpke_clear(struct hpke *context);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(hpke_t, hpke_clear)

/*
 * SetupBaseS with a fresh ephemeral key; `enc` goes to the receiver. ENTENTE_ERROR_INPUT when
 * `public` is a point of small order: the shared secret would be zero (RFC 7748 section 6.1).
 */
gboolean hpke_setup_sender(const guint8 public[HPKE_PUBLIC_SIZE], const char *info,
                           guint8 enc[HPKE_ENC_SIZE], struct hpke *context, GError **error);

/* The same with a given ephemeral private key: test vectors only. */
gboolean hpke_setup_sender_with(const guint8 ephemeral[HPKE_PRIVATE_SIZE],
                                const guint8 public[HPKE_PUBLIC_SIZE], const char *info,
                                guint8 enc[HPKE_ENC_SIZE], struct hpke *context, GError **error);

/* SetupBaseR. ENTENTE_ERROR_INPUT when `enc` is a point of small order. */
gboolean hpke_setup_receiver(const guint8 enc[HPKE_ENC_SIZE],
                             const guint8 private[HPKE_PRIVATE_SIZE], const char *info,
                             struct hpke *context, GError **error);

/*
 * The next message; sizes and errors as aead_seal() and aead_open(). The sequence goes on only
 * after success (RFC 9180 section 5.2).
 */
gboolean hpke_seal(struct hpke *context, const guint8 *aad, gsize aad_length, const guint8 *in,
                   gsize length, guint8 *out, GError **error);
gboolean hpke_open(struct hpke *context, const guint8 *aad, gsize aad_length, const guint8 *in,
                   gsize length, guint8 *out, GError **error);

/* A secret of the context, at most 8160 bytes (RFC 9180 section 5.3). */
void hpke_export(const struct hpke *context, const guint8 *label, gsize label_length, guint8 *out,
                 gsize length);

/* Decap (RFC 9180 section 4.1) by itself; as hpke_setup_receiver(). */
gboolean hpke_decap(const guint8 enc[HPKE_ENC_SIZE], const guint8 private[HPKE_PRIVATE_SIZE],
                    guint8 shared[HPKE_SECRET_SIZE], GError **error);
