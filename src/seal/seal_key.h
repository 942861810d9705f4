/*
 * seal_key.h: X25519 keys (RFC 7748) that messages are sealed to.
 *
 * Public text, as delegations and events have it: "x25519:" and base64 of the 32 bytes.
 */
#pragma once
#include "statement/secret.h"

#define SEAL_KEY_SIZE 32
#define SEAL_KEY_ID_SIZE 8
#define SEAL_PUBLIC_PREFIX "x25519:"
#define SEAL_PRIVATE_PREFIX "PRIVATE+x25519:"

struct seal_public {
    guint8 bytes[SEAL_KEY_SIZE];
};

struct seal_secret {
    struct seal_public public;
    struct secret *private; /* SEAL_KEY_SIZE bytes */
};
typedef struct seal_secret seal_secret_t;

/*
 * Reads the text of a public key. Refuses, with ENTENTE_ERROR_INPUT, bytes that are not the one
 * encoding of a point (RFC 7748 section 5) and points of small order: nothing can be sealed to
 * them, or everyone could open it.
 */
gboolean seal_public_parse(const char *text, struct seal_public *out, GError **error);
char *seal_public_text(const struct seal_public *key);

/* The first bytes of SHA-256(key): names the key in a sealed message. */
void seal_public_id(const struct seal_public *key, guint8 id[SEAL_KEY_ID_SIZE]);

/* The id in hexadecimal. Owned by the caller. */
char *seal_public_id_text(const struct seal_public *key);

/* The first 16 bytes of SHA-256(key), to be compared by telephone: 8 groups of 4 digits. */
char *seal_public_fingerprint(const struct seal_public *key);

/* A new key, from randomness or from 32 private bytes. */
struct seal_secret *seal_secret_generate(void);
struct seal_secret *seal_secret_new(const guint8 private[SEAL_KEY_SIZE]);
void seal_secret_free(struct seal_secret *secret);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(seal_secret_t, seal_secret_free)
