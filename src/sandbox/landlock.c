/* Landlock by raw system calls (landlock(7)): glibc of Debian 12 has no wrappers. */
#include "base/error.h"
#include "sandbox/confine.h"

#include <errno.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Rights that came with later versions than the oldest header we build with (Linux 5.19). */
#define ACCESS_FS_TRUNCATE (G_GUINT64_CONSTANT(1) << 14)  /* ABI 3 */
#define ACCESS_FS_IOCTL_DEV (G_GUINT64_CONSTANT(1) << 15) /* ABI 5 */
#define ACCESS_NET_TCP (G_GUINT64_CONSTANT(3))            /* ABI 4: bind, connect */
#define SCOPE_ALL (G_GUINT64_CONSTANT(3))                 /* ABI 6: abstract sockets, signals */

/* struct landlock_ruleset_attr as of ABI 6; older kernels take a shorter one. */
struct ruleset {
    guint64 files, net, scopes;
};

static const struct {
    int version;
    struct ruleset adds;
    gsize size;
} versions[] = {
    { 1, { (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1, 0, 0 }, offsetof(struct ruleset, net) },
    { 2, { LANDLOCK_ACCESS_FS_REFER, 0, 0 }, offsetof(struct ruleset, net) },
    { 3, { ACCESS_FS_TRUNCATE, 0, 0 }, offsetof(struct ruleset, net) },
    { 4, { 0, ACCESS_NET_TCP, 0 }, offsetof(struct ruleset, scopes) },
    { 5, { ACCESS_FS_IOCTL_DEV, 0, 0 }, offsetof(struct ruleset, scopes) },
    { 6, { 0, 0, SCOPE_ALL }, sizeof(struct ruleset) },
};

int landlock_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    return version < 0 ? 0 : version;
}

gboolean landlock_restrict(int root, GError **error)
{
    struct landlock_path_beneath_attr below = {
        .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
        .parent_fd = root,
    };
    struct ruleset ruleset = { 0 };
    int version = landlock_version();
    gsize size = 0;
    gboolean done;
    int fd;

    if (!version)
        return TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(versions) && versions[i].version <= version; i++) {
        ruleset.files |= versions[i].adds.files;
        ruleset.net |= versions[i].adds.net;
        ruleset.scopes |= versions[i].adds.scopes;
        size = versions[i].size;
    }
    fd = syscall(SYS_landlock_create_ruleset, &ruleset, size, 0);
    if (fd < 0)
        return errno_error(error, errno, "sandbox: no Landlock ruleset");
    done = (root < 0 ||
            syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &below, 0) == 0) &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_landlock_restrict_self, fd, 0) == 0;
    if (!done)
        errno_error(error, errno, "sandbox: Landlock cannot be entered");
    close(fd);
    return done;
}
