/*
 * Nobody that can read everything and write nothing: all user ids become nobody's, and the only
 * capability over files that is kept is CAP_DAC_READ_SEARCH (capabilities(7)).
 *
 * /proc/sys asks for the user id and not for capabilities: with the user id 0 all of it could be
 * written whatever was given up, and without it a handful of its files cannot be read. The latter
 * are read before (host_keep_private()).
 */
#include "sandbox/confine.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY 65534u

struct capabilities {
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
};

static guint64 permitted(const struct capabilities *now)
{
    return now->data[0].permitted | (guint64)now->data[1].permitted << 32;
}

static gboolean keep_only(guint64 wanted)
{
    struct capabilities set = { .header = { .version = _LINUX_CAPABILITY_VERSION_3 } };

    for (guint i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        set.data[i].permitted = set.data[i].effective = wanted >> (32 * i);
    return syscall(SYS_capset, &set.header, set.data) == 0;
}

gboolean credentials_drop(void)
{
    return keep_only(0);
}

#define BIT(capability) (G_GUINT64_CONSTANT(1) << (capability))

gboolean credentials_read_only(void)
{
    struct capabilities now = { .header = { .version = _LINUX_CAPABILITY_VERSION_3 } };
    /* Read any file; look at any process; see kernel addresses in /proc. */
    guint64 wanted = BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_SYS_PTRACE) | BIT(CAP_SYSLOG);
    gboolean reads_all;

    if (syscall(SYS_capget, &now.header, now.data) < 0)
        return FALSE;
    reads_all = (permitted(&now) & BIT(CAP_DAC_READ_SEARCH)) != 0;
    /* A container's root often lacks it: there CAP_DAC_OVERRIDE is the only way to read. */
    if (!reads_all)
        wanted |= BIT(CAP_DAC_OVERRIDE);
    wanted &= permitted(&now);
    if (!reads_all) {
        keep_only(wanted);
        return FALSE;
    }
    if (setgroups(0, NULL) < 0)
        return FALSE;
    return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
           setresuid(NOBODY, NOBODY, NOBODY) == 0 && keep_only(wanted);
}
