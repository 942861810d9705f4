#include "p7_hygiene/host/openpgp.h"

#include "base/error.h"

#include <string.h>

#define TAG_SIGNATURE 2
#define TAG_PUBLIC_KEY 6
#define TAG_PUBLIC_SUBKEY 14
#define SUBPACKET_KEY_EXPIRES 9
#define SUBPACKET_CREATED 2
#define SUBPACKET_ISSUER 16
#define SUBPACKET_ISSUER_FINGERPRINT 33
#define SIGNATURE_BINDING 0x18
#define SIGNATURE_DIRECT 0x1f
#define SIGNATURE_REVOKES_KEY 0x20
#define SIGNATURE_REVOKES_SUBKEY 0x28
#define KEY_ID_SIZE 8
#define FINGERPRINT_4_SIZE 20

struct bytes {
    const guint8 *at;
    gsize left;
};

static gboolean take(struct bytes *bytes, gsize count, const guint8 **out)
{
    if (bytes->left < count)
        return FALSE;
    *out = bytes->at;
    bytes->at += count;
    bytes->left -= count;
    return TRUE;
}

static gboolean take_number(struct bytes *bytes, guint size, guint32 *number)
{
    const guint8 *at;

    if (!take(bytes, size, &at))
        return FALSE;
    *number = 0;
    for (guint i = 0; i < size; i++)
        *number = *number << 8 | at[i];
    return TRUE;
}

/* --- packets (RFC 9580 section 4.2) ---------------------------------------------------------- */

static gboolean new_length(struct bytes *bytes, guint32 *length)
{
    guint32 first, second;

    if (!take_number(bytes, 1, &first))
        return FALSE;
    if (first < 192) {
        *length = first;
        return TRUE;
    }
    if (first < 224) {
        if (!take_number(bytes, 1, &second))
            return FALSE;
        *length = ((first - 192) << 8) + second + 192;
        return TRUE;
    }
    /* 224 to 254 are partial lengths, which keys and signatures must not have. */
    return first == 255 && take_number(bytes, 4, length);
}

static gboolean next_packet(struct bytes *bytes, guint *tag, struct bytes *body)
{
    guint32 head, length;

    if (!take_number(bytes, 1, &head) || !(head & 0x80))
        return FALSE;
    if (head & 0x40) {
        *tag = head & 0x3f;
        if (!new_length(bytes, &length))
            return FALSE;
    } else {
        *tag = head >> 2 & 0xf;
        if ((head & 3) == 3 || !take_number(bytes, 1u << (head & 3), &length))
            return FALSE;
    }
    body->left = length;
    return take(bytes, length, &body->at);
}

/* --- keys ------------------------------------------------------------------------------------ */

static char *hex_of(const guint8 *bytes, gsize length)
{
    GString *text = g_string_new(NULL);

    for (gsize i = 0; i < length; i++)
        g_string_append_printf(text, "%02X", bytes[i]);
    return g_string_free(text, FALSE);
}

/* Version 4: SHA-1 over 0x99, two bytes of length, the body; version 6: SHA-256 over 0x9b, four. */
static char *fingerprint(guint32 version, const struct bytes *body)
{
    guint8 head[5] = { version == 4 ? 0x99 : 0x9b };
    guint head_size = version == 4 ? 3 : 5;
    g_autoptr(GChecksum) sum = NULL;

    if (version != 4 && version != 6)
        return g_strdup("");
    for (guint i = 1; i < head_size; i++)
        head[i] = body->left >> (8 * (head_size - 1 - i));
    /* GLib's: it is ready at once, OpenSSL's needs milliseconds for its first digest. */
    sum = g_checksum_new(version == 4 ? G_CHECKSUM_SHA1 : G_CHECKSUM_SHA256);
    g_checksum_update(sum, head, head_size);
    g_checksum_update(sum, body->at, body->left);
    return g_ascii_strup(g_checksum_get_string(sum), -1);
}

/* RFC 9580 section 9.1; `sized`: the first multiprecision number gives the size. */
static void read_algorithm(struct openpgp_key *key, guint32 number, struct bytes *body)
{
    static const struct {
        guint number;
        const char *name;
        gboolean sized;
    } algorithms[] = {
        { 1, "RSA", TRUE },      { 2, "RSA", TRUE },       { 3, "RSA", TRUE },
        { 16, "Elgamal", TRUE }, { 17, "DSA", TRUE },      { 18, "ECDH", FALSE },
        { 19, "ECDSA", FALSE },  { 22, "EdDSA", FALSE },   { 25, "X25519", FALSE },
        { 26, "X448", FALSE },   { 27, "Ed25519", FALSE }, { 28, "Ed448", FALSE },
    };
    guint32 bits;

    key->algorithm = "unknown";
    for (gsize i = 0; i < G_N_ELEMENTS(algorithms); i++)
        if (algorithms[i].number == number) {
            key->algorithm = algorithms[i].name;
            if (algorithms[i].sized && take_number(body, 2, &bits))
                key->bits = bits;
        }
}

static gboolean read_key(GArray *keys, guint tag, struct bytes body)
{
    const struct bytes whole = body;
    struct openpgp_key key = { .subkey = tag == TAG_PUBLIC_SUBKEY };
    guint32 version, created, number, skipped;

    if (!take_number(&body, 1, &version) || !take_number(&body, 4, &created))
        return FALSE;
    if (version == 3 && !take_number(&body, 2, &skipped))
        return FALSE;
    if (!take_number(&body, 1, &number))
        return FALSE;
    if (version == 6 && !take_number(&body, 4, &skipped))
        return FALSE;
    key.created_s = created;
    read_algorithm(&key, number, &body);
    key.fingerprint = fingerprint(version, &whole);
    g_array_append_val(keys, key);
    /* cppcheck-suppress memleak ; the array has taken it */
    return TRUE;
}

/* --- signatures over keys -------------------------------------------------------------------- */

struct signature {
    guint32 type, created_s, key_expires_s; /* key_expires_s: after the key's creation; 0: never */
    const guint8 *issuer;                   /* KEY_ID_SIZE bytes, or NULL */
};

static gboolean read_subpackets(struct bytes area, struct signature *signature)
{
    while (area.left) {
        struct bytes body;
        guint32 length, type;

        if (!new_length(&area, &length) || !length || !take(&area, length, &body.at))
            return FALSE;
        body.left = length;
        take_number(&body, 1, &type);
        type &= 0x7f; /* the top bit says critical */
        if (type == SUBPACKET_CREATED)
            take_number(&body, 4, &signature->created_s);
        else if (type == SUBPACKET_KEY_EXPIRES)
            take_number(&body, 4, &signature->key_expires_s);
        else if (type == SUBPACKET_ISSUER && body.left >= KEY_ID_SIZE)
            signature->issuer = body.at;
        else if (type == SUBPACKET_ISSUER_FINGERPRINT && body.left == 1 + FINGERPRINT_4_SIZE)
            signature->issuer = body.at + body.left - KEY_ID_SIZE;
    }
    return TRUE;
}

static gboolean read_signature(struct bytes body, struct signature *signature)
{
    guint32 version, skipped, length;
    struct bytes area;

    if (!take_number(&body, 1, &version) || (version != 4 && version != 6))
        return FALSE;
    for (guint i = 0; i < 2; i++) { /* the hashed area, then the other, which names the issuer */
        if (i == 0 &&
            (!take_number(&body, 1, &signature->type) || !take_number(&body, 2, &skipped)))
            return FALSE;
        if (!take_number(&body, version == 4 ? 2 : 4, &length) || !take(&body, length, &area.at))
            return FALSE;
        area.left = length;
        if (!read_subpackets(area, signature))
            return FALSE;
    }
    return TRUE;
}

/* A key id is the end of a version 4 fingerprint. */
static gboolean is_issuer(const struct signature *signature, const char *fingerprint_text)
{
    g_autofree char *id = NULL;

    if (!signature->issuer)
        return TRUE;
    id = hex_of(signature->issuer, KEY_ID_SIZE);
    return !*fingerprint_text || g_str_has_suffix(fingerprint_text, id);
}

/* `primary` made the signature; `key` is what stands before it. Later ones replace earlier ones. */
static void apply(struct openpgp_key *key, const struct openpgp_key *primary,
                  const struct signature *signature, guint32 *newest_s)
{
    const gboolean binds = key->subkey ? signature->type == SIGNATURE_BINDING
                                       : signature->type == SIGNATURE_DIRECT ||
                                             (signature->type >= 0x10 && signature->type <= 0x13);

    if (!is_issuer(signature, primary->fingerprint))
        return;
    if (signature->type == (key->subkey ? SIGNATURE_REVOKES_SUBKEY : SIGNATURE_REVOKES_KEY))
        key->revoked = TRUE;
    /* A direct signature that only names a revoker says nothing about expiry. */
    if (!binds || signature->created_s < *newest_s ||
        (signature->type == SIGNATURE_DIRECT && !signature->key_expires_s))
        return;
    *newest_s = signature->created_s;
    key->expires_s = signature->key_expires_s ? key->created_s + signature->key_expires_s : 0;
}

static void key_clear(gpointer key)
{
    g_free(((struct openpgp_key *)key)->fingerprint);
}

static gboolean read_packets(GArray *keys, struct bytes bytes)
{
    guint primary = 0;
    guint32 newest_s = 0;

    while (bytes.left && keys->len < OPENPGP_KEYS_MAX) {
        struct signature signature = { 0 };
        struct bytes body;
        guint tag;

        if (!next_packet(&bytes, &tag, &body))
            return FALSE;
        if (tag == TAG_PUBLIC_KEY || tag == TAG_PUBLIC_SUBKEY) {
            if (!read_key(keys, tag, body))
                return FALSE;
            if (tag == TAG_PUBLIC_KEY)
                primary = keys->len - 1;
            newest_s = 0;
        } else if (tag == TAG_SIGNATURE && keys->len && read_signature(body, &signature)) {
            apply(&g_array_index(keys, struct openpgp_key, keys->len - 1),
                  &g_array_index(keys, struct openpgp_key, primary), &signature, &newest_s);
        }
    }
    return TRUE;
}

/* The base64 between the armour's head and its checksum (RFC 9580 section 6); several may follow.
 */
static GByteArray *unarmour(const char *text, gsize length)
{
    static const char begin[] = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
    GByteArray *bytes = g_byte_array_new();
    g_autofree char *copy = g_strndup(text, length);

    for (char *at = strstr(copy, begin); at; at = strstr(at, begin)) {
        char *end = strstr(at, "-----END"), *body, *check;
        g_autofree guchar *raw = NULL;
        gsize size;

        if (!end)
            break;
        *end = 0;
        at += strlen(begin);
        body = strstr(at, "\n\n");
        if (!body)
            body = strstr(at, "\n\r\n");
        check = body ? strstr(body, "\n=") : NULL;
        if (check)
            *check = 0;
        if (body && (raw = g_base64_decode(body, &size)))
            g_byte_array_append(bytes, raw, size);
        at = end + 1;
    }
    return bytes;
}

GArray *openpgp_read(const void *data, gsize length, GError **error)
{
    g_autoptr(GByteArray) plain = NULL;
    struct bytes bytes = { data, length };
    GArray *keys = g_array_new(FALSE, FALSE, sizeof(struct openpgp_key));

    g_array_set_clear_func(keys, key_clear);
    if (length && *(const guint8 *)data < 0x80) {
        plain = unarmour(data, length);
        bytes.at = plain->data;
        bytes.left = plain->len;
    }
    if (!read_packets(keys, bytes))
        input_error(error, "damaged after %u keys", keys->len);
    if (!keys->len)
        g_clear_pointer(&keys, g_array_unref);
    if (!keys && error && !*error)
        input_error(error, "no public key");
    return keys;
}
