/*
 * routes_flood.h: the keeper's bound on alarms: when more incidents come than anybody can look at,
 * as many as a person may see become alarms of their own, and one alarm says how many more there
 * are. Each of those is in the journal, whole, before its report counts as done: kind
 * ROUTES_INCIDENT, asset what of ours, key the incident's, body the report (watch_report_json()).
 */
#pragma once
#include "node/background.h"
#include "p2_internet/routes/watch.h"

#define ROUTES_ALARMS_AN_HOUR 30u
#define ROUTES_INCIDENT "route-incident"
#define ROUTES_FLOOD_SETTLES_MS 10000 /* without another report: then the number is said */

/* Since the keeper began, of which the alarm was told so far. */
struct routes_flood {
    guint more, critical, told;
    gint64 since_us;
};

/* Whether a report about this topic is one of too many: not of an alarm that there is. */
gboolean routes_flood_takes(struct background_round *round, const char *topic, gboolean *takes,
                            GError **error);
/* Into the journal. */
gboolean routes_flood_keep(struct background_round *round, struct routes_flood *flood,
                           const struct watch_report *report, GError **error);
/* Whether there are twice as many as were told; `is_settled`: or any more. */
gboolean routes_flood_is_due(const struct routes_flood *flood, gboolean is_settled);
/* Opens the alarm, or adds to it. */
gboolean routes_flood_tell(struct background_round *round, struct routes_flood *flood,
                           GError **error);
