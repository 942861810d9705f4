/* intel_command.h: the subcommands of `entente intel`, one a file (intel_NAME.c). */
#pragma once
#include "cli/cli.h"

/* Options of all subcommands; an option's help begins with those that heed it. */
struct intel_arguments {
    /* sightings */
    char **tables, **named;
    char *tlp, *to, *ceiling;
    gboolean misp, anonymous, false_positives, observed, partial;
    /* pull, push */
    char **match;
    char *url, *collection, *store, *misp_feed, *added_after, *page, *user, *token_file, *key, *ca;
    gboolean allow_private;
};

extern const struct subcommand intel_pull;
extern const struct subcommand intel_push;
extern const struct subcommand intel_sightings;
extern const struct subcommand intel_token;
