/* checks_denial.c: how the zone proves that a name or a type is not there. */
#include "p2_internet/zone/signed.h"
#include "p2_internet/zone/view.h"

#include <string.h>

#define RCODE_NXDOMAIN 3u
#define HASH 20u
#define NSEC3_FIXED 5u /* algorithm, flags, iterations, length of the salt */
#define HASH_SHA1 1u
#define FLAG_OPT_OUT 0x01u
#define ITERATIONS_COMPUTED 2500u /* more would keep us busy; nsec3.iterations tells of it */
#define ITERATIONS_MAX 100u       /* more: resolvers give up (RFC 9276 section 3.2) */

struct nsec3 {
    guint algorithm, flags, iterations, salt_length, hash_length;
    const guint8 *salt, *next, *map;
    gsize map_length;
    guint8 own[HASH]; /* the hash that the owner's name is */
};

static gboolean base32_hash(const guint8 *label, guint8 hash[HASH])
{
    guint32 bits = 0;
    guint held = 0, at = 0;

    if (*label != HASH * 8 / 5)
        return FALSE;
    for (guint i = 1; i <= *label; i++) {
        const char letter = g_ascii_toupper((char)label[i]);

        if (!g_ascii_isdigit(letter) && (letter < 'A' || letter > 'V'))
            return FALSE;
        bits = bits << 5 | (guint)(g_ascii_isdigit(letter) ? letter - '0' : letter - 'A' + 10);
        held += 5;
        if (held < 8)
            continue;
        held -= 8;
        hash[at++] = (guint8)(bits >> held);
    }
    return TRUE;
}

static gboolean read_nsec3(const struct dns_record *record, struct nsec3 *out)
{
    const guint8 *data = record->data;
    gsize at = NSEC3_FIXED;

    if (record->length < NSEC3_FIXED || record->length < at + data[4] + 1u)
        return FALSE;
    *out = (struct nsec3){ .algorithm = data[0],
                           .flags = data[1],
                           .iterations = dns_get16(data + 2),
                           .salt_length = data[4],
                           .salt = data + at };
    at += data[4];
    out->hash_length = data[at++];
    if (out->hash_length != HASH || record->length < at + HASH ||
        !base32_hash(record->owner, out->own))
        return FALSE;
    out->next = data + at;
    out->map = out->next + HASH;
    out->map_length = record->length - at - HASH;
    return TRUE;
}

static gboolean nsec_read(const struct dns_record *record, const guint8 **map, gsize *length)
{
    gsize at = 0;

    while (at < record->length && record->data[at] && record->data[at] <= DNS_LABEL_MAX)
        at += 1u + record->data[at];
    if (at >= record->length || record->data[at])
        return FALSE;
    *map = record->data + at + 1;
    *length = record->length - at - 1;
    return TRUE;
}

/* The NSEC or NSEC3 records in the authority section. */
static GPtrArray *proofs(const struct dns_packet *packet, guint16 type)
{
    return zone_rrset(packet, DNS_AUTHORITY, NULL, type);
}

/* The answer about a type that the apex has not, where it says so. */
static const struct dns_packet *nodata(const struct zone_view *view, guint server)
{
    const struct dns_packet *packet = zone_answer(view, server, PROBE_NODATA);
    g_autoptr(GPtrArray) found =
        zone_rrset(packet, DNS_ANSWER, view->in->names->apex, DNS_TYPE_SPF);

    return found->len ? NULL : packet;
}

static enum zone_outcome one_kind(struct zone_view *view)
{
    gboolean seen = FALSE;

    if (!zone_is_signed(view))
        return ZONE_NOT_APPLICABLE;
    for (guint i = 0; zone_next(view, &i); i++) {
        const struct dns_packet *packet = nodata(view, i);
        g_autoptr(GPtrArray) plain = proofs(packet, DNS_TYPE_NSEC);
        g_autoptr(GPtrArray) hashed = proofs(packet, DNS_TYPE_NSEC3);

        if (!packet)
            continue;
        seen = TRUE;
        if (!plain->len && !hashed->len)
            zone_problem(view, (int)i, "no proof that a type is not there");
        if (plain->len && hashed->len)
            zone_problem(view, (int)i, "NSEC and NSEC3 records in one answer");
    }
    return seen ? ZONE_PASS : ZONE_NOT_SEEN;
}

static void judge_types(struct zone_view *view, guint server, const guint8 *map, gsize length,
                        guint16 own)
{
    const guint16 wanted[] = { DNS_TYPE_SOA, DNS_TYPE_NS, DNS_TYPE_RRSIG, DNS_TYPE_DNSKEY, own };

    for (gsize i = 0; i < G_N_ELEMENTS(wanted); i++) {
        g_autofree char *type = dns_type_text(wanted[i]);

        if (!dnssec_bitmap_has(map, length, wanted[i]))
            zone_problem(view, (int)server, "the apex is said to have no %s", type);
    }
    if (dnssec_bitmap_has(map, length, DNS_TYPE_SPF))
        zone_problem(view, (int)server, "the proof lists the type that is not there");
}

static gboolean is_hash_of(const struct nsec3 *proof, const guint8 *name)
{
    guint8 hash[HASH];

    if (proof->iterations > ITERATIONS_COMPUTED)
        return TRUE;
    dnssec_nsec3_hash(name, proof->salt, proof->salt_length, proof->iterations, hash);
    return memcmp(hash, proof->own, HASH) == 0;
}

static enum zone_outcome absent_type(struct zone_view *view)
{
    const guint8 *apex = view->in->names->apex;
    gboolean seen = FALSE;

    if (!zone_is_signed(view))
        return ZONE_NOT_APPLICABLE;
    for (guint i = 0; zone_next(view, &i); i++) {
        const struct dns_packet *packet = nodata(view, i);
        g_autoptr(GPtrArray) plain = proofs(packet, DNS_TYPE_NSEC);
        g_autoptr(GPtrArray) hashed = proofs(packet, DNS_TYPE_NSEC3);
        const struct dns_record *proof = plain->len    ? plain->pdata[0]
                                         : hashed->len ? hashed->pdata[0]
                                                       : NULL;
        const guint8 *map;
        gsize length;
        struct nsec3 nsec3;

        if (!proof)
            continue;
        seen = TRUE;
        zone_verify_set(view, i, packet, DNS_AUTHORITY, proof->owner, proof->type);
        if (plain->len + hashed->len > 1)
            zone_problem_at(view, SEVERITY_LOW, (int)i, "%u records where one proves it",
                            plain->len + hashed->len);
        if (proof->type == DNS_TYPE_NSEC && nsec_read(proof, &map, &length)) {
            if (!dns_name_equal(proof->owner, apex))
                zone_problem(view, (int)i, "the proof is not of the apex");
            judge_types(view, i, map, length, DNS_TYPE_NSEC);
        } else if (proof->type == DNS_TYPE_NSEC3 && read_nsec3(proof, &nsec3)) {
            if (!is_hash_of(&nsec3, apex))
                zone_problem(view, (int)i, "the proof is not of the apex");
            judge_types(view, i, nsec3.map, nsec3.map_length, DNS_TYPE_NSEC3PARAM);
        } else {
            zone_problem(view, (int)i, "the proof is malformed");
        }
    }
    return seen ? ZONE_PASS : ZONE_NOT_SEEN;
}

/* ---- names that are not there */

static gboolean nsec_covers(const struct zone_view *view, const struct dns_record *proof,
                            const guint8 *name)
{
    const guint8 *map;
    gsize length;

    if (!nsec_read(proof, &map, &length) || dns_name_compare(proof->owner, name) >= 0)
        return FALSE;
    return dns_name_compare(name, proof->data) < 0 ||
           dns_name_equal(proof->data, view->in->names->apex);
}

static gboolean nsec3_covers(const struct dns_record *record, const guint8 *name)
{
    struct nsec3 proof;
    guint8 hash[HASH];
    int from, to;

    if (!read_nsec3(record, &proof))
        return FALSE;
    if (proof.iterations > ITERATIONS_COMPUTED)
        return TRUE;
    dnssec_nsec3_hash(name, proof.salt, proof.salt_length, proof.iterations, hash);
    from = memcmp(proof.own, hash, HASH);
    to = memcmp(hash, proof.next, HASH);
    return memcmp(proof.own, proof.next, HASH) < 0 ? from < 0 && to < 0 : from < 0 || to < 0;
}

static gboolean is_covered(const struct zone_view *view, const GPtrArray *list, const guint8 *name)
{
    for (guint i = 0; i < list->len; i++) {
        const struct dns_record *proof = list->pdata[i];

        if (proof->type == DNS_TYPE_NSEC ? nsec_covers(view, proof, name)
                                         : nsec3_covers(proof, name))
            return TRUE;
    }
    return FALSE;
}

static enum zone_outcome absent_name(struct zone_view *view)
{
    const guint8 *name = view->in->names->random, *apex = view->in->names->apex;
    guint8 wildcard[DNS_NAME_MAX] = { 1, '*' };
    gboolean seen = FALSE;

    if (!zone_is_signed(view))
        return ZONE_NOT_APPLICABLE;
    memcpy(wildcard + 2, apex, MIN(dns_name_length(apex), DNS_NAME_MAX - 2));
    for (guint i = 0; zone_next(view, &i); i++) {
        const struct dns_packet *packet = zone_packet(view, i, PROBE_RANDOM);
        g_autoptr(GPtrArray) list = proofs(packet, DNS_TYPE_NSEC);
        g_autoptr(GPtrArray) hashed = proofs(packet, DNS_TYPE_NSEC3);

        if (!packet || packet->rcode != RCODE_NXDOMAIN)
            continue;
        seen = TRUE;
        g_ptr_array_extend(list, hashed, NULL, NULL);
        for (guint j = 0; j < list->len; j++) {
            const struct dns_record *proof = list->pdata[j];

            zone_verify_set(view, i, packet, DNS_AUTHORITY, proof->owner, proof->type);
        }
        if (!list->len)
            zone_problem(view, (int)i, "no proof that a name is not there");
        else if (!is_covered(view, list, name))
            zone_problem(view, (int)i, "the proof does not cover the name");
        else if (!is_covered(view, list, wildcard))
            zone_problem(view, (int)i, "no proof that there is no wildcard");
    }
    return seen ? ZONE_PASS : ZONE_NOT_SEEN;
}

/* ---- parameters of NSEC3 */

typedef void (*nsec3_fn)(struct zone_view *view, guint server, const struct nsec3 *proof);

static enum zone_outcome each_nsec3(struct zone_view *view, nsec3_fn each)
{
    gboolean seen = FALSE;

    for (guint i = 0; zone_next(view, &i); i++) {
        g_autoptr(GPtrArray) list = proofs(nodata(view, i), DNS_TYPE_NSEC3);
        const struct dns_record *record = list->len ? list->pdata[0] : NULL;
        struct nsec3 proof;

        if (!record || record->length < NSEC3_FIXED)
            continue;
        seen = TRUE;
        if (!read_nsec3(record, &proof))
            proof = (struct nsec3){ .algorithm = record->data[0],
                                    .flags = record->data[1],
                                    .iterations = dns_get16(record->data + 2) };
        each(view, i, &proof);
    }
    return seen ? ZONE_PASS : ZONE_NOT_APPLICABLE;
}

static void judge_iterations(struct zone_view *view, guint server, const struct nsec3 *proof)
{
    if (proof->iterations > ITERATIONS_MAX)
        zone_problem_at(view, SEVERITY_HIGH, (int)server,
                        "%u iterations: resolvers take the zone for unsigned, or refuse it",
                        proof->iterations);
    else if (proof->iterations)
        zone_problem(view, (int)server, "%u iterations", proof->iterations);
}

static enum zone_outcome iterations(struct zone_view *view)
{
    return each_nsec3(view, judge_iterations);
}

static void judge_salt(struct zone_view *view, guint server, const struct nsec3 *proof)
{
    if (proof->salt_length)
        zone_problem(view, (int)server, "a salt of %u bytes", proof->salt_length);
}

static enum zone_outcome salt(struct zone_view *view)
{
    return each_nsec3(view, judge_salt);
}

static void judge_form(struct zone_view *view, guint server, const struct nsec3 *proof)
{
    if (proof->algorithm != HASH_SHA1)
        zone_problem(view, (int)server, "hash algorithm %u", proof->algorithm);
    if (proof->flags & ~FLAG_OPT_OUT)
        zone_problem(view, (int)server, "unknown flags 0x%02x", proof->flags);
    if (proof->flags & FLAG_OPT_OUT)
        zone_problem_at(view, SEVERITY_LOW, (int)server,
                        "opt-out: unsigned delegations can be forged");
}

static enum zone_outcome form(struct zone_view *view)
{
    return each_nsec3(view, judge_form);
}

static enum zone_outcome parameters(struct zone_view *view)
{
    gboolean any;
    const enum zone_outcome outcome =
        zone_compare(view, PROBE_NSEC3PARAM, DNS_TYPE_NSEC3PARAM, &any);

    for (guint i = 0; zone_next(view, &i); i++) {
        g_autoptr(GPtrArray) said = zone_rrset(zone_answer(view, i, PROBE_NSEC3PARAM), DNS_ANSWER,
                                               view->in->names->apex, DNS_TYPE_NSEC3PARAM);
        g_autoptr(GPtrArray) list = proofs(nodata(view, i), DNS_TYPE_NSEC3);
        const struct dns_record *used = list->len ? list->pdata[0] : NULL;
        gboolean found = FALSE;

        for (guint j = 0; used && j < said->len; j++) {
            const struct dns_record *record = said->pdata[j];

            found |= record->length >= NSEC3_FIXED && used->length >= record->length &&
                     record->data[0] == used->data[0] &&
                     memcmp(record->data + 2, used->data + 2, record->length - 2u) == 0;
        }
        if (used && !found)
            zone_problem(view, (int)i, "NSEC3PARAM says other parameters than NSEC3 uses");
    }
    return outcome == ZONE_PASS && !any ? ZONE_NOT_APPLICABLE : outcome;
}

const struct zone_check zone_checks_denial[] = {
    { "denial.one-kind",
      "RFC 5155 section 7.1",
      SEVERITY_HIGH,
      { "Absence is proven, by NSEC or by NSEC3", "L'absence est prouvée, par NSEC ou par NSEC3" },
      { "Sign the zone anew; every server must be one that knows DNSSEC.",
        "Signez à nouveau la zone ; chaque serveur doit connaître DNSSEC." },
      one_kind },
    { "denial.type",
      "RFC 4035 section 3.1.3.1",
      SEVERITY_HIGH,
      { "That the apex lacks a type is proven, and nothing else",
        "L'absence d'un type à l'apex est prouvée, et rien d'autre" },
      { "Sign the zone anew: the list of types at the apex is wrong.",
        "Signez à nouveau la zone : la liste des types à l'apex est fausse." },
      absent_type },
    { "denial.name",
      "RFC 4035 section 3.1.3.2",
      SEVERITY_HIGH,
      { "That a name is absent is proven, and that no wildcard stands for it",
        "L'absence d'un nom est prouvée, et celle d'un joker à sa place" },
      { "Sign the zone anew, and update the server.",
        "Signez à nouveau la zone, et mettez à jour le serveur." },
      absent_name },
    { "nsec3.iterations",
      "RFC 9276 section 3.1",
      SEVERITY_MEDIUM,
      { "NSEC3 is computed with no extra iterations",
        "NSEC3 se calcule sans itération supplémentaire" },
      { "Set the iterations to 0: they hinder nobody but resolvers.",
        "Réglez les itérations à 0 : elles ne gênent que les résolveurs." },
      iterations },
    { "nsec3.salt",
      "RFC 9276 section 3.1",
      SEVERITY_LOW,
      { "NSEC3 is computed without salt", "NSEC3 se calcule sans sel" },
      { "Remove the salt: it protects nothing here.", "Retirez le sel : il ne protège rien ici." },
      salt },
    { "nsec3.form",
      "RFC 5155 section 3.1",
      SEVERITY_HIGH,
      { "NSEC3 uses SHA-1 and no opt-out", "NSEC3 emploie SHA-1, sans opt-out" },
      { "Sign the zone without opt-out; only large registries need it.",
        "Signez la zone sans opt-out ; seuls les grands registres en ont besoin." },
      form },
    { "nsec3.parameters",
      "RFC 5155 section 4",
      SEVERITY_HIGH,
      { "NSEC3PARAM is the same everywhere, and what is used",
        "NSEC3PARAM est le même partout, et celui en usage" },
      { "Let all servers take the signed zone from one place.",
        "Faites prendre la zone signée à tous les serveurs au même endroit." },
      parameters },
    { NULL },
};
