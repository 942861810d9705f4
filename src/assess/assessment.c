#include "assess/assessment.h"

#include "base/json.h"

#include <string.h>

void waiver_free(struct waiver *waiver)
{
    g_free(waiver->by);
    g_free(waiver->reason);
    g_free(waiver);
}

static void asset_free(struct assessed_asset *asset)
{
    g_free(asset->id);
    g_free(asset->kind);
    g_free(asset->name);
    g_free(asset);
}

static void assessed_free(struct assessed_finding *assessed)
{
    g_clear_pointer(&assessed->waiver, waiver_free);
    finding_free(assessed->finding);
    g_free(assessed);
}

struct assessment *assessment_new(void)
{
    struct assessment *assessment = g_new0(struct assessment, 1);

    assessment->measures = g_ptr_array_new();
    assessment->assets = g_ptr_array_new_with_free_func((GDestroyNotify)asset_free);
    assessment->findings = g_ptr_array_new_with_free_func((GDestroyNotify)assessed_free);
    assessment->trend = g_array_new(FALSE, TRUE, sizeof(struct trend_point));
    return assessment;
}

void assessment_free(struct assessment *assessment)
{
    g_free(assessment->run.id);
    g_free(assessment->run.version);
    g_free(assessment->run.catalogue);
    g_free(assessment->run.catalogue_version);
    g_free(assessment->run.signer);
    g_free(assessment->run.profile_sha256);
    g_free(assessment->run.root);
    g_free(assessment->signatory.id);
    g_free(assessment->signatory.name);
    g_free(assessment->signatory.group);
    g_free(assessment->signatory.country);
    g_free(assessment->signatory.domain);
    g_ptr_array_unref(assessment->findings);
    g_ptr_array_unref(assessment->measures);
    g_ptr_array_unref(assessment->assets);
    g_array_unref(assessment->trend);
    json_decref(assessment->hunts);
    g_clear_pointer(&assessment->own_measures, g_ptr_array_unref);
    g_clear_pointer(&assessment->texts, g_string_chunk_free);
    g_free(assessment);
}

guint assessment_add_asset(struct assessment *assessment, const char *kind, const char *name,
                           guint criticality)
{
    struct assessed_asset *asset = g_new0(struct assessed_asset, 1);

    asset->id = g_strdup_printf("%s:%s", kind, name);
    asset->kind = g_strdup(kind);
    asset->name = g_strdup(name);
    asset->criticality = criticality;
    g_ptr_array_add(assessment->assets, asset);
    return assessment->assets->len - 1;
}

struct assessed_finding *assessment_add_finding(struct assessment *assessment,
                                                const struct measure *measure,
                                                struct finding *finding)
{
    struct assessed_finding *assessed = g_new0(struct assessed_finding, 1);

    assessed->finding = finding;
    assessed->measure = measure;
    g_ptr_array_add(assessment->findings, assessed);
    return assessed;
}

const struct measure *assessment_measure(const struct assessment *assessment, const char *id)
{
    guint low = 0, high = assessment->measures->len;

    while (low < high) {
        guint middle = low + (high - low) / 2;
        const struct measure *measure = assessment->measures->pdata[middle];
        int order = strcmp(id, measure->id);

        if (order == 0)
            return measure;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static guint criticality_of(const struct assessment *assessment, const struct finding *finding)
{
    const struct assessed_asset *asset = assessment->assets->pdata[finding->asset];

    return asset->criticality;
}

void assessment_score(struct assessment *assessment)
{
    memset(assessment->scores, 0, sizeof assessment->scores);
    for (guint i = 0; i < assessment->findings->len; i++) {
        const struct assessed_finding *assessed = assessment->findings->pdata[i];
        const struct measure *measure = assessed->measure;

        if (!assessed->finding->source)
            score_add(&assessment->scores[measure->principle - 1], assessed->finding->outcome,
                      measure->severity, criticality_of(assessment, assessed->finding));
    }
}

static gint compare_values(gconstpointer a, gconstpointer b)
{
    const struct fix_value *left = a, *right = b;

    if (left->value != right->value)
        return left->value < right->value ? 1 : -1;
    if (left->measure->severity != right->measure->severity)
        return left->measure->severity < right->measure->severity ? 1 : -1;
    return strcmp(left->measure->id, right->measure->id);
}

GArray *assessment_fixes(const struct assessment *assessment)
{
    GArray *values = g_array_new(FALSE, TRUE, sizeof(struct fix_value));

    for (guint i = 0; i < assessment->findings->len; i++) {
        const struct assessed_finding *assessed = assessment->findings->pdata[i];
        const struct finding *finding = assessed->finding;
        struct fix_value *last, one = { .measure = assessed->measure };
        guint weight;

        if (finding->source || (assessed->waiver && !assessed->waiver->expired) ||
            (finding->outcome != OUTCOME_FAIL && finding->outcome != OUTCOME_WARN))
            continue;
        /* Findings are ordered by measure, so one measure's stand together. */
        last = values->len ? &g_array_index(values, struct fix_value, values->len - 1) : NULL;
        if (!last || last->measure != assessed->measure) {
            g_array_append_val(values, one);
            last = &g_array_index(values, struct fix_value, values->len - 1);
        }
        weight = score_weight(assessed->measure->severity, criticality_of(assessment, finding));
        last->assets++;
        last->value += finding->outcome == OUTCOME_FAIL ? 2 * weight : weight;
    }
    g_array_sort(values, compare_values);
    return values;
}
