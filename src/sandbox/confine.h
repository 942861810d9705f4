/*
 * confine.h: a process gives up, for good, what it does not need.
 *
 * Four walls, each useful without the others:
 *   limits       memory, CPU time, file size 0, descriptors, no core
 *   credentials  root becomes nobody with CAP_DAC_READ_SEARCH: it may read everything and owns
 *                nothing (credentials.c)
 *   Landlock     reading below one folder, no TCP, no signal or abstract socket outside; where the
 *                kernel has it (5.13), by its ABI version (landlock.c)
 *   seccomp      an allow-list. What an attacker needs and no judge ever does (exec, ptrace, kill,
 *                an Internet socket) kills the process; the rest is answered EPERM, so that a
 *                library that tries something optional goes on without it (confine.c)
 *
 * What remains: openat2() keeps its flags in memory where seccomp cannot see them, so an
 * unprivileged worker on a kernel without Landlock could still create or truncate files of its
 * own user. Code of ours only opens for reading.
 */
#pragma once
#include <glib.h>

enum confine_flags {
    SANDBOX_READ_FILES = 1 << 0, /* open files for reading (below the root, with Landlock) */
    SANDBOX_NETLINK = 1 << 1,    /* netlink sockets, to ask: nothing that changes the network */
    SANDBOX_BUS = 1 << 2,        /* connect to UNIX sockets: the system bus */
    /*
     * Look into /proc/PID of other processes. A Landlock domain hides them (it is a ptrace
     * boundary), so where the credentials already forbid writing there is none.
     */
    SANDBOX_PROCESSES = 1 << 3,
    SANDBOX_WRITE_FILES =
        1 << 4,                /* create, write, rename and remove files, in a service's places */
    SANDBOX_INTERNET = 1 << 5, /* TCP and UDP: a service's peers */
};

/* A file or folder that a service keeps: a descriptor of it (O_PATH). */
struct confine_place {
    int fd;
    gboolean writable;
};

struct confine_limits {
    guint64 memory;   /* bytes of address space; 0: the default */
    guint cpu_s;      /* seconds of CPU time; 0: the default */
    gboolean appends; /* what it writes goes to a file that is kept open in it: of any size */
};

/* Prepared once (the compiled filter), used by every worker forked after. Immutable. */
struct confinement;
struct confinement *confinement_new(guint flags, GError **error);
void confinement_free(struct confinement *confinement);
typedef struct confinement confinement_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(confinement_t, confinement_free)

/*
 * Confines the calling process (single-threaded, to be confined only once). `root` is a
 * descriptor of the folder to read below, -1 for none. The process dies with its parent from now
 * on. FALSE: do not go on, exit.
 */
gboolean confinement_enter(const struct confinement *confinement, int root,
                           const struct confine_limits *limits, GError **error);

/*
 * Confines the calling process, which is to serve: its places only, no exec, no capability, no TCP
 * port beyond those that listen already, no core file. It keeps its user, and may start threads
 * afterwards: call it while there is one only. FALSE: do not go on.
 */
gboolean confinement_enter_service(const struct confinement *confinement,
                                   const struct confine_place *places, guint count, GError **error);

/* The parts, for confine.c and the tests. */

/* From root to nobody that reads by capability. FALSE when this process has no such capability. */
gboolean credentials_read_only(void);
/* ABI version of the kernel's Landlock, 0 where there is none. */
int landlock_version(void);
/* Reading below `root` only (-1: nothing); nothing where the kernel has no Landlock. */
gboolean landlock_restrict(int root, GError **error);
/* The same for a service: its places, connections out, no new listener. */
gboolean landlock_restrict_service(const struct confine_place *places, guint count, GError **error);
/* Gives up every capability. */
gboolean credentials_drop(void);
