#include "base/sha256.h"

#include "base/late_library.h"

/* The low-level calls, as in statement/merkle.c. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <sodium.h>
#include <stddef.h>

#define WORTH_LOADING (4u << 20) /* bytes: about what loading costs */

struct sha256 {
    typeof(SHA256_Init) *init; /* NULL: libsodium does it */
    typeof(SHA256_Update) *update;
    typeof(SHA256_Final) *final;
    SHA256_CTX context;
    crypto_hash_sha256_state sodium;
};

static const struct late_symbol symbols[] = {
    { "SHA256_Init", offsetof(struct sha256, init) },
    { "SHA256_Update", offsetof(struct sha256, update) },
    { "SHA256_Final", offsetof(struct sha256, final) },
    { NULL, 0 },
};

static gboolean load(struct sha256 *sha256, guint64 expected)
{
    return expected >= WORTH_LOADING &&
           late_library_load("libcrypto.so.3", "libssl3", symbols, sha256, NULL);
}

void sha256_prepare(guint64 expected)
{
    struct sha256 calls;

    load(&calls, expected);
}

struct sha256 *sha256_new(guint64 expected)
{
    struct sha256 *sha256 = g_new0(struct sha256, 1);

    if (load(sha256, expected))
        sha256->init(&sha256->context);
    else
        crypto_hash_sha256_init(&sha256->sodium);
    return sha256;
}

void sha256_update(struct sha256 *sha256, gconstpointer bytes, gsize length)
{
    if (sha256->init)
        sha256->update(&sha256->context, bytes, length);
    else
        crypto_hash_sha256_update(&sha256->sodium, bytes, length);
}

void sha256_finish(struct sha256 *sha256, guint8 digest[static SHA256_SIZE])
{
    if (sha256->init)
        sha256->final(digest, &sha256->context);
    else
        crypto_hash_sha256_final(&sha256->sodium, digest);
}

void sha256_free(struct sha256 *sha256)
{
    g_free(sha256);
}
