/* Modules case_judge, case_step, case_clock, case_view and case_json: what the rules of kinds do.
 */
#include "case_scene.h"

/* --- clocks --- */

static void test_deadlines_to_the_second(void)
{
    g_autoptr(scene_t) calm = scene_new("assistance"), urgent = scene_new("assistance");

    ASSERT_VERDICT(scene_open(calm, two_roles, help("no")), CASE_APPLIED);
    assert_clock(calm, 0, "acknowledge", NULL, 24 * HOUR, CLOCK_RUNNING);
    assert_clock(calm, 24 * HOUR, "acknowledge", NULL, 24 * HOUR, CLOCK_RUNNING);
    assert_clock(calm, 24 * HOUR + 1, "acknowledge", NULL, 24 * HOUR, CLOCK_OVERDUE);
    g_assert_cmpint(scene_clock(calm, 23 * HOUR - 1, "acknowledge", NULL)->warned_s, ==, 0);
    g_assert_cmpint(scene_clock(calm, 23 * HOUR, "acknowledge", NULL)->warned_s, ==, HOUR);
    g_assert_cmpstr(scene_clock(calm, 0, "acknowledge", NULL)->bearer, ==, calm->lab->ids[1]);
    /* At its last second it is met; a second later it is missed, and that stays visible. */
    SAYS(calm, .party = 1, .event = "acknowledge", .at_s = 24 * HOUR);
    assert_clock(calm, 30 * HOUR, "acknowledge", NULL, 24 * HOUR, CLOCK_MET);
    ASSERT_VERDICT(scene_open(urgent, two_roles, help("yes")), CASE_APPLIED);
    assert_clock(urgent, 0, "acknowledge", NULL, 4 * HOUR, CLOCK_RUNNING);
    assert_clock(urgent, 0, "triage", NULL, 24 * HOUR, CLOCK_RUNNING);
    SAYS(urgent, .party = 1, .event = "acknowledge", .at_s = 4 * HOUR + 1);
    assert_clock(urgent, 5 * HOUR, "acknowledge", NULL, 4 * HOUR, CLOCK_MISSED);
}

/* What becomes known later makes a clock run out sooner, never later. */
static void test_a_field_that_hurries(void)
{
    g_autoptr(scene_t) scene = scene_new("assistance");

    ASSERT_VERDICT(scene_open(scene, two_roles, help("no")), CASE_APPLIED);
    SAYS(scene, .party = 0, .event = "complete", .at_s = HOUR,
         .fields = json_pack("{s:s}", "continuing", "yes"));
    assert_clock(scene, HOUR, "acknowledge", NULL, 5 * HOUR, CLOCK_RUNNING);
    SAYS(scene, .party = 0, .event = "complete", .at_s = 2 * HOUR,
         .fields = json_pack("{s:s}", "harm", "life"));
    assert_clock(scene, 2 * HOUR, "acknowledge", NULL, 5 * HOUR, CLOCK_RUNNING);
    SAYS(scene, .party = 0, .event = "complete", .at_s = 3 * HOUR,
         .fields = json_pack("{s:s}", "continuing", "no"));
    assert_clock(scene, 3 * HOUR, "acknowledge", NULL, 5 * HOUR, CLOCK_RUNNING);
}

static void begin_work(struct scene *scene)
{
    ASSERT_VERDICT(scene_open(scene, two_roles, help("no")), CASE_APPLIED);
    SAYS(scene, .party = 1, .event = "triage", .at_s = 10,
         .fields =
             json_pack("{s:s, s:s, s:s}", "harm", "money", "means", "none", "continuing", "no"));
    SAYS(scene, .party = 1, .event = "accept", .at_s = 20);
    SAYS(scene, .party = 1, .event = "start", .at_s = 30);
}

static void test_pause_and_renewal(void)
{
    g_autoptr(scene_t) scene = scene_new("assistance");

    begin_work(scene);
    assert_clock(scene, 30, "update", NULL, 20 + 7 * DAY, CLOCK_RUNNING);
    SAYS(scene, .party = 1, .event = "update", .at_s = DAY,
         .fields = json_pack("{s:s}", "text", "half done"));
    assert_clock(scene, DAY, "update", NULL, 8 * DAY, CLOCK_RUNNING);
    /* While the requester is asked the clock stands still. */
    SAYS(scene, .party = 1, .event = "ask", .at_s = 2 * DAY,
         .fields = json_pack("{s:s}", "text", "which version?"));
    assert_clock(scene, 30 * DAY, "update", NULL, 8 * DAY, CLOCK_PAUSED);
    SAYS(scene, .party = 0, .event = "answer", .at_s = 12 * DAY,
         .fields = json_pack("{s:s}", "text", "the old one"));
    assert_clock(scene, 12 * DAY, "update", NULL, 18 * DAY, CLOCK_RUNNING);
    /* One that was missed stays; the next one runs. */
    SAYS(scene, .party = 1, .event = "update", .at_s = 18 * DAY + 1,
         .fields = json_pack("{s:s}", "text", "late"));
    assert_clock(scene, 19 * DAY, "update", NULL, 25 * DAY + 1, CLOCK_RUNNING);
    for (guint i = 0, missed = 0; i < scene_at(scene, 19 * DAY)->clocks->len; i++) {
        const struct case_clock *clock = scene_at(scene, 19 * DAY)->clocks->pdata[i];

        missed += clock->standing == CLOCK_MISSED;
        g_assert_cmpuint(missed, <=, 1);
    }
}

static const char *zone_of(gpointer data, const char *party)
{
    return "Europe/Paris";
}

static void test_working_days(void)
{
    static const char *const roles[] = { "finder", "coordinator", NULL };
    g_autoptr(scene_t) scene = scene_new("disclosure");
    struct case_options options = { .log = LAB_LOG, .zone = zone_of };
    g_autofree char *due = NULL;

    /* Friday 10:00 and three working days: Wednesday 10:00. */
    ASSERT_VERDICT(scene_open(scene, roles, report(NULL)), CASE_APPLIED);
    assert_clock(scene, 0, "acknowledge", NULL, 5 * DAY, CLOCK_RUNNING);
    assert_clock(scene, 0, "acknowledge-hard", NULL, 7 * DAY, CLOCK_RUNNING);
    /* What comes on a Saturday comes on Monday, at midnight where its bearer is. */
    due = clock_format(({
        g_autoptr(scene_t) paris = scene_new("disclosure");
        struct lab_said said = { .kind = "disclosure",
                                 .machine = "report",
                                 .event = CASE_EVENT_OPEN,
                                 .fields = report(NULL),
                                 .tlp = TLP_AMBER,
                                 .signers = 1,
                                 .at_s = DAY,
                                 .to = (char *[]){ paris->lab->ids[1], NULL } };

        options.keys = (struct case_keys){ lab_keys_of, paris->lab };
        case_fold_free(paris->fold);
        paris->fold = case_fold_new(&options);
        ASSERT_VERDICT(lab_say(paris->lab, paris->fold, &said), CASE_APPLIED);
        scene_clock(paris, DAY, "acknowledge", NULL)->due_us;
    }));
    g_assert_cmpstr(due, ==, "2026-12-02T23:00:00Z");
}

static void test_a_clock_that_acts(void)
{
    static const char *const roles[] = { "caller", "contact", NULL };
    g_autoptr(scene_t) scene = scene_new("drill");
    const struct kase *kase;
    const struct case_entry *entry;

    ASSERT_VERDICT(scene_open(scene, roles,
                              json_pack("{s:s, s:s}", "level", "l1", "nonce", scene->lab->ids[5])),
                   CASE_APPLIED);
    g_assert_cmpstr(scene_state(scene, 900, "drill", NULL), ==, "sent");
    kase = scene_at(scene, 901);
    g_assert_cmpstr(case_state_of(kase, "drill", NULL)->state, ==, "silent");
    g_assert_cmpint(kase->ended_us, ==, lab_us(900));
    entry = kase->entries->pdata[kase->entries->len - 1];
    g_assert_null(entry->event);
    g_assert_cmpstr(entry->clock->id, ==, "answer");
    g_assert_cmpint(entry->clock_us, ==, lab_us(900));
    /* Looking ahead changes nothing: what was said in time and comes later still counts. */
    SAYS(scene, .party = 1, .event = "answer", .at_s = 900,
         .fields = json_pack("{s:s, s:b}", "nonce", scene->lab->ids[5], "human", 0));
    g_assert_cmpstr(scene_state(scene, 5000, "drill", NULL), ==, "answered");
}

static void test_preservation_ends_by_itself(void)
{
    static const char *const roles[] = { "requester", "holder", NULL };
    g_autoptr(scene_t) scene = scene_new("preservation");

    ASSERT_VERDICT(
        scene_open(scene, roles,
                   json_pack("{s:s, s:s, s:s, s:s, s:s}", "records", "flow records", "from_time",
                             "2026-11-01T00:00:00Z", "to_time", "2026-11-02T00:00:00Z", "basis",
                             "article 16", "duration", "d90")),
        CASE_APPLIED);
    assert_clock(scene, 0, "end", NULL, 90 * DAY, CLOCK_RUNNING);
    SAYS(scene, .party = 1, .event = "confirm", .at_s = DAY,
         .fields = json_pack("{s:s}", "preserved", "all of it"));
    g_assert_cmpint(scene_clock(scene, 76 * DAY, "end", NULL)->warned_s, ==, 14 * DAY);
    g_assert_cmpint(scene_clock(scene, 87 * DAY, "end", NULL)->warned_s, ==, 3 * DAY);
    SAYS(scene, .party = 0, .event = "extend", .at_s = 89 * DAY,
         .fields = json_pack("{s:s, s:s}", "reason", "still under way", "duration", "d60"));
    g_assert_cmpstr(scene_state(scene, 149 * DAY, "preservation", NULL), ==, "extended");
    g_assert_cmpstr(scene_state(scene, 149 * DAY + 1, "preservation", NULL), ==, "expired");
}

/* --- an embargo, after Vultron --- */

#define IN_45_DAYS "2027-01-11T10:00:00Z"
#define IN_90_DAYS "2027-02-25T10:00:00Z"

static void receive(struct scene *scene, const char *policy)
{
    SAYS(scene, .party = 1, .event = "receive", .at_s = HOUR,
         .fields = json_pack("{s:s}", "embargo_default_until", policy));
}

static void test_receivers_policy(void)
{
    g_autoptr(scene_t) none = scene_new("disclosure"), longer = scene_new("disclosure"),
                       shorter = scene_new("disclosure");

    /* No proposal: the receiver's policy counts as agreed. */
    ASSERT_VERDICT(scene_open(none, disclosure_roles, report(NULL)), CASE_APPLIED);
    receive(none, IN_45_DAYS);
    g_assert_cmpstr(scene_state(none, HOUR, "embargo", NULL), ==, "active");
    assert_clock(none, HOUR, "embargo", NULL, 45 * DAY, CLOCK_RUNNING);
    /* A longer proposal: the policy counts, and the proposal stays one. */
    ASSERT_VERDICT(scene_open(longer, disclosure_roles, report(IN_90_DAYS)), CASE_APPLIED);
    g_assert_cmpstr(scene_state(longer, 0, "embargo", NULL), ==, "proposed");
    receive(longer, IN_45_DAYS);
    g_assert_cmpstr(scene_state(longer, HOUR, "embargo", NULL), ==, "revise");
    assert_clock(longer, HOUR, "embargo", NULL, 45 * DAY, CLOCK_RUNNING);
    SAYS(longer, .party = 1, .machine = "embargo", .event = "accept", .at_s = 2 * HOUR);
    assert_clock(longer, DAY, "embargo", NULL, 90 * DAY, CLOCK_RUNNING);
    /* A shorter proposal counts. */
    ASSERT_VERDICT(scene_open(shorter, disclosure_roles, report(IN_45_DAYS)), CASE_APPLIED);
    receive(shorter, IN_90_DAYS);
    g_assert_cmpstr(scene_state(shorter, HOUR, "embargo", NULL), ==, "active");
    assert_clock(shorter, HOUR, "embargo", NULL, 45 * DAY, CLOCK_RUNNING);
    g_assert_cmpstr(scene_state(shorter, 45 * DAY, "embargo", NULL), ==, "active");
    g_assert_cmpstr(scene_state(shorter, 45 * DAY + 1, "embargo", NULL), ==, "exited");
}

static void test_embargo_ends_with_its_reason(void)
{
    g_autoptr(scene_t) scene = scene_new("disclosure"), attacked = scene_new("disclosure");

    ASSERT_VERDICT(scene_open(scene, disclosure_roles, report(IN_90_DAYS)), CASE_APPLIED);
    /* A proposal is its author's own acceptance, and nobody else's. */
    ASSERT_VERDICT(SAY(scene, .party = 0, .machine = "embargo", .event = "accept", .at_s = 10),
                   CASE_NOT_POSSIBLE);
    SAYS(scene, .party = 2, .machine = "embargo", .event = "accept", .at_s = 20);
    g_assert_cmpstr(scene_state(scene, DAY, "embargo", NULL), ==, "active");
    /* An exploit in public is the vulnerability in public, and ends it at once. */
    SAYS(scene, .party = 3, .machine = "exploit", .event = "publish", .at_s = 2 * DAY);
    g_assert_cmpstr(scene_state(scene, 2 * DAY, "public", NULL), ==, "published");
    g_assert_cmpstr(scene_state(scene, 2 * DAY, "embargo", NULL), ==, "exited");
    ASSERT_VERDICT(SAY(scene, .party = 0, .machine = "embargo", .event = "propose", .at_s = 3 * DAY,
                       .fields = json_pack("{s:s}", "embargo_proposed_until", IN_90_DAYS)),
                   CASE_NOT_POSSIBLE);
    /* Under attack: a week, for the embargo and for the fix; a day to warn the authorities. */
    ASSERT_VERDICT(scene_open(attacked, disclosure_roles, report(IN_90_DAYS)), CASE_APPLIED);
    receive(attacked, IN_90_DAYS);
    SAYS(attacked, .party = 2, .machine = "vendor", .instance = attacked->lab->ids[2],
         .event = "notice", .at_s = 2 * HOUR);
    assert_clock(attacked, DAY, "fix", attacked->lab->ids[2], 90 * DAY + 2 * HOUR, CLOCK_RUNNING);
    SAYS(attacked, .party = 0, .machine = "attacks", .event = "see", .at_s = 2 * DAY,
         .fields = json_pack("{s:b}", "exploited", 1));
    assert_clock(attacked, 3 * DAY, "fix-exploited", attacked->lab->ids[2], 9 * DAY, CLOCK_RUNNING);
    assert_clock(attacked, 3 * DAY, "early-warning", attacked->lab->ids[3], 3 * DAY, CLOCK_RUNNING);
    g_assert_cmpstr(scene_state(attacked, 9 * DAY, "embargo", NULL), ==, "active");
    g_assert_cmpstr(scene_state(attacked, 9 * DAY + 1, "embargo", NULL), ==, "exited");
}

/* --- streams, levels, parties --- */

static gboolean shows(const struct kase *kase, const char *viewer, const char *text)
{
    g_autoptr(json_t) value = case_json(kase, viewer);
    char *dump = json_dumps(value, 0);
    gboolean found = strstr(dump, text) != NULL;

    free(dump);
    return found;
}

static void test_vendors_apart(void)
{
    g_autoptr(scene_t) scene = scene_new("disclosure");
    g_autofree char *stream = g_strconcat("vendor:", scene->lab->ids[2], NULL);
    const char *first = scene->lab->ids[2], *second = scene->lab->ids[3];
    g_auto(GStrv) to = NULL;
    const struct kase *kase;

    ASSERT_VERDICT(scene_open(scene, disclosure_roles, report(NULL)), CASE_APPLIED);
    SAYS(scene, .party = 2, .machine = "vendor", .instance = first, .event = "say", .at_s = 10,
         .stream = stream, .fields = json_pack("{s:s}", "text", "our secret roadmap"));
    SAYS(scene, .party = 2, .machine = "vendor", .instance = first, .event = "notice", .at_s = 20,
         .stream = stream);
    SAYS(scene, .party = 2, .machine = "vendor", .instance = first, .event = "fix", .at_s = 30,
         .stream = stream, .fields = json_pack("{s:s}", "fix_version", "9.8.7"));
    kase = scene_at(scene, 40);
    to = case_recipients(kase, stream, first);
    g_assert_cmpuint(g_strv_length(to), ==, 2); /* finder and coordinator */
    g_assert_false(g_strv_contains((const char *const *)to, second));
    g_assert_true(shows(kase, scene->lab->ids[1], "our secret roadmap"));
    g_assert_true(shows(kase, first, "9.8.7"));
    g_assert_false(shows(kase, second, "our secret roadmap"));
    g_assert_false(shows(kase, second, "9.8.7"));
    g_assert_false(shows(kase, second, "fix-ready"));
    g_assert_false(shows(kase, CASE_VIEWER_AUDITOR, "our secret roadmap"));
    g_assert_true(shows(kase, CASE_VIEWER_AUDITOR, "fix-ready"));
    /* Not in another's stream, not for another's product, nothing of all of them apart. */
    ASSERT_VERDICT(SAY(scene, .party = 3, .machine = "vendor", .instance = first, .event = "say",
                       .at_s = 40, .stream = stream,
                       .fields = json_pack("{s:s}", "text", "let me in")),
                   CASE_NOT_A_PARTY);
    ASSERT_VERDICT(SAY(scene, .party = 3, .machine = "vendor", .instance = first, .event = "deploy",
                       .at_s = 40),
                   CASE_ROLE);
    ASSERT_VERDICT(SAY(scene, .party = 2, .machine = "public", .event = "publish", .at_s = 40,
                       .stream = stream),
                   CASE_NOT_POSSIBLE);
    ASSERT_VERDICT(SAY(scene, .party = 2, .event = "receive", .at_s = 40, .stream = stream),
                   CASE_NOT_POSSIBLE);
    /* A note is local, and a local note is a note. */
    ASSERT_VERDICT(SAY(scene, .party = 2, .event = "note", .at_s = 50,
                       .fields = json_pack("{s:s}", "text", "x")),
                   CASE_NOT_POSSIBLE);
    ASSERT_VERDICT(
        SAY(scene, .party = 2, .event = "receive", .at_s = 50, .stream = CASE_STREAM_LOCAL),
        CASE_NOT_POSSIBLE);
}

static void test_levels(void)
{
    g_autoptr(scene_t) scene = scene_new("assistance");

    ASSERT_VERDICT(scene_open(scene, two_roles, help("no")), CASE_APPLIED);
    ASSERT_VERDICT(SAY(scene, .party = 1, .event = "message", .at_s = 10, .tlp = TLP_GREEN,
                       .fields = json_pack("{s:s}", "text", "x")),
                   CASE_TLP);
    SAYS(scene, .party = 1, .event = "set-tlp", .at_s = 20, .tlp = TLP_AMBER_STRICT);
    g_assert_cmpint(scene_at(scene, 20)->tlp, ==, TLP_AMBER_STRICT);
    ASSERT_VERDICT(SAY(scene, .party = 1, .event = "set-tlp", .at_s = 30, .tlp = TLP_AMBER),
                   CASE_TLP);
    SAYS(scene, .party = 0, .event = "set-tlp", .at_s = 40, .tlp = TLP_GREEN);
    g_assert_cmpint(scene_at(scene, 40)->tlp, ==, TLP_GREEN);
    /* Their own mark stands until they take it back. */
    ASSERT_VERDICT(
        SAY(scene, .party = 0, .event = "add-party", .at_s = 45,
            .fields = json_pack("{s:s, s:s}", "party", scene->lab->ids[4], "role", "expert")),
        CASE_TLP);
    SAYS(scene, .party = 1, .event = "set-tlp", .at_s = 46, .tlp = TLP_GREEN);
    scene->tlp = TLP_GREEN;
    /* Somebody may be brought in, until something is for those alone that it names. */
    SAYS(scene, .party = 1, .event = "add-party", .at_s = 50,
         .fields = json_pack("{s:s, s:s}", "party", scene->lab->ids[4], "role", "expert"));
    SAYS(scene, .party = 0, .event = "message", .at_s = 60, .tlp = TLP_RED,
         .fields = json_pack("{s:s}", "text", "for your eyes"));
    ASSERT_VERDICT(
        SAY(scene, .party = 1, .event = "add-party", .at_s = 70,
            .fields = json_pack("{s:s, s:s}", "party", scene->lab->ids[5], "role", "expert")),
        CASE_TLP);
}

static void test_recipients(void)
{
    g_autoptr(scene_t) scene = scene_new("assistance");
    char *others[] = { scene->lab->ids[1], scene->lab->ids[7], NULL };
    char *nobody[] = { NULL };

    ASSERT_VERDICT(scene_open(scene, two_roles, help("no")), CASE_APPLIED);
    ASSERT_VERDICT(SAY(scene, .party = 0, .event = "message", .at_s = 10, .to = others,
                       .fields = json_pack("{s:s}", "text", "x")),
                   CASE_MIS_ADDRESSED);
    SAYS(scene, .party = 1, .event = "note", .at_s = 20, .stream = CASE_STREAM_LOCAL, .to = nobody,
         .fields = json_pack("{s:s}", "text", "only us"));
    g_assert_false(shows(scene_at(scene, 20), scene->lab->ids[0], "only us"));
    ASSERT_VERDICT(SAY(scene, .party = 1, .event = "note", .at_s = 30, .stream = CASE_STREAM_LOCAL,
                       .to = (char *[]){ scene->lab->ids[0], NULL },
                       .fields = json_pack("{s:s}", "text", "x")),
                   CASE_MIS_ADDRESSED);
}

static void test_transfer(void)
{
    g_autoptr(scene_t) scene = scene_new("assistance");
    const char *taker = scene->lab->ids[6];
    g_autoptr(GPtrArray) options = NULL;

    ASSERT_VERDICT(scene_open(scene, two_roles, help("no")), CASE_APPLIED);
    SAYS(scene, .party = 1, .event = "offer-transfer", .at_s = 10,
         .fields = json_pack("{s:s, s:s}", "party", taker, "reason", "closer to you"));
    g_assert_cmpstr(case_party_of(scene_at(scene, 10), taker)->offered_by, ==, scene->lab->ids[1]);
    /* Until it is taken over the one who offered it still has it. */
    ASSERT_VERDICT(SAY(scene, .party = 6, .event = "acknowledge", .at_s = 20), CASE_ROLE);
    SAYS(scene, .party = 6, .event = "message", .at_s = 20,
         .fields = json_pack("{s:s}", "text", "may I ask first?"));
    options = case_options(scene_at(scene, 20), taker);
    g_assert_cmpuint(options->len, >, 0);
    SAYS(scene, .party = 6, .event = "take-over", .at_s = 30);
    g_assert_true(case_party_of(scene_at(scene, 30), scene->lab->ids[1])->left);
    ASSERT_VERDICT(SAY(scene, .party = 1, .event = "acknowledge", .at_s = 40), CASE_NOT_A_PARTY);
    g_assert_cmpstr(scene_clock(scene, 40, "acknowledge", NULL)->bearer, ==, taker);
    SAYS(scene, .party = 6, .event = "acknowledge", .at_s = 40);
    ASSERT_VERDICT(SAY(scene, .party = 6, .event = "take-over", .at_s = 50), CASE_NOT_POSSIBLE);
}

/* An instance goes with its role. */
static void test_transfer_of_an_instance(void)
{
    g_autoptr(scene_t) scene = scene_new("disclosure");
    const char *taker = scene->lab->ids[6];

    ASSERT_VERDICT(scene_open(scene, disclosure_roles, report(NULL)), CASE_APPLIED);
    SAYS(scene, .party = 2, .machine = "vendor", .instance = scene->lab->ids[2], .event = "notice",
         .at_s = 10);
    SAYS(scene, .party = 2, .event = "offer-transfer", .at_s = 20,
         .fields = json_pack("{s:s, s:s}", "party", taker, "reason", "theirs now"));
    SAYS(scene, .party = 6, .event = "take-over", .at_s = 30);
    g_assert_cmpstr(scene_state(scene, 30, "vendor", taker), ==, "aware");
    g_assert_null(case_state_of(scene_at(scene, 30), "vendor", scene->lab->ids[2]));
    assert_clock(scene, 30, "fix", taker, 10 + 90 * DAY, CLOCK_RUNNING);
}

static void test_two_signatures(void)
{
    g_autoptr(scene_t) scene = scene_new("assistance");

    ASSERT_VERDICT(scene_open(scene, two_roles, help("no")), CASE_APPLIED);
    SAYS(scene, .party = 1, .event = "acknowledge", .at_s = 10);
    ASSERT_VERDICT(SAY(scene, .party = 1, .event = "decline", .at_s = 20,
                       .fields = json_pack("{s:s, s:s}", "reason", "r", "referral", "them")),
                   CASE_APPROVALS);
    SAYS(scene, .party = 1, .event = "decline", .at_s = 30, .signers = 2,
         .fields = json_pack("{s:s, s:s}", "reason", "r", "referral", "them"));
}

static void test_end_and_reopening(void)
{
    g_autoptr(scene_t) scene = scene_new("assistance");
    g_autoptr(json_t) value = NULL;

    begin_work(scene);
    SAYS(scene, .party = 1, .event = "resolve", .at_s = DAY,
         .fields = json_pack("{s:s}", "outcome", "restored"));
    g_assert_cmpint(scene_at(scene, 15 * DAY)->ended_us, ==, 0);
    g_assert_cmpint(scene_at(scene, 15 * DAY + 1)->ended_us, ==, lab_us(15 * DAY));
    value = case_json(scene_at(scene, 15 * DAY + 1), NULL);
    g_assert_cmpstr(json_text(value, "kept_until"), ==, "2029-12-11T10:00:00Z");
    SAYS(scene, .party = 0, .event = "message", .at_s = 16 * DAY,
         .fields = json_pack("{s:s}", "text", "thank you"));
    SAYS(scene, .party = 0, .event = "reopen", .at_s = 17 * DAY,
         .fields = json_pack("{s:s}", "reason", "it is back"));
    g_assert_cmpstr(scene_state(scene, 17 * DAY, "call", NULL), ==, "in-progress");
    g_assert_cmpint(scene_at(scene, 17 * DAY)->ended_us, ==, 0);
    ASSERT_VERDICT(SAY(scene, .party = 1, .event = "withdraw", .at_s = 18 * DAY,
                       .fields = json_pack("{s:s}", "reason", "x")),
                   CASE_ROLE);
    SAYS(scene, .party = 0, .event = "withdraw", .at_s = 18 * DAY,
         .fields = json_pack("{s:s}", "reason", "solved"));
    g_assert_cmpstr(scene_state(scene, 18 * DAY, "call", NULL), ==, "withdrawn");
}

static void test_openings(void)
{
    static const char *const no_such[] = { "requester", "nobody", NULL };
    static const char *const two_requesters[] = { "requester", "requester", NULL };
    static const char *const not_opening[] = { "helper", "helper", NULL };
    static const char *const keeper[] = { "keeper", "keeper", NULL };
    const struct {
        const char *kind;
        const char *const *roles;
        enum tlp tlp;
        enum case_verdict verdict;
    } openings[] = {
        { "assistance", two_roles, TLP_RED, CASE_APPLIED },
        { "assistance", no_such, TLP_AMBER, CASE_FIELD },
        { "assistance", two_requesters, TLP_AMBER, CASE_FIELD },
        { "assistance", not_opening, TLP_AMBER, CASE_FIELD },
        { "drill", two_roles, TLP_RED, CASE_FIELD },
        { "alarm", keeper, TLP_AMBER, CASE_FIELD },
    };

    for (guint i = 0; i < G_N_ELEMENTS(openings); i++) {
        g_autoptr(scene_t) scene = scene_new(openings[i].kind);

        scene->tlp = openings[i].tlp;
        ASSERT_VERDICT(scene_open(scene, openings[i].roles, help("no")), openings[i].verdict);
        /* What follows an opening that was none waits for one. */
        if (openings[i].verdict != CASE_APPLIED)
            ASSERT_VERDICT(SAY(scene, .party = 0, .event = "message", .at_s = 10, .tlp = TLP_RED,
                               .fields = json_pack("{s:s}", "text", "x")),
                           CASE_GAP);
    }
}

/* Someone without an account is a party by the key it made, in kinds that allow it. */
static void test_without_an_account(void)
{
    static const char *const kinds_tried[] = { "assistance", "disclosure", "drill" };

    for (guint i = 0; i < G_N_ELEMENTS(kinds_tried); i++) {
        g_autoptr(scene_t) scene = scene_new(kinds_tried[i]);
        g_autofree char *hex = hex_encode(scene->lab->keys[0][0]->public->bytes, KEY_PUBLIC_SIZE);
        const char *const roles[] = { scene->kind->roles[0].id, scene->kind->roles[1].id, NULL };
        json_t *fields = i == 0 ? help("yes")
                         : i == 1
                             ? report(NULL)
                             : json_pack("{s:s, s:s}", "level", "l1", "nonce", scene->lab->ids[1]);

        g_free(scene->lab->ids[0]);
        scene->lab->ids[0] = g_strconcat("key:", hex, NULL);
        ASSERT_VERDICT(scene_open(scene, roles, fields),
                       scene->kind->anonymous ? CASE_APPLIED : CASE_NOT_A_PARTY);
        if (!scene->kind->anonymous)
            continue;
        SAYS(scene, .party = 1, .event = "message", .at_s = 60,
             .fields = json_pack("{s:s}", "text", "we are here"));
        SAYS(scene, .party = 0, .event = "message", .at_s = 120,
             .fields = json_pack("{s:s}", "text", "thank you"));
        g_assert_cmpuint(scene_at(scene, 200)->parties->len, ==, 2);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/case/deadlines", test_deadlines_to_the_second);
    g_test_add_func("/case/hurry", test_a_field_that_hurries);
    g_test_add_func("/case/pause-and-renewal", test_pause_and_renewal);
    g_test_add_func("/case/working-days", test_working_days);
    g_test_add_func("/case/clock-acts", test_a_clock_that_acts);
    g_test_add_func("/case/preservation", test_preservation_ends_by_itself);
    g_test_add_func("/case/embargo/policy", test_receivers_policy);
    g_test_add_func("/case/embargo/end", test_embargo_ends_with_its_reason);
    g_test_add_func("/case/vendors-apart", test_vendors_apart);
    g_test_add_func("/case/levels", test_levels);
    g_test_add_func("/case/recipients", test_recipients);
    g_test_add_func("/case/transfer", test_transfer);
    g_test_add_func("/case/transfer-of-an-instance", test_transfer_of_an_instance);
    g_test_add_func("/case/two-signatures", test_two_signatures);
    g_test_add_func("/case/end-and-reopening", test_end_and_reopening);
    g_test_add_func("/case/openings", test_openings);
    g_test_add_func("/case/without-an-account", test_without_an_account);
    return g_test_run();
}
