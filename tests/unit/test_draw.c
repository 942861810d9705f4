/* The draw of findings and reviewers: repeatable, without repeats, weighted, unbiased. */
#include "base/error.h"
#include "register/draw.h"

#include <string.h>

static struct merkle_hash hash_of(guint number)
{
    struct merkle_hash hash = { { 0 } };

    memcpy(hash.bytes, &number, sizeof number);
    return hash;
}

static void test_leaves_are_drawn_once_and_within_the_findings(void)
{
    struct draw_order order = { .first = 9, .counts = { 1, 2, 3, 1, 4 } };

    for (guint round = 0; round < 200; round++) {
        struct commitment_root root = { .hash = hash_of(round), .count = 20 };
        struct merkle_hash checkpoint = hash_of(7);
        g_autoptr(GArray) drawn = draw_findings(&checkpoint, &root, &order, 20);
        guint seen = 0;

        /* All eleven findings are there, each once; the four of no weight come last. */
        g_assert_cmpuint(drawn->len, ==, 11);
        for (guint i = 0; i < drawn->len; i++) {
            guint64 index = g_array_index(drawn, guint64, i);

            g_assert_cmpuint(index, >=, 9);
            g_assert_cmpuint(index, <, 20);
            g_assert_cmpuint(seen & (1u << index), ==, 0);
            seen |= 1u << index;
            g_assert_true((draw_order_class(&order, index) == DRAW_INFO) == (i >= 7));
        }
    }
}

static void test_the_same_dice_give_the_same_draw(void)
{
    struct draw_order order = { .first = 9, .counts = { 10, 50, 100, 40, 5 } };
    struct commitment_root root = { .hash = hash_of(1), .count = 214 };
    struct merkle_hash one = hash_of(2), other = hash_of(3);
    g_autoptr(GArray) first = draw_findings(&one, &root, &order, 5);
    g_autoptr(GArray) again = draw_findings(&one, &root, &order, 5);
    g_autoptr(GArray) different = draw_findings(&other, &root, &order, 5);

    g_assert_cmpuint(first->len, ==, 5);
    g_assert_cmpmem(first->data, first->len * 8, again->data, again->len * 8);
    g_assert_cmpint(memcmp(first->data, different->data, first->len * 8), !=, 0);
}

/* Computed once with an independent program (Python's hashlib) from the header's description. */
static void test_the_draw_is_the_described_one(void)
{
    struct draw_order order = { .first = 9, .counts = { 10, 50, 100, 40, 5 } };
    struct commitment_root root = { .count = 214 };
    struct merkle_hash checkpoint;
    const guint64 wanted[] = { 53, 45, 114, 76, 107 };
    g_autoptr(GArray) drawn = NULL;

    memset(root.hash.bytes, 0x22, sizeof root.hash.bytes);
    memset(checkpoint.bytes, 0x11, sizeof checkpoint.bytes);
    drawn = draw_findings(&checkpoint, &root, &order, G_N_ELEMENTS(wanted));
    g_assert_cmpmem(drawn->data, drawn->len * 8, wanted, sizeof wanted);
}

static void test_severe_findings_are_drawn_more_often(void)
{
    struct draw_order order = { .counts = { 10, 10, 10, 10, 10 } };
    guint drawn_of[DRAW_CLASSES] = { 0 };
    const guint rounds = 20000;

    for (guint round = 0; round < rounds; round++) {
        struct commitment_root root = { .hash = hash_of(round), .count = 50 };
        struct merkle_hash checkpoint = hash_of(1);
        g_autoptr(GArray) drawn = draw_findings(&checkpoint, &root, &order, 1);

        drawn_of[draw_order_class(&order, g_array_index(drawn, guint64, 0))]++;
    }
    /* 10, 5, 3 and 1 of 19: within five standard deviations of what was expected. */
    g_assert_cmpfloat_with_epsilon(drawn_of[DRAW_CRITICAL] / (double)rounds, 10 / 19.0, 0.018);
    g_assert_cmpfloat_with_epsilon(drawn_of[DRAW_HIGH] / (double)rounds, 5 / 19.0, 0.016);
    g_assert_cmpfloat_with_epsilon(drawn_of[DRAW_MEDIUM] / (double)rounds, 3 / 19.0, 0.013);
    g_assert_cmpfloat_with_epsilon(drawn_of[DRAW_LOW] / (double)rounds, 1 / 19.0, 0.008);
    g_assert_cmpuint(drawn_of[DRAW_INFO], ==, 0);
}

static void test_reviewers_come_once_each(void)
{
    struct commitment_root root = { .hash = hash_of(5), .count = 1 };
    struct merkle_hash checkpoint = hash_of(6);
    g_autoptr(GArray) few = draw_reviewers(&checkpoint, &root, 2, 3);
    g_autoptr(GArray) none = draw_reviewers(&checkpoint, &root, 0, 3);

    g_assert_cmpuint(few->len, ==, 2);
    g_assert_cmpuint(g_array_index(few, guint, 0) + g_array_index(few, guint, 1), ==, 1);
    g_assert_cmpuint(none->len, ==, 0);
}

static void test_an_order_that_does_not_add_up_is_refused(void)
{
    const char *const broken[] = {
        "{\"order\": {\"first\": 9, \"high\": 10}}",
        "{\"order\": {\"first\": -1, \"high\": 21}}",
        "{\"order\": {\"first\": 25, \"high\": -5}}",
        "{\"order\": {\"high\": 20}}",
        "{\"order\": []}",
    };
    struct draw_order order;

    for (guint i = 0; i < G_N_ELEMENTS(broken); i++) {
        g_autoptr(json_t) predicate = json_parse(broken[i], strlen(broken[i]), 1000, "test", NULL);
        g_autoptr(GError) error = NULL;

        g_assert_nonnull(predicate);
        g_assert_false(draw_order_read(predicate, 20, &order, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/draw/once", test_leaves_are_drawn_once_and_within_the_findings);
    g_test_add_func("/draw/same", test_the_same_dice_give_the_same_draw);
    g_test_add_func("/draw/described", test_the_draw_is_the_described_one);
    g_test_add_func("/draw/weights", test_severe_findings_are_drawn_more_often);
    g_test_add_func("/draw/reviewers", test_reviewers_come_once_each);
    g_test_add_func("/draw/broken-order", test_an_order_that_does_not_add_up_is_refused);
    return g_test_run();
}
