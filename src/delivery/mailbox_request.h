/*
 * mailbox_request.h: what a request at a mailbox shows: that its sender owns the box, or that it
 * worked for it.
 *
 *     Entente-Signature: NAME+HEX8 SECONDS BASE64
 *         Ed25519 over "entente/mailbox/2\nMETHOD\nAUTHORITY\nTARGET\nSECONDS\nSHA256\n";
 *         NAME+HEX8 names the key, AUTHORITY is that of the URL that is asked (RFC 3986 section
 *         3.2, without user: "HOST" or "HOST:PORT", lower case, no port where the scheme implies
 *         it), TARGET the path with its query, SECONDS the time since 1970, SHA256 that of the
 *         body (of nothing, where there is none) in hexadecimal. Good for 300 s.
 *     Entente-Work: NONCE
 *         1 to 32 hexadecimal digits such that
 *         SHA-256(mailbox (64 digits) || SHA-256(body) (32 bytes) || NONCE (its digits))
 *         begins with `work_bits` zero bits.
 *
 * A poster shows work and no name: a relay is not to learn who writes to whom.
 *
 * A relay sees its owners' signatures, and may hand them on within their time. So each says at whom
 * it is directed and with what content; and a DELETE names in its target, besides the number, the
 * message: "?sha256=HEX". Numbers are the same everywhere, messages are not. At whom, a node knows
 * by its --public-url, or by what the owner said in the log, never by the Host of the request.
 *
 * The same request again at the same relay, within its time, is harmless: a DELETE names what is
 * gone already, a POST what is there already (or, deleted since, what the courier takes once), and
 * who hears a GET to send it again has heard its answer. So nothing is remembered of requests.
 */
#pragma once
#include "delivery/mailbox.h"
#include "statement/key.h"

#define MAILBOX_SIGNATURE_HEADER "Entente-Signature"
#define MAILBOX_WORK_HEADER "Entente-Work"
#define MAILBOX_SKEW_S 300
#define MAILBOX_SHA256_QUERY "sha256"
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

/* What is signed of a request. */
struct mailbox_request {
    const char *method, *authority, *target;
    const char *sha256; /* mailbox_sha256() of the body */
};

/* Of a node's URL, as above; NULL: it is none. Owned by the caller. */
char *mailbox_authority(const char *url);
/* Hexadecimal; `bytes` NULL: of nothing. Owned by the caller. */
char *mailbox_sha256(GBytes *bytes);

/* Reads the header's value. ENTENTE_ERROR_INPUT. */
gboolean mailbox_signature_parse(const char *text, struct mailbox_signature *signature,
                                 GError **error);
/* ENTENTE_ERROR_POLICY: not by this key, or not of this time. */
gboolean mailbox_signature_verify(const struct mailbox_signature *signature,
                                  const struct public_key *key,
                                  const struct mailbox_request *request, gint64 now_us,
                                  GError **error);
/* The header's value. Owned by the caller. */
char *mailbox_sign(const struct signing_key *key, const struct mailbox_request *request,
                   gint64 now_us);

/* What a box demands of its next message: more as it fills up (`share` of its quota, in percent):
 * from a quarter, twice the work each 8 percent; a thousand times what it was when it is full. Who
 * has one urgent message still gets it in within a minute; who has thousands does not. */
guint mailbox_work_bits(guint base, guint share);
gboolean mailbox_work_verify(const char *mailbox, GBytes *body, const char *nonce, guint bits);
/* Works; the header's value, owned by the caller. NULL: more bits than anybody works for. */
char *mailbox_work(const char *mailbox, GBytes *body, guint bits);
