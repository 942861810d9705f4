/* hunt_sign.h: signed hunts as files: FILE, the statement, and its private openings beside it. */
#pragma once
#include "cli/hunt_command.h"
#include "p1_resilience/hunt/hunt_claim.h"
#include "statement/key.h"

/* The key that --sign asks for, before anything is read. Standard input is no file that another
 * could look at: ENTENTE_ERROR_INPUT. */
struct signing_key *hunt_sign_key(const struct context *context, const struct hunt_arguments *given,
                                  char **arguments, GError **error);

/* Signs, and writes both files; says on stderr how to go on. */
gboolean hunt_sign(const struct context *context, struct hunt_claim *claim,
                   const struct hunt_scan_summary *summary, const char *path, gint64 started_us,
                   const struct signing_key *key, GError **error);

/* "hunt.openings.json" for "hunt.dsse.json". Owned by the caller. */
char *hunt_openings_path(const char *statement);

/* A signed hunt that was read back, its entries in order: JSON null for what was not opened. */
struct signed_hunt {
    json_t *envelope, *predicate, *entries;
    struct commitment *commitment; /* all of it; NULL: from a disclosure */
};
void signed_hunt_clear(struct signed_hunt *hunt);
typedef struct signed_hunt signed_hunt_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(signed_hunt_t, signed_hunt_clear)

/*
 * Reads a statement with the openings beside it, or a disclosure, and checks every entry against
 * the root; who signed is for `entente verify`. ENTENTE_ERROR_FOUND: an entry is not committed.
 */
gboolean signed_hunt_read(const char *path, struct signed_hunt *hunt, GError **error);
