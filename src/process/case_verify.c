#include "process/case_event.h"

#include "statement/base64.h"

#include <string.h>

#define PARTY_KEY_PREFIX_LENGTH 4 /* "key:" */
#define SIGNERS_LIMIT 8           /* more signatures than this are not looked at */

static const char *const verdict_names[] = {
    [CASE_APPLIED] = "applied",
    [CASE_OVERTAKEN] = "overtaken",
    [CASE_GAP] = "gap",
    [CASE_MALFORMED] = "malformed",
    [CASE_SIGNATURE] = "signature",
    [CASE_UNKNOWN_KEY] = "unknown-key",
    [CASE_REVOKED] = "revoked",
    [CASE_EXPIRED] = "expired",
    [CASE_ROLE] = "role",
    [CASE_OTHER_LOG] = "other-log",
    [CASE_MIS_ADDRESSED] = "mis-addressed",
    [CASE_REPLAYED] = "replayed",
    [CASE_FORKED] = "forked",
    [CASE_NOT_POSSIBLE] = "not-possible",
    [CASE_APPROVALS] = "approvals",
    [CASE_FIELD] = "field",
    [CASE_TLP] = "tlp",
    [CASE_TIME] = "time",
    [CASE_UNKNOWN_KIND] = "unknown-kind",
    [CASE_NOT_A_PARTY] = "not-a-party",
    [CASE_TOO_LARGE] = "too-large",
    [CASE_NOT_ANNOUNCED] = "not-announced",
};

const char *case_verdict_name(enum case_verdict verdict)
{
    return verdict_names[verdict];
}

/* The one key of a party without an account is in its name. */
static struct public_key *key_of_party(const char *party)
{
    guint8 bytes[KEY_PUBLIC_SIZE];

    return hex_decode_into(party + PARTY_KEY_PREFIX_LENGTH, bytes, sizeof bytes)
               ? public_key_new("reporter", bytes, NULL)
               : NULL;
}

static gboolean is_hinted(const struct public_key *key, const char *hint)
{
    g_autofree char *own = public_key_hint(key);

    return g_str_equal(own, hint);
}

/* The key of the set that made a signature; keys that the hint names come first. */
static const struct public_key *signer_of(const struct dsse_signature *signature,
                                          const GPtrArray *keys, const guint8 *message,
                                          gsize length)
{
    gsize size;
    const guint8 *bytes = g_bytes_get_data(signature->bytes, &size);

    if (size != KEY_SIGNATURE_SIZE)
        return NULL;
    for (guint pass = 0; pass < 2; pass++)
        for (guint i = 0; i < keys->len; i++)
            if ((keys->len == 1 || is_hinted(keys->pdata[i], signature->keyid) == !pass) &&
                public_key_verify(keys->pdata[i], message, length, bytes))
                return keys->pdata[i];
            else if (keys->len == 1)
                return NULL;
    return NULL;
}

static gboolean any_hinted(const GPtrArray *keys, const char *hint)
{
    for (guint i = 0; i < keys->len; i++)
        if (is_hinted(keys->pdata[i], hint))
            return TRUE;
    return FALSE;
}

static gboolean has_key(const GPtrArray *keys, const struct public_key *key)
{
    for (guint i = 0; i < keys->len; i++)
        if (memcmp(((struct public_key *)keys->pdata[i])->bytes, key->bytes, KEY_PUBLIC_SIZE) == 0)
            return TRUE;
    return FALSE;
}

/* The keys that may speak for the author, as far as this signature's hint asks. */
static GPtrArray *keys_for(const struct case_event *event, const struct case_keys *keys,
                           const char *hint, enum case_verdict *why)
{
    GPtrArray *list;

    *why = CASE_UNKNOWN_KEY;
    if (!case_party_is_key(event->from))
        return keys->keys ? keys->keys(keys->data, event->from, event->time_us, hint, why) : NULL;
    list = g_ptr_array_new_with_free_func((GDestroyNotify)public_key_free);
    g_ptr_array_add(list, key_of_party(event->from));
    return list;
}

enum case_verdict case_event_verify(struct case_event *event, const struct case_keys *keys)
{
    gsize length;
    const void *data = g_bytes_get_data(event->envelope, &length);
    g_autoptr(dsse_t) dsse = dsse_parse_canonical(data, length);
    g_autoptr(GPtrArray) signers = g_ptr_array_new_with_free_func((GDestroyNotify)public_key_free);
    g_autoptr(GBytes) pae = NULL;
    enum case_verdict worst = CASE_SIGNATURE;

    event->signers = 0;
    if (!dsse)
        dsse = dsse_parse(data, length, "event", NULL);
    if (!dsse)
        return CASE_MALFORMED;
    pae = dsse_pae(dsse->payload_type, dsse->payload);
    data = g_bytes_get_data(pae, &length);
    for (guint i = 0; i < MIN(dsse->signatures->len, SIGNERS_LIMIT); i++) {
        const struct dsse_signature *signature = dsse->signatures->pdata[i];
        enum case_verdict why;
        g_autoptr(GPtrArray) list = keys_for(event, keys, signature->keyid, &why);
        const struct public_key *signer =
            list && list->len ? signer_of(signature, list, data, length) : NULL;

        if (signer && !has_key(signers, signer))
            g_ptr_array_add(signers, public_key_copy(signer));
        else if (!signer && !case_party_is_key(event->from) &&
                 (!list || !any_hinted(list, signature->keyid)))
            worst = why;
    }
    event->signers = signers->len;
    return signers->len ? CASE_APPLIED : worst;
}
