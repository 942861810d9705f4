#include "base/clock.h"
#include "p2_internet/routes/watch_private.h"

#include <string.h>

#define PEERS_LIMIT 100000
#define TICK_US ((gint64)10 * G_USEC_PER_SEC)
#define SAMPLE_US ((gint64)3600 * G_USEC_PER_SEC)
#define SILENCE_US ((gint64)120 * G_USEC_PER_SEC)
#define INTERVAL_US ((gint64)3600 * G_USEC_PER_SEC)
#define VISIBILITY_PERCENT 50
#define PATH_TEXT_MAX 512 /* bytes of a path that a report shows */
#define ESTABLISHED 6     /* RFC 6396 section 4.4.1 */

/* --- keys --- */

static guint held_hash(gconstpointer key)
{
    const struct held_key *held = key;

    return ip_prefix_hash(&held->prefix) ^ g_direct_hash(held->peer) ^ held->path_id * 2654435761u;
}

static gboolean held_equal(gconstpointer a, gconstpointer b)
{
    const struct held_key *left = a, *right = b;

    return left->peer == right->peer && left->path_id == right->path_id &&
           ip_prefix_equal(&left->prefix, &right->prefix);
}

/* --- making and freeing --- */

static void peer_free(gpointer data)
{
    struct peer *peer = data;

    g_hash_table_unref(peer->held);
    g_hash_table_unref(peer->lost);
    g_free(peer);
}

static void feed_free(gpointer data)
{
    struct feed *feed = data;

    g_free(feed->name);
    g_free(feed);
}

static void held_free(gpointer data)
{
    struct held *held = data;

    g_free(held->attributes.path.asns);
    g_free(held->attributes.path.segments);
    g_free((gpointer)held->attributes.communities.bytes);
    g_ptr_array_unref(held->incidents);
    g_free(held);
}

void watch_make_visible(struct watch *watch, const struct watch_prefix *prefix)
{
    struct visible *visible = g_new0(struct visible, 1);

    visible->prefix = prefix;
    g_ptr_array_add(watch->visibles, visible);
    g_hash_table_insert(watch->by_prefix, (gpointer)&prefix->prefix, visible);
}

struct watch *watch_new(const struct watch_options *options, watch_sink sink, gpointer data)
{
    struct watch *watch = g_new0(struct watch, 1);

    watch->options = *options;
    if (!watch->options.silence_us)
        watch->options.silence_us = SILENCE_US;
    if (!watch->options.interval_us)
        watch->options.interval_us = INTERVAL_US;
    if (!watch->options.visibility_percent)
        watch->options.visibility_percent = VISIBILITY_PERCENT;
    if (options->vrps)
        vrp_set_ref(options->vrps);
    if (options->aspas)
        aspa_set_ref(options->aspas);
    if (options->relations)
        relations_ref(options->relations);
    watch->ours = watch_ours_new(options->prefixes, options->systems);
    watch->hosts = watch_hosts_new(options->hosts);
    watch->sink = sink;
    watch->data = data;
    watch->peers = g_hash_table_new_full(route_peer_hash, route_peer_equal, NULL, peer_free);
    watch->feeds = g_ptr_array_new_with_free_func(feed_free);
    watch->held = g_hash_table_new_full(held_hash, held_equal, NULL, held_free);
    watch->incidents = g_hash_table_new(g_str_hash, g_str_equal);
    watch->in_order = g_ptr_array_new_with_free_func(watch_incident_free);
    watch->visibles = g_ptr_array_new_with_free_func(g_free);
    watch->by_prefix = g_hash_table_new(ip_prefix_hash, ip_prefix_equal);
    for (guint i = 0; options->prefixes && i < options->prefixes->len; i++)
        watch_make_visible(watch, options->prefixes->pdata[i]);
    watch->path.hops = g_array_new(FALSE, FALSE, sizeof(guint32));
    watch->findings = g_array_new(FALSE, FALSE, sizeof(struct watch_finding));
    return watch;
}

void watch_free(struct watch *watch)
{
    if (!watch)
        return;
    g_hash_table_unref(watch->held);
    g_hash_table_unref(watch->incidents);
    g_ptr_array_unref(watch->in_order);
    g_hash_table_unref(watch->peers);
    g_ptr_array_unref(watch->feeds);
    g_hash_table_unref(watch->by_prefix);
    g_ptr_array_unref(watch->visibles);
    g_array_unref(watch->path.hops);
    g_array_unref(watch->findings);
    watch_ours_free(watch->ours);
    watch_hosts_free(watch->hosts);
    g_clear_pointer(&watch->options.vrps, vrp_set_unref);
    g_clear_pointer(&watch->options.aspas, aspa_set_unref);
    g_clear_pointer(&watch->options.relations, relations_unref);
    g_free(watch);
}

/* --- routes that are held --- */

static void copy_attributes(struct bgp_attributes *to, const struct bgp_attributes *from)
{
    *to = (struct bgp_attributes){ .present = from->present, .otc = from->otc };
    to->path.asns = g_memdup2(from->path.asns, from->path.asn_count * sizeof *from->path.asns);
    to->path.segments =
        g_memdup2(from->path.segments, from->path.segment_count * sizeof *from->path.segments);
    to->path.asn_count = from->path.asn_count;
    to->path.segment_count = from->path.segment_count;
    to->communities.length = from->communities.bytes ? from->communities.length : 0;
    to->communities.bytes = g_memdup2(from->communities.bytes, to->communities.length);
}

/* What a peer held when it went, and has not said again since. */
static void count_lost(struct peer *peer, struct visible *visible, int more)
{
    const int routes = GPOINTER_TO_INT(g_hash_table_lookup(peer->lost, visible)) + more;

    if (routes)
        g_hash_table_insert(peer->lost, visible, GINT_TO_POINTER(routes));
    else
        g_hash_table_remove(peer->lost, visible);
}

/* `peer_gone`: what it held is not withdrawn, it is not known any more. */
static void let_go(struct watch *watch, struct held *held, gboolean peer_gone)
{
    struct peer *peer = (struct peer *)held->key.peer;

    for (guint i = 0; i < held->incidents->len; i++)
        watch_incident_unsee(watch, held->incidents->pdata[i], peer);
    if (held->visible) {
        held->visible->count--;
        if (peer_gone) {
            watch_visible_without_peer(held->visible);
            count_lost(peer, held->visible, 1);
        }
        watch_visible_is_low(watch, held->visible);
    }
    g_hash_table_remove(peer->held, held);
    g_hash_table_remove(watch->held, &held->key);
}

static void peer_gone(struct watch *watch, struct peer *peer)
{
    g_autoptr(GList) all = g_hash_table_get_keys(peer->held);

    for (GList *at = all; at; at = at->next)
        let_go(watch, at->data, TRUE);
}

static gboolean is_within_seen(const struct watch *watch, const struct watch_prefix *within)
{
    const struct visible *visible = within ? watch_visible_of(watch, &within->prefix) : NULL;

    return visible && visible->count > 0;
}

static enum rov_state validate(const struct watch *watch, const struct ip_prefix *prefix)
{
    return rov_validate(watch->options.vrps, prefix, watch->path.origin, watch->path.has_origin);
}

/* A prefix that is watched for a name server in it; NULL: this is none. */
static const struct watch_prefix *hosted(struct watch *watch, const struct watch_judging *judging)
{
    const struct watch_host *host = watch_hosts_in(watch->hosts, judging->prefix);
    const struct watch_prefix *around;
    gboolean is_invalid, is_new;

    if (!host)
        return NULL;
    is_invalid = judging->vrps && validate(watch, judging->prefix) >= ROV_INVALID_ASN;
    around = watch_hosts_around(watch->hosts, host, judging->path, judging->prefix, is_invalid,
                                watch->now_us, &is_new);
    if (is_new)
        watch_make_visible(watch, around);
    return around;
}

/* What is wrong with a route, in watch->findings. FALSE: it has nothing to do with us. */
static gboolean judge(struct watch *watch, const struct peer *peer, const struct ip_prefix *prefix,
                      const struct bgp_attributes *attributes, struct watch_judging *judging)
{
    gboolean concerns;

    watch_path_of(&watch->path, &attributes->path, &peer->who);
    *judging = (struct watch_judging){
        .options = &watch->options,
        .ours = watch->ours,
        .vrps = watch->options.vrps,
        .aspas = watch->options.aspas,
        .prefix = prefix,
        .path = &watch->path,
        .attributes = attributes,
        .around = watch_ours_around(watch->ours, prefix),
    };
    g_array_set_size(watch->findings, 0);
    if (!judging->around && prefix->length)
        judging->within = watch_ours_within(watch->ours, prefix);
    if (!judging->around && !judging->within)
        judging->around = hosted(watch, judging);
    concerns = judging->around || judging->within;
    for (guint i = 0; !concerns && i < watch->path.hops->len; i++)
        concerns = watch_ours_as(watch->ours, g_array_index(watch->path.hops, guint32, i)) != NULL;
    if (!concerns)
        return FALSE;
    judging->is_within_seen = is_within_seen(watch, judging->within);
    if (judging->vrps)
        judging->rov = validate(watch, prefix);
    watch_judge(judging, watch->findings);
    return TRUE;
}

/* The incidents of a route as it is now; those of before that are not are unseen. */
static void apply(struct watch *watch, struct held *held, const struct watch_judging *judging,
                  const struct route_element *element)
{
    struct peer *peer = (struct peer *)held->key.peer;
    g_autoptr(GPtrArray) before = held->incidents;

    held->incidents = g_ptr_array_new();
    for (guint i = 0; i < watch->findings->len; i++) {
        struct incident *incident =
            watch_incident_of(watch, &g_array_index(watch->findings, struct watch_finding, i),
                              &held->key.prefix, TRUE);

        if (!incident || g_ptr_array_find(held->incidents, incident, NULL))
            continue;
        g_ptr_array_add(held->incidents, incident);
        incident->last_us = MAX(incident->last_us, watch->now_us);
        if (judging->vrps) {
            incident->has_rov = TRUE;
            incident->rov = judging->rov;
            incident->serial = vrp_set_about(judging->vrps)->serial;
        }
        if (!incident->path) {
            g_autoptr(GString) path = g_string_new(NULL);

            bgp_path_append_text(&held->attributes.path, path);
            g_string_truncate(path, MIN(path->len, PATH_TEXT_MAX));
            incident->path = g_string_free(g_steal_pointer(&path), FALSE);
        }
        if (element && !g_hash_table_contains(incident->peers, peer))
            watch_incident_evidence(incident, element);
        watch_incident_see(incident, peer);
        watch_incident_weigh(watch, incident);
    }
    for (guint i = 0; i < before->len; i++)
        watch_incident_unsee(watch, before->pdata[i], peer);
}

void watch_hold(struct watch *watch, struct peer *peer, const struct route_element *element,
                gboolean is_new)
{
    const struct held_key key = { peer, element->prefix, element->path_id };
    struct held *held = g_hash_table_lookup(watch->held, &key);
    struct watch_judging judging;

    if (!judge(watch, peer, &element->prefix, element->attributes, &judging)) {
        if (held)
            let_go(watch, held, FALSE);
        return;
    }
    watch->counts.concerning++;
    if (!held && g_hash_table_size(watch->held) >= WATCH_HELD_MAX) {
        watch->counts.dropped++;
        return;
    }
    if (!held) {
        held = g_new0(struct held, 1);
        held->key = key;
        held->incidents = g_ptr_array_new();
        g_hash_table_insert(watch->held, &held->key, held);
        g_hash_table_add(peer->held, held);
        held->visible = watch_visible_of(watch, &element->prefix);
        if (held->visible) {
            held->visible->count++;
            if (g_hash_table_contains(peer->lost, held->visible)) {
                watch_visible_with_peer(held->visible);
                count_lost(peer, held->visible, -1);
            }
            held->visible->highest = MAX(held->visible->highest, held->visible->count);
            watch_visible_is_low(watch, held->visible);
        }
    } else {
        g_free(held->attributes.path.asns);
        g_free(held->attributes.path.segments);
        g_free((gpointer)held->attributes.communities.bytes);
    }
    copy_attributes(&held->attributes, element->attributes);
    apply(watch, held, &judging, is_new ? element : NULL);
}

static void withdraw(struct watch *watch, struct peer *peer, const struct route_element *element)
{
    const struct held_key key = { peer, element->prefix, element->path_id };
    struct held *held = g_hash_table_lookup(watch->held, &key);

    if (!held)
        return;
    watch->counts.concerning++;
    let_go(watch, held, FALSE);
}

/* By prefix and peer: what is judged anew together is told in one order. */
static gint compare_held(gconstpointer a, gconstpointer b)
{
    const struct held *left = *(struct held *const *)a, *right = *(struct held *const *)b;
    const int order = ip_prefix_compare(&left->key.prefix, &right->key.prefix);
    const struct route_peer *one = &left->key.peer->who, *other = &right->key.peer->who;

    return order ? order : memcmp(one->address, other->address, sizeof one->address);
}

void watch_set_rpki(struct watch *watch, struct vrp_set *vrps, struct aspa_set *aspas,
                    gint64 now_us)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    GHashTableIter iter;
    gpointer value;

    if (vrps)
        vrp_set_ref(vrps);
    if (aspas)
        aspa_set_ref(aspas);
    g_clear_pointer(&watch->options.vrps, vrp_set_unref);
    g_clear_pointer(&watch->options.aspas, aspa_set_unref);
    watch->options.vrps = vrps;
    watch->options.aspas = aspas;
    watch->now_us = MAX(watch->now_us, now_us);
    g_hash_table_iter_init(&iter, watch->held);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        g_ptr_array_add(all, value);
    g_ptr_array_sort(all, compare_held);
    for (guint i = 0; i < all->len; i++) {
        struct held *held = all->pdata[i];
        struct watch_judging judging;

        judge(watch, held->key.peer, &held->key.prefix, &held->attributes, &judging);
        apply(watch, held, &judging, NULL);
    }
}

/* --- time --- */

static void drop_stale_peers(struct watch *watch)
{
    GHashTableIter iter;
    gpointer value;

    if (!watch->options.stale_us)
        return;
    g_hash_table_iter_init(&iter, watch->peers);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct peer *peer = value;

        if (g_hash_table_size(peer->held) &&
            watch->now_us - peer->last_us > watch->options.stale_us)
            peer_gone(watch, peer);
    }
}

void watch_tick(struct watch *watch, gint64 now_us)
{
    watch->now_us = MAX(watch->now_us, now_us);
    watch->ticked_us = watch->now_us;
    drop_stale_peers(watch);
    for (guint i = 0; i < watch->feeds->len; i++)
        watch_feed_weigh(watch, watch->feeds->pdata[i]);
    for (guint i = 0; i < watch->visibles->len; i++)
        watch_visible_weigh(watch, watch->visibles->pdata[i]);
    if (!watch->sampled_us)
        watch->sampled_us = watch->now_us;
    if (watch->now_us - watch->sampled_us >= SAMPLE_US) {
        watch->sampled_us = watch->now_us;
        for (guint i = 0; i < watch->visibles->len; i++)
            watch_visible_sample(watch->visibles->pdata[i]);
    }
    watch_incidents_end(watch);
}

/* --- elements --- */

struct peer *watch_peer_of(struct watch *watch, const struct route_peer *who)
{
    struct peer *peer = g_hash_table_lookup(watch->peers, who);

    if (peer || g_hash_table_size(watch->peers) >= PEERS_LIMIT)
        return peer;
    peer = g_new0(struct peer, 1);
    peer->who = *who;
    peer->is_ignored = watch_list_has(watch->options.ignored, who->as);
    peer->held = g_hash_table_new(NULL, NULL);
    peer->lost = g_hash_table_new(NULL, NULL);
    g_hash_table_insert(watch->peers, &peer->who, peer);
    return peer;
}

void watch_take(struct watch *watch, const char *feed_name, const struct route_element *element)
{
    struct feed *feed = watch_feed_of(watch, feed_name, element->time_us);
    struct peer *peer;

    /* Before the element: it may be the first after a silence. */
    if (MAX(watch->now_us, element->time_us) - watch->ticked_us >= TICK_US)
        watch_tick(watch, element->time_us);
    watch->now_us = MAX(watch->now_us, element->time_us);
    feed->last_us = MAX(feed->last_us, element->time_us);
    if (!element->peer) /* ROUTE_HEARD */
        return;
    watch->counts.elements++;
    peer = watch_peer_of(watch, element->peer);
    if (!peer) {
        watch->counts.dropped++;
        return;
    }
    peer->feed = feed;
    peer->last_us = MAX(peer->last_us, element->time_us);
    if (peer->is_ignored || (element->flags & ROUTE_LOCAL))
        return;
    if (element->kind == ROUTE_STATE) {
        if (element->old_state == ESTABLISHED || element->new_state != ESTABLISHED)
            peer_gone(watch, peer);
    } else if (element->safi != BGP_UNICAST) {
        return;
    } else if (element->kind == ROUTE_WITHDRAW || (element->flags & ROUTE_TREATED) ||
               !element->attributes) {
        withdraw(watch, peer, element);
    } else {
        watch_hold(watch, peer, element, TRUE);
    }
}

void watch_count(const struct watch *watch, struct watch_counts *counts)
{
    *counts = watch->counts;
    counts->held = g_hash_table_size(watch->held);
    counts->incidents = watch->in_order->len;
}
