/*
 * clocks.c: judges of what the last check of time sources found (p2_internet/clock/clock_check.h),
 * read from the journal: an assessment asks nobody.
 */
#include "assess/last_check.h"
#include "catalogue_judges.h"
#include "p2_internet/clock/clock_check.h"

#include <string.h>

#define FRESH_DAYS 7
#define STALE_DAYS 30

static json_t *last(const struct asset_view *view, struct finding *finding, gint64 *age_us)
{
    return last_check(view, finding, CLOCK_EVENT, CLOCK_KEY, "entente clock check", age_us);
}

/* One row of the check. What could not be told then is not told now. */
static void judge_row(struct finding *finding, const json_t *row)
{
    const char *id = json_text(row, "id"), *outcome = json_text(row, "outcome");
    const char *detail = json_text(row, "detail");

    if (g_strcmp0(outcome, clock_outcome_name(CLOCK_PASS)) == 0)
        finding_pass(finding, NULL, 0, id, detail, "");
    else if (g_strcmp0(outcome, clock_outcome_name(CLOCK_WARN)) == 0)
        finding_warn(finding, NULL, 0, id, detail, json_text(row, "fix"));
    else if (g_strcmp0(outcome, clock_outcome_name(CLOCK_FAIL)) == 0)
        finding_fail(finding, NULL, 0, id, detail, json_text(row, "fix"));
    else
        finding_incomplete(finding, REASON_ABSENT, "%s: %s", id, detail ? detail : "");
}

/* The rows of the names (which end with NULL). */
static void judge_rows(const struct asset_view *view, struct finding *finding,
                       const char *const *names)
{
    gint64 age_us;
    g_autoptr(json_t) record = last(view, finding, &age_us);
    const json_t *row;
    size_t index;

    json_array_foreach(json_object_get(record, "checks"), index, row)
    {
        if (json_text(row, "id") && g_strv_contains(names, json_text(row, "id")))
            judge_row(finding, row);
    }
}

void judge_clock_checked(const struct asset_view *view, struct finding *finding)
{
    gint64 age_us;
    g_autoptr(json_t) record = last(view, finding, &age_us);

    if (record)
        last_check_judge_age(finding, age_us, FRESH_DAYS, STALE_DAYS);
}

void judge_clock_sources(const struct asset_view *view, struct finding *finding)
{
    static const char *const names[] = { "answers",  "sources",  "operators", "stratum",
                                         "distance", "refusals", NULL };

    judge_rows(view, finding, names);
}

void judge_clock_agreement(const struct asset_view *view, struct finding *finding)
{
    static const char *const names[] = { "majority", "false-tickers", "leap", NULL };

    judge_rows(view, finding, names);
}

void judge_clock_protected(const struct asset_view *view, struct finding *finding)
{
    static const char *const names[] = { "authenticated", "certificates", "forged-answers", NULL };

    judge_rows(view, finding, names);
}

void judge_clock_offset(const struct asset_view *view, struct finding *finding)
{
    static const char *const names[] = { "offset", NULL };

    judge_rows(view, finding, names);
}

/* Who names no server of its own runs none. */
void judge_clock_servers(const struct asset_view *view, struct finding *finding)
{
    static const char *const names[] = { "amplification", "rate-limit", NULL };
    gint64 age_us;
    g_autoptr(json_t) record = last(view, finding, &age_us);

    if (record && !json_array_size(json_object_get(record, "servers")))
        finding_not_applicable(finding, REASON_NOT_USED, "no own NTP server is named");
    else if (record)
        judge_rows(view, finding, names);
}
