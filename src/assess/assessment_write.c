/* The document of an assessment, written member by member: 5,000 findings never become a tree. */
#include "assess/assessment_json.h"
#include "base/clock.h"
#include "base/json.h"
#include "profile/profile.h"

#include <sodium.h>

static void put_present(struct json_writer *out, const char *key, const char *text)
{
    if (text)
        json_put_string(out, key, text);
}

static void put_time(struct json_writer *out, const char *key, gint64 time_us)
{
    g_autofree char *text = NULL;

    if (!time_us)
        return;
    text = clock_format(time_us);
    json_put_string(out, key, text);
}

static void put_text(struct json_writer *out, const char *key, const struct text *text)
{
    json_begin_object(out, key);
    json_put_string(out, "en", text->en);
    json_put_string(out, "fr", text->fr);
    json_end_object(out);
}

static void put_number_or_null(struct json_writer *out, const char *key, int number)
{
    if (number == SCORE_NONE)
        json_put_null(out, key);
    else
        json_put_integer(out, key, number);
}

/* A weight kept doubled: 1.5 stays 1.5. */
static void put_halves(struct json_writer *out, const char *key, guint64 doubled)
{
    g_autoptr(json_t) half = NULL;

    if (doubled % 2 == 0) {
        json_put_integer(out, key, doubled / 2);
        return;
    }
    half = json_real(doubled / 2.0);
    json_put_value(out, key, half);
}

static void put_head(struct json_writer *out, const struct assessment *assessment)
{
    const struct assessment_signatory *who = &assessment->signatory;
    const struct assessment_run *run = &assessment->run;
    char nonce[ASSESSMENT_NONCE_SIZE * 2 + 1];

    sodium_bin2hex(nonce, sizeof nonce, run->nonce, sizeof run->nonce);
    json_put_string(out, "schema", ASSESSMENT_SCHEMA);
    json_begin_object(out, "signatory");
    put_present(out, "id", who->id);
    put_present(out, "name", who->name);
    put_present(out, "group", who->group);
    put_present(out, "country", who->country);
    put_present(out, "domain", who->domain);
    json_end_object(out);
    json_begin_object(out, "run");
    json_put_string(out, "id", run->id);
    put_time(out, "started", run->started_us);
    put_time(out, "ended", run->ended_us);
    json_put_string(out, "version", run->version);
    json_put_string(out, "catalogue", run->catalogue);
    json_put_string(out, "catalogue_version", run->catalogue_version);
    put_present(out, "profile_sha256", run->profile_sha256);
    put_present(out, "root", run->root);
    put_present(out, "signer", run->signer);
    json_put_string(out, "nonce", nonce);
    json_end_object(out);
}

static void put_principle(struct json_writer *out, guint index, const struct score *score)
{
    json_begin_object(out, NULL);
    json_put_integer(out, "n", index + 1);
    put_text(out, "name", &principles[index].name);
    put_number_or_null(out, "score", score_value(score));
    put_number_or_null(out, "coverage", score_coverage(score));
    json_begin_object(out, "weights");
    put_halves(out, "met", score->met2);
    put_halves(out, "unmet", score->unmet2);
    put_halves(out, "unassessed", score->unassessed2);
    json_end_object(out);
    json_begin_object(out, "counts");
    for (enum outcome i = OUTCOME_NOT_APPLICABLE; i <= OUTCOME_ERROR; i++)
        json_put_integer(out, outcome_name(i), score->counts[i]);
    json_end_object(out);
    json_end_object(out);
}

static void put_measure(struct json_writer *out, const struct measure *measure)
{
    json_begin_object(out, measure->id);
    put_present(out, "catalogue_id", measure->catalogue_id);
    json_put_integer(out, "version", measure->version);
    json_put_integer(out, "principle", measure->principle);
    json_put_string(out, "severity", severity_name(measure->severity));
    json_put_string(out, "function", function_name(measure->function));
    put_text(out, "title", &measure->title);
    put_text(out, "why", &measure->why);
    put_text(out, "fix", &measure->fix);
    json_begin_array(out, "references");
    for (const char *const *name = measure->references; name && *name; name++)
        json_put_string(out, NULL, *name);
    json_end_array(out);
    json_put_boolean(out, "fixable", measure->n_actions > 0);
    json_begin_array(out, "needs");
    for (guint bit = NEEDS_LIVE; bit <= NEEDS_BUS; bit <<= 1)
        if (measure->needs & bit)
            json_put_string(out, NULL, needs_name(bit));
    json_end_array(out);
    json_end_object(out);
}

static void put_evidence(struct json_writer *out, const struct evidence *line)
{
    json_begin_object(out, NULL);
    json_put_string(out, "type", evidence_kind_name(line->kind));
    json_put_string(out, "outcome", outcome_name(line->outcome));
    put_present(out, "path", line->path);
    if (line->line)
        json_put_integer(out, "line", line->line);
    put_present(out, "key", line->key);
    put_present(out, "found", line->found);
    put_present(out, "wanted", line->wanted);
    json_end_object(out);
}

static void put_waiver(struct json_writer *out, const struct waiver *waiver)
{
    json_begin_object(out, "waiver");
    put_present(out, "by", waiver->by);
    put_time(out, "until", waiver->until_us);
    json_put_string(out, "reason", waiver->reason);
    if (waiver->expired)
        json_put_boolean(out, "expired", TRUE);
    json_end_object(out);
}

static void put_finding(struct json_writer *out, const struct assessed_finding *assessed)
{
    const struct finding *finding = assessed->finding;

    json_begin_object(out, NULL);
    json_put_string(out, "measure", finding->measure);
    json_put_integer(out, "asset", finding->asset);
    json_put_string(out, "outcome", outcome_name(finding->outcome));
    if (finding->reason)
        json_put_string(out, "reason", reason_name(finding->reason));
    put_present(out, "detail", finding->detail);
    json_begin_array(out, "evidence");
    for (guint i = 0; i < finding->evidence->len; i++)
        put_evidence(out, finding->evidence->pdata[i]);
    json_end_array(out);
    if (finding->omitted)
        json_put_integer(out, "omitted", finding->omitted);
    put_present(out, "source", finding->source);
    if (assessed->waiver)
        put_waiver(out, assessed->waiver);
    put_time(out, "first_seen", assessed->first_seen_us);
    put_time(out, "last_changed", assessed->last_changed_us);
    json_end_object(out);
}

static void put_trend_point(struct json_writer *out, const struct trend_point *point)
{
    json_begin_object(out, NULL);
    put_time(out, "time", point->time_us);
    json_begin_array(out, "scores");
    for (guint i = 0; i < PRINCIPLES; i++)
        put_number_or_null(out, NULL, point->score[i]);
    json_end_array(out);
    json_begin_array(out, "coverage");
    for (guint i = 0; i < PRINCIPLES; i++)
        put_number_or_null(out, NULL, point->coverage[i]);
    json_end_array(out);
    json_begin_array(out, "failing");
    for (guint i = 0; i < PRINCIPLES; i++)
        json_put_integer(out, NULL, point->failing[i]);
    json_end_array(out);
    json_end_object(out);
}

char *assessment_write_json(const struct assessment *assessment, gsize *length)
{
    struct json_writer *out = json_writer_new();

    json_begin_object(out, NULL);
    put_head(out, assessment);
    json_begin_array(out, "principles");
    for (guint i = 0; i < PRINCIPLES; i++)
        put_principle(out, i, &assessment->scores[i]);
    json_end_array(out);
    json_begin_object(out, "measures");
    for (guint i = 0; i < assessment->measures->len; i++)
        put_measure(out, assessment->measures->pdata[i]);
    json_end_object(out);
    json_begin_array(out, "assets");
    for (guint i = 0; i < assessment->assets->len; i++) {
        const struct assessed_asset *asset = assessment->assets->pdata[i];

        json_begin_object(out, NULL);
        json_put_string(out, "id", asset->id);
        json_put_string(out, "kind", asset->kind);
        json_put_string(out, "name", asset->name);
        json_put_string(out, "criticality", criticality_name(asset->criticality));
        json_end_object(out);
    }
    json_end_array(out);
    json_begin_array(out, "findings");
    for (guint i = 0; i < assessment->findings->len; i++)
        put_finding(out, assessment->findings->pdata[i]);
    json_end_array(out);
    json_begin_array(out, "trend");
    for (guint i = 0; i < assessment->trend->len; i++)
        put_trend_point(out, &g_array_index(assessment->trend, struct trend_point, i));
    json_end_array(out);
    if (assessment->hunts)
        json_put_value(out, "hunts", assessment->hunts);
    json_end_object(out);
    return json_writer_finish(out, length);
}
