/*
 * host.h: a machine, or a file tree that stands for one, looked at and never changed.
 *
 * Every path is resolved under one root descriptor (openat2, RESOLVE_IN_ROOT | NO_MAGICLINKS), so
 * the same code judges the running machine ("/") and an unpacked image (--root DIR, where proc/
 * and sys/ are ordinary files). Files are looked at before they are opened, opened O_NONBLOCK and
 * only read when regular; a FIFO, a device, a loop of links, a file beyond HOST_FILE_MAX has a
 * state that says so. No program is ever started. Content and parsed facts are kept for the life of
 * the host: ask as often as you like. Not thread-safe; one host per worker.
 */
#pragma once
#include "finding/measure.h"

#include <glib.h>
#include <sys/types.h>

#define HOST_FILE_MAX                                                                              \
    (8u << 20) /* bytes of one configuration file; sshd_config of 1 GB is refused */

enum host_state {
    HOST_OK,
    HOST_ABSENT,     /* ENOENT, ENOTDIR, a dangling link */
    HOST_DENIED,     /* EACCES, EPERM: root could look */
    HOST_UNREADABLE, /* not regular, too large, a loop of links, an I/O error */
};
/* What `errno` says of a file that could not be opened or read. */
enum host_state host_state_of(int code);

struct host_file {
    enum host_state state;
    const char *path; /* as asked for: absolute, seen from the root */
    mode_t mode;      /* with the type bits; 0 when state is not OK */
    uid_t uid;
    gid_t gid;
    guint64 size;
    gint64 mtime_us;
    dev_t device;
    char *text;   /* content, NUL-terminated (may hold other NULs); NULL after host_stat() */
    gsize length; /* bytes in `text` */
};

struct host *host_new(const char *root, const struct asset *asset, GError **error);
void host_free(struct host *host);
typedef struct host host_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(host_t, host_free)

gboolean host_is_live(const struct host *host); /* the root is "/" */
/* Whether it is looked at with root's rights: what cannot be read then is not there for root. */
gboolean host_is_privileged(const struct host *host);
/*
 * Reads what workers may not: what only the user id 0 reads whatever its capabilities (some files
 * of /proc/sys), and the running nf_tables, which to list takes the right to change them. For the
 * running machine; called before workers are forked.
 */
void host_keep_private(struct host *host);
int host_root_fd(const struct host *host);
/*
 * Between two looks the folder of the last one stays open. To be called before a fork whose child
 * closes what it does not know: its number would come to mean another file.
 */
void host_leave_folder(struct host *host);
/* Whether the asset has the declared role: "router", "mail", "workstation", "container-host", ...
 */
gboolean host_has_role(const struct host *host, const char *role);
/* Whether the running machine is a container (kernel settings are then the host's). */
gboolean host_is_container(struct host *host);

/* Never NULL; borrowed, kept until host_free(). host_lstat() looks at a link itself. */
const struct host_file *host_read(struct host *host, const char *path);
const struct host_file *host_stat(struct host *host, const char *path);
const struct host_file *host_lstat(struct host *host, const char *path);
/* Target of a link as written, or NULL. Owned by the caller. */
char *host_link(struct host *host, const char *path);
/* Names in a folder, sorted (strcmp), without "." and ".."; NULL with `state` when it cannot be
 * read. */
char **host_list(struct host *host, const char *path, enum host_state *state);
/* Paths that match, sorted; patterns as glob(3): * ? [] in any component. Never NULL. */
char **host_glob(struct host *host, const char *pattern);
/* Opens for reading (O_CLOEXEC | O_NONBLOCK), -1 with errno. `flags` adds O_DIRECTORY, O_PATH, ...
 */
int host_open(struct host *host, const char *path, int flags);
/* Whether `path` is, or links to, the null device: how a file of a lower folder is masked. */
gboolean host_is_null_device(struct host *host, const char *path);

/*
 * A fact: something parsed once per host, by a resolver module (sshd.h, sysctl.h, accounts.h, ...).
 * host_fact() loads it on first use and gives the same pointer from then on.
 */
struct fact_kind {
    const char *name;
    gpointer (*load)(struct host *host);
    void (*free)(gpointer fact);
};
gpointer host_fact(struct host *host, const struct fact_kind *kind);

/* Numbers of the processes that /proc lists now, as text, sorted by it. Never NULL. */
char **host_list_processes(struct host *host);
/* The same as they were at the first use: borrowed, one listing for all who look at each. */
char *const *host_processes(struct host *host);

/*
 * For judges: when `file` is not HOST_OK, says in `finding` that nothing could be measured
 * (needs-root, absent, unreadable, with the path) and returns TRUE.
 */
gboolean host_missing(struct finding *finding, const struct host_file *file);
/* As host_missing(), but through finding_incomplete(); an absent file is no gap. */
gboolean host_gap(struct finding *finding, const struct host_file *file);

/* Calls `each` for every line of a text, without the line feed; lines count from 1. */
typedef void (*host_line_fn)(guint line, const char *text, gsize length, gpointer data);
void host_each_line(const struct host_file *file, host_line_fn each, gpointer data);
