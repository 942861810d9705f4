/*
 * authority.c: which of the keys that signed may say what the entry says, at its index and time.
 */
#include "register/register_private.h"
#include "statement/intoto.h"

guint judge_root_signers(const struct judged *judged, const struct reg_signatory *signatory)
{
    guint count = 0;

    for (guint i = 0; i < judged->signers->len; i++) {
        const struct reg_key *key = judged->signers->pdata[i];

        count += key->signatory == signatory && key->role == KEY_ROLE_ROOT && key->in_force;
    }
    return count;
}

static guint32 predicate_bit(const struct predicate *predicate)
{
    return (guint32)1 << (predicate - predicates);
}

/* How a role key fares; among several that fail, the reason that says most is kept. */
static enum register_verdict judge_role_key(struct judged *judged, const struct reg_key *key)
{
    const struct predicate *predicate = judged->entry->predicate;
    gboolean limited = FALSE;

    if (key->role == KEY_ROLE_ROOT && !key->in_force)
        return register_refuse(judged, REGISTER_REVOKED, "the root key \"%s\" was replaced",
                               key->text);
    if (judged->index >= key->revoked_at)
        return register_refuse(judged, REGISTER_REVOKED,
                               "the key \"%s\" was revoked at entry %" G_GUINT64_FORMAT, key->text,
                               key->revoked_at);
    if (!(key->role & predicate->key_roles))
        return register_refuse(judged, REGISTER_ROLE, "a key of the role \"%s\" signs no %s",
                               key_role_name(key->role), predicate->name);
    for (guint i = 0; i < key->delegations->len; i++) {
        const struct reg_delegation *delegation =
            &g_array_index(key->delegations, struct reg_delegation, i);

        if (delegation->from_us > judged->time_us || judged->time_us >= delegation->until_us)
            continue;
        if (!delegation->limited || delegation->predicates & predicate_bit(predicate))
            return REGISTER_COUNTS;
        limited = TRUE;
    }
    if (limited)
        return register_refuse(judged, REGISTER_ROLE,
                               "the key \"%s\" is limited to other statements than %s", key->text,
                               predicate->name);
    return register_refuse(judged, REGISTER_EXPIRED,
                           "the key \"%s\" was not delegated for the time of this entry",
                           key->text);
}

/* What says more than that the signature is missing. */
static guint weight(enum register_verdict verdict)
{
    static const enum register_verdict order[] = { REGISTER_SIGNATURE, REGISTER_ROLE,
                                                   REGISTER_EXPIRED, REGISTER_REVOKED };

    for (guint i = 0; i < G_N_ELEMENTS(order); i++)
        if (order[i] == verdict)
            return i;
    return 0;
}

enum register_verdict judge_authority(struct judged *judged, struct reg_signatory *signatory)
{
    const struct predicate *predicate = judged->entry->predicate;
    const guint roots = judge_root_signers(judged, signatory);
    const gboolean by_root = roots >= signatory->root.threshold;
    const guint root_roles = KEY_ROLE_ROOT | (signatory->root.keys->len == 1 ? KEY_ROLE_SINGLE : 0);
    enum register_verdict verdict = REGISTER_SIGNATURE;
    g_autofree char *message = NULL;

    if (signatory->removed_at != G_MAXUINT64)
        return register_refuse(
            judged, REGISTER_REVOKED,
            "the signatory was removed by the policy at entry %" G_GUINT64_FORMAT,
            signatory->removed_at);
    for (guint i = 0; i < judged->signers->len; i++) {
        struct reg_key *key = judged->signers->pdata[i];
        enum register_verdict found;

        if (key->signatory != signatory)
            continue;
        if (key->role == KEY_ROLE_ROOT && key->in_force) {
            if (by_root && predicate->key_roles & root_roles) {
                judged->key = key;
                return REGISTER_COUNTS;
            }
            found = by_root ? register_refuse(judged, REGISTER_ROLE,
                                              "root keys sign no %s: delegate a key of the role "
                                              "that does",
                                              predicate->name)
                            : register_refuse(judged, REGISTER_SIGNATURE,
                                              "signed by %u of the %u root keys it takes", roots,
                                              signatory->root.threshold);
        } else {
            found = judge_role_key(judged, key);
        }
        if (found == REGISTER_COUNTS) {
            judged->key = key;
            return REGISTER_COUNTS;
        }
        if (!message || weight(found) > weight(verdict)) {
            g_free(message);
            message = g_steal_pointer(&judged->message);
            verdict = found;
        }
    }
    if (!message)
        return register_refuse(judged, REGISTER_ROLE,
                               "signed by keys of another signatory than it speaks for");
    return register_refuse(judged, verdict, "%s", message);
}

enum register_verdict judge_signer(struct judged *judged, gboolean subject_is_signer)
{
    enum register_verdict verdict = REGISTER_SIGNATURE;
    const guint count = judged->entry->envelope->signatures->len;

    if (!judged->signers->len)
        return judged->known ? register_refuse(judged, REGISTER_SIGNATURE,
                                               "no signature of a known key verifies")
               : count       ? register_refuse(judged, REGISTER_UNKNOWN_KEY,
                                               "signed by keys that no signatory has")
                             : register_refuse(judged, REGISTER_SIGNATURE, "there is no signature");
    if (subject_is_signer) {
        judged->signatory =
            reg_signatory_by_hex(judged->reg, intoto_subject_sha256(judged->entry->statement));
        return judged->signatory ? judge_authority(judged, judged->signatory)
                                 : register_refuse(judged, REGISTER_UNKNOWN_KEY,
                                                   "its subject is no signatory here");
    }
    for (guint i = 0; i < judged->signers->len && verdict != REGISTER_COUNTS; i++) {
        const struct reg_key *key = judged->signers->pdata[i];

        if (!key->signatory) {
            verdict = register_refuse(judged, REGISTER_ROLE, "the log's key signs no %s",
                                      judged->entry->predicate->name);
            continue;
        }
        judged->signatory = key->signatory;
        verdict = judge_authority(judged, key->signatory);
    }
    return verdict;
}
