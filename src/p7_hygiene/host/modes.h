/*
 * modes.h: owner and mode of a file as evidence, and whether they are as narrow as wanted.
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

/* What a file may be at most. */
struct modes_wanted {
    mode_t mode;       /* permission bits that may be set */
    const char *group; /* a second group that may own it beside root, by name; or NULL */
    mode_t group_mode; /* bits that may be set when that group owns it; 0: as `mode` */
};

/* "0644 0:0". Owned by the caller. */
char *modes_text(mode_t mode, uid_t uid, gid_t gid);

/* The number of a group by its name, of /etc/group under the root; FALSE when there is none. */
gboolean modes_group(struct host *host, const char *name, gid_t *gid);

/* Judges one file that is there: owned by root, mode within `wanted`. Leaves a line of evidence. */
gboolean modes_check(struct host *host, struct finding *finding, const struct host_file *file,
                     const struct modes_wanted *wanted);

/*
 * Whether only root can change what `path` leads to: each folder up to the root, and the last
 * component, belongs to root and is writable by nobody else. The first that is not is given in
 * `culprit`; what is not there ends the search well. `seen` (a set of paths) spares repeats.
 */
gboolean modes_only_root_writes(struct host *host, const char *path, GHashTable *seen,
                                const struct host_file **culprit);
