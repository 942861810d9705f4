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

struct log_subcommand {
    const char *name;
    /* As in struct command; `arguments` are those behind the name. */
    int (*run)(const struct context *context, const struct log_state *state, char **arguments,
               GError **error);
};

extern const struct log_subcommand log_subcommand_add;
extern const struct log_subcommand log_subcommand_follow;
extern const struct log_subcommand log_subcommand_fsck;
extern const struct log_subcommand log_subcommand_mirror;
extern const struct log_subcommand log_subcommand_new;
extern const struct log_subcommand log_subcommand_prove;
extern const struct log_subcommand log_subcommand_restore;
