#include "seal/hkdf.h"

#include <sodium.h>
#include <string.h>

G_STATIC_ASSERT(HKDF_HASH_SIZE == crypto_auth_hmacsha256_BYTES);

static void hmac(const guint8 key[HKDF_HASH_SIZE], const struct hkdf_part *parts, guint count,
                 guint8 out[HKDF_HASH_SIZE])
{
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, key, HKDF_HASH_SIZE);
    for (guint i = 0; i < count; i++)
        crypto_auth_hmacsha256_update(&state, parts[i].bytes, parts[i].length);
    crypto_auth_hmacsha256_final(&state, out);
    sodium_memzero(&state, sizeof state);
}

void hkdf_extract(const guint8 *salt, const struct hkdf_part *ikm, guint parts,
                  guint8 prk[HKDF_HASH_SIZE])
{
    static const guint8 zeros[HKDF_HASH_SIZE];

    hmac(salt ? salt : zeros, ikm, parts, prk);
}

void hkdf_expand(const guint8 prk[HKDF_HASH_SIZE], const struct hkdf_part *info, guint parts,
                 guint8 *out, gsize length)
{
    struct hkdf_part all[HKDF_INFO_PARTS + 2]; /* the block before, info, the block's number */
    guint8 block[HKDF_HASH_SIZE], number = 1;

    g_return_if_fail(length <= HKDF_EXPAND_MAX && parts <= HKDF_INFO_PARTS);
    for (guint i = 0; i < parts; i++)
        all[i + 1] = info[i];
    all[parts + 1] = (struct hkdf_part){ &number, sizeof number };
    for (gsize done = 0; done < length; done += HKDF_HASH_SIZE, number++) {
        all[0] = (struct hkdf_part){ block, done ? sizeof block : 0 };
        hmac(prk, all, parts + 2, block);
        memcpy(out + done, block, MIN(HKDF_HASH_SIZE, length - done));
    }
    sodium_memzero(block, sizeof block);
}
