#include "base/file.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Temporary names: "." NAME TEMPORARY_MARK and six characters of chance. */
#define TEMPORARY_MARK ".entente-"
#define TEMPORARY_CHANCE "XXXXXX"
#define TEMPORARY_BASE_MAX 200 /* bytes kept of a name, so that all of it fits in NAME_MAX */

static void too_large(const char *name, gsize limit, GError **error)
{
    input_error(error, "%s: larger than the limit of %" G_GSIZE_FORMAT " bytes", name, limit);
}

static GBytes *read_descriptor(int fd, const char *name, gsize limit, gsize expected,
                               GError **error)
{
    g_autoptr(GByteArray) bytes = g_byte_array_sized_new(MIN(expected, limit) + 1);
    gsize length = 0;

    for (;;) {
        ssize_t got;

        g_byte_array_set_size(bytes, MAX(length + 65536, expected + 1));
        got = read(fd, bytes->data + length, bytes->len - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            errno_error(error, errno, "%s: cannot be read", name);
            return NULL;
        }
        if (got == 0)
            break;
        length += got;
        if (length > limit) {
            too_large(name, limit, error);
            return NULL;
        }
    }
    g_byte_array_set_size(bytes, length + 1);
    bytes->data[length] = 0;
    g_byte_array_set_size(bytes, length);
    return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}

int file_open_regular(const char *path, struct stat *status, GError **error)
{
    /* Neither a FIFO nor a terminal may hold it up. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0) {
        errno_error(error, errno, "%s: cannot be opened", path);
        return -1;
    }
    if (fstat(fd, status) == 0 && S_ISREG(status->st_mode))
        return fd;
    close(fd);
    system_error(error, "%s: is not a regular file", path);
    return -1;
}

GBytes *file_read(const char *path, gsize limit, GError **error)
{
    GBytes *bytes;
    struct stat status;
    int fd;

    if (g_str_equal(path, "-"))
        return read_descriptor(STDIN_FILENO, "standard input", limit, 0, error);
    fd = file_open_regular(path, &status, error);
    if (fd < 0)
        return NULL;
    /* Refused before it is read: a sparse file may claim to be larger than any memory. */
    if (status.st_size > 0 && (guint64)status.st_size > limit) {
        close(fd);
        too_large(path, limit, error);
        return NULL;
    }
    bytes = read_descriptor(fd, path, limit, status.st_size, error);
    close(fd);
    return bytes;
}

gboolean file_sync_folder_of(const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    gboolean done;

    if (fd < 0)
        return errno_error(error, errno, "%s: folder cannot be opened", folder);
    done = fsync(fd) == 0 || errno == EINVAL;
    if (!done)
        errno_error(error, errno, "%s: folder cannot be synchronised", folder);
    close(fd);
    return done;
}

gboolean file_write_all(int fd, gconstpointer data, gsize length)
{
    const guint8 *from = data;

    while (length) {
        ssize_t put = write(fd, from, length);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            errno = put ? errno : ENOSPC;
            return FALSE;
        }
        from += put;
        length -= (gsize)put;
    }
    return TRUE;
}

/*
 * Removes what writers of the same file left when they were killed. One that still writes holds a
 * lock on its temporary file, so that this lets it be.
 */
static void remove_leftovers(const char *folder, const char *prefix)
{
    g_autoptr(GDir) entries = g_dir_open(folder, 0, NULL);
    const char *name;

    while (entries && (name = g_dir_read_name(entries))) {
        g_autofree char *path = NULL;
        int fd;

        if (!g_str_has_prefix(name, prefix) ||
            strlen(name) != strlen(prefix) + strlen(TEMPORARY_CHANCE))
            continue;
        path = g_build_filename(folder, name, NULL);
        fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
            continue;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            unlink(path);
        close(fd);
    }
}

/* A locked temporary file of its own; `*path` is its name. -1 and errno. */
static int make_temporary(const char *folder, const char *prefix, char **path)
{
    for (;;) {
        struct stat status;
        int fd;

        g_free(*path);
        *path = g_strconcat(folder, "/", prefix, TEMPORARY_CHANCE, NULL);
        fd = g_mkstemp_full(*path, O_WRONLY | O_CLOEXEC, 0600);
        /* A file system without locks has no one who could take the file for a leftover. */
        if (fd < 0 || flock(fd, LOCK_EX) < 0 || fstat(fd, &status) < 0 || status.st_nlink > 0)
            return fd;
        close(fd); /* taken for a leftover before it was locked */
    }
}

/* A rename over /dev/null would leave the machine without it. */
static gboolean may_be_replaced(const char *path, GError **error)
{
    struct stat status;

    if (lstat(path, &status) < 0 || S_ISREG(status.st_mode) || S_ISLNK(status.st_mode))
        return TRUE;
    return system_error(error, "%s: is %s; name a file", path,
                        S_ISDIR(status.st_mode) ? "a folder" : "a device, a FIFO or a socket");
}

gboolean file_draft_open(struct file_draft *draft, const char *path, gboolean replace,
                         GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *base = g_path_get_basename(path);
    g_autofree char *prefix = g_strdup_printf(".%.*s" TEMPORARY_MARK, TEMPORARY_BASE_MAX, base);

    *draft = (struct file_draft){ .fd = -1, .replace = replace };
    if (replace && !may_be_replaced(path, error))
        return FALSE;
    remove_leftovers(folder, prefix);
    draft->fd = make_temporary(folder, prefix, &draft->temporary);
    if (draft->fd < 0) {
        errno_error(error, errno, "%s: cannot be written in folder %s", base, folder);
        g_clear_pointer(&draft->temporary, g_free);
        return FALSE;
    }
    draft->path = g_strdup(path);
    return TRUE;
}

gboolean file_draft_write(struct file_draft *draft, const void *data, gsize length, GError **error)
{
    return file_write_all(draft->fd, data, length) ||
           errno_error(error, errno, "%s: cannot be written", draft->path);
}

void file_draft_discard(struct file_draft *draft)
{
    if (draft->temporary)
        unlink(draft->temporary);
    if (draft->fd >= 0)
        close(draft->fd); /* with its lock */
    g_free(draft->temporary);
    g_free(draft->path);
    *draft = (struct file_draft){ .fd = -1 };
}

gboolean file_draft_finish(struct file_draft *draft, mode_t mode, GError **error)
{
    g_autofree char *path = g_strdup(draft->path);
    gboolean done = fchmod(draft->fd, mode) == 0 && fsync(draft->fd) == 0;

    if (!done) {
        errno_error(error, errno, "%s: cannot be written", path);
    } else if (draft->replace
                   ? rename(draft->temporary, path) < 0
                   : renameat2(AT_FDCWD, draft->temporary, AT_FDCWD, path, RENAME_NOREPLACE) < 0) {
        done = errno == EEXIST && !draft->replace
                   ? input_error(error, "%s: exists already; move it away first", path)
                   : errno_error(error, errno, "%s: cannot be put in place", path);
    } else {
        g_clear_pointer(&draft->temporary, g_free); /* it is the file now */
    }
    file_draft_discard(draft);
    return done && file_sync_folder_of(path, error);
}

static gboolean write_durably(const char *path, const void *data, gsize length, mode_t mode,
                              gboolean replace, GError **error)
{
    struct file_draft draft;

    if (!file_draft_open(&draft, path, replace, error))
        return FALSE;
    if (!file_draft_write(&draft, data, length, error)) {
        file_draft_discard(&draft);
        return FALSE;
    }
    return file_draft_finish(&draft, mode, error);
}

gboolean file_write(const char *path, const void *data, gsize length, mode_t mode, GError **error)
{
    return write_durably(path, data, length, mode, TRUE, error);
}

gboolean file_create(const char *path, const void *data, gsize length, mode_t mode, GError **error)
{
    return write_durably(path, data, length, mode, FALSE, error);
}

gboolean file_make_folder(const char *path, mode_t mode, GError **error)
{
    if (g_mkdir_with_parents(path, mode) < 0)
        return errno_error(error, errno, "%s: folder cannot be made", path);
    return TRUE;
}
