/*
 * sha256.h: SHA-256 of what is large. libcrypto uses the processor's own instructions, and is five
 * times as fast as libsodium; it is loaded when there is enough to digest, and when it is there.
 */
#pragma once
#include <glib.h>

#define SHA256_SIZE 32

struct sha256;
typedef struct sha256 sha256_t;

/* `expected` is about how many bytes there will be. */
struct sha256 *sha256_new(guint64 expected);

/* Loads what sha256_new() would, for a process that will be confined before it comes to that. */
void sha256_prepare(guint64 expected);
void sha256_update(struct sha256 *sha256, gconstpointer bytes, gsize length);
/* The digest of all updates; nothing but sha256_free() follows. */
void sha256_finish(struct sha256 *sha256, guint8 digest[static SHA256_SIZE]);
void sha256_free(struct sha256 *sha256);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sha256_t, sha256_free)
