/* aead.h: AES-256-GCM in one call (NIST SP 800-38D, by OpenSSL): tag of 16 bytes behind the text.
 */
#pragma once
#include <glib.h>

#define AEAD_KEY_SIZE 32
#define AEAD_NONCE_SIZE 12
#define AEAD_TAG_SIZE 16

struct aead {
    guint8 key[AEAD_KEY_SIZE], nonce[AEAD_NONCE_SIZE];
    const guint8 *aad; /* authenticated, not hidden */
    gsize aad_length;
};

/*
 * `out` takes length + AEAD_TAG_SIZE bytes and may be `in`. FALSE only when the cryptographic
 * library fails or the text is longer than it takes in one call (2 GiB): ENTENTE_ERROR_SYSTEM.
 */
gboolean aead_seal(const struct aead *aead, const guint8 *in, gsize length, guint8 *out,
                   GError **error);

/*
 * `length` counts the tag; `out` takes length - AEAD_TAG_SIZE bytes and may be `in`. What does not
 * verify is ENTENTE_ERROR_FOUND, and nothing of it stays in `out`.
 */
gboolean aead_open(const struct aead *aead, const guint8 *in, gsize length, guint8 *out,
                   GError **error);
