/*
 * watch.h: what is done to our own prefixes and autonomous systems in BGP, told as incidents.
 *
 *     element -> findings of one route (watch_judge.c) -> incidents, counted by peers (watch.c)
 *
 * The watch keeps the routes that concern us, of each peer, and what is wrong with each. An
 * incident is one thing that is wrong, whoever sees it: (alarm, what of ours, the route's prefix,
 * the other AS). It is told once so many peers see it as the alarm asks for, again when it grew to
 * twice as many and the interval is over, and when no peer has such a route any more. Time is that
 * of the elements alone: the same elements give the same incidents.
 *
 * The prefixes that hold our name servers are watched, too, whosever they are. Which these are, and
 * who announces them, is what is heard in the first ten minutes and RPKI does not call invalid
 * (AS numbers that were given hold instead); of a server that nobody announced then, what is heard
 * first. A route there from elsewhere is an incident, unless RPKI authorises it.
 *
 * Whoever is silent is blind: a feed that says nothing is an incident, too, and a peer that lost
 * its session took its routes with it, which is no loss of visibility.
 */
#pragma once
#include "p2_internet/routes/relations.h"
#include "p2_internet/routes/route.h"
#include "p2_internet/routes/watch_hosts.h"
#include "rpki/aspa.h"
#include "rpki/vrp.h"

enum watch_alarm {
    WATCH_ORIGIN,        /* our prefix from an origin that is not ours */
    WATCH_SUB_PREFIX,    /* a more specific of it, likewise */
    WATCH_SQUATTING,     /* space that we do not announce is announced */
    WATCH_FIRST_HOP,     /* our origin, next to an AS that is no neighbour of ours */
    WATCH_MORE_SPECIFIC, /* our origin, longer than we announce */
    WATCH_SUPER_PREFIX,  /* a less specific of ours from elsewhere, while ours is not seen */
    WATCH_RPKI_INVALID,
    WATCH_RPKI_NOTFOUND,
    WATCH_ASPA_INVALID,
    WATCH_LEAK,       /* the path goes down and up again (RFC 7908, 9234) */
    WATCH_UPSTREAM,   /* an AS before ours that the profile does not list */
    WATCH_DOWNSTREAM, /* an AS behind ours, likewise */
    WATCH_AS_MISUSE,  /* our AS originates what is not ours */
    WATCH_BOGON,      /* a reserved AS in the path of our prefix */
    WATCH_LOOP,       /* our AS twice in a path, with another between */
    WATCH_BLACKHOLE,  /* our prefix with BLACKHOLE (RFC 7999) */
    WATCH_VISIBILITY, /* peers that held our prefix hold it no more */
    WATCH_SILENCE,    /* a feed says nothing: we are blind */
    WATCH_ALARMS
};

struct watch_row {
    const char *id;       /* "origin", "sub-prefix" ... */
    const char *severity; /* as alarms have it: "critical", "high", "medium", "low", "info" */
    guint peers;          /* that must see it */
    const char *why;      /* one sentence for people */
};
extern const struct watch_row watch_rows[WATCH_ALARMS];
/* In place of `why`, of a prefix that only holds a name server of ours; NULL: `why`. */
extern const char *const watch_hosted_why[WATCH_ALARMS];

/* What is ours. Lists may be empty: then what they would decide is not judged. */
struct watch_prefix {
    struct ip_prefix prefix;
    char *name;
    GArray *origins;    /* guint32; who may originate it */
    GArray *neighbours; /* guint32; next to the origin */
    guint8 max_length;  /* of what we announce within it; 0: its own length */
    gboolean dormant;   /* never announced */
    gboolean is_host;   /* not ours: a name server of ours is in it; the watch learned it */
};
struct watch_as {
    guint32 as;
    char *name;
    GArray *upstreams, *peers, *downstreams; /* guint32 */
};
void watch_prefix_free(struct watch_prefix *prefix);
void watch_as_free(struct watch_as *as);

struct watch_options {
    GPtrArray *prefixes;         /* struct watch_prefix *; borrowed */
    GPtrArray *systems;          /* struct watch_as *; borrowed */
    struct vrp_set *vrps;        /* a reference is taken; NULL: RPKI is not judged */
    struct aspa_set *aspas;      /* likewise */
    struct relations *relations; /* likewise: who is whose provider; NULL: not judged */
    GPtrArray *hosts;            /* struct watch_host *: our name servers; borrowed; or NULL */
    GArray *ignored;             /* guint32: peers of these ASes are not listened to; or NULL */
    guint min_peers;             /* at least so many for every alarm; 0: what the rows say */
    guint visibility_percent;    /* fewer peers than this share of those before; 0: 50 */
    gint64 silence_us;           /* 0: 2 min */
    gint64 interval_us;          /* an incident is not told again within; 0: 1 h */
    gint64 stale_us;             /* a peer that said nothing for so long is not counted; 0: never */
};

enum watch_step { WATCH_OPENED, WATCH_GREW, WATCH_CLOSED };
const char *watch_step_name(enum watch_step step); /* "opened", "grew", "closed" */

#define WATCH_EVIDENCE                                                                             \
    4 /* raw routes that are kept of an incident, the first of different peers                     \
       */

/* What is told of an incident. Borrowed during the call. */
struct watch_report {
    enum watch_step step;
    enum watch_alarm alarm;
    const char *key;  /* the same for the same incident, in every run */
    const char *ours; /* name of the prefix, AS or feed */
    gboolean has_prefix, has_as;
    struct ip_prefix prefix; /* of the route */
    guint32 as;              /* the other one */
    guint peers, most_peers; /* now, and at most so far */
    gint64 at_us, first_us, last_us;
    enum rov_state rov;
    gboolean has_rov;
    guint32 serial;        /* of the VRPs */
    const char *host;      /* our name server in the route's prefix; NULL: none */
    gboolean is_hosted;    /* the prefix is watched for its sake alone */
    const char *text;      /* a sentence: what, by whom, seen by how many, RPKI */
    const char *path;      /* of the first route; or "" */
    char *const *evidence; /* "PEER ASN TIME HEX" of attributes; NULL at the end */
};
typedef void (*watch_sink)(const struct watch_report *report, gpointer data);

struct watch;
typedef struct watch watch_t;
struct watch *watch_new(const struct watch_options *options, watch_sink sink, gpointer data);
void watch_free(struct watch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(watch_t, watch_free)

/* New payloads: the routes that are held are judged again. NULL: none. */
void watch_set_rpki(struct watch *watch, struct vrp_set *vrps, struct aspa_set *aspas,
                    gint64 now_us);

/* `feed` names where it comes from ("rrc00"). Elements come in order of time, more or less. */
void watch_take(struct watch *watch, const char *feed, const struct route_element *element);

/* The feed speaks, though of no route: it is not silent. */
void watch_hear(struct watch *watch, const char *feed, gint64 now_us);
/* A feed that is to speak from now on; one that is known stays as it is. */
void watch_expect(struct watch *watch, const char *feed, gint64 now_us);
/* Feeds that nobody listens to any more are not missed. */
void watch_expect_only(struct watch *watch, gboolean (*is_used)(const char *feed, gpointer data),
                       gpointer data);

/* Time passes without elements. Called by watch_take() itself as elements say the time. */
void watch_tick(struct watch *watch, gint64 now_us);

struct watch_counts {
    guint64 elements, concerning; /* concerning: of what is ours */
    guint held, incidents, open;
    guint64 dropped; /* routes that were not kept: too many */
};
void watch_count(const struct watch *watch, struct watch_counts *counts);

/* What stands open now, in the order of its keys; `step` is WATCH_OPENED. */
void watch_each_open(struct watch *watch, watch_sink sink, gpointer data);
