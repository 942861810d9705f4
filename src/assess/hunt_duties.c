/*
 * hunt_duties.c: judges of whether this organisation looks for what partners warn of: tables that
 * are fresh, logs that were searched with them, alarms that somebody looked at. Facts: hunting.h.
 */
#include "assess/cooperation.h"
#include "catalogue_judges.h"

#include <string.h>

#define HOUR_S 3600
#define FRESH_S (G_GINT64_CONSTANT(48) * HOUR_S)
#define STALE_S (G_GINT64_CONSTANT(7 * 24) * HOUR_S)
#define SEARCHED_S (G_GINT64_CONSTANT(24) * HOUR_S)
#define NOTHING "the profile names no logs, and no table of indicators is installed"

/* NULL after saying why there is none. */
static const json_t *facts(const struct asset_view *view, struct finding *finding)
{
    const json_t *hunt = json_object_get(view->cooperation, "hunt");
    const char *why = json_text(json_object_get(view->cooperation, "errors"), "hunt");

    if (json_is_object(hunt))
        return hunt;
    if (why)
        finding_not_measured(finding, REASON_UNREADABLE, "%s", why);
    else
        finding_not_applicable(finding, REASON_NOT_USED, NOTHING);
    return NULL;
}

void judge_org_hunt_feeds_fresh(const struct asset_view *view, struct finding *finding)
{
    const json_t *hunt = facts(view, finding);
    const gint64 age_s = json_number(hunt, "newest_age_s", 0);
    const gint64 expired = json_number(hunt, "expired", 0);
    g_autofree char *found = NULL;

    if (!hunt)
        return;
    if (!json_number(hunt, "tables", 0)) {
        finding_fail(finding, NULL, 0, "installed tables", "none", "entente hunt install");
        return;
    }
    found = g_strdup_printf("%" G_GINT64_FORMAT " h old", age_s / HOUR_S);
    (age_s > STALE_S   ? finding_fail
     : age_s > FRESH_S ? finding_warn
                       : finding_pass)(finding, NULL, 0, "newest table", found, "at most 48 h old");
    if (expired) {
        g_autofree char *number = g_strdup_printf("%" G_GINT64_FORMAT, expired);

        finding_fail(finding, NULL, 0, "expired tables", number, "0");
    }
}

static void judge_log(struct finding *finding, const json_t *log)
{
    const char *name = json_text(log, "name"), *state = json_text(log, "state");
    const gint64 age_s = json_number(log, "age_s", 0), unread = json_number(log, "unread", 0);
    static const char wanted[] = "searched with the newest table, within 24 h";
    g_autofree char *found = NULL;

    if (g_strcmp0(state, "current") != 0) {
        finding_fail(finding, NULL, 0, name,
                     g_strcmp0(state, "never") == 0 ? "never searched"
                                                    : "searched with older tables only",
                     wanted);
        return;
    }
    found = unread ? g_strdup_printf("%" G_GINT64_FORMAT " files could not be read", unread)
                   : g_strdup_printf("searched %" G_GINT64_FORMAT " h ago", age_s / HOUR_S);
    (unread || age_s > SEARCHED_S ? finding_warn : finding_pass)(finding, NULL, 0, name, found,
                                                                 wanted);
}

void judge_org_hunt_logs_searched(const struct asset_view *view, struct finding *finding)
{
    const json_t *hunt = facts(view, finding), *log;
    size_t index;

    if (!hunt)
        return;
    if (!json_array_size(json_object_get(hunt, "logs"))) {
        finding_not_applicable(finding, REASON_NOT_USED, "the profile names no logs");
        return;
    }
    json_array_foreach(json_object_get(hunt, "logs"), index, log)
    {
        judge_log(finding, log);
    }
}

void judge_org_hunt_alarms_acknowledged(const struct asset_view *view, struct finding *finding)
{
    const json_t *hunt = facts(view, finding), *alarms;
    gint64 raised, overdue;
    g_autofree char *found = NULL;

    if (!hunt)
        return;
    alarms = json_object_get(hunt, "alarms");
    if (!json_is_object(alarms)) {
        finding_not_applicable(finding, REASON_NOT_USED, "no alarm was ever opened here");
        return;
    }
    raised = json_number(alarms, "raised", 0);
    overdue = json_number(alarms, "overdue", 0);
    found = g_strdup_printf("%" G_GINT64_FORMAT " wait, %" G_GINT64_FORMAT " of them too long",
                            raised, overdue);
    (overdue  ? finding_fail
     : raised ? finding_warn
              : finding_pass)(finding, NULL, 0, "alarms of hunts", found, "none waits");
}
