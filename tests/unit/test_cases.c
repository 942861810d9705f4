#include "desk_of_two.h"
#include "statement/base64.h"

#include <sodium.h>
#include <unistd.h>

/* --- what is said arrives, once, in order --- */

static void test_a_call_is_answered(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);
    g_autoptr(json_t) list = NULL, inbox = NULL, after = NULL;
    const json_t *row;

    g_assert_cmpuint(carry(world, ALICE, TRUE), ==, 1);
    g_assert_cmpuint(carry(world, ALICE, TRUE), ==, 0);
    list = list_cases(world, BOB, &(struct cases_filter){ 0 });
    g_assert_cmpint(json_number(list, "total", 0), ==, 1);
    row = json_array_get(json_object_get(list, "cases"), 0);
    g_assert_cmpstr(json_text(row, "id"), ==, id);
    g_assert_cmpstr(json_text(row, "state"), ==, "new");
    g_assert_cmpstr(json_text(row, "title"), ==, "All files are encrypted");
    g_assert_cmpstr(json_text(row, "peer"), ==, side_ids[ALICE]);
    g_assert_true(json_is_true(json_object_get(row, "mine")));
    g_assert_true(json_is_true(json_object_get(row, "new")));
    inbox = cases_inbox(world->sides[BOB].cases, 10, world->now_us, NULL);
    row = json_array_get(json_object_get(inbox, "items"), 0);
    g_assert_cmpstr(json_text(row, "clock"), ==, "acknowledge"); /* in 4 h, as it goes on */
    say(world, BOB, id, "acknowledge", "{}");
    g_assert_cmpuint(carry(world, BOB, TRUE), ==, 1);
    g_assert_cmpstr(state_of_case(world, ALICE, id), ==, "acknowledged");
    after = cases_inbox(world->sides[BOB].cases, 10, world->now_us, NULL);
    row = json_array_get(json_object_get(after, "items"), 0);
    g_assert_cmpstr(json_text(row, "clock"), ==, "triage");
}

static void test_nothing_is_taken_twice(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP), *why = NULL;
    g_autoptr(GPtrArray) rows = cases_outbox(world->sides[ALICE].cases, world->now_us, 10, NULL);
    const struct outbox_row *row = rows->pdata[0];
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(cases_take(world->sides[BOB].cases, row->envelope, world->now_us, NULL, &error),
                    ==, CASE_APPLIED);
    g_assert_cmpint(cases_take(world->sides[BOB].cases, row->envelope, world->now_us, &why, &error),
                    ==, CASE_REPLAYED);
    g_assert_nonnull(why);
    g_assert_no_error(error);
}

static void test_what_lacks_its_causes_waits(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(GError) error = NULL;
    struct cases *bob = world->sides[BOB].cases;

    say(world, ALICE, id, "message", "{'text':'one'}");
    say(world, ALICE, id, "message", "{'text':'two'}");
    rows = cases_outbox(world->sides[ALICE].cases, world->now_us, 10, &error);
    g_assert_cmpuint(rows->len, ==, 3);
    for (guint i = 3; i > 0; i--) {
        const struct outbox_row *row = rows->pdata[i - 1];

        g_assert_cmpuint(row->seq, ==, i);
        g_assert_cmpint(cases_take(bob, row->envelope, world->now_us, NULL, &error), ==,
                        i > 1 ? CASE_GAP : CASE_APPLIED);
        /* Whoever opens the file meanwhile sees the same. */
        cases_close(bob);
        side_open(world, BOB);
        bob = world->sides[BOB].cases;
    }
    g_assert_cmpuint(cases_get(bob, id, world->now_us, &error)->entries->len, ==, 3);
    for (guint i = 0; i < 3; i++)
        g_assert_cmpint(
            ((struct case_entry *)cases_get(bob, id, world->now_us, NULL)->entries->pdata[i])
                ->verdict,
            ==, CASE_APPLIED);
}

static void test_two_processes_see_one_case(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);
    struct cases *first;

    carry(world, ALICE, TRUE);
    g_assert_cmpstr(state_of_case(world, BOB, id), ==, "new"); /* folded, and kept so */
    first = world->sides[BOB].cases;
    side_open(world, BOB);
    say(world, BOB, id, "acknowledge", "{}");
    cases_close(world->sides[BOB].cases);
    world->sides[BOB].cases = first;
    g_assert_cmpstr(state_of_case(world, BOB, id), ==, "acknowledged");
    say(world, BOB, id, "message", "{'text':'We are on it'}"); /* not under a number twice */
    g_assert_cmpuint(carry(world, BOB, TRUE), ==, 2);
}

/* --- refusals --- */

static void test_a_revoked_key_cannot_claim_an_earlier_time(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP), *why = NULL;
    g_autoptr(GPtrArray) rows = cases_outbox(world->sides[ALICE].cases, world->now_us, 10, NULL);
    const struct outbox_row *row = rows->pdata[0];
    g_autoptr(GError) error = NULL;

    world->sides[ALICE].revoked_us = world->now_us + HOUR;
    world->now_us += 2 * HOUR;
    g_assert_cmpint(cases_take(world->sides[BOB].cases, row->envelope, world->now_us, &why, &error),
                    ==, CASE_REVOKED);
    g_assert_no_error(error);
    /* What was taken before the revocation stays. */
    g_assert_cmpstr(state_of_case(world, ALICE, id), ==, "new");
    cases_close(world->sides[ALICE].cases);
    side_open(world, ALICE);
    g_assert_cmpstr(state_of_case(world, ALICE, id), ==, "new");
}

static void test_what_is_not_an_event_is_refused(struct world *world, gconstpointer data)
{
    g_autoptr(GBytes) junk = g_bytes_new_static("{}", 2);
    g_autofree char *large = g_malloc0(CASE_EVENT_LIMIT + 1), *why = NULL;
    g_autoptr(GBytes) too_large = g_bytes_new_static(large, CASE_EVENT_LIMIT + 1);
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(cases_take(world->sides[BOB].cases, junk, START, &why, &error), ==,
                    CASE_MALFORMED);
    g_assert_nonnull(why);
    g_assert_cmpint(cases_take(world->sides[BOB].cases, too_large, START, NULL, &error), ==,
                    CASE_TOO_LARGE);
    g_assert_no_error(error);
}

static void test_what_may_not_be_said_is_not_kept(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP), *said = NULL;
    g_autoptr(GPtrArray) rows = NULL;
    static const struct {
        const char *event, *fields;
        int code;
    } wrong[] = {
        { "acknowledge", "{}", ENTENTE_ERROR_POLICY },                 /* the helper's */
        { "dance", "{}", ENTENTE_ERROR_POLICY },                       /* no such step */
        { "message", "{}", ENTENTE_ERROR_INPUT },                      /* without its text */
        { "message", "{'text':'a','zone':'b'}", ENTENTE_ERROR_INPUT }, /* a field too many */
    };

    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        gboolean done;

        said = try_say(world, ALICE, 0, NULL, id, wrong[i].event, wrong[i].fields, NULL, &done,
                       &error);
        g_assert_null(said);
        g_assert_error(error, ENTENTE_ERROR, wrong[i].code);
    }
    rows = cases_outbox(world->sides[ALICE].cases, world->now_us, 10, NULL);
    g_assert_cmpuint(rows->len, ==, 1); /* the opening alone */
}

/* --- four eyes --- */

static char *draft_decline(struct world *world, const char *id)
{
    g_autoptr(GError) error = NULL;
    gboolean done;
    char *draft = try_say(world, BOB, 0, NULL, id, "decline",
                          "{'reason':'full','referral':'the national team'}", NULL, &done, &error);

    g_assert_no_error(error);
    g_assert_false(done);
    return draft;
}

static void test_declining_takes_two_people(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP), *draft = NULL;
    struct cases *bob = world->sides[BOB].cases;
    g_autoptr(GError) same = NULL, error = NULL;
    g_autoptr(json_t) inbox = NULL;
    gboolean done, found = FALSE;
    json_t *item;
    size_t index;

    carry(world, ALICE, TRUE);
    say(world, BOB, id, "acknowledge", "{}");
    draft = draft_decline(world, id);
    g_assert_cmpstr(state_of_case(world, BOB, id), ==, "acknowledged");
    inbox = cases_inbox(bob, 10, world->now_us, NULL);
    json_array_foreach(json_object_get(inbox, "items"), index, item)
    {
        found |= g_strcmp0(json_text(item, "draft"), draft) == 0;
    }
    g_assert_true(found);
    g_assert_false(
        cases_approve(bob, draft, world->sides[BOB].keys[0], world->now_us, &done, &same));
    g_assert_error(same, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    g_assert_true(
        cases_approve(bob, draft, world->sides[BOB].keys[1], world->now_us, &done, &error));
    g_assert_true(done);
    g_assert_cmpstr(state_of_case(world, BOB, id), ==, "declined");
    g_assert_cmpuint(carry(world, BOB, TRUE), ==, 2);
    g_assert_cmpstr(state_of_case(world, ALICE, id), ==, "declined");
}

static void test_a_draft_goes_stale(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP), *draft = NULL;
    struct cases *bob = world->sides[BOB].cases;
    g_autoptr(GError) error = NULL, gone = NULL;
    gboolean done;

    carry(world, ALICE, TRUE);
    say(world, BOB, id, "acknowledge", "{}");
    draft = draft_decline(world, id);
    say(world, BOB, id, "triage", "{'harm':'data','means':'none','continuing':'yes'}");
    g_assert_false(
        cases_approve(bob, draft, world->sides[BOB].keys[1], world->now_us, &done, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    g_assert_nonnull(strstr(error->message, "moved on from \"acknowledged\" to \"triaged\""));
    g_assert_true(cases_drop_draft(bob, draft, NULL));
    g_assert_false(cases_drop_draft(bob, draft, &gone));
    g_assert_error(gone, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
}

/* --- the desk --- */

static void test_the_desk(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP), *said = NULL;
    struct side *bob = &world->sides[BOB];
    g_autoptr(GError) error = NULL, auditor = NULL, stranger = NULL, interest = NULL;
    g_autoptr(json_t) seen = NULL, whole = NULL;
    g_autofree char *text = NULL, *all = NULL;
    gboolean done;

    carry(world, ALICE, TRUE);
    g_assert_true(desk_set(bob->cases, bob->keys[0]->public, "night desk", DESK_AUDITOR, &error));
    said = try_say(world, BOB, 0, NULL, id, "acknowledge", "{}", NULL, &done, &auditor);
    g_assert_error(auditor, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    said = try_say(world, BOB, 1, NULL, id, "acknowledge", "{}", NULL, &done, &stranger);
    g_assert_error(stranger, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    g_assert_true(desk_set(bob->cases, bob->keys[1]->public, "day desk", DESK_HANDLER, &error));
    said = try_say(world, BOB, 1, NULL, id, "acknowledge", "{}", NULL, &done, &error);
    g_assert_no_error(error);
    /* The auditor sees that and when, and not a word. */
    seen = desk_view(bob->cases, id, bob->keys[0]->public, world->now_us, &error);
    whole = desk_view(bob->cases, id, bob->keys[1]->public, world->now_us, &error);
    text = json_dumps(seen, 0);
    all = json_dumps(whole, 0);
    g_assert_nonnull(strstr(text, "acknowledge"));
    g_assert_null(strstr(text, "encrypted"));
    g_assert_nonnull(strstr(all, "encrypted"));
    g_assert_true(desk_recuse(bob->cases, id, bob->keys[1]->public, "a relative works there",
                              world->now_us, &error));
    g_free(said);
    said = try_say(world, BOB, 1, NULL, id, "triage",
                   "{'harm':'data','means':'none','continuing':'yes'}", NULL, &done, &interest);
    g_assert_error(interest, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    g_clear_error(&interest);
    g_assert_null(desk_view(bob->cases, id, bob->keys[1]->public, world->now_us, &interest));
    g_assert_error(interest, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
}

/* --- the outbox --- */

static void test_the_outbox_keeps_order_and_what_waits(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);
    g_autofree char *other = open_case(world, ALICE, "assistance", HELP);
    struct cases *alice = world->sides[ALICE].cases;
    g_autoptr(GPtrArray) rows = NULL, now = NULL, later = NULL;
    g_autoptr(GError) error = NULL;
    const struct outbox_row *row;

    say(world, ALICE, id, "message", "{'text':'Are you there?'}");
    rows = cases_outbox(alice, world->now_us, 10, &error);
    g_assert_cmpuint(rows->len, ==, 3);
    for (guint i = 0; i < 3; i++) { /* case by case, each in its order */
        row = rows->pdata[i];
        g_assert_cmpstr(row->id, ==, i < 2 ? id : other);
        g_assert_cmpuint(row->seq, ==, i == 1 ? 2 : 1);
    }
    row = rows->pdata[0];
    g_assert_true(cases_sent(alice, row->number, world->now_us + HOUR, &error));
    now = cases_outbox(alice, world->now_us, 10, &error);
    g_assert_cmpuint(now->len, ==, 2);
    later = cases_outbox(alice, world->now_us + 2 * HOUR, 10, &error);
    g_assert_cmpuint(later->len, ==, 3);
    g_assert_cmpuint(((struct outbox_row *)later->pdata[0])->attempts, ==, 1);
    g_assert_true(
        cases_arrived(alice, side_ids[BOB], id, side_ids[ALICE], CASE_STREAM_SHARED, 1, &error));
    g_clear_pointer(&later, g_ptr_array_unref);
    later = cases_outbox(alice, world->now_us + 2 * HOUR, 10, &error);
    g_assert_cmpuint(later->len, ==, 2);
    row = later->pdata[1];
    g_assert_cmpstr(row->id, ==, id);
    g_assert_cmpuint(row->seq, ==, 2);
}

static void test_internal_notes_stay_here(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);
    g_autoptr(GPtrArray) rows = NULL;

    carry(world, ALICE, TRUE);
    say(world, BOB, id, "note", "{'text':'They called before'}");
    rows = cases_outbox(world->sides[BOB].cases, world->now_us, 10, NULL);
    g_assert_cmpuint(rows->len, ==, 0);
}

/* --- lists --- */

static gint64 total(struct world *world, struct cases_filter filter)
{
    g_autoptr(json_t) list = list_cases(world, BOB, &filter);

    g_assert_cmpuint(json_array_size(json_object_get(list, "cases")), <=, 100);
    return json_number(list, "total", -1);
}

static void test_filters(struct world *world, gconstpointer data)
{
    g_autofree char *first = open_case(world, ALICE, "assistance", HELP);
    g_autofree char *second =
        open_case(world, ALICE, "assistance",
                  "{'what':'50%_off fraud','continuing':'no','channel':'mail','harm':'money'}");

    carry(world, ALICE, TRUE);
    say(world, BOB, second, "acknowledge", "{}");
    g_assert_cmpint(total(world, (struct cases_filter){ 0 }), ==, 2);
    g_assert_cmpint(total(world, (struct cases_filter){ .kind = "assistance" }), ==, 2);
    g_assert_cmpint(total(world, (struct cases_filter){ .kind = "drill" }), ==, 0);
    g_assert_cmpint(total(world, (struct cases_filter){ .state = "new" }), ==, 1);
    g_assert_cmpint(total(world, (struct cases_filter){ .party = side_ids[ALICE] }), ==, 2);
    g_assert_cmpint(total(world, (struct cases_filter){ .party = "key:none" }), ==, 0);
    g_assert_cmpint(total(world, (struct cases_filter){ .text = "50%_OFF" }), ==, 1);
    g_assert_cmpint(total(world, (struct cases_filter){ .text = "_" }), ==, 1);
    g_assert_cmpint(total(world, (struct cases_filter){ .overdue = TRUE }), ==, 0);
    g_assert_cmpint(total(world, (struct cases_filter){ .ended = TRUE }), ==, 0);
    g_assert_cmpint(total(world, (struct cases_filter){ .mine = TRUE }), ==, 2);
    world->now_us += 5 * HOUR; /* the first goes on: 4 hours to acknowledge it */
    g_assert_cmpint(total(world, (struct cases_filter){ .overdue = TRUE }), ==, 1);
}

/* --- alarms --- */

static void test_alarms(struct world *world, gconstpointer data)
{
    struct side *bob = &world->sides[BOB];
    g_autoptr(GError) error = NULL;
    g_autofree char *first = NULL, *again = NULL, *other = NULL, *anew = NULL;
    g_autoptr(json_t) numbers = NULL;
    gboolean is_open = FALSE;
    guint count = 0;

    g_assert_true(cases_alarm(bob->cases, bob->keys[0], "routes", "192.0.2.0/24", "high",
                              "192.0.2.0/24 is announced by AS64500\nseen at 3 places",
                              world->now_us, &first, &error));
    g_assert_no_error(error);
    world->now_us += SECOND;
    g_assert_true(cases_alarm(bob->cases, bob->keys[0], "routes", "192.0.2.0/24", "critical",
                              "still", world->now_us, &again, &error));
    g_assert_cmpstr(first, ==, again);
    g_assert_true(cases_alarm(bob->cases, bob->keys[0], "routes", "2001:db8::/32", "low", "gone",
                              world->now_us, &other, &error));
    g_assert_cmpstr(first, !=, other);
    numbers = cases_numbers(bob->cases, START - DAY, world->now_us, &error);
    g_assert_cmpint(json_number(numbers, "alarms_unacknowledged", 0), ==, 2);
    g_assert_true(cases_alarms_since(bob->cases, "192.", world->now_us - 2 * SECOND, &count, NULL));
    g_assert_cmpuint(count, ==, 1);
    g_assert_true(cases_alarms_since(bob->cases, "", world->now_us - 2 * SECOND, &count, NULL));
    g_assert_cmpuint(count, ==, 2);
    g_assert_true(cases_alarms_since(bob->cases, "", world->now_us + SECOND, &count, NULL));
    g_assert_cmpuint(count, ==, 0);
    g_assert_true(cases_alarm_is_open(bob->cases, "192.0.2.0/24", &is_open, NULL) && is_open);
    say(world, BOB, first, "close", "{'verdict':'mistake'}");
    g_assert_true(cases_alarm_is_open(bob->cases, "192.0.2.0/24", &is_open, NULL) && !is_open);
    world->now_us += SECOND;
    g_assert_true(cases_alarm(bob->cases, bob->keys[0], "routes", "192.0.2.0/24", "high", "again",
                              world->now_us, &anew, &error));
    g_assert_cmpstr(anew, !=, first); /* what was closed stays closed */
}

static void over(struct world *world, const char *expected_state)
{
    struct side *bob = &world->sides[BOB];
    g_autoptr(GError) error = NULL;

    world->now_us += SECOND;
    g_assert_true(
        cases_alarm_over(bob->cases, bob->keys[0], "a route", "over", world->now_us, &error));
    g_assert_no_error(error);
    g_assert_cmpint(total(world, (struct cases_filter){ .state = expected_state }), ==, 1);
}

static gboolean stands(struct world *world)
{
    gboolean it_does = TRUE;

    g_assert_true(cases_alarm_stands(world->sides[BOB].cases, "a route", &it_does, NULL));
    return it_does;
}

static void test_alarms_end(struct world *world, gconstpointer data)
{
    struct side *bob = &world->sides[BOB];
    g_autofree char *first = NULL, *again = NULL;

    g_assert_false(stands(world));
    g_assert_true(
        cases_alarm_over(bob->cases, bob->keys[0], "a route", "of nothing", world->now_us, NULL));
    g_assert_cmpint(total(world, (struct cases_filter){ .kind = "alarm" }), ==, 0);
    g_assert_true(cases_alarm(bob->cases, bob->keys[0], "routes", "a route", "high", "seen",
                              world->now_us, &first, NULL));
    g_assert_true(stands(world));
    over(world, "cleared");
    g_assert_false(stands(world));
    over(world, "cleared");
    world->now_us += SECOND;
    g_assert_true(cases_alarm(bob->cases, bob->keys[0], "routes", "a route", "high", "again",
                              world->now_us, &again, NULL));
    g_assert_cmpstr(first, ==, again);
    g_assert_true(stands(world));
    world->now_us += SECOND;
    say(world, BOB, first, "acknowledge", "{}");
    over(world, "acknowledged"); /* whoever works on it learns of it, and goes on */
    g_assert_true(stands(world));
}

/* --- numbers --- */

static void test_numbers(struct world *world, gconstpointer data)
{
    g_autofree char *quick = open_case(world, ALICE, "assistance", HELP);
    g_autofree char *slow = open_case(world, ALICE, "assistance", HELP);
    g_autofree char *never = open_case(world, ALICE, "assistance", HELP), *text = NULL;
    g_autoptr(json_t) numbers = NULL;
    const json_t *kept;

    carry(world, ALICE, TRUE);
    say(world, BOB, quick, "acknowledge", "{}");
    world->now_us += 5 * HOUR;
    say(world, BOB, slow, "acknowledge", "{}");
    numbers = cases_numbers(world->sides[BOB].cases, START - DAY, world->now_us, NULL);
    kept = json_object_get(json_object_get(numbers, "acknowledged"), "assistance");
    g_assert_cmpint(json_number(kept, "in_time", -1), ==, 1);
    g_assert_cmpint(json_number(kept, "late", -1), ==, 1);
    g_assert_cmpint(json_number(kept, "missed", -1), ==, 1);
    g_assert_cmpint(json_number(kept, "median_s", -1), <, 10);
    g_assert_cmpint(json_number(kept, "p90_s", -1), >=, 5 * 3600);
    g_assert_cmpint(json_number(numbers, "overdue_total", -1), ==, 1);
    text = json_dumps(numbers, 0);
    g_assert_null(strstr(text, "encrypted"));
    g_assert_null(strstr(text, never));
    (void)never;
}

/* --- what time does --- */

static gboolean folder_holds(const char *folder, const char *needle)
{
    g_autoptr(GDir) directory = g_dir_open(folder, 0, NULL);
    gboolean found = FALSE;
    const char *name;

    while (directory && (name = g_dir_read_name(directory))) {
        g_autofree char *path = g_build_filename(folder, name, NULL), *content = NULL;
        gsize length;

        if (g_file_test(path, G_FILE_TEST_IS_DIR))
            found |= folder_holds(path, needle);
        else if (g_file_get_contents(path, &content, &length, NULL))
            found |= memmem(content, length, needle, strlen(needle)) != NULL;
    }
    return found;
}

static void test_erasure_keeps_no_more(struct world *world, gconstpointer data)
{
    g_autofree char *path = g_build_filename(g_get_tmp_dir(), "case-evidence.txt", NULL);
    const char *const files[] = { path, NULL };
    struct side *bob = &world->sides[BOB];
    const struct kind *kind = kind_find("assistance");
    g_autofree char *id = open_case(
        world, ALICE, "assistance",
        "{'what':'XyzzyContent','continuing':'yes','channel':'XyzzyChannel','country':'FR'}");
    g_autoptr(json_t) none = json_object(), list = NULL;
    const struct case_draft draft = { .id = id, .event = "attach", .fields = none, .files = files };
    g_autoptr(GError) error = NULL, gone = NULL;
    g_autoptr(GArray) hashes = NULL;
    g_autofree char *why = NULL;
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(GBytes) opening = NULL;
    guint happened;
    gboolean done;

    rows = cases_outbox(world->sides[ALICE].cases, world->now_us, 10, &error);
    opening = g_bytes_ref(((struct outbox_row *)rows->pdata[0])->envelope);
    carry(world, ALICE, TRUE);
    say(world, BOB, id, "acknowledge", "{}");
    g_assert_true(g_file_set_contents(path, "XyzzyAttachment", -1, NULL));
    g_assert_true(
        cases_say(bob->cases, &draft, bob->keys[0], world->now_us, NULL, NULL, &done, &error));
    g_assert_true(
        desk_recuse(bob->cases, id, bob->keys[1]->public, "XyzzyReason", world->now_us, &error));
    say(world, BOB, id, "triage", "{'harm':'data','means':'none','continuing':'yes'}");
    say(world, BOB, id, "accept", "{}");
    say(world, BOB, id, "start", "{}");
    say(world, BOB, id, "resolve", "{'outcome':'restored'}");
    say(world, BOB, id, "close", "{}");
    g_assert_true(folder_holds(bob->folder, "XyzzyAttachment"));
    g_assert_true(folder_holds(bob->folder, side_ids[ALICE]));
    world->now_us += (kind->retention_days - 1) * DAY;
    g_assert_true(cases_tick(bob->cases, world->now_us, &happened, &error));
    g_assert_true(folder_holds(bob->folder, "XyzzyAttachment")); /* not before its day */
    world->now_us += 2 * DAY;
    g_assert_true(cases_tick(bob->cases, world->now_us, &happened, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(happened, ==, 1);
    /* Neither in rows nor in what rows left behind on the disk. */
    g_assert_false(folder_holds(bob->folder, "Xyzzy"));
    g_assert_false(folder_holds(bob->folder, side_ids[ALICE]));
    g_assert_null(cases_get(bob->cases, id, world->now_us, &gone));
    g_assert_error(gone, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    list = list_cases(world, BOB, &(struct cases_filter){ .ended = TRUE });
    g_assert_cmpint(json_number(list, "total", 0), ==, 1);
    g_assert_cmpstr(json_text(json_array_get(json_object_get(list, "cases"), 0), "title"), ==, "");
    /* Numbers stay, and events cannot come a second time. */
    hashes = cases_events_between(bob->cases, START - DAY, world->now_us, &error);
    g_assert_cmpuint(hashes->len, ==, 8);
    g_assert_cmpint(cases_take(bob->cases, opening, world->now_us, &why, &error), ==,
                    CASE_REPLAYED);
    g_remove(path);
}

static void test_erasure_before_its_time(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance",
                                    "{'what':'XyzzyContent','continuing':'no','channel':'a'}");
    struct cases *alice = world->sides[ALICE].cases;
    g_autoptr(GError) open = NULL, error = NULL;

    g_assert_false(cases_erase(alice, id, &open));
    g_assert_error(open, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    say(world, ALICE, id, "withdraw", "{'reason':'it was a mistake'}");
    g_assert_true(cases_erase(alice, id, &error));
    g_assert_no_error(error);
    g_assert_false(folder_holds(world->sides[ALICE].folder, "Xyzzy"));
}

static void test_clocks_run_out_by_themselves(struct world *world, gconstpointer data)
{
    g_autofree char *nonce = g_strnfill(64, 'a');
    g_autofree char *text = g_strdup_printf("{'level':'l1','nonce':'%s'}", nonce);
    g_autofree char *id = open_case(world, ALICE, "drill", text);
    g_autoptr(json_t) list = NULL, numbers = NULL;
    g_autoptr(GError) error = NULL;
    guint happened;

    carry(world, ALICE, TRUE);
    world->now_us += 20 * 60 * SECOND;
    g_assert_true(cases_tick(world->sides[ALICE].cases, world->now_us, &happened, &error));
    g_assert_cmpuint(happened, ==, 1);
    list = list_cases(world, ALICE, &(struct cases_filter){ .ended = TRUE });
    g_assert_cmpstr(json_text(json_array_get(json_object_get(list, "cases"), 0), "state"), ==,
                    "silent");
    numbers = cases_numbers(world->sides[ALICE].cases, START - DAY, world->now_us, &error);
    g_assert_cmpint(json_number(json_object_get(numbers, "drills_asked"), "missed", 0), ==, 1);
    g_assert_true(cases_tick(world->sides[ALICE].cases, world->now_us, &happened, &error));
    g_assert_cmpuint(happened, ==, 0);
}

#define TEST(NAME)                                                                                 \
    g_test_add("/cases/" #NAME, struct world, NULL, world_set_up, test_##NAME, world_tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST(a_call_is_answered);
    TEST(nothing_is_taken_twice);
    TEST(what_lacks_its_causes_waits);
    TEST(two_processes_see_one_case);
    TEST(a_revoked_key_cannot_claim_an_earlier_time);
    TEST(what_is_not_an_event_is_refused);
    TEST(what_may_not_be_said_is_not_kept);
    TEST(declining_takes_two_people);
    TEST(a_draft_goes_stale);
    TEST(the_desk);
    TEST(the_outbox_keeps_order_and_what_waits);
    TEST(internal_notes_stay_here);
    TEST(filters);
    TEST(alarms);
    TEST(alarms_end);
    TEST(numbers);
    TEST(erasure_keeps_no_more);
    TEST(erasure_before_its_time);
    TEST(clocks_run_out_by_themselves);
    return g_test_run();
}
