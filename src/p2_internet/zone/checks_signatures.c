/* checks_signatures.c: whether signatures are there, of whom, and for how long. */
#include "p2_internet/zone/signed.h"
#include "p2_internet/zone/view.h"

#define HOUR_S 3600
#define DAY_S (24 * HOUR_S)
#define SOON_S (12 * HOUR_S)
#define LONG_S (180 * DAY_S)
#define SKEW_S 300   /* clocks differ by so much */
#define SHARE_LEFT 5 /* less than a fifth of the lifetime */

static enum zone_outcome verify_probe(struct zone_view *view, enum zone_probe probe, guint16 type)
{
    gboolean seen = FALSE;

    if (!zone_is_signed(view))
        return ZONE_NOT_APPLICABLE;
    for (guint i = 0; zone_next(view, &i); i++)
        seen |= zone_verify_set(view, i, zone_answer(view, i, probe), DNS_ANSWER, NULL, type);
    return seen ? ZONE_PASS : ZONE_NOT_SEEN;
}

static enum zone_outcome over_keys(struct zone_view *view)
{
    return verify_probe(view, PROBE_DNSKEY, DNS_TYPE_DNSKEY);
}

static enum zone_outcome over_soa(struct zone_view *view)
{
    return verify_probe(view, PROBE_SOA_EDNS, DNS_TYPE_SOA);
}

static enum zone_outcome over_ns(struct zone_view *view)
{
    return verify_probe(view, PROBE_NS, DNS_TYPE_NS);
}

static enum zone_outcome over_others(struct zone_view *view)
{
    static const struct {
        enum zone_probe probe;
        guint16 type;
    } sets[] = { { PROBE_WWW, DNS_TYPE_A },
                 { PROBE_WWW, DNS_TYPE_CNAME },
                 { PROBE_MX, DNS_TYPE_MX },
                 { PROBE_TXT, DNS_TYPE_TXT },
                 { PROBE_CAA, DNS_TYPE_CAA } };
    gboolean seen = FALSE;

    if (!zone_is_signed(view))
        return ZONE_NOT_APPLICABLE;
    for (gsize k = 0; k < G_N_ELEMENTS(sets); k++)
        seen |= verify_probe(view, sets[k].probe, sets[k].type) == ZONE_PASS;
    return seen ? ZONE_PASS : ZONE_NOT_SEEN;
}

/* ---- times */

/* Calls `each` for every signature of this zone that a server gave. */
typedef void (*signature_fn)(const struct zone_view *view, const struct dns_packet *packet,
                             const struct dns_record *record,
                             const struct dnssec_signature *signature, gpointer data);

static gboolean each_signature(const struct zone_view *view, guint server, signature_fn each,
                               gpointer data)
{
    gboolean any = FALSE;

    for (guint probe = 0; probe < PROBES; probe++) {
        const struct dns_packet *packet = zone_packet(view, server, (enum zone_probe)probe);

        for (guint i = 0; packet && i < packet->records->len; i++) {
            const struct dns_record *record = &g_array_index(packet->records, struct dns_record, i);
            struct dnssec_signature signature;

            if (record->type != DNS_TYPE_RRSIG || !dnssec_signature_read(record, &signature) ||
                !dns_name_equal(signature.signer, view->in->names->apex))
                continue;
            any = TRUE;
            each(view, packet, record, &signature, data);
        }
    }
    return any;
}

/* Of all signatures of a server: the extremes, and whose they are. */
struct times {
    gint64 first_end_s, last_from_s, longest_s;
    guint16 ends, begins, longest; /* the types covered */
    gint64 end_from_s;             /* when the one that ends first began */
};

static void take_times(const struct zone_view *view, const struct dns_packet *packet,
                       const struct dns_record *record, const struct dnssec_signature *signature,
                       gpointer data)
{
    struct times *times = data;
    const gint64 now_s = view->in->now_s;
    const gint64 until_s = dnssec_time(signature->until, now_s);
    const gint64 from_s = dnssec_time(signature->from, now_s);
    const gint64 length_s = until_s - MIN(from_s, now_s);

    (void)packet;
    (void)record;
    if (until_s < times->first_end_s) {
        times->first_end_s = until_s;
        times->end_from_s = from_s;
        times->ends = signature->covers;
    }
    if (from_s > times->last_from_s) {
        times->last_from_s = from_s;
        times->begins = signature->covers;
    }
    if (length_s > times->longest_s) {
        times->longest_s = length_s;
        times->longest = signature->covers;
    }
}

static gboolean times_of(const struct zone_view *view, guint server, struct times *times)
{
    *times = (struct times){ .first_end_s = G_MAXINT64 };
    return each_signature(view, server, take_times, times);
}

static char *date_text(gint64 time_s)
{
    g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(time_s);

    return date ? g_date_time_format(date, "%Y-%m-%d %H:%M UTC") : g_strdup("?");
}

static enum zone_outcome in_time(struct zone_view *view)
{
    gboolean seen = FALSE;

    for (guint i = 0; zone_next(view, &i); i++) {
        const gint64 now_s = view->in->now_s;
        struct times times;
        g_autofree char *end = NULL, *start = NULL, *ends = NULL, *begins = NULL;

        if (!times_of(view, i, &times))
            continue;
        seen = TRUE;
        end = date_text(times.first_end_s);
        start = date_text(times.last_from_s);
        ends = dns_type_text(times.ends);
        begins = dns_type_text(times.begins);
        if (times.first_end_s < now_s)
            zone_problem(view, (int)i, "the signature over %s ended on %s", ends, end);
        if (times.last_from_s > now_s)
            zone_problem_at(view, times.last_from_s <= now_s + SKEW_S ? SEVERITY_LOW : view->level,
                            (int)i, "the signature over %s begins on %s", begins, start);
    }
    return seen ? ZONE_PASS : ZONE_NOT_APPLICABLE;
}

static enum zone_outcome horizon(struct zone_view *view)
{
    gboolean seen = FALSE;

    for (guint i = 0; zone_next(view, &i); i++) {
        struct times times;
        gint64 left_s;
        g_autofree char *end = NULL, *type = NULL;

        if (!times_of(view, i, &times))
            continue;
        seen = TRUE;
        left_s = times.first_end_s - view->in->now_s;
        end = date_text(times.first_end_s);
        type = dns_type_text(times.ends);
        if (left_s < 0)
            continue; /* told by signature.time */
        if (left_s < view->in->horizon_s)
            zone_problem_at(view, left_s < SOON_S ? SEVERITY_HIGH : view->level, (int)i,
                            "the signature over %s ends in %" G_GINT64_FORMAT " h, on %s", type,
                            left_s / HOUR_S, end);
        else if (left_s < (times.first_end_s - times.end_from_s) / SHARE_LEFT)
            zone_problem_at(view, SEVERITY_LOW, (int)i,
                            "less than a fifth of the signature over %s is left (until %s)", type,
                            end);
    }
    return seen ? ZONE_PASS : ZONE_NOT_APPLICABLE;
}

static enum zone_outcome not_long(struct zone_view *view)
{
    gboolean seen = FALSE;

    for (guint i = 0; zone_next(view, &i); i++) {
        struct times times;
        g_autofree char *type = NULL;

        if (!times_of(view, i, &times))
            continue;
        seen = TRUE;
        type = dns_type_text(times.longest);
        if (times.longest_s > LONG_S)
            zone_problem(view, (int)i, "the signature over %s is good for %" G_GINT64_FORMAT " d",
                         type, times.longest_s / DAY_S);
    }
    return seen ? ZONE_PASS : ZONE_NOT_APPLICABLE;
}

struct ttls {
    guint over_original, over_left, unequal;
};

static void take_ttls(const struct zone_view *view, const struct dns_packet *packet,
                      const struct dns_record *record, const struct dnssec_signature *signature,
                      gpointer data)
{
    struct ttls *ttls = data;
    const gint64 left_s = dnssec_time(signature->until, view->in->now_s) - view->in->now_s;
    g_autoptr(GPtrArray) set =
        zone_rrset(packet, (enum dns_section)record->section, record->owner, signature->covers);

    for (guint i = 0; i < set->len; i++) {
        const struct dns_record *one = set->pdata[i], *first = set->pdata[0];

        ttls->over_original += one->ttl_s > signature->original_ttl_s;
        ttls->over_left += left_s >= 0 && one->ttl_s > left_s;
        ttls->unequal += one->ttl_s != first->ttl_s;
    }
}

static enum zone_outcome ttl_within(struct zone_view *view)
{
    gboolean seen = FALSE;

    for (guint i = 0; zone_next(view, &i); i++) {
        struct ttls ttls = { 0 };

        seen |= each_signature(view, i, take_ttls, &ttls);
        if (ttls.over_original)
            zone_problem_at(view, SEVERITY_HIGH, (int)i,
                            "%u records have a longer time to live than was signed",
                            ttls.over_original);
        if (ttls.over_left)
            zone_problem(view, (int)i, "%u records outlive their signature in caches",
                         ttls.over_left);
        if (ttls.unequal)
            zone_problem_at(view, SEVERITY_LOW, (int)i,
                            "%u records live longer or shorter than others of their set",
                            ttls.unequal);
    }
    return seen ? ZONE_PASS : ZONE_NOT_APPLICABLE;
}

/* ---- algorithms */

static gboolean signs(const struct zone_view *view, guint server, enum zone_probe probe,
                      guint16 type, guint algorithm)
{
    g_autoptr(GPtrArray) found =
        zone_signatures(zone_answer(view, server, probe), DNS_ANSWER, view->in->names->apex, type);

    for (guint i = 0; i < found->len; i++) {
        struct dnssec_signature signature;

        if (dnssec_signature_read(found->pdata[i], &signature) && signature.algorithm == algorithm)
            return TRUE;
    }
    return FALSE;
}

static void judge_algorithm(struct zone_view *view, guint algorithm)
{
    static const struct {
        enum zone_probe probe;
        guint16 type;
    } sets[] = { { PROBE_DNSKEY, DNS_TYPE_DNSKEY },
                 { PROBE_SOA_EDNS, DNS_TYPE_SOA },
                 { PROBE_NS, DNS_TYPE_NS } };

    for (guint i = 0; zone_next(view, &i); i++)
        for (gsize k = 0; k < G_N_ELEMENTS(sets); k++) {
            g_autofree char *type = dns_type_text(sets[k].type);

            if (zone_answer(view, i, sets[k].probe) &&
                !signs(view, i, sets[k].probe, sets[k].type, algorithm))
                zone_problem(view, (int)i, "no signature over %s with algorithm %u", type,
                             algorithm);
        }
}

static enum zone_outcome every_algorithm(struct zone_view *view)
{
    gboolean done[G_MAXUINT8 + 1] = { FALSE };

    if (!zone_is_signed(view))
        return ZONE_NOT_APPLICABLE;
    for (guint i = 0; i < view->keys->len; i++) {
        struct dnssec_key key;

        if (!dnssec_key_read(view->keys->pdata[i], &key) || done[key.algorithm] ||
            !(key.flags & DNSSEC_FLAG_ZONE) || key.flags & DNSSEC_FLAG_REVOKED)
            continue;
        done[key.algorithm] = TRUE;
        judge_algorithm(view, key.algorithm);
    }
    return ZONE_PASS;
}

const struct zone_check zone_checks_signatures[] = {
    { "signature.keys",
      "RFC 4035 section 2.2",
      SEVERITY_CRITICAL,
      { "The keys are signed by one of them", "Les clés sont signées par l'une d'elles" },
      { "Sign the zone anew with the key-signing key.",
        "Signez à nouveau la zone avec la clé de signature de clés." },
      over_keys },
    { "signature.soa",
      "RFC 4035 section 2.2",
      SEVERITY_CRITICAL,
      { "The SOA record is signed", "L'enregistrement SOA est signé" },
      { "Sign the zone anew, and let this server fetch it.",
        "Signez à nouveau la zone, et faites-la récupérer par ce serveur." },
      over_soa },
    { "signature.ns",
      "RFC 4035 section 2.2",
      SEVERITY_HIGH,
      { "The NS records are signed", "Les enregistrements NS sont signés" },
      { "Sign the zone anew, and let this server fetch it.",
        "Signez à nouveau la zone, et faites-la récupérer par ce serveur." },
      over_ns },
    { "signature.others",
      "RFC 4035 section 2.2",
      SEVERITY_HIGH,
      { "Other records (www, MX, TXT, CAA) are signed",
        "D'autres enregistrements (www, MX, TXT, CAA) sont signés" },
      { "Sign the zone anew; a record changed after signing shows so.",
        "Signez à nouveau la zone ; un enregistrement modifié après signature se voit ainsi." },
      over_others },
    { "signature.time",
      "RFC 4034 section 3.1.5",
      SEVERITY_CRITICAL,
      { "Signatures have begun and have not ended",
        "Les signatures ont commencé et n'ont pas expiré" },
      { "Sign the zone anew, check the signer's clock, and have it sign by itself.",
        "Signez à nouveau la zone, vérifiez l'horloge du signataire et automatisez la signature." },
      in_time },
    { "signature.horizon",
      "RFC 6781 section 4.4.2",
      SEVERITY_MEDIUM,
      { "Signatures are good beyond the next days",
        "Les signatures valent au-delà des prochains jours" },
      { "Find out why the zone is not signed anew: a weekend must not end it.",
        "Cherchez pourquoi la zone n'est pas signée à nouveau : un week-end ne doit pas y mettre "
        "fin." },
      horizon },
    { "signature.not-long",
      "RFC 6781 section 4.4.2",
      SEVERITY_MEDIUM,
      { "Signatures are not good for more than 180 days",
        "Les signatures ne valent pas plus de 180 jours" },
      { "Sign for some weeks, again and again: an old record can be played back until its "
        "signature ends.",
        "Signez pour quelques semaines, régulièrement : un ancien enregistrement peut être rejoué "
        "jusqu'à la fin de sa signature." },
      not_long },
    { "signature.ttl",
      "RFC 4034 section 3.1.4",
      SEVERITY_MEDIUM,
      { "Times to live fit the signatures", "Les durées de vie conviennent aux signatures" },
      { "Shorten the TTL, or sign earlier.", "Réduisez le TTL, ou signez plus tôt." },
      ttl_within },
    { "signature.algorithms",
      "RFC 4035 section 2.2",
      SEVERITY_HIGH,
      { "Every algorithm of a key signs the zone", "Chaque algorithme d'une clé signe la zone" },
      { "Sign with all algorithms, or remove the key.",
        "Signez avec tous les algorithmes, ou retirez la clé." },
      every_algorithm },
    { NULL },
};
