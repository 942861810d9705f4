/*
 * route_duties.c: judges of how RPKI and the Internet treat the profile's prefixes, by the last
 * record that `entente routes check --own` left (p2_internet/routes/own_roas.h).
 */
#include "assess/last_check.h"
#include "base/clock.h"
#include "catalogue_judges.h"
#include "p2_internet/routes/own_roas.h"

#include <string.h>

#define HOUR_US (G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC)
#define DAY_US (24 * HOUR_US)
#define SHORT_US (6 * HOUR_US) /* less than a registry takes to renew */

#define COMMAND "entente routes check --own"

static json_t *last_record(const struct asset_view *view, struct finding *finding)
{
    gint64 age_us;
    g_autoptr(json_t) record =
        last_check(view, finding, ROUTES_CHECK_EVENT, view->asset->name, COMMAND, &age_us);

    if (!record || g_strcmp0(json_text(record, "schema"), OWN_ROAS_SCHEMA) == 0)
        return g_steal_pointer(&record);
    finding_not_measured(finding, REASON_NO_RECORD, COMMAND);
    return NULL;
}

static char *origin_text(const json_t *origin)
{
    return json_is_integer(origin)
               ? g_strdup_printf("AS%" JSON_INTEGER_FORMAT, json_integer_value(origin))
               : g_strdup("a set of ASes");
}

void judge_org_routes_roas_cover(const struct asset_view *view, struct finding *finding)
{
    g_autoptr(json_t) record = last_record(view, finding);
    const json_t *origins = json_object_get(record, "origins"), *origin;
    const gboolean covered = json_is_true(json_object_get(record, "covered"));
    size_t index;

    if (!record)
        return;
    json_array_foreach(origins, index, origin)
    {
        g_autofree char *name = origin_text(json_object_get(origin, "asn"));
        const char *rov = json_text(origin, "rov");

        finding_check(finding, g_strcmp0(rov, "valid") == 0, NULL, 0, name, rov ? rov : "?",
                      "valid");
    }
    if (!json_array_size(origins))
        (covered ? finding_warn : finding_fail)(finding, NULL, 0, view->asset->prefix,
                                                covered ? "covered, but the profile names no origin"
                                                        : "no ROA",
                                                "a ROA for each origin of the profile");
}

/* Payloads of a list, one line of evidence each. */
static void judge_list(struct finding *finding, const json_t *list, const char *nobody)
{
    const json_t *vrp;
    size_t index;

    json_array_foreach(list, index, vrp)
    {
        const gint64 longest = json_number(vrp, "longest", -1);
        g_autofree char *wanted =
            longest < 0
                ? g_strdup(nobody)
                : g_strdup_printf("at most /%" G_GINT64_FORMAT ", which is announced", longest);
        g_autofree char *found =
            g_strdup_printf("AS%" G_GINT64_FORMAT " up to /%" G_GINT64_FORMAT,
                            json_number(vrp, "asn", 0), json_number(vrp, "max_length", 0));

        finding_fail(finding, NULL, 0, json_text(vrp, "prefix"), found, wanted);
    }
}

void judge_org_routes_roas_exact(const struct asset_view *view, struct finding *finding)
{
    g_autoptr(json_t) record = last_record(view, finding);
    const json_t *loose = json_object_get(record, "loose");
    const json_t *unused = json_object_get(record, "unused");

    if (!record)
        return;
    if (!json_is_true(json_object_get(record, "covered"))) {
        finding_not_applicable(finding, REASON_NOT_USED, "no ROA covers the prefix");
        return;
    }
    judge_list(finding, loose, NULL);
    judge_list(finding, unused, "no ROA for what nobody announces");
    if (!json_array_size(loose) && !json_array_size(unused))
        finding_pass(finding, NULL, 0, view->asset->prefix, "exact", "exact");
}

void judge_org_routes_roas_last(const struct asset_view *view, struct finding *finding)
{
    g_autoptr(json_t) record = last_record(view, finding);
    const json_t *origin;
    gboolean any = FALSE;
    size_t index;

    if (!record)
        return;
    json_array_foreach(json_object_get(record, "origins"), index, origin)
    {
        g_autofree char *name = origin_text(json_object_get(origin, "asn"));
        const char *text = json_text(origin, "expires");
        gint64 expires_us, checked_us;

        if (!text || !clock_parse(text, &expires_us, NULL) || !json_text(record, "time") ||
            !clock_parse(json_text(record, "time"), &checked_us, NULL))
            continue;
        any = TRUE;
        (expires_us <= checked_us ? finding_fail
         : expires_us - checked_us < SHORT_US
             ? finding_warn
             : finding_pass)(finding, NULL, 0, name, text, "six hours or more when it was checked");
    }
    if (!any)
        finding_not_measured(finding, REASON_ABSENT, "the payloads do not say when they expire");
}

void judge_org_routes_origins_known(const struct asset_view *view, struct finding *finding)
{
    g_autoptr(json_t) record = last_record(view, finding);
    const json_t *announced = json_object_get(record, "announced"), *one;
    size_t index;

    if (!record)
        return;
    if (!view->asset->origins) {
        finding_not_measured(finding, REASON_NO_RECORD,
                             "the profile names no origin of the prefix");
        return;
    }
    json_array_foreach(announced, index, one)
    {
        g_autofree char *found = origin_text(json_object_get(one, "origin"));

        finding_check(finding, json_is_true(json_object_get(one, "declared")), NULL, 0,
                      json_text(one, "prefix"), found, "an origin of the profile");
    }
    if (!json_array_size(announced))
        finding_not_measured(finding, REASON_ABSENT, "no route to the prefix was read");
}

static void judge_age(struct finding *finding, const char *what, const char *since, gint64 age_us)
{
    (age_us <= DAY_US       ? finding_pass
     : age_us <= 2 * DAY_US ? finding_warn
                            : finding_fail)(finding, NULL, 0, what, since, "at most 24 hours ago");
}

void judge_org_routes_payloads_fresh(const struct asset_view *view, struct finding *finding)
{
    g_autoptr(json_t) record = last_record(view, finding);
    const char *time = json_text(record, "time"), *built = json_text(record, "built");
    gint64 time_us, built_us;

    if (!record)
        return;
    if (!time || !clock_parse(time, &time_us, NULL)) {
        finding_not_measured(finding, REASON_UNREADABLE, "the record has no time");
        return;
    }
    judge_age(finding, "last check", time, view->now_us - time_us);
    if (built && clock_parse(built, &built_us, NULL))
        judge_age(finding, "payloads, at that check", built, time_us - built_us);
}
