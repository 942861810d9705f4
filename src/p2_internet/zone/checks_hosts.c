/* checks_hosts.c: what the DNS says elsewhere of the hosts that the zone names. */
#include "net/address.h"
#include "p2_internet/zone/absent.h"
#include "p2_internet/zone/chain.h"
#include "p2_internet/zone/reverse.h"
#include "p2_internet/zone/view.h"

#define DOMAIN_LABELS 2u /* of a name that is registered below a top-level domain */

/* Each address that leads back to no name. */
static enum zone_outcome lead_back(struct zone_view *view, const GPtrArray *list)
{
    gboolean seen = FALSE;

    for (guint i = 0; list && i < list->len; i++) {
        const struct zone_reverse *reverse = list->pdata[i];
        g_autofree char *address = address_text((const struct sockaddr *)&reverse->address);

        seen |= !reverse->is_unknown;
        if (!reverse->is_unknown && !reverse->names->len)
            zone_problem(view, ZONE_NO_SERVER, "%s (%s) leads back to no name (PTR)", address,
                         reverse->host);
    }
    if (seen)
        return ZONE_PASS;
    return list && !list->len ? ZONE_NOT_APPLICABLE : ZONE_NOT_SEEN;
}

static enum zone_outcome servers_lead_back(struct zone_view *view)
{
    return lead_back(view, view->in->reverse);
}

static enum zone_outcome mail_leads_back(struct zone_view *view)
{
    return lead_back(view, view->in->mail_reverse);
}

static gboolean leads_to(const struct zone_reverse *reverse)
{
    for (guint i = 0; i < reverse->names->len; i++)
        if (g_ascii_strcasecmp(reverse->names->pdata[i], reverse->host) == 0)
            return TRUE;
    return FALSE;
}

static enum zone_outcome lead_back_to_the_same(struct zone_view *view)
{
    const GPtrArray *list = view->in->reverse;
    gboolean seen = FALSE;

    for (guint i = 0; list && i < list->len; i++) {
        const struct zone_reverse *reverse = list->pdata[i];
        g_autofree char *address = address_text((const struct sockaddr *)&reverse->address);

        if (!reverse->names->len)
            continue;
        seen = TRUE;
        if (!leads_to(reverse))
            zone_problem(view, ZONE_NO_SERVER, "%s of %s leads back to %s", address, reverse->host,
                         (const char *)reverse->names->pdata[0]);
    }
    return seen ? ZONE_PASS : ZONE_NOT_APPLICABLE;
}

/* `use` NULL: names that lead there. */
static void judge_absent(struct zone_view *view, const GPtrArray *hosts, const char *use)
{
    for (guint i = 0; i < hosts->len; i++) {
        const struct zone_host *host = hosts->pdata[i];
        g_autofree char *as = use ? g_strdup(use) : g_strdup_printf("where %s leads", host->name);
        guint8 absent[DNS_NAME_MAX];

        if (!host->absent || !dns_name_parse(host->absent, absent))
            continue;
        if (dns_name_labels(absent) > DOMAIN_LABELS &&
            g_ascii_strcasecmp(host->absent, zone_host_target(host)) == 0)
            zone_problem_at(view, SEVERITY_HIGH, ZONE_NO_SERVER,
                            "%s, %s, does not exist in a domain of others", host->absent, as);
        else
            zone_problem(view, ZONE_NO_SERVER, "the domain %s of %s, %s, does not exist",
                         host->absent, zone_host_target(host), as);
    }
}

static enum zone_outcome takeover(struct zone_view *view)
{
    const struct zone_input *in = view->in;

    judge_absent(view, in->hosts, "a name server");
    judge_absent(view, in->mail, "a mail exchanger");
    judge_absent(view, in->www, NULL);
    return in->hosts->len ? ZONE_PASS : ZONE_NOT_SEEN;
}

static enum zone_outcome alias_chain(struct zone_view *view)
{
    gboolean seen = FALSE, unseen = FALSE;

    for (guint i = 0; i < view->in->www->len; i++) {
        const struct zone_host *host = view->in->www->pdata[i];

        seen |= host->aliases > 0;
        unseen |= host->is_unknown && !host->aliases;
        if (host->is_circle)
            zone_problem(view, ZONE_NO_SERVER, "the aliases of %s lead in a circle", host->name);
        else if (host->aliases > ZONE_CHAIN_LONG)
            zone_problem_at(view, SEVERITY_MEDIUM, ZONE_NO_SERVER,
                            "%s leads over more than %u aliases: resolvers give up", host->name,
                            ZONE_CHAIN_LONG);
    }
    return seen ? ZONE_PASS : unseen ? ZONE_NOT_SEEN : ZONE_NOT_APPLICABLE;
}

const struct zone_check zone_checks_hosts[] = {
    { "delegation.reverse",
      "RFC 1912 section 2.1",
      SEVERITY_LOW,
      { "The addresses of servers lead back to names",
        "Les adresses des serveurs renvoient à des noms" },
      { "Have the holder of the address publish a PTR record.",
        "Faites publier un enregistrement PTR par le détenteur de l'adresse." },
      servers_lead_back },
    { "delegation.reverse-same",
      "RFC 1912 section 2.1",
      SEVERITY_INFO,
      { "The addresses of servers lead back to their own names",
        "Les adresses des serveurs renvoient à leurs propres noms" },
      { "Make the PTR record name the server.", "Faites nommer le serveur par le PTR." },
      lead_back_to_the_same },
    { "mail.reverse",
      "RFC 1912 section 2.1",
      SEVERITY_LOW,
      { "The addresses of mail exchangers lead back to names",
        "Les adresses des serveurs de messagerie renvoient à des noms" },
      { "Publish a PTR record: many receivers refuse mail from addresses without.",
        "Publiez un enregistrement PTR : bien des destinataires refusent le courrier d'adresses "
        "qui n'en ont pas." },
      mail_leads_back },
    { "data.takeover",
      "RFC 1912 section 2.8",
      SEVERITY_CRITICAL,
      { "Nobody can register a domain that the zone relies on",
        "Nul ne peut enregistrer un domaine dont la zone dépend" },
      { "Take the name out now: who registers its domain answers, takes the mail or serves pages "
        "in your place.",
        "Retirez ce nom sans attendre : qui enregistre son domaine répond, reçoit le courrier ou "
        "sert des pages à votre place." },
      takeover },
    { "data.alias-chain",
      "RFC 1034 section 3.6.2",
      SEVERITY_HIGH,
      { "Aliases (CNAME, DNAME) lead to a name that is none, in a few steps",
        "Les alias (CNAME, DNAME) mènent en peu d'étapes à un nom qui n'en est pas un" },
      { "Let the first alias name the last host.",
        "Faites désigner directement le dernier hôte par le premier alias." },
      alias_chain },
    { NULL },
};
