/*
 * Entries of the log, as anyone may submit them: judged and folded alike, and never twice. What is
 * a statement and no envelope is signed by every key of the community first, to see what a holder
 * of keys could bring about.
 */
#include "../unit/community.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static GBytes *sign_by_all(const struct community *community, const json_t *statement)
{
    g_autoptr(GBytes) payload = json_canonical(statement, NULL);
    g_autoptr(dsse_t) envelope = payload ? dsse_new(INTOTO_PAYLOAD_TYPE, payload) : NULL;
    g_autoptr(json_t) value = NULL;

    if (!envelope)
        return NULL;
    dsse_sign(envelope, community->log);
    for (guint i = 0; i < community->actors->len; i++) {
        const struct actor *actor = actor_at(community, i);

        for (guint j = 0; j < actor->n_root; j++)
            dsse_sign(envelope, actor->root[j]);
        dsse_sign(envelope, actor->issuer);
    }
    value = dsse_to_json(envelope);
    return json_canonical(value, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct community *community = community_new();
    g_autoptr(json_t) statement = json_parse(data, size, size, "input", NULL);
    g_autoptr(GBytes) document = NULL;
    GBytes *entry = json_text(statement, "_type") ? sign_by_all(community, statement) : NULL;

    if (!entry)
        entry = g_bytes_new(data, size);
    if (fold_now(community, g_bytes_ref(entry)) == REGISTER_COUNTS)
        g_assert_cmpint(fold_now(community, g_bytes_ref(entry)), ==, REGISTER_CONFLICT);
    g_bytes_unref(entry);
    document = register_document(community->reg, community->now_us, NULL);
    g_assert_nonnull(document);
    community_free(community);
    return 0;
}
