/* tlp: names, spellings and the order of the Traffic Light Protocol's levels. */
#include "base/tlp.h"

static void names_and_spellings(void)
{
    static const struct {
        const char *text;
        enum tlp tlp;
    } rows[] = {
        { "clear", TLP_CLEAR },
        { "TLP:CLEAR", TLP_CLEAR },
        { "tlp:white", TLP_CLEAR }, /* TLP 1.0 */
        { "Green", TLP_GREEN },
        { "TLP:AMBER", TLP_AMBER },
        { "tlp:amber+strict", TLP_AMBER_STRICT },
        { "RED", TLP_RED },
    };
    enum tlp tlp;

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_assert_true(tlp_parse(rows[i].text, &tlp));
        g_assert_cmpint(tlp, ==, rows[i].tlp);
        g_assert_true(tlp_parse(tlp_name(tlp), &tlp));
        g_assert_cmpint(tlp, ==, rows[i].tlp);
    }
    g_assert_false(tlp_parse("TLP:PURPLE", &tlp));
    g_assert_false(tlp_parse("amber strict", &tlp));
    g_assert_false(tlp_parse("", &tlp));
    g_assert_false(tlp_parse(NULL, &tlp));
}

static void levels_compare_from_open_to_closed(void)
{
    g_assert_cmpint(TLP_CLEAR, <, TLP_GREEN);
    g_assert_cmpint(TLP_GREEN, <, TLP_AMBER);
    g_assert_cmpint(TLP_AMBER, <, TLP_AMBER_STRICT);
    g_assert_cmpint(TLP_AMBER_STRICT, <, TLP_RED);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tlp/names", names_and_spellings);
    g_test_add_func("/tlp/order", levels_compare_from_open_to_closed);
    return g_test_run();
}
