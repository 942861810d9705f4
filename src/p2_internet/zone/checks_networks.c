/* checks_networks.c: in whose networks the servers stand (networks.h). */
#include "p2_internet/zone/networks.h"
#include "p2_internet/zone/view.h"

static const int families[] = { AF_INET, AF_INET6 };

static const struct zone_network *network_of(const struct zone_view *view, guint server)
{
    return &g_array_index(view->in->networks, struct zone_network, server);
}

static gboolean is_of(const struct zone_view *view, guint server, int family)
{
    return view->in->servers[server].address.ss_family == family;
}

static gboolean any_there(const struct zone_view *view)
{
    for (guint i = 0; view->in->networks && zone_next(view, &i); i++)
        if (network_of(view, i)->is_there)
            return TRUE;
    return FALSE;
}

/* Whether all addresses of a family, two at least, are of one AS. */
static gboolean is_one_as(const struct zone_view *view, int family, guint32 *as)
{
    guint count = 0;

    for (guint i = 0; zone_next(view, &i); i++) {
        const GArray *origins = network_of(view, i)->origins;

        if (!is_of(view, i, family))
            continue;
        if (origins->len != 1)
            return FALSE; /* several, or nobody knows */
        if (count++ && g_array_index(origins, struct zone_origin, 0).as != *as)
            return FALSE;
        *as = g_array_index(origins, struct zone_origin, 0).as;
    }
    return count > 1;
}

static enum zone_outcome operators(struct zone_view *view)
{
    guint32 as = 0;

    if (!any_there(view))
        return ZONE_NOT_SEEN;
    for (gsize k = 0; k < G_N_ELEMENTS(families); k++)
        if (is_one_as(view, families[k], &as))
            zone_problem(view, ZONE_NO_SERVER, "all IPv%c addresses are of AS%u",
                         families[k] == AF_INET ? '4' : '6', as);
    return ZONE_PASS;
}

static gboolean is_one_prefix(const struct zone_view *view, int family,
                              const struct ip_prefix **prefix)
{
    guint count = 0;

    for (guint i = 0; zone_next(view, &i); i++) {
        const struct zone_network *network = network_of(view, i);

        if (!is_of(view, i, family))
            continue;
        if (!network->is_there || (count++ && !ip_prefix_equal(*prefix, &network->prefix)))
            return FALSE;
        *prefix = &network->prefix;
    }
    return count > 1;
}

static enum zone_outcome prefixes(struct zone_view *view)
{
    const struct ip_prefix *prefix = NULL;
    char text[IP_PREFIX_TEXT];

    if (!any_there(view))
        return ZONE_NOT_SEEN;
    for (gsize k = 0; k < G_N_ELEMENTS(families); k++)
        if (is_one_prefix(view, families[k], &prefix)) {
            ip_prefix_format(prefix, text);
            zone_problem(view, ZONE_NO_SERVER, "all IPv%c addresses are in %s",
                         families[k] == AF_INET ? '4' : '6', text);
        }
    return ZONE_PASS;
}

static enum zone_outcome announced(struct zone_view *view)
{
    gboolean seen = FALSE;

    for (guint i = 0; view->in->networks && zone_next(view, &i); i++)
        seen |= network_of(view, i)->is_announced;
    if (!seen)
        return ZONE_NOT_SEEN; /* no tables, or of another part of the Internet */
    for (guint i = 0; zone_next(view, &i); i++)
        if (!network_of(view, i)->is_announced)
            zone_problem(view, (int)i, "no route leads to this address");
    return ZONE_PASS;
}

static void judge_origin(struct zone_view *view, guint server, const struct zone_origin *origin)
{
    char text[IP_PREFIX_TEXT];

    ip_prefix_format(&network_of(view, server)->prefix, text);
    if (origin->rov == ROV_NOTFOUND)
        zone_problem_at(view, SEVERITY_LOW, (int)server, "%s of AS%u: no ROA covers it", text,
                        origin->as);
    else if (origin->rov != ROV_VALID)
        zone_problem(view, (int)server, "%s of AS%u is %s: networks that validate drop it", text,
                     origin->as, rov_state_name(origin->rov));
}

static enum zone_outcome origins(struct zone_view *view)
{
    gboolean seen = FALSE;

    for (guint i = 0; view->in->networks && zone_next(view, &i); i++) {
        const struct zone_network *network = network_of(view, i);

        for (guint k = 0; network->has_rov && k < network->origins->len; k++) {
            seen = TRUE;
            judge_origin(view, i, &g_array_index(network->origins, struct zone_origin, k));
        }
    }
    return seen ? ZONE_PASS : ZONE_NOT_SEEN;
}

const struct zone_check zone_checks_networks[] = {
    { "delegation.operators",
      "RFC 2182 section 3.1",
      SEVERITY_MEDIUM,
      { "The servers are of several operators (AS)",
        "Les serveurs relèvent de plusieurs opérateurs (AS)" },
      { "Have a server with another operator: one AS fails as a whole.",
        "Placez un serveur chez un autre opérateur : un AS tombe d'un bloc." },
      operators },
    { "delegation.prefixes",
      "RFC 2182 section 3.1",
      SEVERITY_LOW,
      { "The servers stand in several announced prefixes",
        "Les serveurs se trouvent dans plusieurs préfixes annoncés" },
      { "Have a server in another prefix: who hijacks one has all of them.",
        "Placez un serveur dans un autre préfixe : qui en détourne un les a tous." },
      prefixes },
    { "delegation.announced",
      "RFC 4271 section 9.1.2.1",
      SEVERITY_HIGH,
      { "A route leads to every address of a server",
        "Une route mène à chaque adresse de serveur" },
      { "Announce the prefix again, or take the address out of the zone and its delegation.",
        "Annoncez de nouveau le préfixe, ou retirez l'adresse de la zone et de sa délégation." },
      announced },
    { "delegation.origins",
      "RFC 6811 section 2",
      SEVERITY_HIGH,
      { "The RPKI allows the routes to the servers",
        "La RPKI autorise les routes vers les serveurs" },
      { "Have the holder of the prefix publish a ROA for the AS that announces it; an AS that "
        "nobody knows is a hijack.",
        "Faites publier par le détenteur du préfixe une ROA pour l'AS qui l'annonce ; un AS que "
        "nul ne connaît est un détournement." },
      origins },
    { NULL },
};
