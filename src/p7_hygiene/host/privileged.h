/*
 * privileged.h: the programs of Debian and Ubuntu packages that are meant to run with more rights
 * than their caller: setuid and setgid files, and file capabilities (capabilities(7)).
 *
 * Source: the packages of Debian 10 to 13 and Ubuntu 20.04 to 24.04, as lintian's tags
 * elevated-privileges and setcap in their maintainer scripts show them.
 */
#pragma once
#include <glib.h>
#include <sys/types.h>

struct privileged_file {
    const char *package, *path; /* path after mapping to /usr */
    mode_t bits;                /* S_ISUID, S_ISGID or both */
};

/* The known row for a path; NULL when there is none. */
const struct privileged_file *privileged_known(const char *path);

struct privileged_capability {
    const char *package, *path;
    guint64 permitted; /* bits 1 << CAP_... */
};
const struct privileged_capability *privileged_capability_known(const char *path);

/*
 * Reads a security.capability value (struct vfs_cap_data of linux/capability.h, little endian).
 * FALSE when it is malformed.
 */
gboolean privileged_read_capability(const guint8 *value, gsize length, guint64 *permitted,
                                    guint64 *inheritable, gboolean *effective);
/* "cap_net_raw,cap_net_admin=ep". Owned by the caller. */
char *privileged_capability_text(guint64 permitted, guint64 inheritable, gboolean effective);
