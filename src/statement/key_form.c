#include "statement/key_form.h"

#include "base/error.h"
#include "statement/base64.h"

#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#define OTHERS_MAY (S_IRWXG | S_IRWXO)
/* What we write: libsodium's "moderate" costs. What we read: no more than this machine can bear. */
#define OPERATIONS crypto_pwhash_argon2id_OPSLIMIT_MODERATE
#define MEMORY crypto_pwhash_argon2id_MEMLIMIT_MODERATE
#define OPERATIONS_LIMIT 16
#define MEMORY_LIMIT (1024ULL * 1024 * 1024)
#define BOX_KEY_SIZE crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define NONCE_SIZE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define SEALED_SIZE (KEY_FORM_SECRET_SIZE + crypto_aead_xchacha20poly1305_ietf_ABYTES)
#define SALT_SIZE crypto_pwhash_argon2id_SALTBYTES

static gboolean derive(const struct secret *passphrase, const guint8 *salt, guint64 operations,
                       guint64 memory, struct secret *box_key)
{
    return crypto_pwhash(box_key->bytes, box_key->length, (const char *)passphrase->bytes,
                         passphrase->length, salt, operations, memory,
                         crypto_pwhash_ALG_ARGON2ID13) == 0;
}

static struct secret *write_sealed(const struct key_form *form, const struct secret *passphrase)
{
    g_autoptr(secret_t) box_key = secret_new(BOX_KEY_SIZE);
    g_autofree char *salt_text = NULL, *nonce_text = NULL, *head = NULL, *sealed_text = NULL;
    g_autofree char *text = NULL;
    guint8 salt[SALT_SIZE], nonce[NONCE_SIZE], sealed[SEALED_SIZE];

    randombytes_buf(salt, sizeof salt);
    randombytes_buf(nonce, sizeof nonce);
    salt_text = g_base64_encode(salt, sizeof salt);
    nonce_text = g_base64_encode(nonce, sizeof nonce);
    head = g_strdup_printf("%spublic %s\nargon2id13 %u %u %s\nxchacha20poly1305 %s ", form->magic,
                           form->public, OPERATIONS, MEMORY, salt_text, nonce_text);
    if (!derive(passphrase, salt, OPERATIONS, MEMORY, box_key))
        g_error("no memory for Argon2id (%u bytes)", MEMORY);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, NULL, form->seed, KEY_FORM_SECRET_SIZE,
                                               (const guint8 *)head, strlen(head), NULL, nonce,
                                               box_key->bytes);
    sealed_text = g_base64_encode(sealed, sizeof sealed);
    text = g_strconcat(head, sealed_text, "\n", NULL);
    return secret_copy(text, strlen(text));
}

struct secret *key_form_write(const struct key_form *form, const struct secret *passphrase)
{
    g_autofree char *head = NULL;
    struct secret *text;

    if (passphrase)
        return write_sealed(form, passphrase);
    head = g_strconcat(form->magic, "public ", form->public, "\nprivate ", NULL);
    text = secret_new(strlen(head) + form->private->length + 1);
    memcpy(text->bytes, head, strlen(head));
    memcpy(text->bytes + strlen(head), form->private->bytes, form->private->length);
    text->bytes[text->length - 1] = '\n';
    return text;
}

void key_form_lines_clear(struct key_form_lines *lines)
{
    secret_free(lines->copy);
    *lines = (struct key_form_lines){ 0 };
}

gboolean key_form_read(const char *magic, const char *text, const char *name,
                       struct key_form_lines *lines, GError **error)
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

    if (!g_str_has_prefix(text, magic) || size > KEY_FORM_LIMIT)
        return input_error(error, "%s: not a key file of version 1", name);
    *lines = (struct key_form_lines){ .copy = secret_copy(text, size), .text = text };
    line = (char *)lines->copy->bytes + strlen(magic);
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

struct secret *key_form_open(struct key_form_lines *lines, const char *what,
                             const struct passphrase_source *source, GError **error)
{
    g_autoptr(secret_t) box_key = secret_new(BOX_KEY_SIZE);
    g_autoptr(secret_t) seed = secret_new(KEY_FORM_SECRET_SIZE);
    g_autoptr(secret_t) passphrase = NULL;
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
                                                   (const guint8 *)lines->text, head, nonce,
                                                   box_key->bytes) != 0) {
        input_error(error, "the passphrase is wrong, or the file was altered");
        return NULL;
    }
    return g_steal_pointer(&seed);
}

gboolean key_form_is_kept(const char *path, GError **error)
{
    struct stat status;

    if (g_str_equal(path, "-") || stat(path, &status) < 0 || !(status.st_mode & OTHERS_MAY))
        return TRUE;
    return policy_error(error,
                        "%s: others may read this private key (mode %04o); chmod 600 it first",
                        path, (unsigned)(status.st_mode & 07777));
}
