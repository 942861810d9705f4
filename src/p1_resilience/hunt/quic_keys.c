/* quic_keys.c: RFC 9001 section 5: keys of Initial packets, and how they open. */
#include "p1_resilience/hunt/quic_private.h"

#include "base/error.h"
#include "base/late_library.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <stddef.h>
#include <string.h>

#define NUMBER_MAX 4          /* bytes of a packet number */
#define NUMBER_SIZE_MASK 3    /* of the first byte, less 1 */
#define LONG_HEADER_BITS 0x0f /* that are protected */
#define HASH_SIZE crypto_auth_hmacsha256_BYTES
#define LABEL_MAX 64

struct quic_library {
    typeof(EVP_CIPHER_CTX_new) *context_new;
    typeof(EVP_CIPHER_CTX_free) *context_free;
    typeof(EVP_CIPHER_CTX_ctrl) *control;
    typeof(EVP_CIPHER_CTX_set_padding) *set_padding;
    typeof(EVP_CipherInit_ex) *init;
    typeof(EVP_CipherUpdate) *update;
    typeof(EVP_CipherFinal_ex) *final;
    typeof(EVP_aes_128_gcm) *aes_128_gcm;
    typeof(EVP_aes_128_ecb) *aes_128_ecb;
    EVP_CIPHER_CTX *gcm, *ecb;
};

static const struct late_symbol symbols[] = {
    { "EVP_CIPHER_CTX_new", offsetof(struct quic_library, context_new) },
    { "EVP_CIPHER_CTX_free", offsetof(struct quic_library, context_free) },
    { "EVP_CIPHER_CTX_ctrl", offsetof(struct quic_library, control) },
    { "EVP_CIPHER_CTX_set_padding", offsetof(struct quic_library, set_padding) },
    { "EVP_CipherInit_ex", offsetof(struct quic_library, init) },
    { "EVP_CipherUpdate", offsetof(struct quic_library, update) },
    { "EVP_CipherFinal_ex", offsetof(struct quic_library, final) },
    { "EVP_aes_128_gcm", offsetof(struct quic_library, aes_128_gcm) },
    { "EVP_aes_128_ecb", offsetof(struct quic_library, aes_128_ecb) },
    { NULL, 0 },
};

#define DRAFT(NUMBER) (0xff000000u + (NUMBER))
#define SALT_29                                                                                    \
    {                                                                                              \
        0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11,  \
            0xe0, 0x43, 0x90, 0xa8, 0x99                                                           \
    }
#define SALT_1                                                                                     \
    {                                                                                              \
        0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c,  \
            0xad, 0xcc, 0xbb, 0x7f, 0x0a                                                           \
    }
#define SALT_2                                                                                     \
    {                                                                                              \
        0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d,  \
            0xcb, 0xf9, 0xbd, 0x2e, 0xd9                                                           \
    }
#define LABELS_1 "quic key", "quic iv", "quic hp"
#define LABELS_2 "quicv2 key", "quicv2 iv", "quicv2 hp"

/* clang-format off */
static const struct quic_version versions[] = {
    { 1, SALT_1, 0, LABELS_1 },
    { 0x6b3343cf, SALT_2, 1, LABELS_2 },
    { DRAFT(29), SALT_29, 0, LABELS_1 },
    { DRAFT(30), SALT_29, 0, LABELS_1 },
    { DRAFT(31), SALT_29, 0, LABELS_1 },
    { DRAFT(32), SALT_29, 0, LABELS_1 },
    { DRAFT(33), SALT_1, 0, LABELS_1 },
    { DRAFT(34), SALT_1, 0, LABELS_1 },
};
/* clang-format on */

const struct quic_version *quic_version_of(guint32 version)
{
    for (guint i = 0; i < G_N_ELEMENTS(versions); i++)
        if (versions[i].version == version)
            return &versions[i];
    return NULL;
}

void quic_library_free(struct quic_library *library)
{
    if (!library)
        return;
    if (library->gcm)
        library->context_free(library->gcm);
    if (library->ecb)
        library->context_free(library->ecb);
    g_free(library);
}

struct quic_library *quic_library_new(GError **error)
{
    static const guint8 key[QUIC_KEY_SIZE];
    g_autoptr(quic_library_t) library = g_new0(struct quic_library, 1);

    if (!late_library_load("libcrypto.so.3", "libssl3", symbols, library, error))
        return NULL;
    library->gcm = library->context_new();
    library->ecb = library->context_new();
    /* The first use looks for the library's configuration, which a confined process cannot. */
    if (!library->gcm || !library->ecb ||
        !library->init(library->gcm, library->aes_128_gcm(), NULL, key, key, FALSE) ||
        !library->init(library->ecb, library->aes_128_ecb(), NULL, key, NULL, TRUE) ||
        !library->set_padding(library->ecb, FALSE)) {
        system_error(error, "AES-128 is not to be had from the cryptographic library");
        return NULL;
    }
    return g_steal_pointer(&library);
}

/* HMAC-SHA-256; its result may be one of its inputs. */
static void hmac(guint8 out[static HASH_SIZE], const guint8 *key, gsize key_length,
                 const guint8 *bytes, gsize length)
{
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, key, key_length);
    crypto_auth_hmacsha256_update(&state, bytes, length);
    crypto_auth_hmacsha256_final(&state, out);
}

/* HKDF-Expand-Label (RFC 8446 section 7.1), of at most one hash and without context. */
static void expand(const guint8 secret[static HASH_SIZE], const char *label, guint8 *out,
                   gsize length)
{
    guint8 info[LABEL_MAX], hash[HASH_SIZE];
    gsize size = strlen("tls13 ") + strlen(label), end = 0;

    info[end++] = 0;
    info[end++] = (guint8)length;
    info[end++] = (guint8)size;
    memcpy(info + end, "tls13 ", 6);
    memcpy(info + end + 6, label, strlen(label));
    end += size;
    info[end++] = 0; /* context */
    info[end++] = 1; /* the first block */
    hmac(hash, secret, HASH_SIZE, info, end);
    memcpy(out, hash, length);
}

void quic_keys_make(const struct quic_version *version, const guint8 *id, gsize length,
                    struct quic_keys *keys)
{
    guint8 initial[HASH_SIZE], client[HASH_SIZE];

    hmac(initial, version->salt, QUIC_SALT_SIZE, id, length);
    expand(initial, "client in", client, sizeof client);
    expand(client, version->key, keys->key, sizeof keys->key);
    expand(client, version->iv, keys->iv, sizeof keys->iv);
    expand(client, version->hp, keys->hp, sizeof keys->hp);
}

static gboolean decrypt(const struct quic_library *library, const struct quic_keys *keys,
                        const guint8 *nonce, const guint8 *head, gsize head_length,
                        const guint8 *sealed, gsize length, guint8 *out)
{
    guint8 tag[QUIC_TAG_SIZE];
    int done, rest;

    memcpy(tag, sealed + length, sizeof tag);
    return library->init(library->gcm, NULL, NULL, keys->key, nonce, FALSE) &&
           library->update(library->gcm, NULL, &done, head, (int)head_length) &&
           library->update(library->gcm, out, &done, sealed, (int)length) &&
           library->control(library->gcm, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) &&
           library->final(library->gcm, out + done, &rest) > 0;
}

gboolean quic_open(const struct quic_library *library, const struct quic_keys *keys,
                   const guint8 *packet, gsize head, gsize length, guint8 *out, gsize *out_length)
{
    g_autofree guint8 *clear = NULL;
    guint8 mask[QUIC_SAMPLE_SIZE], nonce[QUIC_IV_SIZE];
    gsize number_size;
    int done;

    if (length < head + NUMBER_MAX + QUIC_SAMPLE_SIZE || length > G_MAXUINT16)
        return FALSE;
    if (!library->init(library->ecb, NULL, NULL, keys->hp, NULL, TRUE) ||
        !library->update(library->ecb, mask, &done, packet + head + NUMBER_MAX, QUIC_SAMPLE_SIZE))
        return FALSE;
    clear = g_memdup2(packet, head + NUMBER_MAX);
    clear[0] ^= mask[0] & LONG_HEADER_BITS;
    number_size = (gsize)(clear[0] & NUMBER_SIZE_MASK) + 1;
    memcpy(nonce, keys->iv, sizeof nonce);
    for (gsize i = 0; i < number_size; i++) {
        clear[head + i] ^= mask[1 + i];
        nonce[QUIC_IV_SIZE - number_size + i] ^= clear[head + i];
    }
    head += number_size;
    if (length < head + QUIC_TAG_SIZE)
        return FALSE;
    *out_length = length - head - QUIC_TAG_SIZE;
    return decrypt(library, keys, nonce, clear, head, packet + head, *out_length, out);
}
