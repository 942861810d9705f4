/*
 * certificates.c: judges of what the last reading of certificate logs found for a domain
 * (p2_internet/ct/ct_record.h), read from the journal: an assessment asks nobody.
 */
#include "assess/last_check.h"
#include "catalogue_judges.h"
#include "p2_internet/ct/ct_record.h"
#include "profile/profile.h"

#include <string.h>

#define FRESH_DAYS 2
#define STALE_DAYS 7

static json_t *last(const struct asset_view *view, struct finding *finding, gint64 *age_us)
{
    g_autofree char *name = g_ascii_strdown(view->asset->name, -1);

    return last_check(view, finding, CT_EVENT, name, "entente ct check", age_us);
}

static void judge_count(struct finding *finding, const json_t *record, enum ct_verdict verdict,
                        void (*when_any)(struct finding *, const char *, guint, const char *,
                                         const char *, const char *))
{
    const gint64 count = json_number(record, ct_verdict_name(verdict), 0);
    g_autofree char *found = g_strdup_printf("%" G_GINT64_FORMAT, count);

    (count ? when_any : finding_pass)(finding, NULL, 0, ct_verdict_name(verdict), found, "0");
}

/* Logs that were not read to their end say nothing of what stands there. */
void judge_ct_watched(const struct asset_view *view, struct finding *finding)
{
    gint64 age_us;
    g_autoptr(json_t) record = last(view, finding, &age_us);
    const json_t *log;
    size_t index;

    if (!record)
        return;
    last_check_judge_age(finding, age_us, FRESH_DAYS, STALE_DAYS);
    json_array_foreach(json_object_get(record, "logs"), index, log)
    {
        const char *origin = json_text(log, "origin"), *problem = json_text(log, "problem");
        const char *name = origin ? origin : json_text(log, "log");

        if (problem)
            finding_warn(finding, NULL, 0, name, problem, "read to its end");
        else if (json_number(log, "until", 0) < json_number(log, "size", 0))
            finding_warn(finding, NULL, 0, name, "not read to its end", "read to its end");
    }
}

void judge_ct_certificates_known(const struct asset_view *view, struct finding *finding)
{
    gint64 age_us;
    g_autoptr(json_t) record = last(view, finding, &age_us);

    if (!record)
        return;
    judge_count(finding, record, CT_UNKNOWN, finding_fail);
    judge_count(finding, record, CT_IMITATION, finding_warn);
}

void judge_ct_issuers_allowed(const struct asset_view *view, struct finding *finding)
{
    gint64 age_us;
    g_autoptr(json_t) record = last(view, finding, &age_us);

    if (record && !view->asset->caa)
        finding_not_applicable(finding, REASON_NOT_USED, "the profile gives no \"caa\"");
    else if (record)
        judge_count(finding, record, CT_NOT_ALLOWED, finding_fail);
}

void judge_ct_logs_honest(const struct asset_view *view, struct finding *finding)
{
    gint64 age_us;
    g_autoptr(json_t) record = last(view, finding, &age_us);
    const json_t *log;
    size_t index;

    json_array_foreach(json_object_get(record, "logs"), index, log)
    {
        const char *past = json_text(log, "past"), *origin = json_text(log, "origin");
        const gboolean forked = g_strcmp0(past, ct_consistency_name(CT_FORKED)) == 0;

        if (g_strcmp0(past, ct_consistency_name(CT_UNCHECKED)) == 0)
            finding_incomplete(finding, REASON_ABSENT, "%s was not checked",
                               origin ? origin : json_text(log, "log"));
        else
            (forked ? finding_fail : finding_pass)(finding, NULL, 0, origin, past, "consistent");
    }
}
