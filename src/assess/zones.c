/* zones.c: judges of what the last check of a domain found (p2_internet/zone/zone_record.h). */
#include "assess/last_check.h"
#include "catalogue_judges.h"
#include "journal/records.h"
#include "p2_internet/zone/zone_record.h"
#include "profile/profile.h"

#include <string.h>

#define FRESH_DAYS 7
#define STALE_DAYS 30

static json_t *last_zone(const struct asset_view *view, struct finding *finding)
{
    gint64 age_us;

    return last_check(view, finding, ZONE_CHECK_EVENT, view->asset->name, "entente zone check",
                      &age_us);
}

void judge_zone_checked(const struct asset_view *view, struct finding *finding)
{
    const struct event *event = records_latest(view->journal, ZONE_CHECK_EVENT, view->asset->name);

    if (event)
        last_check_judge_age(finding, view->now_us - event->time_us, FRESH_DAYS, STALE_DAYS);
    else
        finding_fail(finding, NULL, 0, "last check", "never", "within 7 days");
}

/* One problem of a check, by how severe it is: what is low is told, and passes. */
static void judge_problem(struct finding *finding, const char *check, const json_t *problem)
{
    const char *host = json_text(problem, "host"), *text = json_text(problem, "text");
    enum severity level = SEVERITY_HIGH;
    g_autofree char *found = NULL;

    if (!json_text(problem, "level") || !severity_parse(json_text(problem, "level"), &level, NULL))
        level = SEVERITY_HIGH;
    found = host ? g_strdup_printf("%s: %s", host, text ? text : "") : g_strdup(text);
    (level >= SEVERITY_HIGH     ? finding_fail
     : level == SEVERITY_MEDIUM ? finding_warn
                                : finding_pass)(finding, NULL, 0, check, found, "nothing");
}

static gboolean is_among(const char *id, const char *const *prefixes)
{
    for (; *prefixes; prefixes++)
        if (g_str_has_prefix(id, *prefixes))
            return TRUE;
    return FALSE;
}

/* All checks whose ids begin with one of the prefixes (which end with NULL). */
static void judge_checks(const struct asset_view *view, struct finding *finding,
                         const char *const *prefixes)
{
    g_autoptr(json_t) record = last_zone(view, finding);
    const json_t *check;
    gboolean applies = FALSE;
    size_t index;

    if (!record)
        return;
    json_array_foreach(json_object_get(record, "checks"), index, check)
    {
        const char *id = json_text(check, "id"), *outcome = json_text(check, "outcome");
        const json_t *problem;
        size_t each;

        if (!id || !is_among(id, prefixes))
            continue;
        applies |= g_strcmp0(outcome, "not-applicable") != 0;
        if (g_strcmp0(outcome, "pass") == 0)
            finding_pass(finding, NULL, 0, id, "nothing", "nothing");
        json_array_foreach(json_object_get(check, "problems"), each, problem)
        {
            judge_problem(finding, id, problem);
        }
    }
    if (applies)
        finding_not_measured(finding, REASON_ABSENT, "no server showed it");
    else
        finding_not_applicable(finding, REASON_NOT_USED, "the zone has nothing of the kind");
}

void judge_zone_validates(const struct asset_view *view, struct finding *finding)
{
    g_autoptr(json_t) record = last_zone(view, finding);
    const json_t *verdict;
    size_t index;

    json_array_foreach(json_object_get(record, "verdicts"), index, verdict)
    {
        const char *security = json_text(verdict, "security"), *why = json_text(verdict, "why");
        g_autofree char *found =
            why ? g_strdup_printf("%s: %s", security, why) : g_strdup(security);

        if (g_strcmp0(security, "indeterminate") == 0)
            finding_incomplete(finding, REASON_ABSENT, "%s", found);
        else
            finding_check(finding, g_strcmp0(security, "secure") == 0, NULL, 0,
                          json_text(verdict, "name"), found, "secure");
    }
}

void judge_zone_keys(const struct asset_view *view, struct finding *finding)
{
    static const char *const prefixes[] = { "ds.", "key.", "cds.", "csync.", NULL };

    judge_checks(view, finding, prefixes);
}

void judge_zone_signatures(const struct asset_view *view, struct finding *finding)
{
    static const char *const prefixes[] = { "signature.", "denial.", "nsec3.", NULL };

    judge_checks(view, finding, prefixes);
}

void judge_zone_delegation(const struct asset_view *view, struct finding *finding)
{
    static const char *const prefixes[] = { "delegation.", NULL };

    judge_checks(view, finding, prefixes);
}

void judge_zone_servers(const struct asset_view *view, struct finding *finding)
{
    static const char *const prefixes[] = { "server.", NULL };

    judge_checks(view, finding, prefixes);
}

void judge_zone_data(const struct asset_view *view, struct finding *finding)
{
    static const char *const prefixes[] = { "soa.", "data.", "mail.", "caa.", NULL };

    judge_checks(view, finding, prefixes);
}
