#include "seal/aead.h"

#include "base/error.h"
#include "base/late_library.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <stddef.h>
#include <string.h>

/* libcrypto's functions (base/late_library.h) and what one text needs of it. */
typedef struct cipher {
    typeof(EVP_CIPHER_CTX_new) *context_new;
    typeof(EVP_CIPHER_CTX_free) *context_free;
    typeof(EVP_CIPHER_CTX_ctrl) *control;
    typeof(EVP_CipherInit_ex) *init;
    typeof(EVP_CipherUpdate) *update;
    typeof(EVP_CipherFinal_ex) *final;
    typeof(EVP_aes_256_gcm) *aes_256_gcm;
    EVP_CIPHER_CTX *context;
} cipher_t;

static const struct late_symbol symbols[] = {
    { "EVP_CIPHER_CTX_new", offsetof(struct cipher, context_new) },
    { "EVP_CIPHER_CTX_free", offsetof(struct cipher, context_free) },
    { "EVP_CIPHER_CTX_ctrl", offsetof(struct cipher, control) },
    { "EVP_CipherInit_ex", offsetof(struct cipher, init) },
    { "EVP_CipherUpdate", offsetof(struct cipher, update) },
    { "EVP_CipherFinal_ex", offsetof(struct cipher, final) },
    { "EVP_aes_256_gcm", offsetof(struct cipher, aes_256_gcm) },
    { NULL, 0 },
};

static void cipher_clear(struct cipher *cipher)
{
    if (cipher->context)
        cipher->context_free(cipher->context);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(cipher_t, cipher_clear)

/* The key schedule, the nonce and what is authenticated; the direction of EVP_CipherInit_ex(). */
static gboolean begin(struct cipher *cipher, const struct aead *aead, gboolean seal)
{
    int done;

    if (!late_library_load("libcrypto.so.3", "libssl3", symbols, cipher, NULL))
        return FALSE;
    cipher->context = cipher->context_new();
    return cipher->context && aead->aad_length <= G_MAXINT &&
           cipher->init(cipher->context, cipher->aes_256_gcm(), NULL, aead->key, aead->nonce,
                        seal) &&
           (!aead->aad_length ||
            cipher->update(cipher->context, NULL, &done, aead->aad, (int)aead->aad_length));
}

static gboolean library_failed(GError **error)
{
    return system_error(error, "AES-256-GCM is not to be had from the cryptographic library");
}

gboolean aead_seal(const struct aead *aead, const guint8 *in, gsize length, guint8 *out,
                   GError **error)
{
    g_auto(cipher_t) cipher = { NULL };
    int done = 0, rest;

    if (length > G_MAXINT || !begin(&cipher, aead, TRUE) ||
        (length && !cipher.update(cipher.context, out, &done, in, (int)length)) ||
        !cipher.final(cipher.context, out + done, &rest) ||
        !cipher.control(cipher.context, EVP_CTRL_GCM_GET_TAG, AEAD_TAG_SIZE, out + length))
        return library_failed(error);
    return TRUE;
}

gboolean aead_open(const struct aead *aead, const guint8 *in, gsize length, guint8 *out,
                   GError **error)
{
    gsize text = length >= AEAD_TAG_SIZE ? length - AEAD_TAG_SIZE : 0;
    g_auto(cipher_t) cipher = { NULL };
    guint8 tag[AEAD_TAG_SIZE];
    int done = 0, rest;

    if (length < AEAD_TAG_SIZE)
        return found_error(error, "shorter than its authentication tag");
    memcpy(tag, in + text, sizeof tag);
    if (text > G_MAXINT || !begin(&cipher, aead, FALSE) ||
        (text && !cipher.update(cipher.context, out, &done, in, (int)text)) ||
        !cipher.control(cipher.context, EVP_CTRL_GCM_SET_TAG, sizeof tag, tag)) {
        sodium_memzero(out, text);
        return library_failed(error);
    }
    if (cipher.final(cipher.context, out + done, &rest) <= 0) {
        sodium_memzero(out, text);
        return found_error(error, "does not authenticate: altered, or sealed under another key");
    }
    return TRUE;
}
