#include "p7_hygiene/host/deb_version.h"
#include "p7_hygiene/host/dpkg.h"

#include "tree.h"

#include <string.h>

static void test_versions_have_their_order(void)
{
    /* Each is older than the next (deb-version(7), Debian Policy 5.6.12). */
    static const char *const rising[] = {
        "~~",       "~~a",     "~",       "",         "0.9",           "1.0~rc1", "1.0~rc1-2",
        "1.0",      "1.0-0.1", "1.0-1",   "1.0-1+b1", "1.0-1+deb12u1", "1.0-1.1", "1.0-2",
        "1.0-10",   "1.0a-1",  "1.0+b-1", "1.0.1-1",  "1.2",           "1.10",    "2020.1",
        "20201231", "1:0.1",   "1:1.0~",  "1:1.0",    "2:0",           "10:0",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rising); i++)
        for (gsize j = 0; j < G_N_ELEMENTS(rising); j++) {
            int order = deb_version_compare(rising[i], rising[j]);

            if ((order < 0) != (i < j) || (order > 0) != (i > j))
                g_error("%s and %s compare as %d", rising[i], rising[j], order);
        }
    g_assert_cmpint(deb_version_compare("0:1.0-0", "1.0"), ==, 0);
    g_assert_cmpint(deb_version_compare("1.01", "1.1"), ==, 0);
    g_assert_cmpint(
        deb_version_compare("99999999999999999999999999", "100000000000000000000000000"), <, 0);
}

static void test_status_stanzas(void)
{
    static const char text[] = "Package: a\nStatus: install ok installed\nVersion: 1:2-3\n"
                               "Source: src-a (1.0)\nDescription: x\n Package: not-a-field\n\n"
                               "Package: b\nStatus: deinstall ok config-files\nVersion: 1\n\n"
                               "Package: b\nArchitecture: i386\nStatus: install ok installed\n\n"
                               "package: c\nSTATUS: hold ok half-installed";
    struct dpkg *dpkg = dpkg_parse(text, strlen(text));
    const struct dpkg_package *package = dpkg_find(dpkg, "a");

    g_assert_cmpuint(dpkg->packages->len, ==, 4);
    g_assert_cmpstr(package->version, ==, "1:2-3");
    g_assert_cmpstr(package->source, ==, "src-a");
    g_assert_true(dpkg_is_installed(package));
    g_assert_cmpstr(dpkg_find(dpkg, "b")->architecture, ==, "i386");
    package = dpkg_find(dpkg, "c");
    g_assert_cmpstr(package->want, ==, "hold");
    g_assert_cmpstr(package->state, ==, "half-installed");
    g_assert_false(dpkg_is_installed(package));
    g_assert_cmpuint(package->line, ==, 16);
    g_assert_null(dpkg_find(dpkg, "not-a-field"));
    dpkg_free(dpkg);
}

static void test_owners(void)
{
    static const char *const paths[] = { "/usr/bin/su", "/usr/local/bin/su", "/usr/bin/x.distrib",
                                         "/usr/bin/x", "/usr/bin/newline\nname" };
    g_autoptr(tree_t) tree = tree_new();
    g_autoptr(GHashTable) owners = NULL;

    tree_file(tree, DPKG_STATUS,
              "Package: util-linux\nStatus: install ok installed\n\n"
              "Package: x\nArchitecture: amd64\nStatus: install ok installed\n");
    tree_file(tree, "/var/lib/dpkg/info/util-linux.list", "/.\n/bin\n/bin/su\n");
    tree_file(tree, "/var/lib/dpkg/info/x:amd64.list", "/usr/bin/x\n");
    tree_file(tree, "/var/lib/dpkg/info/y.list", "/usr/bin/x");
    tree_file(tree, "/var/lib/dpkg/diversions", "/usr/bin/x\n/usr/bin/x.distrib\ny\n");
    owners = dpkg_owners(tree->host, paths, G_N_ELEMENTS(paths));
    g_assert_cmpstr(g_hash_table_lookup(owners, "/usr/bin/su"), ==, "util-linux");
    g_assert_cmpstr(g_hash_table_lookup(owners, "/usr/bin/x.distrib"), ==, "x");
    g_assert_cmpstr(g_hash_table_lookup(owners, "/usr/bin/x"), ==, "y");
    g_assert_cmpuint(g_hash_table_size(owners), ==, 3);
    g_assert_true(dpkg_package_has(tree->host, "util-linux", "/usr/bin/su"));
    g_assert_true(dpkg_package_has(tree->host, "x", "/usr/bin/x.distrib"));
    g_assert_false(dpkg_package_has(tree->host, "x", "/usr/bin/x"));
    g_assert_true(dpkg_installed(tree->host, "x"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host/dpkg/versions-have-their-order", test_versions_have_their_order);
    g_test_add_func("/host/dpkg/status-stanzas", test_status_stanzas);
    g_test_add_func("/host/dpkg/owners", test_owners);
    return g_test_run();
}
