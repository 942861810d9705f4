/* log_folder.h: the log, its key and its entries, as the subcommands of `entente log` name them. */
#pragma once
#include "cli/log_command.h"
#include "statement/key.h"

/* --log, else the log of the data folder. Owned by the caller. */
char *cli_log_folder(const struct context *context, const struct log_state *state, GError **error);

/* The log's key: --key FILE, else keys/log.key of the data folder; its path, and read. */
char *cli_log_key_path(const struct context *context, const struct log_state *state,
                       GError **error);
struct signing_key *cli_log_key(const struct context *context, const struct log_state *state,
                                GError **error);

/* The entry that the envelope in a file is: its canonical form. */
GBytes *cli_log_entry(const char *path, GError **error);
