#include "p7_hygiene/host/homes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NAMES_MAX 10000 /* entries of one folder that are looked at */

static enum host_state state_of(int code)
{
    return code == ENOENT || code == ENOTDIR ? HOST_ABSENT
           : code == EACCES || code == EPERM ? HOST_DENIED
                                             : HOST_UNREADABLE;
}

static void fill(struct host_file *file, const struct stat *status)
{
    file->state = HOST_OK;
    file->mode = status->st_mode;
    file->uid = status->st_uid;
    file->gid = status->st_gid;
    file->size = status->st_size;
    file->device = status->st_dev;
    file->mtime_us = status->st_mtim.tv_sec * G_USEC_PER_SEC + status->st_mtim.tv_nsec / 1000;
}

static void file_free(struct host_file *file)
{
    g_free((char *)file->path);
    g_free(file->text);
    g_free(file);
}

static int open_in(const struct home *home, const char *name, guint64 flags)
{
    struct open_how how = {
        .flags = flags | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };

    if (home->fd < 0) {
        errno = home->folder.state == HOST_DENIED ? EACCES : ENOENT;
        return -1;
    }
    return syscall(SYS_openat2, home->fd, *name ? name : ".", &how, sizeof how);
}

static void read_text(struct host_file *file, int fd)
{
    gsize room = MIN(file->size, HOST_FILE_MAX);
    ssize_t got = 0;

    if (file->size > HOST_FILE_MAX) {
        file->state = HOST_UNREADABLE;
        return;
    }
    file->text = g_malloc(room + 1);
    while (file->length < room) {
        got = read(fd, file->text + file->length, room - file->length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        file->length += got;
    }
    file->text[file->length] = 0;
    if (got < 0) {
        file->state = state_of(errno);
        g_clear_pointer(&file->text, g_free);
        file->length = 0;
    }
}

static const struct host_file *look(struct home *home, const char *name, gboolean content)
{
    g_autofree char *key = g_strconcat(content ? "=" : "", name, NULL);
    struct host_file *file = g_hash_table_lookup(home->files, key);
    struct stat status;
    int fd;

    if (file)
        return file;
    file = g_new0(struct host_file, 1);
    file->path = g_build_filename(home->folder.path, name, NULL);
    g_hash_table_insert(home->files, g_steal_pointer(&key), file);
    fd = open_in(home, name, O_PATH | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &status) < 0) {
        file->state = state_of(errno);
    } else {
        fill(file, &status);
        if (S_ISLNK(file->mode))
            file->state = HOST_UNREADABLE;
    }
    if (fd >= 0)
        close(fd);
    if (file->state != HOST_OK || !content)
        return file;
    if (!S_ISREG(file->mode)) {
        file->state = HOST_UNREADABLE;
        return file;
    }
    fd = open_in(home, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &status) < 0) {
        file->state = state_of(errno);
    } else if (!S_ISREG(status.st_mode)) {
        file->state = HOST_UNREADABLE;
    } else {
        fill(file, &status);
        read_text(file, fd);
    }
    if (fd >= 0)
        close(fd);
    return file;
}

const struct host_file *home_stat(struct home *home, const char *name)
{
    return look(home, name, FALSE);
}

const struct host_file *home_read(struct home *home, const char *name)
{
    return look(home, name, TRUE);
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

char **home_list(struct home *home, const char *name)
{
    int fd = open_in(home, name, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    GPtrArray *names;
    struct dirent *entry;

    if (!folder) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    names = g_ptr_array_new();
    while (names->len < NAMES_MAX && (entry = readdir(folder)))
        if (!g_str_equal(entry->d_name, ".") && !g_str_equal(entry->d_name, ".."))
            g_ptr_array_add(names, g_strdup(entry->d_name));
    closedir(folder);
    if (names->len)
        qsort(names->pdata, names->len, sizeof *names->pdata, compare_names);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

static void home_free(struct home *home)
{
    if (home->fd >= 0)
        close(home->fd);
    g_hash_table_unref(home->files);
    g_free(home);
}

static gpointer homes_load(struct host *host)
{
    const struct accounts *accounts = accounts_of(host);
    GPtrArray *homes = g_ptr_array_new_with_free_func((GDestroyNotify)home_free);

    for (guint i = 0; i < accounts->users->len; i++) {
        const struct account *account = accounts->users->pdata[i];
        gboolean is_root = g_str_equal(account->name, "root");
        struct home *home;

        if ((!account_is_human(account) && !is_root) || account->home[0] != '/' ||
            g_str_equal(account->home, "/"))
            continue;
        home = g_new0(struct home, 1);
        home->account = account;
        home->files =
            g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)file_free);
        home->folder = *host_stat(host, account->home);
        home->fd = host_open(host, account->home, O_DIRECTORY);
        if (home->fd < 0 && home->folder.state == HOST_OK)
            home->folder.state = state_of(errno);
        g_ptr_array_add(homes, home);
    }
    return homes;
}

static void homes_unload(gpointer fact)
{
    g_ptr_array_unref(fact);
}

static const struct fact_kind homes_kind = { "homes", homes_load, homes_unload };

const GPtrArray *homes_of(struct host *host)
{
    return host_fact(host, &homes_kind);
}
