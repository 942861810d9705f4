/* Tests of src/process/tlp_rule.c and src/process/case_arrival.c: what each TLP level allows. */
#include "case_scene.h"
#include "process/tlp_rule.h"

static json_t *coming(const struct scene *scene, guint party, const char *role, const char *reason)
{
    json_t *fields = json_pack("{s:s}", "party", scene->lab->ids[party]);

    if (role)
        json_object_set_new(fields, "role", json_string(role));
    if (reason)
        json_object_set_new(fields, "reason", json_string(reason));
    return fields;
}

static gboolean offers(struct scene *scene, gint64 at_s, guint party, const char *event,
                       gboolean *reason)
{
    g_autoptr(GPtrArray) options = case_options(scene_at(scene, at_s), scene->lab->ids[party]);

    for (guint i = 0; i < options->len; i++) {
        const struct case_option *option = options->pdata[i];

        if (g_str_equal(option->step->event, event)) {
            *reason = option->reason;
            return TRUE;
        }
    }
    return FALSE;
}

/* A case opened at each level; the one it was opened to, and who opened it, bring somebody in. */
static void test_each_level(void)
{
    static const struct {
        enum tlp level;
        guint by; /* 0 opened it, 1 was told of it */
        const char *reason;
        enum case_verdict verdict;
    } rows[] = {
        { TLP_CLEAR, 0, NULL, CASE_APPLIED },
        { TLP_CLEAR, 1, NULL, CASE_APPLIED },
        { TLP_GREEN, 0, NULL, CASE_APPLIED },
        { TLP_GREEN, 1, NULL, CASE_APPLIED },
        { TLP_AMBER, 0, NULL, CASE_FIELD },
        { TLP_AMBER, 1, NULL, CASE_FIELD },
        { TLP_AMBER, 0, "they run it", CASE_APPLIED },
        { TLP_AMBER, 1, "they run it", CASE_APPLIED },
        { TLP_AMBER_STRICT, 0, NULL, CASE_FIELD },
        { TLP_AMBER_STRICT, 0, "they run it", CASE_APPLIED },
        { TLP_AMBER_STRICT, 1, "they run it", CASE_TLP },
        { TLP_RED, 0, "they run it", CASE_TLP },
        { TLP_RED, 1, "they run it", CASE_TLP },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
        for (guint j = 0; j < 2; j++) {
            const char *event = j ? "offer-transfer" : "add-party";
            g_autoptr(scene_t) scene = scene_new("assistance");
            gboolean reason = FALSE, offered;

            g_test_message("%s by %u: %s", tlp_name(rows[i].level), rows[i].by, event);
            scene->tlp = rows[i].level;
            ASSERT_VERDICT(scene_open(scene, two_roles, help("no")), CASE_APPLIED);
            /* What is offered is what is possible. */
            offered = offers(scene, 1, rows[i].by, event, &reason);
            g_assert_cmpint(offered, ==, rows[i].verdict != CASE_TLP);
            g_assert_cmpint(reason, ==, rows[i].verdict != CASE_TLP && rows[i].level >= TLP_AMBER);
            ASSERT_VERDICT(SAY(scene, .party = rows[i].by, .event = event, .at_s = 10,
                               .fields = coming(scene, 4, j ? NULL : "expert", rows[i].reason)),
                           rows[i].verdict);
            g_assert_cmpint(case_party_of(scene_at(scene, 10), scene->lab->ids[4]) != NULL, ==,
                            rows[i].verdict == CASE_APPLIED);
        }
}

/* Who says something above the case's level is its source, and takes the mark back by set-tlp. */
static void test_marks(void)
{
    g_autoptr(scene_t) scene = scene_new("assistance");
    struct case_arrival arrival;

    ASSERT_VERDICT(scene_open(scene, two_roles, help("no")), CASE_APPLIED);
    SAYS(scene, .party = 1, .event = "message", .at_s = 10, .tlp = TLP_AMBER_STRICT,
         .fields = json_pack("{s:s}", "text", "for you"));
    arrival = case_arrival(scene_at(scene, 10), scene->lab->ids[0], TLP_AMBER, NULL);
    g_assert_cmpint(arrival.level, ==, TLP_AMBER_STRICT);
    g_assert_cmpstr(arrival.source->id, ==, scene->lab->ids[1]);
    ASSERT_VERDICT(SAY(scene, .party = 0, .event = "add-party", .at_s = 20,
                       .fields = coming(scene, 4, "expert", "x")),
                   CASE_TLP);
    /* Its source may. */
    SAYS(scene, .party = 1, .event = "add-party", .at_s = 30,
         .fields = coming(scene, 4, "expert", "x"));
    /* The level that it sets takes the mark back. */
    SAYS(scene, .party = 1, .event = "set-tlp", .at_s = 40);
    SAYS(scene, .party = 0, .event = "add-party", .at_s = 50,
         .fields = coming(scene, 5, "expert", "x"));
}

/* Saying a level again makes nobody its only source. */
static void test_a_level_said_again(void)
{
    g_autoptr(scene_t) scene = scene_new("assistance");

    scene->tlp = TLP_AMBER_STRICT;
    ASSERT_VERDICT(scene_open(scene, two_roles, help("no")), CASE_APPLIED);
    SAYS(scene, .party = 1, .event = "set-tlp", .at_s = 10);
    for (guint by = 0; by < 2; by++)
        ASSERT_VERDICT(SAY(scene, .party = by, .event = "add-party", .at_s = 20 + by,
                           .fields = coming(scene, 4, "expert", "x")),
                       CASE_TLP);
    /* Both take it back. */
    SAYS(scene, .party = 0, .event = "set-tlp", .at_s = 30, .tlp = TLP_AMBER);
    ASSERT_VERDICT(SAY(scene, .party = 0, .event = "add-party", .at_s = 40, .tlp = TLP_AMBER,
                       .fields = coming(scene, 4, "expert", "x")),
                   CASE_TLP);
    SAYS(scene, .party = 1, .event = "set-tlp", .at_s = 50, .tlp = TLP_AMBER);
    SAYS(scene, .party = 1, .event = "add-party", .at_s = 60, .tlp = TLP_AMBER,
         .fields = coming(scene, 4, "expert", "x"));
}

/* What was RED stays with those it named, whatever the level of the case becomes. */
static void test_red_stays(void)
{
    g_autoptr(scene_t) scene = scene_new("assistance");

    ASSERT_VERDICT(scene_open(scene, two_roles, help("no")), CASE_APPLIED);
    SAYS(scene, .party = 0, .event = "message", .at_s = 10, .tlp = TLP_RED,
         .fields = json_pack("{s:s}", "text", "for you"));
    SAYS(scene, .party = 0, .event = "set-tlp", .at_s = 20, .tlp = TLP_GREEN);
    ASSERT_VERDICT(SAY(scene, .party = 0, .event = "add-party", .at_s = 30,
                       .fields = coming(scene, 4, "expert", "x")),
                   CASE_TLP);
}

/* Who takes a role over is the source of what its giver marked. */
static void test_marks_go_with_the_role(void)
{
    g_autoptr(scene_t) scene = scene_new("assistance");

    scene->tlp = TLP_AMBER_STRICT;
    ASSERT_VERDICT(scene_open(scene, two_roles, help("no")), CASE_APPLIED);
    SAYS(scene, .party = 0, .event = "offer-transfer", .at_s = 10,
         .fields = coming(scene, 6, NULL, "our mother company"));
    SAYS(scene, .party = 6, .event = "take-over", .at_s = 20);
    ASSERT_VERDICT(SAY(scene, .party = 1, .event = "add-party", .at_s = 30,
                       .fields = coming(scene, 4, "expert", "x")),
                   CASE_TLP);
    SAYS(scene, .party = 6, .event = "add-party", .at_s = 40,
         .fields = coming(scene, 4, "expert", "x"));
}

/* What a vendor marks in its own stream binds those who would bring in a role that reads it. */
static void test_marks_apart(void)
{
    g_autoptr(scene_t) scene = scene_new("disclosure");
    g_autofree char *stream = g_strconcat("vendor:", scene->lab->ids[2], NULL);
    const char *coordinator = scene->lab->ids[1];

    ASSERT_VERDICT(scene_open(scene, disclosure_roles, report(NULL)), CASE_APPLIED);
    SAYS(scene, .party = 2, .event = "message", .at_s = 10, .stream = stream,
         .tlp = TLP_AMBER_STRICT, .fields = json_pack("{s:s}", "text", "our customers"));
    g_assert_null(case_arrival(scene_at(scene, 10), coordinator, TLP_AMBER, "vendor").source);
    g_assert_cmpstr(
        case_arrival(scene_at(scene, 10), coordinator, TLP_AMBER, "coordinator").source->id, ==,
        scene->lab->ids[2]);
    SAYS(scene, .party = 1, .event = "add-party", .at_s = 20,
         .fields = coming(scene, 4, "vendor", "it is in their product, too"));
    ASSERT_VERDICT(SAY(scene, .party = 1, .event = "offer-transfer", .at_s = 30,
                       .fields = coming(scene, 6, NULL, "we are closing")),
                   CASE_TLP);
}

/* A late event rolls the case back to a copy of it, which has the marks. */
static void test_a_late_event_keeps_marks(void)
{
    g_autoptr(scene_t) scene = scene_new("assistance");
    g_autoptr(case_fold_t) apart = lab_fold(scene->lab, NULL);
    g_autoptr(case_event_t) late = NULL;
    const struct lab_said said = { .party = 1,
                                   .kind = "assistance",
                                   .machine = "call",
                                   .event = "message",
                                   .fields = json_pack("{s:s}", "text", "late"),
                                   .tlp = TLP_AMBER_STRICT,
                                   .signers = 1,
                                   .at_s = 300 };

    scene->tlp = TLP_AMBER_STRICT;
    ASSERT_VERDICT(scene_open(scene, two_roles, help("no")), CASE_APPLIED);
    case_fold_add(
        apart,
        (struct case_event *)((struct case_entry *)scene_at(scene, 1)->entries->pdata[0])->event,
        LAB_NOW);
    for (guint i = 0; i < 600; i++)
        SAYS(scene, .party = 0, .event = "message", .at_s = 10 + i,
             .fields = json_pack("{s:s}", "text", "x"));
    late = lab_event(scene->lab, apart, &said);
    ASSERT_VERDICT(case_fold_add(scene->fold, late, LAB_NOW), CASE_APPLIED);
    ASSERT_VERDICT(SAY(scene, .party = 1, .event = "add-party", .at_s = 700,
                       .fields = coming(scene, 4, "expert", "x")),
                   CASE_TLP);
}

/* The rows agree with the order of the levels, and each names its audience. */
static void test_the_table(void)
{
    static const char *const audiences[] = { "public", "community", "clients", "organisation" };
    enum tlp level;

    for (guint i = 0; i < G_N_ELEMENTS(audiences); i++) {
        g_assert_true(tlp_audience(audiences[i], &level));
        g_assert_cmpint(level, ==, i);
        g_assert_cmpint(tlp_rule(level)->own, ==, level == TLP_AMBER_STRICT);
    }
    g_assert_false(tlp_audience("nobody", &level));
    g_assert_false(tlp_audience(NULL, &level));
    g_assert_false(tlp_rule(TLP_CLEAR)->aloud); /* the public gets nothing above, ever */
    for (level = TLP_GREEN; level <= TLP_RED; level++)
        g_assert_cmpint(tlp_rule(level)->entry, >=, tlp_rule(level - 1)->entry);
}

int main(int count, char **arguments)
{
    g_test_init(&count, &arguments, NULL);
    g_test_add_func("/case-arrival/the-table", test_the_table);
    g_test_add_func("/case-arrival/each-level", test_each_level);
    g_test_add_func("/case-arrival/marks", test_marks);
    g_test_add_func("/case-arrival/a-level-said-again", test_a_level_said_again);
    g_test_add_func("/case-arrival/red-stays", test_red_stays);
    g_test_add_func("/case-arrival/marks-go-with-the-role", test_marks_go_with_the_role);
    g_test_add_func("/case-arrival/marks-apart", test_marks_apart);
    g_test_add_func("/case-arrival/a-late-event-keeps-marks", test_a_late_event_keeps_marks);
    return g_test_run();
}
