#include "base/error.h"
#include "net/address.h"
#include "net/http.h"
#include "peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* What is slow answers after so long, or when the test lets it go (`data` of the peer). */
#define SLOW_US (60 * (gint64)G_USEC_PER_SEC)
#define SLOW_LOOKS 3000

static char *answer(const struct peer_request *request, gpointer data)
{
    const char *path = request->path;
    const gint *let_go = data;

    if (g_str_equal(path, "/hello"))
        return peer_reply(200, "Content-Type: text/plain\r\n", "hello");
    if (g_str_equal(path, "/echo"))
        return peer_reply(201, NULL, g_bytes_get_data(request->body, NULL));
    if (g_str_equal(path, "/large")) {
        g_autofree char *body = g_strnfill(5000, 'x');

        return peer_reply(200, NULL, body);
    }
    if (g_str_equal(path, "/headers")) {
        g_autofree char *filler = g_strnfill(90000, 'x');
        g_autofree char *header = g_strdup_printf("X-Filler: %s\r\n", filler);

        return peer_reply(200, header, "");
    }
    if (g_str_equal(path, "/slow")) {
        for (guint i = 0; i < SLOW_LOOKS && !g_atomic_int_get(let_go); i++)
            g_usleep(SLOW_US / SLOW_LOOKS);
        return peer_reply(200, NULL, "late");
    }
    if (g_str_equal(path, "/moved"))
        return peer_reply(302, "Location: /hello\r\n", "");
    if (g_str_equal(path, "/moved-away"))
        return peer_reply(302, "Location: http://localhost:1/\r\n", "");
    if (g_str_equal(path, "/moved-round"))
        return peer_reply(302, "Location: /moved-round\r\n", "");
    if (g_str_equal(path, "/busy"))
        return peer_reply(503, "Retry-After: 7\r\n", "");
    if (g_str_equal(path, "/cut"))
        return g_strdup("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    return peer_reply(404, NULL, "");
}

static const struct http_options local = { .allow_plain = TRUE, .allow_private = TRUE };

static gboolean get(struct http *http, const struct peer *peer, const char *path,
                    struct http_answer *answered, GError **error)
{
    g_autofree char *url = peer_url(peer, path);
    const struct http_request request = { .method = "GET", .url = url };

    return http_fetch(http, &request, answered, error);
}

static void assert_body(const struct http_answer *answered, const char *wanted)
{
    gsize length;
    const char *bytes = g_bytes_get_data(answered->body, &length);

    g_assert_cmpmem(bytes, length, wanted, strlen(wanted));
}

static void test_get_and_post(void)
{
    struct peer *peer = peer_start(answer, NULL);
    g_autoptr(http_t) http = http_new(&local);
    g_autoptr(GBytes) body = g_bytes_new_static("a body", 6);
    g_autofree char *url = peer_url(peer, "/echo");
    const struct http_request post = { .method = "POST", .url = url, .body = body };
    struct http_answer answered;
    g_autoptr(GError) error = NULL;

    g_assert_true(get(http, peer, "/hello", &answered, &error));
    g_assert_cmpuint(answered.status, ==, 200);
    g_assert_cmpstr(answered.content_type, ==, "text/plain");
    assert_body(&answered, "hello");
    http_answer_clear(&answered);
    g_assert_true(http_fetch(http, &post, &answered, &error));
    g_assert_cmpuint(answered.status, ==, 201);
    assert_body(&answered, "a body");
    http_answer_clear(&answered);
    g_assert_cmpint(g_atomic_int_get(&peer->connections), ==, 1); /* kept alive */
    peer_stop(peer);
}

static void test_loopback_is_refused(void)
{
    struct peer *peer = peer_start(answer, NULL);
    const struct http_options options = { .allow_plain = TRUE };
    g_autoptr(http_t) http = http_new(&options);
    struct http_answer answered;
    g_autoptr(GError) error = NULL;

    g_assert_false(get(http, peer, "/hello", &answered, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    g_assert_nonnull(strstr(error->message, "127.0.0.1"));
    g_assert_cmpint(g_atomic_int_get(&peer->requests), ==, 0);
    peer_stop(peer);
}

/* A public name that resolves to this machine is what an attacker would use. */
static void test_name_of_loopback_is_refused(void)
{
    struct peer *peer = peer_start(answer, NULL);
    g_autofree char *resolve = g_strdup_printf("node.example:%u:127.0.0.1", peer->port);
    g_autofree char *url = g_strdup_printf("http://node.example:%u/hello", peer->port);
    const struct http_options options = { .allow_plain = TRUE, .resolve = resolve };
    const struct http_request request = { .method = "GET", .url = url };
    g_autoptr(http_t) http = http_new(&options);
    struct http_answer answered;
    g_autoptr(GError) error = NULL;

    g_assert_false(http_fetch(http, &request, &answered, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    g_assert_cmpint(g_atomic_int_get(&peer->connections), ==, 0);
    peer_stop(peer);
}

static void test_schemes(void)
{
    static const struct {
        const char *url;
        int code;
    } refused[] = {
        { "http://example.org/", ENTENTE_ERROR_POLICY },
        { "file:///etc/passwd", ENTENTE_ERROR_INPUT },
        { "gopher://example.org/", ENTENTE_ERROR_POLICY },
        { "https://user:pass@example.org/", ENTENTE_ERROR_INPUT },
        { "example.org", ENTENTE_ERROR_INPUT },
        { "", ENTENTE_ERROR_INPUT },
    };
    const struct http_options options = { .allow_private = TRUE };
    g_autoptr(http_t) http = http_new(&options);

    for (guint i = 0; i < G_N_ELEMENTS(refused); i++) {
        const struct http_request request = { .method = "GET", .url = refused[i].url };
        struct http_answer answered;
        g_autoptr(GError) error = NULL;

        g_assert_false(http_fetch(http, &request, &answered, &error));
        g_assert_error(error, ENTENTE_ERROR, refused[i].code);
    }
}

static void test_limits(void)
{
    static const char *const paths[] = { "/large", "/headers", "/slow", "/cut" };
    gint let_go = 0;
    struct peer *peer = peer_start(answer, &let_go);
    const struct http_options options = {
        .allow_plain = TRUE,
        .allow_private = TRUE,
        .limit = 4999,
        .timeout_us = 500000,
    };

    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autoptr(http_t) http = http_new(&options);
        struct http_answer answered;
        g_autoptr(GError) error = NULL;
        gint64 start_us = g_get_monotonic_time();

        g_assert_false(get(http, peer, paths[i], &answered, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM);
        g_assert_cmpint(g_get_monotonic_time() - start_us, <, SLOW_US / 2);
    }
    g_atomic_int_set(&let_go, 1);
    peer_stop(peer);
}

static void test_redirects(void)
{
    struct peer *peer = peer_start(answer, NULL);
    g_autoptr(http_t) http = http_new(&local);
    struct http_answer answered;
    g_autoptr(GError) error = NULL;

    g_assert_true(get(http, peer, "/moved", &answered, &error));
    assert_body(&answered, "hello");
    http_answer_clear(&answered);
    g_assert_false(get(http, peer, "/moved-away", &answered, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    g_clear_error(&error);
    g_assert_false(get(http, peer, "/moved-round", &answered, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM);
    peer_stop(peer);
}

static void test_busy_host_is_left_alone(void)
{
    struct peer *peer = peer_start(answer, NULL);
    g_autoptr(http_t) http = http_new(&local);
    struct http_answer answered;
    g_autoptr(GError) error = NULL;

    g_assert_true(get(http, peer, "/busy", &answered, &error));
    g_assert_cmpuint(answered.status, ==, 503);
    g_assert_cmpint(answered.retry_after_us, ==, 7 * G_USEC_PER_SEC);
    http_answer_clear(&answered);
    g_assert_false(get(http, peer, "/hello", &answered, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM);
    g_assert_cmpint(g_atomic_int_get(&peer->requests), ==, 1);
    peer_stop(peer);
}

struct tally {
    guint answers, stop_at;
    gboolean seen[200];
};

static gboolean count_answer(guint index, struct http_answer *answered, gpointer data)
{
    struct tally *tally = data;

    g_assert_no_error(answered->error);
    g_assert_cmpuint(answered->status, ==, 200);
    g_assert_false(tally->seen[index]);
    tally->seen[index] = TRUE;
    return ++tally->answers != tally->stop_at;
}

static void test_many(void)
{
    struct peer *peer = peer_start(answer, NULL);
    g_autoptr(http_t) http = http_new(&local);
    g_autofree char *url = peer_url(peer, "/hello");
    struct http_request requests[200];
    struct tally tally = { 0 }, some = { .stop_at = 3 };

    for (guint i = 0; i < G_N_ELEMENTS(requests); i++)
        requests[i] = (struct http_request){ .method = "GET", .url = url };
    http_fetch_all(http, requests, G_N_ELEMENTS(requests), count_answer, &tally);
    g_assert_cmpuint(tally.answers, ==, G_N_ELEMENTS(requests));
    g_assert_cmpint(g_atomic_int_get(&peer->connections), <=, 8);
    http_fetch_all(http, requests, G_N_ELEMENTS(requests), count_answer, &some);
    g_assert_cmpuint(some.answers, ==, 3);
    peer_stop(peer);
}

static gpointer cancel_soon(gpointer data)
{
    g_usleep(200000);
    http_cancel(data);
    return NULL;
}

static void test_cancel(void)
{
    gint let_go = 0;
    struct peer *peer = peer_start(answer, &let_go);
    g_autoptr(http_t) http = http_new(&local);
    struct http_answer answered;
    g_autoptr(GError) error = NULL;
    gint64 start_us = g_get_monotonic_time();
    GThread *thread = g_thread_new("cancel", cancel_soon, http);

    g_assert_false(get(http, peer, "/slow", &answered, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM);
    g_assert_cmpint(g_get_monotonic_time() - start_us, <, SLOW_US / 2);
    g_atomic_int_set(&let_go, 1);
    g_thread_join(thread);
    peer_stop(peer);
}

static void test_addresses(void)
{
    static const struct {
        const char *text;
        gboolean is_public;
    } addresses[] = {
        { "9.9.9.9", TRUE },
        { "172.15.255.255", TRUE },
        { "172.32.0.0", TRUE },
        { "100.128.0.1", TRUE },
        { "223.255.255.255", TRUE },
        { "0.0.0.0", FALSE },
        { "10.1.2.3", FALSE },
        { "100.64.0.1", FALSE },
        { "100.127.255.255", FALSE },
        { "127.8.8.8", FALSE },
        { "169.254.169.254", FALSE }, /* where clouds keep their secrets */
        { "172.16.0.1", FALSE },
        { "172.31.255.255", FALSE },
        { "192.168.1.1", FALSE },
        { "198.19.0.1", FALSE },
        { "224.0.0.1", FALSE },
        { "255.255.255.255", FALSE },
        { "2620:fe::fe", TRUE },
        { "2001:4860:4860::8888", TRUE },
        { "64:ff9b::9.9.9.9", TRUE },
        { "64:ff9b::10.0.0.1", FALSE },
        { "::ffff:127.0.0.1", FALSE },
        { "2002:7f00:1::", FALSE },
        { "2001:db8::1", FALSE },
        { "2001::1", FALSE },
        { "::1", FALSE },
        { "::", FALSE },
        { "fe80::1", FALSE },
        { "fd00::1", FALSE },
        { "ff02::1", FALSE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(addresses); i++) {
        struct sockaddr_in v4 = { .sin_family = AF_INET };
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
        gboolean is_v4 = inet_pton(AF_INET, addresses[i].text, &v4.sin_addr) == 1;
        const struct sockaddr *address =
            is_v4 ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6;

        g_test_message("%s", addresses[i].text);
        g_assert_true(is_v4 || inet_pton(AF_INET6, addresses[i].text, &v6.sin6_addr) == 1);
        g_assert_cmpint(address_is_public(address), ==, addresses[i].is_public);
    }
}

int main(int argc, char **argv)
{
    struct peer_loop loop;
    int status;

    g_test_init(&argc, &argv, NULL);
    loop = peer_loop_start();
    g_test_add_func("/http/get-and-post", test_get_and_post);
    g_test_add_func("/http/loopback-is-refused", test_loopback_is_refused);
    g_test_add_func("/http/name-of-loopback-is-refused", test_name_of_loopback_is_refused);
    g_test_add_func("/http/schemes", test_schemes);
    g_test_add_func("/http/limits", test_limits);
    g_test_add_func("/http/redirects", test_redirects);
    g_test_add_func("/http/busy-host-is-left-alone", test_busy_host_is_left_alone);
    g_test_add_func("/http/many", test_many);
    g_test_add_func("/http/cancel", test_cancel);
    g_test_add_func("/http/addresses", test_addresses);
    status = g_test_run();
    peer_loop_stop(&loop);
    return status;
}
