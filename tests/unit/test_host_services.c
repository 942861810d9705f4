/*
 * Modules sockets, firewall_text, firewall_measures, units and exposure: listeners, the packet
 * filter, units and their exposure, from texts as the kernel and people write.
 */
#include "p7_hygiene/host/exposure.h"
#include "p7_hygiene/host/firewall.h"
#include "p7_hygiene/host/sockets.h"
#include "p7_hygiene/host/units.h"
#include "tree.h"

#include <string.h>
#include <sys/socket.h>

static void test_listeners_of_proc_net(void)
{
    static const char text[] =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
        "timeout "
        "inode\n"
        "   0: 0100007F:0019 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        "
        "0 "
        "10003 1 0000000000000000 100 0 0 10 0\n"
        "   1: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A "
        "00000000:00000000 00:00000000 00000000  1000        0 10004 1 0 100 0 0 10 0\n"
        "   2: 0A00020F:D2C4 0A000202:0016 01 00000000:00000000 00:00000000 00000000     0        "
        "0 "
        "10005 1 0\n"
        "   3: nonsense\n";
    g_autoptr(GArray) listeners = g_array_new(FALSE, TRUE, sizeof(struct listener));
    const struct listener *first, *second;
    g_autofree char *address = NULL;

    g_assert_cmpuint(sockets_parse(text, strlen(text), "tcp", "/proc/net/tcp", listeners), ==, 1);
    g_assert_cmpuint(listeners->len, ==, 2);
    first = &g_array_index(listeners, struct listener, 0);
    second = &g_array_index(listeners, struct listener, 1);
    g_assert_cmpuint(first->port, ==, 25);
    g_assert_true(listener_is_loopback(first));
    g_assert_cmpuint(second->family, ==, AF_INET6);
    g_assert_cmpuint(second->uid, ==, 1000);
    address = listener_address(second);
    g_assert_cmpstr(address, ==, "[::1]:8080");
    g_assert_true(listener_is_loopback(second));
}

static void test_undeclared_listener_fails(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_put(tree, "/proc/net/tcp", 0444,
             "head\n   0: 00000000:0016 00000000:0000 0A 0:0 0:0 0     0        0 1 1 0\n");
    tree_expect(tree, "NETS-01", OUTCOME_PASS);
    tree_put(tree, "/proc/net/tcp", 0444,
             "head\n   0: 00000000:1F90 00000000:0000 0A 0:0 0:0 0     0        0 1 1 0\n");
    tree_expect(tree, "NETS-01", OUTCOME_FAIL);
}

static void test_filter_from_an_nft_script(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_expect(tree, "FIRE-01", OUTCOME_FAIL);
    tree_put(tree, "/etc/nftables.conf", 0755,
             "#!/usr/sbin/nft -f\nflush ruleset\ninclude \"/etc/nft.d/*.nft\"\n"
             "table inet filter {\n\tset blocked { type ipv4_addr; elements = { 192.0.2.1 } }\n"
             "\tchain input {\n\t\ttype filter hook input priority 0;\n"
             "\t\tiifname \"lo\" accept comment \"own { } traffic\"\n"
             "\t\tct state { established, related } accept\n\t}\n}\n");
    tree_expect(tree, "FIRE-01", OUTCOME_PASS);
    tree_expect(tree, "FIRE-02", OUTCOME_FAIL);
    tree_expect(tree, "FIRE-03", OUTCOME_PASS);
    tree_expect(tree, "FIRE-04", OUTCOME_FAIL);
    tree_put(tree, "/etc/nft.d/late.nft", 0644,
             "table ip6 more { chain x { type filter hook input priority 1; policy drop; } }\n");
    tree_expect(tree, "FIRE-02", OUTCOME_FAIL);
    /* A last rule that refuses everything is as good as a policy. */
    tree_put(tree, "/etc/nftables.conf", 0755,
             "table ip filter { chain input { type filter hook input priority 0; policy accept; "
             "iif lo accept; tcp dport { 22, 80 } accept; reject with icmp type admin-prohibited "
             "} }\n");
    tree_expect(tree, "FIRE-02", OUTCOME_PASS);
    tree_expect(tree, "FIRE-03", OUTCOME_FAIL);
}

static void test_holes_without_a_service(void)
{
    static const char script[] = "table inet f { chain i { type filter hook input priority 0; "
                                 "policy drop; tcp dport { 22, 80 } accept } }\n";
    g_autoptr(tree_t) tree = tree_new();

    tree_put(tree, "/etc/nftables.conf", 0755, script);
    tree_put(tree, "/proc/net/tcp", 0444,
             "head\n   0: 00000000:0016 00000000:0000 0A 0:0 0:0 0     0        0 1 1 0\n");
    tree_expect(tree, "FIRE-07", OUTCOME_FAIL);
    tree_put(tree, "/proc/net/tcp", 0444,
             "head\n   0: 00000000:0016 00000000:0000 0A 0:0 0:0 0     0        0 1 1 0\n"
             "   1: 00000000:0050 00000000:0000 0A 0:0 0:0 0     0        0 2 1 0\n");
    tree_expect(tree, "FIRE-07", OUTCOME_PASS);
}

static void test_filter_from_iptables_save(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_put(tree, "/etc/iptables/rules.v4", 0640,
             "*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n"
             ":FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n"
             "-A INPUT -i lo -j ACCEPT\n-A INPUT ! -i lo -s 127.0.0.0/8 -j DROP\n"
             "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
             "-A INPUT -m conntrack --ctstate INVALID -j DROP\n"
             "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n");
    tree_expect(tree, "FIRE-02", OUTCOME_PASS);
    tree_expect(tree, "FIRE-03", OUTCOME_FAIL);
    tree_expect(tree, "FIRE-04", OUTCOME_PASS);
}

static void test_units_are_merged_as_systemd_does(void)
{
    g_autoptr(tree_t) tree = tree_new();
    g_autoptr(host_t) host = NULL;
    const struct unit *unit;
    g_autofree char *start = NULL, *words = NULL;

    tree_put(tree, "/usr/lib/systemd/system/foo-bar.service", 0644,
             "[Service]\nExecStart=/bin/a \\\n# a comment\n  --long\nUser=one\n"
             "SystemCallFilter=@system-service\n");
    tree_put(tree, "/usr/lib/systemd/system/foo-bar.service.d/50-x.conf", 0644,
             "[Service]\nUser=two\n");
    tree_put(tree, "/etc/systemd/system/foo-bar.service.d/50-x.conf", 0644,
             "[Service]\nUser=three\n");
    tree_put(tree, "/etc/systemd/system/foo-.service.d/60-y.conf", 0644,
             "[Service]\nSystemCallFilter=\nSystemCallFilter=read write\n");
    tree_put(tree, "/etc/systemd/system/service.d/10-z.conf", 0644, "[Service]\nUMask=0077\n");
    tree_put(tree, "/etc/systemd/system/multi-user.target.wants/foo-bar.service", 0644, "");
    host = host_new(tree->root, NULL, NULL);
    unit = unit_get(host, "foo-bar.service");
    g_assert_cmpint(unit->enablement, ==, UNIT_ENABLED);
    g_assert_cmpstr(unit_last(unit, "Service", "User")->value, ==, "three");
    g_assert_cmpstr(unit_last(unit, "Service", "UMask")->value, ==, "0077");
    words = unit_words(unit, "Service", "SystemCallFilter");
    g_assert_cmpstr(words, ==, "read write");
    start = unit_words(unit, "Service", "ExecStart");
    g_assert_true(g_str_has_prefix(start, "/bin/a"));
    g_assert_nonnull(strstr(start, "--long"));
    g_assert_cmpint(unit_get(host, "none.service")->enablement, ==, UNIT_ABSENT);
}

/* What `systemd-analyze security --offline` of systemd 252 says of the same files. */
static void test_exposure_is_systemds(void)
{
    g_autofree char *list = g_test_build_filename(G_TEST_DIST, "vectors/units/exposure.txt", NULL);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    g_assert_true(g_file_get_contents(list, &text, NULL, NULL));
    lines = g_strsplit(g_strchomp(text), "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), >=, 5);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", 3);
        g_autofree char *path = g_test_build_filename(G_TEST_DIST, "vectors/units", words[0], NULL);
        g_autofree char *content = NULL, *shown = NULL;
        struct unit unit = { .name = words[0], .settings = unit_settings_new() };
        struct exposure exposure;
        gsize length;

        g_assert_true(g_file_get_contents(path, &content, &length, NULL));
        unit_parse(content, length, path, unit.settings);
        exposure = exposure_of(&unit);
        shown = g_strdup_printf("%u.%u", exposure.tenths / 10, exposure.tenths % 10);
        g_test_message("%s: %u/%u", words[0], exposure.bad, exposure.total);
        g_assert_cmpstr(shown, ==, words[1]);
        g_assert_cmpstr(exposure_label(exposure.tenths), ==, words[2]);
        g_array_unref(unit.settings);
    }
}

static void test_open_databases_fail(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_expect(tree, "NETS-07", OUTCOME_NOT_APPLICABLE);
    tree_put(tree, "/etc/redis/redis.conf", 0640, "bind 127.0.0.1 -::1\nprotected-mode yes\n");
    tree_expect(tree, "NETS-07", OUTCOME_PASS);
    tree_put(tree, "/etc/redis/redis.conf", 0640, "bind 0.0.0.0\nrequirepass x\n");
    tree_expect(tree, "NETS-07", OUTCOME_PASS);
    tree_put(tree, "/etc/redis/redis.conf", 0640, "bind 0.0.0.0\n");
    tree_expect(tree, "NETS-07", OUTCOME_FAIL);
    tree_put(tree, "/etc/redis/redis.conf", 0640, "bind 127.0.0.1\n");
    tree_put(tree, "/etc/postgresql/15/main/pg_hba.conf", 0640,
             "local all postgres peer\nhost all all 0.0.0.0/0 trust\n");
    tree_expect(tree, "NETS-07", OUTCOME_FAIL);
    tree_put(tree, "/etc/postgresql/15/main/pg_hba.conf", 0640, "host all \xff 0.0.0.0/0 trust\n");
    tree_expect(tree, "NETS-07", OUTCOME_FAIL);
    tree_put(tree, "/etc/postgresql/15/main/pg_hba.conf", 0640,
             "host all all 10.0.0.0 255.0.0.0 scram-sha-256\nhost all all 127.0.0.1/32 trust\n");
    tree_expect(tree, "NETS-07", OUTCOME_PASS);
}

static void test_web_servers_with_includes(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_put(tree, "/etc/nginx/nginx.conf", 0644,
             "user www-data;\nhttp { server_tokens off; include conf.d/*.conf; }\n");
    tree_expect(tree, "NETS-10", OUTCOME_PASS);
    tree_put(tree, "/etc/nginx/conf.d/a.conf", 0644,
             "server { listen 443 ssl; ssl_protocols TLSv1 TLSv1.2; # old\n }\n");
    tree_expect(tree, "NETS-10", OUTCOME_FAIL);
}

static void test_apache_with_bytes_that_are_no_text(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_put(tree, "/etc/apache2/apache2.conf", 0644,
             "ServerAdmin caf\xe9@example.org\nSSLProtocol -all +TLSv1\n");
    tree_expect(tree, "NETS-10", OUTCOME_FAIL);
}

/* A name alone, without a value, sets nothing. */
static void test_preload_in_the_environment(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_put(tree, "/etc/environment", 0644, "LD_PRELOAD\n");
    tree_expect(tree, "PERM-08", OUTCOME_PASS);
    tree_put(tree, "/etc/environment", 0644, "export LD_PRELOAD=/tmp/x.so\n");
    tree_expect(tree, "PERM-08", OUTCOME_FAIL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sockets/proc-net", test_listeners_of_proc_net);
    g_test_add_func("/sockets/undeclared", test_undeclared_listener_fails);
    g_test_add_func("/firewall/nft-script", test_filter_from_an_nft_script);
    g_test_add_func("/firewall/holes", test_holes_without_a_service);
    g_test_add_func("/firewall/iptables-save", test_filter_from_iptables_save);
    g_test_add_func("/units/merge", test_units_are_merged_as_systemd_does);
    g_test_add_func("/units/exposure", test_exposure_is_systemds);
    g_test_add_func("/services/databases", test_open_databases_fail);
    g_test_add_func("/services/web", test_web_servers_with_includes);
    g_test_add_func("/services/apache-bytes", test_apache_with_bytes_that_are_no_text);
    g_test_add_func("/environment/preload", test_preload_in_the_environment);
    return g_test_run();
}
