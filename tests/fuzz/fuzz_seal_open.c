/*
 * Sealed messages: as they come, and as one with the right key could have made them: the input as
 * the text under the first chunk. What opens has the size that it must have had.
 */
#include "seal/hpke.h"
#include "seal/seal.h"

#include <sodium.h>
#include <stdint.h>
#include <string.h>

#define HEAD_SIZE (15 + 88)
#define TEXT_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void open_and_check(GBytes *sealed, const GPtrArray *secrets)
{
    g_autoptr(GBytes) content = seal_open(sealed, secrets, NULL);

    if (content)
        g_assert_cmpuint(seal_size(g_bytes_get_size(content), 1), ==, g_bytes_get_size(sealed));
}

static GBytes *with_text(const struct seal_secret *secret, const uint8_t *data, size_t size)
{
    gsize length = HEAD_SIZE + size + AEAD_TAG_SIZE;
    guint8 *bytes = g_malloc(length), hash[crypto_hash_sha256_BYTES];
    struct aead aead = { .nonce = { [AEAD_NONCE_SIZE - 1] = 1 },
                         .aad = hash,
                         .aad_length = sizeof hash };
    g_auto(hpke_t) hpke = { 0 };

    memcpy(bytes, "ENTSEAL1\x00\x20\x00\x01\x00\x02\x01", 15);
    seal_public_id(&secret->public, bytes + 15);
    g_assert_true(
        hpke_setup_sender(secret->public.bytes, "entente/seal/1", bytes + 23, &hpke, NULL));
    g_assert_true(hpke_seal(&hpke, bytes, 15, aead.key, sizeof aead.key, bytes + 55, NULL));
    crypto_hash_sha256(hash, bytes, HEAD_SIZE);
    g_assert_true(aead_seal(&aead, data, size, bytes + HEAD_SIZE, NULL));
    return g_bytes_new_take(bytes, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const guint8 private[SEAL_KEY_SIZE] = "a key of the fuzzer and no other";
    g_autoptr(GPtrArray) secrets = g_ptr_array_new_with_free_func((GDestroyNotify)seal_secret_free);
    g_autoptr(GBytes) sealed = g_bytes_new(data, size);

    g_ptr_array_add(secrets, seal_secret_new(private));
    open_and_check(sealed, secrets);
    if (size && size <= TEXT_MAX) {
        g_autoptr(GBytes) made = with_text(secrets->pdata[0], data, size);

        open_and_check(made, secrets);
    }
    return 0;
}
