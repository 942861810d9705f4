#include "assess/past.h"

#include "assess/answers.h"
#include "assess/assessment_json.h"
#include "assess/import.h"
#include "assess/reports.h"
#include "assess/waivers.h"

#define RUNS_TRIED 20u /* newest runs looked at for one of the same tree */

struct records *past_records(const char *data_folder, GError **error)
{
    static const char *const kinds[] = { ANSWER_EVENT, IMPORT_EVENT, WAIVER_EVENT, NULL };
    g_autoptr(journal_t) journal = NULL;
    GError *problem = NULL;

    if (data_folder)
        journal = journal_open_existing(data_folder, &problem);
    if (problem) {
        g_propagate_error(error, problem);
        return NULL;
    }
    return records_load(journal, kinds, error);
}

static const char *asset_name(const struct assessment *assessment,
                              const struct assessed_finding *assessed)
{
    const struct assessed_asset *asset = assessment->assets->pdata[assessed->finding->asset];

    return asset->name;
}

void past_apply_waivers(struct assessment *assessment, const struct records *records)
{
    g_autoptr(GPtrArray) waivers = waivers_list(records);

    for (guint i = 0; i < assessment->findings->len; i++) {
        struct assessed_finding *assessed = assessment->findings->pdata[i];
        const struct waiver_record *record =
            waivers_find(waivers, assessed->finding->measure, asset_name(assessment, assessed));

        if (!record || assessed->waiver)
            continue;
        assessed->waiver = g_new0(struct waiver, 1);
        assessed->waiver->by = g_strdup(record->by);
        assessed->waiver->reason = g_strdup(record->reason);
        assessed->waiver->until_us = record->until_us;
        assessed->waiver->expired = record->until_us <= assessment->run.started_us;
    }
}

struct assessment *past_run(const char *data_folder, const char *root)
{
    g_auto(GStrv) runs = data_folder ? reports_list(data_folder) : NULL;
    guint count = runs ? g_strv_length(runs) : 0;

    for (guint i = 0; i < MIN(count, RUNS_TRIED); i++) {
        g_autofree char *path = reports_path(data_folder, runs[count - 1 - i], "assessment.json");
        g_autoptr(assessment_t) assessment = assessment_read_file(path, NULL);

        if (assessment && g_strcmp0(assessment->run.root, root) == 0)
            return g_steal_pointer(&assessment);
    }
    return NULL;
}

/* "measure LF kind:name LF source": the same finding in two runs. */
static char *finding_key(const struct assessment *assessment,
                         const struct assessed_finding *assessed)
{
    const struct assessed_asset *asset = assessment->assets->pdata[assessed->finding->asset];

    return g_strconcat(assessed->finding->measure, "\n", asset->id, "\n", assessed->finding->source,
                       NULL);
}

static GHashTable *index_findings(const struct assessment *assessment)
{
    GHashTable *index = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < assessment->findings->len; i++) {
        struct assessed_finding *assessed = assessment->findings->pdata[i];

        g_hash_table_insert(index, finding_key(assessment, assessed), assessed);
    }
    return index;
}

static gboolean is_trouble(enum outcome outcome)
{
    return outcome == OUTCOME_FAIL || outcome == OUTCOME_WARN || outcome == OUTCOME_ERROR;
}

static void apply_finding(struct assessed_finding *assessed, const struct assessed_finding *before,
                          gint64 now_us)
{
    enum outcome outcome = assessed->finding->outcome;

    assessed->last_changed_us = now_us;
    if (before && before->finding->outcome == outcome && before->last_changed_us)
        assessed->last_changed_us = before->last_changed_us;
    if (!is_trouble(outcome))
        return;
    assessed->first_seen_us = now_us;
    if (before && is_trouble(before->finding->outcome) && before->first_seen_us)
        assessed->first_seen_us = before->first_seen_us;
}

static struct trend_point make_point(const struct assessment *assessment)
{
    struct trend_point point = { .time_us = assessment->run.started_us };

    for (guint i = 0; i < PRINCIPLES; i++) {
        const struct score *score = &assessment->scores[i];

        point.score[i] = score_value(score);
        point.coverage[i] = score_coverage(score);
        point.failing[i] = score->counts[OUTCOME_FAIL];
    }
    return point;
}

void past_apply_run(struct assessment *assessment, const struct assessment *previous)
{
    g_autoptr(GHashTable) before = previous ? index_findings(previous) : NULL;
    struct trend_point point;

    for (guint i = 0; i < assessment->findings->len; i++) {
        struct assessed_finding *assessed = assessment->findings->pdata[i];
        g_autofree char *key = finding_key(assessment, assessed);

        apply_finding(assessed, before ? g_hash_table_lookup(before, key) : NULL,
                      assessment->run.started_us);
    }
    if (!previous)
        return;
    point = make_point(previous);
    g_array_append_vals(assessment->trend, previous->trend->data, previous->trend->len);
    g_array_append_val(assessment->trend, point);
    if (assessment->trend->len > PAST_TREND_MAX)
        g_array_remove_range(assessment->trend, 0, assessment->trend->len - PAST_TREND_MAX);
}
