#include "assess/last_check.h"

#include "journal/records.h"

#define DAY_US (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)

json_t *last_check(const struct asset_view *view, struct finding *finding, const char *kind,
                   const char *key, const char *command, gint64 *age_us)
{
    const struct event *event = records_latest(view->journal, kind, key);
    json_t *record = NULL;
    gsize length;
    const void *body = event ? g_bytes_get_data(event->body, &length) : NULL;

    if (body)
        record = json_parse(body, length, JOURNAL_BODY_MAX, kind, NULL);
    if (record)
        *age_us = view->now_us - event->time_us;
    else
        finding_not_measured(finding, REASON_NO_RECORD, "%s", command);
    return record;
}

void last_check_judge_age(struct finding *finding, gint64 age_us, gint64 fresh_days,
                          gint64 stale_days)
{
    g_autofree char *found = g_strdup_printf("%" G_GINT64_FORMAT " days ago", age_us / DAY_US);
    g_autofree char *wanted = g_strdup_printf("within %" G_GINT64_FORMAT " days", fresh_days);
    void (*const say)(struct finding *, const char *, guint, const char *, const char *,
                      const char *) = age_us > stale_days * DAY_US   ? finding_fail
                                      : age_us > fresh_days * DAY_US ? finding_warn
                                                                     : finding_pass;

    say(finding, NULL, 0, "last check", found, wanted);
}
