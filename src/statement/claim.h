/*
 * claim.h: a statement that commits to its details: in public how many there are, the details in
 * salted commitments (commitment.h) that are opened one by one. Its subject is their root, by the
 * name "KIND/ROOT"; its predicate has them as "commitments".
 */
#pragma once
#include "statement/commitment.h"
#include "statement/key.h"

/*
 * Signs it, as the texts of its two files: the envelope, and the private openings. `kind` is the
 * name of a predicate ("hunt"); `predicate` (borrowed) gets its "commitments" here.
 * ENTENTE_ERROR_INPUT: nothing is committed to, too much, or the predicate is not whole.
 */
gboolean claim_sign(const char *kind, json_t *predicate, const struct commitment *commitment,
                    const struct signing_key *key, GBytes **envelope, GBytes **openings,
                    GError **error);
