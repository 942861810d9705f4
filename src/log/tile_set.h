/*
 * tile_set.h: the tiles and bundles of a growing log: the open ones at its right edge in memory,
 * the full ones in files.
 *
 * Full tiles are written as they fill up, partial ones when a size is published. A file appears
 * whole under its name (temporary name, rename) and is not synced: the WAL holds its content until
 * tile_set_sync(). One thread appends; nodes and partial tiles may be asked for by others at the
 * same time.
 */
#pragma once
#include "log/checkpoint.h"
#include "log/tile.h"
#include "log/tree.h"

struct tile_set;
typedef struct tile_set tile_set_t;

/*
 * Reads the right edge of the log of `size` and the bundle of its last entry, and verifies them
 * against `root`. ENTENTE_ERROR_FOUND: they do not have it. A file that
 * is there with the right bytes is not written again.
 */
struct tile_set *tile_set_open(const char *folder, guint64 size, const struct merkle_hash *root,
                               GError **error);
void tile_set_free(struct tile_set *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(tile_set_t, tile_set_free)

/* Adds entries with their leaf hashes. */
gboolean tile_set_append(struct tile_set *set, const struct merkle_hash *leaves, GPtrArray *entries,
                         GError **error);
guint64 tile_set_size(struct tile_set *set);

/* Writes the partial tiles of `size` (at most that of the set) whose full ones are not there. */
gboolean tile_set_write_partial(struct tile_set *set, guint64 size, GError **error);

/* Everything written so far reaches the disk; then partial tiles whose full ones were written
 * before go away. */
gboolean tile_set_sync(struct tile_set *set, GError **error);

/* A tree_node_fn for nodes below tile_set_size(); `data` is a struct tile_nodes. */
struct tile_nodes {
    struct tile_set *set;
    struct merkle *merkle; /* of the calling thread */
};
gboolean tile_set_node(gpointer data, guint level, guint64 index, struct merkle_hash *hash,
                       GError **error);

/* The perfect subtrees of `size`, left to right. */
gboolean tile_set_edge(struct tile_set *set, struct merkle *merkle, guint64 size,
                       struct tree_edge *edge, GError **error);

/* The leaf hashes of level-0 tile `index` as far as the set has them. */
gboolean tile_set_leaves(const struct tile_nodes *nodes, guint64 index,
                         struct merkle_hash leaves[TILE_WIDTH], guint *count, GError **error);

/* Whether a tile or bundle on disk holds entries past `size`. */
gboolean tile_set_has_more(const char *folder, guint64 size);
