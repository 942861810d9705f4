/*
 * key_openssh.h: Ed25519 keys as OpenSSH keeps them (RFC 4253 section 6.6, RFC 8709, OpenSSH's
 * PROTOCOL.key): the public line and the private file without a passphrase.
 *
 * A private file with a passphrase is refused with the command that takes it off a copy: its key
 * derivation (bcrypt_pbkdf) is in no library that this project may link.
 * Errors are ENTENTE_ERROR_INPUT.
 */
#pragma once
#include "statement/key.h"

/* "ssh-ed25519 BASE64 [comment]", the first line of `text`. */
struct public_key *key_openssh_public(const char *text, const char *key_name, GError **error);

/* "-----BEGIN OPENSSH PRIVATE KEY-----..." */
struct signing_key *key_openssh_private(const char *text, const char *key_name, GError **error);
