#include "base/error.h"
#include "base/file.h"
#include "log/checkpoint.h"
#include "log/wal_private.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES 2

struct wal_file {
    int fd;
    char *path;
    struct wal_header header;
    gboolean whole; /* the header could be read */
    guint64 allocated;
};

struct wal {
    char *folder;
    struct wal_file files[FILES];
    guint present; /* the file that is appended to */
    guint64 position;
    atomic_int marked;   /* the present file carries its mark */
    gboolean from_other; /* recovery begins in the other file */
};

static gboolean write_at(const struct wal_file *file, guint64 offset, const void *data,
                         gsize length, GError **error)
{
    gsize done = 0;

    while (done < length) {
        ssize_t put =
            pwrite(file->fd, (const guint8 *)data + done, length - done, (off_t)(offset + done));

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return errno_error(error, put ? errno : ENOSPC, "%s: cannot be written", file->path);
        done += (gsize)put;
    }
    return TRUE;
}

static gboolean sync_file(const struct wal_file *file, GError **error)
{
    return fdatasync(file->fd) == 0 ||
           errno_error(error, errno, "%s: cannot be synchronised", file->path);
}

/* Space for `end` bytes, in steps; a file system without fallocate grows as it is written. */
static gboolean allocate(struct wal_file *file, guint64 end, GError **error)
{
    const guint64 wanted = (end + WAL_STEP - 1) / WAL_STEP * WAL_STEP;

    if (end <= file->allocated)
        return TRUE;
    if (fallocate(file->fd, 0, 0, (off_t)wanted) < 0 && errno != EOPNOTSUPP && errno != ENOSYS)
        return errno_error(error, errno, "%s: no space for %" G_GUINT64_FORMAT " bytes", file->path,
                           wanted);
    if (fsync(file->fd) < 0)
        return errno_error(error, errno, "%s: cannot be synchronised", file->path);
    file->allocated = wanted;
    return TRUE;
}

/* ---- the two files ---- */

static char *file_path(const char *folder, guint number)
{
    return g_strdup_printf("%s/wal-%u", folder, number);
}

gboolean wal_exists(const char *folder)
{
    for (guint i = 0; i < FILES; i++) {
        g_autofree char *path = file_path(folder, i);

        if (access(path, F_OK) == 0)
            return TRUE;
    }
    return FALSE;
}

static void new_header(struct wal_header *header, const char *origin, guint64 generation,
                       guint64 start, const struct merkle_hash *root)
{
    wal_sha256(origin, strlen(origin), header->origin);
    header->generation = generation;
    randombytes_buf(header->salt, sizeof header->salt);
    header->start = start;
    header->root = *root;
}

gboolean wal_create(const char *folder, const char *origin, guint64 size,
                    const struct merkle_hash *root, GError **error)
{
    g_autofree char *path = file_path(folder, 1);
    guint8 pages[2 * WAL_PAGE];
    struct wal_header header;

    if (wal_exists(folder))
        return input_error(error, "%s: there is a log already", folder);
    new_header(&header, origin, 1, size, root);
    wal_header_write(&header, pages);
    wal_mark_write(&header, pages + WAL_PAGE);
    return file_create(path, pages, sizeof pages, 0600, error);
}

/* Only one process: an open file description's lock, which ends with it however it ends. */
static gboolean lock(const struct wal_file *file, const char *folder, GError **error)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    if (fcntl(file->fd, F_OFD_SETLK, &whole) == 0)
        return TRUE;
    if (errno == EAGAIN || errno == EACCES)
        return policy_error(error,
                            "%s: another process writes this log; stop it first (\"entente serve\" "
                            "takes entries over HTTP)",
                            folder);
    return errno_error(error, errno, "%s: cannot be locked", file->path);
}

static gboolean open_file(struct wal *wal, guint number, const guint8 *origin, GError **error)
{
    struct wal_file *file = &wal->files[number];
    guint8 page[WAL_PAGE];
    struct stat status;
    gssize got;

    file->path = file_path(wal->folder, number);
    file->fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file->fd < 0)
        return errno_error(error, errno, "%s: cannot be opened", file->path);
    if (!number && !lock(file, wal->folder, error))
        return FALSE;
    if (fstat(file->fd, &status) < 0)
        return errno_error(error, errno, "%s: cannot be read", file->path);
    file->allocated = (guint64)status.st_size / WAL_STEP * WAL_STEP;
    got = wal_read_at(file->fd, file->path, 0, page, sizeof page, error);
    if (got < 0)
        return FALSE;
    file->whole = got == sizeof page && wal_header_read(page, &file->header);
    /* What a killed writer wrote is in the page cache: nothing may rest on it before it is on disk.
     */
    if (file->whole && !sync_file(file, error))
        return FALSE;
    return !file->whole || memcmp(file->header.origin, origin, MERKLE_HASH_SIZE) == 0 ||
           input_error(error, "%s: belongs to a log of another origin than this key's", file->path);
}

static gboolean read_mark(const struct wal_file *file, gboolean *marked, GError **error)
{
    guint8 page[WAL_PAGE];
    gssize got = wal_read_at(file->fd, file->path, WAL_PAGE, page, sizeof page, error);

    *marked = got == sizeof page && wal_mark_read(page, &file->header);
    return got >= 0;
}

/* Finds the newest generation, and where recovery begins. */
static gboolean choose(struct wal *wal, GError **error)
{
    const struct wal_file *files = wal->files;
    gboolean marked, other_marked = FALSE;
    guint other;

    if (!files[0].whole && !files[1].whole)
        return found_error(error, "%s: neither wal-0 nor wal-1 has a whole header", wal->folder);
    wal->present = files[0].whole && (!files[1].whole ||
                                      files[0].header.generation > files[1].header.generation)
                       ? 0
                       : 1;
    other = !wal->present;
    if (!read_mark(&files[wal->present], &marked, error))
        return FALSE;
    wal->marked = marked;
    wal->from_other = !marked;
    if (marked)
        return TRUE;
    if (files[other].whole && !read_mark(&files[other], &other_marked, error))
        return FALSE;
    return (other_marked &&
            files[other].header.generation + 1 == files[wal->present].header.generation) ||
           found_error(error, "%s: the records before %s are damaged", wal->folder,
                       files[wal->present].path);
}

struct wal *wal_open(const char *folder, const char *origin, GError **error)
{
    g_autoptr(wal_t) wal = NULL;
    guint8 digest[MERKLE_HASH_SIZE];

    if (!wal_exists(folder)) {
        input_error(error, "%s: there is no log", folder);
        return NULL;
    }
    wal = g_new0(struct wal, 1);
    wal->folder = g_strdup(folder);
    wal_sha256(origin, strlen(origin), digest);
    for (guint i = 0; i < FILES; i++)
        wal->files[i].fd = -1;
    for (guint i = 0; i < FILES; i++)
        if (!open_file(wal, i, digest, error))
            return NULL;
    return choose(wal, error) ? g_steal_pointer(&wal) : NULL;
}

void wal_close(struct wal *wal)
{
    if (!wal)
        return;
    for (guint i = 0; i < FILES; i++) {
        if (wal->files[i].fd >= 0)
            close(wal->files[i].fd);
        g_free(wal->files[i].path);
    }
    g_free(wal->folder);
    g_free(wal);
}

void wal_base(const struct wal *wal, guint64 *size, struct merkle_hash *root)
{
    const struct wal_header *header =
        &wal->files[wal->from_other ? !wal->present : wal->present].header;

    *size = header->start;
    *root = header->root;
}

/* What follows the grown log while records are read: the newest header must continue it. */
struct replay {
    wal_record_fn each;
    gpointer data;
    guint64 size;
    struct merkle_hash root;
};

static gboolean replay_record(const struct wal_record *record, GBytes *bundle, GPtrArray *entries,
                              gpointer data, GError **error)
{
    struct replay *replay = data;

    if (record->first != replay->size ||
        record->count > (guint64)CHECKPOINT_SIZE_LIMIT - replay->size ||
        !replay->each(record, bundle, entries, replay->data, error))
        return FALSE;
    replay->size += record->count;
    replay->root = record->root;
    return TRUE;
}

/*
 * Writes the last record and the header once more and syncs them: after a failed sync the page
 * cache may show, as clean, what the disk never got.
 */
static gboolean make_durable(const struct wal_file *file, guint64 last, guint64 end, GError **error)
{
    const gsize length = last ? end - last : 0;
    g_autofree guint8 *bytes = g_malloc0(length);
    guint8 pages[2 * WAL_PAGE];

    return wal_read_at(file->fd, file->path, 0, pages, sizeof pages, error) >= 0 &&
           wal_read_at(file->fd, file->path, last, bytes, length, error) >= 0 &&
           write_at(file, 0, pages, sizeof pages, error) &&
           write_at(file, last, bytes, length, error) && sync_file(file, error) &&
           file_sync_folder_of(file->path, error);
}

gboolean wal_replay(struct wal *wal, wal_record_fn each, gpointer data, GError **error)
{
    const struct wal_file *present = &wal->files[wal->present];
    struct replay replay = { each, data, 0, { { 0 } } };
    guint64 last;

    wal_base(wal, &replay.size, &replay.root);
    if (wal->from_other) {
        const struct wal_file *other = &wal->files[!wal->present];

        if (!wal_records_read(other->fd, other->path, &other->header, replay_record, &replay,
                              &wal->position, &last, error))
            return FALSE;
        if (replay.size != present->header.start ||
            memcmp(&replay.root, &present->header.root, sizeof replay.root) != 0)
            return found_error(error,
                               "%s: holds entries up to %" G_GUINT64_FORMAT
                               ", and %s begins at %" G_GUINT64_FORMAT ": damaged",
                               other->path, replay.size, present->path, present->header.start);
    }
    return wal_records_read(present->fd, present->path, &present->header, replay_record, &replay,
                            &wal->position, &last, error) &&
           make_durable(present, last, wal->position, error);
}

/* ---- appending ---- */

GByteArray *wal_record_new(gsize capacity)
{
    GByteArray *bytes =
        g_byte_array_sized_new((guint)(WAL_RECORD_HEADER_SIZE + capacity + WAL_PAGE));

    g_byte_array_set_size(bytes, WAL_RECORD_HEADER_SIZE);
    return bytes;
}

gsize wal_record_length(const GByteArray *bytes)
{
    return bytes->len - WAL_RECORD_HEADER_SIZE;
}

GBytes *wal_record_bundle(GBytes *bytes, gsize length)
{
    return g_bytes_new_from_bytes(bytes, WAL_RECORD_HEADER_SIZE, length);
}

gboolean wal_append(struct wal *wal, GByteArray *bytes, guint64 first, guint32 count,
                    const struct merkle_hash *root, GError **error)
{
    struct wal_file *file = &wal->files[wal->present];
    const struct wal_record record = { first, count, (guint32)wal_record_length(bytes), *root };
    const gsize length = bytes->len, padded = wal_whole_pages(length);

    g_byte_array_set_size(bytes, (guint)padded);
    memset(bytes->data + length, 0, padded - length);
    wal_record_write(bytes->data, file->header.salt, &record);
    if (!allocate(file, wal->position + padded, error) ||
        !write_at(file, wal->position, bytes->data, padded, error) || !sync_file(file, error))
        return FALSE;
    wal->position += padded;
    return TRUE;
}

gboolean wal_is_full(const struct wal *wal)
{
    return wal->position >= WAL_STEP;
}

gboolean wal_is_marked(const struct wal *wal)
{
    return atomic_load(&wal->marked);
}

gboolean wal_is_empty(const struct wal *wal)
{
    return wal->position == WAL_RECORDS_START;
}

gboolean wal_must_wait(const struct wal *wal, gsize length)
{
    return wal->position + wal_whole_pages(WAL_RECORD_HEADER_SIZE + length) >
           (guint64)WAL_STEP * WAL_STEPS_LIMIT;
}

gboolean wal_mark(struct wal *wal, GError **error)
{
    const struct wal_file *file = &wal->files[wal->present];
    guint8 page[WAL_PAGE];

    wal_mark_write(&file->header, page);
    if (!write_at(file, WAL_PAGE, page, sizeof page, error) || !sync_file(file, error))
        return FALSE;
    atomic_store(&wal->marked, TRUE);
    return TRUE;
}

gboolean wal_begin(struct wal *wal, guint64 size, const struct merkle_hash *root, gboolean synced,
                   GError **error)
{
    const struct wal_header *old = &wal->files[wal->present].header;
    struct wal_file *file = &wal->files[!wal->present];
    guint8 pages[2 * WAL_PAGE] = { 0 };

    g_assert(wal_is_marked(wal));
    file->header = *old;
    file->header.generation++;
    randombytes_buf(file->header.salt, sizeof file->header.salt);
    file->header.start = size;
    file->header.root = *root;
    wal_header_write(&file->header, pages);
    if (synced)
        wal_mark_write(&file->header, pages + WAL_PAGE);
    if (!write_at(file, 0, pages, sizeof pages, error) || !sync_file(file, error))
        return FALSE;
    file->whole = TRUE;
    wal->present = !wal->present;
    wal->position = WAL_RECORDS_START;
    wal->marked = synced;
    return TRUE;
}
