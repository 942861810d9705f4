/*
 * gather.h: what is to be judged of many routes: each prefix with each of its origins once, and the
 * paths that something is wrong with; with how many routes said so, and when.
 *
 * A worker gathers, one gather a thread, and appends what it has to a file; the parent reads the
 * files of all of them into one, and judges again what it believes.
 */
#pragma once
#include "p2_internet/routes/judge.h"
#include "p2_internet/routes/route.h"

#define GATHER_PATHS_MAX 200000u /* bad paths that are kept; more are counted */

/* How often, and when. */
struct gather_seen {
    guint64 routes;
    gint64 first_us, last_us;
};

struct gather_origin {
    struct ip_prefix prefix;
    guint8 has_origin; /* 0: the path ends in a set */
    guint32 origin;
    struct gather_seen seen;
};

struct gather_path {
    struct plain_path path;
    struct ip_prefix prefix; /* one of its routes */
    struct gather_seen seen;
};

struct gather_totals {
    guint64 routes;
    guint64 aspa[ASPA_STATES];
    guint64 otc[OTC_FINDINGS]; /* of routes that have the attribute */
    guint64 bogon_as;
    guint64 lost_paths; /* bad ones beyond GATHER_PATHS_MAX, by route */
};

struct gather;
/* `aspas` is borrowed, and may be NULL. */
struct gather *gather_new(const struct aspa_set *aspas);
void gather_free(struct gather *gather);
typedef struct gather gather_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(gather_t, gather_free)

/* A route_sink: `gather` is the data. Announcements and entries of tables count. */
void gather_element(const struct route_element *element, gpointer gather);

/* Appends to a file; FALSE: it could not be written. */
gboolean gather_write(const struct gather *gather, int fd);
/* Adds what gather_write() wrote, from the file's start to its end. */
gboolean gather_read(struct gather *gather, int fd, GError **error);

const struct gather_totals *gather_totals(const struct gather *gather);
/* All, sorted by prefix and origin; the caller's. */
GArray *gather_origins(const struct gather *gather); /* struct gather_origin */
/* All, the most routes first; the caller's, what they point to is the gather's. */
GPtrArray *gather_paths(const struct gather *gather); /* struct gather_path */
