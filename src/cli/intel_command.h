/* intel_command.h: the subcommands of `entente intel`, one a file (intel_NAME.c). */
#pragma once
#include "cli/cli.h"
#include "p1_resilience/intel/egress.h"
#include "profile/profile.h"

/* Options of all subcommands; an option's help begins with those that heed it. */
struct intel_arguments {
    /* sightings */
    char **tables, **named;
    char *tlp, *to, *ceiling;
    gboolean misp, anonymous, false_positives, observed, partial;
    /* pull, push */
    char **match;
    char *url, *collection, *store, *misp_feed, *added_after, *page, *user, *token_file, *key, *ca;
    char *passphrase_file, *database;
    gboolean allow_private;
};

/* The STIX id of this signatory as an author; NULL: it has no name. Owned by the caller. */
char *intel_identity(const struct profile *profile);

/* Whether `who` is known: "public", or a signatory of the community that this machine is in. Where
 * it is in none, nobody can be looked up, and TRUE. ENTENTE_ERROR_INPUT. */
gboolean intel_knows(const struct context *context, const char *who, GError **error);

/* A level by its name; `fallback` for NULL. ENTENTE_ERROR_INPUT: no such level. */
gboolean intel_level(const char *text, enum tlp fallback, enum tlp *level, GError **error);

/* How much was refused at the way out, and why, on standard error; `what` says what did not go.
 * TRUE: some was. */
gboolean intel_refusals(const struct egress *egress, const char *what);

#define INTEL_PUBLIC "public" /* as --to: anybody */

extern const struct subcommand intel_commit;
extern const struct subcommand intel_open;
extern const struct subcommand intel_pull;
extern const struct subcommand intel_push;
extern const struct subcommand intel_sightings;
extern const struct subcommand intel_token;
