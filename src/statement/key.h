/*
 * key.h: Ed25519 keys with a name, as signed notes write them (C2SP signed-note).
 *
 * Every verdict on a signature is libsodium's strict one: small-order keys and points, encodings
 * that are not canonical and S >= L are refused.
 */
#pragma once
#include "statement/secret.h"

#define KEY_PUBLIC_SIZE 32
#define KEY_SEED_SIZE 32
#define KEY_SIGNATURE_SIZE 64
#define KEY_ID_SIZE 4

struct public_key {
    char *name; /* a schema-less URL or domain: no space, no control, no '+' */
    guint8 bytes[KEY_PUBLIC_SIZE];
};
typedef struct public_key public_key_t;

struct signing_key {
    struct public_key *public;
    struct secret *secret; /* seed || public key */
};
typedef struct signing_key signing_key_t;

/* Whether `name` may name a key: UTF-8, not empty, no Unicode space, no control, no '+'. */
gboolean key_name_is_valid(const char *name);

/* NULL and ENTENTE_ERROR_INPUT when the name is not valid. */
struct public_key *public_key_new(const char *name, const guint8 bytes[KEY_PUBLIC_SIZE],
                                  GError **error);
struct public_key *public_key_copy(const struct public_key *key);
void public_key_free(struct public_key *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(public_key_t, public_key_free)

/* The first bytes of SHA-256(name LF 0x01 key). */
void public_key_id(const struct public_key *key, guint8 id[KEY_ID_SIZE]);

/* "name+hex8", which names a key in messages and in a signature's keyid. Owned by the caller. */
char *public_key_hint(const struct public_key *key);

/* vkey text: name "+" hex8 "+" base64(0x01 || key). The id must recompute. */
struct public_key *public_key_parse(const char *vkey, GError **error);
char *public_key_text(const struct public_key *key);

gboolean public_key_verify(const struct public_key *key, const void *message, gsize length,
                           const guint8 signature[KEY_SIGNATURE_SIZE]);

struct signing_key *signing_key_generate(const char *name, GError **error);
struct signing_key *signing_key_from_seed(const char *name, const guint8 seed[KEY_SEED_SIZE],
                                          GError **error);
void signing_key_free(struct signing_key *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(signing_key_t, signing_key_free)

/* "PRIVATE+KEY+" name "+" hex8 "+" base64(0x01 || seed), as Go's sumdb/note writes it. */
struct signing_key *signing_key_parse(const char *text, GError **error);
struct secret *signing_key_text(const struct signing_key *key);

void signing_key_sign(const struct signing_key *key, const void *message, gsize length,
                      guint8 signature[KEY_SIGNATURE_SIZE]);
