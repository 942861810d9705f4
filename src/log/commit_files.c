/* commit_files.c: the commit log of one machine: the WAL's files, and the lock row's database. */
#include "log/commit_log.h"

struct commit_files {
    struct commit_log base;
    char *lock_file, *origin;
    struct wal *wal;
    struct lock_row *row; /* from lock_read on */
};

static struct commit_files *of(struct commit_log *log)
{
    return (struct commit_files *)log;
}

static const struct wal *wal_of(const struct commit_log *log)
{
    return ((const struct commit_files *)log)->wal;
}

static void base(const struct commit_log *log, guint64 *size, struct merkle_hash *root)
{
    wal_base(wal_of(log), size, root);
}

static gboolean replay(struct commit_log *log, wal_record_fn each, gpointer data, GError **error)
{
    return wal_replay(of(log)->wal, each, data, error);
}

static gboolean append(struct commit_log *log, GByteArray *bytes, guint64 first, guint32 count,
                       const struct merkle_hash *root, GError **error)
{
    return wal_append(of(log)->wal, bytes, first, count, root, error);
}

static gboolean is_full(const struct commit_log *log)
{
    return wal_is_full(wal_of(log));
}

static gboolean is_marked(const struct commit_log *log)
{
    return wal_is_marked(wal_of(log));
}

static gboolean must_wait(const struct commit_log *log, gsize length)
{
    return wal_must_wait(wal_of(log), length);
}

static gboolean is_empty(const struct commit_log *log)
{
    return wal_is_empty(wal_of(log));
}

static gboolean begin(struct commit_log *log, guint64 size, const struct merkle_hash *root,
                      gboolean synced, GError **error)
{
    return wal_begin(of(log)->wal, size, root, synced, error);
}

static gboolean mark(struct commit_log *log, GError **error)
{
    return wal_mark(of(log)->wal, error);
}

static gboolean lock_read(struct commit_log *log, struct lock_state *state, GError **error)
{
    struct commit_files *files = of(log);

    files->row = lock_row_open(files->lock_file, files->origin, state, error);
    return files->row != NULL;
}

static gboolean lock_take(struct commit_log *log, GError **error)
{
    return lock_row_take(of(log)->row, error);
}

static gboolean lock_advance(struct commit_log *log, const struct lock_state *next, GError **error)
{
    return lock_row_advance(of(log)->row, next, error);
}

/* The folder is all there is. */
static gboolean publish(struct commit_log *log, GBytes *note, guint64 size, gboolean trusted,
                        GError **error)
{
    return TRUE;
}

static void close_files(struct commit_log *log)
{
    struct commit_files *files = of(log);

    lock_row_close(files->row);
    wal_close(files->wal);
    g_free(files->lock_file);
    g_free(files->origin);
    g_free(files);
}

static const struct commit_log_calls calls = {
    .base = base,
    .replay = replay,
    .append = append,
    .is_full = is_full,
    .is_marked = is_marked,
    .must_wait = must_wait,
    .is_empty = is_empty,
    .begin = begin,
    .mark = mark,
    .lock_read = lock_read,
    .lock_take = lock_take,
    .lock_advance = lock_advance,
    .publish = publish,
    .close = close_files,
};

struct commit_log *commit_files_open(const char *folder, const char *lock_file, const char *origin,
                                     GError **error)
{
    struct commit_files *files = g_new0(struct commit_files, 1);
    g_autoptr(commit_log_t) log = &files->base;

    log->calls = &calls;
    files->lock_file = g_strdup(lock_file);
    files->origin = g_strdup(origin);
    log->place = files->lock_file;
    files->wal = wal_open(folder, origin, error);
    return files->wal ? g_steal_pointer(&log) : NULL;
}

void commit_log_close(struct commit_log *log)
{
    if (log)
        log->calls->close(log);
}
