#include "p7_hygiene/host/sysctl.h"

#include "tree.h"

/* The value that the next boot sets, "path:line=value"; "" when no file sets it. */
static char *winner(struct tree *tree, const char *key)
{
    g_autoptr(host_t) host = host_new(tree->root, NULL, NULL);
    g_autofree char *path = sysctl_path(key);
    const struct sysctl_line *line = sysctl_winner(sysctl_files(host), path, FALSE);

    return line ? g_strdup_printf("%s:%u=%s", line->path, line->line, line->value) : g_strdup("");
}

#define expect_winner(tree, key, wanted)                                                           \
    do {                                                                                           \
        g_autofree char *won = winner(tree, key);                                                  \
        g_assert_cmpstr(won, ==, wanted);                                                          \
    } while (0)

static void test_first_separator_decides(void)
{
    static const char *const keys[][2] = {
        { "net.ipv4.ip_forward", "net/ipv4/ip_forward" },
        { "net/ipv4/ip_forward", "net/ipv4/ip_forward" },
        { "net.ipv4.conf.eth0/100.rp_filter", "net/ipv4/conf/eth0.100/rp_filter" },
        { "net/ipv4/conf/eth0.100/rp_filter", "net/ipv4/conf/eth0.100/rp_filter" },
        { "/net/ipv4/conf/eth0.100/rp_filter", "net/ipv4/conf/eth0.100/rp_filter" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autofree char *path = sysctl_path(keys[i][0]);

        g_assert_cmpstr(path, ==, keys[i][1]);
    }
}

static void test_later_name_wins_over_folder(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_file(tree, "/etc/sysctl.d/10-first.conf", "# note\n\nkernel.sysrq = 1\n");
    tree_file(tree, "/usr/lib/sysctl.d/50-vendor.conf", "kernel.sysrq=2\nkernel.sysrq=16");
    expect_winner(tree, "kernel.sysrq", "/usr/lib/sysctl.d/50-vendor.conf:2=16");
    tree_file(tree, "/run/sysctl.d/60-run.conf", "; note\nkernel/sysrq = 4 \n");
    expect_winner(tree, "kernel.sysrq", "/run/sysctl.d/60-run.conf:2=4");
    tree_file(tree, "/etc/sysctl.d/70-not-read.txt", "kernel.sysrq = 9\n");
    expect_winner(tree, "kernel.sysrq", "/run/sysctl.d/60-run.conf:2=4");
}

static void test_same_name_in_etc_masks(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_file(tree, "/usr/lib/sysctl.d/50-a.conf", "kernel.sysrq=16\n");
    tree_file(tree, "/etc/sysctl.d/50-a.conf", "kernel.kptr_restrict=2\n");
    expect_winner(tree, "kernel.sysrq", "");
    tree_file(tree, "/usr/lib/sysctl.d/60-b.conf", "kernel.sysrq=16\n");
    tree_link(tree, "/etc/sysctl.d/60-b.conf", "/dev/null");
    expect_winner(tree, "kernel.sysrq", "");
}

static void test_patterns_yield_to_keys(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_file(tree, "/usr/lib/sysctl.d/50-default.conf",
              "net.ipv4.conf.default.rp_filter = 2\n"
              "net.ipv4.conf.*.rp_filter = 2\n"
              "-net.ipv4.conf.all.rp_filter\n");
    expect_winner(tree, "net.ipv4.conf.eth0.rp_filter", "/usr/lib/sysctl.d/50-default.conf:2=2");
    expect_winner(tree, "net.ipv4.conf.all.rp_filter", "");
    tree_file(tree, "/etc/sysctl.d/10-early.conf", "net.ipv4.conf.eth0.rp_filter = 1\n");
    expect_winner(tree, "net.ipv4.conf.eth0.rp_filter", "/etc/sysctl.d/10-early.conf:1=1");
    /* '*' does not cross a slash */
    expect_winner(tree, "net.ipv4.conf.a.b.rp_filter", "");
}

static void test_sysctl_conf_is_read_as_the_init_reads_it(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_file(tree, "/etc/sysctl.conf", "kernel.sysrq = 5\n");
    tree_file(tree, "/etc/sysctl.d/zz.conf", "kernel.sysrq = 6\n");
    expect_winner(tree, "kernel.sysrq", "/etc/sysctl.conf:1=5"); /* procps: last */
    tree_file(tree, "/usr/lib/systemd/systemd-sysctl", "");
    expect_winner(tree, "kernel.sysrq", "/etc/sysctl.d/zz.conf:1=6"); /* systemd: not at all */
    tree_file(tree, "/proc/sys/kernel/sysrq", "6\n");
    tree_expect(tree, "KERN-20", OUTCOME_FAIL); /* its line is never in force */
    tree_link(tree, "/etc/sysctl.d/99-sysctl.conf", "../sysctl.conf");
    expect_winner(tree, "kernel.sysrq", "/etc/sysctl.d/zz.conf:1=6"); /* "zz" sorts after "99" */
    tree_file(tree, "/etc/sysctl.d/zz.conf", "");
    expect_winner(tree, "kernel.sysrq", "/etc/sysctl.d/99-sysctl.conf:1=5");
}

static void test_values_are_compared_as_the_kernel_does(void)
{
    g_assert_true(sysctl_same("4096\t131072\t6291456", "4096 131072  6291456"));
    g_assert_true(sysctl_same("0x10", "16"));
    g_assert_false(sysctl_same("core", "core.%p"));
    g_assert_false(sysctl_same("1 2", "12"));
    g_assert_true(sysctl_same("|/bin/false", "|/bin/false"));
}

static void test_the_running_value_decides(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_expect(tree, "KERN-02", OUTCOME_NOT_MEASURED); /* neither a kernel nor a file */
    tree_file(tree, "/etc/sysctl.d/a.conf", "kernel.kptr_restrict = 2\n");
    tree_expect(tree, "KERN-02", OUTCOME_PASS); /* a disk that does not run: the file */
    tree_file(tree, "/proc/sys/kernel/ostype", "Linux\n");
    tree_expect(tree, "KERN-02", OUTCOME_NOT_MEASURED); /* a kernel without the key */
    tree_file(tree, "/proc/sys/kernel/kptr_restrict", "0\n");
    tree_expect(tree, "KERN-02", OUTCOME_FAIL);
    tree_expect(tree, "KERN-20", OUTCOME_FAIL);
    tree_file(tree, "/proc/sys/kernel/kptr_restrict", "1\n");
    tree_expect(tree, "KERN-02", OUTCOME_PASS);
    tree_file(tree, "/etc/sysctl.d/a.conf", "kernel.kptr_restrict = 0\n");
    tree_expect(tree, "KERN-02", OUTCOME_WARN); /* good until the next boot */
    tree_file(tree, "/etc/sysctl.d/a.conf", "\n");
    tree_expect(tree, "KERN-02", OUTCOME_WARN); /* the kernel's own default is 0 */
    tree_file(tree, "/proc/sys/kernel/randomize_va_space", "2\n");
    tree_expect(tree, "KERN-01", OUTCOME_PASS); /* the kernel's own default is 2 */
    tree_file(tree, "/proc/sys/kernel/randomize_va_space", "\xff\x00many\n");
    tree_expect(tree, "KERN-01", OUTCOME_FAIL);
}

/* Debian's 99-protect-links.conf sorts behind what an administrator writes. */
static void test_a_vendor_that_outvotes_is_told(void)
{
    g_autoptr(tree_t) tree = tree_new();
    g_autoptr(finding_t) finding = NULL;

    tree_file(tree, "/usr/lib/sysctl.d/99-protect-links.conf", "fs.protected_fifos = 1\n");
    tree_file(tree, "/etc/sysctl.d/90-own.conf",
              "fs.protected_fifos = 2\nfs.protected_regular = 2\n");
    tree_file(tree, "/proc/sys/fs/protected_fifos", "2\n");
    tree_file(tree, "/proc/sys/fs/protected_regular", "2\n");
    finding = tree_judge_at(tree, "KERN-11", 0);
    g_assert_cmpint(finding->outcome, ==, OUTCOME_PASS);
    g_assert_true(finding_tells(finding, OUTCOME_PASS, "sets 1 at the next boot"));
    tree_expect(tree, "KERN-20", OUTCOME_PASS);
    tree_file(tree, "/proc/sys/fs/protected_fifos", "0\n");
    tree_expect(tree, "KERN-20", OUTCOME_FAIL);
}

static void test_interfaces_count_where_all_does_not_decide(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_file(tree, "/proc/sys/net/ipv4/conf/all/send_redirects", "0\n");
    tree_file(tree, "/proc/sys/net/ipv4/conf/default/send_redirects", "0\n");
    tree_file(tree, "/etc/sysctl.d/a.conf",
              "net.ipv4.conf.*.send_redirects = 0\nnet.ipv4.conf.*.rp_filter = 1\n");
    tree_expect(tree, "NETK-04", OUTCOME_PASS);
    tree_file(tree, "/proc/sys/net/ipv4/conf/eth0.5/send_redirects", "1\n");
    tree_expect(tree, "NETK-04", OUTCOME_FAIL);
    /* the larger of all and the interface: 0 and 2 filter, 1 and 0 filter, 0 and 0 do not */
    tree_file(tree, "/proc/sys/net/ipv4/conf/all/rp_filter", "0\n");
    tree_file(tree, "/proc/sys/net/ipv4/conf/lo/rp_filter", "0\n");
    tree_file(tree, "/proc/sys/net/ipv4/conf/eth0.5/rp_filter", "2\n");
    tree_expect(tree, "NETK-06", OUTCOME_PASS);
    tree_file(tree, "/proc/sys/net/ipv4/conf/eth0.5/rp_filter", "0\n");
    tree_expect(tree, "NETK-06", OUTCOME_FAIL);
    tree_file(tree, "/proc/sys/net/ipv4/conf/all/rp_filter", "1\n");
    tree_expect(tree, "NETK-06", OUTCOME_PASS);
}

static void test_a_kernel_without_ipv6_has_nothing_to_refuse(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_file(tree, "/proc/sys/net/ipv4/conf/all/accept_redirects", "0\n");
    tree_file(tree, "/proc/sys/net/ipv4/conf/default/accept_redirects", "0\n");
    tree_file(tree, "/etc/sysctl.d/a.conf",
              "net.ipv4.conf.all.accept_redirects=0\nnet.ipv4.conf.default.accept_redirects=0\n");
    tree_expect(tree, "NETK-02", OUTCOME_PASS);
    tree_expect(tree, "NETK-10", OUTCOME_NOT_APPLICABLE);
}

static void test_core_dumps(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_file(tree, "/proc/sys/kernel/core_pattern", "core\n");
    tree_expect(tree, "KERN-19", OUTCOME_FAIL);
    tree_file(tree, "/etc/security/limits.conf", "#* hard core 0\n*\tsoft core 0\n");
    tree_expect(tree, "KERN-19", OUTCOME_FAIL);
    tree_file(tree, "/etc/security/limits.conf", "* - core 0 # none\n");
    tree_expect(tree, "KERN-19", OUTCOME_PASS);
    tree_file(tree, "/etc/security/limits.d/a.conf", "@dev hard core unlimited\n");
    tree_expect(tree, "KERN-19", OUTCOME_WARN);
    tree_file(tree, "/etc/security/limits.d/b.conf", "* hard core unlimited\n");
    tree_expect(tree, "KERN-19", OUTCOME_FAIL);
    tree_file(tree, "/etc/systemd/coredump.conf", "[Coredump]\nStorage = none\nProcessSizeMax=0\n");
    tree_expect(tree, "KERN-19", OUTCOME_WARN); /* the pattern does not go to systemd */
    tree_file(tree, "/proc/sys/kernel/core_pattern", "|/lib/systemd/systemd-coredump %P\n");
    tree_expect(tree, "KERN-19", OUTCOME_PASS);
}

static void test_taints_name_their_modules(void)
{
    g_autoptr(tree_t) tree = tree_new();
    g_autoptr(finding_t) finding = NULL;

    tree_file(tree, "/proc/sys/kernel/tainted", "12288\n");
    tree_file(tree, "/proc/modules", "ext4 1 1 - Live 0x0\nvboxdrv 1 0 - Live 0x0 (OE)\n");
    finding = tree_judge_at(tree, "KERN-22", 0);
    g_assert_cmpint(finding->outcome, ==, OUTCOME_FAIL);
    g_assert_true(finding_tells(finding, OUTCOME_FAIL,
                                "bit 13: an unsigned module was loaded: "
                                "vboxdrv"));
    tree_file(tree, "/proc/sys/kernel/tainted", "512\n"); /* a warning was issued */
    tree_expect(tree, "KERN-22", OUTCOME_PASS);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sysctl/first-separator-decides", test_first_separator_decides);
    g_test_add_func("/sysctl/later-name-wins", test_later_name_wins_over_folder);
    g_test_add_func("/sysctl/same-name-in-etc-masks", test_same_name_in_etc_masks);
    g_test_add_func("/sysctl/patterns-yield-to-keys", test_patterns_yield_to_keys);
    g_test_add_func("/sysctl/sysctl-conf", test_sysctl_conf_is_read_as_the_init_reads_it);
    g_test_add_func("/sysctl/values", test_values_are_compared_as_the_kernel_does);
    g_test_add_func("/sysctl/running-value-decides", test_the_running_value_decides);
    g_test_add_func("/sysctl/vendor-outvotes", test_a_vendor_that_outvotes_is_told);
    g_test_add_func("/sysctl/interfaces", test_interfaces_count_where_all_does_not_decide);
    g_test_add_func("/sysctl/without-ipv6", test_a_kernel_without_ipv6_has_nothing_to_refuse);
    g_test_add_func("/sysctl/core-dumps", test_core_dumps);
    g_test_add_func("/sysctl/taints", test_taints_name_their_modules);
    return g_test_run();
}
