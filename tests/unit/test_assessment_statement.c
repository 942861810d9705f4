/* Module assessment_statement: what is public, what is private. */
#include "assess/assessment_statement.h"
#include "base/error.h"
#include "base/json.h"
#include "statement/dsse.h"
#include "statement/intoto.h"
#include "statement/predicate.h"
#include "statement/verifier.h"

#include <string.h>

#define SCORE 73    /* nothing else in the document is 73 */
#define COVERAGE 91 /* public */

/* A document of the shape of entente/assessment/1; principle 7 has `score`. */
static GBytes *document(int score)
{
    g_autoptr(json_t) principles = json_array();
    g_autoptr(json_t) value = NULL;
    char *text;

    for (int n = 1; n <= 9; n++)
        json_array_append_new(principles,
                              json_pack("{s:i, s:o, s:o, s:{s:i, s:i}}", "n", n, "score",
                                        n == 7 ? json_integer(score) : json_null(), "coverage",
                                        n == 7 ? json_integer(COVERAGE) : json_null(), "counts",
                                        "pass", 12345, "fail", 54321));
    value = json_pack(
        "{s:s, s:{s:s, s:s}, s:{s:s, s:s, s:s, s:s, s:s, s:s, s:s}, s:O, s:{s:{s:s, s:i, s:s}},"
        " s:[{s:s, s:s, s:s, s:s}], s:[{s:s, s:i, s:s, s:[{s:s, s:s, s:s}]}]}",
        "schema", "entente/assessment/1", "signatory", "name", "Example Town", "domain",
        "town.example", "run", "id", "20261122T000000Z-1", "started", "2026-11-22T00:00:00Z",
        "ended", "2026-11-22T00:00:01Z", "version", "0.1.0", "catalogue", "sha256:abcd",
        "catalogue_version", "2026.11", "nonce", "00ff", "principles", principles, "measures",
        "host.ssh.root-login", "catalogue_id", "SSHD-01", "principle", 7, "severity", "high",
        "assets", "id", "host:web1", "kind", "host", "name", "web1", "criticality", "normal",
        "findings", "measure", "host.ssh.root-login", "asset", 0, "outcome", "fail", "evidence",
        "type", "setting", "path", "/etc/ssh/sshd_config", "found", "PermitRootLogin yes");
    g_assert_nonnull(value);
    text = json_pretty(value);
    return g_bytes_new_take(text, strlen(text));
}

struct made {
    GBytes *envelope, *openings;
    struct verification *verdict;
};

static struct made make(const struct signing_key *key, GBytes *bytes)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    struct made made = { 0 };
    const void *data;
    gsize length;

    g_assert_true(
        assessment_statement_make(bytes, NULL, key, &made.envelope, &made.openings, &error));
    g_assert_no_error(error);
    g_ptr_array_add(keys, key->public);
    data = g_bytes_get_data(made.envelope, &length);
    made.verdict = verify_envelope(data, length, "made", keys, 1, FALSE);
    g_assert_cmpstr(made.verdict->message, ==, NULL);
    return made;
}

static void clear(struct made *made)
{
    g_bytes_unref(made->envelope);
    g_bytes_unref(made->openings);
    verification_free(made->verdict);
}

static void refuse_number(const json_t *value, json_int_t number)
{
    const char *key;
    json_t *member;
    size_t index;

    g_assert_false(json_is_integer(value) && json_integer_value(value) == number);
    json_object_foreach((json_t *)value, key, member)
    {
        g_assert_cmpstr(key, !=, "score");
        refuse_number(member, number);
    }
    json_array_foreach(value, index, member) refuse_number(member, number);
}

static void test_public_statement_hides_scores_and_findings(void)
{
    static const char *const secrets[] = { "root-login",  "SSHD-01",  "PermitRootLogin",
                                           "sshd_config", "web1",     "12345",
                                           "54321",       "\"fail\"", "nonce" };
    g_autoptr(signing_key_t) key = signing_key_generate("town.example", NULL);
    g_autoptr(GBytes) bytes = document(SCORE);
    struct made made = make(key, bytes);
    g_autofree char *payload = g_strndup(g_bytes_get_data(made.verdict->envelope->payload, NULL),
                                         g_bytes_get_size(made.verdict->envelope->payload));
    g_autofree char *sha256 = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes);
    const json_t *predicate = intoto_predicate(made.verdict->statement);
    const json_t *seventh = json_array_get(json_object_get(predicate, "principles"), 6);

    for (guint i = 0; i < G_N_ELEMENTS(secrets); i++)
        g_assert_null(strstr(payload, secrets[i]));
    refuse_number(made.verdict->statement, SCORE);
    g_assert_cmpint(json_number(seventh, "band", 0), ==, 4);
    g_assert_cmpint(json_number(seventh, "coverage", 0), ==, COVERAGE);
    g_assert_true(json_is_null(
        json_object_get(json_array_get(json_object_get(predicate, "principles"), 0), "band")));
    g_assert_cmpstr(intoto_subject_sha256(made.verdict->statement), ==, sha256);
    g_assert_true(verify_document_digest(made.verdict, sha256, "assessment.json"));
    clear(&made);
}

/* Two scores of one band cannot be told apart but by what is random. */
static void test_scores_of_one_band_look_the_same(void)
{
    g_autoptr(signing_key_t) key = signing_key_generate("town.example", NULL);
    g_autoptr(GBytes) low = document(60);
    g_autoptr(GBytes) high = document(79);
    struct made first = make(key, low), second = make(key, high);
    json_t *a = (json_t *)intoto_predicate(first.verdict->statement);
    json_t *b = (json_t *)intoto_predicate(second.verdict->statement);

    g_assert_false(json_equal(a, b));
    json_object_del(json_object_get(a, "commitments"), "root");
    json_object_del(json_object_get(b, "commitments"), "root");
    g_assert_true(json_equal(a, b));
    clear(&first);
    clear(&second);
}

static void test_bands(void)
{
    static const struct {
        gint64 score;
        guint band;
    } cases[] = { { -1, 0 }, { 0, 1 },  { 19, 1 }, { 20, 2 }, { 39, 2 }, { 40, 3 },
                  { 59, 3 }, { 60, 4 }, { 79, 4 }, { 80, 5 }, { 100, 5 } };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpuint(assessment_band(cases[i].score), ==, cases[i].band);
}

static void test_openings_prove_score_and_finding(void)
{
    g_autoptr(signing_key_t) key = signing_key_generate("town.example", NULL);
    g_autoptr(GBytes) bytes = document(SCORE);
    struct made made = make(key, bytes);
    gsize length;
    const void *data = g_bytes_get_data(made.openings, &length);
    g_autoptr(json_t) openings = json_parse(data, length, 1 << 20, "openings", NULL);
    g_autoptr(commitment_t) commitment = commitment_from_openings(openings, NULL);
    g_autoptr(json_t) opened = json_array();
    json_t *value;

    g_assert_cmpuint(commitment_count(commitment), ==, 10);
    g_assert_true(assessment_entry_is(commitment_value(commitment, 6), "7"));
    g_assert_false(assessment_entry_is(commitment_value(commitment, 6), "6"));
    g_assert_cmpint(json_number(commitment_value(commitment, 6), "score", 0), ==, SCORE);
    g_assert_true(assessment_entry_is(commitment_value(commitment, 9), "host.ssh.root-login"));
    g_assert_true(assessment_entry_is(commitment_value(commitment, 9), "SSHD-01"));
    g_assert_cmpstr(json_text(json_object_get(commitment_value(commitment, 9), "asset"), "name"),
                    ==, "web1");
    json_array_append_new(opened, commitment_open(commitment, 6));
    json_array_append_new(opened, commitment_open(commitment, 9));
    g_assert_true(verify_openings(made.verdict, opened));
    value = json_object_get(json_array_get(opened, 0), "value");
    json_object_set_new(value, "score", json_integer(SCORE + 1));
    g_assert_false(verify_openings(made.verdict, opened));
    g_assert_cmpint(made.verdict->reason, ==, VERIFY_OPENING);
    clear(&made);
}

static void test_other_documents_are_refused(void)
{
    g_autoptr(signing_key_t) key = signing_key_generate("town.example", NULL);
    static const char *const bad[] = { "", "[]", "{\"schema\":\"entente/assessment/2\"}",
                                       "{\"schema\":\"entente/assessment/1\"}" };

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GBytes) bytes = g_bytes_new_static(bad[i], strlen(bad[i]));
        g_autoptr(GError) error = NULL;
        GBytes *envelope = NULL, *openings = NULL;

        g_assert_false(assessment_statement_make(bytes, NULL, key, &envelope, &openings, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/assessment_statement/hides", test_public_statement_hides_scores_and_findings);
    g_test_add_func("/assessment_statement/one-band", test_scores_of_one_band_look_the_same);
    g_test_add_func("/assessment_statement/bands", test_bands);
    g_test_add_func("/assessment_statement/openings", test_openings_prove_score_and_finding);
    g_test_add_func("/assessment_statement/others", test_other_documents_are_refused);
    return g_test_run();
}
