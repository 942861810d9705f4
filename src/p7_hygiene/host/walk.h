/*
 * walk.h: one pass over the local file systems, for every measure that asks about all files.
 *
 *     folder queue ──> getdents64 ──> statx ──> table of predicates ──> bounded lists of findings
 *      (2 threads)      (64 KiB)     (dir fd)   (type, bits, test)       (path, mode, owner)
 *
 * Each entry costs one statx(AT_STATX_DONT_SYNC) relative to its folder's descriptor; files are
 * never opened and links never followed. Only a regular file that somebody may execute is asked
 * for its security.capability. The walk stays on local file systems: at a mount point the type
 * decides (statfs), a file system seen before or mounted a second time is passed over, and so are
 * proc, sys and dev at the root. Layers of containers are their images' business: their folders
 * are passed over too (docker, containers, lxc under /var/lib).
 *
 * Memory is bounded: WALK_KEEP entries a list and thread (more only count), WALK_PENDING_MAX
 * folders waiting and paths of 16 KiB (more are counted as unread).
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

#define WALK_THREADS 2
#define WALK_KEEP 2000
#define WALK_PENDING_MAX (1u << 18)
#define WALK_CAPABILITY_MAX 24 /* bytes of a security.capability value: revision 3 has 24 */

enum walk_list {
    WALK_WORLD_WRITABLE, /* regular files */
    WALK_OPEN_FOLDERS,   /* world-writable folders without the sticky bit, or not root's */
    WALK_UNOWNED,        /* unknown user or group */
    WALK_SETID,          /* regular files with setuid or setgid */
    WALK_CAPABILITIES,   /* regular files with security.capability */
    WALK_COMPILERS,      /* gcc, cc, as, ... that all may execute */
    WALK_LOCAL_PROGRAMS, /* executables under /opt and /usr/local */
    WALK_LISTS
};

struct walk_entry {
    char *path; /* from the audited root */
    guint16 mode;
    guint32 uid, gid;
    guint8 capability[WALK_CAPABILITY_MAX];
    guint8 capability_length;
};

struct walk_found {
    GArray *entries; /* of struct walk_entry, sorted by path */
    guint64 total;   /* with those not kept */
};

struct walk {
    struct walk_found found[WALK_LISTS];
    guint64 entries, folders;
    guint64 denied, unread; /* folders that could not be read: permission; other reasons */
    char *first_denied, *first_unread; /* a path each, or NULL */
    guint passed_over;                 /* mount points not entered */
};

/* The fact: walks on first use. Never NULL. */
const struct walk *walk_get(struct host *host);

/* Adds to a finding that folders were not read (needs-root, unreadable), if so. */
void walk_gap(const struct walk *walk, struct finding *finding);
