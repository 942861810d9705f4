#include "log/tile_set.h"

#include "base/error.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define LEVELS 8 /* 8 * 8 levels of nodes: more than 2^63 entries have */
#define FOLDER_MODE 0755
#define FILE_MODE 0644
#define PARTIAL ".p"

/* A tile stays open until its file is there: at each moment one of the two can be read. */
struct open_tile {
    guint64 index;
    guint width;
    struct merkle_hash hashes[TILE_WIDTH];
};

struct tile_set {
    char *folder;
    int folder_fd; /* opened before anything is written, for syncfs() */
    struct merkle *merkle;
    pthread_mutex_t lock; /* of what follows; only the appending thread changes it */
    guint64 size;
    struct open_tile open[LEVELS];
    guint64 bundle_index;
    GByteArray *bundle;
    guint bundle_ends[TILE_WIDTH]; /* where each entry of the bundle ends */
    GPtrArray *obsolete;           /* (char *) folders of partial tiles that are full by now */
    guint writes;                  /* names of temporary files */
};

static char *path_of(const struct tile_set *set, int level, guint64 index, guint width)
{
    const struct tile tile = { level, index, width };
    g_autofree char *path = tile_path(&tile);

    return g_build_filename(set->folder, path, NULL);
}

/* Renames into place; the folder is made when it is the first of its kind. */
static gboolean put_in_place(const char *temporary, const char *path, GError **error)
{
    g_autofree char *folder = NULL;

    if (rename(temporary, path) == 0)
        return TRUE;
    folder = g_path_get_dirname(path);
    if (errno == ENOENT && g_mkdir_with_parents(folder, FOLDER_MODE) == 0 &&
        rename(temporary, path) == 0)
        return TRUE;
    return errno_error(error, errno, "%s: cannot be put in place", path);
}

/* Whether a file holds exactly these bytes; then a recovery leaves it alone. */
static gboolean is_there(const char *path, const void *data, gsize length)
{
    g_autoptr(GBytes) bytes = NULL;
    gsize size;

    if (access(path, F_OK) != 0)
        return FALSE;
    bytes = file_read(path, BUNDLE_LIMIT, NULL);
    return bytes && memcmp(g_bytes_get_data(bytes, &size), data, MIN(length, size)) == 0 &&
           size == length;
}

static gboolean write_file(struct tile_set *set, const char *path, const void *data, gsize length,
                           GError **error)
{
    g_autofree char *temporary = NULL;
    gboolean done;
    int fd;

    if (is_there(path, data, length))
        return TRUE;
    pthread_mutex_lock(&set->lock);
    temporary = g_strdup_printf("%s/tile/.new-%u", set->folder, set->writes++);
    pthread_mutex_unlock(&set->lock);
    fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (fd < 0)
        return errno_error(error, errno, "%s: cannot be written", temporary);
    done = file_write_all(fd, data, length);
    if (!done)
        errno_error(error, errno, "%s: cannot be written", path);
    if (close(fd) < 0 && done)
        done = errno_error(error, errno, "%s: cannot be written", path);
    done = done && put_in_place(temporary, path, error);
    if (!done)
        unlink(temporary);
    return done;
}

/* ---- appending ---- */

/* The full tile at `level` is written, its hash goes up, and a new one begins. */
static gboolean close_tile(struct tile_set *set, guint level, guint64 index, GError **error)
{
    struct open_tile *tile = &set->open[level], *parent = tile + 1;
    g_autofree char *path = path_of(set, (int)level, index, TILE_WIDTH);
    const struct merkle_hash root = merkle_root(set->merkle, tile->hashes, TILE_WIDTH);

    if (!write_file(set, path, tile->hashes, sizeof tile->hashes, error))
        return FALSE;
    pthread_mutex_lock(&set->lock);
    tile->width = 0;
    tile->index++;
    parent->hashes[parent->width++] = root;
    g_ptr_array_add(set->obsolete, g_strconcat(path, PARTIAL, NULL));
    pthread_mutex_unlock(&set->lock);
    return TRUE;
}

/* `size` is a multiple of TILE_WIDTH now. */
static gboolean close_tiles(struct tile_set *set, guint64 size, GError **error)
{
    g_autofree char *path = path_of(set, TILE_ENTRIES, size / TILE_WIDTH - 1, TILE_WIDTH);

    if (!write_file(set, path, set->bundle->data, set->bundle->len, error))
        return FALSE;
    pthread_mutex_lock(&set->lock);
    g_byte_array_set_size(set->bundle, 0);
    set->bundle_index++;
    g_ptr_array_add(set->obsolete, g_strconcat(path, PARTIAL, NULL));
    pthread_mutex_unlock(&set->lock);
    for (guint level = 0; level + 1 < LEVELS && set->open[level].width == TILE_WIDTH; level++) {
        size /= TILE_WIDTH;
        if (!close_tile(set, level, size - 1, error))
            return FALSE;
    }
    return TRUE;
}

gboolean tile_set_append(struct tile_set *set, const struct merkle_hash *leaves, GPtrArray *entries,
                         GError **error)
{
    struct open_tile *tile = &set->open[0];

    for (guint i = 0; i < entries->len;) {
        const guint room = MIN(TILE_WIDTH - tile->width, entries->len - i);

        pthread_mutex_lock(&set->lock);
        memcpy(&tile->hashes[tile->width], &leaves[i], room * sizeof *leaves);
        for (guint j = 0; j < room; j++) {
            gsize length;
            const void *data = g_bytes_get_data(entries->pdata[i + j], &length);

            bundle_append(set->bundle, data, length);
            set->bundle_ends[tile->width + j] = set->bundle->len;
        }
        tile->width += room;
        set->size += room;
        pthread_mutex_unlock(&set->lock);
        i += room;
        if (tile->width == TILE_WIDTH && !close_tiles(set, set->size, error))
            return FALSE;
    }
    return TRUE;
}

guint64 tile_set_size(struct tile_set *set)
{
    guint64 size;

    pthread_mutex_lock(&set->lock);
    size = set->size;
    pthread_mutex_unlock(&set->lock);
    return size;
}

/* ---- partial tiles ---- */

/* A copy of the first hashes or bytes of an open tile; NULL when the full one is written, or there
 * are none. */
static GBytes *partial_content(struct tile_set *set, int level, guint64 index, guint width)
{
    GBytes *bytes = NULL;

    if (!width)
        return NULL;
    pthread_mutex_lock(&set->lock);
    if (level == TILE_ENTRIES) {
        if (set->bundle_index == index)
            bytes = g_bytes_new(set->bundle->data, set->bundle_ends[width - 1]);
    } else if (set->open[level].index == index) {
        bytes = g_bytes_new(set->open[level].hashes, width * sizeof(struct merkle_hash));
    }
    pthread_mutex_unlock(&set->lock);
    return bytes;
}

gboolean tile_set_write_partial(struct tile_set *set, guint64 size, GError **error)
{
    for (int level = TILE_ENTRIES; level < LEVELS; level++) {
        const guint shift = TILE_HEIGHT * (guint)(MAX(level, 0) + 1);
        const guint64 index = shift < 64 ? size >> shift : 0;
        const guint width = tile_width(level, index, size);
        g_autoptr(GBytes) bytes = partial_content(set, level, index, width);
        g_autofree char *path = NULL;
        gsize length;
        const void *data;

        if (!bytes)
            continue;
        path = path_of(set, level, index, width);
        data = g_bytes_get_data(bytes, &length);
        if (!write_file(set, path, data, length, error))
            return FALSE;
    }
    return TRUE;
}

static void remove_folder(const char *path)
{
    g_autoptr(GDir) entries = g_dir_open(path, 0, NULL);
    const char *name;

    if (!entries)
        return;
    while ((name = g_dir_read_name(entries))) {
        g_autofree char *file = g_build_filename(path, name, NULL);

        unlink(file);
    }
    rmdir(path);
}

gboolean tile_set_sync(struct tile_set *set, GError **error)
{
    g_autoptr(GPtrArray) obsolete = NULL;

    pthread_mutex_lock(&set->lock);
    obsolete = set->obsolete;
    set->obsolete = g_ptr_array_new_with_free_func(g_free);
    pthread_mutex_unlock(&set->lock);
    if (syncfs(set->folder_fd) < 0)
        return errno_error(error, errno, "%s: cannot be synchronised", set->folder);
    for (guint i = 0; i < obsolete->len; i++)
        remove_folder(obsolete->pdata[i]);
    return TRUE;
}

/* ---- reading ---- */

/* The first `length` bytes (0: all) of the tile: as it is, or of the full or a wider one. */
static GBytes *read_tile(const struct tile_set *set, int level, guint64 index, guint width,
                         GError **error)
{
    g_autofree char *full = path_of(set, level, index, TILE_WIDTH);
    g_autofree char *exact = path_of(set, level, index, width);
    g_autofree char *partial = g_strconcat(full, PARTIAL, NULL);
    g_autoptr(GDir) entries = NULL;
    const char *name;

    if (access(exact, F_OK) == 0)
        return file_read(exact, BUNDLE_LIMIT, error);
    if (access(full, F_OK) == 0)
        return file_read(full, BUNDLE_LIMIT, error);
    entries = g_dir_open(partial, 0, NULL);
    while (entries && (name = g_dir_read_name(entries))) {
        g_autofree char *path = g_build_filename(partial, name, NULL);

        if (g_ascii_strtoull(name, NULL, 10) > width)
            return file_read(path, BUNDLE_LIMIT, error);
    }
    found_error(error,
                "%s: this tile is missing, and nothing else holds it: restore the folder "
                "from a mirror",
                exact);
    return NULL;
}

static gboolean load_hashes(struct tile_set *set, guint level, guint64 index, guint width,
                            GError **error)
{
    g_autoptr(GBytes) bytes = width ? read_tile(set, (int)level, index, width, error) : NULL;
    gsize length = 0;
    const void *data = bytes ? g_bytes_get_data(bytes, &length) : NULL;

    if (!width)
        return TRUE;
    if (!bytes)
        return FALSE;
    if (length < width * sizeof(struct merkle_hash))
        return found_error(error, "%s: tile %u/%" G_GUINT64_FORMAT " is cut short", set->folder,
                           level, index);
    memcpy(set->open[level].hashes, data, width * sizeof(struct merkle_hash));
    set->open[level].width = width;
    return TRUE;
}

/* Reads entries and compares each with its leaf hash; keeps the bundle when it is the open one. */
static gboolean load_bundle(struct tile_set *set, guint64 index, guint width,
                            const struct merkle_hash *leaves, gboolean keep, GError **error)
{
    g_autoptr(GBytes) bytes = read_tile(set, TILE_ENTRIES, index, width, error);
    gsize size, at = 0;
    const guint8 *data = bytes ? g_bytes_get_data(bytes, &size) : NULL;

    if (!bytes)
        return FALSE;
    for (guint i = 0; i < width; i++) {
        const gsize length = size - at >= 2 ? (gsize)data[at] << 8 | data[at + 1] : size;
        struct merkle_hash leaf;

        if (size - at < 2 + length)
            return found_error(error, "%s: bundle %" G_GUINT64_FORMAT " is cut short", set->folder,
                               index);
        leaf = merkle_leaf(set->merkle, data + at + 2, length);
        if (memcmp(&leaf, &leaves[i], sizeof leaf) != 0)
            return found_error(error, "%s: entry %" G_GUINT64_FORMAT " is not the one in the tree",
                               set->folder, index * TILE_WIDTH + i);
        at += 2 + length;
        if (keep)
            set->bundle_ends[i] = (guint)at;
    }
    if (keep)
        g_byte_array_append(set->bundle, data, (guint)at);
    return TRUE;
}

/* The bundle of the last entry, against the tile of its leaf hashes, and that against its parent.
 */
static gboolean load_last_bundle(struct tile_set *set, GError **error)
{
    const guint64 index = (set->size - 1) / TILE_WIDTH;
    g_autoptr(GBytes) tile = NULL;
    struct merkle_hash root, wanted;
    struct tile_nodes nodes = { set, set->merkle };

    if (set->open[0].width)
        return load_bundle(set, index, set->open[0].width, set->open[0].hashes, TRUE, error);
    tile = read_tile(set, 0, index, TILE_WIDTH, error);
    if (!tile)
        return FALSE;
    if (g_bytes_get_size(tile) != TILE_BYTES)
        return found_error(error, "%s: tile 0/%" G_GUINT64_FORMAT " is cut short", set->folder,
                           index);
    root = merkle_root(set->merkle, g_bytes_get_data(tile, NULL), TILE_WIDTH);
    return tile_set_node(&nodes, TILE_HEIGHT, index, &wanted, error) &&
           (memcmp(&root, &wanted, sizeof root) == 0 ||
            found_error(error, "%s: tile 0/%" G_GUINT64_FORMAT " is not the tree's", set->folder,
                        index)) &&
           load_bundle(set, index, TILE_WIDTH, g_bytes_get_data(tile, NULL), FALSE, error);
}

static gboolean load(struct tile_set *set, guint64 size, const struct merkle_hash *wanted,
                     GError **error)
{
    struct tile_nodes nodes = { set, set->merkle };
    struct merkle_hash root;

    for (guint level = 0; level < LEVELS; level++) {
        const guint shift = TILE_HEIGHT * (level + 1);
        const guint64 index = shift < 64 ? size >> shift : 0;

        set->open[level].index = index;
        if (!load_hashes(set, level, index, tile_width((int)level, index, size), error))
            return FALSE;
    }
    set->size = size;
    set->bundle_index = size / TILE_WIDTH;
    if (!tree_root_of(set->merkle, size, tile_set_node, &nodes, &root, error))
        return FALSE;
    if (memcmp(&root, wanted, sizeof root) != 0)
        return found_error(
            error,
            "%s: the tiles at the edge do not have the root of size %" G_GUINT64_FORMAT
            ": damaged; keep the folder and restore the tiles from a mirror",
            set->folder, size);
    return !size || load_last_bundle(set, error);
}

/* Temporary files that a killed writer left. */
static void remove_leftovers(const char *folder)
{
    g_autoptr(GDir) entries = g_dir_open(folder, 0, NULL);
    const char *name;

    while (entries && (name = g_dir_read_name(entries))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);

        if (g_str_has_prefix(name, ".new-"))
            unlink(path);
    }
}

struct tile_set *tile_set_open(const char *folder, guint64 size, const struct merkle_hash *root,
                               GError **error)
{
    g_autoptr(tile_set_t) set = g_new0(struct tile_set, 1);
    g_autofree char *tiles = g_build_filename(folder, "tile", NULL);

    pthread_mutex_init(&set->lock, NULL);
    set->folder = g_strdup(folder);
    set->merkle = merkle_new();
    set->bundle = g_byte_array_new();
    set->obsolete = g_ptr_array_new_with_free_func(g_free);
    set->folder_fd = -1;
    if (!file_make_folder(tiles, FOLDER_MODE, error))
        return NULL;
    remove_leftovers(tiles);
    set->folder_fd = open(tiles, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (set->folder_fd < 0) {
        errno_error(error, errno, "%s: cannot be opened", tiles);
        return NULL;
    }
    return load(set, size, root, error) ? g_steal_pointer(&set) : NULL;
}

void tile_set_free(struct tile_set *set)
{
    if (!set)
        return;
    if (set->folder_fd >= 0)
        close(set->folder_fd);
    merkle_free(set->merkle);
    g_byte_array_unref(set->bundle);
    g_ptr_array_unref(set->obsolete);
    pthread_mutex_destroy(&set->lock);
    g_free(set->folder);
    g_free(set);
}

/* The hashes [first, first + count) of a tile of the set: open, or in a file. */
static gboolean tile_hashes(const struct tile_nodes *nodes, const struct tile *tile, guint first,
                            guint count, struct merkle_hash *hashes, GError **error)
{
    struct tile_set *set = nodes->set;
    const struct open_tile *edge = &set->open[tile->level];
    g_autoptr(GBytes) bytes = NULL;
    gboolean is_open;

    pthread_mutex_lock(&set->lock);
    is_open = edge->index == tile->index && edge->width >= first + count;
    if (is_open)
        memcpy(hashes, edge->hashes + first, count * sizeof *hashes);
    pthread_mutex_unlock(&set->lock);
    if (is_open)
        return TRUE;
    bytes = read_tile(set, tile->level, tile->index, TILE_WIDTH, error);
    if (!bytes)
        return FALSE;
    if (g_bytes_get_size(bytes) < (first + count) * sizeof *hashes)
        return found_error(error, "%s: tile %d/%" G_GUINT64_FORMAT " is cut short", set->folder,
                           tile->level, tile->index);
    memcpy(hashes, (const struct merkle_hash *)g_bytes_get_data(bytes, NULL) + first,
           count * sizeof *hashes);
    return TRUE;
}

gboolean tile_set_node(gpointer data, guint level, guint64 index, struct merkle_hash *hash,
                       GError **error)
{
    const struct tile_nodes *nodes = data;
    struct merkle_hash hashes[TILE_WIDTH];
    guint first, count;
    const struct tile tile = tile_of_node(level, index, tile_set_size(nodes->set), &first, &count);

    if (tile.level >= LEVELS || first + count > TILE_WIDTH || first + count > tile.width)
        return input_error(error, "node %u/%" G_GUINT64_FORMAT " is not in the log", level, index);
    if (!tile_hashes(nodes, &tile, first, count, hashes, error))
        return FALSE;
    *hash = merkle_root(nodes->merkle, hashes, count);
    return TRUE;
}

gboolean tile_set_edge(struct tile_set *set, struct merkle *merkle, guint64 size,
                       struct tree_edge *edge, GError **error)
{
    struct tile_nodes nodes = { set, merkle };

    *edge = (struct tree_edge){ .size = size };
    for (int level = TREE_LEVELS - 1; level >= 0; level--)
        if ((size >> level) & 1 && !tile_set_node(&nodes, (guint)level, (size >> level) - 1,
                                                  &edge->hashes[edge->count++], error))
            return FALSE;
    return TRUE;
}

gboolean tile_set_leaves(const struct tile_nodes *nodes, guint64 index,
                         struct merkle_hash leaves[TILE_WIDTH], guint *count, GError **error)
{
    const struct tile tile = { 0, index, tile_width(0, index, tile_set_size(nodes->set)) };

    *count = tile.width;
    return !tile.width || tile_hashes(nodes, &tile, 0, tile.width, leaves, error);
}

gboolean tile_set_has_more(const char *folder, guint64 size)
{
    const struct tile tile = { TILE_ENTRIES, size / TILE_WIDTH, TILE_WIDTH };
    g_autofree char *relative = tile_path(&tile);
    g_autofree char *full = g_build_filename(folder, relative, NULL);
    g_autofree char *partial = g_strconcat(full, PARTIAL, NULL);
    g_autoptr(GDir) entries = g_dir_open(partial, 0, NULL);
    gboolean more = access(full, F_OK) == 0;
    const char *name;

    while (!more && entries && (name = g_dir_read_name(entries)))
        more = g_ascii_strtoull(name, NULL, 10) > size % TILE_WIDTH;
    return more;
}
