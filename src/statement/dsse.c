#include "statement/dsse.h"

#include "base/error.h"
#include "statement/base64.h"

#include <string.h>

static void signature_free(gpointer data)
{
    struct dsse_signature *signature = data;

    g_free(signature->keyid);
    g_bytes_unref(signature->bytes);
    g_free(signature);
}

struct dsse *dsse_new(const char *payload_type, GBytes *payload)
{
    struct dsse *envelope = g_new0(struct dsse, 1);

    envelope->payload_type = g_strdup(payload_type);
    envelope->payload = g_bytes_ref(payload);
    envelope->signatures = g_ptr_array_new_with_free_func(signature_free);
    return envelope;
}

void dsse_free(struct dsse *envelope)
{
    if (!envelope)
        return;
    g_free(envelope->payload_type);
    g_bytes_unref(envelope->payload);
    g_ptr_array_unref(envelope->signatures);
    g_free(envelope);
}

GBytes *dsse_pae(const char *payload_type, GBytes *payload)
{
    g_autoptr(GString) out = g_string_new(NULL);
    gsize length;
    const char *body = g_bytes_get_data(payload, &length);

    g_string_append_printf(out, "DSSEv1 %zu %s %zu ", strlen(payload_type), payload_type, length);
    g_string_append_len(out, body, (gssize)length);
    return g_string_free_to_bytes(g_steal_pointer(&out));
}

void dsse_add(struct dsse *envelope, const char *keyid, GBytes *bytes)
{
    struct dsse_signature *signature = g_new0(struct dsse_signature, 1);

    signature->keyid = g_strdup(keyid ? keyid : "");
    signature->bytes = g_bytes_ref(bytes);
    g_ptr_array_add(envelope->signatures, signature);
}

struct dsse *dsse_parse(const void *data, gsize length, const char *name, GError **error)
{
    g_autoptr(json_t) value = json_parse(data, length, DSSE_LIMIT, name, error);

    return value ? dsse_from_json(value, name, error) : NULL;
}

struct dsse *dsse_from_json(const json_t *value, const char *name, GError **error)
{
    const char *type = json_text(value, "payloadType"), *base64 = json_text(value, "payload");
    const json_t *signatures = json_object_get(value, "signatures"), *item;
    g_autoptr(GBytes) payload = base64 ? base64_decode_any(base64, -1) : NULL;
    g_autoptr(dsse_t) envelope = NULL;
    size_t index;

    if (!type || !payload || !json_is_array(signatures)) {
        input_error(error, "%s: not a DSSE envelope: \"%s\" is missing or is not what it should be",
                    name,
                    !payload ? "payload"
                    : !type  ? "payloadType"
                             : "signatures");
        return NULL;
    }
    if (json_array_size(signatures) > DSSE_SIGNATURES_LIMIT) {
        input_error(error, "%s: more than %d signatures", name, DSSE_SIGNATURES_LIMIT);
        return NULL;
    }
    envelope = dsse_new(type, payload);
    json_array_foreach(signatures, index, item)
    {
        const char *text = json_text(item, "sig");
        const json_t *keyid = json_object_get(item, "keyid");
        g_autoptr(GBytes) bytes = text ? base64_decode_any(text, -1) : NULL;

        if (!bytes) {
            input_error(error, "%s: signature %zu has no \"sig\" in base64", name, index + 1);
            return NULL;
        }
        dsse_add(envelope, json_string_value(keyid), bytes);
        if (keyid && !json_is_string(keyid) && !json_is_null(keyid)) {
            input_error(error, "%s: the \"keyid\" of signature %zu is not text", name, index + 1);
            return NULL;
        }
    }
    return g_steal_pointer(&envelope);
}

json_t *dsse_to_json(const struct dsse *envelope)
{
    gsize length;
    const guint8 *body = g_bytes_get_data(envelope->payload, &length);
    g_autofree char *payload = g_base64_encode(body, length);
    json_t *signatures = json_array();

    for (guint i = 0; i < envelope->signatures->len; i++) {
        const struct dsse_signature *signature = envelope->signatures->pdata[i];
        const guint8 *bytes = g_bytes_get_data(signature->bytes, &length);
        g_autofree char *text = g_base64_encode(bytes, length);

        json_array_append_new(signatures,
                              json_pack("{s:s, s:s}", "keyid", signature->keyid, "sig", text));
    }
    return json_pack("{s:s, s:s, s:o}", "payloadType", envelope->payload_type, "payload", payload,
                     "signatures", signatures);
}

void dsse_sign(struct dsse *envelope, const struct signing_key *key)
{
    g_autoptr(GBytes) pae = dsse_pae(envelope->payload_type, envelope->payload);
    g_autofree char *hint = public_key_hint(key->public);
    g_autoptr(GBytes) bytes = NULL;
    guint8 signature[KEY_SIGNATURE_SIZE];
    gsize length;
    const void *message = g_bytes_get_data(pae, &length);

    signing_key_sign(key, message, length, signature);
    bytes = g_bytes_new(signature, sizeof signature);
    dsse_add(envelope, hint, bytes);
}

static gboolean hint_is_of(const char *keyid, const GPtrArray *keys)
{
    for (guint i = 0; i < keys->len; i++) {
        g_autofree char *hint = public_key_hint(keys->pdata[i]);

        if (g_str_equal(keyid, hint))
            return TRUE;
    }
    return FALSE;
}

static struct dsse_result judge(const struct dsse_signature *signature, GBytes *pae,
                                const GPtrArray *keys)
{
    gsize length, size;
    const void *message = g_bytes_get_data(pae, &length);
    const guint8 *bytes = g_bytes_get_data(signature->bytes, &size);

    for (guint i = 0; i < keys->len && size == KEY_SIGNATURE_SIZE; i++)
        if (public_key_verify(keys->pdata[i], message, length, bytes))
            return (struct dsse_result){ DSSE_GOOD, i };
    return (struct dsse_result){
        !*signature->keyid || hint_is_of(signature->keyid, keys) ? DSSE_BAD : DSSE_UNKNOWN, 0
    };
}

guint dsse_verify(const struct dsse *envelope, const GPtrArray *keys, struct dsse_result *results)
{
    g_autoptr(GBytes) pae = dsse_pae(envelope->payload_type, envelope->payload);
    guint distinct = 0;

    for (guint i = 0; i < envelope->signatures->len; i++) {
        gboolean seen = FALSE;

        results[i] = judge(envelope->signatures->pdata[i], pae, keys);
        if (results[i].outcome != DSSE_GOOD)
            continue;
        for (guint j = 0; j < i && !seen; j++) {
            const struct public_key *key = keys->pdata[results[i].key];
            const struct public_key *other = keys->pdata[results[j].key];

            seen = results[j].outcome == DSSE_GOOD &&
                   memcmp(key->bytes, other->bytes, KEY_PUBLIC_SIZE) == 0;
        }
        distinct += !seen;
    }
    return distinct;
}
