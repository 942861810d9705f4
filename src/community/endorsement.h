/*
 * endorsement.h: the two statements by which an organisation enters a community: it endorses the
 * Call's principles with its root keys, and delegates its issuer key.
 */
#pragma once
#include "profile/profile.h"
#include "register/community_policy.h"
#include "statement/dsse.h"
#include "statement/key.h"

struct endorsement {
    const struct signatory *signatory; /* name, group, country, domain: all needed */
    const struct root_keys *root;
    guint principles; /* bit n - 1: principle n */
    gboolean reviewer;
};

/* The id of the signatory, as text. Owned by the caller. */
char *endorsement_id(const struct root_keys *root);

/* Whether the profile says all that an endorsement needs. ENTENTE_ERROR_INPUT names what is not. */
gboolean endorsement_check(const struct signatory *signatory, GError **error);

/* Unsigned; `time_us` is the signer's clock. */
struct dsse *endorsement_envelope(const struct endorsement *endorsement, const char *origin,
                                  gint64 time_us, GError **error);

/* Delegates `key` (a role key's vkey) in a role for `days`. Unsigned. */
struct dsse *delegation_envelope(const struct endorsement *endorsement, const char *origin,
                                 const char *key, const char *role, guint days, gint64 time_us,
                                 GError **error);
