#include "p7_hygiene/host/host.h"

#include "base/error.h"
#include "p7_hygiene/host/entries.h"
#include "p7_hygiene/host/firewall.h"
#include "profile/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* /dev/null: Linux's Documentation/admin-guide/devices.txt */
#define MEMORY_MAJOR 1
#define NULL_MINOR 3
#define SPARE_MAX 256 /* bytes kept behind a content */

struct host {
    int root;
    gboolean live, privileged;
    const struct asset *asset;
    GHashTable *read, *stats, *links; /* path -> struct host_file */
    GHashTable *facts;                /* struct fact_kind -> struct fact */
    struct {
        char *path; /* of the folder that was looked into last, or NULL */
        int fd;     /* O_PATH; -1 with `code` when it cannot be */
        int code;
    } folder;
};

struct fact {
    const struct fact_kind *kind;
    gpointer value;
};

static void file_free(struct host_file *file)
{
    g_free((char *)file->path);
    g_free(file->text);
    g_free(file);
}

static void fact_free(struct fact *fact)
{
    if (fact->value && fact->kind->free)
        fact->kind->free(fact->value);
    g_free(fact);
}

void host_leave_folder(struct host *host)
{
    if (host->folder.path && host->folder.fd >= 0)
        close(host->folder.fd);
    g_clear_pointer(&host->folder.path, g_free);
}

static GHashTable *file_table(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)file_free);
}

struct host *host_new(const char *root, const struct asset *asset, GError **error)
{
    int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct host *host;

    if (fd < 0) {
        errno_error(error, errno, "%s: cannot be audited", root);
        return NULL;
    }
    host = g_new0(struct host, 1);
    host->root = fd;
    host->live = g_str_equal(root, "/");
    host->privileged = geteuid() == 0;
    host->asset = asset;
    host->read = file_table();
    host->stats = file_table();
    host->links = file_table();
    host->facts = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)fact_free);
    /* The kernel shows this number to CAP_SYS_ADMIN alone, which no worker keeps. */
    if (host->live)
        host_read(host, "/proc/sys/net/core/bpf_jit_harden");
    return host;
}

void host_free(struct host *host)
{
    g_hash_table_unref(host->facts);
    g_hash_table_unref(host->read);
    g_hash_table_unref(host->stats);
    g_hash_table_unref(host->links);
    host_leave_folder(host);
    close(host->root);
    g_free(host);
}

gboolean host_is_live(const struct host *host)
{
    return host->live;
}

gboolean host_is_privileged(const struct host *host)
{
    return host->privileged;
}

void host_keep_private(struct host *host)
{
    static const char *const paths[] = {
        "/proc/sys/fs/protected_fifos",
        "/proc/sys/fs/protected_hardlinks",
        "/proc/sys/fs/protected_regular",
        "/proc/sys/fs/protected_symlinks",
        "/proc/sys/kernel/cad_pid",
        "/proc/sys/kernel/usermodehelper/bset",
        "/proc/sys/kernel/usermodehelper/inheritable",
        "/proc/sys/net/core/bpf_jit_harden",
        "/proc/sys/net/core/bpf_jit_kallsyms",
        "/proc/sys/net/core/bpf_jit_limit",
        "/proc/sys/vm/mmap_rnd_bits",
        "/proc/sys/vm/mmap_rnd_compat_bits",
    };

    if (!host->live || !host->privileged)
        return;
    for (guint i = 0; i < G_N_ELEMENTS(paths); i++)
        host_read(host, paths[i]);
    firewall_keep_kernel(host);
}

int host_root_fd(const struct host *host)
{
    return host->root;
}

gboolean host_has_role(const struct host *host, const char *role)
{
    return host->asset && asset_has_role(host->asset, role);
}

gboolean host_is_container(struct host *host)
{
    static const char *const marks[] = { "/.dockerenv", "/run/.containerenv",
                                         "/run/systemd/container" };
    const struct host_file *second;

    if (!host->live)
        return FALSE;
    /* A mark may be left over in an image that was booted: who sees kthreadd is the kernel's own.
     */
    second = host_read(host, "/proc/2/comm");
    if (second->text && g_str_has_prefix(second->text, "kthreadd"))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(marks); i++)
        if (host_stat(host, marks[i])->state == HOST_OK)
            return TRUE;
    return FALSE;
}

int host_open(struct host *host, const char *path, int flags)
{
    struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };

    if (flags & O_PATH)
        how.flags &= ~(guint64)(O_NONBLOCK | O_NOCTTY);
    while (*path == '/')
        path++;
    return syscall(SYS_openat2, host->root, *path ? path : ".", &how, sizeof how);
}

gboolean host_is_null_device(struct host *host, const char *path)
{
    int fd = host_open(host, path, O_PATH);
    struct stat status;
    gboolean is_null = fd >= 0 && fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) &&
                       status.st_rdev == makedev(MEMORY_MAJOR, NULL_MINOR);

    if (fd >= 0)
        close(fd);
    return is_null;
}

enum host_state host_state_of(int code)
{
    switch (code) {
    case ENOENT:
    case ENOTDIR:
        return HOST_ABSENT;
    case EACCES:
    case EPERM:
        return HOST_DENIED;
    default:
        return HOST_UNREADABLE;
    }
}

static void fill(struct host_file *file, const struct stat *status)
{
    file->mode = status->st_mode;
    file->uid = status->st_uid;
    file->gid = status->st_gid;
    file->size = status->st_size;
    file->device = status->st_dev;
    file->mtime_us = status->st_mtim.tv_sec * G_USEC_PER_SEC + status->st_mtim.tv_nsec / 1000;
}

static gboolean fill_from(struct host_file *file, int fd)
{
    struct stat status;

    if (fstat(fd, &status) < 0) {
        file->state = host_state_of(errno);
        return FALSE;
    }
    fill(file, &status);
    return TRUE;
}

/* Sizes of proc and sysfs files are no guide: read until the end or the limit. */
static void read_content(struct host_file *file, int fd)
{
    gsize room = MIN(MAX(file->size, 4095), HOST_FILE_MAX) + 1;

    if (!S_ISREG(file->mode) || file->size > HOST_FILE_MAX) {
        file->state = HOST_UNREADABLE;
        return;
    }
    file->text = g_malloc(room + 1);
    for (;;) {
        ssize_t got = read(fd, file->text + file->length, room - file->length);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            file->state = host_state_of(errno);
            break;
        }
        file->length += got;
        if (got == 0 || file->length == file->size)
            break;
        if (file->length > HOST_FILE_MAX) {
            file->state = HOST_UNREADABLE;
            break;
        }
        if (file->length == room) {
            room = MIN(room * 2, (gsize)HOST_FILE_MAX + 1);
            file->text = g_realloc(file->text, room + 1);
        }
    }
    if (file->state != HOST_OK) {
        g_clear_pointer(&file->text, g_free);
        file->length = 0;
        return;
    }
    /* Hundreds of files of proc and sysfs hold a few bytes each: not a page for each of them. */
    if (room - file->length > SPARE_MAX)
        file->text = g_realloc(file->text, file->length + 1);
    file->text[file->length] = 0;
}

/* --- looking at one path ---------------------------------------------------------------------- */

/*
 * The folder of `path`, opened; -1 with errno. The last one stays open, because files are asked for
 * folder by folder: a look is then at one name, not at a whole path.
 */
static int enter_folder(struct host *host, const char *path, gsize length)
{
    if (!host->folder.path || strncmp(host->folder.path, path, length) != 0 ||
        host->folder.path[length]) {
        host_leave_folder(host);
        host->folder.path = g_strndup(path, length);
        host->folder.fd = host_open(host, host->folder.path, O_PATH | O_DIRECTORY);
        host->folder.code = errno;
    }
    errno = host->folder.code;
    return host->folder.fd;
}

/* The last component of a path; NULL when it names no entry of a folder. */
static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : "";

    return !*name || g_str_equal(name, ".") || g_str_equal(name, "..") ? NULL : name;
}

/* How a path is looked at. */
enum look {
    LOOK_READ, /* content too; links are followed */
    LOOK_STAT,
    LOOK_LINK, /* at a link itself */
};

/* By one name in its folder. FALSE: a link is to be followed, or the path has no such name. */
static gboolean look_in_folder(struct host *host, struct host_file *file, enum look how)
{
    const char *name = name_of(file->path);
    struct stat status;
    int folder, fd;

    if (!name)
        return FALSE;
    folder = enter_folder(host, file->path, name - 1 - file->path);
    if (folder < 0 || fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0) {
        file->state = host_state_of(errno);
        return TRUE;
    }
    if (S_ISLNK(status.st_mode) && how != LOOK_LINK)
        return FALSE;
    fill(file, &status);
    if (how != LOOK_READ)
        return TRUE;
    /* Looked at before it is opened: opening a device may act on it. */
    if (!S_ISREG(status.st_mode)) {
        file->state = HOST_UNREADABLE;
        return TRUE;
    }
    fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        file->state = host_state_of(errno);
        return TRUE;
    }
    if (fill_from(file, fd))
        read_content(file, fd);
    close(fd);
    return TRUE;
}

/* By the whole path, where a link leads elsewhere. */
static void look_along(struct host *host, struct host_file *file, enum look how)
{
    int fd = host_open(host, file->path, O_PATH | (how == LOOK_LINK ? O_NOFOLLOW : 0));

    if (fd < 0) {
        file->state = host_state_of(errno);
        return;
    }
    if (fill_from(file, fd) && how == LOOK_READ && !S_ISREG(file->mode))
        file->state = HOST_UNREADABLE;
    close(fd);
    if (how != LOOK_READ || file->state != HOST_OK)
        return;
    fd = host_open(host, file->path, 0);
    if (fd < 0) {
        file->state = host_state_of(errno);
        return;
    }
    if (fill_from(file, fd))
        read_content(file, fd);
    close(fd);
}

static const struct host_file *look(struct host *host, GHashTable *table, const char *path,
                                    enum look how)
{
    struct host_file *file = g_hash_table_lookup(table, path);

    if (file)
        return file;
    file = g_new0(struct host_file, 1);
    file->path = g_strdup(path);
    g_hash_table_insert(table, (char *)file->path, file);
    if (!look_in_folder(host, file, how))
        look_along(host, file, how);
    return file;
}

const struct host_file *host_read(struct host *host, const char *path)
{
    return look(host, host->read, path, LOOK_READ);
}

const struct host_file *host_stat(struct host *host, const char *path)
{
    return look(host, host->stats, path, LOOK_STAT);
}

const struct host_file *host_lstat(struct host *host, const char *path)
{
    return look(host, host->links, path, LOOK_LINK);
}

char *host_link(struct host *host, const char *path)
{
    char target[PATH_MAX];
    const char *name = name_of(path);
    int folder = name ? enter_folder(host, path, name - 1 - path) : -1;
    ssize_t length = folder < 0 ? -1 : readlinkat(folder, name, target, sizeof target - 1);

    return length < 0 ? NULL : g_strndup(target, length);
}

static int compare_text(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static char **sorted(GPtrArray *texts)
{
    if (texts->len)
        qsort(texts->pdata, texts->len, sizeof *texts->pdata, compare_text);
    g_ptr_array_add(texts, NULL);
    return (char **)g_ptr_array_free(texts, FALSE);
}

char **host_list(struct host *host, const char *path, enum host_state *state)
{
    int fd = host_open(host, path, O_DIRECTORY);
    struct entries entries;
    GPtrArray *names;
    const char *name;

    if (state)
        *state = fd >= 0 ? HOST_OK : host_state_of(errno);
    if (fd < 0)
        return NULL;
    names = g_ptr_array_new();
    entries_begin(&entries, fd);
    while ((name = entries_next(&entries, NULL)))
        g_ptr_array_add(names, g_strdup(name));
    close(fd);
    return sorted(names);
}

/* What a pattern matched in a folder is there; what is named is looked for. */
static void glob_into(struct host *host, const char *base, char *const *parts, gboolean listed,
                      GPtrArray *found)
{
    g_autofree char *joined = NULL;
    g_auto(GStrv) names = NULL;

    if (!*parts) {
        if (listed || host_lstat(host, *base ? base : "/")->state == HOST_OK)
            g_ptr_array_add(found, g_strdup(*base ? base : "/"));
        return;
    }
    if (!strpbrk(*parts, "*?[")) {
        joined = g_strconcat(base, "/", *parts, NULL);
        glob_into(host, joined, parts + 1, FALSE, found);
        return;
    }
    names = host_list(host, *base ? base : "/", NULL);
    for (char **name = names; name && *name; name++) {
        g_autofree char *path = NULL;

        if (fnmatch(*parts, *name, FNM_PERIOD) != 0)
            continue;
        path = g_strconcat(base, "/", *name, NULL);
        glob_into(host, path, parts + 1, TRUE, found);
    }
}

char **host_glob(struct host *host, const char *pattern)
{
    GPtrArray *found = g_ptr_array_new();
    g_auto(GStrv) parts = NULL;

    while (*pattern == '/')
        pattern++;
    parts = g_strsplit(pattern, "/", -1);
    glob_into(host, "", parts, FALSE, found);
    return sorted(found);
}

gpointer host_fact(struct host *host, const struct fact_kind *kind)
{
    struct fact *fact = g_hash_table_lookup(host->facts, kind);

    if (!fact) {
        gpointer value = kind->load(host);

        fact = g_new0(struct fact, 1);
        fact->kind = kind;
        fact->value = value;
        g_hash_table_insert(host->facts, (gpointer)kind, fact);
    }
    return fact->value;
}

char **host_list_processes(struct host *host)
{
    g_auto(GStrv) names = host_list(host, "/proc", NULL);
    GPtrArray *numbers = g_ptr_array_new();

    for (char **name = names; name && *name; name++)
        if (g_ascii_isdigit(**name))
            g_ptr_array_add(numbers, g_strdup(*name));
    return sorted(numbers);
}

static gpointer load_processes(struct host *host)
{
    return host_list_processes(host);
}

static void unload_processes(gpointer fact)
{
    g_strfreev(fact);
}

char *const *host_processes(struct host *host)
{
    static const struct fact_kind kind = { "processes", load_processes, unload_processes };

    return host_fact(host, &kind);
}

static enum reason reason_of(enum host_state state)
{
    return state == HOST_DENIED   ? REASON_NEEDS_ROOT
           : state == HOST_ABSENT ? REASON_ABSENT
                                  : REASON_UNREADABLE;
}

gboolean host_missing(struct finding *finding, const struct host_file *file)
{
    if (file->state == HOST_OK)
        return FALSE;
    finding_not_measured(finding, reason_of(file->state), "%s", file->path);
    return TRUE;
}

gboolean host_gap(struct finding *finding, const struct host_file *file)
{
    if (file->state == HOST_OK || file->state == HOST_ABSENT)
        return FALSE;
    finding_incomplete(finding, reason_of(file->state), "%s", file->path);
    return TRUE;
}

void host_each_line(const struct host_file *file, host_line_fn each, gpointer data)
{
    const char *at = file->text, *end = at ? at + file->length : NULL;

    for (guint line = 1; at && at < end; line++) {
        const char *stop = memchr(at, '\n', end - at);

        if (!stop)
            stop = end;
        each(line, at, stop - at, data);
        at = stop + 1;
    }
}
