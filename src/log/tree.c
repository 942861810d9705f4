#include "log/tree.h"

#include "base/error.h"

#include <string.h>

guint tree_append(struct tree_edge *edge, struct merkle *merkle, const struct merkle_hash *leaf,
                  struct merkle_hash *completed)
{
    struct merkle_hash hash = *leaf;
    guint levels = 0;

    for (guint64 size = edge->size; size & 1; size >>= 1) {
        hash = merkle_node(merkle, &edge->hashes[--edge->count], &hash);
        completed[levels++] = hash;
    }
    edge->hashes[edge->count++] = hash;
    edge->size++;
    return levels;
}

struct merkle_hash tree_root(const struct tree_edge *edge, struct merkle *merkle)
{
    struct merkle_hash root;
    guint i = edge->count;

    if (!i)
        return merkle_root(merkle, NULL, 0);
    root = edge->hashes[--i];
    while (i)
        root = merkle_node(merkle, &edge->hashes[--i], &root);
    return root;
}

/* ---- proofs out of stored nodes ---- */

struct builder {
    struct merkle *merkle;
    tree_node_fn node;
    gpointer data;
    struct merkle_hash *path;
    guint length;
};

/* How many bits `number` has up to its highest one. */
static guint bit_length(guint64 number)
{
    return number ? 64 - (guint)__builtin_clzll(number) : 0;
}

/*
 * The root of the leaves from `start` to before `end` (at least one), where `start` is a multiple
 * of the next power of two that holds them all: perfect nodes, folded from the right.
 */
static gboolean range_hash(struct builder *build, guint64 start, guint64 end,
                           struct merkle_hash *hash, GError **error)
{
    struct merkle_hash perfect[TREE_LEVELS];
    guint count = 0;

    do {
        const guint level = bit_length(end - start) - 1;

        if (!build->node(build->data, level, start >> level, &perfect[count++], error))
            return FALSE;
        start += (guint64)1 << level;
    } while (start < end);
    *hash = perfect[--count];
    while (count)
        *hash = merkle_node(build->merkle, &perfect[--count], hash);
    return TRUE;
}

static gboolean add_range(struct builder *build, guint64 start, guint64 end, GError **error)
{
    if (build->length == MERKLE_PATH_LIMIT)
        return input_error(error, "a proof in so large a tree has too many hashes");
    return range_hash(build, start, end, &build->path[build->length++], error);
}

/*
 * The leaf's path and that of the last leaf meet at level `inner`. Below, every sibling is perfect
 * but the one that holds the last leaf; above, the siblings are the perfect nodes on the left.
 */
gboolean tree_inclusion(struct merkle *merkle, guint64 index, guint64 size, tree_node_fn node,
                        gpointer data, struct merkle_hash *path, guint *length, GError **error)
{
    struct builder build = { merkle, node, data, path, 0 };
    guint inner;

    if (index >= size)
        return input_error(error,
                           "entry %" G_GUINT64_FORMAT " is not in a log of %" G_GUINT64_FORMAT,
                           index, size);
    inner = bit_length(index ^ (size - 1));
    for (guint level = 0; level < inner; level++) {
        const guint64 start = ((index >> level) ^ 1) << level;

        if (!add_range(&build, start, MIN(start + ((guint64)1 << level), size), error))
            return FALSE;
    }
    for (guint level = inner; level < TREE_LEVELS && index >> level; level++) {
        const guint64 at = index >> level;

        if ((at & 1) && !add_range(&build, (at - 1) << level, at << level, error))
            return FALSE;
    }
    *length = build.length;
    return TRUE;
}

static void reverse(struct merkle_hash *path, guint length)
{
    for (guint i = 0; i < length / 2; i++) {
        struct merkle_hash other = path[i];

        path[i] = path[length - 1 - i];
        path[length - 1 - i] = other;
    }
}

/* SUBPROOF of RFC 6962 section 2.1.2, from the root down; hence the reversal at the end. */
gboolean tree_consistency(struct merkle *merkle, guint64 old_size, guint64 size, tree_node_fn node,
                          gpointer data, struct merkle_hash *path, guint *length, GError **error)
{
    struct builder build = { merkle, node, data, path, 0 };
    guint64 start = 0, end = size;

    if (old_size > size)
        return input_error(error,
                           "a log of %" G_GUINT64_FORMAT " cannot begin one of %" G_GUINT64_FORMAT,
                           old_size, size);
    *length = 0;
    if (!old_size)
        return TRUE;
    while (end != old_size) {
        const guint64 middle = start + ((guint64)1 << (bit_length(end - start - 1) - 1));

        if (old_size <= middle) {
            if (!add_range(&build, middle, end, error))
                return FALSE;
            end = middle;
        } else {
            if (!add_range(&build, start, middle, error))
                return FALSE;
            start = middle;
        }
    }
    if (start && !add_range(&build, start, end, error))
        return FALSE;
    reverse(path, build.length);
    *length = build.length;
    return TRUE;
}

gboolean tree_root_of(struct merkle *merkle, guint64 size, tree_node_fn node, gpointer data,
                      struct merkle_hash *root, GError **error)
{
    struct builder build = { merkle, node, data, NULL, 0 };

    if (size)
        return range_hash(&build, 0, size, root, error);
    *root = merkle_root(merkle, NULL, 0);
    return TRUE;
}

/* ---- verifying ---- */

static gboolean equal(const struct merkle_hash *a, const struct merkle_hash *b)
{
    return memcmp(a->bytes, b->bytes, MERKLE_HASH_SIZE) == 0;
}

/* RFC 9162 section 2.1.4.2; the names are its own. */
gboolean tree_is_consistent(struct merkle *merkle, guint64 old_size,
                            const struct merkle_hash *old_root, guint64 size,
                            const struct merkle_hash *root, const struct merkle_hash *path,
                            guint length)
{
    struct merkle_hash fr, sr;
    guint64 fn, sn;
    guint at = 0;

    if (old_size == size)
        return !length && equal(old_root, root);
    if (!old_size) {
        const struct merkle_hash empty = merkle_root(merkle, NULL, 0);

        return !length && equal(old_root, &empty);
    }
    if (old_size > size || !length)
        return FALSE;
    fn = old_size - 1;
    sn = size - 1;
    while (fn & 1) {
        fn >>= 1;
        sn >>= 1;
    }
    fr = sr = fn ? path[at++] : *old_root; /* a power of two: the old root begins the path */
    for (; at < length; at++) {
        if (!sn)
            return FALSE;
        if ((fn & 1) || fn == sn) {
            fr = merkle_node(merkle, &path[at], &fr);
            sr = merkle_node(merkle, &path[at], &sr);
            while (!(fn & 1) && fn) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            sr = merkle_node(merkle, &sr, &path[at]);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return !sn && equal(&fr, old_root) && equal(&sr, root);
}
