#include "assess/sarif.h"

#include "assess/summary.h"
#include "base/clock.h"
#include "base/json.h"

#include <string.h>

#define SCHEMA                                                                                     \
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
#define FINGERPRINT "entente/finding/1"

/* How severities read elsewhere: SARIF's level, and the number dashboards sort by. */
static const struct {
    const char *level, *number;
} severities[] = {
    [SEVERITY_INFO] = { "note", "0.0" },      [SEVERITY_LOW] = { "note", "2.5" },
    [SEVERITY_MEDIUM] = { "warning", "5.5" }, [SEVERITY_HIGH] = { "error", "8.0" },
    [SEVERITY_CRITICAL] = { "error", "9.5" },
};

static const char *const kinds[] = {
    [OUTCOME_NONE] = "open",         [OUTCOME_NOT_APPLICABLE] = "notApplicable",
    [OUTCOME_NOT_MEASURED] = "open", [OUTCOME_PASS] = "pass",
    [OUTCOME_WARN] = "fail",         [OUTCOME_FAIL] = "fail",
    [OUTCOME_ERROR] = "open",
};

static const char *say(const struct text *text, gboolean french)
{
    return french ? text->fr : text->en;
}

static void put_message(struct json_writer *out, const char *key, const char *text)
{
    json_begin_object(out, key);
    json_put_string(out, "text", text);
    json_end_object(out);
}

static void put_rule(struct json_writer *out, const struct measure *measure, gboolean french)
{
    g_autofree char *principle = g_strdup_printf("principle-%u", measure->principle);
    g_autofree char *help =
        g_strconcat(say(&measure->why, french), "\n\n", say(&measure->fix, french), NULL);

    json_begin_object(out, NULL);
    json_put_string(out, "id", measure->id);
    put_message(out, "shortDescription", say(&measure->title, french));
    put_message(out, "fullDescription", say(&measure->why, french));
    json_begin_object(out, "help");
    json_put_string(out, "text", help);
    json_put_string(out, "markdown", help);
    json_end_object(out);
    json_begin_object(out, "defaultConfiguration");
    json_put_string(out, "level", severities[measure->severity].level);
    json_end_object(out);
    json_begin_object(out, "properties");
    json_put_string(out, "security-severity", severities[measure->severity].number);
    json_put_integer(out, "version", measure->version);
    json_begin_array(out, "tags");
    json_put_string(out, NULL, principle);
    json_put_string(out, NULL, function_name(measure->function));
    for (const char *const *reference = measure->references; reference && *reference; reference++)
        json_put_string(out, NULL, *reference);
    json_end_array(out);
    json_end_object(out);
    json_end_object(out);
}

static void put_tool(struct json_writer *out, const struct assessment *assessment, gboolean french)
{
    json_begin_object(out, "tool");
    json_begin_object(out, "driver");
    json_put_string(out, "name", "Entente");
    json_put_string(out, "version", assessment->run.version);
    json_put_string(out, "language", french ? "fr" : "en");
    json_begin_array(out, "rules");
    for (guint i = 0; i < assessment->measures->len; i++)
        put_rule(out, assessment->measures->pdata[i], french);
    json_end_array(out);
    json_end_object(out);
    json_end_object(out);
}

static void put_invocation(struct json_writer *out, const struct assessment *assessment)
{
    g_autofree char *started = clock_format(assessment->run.started_us);
    g_autofree char *ended = clock_format(assessment->run.ended_us);

    json_begin_array(out, "invocations");
    json_begin_object(out, NULL);
    json_put_boolean(out, "executionSuccessful", TRUE);
    json_put_string(out, "startTimeUtc", started);
    json_put_string(out, "endTimeUtc", ended);
    json_begin_object(out, "properties");
    json_put_string(out, "run", assessment->run.id);
    json_put_string(out, "catalogue", assessment->run.catalogue);
    json_end_object(out);
    json_end_object(out);
    json_end_array(out);
}

/* A path as it is seen from the audited root, to a relative URI (RFC 3986). */
static void put_place(struct json_writer *out, const struct evidence *line)
{
    g_autofree char *uri =
        g_uri_escape_bytes((const guint8 *)line->path + 1, strlen(line->path + 1), "/");

    json_begin_object(out, "physicalLocation");
    json_begin_object(out, "artifactLocation");
    json_put_string(out, "uri", uri);
    json_put_string(out, "uriBaseId", "ROOT");
    json_end_object(out);
    if (line->line) {
        json_begin_object(out, "region");
        json_put_integer(out, "startLine", line->line);
        json_end_object(out);
    }
    json_end_object(out);
}

static void put_locations(struct json_writer *out, const struct finding *finding,
                          const struct assessed_asset *asset)
{
    const struct evidence *line = summary_evidence(finding);

    json_begin_array(out, "locations");
    json_begin_object(out, NULL);
    if (line && line->path && line->path[0] == '/' && line->path[1])
        put_place(out, line);
    json_begin_array(out, "logicalLocations");
    json_begin_object(out, NULL);
    json_put_string(out, "name", asset->name);
    json_put_string(out, "fullyQualifiedName", asset->id);
    json_put_string(out, "kind", asset->kind);
    json_end_object(out);
    json_end_array(out);
    json_end_object(out);
    json_end_array(out);
}

static void put_suppression(struct json_writer *out, const struct waiver *waiver)
{
    g_autofree char *until = clock_format(waiver->until_us);

    json_begin_array(out, "suppressions");
    json_begin_object(out, NULL);
    json_put_string(out, "kind", "external");
    json_put_string(out, "status", waiver->expired ? "rejected" : "accepted");
    json_put_string(out, "justification", waiver->reason);
    json_begin_object(out, "properties");
    json_put_string(out, "until", until);
    if (waiver->by)
        json_put_string(out, "by", waiver->by);
    json_end_object(out);
    json_end_object(out);
    json_end_array(out);
}

static void put_result(struct json_writer *out, const struct assessment *assessment,
                       const struct assessed_finding *assessed, GHashTable *rules)
{
    const struct finding *finding = assessed->finding;
    const struct assessed_asset *asset = assessment->assets->pdata[finding->asset];
    const struct measure *measure = assessed->measure;
    g_autofree char *summary = summary_of_finding(finding);
    g_autofree char *name = g_strconcat(measure->id, "\n", asset->id, "\n", finding->source, NULL);
    g_autofree char *fingerprint = g_compute_checksum_for_string(G_CHECKSUM_SHA256, name, -1);
    const char *level = "none";

    if (finding->outcome == OUTCOME_FAIL)
        level = severities[measure->severity].level;
    else if (finding->outcome == OUTCOME_WARN)
        level = "note";
    json_begin_object(out, NULL);
    json_put_string(out, "ruleId", measure->id);
    json_put_integer(out, "ruleIndex", GPOINTER_TO_UINT(g_hash_table_lookup(rules, measure)) - 1);
    json_put_string(out, "kind", kinds[finding->outcome]);
    json_put_string(out, "level", level);
    put_message(out, "message", summary);
    put_locations(out, finding, asset);
    json_begin_object(out, "partialFingerprints");
    json_put_string(out, FINGERPRINT, fingerprint);
    json_end_object(out);
    if (assessed->waiver)
        put_suppression(out, assessed->waiver);
    json_begin_object(out, "properties");
    json_put_string(out, "outcome", outcome_name(finding->outcome));
    if (finding->source)
        json_put_string(out, "source", finding->source);
    json_end_object(out);
    json_end_object(out);
}

char *sarif_write(const struct assessment *assessment, gboolean french, gsize *length)
{
    struct json_writer *out = json_writer_new();
    g_autoptr(GHashTable) rules = g_hash_table_new(NULL, NULL); /* measure -> index + 1 */

    for (guint i = 0; i < assessment->measures->len; i++)
        g_hash_table_insert(rules, assessment->measures->pdata[i], GUINT_TO_POINTER(i + 1));
    json_begin_object(out, NULL);
    json_put_string(out, "$schema", SCHEMA);
    json_put_string(out, "version", "2.1.0");
    json_begin_array(out, "runs");
    json_begin_object(out, NULL);
    put_tool(out, assessment, french);
    put_invocation(out, assessment);
    json_begin_object(out, "originalUriBaseIds");
    json_begin_object(out, "ROOT");
    json_put_string(out, "uri", "file:///");
    json_end_object(out);
    json_end_object(out);
    json_put_string(out, "columnKind", "unicodeCodePoints");
    json_begin_array(out, "results");
    for (guint i = 0; i < assessment->findings->len; i++)
        put_result(out, assessment, assessment->findings->pdata[i], rules);
    json_end_array(out);
    json_end_object(out);
    json_end_array(out);
    json_end_object(out);
    return json_writer_finish(out, length);
}
