/*
 * judge.h: what a route says against itself: a path that leaks (ASPA, RFC 9234), an AS or a prefix
 * that is nobody's. Whether its origin is authorised is rpki/vrp.h's.
 *
 * Paths are judged as a collector sees them: its peers are, to it, providers, so the downstream
 * rule of ASPA holds, and only what is invalid counts (unknown is what most of the Internet still
 * is).
 */
#pragma once
#include "p2_internet/routes/bgp.h"
#include "rpki/aspa.h"

/* A path without what confederations added; the members of a set are not in it. */
struct plain_path {
    guint32 *asns; /* nearest first */
    guint count, room;
    gboolean has_set;
    gboolean has_otc;
    guint32 otc;
};
void plain_path_of(const struct bgp_attributes *attributes, struct plain_path *path);
void plain_path_clear(struct plain_path *path);

enum otc_finding {
    OTC_FINE,     /* not there, or nothing speaks against it */
    OTC_STRANGER, /* its AS is not in the path */
    OTC_LEAK,     /* the route climbed to a provider after it was sent to customers only */
    OTC_FINDINGS
};
const char *otc_finding_name(enum otc_finding finding); /* "fine", "stranger", "leak" */

struct path_verdict {
    enum aspa_state aspa; /* without any ASPA: unknown */
    struct aspa_leak leak;
    enum otc_finding otc;
    guint32 otc_customer, otc_provider; /* of an OTC_LEAK: the hop that climbed */
    gboolean has_bogon;
    guint32 bogon; /* the first AS that is nobody's */
};
/* `aspas` may be NULL. */
void path_judge(const struct plain_path *path, const struct aspa_set *aspas,
                struct path_verdict *verdict);
/* Whether it is to be shown. */
gboolean path_verdict_is_bad(const struct path_verdict *verdict);
