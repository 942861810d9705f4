#include "statement/key_file.h"

#include "base/error.h"
#include "base/file.h"

#include <sodium.h>
#include <string.h>

G_STATIC_ASSERT(KEY_SEED_SIZE == KEY_FORM_SECRET_SIZE);

struct secret *key_file_format(const struct signing_key *key, const struct secret *passphrase)
{
    g_autofree char *vkey = public_key_text(key->public);
    g_autoptr(secret_t) private = signing_key_text(key);
    g_autoptr(secret_t) seed = secret_new(KEY_SEED_SIZE);
    const struct key_form form = { KEY_FILE_MAGIC, vkey, private, seed->bytes };

    crypto_sign_ed25519_sk_to_seed(seed->bytes, key->secret->bytes);
    return key_form_write(&form, passphrase);
}

gboolean key_file_create(const char *path, const struct signing_key *key,
                         const struct secret *passphrase, GError **error)
{
    g_autoptr(secret_t) text = key_file_format(key, passphrase);

    return file_create(path, text->bytes, text->length, KEY_FORM_MODE, error);
}

struct public_key *key_file_public(const char *text, const char *name, GError **error)
{
    g_auto(key_form_lines_t) lines = { 0 };
    struct public_key *key;

    if (!key_form_read(KEY_FILE_MAGIC, text, name, &lines, error))
        return NULL;
    key = public_key_parse(lines.public, error);
    if (!key)
        g_prefix_error(error, "%s: ", name);
    return key;
}

static struct signing_key *open_sealed(struct key_form_lines *lines,
                                       const struct public_key *public,
                                       const struct passphrase_source *source, GError **error)
{
    g_autofree char *what = g_strdup_printf("the key \"%s\"", public->name);
    g_autoptr(secret_t) seed = key_form_open(lines, what, source, error);

    return seed ? signing_key_from_seed(public->name, seed->bytes, error) : NULL;
}

struct signing_key *key_file_private(const char *text, const char *name,
                                     const struct passphrase_source *source, GError **error)
{
    g_auto(key_form_lines_t) lines = { 0 };
    g_autoptr(public_key_t) public = NULL;
    g_autoptr(signing_key_t) key = NULL;

    if (!key_form_read(KEY_FILE_MAGIC, text, name, &lines, error))
        return NULL;
    public = public_key_parse(lines.public, error);
    if (public)
        key = lines.kdf ? open_sealed(&lines, public, source, error)
                        : signing_key_parse(lines.private, error);
    if (!key) {
        g_prefix_error(error, "%s: ", name);
        return NULL;
    }
    if (!g_str_equal(key->public->name, public->name) ||
        memcmp(key->public->bytes, public->bytes, KEY_PUBLIC_SIZE) != 0) {
        input_error(error, "%s: the private key does not belong to the public key", name);
        return NULL;
    }
    return g_steal_pointer(&key);
}
