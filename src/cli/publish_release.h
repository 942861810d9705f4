/*
 * publish_release.h: a release in the log: its name, version and digest, so that whoever is handed
 * another file under that name can know.
 */
#pragma once
#include "cli/ceremony.h"

/* NAME VERSION FILE. Gives an exit status. */
int publish_release(const struct context *context, const struct ceremony_options *options,
                    char **arguments, GError **error);
