/* Who says one thing to one party and another to the other does not part them for ever. */
#include "mallory.h"

#define ROUNDS 6 /* of handing on: what is named names others */

/* What both say reaches the other, with what it names. */
static void exchange(struct world *world)
{
    for (guint i = 0; i < ROUNDS; i++)
        for (guint side = 0; side < SIDES; side++) {
            carry(world, side, FALSE);
            hand_on(world, side);
        }
}

static void restart(struct world *world, guint side)
{
    cases_close(world->sides[side].cases);
    side_open(world, side);
}

static char *view_of(struct world *world, guint side, const char *id)
{
    g_autoptr(json_t) value =
        case_json(cases_get(world->sides[side].cases, id, world->now_us, NULL), NULL);

    return json_dumps(value, JSON_SORT_KEYS);
}

static void assert_alike(struct world *world, const char *id)
{
    g_autofree char *alice = view_of(world, ALICE, id), *bob = view_of(world, BOB, id);

    g_assert_cmpstr(alice, ==, bob);
}

/* Two openings: `late`, and one that says that it is an hour earlier. */
static void open_twice(struct mallory *mallory, struct world *world, GBytes **late, GBytes **early)
{
    const gint64 began_us = world->now_us;

    mallory_begin(mallory);
    world->now_us = began_us + HOUR;
    *late = mallory_says(mallory, world, CASE_EVENT_OPEN, REPORT, TLP_AMBER);
    mallory->seq = 0;
    world->now_us = began_us;
    *early = mallory_says(mallory, world, CASE_EVENT_OPEN, REPORT, TLP_AMBER);
    world->now_us = began_us + 2 * HOUR;
}

/* Each answers the opening that it was shown; the one that loses is handed on, too. */
static void test_each_answers_its_own_opening(struct world *world, gconstpointer data)
{
    struct mallory mallory;
    g_autoptr(GBytes) late = NULL, early = NULL;

    (void)data;
    open_twice(&mallory, world, &late, &early);
    give(world, ALICE, late);
    give(world, BOB, early);
    say(world, ALICE, mallory.id, "message", "{'text':'We look at it'}");
    say(world, BOB, mallory.id, "message", "{'text':'So do we'}");
    carry(world, BOB, FALSE);
    hand_on(world, BOB);
    carry(world, BOB, FALSE); /* now the opening that Alice answered is none to her */
    exchange(world);
    for (guint side = 0; side < SIDES; side++) {
        g_assert_cmpint(verdict_of(world, side, early), ==, CASE_APPLIED);
        g_assert_cmpint(verdict_of(world, side, late), ==, CASE_FORKED);
        g_assert_cmpuint(applied(world, side, mallory.id), ==, 3);
    }
    assert_alike(world, mallory.id);
    mallory_end(&mallory);
}

/* The one that an answer makes count is written down as such, with its files. */
static void test_what_an_answer_opens_counts(struct world *world, gconstpointer data)
{
    struct mallory mallory;
    g_autoptr(GBytes) late = NULL, early = NULL;

    (void)data;
    open_twice(&mallory, world, &late, &early);
    give(world, BOB, early);
    g_assert_cmpint(cases_take(world->sides[BOB].cases, late, world->now_us, NULL, NULL), ==,
                    CASE_FORKED);
    give(world, ALICE, late);
    say(world, ALICE, mallory.id, "message", "{'text':'We look at it'}");
    g_assert_cmpuint(carry(world, ALICE, TRUE), ==, 1);
    g_assert_cmpint(verdict_of(world, BOB, late), ==, CASE_APPLIED);
    g_assert_cmpint(verdict_of(world, BOB, early), ==, CASE_FORKED);
    mallory_end(&mallory);
}

/* Three events of one number: the one that the other side names is here after a restart, too. */
static void test_forks_that_are_named_stay(struct world *world, gconstpointer data)
{
    static const char *const texts[] = { "{'text':'one'}", "{'text':'two'}", "{'text':'three'}" };
    struct mallory mallory;
    g_autoptr(GBytes) opening = NULL;
    g_autoptr(GPtrArray) forks = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    struct case_hash first;

    (void)data;
    mallory_begin(&mallory);
    opening = mallory_says(&mallory, world, CASE_EVENT_OPEN, REPORT, TLP_AMBER);
    first = mallory.last;
    give(world, ALICE, opening);
    give(world, BOB, opening);
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        mallory.seq = 1;
        mallory.last = first;
        g_ptr_array_add(forks, mallory_says(&mallory, world, "message", texts[i], TLP_AMBER));
        g_assert_cmpint(
            cases_take(world->sides[ALICE].cases, forks->pdata[i], world->now_us, NULL, NULL), ==,
            i ? CASE_FORKED : CASE_APPLIED);
    }
    give(world, BOB, forks->pdata[2]);
    say(world, BOB, mallory.id, "message", "{'text':'We look at it'}");
    g_assert_cmpuint(carry(world, BOB, TRUE), ==, 1);
    g_assert_cmpuint(applied(world, ALICE, mallory.id), ==, 3);
    restart(world, ALICE);
    g_assert_cmpuint(applied(world, ALICE, mallory.id), ==, 3);
    mallory_end(&mallory);
}

#define TEST(NAME)                                                                                 \
    g_test_add("/cases/parted/" #NAME, struct world, NULL, world_set_up, test_##NAME,              \
               world_tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST(each_answers_its_own_opening);
    TEST(what_an_answer_opens_counts);
    TEST(forks_that_are_named_stay);
    return g_test_run();
}
