/* Warning lists: which indicators each kind of list warns of. */
#include "base/error.h"
#include "p1_resilience/hunt/warning_list.h"

#include <glib/gstdio.h>
#include <string.h>

struct fixture {
    char *folder;
    struct warning_lists *lists;
};

static void set_up(struct fixture *fixture, gconstpointer data)
{
    fixture->folder = g_dir_make_tmp("lists-XXXXXX", NULL);
    fixture->lists = warning_lists_new();
}

static void tear_down(struct fixture *fixture, gconstpointer data)
{
    warning_lists_free(fixture->lists);
    g_rmdir(fixture->folder);
    g_free(fixture->folder);
}

static gboolean add(struct fixture *fixture, const char *text, GError **error)
{
    g_autofree char *path = g_build_filename(fixture->folder, "list.json", NULL);
    gboolean added;

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    added = warning_lists_add(fixture->lists, path, error);
    g_remove(path);
    return added;
}

static void add_list(struct fixture *fixture, const char *text)
{
    g_autoptr(GError) error = NULL;

    add(fixture, text, &error);
    g_assert_no_error(error);
}

/* The name of the list that warns, or NULL. */
static const char *warns(const struct fixture *fixture, const char *text)
{
    g_auto(indicator_t) indicator = { 0 };
    enum indicator_why why;
    guint list;

    g_assert_true(indicator_parse(text, strlen(text), INDICATOR_FORCE, &indicator, &why));
    list = warning_lists_match(fixture->lists, &indicator);
    return list ? warning_list_name(fixture->lists, list - 1) : NULL;
}

static void test_networks(struct fixture *fixture, gconstpointer data)
{
    add_list(fixture, "{\"list\":[\"192.0.2.0/24\",\"2001:db8::/32\",\"203.0.113.7\",\"x\"],"
                      "\"type\":\"cidr\",\"name\":\"own\",\"matching_attributes\":[\"ip-src\"]}");
    g_assert_cmpstr(warns(fixture, "192.0.2.255"), ==, "own");
    g_assert_cmpstr(warns(fixture, "203.0.113.7"), ==, "own");
    g_assert_cmpstr(warns(fixture, "192.0.2.128/25"), ==, "own");
    g_assert_cmpstr(warns(fixture, "192.0.0.0/16"), ==, "own"); /* wider than what is listed */
    g_assert_cmpstr(warns(fixture, "203.0.112.0/22"), ==, "own");
    g_assert_cmpstr(warns(fixture, "2001:db8:1::1"), ==, "own");
    g_assert_null(warns(fixture, "192.0.3.0"));
    g_assert_null(warns(fixture, "203.0.113.8"));
    g_assert_null(warns(fixture, "2001:db9::1"));
    g_assert_null(warns(fixture, "192.0.3.0/24"));
    g_assert_null(warns(fixture, "http://192.0.2.1/a")); /* the list is for addresses */
    g_assert_cmpuint(warning_list_entries(fixture->lists, 0), ==, 3);
    g_assert_cmpuint(warning_list_skipped(fixture->lists, 0), ==, 1);
}

static void test_hostnames(struct fixture *fixture, gconstpointer data)
{
    add_list(fixture, "{\"name\":\"popular\",\"type\":\"hostname\","
                      "\"list\":[\".Good.example\",\"cdn.example\"]}");
    g_assert_cmpstr(warns(fixture, "good.example"), ==, "popular");
    g_assert_cmpstr(warns(fixture, "www.good.example"), ==, "popular");
    g_assert_cmpstr(warns(fixture, "http://www.good.example:81/a"), ==, "popular");
    g_assert_cmpstr(warns(fixture, "a@cdn.example"), ==, "popular");
    g_assert_null(warns(fixture, "notgood.example"));
    g_assert_null(warns(fixture, "good.example.org"));
}

static void test_strings_and_parts(struct fixture *fixture, gconstpointer data)
{
    add_list(fixture, "{\"name\":\"digests\",\"type\":\"string\",\"list\":"
                      "[\"D41D8CD98F00B204E9800998ECF8427E\",\"exact.example\"]}");
    add_list(fixture, "{\"name\":\"parts\",\"type\":\"substring\",\"list\":[\".GOV.\"]}");
    g_assert_cmpstr(warns(fixture, "d41d8cd98f00b204e9800998ecf8427e"), ==, "digests");
    g_assert_cmpstr(warns(fixture, "exact.example"), ==, "digests");
    g_assert_null(warns(fixture, "www.exact.example"));
    g_assert_cmpstr(warns(fixture, "www.gov.example"), ==, "parts");
}

static void test_expressions_are_bounded(struct fixture *fixture, gconstpointer data)
{
    g_autofree char *name = g_strnfill(60, 'a');
    g_autofree char *slow = g_strconcat(name, ".", name, ".", name, ".example", NULL);
    gint64 before = g_get_monotonic_time();

    add_list(fixture, "{\"name\":\"regex\",\"type\":\"regex\",\"list\":"
                      "[\"/^(a+)+$/\",\"/\\\\.TEST$/i\",\"(\"]}");
    g_assert_cmpstr(warns(fixture, "evil.test"), ==, "regex");
    g_assert_null(warns(fixture, slow));
    g_assert_cmpint(g_get_monotonic_time() - before, <, 30 * G_USEC_PER_SEC);
    g_assert_cmpuint(warning_list_skipped(fixture->lists, 0), ==, 1);
}

static void test_the_first_list_is_named(struct fixture *fixture, gconstpointer data)
{
    add_list(fixture, "{\"name\":\"one\",\"type\":\"string\",\"list\":[\"a.example\"],"
                      "\"matching_attributes\":[\"hostname\",\"domain\"]}");
    add_list(fixture, "{\"name\":\"two\",\"type\":\"hostname\",\"list\":[\"example\"]}");
    g_assert_cmpstr(warns(fixture, "a.example"), ==, "one");
    g_assert_cmpstr(warns(fixture, "b.example"), ==, "two");
}

static void test_plain_lists(struct fixture *fixture, gconstpointer data)
{
    add_list(fixture, "# ours\n192.0.2.0/24\nours.example\nhttp://shared.example/a\n"
                      "b\u00fccher.example\n");
    g_assert_cmpuint(warning_lists_count(fixture->lists), ==, 3);
    g_assert_cmpstr(warns(fixture, "192.0.2.1"), ==, "list.json");
    g_assert_nonnull(warns(fixture, "www.ours.example"));
    g_assert_nonnull(warns(fixture, "http://shared.example/a"));
    g_assert_null(warns(fixture, "shared.example"));
    g_assert_nonnull(warns(fixture, "www.xn--bcher-kva.example"));
}

static void test_known_lists(struct fixture *fixture, gconstpointer data)
{
    warning_lists_add_known(fixture->lists);
    for (guint i = 0; i < warning_lists_count(fixture->lists); i++)
        g_assert_cmpuint(warning_list_skipped(fixture->lists, i), ==, 0);
    g_assert_nonnull(warns(fixture, "172.31.255.255"));
    g_assert_nonnull(warns(fixture, "fe80::1"));
    g_assert_nonnull(warns(fixture, "http://127.0.0.1/a"));
    g_assert_nonnull(
        warns(fixture, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    g_assert_null(warns(fixture, "172.32.0.0"));
    g_assert_null(warns(fixture, "203.0.113.7"));
    g_assert_null(warns(fixture, "2001:db8::1"));
    g_assert_null(warns(fixture, "evil.example"));
}

static void test_what_is_no_list(struct fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(add(fixture, "{\"name\":\"x\",\"type\":\"other\",\"list\":[\"a\"]}", &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_clear_error(&error);
    g_assert_false(add(fixture, "{\"name\":", &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_clear_error(&error);
    g_assert_false(add(fixture, "# nothing\n", &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(struct fixture *, gconstpointer);
    } tests[] = {
        { "/warning-list/networks", test_networks },
        { "/warning-list/hostnames", test_hostnames },
        { "/warning-list/strings", test_strings_and_parts },
        { "/warning-list/expressions", test_expressions_are_bounded },
        { "/warning-list/first", test_the_first_list_is_named },
        { "/warning-list/plain", test_plain_lists },
        { "/warning-list/known", test_known_lists },
        { "/warning-list/no-list", test_what_is_no_list },
    };

    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, struct fixture, NULL, set_up, tests[i].test, tear_down);
    return g_test_run();
}
