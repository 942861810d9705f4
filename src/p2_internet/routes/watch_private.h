/*
 * watch_private.h: for the files of the watch alone.
 *
 *     watch.c           peers and the routes that are held of them
 *     watch_judge.c     one route: what is wrong with it
 *     watch_incident.c  what is wrong, counted by those who see it, and told
 *     watch_absence.c   what is not seen: visibility of our prefixes, feeds that say nothing
 *     watch_ours.c      what is ours: found by prefix and by AS
 *     watch_hosts.c     prefixes that hold our name servers: learned by listening
 *     watch_state.c     all of it as text, and back
 *     watch_tell.c      an incident as text
 */
#pragma once
#include "p2_internet/routes/watch.h"

/* watch_ours.c */
struct watch_ours;
struct watch_ours *watch_ours_new(const GPtrArray *prefixes, const GPtrArray *systems);
void watch_ours_free(struct watch_ours *ours);
/* One more, which stays the caller's. */
void watch_ours_add(struct watch_ours *ours, struct watch_prefix *prefix);
/* The longest of ours that covers `prefix`; NULL: none. */
const struct watch_prefix *watch_ours_around(const struct watch_ours *ours,
                                             const struct ip_prefix *prefix);
/* The first of ours that `prefix` covers without being equal; NULL: none. */
const struct watch_prefix *watch_ours_within(const struct watch_ours *ours,
                                             const struct ip_prefix *prefix);
const struct watch_as *watch_ours_as(const struct watch_ours *ours, guint32 as);
gboolean watch_list_has(const GArray *list, guint32 as); /* NULL: no */

/* A path as hops: repetitions collapsed, confederations left out, a set as 0. Nearest first. */
struct watch_path {
    GArray *hops; /* guint32 */
    gboolean has_set;
    gboolean has_origin;
    gboolean is_internal; /* began among members of the confederation that tells it: its AS is not
                             said */
    guint32 origin;
};
void watch_path_of(struct watch_path *path, const struct bgp_path *from,
                   const struct route_peer *peer);

struct watch_finding {
    enum watch_alarm alarm;
    const char *ours;
    gboolean has_as;
    guint32 as;
};

/* watch_hosts.c; watch_hosts.h has the list. */
struct watch_hosts;
struct watch_hosts *watch_hosts_new(const GPtrArray *list); /* NULL: none */
void watch_hosts_free(struct watch_hosts *hosts);
/* The first of our name servers that is in `prefix`; NULL: none. */
const struct watch_host *watch_hosts_in(const struct watch_hosts *hosts,
                                        const struct ip_prefix *prefix);
/*
 * The prefix of `host` that covers the route's; learned now (`*is_new`) where that is due. NULL:
 * none. `is_invalid`: RPKI says so of the route.
 */
/* struct watch_prefix *, borrowed; what is heard until then is learned. */
const GPtrArray *watch_hosts_learned(const struct watch_hosts *hosts, gint64 *until_us);
void watch_hosts_learn_until(struct watch_hosts *hosts, gint64 until_us);
/* As it was learned before a restart. NULL: no name server of the list is in it, or it is known. */
const struct watch_prefix *watch_hosts_restore(struct watch_hosts *hosts,
                                               const struct ip_prefix *prefix,
                                               const GArray *origins);
const struct watch_prefix *watch_hosts_around(struct watch_hosts *hosts,
                                              const struct watch_host *host,
                                              const struct watch_path *path,
                                              const struct ip_prefix *prefix, gboolean is_invalid,
                                              gint64 now_us, gboolean *is_new);

/* What decides about a route. */
struct watch_judging {
    const struct watch_options *options;
    const struct watch_ours *ours;
    const struct vrp_set *vrps;
    const struct aspa_set *aspas;
    const struct ip_prefix *prefix;
    const struct watch_path *path;
    const struct bgp_attributes *attributes;
    const struct watch_prefix *around, *within; /* as watch_ours_around(), _within() */
    gboolean is_within_seen;                    /* a peer holds `within` itself */
    enum rov_state rov; /* with vrps, a route that has to do with our prefixes */
};
/* Appends struct watch_finding. */
void watch_judge(const struct watch_judging *judging, GArray *findings);

/* watch_tell.c: the sentence of a report, all else of which is there. Owned by the caller. */
char *watch_text(const struct watch_report *report);

/* --- the state --- */

#define SAMPLES 24
#define WATCH_HELD_MAX 500000 /* routes of all peers; no incident counts more */

struct peer {
    struct route_peer who;
    gint64 last_us;
    gboolean is_ignored;
    const struct feed *feed; /* that spoke of it last */
    GHashTable *held;        /* struct held *, a set */
    GHashTable *lost;        /* struct visible * -> how many such routes it held when it went */
};

struct visible {
    const struct watch_prefix *prefix;
    guint count, highest;
    guint samples[SAMPLES], n_samples, next_sample;
    gint64 low_since_us; /* 0: not low */
};

struct feed {
    char *name;
    gint64 last_us;
    gboolean is_unused; /* its silence says nothing */
};

struct incident {
    char *key;
    enum watch_alarm alarm;
    const char *ours;
    gboolean has_prefix, has_as, has_rov, is_open;
    struct ip_prefix prefix;
    guint32 as, serial;
    enum rov_state rov;
    GHashTable *peers; /* struct peer * -> how many of its routes */
    guint counted;     /* in place of them, where routes are not what counts */
    guint most, told_peers;
    gint64 first_us, last_us, told_us;
    gint64 quiet_us; /* since when no peer sees it; 0: one does */
    char *path;
    GPtrArray *evidence; /* strings */
};

struct held_key {
    const struct peer *peer;
    struct ip_prefix prefix;
    guint32 path_id;
};
struct held {
    struct held_key key;
    struct bgp_attributes attributes; /* a copy of what is judged */
    GPtrArray *incidents;             /* struct incident * */
    struct visible *visible;          /* it is our prefix itself; or NULL */
};

struct watch {
    struct watch_options options;
    struct watch_ours *ours;
    struct watch_hosts *hosts;
    watch_sink sink;
    gpointer data;
    GHashTable *peers;     /* struct route_peer (of struct peer) -> struct peer */
    GPtrArray *feeds;      /* struct feed * */
    GHashTable *held;      /* struct held_key -> struct held */
    GHashTable *incidents; /* key -> struct incident */
    GPtrArray *in_order;   /* the same, as they came */
    GPtrArray *visibles;   /* struct visible *, of each prefix of ours */
    GHashTable *by_prefix; /* struct ip_prefix * -> struct visible * */
    struct watch_counts counts;
    gint64 now_us, ticked_us, sampled_us;
    /* Used again for each route. */
    struct watch_path path;
    GArray *findings;
};

/* watch.c: a prefix that is seen, or not, from now on. */
void watch_make_visible(struct watch *watch, const struct watch_prefix *prefix);
/* NULL: there are too many. */
struct peer *watch_peer_of(struct watch *watch, const struct route_peer *who);
/* A route of the peer; `is_new` FALSE: it was held before, and is no evidence. */
void watch_hold(struct watch *watch, struct peer *peer, const struct route_element *element,
                gboolean is_new);

/* watch_incident.c. `makes` FALSE: only one that is there. NULL also when there are too many. */
struct incident *watch_incident_of(struct watch *watch, const struct watch_finding *finding,
                                   const struct ip_prefix *prefix, gboolean makes);
void watch_incident_evidence(struct incident *incident, const struct route_element *element);
void watch_incident_see(struct incident *incident, struct peer *peer);
void watch_incident_unsee(struct watch *watch, struct incident *incident, struct peer *peer);
/* Told when enough see it, and again when twice as many do. */
void watch_incident_weigh(struct watch *watch, struct incident *incident);
/* Ends those that nobody sees any more. */
void watch_incidents_end(struct watch *watch);
void watch_incident_free(gpointer incident);

/* watch_absence.c. NULL: the prefix is none of ours. */
struct visible *watch_visible_of(const struct watch *watch, const struct ip_prefix *prefix);
/* A peer that is gone sees nothing, and is no longer one of those who had it. */
void watch_visible_without_peer(struct visible *visible);
/* It is back, and is one of them again. */
void watch_visible_with_peer(struct visible *visible);
void watch_visible_sample(struct visible *visible); /* once an hour */
/* With each change of its count, so that it is low from the time of the loss on. */
gboolean watch_visible_is_low(const struct watch *watch, struct visible *visible);
void watch_visible_weigh(struct watch *watch, struct visible *visible);
/* Made when it is new: it speaks since `now_us`. */
struct feed *watch_feed_of(struct watch *watch, const char *name, gint64 now_us);
void watch_feed_weigh(struct watch *watch, struct feed *feed);
