/* Modules bootconfig, time_measures and timesync: what the next boot sets, and who keeps the time.
 */
#include "base/gzip.h"
#include "p7_hygiene/host/bootconfig.h"

#include "tree.h"

static struct boot_config parsed(const char *text)
{
    return (struct boot_config){ .parameters = boot_parameters_parse(text) };
}

static void test_the_kernel_splits_its_line(void)
{
    struct boot_config boot =
        parsed("a=1 dyndbg=\"file x +p\" init-on-alloc=1 a=2  quiet -- a=3\n");

    g_assert_cmpstr(boot_parameter(&boot, "a")->value, ==, "2");
    g_assert_cmpstr(boot_parameter(&boot, "dyndbg")->value, ==, "file x +p");
    g_assert_cmpstr(boot_parameter(&boot, "init_on_alloc")->value, ==, "1");
    g_assert_null(boot_parameter(&boot, "quiet")->value);
    g_assert_null(boot_parameter(&boot, "x"));
    g_ptr_array_unref(boot.parameters);
    boot = parsed("iommu=pt,force");
    g_assert_true(boot_parameter_has(&boot, "iommu", "force"));
    g_assert_false(boot_parameter_has(&boot, "iommu", "for"));
    g_ptr_array_unref(boot.parameters);
}

static void test_mitigations(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_expect(tree, "BOOT-05", OUTCOME_NOT_MEASURED);
    tree_file(tree, "/proc/cmdline", "quiet mitigations=off mitigations=auto,nosmt\n");
    tree_expect(tree, "BOOT-05", OUTCOME_PASS); /* the last one counts */
    tree_file(tree, "/proc/cmdline", "quiet nopti\n");
    tree_expect(tree, "BOOT-05", OUTCOME_FAIL);
    tree_file(tree, "/proc/cmdline", "quiet -- mitigations=off\n");
    tree_expect(tree, "BOOT-05", OUTCOME_PASS); /* an argument of init */
}

static void test_the_build_speaks_where_the_line_is_silent(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_file(tree, "/proc/cmdline", "quiet\n");
    tree_expect(tree, "BOOT-06", OUTCOME_NOT_MEASURED);
    tree_file(tree, "/proc/sys/kernel/osrelease", "6.1.0-37-amd64\n");
    tree_file(tree, "/boot/config-6.1.0-37-amd64", "CONFIG_SLAB_MERGE_DEFAULT=y\n");
    tree_expect(tree, "BOOT-06", OUTCOME_FAIL);
    tree_file(tree, "/boot/config-6.1.0-37-amd64", "# CONFIG_SLAB_MERGE_DEFAULT is not set\n");
    tree_expect(tree, "BOOT-06", OUTCOME_PASS);
}

static void test_packed_configuration(void)
{
    static const char text[] = "CONFIG_INIT_ON_ALLOC_DEFAULT_ON=y\n# CONFIG_X is not set\n";
    g_autoptr(tree_t) tree = tree_new();
    g_autoptr(GByteArray) packed = gzip_pack(text, strlen(text));
    g_autofree char *path = tree_path(tree, "/proc/config.gz");
    g_autoptr(host_t) host = NULL;
    g_autofree char *yes = NULL, *no = NULL;

    g_assert_true(g_file_set_contents(path, (const char *)packed->data, packed->len, NULL));
    host = host_new(tree->root, NULL, NULL);
    yes = boot_build(boot_config(host), "CONFIG_INIT_ON_ALLOC_DEFAULT_ON");
    g_assert_cmpstr(yes, ==, "y");
    no = boot_build(boot_config(host), "CONFIG_X");
    g_assert_cmpstr(no, ==, "n");
    g_assert_null(boot_build(boot_config(host), "CONFIG_INIT"));
    g_assert_null(boot_build(boot_config(host), "CONFIG_Y"));
    g_assert_true(g_file_set_contents(path, (const char *)packed->data, packed->len / 2, NULL));
    tree_file(tree, "/proc/cmdline", "quiet\n");
    tree_expect(tree, "BOOT-06", OUTCOME_NOT_MEASURED); /* half a file tells nothing */
}

static void test_loader_password(void)
{
    g_autoptr(tree_t) tree = tree_new();
    g_autoptr(finding_t) finding = NULL;

    tree_expect(tree, "BOOT-01", OUTCOME_NOT_APPLICABLE);
    tree_file(tree, "/boot/grub/grub.cfg",
              "  set superusers=\"ann bob\"\n"
              "password_pbkdf2 bob grub.pbkdf2.sha512.1.AA.BB\n");
    finding = tree_judge_at(tree, "BOOT-01", 0);
    g_assert_cmpint(finding->outcome, ==, OUTCOME_PASS);
    g_assert_false(finding_tells(finding, OUTCOME_PASS, "sha512")); /* a hash is a secret */
    tree_file(tree, "/boot/grub/grub.cfg",
              "set superusers=\"ann\"\npassword_pbkdf2 eve grub.pbkdf2.x\n");
    tree_expect(tree, "BOOT-01", OUTCOME_FAIL);
    tree_file(tree, "/boot/grub/grub.cfg", "set superusers=\"ann\"\npassword ann letmein\n");
    g_clear_pointer(&finding, finding_free);
    finding = tree_judge_at(tree, "BOOT-01", 0);
    g_assert_cmpint(finding->outcome, ==, OUTCOME_FAIL);
    g_assert_false(finding_tells(finding, OUTCOME_FAIL, "letmein"));
    tree_file(tree, "/boot/grub/grub.cfg", "#set superusers=\"ann\"\n");
    tree_file(tree, "/etc/grub.d/40_custom", "set superusers=\"a\"\npassword_pbkdf2 a x\n");
    g_clear_pointer(&finding, finding_free);
    finding = tree_judge_at(tree, "BOOT-01", 0);
    g_assert_true(finding_tells(finding, OUTCOME_FAIL, "update-grub was not run"));
}

static void test_secure_boot(void)
{
    static const char variable[] =
        "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
    g_autoptr(tree_t) tree = tree_new();
    g_autofree char *path = NULL;

    tree_expect(tree, "BOOT-03", OUTCOME_NOT_MEASURED);
    tree_folder(tree, "/sys/firmware", 0755);
    tree_expect(tree, "BOOT-03", OUTCOME_NOT_APPLICABLE);
    path = tree_path(tree, variable);
    g_assert_true(g_file_set_contents(path, "\6\0\0\0\1", 5, NULL));
    tree_expect(tree, "BOOT-03", OUTCOME_PASS);
    g_assert_true(g_file_set_contents(path, "\6\0\0\0\0", 5, NULL));
    tree_expect(tree, "BOOT-03", OUTCOME_FAIL);
    g_assert_true(g_file_set_contents(path, "\6\0", 2, NULL));
    tree_expect(tree, "BOOT-03", OUTCOME_NOT_MEASURED);
}

static void test_newest_kernel(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_file(tree, "/proc/sys/kernel/osrelease", "6.1.0-9-amd64\n");
    tree_expect(tree, "BOOT-04", OUTCOME_NOT_MEASURED);
    tree_file(tree, "/boot/vmlinuz-6.1.0-9-amd64", "");
    tree_file(tree, "/boot/vmlinuz-6.1.0-9-cloud-amd64", "");
    tree_expect(tree, "BOOT-04", OUTCOME_PASS);
    tree_file(tree, "/boot/vmlinuz-6.1.0-10-amd64", ""); /* 10 is newer than 9 */
    tree_expect(tree, "BOOT-04", OUTCOME_FAIL);
}

static void test_rescue_shell(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_expect(tree, "BOOT-14", OUTCOME_NOT_APPLICABLE);
    tree_file(tree, "/lib/systemd/system/rescue.service",
              "[Service]\nExecStart=-/lib/systemd/systemd-sulogin-shell rescue\n");
    tree_expect(tree, "BOOT-14", OUTCOME_PASS);
    tree_file(tree, "/etc/systemd/system/rescue.service.d/a.conf",
              "[Service]\nEnvironment=SYSTEMD_SULOGIN_FORCE=1\n");
    tree_expect(tree, "BOOT-14", OUTCOME_FAIL);
    tree_file(tree, "/etc/systemd/system/rescue.service.d/a.conf",
              "[Service]\nExecStart=\nExecStart=/bin/bash\n");
    tree_expect(tree, "BOOT-14", OUTCOME_FAIL);
}

static void test_ctrl_alt_del(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_expect(tree, "BOOT-13", OUTCOME_NOT_APPLICABLE);
    tree_file(tree, "/lib/systemd/system/reboot.target", "[Unit]\n");
    tree_expect(tree, "BOOT-13", OUTCOME_FAIL);
    tree_link(tree, "/etc/systemd/system/ctrl-alt-del.target", "/dev/null");
    tree_expect(tree, "BOOT-13", OUTCOME_PASS);
}

static void test_wireless(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_expect(tree, "NETK-13", OUTCOME_NOT_MEASURED);
    tree_file(tree, "/sys/class/net/eth0/flags", "0x1103\n");
    tree_expect(tree, "NETK-13", OUTCOME_NOT_APPLICABLE);
    tree_expect(tree, "NETK-14", OUTCOME_FAIL);
    tree_folder(tree, "/sys/class/net/eth0/brport", 0755);
    tree_expect(tree, "NETK-14", OUTCOME_PASS);
    tree_folder(tree, "/sys/class/net/wlan0/wireless", 0755);
    tree_file(tree, "/sys/class/net/wlan0/flags", "0x1002\n");
    tree_expect(tree, "NETK-13", OUTCOME_PASS);
    tree_file(tree, "/sys/class/net/wlan0/flags", "0x1003\n");
    tree_expect(tree, "NETK-13", OUTCOME_FAIL);
}

static void test_time_sources(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_expect(tree, "TIME-02", OUTCOME_NOT_APPLICABLE);
    tree_file(tree, "/var/lib/dpkg/status",
              "Package: chrony\nStatus: install ok installed\nVersion: 4.3\n");
    tree_file(tree, "/etc/chrony/chrony.conf", "server a nts\nserver b nts\n");
    tree_expect(tree, "TIME-02", OUTCOME_FAIL); /* two clocks cannot tell who lies */
    tree_file(tree, "/etc/chrony/chrony.conf",
              "! note\nserver a nts\nserver b iburst nts\nsourcedir /etc/chrony/sources.d\n");
    tree_file(tree, "/etc/chrony/sources.d/c.sources", "server c key 5\n");
    tree_expect(tree, "TIME-02", OUTCOME_PASS);
    tree_file(tree, "/etc/chrony/sources.d/c.sources", "pool c iburst\n");
    tree_expect(tree, "TIME-02", OUTCOME_WARN);
    tree_file(tree, "/etc/chrony/sources.d/c.sources", "pool 2.debian.pool.ntp.org\n");
    tree_expect(tree, "TIME-02", OUTCOME_PASS); /* that pool has no keys to offer */
    tree_file(tree, "/etc/chrony/chrony.conf",
              "include /etc/chrony/chrony.conf\npool p nts\nuser root\n"); /* includes itself */
    tree_expect(tree, "TIME-02", OUTCOME_FAIL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/boot/command-line", test_the_kernel_splits_its_line);
    g_test_add_func("/boot/mitigations", test_mitigations);
    g_test_add_func("/boot/build", test_the_build_speaks_where_the_line_is_silent);
    g_test_add_func("/boot/packed-configuration", test_packed_configuration);
    g_test_add_func("/boot/loader-password", test_loader_password);
    g_test_add_func("/boot/secure-boot", test_secure_boot);
    g_test_add_func("/boot/newest-kernel", test_newest_kernel);
    g_test_add_func("/boot/rescue-shell", test_rescue_shell);
    g_test_add_func("/boot/ctrl-alt-del", test_ctrl_alt_del);
    g_test_add_func("/network/interfaces", test_wireless);
    g_test_add_func("/time/sources", test_time_sources);
    return g_test_run();
}
