#include "node/routes_flood.h"

#include "base/clock.h"
#include "journal/journal.h"
#include "p2_internet/routes/watch_alarm.h"

#include <stdlib.h>

#define TOPICS ROUTE_ALARM_SOURCE "|"
#define FLOOD_TOPIC ROUTE_ALARM_SOURCE " beyond the bound" /* none of TOPICS: it does not count */
#define FLOOD_SEVERITY "critical"
#define HOUR_US ((gint64)3600 * G_USEC_PER_SEC)

gboolean routes_flood_takes(struct background_round *round, const char *topic, gboolean *takes,
                            GError **error)
{
    struct cases *cases = background_cases(round, error);
    gboolean is_open = FALSE;
    guint opened = 0;

    if (!cases || !cases_alarm_is_open(cases, topic, &is_open, error) ||
        !cases_alarms_since(cases, TOPICS, clock_now_us() - HOUR_US, &opened, error))
        return FALSE;
    *takes = !is_open && opened >= ROUTES_ALARMS_AN_HOUR;
    return TRUE;
}

gboolean routes_flood_keep(struct background_round *round, struct routes_flood *flood,
                           const struct watch_report *report, GError **error)
{
    g_autoptr(journal_t) journal = journal_open(round->data, error);
    g_autoptr(json_t) line = watch_report_json(report);
    char *text = json_dumps(line, JSON_COMPACT);
    const gboolean is_kept =
        journal && journal_note(journal, ROUTES_INCIDENT, report->ours, report->key, text, error);

    free(text);
    if (!is_kept || report->step != WATCH_OPENED)
        return is_kept;
    if (!flood->more++)
        flood->since_us = report->at_us;
    flood->critical += g_str_equal(watch_rows[report->alarm].severity, FLOOD_SEVERITY);
    return TRUE;
}

gboolean routes_flood_is_due(const struct routes_flood *flood, gboolean is_settled)
{
    return flood->more > flood->told && (is_settled || flood->more >= 2 * flood->told);
}

gboolean routes_flood_tell(struct background_round *round, struct routes_flood *flood,
                           GError **error)
{
    g_autofree char *since = clock_format(flood->since_us);
    g_autofree char *text = g_strdup_printf(
        "More incidents on our routes than the %u that become alarms within an hour\n"
        "%u more since %s, %u of them critical. Each is in the journal: entente journal list "
        "--kind " ROUTES_INCIDENT "\n"
        "%u autres incidents sur nos routes depuis le %s, dont %u critiques, au-delà des %u qui "
        "deviennent des alertes en une heure. Chacun est au journal.\n",
        ROUTES_ALARMS_AN_HOUR, flood->more, since, flood->critical, flood->more, since,
        flood->critical, ROUTES_ALARMS_AN_HOUR);

    if (!background_alarm(round, FLOOD_TOPIC, FLOOD_SEVERITY, text, clock_now_us(), error))
        return FALSE;
    flood->told = flood->more;
    return TRUE;
}
