/*
 * dpkg.h: the package database of a Debian system: /var/lib/dpkg/status, info/NAME[:ARCH].list and
 * .md5sums, statoverride, diversions (dpkg(1), deb-control(5)).
 *
 * The status file is parsed once, in one pass, and not kept. File lists are large, so they are read
 * only when a path's owner is asked for, and only those paths are looked for. Paths are compared
 * after mapping /bin, /sbin and /lib* to /usr, because on merged-/usr systems a list may still say
 * /bin/su.
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

struct dpkg_package {
    const char *name, *architecture, *version, *source; /* source: without "(version)"; or = name */
    const char *want;  /* "install", "hold", "deinstall", "purge", "unknown" */
    const char *flag;  /* "ok", "reinstreq" */
    const char *state; /* "installed", "config-files", "half-installed", "unpacked", ... */
    guint line;        /* of the stanza in the status file */
};

struct dpkg {
    enum host_state state; /* of the status file */
    GArray *packages;      /* of struct dpkg_package, in file order */
    GHashTable *by_name;   /* name -> guint index + 1 of the best stanza (an installed one first) */
    GArray *diversions;    /* of struct dpkg_diversion */
    GHashTable *overrides; /* mapped path -> char *"user group mode" */
    GStringChunk *texts;   /* what the names point into */
    gboolean list_unread;  /* a file list could not be read: an owner may be missing */
};

struct dpkg_diversion {
    char *path, *moved; /* mapped: files of other packages at `path` live at `moved` */
    char *package;      /* that keeps `path`; ":" for a local diversion */
};

#define DPKG_STATUS "/var/lib/dpkg/status"

/* The fact; never NULL, but look at its state. */
struct dpkg *dpkg_get(struct host *host);

/* Parses the text of a status file; for tests. Free with dpkg_free(). */
struct dpkg *dpkg_parse(const char *text, gsize length);
void dpkg_free(struct dpkg *dpkg);

/* By name, "sudo" or "libc6"; NULL when no stanza has it. Any state: look at `state`. */
const struct dpkg_package *dpkg_find(const struct dpkg *dpkg, const char *name);

/* Whether the package is installed (unpacked and configured, or waiting for triggers). */
gboolean dpkg_is_installed(const struct dpkg_package *package);
gboolean dpkg_installed(struct host *host, const char *name);
/* The first of `names` (ends with NULL) that is installed; NULL when none is. */
const char *dpkg_first_installed(struct host *host, const char *const *names);

/* "/bin/su" -> "/usr/bin/su"; others are copied. */
char *dpkg_map_path(const char *path);

/*
 * Who owns each of `paths` (any count): a table from the path as given to a package name;
 * what no package owns is not in it. The caller frees it with g_hash_table_unref().
 */
GHashTable *dpkg_owners(struct host *host, const char *const *paths, gsize count);
/* Whether the file list of `package` names `path`: reads that one list. */
gboolean dpkg_package_has(struct host *host, const char *package, const char *path);

/* Where the digests of a package are: lines "md5sum  path-without-slash". Owned by the caller. */
char *dpkg_md5sums_path(struct host *host, const struct dpkg_package *package);
