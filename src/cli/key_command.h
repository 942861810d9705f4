/* key_command.h: what the subcommands of `entente key` share; ceremonies are one a file. */
#pragma once
#include "cli/ceremony.h"

struct key_state {
    char *key, *name, *passphrase_file;
    gboolean protect, private;
    struct ceremony_options ceremony;
    int threshold, count, days;
    char **public_keys, **predicates;
    char *role, *from, *until, *reason, *root;
    char *from_index;
};

/* As in struct command; `arguments` are those behind the subcommand's name. */
typedef int (*key_subcommand_fn)(const struct context *context, const struct key_state *state,
                                 char **arguments, GError **error);

/* The passphrase for `what`, which is written; NULL in `passphrase` without --protect. */
gboolean key_new_passphrase(const struct key_state *state, const char *what,
                            struct secret **passphrase, GError **error);

/* Says on stderr where a new private key lies. */
void key_say_kept(const struct context *context, const char *path);

int key_root(const struct context *context, const struct key_state *state, char **arguments,
             GError **error);
int key_delegate(const struct context *context, const struct key_state *state, char **arguments,
                 GError **error);
int key_rotate(const struct context *context, const struct key_state *state, char **arguments,
               GError **error);
int key_revoke(const struct context *context, const struct key_state *state, char **arguments,
               GError **error);
int key_recover(const struct context *context, const struct key_state *state, char **arguments,
                GError **error);
int key_seal(const struct context *context, const struct key_state *state, char **arguments,
             GError **error);
