/*
 * speakers.c: who speaks for a signatory now, to which keys it is written, and where it takes
 * messages: what goes from signatory to signatory without being an entry of the log.
 */
#include "base/error.h"
#include "register/register_private.h"

#include <string.h>

char *register_id(const struct reg *reg, const char *who, GError **error)
{
    const struct reg_signatory *found = reg_signatory_find(reg, who, error);

    return found ? g_strdup(found->id_hex) : NULL;
}

char *register_id_of_keys(const struct reg *reg, const GPtrArray *keys)
{
    for (guint i = 0; i < keys->len; i++) {
        g_autofree char *text = public_key_text(keys->pdata[i]);
        char *id = register_id(reg, text, NULL);

        if (id)
            return id;
    }
    return NULL;
}

void register_each(const struct reg *reg, register_each_fn each, gpointer data)
{
    for (guint i = 0; i < reg->signatories->len; i++) {
        const struct reg_signatory *signatory = reg->signatories->pdata[i];

        if (signatory->removed_at == G_MAXUINT64)
            each(signatory->id_hex, signatory->domain, data);
    }
}

static const struct reg_signatory *present(const struct reg *reg, const char *id)
{
    const struct reg_signatory *signatory = reg_signatory_by_hex(reg, id);

    return signatory && signatory->removed_at == G_MAXUINT64 ? signatory : NULL;
}

/* From when on a revoked key is not believed; G_MAXINT64: it was not revoked. */
static gint64 revoked_us(const struct reg *reg, const struct reg_key *key)
{
    const guint64 places[] = { key->from_index, key->revoked_at };

    if (key->revoked_at == G_MAXUINT64)
        return G_MAXINT64;
    for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
        const struct reg_entry *entry =
            places[i] < reg->entries->len ? reg->entries->pdata[places[i]] : NULL;

        if (entry && entry->time_us)
            return entry->time_us;
    }
    return 0;
}

static gboolean covers(const struct reg_delegation *delegation, gint64 time_us)
{
    return delegation->from_us <= time_us && time_us < delegation->until_us;
}

static enum register_verdict judge_key(const struct reg *reg, const struct reg_key *key,
                                       const struct predicate *predicate, gint64 time_us)
{
    enum register_verdict verdict = REGISTER_EXPIRED;

    if (!(key->role & predicate->key_roles))
        return REGISTER_ROLE;
    if (time_us >= revoked_us(reg, key))
        return REGISTER_REVOKED;
    for (guint i = 0; i < key->delegations->len; i++) {
        const struct reg_delegation *delegation =
            &g_array_index(key->delegations, struct reg_delegation, i);

        if (!covers(delegation, time_us))
            continue;
        if (!delegation->limited || delegation->predicates & (guint32)1 << (predicate - predicates))
            return REGISTER_COUNTS;
        verdict = REGISTER_ROLE;
    }
    return verdict;
}

static gboolean is_named(const char *text, const char *hint)
{
    const gsize length = strlen(hint);

    return g_str_has_prefix(text, hint) && text[length] == '+' && strchr(hint, '+');
}

GPtrArray *register_signers(const struct reg *reg, const char *id,
                            const struct predicate *predicate, gint64 time_us, const char *hint,
                            enum register_verdict *why)
{
    const struct reg_signatory *signatory = present(reg, id);
    enum register_verdict reason = REGISTER_UNKNOWN_KEY;
    GPtrArray *found;

    if (why)
        *why = reason;
    if (!signatory)
        return NULL;
    found = g_ptr_array_new_with_free_func((GDestroyNotify)public_key_free);
    for (guint i = 0; i < signatory->keys->len; i++) {
        const struct reg_key *key = signatory->keys->pdata[i];
        enum register_verdict verdict;
        struct public_key *public;

        if ((hint && !is_named(key->text, hint)) || key->role == KEY_ROLE_SEAL ||
            key->role == KEY_ROLE_WITNESS)
            continue;
        verdict = judge_key(reg, key, predicate, time_us);
        public = verdict == REGISTER_COUNTS ? public_key_parse(key->text, NULL) : NULL;
        if (public)
            g_ptr_array_add(found, public);
        else
            reason = verdict;
    }
    if (signatory->root.keys->len == 1 && predicate->key_roles & KEY_ROLE_SINGLE) {
        const struct public_key *root = signatory->root.keys->pdata[0];
        g_autofree char *text = public_key_text(root);

        if (!hint || is_named(text, hint))
            g_ptr_array_add(found, public_key_copy(root));
    }
    if (why)
        *why = found->len ? REGISTER_COUNTS : reason;
    return found;
}

GPtrArray *register_seal_keys(const struct reg *reg, const char *id, gint64 now_us)
{
    const struct reg_signatory *signatory = present(reg, id);
    GPtrArray *found = g_ptr_array_new_with_free_func(g_free);

    for (guint i = signatory ? signatory->keys->len : 0; i; i--) {
        const struct reg_key *key = signatory->keys->pdata[i - 1];
        gboolean in_force = FALSE;

        if (key->role != KEY_ROLE_SEAL || key->revoked_at != G_MAXUINT64)
            continue;
        for (guint j = 0; j < key->delegations->len; j++)
            in_force |= covers(&g_array_index(key->delegations, struct reg_delegation, j), now_us);
        if (in_force)
            g_ptr_array_add(found, g_strdup(key->text));
    }
    return found;
}

const json_t *register_mailbox(const struct reg *reg, const char *id)
{
    const struct reg_signatory *signatory = present(reg, id);

    return signatory && signatory->mailbox ? signatory->mailbox->said : NULL;
}
