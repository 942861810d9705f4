#include "base/error.h"
#include "base/file.h"
#include "table/table.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_BUFFER (1024 * 1024)
#define MODE_BITS 0666 /* of a mode, what a table can have */

/* Keeps others from installing in the same folder; closing it lets them. -1 and the reason. */
static int lock_folder_of(const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        errno_error(error, errno, "%s: folder cannot be opened", folder);
        return -1;
    }
    while (flock(fd, LOCK_EX) < 0) {
        if (errno != EINTR)
            break; /* a file system without locks */
    }
    return fd;
}

static gboolean copy_all(int from, const char *name, struct file_draft *draft, GError **error)
{
    g_autofree guint8 *buffer = g_malloc(COPY_BUFFER);

    for (;;) {
        ssize_t got = read(from, buffer, COPY_BUFFER);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno_error(error, errno, "%s: cannot be read", name);
        if (got == 0)
            return TRUE;
        if (!file_draft_write(draft, buffer, got, error))
            return FALSE;
    }
}

/* Copies `from` to the draft; gives its mode. */
static gboolean copy_file(const char *from, struct file_draft *draft, mode_t *mode, GError **error)
{
    struct stat status;
    const int fd = file_open_regular(from, &status, error);
    gboolean done;

    if (fd < 0)
        return FALSE;
    done = copy_all(fd, from, draft, error);
    close(fd);
    *mode = status.st_mode & MODE_BITS;
    return done;
}

static gboolean may_follow(const struct table_info *new, const struct table_info *old,
                           const char *to, GError **error)
{
    if (new->serial < old->serial)
        return policy_error(error,
                            "%s: holds version %" G_GUINT64_FORMAT
                            " of the table; version %" G_GUINT64_FORMAT " is older",
                            to, old->serial, new->serial);
    if (new->serial == old->serial && memcmp(new->digest, old->digest, sizeof new->digest) != 0)
        return policy_error(error,
                            "%s: holds another table with the same version %" G_GUINT64_FORMAT, to,
                            new->serial);
    return TRUE;
}

/* What is checked is the copy: the file that was given may change meanwhile. */
static gboolean check_draft(const struct file_draft *draft, const char *from, const char *to,
                            const char *kind, GError **error)
{
    g_autoptr(table_t) new = table_open(draft->temporary, kind, error);
    g_autoptr(table_t) old = NULL;

    if (!new || !table_check(new, error)) {
        g_prefix_error(error, "%s was not installed: ", from);
        return FALSE;
    }
    old = table_open(to, kind, NULL);
    return !old || may_follow(table_info(new), table_info(old), to, error);
}

gboolean table_install(const char *from, const char *to, const char *kind, GError **error)
{
    struct file_draft draft;
    mode_t mode = 0;
    gboolean done;
    int lock = lock_folder_of(to, error);

    if (lock < 0)
        return FALSE;
    done = file_draft_open(&draft, to, TRUE, error);
    if (done) {
        done = copy_file(from, &draft, &mode, error) && check_draft(&draft, from, to, kind, error);
        if (done)
            done = file_draft_finish(&draft, mode, error);
        else
            file_draft_discard(&draft);
    }
    close(lock);
    return done;
}
