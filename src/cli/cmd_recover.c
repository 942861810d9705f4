/* cmd_recover.c: whether backups come back. */
#include "cli/commands.h"
#include "cli/recover_command.h"

static const struct subcommand *const subcommands[] = {
    /* clang-format off */
    &recover_subcommand_drill,
    &recover_subcommand_manifest,
    &recover_subcommand_status,
    NULL,
    /* clang-format on */
};

#define MEMBER(NAME) offsetof(struct recover_arguments, NAME)

static const struct command_option options[] = {
    { "backup", 'b', G_OPTION_ARG_STRING, MEMBER(backup),
      "Only the backup of this name (default: all of the profile)", "NAME" },
    { "publish", 0, G_OPTION_ARG_NONE, MEMBER(publish),
      "drill, manifest: put the signed record into the community's log", NULL },
    { "confidence", 0, G_OPTION_ARG_STRING, MEMBER(confidence),
      "drill: restore enough files to meet damage with this probability (default: 0.95)",
      "NUMBER" },
    { "fraction", 0, G_OPTION_ARG_STRING, MEMBER(fraction),
      "drill: of damage that hits this share of the files (default: 0.01)", "NUMBER" },
    { "files", 0, G_OPTION_ARG_INT, MEMBER(files), "drill: restore so many files instead",
      "NUMBER" },
    { "read", 0, G_OPTION_ARG_STRING, MEMBER(read),
      "drill: how much of the store is read: all (default), none, or a share as 2/7", "HOW MUCH" },
    { "canary", 0, G_OPTION_ARG_NONE, MEMBER(canary),
      "drill: add a snapshot of a few bytes and try to delete it, which must fail", NULL },
    { "limit", 0, G_OPTION_ARG_INT, MEMBER(limit_s),
      "drill: stop the backup tool when one run of it takes longer (default: 21600)", "SECONDS" },
    { "due", 0, G_OPTION_ARG_NONE, MEMBER(due),
      "drill: only backups whose last drill is older than the profile's drill_every", NULL },
    { "allow-private", 0, G_OPTION_ARG_NONE, MEMBER(allow_private),
      "The node may have a private address, and plain http", NULL },
    { NULL },
};

const struct command command_recover = {
    .name = "recover",
    .summary = "Prove that backups come back",
    .arguments = "drill | manifest | status",
    .formats = "text, json",
    .details =
        "manifest  digest what a backup covers, when it is made: a drill is held to that\n"
        "drill     restore a sample drawn by lot, compare, and judge nine aspects of each backup\n"
        "status    what the last drills proved\n\n"
        "Example: entente recover manifest --backup nightly --publish\n"
        "         entente recover drill --backup nightly\n"
        "         entente recover status",
    .options = options,
    .state_size = sizeof(struct recover_arguments),
    .subcommands = subcommands,
};
