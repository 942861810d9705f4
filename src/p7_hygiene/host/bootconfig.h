/*
 * bootconfig.h: what the running kernel was told at boot, and how it was built.
 *
 * The command line is /proc/cmdline as the kernel splits it (kernel-parameters): at spaces outside
 * double quotes, up to "--", which ends the kernel's part; '-' and '_' are the same in names. The
 * build is /proc/config.gz or /boot/config-RELEASE.
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

struct boot_parameter {
    char *name;  /* with '_' for '-' */
    char *value; /* NULL for a bare word */
    char *text;  /* as written */
};

struct boot_config {
    enum host_state state; /* of /proc/cmdline */
    GPtrArray *parameters; /* of struct boot_parameter, in order */
    char *release;         /* of the running kernel, or NULL */
    char *build_path;      /* file that tells how the kernel was built, or NULL */
    char *build;           /* its text, "" without one */
};

#define BOOT_COMMAND_LINE "/proc/cmdline"

/* Never NULL; borrowed. */
const struct boot_config *boot_config(struct host *host);

/* The last parameter of the name, as the kernel takes it; NULL when it was not given. */
const struct boot_parameter *boot_parameter(const struct boot_config *boot, const char *name);
/* Whether one of the comma-separated values of `name` is `word` ("iommu=force,pt"). */
gboolean boot_parameter_has(const struct boot_config *boot, const char *name, const char *word);

/*
 * "y", "m", "n" for what "is not set", a number; NULL when nothing says. Owned by the caller. The
 * text has ten thousand options, of which three are asked for: it is searched, not parsed.
 */
char *boot_build(const struct boot_config *boot, const char *option);

/* Parses the text; for the fact and its tests. */
GPtrArray *boot_parameters_parse(const char *text);
