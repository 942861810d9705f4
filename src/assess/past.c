#include "assess/past.h"

#include "assess/answers.h"
#include "assess/import.h"
#include "assess/reports.h"
#include "assess/waivers.h"
#include "base/json.h"
#include "p1_resilience/recover/drill_record.h"
#include "p2_internet/clock/clock_check.h"
#include "p2_internet/ct/ct_record.h"
#include "p2_internet/routes/own_roas.h"
#include "p2_internet/zone/zone_record.h"

#define RUNS_TRIED 20u       /* newest runs looked at for one of the same tree */
#define PAST_MAX (64u << 20) /* bytes of a file that is read */

struct past {
    GHashTable *findings; /* key (finding_key()) to struct past_finding */
    GArray *trend;        /* struct trend_point; the run itself is the last */
};

struct past_finding {
    enum outcome outcome;
    gint64 first_seen_us, last_changed_us;
};

struct records *past_records(const char *data_folder, GError **error)
{
    static const char *const kinds[] = { ANSWER_EVENT, CLOCK_EVENT,      CT_EVENT,
                                         DRILL_EVENT,  IMPORT_EVENT,     ROUTES_CHECK_EVENT,
                                         WAIVER_EVENT, ZONE_CHECK_EVENT, NULL };
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

void past_free(struct past *past)
{
    g_hash_table_unref(past->findings);
    g_array_unref(past->trend);
    g_free(past);
}

/* "measure LF kind:name LF source": the same finding in two runs. */
static char *finding_key(const struct assessment *assessment,
                         const struct assessed_finding *assessed)
{
    const struct assessed_asset *asset = assessment->assets->pdata[assessed->finding->asset];

    return g_strconcat(assessed->finding->measure, "\n", asset->id, "\n", assessed->finding->source,
                       NULL);
}

static gboolean is_trouble(enum outcome outcome)
{
    return outcome == OUTCOME_FAIL || outcome == OUTCOME_WARN || outcome == OUTCOME_ERROR;
}

static void apply_finding(struct assessed_finding *assessed, const struct past_finding *before,
                          gint64 now_us)
{
    enum outcome outcome = assessed->finding->outcome;

    assessed->last_changed_us = now_us;
    if (before && before->outcome == outcome && before->last_changed_us)
        assessed->last_changed_us = before->last_changed_us;
    if (!is_trouble(outcome))
        return;
    assessed->first_seen_us = now_us;
    if (before && is_trouble(before->outcome) && before->first_seen_us)
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

void past_apply_run(struct assessment *assessment, const struct past *past)
{
    for (guint i = 0; i < assessment->findings->len; i++) {
        struct assessed_finding *assessed = assessment->findings->pdata[i];
        g_autofree char *key = finding_key(assessment, assessed);

        apply_finding(assessed, past ? g_hash_table_lookup(past->findings, key) : NULL,
                      assessment->run.started_us);
    }
    if (past)
        g_array_append_vals(assessment->trend, past->trend->data, past->trend->len);
}

/* --- the file -------------------------------------------------------------------------------- */

/*
 * {"root": text or null,
 *  "trend": [[time, 9 scores, 9 coverages, 9 failing], ...],
 *  "findings": [[key, outcome, first seen, last changed], ...]}
 */
static void put_point(struct json_writer *out, const struct trend_point *point)
{
    json_begin_array(out, NULL);
    json_put_integer(out, NULL, point->time_us);
    for (guint i = 0; i < PRINCIPLES; i++)
        json_put_integer(out, NULL, point->score[i]);
    for (guint i = 0; i < PRINCIPLES; i++)
        json_put_integer(out, NULL, point->coverage[i]);
    for (guint i = 0; i < PRINCIPLES; i++)
        json_put_integer(out, NULL, point->failing[i]);
    json_end_array(out);
}

static void put_finding(struct json_writer *out, const struct assessment *assessment,
                        const struct assessed_finding *assessed)
{
    g_autofree char *key = finding_key(assessment, assessed);

    json_begin_array(out, NULL);
    json_put_string(out, NULL, key);
    json_put_string(out, NULL, outcome_name(assessed->finding->outcome));
    json_put_integer(out, NULL, assessed->first_seen_us);
    json_put_integer(out, NULL, assessed->last_changed_us);
    json_end_array(out);
}

char *past_write(const struct assessment *assessment, gsize *length)
{
    struct json_writer *out = json_writer_new();
    const struct trend_point now = make_point(assessment);
    guint count = assessment->trend->len;

    json_begin_object(out, NULL);
    json_put_string(out, "root", assessment->run.root);
    json_begin_array(out, "trend");
    for (guint i = count < PAST_TREND_MAX ? 0 : count - PAST_TREND_MAX + 1; i < count; i++)
        put_point(out, &g_array_index(assessment->trend, struct trend_point, i));
    put_point(out, &now);
    json_end_array(out);
    json_begin_array(out, "findings");
    for (guint i = 0; i < assessment->findings->len; i++)
        put_finding(out, assessment, assessment->findings->pdata[i]);
    json_end_array(out);
    json_end_object(out);
    return json_writer_finish(out, length);
}

/* The element when it is an integer, else 0. */
static gint64 integer_at(const json_t *array, guint index)
{
    return json_integer_value(json_array_get(array, index));
}

static void read_point(struct past *past, const json_t *value)
{
    struct trend_point point = { .time_us = integer_at(value, 0) };

    for (guint i = 0; i < PRINCIPLES; i++) {
        point.score[i] = integer_at(value, 1 + i);
        point.coverage[i] = integer_at(value, 1 + PRINCIPLES + i);
        point.failing[i] = integer_at(value, 1 + 2 * PRINCIPLES + i);
    }
    g_array_append_val(past->trend, point);
}

static void read_finding(struct past *past, const json_t *value)
{
    const char *key = json_string_value(json_array_get(value, 0));
    const char *name = json_string_value(json_array_get(value, 1));
    struct past_finding *finding = g_new0(struct past_finding, 1);

    if (!key || !name || !outcome_parse(name, &finding->outcome)) {
        g_free(finding);
        return;
    }
    finding->first_seen_us = integer_at(value, 2);
    finding->last_changed_us = integer_at(value, 3);
    g_hash_table_insert(past->findings, g_strdup(key), finding);
}

static struct past *read_past(const json_t *document)
{
    struct past *past = g_new0(struct past, 1);
    const json_t *value;
    size_t index;

    past->findings = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    past->trend = g_array_new(FALSE, FALSE, sizeof(struct trend_point));
    json_array_foreach(json_object_get(document, "trend"), index, value) read_point(past, value);
    json_array_foreach(json_object_get(document, "findings"), index, value)
        read_finding(past, value);
    return past;
}

struct past *past_run(const char *data_folder, const char *root)
{
    g_auto(GStrv) runs = data_folder ? reports_list(data_folder) : NULL;
    guint count = runs ? g_strv_length(runs) : 0;

    for (guint i = 0; i < MIN(count, RUNS_TRIED); i++) {
        g_autofree char *path = reports_path(data_folder, runs[count - 1 - i], PAST_NAME);
        g_autoptr(json_t) document = json_read_file(path, PAST_MAX, NULL);

        if (document && g_strcmp0(json_text(document, "root"), root) == 0)
            return read_past(document);
    }
    return NULL;
}
