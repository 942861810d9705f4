/* Modules mounts and filesystem: what is mounted how, and what the judges of file systems say. */
#include "p7_hygiene/host/mounts.h"

#include "profile/profile.h"
#include "tree.h"

static GPtrArray *mountinfo(const char *text)
{
    return mountinfo_parse(text, strlen(text), MOUNTS_LIVE);
}

static void test_names_are_octal(void)
{
    char text[] = "/mnt/a\\040b\\011c\\134d\\12\\9";

    g_assert_cmpstr(mount_unescape(text), ==, "/mnt/a b\tc\\d\\12\\9");
}

static void test_mountinfo_lines(void)
{
    g_autoptr(GPtrArray) list =
        mountinfo("36 35 98:0 /mnt1 /mnt/a\\040b rw,noatime master:1 shared:7 - ext3 /dev/root "
                  "rw,errors=continue\n"
                  "37 35 0:5 / /none rw - tmpfs tmpfs\n"
                  "a broken line\n"
                  "38 35 0:6 / /cut rw -");
    const struct mount *mount = mount_at(list, "/mnt/a b");

    g_assert_cmpuint(list->len, ==, 2);
    g_assert_nonnull(mount);
    g_assert_cmpstr(mount->type, ==, "ext3");
    g_assert_cmpstr(mount->source, ==, "/dev/root");
    g_assert_cmpuint(mount->major, ==, 98);
    g_assert_cmpuint(mount->line, ==, 1);
    g_assert_true(mount_has(mount, "noatime"));
    g_assert_false(mount_has(mount, "nodev"));
    g_assert_cmpstr(mount_value(mount, "errors"), ==, "continue");
    g_assert_null(mount_value(mount, "err"));
}

static void test_the_last_mount_is_on_top(void)
{
    g_autoptr(GPtrArray) list = mountinfo("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
                                          "2 1 8:2 / /tmp rw - ext4 /dev/sda2 rw\n"
                                          "3 1 0:9 / /tmp rw,nodev - tmpfs tmpfs rw\n");

    g_assert_cmpstr(mount_at(list, "/tmp")->type, ==, "tmpfs");
    g_assert_cmpstr(mount_holding(list, "/tmp/x/y")->type, ==, "tmpfs");
    g_assert_cmpstr(mount_holding(list, "/tmpfile")->source, ==, "/dev/sda1");
    g_assert_null(mount_at(list, "/var"));
}

static void test_fstab_words_imply_others(void)
{
    static const char text[] = "# note\n/dev/a /a ext4 user 0 0\n/dev/b /b ext4 user,exec 0 0\n"
                               "/dev/c /c ext4 noexec,defaults\nLABEL=d /d ext4\n/dev/e /e\n";
    g_autoptr(GPtrArray) list = fstab_parse(text, strlen(text), MOUNTS_FSTAB);

    g_assert_cmpuint(list->len, ==, 4);
    g_assert_true(mount_has(mount_at(list, "/a"), "noexec"));
    g_assert_true(mount_has(mount_at(list, "/b"), "nosuid"));
    g_assert_false(mount_has(mount_at(list, "/b"), "noexec"));
    g_assert_false(mount_has(mount_at(list, "/c"), "noexec"));
    g_assert_false(mount_has(mount_at(list, "/d"), "nodev"));
}

static void test_tmp(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_expect(tree, "FSYS-01", OUTCOME_NOT_MEASURED);
    tree_file(tree, "/etc/fstab", "tmpfs /tmp tmpfs nodev,nosuid,noexec\n");
    tree_expect(tree, "FSYS-01", OUTCOME_PASS); /* a disk that does not run */
    tree_expect(tree, "FSYS-11", OUTCOME_NOT_MEASURED);
    tree_file(tree, MOUNTS_LIVE, "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n");
    tree_expect(tree, "FSYS-01", OUTCOME_FAIL);
    tree_expect(tree, "FSYS-02", OUTCOME_NOT_APPLICABLE);
    tree_expect(tree, "FSYS-11", OUTCOME_FAIL); /* written, and not mounted */
    tree_file(tree, MOUNTS_LIVE, "2 1 0:9 / /tmp rw,nodev,nosuid,noexec - tmpfs tmpfs rw\n");
    tree_expect(tree, "FSYS-02", OUTCOME_PASS);
    tree_expect(tree, "FSYS-11", OUTCOME_PASS);
    tree_file(tree, MOUNTS_LIVE, "2 1 0:9 / /tmp rw,nodev,nosuid - tmpfs tmpfs rw\n");
    tree_expect(tree, "FSYS-02", OUTCOME_FAIL);
    tree_expect(tree, "FSYS-11", OUTCOME_FAIL);
    tree_file(tree, "/etc/fstab", "tmpfs /tmp tmpfs nodev\n");
    tree_expect(tree, "FSYS-11", OUTCOME_WARN); /* nosuid is lost at the next boot */
}

static void test_hidden_processes(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_file(tree, MOUNTS_LIVE, "2 1 0:4 / /proc rw - proc proc rw,hidepid=1\n");
    tree_expect(tree, "FSYS-06", OUTCOME_FAIL);
    tree_file(tree, MOUNTS_LIVE, "2 1 0:4 / /proc rw - proc proc rw,gid=4,hidepid=invisible\n");
    tree_expect(tree, "FSYS-06", OUTCOME_PASS);
}

static void test_network_mounts(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_file(tree, MOUNTS_LIVE, "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n");
    tree_expect(tree, "FSYS-07", OUTCOME_NOT_APPLICABLE);
    tree_file(tree, "/etc/fstab", "files:/ /srv nfs4 nosuid,noauto\n");
    tree_expect(tree, "FSYS-07", OUTCOME_FAIL); /* what can be mounted any time */
    tree_file(tree, "/etc/fstab", "");
    tree_file(tree, MOUNTS_LIVE,
              "2 1 0:44 / /srv rw,nosuid,nodev - nfs4 f:/ rw,vers=4.2,sec=sys\n");
    tree_expect(tree, "FSYS-07", OUTCOME_PASS);
    tree_file(tree, MOUNTS_LIVE, "2 1 0:44 / /srv rw,nosuid,nodev - nfs f:/ rw,vers=3,sec=sys\n");
    tree_expect(tree, "FSYS-07", OUTCOME_WARN);
}

/* Outcome on a machine with one declared role. */
static enum outcome outcome_as(struct tree *tree, const char *id, const char *role)
{
    char *roles[] = { (char *)role, NULL };
    struct asset asset = { .kind = ASSET_HOST, .roles = roles };
    g_autoptr(host_t) host = host_new(tree->root, &asset, NULL);
    struct asset_view view = { .asset = &asset, .host = host };
    g_autoptr(finding_t) finding = finding_new(id, 0);

    catalogue_find(id)->judge(&view, finding);
    return finding->outcome;
}

static void test_a_laptops_disk_is_encrypted(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_file(tree, MOUNTS_LIVE, "1 0 253:1 / / rw - ext4 /dev/mapper/vg-root rw\n");
    tree_file(tree, "/sys/block/dm-1/dm/name", "vg-root\n");
    tree_file(tree, "/sys/block/dm-1/dm/uuid", "LVM-abc\n");
    tree_folder(tree, "/sys/block/dm-1/slaves/dm-0", 0755);
    tree_file(tree, "/sys/block/dm-0/dm/uuid", "CRYPT-LUKS2-abc-cryptroot\n");
    tree_expect(tree, "FSYS-09", OUTCOME_NOT_APPLICABLE);
    g_assert_cmpint(outcome_as(tree, "FSYS-09", "laptop"), ==, OUTCOME_PASS);
    /* a volume over one encrypted and one open disk is open */
    tree_folder(tree, "/sys/block/dm-1/slaves/sdb", 0755);
    g_assert_cmpint(outcome_as(tree, "FSYS-09", "laptop"), ==, OUTCOME_FAIL);
    tree_file(tree, MOUNTS_LIVE, "1 0 253:1 / / rw - ext4 /dev/mapper/other rw\n");
    g_assert_cmpint(outcome_as(tree, "FSYS-09", "laptop"), ==, OUTCOME_NOT_MEASURED);
}

static void test_swap(void)
{
    static const char heading[] = "Filename Type Size Used Priority\n";
    g_autoptr(tree_t) tree = tree_new();
    g_autofree char *open = g_strconcat(heading, "/dev/sda2 partition 1 0 -2\n", NULL);
    g_autofree char *memory = g_strconcat(heading, "/dev/zram0 partition 1 0 100\n", NULL);
    g_autofree char *file = g_strconcat(heading, "/swap\\040file file 1 0 -2\n", NULL);

    tree_folder(tree, "/sys/block", 0755);
    tree_file(tree, "/proc/swaps", heading);
    tree_expect(tree, "FSYS-08", OUTCOME_PASS);
    tree_file(tree, "/proc/swaps", open);
    tree_expect(tree, "FSYS-08", OUTCOME_NOT_APPLICABLE);
    g_assert_cmpint(outcome_as(tree, "FSYS-08", "laptop"), ==, OUTCOME_FAIL);
    tree_file(tree, "/proc/swaps", memory);
    g_assert_cmpint(outcome_as(tree, "FSYS-08", "laptop"), ==, OUTCOME_PASS);
    tree_file(tree, MOUNTS_LIVE, "1 0 8:1 / / rw - ext4 /dev/dm-0 rw\n");
    tree_file(tree, "/sys/block/dm-0/dm/uuid", "CRYPT-PLAIN-x\n");
    tree_file(tree, "/proc/swaps", file);
    g_assert_cmpint(outcome_as(tree, "FSYS-08", "laptop"), ==, OUTCOME_PASS);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mounts/names-are-octal", test_names_are_octal);
    g_test_add_func("/mounts/mountinfo-lines", test_mountinfo_lines);
    g_test_add_func("/mounts/last-is-on-top", test_the_last_mount_is_on_top);
    g_test_add_func("/mounts/fstab-words", test_fstab_words_imply_others);
    g_test_add_func("/mounts/tmp", test_tmp);
    g_test_add_func("/mounts/hidden-processes", test_hidden_processes);
    g_test_add_func("/mounts/network", test_network_mounts);
    g_test_add_func("/mounts/laptop-disk", test_a_laptops_disk_is_encrypted);
    g_test_add_func("/mounts/swap", test_swap);
    return g_test_run();
}
