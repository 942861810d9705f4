/*
 * ct_key.h: the public key of a log of certificates, and the checkpoints it signs: notes of type
 * 0x05 over a TreeHeadSignature (RFC 6962 section 3.5, C2SP static-ct-api and signed-note).
 */
#pragma once
#include "log/checkpoint.h"

#define CT_LOG_ID 32u

struct ct_key {
    GBytes *spki;         /* DER */
    guint8 id[CT_LOG_ID]; /* SHA-256 of it */
};
typedef struct ct_key ct_key_t;

/* `text`: base64 of a SubjectPublicKeyInfo, or a PEM file. NULL and ENTENTE_ERROR_INPUT. */
struct ct_key *ct_key_load(const char *text, GError **error);
struct ct_key *ct_key_new(GBytes *spki);
void ct_key_free(struct ct_key *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_key_t, ct_key_free)

/*
 * The checkpoint of a note that the key signed as a log of certificates; `time_us` is when, by the
 * log. NULL: ENTENTE_ERROR_FOUND for a missing or wrong signature, _INPUT for what is no
 * checkpoint.
 */
struct checkpoint *ct_key_verify(const struct ct_key *key, const struct note *note, gint64 *time_us,
                                 GError **error);
