/* checks_data.c: the SOA record, and names that the zone writes or points at. */
#include "p2_internet/zone/view.h"

#include <string.h>

#define REFRESH_MIN 14400u
#define RETRY_MIN 3600u
#define EXPIRE_MIN 604800u
#define MINIMUM_MIN 300u
#define MINIMUM_MAX 86400u

/* RFC 1035 section 3.3.13. */
struct soa {
    const guint8 *mname, *rname;
    guint32 serial, refresh, retry, expire, minimum;
};

static gboolean read_soa(const struct zone_view *view, guint server, struct soa *soa)
{
    const struct dns_record *record =
        zone_soa(zone_answer(view, server, PROBE_SOA_EDNS), view->in->names->apex);
    const guint8 *at;

    if (!record)
        record = zone_soa(zone_answer(view, server, PROBE_SOA), view->in->names->apex);
    if (!record)
        record = zone_soa(zone_answer(view, server, PROBE_SOA_TCP), view->in->names->apex);
    if (!record)
        return FALSE;
    at = record->data + record->length - 20;
    *soa = (struct soa){
        .mname = record->data,
        .rname = record->data + dns_name_length(record->data),
        .serial = dns_get32(at),
        .refresh = dns_get32(at + 4),
        .retry = dns_get32(at + 8),
        .expire = dns_get32(at + 12),
        .minimum = dns_get32(at + 16),
    };
    return TRUE;
}

static gboolean first_soa(const struct zone_view *view, struct soa *soa, guint *server)
{
    for (*server = 0; zone_next(view, server); ++*server)
        if (read_soa(view, *server, soa))
            return TRUE;
    return FALSE;
}

static enum zone_outcome one_soa(struct zone_view *view)
{
    gboolean seen = FALSE;

    for (guint i = 0; zone_next(view, &i); i++) {
        const struct dns_packet *packet = zone_answer(view, i, PROBE_SOA);
        g_autoptr(GPtrArray) found =
            zone_rrset(packet, DNS_ANSWER, view->in->names->apex, DNS_TYPE_SOA);

        seen |= found->len > 0;
        if (found->len > 1)
            zone_problem(view, (int)i, "%u SOA records", found->len);
    }
    return seen ? ZONE_PASS : ZONE_NOT_SEEN;
}

/* RFC 1982: how far `a` is before `b`; negative: behind it. */
static gint32 serial_distance(guint32 a, guint32 b)
{
    return (gint32)(b - a);
}

static enum zone_outcome same_serial(struct zone_view *view)
{
    struct soa newest, soa;
    guint newest_server;

    if (!first_soa(view, &newest, &newest_server))
        return ZONE_NOT_SEEN;
    for (guint i = 0; zone_next(view, &i); i++)
        if (read_soa(view, i, &soa) && serial_distance(newest.serial, soa.serial) > 0)
            newest = soa;
    for (guint i = 0; zone_next(view, &i); i++)
        if (read_soa(view, i, &soa) && soa.serial != newest.serial)
            zone_problem(view, (int)i, "has serial %u, the newest is %u", soa.serial,
                         newest.serial);
    return ZONE_PASS;
}

static enum zone_outcome same_soa(struct zone_view *view)
{
    struct soa first, soa;
    guint server;

    if (!first_soa(view, &first, &server))
        return ZONE_NOT_SEEN;
    for (guint i = server + 1; zone_next(view, &i); i++) {
        if (!read_soa(view, i, &soa))
            continue;
        if (!dns_name_equal(first.mname, soa.mname) || !dns_name_equal(first.rname, soa.rname))
            zone_problem(view, (int)i, "names another primary server or mailbox");
        if (first.refresh != soa.refresh || first.retry != soa.retry ||
            first.expire != soa.expire || first.minimum != soa.minimum)
            zone_problem(view, (int)i, "has other timers");
    }
    return ZONE_PASS;
}

static enum zone_outcome primary(struct zone_view *view)
{
    const struct zone_host *host = view->in->origin->len ? view->in->origin->pdata[0] : NULL;

    if (!host)
        return ZONE_NOT_SEEN;
    if (host->is_alias)
        zone_problem(view, ZONE_NO_SERVER, "%s is an alias (CNAME)", host->name);
    if (!host->addresses->len)
        zone_problem(view, ZONE_NO_SERVER, "%s has no address", host->name);
    return ZONE_PASS;
}

static enum zone_outcome mailbox(struct zone_view *view)
{
    struct soa soa;
    guint server;
    g_autofree char *text = NULL;

    if (!first_soa(view, &soa, &server))
        return ZONE_NOT_SEEN;
    text = dns_name_text(soa.rname);
    if (strchr(text, '@'))
        zone_problem(view, (int)server, "%s has an @: the first dot stands for it", text);
    else if (dns_name_labels(soa.rname) < 2 &&
             !(dns_name_labels(soa.rname) == 0 && dns_name_labels(view->in->names->apex) == 0))
        zone_problem(view, (int)server, "%s is no mailbox", text);
    return ZONE_PASS;
}

static enum zone_outcome timers_refresh(struct zone_view *view)
{
    struct soa soa;
    guint server;

    if (!first_soa(view, &soa, &server))
        return ZONE_NOT_SEEN;
    if (soa.refresh < REFRESH_MIN)
        zone_problem(view, (int)server, "refresh is %u s, less than %u", soa.refresh, REFRESH_MIN);
    return ZONE_PASS;
}

static enum zone_outcome timers_retry(struct zone_view *view)
{
    struct soa soa;
    guint server;

    if (!first_soa(view, &soa, &server))
        return ZONE_NOT_SEEN;
    if (soa.retry >= soa.refresh)
        zone_problem_at(view, SEVERITY_MEDIUM, (int)server, "retry (%u s) is not below refresh",
                        soa.retry);
    else if (soa.retry < RETRY_MIN)
        zone_problem(view, (int)server, "retry is %u s, less than %u", soa.retry, RETRY_MIN);
    return ZONE_PASS;
}

static enum zone_outcome timers_expire(struct zone_view *view)
{
    struct soa soa;
    guint server;

    if (!first_soa(view, &soa, &server))
        return ZONE_NOT_SEEN;
    if (soa.expire < soa.refresh)
        zone_problem_at(view, SEVERITY_HIGH, (int)server, "expire (%u s) is below refresh",
                        soa.expire);
    else if (soa.expire < EXPIRE_MIN)
        zone_problem(view, (int)server, "expire is %u s, less than %u", soa.expire, EXPIRE_MIN);
    return ZONE_PASS;
}

static enum zone_outcome timers_minimum(struct zone_view *view)
{
    struct soa soa;
    guint server;

    if (!first_soa(view, &soa, &server))
        return ZONE_NOT_SEEN;
    if (soa.minimum < MINIMUM_MIN || soa.minimum > MINIMUM_MAX)
        zone_problem(view, (int)server, "absent names are remembered for %u s (wanted: %u to %u)",
                     soa.minimum, MINIMUM_MIN, MINIMUM_MAX);
    return ZONE_PASS;
}

static enum zone_outcome same_ns(struct zone_view *view)
{
    gboolean any;

    return zone_compare(view, PROBE_NS, DNS_TYPE_NS, &any);
}

/* ---- names */

/* What is wrong with the name of a host (RFC 952, RFC 1123 section 2.1); NULL: nothing. */
static const char *host_fault(const guint8 *name)
{
    const guint8 *last = name;

    for (const guint8 *label = name; *label; label = dns_name_parent(label)) {
        const guint length = *label;

        last = label;
        if (label[1] == '-' || label[length] == '-')
            return "a label begins or ends with a hyphen";
        for (guint i = 1; i <= length; i++)
            if (!g_ascii_isalnum((char)label[i]) && label[i] != '-')
                return "a character other than letters, digits and hyphen";
        if (length > 3 && label[3] == '-' && label[4] == '-' &&
            g_ascii_strncasecmp((const char *)label + 1, "xn", 2) != 0)
            return "\"--\" as third and fourth character";
    }
    for (guint i = 1; i <= *last; i++)
        if (!g_ascii_isdigit((char)last[i]))
            return NULL;
    return *name ? "the last label is a number" : "it is the root";
}

static void judge_hosts(struct zone_view *view, const GPtrArray *hosts)
{
    for (guint i = 0; i < hosts->len; i++) {
        const struct zone_host *host = hosts->pdata[i];
        guint8 name[DNS_NAME_MAX];
        const char *fault = dns_name_parse(host->name, name) ? host_fault(name) : "no name";

        if (fault && !g_str_equal(host->name, "."))
            zone_problem(view, ZONE_NO_SERVER, "%s: %s", host->name, fault);
    }
}

static enum zone_outcome host_names(struct zone_view *view)
{
    judge_hosts(view, view->in->hosts);
    judge_hosts(view, view->in->mail);
    return view->in->hosts->len ? ZONE_PASS : ZONE_NOT_SEEN;
}

static enum zone_outcome wildcard(struct zone_view *view)
{
    gboolean seen = FALSE;

    for (guint i = 0; zone_next(view, &i); i++) {
        const struct dns_packet *packet = zone_answer(view, i, PROBE_RANDOM);
        g_autoptr(GPtrArray) found = zone_rrset(packet, DNS_ANSWER, NULL, DNS_TYPE_A);

        seen |= zone_packet(view, i, PROBE_RANDOM) != NULL;
        if (found->len) {
            zone_problem(view, (int)i, "every name that is not there has an address");
            break;
        }
    }
    return seen ? ZONE_PASS : ZONE_NOT_SEEN;
}

/* Whether all servers say alike that a name is not there. */
static enum zone_outcome same_absence(struct zone_view *view)
{
    const struct dns_packet *first = NULL;

    for (guint i = 0; zone_next(view, &i); i++) {
        const struct dns_packet *packet = zone_packet(view, i, PROBE_RANDOM);

        if (!packet)
            continue;
        if (!first)
            first = packet;
        else if (packet->rcode != first->rcode)
            zone_problem(view, (int)i,
                         "answers a name that is not there with RCODE %u, others with %u",
                         packet->rcode, first->rcode);
    }
    return first ? ZONE_PASS : ZONE_NOT_SEEN;
}

static enum zone_outcome dangling(struct zone_view *view)
{
    gboolean any = FALSE;

    for (guint i = 0; i < view->in->www->len; i++) {
        const struct zone_host *host = view->in->www->pdata[i];

        any |= host->is_alias;
        if (host->is_alias && host->is_absent)
            zone_problem(view, ZONE_NO_SERVER, "%s is an alias of a name that does not exist",
                         host->name);
    }
    if (!view->in->www->len)
        return ZONE_NOT_SEEN;
    return any ? ZONE_PASS : ZONE_NOT_APPLICABLE;
}

const struct zone_check zone_checks_data[] = {
    { "soa.one",
      "RFC 1035 section 6.1",
      SEVERITY_HIGH,
      { "The zone has one SOA record", "La zone a un seul enregistrement SOA" },
      { "Remove the others.", "Retirez les autres." },
      one_soa },
    { "soa.same-serial",
      "RFC 1982 section 7",
      SEVERITY_MEDIUM,
      { "All servers have the same version of the zone",
        "Tous les serveurs ont la même version de la zone" },
      { "Find out why this server does not fetch the zone: NOTIFY, transfer, key (TSIG).",
        "Cherchez pourquoi ce serveur ne récupère pas la zone : NOTIFY, transfert, clé (TSIG)." },
      same_serial },
    { "soa.same",
      "RFC 1034 section 4.3.5",
      SEVERITY_MEDIUM,
      { "All servers have the same SOA record", "Tous les serveurs ont le même SOA" },
      { "Let all servers take the zone from one primary.",
        "Faites prendre la zone à tous les serveurs auprès d'un seul primaire." },
      same_soa },
    { "soa.primary",
      "RFC 1035 section 3.3.13",
      SEVERITY_LOW,
      { "The primary server (MNAME) has an address", "Le serveur primaire (MNAME) a une adresse" },
      { "Write the name of the primary server into the SOA record.",
        "Inscrivez le nom du serveur primaire dans le SOA." },
      primary },
    { "soa.mailbox",
      "RFC 1912 section 2.2",
      SEVERITY_MEDIUM,
      { "The mailbox (RNAME) is one that can be written to",
        "L'adresse de contact (RNAME) est joignable" },
      { "Write hostmaster.example.org for hostmaster@example.org.",
        "Écrivez hostmaster.example.org pour hostmaster@example.org." },
      mailbox },
    { "soa.refresh",
      "RFC 1912 section 2.2",
      SEVERITY_LOW,
      { "Secondaries do not ask too often", "Les secondaires n'interrogent pas trop souvent" },
      { "Set refresh to 14400 s (four hours) or more; NOTIFY tells of changes.",
        "Réglez refresh à 14400 s (quatre heures) ou plus ; NOTIFY annonce les changements." },
      timers_refresh },
    { "soa.retry",
      "RFC 1912 section 2.2",
      SEVERITY_LOW,
      { "Secondaries try again in reasonable time",
        "Les secondaires réessaient dans un délai raisonnable" },
      { "Set retry to 3600 s or more, and below refresh.",
        "Réglez retry à 3600 s ou plus, et en dessous de refresh." },
      timers_retry },
    { "soa.expire",
      "RFC 1912 section 2.2",
      SEVERITY_MEDIUM,
      { "Secondaries survive a week without the primary",
        "Les secondaires tiennent une semaine sans le primaire" },
      { "Set expire to 604800 s (a week) or more: two weeks are usual.",
        "Réglez expire à 604800 s (une semaine) ou plus : deux semaines sont d'usage." },
      timers_expire },
    { "soa.minimum",
      "RFC 2308 section 5",
      SEVERITY_LOW,
      { "That a name is absent is remembered for minutes, not days",
        "L'absence d'un nom est retenue des minutes, non des jours" },
      { "Set minimum between 300 and 86400 s.", "Réglez minimum entre 300 et 86400 s." },
      timers_minimum },
    { "data.same-ns",
      "RFC 1034 section 4.3.5",
      SEVERITY_MEDIUM,
      { "All servers give the same NS records",
        "Tous les serveurs donnent les mêmes enregistrements NS" },
      { "Let all servers take the zone from one primary.",
        "Faites prendre la zone à tous les serveurs auprès d'un seul primaire." },
      same_ns },
    { "data.host-names",
      "RFC 1123 section 2.1",
      SEVERITY_MEDIUM,
      { "Names of hosts are made of letters, digits and hyphens",
        "Les noms d'hôtes se composent de lettres, chiffres et tirets" },
      { "Rename the host: others refuse such names.",
        "Renommez l'hôte : d'autres refusent de tels noms." },
      host_names },
    { "data.wildcard",
      "RFC 4592 section 4",
      SEVERITY_INFO,
      { "Names that were not made have no address",
        "Les noms qui n'ont pas été créés n'ont pas d'adresse" },
      { "Remove the wildcard at the apex unless it is meant.",
        "Retirez le joker à l'apex s'il n'est pas voulu." },
      wildcard },
    { "data.same-absence",
      "RFC 2308 section 2",
      SEVERITY_MEDIUM,
      { "All servers say alike that a name is not there",
        "Tous les serveurs disent de même qu'un nom n'existe pas" },
      { "Let all servers take the zone from one primary.",
        "Faites prendre la zone à tous les serveurs auprès d'un seul primaire." },
      same_absence },
    { "data.dangling",
      "RFC 1912 section 2.4",
      SEVERITY_HIGH,
      { "Aliases lead to names that exist", "Les alias mènent à des noms qui existent" },
      { "Remove the alias: who registers its target serves pages under your name.",
        "Retirez l'alias : qui enregistre sa cible sert des pages sous votre nom." },
      dangling },
    { NULL },
};
