/*
 * mounts.h: file systems as mounted (/proc/self/mountinfo, proc(5)) and as /etc/fstab wants them.
 *
 * Names in both files carry \040 for a space, \011, \012 and \134. Of several mounts on one point
 * the last is on top and counts. Options of the mount and of its file system (super block) are
 * looked up together. In fstab, "user" means noexec, nosuid, nodev, and "owner" or "group" mean
 * nosuid, nodev, unless a later option takes it back (mount(8)).
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

struct mount {
    char *point, *type, *source;
    char **options; /* of the mount, then of the file system */
    guint major, minor;
    guint line;       /* in its file */
    const char *path; /* that file */
    gboolean planned; /* of fstab, where words such as "user" imply others */
};

struct mounts {
    enum host_state live_state, fstab_state;
    GPtrArray *live;  /* of struct mount, in order */
    GPtrArray *fstab; /* of struct mount; major and minor are 0 */
};

#define MOUNTS_LIVE "/proc/self/mountinfo"
#define MOUNTS_FSTAB "/etc/fstab"

/* Never NULL; borrowed. */
const struct mounts *mounts(struct host *host);

/* What is on top at exactly this point, or NULL. */
const struct mount *mount_at(const GPtrArray *list, const char *point);
/* The mount that holds `path`: the longest point that contains it. */
const struct mount *mount_holding(const GPtrArray *list, const char *path);

/* Whether the option is on; "noexec", "nodev", "nosuid" and "ro" also through what implies them. */
gboolean mount_has(const struct mount *mount, const char *option);
/* "hidepid=invisible" -> "invisible"; NULL without it. Borrowed. */
const char *mount_value(const struct mount *mount, const char *key);

/* Decodes \ooo in place. */
char *mount_unescape(char *text);
/* The texts' lines; for the fact and its tests. `path` is borrowed. */
GPtrArray *mountinfo_parse(const char *text, gsize length, const char *path);
GPtrArray *fstab_parse(const char *text, gsize length, const char *path);

/*
 * Whether the bytes of a block device pass through dm-crypt (LUKS or plain), itself or any device
 * below it. `source` as in mountinfo, swaps or fstab. *known is FALSE when sysfs cannot tell.
 */
gboolean block_is_encrypted(struct host *host, const char *source, guint major, guint minor,
                            gboolean *known);
