/*
 * kill_at.c: runs a command and kills it, as kill -9 does, at one of its writing system calls.
 *
 *     kill_at -o COUNT-FILE COMMAND [ARGUMENT...]            runs it to the end, counts the calls
 *     kill_at -o COUNT-FILE -n N COMMAND [ARGUMENT...]       kills it when call N is about to run
 *
 * Counted are the calls that change files or make changes durable: opening to create or truncate,
 * write, rename, unlink, link, symlink, mkdir, chmod, chown, truncate, setxattr, utimens, fsync,
 * of the command and of all that it forks; writes to the terminal or a pipe on descriptors 0 to 2
 * are not. COUNT-FILE gets their number. The exit status is the command's, or 137 when killed. The
 * command and all that it forked die together, and are gone when kill_at ends: none of their locks
 * is held any more, and no thread that was in a call of its own still ends it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILLED 137
#define FAILED 125
#define LIVING_MAX 4096
#define OPTIONS                                                                                    \
    (PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |        \
     PTRACE_O_TRACECLONE)

/* How many arguments before the one that decides; see counts(). */
enum rule { ALWAYS, DESCRIPTOR, OPEN_FLAGS, OPENAT_FLAGS, OPENAT2_HOW };

static const struct {
    long number;
    enum rule rule;
} calls[] = {
    { SYS_write, DESCRIPTOR },       { SYS_writev, DESCRIPTOR },   { SYS_pwrite64, DESCRIPTOR },
    { SYS_pwritev, DESCRIPTOR },     { SYS_pwritev2, DESCRIPTOR }, { SYS_sendfile, DESCRIPTOR },
    { SYS_copy_file_range, ALWAYS }, { SYS_ftruncate, ALWAYS },    { SYS_truncate, ALWAYS },
    { SYS_fallocate, ALWAYS },       { SYS_fsync, ALWAYS },        { SYS_fdatasync, ALWAYS },
    { SYS_msync, ALWAYS },           { SYS_openat, OPENAT_FLAGS }, { SYS_openat2, OPENAT2_HOW },
    { SYS_renameat, ALWAYS },        { SYS_renameat2, ALWAYS },    { SYS_unlinkat, ALWAYS },
    { SYS_linkat, ALWAYS },          { SYS_symlinkat, ALWAYS },    { SYS_mkdirat, ALWAYS },
    { SYS_mknodat, ALWAYS },         { SYS_fchmod, ALWAYS },       { SYS_fchmodat, ALWAYS },
    { SYS_fchown, ALWAYS },          { SYS_fchownat, ALWAYS },     { SYS_utimensat, ALWAYS },
    { SYS_setxattr, ALWAYS },        { SYS_lsetxattr, ALWAYS },    { SYS_fsetxattr, ALWAYS },
    { SYS_removexattr, ALWAYS },     { SYS_fremovexattr, ALWAYS },
#ifdef SYS_rename /* the older calls, where the machine has them */
    { SYS_open, OPEN_FLAGS },        { SYS_creat, ALWAYS },        { SYS_rename, ALWAYS },
    { SYS_unlink, ALWAYS },          { SYS_rmdir, ALWAYS },        { SYS_link, ALWAYS },
    { SYS_symlink, ALWAYS },         { SYS_mkdir, ALWAYS },        { SYS_mknod, ALWAYS },
    { SYS_chmod, ALWAYS },           { SYS_chown, ALWAYS },        { SYS_lchown, ALWAYS },
    { SYS_utimes, ALWAYS },
#endif
};

/* Whether a descriptor of the stopped process is one of a file: its name is a path. */
static int is_file(pid_t pid, uint64_t descriptor)
{
    char link[64], name[2];

    snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)pid, (int)descriptor);
    return descriptor > STDERR_FILENO && readlink(link, name, sizeof name) > 0 && name[0] == '/';
}

static int makes_file(uint64_t flags)
{
    return (flags & (O_CREAT | O_TRUNC)) != 0;
}

static int counts(pid_t pid, const struct __ptrace_syscall_info *info)
{
    const __uint64_t *arguments = info->entry.args;

    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if ((long)info->entry.nr != calls[i].number)
            continue;
        switch (calls[i].rule) {
        case ALWAYS:
            return 1;
        case DESCRIPTOR:
            return is_file(pid, arguments[0]);
        case OPEN_FLAGS:
            return makes_file(arguments[1]);
        case OPENAT_FLAGS:
            return makes_file(arguments[2]);
        case OPENAT2_HOW: {
            struct open_how how = { 0 };
            struct iovec here = { &how, sizeof how };
            struct iovec there = { (void *)(uintptr_t)arguments[2], sizeof how };

            return process_vm_readv(pid, &here, 1, &there, 1, 0) == sizeof how &&
                   makes_file(how.flags);
        }
        }
    }
    return 0;
}

static void write_count(const char *path, unsigned long count)
{
    FILE *file = path ? fopen(path, "w") : NULL;

    if (!path)
        return;
    if (!file || fprintf(file, "%lu\n", count) < 0 || fclose(file) != 0) {
        fprintf(stderr, "kill_at: %s: %s\n", path, strerror(errno));
        exit(FAILED);
    }
}

static pid_t start(char **arguments)
{
    pid_t pid = fork();

    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0)
            raise(SIGSTOP);
        execvp(arguments[0], arguments);
        fprintf(stderr, "kill_at: %s: %s\n", arguments[0], strerror(errno));
        _exit(FAILED);
    }
    if (pid < 0 || waitpid(pid, NULL, 0) < 0 ||
        ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(uintptr_t)OPTIONS) < 0) {
        fprintf(stderr, "kill_at: cannot trace: %s\n", strerror(errno));
        exit(FAILED);
    }
    ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
    return pid;
}

/* Every thread that was seen and has not ended. */
static pid_t living[LIVING_MAX];
static size_t living_count;

static void note_living(pid_t pid)
{
    for (size_t i = 0; i < living_count; i++)
        if (living[i] == pid)
            return;
    if (living_count == LIVING_MAX) {
        fputs("kill_at: too many threads\n", stderr);
        exit(FAILED);
    }
    living[living_count++] = pid;
}

static void note_ended(pid_t pid)
{
    for (size_t i = 0; i < living_count; i++)
        if (living[i] == pid)
            living[i] = living[--living_count];
}

/* Kills all of them and those that are just being born, and waits until nobody is left. */
static void kill_all(void)
{
    int status;
    pid_t pid;

    for (size_t i = 0; i < living_count; i++)
        kill(living[i], SIGKILL);
    while ((pid = waitpid(-1, &status, __WALL)) > 0)
        if (WIFSTOPPED(status))
            kill(pid, SIGKILL);
}

/* The signal to hand on to a process that stopped with `status`; 0 for stops of our own making. */
static long signal_of(int status)
{
    int stop = WSTOPSIG(status);

    if (stop == (SIGTRAP | 0x80) || stop == SIGTRAP || stop == SIGSTOP)
        return 0;
    return stop;
}

int main(int argc, char **argv)
{
    unsigned long wanted = 0, count = 0;
    const char *count_file = NULL;
    int option, status, result = 0;
    pid_t first, pid;

    while ((option = getopt(argc, argv, "+n:o:")) != -1) {
        if (option == 'n')
            wanted = strtoul(optarg, NULL, 10);
        else if (option == 'o')
            count_file = optarg;
        else
            return FAILED;
    }
    if (optind >= argc) {
        fputs("usage: kill_at [-o COUNT-FILE] [-n N] COMMAND [ARGUMENT...]\n", stderr);
        return FAILED;
    }
    first = start(argv + optind);
    while ((pid = waitpid(-1, &status, __WALL)) > 0) {
        struct __ptrace_syscall_info info;

        if (!WIFSTOPPED(status)) {
            note_ended(pid);
            if (pid == first)
                result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            continue;
        }
        note_living(pid);
        if (WSTOPSIG(status) == (SIGTRAP | 0x80) &&
            ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) > 0 &&
            info.op == PTRACE_SYSCALL_INFO_ENTRY && counts(pid, &info) && ++count == wanted) {
            kill_all();
            write_count(count_file, count);
            return KILLED;
        }
        ptrace(PTRACE_SYSCALL, pid, NULL, (void *)signal_of(status));
    }
    write_count(count_file, count);
    return result;
}
