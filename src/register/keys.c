#include "base/error.h"
#include "register/register_private.h"
#include "statement/base64.h"

#include <string.h>

#define X25519_PREFIX "x25519:"
#define TYPE_BYTES 1

gboolean reg_key_bytes(const char *text, guint8 bytes[KEY_PUBLIC_SIZE])
{
    guint8 tagged[TYPE_BYTES + KEY_PUBLIC_SIZE];
    const char *first, *second;

    if (g_str_has_prefix(text, X25519_PREFIX))
        return base64_decode_into(text + strlen(X25519_PREFIX), -1, bytes, KEY_PUBLIC_SIZE);
    first = strchr(text, '+');
    second = first ? strchr(first + 1, '+') : NULL;
    if (!second || !base64_decode_into(second + 1, -1, tagged, sizeof tagged))
        return FALSE;
    memcpy(bytes, tagged + TYPE_BYTES, KEY_PUBLIC_SIZE);
    return TRUE;
}

struct reg_key *reg_key_find(const struct reg *reg, const guint8 *bytes)
{
    return g_hash_table_lookup(reg->keys, bytes);
}

void reg_key_free(gpointer data)
{
    struct reg_key *key = data;

    g_free(key->text);
    g_array_unref(key->delegations);
    g_ptr_array_unref(key->said);
    g_free(key);
}

/*
 * A key has one owner, one name and one role. Who names a key without having signed with it cannot
 * keep it from its owner: a claim with the key's own signature takes it over.
 */
enum register_verdict judge_key_is_free(struct judged *judged, const guint8 *bytes,
                                        const char *text, const struct reg_signatory *signatory,
                                        enum key_role role, gboolean proven)
{
    const struct reg_key *key = reg_key_find(judged->reg, bytes);

    if (!key)
        return REGISTER_COUNTS;
    if (key->signatory != signatory || !key->signatory) {
        if (key->signatory && !key->proven && proven && !key->said->len)
            return REGISTER_COUNTS;
        return register_refuse(judged, REGISTER_CONFLICT, "the key \"%s\" belongs to %s", text,
                               key->signatory ? key->signatory->domain : "the log");
    }
    if (key->role != role)
        return register_refuse(judged, REGISTER_CONFLICT,
                               "the key \"%s\" has the role \"%s\", and a key has one", text,
                               key_role_name(key->role));
    if (!g_str_equal(key->text, text))
        return register_refuse(judged, REGISTER_CONFLICT, "the key \"%s\" was named \"%s\" before",
                               text, key->text);
    if (key->revoked_at != G_MAXUINT64)
        return register_refuse(judged, REGISTER_REVOKED, "the key \"%s\" was revoked", text);
    return REGISTER_COUNTS;
}

/* Envelopes name a key "NAME+HEX8": its text up to the second '+'. NULL: keys that never sign. */
static char *hint_of(const char *text)
{
    const char *first = strchr(text, '+');
    const char *second = first ? strchr(first + 1, '+') : NULL;

    return second ? g_strndup(text, second - text) : NULL;
}

static GPtrArray *hint_bucket(const struct reg *reg, const char *text)
{
    g_autofree char *hint = hint_of(text);

    return hint ? g_hash_table_lookup(reg->hints, hint) : NULL;
}

static void add_hint(struct reg *reg, struct reg_key *key)
{
    g_autofree char *hint = hint_of(key->text);
    GPtrArray *keys = hint_bucket(reg, key->text);

    if (!hint || key->role == KEY_ROLE_WITNESS)
        return;
    if (!keys) {
        keys = g_ptr_array_new();
        g_hash_table_insert(reg->hints, g_steal_pointer(&hint), keys);
    }
    g_ptr_array_add(keys, key);
}

struct reg_key *reg_key_bind(struct reg *reg, const guint8 *bytes, const char *text,
                             struct reg_signatory *signatory, enum key_role role, gboolean proven)
{
    struct reg_key *key = reg_key_find(reg, bytes);

    if (key && key->signatory == signatory) {
        key->proven |= proven;
        return key;
    }
    if (key) {
        /* Claimed before by one who never signed with it. The claim stays where it was shown, but
         * nothing finds it any more. */
        GPtrArray *claimed = hint_bucket(reg, key->text);

        if (claimed)
            g_ptr_array_remove(claimed, key);
        g_ptr_array_remove(key->signatory->keys, key);
    }
    key = g_new0(struct reg_key, 1);
    memcpy(key->bytes, bytes, KEY_PUBLIC_SIZE);
    key->text = g_strdup(text);
    key->signatory = signatory;
    key->role = role;
    key->delegations = g_array_new(FALSE, FALSE, sizeof(struct reg_delegation));
    key->revoked_at = key->from_index = G_MAXUINT64;
    key->said = g_ptr_array_new();
    g_ptr_array_add(reg->all_keys, key);
    g_hash_table_replace(reg->keys, key->bytes, key);
    add_hint(reg, key);
    key->proven = proven;
    if (signatory)
        g_ptr_array_add(signatory->keys, key);
    return key;
}
