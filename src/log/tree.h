/*
 * tree.h: the log's Merkle tree beyond single proofs: the compact range that grows by appending,
 * and consistency (RFC 6962 section 2.1, RFC 9162 section 2.1.4). Hashes, roots and inclusion:
 * statement/merkle.h.
 */
#pragma once
#include "statement/merkle.h"

#define TREE_LEVELS 64

/* One hash for each bit set in `size`: the perfect subtrees, left to right. All that appending
 * needs. */
struct tree_edge {
    guint64 size;
    struct merkle_hash hashes[TREE_LEVELS];
    guint count;
};

/*
 * Appends a leaf hash. `completed` (room for TREE_LEVELS) receives the perfect nodes this leaf
 * completes, from level 1 up; gives their number.
 */
guint tree_append(struct tree_edge *edge, struct merkle *merkle, const struct merkle_hash *leaf,
                  struct merkle_hash *completed);

/* The root of what was appended; SHA-256("") when nothing was. */
struct merkle_hash tree_root(const struct tree_edge *edge, struct merkle *merkle);

/* Gives the hash of a perfect node: `level`, counted from the leaves, and `index` in its level. */
typedef gboolean (*tree_node_fn)(gpointer data, guint level, guint64 index,
                                 struct merkle_hash *hash, GError **error);

/* Builds proofs out of stored perfect nodes. `path` has room for MERKLE_PATH_LIMIT hashes. */
gboolean tree_inclusion(struct merkle *merkle, guint64 index, guint64 size, tree_node_fn node,
                        gpointer data, struct merkle_hash *path, guint *length, GError **error);
gboolean tree_consistency(struct merkle *merkle, guint64 old_size, guint64 size, tree_node_fn node,
                          gpointer data, struct merkle_hash *path, guint *length, GError **error);
gboolean tree_root_of(struct merkle *merkle, guint64 size, tree_node_fn node, gpointer data,
                      struct merkle_hash *root, GError **error);

/* Whether the tree of `old_size` is the beginning of the tree of `size`. */
gboolean tree_is_consistent(struct merkle *merkle, guint64 old_size,
                            const struct merkle_hash *old_root, guint64 size,
                            const struct merkle_hash *root, const struct merkle_hash *path,
                            guint length);
