/* What a reviewer is handed, judged by the draw; norm references; the record of contacts. */
#include "base/error.h"
#include "p9_norms/contacts.h"
#include "p9_norms/norms.h"
#include "p9_norms/references.h"
#include "p9_norms/review.h"
#include "statement/commitment.h"
#include "statement/verifier.h"

#include <string.h>

/* Leaves 0 and 1 are claimed high, 2 low; what lies at 1 is of another severity. */
static struct commitment *commit(const char *severity_of_second)
{
    struct commitment *commitment = commitment_new();
    const char *const severities[] = { "high", severity_of_second, "low" };

    for (guint i = 0; i < G_N_ELEMENTS(severities); i++) {
        g_autoptr(json_t) value =
            json_pack("{s:s, s:s, s:s, s:s}", "type", "finding", "measure", "host.example",
                      "severity", severities[i], "outcome", "fail");

        g_assert_true(commitment_add(commitment, value, NULL));
    }
    return commitment;
}

static json_t *draw_of(const struct commitment *commitment)
{
    const struct commitment_root root = commitment_root(commitment);
    g_autoptr(json_t) stated = commitment_root_json(&root);

    return json_pack("{s:{s:i, s:s, s:{s:O, s:O}}, s:{s:[{s:i, s:s}, {s:i, s:s}]}}", "assessment",
                     "index", 7, "domain", "a.example", "commitments", "root",
                     json_object_get(stated, "root"), "count", json_object_get(stated, "count"),
                     "draw", "findings", "index", 0, "severity", "high", "index", 1, "severity",
                     "high");
}

static json_t *disclose(const struct commitment *commitment, const guint *leaves, guint count)
{
    json_t *entries = json_array();

    for (guint i = 0; i < count; i++)
        json_array_append_new(entries, commitment_open(commitment, leaves[i]));
    return json_pack("{s:s, s:o}", "schema", DISCLOSURE_SCHEMA, "entries", entries);
}

static const guint drawn[] = { 0, 1 };

static void an_answer_is_what_was_drawn(void)
{
    static const struct {
        guint leaves[3], count;
        const char *reason; /* NULL: it is one */
    } cases[] = {
        { { 0, 1 }, 2, NULL },
        { { 1, 0 }, 2, NULL },
        { { 0 }, 1, "does not open leaf 1" },
        { { 0, 1, 2 }, 3, "leaf 2, which was not drawn" },
        { { 0, 2 }, 2, "leaf 2, which was not drawn" },
        { { 0, 1, 0 }, 3, "leaf 0 twice" },
        { { 0 }, 0, "does not open leaf 0" },
    };
    g_autoptr(commitment_t) commitment = commit("high");
    g_autoptr(json_t) draw = draw_of(commitment);

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(json_t) disclosure = disclose(commitment, cases[i].leaves, cases[i].count);
        g_autoptr(GError) error = NULL;
        g_autoptr(json_t) check = review_check(draw, disclosure, NULL, &error);

        g_assert_true((check != NULL) == (cases[i].reason == NULL));
        if (cases[i].reason) {
            g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_FOUND);
            g_assert_nonnull(strstr(error->message, cases[i].reason));
        } else {
            g_assert_true(json_is_true(json_object_get(check, "proven")));
            g_assert_null(json_text(check, "suggested"));
        }
    }
}

/* The problem of the second opening; NULL: none. */
static const char *second_problem(const json_t *check)
{
    const json_t *opening = json_array_get(json_object_get(check, "openings"), 1);

    return json_string_value(json_array_get(json_object_get(opening, "problems"), 0));
}

static void a_false_class_convicts_its_signer(void)
{
    g_autoptr(commitment_t) commitment = commit("critical");
    g_autoptr(json_t) draw = draw_of(commitment);
    g_autoptr(json_t) disclosure = disclose(commitment, drawn, 2);
    g_autoptr(json_t) check = review_check(draw, disclosure, NULL, NULL);

    g_assert_true(json_is_true(json_object_get(check, "proven")));
    g_assert_cmpstr(json_text(check, "suggested"), ==, "contradicted");
    g_assert_cmpstr(second_problem(check), ==,
                    "it is of the severity critical; its place claims high");
}

static const char *always_low(const char *measure)
{
    return g_str_equal(measure, "host.example") ? "low" : NULL;
}

static const char *knows_nothing(const char *measure)
{
    (void)measure;
    return NULL;
}

static void the_own_catalogue_is_asked_when_it_is_the_same(void)
{
    g_autoptr(commitment_t) commitment = commit("high");
    g_autoptr(json_t) draw = draw_of(commitment);
    g_autoptr(json_t) disclosure = disclose(commitment, drawn, 2);
    g_autoptr(json_t) check = review_check(draw, disclosure, always_low, NULL);
    g_autoptr(json_t) unknown = review_check(draw, disclosure, knows_nothing, NULL);

    g_assert_cmpstr(json_text(check, "suggested"), ==, "contradicted");
    g_assert_nonnull(strstr(second_problem(check), "gives host.example the severity low"));
    g_assert_cmpstr(second_problem(unknown), ==, "the same catalogue has no measure host.example");
}

static void a_changed_opening_is_not_shown_as_proven(void)
{
    g_autoptr(commitment_t) commitment = commit("high");
    g_autoptr(json_t) draw = draw_of(commitment);
    g_autoptr(json_t) disclosure = disclose(commitment, drawn, 2);
    json_t *value =
        json_object_get(json_array_get(json_object_get(disclosure, "entries"), 1), "value");
    g_autoptr(json_t) check = NULL;

    json_object_set_new(value, "outcome", json_string("pass"));
    check = review_check(draw, disclosure, NULL, NULL);
    g_assert_false(json_is_true(json_object_get(check, "proven")));
    g_assert_cmpstr(json_text(check, "suggested"), ==, "contradicted");
    g_assert_null(json_object_get(json_array_get(json_object_get(check, "openings"), 1), "value"));
}

static void norms_go_to_their_members(void)
{
    char *given[] = { "osce:8", "un:k", "un:a", "gcsc:3", "un-cbm:2", "un:a", NULL };
    g_autoptr(json_t) predicate = json_object();
    g_autoptr(json_t) wanted = json_pack("{s:[s, s], s:[i], s:[s, s]}", "norms", "a", "k", "gcsc",
                                         3, "cbms", "OSCE-8", "UN-2");
    g_autofree char *text = NULL;

    g_assert_true(norm_references_set(predicate, given, NORM_MEMBERS_ALL, NULL));
    g_assert_true(json_equal(predicate, wanted));
    text = norm_references_text(predicate);
    g_assert_cmpstr(text, ==, "un:a un:k gcsc:3 osce:8 un-cbm:2");
}

static void every_norm_comes_back(void)
{
    for (gsize i = 0; i < NORMS; i++) {
        g_autofree char *name =
            g_strdup_printf("%s:%s", norm_systems[norms[i].system].name, norms[i].id);
        char *given[] = { name, NULL };
        g_autoptr(json_t) predicate = json_object();
        g_autofree char *text = NULL;

        g_assert_true(norm_references_set(predicate, given, NORM_MEMBERS_ALL, NULL));
        text = norm_references_text(predicate);
        g_assert_cmpstr(text, ==, name);
    }
}

static void a_norm_out_of_place_is_refused(void)
{
    char *unknown[] = { "un:q", NULL }, *elsewhere[] = { "un:a", "osce:1", NULL };
    g_autoptr(json_t) predicate = json_object();
    g_autoptr(GError) error = NULL, other = NULL;

    g_assert_false(norm_references_set(predicate, unknown, NORM_MEMBERS_ALL, &error));
    g_assert_nonnull(strstr(error->message, "did you mean \"un:"));
    g_assert_false(norm_references_set(predicate, elsewhere, NORM_MEMBERS_UN, &other));
    g_assert_nonnull(strstr(other->message, "osce:1"));
    g_assert_cmpuint(json_object_size(predicate), ==, 0);
}

static json_t *contacts(void)
{
    return json_pack("[{s:s, s:s, s:s, s:s}, {s:s, s:s, s:s}]", "kind", "technical", "role",
                     "security", "email", "soc@a.example", "last_verified", "2026-09-01", "kind",
                     "diplomatic", "role", "desk", "phone", "+33 1");
}

static void a_salt_hides_the_contacts(void)
{
    g_autoptr(json_t) list = contacts();
    g_autoptr(json_t) one = contacts_record(list, "2026-11-22", NULL);
    g_autoptr(json_t) two = contacts_record(list, "2026-11-22", NULL);
    g_autofree char *first = contacts_digest(one, NULL), *again = contacts_digest(one, NULL);
    g_autofree char *second = contacts_digest(two, NULL), *changed = NULL;
    g_autoptr(commitment_t) commitment = commitment_new();

    g_assert_true(contacts_record_check(one, NULL));
    g_assert_cmpstr(first, ==, again);
    g_assert_cmpstr(first, !=, second);
    json_object_set_new(json_array_get(json_object_get(one, "contacts"), 0), "email",
                        json_string("other@a.example"));
    changed = contacts_digest(one, NULL);
    g_assert_cmpstr(first, !=, changed);
}

static void clocks_follow_from_the_record(void)
{
    static const struct {
        const char *changed, *published, *refresh, *notice;
    } cases[] = {
        { "2026-11-22", NULL, NULL, "2026-12-22" },
        { "2026-11-22", "2026-11-22", "2027-11-22", NULL },
        { "2026-11-22", "2026-03-01", "2027-03-01", "2026-12-22" },
        { "2026-03-01", "2026-11-22", "2027-11-22", NULL },
    };
    g_autoptr(json_t) list = contacts();

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(json_t) record = contacts_record(list, cases[i].changed, NULL);
        g_autoptr(json_t) clocks = NULL;
        const json_t *each;

        if (cases[i].published)
            json_object_set_new(record, "published", json_string(cases[i].published));
        clocks = contacts_clocks(record);
        each = json_object_get(clocks, "contacts");
        g_assert_cmpstr(json_text(clocks, "refresh_due"), ==, cases[i].refresh);
        g_assert_cmpstr(json_text(clocks, "notice_due"), ==, cases[i].notice);
        g_assert_cmpstr(json_text(json_array_get(each, 0), "verify_due"), ==, "2027-02-28");
        g_assert_true(json_is_null(json_object_get(json_array_get(each, 1), "verify_due")));
    }
}

static void red_contacts_do_not_leave(void)
{
    g_autoptr(json_t) list = contacts();
    g_autoptr(json_t) record = NULL, un = NULL, osce = NULL;
    struct signatory who = { .name = "A", .country = "FR" };

    json_object_set_new(json_array_get(list, 0), "tlp", json_string("red"));
    record = contacts_record(list, "2026-11-22", NULL);
    un = contacts_export(record, "un", &who);
    osce = contacts_export(record, "osce", &who);
    g_assert_true(json_is_null(json_object_get(un, "technical")));
    g_assert_cmpstr(json_text(json_object_get(un, "diplomatic"), "phone"), ==, "+33 1");
    g_assert_cmpuint(json_array_size(json_object_get(osce, "contacts")), ==, 1);
    g_assert_cmpint(json_number(osce, "left_out", 0), ==, 1);
    g_assert_null(contacts_export(record, "itu", &who));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/review/answer", an_answer_is_what_was_drawn);
    g_test_add_func("/review/class", a_false_class_convicts_its_signer);
    g_test_add_func("/review/catalogue", the_own_catalogue_is_asked_when_it_is_the_same);
    g_test_add_func("/review/changed", a_changed_opening_is_not_shown_as_proven);
    g_test_add_func("/norms/members", norms_go_to_their_members);
    g_test_add_func("/norms/all", every_norm_comes_back);
    g_test_add_func("/norms/refused", a_norm_out_of_place_is_refused);
    g_test_add_func("/contacts/salt", a_salt_hides_the_contacts);
    g_test_add_func("/contacts/clocks", clocks_follow_from_the_record);
    g_test_add_func("/contacts/red", red_contacts_do_not_leave);
    return g_test_run();
}
