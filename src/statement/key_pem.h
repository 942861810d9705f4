/*
 * key_pem.h: Ed25519 keys as PEM: SPKI ("PUBLIC KEY") and PKCS#8 ("PRIVATE KEY", "ENCRYPTED
 * PRIVATE KEY"), RFC 8410 and RFC 7468, read and written by OpenSSL.
 *
 * PEM carries no name: the caller gives one. Errors are ENTENTE_ERROR_INPUT.
 */
#pragma once
#include "statement/key.h"

struct public_key *key_pem_public(const char *text, gsize length, const char *key_name,
                                  GError **error);
struct signing_key *key_pem_private(const char *text, gsize length, const char *key_name,
                                    const struct passphrase_source *source, GError **error);

/* "-----BEGIN PUBLIC KEY-----..." Owned by the caller. */
char *key_pem_write_public(const struct public_key *key);

/* PKCS#8; with a passphrase, PBES2 with AES-256-CBC. */
struct secret *key_pem_write_private(const struct signing_key *key,
                                     const struct secret *passphrase);
