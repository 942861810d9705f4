/* What one who wishes ill can do to a case of others: nothing that stays. */
#include "mallory.h"
#include "process/cases_private.h"
#include "stranger.h"

#define SENT 1100 /* more than may wait */

static guint send(struct world *world, const char *id, guint32 seq, guint count)
{
    guint kept = 0;

    for (guint i = 0; i < count; i++) {
        g_autoptr(GBytes) event = strangers_event(id, i, seq, world->now_us, NULL);
        g_autoptr(GError) error = NULL;

        kept += cases_take(world->sides[BOB].cases, event, world->now_us, NULL, &error) !=
                CASE_TOO_LARGE;
        g_assert_no_error(error);
    }
    return kept;
}

/* Who knows the number of a case can have events wait in it, and keeps nobody out of it. */
static void test_strangers_keep_nobody_out(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);

    (void)data;
    g_assert_cmpuint(carry(world, ALICE, TRUE), ==, 1);
    g_assert_cmpuint(send(world, id, 2, SENT), <, SENT);
    say(world, ALICE, id, "message", "{'text':'Are you there?'}");
    g_assert_cmpuint(carry(world, ALICE, TRUE), ==, 1);
    say(world, BOB, id, "acknowledge", "{}");
}

static void test_nor_before_it_is_opened(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);

    (void)data;
    g_assert_cmpuint(send(world, id, 2, SENT), <, SENT);
    say(world, ALICE, id, "message", "{'text':'Are you there?'}");
    g_assert_cmpuint(carry(world, ALICE, TRUE), ==, 2);
}

/* What was sent to one side alone by who is no party is nothing that the other has to wait for. */
static void test_strangers_part_nobody(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);

    (void)data;
    g_assert_cmpuint(carry(world, ALICE, TRUE), ==, 1);
    g_assert_cmpuint(send(world, id, 1, 1), ==, 1);
    say(world, BOB, id, "acknowledge", "{}");
    g_assert_cmpuint(carry(world, BOB, TRUE), ==, 1);
    g_assert_cmpstr(state_of_case(world, ALICE, id), ==, "acknowledged");
    g_assert_cmpuint(send(world, id, 1, SENT), <, SENT);
    say(world, BOB, id, "message", "{'text':'We are here'}");
    g_assert_cmpuint(carry(world, BOB, TRUE), ==, 1);
}

/* Who tells one of two alone, and has it named to the other, does not part them. */
static void test_a_party_parts_nobody(struct world *world, gconstpointer data)
{
    struct mallory mallory;
    g_autoptr(GBytes) opening = NULL, first = NULL, second = NULL;

    (void)data;
    mallory_begin(&mallory);
    opening = mallory_says(&mallory, world, CASE_EVENT_OPEN, REPORT, TLP_AMBER);
    give(world, ALICE, opening);
    give(world, BOB, opening);
    first = mallory_says(&mallory, world, "message", "{'text':'one'}", TLP_AMBER);
    give(world, BOB, first);
    second = mallory_says(&mallory, world, "message", "{'text':'two'}", TLP_AMBER);
    give(world, BOB, second);
    say(world, BOB, mallory.id, "message", "{'text':'We look at it'}");
    g_assert_cmpuint(carry(world, BOB, FALSE), ==, 0);
    g_assert_cmpuint(applied(world, ALICE, mallory.id), ==, 1);
    hand_on(world, BOB); /* the second, and then what that names */
    carry(world, BOB, FALSE);
    hand_on(world, BOB);
    carry(world, BOB, FALSE);
    g_assert_cmpuint(applied(world, ALICE, mallory.id), ==, 4);
    mallory_end(&mallory);
}

/* The same for the case `id`, signed. */
static GBytes *mallory_moves(struct mallory *mallory, GBytes *envelope, const char *id)
{
    gsize length;
    const void *bytes = g_bytes_get_data(envelope, &length);
    g_autoptr(dsse_t) said = dsse_parse(bytes, length, "event", NULL), dsse = NULL;
    g_autoptr(GString) text = g_string_new_len(g_bytes_get_data(said->payload, NULL),
                                               (gssize)g_bytes_get_size(said->payload));
    g_autofree char *old_sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, mallory->id, -1);
    g_autofree char *new_sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, id, -1);
    g_autoptr(GBytes) payload = NULL;
    g_autoptr(json_t) value = NULL;

    g_assert_cmpuint(g_string_replace(text, mallory->id, id, 0), ==, 2);
    g_assert_cmpuint(g_string_replace(text, old_sum, new_sum, 0), ==, 1);
    payload = g_bytes_new(text->str, text->len);
    dsse = dsse_new(INTOTO_PAYLOAD_TYPE, payload);
    dsse_sign(dsse, mallory->key);
    value = dsse_to_json(dsse);
    return json_canonical(value, NULL);
}

/* Who heard of a case's number cannot be its opener for one who has not seen the opening. */
static void test_nobody_opens_for_another(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "disclosure", REPORT), *why = NULL;
    struct mallory mallory;
    g_autoptr(GBytes) said = NULL, forged = NULL;
    g_autoptr(GError) error = NULL;

    (void)data;
    mallory_begin(&mallory);
    said = mallory_says(&mallory, world, CASE_EVENT_OPEN, REPORT, TLP_AMBER);
    give(world, BOB, said);
    forged = mallory_moves(&mallory, said, id);
    g_assert_cmpint(cases_take(world->sides[BOB].cases, forged, world->now_us, &why, &error), ==,
                    CASE_MALFORMED);
    g_assert_no_error(error);
    g_assert_cmpuint(carry(world, ALICE, TRUE), ==, 1);
    g_assert_cmpuint(applied(world, BOB, id), ==, 1);
    mallory_end(&mallory);
}

/* What is for one alone may not be handed on: it is not named. */
static void test_nor_with_what_is_for_one_alone(struct world *world, gconstpointer data)
{
    struct mallory mallory;
    g_autoptr(GBytes) opening = NULL, red = NULL, after = NULL;

    (void)data;
    mallory_begin(&mallory);
    opening = mallory_says(&mallory, world, CASE_EVENT_OPEN, REPORT, TLP_AMBER);
    give(world, ALICE, opening);
    give(world, BOB, opening);
    red = mallory_says(&mallory, world, "message", "{'text':'for you'}", TLP_RED);
    give(world, BOB, red);
    after = mallory_says(&mallory, world, "message", "{'text':'for all'}", TLP_AMBER);
    give(world, BOB, after);
    say(world, BOB, mallory.id, "message", "{'text':'We look at it'}");
    hand_on(world, BOB);
    g_assert_cmpuint(carry(world, BOB, TRUE), ==, 1);
    g_assert_cmpuint(applied(world, ALICE, mallory.id), ==, 2);
    mallory_end(&mallory);
}

/* Who says as much as all may together has used up its own share, and nobody else's. */
static void test_a_party_silences_nobody(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);
    g_autoptr(GError) error = NULL;

    (void)data;
    carry(world, ALICE, TRUE);
    g_assert_true(
        cases_do(world->sides[ALICE].cases, &error,
                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) "
                 "INSERT INTO event (number, hash, id, author, stream, seq, verdict, signers, "
                 "received, envelope) SELECT i + (SELECT max(number) FROM event), randomblob(32), "
                 "$2, $3, 'shared', i, $4, 1, $5, NULL FROM n",
                 "ittii", (gint64)CASES_EVENTS_LIMIT, id, side_ids[BOB], (gint64)CASE_APPLIED,
                 world->now_us));
    g_assert_no_error(error);
    say(world, BOB, id, "acknowledge", "{}");
    g_assert_cmpuint(carry(world, BOB, TRUE), ==, 0);
    say(world, ALICE, id, "message", "{'text':'Are you there?'}");
    g_assert_cmpuint(applied(world, ALICE, id), ==, 2);
}

#define COUNT_FILES "SELECT count(*) FROM attachment WHERE id = $1"

/* What waits in cases that nobody opened has a bound, keeps no opening out, and goes. */
static void test_what_is_never_opened_goes(struct world *world, gconstpointer data)
{
    static const char never[] = "0123456789abcdef0123456789abcdef";
    struct cases *bob = world->sides[BOB].cases;
    struct case_attachment file = { .name = (char *)"file", .size = 5 };
    g_autoptr(GPtrArray) attachments = g_ptr_array_new();
    g_autoptr(GBytes) event = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *id = NULL;
    guint happened;
    gint64 announced;

    (void)data;
    g_ptr_array_add(attachments, &file);
    event = strangers_event(never, 1, 2, world->now_us, attachments);
    g_assert_cmpint(cases_take(bob, event, world->now_us, NULL, &error), ==, CASE_GAP);
    g_assert_true(cases_number(bob, &announced, 0, &error, COUNT_FILES, "t", never));
    g_assert_cmpint(announced, ==, 1);
    g_assert_true(
        cases_do(bob, &error,
                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) "
                 "INSERT INTO event (number, hash, id, author, stream, seq, verdict, signers, "
                 "received, envelope) SELECT i + (SELECT max(number) FROM event), randomblob(32), "
                 "lower(hex(randomblob(16))), $2, 'shared', 2, $3, 1, $4, NULL FROM n",
                 "itii", (gint64)CASES_UNOPENED_LIMIT - 1, side_ids[ALICE], (gint64)CASE_GAP,
                 world->now_us));
    g_assert_no_error(error);
    g_assert_cmpuint(send(world, never, 3, 1), ==, 0);
    id = open_case(world, ALICE, "assistance", HELP);
    g_assert_cmpuint(carry(world, ALICE, TRUE), ==, 1);
    world->now_us += (CASES_UNOPENED_DAYS + 1) * DAY;
    for (guint i = 0; i < 6; i++) /* so many in one call */
        g_assert_true(cases_tick(bob, world->now_us, &happened, &error));
    g_assert_true(cases_number(bob, &announced, 1, &error, COUNT_FILES, "t", never));
    g_assert_cmpint(announced, ==, 0);
    g_assert_cmpuint(send(world, never, 3, 1), ==, 1);
    g_assert_cmpuint(applied(world, BOB, id), ==, 1);
}

/* An opening that opens nothing is not kept, and what waits for it goes as any such thing does. */
static void test_what_a_refused_opening_leaves_goes(struct world *world, gconstpointer data)
{
    struct cases *bob = world->sides[BOB].cases;
    struct mallory mallory;
    g_autoptr(GBytes) opening = NULL, second = NULL, third = NULL;
    g_autoptr(GError) error = NULL;
    gint64 kept;
    guint happened;

    (void)data;
    mallory_begin(&mallory);
    opening = mallory_says(&mallory, world, CASE_EVENT_OPEN, "{'product':'no more'}", TLP_AMBER);
    second = mallory_says(&mallory, world, "message", "{'text':'two'}", TLP_AMBER);
    third = mallory_says(&mallory, world, "message", "{'text':'three'}", TLP_AMBER);
    g_assert_cmpint(cases_take(bob, second, world->now_us, NULL, &error), ==, CASE_GAP);
    g_assert_cmpint(cases_take(bob, opening, world->now_us, NULL, &error), ==, CASE_FIELD);
    g_assert_cmpint(cases_take(bob, opening, world->now_us, NULL, &error), ==, CASE_FIELD);
    g_assert_cmpint(cases_take(bob, third, world->now_us, NULL, &error), ==, CASE_GAP);
    g_assert_no_error(error);
    g_assert_true(cases_number(bob, &kept, -1, &error,
                               "SELECT count(*) FROM event WHERE id = $1 AND verdict = $2", "ti",
                               mallory.id, (gint64)CASE_GAP));
    g_assert_cmpint(kept, ==, 2);                      /* both count against the bound */
    g_free(open_case(world, BOB, "assistance", HELP)); /* the last number is never given again */
    world->now_us += (CASES_UNOPENED_DAYS + 1) * DAY;
    g_assert_true(cases_tick(bob, world->now_us, &happened, &error));
    g_assert_true(cases_number(bob, &kept, -1, &error, "SELECT count(*) FROM event WHERE id = $1",
                               "t", mallory.id));
    g_assert_cmpint(kept, ==, 0);
    mallory_end(&mallory);
}

static struct case_attachment file_of(const char *name, const char *bytes)
{
    struct case_attachment file = { .name = (char *)name, .size = strlen(bytes) };

    crypto_hash_sha256(file.sha256.bytes, (const guint8 *)bytes, strlen(bytes));
    return file;
}

/* Files of a report without an account have a bound, all together. */
static void test_a_report_has_a_bound(struct world *world, gconstpointer data)
{
    struct cases *bob = world->sides[BOB].cases;
    struct case_attachment all = { .name = (char *)"all", .size = CASE_REPORT_FILES_LIMIT - 4 };
    struct case_attachment small = file_of("small", "five!");
    struct case_attachment rest = file_of("rest", "four");
    struct case_file beyond = { NULL, CASE_STREAM_SHARED, small.sha256, small.size };
    g_autoptr(GPtrArray) files = g_ptr_array_new();
    g_autoptr(GBytes) opening = NULL, over = NULL, last = NULL, plain = NULL;
    g_autoptr(GBytes) bytes = g_bytes_new_static("five!", 5), four = g_bytes_new_static("four", 4);
    g_autoptr(GError) error = NULL;
    g_autofree char *why = NULL;
    struct mallory mallory;
    gboolean whole;

    (void)data;
    mallory_begin(&mallory);
    mallory.files = files;
    g_ptr_array_add(files, &all);
    opening = mallory_says(&mallory, world, CASE_EVENT_OPEN, REPORT, TLP_AMBER);
    give(world, BOB, opening);
    g_ptr_array_index(files, 0) = &small;
    over = mallory_says(&mallory, world, "message", "{'text':'and this'}", TLP_AMBER);
    g_assert_cmpint(cases_take(bob, over, world->now_us, &why, &error), ==, CASE_TOO_LARGE);
    g_assert_nonnull(why);
    beyond.id = mallory.id;
    g_assert_cmpint(cases_attachment_add(bob, &beyond, 0, bytes, &whole, &error), ==,
                    CASE_NOT_ANNOUNCED);
    /* It keeps its place, so that what comes after it is heard, and what still fits is taken. */
    g_ptr_array_index(files, 0) = &rest;
    last = mallory_says(&mallory, world, "message", "{'text':'the rest'}", TLP_AMBER);
    give(world, BOB, last);
    mallory.files = NULL;
    plain = mallory_says(&mallory, world, "message", "{'text':'that is all'}", TLP_AMBER);
    give(world, BOB, plain);
    beyond = (struct case_file){ mallory.id, CASE_STREAM_SHARED, rest.sha256, rest.size };
    g_assert_cmpint(cases_attachment_add(bob, &beyond, 0, four, &whole, &error), ==, CASE_APPLIED);
    g_assert_true(whole);
    mallory_end(&mallory);
}

/* The same files, and more of them than any number holds, in a report itself. */
static void test_an_opening_has_the_same_bound(struct world *world, gconstpointer data)
{
    struct case_attachment huge = { .name = (char *)"huge", .size = (guint64)1 << 53 };
    g_autoptr(GPtrArray) files = g_ptr_array_new();
    g_autoptr(GBytes) opening = NULL;
    g_autoptr(GError) error = NULL;
    struct mallory mallory;

    (void)data;
    mallory_begin(&mallory);
    mallory.files = files;
    for (guint i = 0; i < CASE_ATTACHMENTS_LIMIT; i++)
        g_ptr_array_add(files, &huge);
    opening = mallory_says(&mallory, world, CASE_EVENT_OPEN, REPORT, TLP_AMBER);
    g_assert_cmpint(cases_take(world->sides[BOB].cases, opening, world->now_us, NULL, &error), ==,
                    CASE_TOO_LARGE);
    g_assert_null(cases_get(world->sides[BOB].cases, mallory.id, world->now_us, NULL));
    mallory_end(&mallory);
}

#define TEST(NAME)                                                                                 \
    g_test_add("/cases/hostile/" #NAME, struct world, NULL, world_set_up, test_##NAME,             \
               world_tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST(strangers_keep_nobody_out);
    TEST(nor_before_it_is_opened);
    TEST(strangers_part_nobody);
    TEST(a_party_parts_nobody);
    TEST(nor_with_what_is_for_one_alone);
    TEST(nobody_opens_for_another);
    TEST(a_party_silences_nobody);
    TEST(what_is_never_opened_goes);
    TEST(what_a_refused_opening_leaves_goes);
    TEST(a_report_has_a_bound);
    TEST(an_opening_has_the_same_bound);
    return g_test_run();
}
