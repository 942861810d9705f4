#include "p7_hygiene/host/subtree.h"

#include "p7_hygiene/host/entries.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct visit {
    guint64 limit;
    dev_t device;
    subtree_fn each;
    gpointer data;
    struct subtree_gap *gap;
    GString *path;
};

static void missed(struct visit *visit, int code)
{
    char **first = code == EACCES || code == EPERM ? &visit->gap->denied : &visit->gap->unread;

    if (code != ENOENT && !*first)
        *first = g_strdup(visit->path->str);
}

static void read_folder(struct visit *visit, int fd, guint depth);

static gboolean status_of(int folder, const char *name, struct stat *status)
{
    return fstatat(folder, name, status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == 0;
}

gboolean subtree_status(const struct subtree_entry *entry, struct host_file *file)
{
    struct stat status;

    if (!status_of(entry->folder, entry->name, &status))
        return FALSE;
    *file = (struct host_file){ .mode = status.st_mode,
                                .uid = status.st_uid,
                                .gid = status.st_gid,
                                .size = status.st_size,
                                .device = status.st_dev };
    return TRUE;
}

static void enter(struct visit *visit, int parent, const char *name, guint depth)
{
    struct stat status;
    int fd;

    if (!status_of(parent, name, &status) || !S_ISDIR(status.st_mode) ||
        status.st_dev != visit->device)
        return;
    if (depth >= SUBTREE_DEPTH_MAX) {
        visit->gap->cut = TRUE;
        return;
    }
    fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        missed(visit, errno);
    else
        read_folder(visit, fd, depth);
}

/* What the folder tells, or what there is to ask for where it does not. */
static gboolean complete_type(int folder, const char *name, mode_t *type)
{
    struct stat status;

    if (*type)
        return TRUE;
    if (!status_of(folder, name, &status))
        return FALSE;
    *type = status.st_mode & S_IFMT;
    return TRUE;
}

/* Takes over `fd`. */
static void read_folder(struct visit *visit, int fd, guint depth)
{
    gsize length = visit->path->len;
    struct subtree_entry found = { .depth = depth, .folder = fd };
    struct entries entries;

    entries_begin(&entries, fd);
    while ((found.name = entries_next(&entries, &found.type))) {
        if (visit->gap->visited >= visit->limit) {
            visit->gap->cut = TRUE;
            break;
        }
        if (!complete_type(fd, found.name, &found.type))
            continue;
        visit->gap->visited++;
        g_string_append_c(visit->path, '/');
        g_string_append(visit->path, found.name);
        found.path = visit->path->str;
        if (visit->each(&found, visit->data) && S_ISDIR(found.type))
            enter(visit, fd, found.name, depth + 1);
        g_string_truncate(visit->path, length);
    }
    close(fd);
}

gboolean subtree_each(struct host *host, const char *start, guint64 limit, subtree_fn each,
                      gpointer data, struct subtree_gap *gap)
{
    g_autoptr(GString) path = g_string_new(start);
    struct visit visit = { gap->visited + limit, 0, each, data, gap, path };
    int fd = host_open(host, start, O_DIRECTORY);
    struct stat status;

    if (fd < 0) {
        gboolean absent = errno == ENOENT || errno == ENOTDIR;

        if (!absent)
            missed(&visit, errno);
        return !absent;
    }
    if (fstat(fd, &status) == 0)
        visit.device = status.st_dev;
    read_folder(&visit, fd, 0);
    return TRUE;
}

void subtree_report(struct subtree_gap *gap, struct finding *finding)
{
    if (gap->denied)
        finding_incomplete(finding, REASON_NEEDS_ROOT, "%s", gap->denied);
    if (gap->unread)
        finding_incomplete(finding, REASON_UNREADABLE, "%s", gap->unread);
    if (gap->cut)
        finding_incomplete(finding, REASON_UNREADABLE, "%" G_GUINT64_FORMAT " entries seen",
                           gap->visited);
    g_clear_pointer(&gap->denied, g_free);
    g_clear_pointer(&gap->unread, g_free);
}
