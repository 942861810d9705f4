/* Modules holding, claim: what is held is counted and committed to; who may see it is shown it. */
#include "p1_resilience/intel/holding.h"

#include "base/error.h"
#include "statement/dsse.h"
#include "statement/intoto.h"
#include "statement/predicate.h"

#include <string.h>

#define NOW_US (G_GINT64_CONSTANT(1795000000) * G_USEC_PER_SEC)
#define MARKED(ID, MODIFIED, MARKING)                                                              \
    "{\"type\":\"indicator\",\"id\":\"" ID "\",\"modified\":\"" MODIFIED                           \
    "\",\"object_marking_refs\":[\"marking-definition--" MARKING "\"]}"
#define RED "e828b379-4e03-4974-9ac4-e53a884c97c1"
#define CLEAR "94868c89-83c2-464b-929b-a1a8aa3c8487"
#define A "indicator--00000000-0000-4000-8000-00000000000a"
#define B "indicator--00000000-0000-4000-8000-00000000000b"

static const struct marking_context careful = { .fallback = TLP_AMBER };
static const struct egress_recipient to_log = { .kind = EGRESS_LOG, .ceiling = TLP_RED };

static void add(struct holding *holding, struct egress *egress, const char *text, gboolean onward)
{
    g_autoptr(json_t) object = json_loads(text, 0, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_nonnull(object);
    g_assert_true(holding_add(holding, egress, object, onward, &error));
    g_assert_no_error(error);
}

static json_t *statement_of(GBytes *envelope)
{
    g_autoptr(json_t) json =
        json_loadb(g_bytes_get_data(envelope, NULL), g_bytes_get_size(envelope), 0, NULL);
    g_autoptr(dsse_t) dsse = dsse_from_json(json, "envelope", NULL);
    json_t *statement = intoto_read(dsse->payload, NULL);

    g_assert_nonnull(statement);
    return statement;
}

static void test_counts_and_commits(void)
{
    g_autoptr(egress_t) egress = egress_new(&to_log, &careful, NULL);
    g_autoptr(holding_t) holding = holding_new();
    g_autoptr(signing_key_t) key = signing_key_generate("state.example", NULL);
    g_autoptr(GBytes) envelope = NULL, openings = NULL;
    g_autoptr(json_t) statement = NULL, opened = NULL;
    g_autoptr(commitment_t) commitment = NULL;
    g_autoptr(GError) error = NULL;
    const json_t *types;

    add(holding, egress, MARKED(A, "2026-11-01T00:00:00.000Z", RED), FALSE);
    add(holding, egress, MARKED(A, "2026-11-01T00:00:00.000Z", RED), FALSE); /* once */
    add(holding, egress, MARKED(A, "2026-11-02T00:00:00.000Z", RED), FALSE);
    add(holding, egress, MARKED(B, "2026-11-01T00:00:00.000Z", CLEAR), TRUE);
    add(holding, egress, "{\"type\":\"malware\",\"id\":\"malware--1\"}", FALSE);
    g_assert_cmpuint(holding_count(holding), ==, 4);
    /* The log gets the clear one as it gets the others, and the way out knows of each. */
    g_assert_cmpuint(egress_count(egress, EGRESS_PASS), ==, 1);
    g_assert_cmpuint(egress_count(egress, EGRESS_DIGEST), ==, 3);

    g_assert_true(
        holding_sign(holding, "log.example/1", NOW_US, key, &envelope, &openings, &error));
    g_assert_no_error(error);
    statement = statement_of(envelope);
    types = json_object_get(intoto_predicate(statement), "types");
    g_assert_cmpint(json_number(types, "indicator", 0), ==, 3);
    g_assert_cmpint(json_number(types, "malware", 0), ==, 1);
    g_assert_cmpstr(json_text(intoto_predicate(statement), "log"), ==, "log.example/1");

    opened = json_loadb(g_bytes_get_data(openings, NULL), g_bytes_get_size(openings), 0, NULL);
    commitment = commitment_from_openings(opened, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(commitment_count(commitment), ==, 4);
    g_assert_cmpstr(holding_id(commitment_value(commitment, 2)), ==, B);
}

/* Counts that do not fit what is committed to, and another subject, are refused. */
static void test_statements_that_lie(void)
{
    g_autoptr(egress_t) egress = egress_new(&to_log, &careful, NULL);
    g_autoptr(holding_t) holding = holding_new();
    g_autoptr(signing_key_t) key = signing_key_generate("state.example", NULL);
    g_autoptr(GBytes) envelope = NULL, openings = NULL;
    g_autoptr(json_t) statement = NULL;
    const struct predicate *row = predicate_find(PREDICATE_INDICATORS);
    g_autoptr(GError) error = NULL;
    json_t *types;

    add(holding, egress, MARKED(A, "2026-11-01T00:00:00.000Z", RED), FALSE);
    g_assert_true(holding_sign(holding, NULL, NOW_US, key, &envelope, &openings, &error));
    statement = statement_of(envelope);
    g_assert_true(predicate_verify(row, statement, &error));
    types = json_object_get(json_object_get(statement, "predicate"), "types");
    json_object_set_new(types, "indicator", json_integer(2));
    g_assert_false(predicate_verify(row, statement, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_clear_error(&error);
    json_object_set_new(types, "indicator", json_integer(1));
    json_object_set_new(types, "malware", json_integer(0));
    g_assert_false(predicate_verify(row, statement, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
}

static void test_nothing_is_no_claim(void)
{
    g_autoptr(holding_t) holding = holding_new();
    g_autoptr(signing_key_t) key = signing_key_generate("state.example", NULL);
    g_autoptr(GBytes) envelope = NULL, openings = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(holding_sign(holding, NULL, NOW_US, key, &envelope, &openings, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
}

static void test_who_may_see_it(void)
{
    static const char *const named[] = { "cert.example", NULL };
    static const struct {
        const char *level, *own;
        gboolean onward, named, shown;
    } rows[] = {
        { "clear", CLEAR, FALSE, FALSE, TRUE },   { "amber", CLEAR, FALSE, FALSE, TRUE },
        { "amber", CLEAR, TRUE, FALSE, FALSE },   { "amber", CLEAR, TRUE, TRUE, TRUE },
        { "red", CLEAR, FALSE, FALSE, FALSE },    { "red", CLEAR, FALSE, TRUE, TRUE },
        { "red", CLEAR, TRUE, TRUE, FALSE },      { "clear", RED, FALSE, FALSE, FALSE },
        { "nonsense", CLEAR, TRUE, TRUE, FALSE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct egress_recipient recipient = { .kind = EGRESS_SIGNATORY,
                                                    .id = "cert.example",
                                                    .ceiling = TLP_RED,
                                                    .named = rows[i].named ? named : NULL };
        g_autoptr(egress_t) egress = egress_new(&recipient, &careful, NULL);
        g_autofree char *mark = g_strconcat("marking-definition--", rows[i].own, NULL);
        g_autoptr(json_t) entry =
            json_pack("{s:s, s:s, s:b, s:{s:s, s:s, s:[s]}}", "type", "stix", "level",
                      rows[i].level, "onward", rows[i].onward, "object", "type", "indicator", "id",
                      A, "object_marking_refs", mark);

        g_assert_cmpint(holding_may_open(entry, egress), ==, rows[i].shown);
        g_assert_cmpuint(egress_count(egress, EGRESS_PASS), ==, rows[i].shown);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/holding/counts-and-commits", test_counts_and_commits);
    g_test_add_func("/holding/statements-that-lie", test_statements_that_lie);
    g_test_add_func("/holding/nothing-is-no-claim", test_nothing_is_no_claim);
    g_test_add_func("/holding/who-may-see-it", test_who_may_see_it);
    return g_test_run();
}
