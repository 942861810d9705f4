/* fold_policy.c: policies, by the quorum of the one before, and succession to another log. */
#include "base/error.h"
#include "register/register_private.h"
#include "statement/base64.h"
#include "statement/intoto.h"

#include <string.h>

static gboolean is_signed_by_log(const struct judged *judged)
{
    for (guint i = 0; i < judged->signers->len; i++) {
        const struct reg_key *key = judged->signers->pdata[i];

        if (!key->signatory && key->in_force)
            return TRUE;
    }
    return FALSE;
}

static enum register_verdict judge_quorum(struct judged *judged, const struct community_policy *old)
{
    guint signed_by[4] = { 0 };

    if (!old->members->len)
        return is_signed_by_log(judged)
                   ? REGISTER_COUNTS
                   : register_refuse(judged, REGISTER_QUORUM,
                                     "a policy without members is changed by the log's key");
    for (guint i = 0; i < old->members->len; i++) {
        const struct community_member *member = old->members->pdata[i];
        const struct reg_signatory *signatory =
            g_hash_table_lookup(judged->reg->by_domain, member->domain);

        signed_by[member->group] +=
            signatory && judge_root_signers(judged, signatory) >= signatory->root.threshold;
    }
    for (guint group = GROUP_STATE; group <= GROUP_CIVIL_SOCIETY; group++) {
        guint needed = community_policy_signers(old, group);

        if (signed_by[group] < needed)
            return register_refuse(judged, REGISTER_QUORUM,
                                   "signed by %u of the %u members of the group \"%s\" that the "
                                   "policy in force asks for",
                                   signed_by[group], needed, group_name(group));
    }
    return REGISTER_COUNTS;
}

/* A member: known here by its domain, attested, in this group and with these root keys. */
static enum register_verdict judge_member(struct judged *judged,
                                          const struct community_member *member)
{
    const struct reg_signatory *signatory =
        g_hash_table_lookup(judged->reg->by_domain, member->domain);
    g_autofree char *text = NULL;

    if (!signatory || !signatory->attested || signatory->removed_at != G_MAXUINT64)
        return register_refuse(judged, REGISTER_CONFLICT, "the member %s is not attested",
                               member->domain);
    if (signatory->group != member->group)
        return register_refuse(judged, REGISTER_CONFLICT,
                               "the member %s is of the group \"%s\": an organisation counts once, "
                               "in one group",
                               member->domain, group_name(signatory->group));
    if (!root_keys_equal(&signatory->root, &member->root))
        return register_refuse(judged, REGISTER_CONFLICT,
                               "the root keys of the member %s are others", member->domain);
    if (!member->witness)
        return REGISTER_COUNTS;
    text = note_key_text(member->witness);
    return judge_key_is_free(judged, member->witness->bytes, text, signatory, KEY_ROLE_WITNESS,
                             TRUE);
}

static enum register_verdict judge_removed(struct judged *judged)
{
    const json_t *item;
    size_t index;

    json_array_foreach(json_object_get(judged->policy->predicate, "removed"), index, item)
    {
        const struct reg_signatory *signatory =
            reg_signatory_by_hex(judged->reg, json_string_value(item));

        if (!signatory || signatory->removed_at != G_MAXUINT64)
            return register_refuse(judged, REGISTER_CONFLICT, "it removes %s, which is not here",
                                   json_string_value(item));
        if (community_policy_member(judged->policy, signatory->domain))
            return register_refuse(judged, REGISTER_CONFLICT, "it removes its own member %s",
                                   signatory->domain);
    }
    return REGISTER_COUNTS;
}

static enum register_verdict judge_log_keys(struct judged *judged)
{
    for (guint i = 0; i < judged->policy->log_keys->len; i++) {
        const struct note_key *log = judged->policy->log_keys->pdata[i];
        const struct reg_key *key = reg_key_find(judged->reg, log->bytes);

        if (key && key->signatory)
            return register_refuse(judged, REGISTER_CONFLICT, "the log's key belongs to %s",
                                   key->signatory->domain);
    }
    return REGISTER_COUNTS;
}

static enum register_verdict judge_genesis(struct judged *judged)
{
    const struct community_policy *genesis = register_policy(judged->reg);

    if (judged->index || memcmp(judged->policy->hash, genesis->hash, sizeof genesis->hash) != 0)
        return register_refuse(judged, REGISTER_CONFLICT,
                               "the log begins with the genesis policy, once");
    return is_signed_by_log(judged) ? REGISTER_COUNTS
                                    : register_refuse(judged, REGISTER_SIGNATURE,
                                                      "the log's key did not sign the genesis "
                                                      "policy");
}

static enum register_verdict judge_policy(struct judged *judged)
{
    const struct community_policy *old = register_policy(judged->reg);
    g_autoptr(GError) error = NULL;
    g_autofree char *hash = NULL;
    enum register_verdict verdict;

    judged->policy = community_policy_read(judged->predicate, &error);
    if (!judged->policy)
        return register_refuse(judged, REGISTER_MALFORMED, "%s", error->message);
    hash = hex_encode(judged->policy->hash, sizeof judged->policy->hash);
    if (!g_str_equal(hash, intoto_subject_sha256(judged->entry->statement)) ||
        !g_str_equal(intoto_subject_name(judged->entry->statement), judged->policy->origin))
        return register_refuse(judged, REGISTER_MALFORMED,
                               "the subject is not this policy by its origin and hash");
    if (!judged->index || judged->policy->version == 1)
        return judge_genesis(judged);
    if (!community_policy_follows(judged->policy, old, &error))
        return register_refuse(judged, REGISTER_CONFLICT, "%s", error->message);
    verdict = judge_quorum(judged, old);
    for (guint i = 0; i < judged->policy->members->len && verdict == REGISTER_COUNTS; i++)
        verdict = judge_member(judged, judged->policy->members->pdata[i]);
    if (verdict == REGISTER_COUNTS)
        verdict = judge_removed(judged);
    return verdict == REGISTER_COUNTS ? judge_log_keys(judged) : verdict;
}

static void set_members(struct reg *reg, const struct community_policy *policy)
{
    for (guint i = 0; i < reg->signatories->len; i++)
        ((struct reg_signatory *)reg->signatories->pdata[i])->member = FALSE;
    for (guint i = 0; i < policy->members->len; i++) {
        const struct community_member *member = policy->members->pdata[i];
        struct reg_signatory *signatory = g_hash_table_lookup(reg->by_domain, member->domain);

        if (!signatory) {
            signatory = reg_signatory_add(reg, &member->root, TRUE);
            signatory->group = member->group;
            reg_signatory_name(reg, signatory, member->name, member->domain, member->country);
        }
        signatory->member = TRUE;
        if (member->witness) {
            g_autofree char *text = note_key_text(member->witness);

            reg_key_bind(reg, member->witness->bytes, text, signatory, KEY_ROLE_WITNESS, TRUE);
        }
    }
}

static void set_removed(struct reg *reg, const struct community_policy *policy, guint64 index)
{
    const json_t *item;
    size_t at;

    json_array_foreach(json_object_get(policy->predicate, "removed"), at, item)
    {
        struct reg_signatory *signatory = reg_signatory_by_hex(reg, json_string_value(item));

        if (!signatory)
            continue;
        signatory->removed_at = index;
        if (g_hash_table_lookup(reg->by_domain, signatory->domain) == signatory)
            g_hash_table_remove(reg->by_domain, signatory->domain);
    }
}

static void set_log_keys(struct reg *reg, const struct community_policy *policy)
{
    for (guint i = 0; i < reg->log_keys->len; i++)
        ((struct reg_key *)reg->log_keys->pdata[i])->in_force = FALSE;
    for (guint i = 0; i < policy->log_keys->len; i++) {
        const struct note_key *log = policy->log_keys->pdata[i];
        g_autofree char *text = note_key_text(log);
        struct reg_key *key = reg_key_find(reg, log->bytes);

        if (!key) {
            key = reg_key_bind(reg, log->bytes, text, NULL, KEY_ROLE_LOG, TRUE);
            g_ptr_array_add(reg->log_keys, key);
        }
        key->in_force = TRUE;
    }
}

void register_apply_policy(struct reg *reg, struct community_policy *policy, guint64 index)
{
    struct reg_policy *in_force = g_new0(struct reg_policy, 1);

    in_force->policy = policy;
    in_force->index = index;
    g_ptr_array_add(reg->policies, in_force);
    set_log_keys(reg, policy);
    set_removed(reg, policy, index);
    set_members(reg, policy);
    closure_recompute(reg);
}

static void apply_policy(struct reg *reg, struct judged *judged, struct reg_entry *entry)
{
    if (entry->index) /* the genesis policy is in force already */
        register_apply_policy(reg, g_steal_pointer(&judged->policy), entry->index);
}

const struct handler handler_policy = { PREDICATE_POLICY, judge_policy, apply_policy };

/* The first entry after the genesis policy names the log that this one continues. */
static enum register_verdict judge_succession(struct judged *judged)
{
    const json_t *old = json_object_get(judged->predicate, "old");
    const char *base64 = json_text(old, "note");
    g_autoptr(GBytes) note = base64_decode(base64, -1);
    g_autofree char *hash = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, note);

    if (!is_signed_by_log(judged))
        return register_refuse(judged, REGISTER_SIGNATURE, "the log's key did not sign it");
    if (!g_str_equal(hash, intoto_subject_sha256(judged->entry->statement)))
        return register_refuse(judged, REGISTER_MALFORMED,
                               "the subject is not the old log's checkpoint note");
    if (g_str_equal(json_text(old, "origin"), json_text(judged->predicate, "log")))
        return register_refuse(judged, REGISTER_CONFLICT,
                               "a log continues under a new origin, not under its own");
    return judged->index == 1 ? REGISTER_COUNTS
                              : register_refuse(judged, REGISTER_CONFLICT,
                                                "a succession stands right after the genesis "
                                                "policy");
}

static void apply_succession(struct reg *reg, struct judged *judged, struct reg_entry *entry)
{
    entry->said = json_incref((json_t *)judged->predicate);
    reg->succession = entry;
}

const struct handler handler_succession = { PREDICATE_SUCCESSION, judge_succession,
                                            apply_succession };
