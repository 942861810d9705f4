/*
 * mailbox_request.h: what a request at a mailbox shows: that its sender owns the box, or that it
 * worked for it.
 *
 *     Entente-Signature: NAME+HEX8 SECONDS BASE64
 *         Ed25519 over "entente/mailbox/1\nMETHOD\nTARGET\nSECONDS\n"; NAME+HEX8 names the key,
 *         SECONDS is the time since 1970, TARGET the path with its query. Good for 300 s.
 *     Entente-Work: NONCE
 *         1 to 32 hexadecimal digits such that
 *         SHA-256(mailbox (64 digits) || SHA-256(body) (32 bytes) || NONCE (its digits))
 *         begins with `work_bits` zero bits.
 *
 * A poster shows work and no name: a relay is not to learn who writes to whom.
 */
#pragma once
#include "delivery/mailbox.h"
#include "statement/key.h"

#define MAILBOX_SIGNATURE_HEADER "Entente-Signature"
#define MAILBOX_WORK_HEADER "Entente-Work"
#define MAILBOX_SKEW_S 300
#define MAILBOX_WORK_BITS 16     /* of a box that is not filling up */
#define MAILBOX_WORK_BITS_MAX 28 /* nobody works for more */

struct mailbox_signature {
    char *hint; /* "NAME+HEX8" */
    gint64 time_s;
    guint8 bytes[KEY_SIGNATURE_SIZE];
};
typedef struct mailbox_signature mailbox_signature_t;
void mailbox_signature_clear(struct mailbox_signature *signature);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(mailbox_signature_t, mailbox_signature_clear)

/* Reads the header's value. ENTENTE_ERROR_INPUT. */
gboolean mailbox_signature_parse(const char *text, struct mailbox_signature *signature,
                                 GError **error);
/* ENTENTE_ERROR_POLICY: not by this key, or not of this time. */
gboolean mailbox_signature_verify(const struct mailbox_signature *signature,
                                  const struct public_key *key, const char *method,
                                  const char *target, gint64 now_us, GError **error);
/* The header's value. Owned by the caller. */
char *mailbox_sign(const struct signing_key *key, const char *method, const char *target,
                   gint64 now_us);

/* What a box demands of its next message: more as it fills up (`share` of its quota, in percent).
 */
guint mailbox_work_bits(guint base, guint share);
gboolean mailbox_work_verify(const char *mailbox, GBytes *body, const char *nonce, guint bits);
/* Works; the header's value, owned by the caller. NULL: more bits than anybody works for. */
char *mailbox_work(const char *mailbox, GBytes *body, guint bits);
