#include "statement/key_import.h"

#include "base/error.h"
#include "base/file.h"
#include "statement/key_file.h"
#include "statement/key_openssh.h"
#include "statement/key_pem.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct input {
    const char *text; /* NUL-terminated */
    gsize length;
    const char *where, *key_name;
    const struct passphrase_source *source;
};

static struct signing_key *own_private(const struct input *in, GError **error)
{
    return key_file_private(in->text, in->where, in->source, error);
}

static struct public_key *own_public(const struct input *in, GError **error)
{
    return key_file_public(in->text, in->where, error);
}

/* The first line alone, so that a final line feed does not matter. */
static struct signing_key *text_private(const struct input *in, GError **error)
{
    g_autoptr(secret_t) line = secret_copy(in->text, strcspn(in->text, "\r\n"));

    return signing_key_parse((const char *)line->bytes, error);
}

static struct public_key *text_public(const struct input *in, GError **error)
{
    g_autofree char *line = g_strndup(in->text, strcspn(in->text, "\r\n"));

    return public_key_parse(line, error);
}

static struct signing_key *pem_private(const struct input *in, GError **error)
{
    return key_pem_private(in->text, in->length, in->key_name, in->source, error);
}

static struct public_key *pem_public(const struct input *in, GError **error)
{
    return key_pem_public(in->text, in->length, in->key_name, error);
}

static struct signing_key *openssh_private(const struct input *in, GError **error)
{
    return key_openssh_private(in->text, in->key_name, error);
}

static struct public_key *openssh_public(const struct input *in, GError **error)
{
    return key_openssh_public(in->text, in->key_name, error);
}

/* The public half of a file that holds both in the clear. */
static struct public_key *of_private(const struct input *in, GError **error,
                                     struct signing_key *(*read)(const struct input *, GError **))
{
    g_autoptr(signing_key_t) key = read(in, error);

    return key ? public_key_copy(key->public) : NULL;
}

static struct public_key *text_private_public(const struct input *in, GError **error)
{
    return of_private(in, error, text_private);
}

static struct public_key *pem_private_public(const struct input *in, GError **error)
{
    return of_private(in, error, pem_private);
}

static struct public_key *openssh_private_public(const struct input *in, GError **error)
{
    return of_private(in, error, openssh_private);
}

/* The forms, told by how they begin; the last begins anyhow. */
static const struct form {
    const char *begin;
    struct signing_key *(*read_private)(const struct input *in, GError **error);
    struct public_key *(*read_public)(const struct input *in, GError **error);
} forms[] = {
    { KEY_FILE_MAGIC, own_private, own_public },
    { "PRIVATE+KEY+", text_private, text_private_public },
    { "-----BEGIN OPENSSH PRIVATE KEY-----", openssh_private, openssh_private_public },
    { "-----BEGIN PRIVATE KEY-----", pem_private, pem_private_public },
    { "-----BEGIN ENCRYPTED PRIVATE KEY-----", pem_private, pem_private_public },
    { "-----BEGIN PUBLIC KEY-----", NULL, pem_public },
    { "ssh-ed25519 ", NULL, openssh_public },
    { "", NULL, text_public },
};

static const struct form *form_of(const char *text)
{
    const struct form *form = forms;

    while (!g_str_has_prefix(text, form->begin))
        form++;
    return form;
}

/* The bytes as text; a NUL inside makes them no key. */
static gboolean as_text(GBytes *bytes, struct input *in, struct secret **copy, GError **error)
{
    gsize length;
    const char *data = g_bytes_get_data(bytes, &length);

    if (length > KEY_FORM_LIMIT || (length && memchr(data, 0, length)))
        return input_error(error, "%s: not a key", in->where);
    *copy = secret_copy(data, length);
    in->text = (const char *)(*copy)->bytes;
    in->length = length;
    return TRUE;
}

struct signing_key *key_import_private(GBytes *bytes, const char *where, const char *key_name,
                                       const struct passphrase_source *source, GError **error)
{
    struct input in = { .where = where, .key_name = key_name, .source = source };
    g_autoptr(secret_t) copy = NULL;
    g_autoptr(signing_key_t) key = NULL;
    const struct form *form;

    if (!as_text(bytes, &in, &copy, error))
        return NULL;
    form = form_of(in.text);
    if (!form->read_private) {
        input_error(error,
                    "%s: not a private key (Entente key file, PRIVATE+KEY, PKCS#8 PEM or "
                    "OpenSSH)",
                    where);
        return NULL;
    }
    key = form->read_private(&in, error);
    if (!key && form != forms) /* key_file.h names the file itself */
        g_prefix_error(error, "%s: ", where);
    return g_steal_pointer(&key);
}

struct public_key *key_import_public(GBytes *bytes, const char *where, const char *key_name,
                                     GError **error)
{
    struct input in = { .where = where, .key_name = key_name };
    g_autoptr(secret_t) copy = NULL;
    g_autoptr(public_key_t) key = NULL;
    const struct form *form;

    if (!as_text(bytes, &in, &copy, error))
        return NULL;
    form = form_of(in.text);
    key = form->read_public(&in, error);
    if (!key && form != forms)
        g_prefix_error(error, "%s: ", where);
    return g_steal_pointer(&key);
}

struct signing_key *key_import_private_file(const char *path, const char *key_name,
                                            const struct passphrase_source *source, GError **error)
{
    GBytes *bytes = file_read(path, KEY_FORM_LIMIT, error);
    struct signing_key *key = NULL;

    if (!bytes)
        return NULL;
    if (key_form_is_kept(path, error))
        key = key_import_private(bytes, path, key_name, source, error);
    secret_wipe_bytes(bytes);
    return key;
}

struct public_key *key_import_public_argument(const char *argument, GError **error)
{
    g_autofree char *base = NULL;
    struct public_key *key;
    GBytes *bytes;

    if (access(argument, F_OK) < 0 && errno == ENOENT) {
        if (strchr(argument, '+'))
            return public_key_parse(argument, error);
        system_error(error,
                     "%s: there is no such file, and the text of a key is longer: NAME+ID+KEY, as "
                     "\"entente key show\" prints it",
                     argument);
        return NULL;
    }
    bytes = file_read(argument, KEY_FORM_LIMIT, error);
    if (!bytes)
        return NULL;
    base = g_path_get_basename(argument);
    g_strdelimit(base, "+ \t", '-');
    key = key_import_public(bytes, argument, base, error);
    secret_wipe_bytes(bytes);
    return key;
}
