/* fold_signatories.c: endorsement, recovery, attestation. */
#include "register/register_private.h"
#include "statement/base64.h"
#include "statement/intoto.h"

#include <string.h>

#define CHECKS 3 /* domain, legal existence, contact: an attestation counts with all of them */

/* Whether the signatures of an entry hold one by this key, registered or not. */
static gboolean is_signed_by(struct judged *judged, const struct public_key *key)
{
    g_autofree char *hint = public_key_hint(key);

    for (guint i = 0; i < judged->entry->envelope->signatures->len; i++)
        if (g_str_equal(entry_hint(judged->entry, i), hint) &&
            entry_is_signed_by(judged->entry, i, key->bytes))
            return TRUE;
    return FALSE;
}

/* Whether the keys of `judged->root` may become the root keys of `signatory` (NULL: a new one). */
static enum register_verdict judge_root(struct judged *judged,
                                        const struct reg_signatory *signatory)
{
    enum register_verdict verdict = REGISTER_COUNTS;

    for (guint i = 0; i < judged->root.keys->len && verdict == REGISTER_COUNTS; i++) {
        const struct public_key *key = judged->root.keys->pdata[i];
        g_autofree char *text = public_key_text(key);

        verdict = judge_key_is_free(judged, key->bytes, text, signatory, KEY_ROLE_ROOT,
                                    is_signed_by(judged, key));
    }
    return verdict;
}

static gboolean read_root(struct judged *judged)
{
    g_autoptr(GError) error = NULL;

    if (root_keys_read(json_object_get(judged->predicate, "root"), &judged->root, &error))
        return TRUE;
    register_refuse(judged, REGISTER_MALFORMED, "%s", error->message);
    return FALSE;
}

static enum register_verdict judge_domain(struct judged *judged, const char *domain)
{
    const struct reg_signatory *owner = g_hash_table_lookup(judged->reg->by_domain, domain);

    if (!owner || owner == judged->signatory || owner->removed_at != G_MAXUINT64)
        return REGISTER_COUNTS;
    return register_refuse(judged, REGISTER_CONFLICT,
                           "the domain %s is that of the signatory %.16s: an organisation counts "
                           "once, in one group",
                           domain, owner->id_hex);
}

/* A first endorsement is signed by the root keys that it brings; their id is the signatory's. */
static enum register_verdict judge_first(struct judged *judged, const char *domain)
{
    guint8 id[SIGNATORY_ID_SIZE], subject[SIGNATORY_ID_SIZE];
    enum register_verdict verdict;
    guint signers = 0;

    for (guint i = 0; i < judged->root.keys->len; i++)
        signers += is_signed_by(judged, judged->root.keys->pdata[i]);
    if (signers < judged->root.threshold)
        return register_refuse(judged, REGISTER_SIGNATURE,
                               "signed by %u of the %u root keys it takes", signers,
                               judged->root.threshold);
    root_keys_id(&judged->root, id);
    hex_decode_into(intoto_subject_sha256(judged->entry->statement), subject, sizeof subject);
    if (memcmp(id, subject, sizeof id) != 0)
        return register_refuse(judged, REGISTER_CONFLICT,
                               "its subject is neither a signatory here nor the id of its root "
                               "keys");
    verdict = judge_root(judged, NULL);
    if (verdict == REGISTER_COUNTS)
        verdict = judge_domain(judged, domain);
    return verdict == REGISTER_COUNTS ? judge_networks(judged, NULL) : verdict;
}

static enum register_verdict judge_update(struct judged *judged, const struct reg_signatory *known,
                                          const char *domain)
{
    const json_t *who = json_object_get(judged->predicate, "signatory");
    enum register_verdict verdict = judge_signer(judged, TRUE);

    if (verdict != REGISTER_COUNTS)
        return verdict;
    if (!g_str_equal(json_text(who, "group"), group_name(known->group)))
        return register_refuse(judged, REGISTER_CONFLICT,
                               "the signatory is of the group \"%s\": it counts in one",
                               group_name(known->group));
    if (!root_keys_equal(&judged->root, &known->root))
        return register_refuse(judged, REGISTER_CONFLICT,
                               "root keys are replaced by a recovery, not by an endorsement");
    if (known->member && !g_str_equal(known->domain, domain))
        return register_refuse(judged, REGISTER_CONFLICT,
                               "the policy knows this member as %s: change the policy first",
                               known->domain);
    if (predicate_time_us(judged->predicate) <= known->endorsed_us)
        return register_refuse(judged, REGISTER_CONFLICT,
                               "an endorsement of the same or a later time is there already");
    verdict = judge_domain(judged, domain);
    return verdict == REGISTER_COUNTS ? judge_networks(judged, known) : verdict;
}

static enum register_verdict judge_endorsement(struct judged *judged)
{
    const char *domain = json_text(json_object_get(judged->predicate, "signatory"), "domain");
    const char *subject = intoto_subject_sha256(judged->entry->statement);
    const struct reg_signatory *known = reg_signatory_by_hex(judged->reg, subject);

    if (!g_str_equal(intoto_subject_name(judged->entry->statement), domain))
        return register_refuse(judged, REGISTER_MALFORMED, "the subject is not named %s", domain);
    if (!read_root(judged))
        return REGISTER_MALFORMED;
    return known ? judge_update(judged, known, domain) : judge_first(judged, domain);
}

static void apply_endorsement(struct reg *reg, struct judged *judged, struct reg_entry *entry)
{
    const json_t *who = json_object_get(judged->predicate, "signatory");
    struct reg_signatory *signatory = judged->signatory;

    if (!signatory) {
        signatory = reg_signatory_add(reg, &judged->root, FALSE);
        for (guint i = 0; i < judged->root.keys->len; i++) {
            const struct public_key *key = judged->root.keys->pdata[i];

            reg_key_find(reg, key->bytes)->proven = is_signed_by(judged, key);
        }
        group_parse(json_text(who, "group"), &signatory->group, NULL);
        entry->signatory = signatory;
        entry->key = signatory->keys->pdata[0];
    }
    reg_signatory_name(reg, signatory, json_text(who, "name"), json_text(who, "domain"),
                       json_text(who, "country"));
    g_free(signatory->subtype);
    signatory->subtype = g_strdup(json_text(who, "subtype"));
    signatory->reviewer = json_is_true(json_object_get(judged->predicate, "reviewer"));
    signatory->endorsed_us = predicate_time_us(judged->predicate);
    apply_networks(reg, signatory, judged->predicate);
    signatory->endorsement = entry;
    if (!signatory->joined)
        signatory->joined = entry;
    entry->said = json_incref((json_t *)judged->predicate);
    /* A new name ends what was attested under the old one, for it and for whom it vouched for. */
    if (signatory->attested)
        closure_recompute(reg);
}

const struct handler handler_endorsement = { PREDICATE_ENDORSEMENT, judge_endorsement,
                                             apply_endorsement };

static enum register_verdict judge_recovery(struct judged *judged)
{
    enum register_verdict verdict = judge_signer(judged, TRUE);

    if (verdict != REGISTER_COUNTS)
        return verdict;
    if (!read_root(judged))
        return REGISTER_MALFORMED;
    if (predicate_time_us(judged->predicate) <= judged->signatory->recovered_us)
        return register_refuse(judged, REGISTER_CONFLICT,
                               "a recovery of the same or a later time is there already");
    return judge_root(judged, judged->signatory);
}

static void apply_recovery(struct reg *reg, struct judged *judged, struct reg_entry *entry)
{
    (void)entry;
    reg_signatory_set_root(reg, judged->signatory, &judged->root, FALSE);
    for (guint i = 0; i < judged->root.keys->len; i++) {
        const struct public_key *key = judged->root.keys->pdata[i];

        reg_key_find(reg, key->bytes)->proven |= is_signed_by(judged, key);
    }
    judged->signatory->recovered_us = predicate_time_us(judged->predicate);
}

const struct handler handler_recovery = { PREDICATE_RECOVERY, judge_recovery, apply_recovery };

static struct reg_attestation *attestation_of(const struct reg_signatory *target,
                                              const struct reg_signatory *by)
{
    for (guint i = 0; i < target->attestations->len; i++) {
        struct reg_attestation *attestation = target->attestations->pdata[i];

        if (attestation->by == by)
            return attestation;
    }
    return NULL;
}

static enum register_verdict judge_attestation(struct judged *judged)
{
    enum register_verdict verdict = judge_signer(judged, FALSE);
    const struct reg_attestation *before;

    if (verdict != REGISTER_COUNTS)
        return verdict;
    judged->target = reg_signatory_by_hex(judged->reg, json_text(judged->predicate, "signatory"));
    if (!judged->target || !judged->target->joined)
        return register_refuse(judged, REGISTER_CONFLICT,
                               "it is about a signatory that did not endorse here");
    if (judged->target == judged->signatory)
        return register_refuse(judged, REGISTER_CONFLICT, "nobody attests itself");
    if (!judged->signatory->attested)
        return register_refuse(judged, REGISTER_ROLE,
                               "%s is self-declared: it attests nobody before it is attested",
                               judged->signatory->domain);
    if (!g_str_equal(json_text(judged->predicate, "group"), group_name(judged->target->group)))
        return register_refuse(judged, REGISTER_CONFLICT,
                               "%s endorsed in the group \"%s\" and not \"%s\"",
                               judged->target->domain, group_name(judged->target->group),
                               json_text(judged->predicate, "group"));
    before = attestation_of(judged->target, judged->signatory);
    if (before && predicate_time_us(judged->predicate) <= before->said_us)
        return register_refuse(judged, REGISTER_CONFLICT,
                               "an attestation of the same or a later time is there already");
    return REGISTER_COUNTS;
}

static void apply_attestation(struct reg *reg, struct judged *judged, struct reg_entry *entry)
{
    struct reg_attestation *attestation = attestation_of(judged->target, judged->signatory);

    if (!attestation) {
        attestation = g_new0(struct reg_attestation, 1);
        attestation->by = judged->signatory;
        g_ptr_array_add(judged->target->attestations, attestation);
        g_ptr_array_add(judged->signatory->attested_by_it, judged->target);
    }
    attestation->entry = entry;
    attestation->group = judged->target->group;
    attestation->identity = judged->target->identity;
    attestation->complete =
        json_array_size(json_object_get(judged->predicate, "checked")) == CHECKS;
    attestation->withdrawn = json_is_true(json_object_get(judged->predicate, "withdrawn"));
    attestation->said_us = predicate_time_us(judged->predicate);
    entry->said = json_incref((json_t *)judged->predicate);
    if (judged->target->attested && !judged->target->member)
        closure_recompute(reg);
    else
        closure_grow(judged->target, register_policy(reg));
}

const struct handler handler_attestation = { PREDICATE_ATTESTATION, judge_attestation,
                                             apply_attestation };
