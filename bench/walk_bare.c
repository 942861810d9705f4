/*
 * walk_bare.c: the least a walk can do: getdents64 and one statx for each entry, two threads, one
 * lock. The yardstick for the walk of the host audit: it looks at nothing and stays on the device
 * of the folder it starts from.
 *
 *     cc -O2 -pthread -o walk_bare bench/walk_bare.c && ./walk_bare /
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define THREADS 2
#define BUFFER (64 << 10)
#define MASK (STATX_TYPE | STATX_MODE | STATX_UID | STATX_GID)

struct folder {
    struct folder *parent;
    int fd, references;
    char name[];
};

struct dirent64_raw {
    uint64_t ino;
    int64_t offset;
    uint16_t size;
    uint8_t type;
    char name[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static struct folder **stack;
static size_t depth, room, unfinished;
static uint64_t entries;
static uint32_t major_number, minor_number;

static void push(struct folder *folder)
{
    pthread_mutex_lock(&lock);
    if (depth == room) {
        room = room ? room * 2 : 1024;
        struct folder **grown = realloc(stack, room * sizeof *stack);
        if (!grown)
            abort();
        stack = grown;
    }
    stack[depth++] = folder;
    unfinished++;
    pthread_cond_signal(&more);
    pthread_mutex_unlock(&lock);
}

static void drop(struct folder *folder)
{
    while (folder && __atomic_sub_fetch(&folder->references, 1, __ATOMIC_ACQ_REL) == 0) {
        struct folder *parent = folder->parent;

        if (folder->fd >= 0)
            close(folder->fd);
        free(folder);
        folder = parent;
    }
}

static uint64_t read_folder(struct folder *folder, char *buffer)
{
    uint64_t count = 0;
    long got;

    folder->fd = openat(folder->parent ? folder->parent->fd : AT_FDCWD, folder->name,
                        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOATIME);
    if (folder->fd < 0)
        return 0;
    while ((got = syscall(SYS_getdents64, folder->fd, buffer, BUFFER)) > 0)
        for (char *at = buffer; at < buffer + got;) {
            struct dirent64_raw *entry = (struct dirent64_raw *)at;
            struct statx status;

            at += entry->size;
            if (!strcmp(entry->name, ".") || !strcmp(entry->name, ".."))
                continue;
            if (statx(folder->fd, entry->name, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, MASK,
                      &status) < 0)
                continue;
            count++;
            if (S_ISDIR(status.stx_mode) && status.stx_dev_major == major_number &&
                status.stx_dev_minor == minor_number) {
                size_t size = strlen(entry->name) + 1;
                struct folder *child = malloc(sizeof *child + size);

                child->parent = folder;
                child->fd = -1;
                child->references = 1;
                memcpy(child->name, entry->name, size);
                __atomic_add_fetch(&folder->references, 1, __ATOMIC_RELAXED);
                push(child);
            }
        }
    return count;
}

static void *work(void *unused)
{
    char *buffer = malloc(BUFFER);
    uint64_t count = 0;

    pthread_mutex_lock(&lock);
    while (unfinished) {
        struct folder *folder;

        if (!depth) {
            pthread_cond_wait(&more, &lock);
            continue;
        }
        folder = stack[--depth];
        pthread_mutex_unlock(&lock);
        count += read_folder(folder, buffer);
        drop(folder);
        pthread_mutex_lock(&lock);
        if (--unfinished == 0)
            pthread_cond_broadcast(&more);
    }
    entries += count;
    pthread_mutex_unlock(&lock);
    free(buffer);
    return NULL;
}

static double seconds(struct timeval time)
{
    return time.tv_sec + time.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    const char *root = argc > 1 ? argv[1] : "/";
    struct folder *first = calloc(1, sizeof *first + strlen(root) + 1);
    pthread_t threads[THREADS];
    struct timespec begin, end;
    struct rusage usage;
    struct statx status;

    if (statx(AT_FDCWD, root, 0, MASK, &status) < 0) {
        free(first);
        return 1;
    }
    major_number = status.stx_dev_major;
    minor_number = status.stx_dev_minor;
    first->fd = -1;
    first->references = 1;
    strcpy(first->name, root);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    push(first);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    clock_gettime(CLOCK_MONOTONIC, &end);
    getrusage(RUSAGE_SELF, &usage);
    printf("%llu entries, wall %.3f s, CPU %.3f s\n", (unsigned long long)entries,
           end.tv_sec - begin.tv_sec + (end.tv_nsec - begin.tv_nsec) / 1e9,
           seconds(usage.ru_utime) + seconds(usage.ru_stime));
    return 0;
}
