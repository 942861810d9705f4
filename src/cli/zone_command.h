/* zone_command.h: the subcommands of `entente zone`, one a file (zone_NAME.c). */
#pragma once
#include "base/json.h"
#include "cli/cli.h"
#include "finding/measure.h"
#include "p2_internet/zone/networks.h"
#include "p2_internet/zone/probe.h"
#include "p2_internet/zone/zone_check.h"

/* Options of all subcommands; an option's help begins with those that heed it. */
struct zone_arguments {
    char **vrps, **routes, *rtr, **names; /* check */
    char *server, **delegations, *anchor, *at, *fail_on;
    int port, horizon_h, timeout_s;
    gboolean allow_private, all, no_save;
    char *file, *transfer; /* root, verify */
};

/* What the options say; `delegations` and `date` own what `options` borrows. */
struct zone_settings {
    struct zone_check_options options;
    struct zone_network_source networks;
    enum severity fail_on;
    char *server, *date;
    GPtrArray *delegations;
};
gboolean zone_settings_read(const struct zone_arguments *given, struct zone_settings *settings,
                            GError **error);
void zone_settings_clear(struct zone_settings *settings);
typedef struct zone_settings zone_settings_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(zone_settings_t, zone_settings_clear)

/* The document in one line, or through `text`. */
typedef char *(*zone_text_fn)(const struct context *context, const json_t *document, gboolean all);
gboolean zone_output(const struct context *context, GString *out, const json_t *document,
                     gboolean all, zone_text_fn text);

extern const struct subcommand zone_subcommand_check;
extern const struct subcommand zone_subcommand_root;
extern const struct subcommand zone_subcommand_verify;
