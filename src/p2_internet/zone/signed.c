#include "p2_internet/zone/signed.h"

/* Of hostile answers, no more is computed (CVE-2023-50387: many keys of one tag). */
#define KEYS_OF_A_TAG 4u
#define SIGNATURES_MAX 16u

static enum dnssec_verdict verify_one(const struct zone_view *view, const GPtrArray *set,
                                      const struct dns_record *signature, const GPtrArray *keys)
{
    enum dnssec_verdict worst = DNSSEC_WRONG;
    struct dnssec_signature read;
    guint tried = 0;

    if (!dnssec_signature_read(signature, &read))
        return DNSSEC_MALFORMED;
    for (guint i = 0; i < keys->len && tried < KEYS_OF_A_TAG; i++) {
        struct dnssec_key key;
        enum dnssec_verdict verdict;

        if (!dnssec_key_read(keys->pdata[i], &key) || key.tag != read.tag)
            continue;
        tried++;
        verdict =
            dnssec_verify(view->in->library, signature,
                          (const struct dns_record *const *)set->pdata, set->len, keys->pdata[i]);

        if (verdict == DNSSEC_VALID)
            return verdict;
        if (verdict != DNSSEC_WRONG)
            worst = verdict;
    }
    return worst;
}

gboolean zone_signed_by(const struct zone_view *view, const GPtrArray *set,
                        const GPtrArray *signatures, const GPtrArray *keys)
{
    for (guint i = 0; i < MIN(signatures->len, SIGNATURES_MAX); i++)
        if (verify_one(view, set, signatures->pdata[i], keys) == DNSSEC_VALID)
            return TRUE;
    return FALSE;
}

gboolean zone_verify_set(struct zone_view *view, guint server, const struct dns_packet *packet,
                         enum dns_section section, const guint8 *owner, guint16 type)
{
    g_autoptr(GPtrArray) set = NULL, signatures = NULL;
    g_autofree char *type_text = NULL, *name = NULL;
    guint valid = 0, wrong = 0, unknown = 0;

    if (!packet)
        return FALSE;
    if (!owner) {
        g_autoptr(GPtrArray) all = zone_rrset(packet, section, NULL, type);

        if (!all->len)
            return FALSE;
        owner = ((const struct dns_record *)all->pdata[0])->owner;
    }
    /* What an alias leads to may be another zone's. */
    if (!dns_name_within(owner, view->in->names->apex))
        return FALSE;
    set = zone_rrset(packet, section, owner, type);
    if (!set->len)
        return FALSE;
    signatures = zone_signatures(packet, section, owner, type);
    for (guint i = 0; i < MIN(signatures->len, SIGNATURES_MAX); i++) {
        const enum dnssec_verdict verdict = verify_one(view, set, signatures->pdata[i], view->keys);

        valid += verdict == DNSSEC_VALID;
        unknown += verdict == DNSSEC_UNKNOWN;
        wrong += verdict == DNSSEC_WRONG || verdict == DNSSEC_MALFORMED;
    }
    type_text = dns_type_text(type);
    name = dns_name_text(owner);
    if (!signatures->len)
        zone_problem(view, (int)server, "%s %s has no signature", name, type_text);
    else if (!valid && !unknown)
        zone_problem(view, (int)server, "no signature over %s %s is by a key of the zone", name,
                     type_text);
    else if (wrong)
        zone_problem_at(view, SEVERITY_LOW, (int)server,
                        "a signature over %s %s is of no key of the zone, or wrong", name,
                        type_text);
    return TRUE;
}
