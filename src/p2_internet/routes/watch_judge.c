#include "p2_internet/routes/bogon.h"
#include "p2_internet/routes/watch_private.h"

#define BLACKHOLE 0xffff029au /* RFC 7999: 65535:666 */

const struct watch_row watch_rows[WATCH_ALARMS] = {
    [WATCH_ORIGIN] = { "origin", "critical", 2,
                       "our prefix is announced by an AS that is not ours" },
    [WATCH_SUB_PREFIX] = { "sub-prefix", "critical", 2,
                           "a part of our prefix is announced by an AS that is not ours" },
    [WATCH_SQUATTING] = { "squatting", "high", 1, "space that we do not announce is announced" },
    [WATCH_FIRST_HOP] = { "first-hop", "high", 2,
                          "our AS stands as the origin behind an AS that is no neighbour of ours" },
    [WATCH_MORE_SPECIFIC] = { "more-specific", "medium", 3,
                              "our AS announces a part of our prefix that the profile does not "
                              "have" },
    [WATCH_SUPER_PREFIX] = { "super-prefix", "low", 1,
                             "space around our prefix is announced by another AS while ours is not "
                             "seen" },
    [WATCH_RPKI_INVALID] = { "rpki-invalid", "high", 1,
                             "a route of our space is invalid by the RPKI (RFC 6811)" },
    [WATCH_RPKI_NOTFOUND] = { "rpki-notfound", "low", 1,
                              "no ROA covers what we announce: sign one" },
    [WATCH_ASPA_INVALID] = { "aspa-invalid", "high", 2,
                             "the path of our prefix cannot be right, by its ASes' own ASPA" },
    [WATCH_LEAK] = { "leak", "high", 2,
                     "a route of ours goes down to a customer and up again (RFC 7908)" },
    [WATCH_UPSTREAM] = { "upstream", "medium", 3,
                         "an AS carries our routes that is no upstream of ours" },
    [WATCH_DOWNSTREAM] = { "downstream", "medium", 3,
                           "our AS carries the routes of one that is no customer of ours" },
    [WATCH_AS_MISUSE] = { "as-misuse", "high", 3,
                          "our AS stands as the origin of a prefix that is not ours" },
    [WATCH_BOGON] = { "bogon", "medium", 2,
                      "a reserved AS number stands in the path of our prefix" },
    [WATCH_LOOP] = { "loop", "low", 1, "our AS stands in a path twice, with others between" },
    [WATCH_BLACKHOLE] = { "blackhole", "medium", 2,
                          "our prefix carries BLACKHOLE (RFC 7999) beyond those who asked for it" },
    [WATCH_VISIBILITY] = { "visibility", "critical", 1,
                           "peers that had our prefix have it no more" },
    [WATCH_SILENCE] = { "silence", "high", 1, "a feed says nothing: here we are blind" },
};

static void add_hop(GArray *hops, guint32 as)
{
    if (!hops->len || g_array_index(hops, guint32, hops->len - 1) != as)
        g_array_append_val(hops, as);
}

void watch_path_of(struct watch_path *path, const struct bgp_path *from,
                   const struct route_peer *peer)
{
    const guint32 *asns = from->asns;

    g_array_set_size(path->hops, 0);
    path->has_set = FALSE;
    path->has_origin = route_origin(from, peer, &path->origin);
    for (guint i = 0; i < from->segment_count; i++) {
        const struct bgp_segment *segment = &from->segments[i];

        if (segment->type == BGP_AS_SEQUENCE) {
            for (guint j = 0; j < segment->count; j++)
                add_hop(path->hops, asns[j]);
        } else if (segment->type == BGP_AS_SET) {
            path->has_set = TRUE;
            add_hop(path->hops, 0);
        }
        asns += segment->count;
    }
    /* Others cannot say so: what comes from elsewhere has hops, and nobody out there such an AS. */
    path->is_internal = !path->hops->len && bogon_as(peer->as);
}

static guint32 hop(const struct watch_judging *judging, guint index)
{
    return g_array_index(judging->path->hops, guint32, index);
}

static void find(GArray *findings, enum watch_alarm alarm, const char *ours, guint32 as)
{
    const struct watch_finding finding = { alarm, ours, TRUE, as };

    g_array_append_val(findings, finding);
}

static void find_alone(GArray *findings, enum watch_alarm alarm, const char *ours)
{
    const struct watch_finding finding = { alarm, ours, FALSE, 0 };

    g_array_append_val(findings, finding);
}

static gboolean is_customer(const struct watch_judging *judging, guint32 as)
{
    for (guint i = 0; judging->options->systems && i < judging->options->systems->len; i++) {
        const struct watch_as *system = judging->options->systems->pdata[i];

        if (watch_list_has(system->downstreams, as))
            return TRUE;
    }
    return FALSE;
}

static gboolean may_originate(const struct watch_prefix *prefix, const struct watch_path *path)
{
    return path->is_internal || !prefix->origins || !prefix->origins->len ||
           (path->has_origin && watch_list_has(prefix->origins, path->origin));
}

/* A route of our space whose origin is ours. */
static void judge_own_announcement(const struct watch_judging *judging, GArray *findings)
{
    const struct watch_prefix *own = judging->around;
    const guint8 longest = MAX(own->max_length, own->prefix.length);
    const guint hops = judging->path->hops->len;

    if (own->is_host)
        return; /* what others announce of theirs, as they like */
    if (judging->prefix->length > longest)
        find_alone(findings, WATCH_MORE_SPECIFIC, own->name);
    if (hops > 1 && own->neighbours && own->neighbours->len &&
        !watch_list_has(own->neighbours, hop(judging, hops - 2)))
        find(findings, WATCH_FIRST_HOP, own->name, hop(judging, hops - 2));
    if (judging->vrps && judging->rov == ROV_NOTFOUND)
        find_alone(findings, WATCH_RPKI_NOTFOUND, own->name);
}

static void judge_origin(const struct watch_judging *judging, GArray *findings)
{
    const struct watch_prefix *own = judging->around;
    const struct watch_path *path = judging->path;
    const guint32 origin = path->has_origin ? path->origin : 0;

    if (!own) {
        if (!may_originate(judging->within, path) && !judging->is_within_seen)
            find(findings, WATCH_SUPER_PREFIX, judging->within->name, origin);
        return;
    }
    if (judging->vrps && judging->rov >= ROV_INVALID_ASN && !path->is_internal)
        find(findings, WATCH_RPKI_INVALID, own->name, origin);
    if (own->dormant) {
        find(findings, WATCH_SQUATTING, own->name, origin);
    } else if (may_originate(own, path)) {
        judge_own_announcement(judging, findings);
    } else if (judging->vrps && judging->rov == ROV_VALID &&
               (own->is_host || is_customer(judging, origin))) {
        return; /* ours said so in the RPKI, of a customer of ours */
    } else {
        find(findings,
             judging->prefix->length == own->prefix.length ? WATCH_ORIGIN : WATCH_SUB_PREFIX,
             own->name, origin);
    }
}

/* Neighbours of ours in the path. Nearest first: the one before ours has the route from ours. */
static void judge_neighbours(const struct watch_judging *judging, const struct watch_as *system,
                             guint index, GArray *findings)
{
    const gboolean knows =
        (system->upstreams && system->upstreams->len) || (system->peers && system->peers->len);
    const guint32 before = index > 0 ? hop(judging, index - 1) : 0;
    const guint32 behind = index + 1 < judging->path->hops->len ? hop(judging, index + 1) : 0;
    const gboolean up_before = watch_list_has(system->upstreams, before);
    const gboolean peer_before = watch_list_has(system->peers, before);
    const gboolean up_behind = watch_list_has(system->upstreams, behind);
    const gboolean peer_behind = watch_list_has(system->peers, behind);

    if (!knows)
        return;
    if (before && behind && (up_before || peer_before) && (up_behind || peer_behind))
        find(findings, WATCH_LEAK, system->name, system->as);
    if (before && !up_before && !peer_before && !watch_list_has(system->downstreams, before))
        find(findings, WATCH_UPSTREAM, system->name, before);
    /* Nearest of all it talks to the collector itself: it feeds it, and is nobody's transit. */
    if (index && behind && !up_behind && !peer_behind &&
        !watch_list_has(system->downstreams, behind))
        find(findings, WATCH_DOWNSTREAM, system->name, behind);
}

static gboolean is_announced_by(const struct watch_judging *judging, guint32 as)
{
    return judging->around && (!judging->around->origins || !judging->around->origins->len ||
                               watch_list_has(judging->around->origins, as));
}

static void judge_systems(const struct watch_judging *judging, GArray *findings)
{
    const guint hops = judging->path->hops->len;

    for (guint i = 0; i < hops; i++) {
        const struct watch_as *system = watch_ours_as(judging->ours, hop(judging, i));

        if (!system)
            continue;
        judge_neighbours(judging, system, i, findings);
        for (guint j = i + 1; j < hops; j++)
            if (hop(judging, j) == system->as) {
                find_alone(findings, WATCH_LOOP, system->name);
                break;
            }
        if (i == hops - 1 && judging->path->has_origin && judging->path->origin == system->as &&
            !is_announced_by(judging, system->as))
            find_alone(findings, WATCH_AS_MISUSE, system->name);
    }
}

/*
 * ONLY_TO_CUSTOMER (RFC 9234): once set, the route goes down to customers only. An AS nearer to us
 * than the one that set it, whose own ASPA says that the next is its provider, sent it up.
 */
static void judge_otc(const struct watch_judging *judging, const char *ours, GArray *findings)
{
    const guint hops = judging->path->hops->len;
    guint set_by = hops;

    if (!judging->aspas || !BGP_HAS(judging->attributes, BGP_OTC))
        return;
    for (guint i = 0; i < hops && set_by == hops; i++)
        if (hop(judging, i) == judging->attributes->otc)
            set_by = i;
    for (guint i = 1; set_by < hops && i <= set_by; i++) {
        const guint32 sender = hop(judging, i);

        if (sender && hop(judging, i - 1) &&
            aspa_set_hop(judging->aspas, sender, hop(judging, i - 1)) == ASPA_HOP_PROVIDER) {
            find(findings, WATCH_LEAK, ours, sender);
            return;
        }
    }
}

/* By what is known of who is whose provider: up again behind a way down or across. */
static void judge_valley(const struct watch_judging *judging, const char *ours, GArray *findings)
{
    const GArray *hops = judging->path->hops;
    struct relations_leak leak;

    if (judging->options->relations &&
        relations_leak(judging->options->relations, (const guint32 *)hops->data, hops->len, &leak))
        find(findings, WATCH_LEAK, ours, leak.as);
}

static gboolean has_community(const struct bgp_attributes *attributes, guint32 wanted)
{
    const struct bgp_span *span = &attributes->communities;

    for (gsize i = 0; span->bytes && i + 4 <= span->length; i += 4) {
        const guint8 *at = span->bytes + i;

        if (((guint32)at[0] << 24 | (guint32)at[1] << 16 | (guint32)at[2] << 8 | at[3]) == wanted)
            return TRUE;
    }
    return FALSE;
}

static void judge_path(const struct watch_judging *judging, const char *ours, GArray *findings)
{
    const struct watch_path *path = judging->path;
    struct aspa_leak leak = { { 0 } };

    for (guint i = 0; i < path->hops->len; i++)
        if (hop(judging, i) && bogon_as(hop(judging, i))) {
            find(findings, WATCH_BOGON, ours, hop(judging, i));
            break;
        }
    if (judging->aspas && !path->has_set && path->hops->len &&
        aspa_verify_why(judging->aspas, (const guint32 *)path->hops->data, path->hops->len,
                        ASPA_DOWNSTREAM, &leak) == ASPA_INVALID)
        find(findings, WATCH_ASPA_INVALID, ours, leak.up.customer);
    judge_otc(judging, ours, findings);
    judge_valley(judging, ours, findings);
    if (has_community(judging->attributes, BLACKHOLE))
        find_alone(findings, WATCH_BLACKHOLE, ours);
}

void watch_judge(const struct watch_judging *judging, GArray *findings)
{
    if (judging->around || judging->within)
        judge_origin(judging, findings);
    if (judging->around && !judging->around->dormant)
        judge_path(judging, judging->around->name, findings);
    judge_systems(judging, findings);
}
