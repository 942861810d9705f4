#include "p2_internet/routes/judge.h"

#include "p2_internet/routes/bogon.h"

static const char *const otc_names[OTC_FINDINGS] = {
    [OTC_FINE] = "fine",
    [OTC_STRANGER] = "stranger",
    [OTC_LEAK] = "leak",
};

const char *otc_finding_name(enum otc_finding finding)
{
    return finding < OTC_FINDINGS ? otc_names[finding] : "?";
}

static void add_as(struct plain_path *path, guint32 as)
{
    if (path->count == path->room) {
        path->room = MAX(16, path->room * 2);
        path->asns = g_renew(guint32, path->asns, path->room);
    }
    path->asns[path->count++] = as;
}

void plain_path_of(const struct bgp_attributes *attributes, struct plain_path *path)
{
    const guint32 *at = attributes->path.asns;

    path->count = 0;
    path->has_set = FALSE;
    path->has_otc = BGP_HAS(attributes, BGP_OTC);
    path->otc = path->has_otc ? attributes->otc : 0;
    for (guint i = 0; i < attributes->path.segment_count; i++) {
        const struct bgp_segment *segment = &attributes->path.segments[i];

        path->has_set |= segment->type == BGP_AS_SET;
        for (guint j = 0; segment->type == BGP_AS_SEQUENCE && j < segment->count; j++)
            add_as(path, at[j]);
        at += segment->count;
    }
}

void plain_path_clear(struct plain_path *path)
{
    g_clear_pointer(&path->asns, g_free);
    path->count = path->room = 0;
}

/*
 * RFC 9234 seen from afar: behind the AS that set it a route may only go down or aside, so a hop
 * that is attested to go up, from that AS on towards us, is a leak.
 */
static void judge_otc(const struct plain_path *path, const struct aspa_set *aspas,
                      struct path_verdict *verdict)
{
    guint at = path->count;

    for (guint i = 0; i < path->count && at == path->count; i++)
        if (path->asns[i] == path->otc)
            at = i;
    if (at == path->count) {
        verdict->otc = path->count && !path->has_set ? OTC_STRANGER : OTC_FINE;
        return;
    }
    for (guint i = at; aspas && i > 0; i--)
        if (path->asns[i] != path->asns[i - 1] &&
            aspa_set_hop(aspas, path->asns[i], path->asns[i - 1]) == ASPA_HOP_PROVIDER) {
            verdict->otc = OTC_LEAK;
            verdict->otc_customer = path->asns[i];
            verdict->otc_provider = path->asns[i - 1];
            return;
        }
}

void path_judge(const struct plain_path *path, const struct aspa_set *aspas,
                struct path_verdict *verdict)
{
    *verdict = (struct path_verdict){ .aspa = ASPA_UNKNOWN };
    if (aspas && aspa_set_count(aspas) && path->has_set)
        verdict->aspa = ASPA_INVALID;
    else if (aspas && aspa_set_count(aspas) && path->count)
        verdict->aspa =
            aspa_verify_why(aspas, path->asns, path->count, ASPA_DOWNSTREAM, &verdict->leak);
    if (path->has_otc)
        judge_otc(path, aspas, verdict);
    for (guint i = 0; i < path->count && !verdict->has_bogon; i++)
        if (bogon_as(path->asns[i])) {
            verdict->has_bogon = TRUE;
            verdict->bogon = path->asns[i];
        }
}

gboolean path_verdict_is_bad(const struct path_verdict *verdict)
{
    return verdict->aspa == ASPA_INVALID || verdict->otc != OTC_FINE || verdict->has_bogon;
}
