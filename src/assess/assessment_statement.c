#include "assess/assessment_statement.h"

#include "assess/assessment_json.h"
#include "base/error.h"
#include "base/json.h"
#include "statement/dsse.h"
#include "statement/intoto.h"
#include "statement/predicate.h"

#include <string.h>

#define DOCUMENT_SCHEMA "entente/assessment/1"

guint assessment_band(gint64 score)
{
    static const gint64 lowest[PREDICATE_BANDS] = { 0, 20, 40, 60, 80 };
    guint band = 0;

    while (band < PREDICATE_BANDS && score >= lowest[band])
        band++;
    return band;
}

/* Copies the members of `from` that are there. */
static void copy_members(json_t *to, const json_t *from, const char *const *names)
{
    for (; *names; names++) {
        json_t *value = json_object_get(from, *names);

        if (value)
            json_object_set(to, *names, value);
    }
}

static gboolean commit_scores(struct commitment *commitment, const json_t *scored, GError **error)
{
    static const char *const members[] = { "score", "coverage", "weights", "counts", NULL };
    const json_t *principle;
    size_t index;

    json_array_foreach(scored, index, principle)
    {
        g_autoptr(json_t) entry =
            json_pack("{s:s, s:i}", "type", "score", "principle", (int)index + 1);

        copy_members(entry, principle, members);
        if (!commitment_add(commitment, entry, error))
            return FALSE;
    }
    return TRUE;
}

/* Findings are committed in this order, so that lots can be drawn by severity without opening any.
 */
static const char *const severities[] = { "critical", "high", "medium", "low", "info" };
#define ORDER_LENGTH G_N_ELEMENTS(severities)

static guint severity_of(const json_t *measure)
{
    const char *name = json_text(measure, "severity");
    guint i = 0;

    while (i < ORDER_LENGTH - 1 && g_strcmp0(severities[i], name) != 0)
        i++;
    return i;
}

static gboolean commit_finding(struct commitment *commitment, const json_t *finding,
                               const json_t *measure, const json_t *assets, GError **error)
{
    static const char *const members[] = { "principle", "catalogue_id", "severity", NULL };
    g_autoptr(json_t) entry = json_copy((json_t *)finding);
    json_t *asset = json_array_get(assets, (size_t)json_number(finding, "asset", -1));

    json_object_set_new(entry, "type", json_string("finding"));
    copy_members(entry, measure, members);
    json_object_set(entry, "asset", asset ? asset : json_null());
    return commitment_add(commitment, entry, error);
}

/* The most severe first; `order` receives how many there are of each, and where they begin. */
static gboolean commit_findings(struct commitment *commitment, const json_t *document,
                                json_t *order, GError **error)
{
    const json_t *measures = json_object_get(document, "measures");
    const json_t *assets = json_object_get(document, "assets"), *finding;
    const json_t *findings = json_object_get(document, "findings");
    size_t index;

    json_array_foreach(findings, index, finding)
    {
        if (!json_text(finding, "measure"))
            return input_error(error, "finding %zu of the assessment names no measure", index);
    }
    json_object_set_new(order, "first", json_integer((json_int_t)commitment_count(commitment)));
    for (guint severity = 0; severity < ORDER_LENGTH; severity++) {
        gsize before = commitment_count(commitment);

        json_array_foreach(findings, index, finding)
        {
            const json_t *measure = json_object_get(measures, json_text(finding, "measure"));

            if (severity_of(measure) == severity &&
                !commit_finding(commitment, finding, measure, assets, error))
                return FALSE;
        }
        json_object_set_new(order, severities[severity],
                            json_integer((json_int_t)(commitment_count(commitment) - before)));
    }
    return TRUE;
}

static json_t *banded(const json_t *scored)
{
    json_t *bands = json_array();
    const json_t *principle;
    size_t index;

    json_array_foreach(scored, index, principle)
    {
        guint band = assessment_band(json_number(principle, "score", -1));
        gint64 coverage = json_number(principle, "coverage", -1);

        json_array_append_new(bands,
                              json_pack("{s:i, s:o, s:o}", "n", (int)index + 1, "band",
                                        band ? json_integer(band) : json_null(), "coverage",
                                        coverage >= 0 ? json_integer(coverage) : json_null()));
    }
    return bands;
}

/* The public predicate: each member is named here, nothing is copied whole. */
static json_t *build_predicate(const json_t *document, json_t *order,
                               const struct commitment_root *root)
{
    static const char *const who[] = { "name", "domain", NULL };
    static const char *const when[] = { "started", "ended", NULL };
    const json_t *run = json_object_get(document, "run");
    const char *version = json_text(run, "version");
    const char *catalogue = json_text(run, "catalogue_version");
    const char *digest = json_text(run, "catalogue");
    g_autoptr(json_t) signatory = json_object();
    json_t *predicate = json_pack("{s:{s:s, s:s}, s:o, s:o, s:{s:s, s:s}}", "catalogue", "version",
                                  catalogue ? catalogue : "", "digest", digest ? digest : "",
                                  "principles", banded(json_object_get(document, "principles")),
                                  "commitments", commitment_root_json(root), "tool", "name",
                                  "entente", "version", version ? version : "");

    json_object_set(predicate, "order", order);
    copy_members(predicate, run, when);
    copy_members(signatory, json_object_get(document, "signatory"), who);
    if (json_object_size(signatory))
        json_object_set(predicate, "signatory", signatory);
    return predicate;
}

static GBytes *bytes_of(const json_t *value)
{
    char *text = json_pretty(value);

    return g_bytes_new_take(text, strlen(text));
}

static GBytes *build_payload(const json_t *document, GBytes *exact, json_t *order,
                             const struct commitment_root *root, GError **error)
{
    g_autofree char *sha256 = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, exact);
    g_autoptr(json_t) predicate = build_predicate(document, order, root);
    g_autoptr(GBytes) payload =
        intoto_build(ASSESSMENT_DOCUMENT_NAME, sha256, PREDICATE_ASSESSMENT, predicate, error);
    g_autoptr(json_t) statement = payload ? intoto_read(payload, error) : NULL;

    if (!statement || !predicate_verify(predicate_find(PREDICATE_ASSESSMENT), statement, error))
        return NULL;
    return g_steal_pointer(&payload);
}

gboolean assessment_statement_make(GBytes *document, json_t *tree, const struct signing_key *key,
                                   GBytes **envelope, GBytes **openings, GError **error)
{
    gsize length;
    const void *data = g_bytes_get_data(document, &length);
    g_autoptr(json_t) value =
        tree ? json_incref(tree)
             : json_parse(data, length, ASSESSMENT_DOCUMENT_MAX, ASSESSMENT_DOCUMENT_NAME, error);
    g_autoptr(commitment_t) commitment = commitment_new();
    g_autoptr(GBytes) payload = NULL;
    g_autoptr(dsse_t) signed_envelope = NULL;
    g_autoptr(json_t) envelope_json = NULL;
    g_autoptr(json_t) openings_json = NULL;
    g_autoptr(json_t) order = json_object();
    struct commitment_root root;

    if (!value)
        return FALSE;
    if (g_strcmp0(json_text(value, "schema"), DOCUMENT_SCHEMA) != 0)
        return input_error(error, ASSESSMENT_DOCUMENT_NAME ": is not of the kind " DOCUMENT_SCHEMA);
    if (!commit_scores(commitment, json_object_get(value, "principles"), error) ||
        !commit_findings(commitment, value, order, error))
        return FALSE;
    root = commitment_root(commitment);
    payload = build_payload(value, document, order, &root, error);
    if (!payload)
        return FALSE;
    signed_envelope = dsse_new(INTOTO_PAYLOAD_TYPE, payload);
    dsse_sign(signed_envelope, key);
    envelope_json = dsse_to_json(signed_envelope);
    openings_json = commitment_openings(commitment);
    *envelope = bytes_of(envelope_json);
    *openings = bytes_of(openings_json);
    return TRUE;
}

gboolean assessment_entry_is(const json_t *value, const char *id)
{
    const char *type = json_text(value, "type");
    guint64 principle;

    if (g_strcmp0(type, "score") == 0)
        return g_ascii_string_to_unsigned(id, 10, 1, PREDICATE_PRINCIPLES, &principle, NULL) &&
               (gint64)principle == json_number(value, "principle", 0);
    return g_strcmp0(json_text(value, "measure"), id) == 0 ||
           g_strcmp0(json_text(value, "catalogue_id"), id) == 0;
}
