#include "statement/claim.h"

#include "base/error.h"
#include "statement/base64.h"
#include "statement/dsse.h"
#include "statement/intoto.h"
#include "statement/predicate.h"

#include <string.h>

static const struct predicate *row_of(const char *kind)
{
    g_autofree char *type = g_strdup_printf(PREDICATE_PREFIX "%s:1", kind);

    return predicate_find(type);
}

static GBytes *payload_of(const struct predicate *row, json_t *predicate,
                          const struct commitment_root *root, GError **error)
{
    g_autofree char *hex = hex_encode(root->hash.bytes, sizeof root->hash.bytes);
    g_autofree char *name = g_strconcat(row->name, "/", hex, NULL);
    g_autoptr(GBytes) payload = intoto_build(name, hex, row->type, predicate, error);
    g_autoptr(json_t) statement = payload ? intoto_read(payload, error) : NULL;

    if (!statement || !predicate_verify(row, statement, error))
        return NULL;
    return g_steal_pointer(&payload);
}

static GBytes *bytes_of(const json_t *value)
{
    char *text = json_pretty(value);

    return g_bytes_new_take(text, strlen(text));
}

gboolean claim_sign(const char *kind, json_t *predicate, const struct commitment *commitment,
                    const struct signing_key *key, GBytes **envelope, GBytes **openings,
                    GError **error)
{
    g_autoptr(json_t) signed_json = NULL, opened = NULL;
    g_autoptr(GBytes) payload = NULL;
    g_autoptr(dsse_t) made = NULL;
    struct commitment_root root;

    if (!commitment_count(commitment))
        return input_error(error, "there is nothing to commit to");
    root = commitment_root(commitment);
    json_object_set_new(predicate, "commitments", commitment_root_json(&root));
    payload = payload_of(row_of(kind), predicate, &root, error);
    if (!payload)
        return FALSE;
    made = dsse_new(INTOTO_PAYLOAD_TYPE, payload);
    dsse_sign(made, key);
    signed_json = dsse_to_json(made);
    opened = commitment_openings(commitment);
    *envelope = bytes_of(signed_json);
    *openings = bytes_of(opened);
    return TRUE;
}
