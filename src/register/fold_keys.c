/* fold_keys.c: delegation and revocation. */
#include "base/clock.h"
#include "register/register_private.h"
#include "statement/intoto.h"

#include <string.h>

static gboolean proves_possession(struct judged *judged, const char *text)
{
    g_autoptr(public_key_t) key = public_key_parse(text, NULL);
    g_autofree char *hint = key ? public_key_hint(key) : NULL;

    for (guint i = 0; key && i < judged->entry->envelope->signatures->len; i++)
        if (g_str_equal(entry_hint(judged->entry, i), hint) &&
            entry_is_signed_by(judged->entry, i, key->bytes))
            return TRUE;
    return FALSE;
}

static enum register_verdict judge_delegation(struct judged *judged)
{
    enum register_verdict verdict = judge_signer(judged, TRUE);
    const char *text = json_text(judged->predicate, "key");
    guint8 bytes[KEY_PUBLIC_SIZE];

    if (verdict != REGISTER_COUNTS)
        return verdict;
    if (!reg_key_bytes(text, bytes))
        return register_refuse(judged, REGISTER_MALFORMED, "\"%s\" is no key", text);
    return judge_key_is_free(judged, bytes, text, judged->signatory,
                             key_role_parse(json_text(judged->predicate, "role")),
                             proves_possession(judged, text));
}

static guint32 predicate_bits(const json_t *types)
{
    guint32 bits = 0;
    const json_t *type;
    size_t index;

    json_array_foreach(types, index, type)
    {
        const struct predicate *row = predicate_find(json_string_value(type));

        if (row)
            bits |= (guint32)1 << (row - predicates);
    }
    return bits;
}

static void apply_delegation(struct reg *reg, struct judged *judged, struct reg_entry *entry)
{
    const char *text = json_text(judged->predicate, "key");
    const char *from = json_text(judged->predicate, "from");
    const json_t *types = json_object_get(judged->predicate, "predicates");
    struct reg_delegation delegation = { .index = entry->index, .limited = types != NULL };
    guint8 bytes[KEY_PUBLIC_SIZE];
    struct reg_key *key;

    reg_key_bytes(text, bytes);
    key = reg_key_bind(reg, bytes, text, judged->signatory,
                       key_role_parse(json_text(judged->predicate, "role")),
                       proves_possession(judged, text));
    delegation.predicates = predicate_bits(types);
    if (from)
        clock_parse(from, &delegation.from_us, NULL);
    clock_parse(json_text(judged->predicate, "until"), &delegation.until_us, NULL);
    g_array_append_val(key->delegations, delegation);
}

const struct handler handler_delegation = { PREDICATE_DELEGATION, judge_delegation,
                                            apply_delegation };

static struct reg_key *key_named(const struct judged *judged)
{
    guint8 bytes[KEY_PUBLIC_SIZE];

    return reg_key_bytes(json_text(judged->predicate, "key"), bytes)
               ? reg_key_find(judged->reg, bytes)
               : NULL;
}

static enum register_verdict judge_revocation(struct judged *judged)
{
    enum register_verdict verdict = judge_signer(judged, TRUE);
    const struct reg_key *key = key_named(judged);

    if (verdict != REGISTER_COUNTS)
        return verdict;
    if (!key || key->signatory != judged->signatory ||
        !g_str_equal(key->text, json_text(judged->predicate, "key")))
        return register_refuse(judged, REGISTER_CONFLICT, "the key is not one of the signatory's");
    if (key->role == KEY_ROLE_ROOT)
        return register_refuse(judged, REGISTER_CONFLICT,
                               "root keys are replaced by a recovery, not revoked");
    if ((guint64)json_number(judged->predicate, "from_index", 0) > judged->index)
        return register_refuse(judged, REGISTER_CONFLICT,
                               "its first untrusted entry is not there yet");
    return REGISTER_COUNTS;
}

static const char *static_reason(const char *reason)
{
    static const char *const reasons[] = { "lost", "other", "retired", "rotated", "stolen" };

    for (guint i = 0; i < G_N_ELEMENTS(reasons); i++)
        if (g_str_equal(reasons[i], reason))
            return reasons[i];
    return "other";
}

/* It cannot un-say: what the key said in between stays, disputed, and is no longer built upon. */
static void apply_revocation(struct reg *reg, struct judged *judged, struct reg_entry *entry)
{
    struct reg_key *key = key_named(judged);
    gboolean attested = FALSE;

    key->revoked_at = MIN(key->revoked_at, entry->index);
    key->from_index =
        MIN(key->from_index, (guint64)json_number(judged->predicate, "from_index", 0));
    key->reason = static_reason(json_text(judged->predicate, "reason"));
    for (guint i = 0; i < key->said->len; i++) {
        struct reg_entry *said = key->said->pdata[i];

        said->disputed |= said->index >= key->from_index;
        attested |= said->disputed && said->predicate == predicate_find(PREDICATE_ATTESTATION);
    }
    if (attested)
        closure_recompute(reg);
}

const struct handler handler_revocation = { PREDICATE_REVOCATION, judge_revocation,
                                            apply_revocation };
