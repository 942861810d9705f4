/* Landlock by raw system calls (landlock(7)): glibc of Debian 12 has no wrappers. */
#include "base/error.h"
#include "sandbox/confine.h"

#include <errno.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Rights that came with later versions than the oldest header we build with (Linux 5.19). */
#define ACCESS_FS_TRUNCATE (G_GUINT64_CONSTANT(1) << 14)  /* ABI 3 */
#define ACCESS_FS_IOCTL_DEV (G_GUINT64_CONSTANT(1) << 15) /* ABI 5 */
#define ACCESS_NET_TCP (G_GUINT64_CONSTANT(3))            /* ABI 4: bind, connect */
#define ACCESS_NET_CONNECT (G_GUINT64_CONSTANT(2))
#define SCOPE_ALL (G_GUINT64_CONSTANT(3)) /* ABI 6: abstract sockets, signals */

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

#define READ_FILES (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_FILES                                                                                \
    (READ_FILES | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                  \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |  \
     LANDLOCK_ACCESS_FS_REFER | ACCESS_FS_TRUNCATE)
/* What a rule on a file, not a folder, may say. */
#define OF_A_FILE                                                                                  \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_FS_TRUNCATE)

static gboolean add_place(int rules, guint64 handled, const struct confine_place *place)
{
    struct landlock_path_beneath_attr below = {
        .allowed_access = handled & (place->writable ? WRITE_FILES : READ_FILES),
        .parent_fd = place->fd,
    };
    struct stat status;

    if (fstat(place->fd, &status) < 0)
        return FALSE;
    if (!S_ISDIR(status.st_mode))
        below.allowed_access &= OF_A_FILE;
    return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &below, 0) == 0;
}

static gboolean restrict_to(const struct confine_place *places, guint count, guint64 net_kept,
                            GError **error)
{
    struct ruleset ruleset = { 0 };
    int version = landlock_version();
    gboolean done = TRUE;
    gsize size = 0;
    int fd;

    if (!version)
        return TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(versions) && versions[i].version <= version; i++) {
        ruleset.files |= versions[i].adds.files;
        ruleset.net |= versions[i].adds.net;
        ruleset.scopes |= versions[i].adds.scopes;
        size = versions[i].size;
    }
    ruleset.net &= ~net_kept;
    fd = syscall(SYS_landlock_create_ruleset, &ruleset, size, 0);
    if (fd < 0)
        return errno_error(error, errno, "sandbox: no Landlock ruleset");
    for (guint i = 0; done && i < count; i++)
        done = add_place(fd, ruleset.files, &places[i]);
    done = done && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_landlock_restrict_self, fd, 0) == 0;
    if (!done)
        errno_error(error, errno, "sandbox: Landlock cannot be entered");
    close(fd);
    return done;
}

gboolean landlock_restrict(int root, GError **error)
{
    const struct confine_place place = { root, FALSE };

    return restrict_to(&place, root >= 0, 0, error);
}

gboolean landlock_restrict_service(const struct confine_place *places, guint count, GError **error)
{
    return restrict_to(places, count, ACCESS_NET_CONNECT, error);
}
