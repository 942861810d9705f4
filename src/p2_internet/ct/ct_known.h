/*
 * ct_known.h: whether a certificate of a log is one that the profile knows, and whether its issuer
 * was allowed to issue it (CAA, RFC 8659).
 */
#pragma once
#include "base/json.h"
#include "profile/profile.h"

enum ct_verdict {
    CT_KNOWN,
    CT_UNKNOWN,
    CT_NOT_ALLOWED, /* unknown, and of an issuer that the domain's CAA does not name */
    CT_IMITATION,   /* of a name that looks like the domain's */
};
const char *ct_verdict_name(enum ct_verdict verdict);

/* What the profile knows of a domain; files are read once. */
struct ct_known;
typedef struct ct_known ct_known_t;

/* `asset`: ASSET_DOMAIN, borrowed. NULL and ENTENTE_ERROR_INPUT: a file that holds no certificate.
 */
struct ct_known *ct_known_new(const struct asset *asset, GError **error);
void ct_known_free(struct ct_known *known);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_known_t, ct_known_free)

/* `seen` as in ct_certificate.h. `known` NULL: the profile says nothing of the domain. */
enum ct_verdict ct_known_judge(const struct ct_known *known, const json_t *seen);
