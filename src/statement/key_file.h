/*
 * key_file.h: Entente's own key files: text, mode 0600, durably made.
 *
 *     entente/key/1
 *     public example.org+530d903a+AekyeRrm...          the vkey
 *     private PRIVATE+KEY+example.org+530d903a+AYEK... without a passphrase; or
 *     argon2id13 3 268435456 SALT                      operations, bytes of memory, base64
 *     xchacha20poly1305 NONCE SEALED                   the seed; every byte before SEALED is
 *                                                      authenticated with it
 */
#pragma once
#include "statement/key.h"

#define KEY_FILE_MAGIC "entente/key/1\n"
#define KEY_FILE_LIMIT 65536

/* The text of the file; `passphrase` NULL leaves the seed in the clear. */
struct secret *key_file_format(const struct signing_key *key, const struct secret *passphrase);

/* Writes a new file; refuses to replace one (ENTENTE_ERROR_INPUT). */
gboolean key_file_create(const char *path, const struct signing_key *key,
                         const struct secret *passphrase, GError **error);

/*
 * Reads the text of a key file; `name` stands in messages. ENTENTE_ERROR_INPUT when malformed or
 * when the passphrase is wrong or missing. The passphrase is asked for only when it is needed.
 */
struct public_key *key_file_public(const char *text, const char *name, GError **error);
struct signing_key *key_file_private(const char *text, const char *name,
                                     const struct passphrase_source *source, GError **error);
