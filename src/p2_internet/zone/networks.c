#include "p2_internet/zone/networks.h"

#include "p2_internet/routes/gather_run.h"

#include <netinet/in.h>
#include <string.h>

#define LENGTH_MIN 8u /* shorter ones are default routes, by whatever name */

static void network_clear(gpointer data)
{
    g_clear_pointer(&((struct zone_network *)data)->origins, g_array_unref);
}

/* The address alone, as a prefix. */
static void host_prefix(const struct sockaddr_storage *address, struct ip_prefix *prefix)
{
    const gboolean four = address->ss_family == AF_INET;
    const guint8 *bytes =
        four ? (const guint8 *)&((const struct sockaddr_in *)(const void *)address)->sin_addr
             : (const guint8 *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    const guint8 family = four ? 4 : 6;

    ip_prefix_from_bytes(family, ip_family_bits(family), bytes, prefix, NULL);
}

static int compare_origins(gconstpointer a, gconstpointer b)
{
    const struct zone_origin *one = a, *other = b;

    return one->as < other->as ? -1 : one->as > other->as;
}

static void add_origin(struct zone_network *network, guint32 as)
{
    const struct zone_origin origin = { .as = as };

    for (guint i = 0; i < network->origins->len; i++)
        if (g_array_index(network->origins, struct zone_origin, i).as == as)
            return;
    g_array_append_val(network->origins, origin);
}

/* ---- by routes */

static void take_routes(struct zone_network *network, const struct ip_prefix *host,
                        const GArray *routes)
{
    for (guint i = 0; i < routes->len; i++) {
        const struct gather_origin *route = &g_array_index(routes, struct gather_origin, i);

        if (route->prefix.length < LENGTH_MIN || !ip_prefix_covers(&route->prefix, host) ||
            (network->is_there && route->prefix.length < network->prefix.length))
            continue;
        if (!network->is_there || route->prefix.length > network->prefix.length)
            g_array_set_size(network->origins, 0);
        network->is_there = network->is_announced = TRUE;
        network->prefix = route->prefix;
        if (route->has_origin)
            add_origin(network, route->origin);
    }
}

static void validate(struct zone_network *network, const struct vrp_set *vrps)
{
    network->has_rov = network->is_announced && vrps;
    for (guint i = 0; network->has_rov && i < network->origins->len; i++) {
        struct zone_origin *origin = &g_array_index(network->origins, struct zone_origin, i);

        origin->rov = rov_validate(vrps, &network->prefix, origin->as, TRUE);
    }
}

static GArray *read_routes(const struct zone_network_source *source,
                           const struct zone_server *servers, guint count, GError **error)
{
    g_autoptr(route_filter_t) filter = route_filter_new();
    g_autoptr(gather_t) gather = gather_new(NULL);
    const struct gather_job job = { .filter = filter,
                                    .memory = source->vrps ? vrp_set_bytes(source->vrps) : 0,
                                    .problem = source->problem };
    struct mrt_scan_summary summary;

    for (guint i = 0; i < count; i++) {
        struct ip_prefix host;

        host_prefix(&servers[i].address, &host);
        route_filter_add(filter, &host);
    }
    route_filter_ready(filter);
    if (!gather_files(gather, source->routes, &job, &summary, error))
        return NULL;
    return gather_origins(gather);
}

/* ---- by payloads: who may announce, which is less than who does */

static void take_payload(const struct vrp *vrp, gpointer data)
{
    struct zone_network *network = data;

    if (!vrp->asn || (network->is_there && vrp->prefix.length < network->prefix.length))
        return;
    network->is_there = TRUE;
    network->prefix = vrp->prefix;
    add_origin(network, vrp->asn);
}

GArray *zone_networks_find(const struct zone_network_source *source,
                           const struct zone_server *servers, guint count, GError **error)
{
    g_autoptr(GArray) networks = g_array_new(FALSE, TRUE, sizeof(struct zone_network));
    g_autoptr(GArray) routes = NULL;

    g_array_set_clear_func(networks, network_clear);
    if (source->routes && count && !(routes = read_routes(source, servers, count, error)))
        return NULL;
    for (guint i = 0; i < count; i++) {
        struct zone_network network = { 0 };
        struct ip_prefix host;

        network.origins = g_array_new(FALSE, TRUE, sizeof(struct zone_origin));
        host_prefix(&servers[i].address, &host);
        if (routes)
            take_routes(&network, &host, routes);
        else if (source->vrps)
            vrp_set_covering(source->vrps, &host, take_payload, &network);
        g_array_sort(network.origins, compare_origins);
        validate(&network, source->vrps);
        g_array_append_val(networks, network);
    }
    return g_steal_pointer(&networks);
}
