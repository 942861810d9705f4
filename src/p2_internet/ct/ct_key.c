#include "p2_internet/ct/ct_key.h"

#include "base/error.h"
#include "base/file.h"
#include "base/late_library.h"
#include "statement/base64.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stddef.h>
#include <string.h>

#define KEY_FILE_MAX 65536u
#define PEM_BEGIN "-----BEGIN PUBLIC KEY-----"
#define PEM_END "-----END PUBLIC KEY-----"
#define NOTE_TYPE 0x05
#define BLOB_HEAD 12u /* time u64, hash u8, signature u8, length u16 */
#define HASH_SHA256 4
#define SIGNATURE_RSA 1
#define SIGNATURE_ECDSA 3
#define HEAD_TREE_HASH 1

struct calls {
    typeof(d2i_PUBKEY) *read_key;
    typeof(EVP_PKEY_free) *key_free;
    typeof(EVP_PKEY_get_base_id) *key_kind;
    typeof(EVP_MD_CTX_new) *context_new;
    typeof(EVP_MD_CTX_free) *context_free;
    typeof(EVP_sha256) *sha256;
    typeof(EVP_DigestVerifyInit) *begin;
    typeof(EVP_DigestVerify) *verify;
};

static const struct late_symbol symbols[] = {
    { "d2i_PUBKEY", offsetof(struct calls, read_key) },
    { "EVP_PKEY_free", offsetof(struct calls, key_free) },
    { "EVP_PKEY_get_base_id", offsetof(struct calls, key_kind) },
    { "EVP_MD_CTX_new", offsetof(struct calls, context_new) },
    { "EVP_MD_CTX_free", offsetof(struct calls, context_free) },
    { "EVP_sha256", offsetof(struct calls, sha256) },
    { "EVP_DigestVerifyInit", offsetof(struct calls, begin) },
    { "EVP_DigestVerify", offsetof(struct calls, verify) },
    { NULL, 0 },
};

struct ct_key *ct_key_new(GBytes *spki)
{
    struct ct_key *key = g_new0(struct ct_key, 1);

    key->spki = g_bytes_ref(spki);
    crypto_hash_sha256(key->id, g_bytes_get_data(spki, NULL), g_bytes_get_size(spki));
    return key;
}

void ct_key_free(struct ct_key *key)
{
    if (!key)
        return;
    g_bytes_unref(key->spki);
    g_free(key);
}

/* What stands between the lines of PEM, without white space. */
static char *pem_body(const char *text)
{
    const char *begin = strstr(text, PEM_BEGIN), *end = begin ? strstr(begin, PEM_END) : NULL;
    GString *body = g_string_new(NULL);

    for (const char *c = end ? begin + strlen(PEM_BEGIN) : ""; *c && c < end; c++)
        if (!g_ascii_isspace(*c))
            g_string_append_c(body, *c);
    return g_string_free(body, FALSE);
}

struct ct_key *ct_key_load(const char *text, GError **error)
{
    g_autoptr(GBytes) spki = base64_decode(text, -1), file = NULL;

    if (!spki) {
        g_autofree char *whole = NULL, *body = NULL;

        file = file_read(text, KEY_FILE_MAX, error);
        if (!file) {
            g_prefix_error(error, "the key of a log is base64 or a PEM file: ");
            return NULL;
        }
        whole = g_strndup(g_bytes_get_data(file, NULL), g_bytes_get_size(file));
        body = pem_body(whole);
        spki = base64_decode(body, -1);
    }
    if (spki && g_bytes_get_size(spki) > 0)
        return ct_key_new(spki);
    input_error(error, "%s: holds no public key in PEM (" PEM_BEGIN ")", text);
    return NULL;
}

/* SHA-256(name LF 0x05 log id)[:4] */
static gboolean is_ours(const struct ct_key *key, const struct note_signature *signature,
                        const char *origin)
{
    static const guint8 between[] = { '\n', NOTE_TYPE };
    guint8 digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const guint8 *)origin, strlen(origin));
    crypto_hash_sha256_update(&state, between, sizeof between);
    crypto_hash_sha256_update(&state, key->id, sizeof key->id);
    crypto_hash_sha256_final(&state, digest);
    return strcmp(signature->name, origin) == 0 &&
           memcmp(signature->id, digest, sizeof signature->id) == 0;
}

static void append_number(GByteArray *bytes, guint64 number)
{
    const guint64 big_endian = GUINT64_TO_BE(number);

    g_byte_array_append(bytes, (const guint8 *)&big_endian, sizeof big_endian);
}

static gboolean signature_is_good(const struct ct_key *key, const GByteArray *message,
                                  const guint8 *head, const guint8 *signature, gsize length)
{
    const guint8 *spki = g_bytes_get_data(key->spki, NULL);
    struct calls calls;
    EVP_PKEY *pkey;
    EVP_MD_CTX *context;
    gboolean good;
    int kind;

    if (!late_library_load("libcrypto.so.3", "libssl3", symbols, &calls, NULL))
        return FALSE;
    pkey = calls.read_key(NULL, &spki, (long)g_bytes_get_size(key->spki));
    context = calls.context_new();
    kind = pkey ? calls.key_kind(pkey) : EVP_PKEY_NONE;
    good = head[0] == HASH_SHA256 &&
           ((head[1] == SIGNATURE_ECDSA && kind == EVP_PKEY_EC) ||
            (head[1] == SIGNATURE_RSA && kind == EVP_PKEY_RSA)) &&
           calls.begin(context, NULL, calls.sha256(), NULL, pkey) == 1 &&
           calls.verify(context, signature, length, message->data, message->len) == 1;
    calls.context_free(context);
    calls.key_free(pkey);
    return good;
}

static gboolean verify(const struct ct_key *key, const struct checkpoint *checkpoint,
                       const struct note_signature *signature, gint64 *time_us)
{
    static const guint8 head[] = { 0, HEAD_TREE_HASH }; /* version v1, type */
    g_autoptr(GByteArray) message = g_byte_array_new();
    gsize size;
    const guint8 *blob = g_bytes_get_data(signature->bytes, &size);
    guint64 time_ms = 0;

    if (size < BLOB_HEAD || size - BLOB_HEAD != ((gsize)blob[10] << 8 | blob[11]))
        return FALSE;
    for (guint i = 0; i < sizeof time_ms; i++)
        time_ms = time_ms << 8 | blob[i];
    if (time_ms > G_MAXINT64 / 1000)
        return FALSE;
    *time_us = (gint64)time_ms * 1000;
    g_byte_array_append(message, head, sizeof head);
    append_number(message, time_ms);
    append_number(message, checkpoint->size);
    g_byte_array_append(message, checkpoint->root.bytes, MERKLE_HASH_SIZE);
    return signature_is_good(key, message, blob + 8, blob + BLOB_HEAD, size - BLOB_HEAD);
}

struct checkpoint *ct_key_verify(const struct ct_key *key, const struct note *note, gint64 *time_us,
                                 GError **error)
{
    g_autoptr(checkpoint_t) checkpoint =
        checkpoint_parse(g_bytes_get_data(note->text, NULL), g_bytes_get_size(note->text), error);
    gboolean any = FALSE;

    for (guint i = 0; checkpoint && i < note->signatures->len; i++) {
        const struct note_signature *signature = note->signatures->pdata[i];

        if (!is_ours(key, signature, checkpoint->origin))
            continue;
        if (!verify(key, checkpoint, signature, time_us)) {
            found_error(error, "%s: its checkpoint has a signature of the log that does not verify",
                        checkpoint->origin);
            return NULL;
        }
        any = TRUE;
    }
    if (checkpoint && !any) {
        found_error(error, "%s: its checkpoint is not signed by the key that was given",
                    checkpoint->origin);
        return NULL;
    }
    return g_steal_pointer(&checkpoint);
}
