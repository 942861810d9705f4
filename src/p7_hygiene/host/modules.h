/*
 * modules.h: kernel modules: which are loaded, shipped or built in, and which may not be loaded.
 *
 * modprobe.d(5): files NAME.conf of /etc, /run, /usr/local/lib, /usr/lib and /lib modprobe.d,
 * sorted by name, of one name only the first folder's. `blacklist X` stops loading by alias alone
 * (a device or a file system asking for it); `install X /bin/false` also stops requests by name;
 * the first `install` line that matches counts, and its name may be a pattern. On the kernel's
 * command line module_blacklist= stops everything and modprobe.blacklist= is as `blacklist`. In
 * names '-' and
 * '_' are the same. What is built into the kernel cannot be blocked.
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

struct module_line {
    char *name;    /* with '_' for '-'; of `install` it may be a pattern */
    char *command; /* of `install`, or NULL for `blacklist` */
    char *path;
    guint line;
};

struct modules {
    enum host_state loaded_state; /* of /proc/modules */
    GHashTable *loaded;           /* set of names */
    gboolean has_kernels;         /* some /lib/modules/RELEASE/modules.dep was read */
    GHashTable *shipped;          /* name -> its file in some /lib/modules/RELEASE */
    GHashTable *builtin;          /* name -> modules.builtin that has it, of the running kernel */
    GPtrArray *lines;             /* of struct module_line, in order */
    enum host_state state;        /* HOST_DENIED, HOST_UNREADABLE: a modprobe.d file was not read */
    char *gap;                    /* that file */
};

/* Never NULL; borrowed. */
const struct modules *modules(struct host *host);

/* Names may be written with '-'. */
gboolean module_is_loaded(const struct modules *modules, const char *name);
const char *module_shipped(const struct modules *modules, const char *name);
const char *module_builtin(const struct modules *modules, const char *name);
/* The line that counts, or NULL. */
const struct module_line *module_blacklist(const struct modules *modules, const char *name);
const struct module_line *module_install(const struct modules *modules, const char *name);
/* Whether an install line keeps its module out: its command is false or true and nothing else. */
gboolean module_line_blocks(const struct module_line *line);

/* Appends the lines of one modprobe.d file; for the fact and its tests. `path` is copied. */
void module_lines_parse(GPtrArray *lines, const char *text, gsize length, const char *path);
GPtrArray *module_lines_new(void);
