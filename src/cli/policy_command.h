/* policy_command.h: the subcommands of `entente policy`, one a file, and the options they share. */
#pragma once
#include "cli/ceremony.h"

struct policy_state {
    char **cosigned; /* names of witnesses */
    struct ceremony_options ceremony;
};

extern const struct subcommand policy_subcommand_change;
extern const struct subcommand policy_subcommand_check;
extern const struct subcommand policy_subcommand_eval;
extern const struct subcommand policy_subcommand_margin;
