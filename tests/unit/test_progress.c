/* Progress between two convenings: who counts, what is compared with what, what stays unknown. */
#include "base/error.h"
#include "p9_norms/progress.h"

#include <string.h>

/* A signatory that endorsed all principles and measured the first with `band` (0: nothing). */
static json_t *signatory(const char *id, const char *group, const char *standing, int band,
                         const char *freshness, const char *catalogue)
{
    json_t *principles = json_array(), *rows = json_array(), *value;

    for (int n = 1; n <= 9; n++) {
        json_array_append_new(principles, json_integer(n));
        json_array_append_new(rows, json_pack("{s:i, s:o, s:o}", "n", n, "band",
                                              n == 1 && band ? json_integer(band) : json_null(),
                                              "coverage",
                                              n == 1 && band ? json_integer(80) : json_integer(0)));
    }
    value = json_pack("{s:s, s:s+, s:s, s:s, s:s, s:{s:o}, s:[]}", "id", id, "domain", id,
                      ".example", "group", group, "attested", standing, "freshness", freshness,
                      "endorsement", "principles", principles, "commitments");
    json_object_set_new(value, "assessment",
                        json_pack("{s:s, s:{s:s}, s:o}", "status", "self-declared", "catalogue",
                                  "digest", catalogue, "principles", rows));
    return value;
}

static json_t *document(int size, const char *now, json_t *signatories)
{
    return json_pack("{s:s, s:s, s:i, s:s, s:{s:s}, s:o}", "schema", "entente/register/1", "log",
                     "log.example/1", "size", size, "now", now, "policy", "hash", "aa",
                     "signatories", signatories);
}

static json_t *earlier(void)
{
    return document(10, "2026-01-01T00:00:00Z",
                    json_pack("[o, o, o, o]",
                              signatory("a", "state", "policy", 2, "fresh", "sha256:1"),
                              signatory("b", "state", "attested", 3, "stale", "sha256:1"),
                              signatory("c", "private-sector", "attested", 4, "fresh", "sha256:1"),
                              signatory("d", "state", "self-declared", 5, "fresh", "sha256:1")));
}

static json_t *later(void)
{
    json_t *list =
        json_pack("[o, o, o, o]", signatory("a", "state", "policy", 4, "fresh", "sha256:1"),
                  signatory("b", "state", "attested", 1, "fresh", "sha256:2"),
                  signatory("d", "state", "attested", 5, "fresh", "sha256:1"),
                  signatory("e", "civil-society", "attested", 0, "none", "sha256:1"));
    json_t *commitments = json_object_get(json_array_get(list, 0), "commitments");

    json_array_append_new(commitments, json_pack("{s:i, s:s, s:s}", "principle", 1, "due",
                                                 "2026-11-21", "status", "pledged"));
    json_array_append_new(commitments, json_pack("{s:i, s:s, s:s}", "principle", 1, "due",
                                                 "2026-11-22", "status", "pledged"));
    json_array_append_new(commitments, json_pack("{s:i, s:s, s:s}", "principle", 1, "due",
                                                 "2026-01-01", "status", "done"));
    json_array_append_new(commitments,
                          json_pack("{s:i, s:s, s:s, s:s}", "principle", 1, "due", "2026-01-01",
                                    "status", "pledged", "updated_by", "ff"));
    return document(20, "2026-11-22T09:00:00Z", list);
}

static const json_t *cell(const json_t *progress, const char *group)
{
    const json_t *row = json_array_get(json_object_get(progress, "principles"), 0);

    return json_object_get(json_object_get(row, "groups"), group);
}

static gint64 at(const json_t *value, const char *one, const char *two, gint64 none)
{
    const json_t *inner = json_object_get(value, one);

    return two ? json_number(inner, two, none) : json_number(value, one, none);
}

static void test_groups_count_the_attested_alone(void)
{
    g_autoptr(json_t) from = earlier(), to = later();
    g_autoptr(json_t) progress = progress_compare(from, to, NULL);
    const json_t *state = cell(progress, "state");

    /* a is fresh, b stale; d was not attested yet. Later all three are fresh. */
    g_assert_cmpint(at(json_object_get(state, "from"), "signatories", NULL, -1), ==, 2);
    g_assert_cmpint(at(json_object_get(state, "from"), "coverage", NULL, -1), ==, 50);
    g_assert_cmpint(at(json_object_get(state, "to"), "signatories", NULL, -1), ==, 3);
    g_assert_cmpint(at(json_object_get(state, "to"), "coverage", NULL, -1), ==, 100);
    g_assert_cmpint(at(json_object_get(progress, "from"), "self_declared", NULL, -1), ==, 1);
    g_assert_cmpint(at(json_object_get(progress, "to"), "attested", NULL, -1), ==, 4);
}

static void test_the_cohort_is_compared_with_itself(void)
{
    g_autoptr(json_t) from = earlier(), to = later();
    g_autoptr(json_t) progress = progress_compare(from, to, NULL);
    const json_t *cohort = json_object_get(cell(progress, "state"), "cohort");

    g_assert_cmpint(at(json_object_get(cohort, "from"), "signatories", NULL, -1), ==, 2);
    g_assert_cmpint(at(json_object_get(cohort, "to"), "signatories", NULL, -1), ==, 2);
    g_assert_cmpint(at(json_object_get(cohort, "to"), "coverage", NULL, -1), ==, 100);
    /* b changed its catalogue: that its band fell says nothing. */
    g_assert_cmpint(at(cohort, "bands", "up", -1), ==, 1);
    g_assert_cmpint(at(cohort, "bands", "down", -1), ==, 0);
    g_assert_cmpint(at(cohort, "bands", "other_catalogue", -1), ==, 1);
}

static void test_what_is_missing_is_not_zero(void)
{
    g_autoptr(json_t) from = earlier(), to = later();
    g_autoptr(json_t) progress = progress_compare(from, to, NULL);
    const json_t *civil = cell(progress, "civil-society");

    g_assert_true(json_is_null(json_object_get(json_object_get(civil, "from"), "coverage")));
    g_assert_cmpint(at(json_object_get(civil, "to"), "coverage", NULL, -1), ==, 0);
    g_assert_cmpint(at(json_object_get(civil, "to"), "evidence", "none", -1), ==, 1);
}

static void test_joiners_and_leavers_stand_apart(void)
{
    g_autoptr(json_t) from = earlier(), to = later();
    g_autoptr(json_t) progress = progress_compare(from, to, NULL);
    const json_t *joiners = json_object_get(progress, "joiners");
    const json_t *leavers = json_object_get(progress, "leavers");

    g_assert_cmpuint(json_array_size(joiners), ==, 2);
    g_assert_cmpstr(json_text(json_array_get(joiners, 0), "id"), ==, "d");
    g_assert_cmpstr(json_text(json_array_get(joiners, 1), "id"), ==, "e");
    g_assert_cmpuint(json_array_size(leavers), ==, 1);
    g_assert_cmpstr(json_text(json_array_get(leavers, 0), "domain"), ==, "c.example");
}

static void test_a_commitment_is_overdue_the_day_after(void)
{
    g_autoptr(json_t) from = earlier(), to = later();
    g_autoptr(json_t) progress = progress_compare(from, to, NULL);
    const json_t *counts =
        json_object_get(json_object_get(cell(progress, "state"), "to"), "commitments");

    g_assert_cmpint(json_number(counts, "overdue", -1), ==, 1);
    g_assert_cmpint(json_number(counts, "pledged", -1), ==, 1);
    g_assert_cmpint(json_number(counts, "done", -1), ==, 1);
}

static void test_two_logs_and_the_wrong_order_are_refused(void)
{
    g_autoptr(json_t) from = earlier(), to = later();
    g_autoptr(json_t) other = json_deep_copy(to);
    g_autoptr(GError) order = NULL, log = NULL, schema = NULL;
    g_autoptr(json_t) empty = json_object();

    json_object_set_new(other, "log", json_string("log.example/2"));
    g_assert_null(progress_compare(to, from, &order));
    g_assert_error(order, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_assert_null(progress_compare(from, other, &log));
    g_assert_error(log, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_assert_null(progress_compare(from, empty, &schema));
    g_assert_error(schema, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
}

static void test_the_text_says_both_sides(void)
{
    g_autoptr(json_t) from = earlier(), to = later();
    g_autoptr(json_t) progress = progress_compare(from, to, NULL);
    g_autofree char *english = progress_text(progress, FALSE, FALSE, 0);
    g_autofree char *french = progress_text(progress, TRUE, FALSE, 0);

    g_assert_nonnull(strstr(english, "1/2 (50 %) → 3/3 (100 %)"));
    g_assert_nonnull(strstr(english, "- → 0/1 (0 %)"));
    g_assert_nonnull(strstr(english, "Joined: d.example, e.example"));
    g_assert_nonnull(strstr(french, "Partis : c.example"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/progress/attested", test_groups_count_the_attested_alone);
    g_test_add_func("/progress/cohort", test_the_cohort_is_compared_with_itself);
    g_test_add_func("/progress/missing", test_what_is_missing_is_not_zero);
    g_test_add_func("/progress/joiners", test_joiners_and_leavers_stand_apart);
    g_test_add_func("/progress/commitments", test_a_commitment_is_overdue_the_day_after);
    g_test_add_func("/progress/refused", test_two_logs_and_the_wrong_order_are_refused);
    g_test_add_func("/progress/text", test_the_text_says_both_sides);
    return g_test_run();
}
