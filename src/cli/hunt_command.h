/* hunt_command.h: the subcommands of `entente hunt`, one a file (hunt_NAME.c). */
#pragma once
#include "cli/cli.h"

/* Options of all subcommands; an option's help begins with those that heed it. */
struct hunt_arguments {
    char **tables; /* --table */
    /* build */
    char *tlp, *source;
    char **warning_lists;
    gboolean include_non_ids, force, all_text, no_known_warnings;
    /* scan */
    int threads;
    char *at;
    gboolean context, defanged, show_suppressed, utf16;
    char *fields;
    char *sign, *key, *passphrase_file;
    /* pcap; and of scan: at, show_suppressed */
    gboolean values;
};

struct hit_rule;
/* Reads --at (hunt_scan.c). */
gboolean hunt_read_rule(const struct hunt_arguments *given, struct hit_rule *rule, GError **error);

extern const struct subcommand hunt_subcommand_build;
extern const struct subcommand hunt_subcommand_explain;
extern const struct subcommand hunt_subcommand_install;
extern const struct subcommand hunt_subcommand_pcap;
extern const struct subcommand hunt_subcommand_open;
extern const struct subcommand hunt_subcommand_recheck;
extern const struct subcommand hunt_subcommand_retro;
extern const struct subcommand hunt_subcommand_scan;
