/*
 * route_sighting.h: whether our own vantage sees the routes that others' alarms are about.
 *
 *     elements, in order of time -> of each alarm: which peers had the route, of those heard
 *
 * A route is held from the announcement (or the table) that has it until the peer withdraws it,
 * says another, or loses its session; it is seen where that and the time that is looked at meet. A
 * peer is heard where it says something in that time, or before and after it. Who hears nobody
 * cannot tell: that is no "not seen".
 *
 * What is found is plain bytes: it goes from the worker that reads to who asked.
 */
#pragma once
#include "p2_internet/routes/public_alarm.h"
#include "p2_internet/routes/route.h"

#define ROUTE_SIGHTING_ALARMS 32u /* that are looked for at once */
#define ROUTE_SIGHTING_ROUTES 2u  /* that are kept as evidence, the first by text */
#define ROUTE_SIGHTING_TEXT 2304u /* bytes of one, with its NUL */

/* How long before its first and after its last time a route is looked for: others' clocks and
 * feeds are not ours. */
#define ROUTE_SIGHTING_MARGIN_US ((gint64)3600 * G_USEC_PER_SEC)

struct route_sighting {
    gint64 from_us, until_us; /* what was looked at */
    guint32 peers, of;        /* that had it; that were heard */
    gint64 first_us, last_us; /* of it, within that time; 0: not seen */
    char routes[ROUTE_SIGHTING_ROUTES][ROUTE_SIGHTING_TEXT]; /* route_evidence(); or empty */
};

struct route_sightings;
typedef struct route_sightings route_sightings_t;
/* The alarms are copied; at most ROUTE_SIGHTING_ALARMS. */
struct route_sightings *route_sightings_new(const struct public_alarm *alarms, guint count);
void route_sightings_free(struct route_sightings *sightings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(route_sightings_t, route_sightings_free)

void route_sightings_take(struct route_sightings *sightings, const struct route_element *element);

/* Of each alarm, in their order, as it stands: more may be taken. `found` has room for all. */
void route_sightings_find(struct route_sightings *sightings, struct route_sighting *found);

/* "seen", "not-seen", "cannot-tell". */
const char *route_sighting_word(const struct route_sighting *sighting);

/* The predicate of a sighting without "log" and "time"; `source`: "live" or "recording". */
json_t *route_sighting_predicate(const struct route_sighting *sighting, const char *alarm_entry,
                                 const char *source);
