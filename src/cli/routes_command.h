/* routes_command.h: the subcommands of `entente routes`, one a file (routes_NAME.c). */
#pragma once
#include "cli/ceremony.h"

/* Options of all subcommands; an option's help begins with those that heed it. */
struct routes_arguments {
    char **prefixes; /* --prefix */
    int threads;
    /* dump */
    gboolean bgpdump, large, originated, by_rfc, by_time;
    /* check */
    char **vrps, **aspas, **slurms; /* --vrp, --aspa, --slurm */
    char *rtr;
    gboolean own;
    /* replay */
    int min_peers;
    char **ignored; /* --ignore-peer */
    char **relationships;
    char *name_servers;
    /* corroborate */
    char **alarms; /* --alarm */
    gboolean all, publish;
    struct ceremony_options ceremony;
};

struct route_filter;
/* Reads --prefix; one that is empty lets everything pass. NULL: one is no prefix. */
struct route_filter *routes_filter(const struct routes_arguments *given, GError **error);

struct payload;
/* Reads --rtr, --vrp, --aspa and --slurm, and ends the reading; warns of files that are stale. */
gboolean routes_payloads(const struct context *context, const struct routes_arguments *given,
                         struct payload *payload, GError **error);

/* A problem of a file, to standard error: what mrt_run() tells. */
void routes_problem(const char *file, gboolean has_offset, guint64 offset, const char *problem,
                    gpointer unused);

struct mrt_scan_summary;
/* The exit status of what was read: 3 where an input could not be opened, 2 for other problems. */
int routes_read_status(const struct mrt_scan_summary *summary);

extern const struct subcommand routes_subcommand_check;
extern const struct subcommand routes_subcommand_corroborate;
extern const struct subcommand routes_subcommand_dump;
extern const struct subcommand routes_subcommand_replay;
