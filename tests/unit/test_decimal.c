/* Decimals as tlog formats write them: one text for each number, within 63 bits. */
#include "base/decimal.h"

#include <string.h>

static void test_numbers(void)
{
    static const struct {
        const char *text;
        guint64 number;
    } rows[] = {
        { "0", 0 },
        { "7", 7 },
        { "1234067", 1234067 },
        { "9223372036854775807", G_MAXINT64 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        guint64 number = 1;

        g_assert_true(decimal_parse(rows[i].text, strlen(rows[i].text), &number));
        g_assert_cmpuint(number, ==, rows[i].number);
    }
}

static void test_other_texts_are_refused(void)
{
    static const char *const texts[] = { "",   "00", "07", "-1",  "+1",
                                         " 1", "1 ", "1a", "0x1", "9223372036854775808" };
    guint64 number;

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        g_assert_false(decimal_parse(texts[i], strlen(texts[i]), &number));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/decimal/numbers", test_numbers);
    g_test_add_func("/decimal/refused", test_other_texts_are_refused);
    return g_test_run();
}
