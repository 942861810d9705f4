#include "assess/reports.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "reports"
#define FOLDER_MODE 0700
#define FILE_MODE 0600

static gint compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Removes a folder of plain files. */
static void remove_folder(const char *path)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    const char *name;

    while (folder && (name = g_dir_read_name(folder))) {
        g_autofree char *file = g_build_filename(path, name, NULL);

        g_unlink(file);
    }
    g_rmdir(path);
}

/*
 * Removes the hidden folders of runs that were killed. One that is being written holds a lock on
 * its folder, so that this lets it be.
 */
static void remove_leftovers(const char *all)
{
    g_autoptr(GDir) folder = g_dir_open(all, 0, NULL);
    const char *name;

    while (folder && (name = g_dir_read_name(folder))) {
        g_autofree char *path = NULL;
        int fd;

        if (name[0] != '.' || !g_ascii_isdigit(name[1])) /* ids begin with the year */
            continue;
        path = g_build_filename(all, name, NULL);
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            remove_folder(path);
        close(fd);
    }
}

/* Makes the folder and locks it; gives its descriptor, or -1. */
static int make_locked_folder(const char *path, GError **error)
{
    for (;;) {
        struct stat status;
        int fd;

        if (!file_make_folder(path, FOLDER_MODE, error))
            return -1;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && errno != ENOENT) {
            errno_error(error, errno, "%s: cannot be opened", path);
            return -1;
        }
        /* A file system without locks has no one who could take the folder for a leftover. */
        if (fd >= 0 && (flock(fd, LOCK_EX) < 0 || fstat(fd, &status) < 0 || status.st_nlink > 0))
            return fd;
        if (fd >= 0)
            close(fd); /* taken for a leftover before it was locked */
    }
}

char *reports_save(const char *data_folder, const char *run_id, const struct report_file *files,
                   guint count, GError **error)
{
    g_autofree char *all = g_build_filename(data_folder, FOLDER, NULL);
    g_autofree char *final = g_build_filename(all, run_id, NULL);
    g_autofree char *temporary = g_strdup_printf("%s/.%s", all, run_id);
    gboolean done;
    int lock;

    remove_leftovers(all);
    lock = make_locked_folder(temporary, error);
    done = lock >= 0;
    for (guint i = 0; done && i < count; i++) {
        g_autofree char *path = g_build_filename(temporary, files[i].name, NULL);
        gsize length;
        const void *data = g_bytes_get_data(files[i].content, &length);

        done = file_create(path, data, length, FILE_MODE, error);
    }
    if (done && g_rename(temporary, final) < 0)
        done = errno_error(error, errno, "%s: cannot be put in place", final);
    if (!done && lock >= 0)
        remove_folder(temporary);
    if (lock >= 0)
        close(lock);
    if (!done || !file_sync_folder_of(final, error))
        return NULL;
    return g_steal_pointer(&final);
}

char **reports_list(const char *data_folder)
{
    g_autofree char *all = g_build_filename(data_folder, FOLDER, NULL);
    g_autoptr(GDir) folder = g_dir_open(all, 0, NULL);
    GPtrArray *ids = g_ptr_array_new();
    const char *name;

    while (folder && (name = g_dir_read_name(folder)))
        if (name[0] != '.')
            g_ptr_array_add(ids, g_strdup(name));
    g_ptr_array_sort(ids, compare_names);
    g_ptr_array_add(ids, NULL);
    return (char **)g_ptr_array_free(ids, FALSE);
}

char *reports_path(const char *data_folder, const char *run_id, const char *name)
{
    return g_build_filename(data_folder, FOLDER, run_id, name, NULL);
}
