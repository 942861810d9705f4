#include "p7_hygiene/host/walk.h"

#include "p7_hygiene/host/idset.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define BUFFER_SIZE (64u << 10)
#define MASK (STATX_TYPE | STATX_MODE | STATX_UID | STATX_GID)
#define ANY_EXECUTE (S_IXUSR | S_IXGRP | S_IXOTH)
#define DESCRIPTORS_MAX 400  /* folders kept open for their children; others' go by path */
#define PATH_SIZE_MAX 16384u /* what lies deeper is unread: every path kept costs so much */

/*
 * A folder waits with its parent, whose descriptor opens it. The descriptor is closed when the
 * last child is open, so a tree of any depth needs few; the name lives until the children are done.
 */
struct folder {
    struct folder *parent;
    int fd;          /* -1 when not open */
    gboolean keep;   /* `fd` stays open for the children; else they go by path */
    gint unopened;   /* children that need `fd`, + 1 while this one is read */
    gint references; /* children that are not done, + 1 */
    guint path_size;
    guint32 major, minor;
    guint8 programs; /* below /opt, /usr/local, ...: what can be executed is listed */
    char name[];
};

struct worker {
    struct pass *pass;
    GMutex lock;        /* guards `waiting`: the owner takes the newest, a thief the oldest */
    GPtrArray *waiting; /* of struct folder */
    guint first;        /* index of the oldest */
    struct walk_found found[WALK_LISTS];
    guint64 entries, folders, denied, unread;
    char *first_denied, *first_unread;
    guint passed_over;
    uid_t last_uid; /* known ones, as neighbours mostly have the same owner */
    gid_t last_gid;
    char *buffer;
};

struct pass {
    int root;
    const struct idset *users, *groups;
    struct worker workers[WALK_THREADS];
    gint unfinished; /* folders waiting or being read */
    gint descriptors;
    GMutex lock; /* guards `devices`, and the condition */
    GCond more;
    GArray *devices; /* of guint64: file systems entered */
};

/* --- what is looked for ---------------------------------------------------------------------- */

#define REGULAR (1u << (S_IFREG >> 12))
#define DIRECTORY (1u << (S_IFDIR >> 12))
#define ANY_TYPE 0xffffu

struct seen {
    const struct folder *folder;
    const char *name;
    const struct statx *status;
};

static gboolean is_open_folder(struct worker *worker, const struct seen *seen)
{
    return !(seen->status->stx_mode & S_ISVTX) || seen->status->stx_uid != 0;
}

static gboolean is_unowned(struct worker *worker, const struct seen *seen)
{
    const struct statx *status = seen->status;

    if (status->stx_uid == worker->last_uid && status->stx_gid == worker->last_gid)
        return FALSE;
    if (!idset_has(worker->pass->users, status->stx_uid) ||
        !idset_has(worker->pass->groups, status->stx_gid))
        return TRUE;
    worker->last_uid = status->stx_uid;
    worker->last_gid = status->stx_gid;
    return FALSE;
}

/* "gcc", "x86_64-linux-gnu-gcc-12", "cc", "as", "clang-14", "tcc". */
static gboolean is_compiler(struct worker *worker, const struct seen *seen)
{
    static const char *const names[] = { "gcc",     "cc",  "c++",      "g++",   "as", "clang",
                                         "clang++", "tcc", "gfortran", "rustc", "ghc" };
    const char *part = strstr(seen->name, "-linux-gnu-");
    const char *name = part ? part + strlen("-linux-gnu-") : seen->name;

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        gsize length = strlen(names[i]);

        if (strncmp(name, names[i], length) != 0)
            continue;
        if (!name[length])
            return TRUE;
        /* a version behind it */
        if (name[length] == '-' && name[length + 1] &&
            !name[length + 1 + strspn(name + length + 1, "0123456789.")])
            return TRUE;
    }
    return FALSE;
}

static gboolean is_local_program(struct worker *worker, const struct seen *seen)
{
    return seen->folder->programs;
}

/* A predicate is tried when the type fits and one of `bits` is set (0: always). */
static const struct predicate {
    guint types;
    mode_t bits;
    gboolean (*test)(struct worker *worker, const struct seen *seen);
} predicates[WALK_LISTS] = {
    [WALK_WORLD_WRITABLE] = { REGULAR, S_IWOTH, NULL },
    [WALK_OPEN_FOLDERS] = { DIRECTORY, S_IWOTH, is_open_folder },
    [WALK_UNOWNED] = { ANY_TYPE, 0, is_unowned },
    [WALK_SETID] = { REGULAR, S_ISUID | S_ISGID, NULL },
    [WALK_CAPABILITIES] = { 0, 0, NULL }, /* by look_for_capability() */
    [WALK_COMPILERS] = { REGULAR, S_IXOTH, is_compiler },
    [WALK_LOCAL_PROGRAMS] = { REGULAR, ANY_EXECUTE, is_local_program },
};

static void append_path(const struct folder *folder, GString *path)
{
    if (!folder->parent)
        return;
    append_path(folder->parent, path);
    g_string_append_c(path, '/');
    g_string_append(path, folder->name);
}

static char *path_of(const struct folder *folder, const char *name)
{
    GString *path = g_string_new(NULL);

    append_path(folder, path);
    if (name || !path->len)
        g_string_append_c(path, '/');
    if (name)
        g_string_append(path, name);
    return g_string_free(path, FALSE);
}

static struct walk_entry *keep(struct worker *worker, enum walk_list list, const struct seen *seen)
{
    struct walk_found *found = &worker->found[list];
    struct walk_entry entry = {
        .mode = seen->status->stx_mode,
        .uid = seen->status->stx_uid,
        .gid = seen->status->stx_gid,
    };

    found->total++;
    if (found->entries->len >= WALK_KEEP)
        return NULL;
    entry.path = path_of(seen->folder, seen->name);
    g_array_append_val(found->entries, entry);
    return &g_array_index(found->entries, struct walk_entry, found->entries->len - 1);
}

/* There is no getxattrat() before Linux 6.13: the descriptor's link in /proc stands for it. */
static void look_for_capability(struct worker *worker, const struct seen *seen)
{
    char path[64 + NAME_MAX + 1];
    guint8 value[WALK_CAPABILITY_MAX];
    struct walk_entry *entry;
    ssize_t length;

    g_snprintf(path, sizeof path, "/proc/self/fd/%d/%s", seen->folder->fd, seen->name);
    length = lgetxattr(path, "security.capability", value, sizeof value);
    if (length <= 0)
        return;
    entry = keep(worker, WALK_CAPABILITIES, seen);
    if (entry) {
        memcpy(entry->capability, value, length);
        entry->capability_length = length;
    }
}

static void look(struct worker *worker, const struct seen *seen)
{
    mode_t mode = seen->status->stx_mode;
    guint type = 1u << (mode >> 12);

    for (guint list = 0; list < WALK_LISTS; list++) {
        const struct predicate *predicate = &predicates[list];

        if ((predicate->types & type) && (!predicate->bits || (mode & predicate->bits)) &&
            (!predicate->test || predicate->test(worker, seen)))
            keep(worker, list, seen);
    }
    if (S_ISREG(mode) && (mode & ANY_EXECUTE))
        look_for_capability(worker, seen);
}

/* --- the queue ------------------------------------------------------------------------------- */

static void folder_unref(struct folder *folder)
{
    while (folder && g_atomic_int_dec_and_test(&folder->references)) {
        struct folder *parent = folder->parent;

        g_free(folder);
        folder = parent;
    }
}

/* One child less, or the folder itself, that reads by the descriptor. */
static void release_descriptor(struct pass *pass, struct folder *folder)
{
    if (!g_atomic_int_dec_and_test(&folder->unopened))
        return;
    close(folder->fd);
    folder->fd = -1;
    g_atomic_int_add(&pass->descriptors, -1);
}

static void give_up(struct worker *worker, const struct folder *folder, int code)
{
    gboolean denied = code == EACCES || code == EPERM;
    char **first = denied ? &worker->first_denied : &worker->first_unread;

    if (code == ENOENT) /* gone since its parent was read */
        return;
    *(denied ? &worker->denied : &worker->unread) += 1;
    if (!*first)
        *first = path_of(folder, NULL);
}

static void add_folder(struct worker *worker, struct folder *parent, const char *name,
                       const struct statx *status)
{
    gsize size = strlen(name) + 1;
    struct folder *folder = g_malloc(sizeof *folder + size);

    *folder = (struct folder){
        .parent = parent,
        .fd = -1,
        .unopened = 1,
        .references = 1,
        .path_size = parent->path_size + size,
        .major = status->stx_dev_major,
        .minor = status->stx_dev_minor,
        .programs = parent->programs,
    };
    memcpy(folder->name, name, size);
    if (folder->path_size > PATH_SIZE_MAX ||
        (guint)g_atomic_int_get(&worker->pass->unfinished) >= WALK_PENDING_MAX) {
        give_up(worker, folder, ENOBUFS);
        g_free(folder);
        return;
    }
    if (parent->keep)
        g_atomic_int_inc(&parent->unopened);
    g_atomic_int_inc(&parent->references);
    g_atomic_int_inc(&worker->pass->unfinished);
    g_mutex_lock(&worker->lock);
    g_ptr_array_add(worker->waiting, folder);
    g_mutex_unlock(&worker->lock);
}

static struct folder *take(struct worker *from, gboolean newest)
{
    struct folder *folder = NULL;

    g_mutex_lock(&from->lock);
    if (from->first < from->waiting->len) {
        if (newest) {
            folder = from->waiting->pdata[from->waiting->len - 1];
            g_ptr_array_set_size(from->waiting, from->waiting->len - 1);
        } else {
            folder = from->waiting->pdata[from->first++];
        }
        if (from->first == from->waiting->len) {
            g_ptr_array_set_size(from->waiting, 0);
            from->first = 0;
        }
    }
    g_mutex_unlock(&from->lock);
    return folder;
}

/* --- folders --------------------------------------------------------------------------------- */

static int open_at(int at, const char *name)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
    int fd = openat(at, name, flags | O_NOATIME);

    return fd < 0 && errno == EPERM ? openat(at, name, flags) : fd;
}

/* Gives 0, or why not. */
static int open_folder(struct pass *pass, struct folder *folder)
{
    struct folder *parent = folder->parent;
    int code;

    if (parent && !parent->keep) {
        g_autofree char *path = path_of(folder, NULL);

        folder->fd = open_at(pass->root, path + 1);
        return folder->fd < 0 ? errno : 0;
    }
    folder->fd = open_at(parent ? parent->fd : pass->root, folder->name);
    code = folder->fd < 0 ? errno : 0;
    if (parent)
        release_descriptor(pass, parent);
    return code;
}

/* File systems that hold files of this machine; whatever else is mounted is passed over. */
static gboolean is_local(int fd)
{
    static const unsigned long local[] = {
        EXT4_SUPER_MAGIC,          XFS_SUPER_MAGIC,      BTRFS_SUPER_MAGIC,
        F2FS_SUPER_MAGIC,          TMPFS_MAGIC,          RAMFS_MAGIC,
        0x2fc12fc1 /* zfs */,      0x3153464a /* jfs */, REISERFS_SUPER_MAGIC,
        0xca451a4e /* bcachefs */,
    };
    struct statfs status;

    if (fstatfs(fd, &status) < 0)
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(local); i++)
        if ((unsigned long)status.f_type == local[i])
            return TRUE;
    return FALSE;
}

/* Whether the file system behind a mount point is local and was not entered before. */
static gboolean enter(struct pass *pass, const struct folder *folder)
{
    guint64 device = (guint64)folder->major << 32 | folder->minor;
    gboolean known = FALSE;

    if (!is_local(folder->fd))
        return FALSE;
    g_mutex_lock(&pass->lock);
    for (guint i = 0; i < pass->devices->len; i++)
        known |= g_array_index(pass->devices, guint64, i) == device;
    if (!known)
        g_array_append_val(pass->devices, device);
    g_mutex_unlock(&pass->lock);
    return !known;
}

/* Folders at fixed places: which are passed over, and below which programs are listed. */
static gboolean pass_over(const struct folder *parent, const char *name)
{
    static const char *const root[] = { "proc", "sys", "dev", NULL };
    static const char *const layers[] = { "docker", "containers", "containerd", "lxc",
                                          "lxd",    "machines",   NULL };

    if (!parent->parent)
        return g_strv_contains(root, name);
    if (!parent->parent->parent || parent->parent->parent->parent)
        return FALSE;
    return g_str_equal(parent->name, "lib") && g_str_equal(parent->parent->name, "var") &&
           g_strv_contains(layers, name);
}

static void mark_programs(struct folder *folder)
{
    const struct folder *parent = folder->parent;
    const gboolean top = parent && !parent->parent;

    if (top && g_str_equal(folder->name, "opt"))
        folder->programs = TRUE;
    if (parent && parent->parent && !parent->parent->parent && g_str_equal(parent->name, "usr") &&
        g_str_equal(folder->name, "local"))
        folder->programs = TRUE;
}

struct linux_dirent64 {
    guint64 d_ino;
    gint64 d_off;
    guint16 d_reclen;
    guint8 d_type;
    char d_name[];
};

static gboolean is_dot(const char *name)
{
    return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

static void read_entry(struct worker *worker, struct folder *folder, const char *name)
{
    struct statx status;
    const struct seen seen = { folder, name, &status };

    if (statx(folder->fd, name, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, MASK,
              &status) < 0)
        return;
    worker->entries++;
    look(worker, &seen);
    if (!S_ISDIR(status.stx_mode) || pass_over(folder, name))
        return;
    /* A mount point on the same device shows files that have their place elsewhere. */
    if ((status.stx_attributes & STATX_ATTR_MOUNT_ROOT) && status.stx_dev_major == folder->major &&
        status.stx_dev_minor == folder->minor)
        worker->passed_over++;
    else
        add_folder(worker, folder, name, &status);
}

static void read_folder(struct worker *worker, struct folder *folder)
{
    struct pass *pass = worker->pass;
    const struct folder *parent = folder->parent;
    int code = open_folder(pass, folder);
    ssize_t got;

    if (code) {
        give_up(worker, folder, code);
        return;
    }
    folder->keep = g_atomic_int_add(&pass->descriptors, 1) < DESCRIPTORS_MAX;
    if (parent && (folder->major != parent->major || folder->minor != parent->minor) &&
        !enter(pass, folder)) {
        worker->passed_over++;
        release_descriptor(pass, folder);
        return;
    }
    mark_programs(folder);
    worker->folders++;
    while ((got = syscall(SYS_getdents64, folder->fd, worker->buffer, BUFFER_SIZE)) > 0)
        for (char *at = worker->buffer; at < worker->buffer + got;) {
            const struct linux_dirent64 *entry = (const struct linux_dirent64 *)at;

            if (!is_dot(entry->d_name))
                read_entry(worker, folder, entry->d_name);
            at += entry->d_reclen;
        }
    if (got < 0)
        give_up(worker, folder, errno);
    release_descriptor(pass, folder);
}

static struct folder *next_folder(struct worker *worker)
{
    struct pass *pass = worker->pass;
    struct folder *folder = take(worker, TRUE);

    for (guint i = 0; !folder && i < WALK_THREADS; i++)
        if (&pass->workers[i] != worker)
            folder = take(&pass->workers[i], FALSE);
    return folder;
}

/* Works until no folder waits and none is being read; an idle worker looks again every while. */
static gpointer work(gpointer data)
{
    const gint64 pause_us = 200;
    struct worker *worker = data;
    struct pass *pass = worker->pass;

    while (g_atomic_int_get(&pass->unfinished) > 0) {
        struct folder *folder = next_folder(worker);

        if (!folder) {
            g_mutex_lock(&pass->lock);
            if (g_atomic_int_get(&pass->unfinished) > 0)
                g_cond_wait_until(&pass->more, &pass->lock, g_get_monotonic_time() + pause_us);
            g_mutex_unlock(&pass->lock);
            continue;
        }
        read_folder(worker, folder);
        folder_unref(folder);
        g_atomic_int_add(&pass->unfinished, -1);
    }
    g_cond_broadcast(&pass->more);
    return NULL;
}

/* --- the fact -------------------------------------------------------------------------------- */

static void entry_clear(gpointer entry)
{
    g_free(((struct walk_entry *)entry)->path);
}

static GArray *entries_new(void)
{
    GArray *entries = g_array_new(FALSE, FALSE, sizeof(struct walk_entry));

    g_array_set_clear_func(entries, entry_clear);
    return entries;
}

static int compare_path(gconstpointer left, gconstpointer right)
{
    return strcmp(((const struct walk_entry *)left)->path,
                  ((const struct walk_entry *)right)->path);
}

static void start(struct pass *pass, struct host *host)
{
    pass->root = host_root_fd(host);
    pass->devices = g_array_new(FALSE, FALSE, sizeof(guint64));
    g_mutex_init(&pass->lock);
    g_cond_init(&pass->more);
    for (guint i = 0; i < WALK_THREADS; i++) {
        struct worker *worker = &pass->workers[i];

        worker->pass = pass;
        worker->buffer = g_malloc(BUFFER_SIZE);
        worker->waiting = g_ptr_array_new();
        worker->last_uid = worker->last_gid = G_MAXUINT32;
        g_mutex_init(&worker->lock);
        for (guint list = 0; list < WALK_LISTS; list++)
            worker->found[list].entries = entries_new();
    }
}

static void add_root(struct pass *pass)
{
    struct folder *root = g_malloc0(sizeof *root + sizeof ".");
    struct statx status;
    const struct seen seen = { root, NULL, &status };
    guint64 device;

    memcpy(root->name, ".", sizeof ".");
    root->fd = -1;
    root->unopened = 1;
    root->references = 1;
    if (statx(pass->root, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, MASK, &status) == 0) {
        root->major = status.stx_dev_major;
        root->minor = status.stx_dev_minor;
        look(&pass->workers[0], &seen);
    }
    device = (guint64)root->major << 32 | root->minor;
    g_array_append_val(pass->devices, device);
    g_ptr_array_add(pass->workers[0].waiting, root);
    pass->unfinished = 1;
}

static void take_first(char **into, char **from)
{
    if (!*into)
        *into = g_steal_pointer(from);
    g_clear_pointer(from, g_free);
}

static void merge(struct walk *walk, struct worker *worker)
{
    walk->entries += worker->entries;
    walk->folders += worker->folders;
    walk->denied += worker->denied;
    walk->unread += worker->unread;
    walk->passed_over += worker->passed_over;
    take_first(&walk->first_denied, &worker->first_denied);
    take_first(&walk->first_unread, &worker->first_unread);
    for (guint list = 0; list < WALK_LISTS; list++) {
        struct walk_found *into = &walk->found[list], *from = &worker->found[list];

        into->total += from->total;
        if (from->entries->len)
            g_array_append_vals(into->entries, from->entries->data, from->entries->len);
        g_array_set_clear_func(from->entries, NULL); /* the paths have moved */
        g_array_unref(from->entries);
    }
    g_ptr_array_unref(worker->waiting);
    g_mutex_clear(&worker->lock);
    g_free(worker->buffer);
}

/* One thread more than this one; without it (a limit of the sandbox) this one does all. */
static gpointer load(struct host *host)
{
    struct idset *users = idset_new(host_read(host, "/etc/passwd"), host_read(host, "/etc/subuid"));
    struct idset *groups = idset_new(host_read(host, "/etc/group"), host_read(host, "/etc/subgid"));
    struct pass pass = { .users = users, .groups = groups };
    struct walk *walk = g_new0(struct walk, 1);
    GThread *threads[WALK_THREADS] = { NULL };

    start(&pass, host);
    add_root(&pass);
    for (guint i = 1; i < WALK_THREADS; i++)
        threads[i] = g_thread_try_new("walk", work, &pass.workers[i], NULL);
    work(&pass.workers[0]);
    for (guint i = 1; i < WALK_THREADS; i++)
        if (threads[i])
            g_thread_join(threads[i]);
    for (guint list = 0; list < WALK_LISTS; list++)
        walk->found[list].entries = entries_new();
    for (guint i = 0; i < WALK_THREADS; i++)
        merge(walk, &pass.workers[i]);
    for (guint list = 0; list < WALK_LISTS; list++)
        g_array_sort(walk->found[list].entries, compare_path);
    g_array_unref(pass.devices);
    g_mutex_clear(&pass.lock);
    g_cond_clear(&pass.more);
    idset_free(users);
    idset_free(groups);
    return walk;
}

static void walk_free(gpointer fact)
{
    struct walk *walk = fact;

    for (guint list = 0; list < WALK_LISTS; list++)
        g_array_unref(walk->found[list].entries);
    g_free(walk->first_denied);
    g_free(walk->first_unread);
    g_free(walk);
}

const struct walk *walk_get(struct host *host)
{
    static const struct fact_kind kind = { "walk", load, walk_free };

    return host_fact(host, &kind);
}

void walk_gap(const struct walk *walk, struct finding *finding)
{
    if (walk->denied)
        finding_incomplete(finding, REASON_NEEDS_ROOT, "%s", walk->first_denied);
    if (walk->unread)
        finding_incomplete(finding, REASON_UNREADABLE, "%s", walk->first_unread);
}
