/* Who says one thing to one party and another to the other does not part them for ever. */
#include "mallory.h"

static void restart(struct world *world, guint side)
{
    cases_close(world->sides[side].cases);
    side_open(world, side);
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
    TEST(forks_that_are_named_stay);
    return g_test_run();
}
