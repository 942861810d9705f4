/*
 * case_command.h: the subcommands of `entente case`, one a file (case_NAME.c), and the options they
 * share. An option's help begins with the subcommands that heed it.
 */
#pragma once
#include "cli/casework.h"

struct case_arguments {
    struct casework_options work;
    char **to, **fields, **files;
    char *tlp, *machine, *instance, *stream, *reason;
    char *kind, *state, *party, *text, *audience;
    gboolean all, ended, overdue, mine, above_tlp, yes;
    int limit, offset;
};

extern const struct subcommand case_subcommand_add_party;
extern const struct subcommand case_subcommand_attach;
extern const struct subcommand case_subcommand_close;
extern const struct subcommand case_subcommand_desk;
extern const struct subcommand case_subcommand_erase;
extern const struct subcommand case_subcommand_export;
extern const struct subcommand case_subcommand_kinds;
extern const struct subcommand case_subcommand_list;
extern const struct subcommand case_subcommand_message;
extern const struct subcommand case_subcommand_open;
extern const struct subcommand case_subcommand_prove;
extern const struct subcommand case_subcommand_recuse;
extern const struct subcommand case_subcommand_show;
extern const struct subcommand case_subcommand_step;
extern const struct subcommand case_subcommand_transfer;

/* What `help` and `alarm` do, too. `kind` (or NULL): only cases of this kind. */
int case_show(const struct context *context, const struct casework_options *options,
              char **arguments, const char *kind, GError **error);
int case_list(const struct context *context, const struct case_arguments *given, GError **error);
/* Opens a case; a text behind it, when `text_field` is not NULL, is that field's. */
int case_open(const struct context *context, const struct case_arguments *given, const char *kind,
              const char *text_field, const char *text, GError **error);
/* Takes a step; `kind` as above; `extra` (or NULL): fields besides those given. */
int case_step(const struct context *context, const struct case_arguments *given, const char *id,
              const char *event, const char *kind, json_t *extra, GError **error);
