#include "sandbox/confine.h"

#include "base/error.h"
#include "base/sanitizer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MEMORY_DEFAULT (G_GUINT64_CONSTANT(1) << 30)
#define CPU_DEFAULT_S 60
#define DESCRIPTORS_MAX 512
#define FILTER_MAX BPF_MAXINSNS

/* AddressSanitizer reserves terabytes of address space. */
#define MEMORY_IS_LIMITED (!WITH_ADDRESS_SANITIZER)

struct confinement {
    guint flags;
    gsize length; /* instructions */
    struct sock_filter filter[FILTER_MAX];
};

/* Allowed whatever the arguments. Setting the clock needs CAP_SYS_TIME, which is given up. */
static const int harmless[] = {
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(preadv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(lseek),
    SCMP_SYS(dup),
    SCMP_SYS(fadvise64),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(eventfd2),
    SCMP_SYS(pipe2),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(adjtimex),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getresuid),
    SCMP_SYS(getresgid),
    SCMP_SYS(getgroups),
    SCMP_SYS(capget),
    SCMP_SYS(getrandom),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getrlimit),
    SCMP_SYS(getrusage),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rseq),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(membarrier),
};

static const int reading_files[] = {
    SCMP_SYS(openat2),    SCMP_SYS(stat),      SCMP_SYS(lstat),      SCMP_SYS(newfstatat),
    SCMP_SYS(statx),      SCMP_SYS(access),    SCMP_SYS(faccessat),  SCMP_SYS(faccessat2),
    SCMP_SYS(getdents64), SCMP_SYS(readlink),  SCMP_SYS(readlinkat), SCMP_SYS(getcwd),
    SCMP_SYS(statfs),     SCMP_SYS(fstatfs),   SCMP_SYS(getxattr),   SCMP_SYS(lgetxattr),
    SCMP_SYS(fgetxattr),  SCMP_SYS(listxattr), SCMP_SYS(llistxattr), SCMP_SYS(flistxattr),
    SCMP_SYS(readahead),  SCMP_SYS(fchdir),
};

static const int talking[] = {
    SCMP_SYS(bind),       SCMP_SYS(sendto),     SCMP_SYS(sendmsg),     SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),    SCMP_SYS(getsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
    SCMP_SYS(setsockopt), SCMP_SYS(shutdown),
};

/* No judge and no library has an innocent use of these: the process is killed. */
static const int hostile[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(kill),
    SCMP_SYS(pidfd_send_signal),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(reboot),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(userfaultfd),
};

/* The same for who may not change files. */
static const int removing_files[] = {
    SCMP_SYS(unlink),   SCMP_SYS(unlinkat),  SCMP_SYS(rename),
    SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(truncate),
};

/* Landlock says where; SQLite sets owner and mode of the files beside a database. */
static const int changing_files[] = {
    SCMP_SYS(open),      SCMP_SYS(openat),    SCMP_SYS(pwrite64),  SCMP_SYS(pwritev),
    SCMP_SYS(fsync),     SCMP_SYS(fdatasync), SCMP_SYS(ftruncate), SCMP_SYS(fallocate),
    SCMP_SYS(unlink),    SCMP_SYS(unlinkat),  SCMP_SYS(rename),    SCMP_SYS(renameat),
    SCMP_SYS(renameat2), SCMP_SYS(mkdir),     SCMP_SYS(mkdirat),   SCMP_SYS(rmdir),
    SCMP_SYS(link),      SCMP_SYS(linkat),    SCMP_SYS(flock),     SCMP_SYS(fchmod),
    SCMP_SYS(fchown),    SCMP_SYS(umask),     SCMP_SYS(syncfs),    SCMP_SYS(sync_file_range),
    SCMP_SYS(utimensat),
};

static const int serving[] = {
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(connect),
    SCMP_SYS(listen),
    SCMP_SYS(socketpair),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(sendfile),
    SCMP_SYS(epoll_create),
    SCMP_SYS(alarm),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
};

static const guint fcntl_commands[] = {
    F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD, F_DUPFD_CLOEXEC
};
static const guint locking_commands[] = {
    F_SETLK, F_SETLKW, F_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_OFD_GETLK,
};
static const guint ioctl_requests[] = { FS_IOC_GETFLAGS, FIONREAD };

struct rule_list {
    scmp_filter_ctx filter;
    int status; /* the first failure, or 0 */
};

static void add(struct rule_list *rules, guint32 action, int call, guint count,
                const struct scmp_arg_cmp *arguments)
{
    if (rules->status == 0)
        rules->status = seccomp_rule_add_array(rules->filter, action, call, count, arguments);
}

static void add_all(struct rule_list *rules, guint32 action, const int *calls, guint count)
{
    for (guint i = 0; i < count; i++)
        add(rules, action, calls[i], 0, NULL);
}

static void allow_if(struct rule_list *rules, int call, struct scmp_arg_cmp argument)
{
    add(rules, SCMP_ACT_ALLOW, call, 1, &argument);
}

/* open() and openat(): for reading, creating and truncating nothing. */
static void allow_open(struct rule_list *rules)
{
    const guint64 changing = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY);

    allow_if(rules, SCMP_SYS(open), SCMP_A1(SCMP_CMP_MASKED_EQ, changing, O_RDONLY));
    allow_if(rules, SCMP_SYS(openat), SCMP_A2(SCMP_CMP_MASKED_EQ, changing, O_RDONLY));
}

/*
 * Sockets by family. UNIX without SANDBOX_BUS and every unknown family of low number stay at
 * EPERM when a library may ask in passing (glibc looks for nscd); the Internet's and raw packets
 * kill.
 */
static void allow_sockets(struct rule_list *rules, guint flags)
{
    /* The Internet's two stand first. */
    static const guint killed[] = { AF_INET, AF_INET6, AF_PACKET, AF_VSOCK, AF_BLUETOOTH, AF_ALG };

    for (guint i = flags & SANDBOX_INTERNET ? 2 : 0; i < G_N_ELEMENTS(killed); i++) {
        struct scmp_arg_cmp family = SCMP_A0(SCMP_CMP_EQ, killed[i]);

        add(rules, SCMP_ACT_KILL_PROCESS, SCMP_SYS(socket), 1, &family);
    }
    if (flags & SANDBOX_NETLINK)
        allow_if(rules, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_NETLINK));
    if (flags & SANDBOX_BUS) {
        allow_if(rules, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
        add(rules, SCMP_ACT_ALLOW, SCMP_SYS(connect), 0, NULL);
    }
    if (flags & SANDBOX_INTERNET) {
        allow_if(rules, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_INET));
        allow_if(rules, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_INET6));
        allow_if(rules, SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, FIONBIO));
        allow_if(rules, SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, getpid()));
        add_all(rules, SCMP_ACT_ALLOW, serving, G_N_ELEMENTS(serving));
    }
    if (flags & (SANDBOX_NETLINK | SANDBOX_BUS | SANDBOX_INTERNET))
        add_all(rules, SCMP_ACT_ALLOW, talking, G_N_ELEMENTS(talking));
}

static void allow_with_arguments(struct rule_list *rules)
{
    const struct scmp_arg_cmp own_limits[] = { SCMP_A0(SCMP_CMP_EQ, 0), SCMP_A2(SCMP_CMP_EQ, 0) };

    allow_if(rules, SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    allow_if(rules, SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    /* Threads, not processes; clone3() hides its flags, and glibc then falls back on clone(). */
    allow_if(rules, SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    add(rules, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0, NULL);
    add(rules, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), G_N_ELEMENTS(own_limits), own_limits);
    allow_if(rules, SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
    allow_if(rules, SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_CAPBSET_READ));
    for (guint i = 0; i < G_N_ELEMENTS(fcntl_commands); i++)
        allow_if(rules, SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, fcntl_commands[i]));
    for (guint i = 0; i < G_N_ELEMENTS(ioctl_requests); i++)
        allow_if(rules, SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, ioctl_requests[i]));
}

static void allow_files(struct rule_list *rules, guint flags)
{
    add_all(rules, SCMP_ACT_ALLOW, reading_files, G_N_ELEMENTS(reading_files));
    if (!(flags & SANDBOX_WRITE_FILES)) {
        allow_open(rules);
        return;
    }
    add_all(rules, SCMP_ACT_ALLOW, changing_files, G_N_ELEMENTS(changing_files));
    for (guint i = 0; i < G_N_ELEMENTS(locking_commands); i++)
        allow_if(rules, SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, locking_commands[i]));
}

/* Takes the compiled program out of libseccomp, so that forked workers only load it. */
static gboolean export_filter(scmp_filter_ctx filter, struct confinement *confinement)
{
    int fd = memfd_create("seccomp", MFD_CLOEXEC);
    ssize_t got = -1;

    if (fd < 0)
        return FALSE;
    if (seccomp_export_bpf(filter, fd) == 0)
        got = pread(fd, confinement->filter, sizeof confinement->filter, 0);
    close(fd);
    if (got <= 0 || got % sizeof *confinement->filter)
        return FALSE;
    confinement->length = got / sizeof *confinement->filter;
    return TRUE;
}

struct confinement *confinement_new(guint flags, GError **error)
{
    g_autoptr(confinement_t) confinement = g_new0(struct confinement, 1);
    struct rule_list rules = { .filter = seccomp_init(SCMP_ACT_ERRNO(EPERM)) };
    gboolean done;

    confinement->flags = flags;
    if (!rules.filter) {
        system_error(error, "sandbox: no seccomp filter");
        return NULL;
    }
    seccomp_attr_set(rules.filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    seccomp_attr_set(rules.filter, SCMP_FLTATR_CTL_OPTIMIZE, 1);
    add_all(&rules, SCMP_ACT_ALLOW, harmless, G_N_ELEMENTS(harmless));
    add_all(&rules, SCMP_ACT_KILL_PROCESS, hostile, G_N_ELEMENTS(hostile));
    if (!(flags & SANDBOX_WRITE_FILES))
        add_all(&rules, SCMP_ACT_KILL_PROCESS, removing_files, G_N_ELEMENTS(removing_files));
    allow_with_arguments(&rules);
    allow_sockets(&rules, flags);
    if (flags & SANDBOX_READ_FILES)
        allow_files(&rules, flags);
    done = rules.status == 0 && export_filter(rules.filter, confinement);
    seccomp_release(rules.filter);
    if (!done) {
        errno_error(error, -rules.status, "sandbox: seccomp filter cannot be made");
        return NULL;
    }
    return g_steal_pointer(&confinement);
}

void confinement_free(struct confinement *confinement)
{
    g_free(confinement);
}

static gboolean limit(int resource, guint64 most, GError **error)
{
    struct rlimit now, wanted;

    if (getrlimit(resource, &now) < 0)
        return errno_error(error, errno, "sandbox: limit %d cannot be read", resource);
    wanted.rlim_cur = wanted.rlim_max = MIN(now.rlim_max, most);
    if (setrlimit(resource, &wanted) < 0)
        return errno_error(error, errno, "sandbox: limit %d cannot be set", resource);
    return TRUE;
}

static gboolean set_limits(const struct confine_limits *limits, GError **error)
{
    guint64 memory = limits && limits->memory ? limits->memory : MEMORY_DEFAULT;
    guint cpu_s = limits && limits->cpu_s ? limits->cpu_s : CPU_DEFAULT_S;

    return (!MEMORY_IS_LIMITED || limit(RLIMIT_AS, memory, error)) &&
           limit(RLIMIT_CPU, cpu_s, error) &&
           ((limits && limits->appends) || limit(RLIMIT_FSIZE, 0, error)) &&
           limit(RLIMIT_NOFILE, DESCRIPTORS_MAX, error) && limit(RLIMIT_CORE, 0, error);
}

static gboolean load_filter(const struct confinement *confinement, GError **error)
{
    struct sock_fprog program = {
        .len = confinement->length,
        .filter = (struct sock_filter *)confinement->filter,
    };

    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0 ||
           errno_error(error, errno, "sandbox: seccomp filter cannot be loaded");
}

gboolean confinement_enter(const struct confinement *confinement, int root,
                           const struct confine_limits *limits, GError **error)
{
    gboolean writes_nothing;

    if (!set_limits(limits, error))
        return FALSE;
    writes_nothing = credentials_read_only();
    /* After the credentials, whose change resets the first two. */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return errno_error(error, errno, "sandbox: privileges cannot be given up");
    if (!(writes_nothing && confinement->flags & SANDBOX_PROCESSES) &&
        !landlock_restrict(confinement->flags & SANDBOX_READ_FILES ? root : -1, error))
        return FALSE;
    return load_filter(confinement, error);
}

gboolean confinement_enter_service(const struct confinement *confinement,
                                   const struct confine_place *places, guint count, GError **error)
{
    if (!limit(RLIMIT_CORE, 0, error))
        return FALSE;
    if (!credentials_drop() || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return errno_error(error, errno, "sandbox: privileges cannot be given up");
    return landlock_restrict_service(places, count, error) && load_filter(confinement, error);
}
