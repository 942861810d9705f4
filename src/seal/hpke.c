#include "seal/hpke.h"

#include "base/error.h"
#include "seal/hkdf.h"

#include <sodium.h>
#include <string.h>

#define HASH_SIZE HKDF_HASH_SIZE
#define MODE_BASE 0x00
#define TEXT(text)                                                                                 \
    {                                                                                              \
        (text), strlen(text)                                                                       \
    }

G_STATIC_ASSERT(HASH_SIZE == HPKE_SECRET_SIZE);
G_STATIC_ASSERT(crypto_scalarmult_BYTES == HPKE_PUBLIC_SIZE);
G_STATIC_ASSERT(crypto_scalarmult_SCALARBYTES == HPKE_PRIVATE_SIZE);

/* suite_id of the KEM and of all three together (RFC 9180 sections 4.1 and 5.1). */
static const struct hkdf_part kem_suite = { "KEM\x00\x20", 5 };
static const struct hkdf_part hpke_suite = { "HPKE\x00\x20\x00\x01\x00\x02", 10 };

/* Extract(salt, "HPKE-v1" || suite || label || ikm) (RFC 9180 section 4). */
static void labeled_extract(const struct hkdf_part *suite, const guint8 *salt, const char *label,
                            struct hkdf_part ikm, guint8 out[HASH_SIZE])
{
    const struct hkdf_part parts[] = { TEXT("HPKE-v1"), *suite, TEXT(label), ikm };

    hkdf_extract(salt, parts, G_N_ELEMENTS(parts), out);
}

/* Expand(prk, be16(length) || "HPKE-v1" || suite || label || info, length). */
static void labeled_expand(const struct hkdf_part *suite, const guint8 prk[HASH_SIZE],
                           const char *label, struct hkdf_part info, guint8 *out, gsize length)
{
    const guint8 size[] = { (guint8)(length >> 8), (guint8)length };
    const struct hkdf_part parts[] = {
        { size, sizeof size }, TEXT("HPKE-v1"), *suite, TEXT(label), info,
    };

    hkdf_expand(prk, parts, G_N_ELEMENTS(parts), out, length);
}

/* ExtractAndExpand(dh, enc || pkR) of the KEM; refuses an all-zero dh. */
static gboolean shared_secret(const guint8 *private, const guint8 *peer, const guint8 *enc,
                              const guint8 *public, guint8 shared[HPKE_SECRET_SIZE], GError **error)
{
    guint8 dh[crypto_scalarmult_BYTES], prk[HASH_SIZE], context[HPKE_ENC_SIZE + HPKE_PUBLIC_SIZE];
    gboolean done = crypto_scalarmult(dh, private, peer) == 0;

    if (done) {
        memcpy(context, enc, HPKE_ENC_SIZE);
        memcpy(context + HPKE_ENC_SIZE, public, HPKE_PUBLIC_SIZE);
        labeled_extract(&kem_suite, NULL, "eae_prk", (struct hkdf_part){ dh, sizeof dh }, prk);
        labeled_expand(&kem_suite, prk, "shared_secret",
                       (struct hkdf_part){ context, sizeof context }, shared, HPKE_SECRET_SIZE);
    }
    sodium_memzero(dh, sizeof dh);
    sodium_memzero(prk, sizeof prk);
    return done || input_error(error, "the X25519 key is a point of small order");
}

gboolean hpke_decap(const guint8 enc[HPKE_ENC_SIZE], const guint8 private[HPKE_PRIVATE_SIZE],
                    guint8 shared[HPKE_SECRET_SIZE], GError **error)
{
    guint8 public[HPKE_PUBLIC_SIZE];

    crypto_scalarmult_base(public, private);
    return shared_secret(private, enc, enc, public, shared, error);
}

/* KeySchedule of the base mode (RFC 9180 section 5.1): no psk, no psk_id. Wipes `shared`. */
static void key_schedule(guint8 shared[HPKE_SECRET_SIZE], const char *info, struct hpke *context)
{
    const struct hkdf_part nothing = { "", 0 };
    guint8 schedule[1 + 2 * HASH_SIZE] = { MODE_BASE }, secret[HASH_SIZE];
    const struct hkdf_part whole = { schedule, sizeof schedule };

    labeled_extract(&hpke_suite, NULL, "psk_id_hash", nothing, schedule + 1);
    labeled_extract(&hpke_suite, NULL, "info_hash", (struct hkdf_part)TEXT(info),
                    schedule + 1 + HASH_SIZE);
    labeled_extract(&hpke_suite, shared, "secret", nothing, secret);
    labeled_expand(&hpke_suite, secret, "key", whole, context->key, sizeof context->key);
    labeled_expand(&hpke_suite, secret, "base_nonce", whole, context->base_nonce,
                   sizeof context->base_nonce);
    labeled_expand(&hpke_suite, secret, "exp", whole, context->exporter, sizeof context->exporter);
    context->sequence = 0;
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(shared, HPKE_SECRET_SIZE);
}

gboolean hpke_setup_sender_with(const guint8 ephemeral[HPKE_PRIVATE_SIZE],
                                const guint8 public[HPKE_PUBLIC_SIZE], const char *info,
                                guint8 enc[HPKE_ENC_SIZE], struct hpke *context, GError **error)
{
    guint8 shared[HPKE_SECRET_SIZE];

    crypto_scalarmult_base(enc, ephemeral);
    if (!shared_secret(ephemeral, public, enc, public, shared, error))
        return FALSE;
    key_schedule(shared, info, context);
    return TRUE;
}

gboolean hpke_setup_sender(const guint8 public[HPKE_PUBLIC_SIZE], const char *info,
                           guint8 enc[HPKE_ENC_SIZE], struct hpke *context, GError **error)
{
    guint8 ephemeral[HPKE_PRIVATE_SIZE];
    gboolean done;

    if (sodium_init() < 0)
        return system_error(error, "libsodium finds no source of randomness");
    randombytes_buf(ephemeral, sizeof ephemeral);
    done = hpke_setup_sender_with(ephemeral, public, info, enc, context, error);
    sodium_memzero(ephemeral, sizeof ephemeral);
    return done;
}

gboolean hpke_setup_receiver(const guint8 enc[HPKE_ENC_SIZE],
                             const guint8 private[HPKE_PRIVATE_SIZE], const char *info,
                             struct hpke *context, GError **error)
{
    guint8 shared[HPKE_SECRET_SIZE];

    if (!hpke_decap(enc, private, shared, error))
        return FALSE;
    key_schedule(shared, info, context);
    return TRUE;
}

/* base_nonce XOR be96(sequence). A sequence that has run out would repeat one. */
static gboolean next(const struct hpke *context, const guint8 *aad, gsize aad_length,
                     struct aead *aead, GError **error)
{
    guint64 sequence = context->sequence;

    if (sequence == G_MAXUINT64)
        return system_error(error, "no more messages under one HPKE context");
    *aead = (struct aead){ .aad = aad, .aad_length = aad_length };
    memcpy(aead->key, context->key, sizeof aead->key);
    memcpy(aead->nonce, context->base_nonce, sizeof aead->nonce);
    for (guint i = AEAD_NONCE_SIZE; sequence; sequence >>= 8)
        aead->nonce[--i] ^= (guint8)sequence;
    return TRUE;
}

gboolean hpke_seal(struct hpke *context, const guint8 *aad, gsize aad_length, const guint8 *in,
                   gsize length, guint8 *out, GError **error)
{
    struct aead aead;
    gboolean done;

    if (!next(context, aad, aad_length, &aead, error))
        return FALSE;
    done = aead_seal(&aead, in, length, out, error);
    context->sequence += done;
    sodium_memzero(&aead, sizeof aead);
    return done;
}

gboolean hpke_open(struct hpke *context, const guint8 *aad, gsize aad_length, const guint8 *in,
                   gsize length, guint8 *out, GError **error)
{
    struct aead aead;
    gboolean done;

    if (!next(context, aad, aad_length, &aead, error))
        return FALSE;
    done = aead_open(&aead, in, length, out, error);
    context->sequence += done;
    sodium_memzero(&aead, sizeof aead);
    return done;
}

void hpke_export(const struct hpke *context, const guint8 *label, gsize label_length, guint8 *out,
                 gsize length)
{
    labeled_expand(&hpke_suite, context->exporter, "sec", (struct hkdf_part){ label, label_length },
                   out, length);
}

void hpke_clear(struct hpke *context)
{
    sodium_memzero(context, sizeof *context);
}
