/* HTTP/1 requests in a stream: however it is cut, what it says is the same. */
#include "p1_resilience/hunt/http_requests.h"

#include <string.h>

static void take(enum http_item item, const guint8 *bytes, gsize length, gpointer data)
{
    static const char letters[] = { [HTTP_HOST] = 'h', [HTTP_URL] = 'u', [HTTP_AGENT] = 'a' };

    g_string_append_printf(data, "%c=%.*s\n", letters[item], (int)length, (const char *)bytes);
}

static enum http_progress feed(const char *text, gsize step, GString *said)
{
    g_autoptr(http_reader_t) reader = http_reader_new(take, said);
    enum http_progress progress = HTTP_MORE;
    gsize length = strlen(text);

    for (gsize at = 0; at < length && progress == HTTP_MORE; at += step)
        progress = http_reader_add(reader, (const guint8 *)text + at, MIN(step, length - at));
    if (progress == HTTP_MORE)
        http_reader_finish(reader);
    return progress;
}

static void check(const char *text, const char *expected, enum http_progress progress)
{
    for (gsize step = 1; step <= strlen(text); step += step < 8 ? 1 : 50) {
        g_autoptr(GString) said = g_string_new(NULL);

        g_assert_cmpint(feed(text, step, said), ==, progress);
        g_assert_cmpstr(said->str, ==, expected);
    }
}

static void test_requests_that_follow_one_another(void)
{
    check("GET /a HTTP/1.1\r\nHost: one.example\r\nUser-Agent: x y\r\n\r\n"
          "POST /b HTTP/1.1\nhost:two.example:81 \nContent-Length: 9\n\nGET / HTT"
          "PUT /c HTTP/1.1\r\nHost: three.example\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
          "5;x=y\r\nGET /\r\n0\r\nTrailer: a\r\n\r\n"
          "\r\nM-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n",
          "h=one.example\nu=http://one.example/a\na=x y\n"
          "h=two.example:81\nu=http://two.example:81/b\n"
          "h=three.example\nu=http://three.example/c\n"
          "h=239.255.255.250:1900\nu=http://239.255.255.250:1900*\n",
          HTTP_MORE);
}

static void test_requests_to_proxies(void)
{
    check("GET HTTP://u:p@abs.example:8080/x HTTP/1.1\r\nHost: front.example\r\n\r\n"
          "CONNECT tunnel.example:443 HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
          "h=front.example\nh=abs.example:8080\nu=HTTP://u:p@abs.example:8080/x\n"
          "h=tunnel.example:443\nu=tunnel.example:443\n",
          HTTP_OTHER);
}

/* A length that is none hides nothing. */
static void test_a_length_that_is_none(void)
{
    check("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: -5\r\n\r\n"
          "GET /hidden HTTP/1.1\r\nHost: b.example\r\n\r\n",
          "h=a.example\nu=http://a.example/\nh=b.example\nu=http://b.example/hidden\n", HTTP_MORE);
}

/* The head is cut: what was said by then counts. */
static void test_a_request_that_is_cut(void)
{
    check("GET /a HTTP/1.1\r\nHost: cut.example\r\nUser-Ag",
          "h=cut.example\nu=http://cut.example/a\n", HTTP_MORE);
}

static void test_what_is_no_request(void)
{
    check("EHLO mail.example\r\n", "", HTTP_OTHER);
    check("GET /a\r\n", "", HTTP_OTHER);
    check("HTTP/1.1 200 OK\r\nHost: x.example\r\n\r\n", "", HTTP_OTHER);
    check("THISWORDISLONGERTHANMETHODSARE /", "", HTTP_OTHER);
    check("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "", HTTP_TWO);
}

/* A line without an end takes bounded memory, and the next one is read. */
static void test_a_line_without_end(void)
{
    g_autofree char *path = g_strnfill(3 * HTTP_LINE_MAX, 'x');
    g_autofree char *text =
        g_strdup_printf("GET / HTTP/1.1\r\nX-Long: %s\r\nHost: long.example\r\n\r\n", path);
    g_autoptr(GString) said = g_string_new(NULL);

    g_assert_cmpint(feed(text, 1000, said), ==, HTTP_MORE);
    g_assert_cmpstr(said->str, ==, "h=long.example\nu=http://long.example/\n");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http/requests-that-follow-one-another",
                    test_requests_that_follow_one_another);
    g_test_add_func("/http/requests-to-proxies", test_requests_to_proxies);
    g_test_add_func("/http/a-length-that-is-none", test_a_length_that_is_none);
    g_test_add_func("/http/a-request-that-is-cut", test_a_request_that_is_cut);
    g_test_add_func("/http/what-is-no-request", test_what_is_no_request);
    g_test_add_func("/http/a-line-without-end", test_a_line_without_end);
    return g_test_run();
}
