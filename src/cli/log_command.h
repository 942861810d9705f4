/*
 * log_command.h: the subcommands of `entente log`, one a file (log_NAME.c), and the options they
 * share. An option's help begins with the subcommands that heed it.
 */
#pragma once
#include "cli/cli.h"

struct log_state {
    char *policy, *key, *resume, *ca, *log, *lock, *passphrase_file;
    char **mirrors;
    int threads, interval;
    gboolean allow_unwitnessed, allow_private, once, gossip;
};

extern const struct subcommand log_subcommand_add;
extern const struct subcommand log_subcommand_follow;
extern const struct subcommand log_subcommand_fsck;
extern const struct subcommand log_subcommand_mirror;
extern const struct subcommand log_subcommand_new;
extern const struct subcommand log_subcommand_prove;
extern const struct subcommand log_subcommand_restore;
