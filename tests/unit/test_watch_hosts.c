/*
 * Module watch_hosts (p2_internet/routes/): prefixes that hold the name servers of the organisation
 * are learned and watched, whosever they are; what lies beside them is nobody's concern.
 */
#include "base/error.h"
#include "watch_lab.h"

static const char servers[] = "# ours, and where they are\n"
                              "ns1.example.org 198.51.100.53\n"
                              "ns2.example.org  2001:db8:53::1\t# no route yet\n"
                              "ns3.example.org 193.0.1.53\n"
                              "ns4.example.org 203.0.113.53 24940 AS16276\n";

static struct lab *lab_with_servers(GPtrArray **hosts)
{
    struct lab *lab = lab_new();
    GError *error = NULL;

    *hosts = watch_hosts_parse(servers, "ns", &error);
    g_assert_no_error(error);
    lab->options.hosts = *hosts;
    return lab;
}

static const struct said hoster = { "198.51.100.0/22", "50001 2914 13335", 0, 0 };

static void test_name_servers(void)
{
    g_autoptr(GPtrArray) hosts = NULL;
    g_autoptr(lab_t) lab = lab_with_servers(&hosts);

    lab->options.vrps = roas();
    lab_begin(lab);
    /* As it is: the hoster's aggregate, its customers' parts, and a part with the server in it. */
    all_say(lab, 4, &hoster);
    all_say(lab, 4, &(struct said){ "198.51.100.0/24", "50001 2914 16509", 0, 0 });
    all_say(lab, 4, &(struct said){ "198.51.100.0/24", "50001 174 20940", 0, 0 }); /* anycast */
    live(lab, 700);
    assert_told(lab, "");
    /* Others' parts are theirs, and shorter ones take nothing away. */
    all_say(lab, 4, &(struct said){ "198.51.102.0/24", "50001 666", 0, 0 });
    all_say(lab, 4, &(struct said){ "198.51.0.0/16", "50001 666", 0, 0 });
    all_say(lab, 4, &(struct said){ "198.51.100.0/24", "50001 3356 16509", 0, 0 });
    assert_told(lab, "");
    all_say(lab, 2, &(struct said){ "198.51.100.0/24", "50001 666", 0, 0 });
    assert_told(lab, "opened origin 198.51.100.0/24 AS666");
    g_assert_nonnull(strstr(lab->texts->str, "ns1.example.org: 198.51.100.0/24, AS666: the prefix "
                                             "of our name server is announced by an AS that"));
    g_assert_nonnull(strstr(lab->texts->str, "; our name server ns1.example.org is there; RPKI"));
    all_say(lab, 2, &(struct said){ "198.51.100.32/27", "50001 667", 0, 0 });
    assert_told(lab, "opened sub-prefix 198.51.100.32/27 AS667");
    /* Of a server that nobody announced: who comes first. */
    all_say(lab, 2, &(struct said){ "2001:db8:53::/48", "50001 2914 13335", 0, 0 });
    assert_told(lab, "");
    all_say(lab, 2, &(struct said){ "2001:db8:53::/48", "50001 666", 0, 0 });
    assert_told(lab, "opened origin 2001:db8:53::/48 AS666");
}

/* What RPKI authorises is no incident, and what it forbids is one from the beginning. */
static void test_name_servers_by_rpki(void)
{
    g_autoptr(GPtrArray) hosts = NULL;
    g_autoptr(lab_t) lab = lab_with_servers(&hosts);

    lab->options.vrps = vrp_set_new();
    add_vrp(lab->options.vrps, "198.51.100.0/22", 24, 13335);
    add_vrp(lab->options.vrps, "198.51.100.0/24", 24, 54113);
    vrp_set_seal(lab->options.vrps);
    lab_begin(lab);
    all_say(lab, 4, &hoster);
    all_say(lab, 2, &(struct said){ "198.51.100.0/24", "50001 666", 0, 0 });
    assert_told(lab, "opened rpki-invalid 198.51.100.0/24 AS666; "
                     "opened sub-prefix 198.51.100.0/24 AS666");
    live(lab, 700);
    all_say(lab, 4, &(struct said){ "198.51.100.0/24", "50001 54113", 0, 0 });
    live(lab, 400);
    assert_told(lab, "closed rpki-invalid 198.51.100.0/24 AS666; "
                     "closed sub-prefix 198.51.100.0/24 AS666");
}

/* AS numbers that were given; a server in a prefix of ours; peers that lose the route. */
static void test_name_servers_given_own_and_lost(void)
{
    g_autoptr(GPtrArray) hosts = NULL;
    g_autoptr(lab_t) lab = lab_with_servers(&hosts);

    lab_begin(lab);
    all_say(lab, 2, &(struct said){ "203.0.113.0/24", "50001 16276", 0, 0 });
    all_say(lab, 2, &(struct said){ "203.0.113.0/24", "50001 666", 0, 0 });
    assert_told(lab, "opened origin 203.0.113.0/24 AS666");
    all_say(lab, 2, &(struct said){ "203.0.113.0/24", "50001 24940", 0, 0 });
    all_say(lab, 2, &(struct said){ "193.0.1.0/24", "50001 666", 0, 0 });
    assert_told(lab, "opened sub-prefix 193.0.1.0/24 AS666");
    g_assert_nonnull(strstr(lab->texts->str, "AS666: a part of our prefix is announced by"));
    g_assert_nonnull(strstr(lab->texts->str, "; our name server ns3.example.org is there"));
    all_say(lab, 2, &(struct said){ "193.0.1.0/24", NULL, 0, 0 });
    all_say(lab, 4, &hoster);
    live(lab, 700);
    assert_told(lab, "closed origin 203.0.113.0/24 AS666; closed sub-prefix 193.0.1.0/24 AS666");
    all_say(lab, 3, &(struct said){ "198.51.100.0/22", NULL, 0, 0 });
    live(lab, 120);
    assert_told(lab, "opened visibility 198.51.100.0/22 AS0");
}

/* What `entente zone check --format json` wrote of two zones. */
static void test_lists_by_zone_check(void)
{
    static const char zones[] =
        "{\"schema\":\"entente/zone-check/1\",\"zone\":\"example.org\",\"servers\":["
        "{\"host\":\"a.nic.org\",\"address\":\"192.0.2.1\",\"of_parent\":true},"
        "{\"host\":\"ns1.example.org\",\"address\":\"198.51.100.53\",\"of_parent\":false},"
        "{\"host\":\"ns1.example.org\",\"address\":\"2001:db8::53\",\"of_parent\":false}]}\n"
        "{\"schema\":\"entente/zone-check/1\",\"zone\":\"example.net\",\"servers\":["
        "{\"host\":null,\"address\":\"192.0.2.9\",\"of_parent\":false},"
        "{\"host\":\"ns1.example.org\",\"address\":\"198.51.100.53\",\"of_parent\":false}]}\n"
        "ns2.example.org 203.0.113.53 64510\n";
    g_autoptr(GPtrArray) hosts = watch_hosts_parse(zones, "ns", NULL), none = NULL;
    g_autoptr(GError) error = NULL;
    char address[IP_PREFIX_TEXT];

    g_assert_nonnull(hosts);
    g_assert_cmpuint(hosts->len, ==, 3);
    ip_prefix_format(&((struct watch_host *)hosts->pdata[1])->address, address);
    g_assert_cmpstr(((struct watch_host *)hosts->pdata[1])->name, ==, "ns1.example.org");
    g_assert_cmpstr(address, ==, "2001:db8::53/128");
    none = watch_hosts_parse("{\"schema\":\"entente/zone-root/1\",\"servers\":[]}", "ns", &error);
    g_assert_null(none);
    g_assert_cmpstr(error->message, ==, "ns:1: is no document of schema entente/zone-check/1");
}

static void test_lists_of_name_servers(void)
{
    static const struct {
        const char *text, *problem;
    } rows[] = {
        { "ns1.example.org\n", "ns:1: a name and an address belong here" },
        { "# none\n\nns1.example.org 192.0.2\n", "ns:3: \"192.0.2\" is not an address" },
        { "ns1.example.org 192.0.2.1 the-hoster\n", "ns:1: " },
    };
    g_autoptr(GPtrArray) none = watch_hosts_parse("# none\r\n", "ns", NULL);

    g_assert_cmpuint(none->len, ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(watch_hosts_parse(rows[i].text, "ns", &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
        g_assert_true(g_str_has_prefix(error->message, rows[i].problem));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/watch-hosts/name-servers", test_name_servers);
    g_test_add_func("/watch-hosts/name-servers-by-rpki", test_name_servers_by_rpki);
    g_test_add_func("/watch-hosts/name-servers-given-own-and-lost",
                    test_name_servers_given_own_and_lost);
    g_test_add_func("/watch-hosts/lists-of-name-servers", test_lists_of_name_servers);
    g_test_add_func("/watch-hosts/lists-by-zone-check", test_lists_by_zone_check);
    return g_test_run();
}
