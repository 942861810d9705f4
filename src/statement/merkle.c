#include "statement/merkle.h"

#include <openssl/evp.h>
#include <string.h>

#define LEAF_TAG 0x00
#define NODE_TAG 0x01

struct merkle {
    EVP_MD *sha256;
    EVP_MD_CTX *context;
};

struct merkle *merkle_new(void)
{
    struct merkle *merkle = g_new0(struct merkle, 1);

    merkle->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    merkle->context = EVP_MD_CTX_new();
    if (!merkle->sha256 || !merkle->context)
        g_error("OpenSSL offers no SHA-256");
    return merkle;
}

void merkle_free(struct merkle *merkle)
{
    if (!merkle)
        return;
    EVP_MD_CTX_free(merkle->context);
    EVP_MD_free(merkle->sha256);
    g_free(merkle);
}

/* SHA-256(tag || data); fails only without memory. */
static struct merkle_hash digest(struct merkle *merkle, const guint8 *tag, const void *data,
                                 gsize length)
{
    struct merkle_hash hash;

    if (!EVP_DigestInit_ex2(merkle->context, merkle->sha256, NULL) ||
        (tag && !EVP_DigestUpdate(merkle->context, tag, 1)) ||
        (length && !EVP_DigestUpdate(merkle->context, data, length)) ||
        !EVP_DigestFinal_ex(merkle->context, hash.bytes, NULL))
        g_error("SHA-256 failed");
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
