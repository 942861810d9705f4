/* keys.h: the keys that commands sign with and trust. */
#pragma once
#include "cli/cli.h"
#include "statement/key.h"

/* The name for a key of this signatory: the profile's domain, else this host's name. */
char *cli_key_name(const struct context *context, GError **error);

/*
 * The key of --key FILE, or the default key of the data folder; without one,
 * ENTENTE_ERROR_INPUT says how to make one. `name` (or NULL) names a key whose file does not.
 */
struct signing_key *cli_signing_key(const struct context *context, const char *file,
                                    const char *name, const char *passphrase_file, GError **error);

/* The default key for commands that need one to exist; says on stderr that it was made. */
struct signing_key *cli_default_key(const struct context *context, GError **error);
