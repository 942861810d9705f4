/*
 * openpgp.h: what an OpenPGP keyring says about its keys: algorithm, size, creation, expiry
 * (RFC 4880, RFC 9580 section 5). Signatures are not verified: this lists what an administrator
 * trusts, and how strong it is.
 */
#pragma once
#include <glib.h>

#define OPENPGP_KEYS_MAX 1000 /* keys taken from one ring */

struct openpgp_key {
    char *fingerprint;     /* upper-case hex; "" for versions without a known form */
    const char *algorithm; /* "RSA", "DSA", "EdDSA", ..., or "unknown" */
    guint bits;            /* of RSA, DSA and Elgamal; 0 for curves */
    gboolean subkey, revoked;
    gint64 created_s, expires_s; /* seconds since 1970; expires_s 0: never */
};

/*
 * Reads a binary or ASCII-armoured keyring. Gives an array of struct openpgp_key, or NULL when
 * `data` is no keyring (ENTENTE_ERROR_INPUT). What is behind damage is left out, with the error.
 */
GArray *openpgp_read(const void *data, gsize length, GError **error);
