#include "statement/key_file.h"

#include "base/error.h"
#include "base/file.h"
#include "statement/base64.h"

#include <sodium.h>
#include <string.h>

#define KEY_FILE_MODE 0600
/* What we write: libsodium's "moderate" costs. What we read: no more than this machine can bear. */
#define OPERATIONS crypto_pwhash_argon2id_OPSLIMIT_MODERATE
#define MEMORY crypto_pwhash_argon2id_MEMLIMIT_MODERATE
#define OPERATIONS_LIMIT 16
#define MEMORY_LIMIT (1024ULL * 1024 * 1024)
#define BOX_KEY_SIZE crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define NONCE_SIZE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define SEALED_SIZE (KEY_SEED_SIZE + crypto_aead_xchacha20poly1305_ietf_ABYTES)
#define SALT_SIZE crypto_pwhash_argon2id_SALTBYTES

static gboolean derive(const struct secret *passphrase, const guint8 *salt, guint64 operations,
                       guint64 memory, struct secret *box_key)
{
    return crypto_pwhash(box_key->bytes, box_key->length, (const char *)passphrase->bytes,
                         passphrase->length, salt, operations, memory,
                         crypto_pwhash_ALG_ARGON2ID13) == 0;
}

static struct secret *format_sealed(const struct signing_key *key, const char *vkey,
                                    const struct secret *passphrase)
{
    g_autoptr(secret_t) box_key = secret_new(BOX_KEY_SIZE);
    g_autoptr(secret_t) seed = secret_new(KEY_SEED_SIZE);
    g_autofree char *salt_text = NULL, *nonce_text = NULL, *head = NULL, *sealed_text = NULL;
    g_autofree char *text = NULL;
    guint8 salt[SALT_SIZE], nonce[NONCE_SIZE], sealed[SEALED_SIZE];

    randombytes_buf(salt, sizeof salt);
    randombytes_buf(nonce, sizeof nonce);
    salt_text = g_base64_encode(salt, sizeof salt);
    nonce_text = g_base64_encode(nonce, sizeof nonce);
    head = g_strdup_printf(KEY_FILE_MAGIC "public %s\nargon2id13 %u %u %s\nxchacha20poly1305 %s ",
                           vkey, OPERATIONS, MEMORY, salt_text, nonce_text);
    if (!derive(passphrase, salt, OPERATIONS, MEMORY, box_key))
        g_error("no memory for Argon2id (%u bytes)", MEMORY);
    crypto_sign_ed25519_sk_to_seed(seed->bytes, key->secret->bytes);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, NULL, seed->bytes, seed->length,
                                               (const guint8 *)head, strlen(head), NULL, nonce,
                                               box_key->bytes);
    sealed_text = g_base64_encode(sealed, sizeof sealed);
    text = g_strconcat(head, sealed_text, "\n", NULL);
    return secret_copy(text, strlen(text));
}

struct secret *key_file_format(const struct signing_key *key, const struct secret *passphrase)
{
    g_autofree char *vkey = public_key_text(key->public);
    g_autofree char *head = NULL;
    g_autoptr(secret_t) private = NULL;
    struct secret *text;

    if (passphrase)
        return format_sealed(key, vkey, passphrase);
    private = signing_key_text(key);
    head = g_strconcat(KEY_FILE_MAGIC "public ", vkey, "\nprivate ", NULL);
    text = secret_new(strlen(head) + private->length + 1);
    memcpy(text->bytes, head, strlen(head));
    memcpy(text->bytes + strlen(head), private->bytes, private->length);
    text->bytes[text->length - 1] = '\n';
    return text;
}

gboolean key_file_create(const char *path, const struct signing_key *key,
                         const struct secret *passphrase, GError **error)
{
    g_autoptr(secret_t) text = key_file_format(key, passphrase);

    return file_create(path, text->bytes, text->length, KEY_FILE_MODE, error);
}

/* The lines after the magic, each without its first word; they point into `copy`. */
struct lines {
    struct secret *copy;
    char *public, *private, *kdf, *box;
};

static void lines_clear(struct lines *lines)
{
    secret_free(lines->copy);
}

static gboolean lines_read(const char *text, const char *name, struct lines *lines, GError **error)
{
    const struct {
        const char *word;
        char **rest;
    } known[] = {
        { "public ", &lines->public },
        { "private ", &lines->private },
        { "argon2id13 ", &lines->kdf },
        { "xchacha20poly1305 ", &lines->box },
    };
    gsize size = strlen(text);
    char *line, *next;

    if (!g_str_has_prefix(text, KEY_FILE_MAGIC) || size > KEY_FILE_LIMIT)
        return input_error(error, "%s: not a key file of version 1", name);
    lines->copy = secret_copy(text, size);
    line = (char *)lines->copy->bytes + strlen(KEY_FILE_MAGIC);
    for (guint number = 2; *line; number++, line = next) {
        guint i;

        next = strchr(line, '\n');
        if (!next)
            return input_error(error, "%s:%u: the line is cut short", name, number);
        *next++ = 0;
        for (i = 0; i < G_N_ELEMENTS(known); i++)
            if (g_str_has_prefix(line, known[i].word) && !*known[i].rest)
                break;
        if (i == G_N_ELEMENTS(known))
            return input_error(error, "%s:%u: an unknown or repeated line", name, number);
        *known[i].rest = line + strlen(known[i].word);
    }
    if (!lines->public || !lines->private == !lines->kdf || !lines->kdf != !lines->box)
        return input_error(error, "%s: not a whole key file (public key and secret)", name);
    return TRUE;
}

struct public_key *key_file_public(const char *text, const char *name, GError **error)
{
    struct lines lines = { 0 };
    struct public_key *key = NULL;

    if (lines_read(text, name, &lines, error)) {
        key = public_key_parse(lines.public, error);
        g_prefix_error(error, "%s: ", name);
    }
    lines_clear(&lines);
    return key;
}

/* Splits at single spaces into exactly `count` parts, in place. */
static gboolean parts_of(char *line, char **parts, guint count)
{
    for (guint i = 0; i < count; i++) {
        char *space = strchr(line, ' ');

        if (!space != (i + 1 == count))
            return FALSE;
        parts[i] = line;
        if (space) {
            *space = 0;
            line = space + 1;
        }
    }
    return TRUE;
}

static struct signing_key *open_sealed(const char *text, struct lines *lines,
                                       const struct public_key *public,
                                       const struct passphrase_source *source, GError **error)
{
    g_autoptr(secret_t) box_key = secret_new(BOX_KEY_SIZE);
    g_autoptr(secret_t) seed = secret_new(KEY_SEED_SIZE);
    g_autoptr(secret_t) passphrase = NULL;
    g_autofree char *what = g_strdup_printf("the key \"%s\"", public->name);
    guint8 salt[SALT_SIZE], nonce[NONCE_SIZE], sealed[SEALED_SIZE];
    guint64 operations, memory;
    gsize head = lines->box - (char *)lines->copy->bytes;
    char *kdf[3], *box[2];

    if (!parts_of(lines->kdf, kdf, 3) || !parts_of(lines->box, box, 2) ||
        !g_ascii_string_to_unsigned(kdf[0], 10, crypto_pwhash_argon2id_OPSLIMIT_MIN,
                                    OPERATIONS_LIMIT, &operations, NULL) ||
        !g_ascii_string_to_unsigned(kdf[1], 10, crypto_pwhash_argon2id_MEMLIMIT_MIN, MEMORY_LIMIT,
                                    &memory, NULL) ||
        !base64_decode_into(kdf[2], -1, salt, sizeof salt) ||
        !base64_decode_into(box[0], -1, nonce, sizeof nonce) ||
        !base64_decode_into(box[1], -1, sealed, sizeof sealed)) {
        input_error(error, "the sealed key is malformed");
        return NULL;
    }
    head += strlen(box[0]) + 1;
    passphrase = passphrase_get(source, what, FALSE, error);
    if (!passphrase)
        return NULL;
    if (!derive(passphrase, salt, operations, memory, box_key)) {
        system_error(error, "no memory for Argon2id (%" G_GUINT64_FORMAT " bytes)", memory);
        return NULL;
    }
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(seed->bytes, NULL, NULL, sealed, sizeof sealed,
                                                   (const guint8 *)text, head, nonce,
                                                   box_key->bytes) != 0) {
        input_error(error, "the passphrase is wrong, or the file was altered");
        return NULL;
    }
    return signing_key_from_seed(public->name, seed->bytes, error);
}

struct signing_key *key_file_private(const char *text, const char *name,
                                     const struct passphrase_source *source, GError **error)
{
    struct lines lines = { 0 };
    g_autoptr(public_key_t) public = NULL;
    g_autoptr(signing_key_t) key = NULL;

    if (lines_read(text, name, &lines, error)) {
        public = public_key_parse(lines.public, error);
        if (public)
            key = lines.kdf ? open_sealed(text, &lines, public, source, error)
                            : signing_key_parse(lines.private, error);
        if (!key)
            g_prefix_error(error, "%s: ", name);
    }
    lines_clear(&lines);
    if (key && (!g_str_equal(key->public->name, public->name) ||
                memcmp(key->public->bytes, public->bytes, KEY_PUBLIC_SIZE) != 0)) {
        input_error(error, "%s: the private key does not belong to the public key", name);
        return NULL;
    }
    return g_steal_pointer(&key);
}
