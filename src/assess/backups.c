/* backups.c: judges of what the last drill of a backup proved (recover/drill_record.h). */
#include "catalogue_judges.h"
#include "finding/measure.h"
#include "p1_resilience/recover/drill_record.h"
#include "profile/profile.h"

#define DAY_US (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)

/* The last record, or NULL after saying that there is none. */
static json_t *last_drill(const struct asset_view *view, struct finding *finding)
{
    json_t *record = drill_record_latest(view->journal, view->asset->name);

    if (!record)
        finding_not_measured(finding, REASON_NO_RECORD, "entente recover drill");
    return record;
}

/* What the record says of an aspect. Not proven is no pass: it warns. */
static void judge_aspect(struct finding *finding, const json_t *record, enum drill_aspect aspect)
{
    const char *reason = NULL, *verdict = drill_record_verdict(record, aspect, &reason);

    if (g_strcmp0(verdict, "proven") == 0)
        finding_pass(finding, NULL, 0, drill_aspect_name(aspect), "proven", "proven");
    else if (g_strcmp0(verdict, "failed") == 0)
        finding_fail(finding, NULL, 0, drill_aspect_name(aspect), reason ? reason : "failed",
                     "proven");
    else
        finding_warn(finding, NULL, 0, drill_aspect_name(aspect), reason ? reason : "not proven",
                     "proven");
}

static void judge_one(const struct asset_view *view, struct finding *finding,
                      enum drill_aspect aspect)
{
    g_autoptr(json_t) record = last_drill(view, finding);

    if (record)
        judge_aspect(finding, record, aspect);
}

/* By the clock of now: the snapshot that was recent when the drill was held grows old. */
void judge_backup_recent(const struct asset_view *view, struct finding *finding)
{
    g_autoptr(json_t) record = last_drill(view, finding);
    gint64 snapshot_us;

    if (!record)
        return;
    judge_aspect(finding, record, DRILL_FRESHNESS);
    snapshot_us = drill_record_time(record, "snapshot_time");
    if (snapshot_us && view->asset->rpo_us && view->now_us - snapshot_us > view->asset->rpo_us)
        finding_warn(finding, NULL, 0, "newest snapshot that was seen",
                     json_text(record, "snapshot_time"), "a drill that sees a newer one");
}

void judge_backup_isolated(const struct asset_view *view, struct finding *finding)
{
    judge_one(view, finding, DRILL_ISOLATION);
}

void judge_backup_immutable(const struct asset_view *view, struct finding *finding)
{
    judge_one(view, finding, DRILL_IMMUTABILITY);
}

void judge_backup_restores(const struct asset_view *view, struct finding *finding)
{
    static const enum drill_aspect aspects[] = {
        DRILL_ACCESS, DRILL_MANIFEST, DRILL_RESTORE, DRILL_TIME, DRILL_COMPLETENESS, DRILL_INTEGRITY
    };
    g_autoptr(json_t) record = last_drill(view, finding);

    for (guint i = 0; record && i < G_N_ELEMENTS(aspects); i++)
        judge_aspect(finding, record, aspects[i]);
}

void judge_backup_drilled(const struct asset_view *view, struct finding *finding)
{
    const struct event *event = records_latest(view->journal, DRILL_EVENT, view->asset->name);
    const gint64 every_us = drill_every_us(view->asset);
    g_autofree char *found = NULL, *wanted = NULL;

    wanted = g_strdup_printf("every %" G_GINT64_FORMAT " days", every_us / DAY_US);
    if (!event) {
        finding_fail(finding, NULL, 0, "last drill", "never", wanted);
        return;
    }
    found =
        g_strdup_printf("%" G_GINT64_FORMAT " days ago", (view->now_us - event->time_us) / DAY_US);
    finding_check(finding, view->now_us - event->time_us <= every_us, NULL, 0, "last drill", found,
                  wanted);
}
