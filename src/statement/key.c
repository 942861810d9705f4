#include "statement/key.h"

#include "base/error.h"
#include "statement/base64.h"

#include <sodium.h>
#include <string.h>

#define ALGORITHM_ED25519 0x01 /* the type byte of signed notes */
#define PRIVATE_PREFIX "PRIVATE+KEY+"
#define TAGGED_SIZE (1 + KEY_PUBLIC_SIZE) /* type byte and key, or type byte and seed */

gboolean key_name_is_valid(const char *name)
{
    if (!*name || !g_utf8_validate(name, -1, NULL))
        return FALSE;
    for (const char *at = name; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);

        if (c == '+' || g_unichar_isspace(c) || g_unichar_iscntrl(c))
            return FALSE;
    }
    return TRUE;
}

struct public_key *public_key_new(const char *name, const guint8 bytes[KEY_PUBLIC_SIZE],
                                  GError **error)
{
    struct public_key *key;

    if (!key_name_is_valid(name)) {
        input_error(error, "\"%s\" cannot name a key (no spaces, no '+', not empty)", name);
        return NULL;
    }
    key = g_new0(struct public_key, 1);
    key->name = g_strdup(name);
    memcpy(key->bytes, bytes, KEY_PUBLIC_SIZE);
    return key;
}

struct public_key *public_key_copy(const struct public_key *key)
{
    struct public_key *copy = g_memdup2(key, sizeof *key);

    copy->name = g_strdup(key->name);
    return copy;
}

void public_key_free(struct public_key *key)
{
    if (!key)
        return;
    g_free(key->name);
    g_free(key);
}

void public_key_id(const struct public_key *key, guint8 id[KEY_ID_SIZE])
{
    static const guint8 between[] = { '\n', ALGORITHM_ED25519 };
    guint8 digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const guint8 *)key->name, strlen(key->name));
    crypto_hash_sha256_update(&state, between, sizeof between);
    crypto_hash_sha256_update(&state, key->bytes, sizeof key->bytes);
    crypto_hash_sha256_final(&state, digest);
    memcpy(id, digest, KEY_ID_SIZE);
}

char *public_key_hint(const struct public_key *key)
{
    guint8 id[KEY_ID_SIZE];
    g_autofree char *hex = NULL;

    public_key_id(key, id);
    hex = hex_encode(id, sizeof id);
    return g_strconcat(key->name, "+", hex, NULL);
}

/*
 * Splits name "+" hex8 "+" base64 at the first two '+' (the base64 may hold more); the base64
 * starts at the address returned. `name` and `id` are filled. NULL and `error`.
 */
static const char *split(const char *text, const char *what, char **name, guint8 id[KEY_ID_SIZE],
                         GError **error)
{
    const char *first = strchr(text, '+');
    const char *second = first ? strchr(first + 1, '+') : NULL;
    g_autofree char *hex = second ? g_strndup(first + 1, second - first - 1) : NULL;

    if (!hex || !hex_decode_into(hex, id, KEY_ID_SIZE)) {
        input_error(error, "not a %s: it is NAME+ID+BASE64, ID eight lower-case hex digits", what);
        return NULL;
    }
    *name = g_strndup(text, first - text);
    return second + 1;
}

static gboolean id_is(const struct public_key *key, const guint8 id[KEY_ID_SIZE], const char *what,
                      GError **error)
{
    guint8 own[KEY_ID_SIZE];

    public_key_id(key, own);
    return memcmp(own, id, KEY_ID_SIZE) == 0 ||
           input_error(error, "the %s of \"%s\" was altered: its id does not fit its key", what,
                       key->name);
}

struct public_key *public_key_parse(const char *vkey, GError **error)
{
    static const char what[] = "verification key (vkey)";
    g_autoptr(public_key_t) key = NULL;
    g_autofree char *name = NULL;
    guint8 id[KEY_ID_SIZE], tagged[TAGGED_SIZE];
    const char *base64 = split(vkey, what, &name, id, error);

    if (!base64)
        return NULL;
    if (!base64_decode_into(base64, -1, tagged, sizeof tagged) || tagged[0] != ALGORITHM_ED25519) {
        input_error(error, "the %s of \"%s\" is not one of Ed25519 (1 + 32 bytes in base64)", what,
                    name);
        return NULL;
    }
    key = public_key_new(name, tagged + 1, error);
    if (!key || !id_is(key, id, what, error))
        return NULL;
    return g_steal_pointer(&key);
}

char *public_key_text(const struct public_key *key)
{
    guint8 tagged[TAGGED_SIZE] = { ALGORITHM_ED25519 };
    g_autofree char *hint = public_key_hint(key);
    g_autofree char *base64 = NULL;

    memcpy(tagged + 1, key->bytes, KEY_PUBLIC_SIZE);
    base64 = g_base64_encode(tagged, sizeof tagged);
    return g_strconcat(hint, "+", base64, NULL);
}

gboolean public_key_verify(const struct public_key *key, const void *message, gsize length,
                           const guint8 signature[KEY_SIGNATURE_SIZE])
{
    return crypto_sign_verify_detached(signature, message, length, key->bytes) == 0;
}

struct signing_key *signing_key_from_seed(const char *name, const guint8 seed[KEY_SEED_SIZE],
                                          GError **error)
{
    g_autoptr(secret_t) secret = secret_new(crypto_sign_SECRETKEYBYTES);
    guint8 bytes[KEY_PUBLIC_SIZE];
    struct public_key *public;
    struct signing_key *key;

    crypto_sign_seed_keypair(bytes, secret->bytes, seed);
    public = public_key_new(name, bytes, error);
    if (!public)
        return NULL;
    key = g_new0(struct signing_key, 1);
    key->public = public;
    key->secret = g_steal_pointer(&secret);
    return key;
}

struct signing_key *signing_key_generate(const char *name, GError **error)
{
    g_autoptr(secret_t) seed = secret_new(KEY_SEED_SIZE);

    randombytes_buf(seed->bytes, seed->length);
    return signing_key_from_seed(name, seed->bytes, error);
}

void signing_key_free(struct signing_key *key)
{
    if (!key)
        return;
    public_key_free(key->public);
    secret_free(key->secret);
    g_free(key);
}

struct signing_key *signing_key_parse(const char *text, GError **error)
{
    static const char what[] = "private key";
    g_autoptr(secret_t) tagged = secret_new(TAGGED_SIZE);
    g_autoptr(signing_key_t) key = NULL;
    g_autofree char *name = NULL;
    guint8 id[KEY_ID_SIZE];
    const char *base64;

    if (!g_str_has_prefix(text, PRIVATE_PREFIX)) {
        input_error(error, "not a private key: it does not begin with " PRIVATE_PREFIX);
        return NULL;
    }
    base64 = split(text + strlen(PRIVATE_PREFIX), what, &name, id, error);
    if (!base64)
        return NULL;
    if (!base64_decode_into(base64, -1, tagged->bytes, tagged->length) ||
        tagged->bytes[0] != ALGORITHM_ED25519) {
        input_error(error, "the %s of \"%s\" is not one of Ed25519 (1 + 32 bytes in base64)", what,
                    name);
        return NULL;
    }
    key = signing_key_from_seed(name, tagged->bytes + 1, error);
    if (!key || !id_is(key->public, id, what, error))
        return NULL;
    return g_steal_pointer(&key);
}

struct secret *signing_key_text(const struct signing_key *key)
{
    const gsize base64_size =
        sodium_base64_ENCODED_LEN(TAGGED_SIZE, sodium_base64_VARIANT_ORIGINAL);
    g_autoptr(secret_t) tagged = secret_new(TAGGED_SIZE);
    g_autofree char *hint = public_key_hint(key->public);
    g_autofree char *head = g_strconcat(PRIVATE_PREFIX, hint, "+", NULL);
    gsize head_length = strlen(head);
    struct secret *text = secret_new(head_length + base64_size - 1);

    tagged->bytes[0] = ALGORITHM_ED25519;
    crypto_sign_ed25519_sk_to_seed(tagged->bytes + 1, key->secret->bytes);
    memcpy(text->bytes, head, head_length);
    sodium_bin2base64((char *)text->bytes + head_length, base64_size, tagged->bytes, tagged->length,
                      sodium_base64_VARIANT_ORIGINAL);
    return text;
}

void signing_key_sign(const struct signing_key *key, const void *message, gsize length,
                      guint8 signature[KEY_SIGNATURE_SIZE])
{
    crypto_sign_detached(signature, NULL, message, length, key->secret->bytes);
}
