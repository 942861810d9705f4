/* contact_command.h: the subcommands of `entente contact` that have a file of their own, and their
 * options. */
#pragma once
#include "cli/casework.h"

struct contact_drill_options {
    struct casework_options work;
    char *contact_role, *channel, *scenario, *group, *from;
    int level, wait_s;
    gboolean all;
};

/* As in struct command; `arguments` are those behind the subcommand's name. */
int contact_ping(const struct context *context, const struct contact_drill_options *options,
                 char **arguments, GError **error);
int contact_drill(const struct context *context, const struct contact_drill_options *options,
                  char **arguments, GError **error);
int contact_answer(const struct context *context, const struct contact_drill_options *options,
                   char **arguments, GError **error);
/* `record`: the contacts kept here; NULL: none. */
int contact_due(const struct context *context, const struct contact_drill_options *options,
                const json_t *record, GError **error);
