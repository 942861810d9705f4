#include "assess/oscal.h"

#include "assess/summary.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/uuid.h"

#include <string.h>

#define OSCAL_VERSION "1.2.1"
#define NAMESPACE "urn:entente:oscal:1" /* of our own properties */

struct writing {
    struct json_writer *out;
    const struct assessment *assessment;
    gboolean french;
    char *collected; /* when the run ended */
};

static const char *say(const struct writing *writing, const struct text *text)
{
    return writing->french ? text->fr : text->en;
}

static void put_uuid(const struct writing *writing, const char *key, const char *kind,
                     const char *name)
{
    g_autofree char *full = g_strconcat(kind, "\n", name, NULL);
    g_autofree char *uuid = uuid_from_name(full);

    json_put_string(writing->out, key, uuid);
}

/* OSCAL's lines and strings hold no line feed and no white space at their ends, and are not empty.
 */
static void put_line(const struct writing *writing, const char *key, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text ? text : "", -1);

    g_strstrip(g_strdelimit(valid, "\n\r\t\v\f", ' '));
    json_put_string(writing->out, key, *valid ? valid : "-");
}

static void put_prop(const struct writing *writing, const char *name, const char *value)
{
    json_begin_object(writing->out, NULL);
    json_put_string(writing->out, "name", name);
    json_put_string(writing->out, "ns", NAMESPACE);
    put_line(writing, "value", value);
    json_end_object(writing->out);
}

/* "what" of a finding, the same in every run: asset, measure, source. */
static char *finding_name(const struct writing *writing, const struct finding *finding)
{
    const struct assessed_asset *asset = writing->assessment->assets->pdata[finding->asset];
    const char *who = writing->assessment->signatory.id;

    return g_strconcat(who ? who : "", "\n", asset->id, "\n", finding->measure, "\n",
                       finding->source, NULL);
}

static char *asset_name(const struct writing *writing, const struct assessed_asset *asset)
{
    const char *who = writing->assessment->signatory.id;

    return g_strconcat(who ? who : "", "\n", asset->id, NULL);
}

static gboolean is_party(const struct assessed_asset *asset)
{
    return g_str_equal(asset->kind, "signatory");
}

static void put_metadata(const struct writing *writing)
{
    const struct assessment *assessment = writing->assessment;
    struct json_writer *out = writing->out;

    json_begin_object(out, "metadata");
    json_put_string(out, "title",
                    writing->french ? "Évaluation selon les neuf principes"
                                    : "Assessment against the nine principles");
    json_put_string(out, "last-modified", writing->collected);
    put_line(writing, "version", assessment->run.id);
    json_put_string(out, "oscal-version", OSCAL_VERSION);
    json_begin_array(out, "parties");
    json_begin_object(out, NULL);
    put_uuid(writing, "uuid", "tool", "entente");
    json_put_string(out, "type", "organization");
    json_put_string(out, "name", "Entente");
    json_end_object(out);
    for (guint i = 0; i < assessment->assets->len; i++) {
        const struct assessed_asset *asset = assessment->assets->pdata[i];
        g_autofree char *name = asset_name(writing, asset);

        if (!is_party(asset))
            continue;
        json_begin_object(out, NULL);
        put_uuid(writing, "uuid", "asset", name);
        json_put_string(out, "type", "organization");
        put_line(writing, "name", asset->name);
        json_end_object(out);
    }
    json_end_array(out);
    json_end_object(out);
}

static gboolean has_inventory(const struct assessment *assessment)
{
    for (guint i = 0; i < assessment->assets->len; i++)
        if (!is_party(assessment->assets->pdata[i]))
            return TRUE;
    return FALSE;
}

static void put_inventory(const struct writing *writing)
{
    const struct assessment *assessment = writing->assessment;
    struct json_writer *out = writing->out;

    if (!has_inventory(assessment))
        return;
    json_begin_object(out, "local-definitions");
    json_begin_array(out, "inventory-items");
    for (guint i = 0; i < assessment->assets->len; i++) {
        const struct assessed_asset *asset = assessment->assets->pdata[i];
        g_autofree char *name = asset_name(writing, asset);

        if (is_party(asset))
            continue;
        json_begin_object(out, NULL);
        put_uuid(writing, "uuid", "asset", name);
        put_line(writing, "description", asset->name);
        json_begin_array(out, "props");
        put_prop(writing, "asset-kind", asset->kind);
        put_prop(writing, "asset-name", asset->name);
        json_end_array(out);
        json_end_object(out);
    }
    json_end_array(out);
    json_end_object(out);
}

static void put_evidence(const struct writing *writing, const struct finding *finding)
{
    if (finding->evidence->len == 0)
        return;
    json_begin_array(writing->out, "relevant-evidence");
    for (guint i = 0; i < finding->evidence->len; i++) {
        const struct evidence *line = finding->evidence->pdata[i];
        g_autofree char *text = summary_of_evidence(line);

        json_begin_object(writing->out, NULL);
        put_line(writing, "description", text);
        json_begin_array(writing->out, "props");
        put_prop(writing, "outcome", outcome_name(line->outcome));
        json_end_array(writing->out);
        json_end_object(writing->out);
    }
    json_end_array(writing->out);
}

static void put_observation(const struct writing *writing, const struct assessed_finding *assessed)
{
    const struct finding *finding = assessed->finding;
    const struct assessed_asset *asset = writing->assessment->assets->pdata[finding->asset];
    g_autofree char *name = finding_name(writing, finding);
    g_autofree char *of_asset = asset_name(writing, asset);
    g_autofree char *summary = summary_of_finding(finding);
    struct json_writer *out = writing->out;

    json_begin_object(out, NULL);
    put_uuid(writing, "uuid", "observation", name);
    put_line(writing, "title", say(writing, &assessed->measure->title));
    put_line(writing, "description", summary);
    json_begin_array(out, "props");
    put_prop(writing, "measure", finding->measure);
    put_prop(writing, "outcome", outcome_name(finding->outcome));
    if (finding->reason != REASON_NONE)
        put_prop(writing, "reason", reason_name(finding->reason));
    if (finding->source)
        put_prop(writing, "source", finding->source);
    json_end_array(out);
    json_begin_array(out, "methods");
    json_put_string(out, NULL, is_party(asset) ? "INTERVIEW" : "TEST");
    json_end_array(out);
    json_begin_array(out, "subjects");
    json_begin_object(out, NULL);
    put_uuid(writing, "subject-uuid", "asset", of_asset);
    json_put_string(out, "type", is_party(asset) ? "party" : "inventory-item");
    json_end_object(out);
    json_end_array(out);
    put_evidence(writing, finding);
    json_put_string(out, "collected", writing->collected);
    json_end_object(out);
}

static gboolean is_judged(const struct finding *finding)
{
    return finding->outcome == OUTCOME_PASS || finding->outcome == OUTCOME_WARN ||
           finding->outcome == OUTCOME_FAIL;
}

static gboolean is_risk(const struct finding *finding)
{
    return finding->outcome == OUTCOME_WARN || finding->outcome == OUTCOME_FAIL;
}

static void put_risk(const struct writing *writing, const struct assessed_finding *assessed)
{
    const struct measure *measure = assessed->measure;
    const struct waiver *waiver = assessed->waiver;
    g_autofree char *name = finding_name(writing, assessed->finding);
    g_autofree char *summary = summary_of_finding(assessed->finding);
    struct json_writer *out = writing->out;

    json_begin_object(out, NULL);
    put_uuid(writing, "uuid", "risk", name);
    put_line(writing, "title", say(writing, &measure->title));
    put_line(writing, "description", summary);
    put_line(writing, "statement", say(writing, &measure->why));
    json_begin_array(out, "props");
    put_prop(writing, "severity", severity_name(measure->severity));
    if (waiver) {
        put_prop(writing, "waiver-reason", waiver->reason);
        put_prop(writing, "waiver-expired", waiver->expired ? "true" : "false");
        if (waiver->by)
            put_prop(writing, "waiver-by", waiver->by);
    }
    json_end_array(out);
    json_put_string(out, "status", waiver && !waiver->expired ? "deviation-approved" : "open");
    if (waiver) {
        g_autofree char *until = clock_format(waiver->until_us);

        json_put_string(out, "deadline", until);
    }
    json_begin_array(out, "remediations");
    json_begin_object(out, NULL);
    put_uuid(writing, "uuid", "remediation", name);
    json_put_string(out, "lifecycle", "recommendation");
    put_line(writing, "title", say(writing, &measure->title));
    put_line(writing, "description", say(writing, &measure->fix));
    json_end_object(out);
    json_end_array(out);
    json_begin_array(out, "related-observations");
    json_begin_object(out, NULL);
    put_uuid(writing, "observation-uuid", "observation", name);
    json_end_object(out);
    json_end_array(out);
    json_end_object(out);
}

/* A token (NCName): letters, digits, '.', '-', '_', and a letter first. */
static char *token(const char *id)
{
    g_autofree char *text = g_strdup(id);

    for (char *c = text; *c; c++)
        if (!g_ascii_isalnum(*c) && !strchr(".-_", *c))
            *c = '_';
    return g_ascii_isalpha(text[0]) ? g_steal_pointer(&text) : g_strconcat("_", text, NULL);
}

static void put_finding(const struct writing *writing, const struct assessed_finding *assessed)
{
    const struct finding *finding = assessed->finding;
    g_autofree char *name = finding_name(writing, finding);
    g_autofree char *summary = summary_of_finding(finding);
    g_autofree char *target = token(finding->measure);
    struct json_writer *out = writing->out;
    gboolean good = finding->outcome == OUTCOME_PASS;

    json_begin_object(out, NULL);
    put_uuid(writing, "uuid", "finding", name);
    put_line(writing, "title", say(writing, &assessed->measure->title));
    put_line(writing, "description", summary);
    json_begin_object(out, "target");
    json_put_string(out, "type", "objective-id");
    json_put_string(out, "target-id", target);
    json_begin_object(out, "status");
    json_put_string(out, "state", good ? "satisfied" : "not-satisfied");
    json_put_string(out, "reason",
                    finding->outcome == OUTCOME_WARN ? "other" : outcome_name(finding->outcome));
    json_end_object(out);
    json_end_object(out);
    json_begin_array(out, "related-observations");
    json_begin_object(out, NULL);
    put_uuid(writing, "observation-uuid", "observation", name);
    json_end_object(out);
    json_end_array(out);
    if (is_risk(finding)) {
        json_begin_array(out, "related-risks");
        json_begin_object(out, NULL);
        put_uuid(writing, "risk-uuid", "risk", name);
        json_end_object(out);
        json_end_array(out);
    }
    json_end_object(out);
}

typedef gboolean (*choose_fn)(const struct finding *finding);
typedef void (*put_fn)(const struct writing *writing, const struct assessed_finding *assessed);

/* An array of the findings that `choose` takes (NULL: all); none at all when it would be empty. */
static void put_each(const struct writing *writing, const char *key, choose_fn choose, put_fn put)
{
    gboolean open = FALSE;

    for (guint i = 0; i < writing->assessment->findings->len; i++) {
        const struct assessed_finding *assessed = writing->assessment->findings->pdata[i];

        if (choose && !choose(assessed->finding))
            continue;
        if (!open)
            json_begin_array(writing->out, key);
        open = TRUE;
        put(writing, assessed);
    }
    if (open)
        json_end_array(writing->out);
}

static void put_scores(const struct writing *writing)
{
    json_begin_array(writing->out, "props");
    put_prop(writing, "catalogue", writing->assessment->run.catalogue);
    for (guint i = 0; i < PRINCIPLES; i++) {
        const struct score *score = &writing->assessment->scores[i];
        const struct {
            const char *what;
            int value;
        } rows[] = { { "score", score_value(score) }, { "coverage", score_coverage(score) } };

        for (guint j = 0; j < G_N_ELEMENTS(rows); j++) {
            g_autofree char *name = g_strdup_printf("principle-%u-%s", i + 1, rows[j].what);
            g_autofree char *value = g_strdup_printf("%d", rows[j].value);

            if (rows[j].value != SCORE_NONE)
                put_prop(writing, name, value);
        }
    }
    json_end_array(writing->out);
}

static void put_result(const struct writing *writing)
{
    const struct assessment *assessment = writing->assessment;
    g_autofree char *started = clock_format(assessment->run.started_us);
    struct json_writer *out = writing->out;

    json_begin_object(out, NULL);
    put_uuid(writing, "uuid", "run", assessment->run.id);
    put_line(writing, "title", assessment->run.id);
    json_put_string(out, "description",
                    writing->french ? "Ce qui a été constaté, mesure par mesure."
                                    : "What was found, measure by measure.");
    json_put_string(out, "start", started);
    json_put_string(out, "end", writing->collected);
    put_scores(writing);
    put_inventory(writing);
    json_begin_object(out, "reviewed-controls");
    json_begin_array(out, "control-selections");
    json_begin_object(out, NULL);
    json_begin_object(out, "include-all");
    json_end_object(out);
    json_end_object(out);
    json_end_array(out);
    json_end_object(out);
    put_each(writing, "observations", NULL, put_observation);
    put_each(writing, "risks", is_risk, put_risk);
    put_each(writing, "findings", is_judged, put_finding);
    json_end_object(out);
}

/* There is no assessment plan but the catalogue: it stands in for one. */
static void put_catalogue(const struct writing *writing)
{
    const struct assessment_run *run = &writing->assessment->run;
    struct json_writer *out = writing->out;

    json_begin_object(out, "back-matter");
    json_begin_array(out, "resources");
    json_begin_object(out, NULL);
    put_uuid(writing, "uuid", "catalogue", run->catalogue);
    put_line(writing, "title",
             writing->french ? "Catalogue des mesures d’Entente"
                             : "Entente's catalogue of measures");
    json_begin_array(out, "props");
    put_prop(writing, "catalogue", run->catalogue);
    if (run->catalogue_version)
        put_prop(writing, "catalogue-version", run->catalogue_version);
    json_end_array(out);
    json_end_object(out);
    json_end_array(out);
    json_end_object(out);
}

char *oscal_write(const struct assessment *assessment, gboolean french, gsize *length)
{
    g_autofree char *collected = clock_format(assessment->run.ended_us);
    g_autofree char *plan_name = g_strconcat("catalogue\n", assessment->run.catalogue, NULL);
    g_autofree char *plan = uuid_from_name(plan_name);
    g_autofree char *href = g_strconcat("#", plan, NULL);
    const struct writing writing = { json_writer_new(), assessment, french, collected };
    struct json_writer *out = writing.out;

    json_begin_object(out, NULL);
    json_begin_object(out, "assessment-results");
    put_uuid(&writing, "uuid", "document", assessment->run.id);
    put_metadata(&writing);
    json_begin_object(out, "import-ap");
    json_put_string(out, "href", href);
    json_end_object(out);
    json_begin_array(out, "results");
    put_result(&writing);
    json_end_array(out);
    put_catalogue(&writing);
    json_end_object(out);
    json_end_object(out);
    return json_writer_finish(out, length);
}
