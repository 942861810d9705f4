#include "fix/fix_tree.h"

#include "base/error.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MODE_BITS 07777
#define DESCRIPTOR_PATH 32 /* bytes of "/proc/self/fd/N" */
#define XATTR_LIST_MAX 65536
#define RESOLVE_STRICT (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)
#define RESOLVE_FOLLOW (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)

struct fix_tree {
    int root;
    char *path;
};

static const char *const node_names[] = {
    [FIX_ABSENT] = "absent", [FIX_FILE] = "file",   [FIX_FOLDER] = "folder",
    [FIX_LINK] = "link",     [FIX_OTHER] = "other",
};

const char *fix_node_name(enum fix_node node)
{
    return node_names[node];
}

gboolean fix_node_parse(const char *text, enum fix_node *node)
{
    for (guint i = 0; text && i < G_N_ELEMENTS(node_names); i++)
        if (g_str_equal(text, node_names[i])) {
            *node = i;
            return TRUE;
        }
    return FALSE;
}

void fix_state_clear(struct fix_state *state)
{
    g_clear_pointer(&state->content, g_bytes_unref);
    g_clear_pointer(&state->digest, g_free);
    memset(state, 0, sizeof *state);
}

void fix_state_copy(struct fix_state *to, const struct fix_state *from)
{
    *to = *from;
    to->content = from->content ? g_bytes_ref(from->content) : NULL;
    to->digest = g_strdup(from->digest);
}

void fix_state_set_content(struct fix_state *state, GBytes *content)
{
    g_bytes_ref(content);
    g_clear_pointer(&state->content, g_bytes_unref);
    g_free(state->digest);
    state->content = content;
    state->digest = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, content);
}

gboolean fix_state_equal(const struct fix_state *left, const struct fix_state *right)
{
    if (left->node != right->node)
        return FALSE;
    if (left->node == FIX_ABSENT)
        return TRUE;
    return left->mode == right->mode && left->uid == right->uid && left->gid == right->gid &&
           (!left->digest || !right->digest || g_str_equal(left->digest, right->digest));
}

gboolean fix_tree_is_others(uid_t owner, mode_t mode)
{
    return (owner != 0 && owner != geteuid()) || (mode & (S_IWGRP | S_IWOTH));
}

struct fix_extra *fix_extra_new(void)
{
    struct fix_extra *extra = g_new0(struct fix_extra, 1);

    extra->names = g_ptr_array_new_with_free_func(g_free);
    extra->values = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    return extra;
}

void fix_extra_free(struct fix_extra *extra)
{
    g_ptr_array_unref(extra->names);
    g_ptr_array_unref(extra->values);
    g_free(extra);
}

static char *descriptor_target(int fd)
{
    char name[DESCRIPTOR_PATH], target[4096];
    ssize_t length;

    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    length = readlink(name, target, sizeof target - 1);
    return length < 0 ? NULL : g_strndup(target, length);
}

struct fix_tree *fix_tree_open(const char *root, GError **error)
{
    int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct fix_tree *tree;
    char *path;

    if (fd < 0 || !(path = descriptor_target(fd))) {
        errno_error(error, errno, "%s: cannot be opened as a root folder", root);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    tree = g_new0(struct fix_tree, 1);
    tree->root = fd;
    tree->path = path;
    return tree;
}

void fix_tree_free(struct fix_tree *tree)
{
    close(tree->root);
    g_free(tree->path);
    g_free(tree);
}

const char *fix_tree_path(const struct fix_tree *tree)
{
    return tree->path;
}

gboolean fix_tree_is_live(const struct fix_tree *tree)
{
    return g_str_equal(tree->path, "/");
}

static int open_in(const struct fix_tree *tree, const char *path, int flags, guint64 resolve)
{
    struct open_how how = { .flags = (guint64)flags | O_CLOEXEC, .resolve = resolve };

    while (*path == '/')
        path++;
    return syscall(SYS_openat2, tree->root, *path ? path : ".", &how, sizeof how);
}

char *fix_tree_resolve(const struct fix_tree *tree, const char *path, GError **error)
{
    int fd = open_in(tree, path, O_PATH, RESOLVE_FOLLOW);
    g_autofree char *target = NULL;
    gsize prefix = fix_tree_is_live(tree) ? 0 : strlen(tree->path);

    if (fd < 0 && errno == ENOENT && !g_str_equal(path, "/")) {
        g_autofree char *parent = g_path_get_dirname(path);
        g_autofree char *name = g_path_get_basename(path);
        g_autofree char *folder = fix_tree_resolve(tree, parent, error);

        if (!folder)
            return NULL;
        return g_str_equal(folder, "/") ? g_strconcat("/", name, NULL)
                                        : g_strconcat(folder, "/", name, NULL);
    }
    if (fd < 0) {
        errno_error(error, errno, "%s: cannot be looked up", path);
        return NULL;
    }
    target = descriptor_target(fd);
    close(fd);
    if (!target || strncmp(target, tree->path, prefix) != 0 ||
        (prefix && target[prefix] && target[prefix] != '/')) {
        system_error(error, "%s: moved while it was looked up", path);
        return NULL;
    }
    return g_strdup(target[prefix] ? target + prefix : "/");
}

static enum fix_node node_of(mode_t mode)
{
    return S_ISREG(mode)   ? FIX_FILE
           : S_ISDIR(mode) ? FIX_FOLDER
           : S_ISLNK(mode) ? FIX_LINK
                           : FIX_OTHER;
}

static GBytes *read_link(int fd)
{
    char target[4096];
    ssize_t length = readlinkat(fd, "", target, sizeof target);

    return length < 0 ? NULL : g_bytes_new(target, length);
}

static GBytes *read_all(int fd, gsize limit)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    guint8 buffer[65536];
    ssize_t got;

    while ((got = read(fd, buffer, sizeof buffer)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return NULL;
        g_byte_array_append(bytes, buffer, got);
        if (bytes->len > limit) {
            errno = EFBIG;
            return NULL;
        }
    }
    return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}

gboolean fix_tree_look(const struct fix_tree *tree, const char *path, gboolean content,
                       struct fix_state *state, GError **error)
{
    int fd = open_in(tree, path, O_PATH | O_NOFOLLOW, RESOLVE_STRICT);
    g_autoptr(GBytes) bytes = NULL;
    struct stat status;
    gboolean looked;

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return TRUE;
    if (fd < 0)
        return errno_error(error, errno, "%s: cannot be looked at", path);
    looked = fstat(fd, &status) == 0;
    if (looked) {
        state->node = node_of(status.st_mode);
        state->mode = state->node == FIX_LINK ? 0 : status.st_mode & MODE_BITS;
        state->uid = status.st_uid;
        state->gid = status.st_gid;
        state->names = status.st_nlink;
        if (state->node == FIX_LINK) {
            bytes = read_link(fd);
            looked = bytes != NULL;
        } else if (state->node == FIX_FILE && content) {
            int file = open_in(tree, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, RESOLVE_STRICT);

            bytes = file < 0 ? NULL : read_all(file, FIX_FILE_MAX);
            looked = bytes != NULL;
            if (file >= 0)
                close(file);
        }
    }
    if (!looked)
        errno_error(error, errno, "%s: cannot be read", path);
    else if (bytes)
        fix_state_set_content(state, bytes);
    close(fd);
    return looked;
}

struct fix_extra *fix_tree_look_extra(const struct fix_tree *tree, const char *path, GError **error)
{
    g_autoptr(fix_extra_t) extra = fix_extra_new();
    g_autofree char *names = g_malloc(XATTR_LIST_MAX), *value = g_malloc(XATTR_LIST_MAX);
    char name[DESCRIPTOR_PATH];
    struct stat status;
    ssize_t length;
    int fd = open_in(tree, path, O_PATH | O_NOFOLLOW, RESOLVE_STRICT);

    if (fd < 0 || fstat(fd, &status) < 0) {
        errno_error(error, errno, "%s: cannot be looked at", path);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    extra->accessed = status.st_atim;
    extra->modified = status.st_mtim;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    length = S_ISLNK(status.st_mode) ? 0 : listxattr(name, names, XATTR_LIST_MAX);
    for (char *at = names; length > 0 && at < names + length; at += strlen(at) + 1) {
        ssize_t size = getxattr(name, at, value, XATTR_LIST_MAX);

        if (size < 0)
            continue; /* gone since, or for others' eyes only */
        g_ptr_array_add(extra->names, g_strdup(at));
        g_ptr_array_add(extra->values, g_bytes_new(value, size));
    }
    close(fd);
    return g_steal_pointer(&extra);
}

static int compare_text(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static char **list(const struct fix_tree *tree, const char *path)
{
    int fd = open_in(tree, path, O_RDONLY | O_DIRECTORY, RESOLVE_FOLLOW);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    GPtrArray *names = g_ptr_array_new();
    struct dirent *entry;

    if (!folder && fd >= 0)
        close(fd);
    while (folder && (entry = readdir(folder)))
        g_ptr_array_add(names, g_strdup(entry->d_name));
    if (folder)
        closedir(folder);
    if (names->len)
        qsort(names->pdata, names->len, sizeof *names->pdata, compare_text);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

static void glob_into(const struct fix_tree *tree, const char *base, char *const *parts,
                      GPtrArray *found)
{
    g_auto(GStrv) names = NULL;

    if (!*parts) {
        int fd = open_in(tree, base, O_PATH | O_NOFOLLOW, RESOLVE_FOLLOW);

        if (fd >= 0) {
            close(fd);
            g_ptr_array_add(found, g_strdup(base));
        }
        return;
    }
    if (!strpbrk(*parts, "*?[")) {
        g_autofree char *joined = g_strconcat(base, "/", *parts, NULL);

        glob_into(tree, joined, parts + 1, found);
        return;
    }
    names = list(tree, *base ? base : "/");
    for (char **name = names; *name; name++)
        if (fnmatch(*parts, *name, FNM_PERIOD) == 0) {
            g_autofree char *path = g_strconcat(base, "/", *name, NULL);

            glob_into(tree, path, parts + 1, found);
        }
}

char **fix_tree_glob(const struct fix_tree *tree, const char *pattern)
{
    GPtrArray *found = g_ptr_array_new();
    g_auto(GStrv) parts = NULL;

    while (*pattern == '/')
        pattern++;
    parts = g_strsplit(pattern, "/", -1);
    glob_into(tree, "", parts, found);
    if (found->len)
        qsort(found->pdata, found->len, sizeof *found->pdata, compare_text);
    g_ptr_array_add(found, NULL);
    return (char **)g_ptr_array_free(found, FALSE);
}

char *fix_tree_text(const struct fix_tree *tree, const char *path)
{
    g_autofree char *resolved = fix_tree_resolve(tree, path, NULL);
    struct fix_state state = { 0 };
    char *text = NULL;

    if (resolved && fix_tree_look(tree, resolved, TRUE, &state, NULL) && state.node == FIX_FILE)
        text = g_strndup(g_bytes_get_data(state.content, NULL), g_bytes_get_size(state.content));
    fix_state_clear(&state);
    return text;
}

/* The folder of a resolved path, opened, and the name in it. */
static int open_folder(const struct fix_tree *tree, const char *path, char **name, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    int fd = open_in(tree, folder, O_RDONLY | O_DIRECTORY, RESOLVE_STRICT);

    *name = NULL;
    if (fd < 0)
        errno_error(error, errno, "%s: folder cannot be opened", folder);
    else
        *name = g_path_get_basename(path);
    return fd;
}

static char *temporary_name(const char *name)
{
    return g_strdup_printf(".%.200s.entente-new", name);
}

static gboolean sync_fd(int fd)
{
    return fsync(fd) == 0 || errno == EINVAL;
}

static gboolean write_content(int fd, GBytes *content)
{
    gsize length;
    const char *data = g_bytes_get_data(content, &length);

    return file_write_all(fd, data, length);
}

/* What a file system does not carry (a label in a container) is no reason to give up. */
static gboolean set_attributes(int fd, const struct fix_extra *extra)
{
    for (guint i = 0; extra && i < extra->names->len; i++) {
        gsize size;
        const void *value = g_bytes_get_data(extra->values->pdata[i], &size);

        if (fsetxattr(fd, extra->names->pdata[i], value ? value : "", size, 0) < 0 &&
            errno != ENOTSUP && errno != EPERM)
            return FALSE;
    }
    return TRUE;
}

static gboolean set_owner(int fd, const struct fix_state *wanted)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return FALSE;
    if (status.st_uid == wanted->uid && status.st_gid == wanted->gid)
        return TRUE;
    return fchownat(fd, "", wanted->uid, wanted->gid, AT_EMPTY_PATH) == 0;
}

static gboolean write_file(int folder, const char *temporary, const struct fix_state *wanted,
                           const struct fix_extra *extra)
{
    int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    gboolean done;

    if (fd < 0)
        return FALSE;
    done = write_content(fd, wanted->content) && set_owner(fd, wanted) &&
           set_attributes(fd, extra) && fchmod(fd, wanted->mode) == 0;
    if (done && extra && (extra->modified.tv_sec || extra->modified.tv_nsec)) {
        const struct timespec times[] = { extra->accessed, extra->modified };

        done = futimens(fd, times) == 0;
    }
    done = done && fsync(fd) == 0;
    if (close(fd) < 0)
        done = FALSE;
    return done;
}

static gboolean write_link(int folder, const char *temporary, const struct fix_state *wanted)
{
    g_autofree char *target =
        g_strndup(g_bytes_get_data(wanted->content, NULL), g_bytes_get_size(wanted->content));

    return symlinkat(target, folder, temporary) == 0 &&
           (geteuid() != 0 ||
            fchownat(folder, temporary, wanted->uid, wanted->gid, AT_SYMLINK_NOFOLLOW) == 0);
}

/* Who may write in the folder may have given somebody else's file a name there. */
static gboolean may_be_planted(int folder, const struct stat *status)
{
    struct stat around;

    return !S_ISDIR(status->st_mode) && status->st_nlink > 1 &&
           (fstat(folder, &around) < 0 || fix_tree_is_others(around.st_uid, around.st_mode));
}

/* Owner first: a change of owner takes set-user-ID bits away. EMLINK for a file of several names
 * that others may have planted. */
static gboolean change_in_place(int folder, const char *name, const struct fix_state *wanted,
                                const struct fix_extra *extra)
{
    int fd = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    char path[DESCRIPTOR_PATH];
    struct stat status;
    gboolean done;

    if (fd < 0)
        return FALSE;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    done = fstat(fd, &status) == 0 && node_of(status.st_mode) == wanted->node;
    if (done && may_be_planted(folder, &status)) {
        close(fd);
        errno = EMLINK;
        return FALSE;
    }
    done = done && set_owner(fd, wanted) && chmod(path, wanted->mode) == 0;
    if (done && (wanted->node == FIX_FILE || wanted->node == FIX_FOLDER)) {
        int real = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

        if (real >= 0) {
            done = set_attributes(real, extra) && sync_fd(real);
            close(real);
        }
    }
    close(fd);
    return done;
}

static gboolean make_folder(int folder, const char *name, const struct fix_state *wanted)
{
    if (mkdirat(folder, name, 0700) < 0 && errno != EEXIST)
        return FALSE;
    return change_in_place(folder, name, wanted, NULL);
}

static gboolean remove_at(int folder, const char *name)
{
    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT)
        return TRUE;
    return errno == EISDIR && unlinkat(folder, name, AT_REMOVEDIR) == 0;
}

gboolean fix_tree_put(const struct fix_tree *tree, const char *path, const struct fix_state *wanted,
                      const struct fix_extra *extra, GError **error)
{
    g_autofree char *name = NULL, *temporary = NULL;
    int folder = open_folder(tree, path, &name, error);
    gboolean done;

    if (folder < 0)
        return FALSE;
    temporary = temporary_name(name);
    if (wanted->node == FIX_ABSENT) {
        done = remove_at(folder, name);
    } else if (wanted->content) {
        done = remove_at(folder, temporary) &&
               (wanted->node == FIX_LINK ? write_link(folder, temporary, wanted)
                                         : write_file(folder, temporary, wanted, extra)) &&
               renameat(folder, temporary, folder, name) == 0;
    } else if (wanted->node == FIX_FOLDER) {
        done = make_folder(folder, name, wanted);
    } else {
        done = change_in_place(folder, name, wanted, extra);
    }
    done = done && sync_fd(folder);
    if (!done) {
        if (errno == EMLINK)
            policy_error(error,
                         "%s: has several names (hard links) and stands where others may write: "
                         "it may be another file, and is left as it is",
                         path);
        else
            errno_error(error, errno, "%s: cannot be changed", path);
        unlinkat(folder, temporary, 0);
    }
    close(folder);
    return done;
}

gboolean fix_tree_sweep(const struct fix_tree *tree, const char *path, GError **error)
{
    g_autofree char *name = NULL, *temporary = NULL;
    g_autofree char *parent = g_path_get_dirname(path);
    struct fix_state state = { 0 };
    gboolean done;
    int folder;

    if (!fix_tree_look(tree, parent, FALSE, &state, error))
        return FALSE;
    if (state.node == FIX_ABSENT)
        return TRUE;
    fix_state_clear(&state);
    folder = open_folder(tree, path, &name, error);
    if (folder < 0)
        return FALSE;
    temporary = temporary_name(name);
    done = remove_at(folder, temporary);
    if (!done)
        errno_error(error, errno, "%s/%s: cannot be removed", parent, temporary);
    close(folder);
    return done;
}
