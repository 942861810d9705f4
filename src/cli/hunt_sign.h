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
