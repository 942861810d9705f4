/*
 * Scores as docs/scoring.md has them (score); the document out (assessment_write) and in
 * (assessment_read); the catalogue as a document (catalogue_json).
 */
#include "assess/assessment_json.h"
#include "assess/assessment_text.h"
#include "assess/catalogue.h"
#include "base/error.h"
#include "base/json.h"

#include <string.h>

static const char *const references[] = { "man:sshd_config(5)", NULL };
static const struct fix_action action = { .kind = FIX_SYSCTL, .key = "k", .value = "v" };

#define MEASURE(name, number, weight)                                                              \
    {                                                                                              \
        .id = name, .catalogue_id = NULL, .principle = number, .version = 1, .severity = weight,   \
        .asset_kind = "host", .title = { "T " name, "F " name }, .why = { "w", "p" },              \
        .fix = { "f", "c" }, .references = references                                              \
    }

static const struct measure rows[] = {
    MEASURE("host.a.critical", 7, SEVERITY_CRITICAL), MEASURE("host.b.high", 7, SEVERITY_HIGH),
    MEASURE("host.c.medium", 7, SEVERITY_MEDIUM),     MEASURE("host.d.low", 7, SEVERITY_LOW),
    MEASURE("host.e.info", 7, SEVERITY_INFO),         MEASURE("host.f.two", 2, SEVERITY_HIGH),
    MEASURE("host.g.three", 3, SEVERITY_HIGH),
};

static struct assessed_finding *add(struct assessment *assessment, guint row, guint asset,
                                    enum outcome outcome)
{
    struct finding *finding = finding_new(rows[row].id, asset);

    finding->outcome = outcome;
    return assessment_add_finding(assessment, &rows[row], finding);
}

/* The worked example of docs/scoring.md. */
static struct assessment *example(void)
{
    struct assessment *assessment = assessment_new();
    struct assessed_finding *imported;

    assessment->run.id = g_strdup("20261122T041500Z-3f9a1c");
    assessment->run.started_us = 1795320900000000;
    assessment->run.ended_us = 1795320900030000;
    assessment->run.version = g_strdup("0.1.0");
    assessment->run.catalogue = g_strdup("sha256:00");
    assessment->run.catalogue_version = g_strdup("2026.11");
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
        g_ptr_array_add(assessment->measures, (gpointer)&rows[i]);
    assessment_add_asset(assessment, "host", "web1", 3);
    assessment_add_asset(assessment, "host", "print", 1);
    add(assessment, 0, 0, OUTCOME_PASS);
    add(assessment, 0, 1, OUTCOME_FAIL);
    add(assessment, 1, 0, OUTCOME_FAIL);
    add(assessment, 1, 1, OUTCOME_NOT_MEASURED);
    add(assessment, 2, 0, OUTCOME_WARN);
    add(assessment, 2, 1, OUTCOME_NOT_APPLICABLE);
    add(assessment, 3, 0, OUTCOME_PASS);
    add(assessment, 3, 1, OUTCOME_ERROR);
    add(assessment, 4, 0, OUTCOME_FAIL);
    add(assessment, 5, 0, OUTCOME_NOT_MEASURED);
    imported = add(assessment, 6, 0, OUTCOME_FAIL);
    imported->finding->source = g_strdup("lynis 3.0.8");
    assessment_score(assessment);
    return assessment;
}

static void test_worked_example(void)
{
    g_autoptr(assessment_t) assessment = example();
    const struct score *seven = &assessment->scores[6];

    g_assert_cmpuint(seven->met2, ==, 2 * 30 + 9 + 2 * 3);
    g_assert_cmpuint(seven->unmet2, ==, 2 * 10 + 2 * 15 + 9);
    g_assert_cmpuint(seven->unassessed2, ==, 2 * 5 + 2 * 1);
    g_assert_cmpint(score_value(seven), ==, 55);
    g_assert_cmpint(score_coverage(seven), ==, 91);
    g_assert_cmpuint(seven->counts[OUTCOME_FAIL], ==, 3);
}

/* Nothing measured is no score, and nothing applicable no coverage: never a zero. */
static void test_nothing_is_no_zero(void)
{
    g_autoptr(assessment_t) assessment = example();
    g_autofree char *text = assessment_format_text(assessment, FALSE, FALSE, 100);

    g_assert_cmpint(score_value(&assessment->scores[1]), ==, SCORE_NONE);
    g_assert_cmpint(score_coverage(&assessment->scores[1]), ==, 0);
    g_assert_cmpint(score_value(&assessment->scores[0]), ==, SCORE_NONE);
    g_assert_cmpint(score_coverage(&assessment->scores[0]), ==, SCORE_NONE);
    g_assert_nonnull(strstr(text, "not assessed"));
}

/* A finding of another tool is shown, and moves no score. */
static void test_imported_findings_do_not_count(void)
{
    g_autoptr(assessment_t) assessment = example();

    g_assert_cmpint(score_value(&assessment->scores[2]), ==, SCORE_NONE);
    g_assert_cmpuint(assessment->scores[2].counts[OUTCOME_FAIL], ==, 0);
}

/* A waiver changes what is proposed, not what is so. */
static void test_waivers_do_not_count(void)
{
    g_autoptr(assessment_t) assessment = example();
    struct assessed_finding *failing = assessment->findings->pdata[2];
    int before = score_value(&assessment->scores[6]);
    g_autoptr(GArray) fixes_before = assessment_fixes(assessment), fixes_after = NULL;

    failing->waiver = g_new0(struct waiver, 1);
    failing->waiver->reason = g_strdup("replaced in spring");
    assessment_score(assessment);
    fixes_after = assessment_fixes(assessment);
    g_assert_cmpint(score_value(&assessment->scores[6]), ==, before);
    g_assert_cmpuint(fixes_after->len, ==, fixes_before->len - 1);
    failing->waiver->expired = TRUE;
    g_array_unref(g_steal_pointer(&fixes_after));
    fixes_after = assessment_fixes(assessment);
    g_assert_cmpuint(fixes_after->len, ==, fixes_before->len);
}

static void test_fixes_by_value(void)
{
    g_autoptr(assessment_t) assessment = example();
    g_autoptr(GArray) fixes = assessment_fixes(assessment);
    const struct fix_value *first = &g_array_index(fixes, struct fix_value, 0);

    g_assert_cmpuint(fixes->len, ==, 4);
    g_assert_cmpstr(first->measure->id, ==, "host.b.high"); /* 5 x 3 beats 10 x 1 */
    g_assert_cmpuint(first->assets, ==, 1);
}

static void test_document_round_trip(void)
{
    g_autoptr(assessment_t) assessment = example(), back = NULL;
    struct assessed_finding *first = assessment->findings->pdata[0];
    struct trend_point point = { .time_us = 1700000000000000 };
    g_autofree char *text = NULL, *again = NULL;
    g_autoptr(GError) error = NULL;
    gsize length;

    finding_fail(first->finding, "/etc/ssh/sshd_config", 12, "PermitRootLogin", "y\xe9s \x1b[31m",
                 "no");
    finding_redacted(first->finding, OUTCOME_FAIL, "/root/.aws", 1, "aws-key", 6);
    first->finding->omitted = 7;
    first->waiver = g_new0(struct waiver, 1);
    first->waiver->reason = g_strdup("later");
    first->waiver->until_us = 1800000000000000;
    first->first_seen_us = 1700000000000000;
    for (guint i = 0; i < PRINCIPLES; i++)
        point.score[i] = point.coverage[i] = i ? SCORE_NONE : 50;
    g_array_append_val(assessment->trend, point);
    text = assessment_write_json(assessment, &length);
    back = assessment_parse_json(text, length, "document", &error);
    g_assert_no_error(error);
    again = assessment_write_json(back, NULL);
    /* The imported finding's principle and all scores are computed again; all else is carried. */
    assessment_score(assessment);
    g_free(g_steal_pointer(&text));
    text = assessment_write_json(assessment, NULL);
    g_assert_cmpstr(text, ==, again);
}

/* `from` once in the example's document, replaced: what does reading say? */
static void refuse(const char *from, const char *to, const char *says)
{
    g_autoptr(assessment_t) assessment = example(), back = NULL;
    g_autofree char *text = assessment_write_json(assessment, NULL), *broken = NULL;
    g_autoptr(GError) error = NULL;
    const char *at = strstr(text, from);

    g_assert_nonnull(at);
    broken = g_strdup_printf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    back = assessment_parse_json(broken, strlen(broken), "FILE", &error);
    g_assert_null(back);
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, says));
}

static void test_false_documents_are_refused(void)
{
    refuse("assessment/1", "assessment/2", "schema");
    refuse("\"asset\":1", "\"asset\":2", "findings[1]: asset");
    refuse("\"asset\":1", "\"asset\":-1", "findings[1]: asset");
    refuse("\"outcome\":\"pass\"", "\"outcome\":\"good\"", "findings[0]: outcome");
    refuse("{\"measure\":\"host.b.high\"", "{\"measure\":\"host.b.hi\"", "findings[2]: measure");
    refuse("\"principle\":7", "\"principle\":10", "measures[0]: principle");
    refuse("\"principle\":7", "\"principle\":\"7\"", "measures[0]: principle");
    refuse("\"criticality\":\"high\"", "\"criticality\":\"\"", "assets[0]: criticality");
    refuse("\"nonce\":\"00", "\"nonce\":\"0", "nonce");
    refuse("\"started\":\"20", "\"started\":\"x", "started");
    refuse("\"findings\":[", "\"findings\":3,\"x\":[", "findings");
    refuse("\"trend\":[]", "\"trend\":[{\"time\":\"2026-01-01\",\"scores\":[1]}]", "trend[0]");
}

/* Scores in a document are not believed. */
static void test_scores_are_computed_again(void)
{
    g_autoptr(assessment_t) assessment = example(), back = NULL;
    g_autofree char *text = assessment_write_json(assessment, NULL);
    char *at = strstr(text, "\"score\":55");

    g_assert_nonnull(at);
    memcpy(at, "\"score\":99", 10);
    back = assessment_parse_json(text, strlen(text), "document", NULL);
    g_assert_nonnull(back);
    g_assert_cmpint(score_value(&back->scores[6]), ==, 55);
}

/* Anyone can compute the digest from `entente measures --format json`. */
static void test_catalogue_digest(void)
{
    g_autoptr(json_t) all = json_array();
    g_autoptr(GBytes) canonical = NULL;
    g_autofree char *hex = NULL, *digest = NULL;
    const struct measure *measures;
    gsize count;

    measures = catalogue_measures(&count);
    for (gsize i = 0; i < count; i++) {
        json_array_append_new(all, catalogue_row_json(&measures[i]));
        if (i)
            g_assert_cmpstr(measures[i - 1].id, <, measures[i].id);
    }
    canonical = json_canonical(all, NULL);
    g_assert_nonnull(canonical);
    hex = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, canonical);
    digest = g_strconcat("sha256:", hex, NULL);
    g_assert_cmpstr(digest, ==, catalogue_digest());
}

static void test_principles(void)
{
    for (guint i = 0; i < PRINCIPLES; i++) {
        g_assert_cmpuint(principles[i].number, ==, i + 1);
        g_assert_true(g_utf8_validate(principles[i].text.fr, -1, NULL));
    }
    g_assert_cmpstr(principles[7].name.en, ==, "No private hack back");
}

static void test_fixable_is_marked(void)
{
    g_autoptr(assessment_t) assessment = example();
    struct measure fixable = rows[1];
    struct assessed_finding *failing = assessment->findings->pdata[2];
    g_autofree char *before = assessment_format_text(assessment, FALSE, FALSE, 100), *after = NULL;

    fixable.actions = &action;
    fixable.n_actions = 1;
    failing->measure = &fixable;
    after = assessment_format_text(assessment, FALSE, FALSE, 100);
    g_assert_null(strstr(before, "entente fix"));
    g_assert_nonnull(strstr(after, "entente fix"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/score/worked-example", test_worked_example);
    g_test_add_func("/score/nothing-is-no-zero", test_nothing_is_no_zero);
    g_test_add_func("/score/imported-findings-do-not-count", test_imported_findings_do_not_count);
    g_test_add_func("/score/waivers-do-not-count", test_waivers_do_not_count);
    g_test_add_func("/assessment/fixes-by-value", test_fixes_by_value);
    g_test_add_func("/assessment/fixable-is-marked", test_fixable_is_marked);
    g_test_add_func("/assessment/document-round-trip", test_document_round_trip);
    g_test_add_func("/assessment/false-documents-are-refused", test_false_documents_are_refused);
    g_test_add_func("/assessment/scores-are-computed-again", test_scores_are_computed_again);
    g_test_add_func("/catalogue/digest", test_catalogue_digest);
    g_test_add_func("/catalogue/principles", test_principles);
    return g_test_run();
}
