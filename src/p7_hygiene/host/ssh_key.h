/*
 * ssh_key.h: kind and size of SSH keys, and whether a private key is encrypted.
 *
 * Public keys as in authorized_keys and *.pub (sshd(8) AUTHORIZED_KEYS FILE FORMAT, RFC 4253
 * section 6.6); private keys as PEM (RFC 1421, RFC 5208) or "openssh-key-v1" (PROTOCOL.key).
 * Nothing but headers is looked at; no key leaves these functions.
 */
#pragma once
#include <glib.h>

struct ssh_public_key {
    char *options; /* before the type: `from="*.example",command="/bin/x"`; NULL when none */
    char *type;    /* "ssh-ed25519", "ssh-rsa", "ssh-dss", ... */
    char *comment; /* after the key; NULL when none */
    guint bits;    /* of an RSA modulus; 0 for other types or when the blob is malformed */
};

/* One line. FALSE for a comment, an empty line, or what is no key. Clear with _clear(). */
gboolean ssh_public_key_parse(const char *line, struct ssh_public_key *key);
void ssh_public_key_clear(struct ssh_public_key *key);
/* Value of an option ("from", "command") without quotes, "" for a bare one, NULL when absent. */
char *ssh_public_key_option(const struct ssh_public_key *key, const char *name);

enum ssh_private { SSH_NOT_PRIVATE, SSH_PRIVATE_ENCRYPTED, SSH_PRIVATE_PLAIN };
enum ssh_private ssh_private_key_kind(const char *text, gsize length);
