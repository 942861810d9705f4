#include "log/mirror.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEVELS 8 /* of tiles: 256^8 is more than a log can hold */
#define FOLDER_MODE 0755
#define FILE_MODE 0644
#define CHECKPOINT_FILE "checkpoint"
#define HISTORY_FILE "history"

/* The right edge: what is in the last, partial tile of each level. */
struct edge {
    guint64 size;
    GArray *levels[LEVELS]; /* struct merkle_hash, fewer than TILE_WIDTH each */
    GByteArray *bundle;     /* the last, partial one */
};

struct mirror {
    char *folder;
    struct merkle *merkle;
    struct edge edge;
    struct merkle_hash root;
    /* What was copied and does not count yet. */
    gboolean is_pending;
    struct edge pending;
    struct merkle_hash pending_root;
};

static void edge_init(struct edge *edge)
{
    edge->size = 0;
    for (guint level = 0; level < LEVELS; level++)
        edge->levels[level] = g_array_new(FALSE, FALSE, sizeof(struct merkle_hash));
    edge->bundle = g_byte_array_new();
}

static void edge_clear(struct edge *edge)
{
    for (guint level = 0; level < LEVELS; level++)
        g_array_unref(edge->levels[level]);
    g_byte_array_unref(edge->bundle);
}

/*
 * A level's hashes stand for perfect trees of one size, and what is below them for one smaller
 * tree at the right: the whole has the shape of a tree over that list (RFC 6962 section 2.1).
 */
static struct merkle_hash edge_root(const struct edge *edge, struct merkle *merkle)
{
    struct merkle_hash root = merkle_root(merkle, NULL, 0);
    gboolean is_empty = TRUE;

    for (guint level = 0; level < LEVELS; level++) {
        const GArray *hashes = edge->levels[level];
        struct merkle_hash list[TILE_WIDTH];
        guint count = hashes->len;

        if (count > 0)
            memcpy(list, hashes->data, count * sizeof *list);
        if (!is_empty)
            list[count++] = root;
        if (count == 0)
            continue;
        root = merkle_root(merkle, list, count);
        is_empty = FALSE;
    }
    return root;
}

static struct tile tile_at(int level, guint64 size)
{
    guint64 count = size >> (level == TILE_ENTRIES ? 0 : (guint)level * TILE_HEIGHT);

    return (struct tile){ level, count / TILE_WIDTH, (guint)(count % TILE_WIDTH) };
}

static char *path_of(const struct mirror *mirror, const struct tile *tile)
{
    g_autofree char *path = tile_path(tile);

    return g_build_filename(mirror->folder, path, NULL);
}

/*
 * Not synced: a copy is as good as its checkpoint, and all files are synced before that is
 * written. The rename keeps readers of the folder from half a file.
 */
static gboolean put_tile(const struct mirror *mirror, const struct tile *tile, const void *data,
                         gsize length, GError **error)
{
    g_autofree char *path = path_of(mirror, tile);
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *temporary = g_strconcat(path, ".new", NULL);
    int file;
    gboolean good;

    if (!file_make_folder(folder, FOLDER_MODE, error))
        return FALSE;
    file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (file < 0)
        return errno_error(error, errno, "%s", temporary);
    good = length == 0 || write(file, data, length) == (gssize)length;
    if (!good)
        errno_error(error, errno ? errno : ENOSPC, "%s", temporary);
    if (close(file) != 0 && good)
        good = errno_error(error, errno, "%s", temporary);
    if (good && rename(temporary, path) != 0)
        good = errno_error(error, errno, "%s", path);
    if (!good)
        unlink(temporary);
    return good;
}

static gboolean put_hashes(const struct mirror *mirror, const struct tile *tile,
                           const GArray *hashes, GError **error)
{
    return put_tile(mirror, tile, hashes->data, hashes->len * sizeof(struct merkle_hash), error);
}

static gboolean sync_all(const struct mirror *mirror, GError **error)
{
    int folder = open(mirror->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    gboolean good;

    if (folder < 0)
        return errno_error(error, errno, "%s", mirror->folder);
    good = syncfs(folder) == 0 || errno_error(error, errno, "%s: sync", mirror->folder);
    close(folder);
    return good;
}

/* --- reading what is there --- */

static GBytes *read_tile(const struct mirror *mirror, const struct tile *tile, gsize limit,
                         GError **error)
{
    g_autofree char *path = path_of(mirror, tile);

    return file_read(path, limit, error);
}

static gboolean load_edge(struct mirror *mirror, guint64 size, GError **error)
{
    struct tile bundle = tile_at(TILE_ENTRIES, size);

    for (int level = 0; level < LEVELS; level++) {
        struct tile tile = tile_at(level, size);
        g_autoptr(GBytes) bytes = NULL;

        if (tile.width == 0)
            continue;
        bytes = read_tile(mirror, &tile, TILE_BYTES, error);
        if (!bytes)
            return FALSE;
        if (g_bytes_get_size(bytes) != tile.width * sizeof(struct merkle_hash))
            return found_error(error, "%s: a tile has the wrong size", mirror->folder);
        g_array_append_vals(mirror->edge.levels[level], g_bytes_get_data(bytes, NULL), tile.width);
    }
    if (bundle.width > 0) {
        g_autoptr(GBytes) bytes = read_tile(mirror, &bundle, BUNDLE_LIMIT, error);
        g_autoptr(GPtrArray) entries = bytes ? bundle_split(bytes, bundle.width, error) : NULL;

        if (!entries)
            return FALSE;
        g_byte_array_append(mirror->edge.bundle, g_bytes_get_data(bytes, NULL),
                            (guint)g_bytes_get_size(bytes));
    }
    mirror->edge.size = size;
    return TRUE;
}

static gboolean load(struct mirror *mirror, GError **error)
{
    g_autofree char *path = g_build_filename(mirror->folder, CHECKPOINT_FILE, NULL);
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(note_t) note = NULL;
    g_autoptr(checkpoint_t) checkpoint = NULL;

    mirror->root = edge_root(&mirror->edge, mirror->merkle);
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return TRUE;
    bytes = file_read(path, NOTE_LIMIT, error);
    note = bytes ? note_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), path, error)
                 : NULL;
    checkpoint = note ? checkpoint_parse(g_bytes_get_data(note->text, NULL),
                                         g_bytes_get_size(note->text), error)
                      : NULL;
    if (!checkpoint || !load_edge(mirror, checkpoint->size, error))
        return FALSE;
    mirror->root = edge_root(&mirror->edge, mirror->merkle);
    if (memcmp(&mirror->root, &checkpoint->root, sizeof mirror->root) != 0)
        return found_error(error,
                           "%s: its tiles do not make its checkpoint's root; remove the copy",
                           mirror->folder);
    return TRUE;
}

struct mirror *mirror_open(const char *folder, GError **error)
{
    g_autoptr(mirror_t) mirror = g_new0(struct mirror, 1);

    mirror->folder = g_strdup(folder);
    mirror->merkle = merkle_new();
    edge_init(&mirror->edge);
    if (!file_make_folder(folder, FOLDER_MODE, error) || !load(mirror, error))
        return NULL;
    return g_steal_pointer(&mirror);
}

void mirror_close(struct mirror *mirror)
{
    if (!mirror)
        return;
    edge_clear(&mirror->edge);
    if (mirror->is_pending)
        edge_clear(&mirror->pending);
    merkle_free(mirror->merkle);
    g_free(mirror->folder);
    g_free(mirror);
}

guint64 mirror_size(const struct mirror *mirror)
{
    return mirror->edge.size;
}

const struct merkle_hash *mirror_root(const struct mirror *mirror)
{
    return &mirror->root;
}

/* --- growing --- */

struct growth {
    struct mirror *mirror;
    log_entry_fn each;
    gpointer data;
};

static gboolean add_hash(struct growth *growth, guint level, struct merkle_hash hash,
                         GError **error)
{
    struct edge *edge = &growth->mirror->pending;

    for (; level < LEVELS; level++) {
        GArray *hashes = edge->levels[level];
        struct tile tile = { (int)level, 0, TILE_WIDTH };

        g_array_append_val(hashes, hash);
        if (hashes->len < TILE_WIDTH)
            return TRUE;
        tile.index = (edge->size - 1) >> ((level + 1) * TILE_HEIGHT);
        if (!put_hashes(growth->mirror, &tile, hashes, error))
            return FALSE;
        hash = merkle_root(growth->mirror->merkle, (const struct merkle_hash *)hashes->data,
                           TILE_WIDTH);
        g_array_set_size(hashes, 0);
    }
    return system_error(error, "the log is too large");
}

static gboolean add_entry(guint64 index, GBytes *entry, gpointer data, GError **error)
{
    struct growth *growth = data;
    struct edge *edge = &growth->mirror->pending;
    gsize length;
    const void *bytes = g_bytes_get_data(entry, &length);
    struct tile bundle = { TILE_ENTRIES, index / TILE_WIDTH, TILE_WIDTH };

    if (growth->each && !growth->each(index, entry, growth->data, error))
        return FALSE;
    bundle_append(edge->bundle, bytes, length);
    edge->size++;
    if (edge->size % TILE_WIDTH == 0) {
        if (!put_tile(growth->mirror, &bundle, edge->bundle->data, edge->bundle->len, error))
            return FALSE;
        g_byte_array_set_size(edge->bundle, 0);
    }
    return add_hash(growth, 0, merkle_leaf(growth->mirror->merkle, bytes, length), error);
}

static gboolean put_partials(const struct mirror *mirror, GError **error)
{
    const struct edge *edge = &mirror->pending;
    struct tile bundle = tile_at(TILE_ENTRIES, edge->size);

    for (int level = 0; level < LEVELS; level++) {
        struct tile tile = tile_at(level, edge->size);

        if (tile.width > 0 && !put_hashes(mirror, &tile, edge->levels[level], error))
            return FALSE;
    }
    return bundle.width == 0 ||
           put_tile(mirror, &bundle, edge->bundle->data, edge->bundle->len, error);
}

static void drop_partial(const struct mirror *mirror, int level, guint64 old_size, guint64 size)
{
    struct tile old = tile_at(level, old_size), now = tile_at(level, size);
    g_autofree char *path = NULL;
    g_autofree char *folder = NULL;

    if (old.width == 0 || (old.index == now.index && old.width == now.width))
        return;
    path = path_of(mirror, &old);
    folder = g_path_get_dirname(path);
    unlink(path);
    rmdir(folder); /* stays while it holds others */
}

static void edge_copy(struct edge *to, const struct edge *from)
{
    edge_init(to);
    to->size = from->size;
    for (guint level = 0; level < LEVELS; level++)
        g_array_append_vals(to->levels[level], from->levels[level]->data, from->levels[level]->len);
    g_byte_array_append(to->bundle, from->bundle->data, from->bundle->len);
}

static void drop_pending(struct mirror *mirror)
{
    if (mirror->is_pending)
        edge_clear(&mirror->pending);
    mirror->is_pending = FALSE;
}

gboolean mirror_copy(struct mirror *mirror, struct log_reader *reader,
                     const struct checkpoint *checkpoint, log_entry_fn each, gpointer data,
                     GError **error)
{
    struct growth growth = { mirror, each, data };

    if (checkpoint->size < mirror->edge.size)
        return input_error(error, "the copy is larger than this checkpoint");
    drop_pending(mirror);
    edge_copy(&mirror->pending, &mirror->edge);
    mirror->is_pending = TRUE;
    if (checkpoint->size > mirror->edge.size &&
        !log_reader_each(reader, mirror->edge.size, checkpoint->size, add_entry, &growth, error)) {
        drop_pending(mirror);
        return FALSE;
    }
    mirror->pending_root = edge_root(&mirror->pending, mirror->merkle);
    if (memcmp(&mirror->pending_root, &checkpoint->root, sizeof checkpoint->root) == 0 &&
        put_partials(mirror, error))
        return TRUE;
    if (error && !*error)
        found_error(error,
                    "the log of %" G_GUINT64_FORMAT
                    " entries does not begin with the %" G_GUINT64_FORMAT " copied before",
                    checkpoint->size, mirror->edge.size);
    drop_pending(mirror);
    return FALSE;
}

gboolean mirror_keep(struct mirror *mirror, GBytes *note, GError **error)
{
    g_autofree char *path = g_build_filename(mirror->folder, CHECKPOINT_FILE, NULL);
    guint64 old_size = mirror->edge.size, size = mirror->pending.size;

    g_assert(mirror->is_pending);
    if (!sync_all(mirror, error) ||
        !file_write(path, g_bytes_get_data(note, NULL), g_bytes_get_size(note), FILE_MODE, error))
        return FALSE;
    edge_clear(&mirror->edge);
    mirror->edge = mirror->pending;
    mirror->root = mirror->pending_root;
    mirror->is_pending = FALSE;
    for (int level = TILE_ENTRIES; level < LEVELS; level++)
        drop_partial(mirror, level, old_size, size);
    return TRUE;
}

/* --- the history --- */

guint64 mirror_history_size(const struct mirror *mirror)
{
    g_autofree char *path = g_build_filename(mirror->folder, HISTORY_FILE, NULL);
    struct stat status;

    return stat(path, &status) == 0 ? (guint64)status.st_size : 0;
}

/* Bytes of whole records at the beginning of `data`. */
static gsize whole_records(const guint8 *data, gsize size)
{
    gsize at = 0;

    while (size - at >= sizeof(guint32)) {
        guint32 length = (guint32)data[at] << 24 | (guint32)data[at + 1] << 16 |
                         (guint32)data[at + 2] << 8 | data[at + 3];

        if (length > size - at - sizeof(guint32))
            break;
        at += sizeof(guint32) + length;
    }
    return at;
}

gboolean mirror_history_append(struct mirror *mirror, GBytes *bytes, GError **error)
{
    g_autofree char *path = g_build_filename(mirror->folder, HISTORY_FILE, NULL);
    gsize size;
    const guint8 *data = g_bytes_get_data(bytes, &size);
    guint64 start = mirror_history_size(mirror);
    gsize whole = whole_records(data, size);
    int file;
    gboolean good;

    if (whole == 0)
        return TRUE;
    file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (file < 0)
        return errno_error(error, errno, "%s", path);
    good = write(file, data, whole) == (gssize)whole && fdatasync(file) == 0;
    if (!good) {
        errno_error(error, errno ? errno : ENOSPC, "%s", path);
        /* Half a record would be in the way of the next. */
        if (ftruncate(file, (off_t)start) != 0)
            g_debug("%s: %s", path, g_strerror(errno));
    }
    close(file);
    return good;
}
