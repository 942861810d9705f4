/* Modules modules, module_measures and line_stream: which kernel modules cannot be loaded. */
#include "p7_hygiene/host/modules.h"

#include "tree.h"

static const char all_blocked[] = "install usb-storage /bin/false\nblacklist usb_storage\n";

static struct tree *with_kernel(void)
{
    struct tree *tree = tree_new();

    tree_file(tree, "/proc/modules", "ext4 1 1 - Live 0x0\n");
    tree_file(tree, "/proc/sys/kernel/osrelease", "6.1.0-37-amd64\n");
    tree_file(tree, "/lib/modules/6.1.0-37-amd64/modules.dep",
              "kernel/drivers/usb/storage/usb-storage.ko.xz: kernel/drivers/scsi/scsi_mod.ko.xz\n");
    tree_file(tree, "/lib/modules/6.1.0-37-amd64/modules.builtin", "kernel/fs/ext4/ext4.ko\n");
    return tree;
}

static void test_dash_and_underscore_are_one(void)
{
    g_autoptr(tree_t) tree = with_kernel();

    tree_expect(tree, "MODS-03", OUTCOME_FAIL);
    tree_file(tree, "/etc/modprobe.d/a.conf", all_blocked);
    tree_expect(tree, "MODS-03", OUTCOME_PASS);
    tree_file(tree, "/proc/modules", "usb_storage 1 0 - Live 0x0\n");
    tree_expect(tree, "MODS-03", OUTCOME_FAIL); /* blocked, and loaded all the same */
}

static void test_blacklist_alone_blocks_no_request(void)
{
    g_autoptr(tree_t) tree = with_kernel();

    tree_file(tree, "/etc/modprobe.d/a.conf", "blacklist usb-storage\n");
    tree_expect(tree, "MODS-03", OUTCOME_FAIL);
    tree_file(tree, "/etc/modprobe.d/a.conf", "install usb-storage /bin/true\n");
    tree_expect(tree, "MODS-03", OUTCOME_WARN);
}

static void test_the_first_install_line_counts(void)
{
    g_autoptr(tree_t) tree = with_kernel();

    tree_file(tree, "/etc/modprobe.d/b.conf", all_blocked);
    tree_file(tree, "/lib/modprobe.d/a.conf",
              "install usb-* \\\n  modprobe --ignore-install usb-storage\n");
    tree_expect(tree, "MODS-03", OUTCOME_FAIL);
    tree_file(tree, "/etc/modprobe.d/a.conf", ""); /* masks the file of this name */
    tree_expect(tree, "MODS-03", OUTCOME_PASS);
}

static void test_what_is_not_shipped_needs_no_line(void)
{
    g_autoptr(tree_t) tree = with_kernel();
    g_autoptr(finding_t) finding = tree_judge_at(tree, "MODS-02", 0);

    g_assert_cmpint(finding->outcome, ==, OUTCOME_PASS);
    g_assert_true(finding_tells(finding, OUTCOME_PASS, "not shipped"));
    tree_file(tree, "/lib/modules/5.10.0-1-amd64/modules.dep", "kernel/net/rds/rds.ko:\n");
    tree_expect(tree, "MODS-02", OUTCOME_FAIL); /* the other kernel may be started */
}

static void test_builtin_cannot_be_blocked(void)
{
    g_autoptr(tree_t) tree = with_kernel();
    g_autoptr(finding_t) finding = NULL;

    tree_file(tree, "/lib/modules/6.1.0-37-amd64/modules.builtin",
              "kernel/drivers/usb/storage/usb-storage.ko\n");
    tree_file(tree, "/etc/modprobe.d/a.conf", all_blocked);
    finding = tree_judge_at(tree, "MODS-03", 0);
    g_assert_cmpint(finding->outcome, ==, OUTCOME_WARN);
    g_assert_true(finding_tells(finding, OUTCOME_WARN, "built into the kernel"));
}

static void test_boot_parameter_bars_all(void)
{
    g_autoptr(tree_t) tree = with_kernel();

    tree_file(tree, "/proc/cmdline", "quiet module_blacklist=floppy,usb_storage\n");
    tree_expect(tree, "MODS-03", OUTCOME_PASS);
}

static void test_blocking_commands(void)
{
    static const struct {
        const char *command;
        gboolean blocks;
    } lines[] = {
        { "/bin/false", TRUE },
        { "/usr/bin/true # never", TRUE },
        { "/bin/false; modprobe -i x", FALSE },
        { "/bin/falsehood", FALSE },
        { "/bin/sh -c false", FALSE },
        { "", FALSE },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        const struct module_line line = { .command = (char *)lines[i].command };

        g_assert_cmpint(module_line_blocks(&line), ==, lines[i].blocks);
    }
}

static void test_signed_modules(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_expect(tree, "MODS-06", OUTCOME_NOT_MEASURED);
    tree_file(tree, "/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
    tree_expect(tree, "MODS-06", OUTCOME_FAIL);
    tree_file(tree, "/sys/module/module/parameters/sig_enforce", "Y\n");
    tree_expect(tree, "MODS-06", OUTCOME_PASS);
    tree_file(tree, "/sys/module/module/parameters/sig_enforce", "N\n");
    tree_file(tree, "/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
    tree_expect(tree, "MODS-06", OUTCOME_PASS);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/modules/dash-and-underscore", test_dash_and_underscore_are_one);
    g_test_add_func("/modules/blacklist-alone", test_blacklist_alone_blocks_no_request);
    g_test_add_func("/modules/first-install-counts", test_the_first_install_line_counts);
    g_test_add_func("/modules/not-shipped", test_what_is_not_shipped_needs_no_line);
    g_test_add_func("/modules/builtin", test_builtin_cannot_be_blocked);
    g_test_add_func("/modules/boot-parameter", test_boot_parameter_bars_all);
    g_test_add_func("/modules/blocking-commands", test_blocking_commands);
    g_test_add_func("/modules/signed", test_signed_modules);
    return g_test_run();
}
