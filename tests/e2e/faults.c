/*
 * faults.c: a library to preload that lets one call which writes, or syncs, go wrong.
 *
 *     FAULT_AT=N       the Nth such call on a regular file (all, counted: FAULT_COUNT=FILE)
 *     FAULT_KIND=...   EIO, ENOSPC, or short: half is written, and the next write gets ENOSPC
 */
#undef _FILE_OFFSET_BITS /* both open() and open64() are wanted, under their own names */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum verdict { GO_ON, FAIL, SHORT };

static atomic_ulong calls;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int is_file(int fd)
{
    struct stat status;

    return fd > STDERR_FILENO && fstat(fd, &status) == 0 &&
           (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
}

static void keep_count(unsigned long count)
{
    const char *path = getenv("FAULT_COUNT");
    char text[32];
    int fd, length;

    if (!path)
        return;
    fd = (int)REAL(open)(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    length = snprintf(text, sizeof text, "%lu\n", count);
    if (fd >= 0 && REAL(write)(fd, text, (size_t)length) != length)
        abort();
    if (fd >= 0)
        close(fd);
}

/* What becomes of the next call; `may_be_short`: it writes bytes. */
static enum verdict next(int may_be_short)
{
    const char *at = getenv("FAULT_AT"), *kind = getenv("FAULT_KIND");
    const unsigned long wanted = at ? strtoul(at, NULL, 10) : 0;
    const unsigned long number = atomic_fetch_add(&calls, 1) + 1;
    const int is_short = kind && strcmp(kind, "short") == 0;

    keep_count(number);
    if (!wanted || number < wanted || number > wanted + (unsigned long)is_short)
        return GO_ON;
    errno = kind && strcmp(kind, "EIO") == 0 ? EIO : ENOSPC;
    return is_short && may_be_short && number == wanted ? SHORT : FAIL;
}

#define PWRITE(name, offset_type)                                                                  \
    ssize_t name(int fd, const void *data, size_t length, offset_type offset)                      \
    {                                                                                              \
        const enum verdict verdict = is_file(fd) ? next(1) : GO_ON;                                \
                                                                                                   \
        return verdict == FAIL                                                                     \
                   ? -1                                                                            \
                   : REAL(name)(fd, data, verdict == SHORT ? length / 2 : length, offset);         \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

ssize_t write(int fd, const void *data, size_t length)
{
    const enum verdict verdict = is_file(fd) ? next(1) : GO_ON;

    return verdict == FAIL ? -1 : REAL(write)(fd, data, verdict == SHORT ? length / 2 : length);
}

#define SYNC(name)                                                                                 \
    int name(int fd)                                                                               \
    {                                                                                              \
        return is_file(fd) && next(0) != GO_ON ? -1 : REAL(name)(fd);                              \
    }
SYNC(fsync)
SYNC(fdatasync)
SYNC(syncfs)

int ftruncate(int fd, off_t length)
{
    return is_file(fd) && next(0) != GO_ON ? -1 : REAL(ftruncate)(fd, length);
}

int fallocate(int fd, int mode, off_t offset, off_t length)
{
    return is_file(fd) && next(0) != GO_ON ? -1 : REAL(fallocate)(fd, mode, offset, length);
}

int rename(const char *from, const char *to)
{
    return next(0) != GO_ON ? -1 : REAL(rename)(from, to);
}

int msync(void *address, size_t length, int flags)
{
    return next(0) != GO_ON ? -1 : REAL(msync)(address, length, flags);
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        mode_t mode = 0;                                                                           \
        va_list arguments;                                                                         \
                                                                                                   \
        va_start(arguments, flags);                                                                \
        if (flags & O_CREAT)                                                                       \
            mode = va_arg(arguments, mode_t);                                                      \
        va_end(arguments);                                                                         \
        return (flags & O_CREAT) && next(0) != GO_ON ? -1 : REAL(name)(path, flags, mode);         \
    }
OPEN(open)
OPEN(open64)
