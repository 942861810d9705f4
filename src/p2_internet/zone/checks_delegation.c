/* checks_delegation.c: what the parent says of the zone, and where its servers are. */
#include "net/address.h"
#include "p2_internet/zone/view.h"

#include <netinet/in.h>
#include <string.h>

#define REFERRAL_LIMIT 512u /* bytes without EDNS (RFC 1035 section 4.2.1) */
#define RECORD_HEAD 12u     /* a pointer as owner, type, class, TTL, length */

static guint count_family(const struct zone_view *view, int family)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; zone_next(view, &i); i++) {
        const struct sockaddr_storage *address = &view->in->servers[i].address;

        if (address->ss_family == family)
            g_hash_table_add(seen, address_text((const struct sockaddr *)address));
    }
    return g_hash_table_size(seen);
}

static enum zone_outcome two_names(struct zone_view *view)
{
    if (!view->parent_ns->len && !view->child_ns->len)
        return ZONE_NOT_SEEN;
    if (view->parent_ns->len == 1)
        zone_problem(view, ZONE_NO_SERVER, "the parent names one server");
    if (view->child_ns->len == 1)
        zone_problem(view, ZONE_NO_SERVER, "the zone names one server");
    return ZONE_PASS;
}

static enum zone_outcome two_ipv4(struct zone_view *view)
{
    const guint count = count_family(view, AF_INET);

    if (!count && !count_family(view, AF_INET6))
        return ZONE_NOT_SEEN;
    if (count == 0)
        zone_problem_at(view, SEVERITY_HIGH, ZONE_NO_SERVER, "no server has an IPv4 address");
    else if (count == 1)
        zone_problem(view, ZONE_NO_SERVER, "one server address by IPv4");
    return ZONE_PASS;
}

static enum zone_outcome two_ipv6(struct zone_view *view)
{
    const guint count = count_family(view, AF_INET6);

    if (!count && !count_family(view, AF_INET))
        return ZONE_NOT_SEEN;
    if (count < 2)
        zone_problem(view, ZONE_NO_SERVER, "%s",
                     count ? "one server address by IPv6" : "no server has an IPv6 address");
    return ZONE_PASS;
}

static gboolean same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    g_autofree char *of_a = address_text((const struct sockaddr *)a);
    g_autofree char *of_b = address_text((const struct sockaddr *)b);

    return g_str_equal(of_a, of_b);
}

static gboolean share_address(const struct zone_host *a, const struct zone_host *b)
{
    for (guint i = 0; i < a->addresses->len; i++)
        for (guint j = 0; j < b->addresses->len; j++)
            if (same_address(&g_array_index(a->addresses, struct sockaddr_storage, i),
                             &g_array_index(b->addresses, struct sockaddr_storage, j)))
                return TRUE;
    return FALSE;
}

static enum zone_outcome own_addresses(struct zone_view *view)
{
    const GPtrArray *hosts = view->in->hosts;

    for (guint i = 0; i < hosts->len; i++)
        for (guint j = i + 1; j < hosts->len; j++) {
            const struct zone_host *a = hosts->pdata[i], *b = hosts->pdata[j];

            if (share_address(a, b))
                zone_problem(view, ZONE_NO_SERVER, "%s and %s have one address", a->name, b->name);
        }
    return hosts->len ? ZONE_PASS : ZONE_NOT_SEEN;
}

static gboolean names_host(const GPtrArray *list, const struct dns_record *record)
{
    for (guint i = 0; i < list->len; i++)
        if (dns_name_equal(((const struct dns_record *)list->pdata[i])->data, record->data))
            return TRUE;
    return FALSE;
}

static enum zone_outcome agreement(struct zone_view *view)
{
    const GPtrArray *parent = view->parent_ns, *child = view->child_ns;
    guint both = 0;

    if (!parent->len || !child->len)
        return ZONE_NOT_SEEN;
    for (guint i = 0; i < parent->len; i++) {
        const struct dns_record *record = parent->pdata[i];
        g_autofree char *name = dns_name_text(record->data);

        both += names_host(child, record);
        if (!names_host(child, record))
            zone_problem(view, ZONE_NO_SERVER, "the parent names %s, the zone does not", name);
    }
    for (guint i = 0; i < child->len; i++) {
        const struct dns_record *record = child->pdata[i];
        g_autofree char *name = dns_name_text(record->data);

        if (!names_host(parent, record))
            zone_problem_at(view, SEVERITY_LOW, ZONE_NO_SERVER,
                            "the zone names %s, the parent does not", name);
    }
    if (!both)
        zone_problem_at(view, SEVERITY_CRITICAL, ZONE_NO_SERVER,
                        "parent and zone have no server in common");
    return ZONE_PASS;
}

/* The parent's referrals: `each` is called for each server of the parent that gave one. */
static const struct dns_packet *referral(const struct zone_view *view, guint server)
{
    const struct dns_packet *packet = zone_packet(view, server, PROBE_PARENT_NS);
    g_autoptr(GPtrArray) found =
        view->in->servers[server].of_parent && packet && !(packet->flags & DNS_FLAG_AA)
            ? zone_rrset(packet, DNS_AUTHORITY, view->in->names->apex, DNS_TYPE_NS)
            : NULL;

    return found && found->len ? packet : NULL;
}

static enum zone_outcome glue(struct zone_view *view)
{
    gboolean seen = FALSE;

    for (guint i = 0; i < view->in->n_servers; i++) {
        const struct dns_packet *packet = referral(view, i);
        g_autoptr(GPtrArray) list =
            packet ? zone_rrset(packet, DNS_AUTHORITY, view->in->names->apex, DNS_TYPE_NS) : NULL;

        seen |= packet != NULL;
        for (guint j = 0; list && j < list->len; j++) {
            const struct dns_record *ns = list->pdata[j];
            g_autoptr(GPtrArray) four = zone_rrset(packet, DNS_ADDITIONAL, ns->data, DNS_TYPE_A);
            g_autoptr(GPtrArray) six = zone_rrset(packet, DNS_ADDITIONAL, ns->data, DNS_TYPE_AAAA);
            g_autofree char *name = dns_name_text(ns->data);

            if (dns_name_within(ns->data, view->in->names->apex) && !four->len && !six->len)
                zone_problem(view, (int)i, "no address of %s, which is inside of the zone", name);
        }
        if (packet)
            break; /* servers of one parent give the same */
    }
    return seen ? ZONE_PASS : ZONE_NOT_SEEN;
}

/* The host as a resolver finds it, which asks the zone itself; NULL: not found there. */
static const struct zone_host *host_named(const struct zone_view *view, const guint8 *name)
{
    for (guint i = 0; i < view->in->hosts->len; i++) {
        const struct zone_host *host = view->in->hosts->pdata[i];
        guint8 other[DNS_NAME_MAX];

        if (!host->is_unknown && dns_name_parse(host->name, other) && dns_name_equal(other, name))
            return host;
    }
    return NULL;
}

static guint count_addresses(const struct zone_host *host, int family)
{
    guint count = 0;

    for (guint i = 0; i < host->addresses->len; i++)
        count += g_array_index(host->addresses, struct sockaddr_storage, i).ss_family == family;
    return count;
}

static gboolean has_address(const struct zone_host *host, const struct dns_record *record)
{
    struct sockaddr_storage address;

    zone_address_set(&address, record->data, record->length, 0);
    for (guint i = 0; i < host->addresses->len; i++)
        if (same_address(&g_array_index(host->addresses, struct sockaddr_storage, i), &address))
            return TRUE;
    return FALSE;
}

static void compare_glue(struct zone_view *view, guint server, const struct dns_packet *packet,
                         const guint8 *name, guint16 type)
{
    const gsize length = type == DNS_TYPE_A ? sizeof(struct in_addr) : sizeof(struct in6_addr);
    const struct zone_host *host = host_named(view, name);
    g_autoptr(GPtrArray) given = zone_rrset(packet, DNS_ADDITIONAL, name, type);
    const guint own = host ? count_addresses(host, type == DNS_TYPE_A ? AF_INET : AF_INET6) : 0;
    guint same = 0;

    if (!host || (!given->len && !own))
        return;
    for (guint i = 0; i < given->len; i++) {
        const struct dns_record *record = given->pdata[i];

        same += record->length == length && has_address(host, record);
    }
    if (!given->len)
        zone_problem_at(view, SEVERITY_LOW, (int)server, "the parent lacks the IPv%c address of %s",
                        type == DNS_TYPE_A ? '4' : '6', host->name);
    else if (same != given->len || same != own)
        zone_problem(view, (int)server, "the parent gives %s another address than the zone",
                     host->name);
}

static enum zone_outcome glue_same(struct zone_view *view)
{
    gboolean seen = FALSE;

    for (guint i = 0; i < view->in->n_servers && !seen; i++) {
        const struct dns_packet *packet = referral(view, i);
        g_autoptr(GPtrArray) list =
            packet ? zone_rrset(packet, DNS_AUTHORITY, view->in->names->apex, DNS_TYPE_NS) : NULL;

        for (guint j = 0; list && j < list->len; j++) {
            const struct dns_record *ns = list->pdata[j];

            seen = TRUE;
            if (!dns_name_within(ns->data, view->in->names->apex))
                continue;
            compare_glue(view, i, packet, ns->data, DNS_TYPE_A);
            compare_glue(view, i, packet, ns->data, DNS_TYPE_AAAA);
        }
    }
    return seen ? ZONE_PASS : ZONE_NOT_SEEN;
}

static gboolean is_upward(const struct zone_view *view, const struct dns_packet *packet)
{
    g_autoptr(GPtrArray) found = zone_rrset(packet, DNS_AUTHORITY, NULL, DNS_TYPE_NS);
    const struct dns_record *ns = found->len ? found->pdata[0] : NULL;

    return ns && !dns_name_within(ns->owner, view->in->names->apex);
}

static enum zone_outcome authoritative(struct zone_view *view)
{
    gboolean seen = FALSE;

    for (guint i = 0; zone_next(view, &i); i++) {
        const struct dns_packet *packet = zone_packet(view, i, PROBE_SOA);

        if (!packet)
            packet = zone_packet(view, i, PROBE_SOA_TCP);
        if (!packet)
            continue;
        seen = TRUE;
        if (packet->rcode != DNS_RCODE_NOERROR)
            zone_problem(view, (int)i, "does not answer for the zone (RCODE %u)", packet->rcode);
        else if (is_upward(view, packet))
            zone_problem(view, (int)i, "refers to the servers of another zone");
        else if (!(packet->flags & DNS_FLAG_AA))
            zone_problem(view, (int)i, "answers without authority (AA)");
        else if (!zone_soa(packet, view->in->names->apex))
            zone_problem(view, (int)i, "gives no SOA record");
    }
    return seen ? ZONE_PASS : ZONE_NOT_SEEN;
}

static enum zone_outcome aliases(struct zone_view *view)
{
    for (guint i = 0; i < view->in->hosts->len; i++) {
        const struct zone_host *host = view->in->hosts->pdata[i];

        if (host->is_alias)
            zone_problem(view, ZONE_NO_SERVER, "%s is an alias (CNAME)", host->name);
    }
    return view->in->hosts->len ? ZONE_PASS : ZONE_NOT_SEEN;
}

static enum zone_outcome resolvable(struct zone_view *view)
{
    for (guint i = 0; i < view->in->hosts->len; i++) {
        const struct zone_host *host = view->in->hosts->pdata[i];

        if (!host->addresses->len)
            zone_problem(view, ZONE_NO_SERVER, "%s has no address%s", host->name,
                         host->is_absent ? ": the name does not exist" : "");
    }
    return view->in->hosts->len ? ZONE_PASS : ZONE_NOT_SEEN;
}

static enum zone_outcome public_addresses(struct zone_view *view)
{
    for (guint i = 0; i < view->in->hosts->len; i++) {
        const struct zone_host *host = view->in->hosts->pdata[i];

        for (guint j = 0; j < host->addresses->len; j++) {
            const struct sockaddr *address = (const struct sockaddr *)&g_array_index(
                host->addresses, struct sockaddr_storage, j);
            g_autofree char *text = address_text(address);

            if (!address_is_public(address))
                zone_problem(view, ZONE_NO_SERVER, "%s: %s is no address of the public Internet",
                             host->name, text);
        }
    }
    return view->in->hosts->len ? ZONE_PASS : ZONE_NOT_SEEN;
}

/* Whether all addresses of a family share their first `bytes` bytes. */
static gboolean is_one_network(const struct zone_view *view, int family, gsize offset, gsize bytes)
{
    const guint8 *first = NULL;
    gboolean several = FALSE;

    for (guint i = 0; zone_next(view, &i); i++) {
        const struct sockaddr_storage *address = &view->in->servers[i].address;
        const guint8 *network = (const guint8 *)address + offset;

        if (address->ss_family != family)
            continue;
        if (first && memcmp(first, network, bytes) != 0)
            return FALSE;
        several |= first != NULL;
        first = first ? first : network;
    }
    return several;
}

static enum zone_outcome networks(struct zone_view *view)
{
    if (is_one_network(view, AF_INET, offsetof(struct sockaddr_in, sin_addr), 3))
        zone_problem(view, ZONE_NO_SERVER, "all IPv4 addresses are in one /24 network");
    if (is_one_network(view, AF_INET6, offsetof(struct sockaddr_in6, sin6_addr), 6))
        zone_problem(view, ZONE_NO_SERVER, "all IPv6 addresses are in one /48 network");
    return count_family(view, AF_INET) + count_family(view, AF_INET6) > 1 ? ZONE_PASS
                                                                          : ZONE_NOT_APPLICABLE;
}

/* Bytes of `name` in a message in which all of `before` and the apex stand already. */
static guint compressed_size(const struct zone_view *view, const guint8 *name,
                             const GPtrArray *list, guint before)
{
    guint size = 0;

    for (; *name; size += 1u + *name, name = dns_name_parent(name)) {
        if (dns_name_within(view->in->names->apex, name))
            return size + 2;
        for (guint i = 0; i < before; i++)
            if (dns_name_within(((const struct dns_record *)list->pdata[i])->data, name))
                return size + 2;
    }
    return size + 1;
}

static enum zone_outcome referral_size(struct zone_view *view)
{
    const GPtrArray *list = view->parent_ns->len ? view->parent_ns : view->child_ns;
    guint size = 12 + DNS_NAME_MAX + 4, glued = 0;

    if (!list->len)
        return ZONE_NOT_SEEN;
    for (guint i = 0; i < list->len; i++) {
        const guint8 *host = ((const struct dns_record *)list->pdata[i])->data;

        size += RECORD_HEAD + compressed_size(view, host, list, i);
        glued += dns_name_within(host, view->in->names->apex);
    }
    /* One address must fit, by each family, where the server is inside. */
    size += glued ? 2 * RECORD_HEAD + 4 + 16 : 0;
    if (size > REFERRAL_LIMIT)
        zone_problem(view, ZONE_NO_SERVER,
                     "a referral for a name of 255 bytes has %u bytes, more than %u", size,
                     REFERRAL_LIMIT);
    return ZONE_PASS;
}

/* With one, it reads as the answer that there is no such record. */
static enum zone_outcome referral_form(struct zone_view *view)
{
    gboolean seen = FALSE;

    for (guint i = 0; i < view->in->n_servers; i++) {
        const struct dns_packet *packet = referral(view, i);
        g_autoptr(GPtrArray) soa =
            packet ? zone_rrset(packet, DNS_AUTHORITY, NULL, DNS_TYPE_SOA) : NULL;

        seen |= packet != NULL;
        if (soa && soa->len)
            zone_problem(view, (int)i, "its referral to the zone has an SOA record");
    }
    return seen ? ZONE_PASS : ZONE_NOT_SEEN;
}

/* What the resolver says of the apex, when that is no zone; else NULL. */
static const struct zone_verdict *denial(const struct zone_view *view)
{
    const struct zone_verdict *apex =
        view->in->verdicts->len ? &g_array_index(view->in->verdicts, struct zone_verdict, 0) : NULL;

    return apex && apex->security == ZONE_NONE ? apex : NULL;
}

static enum zone_outcome there(struct zone_view *view)
{
    const struct zone_verdict *apex = denial(view);

    if (apex)
        zone_problem(view, ZONE_NO_SERVER, "%s is no zone: %s", apex->name, apex->why);
    return view->in->verdicts->len ? ZONE_PASS : ZONE_NOT_SEEN;
}

static enum zone_outcome validates(struct zone_view *view)
{
    static const enum severity levels[] = {
        [ZONE_INSECURE] = SEVERITY_MEDIUM,
        [ZONE_BOGUS] = SEVERITY_CRITICAL,
        [ZONE_INDETERMINATE] = SEVERITY_LOW, /* of us, rather than of the zone */
    };

    if (denial(view))
        return ZONE_NOT_APPLICABLE;
    for (guint i = 0; i < view->in->verdicts->len; i++) {
        const struct zone_verdict *verdict =
            &g_array_index(view->in->verdicts, struct zone_verdict, i);

        if (verdict->security == ZONE_SECURE)
            continue;
        /* One line says that a zone is unsigned. */
        if (verdict->security == ZONE_INSECURE && i > 0)
            continue;
        zone_problem_at(view, levels[verdict->security], ZONE_NO_SERVER, "%s (%s): %s: %s",
                        verdict->what, verdict->name, zone_security_name(verdict->security),
                        verdict->why);
    }
    return view->in->verdicts->len ? ZONE_PASS : ZONE_NOT_SEEN;
}

const struct zone_check zone_checks_delegation[] = {
    { "chain.validates",
      "RFC 4035 section 4.3",
      SEVERITY_CRITICAL,
      { "A validating resolver accepts the zone", "Un résolveur validant accepte la zone" },
      { "Sign the zone and publish its DS record at the parent; where it is bogus, the reason says "
        "which link of the chain to repair.",
        "Signez la zone et publiez son enregistrement DS chez le parent ; si elle est rejetée, le "
        "motif dit quel maillon réparer." },
      validates },
    { "delegation.zone",
      "RFC 1034 section 4.2",
      SEVERITY_HIGH,
      { "There is a zone at this name", "Il y a une zone à ce nom" },
      { "Name the zone itself, not a host in it; where the name is to be a zone, have it delegated "
        "and served with a SOA record.",
        "Nommez la zone elle-même, non un hôte qu'elle contient ; si ce nom doit être une zone, "
        "faites-la déléguer et servir avec un enregistrement SOA." },
      there },
    { "delegation.two-names",
      "RFC 1034 section 4.1",
      SEVERITY_HIGH,
      { "The zone has two name servers or more", "La zone a au moins deux serveurs de noms" },
      { "Name a second server, in another network, in the zone and at the parent.",
        "Nommez un second serveur, dans un autre réseau, dans la zone et chez le parent." },
      two_names },
    { "delegation.two-ipv4",
      "RFC 1034 section 4.1",
      SEVERITY_MEDIUM,
      { "Two servers can be reached by IPv4", "Deux serveurs sont joignables en IPv4" },
      { "Give a second server an IPv4 address.", "Donnez une adresse IPv4 à un second serveur." },
      two_ipv4 },
    { "delegation.two-ipv6",
      "RFC 3901 section 4",
      SEVERITY_LOW,
      { "Two servers can be reached by IPv6", "Deux serveurs sont joignables en IPv6" },
      { "Give two servers an IPv6 address.", "Donnez une adresse IPv6 à deux serveurs." },
      two_ipv6 },
    { "delegation.own-addresses",
      "RFC 2182 section 3.1",
      SEVERITY_HIGH,
      { "Each server has addresses of its own", "Chaque serveur a ses propres adresses" },
      { "Two names of one machine are one server: set up another one.",
        "Deux noms d'une même machine ne font qu'un serveur : installez-en un autre." },
      own_addresses },
    { "delegation.agreement",
      "RFC 1034 section 4.2.2",
      SEVERITY_HIGH,
      { "Parent and zone name the same servers", "Parent et zone nomment les mêmes serveurs" },
      { "Make the NS records at the registrar those of the zone.",
        "Alignez les enregistrements NS du bureau d'enregistrement sur ceux de la zone." },
      agreement },
    { "delegation.glue",
      "RFC 9471 section 2",
      SEVERITY_HIGH,
      { "The parent gives the addresses of servers inside of the zone",
        "Le parent donne les adresses des serveurs situés dans la zone" },
      { "Register the addresses (glue) of these servers at the parent.",
        "Enregistrez les adresses (glue) de ces serveurs chez le parent." },
      glue },
    { "delegation.glue-same",
      "RFC 1034 section 4.2.2",
      SEVERITY_HIGH,
      { "The parent's addresses of servers are those of the zone",
        "Les adresses des serveurs chez le parent sont celles de la zone" },
      { "Correct the addresses (glue) at the parent.",
        "Corrigez les adresses (glue) chez le parent." },
      glue_same },
    { "delegation.authoritative",
      "RFC 1912 section 2.8",
      SEVERITY_HIGH,
      { "Each server answers with authority for the zone",
        "Chaque serveur fait autorité sur la zone" },
      { "Load the zone on this server, or take the server out of the NS records here and at the "
        "parent.",
        "Chargez la zone sur ce serveur, ou retirez-le des enregistrements NS, ici et chez le "
        "parent." },
      authoritative },
    { "delegation.no-alias",
      "RFC 2181 section 10.3",
      SEVERITY_HIGH,
      { "The name of a server is no alias", "Le nom d'un serveur n'est pas un alias" },
      { "Name the host itself in the NS record, not a CNAME.",
        "Désignez l'hôte lui-même dans l'enregistrement NS, non un CNAME." },
      aliases },
    { "delegation.resolvable",
      "RFC 1034 section 4.1",
      SEVERITY_HIGH,
      { "The name of each server has an address", "Le nom de chaque serveur a une adresse" },
      { "Publish an address of the server, or take the name out; who registers a name that does "
        "not exist takes over part of the zone.",
        "Publiez une adresse du serveur ou retirez le nom ; qui enregistre un nom inexistant prend "
        "la main sur une part de la zone." },
      resolvable },
    { "delegation.public",
      "RFC 6890 section 2.2",
      SEVERITY_HIGH,
      { "All addresses of servers are public", "Toutes les adresses des serveurs sont publiques" },
      { "Publish only addresses that can be reached from everywhere.",
        "Ne publiez que des adresses joignables de partout." },
      public_addresses },
    { "delegation.networks",
      "RFC 2182 section 3.1",
      SEVERITY_MEDIUM,
      { "The servers stand in several networks",
        "Les serveurs se trouvent dans plusieurs réseaux" },
      { "Have a server elsewhere: another site, another provider.",
        "Placez un serveur ailleurs : autre site, autre opérateur." },
      networks },
    { "delegation.referral-size",
      "RFC 1035 section 4.2.1",
      SEVERITY_LOW,
      { "A referral to the zone fits into 512 bytes",
        "Une délégation vers la zone tient dans 512 octets" },
      { "Shorten the names of servers, put them under one name, or have fewer.",
        "Raccourcissez les noms des serveurs, groupez-les sous un même nom ou réduisez-en le "
        "nombre." },
      referral_size },
    { "delegation.referral-form",
      "RFC 2308 section 2.2",
      SEVERITY_MEDIUM,
      { "Referrals of the parent hold no SOA record",
        "Les renvois de la zone parente ne contiennent pas de SOA" },
      { "Tell the operators of the parent's server: with an SOA record a referral reads as the "
        "answer "
        "that there is nothing.",
        "Prévenez les opérateurs du serveur parent : avec un SOA, un renvoi se lit comme la "
        "réponse "
        "qu'il n'y a rien." },
      referral_form },
    { NULL },
};
