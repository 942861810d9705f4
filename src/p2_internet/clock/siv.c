#include "p2_internet/clock/siv.h"

#include "base/error.h"
#include "base/late_library.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <sodium.h>
#include <stddef.h>
#include <string.h>

#define BLOCK SIV_TAG
#define HALF_KEY (SIV_KEY / 2)
#define CARRY 0x87   /* of doubling in GF(2^128), RFC 5297 section 2.3 */
#define PADDING 0x80 /* the first byte behind a text that is shorter than a block */

struct siv {
    typeof(EVP_MAC_fetch) *mac_fetch;
    typeof(EVP_MAC_free) *mac_free;
    typeof(EVP_MAC_CTX_new) *mac_new;
    typeof(EVP_MAC_CTX_free) *mac_end;
    typeof(EVP_MAC_init) *mac_init;
    typeof(EVP_MAC_update) *mac_update;
    typeof(EVP_MAC_final) *mac_final;
    typeof(EVP_CIPHER_fetch) *cipher_fetch;
    typeof(EVP_CIPHER_free) *cipher_free;
    typeof(EVP_CIPHER_CTX_new) *cipher_new;
    typeof(EVP_CIPHER_CTX_free) *cipher_end;
    typeof(EVP_EncryptInit_ex2) *cipher_init;
    typeof(EVP_EncryptUpdate) *cipher_update;
    EVP_MAC *cmac;
    EVP_CIPHER *ctr;
    EVP_MAC_CTX *mac;
    EVP_CIPHER_CTX *cipher;
};

static const struct late_symbol symbols[] = {
    { "EVP_MAC_fetch", offsetof(struct siv, mac_fetch) },
    { "EVP_MAC_free", offsetof(struct siv, mac_free) },
    { "EVP_MAC_CTX_new", offsetof(struct siv, mac_new) },
    { "EVP_MAC_CTX_free", offsetof(struct siv, mac_end) },
    { "EVP_MAC_init", offsetof(struct siv, mac_init) },
    { "EVP_MAC_update", offsetof(struct siv, mac_update) },
    { "EVP_MAC_final", offsetof(struct siv, mac_final) },
    { "EVP_CIPHER_fetch", offsetof(struct siv, cipher_fetch) },
    { "EVP_CIPHER_free", offsetof(struct siv, cipher_free) },
    { "EVP_CIPHER_CTX_new", offsetof(struct siv, cipher_new) },
    { "EVP_CIPHER_CTX_free", offsetof(struct siv, cipher_end) },
    { "EVP_EncryptInit_ex2", offsetof(struct siv, cipher_init) },
    { "EVP_EncryptUpdate", offsetof(struct siv, cipher_update) },
    { NULL, 0 },
};

struct siv *siv_new(GError **error)
{
    g_autoptr(siv_t) siv = g_new0(struct siv, 1);

    if (!late_library_load("libcrypto.so.3", "libssl3", symbols, siv, error)) {
        g_free(g_steal_pointer(&siv)); /* nothing that siv_free() could call */
        return NULL;
    }
    siv->cmac = siv->mac_fetch(NULL, "CMAC", NULL);
    siv->ctr = siv->cipher_fetch(NULL, "AES-128-CTR", NULL);
    siv->mac = siv->cmac ? siv->mac_new(siv->cmac) : NULL;
    siv->cipher = siv->cipher_new();
    if (!siv->mac || !siv->ctr || !siv->cipher) {
        system_error(error, "libcrypto has no CMAC or no AES-128-CTR: NTS cannot be spoken");
        return NULL;
    }
    return g_steal_pointer(&siv);
}

void siv_free(struct siv *siv)
{
    if (!siv)
        return;
    siv->mac_end(siv->mac);
    siv->mac_free(siv->cmac);
    siv->cipher_end(siv->cipher);
    siv->cipher_free(siv->ctr);
    g_free(siv);
}

/* Of a fetched algorithm on memory the calls do not fail; a wrong tag is all that could follow. */
static void cmac(struct siv *siv, const guint8 *key, const void *data, gsize length, guint8 *tag)
{
    char cipher[] = "AES-128-CBC";
    const OSSL_PARAM parameters[] = {
        { OSSL_MAC_PARAM_CIPHER, OSSL_PARAM_UTF8_STRING, cipher, sizeof cipher - 1,
          OSSL_PARAM_UNMODIFIED },
        { NULL, 0, NULL, 0, 0 },
    };
    gsize size = 0;

    if (siv->mac_init(siv->mac, key, HALF_KEY, parameters) != 1 ||
        siv->mac_update(siv->mac, data, length) != 1 ||
        siv->mac_final(siv->mac, tag, &size, BLOCK) != 1 || size != BLOCK)
        g_error("libcrypto cannot compute a CMAC");
}

static void twice(guint8 block[BLOCK])
{
    const guint8 carry = block[0] & 0x80 ? CARRY : 0;

    for (guint i = 0; i < BLOCK; i++)
        block[i] = (guint8)(block[i] << 1 | (i + 1 < BLOCK ? block[i + 1] >> 7 : 0));
    block[BLOCK - 1] ^= carry;
}

static void mix(guint8 *into, const guint8 *from)
{
    for (guint i = 0; i < BLOCK; i++)
        into[i] ^= from[i];
}

/* S2V, RFC 5297 section 2.4. */
static void synthetic_vector(struct siv *siv, const guint8 *key, const struct siv_part *parts,
                             guint count, const void *text, gsize length, guint8 vector[BLOCK])
{
    g_autofree guint8 *last = g_malloc0(MAX(length, BLOCK));
    guint8 sum[BLOCK] = { 0 }, part[BLOCK];

    cmac(siv, key, sum, BLOCK, sum);
    for (guint i = 0; i < count; i++) {
        twice(sum);
        cmac(siv, key, parts[i].data, parts[i].length, part);
        mix(sum, part);
    }
    if (length)
        memcpy(last, text, length);
    if (length < BLOCK) {
        last[length] = PADDING;
        twice(sum);
        mix(last, sum);
    } else {
        mix(last + length - BLOCK, sum);
    }
    cmac(siv, key, last, MAX(length, BLOCK), vector);
}

/* AES-CTR from the vector, two bits of which are cleared (section 2.5). */
static void encrypt(struct siv *siv, const guint8 *key, const guint8 vector[BLOCK],
                    const guint8 *from, gsize length, guint8 *to)
{
    guint8 counter[BLOCK];
    int written = 0;

    memcpy(counter, vector, BLOCK);
    counter[8] &= 0x7f;
    counter[12] &= 0x7f;
    if (length && (siv->cipher_init(siv->cipher, siv->ctr, key, counter, NULL) != 1 ||
                   siv->cipher_update(siv->cipher, to, &written, from, (int)length) != 1))
        g_error("libcrypto cannot encrypt with AES-128-CTR");
}

guint8 *siv_seal(struct siv *siv, const guint8 key[SIV_KEY], const struct siv_part *parts,
                 guint count, const void *text, gsize length)
{
    guint8 *sealed = g_malloc(SIV_TAG + length);

    synthetic_vector(siv, key, parts, count, text, length, sealed);
    encrypt(siv, key + HALF_KEY, sealed, text, length, sealed + SIV_TAG);
    return sealed;
}

guint8 *siv_open(struct siv *siv, const guint8 key[SIV_KEY], const struct siv_part *parts,
                 guint count, const void *sealed, gsize length)
{
    g_autofree guint8 *text = NULL;
    const guint8 *bytes = sealed;
    guint8 vector[BLOCK];

    if (length < SIV_TAG || length > G_MAXINT)
        return NULL;
    text = g_malloc0(length - SIV_TAG + 1);
    encrypt(siv, key + HALF_KEY, bytes, bytes + SIV_TAG, length - SIV_TAG, text);
    synthetic_vector(siv, key, parts, count, text, length - SIV_TAG, vector);
    return sodium_memcmp(vector, bytes, SIV_TAG) == 0 ? g_steal_pointer(&text) : NULL;
}
