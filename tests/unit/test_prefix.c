/* net/prefix.h: prefixes as text and as bytes, and which contains which. */
#include "net/prefix.h"

#include "base/error.h"

#include <glib.h>
#include <string.h>

static struct ip_prefix prefix_of(const char *text)
{
    g_autoptr(GError) error = NULL;
    struct ip_prefix prefix;

    g_assert_true(ip_prefix_parse(text, &prefix, &error));
    g_assert_no_error(error);
    return prefix;
}

static void test_texts_come_back(void)
{
    static const char *const texts[] = {
        "0.0.0.0/0", "192.0.2.0/24", "192.0.2.255/32", "::/0", "2001:db8::/32", "2001:db8::1/128",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        struct ip_prefix prefix = prefix_of(texts[i]);
        char text[IP_PREFIX_TEXT];

        g_assert_cmpuint(ip_prefix_format(&prefix, text), ==, strlen(texts[i]));
        g_assert_cmpstr(text, ==, texts[i]);
    }
}

static void test_what_is_no_prefix_is_refused(void)
{
    static const char *const texts[] = {
        "",
        "192.0.2.0",
        "192.0.2.0/33",
        "192.0.2.1/24",
        "2001:db8::/129",
        "2001:db8/32",
        "192.0.2.0/",
        "192.0.2.0/-1",
        "192.0.2/24",
        "2001:db8::1/64",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        struct ip_prefix prefix;

        g_assert_false(ip_prefix_parse(texts[i], &prefix, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    }
}

static void test_bytes_are_masked_and_that_is_said(void)
{
    const guint8 bytes[] = { 11, 13 };
    struct ip_prefix prefix, wanted = prefix_of("11.8.0.0/13");
    gboolean masked = FALSE;

    g_assert_true(ip_prefix_from_bytes(4, 13, bytes, &prefix, &masked));
    g_assert_true(masked);
    g_assert_true(ip_prefix_equal(&prefix, &wanted));
    g_assert_cmpuint(ip_prefix_hash(&prefix), ==, ip_prefix_hash(&wanted));
    g_assert_true(ip_prefix_from_bytes(4, 16, bytes, &prefix, &masked));
    g_assert_false(masked);
    g_assert_false(ip_prefix_from_bytes(4, 33, bytes, &prefix, NULL));
}

static void test_covering_needs_the_family_and_every_bit(void)
{
    static const struct {
        const char *outer, *inner;
        gboolean covers;
    } cases[] = {
        { "0.0.0.0/0", "192.0.2.0/24", TRUE },
        { "192.0.2.0/24", "192.0.2.0/24", TRUE },
        { "192.0.2.0/24", "192.0.2.128/25", TRUE },
        { "192.0.2.0/25", "192.0.2.128/25", FALSE },
        { "192.0.2.0/24", "192.0.0.0/16", FALSE },
        { "0.0.0.0/0", "::/0", FALSE },
        { "2001:db8::/33", "2001:db8:8000::/48", FALSE },
        { "2001:db8::/32", "2001:db8:8000::/48", TRUE },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct ip_prefix outer = prefix_of(cases[i].outer), inner = prefix_of(cases[i].inner);

        g_assert_cmpint(ip_prefix_covers(&outer, &inner), ==, cases[i].covers);
    }
}

static void test_order_puts_what_contains_first(void)
{
    struct ip_prefix wide = prefix_of("10.0.0.0/8"), narrow = prefix_of("10.0.0.0/9"),
                     next = prefix_of("11.0.0.0/8"), six = prefix_of("::/0");

    g_assert_cmpint(ip_prefix_compare(&wide, &narrow), <, 0);
    g_assert_cmpint(ip_prefix_compare(&narrow, &next), <, 0);
    g_assert_cmpint(ip_prefix_compare(&next, &six), <, 0);
    g_assert_cmpint(ip_prefix_compare(&wide, &wide), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/prefix/texts", test_texts_come_back);
    g_test_add_func("/prefix/refused", test_what_is_no_prefix_is_refused);
    g_test_add_func("/prefix/masked", test_bytes_are_masked_and_that_is_said);
    g_test_add_func("/prefix/covers", test_covering_needs_the_family_and_every_bit);
    g_test_add_func("/prefix/order", test_order_puts_what_contains_first);
    return g_test_run();
}
