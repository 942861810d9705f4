/* Modules walk, idset and permissions_walk: what one walk over a tree finds, and what it tells. */
#include "p7_hygiene/host/walk.h"

#include "tree.h"

#include <fcntl.h>

#define MANY 100000

static const struct walk_entry *find(const struct walk *walk, enum walk_list list, const char *path)
{
    const GArray *entries = walk->found[list].entries;

    for (guint i = 0; i < entries->len; i++)
        if (g_str_equal(g_array_index(entries, struct walk_entry, i).path, path))
            return &g_array_index(entries, struct walk_entry, i);
    return NULL;
}

static void test_lists(void)
{
    g_autoptr(tree_t) tree = tree_new();
    const struct walk *walk;

    tree_file(tree, "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
    tree_file(tree, "/etc/group", "root:x:0:\n");
    tree_file(tree, "/srv/open", "x");
    tree_mode(tree, "/srv/open", 0666);
    tree_file(tree, "/usr/local/bin/tool", "x");
    tree_mode(tree, "/usr/local/bin/tool", 04755);
    tree_file(tree, "/usr/bin/x86_64-linux-gnu-gcc-12", "x");
    tree_mode(tree, "/usr/bin/x86_64-linux-gnu-gcc-12", 0755);
    tree_file(tree, "/usr/bin/asciidoc", "x");
    tree_mode(tree, "/usr/bin/asciidoc", 0755);
    tree_folder(tree, "/srv/drop", 0777);
    tree_folder(tree, "/tmp", 01777);
    tree_file(tree, "/proc/open", "x");
    tree_mode(tree, "/proc/open", 0666);
    tree_file(tree, "/var/lib/docker/open", "x");
    tree_mode(tree, "/var/lib/docker/open", 0666);
    walk = walk_get(tree->host);
    g_assert_nonnull(find(walk, WALK_WORLD_WRITABLE, "/srv/open"));
    g_assert_cmpuint(walk->found[WALK_WORLD_WRITABLE].total, ==, 1);
    g_assert_cmpuint(find(walk, WALK_SETID, "/usr/local/bin/tool")->mode & 07777, ==, 04755);
    g_assert_nonnull(find(walk, WALK_LOCAL_PROGRAMS, "/usr/local/bin/tool"));
    g_assert_nonnull(find(walk, WALK_COMPILERS, "/usr/bin/x86_64-linux-gnu-gcc-12"));
    g_assert_cmpuint(walk->found[WALK_COMPILERS].total, ==, 1);
    g_assert_nonnull(find(walk, WALK_OPEN_FOLDERS, "/srv/drop"));
    g_assert_null(find(walk, WALK_OPEN_FOLDERS, geteuid() == 0 ? "/tmp" : "/none"));
}

static void test_hostile_trees(void)
{
    static const char name[] = "/srv/new\nline \xff\x1b[31m";
    g_autoptr(tree_t) tree = tree_new();
    g_autofree char *fifo = tree_path(tree, "/srv/fifo");
    const struct walk *walk;

    tree_file(tree, name, "x");
    tree_mode(tree, name, 0666);
    tree_link(tree, "/srv/loop", "loop");
    tree_link(tree, "/srv/up", "..");
    tree_link(tree, "/srv/outside", "/etc");
    g_assert_cmpint(mkfifo(fifo, 0666), ==, 0);
    walk = walk_get(tree->host);
    g_assert_nonnull(find(walk, WALK_WORLD_WRITABLE, name));
    g_assert_cmpuint(walk->found[WALK_WORLD_WRITABLE].total, ==, 1);
    g_assert_cmpuint(walk->entries, ==, 6);
}

/* Deeper than descriptors are kept open, then longer than a path may be, then than one is kept. */
static void test_deep_trees(void)
{
    const guint depth = 1500;
    g_autoptr(tree_t) tree = tree_new();
    g_autofree char *name = g_strnfill(200, 'd');
    const struct walk *walk;
    int at = open(tree->root, O_PATH | O_DIRECTORY);

    for (guint i = 0; i < depth; i++) {
        int next;

        g_assert_cmpint(mkdirat(at, i < 1000 ? "d" : name, 0755), ==, 0);
        next = openat(at, i < 1000 ? "d" : name, O_PATH | O_DIRECTORY);
        g_assert_cmpint(next, >=, 0);
        close(at);
        at = next;
    }
    close(at);
    walk = walk_get(tree->host);
    g_assert_cmpuint(walk->folders, >, 1050);
    g_assert_cmpuint(walk->unread, ==, 1);
    g_assert_cmpuint(walk->folders + walk->unread, <=, depth + 1);
    if (walk->folders < depth + 1) {
        g_autoptr(finding_t) finding = finding_new("m", 0);

        finding_pass(finding, NULL, 0, NULL, "none", NULL);
        walk_gap(walk, finding);
        g_assert_cmpint(finding->outcome, ==, OUTCOME_NOT_MEASURED);
    }
    /* rm -r by descriptors: the path is too long for tree_free(). */
    {
        const char *const arguments[] = { "rm", "-rf", tree->root, NULL };

        g_assert_true(g_spawn_sync(NULL, (char **)arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
                                   NULL, NULL, NULL, NULL));
    }
}

static void test_many_entries(void)
{
    g_autoptr(tree_t) tree = tree_new();
    g_autofree char *folder = NULL;
    const struct walk *walk;
    int at;

    tree_folder(tree, "/srv/many", 0755);
    folder = tree_path(tree, "/srv/many");
    at = open(folder, O_PATH | O_DIRECTORY);
    for (guint i = 0; i < MANY; i++) {
        char name[16];

        g_snprintf(name, sizeof name, "%u", i);
        g_assert_cmpint(mknodat(at, name, S_IFREG | 0644, 0), ==, 0);
        if (i < WALK_KEEP + 10)
            g_assert_cmpint(fchmodat(at, name, 0666, 0), ==, 0);
    }
    close(at);
    walk = walk_get(tree->host);
    g_assert_cmpuint(walk->entries, ==, MANY + 2);
    g_assert_cmpuint(walk->found[WALK_WORLD_WRITABLE].total, ==, WALK_KEEP + 10);
    g_assert_cmpuint(walk->found[WALK_WORLD_WRITABLE].entries->len, <=, WALK_KEEP * WALK_THREADS);
}

static void test_unreadable_folder_is_no_pass(void)
{
    g_autoptr(tree_t) tree = tree_new();

    if (geteuid() == 0) {
        g_test_skip("root reads every folder");
        return;
    }
    tree_folder(tree, "/srv/closed", 0);
    tree_expect(tree, "host.permissions.world-writable-files", OUTCOME_NOT_MEASURED);
    tree_mode(tree, "/srv/closed", 0755);
}

static void test_setuid_verdicts(void)
{
    static const char status[] = "Package: passwd\nStatus: install ok installed\n\n"
                                 "Package: findutils\nStatus: install ok installed\n";
    g_autoptr(tree_t) tree = tree_new();

    tree_file(tree, "/var/lib/dpkg/status", status);
    tree_file(tree, "/var/lib/dpkg/info/passwd.list", "/usr/bin/passwd\n");
    tree_file(tree, "/var/lib/dpkg/info/findutils.list", "/usr/bin/find\n");
    tree_file(tree, "/usr/bin/passwd", "x");
    tree_file(tree, "/usr/bin/find", "x");
    tree_mode(tree, "/usr/bin/passwd", 04755);
    tree_expect(tree, "host.permissions.setuid-files", OUTCOME_PASS);
    tree_mode(tree, "/usr/bin/passwd", 06755); /* more than the package gives */
    tree_expect(tree, "host.permissions.setuid-files", OUTCOME_FAIL);
    tree_mode(tree, "/usr/bin/passwd", 04755);
    tree_mode(tree, "/usr/bin/find", 04755); /* packaged, but never setuid */
    tree_expect(tree, "host.permissions.setuid-files", OUTCOME_FAIL);
    tree_file(tree, "/var/lib/dpkg/statoverride", "root root 4755 /usr/bin/find\n");
    tree_expect(tree, "host.permissions.setuid-files", OUTCOME_PASS);
    tree_file(tree, "/etc/group", "shadow:x:42:eve\n");
    tree_expect(tree, "host.permissions.setuid-files", OUTCOME_FAIL);
}

static void test_package_integrity(void)
{
    g_autoptr(tree_t) tree = tree_new();

    tree_file(tree, "/var/lib/dpkg/status", "Package: sudo\nStatus: install ok installed\n");
    tree_expect(tree, "host.permissions.package-integrity", OUTCOME_NOT_MEASURED);
    tree_file(tree, "/var/lib/dpkg/info/sudo.md5sums",
              "900150983cd24fb0d6963f7d28e17f72  usr/bin/sudo\n" /* MD5 of "abc", RFC 1321 */
              "d41d8cd98f00b204e9800998ecf8427e  usr/bin/absent\n");
    tree_file(tree, "/usr/bin/sudo", "abc");
    tree_expect(tree, "host.permissions.package-integrity", OUTCOME_PASS);
    tree_file(tree, "/usr/bin/sudo", "abd");
    tree_expect(tree, "host.permissions.package-integrity", OUTCOME_FAIL);
}

static void test_root_paths(void)
{
    g_autoptr(tree_t) tree = tree_new();

    if (geteuid() != 0) {
        g_test_skip("files of a tree must belong to root");
        return;
    }
    g_assert_cmpint(chmod(tree->root, 0755), ==, 0);
    tree_file(tree, "/etc/cron.d/job", "*/5 * * * * root cd / && /opt/app/run.sh >/dev/null\n");
    tree_file(tree, "/opt/app/run.sh", "x");
    tree_expect(tree, "host.permissions.root-paths", OUTCOME_PASS);
    tree_mode(tree, "/opt/app", 0777); /* the script is safe, its folder is not */
    tree_expect(tree, "host.permissions.root-paths", OUTCOME_FAIL);
    tree_mode(tree, "/opt/app", 0755);
    tree_file(tree, "/etc/crontab", "PATH=/usr/bin::/bin\n"); /* an empty part is "." */
    tree_expect(tree, "host.permissions.root-paths", OUTCOME_FAIL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host/walk/lists", test_lists);
    g_test_add_func("/host/walk/hostile-trees", test_hostile_trees);
    g_test_add_func("/host/walk/deep-trees", test_deep_trees);
    g_test_add_func("/host/walk/many-entries", test_many_entries);
    g_test_add_func("/host/walk/unreadable-folder-is-no-pass", test_unreadable_folder_is_no_pass);
    g_test_add_func("/host/walk/setuid-verdicts", test_setuid_verdicts);
    g_test_add_func("/host/walk/package-integrity", test_package_integrity);
    g_test_add_func("/host/walk/root-paths", test_root_paths);
    return g_test_run();
}
