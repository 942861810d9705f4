/* checks_keys.c: keys (DNSKEY) and the digests of them that the parent publishes (DS). */
#include "p2_internet/zone/view.h"

#define RSA_MIN 1024u /* below: anybody with a machine room */
#define RSA_WANTED 2048u
#define RSA_MAX 4096u
#define EXPONENT_SMALL 3u
#define EXPONENT_MAX G_MAXUINT32
#define KEYS_MAX 6u
#define KEY_PROTOCOL 3u /* RFC 4034 section 2.1.2 */
#define TTL_MIN 300u
#define TTL_MAX 86400u
#define DIGEST_SHA256 2u
#define YEAR_S (365 * (gint64)24 * 3600)
#define AGE_MAX_S (5 * YEAR_S)

static const struct dns_record *record_at(const GPtrArray *records, guint index)
{
    return records->pdata[index];
}

static enum zone_outcome ds_digests(struct zone_view *view)
{
    gboolean has_sha256 = FALSE;

    if (!view->ds->len)
        return view->ds_seen ? ZONE_NOT_APPLICABLE : ZONE_NOT_SEEN;
    for (guint i = 0; i < view->ds->len; i++) {
        struct dnssec_ds ds;
        const char *name;
        enum dnssec_standing standing;

        if (!dnssec_ds_read(record_at(view->ds, i), &ds)) {
            zone_problem(view, ZONE_NO_SERVER, "a malformed DS record");
            continue;
        }
        has_sha256 |= ds.digest_type == DIGEST_SHA256;
        standing = dnssec_digest(ds.digest_type, &name);
        if (standing == DNSSEC_BROKEN || standing == DNSSEC_NONE)
            zone_problem(view, ZONE_NO_SERVER, "DS %u: digest type %u (%s)", ds.tag, ds.digest_type,
                         name);
    }
    if (!has_sha256)
        zone_problem_at(view, SEVERITY_LOW, ZONE_NO_SERVER, "no DS record with SHA-256");
    return ZONE_PASS;
}

/* The key that the DS record is the digest of, or NULL. */
static const struct dns_record *key_of(const struct zone_view *view, const struct dnssec_ds *ds)
{
    for (guint i = 0; i < view->keys->len; i++)
        if (dnssec_ds_matches(ds, view->in->names->apex, record_at(view->keys, i)))
            return record_at(view->keys, i);
    return NULL;
}

static enum zone_outcome ds_keys(struct zone_view *view)
{
    guint matching = 0;

    if (!view->ds->len)
        return view->ds_seen ? ZONE_NOT_APPLICABLE : ZONE_NOT_SEEN;
    for (guint i = 0; i < view->ds->len; i++) {
        struct dnssec_ds ds;

        if (!dnssec_ds_read(record_at(view->ds, i), &ds))
            continue;
        if (key_of(view, &ds))
            matching++;
        else
            zone_problem_at(view, SEVERITY_MEDIUM, ZONE_NO_SERVER,
                            "DS %u (algorithm %u, digest type %u) is of no key of the zone", ds.tag,
                            ds.algorithm, ds.digest_type);
    }
    if (!matching)
        zone_problem(view, ZONE_NO_SERVER, "no DS record is of a key of the zone");
    return ZONE_PASS;
}

static enum zone_outcome ds_flags(struct zone_view *view)
{
    if (!view->ds->len)
        return view->ds_seen ? ZONE_NOT_APPLICABLE : ZONE_NOT_SEEN;
    for (guint i = 0; i < view->ds->len; i++) {
        const struct dns_record *record;
        struct dnssec_ds ds;
        struct dnssec_key key;

        if (!dnssec_ds_read(record_at(view->ds, i), &ds) || !(record = key_of(view, &ds)) ||
            !dnssec_key_read(record, &key))
            continue;
        if (!(key.flags & DNSSEC_FLAG_ZONE))
            zone_problem(view, ZONE_NO_SERVER, "key %u of a DS record is no zone key", key.tag);
        if (key.flags & DNSSEC_FLAG_REVOKED)
            zone_problem(view, ZONE_NO_SERVER, "key %u of a DS record is revoked", key.tag);
        if (!(key.flags & DNSSEC_FLAG_SEP))
            zone_problem_at(view, SEVERITY_LOW, ZONE_NO_SERVER,
                            "key %u of a DS record has no SEP flag", key.tag);
    }
    return ZONE_PASS;
}

static enum zone_outcome linked(struct zone_view *view)
{
    if (!view->ds_seen)
        return ZONE_NOT_SEEN;
    if (view->ds->len && !zone_is_signed(view))
        zone_problem_at(view, SEVERITY_CRITICAL, ZONE_NO_SERVER,
                        "the parent says that the zone is signed, and it is not");
    if (!view->ds->len && zone_is_signed(view))
        zone_problem(view, ZONE_NO_SERVER, "the zone is signed, and the parent has no DS record");
    return view->ds->len || zone_is_signed(view) ? ZONE_PASS : ZONE_NOT_APPLICABLE;
}

static enum zone_outcome algorithms(struct zone_view *view)
{
    if (!zone_is_signed(view))
        return ZONE_NOT_APPLICABLE;
    for (guint i = 0; i < view->keys->len; i++) {
        struct dnssec_key key;
        const char *name;
        enum dnssec_standing standing;

        if (!dnssec_key_read(record_at(view->keys, i), &key)) {
            zone_problem(view, ZONE_NO_SERVER, "a malformed key");
            continue;
        }
        standing = dnssec_algorithm(key.algorithm, &name);
        if (standing == DNSSEC_BROKEN || standing == DNSSEC_NONE)
            zone_problem(view, ZONE_NO_SERVER, "key %u: algorithm %u (%s) must not be used",
                         key.tag, key.algorithm, name);
        else if (standing != DNSSEC_GOOD)
            zone_problem_at(view, standing == DNSSEC_OLD ? SEVERITY_MEDIUM : SEVERITY_LOW,
                            ZONE_NO_SERVER, "key %u: algorithm %u (%s) is not recommended", key.tag,
                            key.algorithm, name);
    }
    return ZONE_PASS;
}

/* RFC 6605 section 4, RFC 8080 section 3; RSA's are key.rsa. */
static gsize length_of(guint algorithm)
{
    static const struct {
        guint algorithm;
        gsize bytes;
    } lengths[] = { { 13, 64 }, { 14, 96 }, { 15, 32 }, { 16, 57 } };

    for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++)
        if (lengths[i].algorithm == algorithm)
            return lengths[i].bytes;
    return 0;
}

static enum zone_outcome key_form(struct zone_view *view)
{
    if (!zone_is_signed(view))
        return ZONE_NOT_APPLICABLE;
    for (guint i = 0; i < view->keys->len; i++) {
        struct dnssec_key key;
        gsize wanted;

        if (!dnssec_key_read(record_at(view->keys, i), &key))
            continue;
        wanted = length_of(key.algorithm);
        if (key.protocol != KEY_PROTOCOL)
            zone_problem(view, ZONE_NO_SERVER, "key %u has protocol %u, not %u", key.tag,
                         key.protocol, KEY_PROTOCOL);
        if (wanted && key.length != wanted)
            zone_problem(view, ZONE_NO_SERVER,
                         "key %u of algorithm %u has %" G_GSIZE_FORMAT
                         " bytes, not %" G_GSIZE_FORMAT,
                         key.tag, key.algorithm, key.length, wanted);
    }
    return ZONE_PASS;
}

static enum zone_outcome rsa(struct zone_view *view)
{
    gboolean any = FALSE;

    for (guint i = 0; i < view->keys->len; i++) {
        struct dnssec_key key;
        guint bits;
        guint64 exponent;

        if (!dnssec_key_read(record_at(view->keys, i), &key) ||
            !dnssec_rsa_size(&key, &bits, &exponent))
            continue;
        any = TRUE;
        if (bits < RSA_WANTED || bits > RSA_MAX)
            zone_problem_at(view, bits < RSA_MIN ? SEVERITY_HIGH : view->level, ZONE_NO_SERVER,
                            "key %u has %u bits (wanted: %u to %u)", key.tag, bits, RSA_WANTED,
                            RSA_MAX);
        if (exponent <= EXPONENT_SMALL || exponent > EXPONENT_MAX)
            zone_problem(view, ZONE_NO_SERVER, "key %u has an unusual exponent", key.tag);
    }
    return any ? ZONE_PASS : ZONE_NOT_APPLICABLE;
}

static enum zone_outcome same_keys(struct zone_view *view)
{
    gboolean any;
    const enum zone_outcome outcome = zone_compare(view, PROBE_DNSKEY, DNS_TYPE_DNSKEY, &any);

    return outcome == ZONE_PASS && !any ? ZONE_NOT_APPLICABLE : outcome;
}

static enum zone_outcome key_count(struct zone_view *view)
{
    if (!zone_is_signed(view))
        return ZONE_NOT_APPLICABLE;
    if (view->keys->len > KEYS_MAX)
        zone_problem(view, ZONE_NO_SERVER, "%u keys, more than %u", view->keys->len, KEYS_MAX);
    return ZONE_PASS;
}

static void judge_ttl(struct zone_view *view, const GPtrArray *records, const char *what)
{
    const guint32 ttl_s = records->len ? record_at(records, 0)->ttl_s : TTL_MIN;

    if (ttl_s > TTL_MAX)
        zone_problem(view, ZONE_NO_SERVER, "%s are kept for %u s: a stolen key is trusted so long",
                     what, ttl_s);
    if (ttl_s < TTL_MIN)
        zone_problem_at(view, SEVERITY_MEDIUM, ZONE_NO_SERVER, "%s are kept for %u s only", what,
                        ttl_s);
}

static enum zone_outcome ttls(struct zone_view *view)
{
    if (!zone_is_signed(view))
        return ZONE_NOT_APPLICABLE;
    judge_ttl(view, view->keys, "keys");
    judge_ttl(view, view->ds, "DS records");
    return ZONE_PASS;
}

/* Whether a signature over the keys is by this one. */
static gboolean signs_keys(const struct zone_view *view, const struct dnssec_key *key)
{
    for (guint i = 0; zone_next(view, &i); i++) {
        g_autoptr(GPtrArray) signatures = zone_signatures(
            zone_answer(view, i, PROBE_DNSKEY), DNS_ANSWER, view->in->names->apex, DNS_TYPE_DNSKEY);

        for (guint k = 0; k < signatures->len; k++) {
            struct dnssec_signature signature;

            if (dnssec_signature_read(signatures->pdata[k], &signature) &&
                signature.tag == key->tag && signature.algorithm == key->algorithm)
                return TRUE;
        }
    }
    return FALSE;
}

static enum zone_outcome revoked(struct zone_view *view)
{
    gboolean any = FALSE;

    for (guint i = 0; i < view->keys->len; i++) {
        struct dnssec_key key;

        if (!dnssec_key_read(record_at(view->keys, i), &key) || !(key.flags & DNSSEC_FLAG_REVOKED))
            continue;
        any = TRUE;
        if (!signs_keys(view, &key))
            zone_problem(view, ZONE_NO_SERVER, "key %u is revoked and does not say so itself",
                         key.tag);
    }
    return any ? ZONE_PASS : ZONE_NOT_APPLICABLE;
}

static enum zone_outcome age(struct zone_view *view)
{
    gboolean any = FALSE;

    if (!zone_is_signed(view))
        return ZONE_NOT_APPLICABLE;
    for (guint i = 0; view->in->past && i < view->keys->len; i++) {
        g_autofree char *digest = zone_key_digest(record_at(view->keys, i));
        const gint64 since_s = zone_past_key(view->in->past, digest);
        struct dnssec_key key;

        if (since_s == ZONE_NEVER || !dnssec_key_read(record_at(view->keys, i), &key) ||
            !(key.flags & DNSSEC_FLAG_SEP))
            continue;
        any = TRUE;
        if (view->in->now_s - since_s > AGE_MAX_S)
            zone_problem(view, ZONE_NO_SERVER,
                         "key %u has been in use for %" G_GINT64_FORMAT " years", key.tag,
                         (view->in->now_s - since_s) / YEAR_S);
    }
    return any ? ZONE_PASS : ZONE_NOT_SEEN;
}

const struct zone_check zone_checks_keys[] = {
    { "ds.digests",
      "RFC 9905 section 4",
      SEVERITY_HIGH,
      { "DS records use SHA-256 or SHA-384",
        "Les enregistrements DS emploient SHA-256 ou SHA-384" },
      { "Publish a DS record with digest type 2, and take the others out.",
        "Publiez un DS d'empreinte de type 2 et retirez les autres." },
      ds_digests },
    { "ds.keys",
      "RFC 4035 section 2.4",
      SEVERITY_CRITICAL,
      { "Every DS record is of a key of the zone",
        "Chaque enregistrement DS est celui d'une clé de la zone" },
      { "Publish the DS record of the present key at the parent; take out those of keys that are "
        "gone.",
        "Publiez chez le parent le DS de la clé actuelle ; retirez ceux des clés disparues." },
      ds_keys },
    { "ds.flags",
      "RFC 4034 section 5.2",
      SEVERITY_HIGH,
      { "DS records are of zone keys that are not revoked",
        "Les enregistrements DS désignent des clés de zone non révoquées" },
      { "Make the DS record anew from the key-signing key.",
        "Refaites le DS à partir de la clé de signature de clés." },
      ds_flags },
    { "ds.linked",
      "RFC 4035 section 5.2",
      SEVERITY_MEDIUM,
      { "Zone and parent agree on whether the zone is signed",
        "Zone et parent s'accordent sur la signature de la zone" },
      { "Give the parent the DS record, or withdraw it before signatures are removed.",
        "Donnez le DS au parent, ou retirez-le avant de supprimer les signatures." },
      linked },
    { "key.algorithms",
      "RFC 8624 section 3.1",
      SEVERITY_HIGH,
      { "Keys use algorithms that hold", "Les clés emploient des algorithmes sûrs" },
      { "Roll over to algorithm 13 (ECDSAP256SHA256) or 15 (ED25519).",
        "Passez à l'algorithme 13 (ECDSAP256SHA256) ou 15 (ED25519)." },
      algorithms },
    { "key.form",
      "RFC 6605 section 4",
      SEVERITY_HIGH,
      { "Keys have the length of their algorithm", "Les clés ont la longueur de leur algorithme" },
      { "Take the key out and make it anew.", "Retirez la clé et refaites-la." },
      key_form },
    { "key.rsa",
      "RFC 3110 section 2",
      SEVERITY_MEDIUM,
      { "RSA keys have 2048 to 4096 bits", "Les clés RSA ont de 2048 à 4096 bits" },
      { "Roll over to a longer key, or to ECDSA.", "Passez à une clé plus longue, ou à ECDSA." },
      rsa },
    { "key.same",
      "RFC 4035 section 2.1",
      SEVERITY_HIGH,
      { "All servers give the same keys", "Tous les serveurs donnent les mêmes clés" },
      { "Let all servers take the signed zone from one place.",
        "Faites prendre la zone signée à tous les serveurs au même endroit." },
      same_keys },
    { "key.count",
      "RFC 6781 section 4.1",
      SEVERITY_LOW,
      { "There are few keys", "Les clés sont peu nombreuses" },
      { "Remove keys whose rollover has ended.",
        "Retirez les clés dont le remplacement est achevé." },
      key_count },
    { "key.ttl",
      "RFC 6781 section 4.4",
      SEVERITY_LOW,
      { "Keys can be replaced within a day", "Les clés sont remplaçables en une journée" },
      { "Set the TTL of DNSKEY and DS records between 300 and 86400 s.",
        "Réglez le TTL des DNSKEY et des DS entre 300 et 86400 s." },
      ttls },
    { "key.revoked",
      "RFC 5011 section 2.1",
      SEVERITY_MEDIUM,
      { "A revoked key signs its own revocation", "Une clé révoquée signe sa propre révocation" },
      { "Sign the DNSKEY records with the revoked key, too, until resolvers have seen it.",
        "Signez aussi les DNSKEY avec la clé révoquée, jusqu'à ce que les résolveurs l'aient "
        "vue." },
      revoked },
    { "key.age",
      "RFC 6781 section 3.2.1",
      SEVERITY_INFO,
      { "A key-signing key is replaced within five years",
        "Une clé de signature de clés est remplacée en moins de cinq ans" },
      { "Roll it over while it is no emergency: who never did it cannot do it in time.",
        "Remplacez-la hors urgence : qui ne l'a jamais fait ne saura pas le faire à temps." },
      age },
    { NULL },
};
