#include "statement/merkle.h"

#include "base/late_library.h"

/*
 * The low-level calls, which OpenSSL 3 calls deprecated: through EVP a node of 65 bytes costs 1.7
 * times as much, and a log is made of nodes.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <stddef.h>
#include <string.h>

#define LEAF_TAG 0x00
#define NODE_TAG 0x01

/* libcrypto's functions; an audit that signs nothing never loads it (base/late_library.h). */
struct merkle {
    typeof(SHA256_Init) *init;
    typeof(SHA256_Update) *update;
    typeof(SHA256_Final) *final;
    SHA256_CTX context;
};

static const struct late_symbol symbols[] = {
    { "SHA256_Init", offsetof(struct merkle, init) },
    { "SHA256_Update", offsetof(struct merkle, update) },
    { "SHA256_Final", offsetof(struct merkle, final) },
    { NULL, 0 },
};

struct merkle *merkle_new(void)
{
    g_autoptr(GError) error = NULL;
    struct merkle *merkle = g_new0(struct merkle, 1);

    if (!late_library_load("libcrypto.so.3", "libssl3", symbols, merkle, &error))
        g_error("%s", error->message);
    return merkle;
}

void merkle_free(struct merkle *merkle)
{
    g_free(merkle);
}

/* SHA-256(tag || data); the calls cannot fail. */
static struct merkle_hash digest(struct merkle *merkle, const guint8 *tag, const void *data,
                                 gsize length)
{
    struct merkle_hash hash;

    merkle->init(&merkle->context);
    if (tag)
        merkle->update(&merkle->context, tag, 1);
    if (length)
        merkle->update(&merkle->context, data, length);
    merkle->final(hash.bytes, &merkle->context);
    return hash;
}

struct merkle_hash merkle_leaf(struct merkle *merkle, const void *entry, gsize length)
{
    static const guint8 tag = LEAF_TAG;

    return digest(merkle, &tag, entry, length);
}

struct merkle_hash merkle_node(struct merkle *merkle, const struct merkle_hash *left,
                               const struct merkle_hash *right)
{
    guint8 input[1 + 2 * MERKLE_HASH_SIZE] = { NODE_TAG };

    memcpy(input + 1, left->bytes, MERKLE_HASH_SIZE);
    memcpy(input + 1 + MERKLE_HASH_SIZE, right->bytes, MERKLE_HASH_SIZE);
    return digest(merkle, NULL, input, sizeof input);
}

/*
 * A compact range: one root per set bit of the number of leaves so far, largest subtree first.
 * Adding a leaf merges as many as the number has trailing ones; the root is folded from the right.
 */
struct merkle_hash merkle_root(struct merkle *merkle, const struct merkle_hash *leaves, gsize count)
{
    struct merkle_hash range[MERKLE_PATH_LIMIT + 1], root;
    guint depth = 0;

    if (!count)
        return digest(merkle, NULL, NULL, 0);
    for (gsize i = 0; i < count; i++) {
        struct merkle_hash hash = leaves[i];

        for (gsize done = i; done & 1; done >>= 1)
            hash = merkle_node(merkle, &range[--depth], &hash);
        range[depth++] = hash;
    }
    root = range[--depth];
    while (depth)
        root = merkle_node(merkle, &range[--depth], &root);
    return root;
}

guint merkle_path(struct merkle *merkle, const struct merkle_hash *leaves, gsize count, gsize index,
                  struct merkle_hash *path)
{
    guint length = 0;

    /* From the root down; the siblings are met in the reverse of the path's order. */
    while (count > 1) {
        gsize left = 1;

        while (left < count - left)
            left <<= 1;
        if (index < left) {
            path[length++] = merkle_root(merkle, leaves + left, count - left);
            count = left;
        } else {
            path[length++] = merkle_root(merkle, leaves, left);
            leaves += left;
            index -= left;
            count -= left;
        }
    }
    for (guint i = 0; i < length / 2; i++) {
        struct merkle_hash other = path[i];

        path[i] = path[length - 1 - i];
        path[length - 1 - i] = other;
    }
    return length;
}

gboolean merkle_includes(struct merkle *merkle, const struct merkle_hash *leaf, guint64 index,
                         guint64 size, const struct merkle_hash *path, guint length,
                         const struct merkle_hash *root)
{
    struct merkle_hash hash = *leaf;
    guint64 at = index, last;

    if (index >= size)
        return FALSE;
    last = size - 1;
    for (guint i = 0; i < length; i++) {
        if (!last)
            return FALSE;
        if ((at & 1) || at == last) {
            hash = merkle_node(merkle, &path[i], &hash);
            while (!(at & 1) && at) {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = merkle_node(merkle, &hash, &path[i]);
        }
        at >>= 1;
        last >>= 1;
    }
    return !last && memcmp(hash.bytes, root->bytes, MERKLE_HASH_SIZE) == 0;
}
