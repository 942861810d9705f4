#include "statement/note.h"

#include "base/error.h"
#include "statement/base64.h"

#include <sodium.h>
#include <string.h>

#define TAGGED_SIZE (1 + KEY_PUBLIC_SIZE) /* type byte and key */
#define TIME_SIZE 8
#define COSIGNATURE_SIZE (TIME_SIZE + KEY_SIGNATURE_SIZE)
#define DASH "\342\200\224 " /* U+2014 and a space */

/* ---- keys ---- */

static void key_id(const char *name, guint8 type, const guint8 bytes[KEY_PUBLIC_SIZE],
                   guint8 id[KEY_ID_SIZE])
{
    const guint8 between[] = { '\n', type };
    guint8 digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const guint8 *)name, strlen(name));
    crypto_hash_sha256_update(&state, between, sizeof between);
    crypto_hash_sha256_update(&state, bytes, KEY_PUBLIC_SIZE);
    crypto_hash_sha256_final(&state, digest);
    memcpy(id, digest, KEY_ID_SIZE);
}

struct note_key *note_key_parse(const char *vkey, GError **error)
{
    const char *first = strchr(vkey, '+');
    const char *second = first ? strchr(first + 1, '+') : NULL;
    g_autofree char *hex = second ? g_strndup(first + 1, second - first - 1) : NULL;
    g_autofree char *name = second ? g_strndup(vkey, first - vkey) : NULL;
    g_autoptr(note_key_t) key = g_new0(struct note_key, 1);
    guint8 tagged[TAGGED_SIZE], id[KEY_ID_SIZE];

    if (!second || !hex_decode_into(hex, id, KEY_ID_SIZE)) {
        input_error(error, "not a verification key (vkey): it is NAME+ID+BASE64, ID eight "
                           "lower-case hex digits");
        return NULL;
    }
    if (!key_name_is_valid(name)) {
        input_error(error, "\"%s\" cannot name a key (no spaces, no '+', not empty)", name);
        return NULL;
    }
    if (!base64_decode_into(second + 1, -1, tagged, sizeof tagged) ||
        (tagged[0] != NOTE_KEY_ED25519 && tagged[0] != NOTE_KEY_COSIGNATURE)) {
        input_error(error,
                    "the key of \"%s\" is neither Ed25519 (0x01) nor an Ed25519 cosigner's "
                    "(0x04)",
                    name);
        return NULL;
    }
    key->name = g_steal_pointer(&name);
    key->type = tagged[0];
    memcpy(key->bytes, tagged + 1, KEY_PUBLIC_SIZE);
    key_id(key->name, key->type, key->bytes, key->id);
    if (memcmp(key->id, id, KEY_ID_SIZE) != 0) {
        input_error(error, "the key of \"%s\" was altered: its id does not fit it", key->name);
        return NULL;
    }
    return g_steal_pointer(&key);
}

struct note_key *note_key_new(enum note_key_type type, const struct public_key *key)
{
    struct note_key *made = g_new0(struct note_key, 1);

    made->name = g_strdup(key->name);
    made->type = type;
    memcpy(made->bytes, key->bytes, KEY_PUBLIC_SIZE);
    key_id(made->name, made->type, made->bytes, made->id);
    return made;
}

struct note_key *note_key_copy(const struct note_key *key)
{
    struct note_key *copy = g_memdup2(key, sizeof *key);

    copy->name = g_strdup(key->name);
    return copy;
}

void note_key_free(struct note_key *key)
{
    if (!key)
        return;
    g_free(key->name);
    g_free(key);
}

char *note_key_text(const struct note_key *key)
{
    guint8 tagged[TAGGED_SIZE] = { key->type };
    g_autofree char *hex = hex_encode(key->id, KEY_ID_SIZE);
    g_autofree char *base64 = NULL;

    memcpy(tagged + 1, key->bytes, KEY_PUBLIC_SIZE);
    base64 = g_base64_encode(tagged, sizeof tagged);
    return g_strdup_printf("%s+%s+%s", key->name, hex, base64);
}

/* ---- reading ---- */

GPtrArray *note_public_keys(const GPtrArray *keys)
{
    GPtrArray *plain = g_ptr_array_new_with_free_func((GDestroyNotify)public_key_free);

    for (guint i = 0; i < keys->len; i++) {
        const struct note_key *key = keys->pdata[i];

        if (key->type == NOTE_KEY_ED25519)
            g_ptr_array_add(plain, public_key_new(key->name, key->bytes, NULL));
    }
    return plain;
}

static void signature_free(gpointer data)
{
    struct note_signature *signature = data;

    g_free(signature->name);
    g_bytes_unref(signature->bytes);
    g_free(signature);
}

void note_free(struct note *note)
{
    if (!note)
        return;
    g_bytes_unref(note->bytes);
    g_clear_pointer(&note->text, g_bytes_unref);
    g_ptr_array_unref(note->signatures);
    g_free(note);
}

/* Reads a signature line without its LF; NULL when it is none. */
static struct note_signature *signature_parse(const char *line, gsize length)
{
    const gsize dash = strlen(DASH);
    const char *space;
    g_autofree char *name = NULL;
    g_autoptr(GBytes) blob = NULL;
    struct note_signature *signature;
    gsize size;

    if (length < dash || memcmp(line, DASH, dash) != 0)
        return NULL;
    line += dash;
    length -= dash;
    space = memchr(line, ' ', length);
    if (!space)
        return NULL;
    name = g_strndup(line, space - line);
    blob = base64_decode(space + 1, (gssize)length - (space + 1 - line));
    if (!blob || !key_name_is_valid(name))
        return NULL;
    size = g_bytes_get_size(blob);
    if (size <= KEY_ID_SIZE)
        return NULL;
    signature = g_new0(struct note_signature, 1);
    signature->name = g_steal_pointer(&name);
    memcpy(signature->id, g_bytes_get_data(blob, NULL), KEY_ID_SIZE);
    signature->bytes = g_bytes_new_from_bytes(blob, KEY_ID_SIZE, size - KEY_ID_SIZE);
    return signature;
}

/* Valid UTF-8 whose only control character below 0x20 is LF. */
static gboolean bytes_are_text(const char *data, gsize length)
{
    for (gsize i = 0; i < length; i++) {
        if ((guint8)data[i] < 0x20 && data[i] != '\n')
            return FALSE;
    }
    return g_utf8_validate_len(data, length, NULL);
}

/* Where the signatures begin: behind the last blank line; 0 when there is none. */
static gsize signatures_start(const char *data, gsize length)
{
    for (gsize i = length; i >= 2; i--) {
        if (data[i - 1] == '\n' && data[i - 2] == '\n')
            return i;
    }
    return 0;
}

struct note *note_parse(const void *data, gsize length, const char *name, GError **error)
{
    g_autoptr(note_t) note = NULL;
    const char *text, *at, *end;
    gsize start;

    if (length > NOTE_LIMIT) {
        input_error(error, "%s: larger than a signed note may be (%u bytes)", name, NOTE_LIMIT);
        return NULL;
    }
    note = g_new0(struct note, 1);
    note->bytes = g_bytes_new(data, length);
    note->signatures = g_ptr_array_new_with_free_func(signature_free);
    text = g_bytes_get_data(note->bytes, NULL);
    if (!length || !bytes_are_text(text, length)) {
        input_error(error, "%s: not a signed note: not a text of lines in UTF-8", name);
        return NULL;
    }
    start = signatures_start(text, length);
    if (!start || start == length || text[length - 1] != '\n') {
        input_error(error, "%s: not a signed note: no signature lines behind a blank line", name);
        return NULL;
    }
    note->text = g_bytes_new_from_bytes(note->bytes, 0, start - 1);
    for (at = text + start, end = text + length; at < end;) {
        const char *line_end = memchr(at, '\n', end - at);
        struct note_signature *signature = signature_parse(at, line_end - at);

        if (!signature) {
            input_error(error, "%s: not a signed note: signature line %u is malformed", name,
                        note->signatures->len + 1);
            return NULL;
        }
        g_ptr_array_add(note->signatures, signature);
        if (note->signatures->len > NOTE_SIGNATURES_LIMIT) {
            input_error(error, "%s: more than %d signatures", name, NOTE_SIGNATURES_LIMIT);
            return NULL;
        }
        at = line_end + 1;
    }
    return g_steal_pointer(&note);
}

/* ---- signing and verifying ---- */

static gboolean same_id(const char *name, const guint8 id[KEY_ID_SIZE], const struct note_key *key)
{
    return memcmp(id, key->id, KEY_ID_SIZE) == 0 && strcmp(name, key->name) == 0;
}

/* What a cosigner signs (C2SP tlog-cosignature, "cosignature/v1"). */
static GByteArray *cosigned_message(const void *text, gsize length, guint64 time_s)
{
    g_autofree char *head = g_strdup_printf("cosignature/v1\ntime %" G_GUINT64_FORMAT "\n", time_s);
    GByteArray *message = g_byte_array_sized_new(strlen(head) + length);

    g_byte_array_append(message, (const guint8 *)head, strlen(head));
    g_byte_array_append(message, text, length);
    return message;
}

static gboolean key_verifies(const struct note_key *key, const struct note_signature *signature,
                             GBytes *text, guint64 *time_s)
{
    gsize length, size;
    const void *data = g_bytes_get_data(text, &length);
    const guint8 *blob = g_bytes_get_data(signature->bytes, &size);
    g_autoptr(GByteArray) message = NULL;
    guint64 big_endian;

    *time_s = 0;
    if (key->type == NOTE_KEY_ED25519)
        return size == KEY_SIGNATURE_SIZE &&
               crypto_sign_verify_detached(blob, data, length, key->bytes) == 0;
    if (size != COSIGNATURE_SIZE)
        return FALSE;
    memcpy(&big_endian, blob, TIME_SIZE);
    *time_s = GUINT64_FROM_BE(big_endian);
    if (*time_s > G_MAXINT64)
        return FALSE;
    message = cosigned_message(data, length, *time_s);
    return crypto_sign_verify_detached(blob + TIME_SIZE, message->data, message->len, key->bytes) ==
           0;
}

static gboolean keys_are_ambiguous(const GPtrArray *keys)
{
    for (guint i = 0; i < keys->len; i++) {
        const struct note_key *key = keys->pdata[i];

        for (guint j = 0; j < i; j++) {
            if (same_id(key->name, key->id, keys->pdata[j]))
                return TRUE;
        }
    }
    return FALSE;
}

enum note_verdict note_verify(const struct note *note, const GPtrArray *keys, GArray *signers)
{
    g_autofree gboolean *signed_by = g_new0(gboolean, keys->len + 1);
    gboolean any = FALSE;

    if (signers)
        g_array_set_size(signers, 0);
    if (keys_are_ambiguous(keys))
        return NOTE_AMBIGUOUS;
    for (guint i = 0; i < note->signatures->len; i++) {
        const struct note_signature *signature = note->signatures->pdata[i];
        struct note_signer signer = { 0 };

        while (signer.key < keys->len &&
               !same_id(signature->name, signature->id, keys->pdata[signer.key]))
            signer.key++;
        if (signer.key == keys->len)
            continue;
        if (!key_verifies(keys->pdata[signer.key], signature, note->text, &signer.time_s)) {
            if (signers)
                g_array_set_size(signers, 0);
            return NOTE_INVALID;
        }
        if (signers && !signed_by[signer.key])
            g_array_append_val(signers, signer);
        signed_by[signer.key] = any = TRUE;
    }
    return any ? NOTE_GOOD : NOTE_UNVERIFIED;
}

const char *note_verdict_name(enum note_verdict verdict)
{
    static const char *const names[] = {
        [NOTE_GOOD] = "ok",
        [NOTE_UNVERIFIED] = "no-verified-signature",
        [NOTE_INVALID] = "invalid-signature",
        [NOTE_AMBIGUOUS] = "ambiguous-key",
    };

    return names[verdict];
}

static char *signature_line(const char *name, const guint8 id[KEY_ID_SIZE], const guint8 *blob,
                            gsize size)
{
    g_autoptr(GByteArray) all = g_byte_array_sized_new(KEY_ID_SIZE + size);
    g_autofree char *base64 = NULL;

    g_byte_array_append(all, id, KEY_ID_SIZE);
    g_byte_array_append(all, blob, size);
    base64 = g_base64_encode(all->data, all->len);
    return g_strconcat(DASH, name, " ", base64, "\n", NULL);
}

char *note_signature_line(const struct note_signature *signature)
{
    gsize size;
    const guint8 *blob = g_bytes_get_data(signature->bytes, &size);

    return signature_line(signature->name, signature->id, blob, size);
}

char *note_sign_line(const struct signing_key *key, const void *text, gsize length)
{
    guint8 id[KEY_ID_SIZE], signature[KEY_SIGNATURE_SIZE];

    key_id(key->public->name, NOTE_KEY_ED25519, key->public->bytes, id);
    signing_key_sign(key, text, length, signature);
    return signature_line(key->public->name, id, signature, sizeof signature);
}

char *note_cosign_line(const struct signing_key *key, const void *text, gsize length,
                       guint64 time_s)
{
    g_autoptr(GByteArray) message = cosigned_message(text, length, time_s);
    const guint64 big_endian = GUINT64_TO_BE(time_s);
    guint8 id[KEY_ID_SIZE], blob[COSIGNATURE_SIZE];

    key_id(key->public->name, NOTE_KEY_COSIGNATURE, key->public->bytes, id);
    memcpy(blob, &big_endian, TIME_SIZE);
    signing_key_sign(key, message->data, message->len, blob + TIME_SIZE);
    return signature_line(key->public->name, id, blob, sizeof blob);
}

GBytes *note_assemble(const void *text, gsize length, const char *lines)
{
    GByteArray *note = g_byte_array_sized_new(length + 1 + strlen(lines));

    g_byte_array_append(note, text, length);
    g_byte_array_append(note, (const guint8 *)"\n", 1);
    g_byte_array_append(note, (const guint8 *)lines, strlen(lines));
    return g_byte_array_free_to_bytes(note);
}
