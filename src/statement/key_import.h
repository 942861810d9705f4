/*
 * key_import.h: a key in any form we read, told by its first bytes.
 *
 * private: Entente's key file, PRIVATE+KEY text, PKCS#8 PEM, OpenSSH
 * public:  all of those that hold it in the clear, vkey, SPKI PEM, an OpenSSH public line
 */
#pragma once
#include "statement/key.h"

/* `key_name` names what carries no name itself (PEM, OpenSSH). `where` stands in messages. */
struct signing_key *key_import_private(GBytes *bytes, const char *where, const char *key_name,
                                       const struct passphrase_source *source, GError **error);
struct public_key *key_import_public(GBytes *bytes, const char *where, const char *key_name,
                                     GError **error);

/* From a file. A private key that others may read is refused (ENTENTE_ERROR_POLICY). */
struct signing_key *key_import_private_file(const char *path, const char *key_name,
                                            const struct passphrase_source *source, GError **error);

/* A vkey given as text, or a file; a nameless key is named after its file. */
struct public_key *key_import_public_argument(const char *argument, GError **error);
