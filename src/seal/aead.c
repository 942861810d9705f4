#include "seal/aead.h"

#include "base/error.h"

#include <openssl/evp.h>
#include <sodium.h>

typedef EVP_CIPHER_CTX cipher_t;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(cipher_t, EVP_CIPHER_CTX_free)

/* The key schedule, the nonce and what is authenticated; the direction of EVP_CipherInit_ex(). */
static cipher_t *begin(const struct aead *aead, gboolean seal)
{
    g_autoptr(cipher_t) cipher = EVP_CIPHER_CTX_new();
    int done;

    if (!cipher || aead->aad_length > G_MAXINT ||
        !EVP_CipherInit_ex(cipher, EVP_aes_256_gcm(), NULL, aead->key, aead->nonce, seal))
        return NULL;
    if (aead->aad_length &&
        !EVP_CipherUpdate(cipher, NULL, &done, aead->aad, (int)aead->aad_length))
        return NULL;
    return g_steal_pointer(&cipher);
}

static gboolean library_failed(GError **error)
{
    return system_error(error, "AES-256-GCM is not to be had from the cryptographic library");
}

gboolean aead_seal(const struct aead *aead, const guint8 *in, gsize length, guint8 *out,
                   GError **error)
{
    g_autoptr(cipher_t) cipher = length <= G_MAXINT ? begin(aead, TRUE) : NULL;
    int done = 0, rest;

    if (!cipher || (length && !EVP_EncryptUpdate(cipher, out, &done, in, (int)length)) ||
        !EVP_EncryptFinal_ex(cipher, out + done, &rest) ||
        !EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, AEAD_TAG_SIZE, out + length))
        return library_failed(error);
    return TRUE;
}

gboolean aead_open(const struct aead *aead, const guint8 *in, gsize length, guint8 *out,
                   GError **error)
{
    gsize text = length >= AEAD_TAG_SIZE ? length - AEAD_TAG_SIZE : 0;
    g_autoptr(cipher_t) cipher = text <= G_MAXINT ? begin(aead, FALSE) : NULL;
    guint8 tag[AEAD_TAG_SIZE];
    int done = 0, rest;

    if (length < AEAD_TAG_SIZE)
        return found_error(error, "shorter than its authentication tag");
    memcpy(tag, in + text, sizeof tag);
    if (!cipher || (text && !EVP_DecryptUpdate(cipher, out, &done, in, (int)text)) ||
        !EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, sizeof tag, tag)) {
        sodium_memzero(out, text);
        return library_failed(error);
    }
    if (EVP_DecryptFinal_ex(cipher, out + done, &rest) <= 0) {
        sodium_memzero(out, text);
        return found_error(error, "does not authenticate: altered, or sealed under another key");
    }
    return TRUE;
}
