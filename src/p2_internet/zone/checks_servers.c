/* checks_servers.c: how each server speaks DNS. */
#include "p2_internet/zone/view.h"

#include <string.h>

#define RCODE_FORMERR 1u
#define RCODE_BADVERS 16u
#define OPTION_UNKNOWN 65001
#define OPTION_COOKIE 10
#define CLIENT_COOKIE 8u
#define COOKIE_MIN 16u
#define COOKIE_MAX 40u
#define FLAGS_KNOWN 0x8000u

static const char *failure_of(const struct zone_view *view, guint server, enum zone_probe probe)
{
    const struct zone_reply *reply = zone_reply_of(view, server, probe);
    const char *malformed = view->malformed[(gsize)server * PROBES + probe];

    return malformed ? malformed : reply && reply->failure ? reply->failure : "no answer";
}

/* Whether the server answers anything: else the other checks say nothing of it. */
static gboolean is_alive(const struct zone_view *view, guint server)
{
    return zone_packet(view, server, PROBE_SOA) || zone_packet(view, server, PROBE_SOA_TCP);
}

static enum zone_outcome by_udp(struct zone_view *view)
{
    gboolean any = FALSE;

    for (guint i = 0; zone_next(view, &i); i++) {
        any |= zone_reply_of(view, i, PROBE_SOA) != NULL;
        if (zone_reply_of(view, i, PROBE_SOA) && !zone_packet(view, i, PROBE_SOA))
            zone_problem(view, (int)i, "%s", failure_of(view, i, PROBE_SOA));
    }
    return any ? ZONE_PASS : ZONE_NOT_SEEN;
}

static enum zone_outcome by_tcp(struct zone_view *view)
{
    gboolean any = FALSE;

    for (guint i = 0; zone_next(view, &i); i++) {
        any |= zone_reply_of(view, i, PROBE_SOA_TCP) != NULL;
        if (zone_reply_of(view, i, PROBE_SOA_TCP) && !zone_packet(view, i, PROBE_SOA_TCP))
            zone_problem(view, (int)i, "%s", failure_of(view, i, PROBE_SOA_TCP));
    }
    return any ? ZONE_PASS : ZONE_NOT_SEEN;
}

static enum zone_outcome own_source(struct zone_view *view)
{
    gboolean any = FALSE;

    for (guint i = 0; zone_next(view, &i); i++) {
        const struct zone_reply *reply = zone_reply_of(view, i, PROBE_SOA);

        any |= reply != NULL;
        if (reply && g_strcmp0(reply->failure, ZONE_OTHER_SOURCE) == 0)
            zone_problem(view, (int)i, "%s: resolvers drop it", ZONE_OTHER_SOURCE);
    }
    return any ? ZONE_PASS : ZONE_NOT_SEEN;
}

/* One function a server that is alive: FALSE when its answer shows nothing. */
typedef gboolean (*server_check)(struct zone_view *view, guint server);

static enum zone_outcome each_server(struct zone_view *view, server_check check)
{
    gboolean seen = FALSE;

    for (guint i = 0; zone_next(view, &i); i++)
        if (is_alive(view, i))
            seen |= check(view, i);
    return seen ? ZONE_PASS : ZONE_NOT_SEEN;
}

static gboolean edns_of(struct zone_view *view, guint i)
{
    const struct dns_packet *packet = zone_packet(view, i, PROBE_SOA_EDNS);

    if (!packet)
        zone_problem_at(view, SEVERITY_HIGH, (int)i, "a question with EDNS: %s",
                        failure_of(view, i, PROBE_SOA_EDNS));
    else if (packet->rcode == RCODE_FORMERR && !packet->has_edns)
        zone_problem(view, (int)i, "EDNS is answered with FORMERR");
    else if (!packet->has_edns)
        zone_problem(view, (int)i, "a question with EDNS is answered without");
    return TRUE;
}

static enum zone_outcome edns(struct zone_view *view)
{
    return each_server(view, edns_of);
}

static gboolean edns_version_of(struct zone_view *view, guint i)
{
    const struct dns_packet *packet = zone_packet(view, i, PROBE_EDNS_VERSION);

    if (!packet)
        zone_problem_at(view, SEVERITY_MEDIUM, (int)i, "EDNS version 1: %s",
                        failure_of(view, i, PROBE_EDNS_VERSION));
    else if (packet->rcode != RCODE_BADVERS)
        zone_problem(view, (int)i, "EDNS version 1 is answered with RCODE %u, not BADVERS",
                     packet->rcode);
    else if (packet->edns_version != 0)
        zone_problem(view, (int)i, "BADVERS with EDNS version %u", packet->edns_version);
    return TRUE;
}

static enum zone_outcome edns_version(struct zone_view *view)
{
    return each_server(view, edns_version_of);
}

static gboolean edns_option_of(struct zone_view *view, guint i)
{
    const struct dns_packet *packet = zone_packet(view, i, PROBE_EDNS_OPTION);
    guint16 length;

    if (!packet)
        zone_problem(view, (int)i, "an unknown option: %s", failure_of(view, i, PROBE_EDNS_OPTION));
    else if (packet->rcode != DNS_RCODE_NOERROR)
        zone_problem(view, (int)i, "an unknown option is answered with RCODE %u", packet->rcode);
    else if (dns_packet_option(packet, OPTION_UNKNOWN, &length))
        zone_problem(view, (int)i, "an unknown option is sent back");
    return TRUE;
}

static enum zone_outcome edns_option(struct zone_view *view)
{
    return each_server(view, edns_option_of);
}

static gboolean edns_flag_of(struct zone_view *view, guint i)
{
    const struct dns_packet *packet = zone_packet(view, i, PROBE_EDNS_FLAG);

    if (!packet)
        zone_problem(view, (int)i, "an unknown flag: %s", failure_of(view, i, PROBE_EDNS_FLAG));
    else if (packet->edns_flags & ~FLAGS_KNOWN)
        zone_problem(view, (int)i, "unknown flags (0x%04x) are sent back", packet->edns_flags);
    return TRUE;
}

static enum zone_outcome edns_flag(struct zone_view *view)
{
    return each_server(view, edns_flag_of);
}

static gboolean edns_truncated_of(struct zone_view *view, guint i)
{
    const struct dns_packet *packet = zone_packet(view, i, PROBE_DNSKEY_SMALL);

    if (!packet || !(packet->flags & DNS_FLAG_TC))
        return FALSE;
    if (!packet->has_edns)
        zone_problem(view, (int)i, "a truncated answer has no OPT record");
    return TRUE;
}

static enum zone_outcome edns_truncated(struct zone_view *view)
{
    const enum zone_outcome outcome = each_server(view, edns_truncated_of);

    return outcome == ZONE_NOT_SEEN ? ZONE_NOT_APPLICABLE : outcome;
}

static gboolean cookie_of(struct zone_view *view, guint i)
{
    const struct dns_packet *packet = zone_packet(view, i, PROBE_COOKIE);
    guint16 length = 0;
    const guint8 *cookie = packet ? dns_packet_option(packet, OPTION_COOKIE, &length) : NULL;

    if (!packet)
        return FALSE;
    if (!cookie) {
        if (packet->rcode != DNS_RCODE_NOERROR)
            zone_problem(view, (int)i, "a cookie is answered with RCODE %u", packet->rcode);
        return TRUE;
    }
    if (length < COOKIE_MIN || length > COOKIE_MAX)
        zone_problem(view, (int)i, "a cookie of %u bytes", length);
    else if (memcmp(cookie, view->in->names->cookie, CLIENT_COOKIE) != 0)
        zone_problem(view, (int)i, "the client's cookie comes back altered");
    return TRUE;
}

static enum zone_outcome cookies(struct zone_view *view)
{
    return each_server(view, cookie_of);
}

static gboolean letter_case_of(struct zone_view *view, guint i)
{
    const struct dns_packet *plain = zone_packet(view, i, PROBE_SOA);
    const struct dns_packet *mixed = zone_packet(view, i, PROBE_CASE);
    const guint8 *asked = view->in->names->mixed;

    if (!plain)
        return FALSE;
    if (!mixed) {
        zone_problem(view, (int)i, "a name in capitals: %s", failure_of(view, i, PROBE_CASE));
        return TRUE;
    }
    if (mixed->has_question && memcmp(mixed->question, asked, dns_name_length(asked)) != 0)
        zone_problem(view, (int)i, "the case of the question is not kept");
    if (plain->rcode != mixed->rcode ||
        !zone_soa(plain, view->in->names->apex) != !zone_soa(mixed, view->in->names->apex))
        zone_problem_at(view, SEVERITY_HIGH, (int)i, "a name in capitals is answered otherwise");
    return TRUE;
}

static enum zone_outcome letter_case(struct zone_view *view)
{
    return each_server(view, letter_case_of);
}

static gboolean aaaa_of(struct zone_view *view, guint i)
{
    const struct dns_packet *packet = zone_packet(view, i, PROBE_AAAA);

    if (!zone_answer(view, i, PROBE_SOA) && !zone_answer(view, i, PROBE_SOA_TCP))
        return FALSE;
    if (!packet)
        zone_problem(view, (int)i, "a question for AAAA: %s", failure_of(view, i, PROBE_AAAA));
    else if (packet->rcode != DNS_RCODE_NOERROR)
        zone_problem(view, (int)i, "a question for AAAA is answered with RCODE %u", packet->rcode);
    return TRUE;
}

static enum zone_outcome aaaa(struct zone_view *view)
{
    return each_server(view, aaaa_of);
}

static gboolean recursion_of(struct zone_view *view, guint i)
{
    const struct dns_packet *packet = zone_packet(view, i, PROBE_FOREIGN);
    g_autoptr(GPtrArray) found = packet ? zone_rrset(packet, DNS_ANSWER, NULL, DNS_TYPE_A) : NULL;

    if (packet && packet->flags & DNS_FLAG_RA)
        zone_problem_at(view, found->len ? view->level : SEVERITY_MEDIUM, (int)i,
                        found->len ? "resolves the names of others"
                                   : "offers recursion (RA), though it gave no answer");
    return packet != NULL;
}

static enum zone_outcome recursion(struct zone_view *view)
{
    return each_server(view, recursion_of);
}

static gboolean transfer_of(struct zone_view *view, guint i)
{
    const struct dns_packet *packet = zone_packet(view, i, PROBE_AXFR);

    if (packet && packet->rcode == DNS_RCODE_NOERROR && zone_soa(packet, view->in->names->apex))
        zone_problem(view, (int)i, "gives the whole zone to whoever asks (AXFR)");
    return packet || zone_reply_of(view, i, PROBE_AXFR);
}

static enum zone_outcome transfer(struct zone_view *view)
{
    return each_server(view, transfer_of);
}

static gboolean version_of(struct zone_view *view, guint i)
{
    const struct dns_packet *packet = zone_packet(view, i, PROBE_VERSION);
    g_autoptr(GPtrArray) found = packet ? zone_rrset(packet, DNS_ANSWER, NULL, DNS_TYPE_TXT) : NULL;

    if (found && found->len) {
        const struct dns_record *record = found->pdata[0];
        g_autofree char *text = record->length > 1
                                    ? g_strndup((const char *)record->data + 1,
                                                MIN(record->data[0], record->length - 1u))
                                    : g_strdup("");

        zone_problem(view, (int)i, "says its version: %s", text);
    }
    return packet != NULL;
}

static enum zone_outcome version(struct zone_view *view)
{
    return each_server(view, version_of);
}

static gboolean size_of(struct zone_view *view, guint i)
{
    static const struct {
        enum zone_probe probe;
        const char *name;
    } probes[] = { { PROBE_SOA_EDNS, "SOA" }, { PROBE_NS, "NS" },   { PROBE_DNSKEY, "DNSKEY" },
                   { PROBE_MX, "MX" },        { PROBE_TXT, "TXT" }, { PROBE_RANDOM, "NXDOMAIN" } };
    gboolean seen = FALSE;

    for (gsize k = 0; k < G_N_ELEMENTS(probes); k++) {
        const struct zone_reply *reply = zone_reply_of(view, i, probes[k].probe);

        seen |= reply && reply->bytes;
        if (reply && reply->truncated)
            zone_problem(view, (int)i, "the answer to %s is truncated at 1232 bytes",
                         probes[k].name);
    }
    return seen;
}

static enum zone_outcome size(struct zone_view *view)
{
    return each_server(view, size_of);
}

static gboolean dnssec_of(struct zone_view *view, guint i)
{
    const guint8 *apex = view->in->names->apex;
    const struct dns_packet *packet = zone_packet(view, i, PROBE_DNSKEY);
    g_autoptr(GPtrArray) keys = NULL, signatures = NULL;

    if (!packet) {
        zone_problem(view, (int)i, "a question for DNSKEY: %s", failure_of(view, i, PROBE_DNSKEY));
        return TRUE;
    }
    keys = zone_rrset(packet, DNS_ANSWER, apex, DNS_TYPE_DNSKEY);
    signatures = zone_signatures(packet, DNS_ANSWER, apex, DNS_TYPE_DNSKEY);
    if (keys->len && !signatures->len)
        zone_problem(view, (int)i, "gives keys without signatures");
    return TRUE;
}

static enum zone_outcome dnssec(struct zone_view *view)
{
    return zone_is_signed(view) ? each_server(view, dnssec_of) : ZONE_NOT_APPLICABLE;
}

const struct zone_check zone_checks_servers[] = {
    { "server.udp",
      "RFC 7766 section 5",
      SEVERITY_HIGH,
      { "Every address answers by UDP", "Chaque adresse répond en UDP" },
      { "Let UDP port 53 through to this address, or take it out of the delegation.",
        "Ouvrez le port UDP 53 vers cette adresse ou retirez-la de la délégation." },
      by_udp },
    { "server.tcp",
      "RFC 7766 section 5",
      SEVERITY_HIGH,
      { "Every address answers by TCP", "Chaque adresse répond en TCP" },
      { "Let TCP port 53 through: answers that do not fit into UDP are fetched so.",
        "Ouvrez le port TCP 53 : les réponses trop grandes pour UDP passent par là." },
      by_tcp },
    { "server.source",
      "RFC 2181 section 4.1",
      SEVERITY_HIGH,
      { "Answers come from the address that was asked",
        "Les réponses viennent de l'adresse interrogée" },
      { "Bind the server to each of its addresses, or repair the translation in front of it.",
        "Liez le serveur à chacune de ses adresses, ou réparez la traduction devant lui." },
      own_source },
    { "server.edns",
      "RFC 6891 section 7",
      SEVERITY_MEDIUM,
      { "Every server speaks EDNS", "Chaque serveur comprend EDNS" },
      { "Update the server, and firewalls that remove OPT records.",
        "Mettez à jour le serveur et les pare-feu qui retirent les enregistrements OPT." },
      edns },
    { "server.edns-version",
      "RFC 6891 section 6.1.3",
      SEVERITY_LOW,
      { "An unknown version of EDNS is answered with BADVERS",
        "Une version inconnue d'EDNS reçoit BADVERS" },
      { "Update the server; what stands in front of it must not drop such questions.",
        "Mettez à jour le serveur ; rien devant lui ne doit jeter ces questions." },
      edns_version },
    { "server.edns-option",
      "RFC 6891 section 6.1.2",
      SEVERITY_MEDIUM,
      { "Unknown options of EDNS are ignored", "Les options EDNS inconnues sont ignorées" },
      { "Update the server: resolvers add options.",
        "Mettez à jour le serveur : les résolveurs ajoutent des options." },
      edns_option },
    { "server.edns-flag",
      "RFC 6891 section 6.1.4",
      SEVERITY_LOW,
      { "Unknown flags of EDNS are not sent back",
        "Les drapeaux EDNS inconnus ne sont pas renvoyés" },
      { "Update the server.", "Mettez à jour le serveur." },
      edns_flag },
    { "server.edns-truncated",
      "RFC 6891 section 7",
      SEVERITY_LOW,
      { "Truncated answers still carry EDNS", "Les réponses tronquées portent encore EDNS" },
      { "Update the server.", "Mettez à jour le serveur." },
      edns_truncated },
    { "server.cookie",
      "RFC 7873 section 5.2",
      SEVERITY_LOW,
      { "Cookies are answered correctly or not at all",
        "Les cookies reçoivent une réponse correcte, ou aucune" },
      { "Update the server; behind one anycast address all servers share one secret.",
        "Mettez à jour le serveur ; derrière une adresse anycast, tous partagent un secret." },
      cookies },
    { "server.letter-case",
      "RFC 4343 section 4.1",
      SEVERITY_MEDIUM,
      { "Names are answered whatever their case, which is kept",
        "Les noms reçoivent réponse quelle que soit la casse, qui est conservée" },
      { "Update the server: resolvers mix the case as a protection against forged answers.",
        "Mettez à jour le serveur : les résolveurs varient la casse pour se protéger des réponses "
        "forgées." },
      letter_case },
    { "server.aaaa",
      "RFC 4074 section 4",
      SEVERITY_HIGH,
      { "Questions for AAAA are answered without error",
        "Les questions AAAA reçoivent une réponse sans erreur" },
      { "Replace the load balancer or server that knows only A records.",
        "Remplacez le répartiteur ou serveur qui ne connaît que les enregistrements A." },
      aaaa },
    { "server.no-recursion",
      "RFC 5358 section 4",
      SEVERITY_HIGH,
      { "The servers resolve no foreign names", "Les serveurs ne résolvent aucun nom étranger" },
      { "Switch recursion off: an open resolver amplifies attacks on others.",
        "Désactivez la récursion : un résolveur ouvert amplifie les attaques contre autrui." },
      recursion },
    { "server.no-transfer",
      "RFC 5936 section 5",
      SEVERITY_LOW,
      { "The zone is not given as a whole to everybody",
        "La zone n'est pas livrée entière à quiconque" },
      { "Allow transfers to your secondaries only, by key (TSIG), unless the zone is meant to be "
        "public as a whole.",
        "N'autorisez les transferts qu'à vos secondaires, par clé (TSIG), sauf si la zone est "
        "publique à dessein." },
      transfer },
    { "server.version",
      "RFC 4892 section 3",
      SEVERITY_INFO,
      { "The servers keep their version to themselves", "Les serveurs taisent leur version" },
      { "Configure the answer to version.bind (for instance `version: none`).",
        "Réglez la réponse à version.bind (par exemple `version: none`)." },
      version },
    { "server.answer-size",
      "RFC 9715 section 3",
      SEVERITY_LOW,
      { "Answers fit into 1232 bytes", "Les réponses tiennent dans 1232 octets" },
      { "Use ECDSA or EdDSA keys, fewer keys and fewer records under one name.",
        "Préférez des clés ECDSA ou EdDSA, moins de clés et moins d'enregistrements par nom." },
      size },
    { "server.dnssec",
      "RFC 4035 section 3.1",
      SEVERITY_HIGH,
      { "Every server of a signed zone gives signatures",
        "Chaque serveur d'une zone signée donne les signatures" },
      { "Update the server, or what stands in front of it.",
        "Mettez à jour le serveur, ou ce qui se trouve devant lui." },
      dnssec },
    { NULL },
};
