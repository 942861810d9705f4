/* policy_command.h: the subcommands of `entente policy`, one a file, and the options they share. */
#pragma once
#include "cli/ceremony.h"

struct policy_state {
    char **cosigned; /* names of witnesses */
    struct ceremony_options ceremony;
};

struct policy_subcommand {
    const char *name;
    /* As in struct command; `arguments` are those behind the name. */
    int (*run)(const struct context *context, const struct policy_state *state, char **arguments,
               GError **error);
};

extern const struct policy_subcommand policy_subcommand_change;
extern const struct policy_subcommand policy_subcommand_check;
extern const struct policy_subcommand policy_subcommand_eval;
extern const struct policy_subcommand policy_subcommand_margin;
