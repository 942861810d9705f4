#include "statement/key_openssh.h"

#include "base/error.h"
#include "statement/base64.h"

#include <sodium.h>
#include <string.h>

#define BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----"
#define END "-----END OPENSSH PRIVATE KEY-----"
#define MAGIC "openssh-key-v1" /* with its NUL */
#define ED25519 "ssh-ed25519"
#define UNENCRYPTED "none"
#define PADDING_LIMIT 8 /* the block size of "none" */
#define ED25519_PRIVATE_SIZE (KEY_SEED_SIZE + KEY_PUBLIC_SIZE)

/* What is left to read of an SSH-encoded blob (RFC 4251 section 5). */
struct cursor {
    const guint8 *at;
    gsize left;
};

static gboolean take_number(struct cursor *in, guint32 *number)
{
    if (in->left < 4)
        return FALSE;
    *number =
        (guint32)in->at[0] << 24 | (guint32)in->at[1] << 16 | (guint32)in->at[2] << 8 | in->at[3];
    in->at += 4;
    in->left -= 4;
    return TRUE;
}

static gboolean take_string(struct cursor *in, struct cursor *string)
{
    guint32 length;

    if (!take_number(in, &length) || length > in->left)
        return FALSE;
    *string = (struct cursor){ in->at, length };
    in->at += length;
    in->left -= length;
    return TRUE;
}

static gboolean cursor_is(const struct cursor *string, const char *text)
{
    return string->left == strlen(text) && memcmp(string->at, text, string->left) == 0;
}

/* string "ssh-ed25519", string key; nothing after. NULL in `key` when of another kind. */
static gboolean take_public(struct cursor blob, const guint8 **key)
{
    struct cursor kind, bytes;

    *key = NULL;
    if (!take_string(&blob, &kind))
        return FALSE;
    if (!cursor_is(&kind, ED25519))
        return TRUE;
    if (!take_string(&blob, &bytes) || bytes.left != KEY_PUBLIC_SIZE || blob.left)
        return FALSE;
    *key = bytes.at;
    return TRUE;
}

struct public_key *key_openssh_public(const char *text, const char *key_name, GError **error)
{
    g_autoptr(GBytes) blob = NULL;
    const guint8 *bytes = NULL;
    struct cursor in = { 0 };
    const char *base64 = text + strlen(ED25519 " ");

    if (!g_str_has_prefix(text, ED25519 " ")) {
        input_error(error, "not an OpenSSH public key of Ed25519 (\"" ED25519 " ...\")");
        return NULL;
    }
    blob = base64_decode(base64, (gssize)strcspn(base64, " \t\r\n"));
    if (blob)
        in.at = g_bytes_get_data(blob, &in.left);
    if (!blob || !take_public(in, &bytes) || !bytes) {
        input_error(error, "the OpenSSH public key is malformed");
        return NULL;
    }
    return public_key_new(key_name, bytes, error);
}

/* The base64 between the two lines, without line ends, decoded into secret memory. */
static struct secret *unarmour(const char *text)
{
    const char *begin = strstr(text, BEGIN), *end;
    g_autoptr(secret_t) joined = NULL;
    g_autoptr(secret_t) blob = NULL;
    gsize length = 0, written = 0;

    if (!begin)
        return NULL;
    begin += strlen(BEGIN);
    end = strstr(begin, END);
    if (!end)
        return NULL;
    joined = secret_new((gsize)(end - begin));
    for (; begin < end; begin++)
        if (!g_ascii_isspace(*begin))
            joined->bytes[length++] = (guint8)*begin;
    blob = secret_new(length);
    if (sodium_base642bin(blob->bytes, blob->length, (const char *)joined->bytes, length, NULL,
                          &written, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
        return NULL;
    blob->length = written;
    return g_steal_pointer(&blob);
}

/* The private part: two equal check numbers, kind, public key, seed || public key, comment,
 * padding 1, 2, 3 ... Gives the seed, or NULL. */
static const guint8 *take_private(struct cursor in, const guint8 *public)
{
    struct cursor kind, key, pair, comment;
    guint32 first, second;

    if (!take_number(&in, &first) || !take_number(&in, &second) || first != second ||
        !take_string(&in, &kind) || !cursor_is(&kind, ED25519) || !take_string(&in, &key) ||
        key.left != KEY_PUBLIC_SIZE || !take_string(&in, &pair) ||
        pair.left != ED25519_PRIVATE_SIZE || !take_string(&in, &comment) ||
        in.left >= PADDING_LIMIT)
        return NULL;
    for (gsize i = 0; i < in.left; i++)
        if (in.at[i] != i + 1)
            return NULL;
    if (memcmp(key.at, public, KEY_PUBLIC_SIZE) != 0 ||
        memcmp(pair.at + KEY_SEED_SIZE, public, KEY_PUBLIC_SIZE) != 0)
        return NULL;
    return pair.at;
}

struct signing_key *key_openssh_private(const char *text, const char *key_name, GError **error)
{
    g_autoptr(secret_t) blob = unarmour(text);
    g_autoptr(signing_key_t) key = NULL;
    struct cursor in = { 0 }, cipher, kdf, options, public_blob, private_blob;
    const guint8 *public = NULL, *seed = NULL;
    guint32 keys = 0;

    if (blob && blob->length >= sizeof MAGIC && memcmp(blob->bytes, MAGIC, sizeof MAGIC) == 0)
        in = (struct cursor){ blob->bytes + sizeof MAGIC, blob->length - sizeof MAGIC };
    if (!in.at || !take_string(&in, &cipher) || !take_string(&in, &kdf) ||
        !take_string(&in, &options) || !take_number(&in, &keys) || keys != 1 ||
        !take_string(&in, &public_blob) || !take_string(&in, &private_blob) || in.left ||
        !take_public(public_blob, &public)) {
        input_error(error, "the OpenSSH private key is malformed");
        return NULL;
    }
    if (!public) {
        input_error(error, "the OpenSSH private key is not one of Ed25519");
        return NULL;
    }
    if (!cursor_is(&cipher, UNENCRYPTED) || !cursor_is(&kdf, UNENCRYPTED)) {
        input_error(error, "the OpenSSH private key has a passphrase: take it off a copy "
                           "(ssh-keygen -p -N '' -f COPY), import the copy with "
                           "--passphrase-file to give it a new one, and delete the copy");
        return NULL;
    }
    seed = take_private(private_blob, public);
    if (seed)
        key = signing_key_from_seed(key_name, seed, error);
    else
        input_error(error, "the OpenSSH private key is malformed");
    if (key && memcmp(key->public->bytes, public, KEY_PUBLIC_SIZE) != 0) {
        input_error(error, "the OpenSSH private key does not belong to its public key");
        return NULL;
    }
    return g_steal_pointer(&key);
}
