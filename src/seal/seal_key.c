#include "seal/seal_key.h"

#include "base/error.h"
#include "statement/base64.h"

#include <sodium.h>
#include <string.h>

#define FINGERPRINT_SIZE 16
#define FINGERPRINT_GROUP 4

G_STATIC_ASSERT(SEAL_KEY_SIZE == crypto_scalarmult_BYTES);

/* Below 2^255 - 19, in little endian. */
static gboolean is_canonical(const guint8 bytes[SEAL_KEY_SIZE])
{
    static const guint8 prime[SEAL_KEY_SIZE] = { [0] = 0xed, [1 ... 30] = 0xff, [31] = 0x7f };

    for (guint i = SEAL_KEY_SIZE; i--;)
        if (bytes[i] != prime[i])
            return bytes[i] < prime[i];
    return FALSE;
}

/* Clamped scalars are multiples of 8, so that any of them takes a point of small order to zero. */
static gboolean has_large_order(const guint8 bytes[SEAL_KEY_SIZE])
{
    static const guint8 any_scalar[crypto_scalarmult_SCALARBYTES] = { 1 };
    guint8 product[crypto_scalarmult_BYTES];

    return crypto_scalarmult(product, any_scalar, bytes) == 0;
}

gboolean seal_public_parse(const char *text, struct seal_public *out, GError **error)
{
    if (!g_str_has_prefix(text, SEAL_PUBLIC_PREFIX) ||
        !base64_decode_into(text + strlen(SEAL_PUBLIC_PREFIX), -1, out->bytes, SEAL_KEY_SIZE))
        return input_error(
            error, "\"%.80s\" is not a seal key: " SEAL_PUBLIC_PREFIX " and 32 bytes in base64",
            text);
    if (!is_canonical(out->bytes) || !has_large_order(out->bytes))
        return input_error(error, "\"%.80s\" is no X25519 key that can be sealed to", text);
    return TRUE;
}

char *seal_public_text(const struct seal_public *key)
{
    g_autofree char *base64 = g_base64_encode(key->bytes, SEAL_KEY_SIZE);

    return g_strconcat(SEAL_PUBLIC_PREFIX, base64, NULL);
}

void seal_public_id(const struct seal_public *key, guint8 id[SEAL_KEY_ID_SIZE])
{
    guint8 digest[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(digest, key->bytes, SEAL_KEY_SIZE);
    memcpy(id, digest, SEAL_KEY_ID_SIZE);
}

char *seal_public_id_text(const struct seal_public *key)
{
    guint8 id[SEAL_KEY_ID_SIZE];

    seal_public_id(key, id);
    return hex_encode(id, sizeof id);
}

char *seal_public_fingerprint(const struct seal_public *key)
{
    guint8 digest[crypto_hash_sha256_BYTES];
    g_autofree char *digits = NULL;
    GString *text = g_string_new(NULL);

    crypto_hash_sha256(digest, key->bytes, SEAL_KEY_SIZE);
    digits = hex_encode(digest, FINGERPRINT_SIZE);
    for (guint i = 0; i < 2 * FINGERPRINT_SIZE; i += FINGERPRINT_GROUP)
        g_string_append_printf(text, "%s%.*s", i ? " " : "", FINGERPRINT_GROUP, digits + i);
    return g_string_free(text, FALSE);
}

struct seal_secret *seal_secret_new(const guint8 private[SEAL_KEY_SIZE])
{
    struct seal_secret *secret = g_new0(struct seal_secret, 1);

    secret->private = secret_copy(private, SEAL_KEY_SIZE);
    crypto_scalarmult_base(secret->public.bytes, secret->private->bytes);
    return secret;
}

struct seal_secret *seal_secret_generate(void)
{
    g_autoptr(secret_t) private = secret_new(SEAL_KEY_SIZE);

    randombytes_buf(private->bytes, private->length);
    return seal_secret_new(private->bytes);
}

void seal_secret_free(struct seal_secret *secret)
{
    if (!secret)
        return;
    secret_free(secret->private);
    g_free(secret);
}
