/* alarm_public.h: the subcommands of `entente alarm` that publish alarms on routes and show what
 * others published. */
#pragma once
#include "cli/case_command.h"

struct alarm_public_options {
    char *report; /* --report: lines of "routes replay --format json" */
    gboolean raw;
};

/* Gives an exit status, as the command's. */
int alarm_publish(const struct context *context, const struct case_arguments *given,
                  const struct alarm_public_options *options, char **arguments, GError **error);
int alarm_public(const struct context *context, const struct case_arguments *given,
                 char **arguments, GError **error);
