/* Module bogon: what is nobody's in the Internet's routes. */
#include "p2_internet/routes/bogon.h"

static const struct {
    const char *prefix;
    enum bogon_prefix wanted;
    const char *why; /* a part of it */
} prefixes[] = {
    { "0.0.0.0/0", BOGON_DEFAULT, NULL },
    { "::/0", BOGON_DEFAULT, NULL },
    { "10.0.0.0/8", BOGON_SPECIAL, "1918" },
    { "10.1.2.0/24", BOGON_SPECIAL, "1918" },
    { "172.15.0.0/16", BOGON_NONE, NULL },
    { "172.31.0.0/16", BOGON_SPECIAL, "1918" },
    { "172.32.0.0/16", BOGON_NONE, NULL },
    { "100.64.0.0/16", BOGON_SPECIAL, "6598" },
    { "192.0.2.0/24", BOGON_SPECIAL, "5737" },
    { "192.0.0.0/16", BOGON_SPECIAL, "6890" }, /* contains it */
    { "198.18.0.0/16", BOGON_SPECIAL, "2544" },
    { "255.0.0.0/8", BOGON_SPECIAL, "1112" },
    { "8.8.8.0/24", BOGON_NONE, NULL },
    { "8.8.8.0/25", BOGON_SPECIFIC, NULL },
    { "8.0.0.0/7", BOGON_BROAD, NULL },
    { "128.0.0.0/1", BOGON_BROAD, NULL },
    { "2001:db8::/32", BOGON_SPECIAL, "3849" },
    { "2001:db8:1::/48", BOGON_SPECIAL, "3849" },
    { "2001::/32", BOGON_SPECIAL, "2928" },
    { "2001:4:112::/48", BOGON_NONE, NULL },
    { "2001:20::/28", BOGON_NONE, NULL },
    { "2001:200::/32", BOGON_NONE, NULL },
    { "2a00:1450::/32", BOGON_NONE, NULL },
    { "2a00:1450:4000::/64", BOGON_SPECIFIC, NULL },
    { "2a00::/12", BOGON_BROAD, NULL },
    { "3fff::/20", BOGON_SPECIAL, "9637" },
    { "::/2", BOGON_BROAD, NULL },
    { "2000::/3", BOGON_BROAD, NULL },
    { "4000::/16", BOGON_UNUSED, NULL },
    { "4000::/8", BOGON_UNUSED, NULL },
    { "fe00::/8", BOGON_UNUSED, NULL },
    { "8000::/1", BOGON_UNUSED, NULL },
    { "2001:1::/128", BOGON_SPECIAL, "2928" },
    { "2001:1::1/128", BOGON_SPECIFIC, NULL },
    { "2001:1::2/128", BOGON_SPECIFIC, NULL },
    { "2001:1::3/128", BOGON_SPECIFIC, NULL },
    { "2001:1::4/128", BOGON_SPECIAL, "2928" },
    { "2001:1::2/127", BOGON_SPECIAL, "2928" },
    { "fd00::/16", BOGON_SPECIAL, "4193" },
    { "64:ff9b::/96", BOGON_SPECIAL, "4291" },
};

static void test_prefixes(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        struct ip_prefix prefix;
        const char *why;

        g_test_message("%s", prefixes[i].prefix);
        g_assert_true(ip_prefix_parse(prefixes[i].prefix, &prefix, NULL));
        g_assert_cmpint(bogon_prefix_judge(&prefix, &why), ==, prefixes[i].wanted);
        g_assert_cmpint(bogon_prefix_judge(&prefix, NULL), ==, prefixes[i].wanted);
        g_assert_true((why != NULL) == (prefixes[i].why != NULL));
        g_assert_true(!why || g_strrstr(why, prefixes[i].why));
    }
    g_assert_null(bogon_prefix_name(BOGON_NONE));
    g_assert_cmpstr(bogon_prefix_name(BOGON_BROAD), ==, "too-broad");
}

static void test_systems(void)
{
    static const struct {
        guint32 as;
        gboolean is_bogon;
    } systems[] = {
        { 0, TRUE },       { 1, FALSE },          { 23456, TRUE },      { 64495, FALSE },
        { 64496, TRUE },   { 64511, TRUE },       { 64512, TRUE },      { 65535, TRUE },
        { 65536, TRUE },   { 65552, TRUE },       { 131071, TRUE },     { 131072, FALSE },
        { 401308, FALSE }, { 4199999999, FALSE }, { 4200000000, TRUE }, { 4294967295, TRUE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(systems); i++) {
        g_test_message("AS%u", systems[i].as);
        g_assert_true((bogon_as(systems[i].as) != NULL) == systems[i].is_bogon);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bogon/prefixes", test_prefixes);
    g_test_add_func("/bogon/systems", test_systems);
    return g_test_run();
}
