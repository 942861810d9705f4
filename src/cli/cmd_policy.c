#include "cli/commands.h"
#include "cli/policy_command.h"

static const struct subcommand *const subcommands[] = {
    /* clang-format off */
    &policy_subcommand_change,
    &policy_subcommand_check,
    &policy_subcommand_eval,
    &policy_subcommand_margin,
    NULL,
    /* clang-format on */
};

static const struct command_option options[] = {
    { "cosigned", 0, G_OPTION_ARG_STRING_ARRAY, offsetof(struct policy_state, cosigned),
      "eval: suppose that this witness cosigned; may be given several times", "NAME" },
    CEREMONY_OPTIONS(struct policy_state, "root-key"),
    CEREMONY_PASSPHRASE(struct policy_state),
    { NULL },
};

const struct command command_policy = {
    .name = "policy",
    .summary = "Judge policies, and change the community's",
    .arguments = "change FILE | check FILE | eval FILE [NOTE|PROOF] | margin FILE [NOTE|PROOF]",
    .formats = "text, json, c2sp",
    .details =
        "change  make FILE the community's next policy, signed by the quorum of the one in force\n"
        "check   whether FILE is a policy, and what is unwise about it; with --format c2sp\n"
        "        its text for other programs\n"
        "eval    whether a checkpoint, an offline proof, or the witnesses --cosigned meet it\n"
        "margin  how many witnesses each group may lose; with a checkpoint, may still lose\n\n"
        "FILE is the C2SP text, or a community's policy in YAML or JSON.\n\n"
        "Example: entente policy check policy.yaml\n"
        "         entente policy eval policy.txt checkpoint",
    .options = options,
    .state_size = sizeof(struct policy_state),
    .subcommands = subcommands,
};
