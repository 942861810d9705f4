/* database.h: the PostgreSQL database that a command was given. */
#pragma once
#include <glib.h>

/*
 * `option` (--database), else ENTENTE_DATABASE; `*url` is borrowed, NULL: none was given. A URL on
 * the command line may hold no password, which every user of the machine would see
 * (ENTENTE_ERROR_POLICY); what is no URL of PostgreSQL is ENTENTE_ERROR_INPUT.
 */
gboolean cli_database(const char *option, const char **url, GError **error);
