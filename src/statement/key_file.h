/*
 * key_file.h: the files of Ed25519 keys: text, mode 0600, durably made, in the form of key_form.h.
 *
 *     entente/key/1
 *     public example.org+530d903a+AekyeRrm...          the vkey
 *     private PRIVATE+KEY+example.org+530d903a+AYEK... or the seed under a passphrase
 */
#pragma once
#include "statement/key.h"
#include "statement/key_form.h"

#define KEY_FILE_MAGIC KEY_FORM_SIGNING

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
