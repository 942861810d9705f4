/*
 * merkle.h: the Merkle tree of RFC 6962 section 2.1 over SHA-256: hashes, roots and inclusion
 * paths. Nothing is padded and no odd node is doubled.
 *
 *     leaf = SHA-256(0x00 || entry)      node = SHA-256(0x01 || left || right)
 *     root of n leaves = node(root of the first k, root of the rest), k the largest power of two
 *     below n; the root of no leaf is SHA-256("").
 */
#pragma once
#include <glib.h>

#define MERKLE_HASH_SIZE 32
#define MERKLE_PATH_LIMIT 63 /* hashes in the longest path, for trees of up to 2^63 leaves */

struct merkle_hash {
    guint8 bytes[MERKLE_HASH_SIZE];
};

/* A reusable SHA-256 context. */
struct merkle;
typedef struct merkle merkle_t;
struct merkle *merkle_new(void);
void merkle_free(struct merkle *merkle);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(merkle_t, merkle_free)

struct merkle_hash merkle_leaf(struct merkle *merkle, const void *entry, gsize length);
struct merkle_hash merkle_node(struct merkle *merkle, const struct merkle_hash *left,
                               const struct merkle_hash *right);

/* The root of `count` leaf hashes. */
struct merkle_hash merkle_root(struct merkle *merkle, const struct merkle_hash *leaves,
                               gsize count);

/*
 * The inclusion path of leaf `index` (< `count`), from the leaf's sibling to the root's child;
 * `path` has room for MERKLE_PATH_LIMIT hashes. Gives their number.
 */
guint merkle_path(struct merkle *merkle, const struct merkle_hash *leaves, gsize count, gsize index,
                  struct merkle_hash *path);

/* Whether `path` leads from `leaf` at `index` to the `root` of `size` leaves (RFC 9162 section
 * 2.1.3.2); one hash too many or too few is a refusal. */
gboolean merkle_includes(struct merkle *merkle, const struct merkle_hash *leaf, guint64 index,
                         guint64 size, const struct merkle_hash *path, guint length,
                         const struct merkle_hash *root);
