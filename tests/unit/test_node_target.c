/* What a request asks for: paths, queries, routes, ranges. */
#include "node/target.h"

#include <string.h>

static void check(const char *text, guint status, const char *path)
{
    struct target target;

    g_assert_cmpuint(target_parse(text, &target), ==, status);
    if (path)
        g_assert_cmpstr(target.path, ==, path);
}

static void test_paths(void)
{
    check("/tile/0/x001/067.p/3", 200, "/tile/0/x001/067.p/3");
    check("/api/v1/signatories/caf%C3%A9.example", 200, "/api/v1/signatories/caf\xc3\xa9.example");
    check("http://node.example/checkpoint?a=b", 200, "/checkpoint");
    check("HTTPS://node.example", 200, "/");
    check("https://node.example?x", 200, "/");
    check("/..//./x", 200, "/..//./x"); /* routes are matched, never resolved */
}

static void test_trouble_is_refused(void)
{
    check("*", 400, NULL);
    check("checkpoint", 400, NULL);
    check("/%", 400, NULL);
    check("/%4", 400, NULL);
    check("/%zz", 400, NULL);
    check("/%00", 400, NULL);
    check("/a%2Fb", 400, NULL);
    check("/a%5cb", 400, NULL);
    check("/a%0d%0aSet-Cookie:", 400, NULL);
    check("/a\tb", 400, NULL);
    check("/a?b=%", 400, "/a"); /* whose path it is, is known */
    check("/taxii2/%2F", 400, "/taxii2/");
}

static void test_long_targets_are_refused(void)
{
    g_autofree char *path = g_strnfill(TARGET_PATH_LIMIT + 1, 'a');
    g_autofree char *query = g_strnfill(TARGET_QUERY_LIMIT + 2, '&');

    path[0] = '/';
    check(path, 414, NULL);
    path[TARGET_PATH_LIMIT - 1] = '\0'; /* the longest that fits */
    check(path, 200, path);
    memcpy(query, "/?", 2);
    check(query, 414, "/");
    memset(query + 2, 'b', strlen(query + 2));
    check(query, 414, NULL);
}

static void test_query(void)
{
    struct target target;

    g_assert_cmpuint(target_parse("/?group=civil-society&a=1&a=2&flag&q=x%26y+z=1&=e", &target), ==,
                     200);
    g_assert_cmpstr(target_query(&target, "group"), ==, "civil-society");
    g_assert_cmpstr(target_query(&target, "a"), ==, "1");
    g_assert_cmpstr(target_query(&target, "flag"), ==, "");
    g_assert_cmpstr(target_query(&target, "q"), ==, "x&y z=1");
    g_assert_cmpstr(target_query(&target, ""), ==, "e");
    g_assert_null(target_query(&target, "1"));
    g_assert_cmpuint(target_parse("/", &target), ==, 200);
    g_assert_null(target_query(&target, "group"));
}

static gboolean matches(const char *pattern, const char *path, const char *wanted)
{
    const char *parameter;
    gsize length;

    if (!route_matches(pattern, path, &parameter, &length))
        return FALSE;
    if (wanted) {
        g_autofree char *got = g_strndup(parameter, length);

        g_assert_cmpstr(got, ==, wanted);
    } else {
        g_assert_null(parameter);
    }
    return TRUE;
}

static void test_routes(void)
{
    g_assert_true(matches("/", "/", NULL));
    g_assert_false(matches("/", "/x", NULL));
    g_assert_true(matches("/api/v1/entries", "/api/v1/entries", NULL));
    g_assert_false(matches("/api/v1/entries", "/api/v1/entries/", NULL));
    g_assert_false(matches("/api/v1/entries", "/api/v1/entrie", NULL));
    g_assert_true(matches("/api/v1/entries/{index}", "/api/v1/entries/17", "17"));
    g_assert_false(matches("/api/v1/entries/{index}", "/api/v1/entries/", NULL));
    g_assert_false(matches("/api/v1/entries/{index}", "/api/v1/entries/1/2", NULL));
    g_assert_true(matches("/witness/{hex}/checkpoint", "/witness/ab/checkpoint", "ab"));
    g_assert_false(matches("/witness/{hex}/checkpoint", "/witness//checkpoint", NULL));
    g_assert_false(matches("/witness/{hex}/checkpoint", "/witness/a/b/checkpoint", NULL));
    g_assert_true(matches("/box/{id}/messages/{n}", "/box/ab/messages/7", "ab/messages/7"));
    g_assert_true(matches("/box/{id}/messages", "/box/ab/messages", "ab"));
    g_assert_false(matches("/box/{id}/messages/{n}", "/box/ab/messages/", NULL));
    g_assert_false(matches("/box/{id}/messages/{n}", "/box/ab/messages/7/8", NULL));
    g_assert_false(matches("/box/{id}/messages/{n}", "/box/ab/other/7", NULL));
    g_assert_true(matches("/tile/*", "/tile/0/000", "0/000"));
    g_assert_false(matches("/tile/*", "/tile", NULL));
}

static void range(const char *text, guint64 size, guint status, guint64 first, guint64 count)
{
    guint64 got_first, got_count;

    g_assert_cmpuint(range_parse(text, size, &got_first, &got_count), ==, status);
    if (status == 416)
        return;
    g_assert_cmpuint(got_first, ==, first);
    g_assert_cmpuint(got_count, ==, count);
}

/* RFC 9110 section 14.1.2. */
static void test_ranges(void)
{
    range(NULL, 10, 200, 0, 10);
    range("bytes=0-", 10, 206, 0, 10);
    range("bytes=3-5", 10, 206, 3, 3);
    range("bytes=3-99", 10, 206, 3, 7);
    range("bytes=-4", 10, 206, 6, 4);
    range("bytes=-99", 10, 206, 0, 10);
    range("bytes=10-", 10, 416, 0, 0);
    range("bytes=-0", 10, 416, 0, 0);
    range("bytes=0-", 0, 416, 0, 0);
    range("bytes=5-3", 10, 200, 0, 10);
    range("bytes=1-2,4-5", 10, 200, 0, 10);
    range("bytes=a-", 10, 200, 0, 10);
    range("bytes=1-2x", 10, 200, 0, 10);
    range("bytes=99999999999999999999999-", 10, 200, 0, 10);
    range("lines=1-2", 10, 200, 0, 10);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/node/target/paths", test_paths);
    g_test_add_func("/node/target/trouble", test_trouble_is_refused);
    g_test_add_func("/node/target/long", test_long_targets_are_refused);
    g_test_add_func("/node/target/query", test_query);
    g_test_add_func("/node/target/routes", test_routes);
    g_test_add_func("/node/target/ranges", test_ranges);
    return g_test_run();
}
