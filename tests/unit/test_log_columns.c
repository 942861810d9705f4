/* log_columns.h and utf16.h: what is looked at of a line, in place; everything else is spaces. */
#include "p1_resilience/hunt/log_columns.h"
#include "p1_resilience/hunt/utf16.h"

#include <string.h>

/* Takes the log in one piece; the text looked at, joined URLs behind a bar. */
static char *look_at(const char *names, const char *log, const char **problem)
{
    g_auto(GStrv) list = g_strsplit(names, ",", -1);
    g_autoptr(log_columns_t) columns = log_columns_new(list);
    g_autoptr(log_look_t) look = log_look_new();

    log_columns_take(columns, (const guint8 *)log, strlen(log), look);
    g_assert_cmpuint(look->text->len, ==, strlen(log));
    *problem = log_columns_problem(columns);
    return g_strdup_printf("%.*s|%.*s", (int)look->text->len, look->text->data,
                           (int)look->joined->len, look->joined->data);
}

static void check(const char *names, const char *log, const char *wanted)
{
    const char *problem;
    g_autofree char *got = look_at(names, log, &problem);

    g_assert_cmpstr(got, ==, wanted);
    g_assert_null(problem);
}

static void refuse(const char *names, const char *log)
{
    const char *problem;
    g_autofree char *got = look_at(names, log, &problem);

    g_assert_nonnull(problem);
    for (const char *c = got; *c != '|'; c++)
        g_assert_true(*c == ' ' || *c == '\n');
}

static void test_zeek(void)
{
    check("query", "#separator \\x09\n#fields\tts\tid\tquery\n1.5\tC1\tevil.example\n1.6\tC2\n",
          "               \n                   \n       evil.example\n      \n|");
    check("b", "#separator \\x2c\n#fields,a,b\nx,y\n#fields,b,a\nx,y\n",
          "               \n           \n  y\n           \nx  \n|");
    refuse("absent", "#fields\ta\tb\nx\ty\n");
}

static void test_csv(void)
{
    check("ip", "time,IP,note\n1,203.0.113.7,x\n2,,y\n", "            \n  203.0.113.7  \n    \n|");
    check("b", "a;\"b\"\r\n1;\"x;\"\"y\"\r\n", "      \n   x;\"\"y  \n|");
    refuse("ip", "just text evil.example\nmore\n");
    refuse("ip", "ipx,iq\n1,2\n");
}

static void test_json(void)
{
    check("ip", "{\"a\":{\"ip\":\"192.0.2.1\"},\"b\":[{\"ip\":[\"x\",7]}],\"c\":\"z\"}\n",
          "            192.0.2.1                x  7            \n|");
    check("src.ip", "{\"src\":{\"ip\":\"1\"},\"dst\":{\"ip\":\"2\"}}",
          "              1                    |");
    check("id.orig_h", "{\"id.orig_h\":\"1\"}", "              1  |");
    check("b", "{\"a\":\"x\\\"y\",\"b\":true}", "                true |");
    /* What cannot be told apart is looked at whole. */
    check("a", "{\"a\":1}\n{\"b\":evil.example,}\n", "     1 \n{\"b\":evil.example,}\n|");
    refuse("absent", "{\"a\":1}\n");
}

static void test_urls_are_joined(void)
{
    check("host,uri", "#fields\thost\turi\nevil.example\t/a?b\n-\t/a\nx\thttp://y/\n",
          "                \nevil.example /a?b\n- /a\nx http://y/\n|http://evil.example/a?b\n");
    check("host,uri", "{\"uri\":\"\\/a\",\"host\":\"evil.example\"}",
          "        \\/a          evil.example  |http://evil.example/a\n");
    check("uri", "#fields\thost\turi\nevil.example\t/a\n", "                \n             /a\n|");
}

/* Deep, cut and odd: never read past its end, never longer. */
static void test_hostile(void)
{
    g_autofree char *deep = g_strnfill(5000, '[');
    g_autofree char *line = g_strconcat("{\"a\":", deep, NULL);
    const char *problem;

    for (gsize cut = 0; cut < 40; cut++) {
        static const char log[] = "{\"a\":{\"b\\u00\":[1,\"x\\\\\"],\"host\":\"";
        g_autofree char *part = g_strndup(log, cut);
        g_autofree char *got = look_at("a,host,uri", part, &problem);

        g_assert_nonnull(got);
    }
    g_free(look_at("a", line, &problem));
    g_free(look_at("a", "\"", &problem));
    g_free(look_at("a", "a,\"b\n\"x\n", &problem));
}

static void test_utf16(void)
{
    static const guint8 little[] = { 'e', 0, '.', 0, 0xe9, 0, 'x', 1 };
    guint8 to[4];

    g_assert_cmpint(utf16_by_mark((const guint8 *)"\xff\xfe", 2), ==, UTF16_LITTLE);
    g_assert_cmpint(utf16_by_mark((const guint8 *)"\xfe\xff", 2), ==, UTF16_BIG);
    g_assert_cmpint(utf16_by_mark((const guint8 *)"\xff", 1), ==, UTF16_NOT);
    g_assert_cmpint(utf16_by_zeros((const guint8 *)"a\0b\0", 4), ==, UTF16_LITTLE);
    g_assert_cmpint(utf16_by_zeros((const guint8 *)"\0a\0b", 4), ==, UTF16_BIG);
    g_assert_cmpint(utf16_by_zeros((const guint8 *)"abcd", 4), ==, UTF16_NOT);
    g_assert_cmpint(utf16_by_zeros((const guint8 *)"\0\0\0\0", 4), ==, UTF16_NOT);
    g_assert_cmpint(utf16_by_zeros((const guint8 *)"", 0), ==, UTF16_NOT);
    utf16_narrow(UTF16_LITTLE, little, 4, to);
    g_assert_cmpmem(to, 4, "e.\x80\x80", 4);
}

int main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log-columns/zeek", test_zeek);
    g_test_add_func("/log-columns/csv", test_csv);
    g_test_add_func("/log-columns/json", test_json);
    g_test_add_func("/log-columns/urls-are-joined", test_urls_are_joined);
    g_test_add_func("/log-columns/hostile", test_hostile);
    g_test_add_func("/utf16/all", test_utf16);
    return g_test_run();
}
