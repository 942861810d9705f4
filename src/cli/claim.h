/* claim.h: claims (statement/claim.h) as files: FILE, the statement, and its private openings
 * beside it. */
#pragma once
#include "cli/cli.h"
#include "statement/commitment.h"

/* "hunt.openings.json" for "hunt.dsse.json". Owned by the caller. */
char *claim_openings_path(const char *statement);

/* The log of the community that this machine belongs to: the statement counts in no other. `*log`
 * stays NULL when there is none. */
gboolean claim_log(const struct context *context, char **log, GError **error);

/* Writes both files. */
gboolean claim_write(const char *path, GBytes *envelope, GBytes *openings, GError **error);

/* A claim that was read back, its entries in order: JSON null for what was not opened. */
struct signed_claim {
    json_t *envelope, *predicate, *entries;
    struct commitment *commitment; /* all of it; NULL: from a disclosure */
};
void signed_claim_clear(struct signed_claim *claim);
typedef struct signed_claim signed_claim_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(signed_claim_t, signed_claim_clear)

/*
 * Reads a statement of that type with the openings beside it, or a disclosure, and checks every
 * entry against the root; who signed is for `entente verify`. ENTENTE_ERROR_FOUND: an entry is not
 * committed.
 */
gboolean signed_claim_read(const char *path, const char *type, struct signed_claim *claim,
                           GError **error);
