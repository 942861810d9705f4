#include "p9_norms/review.h"

#include "base/error.h"
#include "statement/commitment.h"
#include "statement/verifier.h"

#include <string.h>

#define NO_INDEX (-1)

static const json_t *finding_at(const json_t *findings, gint64 index)
{
    const json_t *finding;
    size_t i;

    json_array_foreach(findings, i, finding)
    {
        if (json_number(finding, "index", NO_INDEX) == index)
            return finding;
    }
    return NULL;
}

/* All that were drawn, each once, and only those. */
static gboolean is_what_was_drawn(const json_t *findings, const json_t *entries, GError **error)
{
    const json_t *entry, *finding;
    size_t i;

    json_array_foreach(entries, i, entry)
    {
        gint64 index = json_number(entry, "index", NO_INDEX);

        if (!finding_at(findings, index))
            return found_error(error,
                               "it opens leaf %" G_GINT64_FORMAT
                               ", which was not drawn: it is no answer to this draw",
                               index);
        if (finding_at(entries, index) != entry)
            return found_error(error, "it opens leaf %" G_GINT64_FORMAT " twice", index);
    }
    json_array_foreach(findings, i, finding)
    {
        gint64 index = json_number(finding, "index", NO_INDEX);

        if (!finding_at(entries, index))
            return found_error(error,
                               "it does not open leaf %" G_GINT64_FORMAT
                               ", which was drawn: it is no answer to this draw",
                               index);
    }
    return TRUE;
}

static void add_problem(json_t *problems, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void add_problem(json_t *problems, const char *format, ...)
{
    va_list values;
    g_autofree char *text = NULL;

    va_start(values, format);
    text = g_strdup_vprintf(format, values);
    va_end(values);
    json_array_append_new(problems, json_safe_string(text));
}

static void judge_severity(const json_t *value, const char *claimed, review_severity_fn severity_of,
                           json_t *problems)
{
    const char *severity = json_text(value, "severity"), *measure = json_text(value, "measure");
    const char *own = severity_of && measure ? severity_of(measure) : NULL;

    if (g_strcmp0(json_text(value, "type"), "finding") != 0)
        add_problem(problems, "what lies there is no finding");
    else if (!severity)
        add_problem(problems, "the finding gives no severity");
    else if (claimed && !g_str_equal(severity, claimed))
        add_problem(problems, "it is of the severity %s; its place claims %s", severity, claimed);
    if (severity && own && !g_str_equal(severity, own))
        add_problem(problems,
                    "it is of the severity %s; the same catalogue gives %s the severity %s",
                    severity, measure, own);
    if (severity_of && measure && !own)
        add_problem(problems, "the same catalogue has no measure %s", measure);
}

static json_t *judge_opening(const json_t *entry, const json_t *finding,
                             const struct commitment_root *root, review_severity_fn severity_of)
{
    const char *claimed = json_text(finding, "severity");
    g_autoptr(GError) problem = NULL;
    json_t *problems = json_array(), *opening;
    gboolean proven = commitment_verify(entry, root, &problem);

    if (proven)
        judge_severity(json_object_get(entry, "value"), claimed, severity_of, problems);
    else
        add_problem(problems, "%s", problem->message);
    opening = json_pack("{s:O, s:s?, s:b, s:o}", "index", json_object_get(entry, "index"),
                        "severity", claimed, "proven", proven, "problems", problems);
    if (proven)
        json_object_set(opening, "value", json_object_get(entry, "value"));
    return opening;
}

json_t *review_check(const json_t *draw, const json_t *disclosure, review_severity_fn severity_of,
                     GError **error)
{
    const json_t *assessment = json_object_get(draw, "assessment");
    const json_t *commitments = json_object_get(assessment, "commitments");
    const json_t *findings = json_object_get(json_object_get(draw, "draw"), "findings");
    const json_t *entries = json_object_get(disclosure, "entries"), *entry;
    g_autoptr(json_t) named = json_pack("{s:s, s:O, s:O}", "algorithm", COMMITMENT_ALGORITHM,
                                        "root", json_object_get(commitments, "root"), "count",
                                        json_object_get(commitments, "count"));
    struct commitment_root root;
    gboolean all_proven = TRUE, convicted = FALSE;
    json_t *openings;
    size_t i;

    if (!findings) {
        input_error(error, "no trusted checkpoint includes the assessment yet: nothing is drawn");
        return NULL;
    }
    if (g_strcmp0(json_text(disclosure, "schema"), DISCLOSURE_SCHEMA) != 0 ||
        !json_is_array(entries)) {
        input_error(error, "it is no disclosure (entente review open)");
        return NULL;
    }
    if (!commitment_root_read(named, &root, error) || !is_what_was_drawn(findings, entries, error))
        return NULL;
    openings = json_array();
    json_array_foreach(entries, i, entry)
    {
        json_t *opening = judge_opening(
            entry, finding_at(findings, json_number(entry, "index", NO_INDEX)), &root, severity_of);

        all_proven = all_proven && json_is_true(json_object_get(opening, "proven"));
        convicted = convicted || json_array_size(json_object_get(opening, "problems")) > 0;
        json_array_append_new(openings, opening);
    }
    return json_pack("{s:s, s:O, s:b, s:s?, s:b, s:o}", "schema", REVIEW_SCHEMA, "assessment",
                     assessment, "proven", all_proven, "suggested",
                     convicted ? "contradicted" : NULL, "catalogue_compared", severity_of != NULL,
                     "openings", openings);
}
