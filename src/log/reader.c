/*
 * What is believed, and why:
 *
 *     root (given)  <-  edge: the rightmost, partial tile of each level; from their hashes alone
 *                       the root is computed, so all of them are as good as the root
 *     edge          <-  full tiles: the root of 256 hashes is the parent's entry for them
 *     level 0       <-  entries: their leaf hashes
 *
 * A tile is kept with all nodes above its hashes ("expanded"): 256 + 128 + ... + 1 = 511. Then a
 * proof is copying.
 */
#include "log/reader.h"

#include "base/error.h"

#include <string.h>

#define EXPANDED_NODES (2 * TILE_WIDTH - 1)
#define CACHE_TILES 4096 /* of 16 KiB each: all full tiles of a log of a million entries */
#define EDGE_LEVELS 8    /* of 8 bits each */

struct expanded {
    int level;
    guint64 index;
    guint width;
    struct merkle_hash nodes[EXPANDED_NODES];
};

/* Verified full tiles, the most recently used first. */
struct cache {
    GHashTable *links; /* guint64 * (in `struct slot`) -> GList * in `order` */
    GQueue order;      /* struct slot * */
};

struct slot {
    guint64 key;
    struct expanded tile;
};

struct log_reader {
    struct log_source source;
    struct merkle *merkle;
    guint64 size;
    struct merkle_hash root;
    struct expanded *edge[EDGE_LEVELS]; /* NULL where the level has no partial tile */
    struct cache cache;
    guint64 bundle_index; /* of `bundle`, the one that was read last */
    guint bundle_width;
    GPtrArray *bundle; /* NULL: none */
};

/* ---- expanded tiles ---- */

/* Where the nodes `height` above a tile's hashes begin. */
static guint height_start(guint height)
{
    return 2 * TILE_WIDTH - (2 * TILE_WIDTH >> height);
}

static void expand(struct expanded *tile, struct merkle *merkle)
{
    for (guint height = 1; height <= TILE_HEIGHT; height++) {
        const struct merkle_hash *below = tile->nodes + height_start(height - 1);
        struct merkle_hash *here = tile->nodes + height_start(height);

        for (guint i = 0; i < tile->width >> height; i++)
            here[i] = merkle_node(merkle, &below[2 * i], &below[2 * i + 1]);
    }
}

/* ---- the cache ---- */

static guint64 cache_key(int level, guint64 index)
{
    return (guint64)level << 56 | index; /* an index has at most 55 bits: sizes stay below 2^63 */
}

static void cache_init(struct cache *cache)
{
    cache->links = g_hash_table_new(g_int64_hash, g_int64_equal);
    g_queue_init(&cache->order);
}

static void cache_clear(struct cache *cache)
{
    g_clear_pointer(&cache->links, g_hash_table_unref);
    g_queue_clear_full(&cache->order, g_free);
}

static struct expanded *cache_find(struct cache *cache, int level, guint64 index)
{
    const guint64 key = cache_key(level, index);
    GList *link = g_hash_table_lookup(cache->links, &key);

    if (!link)
        return NULL;
    if (link != cache->order.head) {
        g_queue_unlink(&cache->order, link);
        g_queue_push_head_link(&cache->order, link);
    }
    return &((struct slot *)link->data)->tile;
}

/* Makes room at the head; the tile that was not used for longest gives way. */
static struct expanded *cache_add(struct cache *cache, const struct expanded *tile)
{
    GList *link = NULL;
    struct slot *slot;

    if (g_queue_get_length(&cache->order) == CACHE_TILES) {
        link = g_queue_pop_tail_link(&cache->order);
        g_hash_table_remove(cache->links, &((struct slot *)link->data)->key);
    } else {
        link = g_list_prepend(NULL, g_new(struct slot, 1));
    }
    slot = link->data;
    slot->key = cache_key(tile->level, tile->index);
    slot->tile = *tile;
    g_queue_push_head_link(&cache->order, link);
    g_hash_table_insert(cache->links, &slot->key, link);
    return &slot->tile;
}

/* ---- fetching ---- */

static GBytes *fetch(struct log_reader *reader, const struct tile *tile, gsize limit,
                     GError **error)
{
    g_autofree char *path = tile_path(tile);

    return reader->source.fetch(reader->source.data, path, limit, error);
}

/* A partial tile that is gone has given way to the full one: `*width` says which was read. */
static GBytes *fetch_either(struct log_reader *reader, struct tile tile, gsize limit, guint *width,
                            GError **error)
{
    g_autoptr(GError) cause = NULL;
    g_autoptr(GBytes) bytes = fetch(reader, &tile, limit, &cause);
    g_autoptr(GBytes) full = NULL;

    *width = tile.width;
    if (bytes)
        return g_steal_pointer(&bytes);
    if (tile.width < TILE_WIDTH && g_error_matches(cause, ENTENTE_ERROR, ENTENTE_ERROR_INPUT)) {
        *width = tile.width = TILE_WIDTH;
        full = fetch(reader, &tile, limit, NULL);
    }
    if (!full)
        g_propagate_error(error, g_steal_pointer(&cause));
    return g_steal_pointer(&full);
}

/* Reads a tile and computes the nodes above it; verified by nobody yet. */
static gboolean fetch_tile(struct log_reader *reader, int level, guint64 index, guint width,
                           struct expanded *tile, GError **error)
{
    const struct tile wanted = { level, index, width };
    guint width_read;
    g_autoptr(GBytes) bytes = fetch_either(reader, wanted, TILE_BYTES, &width_read, error);
    gsize size;
    const void *data;

    if (!bytes)
        return FALSE;
    data = g_bytes_get_data(bytes, &size);
    if (size != width_read * MERKLE_HASH_SIZE) {
        g_autofree char *path = tile_path(&wanted);

        return found_error(error, "%s has %" G_GSIZE_FORMAT " bytes instead of %u", path, size,
                           width_read * MERKLE_HASH_SIZE);
    }
    tile->level = level;
    tile->index = index;
    tile->width = width;
    memcpy(tile->nodes, data, width * MERKLE_HASH_SIZE);
    expand(tile, reader->merkle);
    return TRUE;
}

/* ---- verified nodes ---- */

static struct expanded *edge_tile(const struct log_reader *reader, int level, guint64 index)
{
    struct expanded *edge = level < EDGE_LEVELS ? reader->edge[level] : NULL;

    return edge && edge->index == index ? edge : NULL;
}

static gboolean equal(const struct merkle_hash *a, const struct merkle_hash *b)
{
    return memcmp(a->bytes, b->bytes, MERKLE_HASH_SIZE) == 0;
}

/*
 * Gives a verified tile; borrowed until the next call. Its parents up to the first that is known
 * are fetched first, from the top: at most one for each level.
 */
static const struct expanded *verified_tile(struct log_reader *reader, int level, guint64 index,
                                            GError **error)
{
    struct expanded *known = edge_tile(reader, level, index);
    g_autofree struct expanded *tile = NULL;
    int top = level;

    if (!known)
        known = cache_find(&reader->cache, level, index);
    while (!known) {
        top++;
        g_assert(top < EDGE_LEVELS);
        known = edge_tile(reader, top, index >> (TILE_HEIGHT * (guint)(top - level)));
        if (!known)
            known = cache_find(&reader->cache, top, index >> (TILE_HEIGHT * (guint)(top - level)));
    }
    while (top > level) {
        const guint64 at = index >> (TILE_HEIGHT * (guint)(--top - level));
        const struct merkle_hash *wanted = &known->nodes[at % TILE_WIDTH];

        if (!tile)
            tile = g_new(struct expanded, 1);
        if (!fetch_tile(reader, top, at, TILE_WIDTH, tile, error))
            return NULL;
        if (!equal(wanted, &tile->nodes[EXPANDED_NODES - 1])) {
            const struct tile name = { top, at, TILE_WIDTH };
            g_autofree char *path = tile_path(&name);

            found_error(error, "%s does not fit the root of the log", path);
            return NULL;
        }
        known = cache_add(&reader->cache, tile);
    }
    return known;
}

/* tree_node_fn */
static gboolean verified_node(gpointer data, guint level, guint64 index, struct merkle_hash *hash,
                              GError **error)
{
    struct log_reader *reader = data;
    const guint height = level % TILE_HEIGHT, at_height = TILE_HEIGHT - height;
    const struct expanded *tile =
        verified_tile(reader, (int)(level / TILE_HEIGHT), index >> at_height, error);

    if (!tile)
        return FALSE;
    *hash = tile->nodes[height_start(height) + (index & ((1u << at_height) - 1))];
    return TRUE;
}

/* ---- trust ---- */

/* Reads the rightmost partial tiles of a log of `size`. */
static gboolean fetch_edge(struct log_reader *reader, guint64 size,
                           struct expanded *edge[EDGE_LEVELS], GError **error)
{
    for (int level = 0; level < EDGE_LEVELS; level++) {
        const guint64 count = size >> (TILE_HEIGHT * (guint)level);
        const guint width = count % TILE_WIDTH;

        if (!width)
            continue;
        edge[level] = g_new(struct expanded, 1);
        if (!fetch_tile(reader, level, count / TILE_WIDTH, width, edge[level], error))
            return FALSE;
    }
    return TRUE;
}

static void edge_clear(struct expanded *edge[EDGE_LEVELS])
{
    for (guint i = 0; i < EDGE_LEVELS; i++)
        g_clear_pointer(&edge[i], g_free);
}

/* The root that the edge says: its perfect nodes, folded from the right. */
static struct merkle_hash edge_root(struct log_reader *reader,
                                    struct expanded *const edge[EDGE_LEVELS])
{
    struct merkle_hash root = merkle_root(reader->merkle, NULL, 0);
    gboolean any = FALSE;

    for (guint level = 0; level < EDGE_LEVELS; level++) {
        for (guint height = 0; edge[level] && height < TILE_HEIGHT; height++) {
            const guint width = edge[level]->width >> height;
            const struct merkle_hash *node = &edge[level]->nodes[height_start(height) + width - 1];

            if (!(width & 1))
                continue;
            root = any ? merkle_node(reader->merkle, node, &root) : *node;
            any = TRUE;
        }
    }
    return root;
}

static gboolean log_grew(struct log_reader *reader, guint64 old_size,
                         const struct merkle_hash *old_root, GError **error)
{
    struct merkle_hash root;

    if (!tree_root_of(reader->merkle, old_size, verified_node, reader, &root, error))
        return FALSE;
    return equal(&root, old_root) ||
           found_error(error,
                       "the log of %" G_GUINT64_FORMAT
                       " entries does not begin with the %" G_GUINT64_FORMAT
                       " that were trusted before",
                       reader->size, old_size);
}

/*
 * The tiles known so far belong to the old root. Whether the new log begins with the old one is
 * judged without them; afterwards they are good again.
 */
gboolean log_reader_trust(struct log_reader *reader, guint64 size, const struct merkle_hash *root,
                          GError **error)
{
    struct log_reader old = *reader;
    struct merkle_hash computed;
    gboolean good;

    if (size < old.size)
        return found_error(error,
                           "a log of %" G_GUINT64_FORMAT
                           " entries was trusted: it cannot be one of %" G_GUINT64_FORMAT,
                           old.size, size);
    if (size == old.size)
        return equal(root, &old.root) ||
               found_error(error, "two different roots for the same %" G_GUINT64_FORMAT " entries",
                           size);
    memset(reader->edge, 0, sizeof reader->edge);
    cache_init(&reader->cache);
    reader->size = size;
    reader->root = *root;
    good = fetch_edge(reader, size, reader->edge, error);
    if (good) {
        computed = edge_root(reader, reader->edge);
        good =
            equal(&computed, root) ||
            found_error(
                error,
                "the tiles of the log do not give the root of its checkpoint of %" G_GUINT64_FORMAT
                " entries",
                size);
    }
    good = good && log_grew(reader, old.size, &old.root, error);
    cache_clear(&reader->cache);
    reader->cache = old.cache;
    if (good) {
        edge_clear(old.edge);
        return TRUE;
    }
    edge_clear(reader->edge);
    *reader = old;
    return FALSE;
}

/* ---- entries ---- */

static gboolean read_bundle(struct log_reader *reader, guint64 index, GError **error)
{
    const guint width = tile_width(TILE_ENTRIES, index, reader->size);
    const struct tile tile = { TILE_ENTRIES, index, width };
    g_autoptr(GError) cause = NULL;
    g_autoptr(GBytes) bytes = NULL;
    guint width_read;

    if (reader->bundle && reader->bundle_index == index && reader->bundle_width >= width)
        return TRUE;
    bytes = fetch_either(reader, tile, BUNDLE_LIMIT, &width_read, error);
    if (!bytes)
        return FALSE;
    g_clear_pointer(&reader->bundle, g_ptr_array_unref);
    reader->bundle = bundle_split(bytes, width_read, &cause);
    reader->bundle_index = index;
    reader->bundle_width = width_read;
    if (!reader->bundle) {
        g_autofree char *path = tile_path(&tile);

        return found_error(error, "%s: %s", path, cause->message);
    }
    return TRUE;
}

GBytes *log_reader_entry(struct log_reader *reader, guint64 index, GError **error)
{
    const guint64 tile = index / TILE_WIDTH;
    struct merkle_hash wanted, leaf;
    GBytes *entry;
    gsize size;
    const void *data;

    if (index >= reader->size) {
        input_error(error, "entry %" G_GUINT64_FORMAT " is not in a log of %" G_GUINT64_FORMAT,
                    index, reader->size);
        return NULL;
    }
    if (!verified_node(reader, 0, index, &wanted, error) || !read_bundle(reader, tile, error))
        return NULL;
    entry = reader->bundle->pdata[index % TILE_WIDTH];
    data = g_bytes_get_data(entry, &size);
    leaf = merkle_leaf(reader->merkle, data, size);
    if (!equal(&leaf, &wanted)) {
        found_error(error, "entry %" G_GUINT64_FORMAT " does not fit the root of the log", index);
        return NULL;
    }
    return g_bytes_ref(entry);
}

gboolean log_reader_leaf(struct log_reader *reader, guint64 index, struct merkle_hash *leaf,
                         GError **error)
{
    return index < reader->size
               ? verified_node(reader, 0, index, leaf, error)
               : input_error(error,
                             "entry %" G_GUINT64_FORMAT " is not in a log of %" G_GUINT64_FORMAT,
                             index, reader->size);
}

GBytes *log_reader_data(struct log_reader *reader, guint64 tile, gsize limit, guint *width,
                        GError **error)
{
    const struct tile wanted = { TILE_DATA, tile, tile_width(TILE_DATA, tile, reader->size) };

    return fetch_either(reader, wanted, limit, width, error);
}

GBytes *log_reader_issuer(struct log_reader *reader, const char *fingerprint, gsize limit,
                          GError **error)
{
    g_autofree char *path = g_strconcat("issuer/", fingerprint, NULL);

    return reader->source.fetch(reader->source.data, path, limit, error);
}

gboolean log_reader_each(struct log_reader *reader, guint64 first, guint64 end, log_entry_fn each,
                         gpointer data, GError **error)
{
    for (guint64 index = first; index < end; index++) {
        g_autoptr(GBytes) entry = log_reader_entry(reader, index, error);

        if (!entry || !each(index, entry, data, error))
            return FALSE;
    }
    return TRUE;
}

/* ---- proofs ---- */

static gboolean size_is_known(const struct log_reader *reader, guint64 size, GError **error)
{
    return size <= reader->size || input_error(error,
                                               "the log is known up to %" G_GUINT64_FORMAT
                                               " entries, not %" G_GUINT64_FORMAT,
                                               reader->size, size);
}

gboolean log_reader_inclusion(struct log_reader *reader, guint64 index, guint64 size,
                              struct merkle_hash *path, guint *length, GError **error)
{
    return size_is_known(reader, size, error) &&
           tree_inclusion(reader->merkle, index, size, verified_node, reader, path, length, error);
}

gboolean log_reader_root(struct log_reader *reader, guint64 size, struct merkle_hash *root,
                         GError **error)
{
    return size_is_known(reader, size, error) &&
           tree_root_of(reader->merkle, size, verified_node, reader, root, error);
}

gboolean log_reader_consistency(struct log_reader *reader, guint64 old_size, guint64 size,
                                struct merkle_hash *path, guint *length, GError **error)
{
    return size_is_known(reader, size, error) &&
           tree_consistency(reader->merkle, old_size, size, verified_node, reader, path, length,
                            error);
}

gboolean log_reader_edge(struct log_reader *reader, guint64 size, struct tree_edge *edge,
                         GError **error)
{
    guint64 start = 0;

    *edge = (struct tree_edge){ .size = size };
    if (!size_is_known(reader, size, error))
        return FALSE;
    for (guint level = TREE_LEVELS; level-- > 0;) {
        if (!(size >> level & 1))
            continue;
        if (!verified_node(reader, level, start >> level, &edge->hashes[edge->count++], error))
            return FALSE;
        start += (guint64)1 << level;
    }
    return TRUE;
}

/* ---- making ---- */

struct log_reader *log_reader_new(struct log_source source)
{
    struct log_reader *reader = g_new0(struct log_reader, 1);

    reader->source = source;
    reader->merkle = merkle_new();
    reader->root = merkle_root(reader->merkle, NULL, 0);
    cache_init(&reader->cache);
    return reader;
}

void log_reader_free(struct log_reader *reader)
{
    if (!reader)
        return;
    if (reader->source.free_data)
        reader->source.free_data(reader->source.data);
    merkle_free(reader->merkle);
    edge_clear(reader->edge);
    cache_clear(&reader->cache);
    g_clear_pointer(&reader->bundle, g_ptr_array_unref);
    g_free(reader);
}

struct note *log_reader_checkpoint(struct log_reader *reader, GError **error)
{
    g_autoptr(GBytes) bytes =
        reader->source.fetch(reader->source.data, "checkpoint", NOTE_LIMIT, error);

    if (!bytes)
        return NULL;
    return note_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), "checkpoint", error);
}
