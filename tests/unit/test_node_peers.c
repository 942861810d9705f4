/* Token buckets and connections of peers; addresses to listen on. */
#include "base/error.h"
#include "node/listen.h"
#include "node/peers.h"

#define SECOND ((gint64)G_USEC_PER_SEC)

static struct peer_key key(const char *text)
{
    struct peer_key made;

    g_assert_true(peer_key_parse(text, &made));
    return made;
}

static void test_tokens_come_back(void)
{
    struct peers *peers = peers_new(10, 40, 0);
    struct peer_key peer = key("192.0.2.1"), other = key("192.0.2.2");
    gint64 now_us = g_get_monotonic_time();

    g_assert_cmpuint(peers_take(peers, &peer, 40, now_us), ==, 0);
    g_assert_cmpuint(peers_take(peers, &peer, 15, now_us), ==, 2); /* 15 tokens: 1.5 s */
    g_assert_cmpuint(peers_take(peers, &other, 15, now_us), ==, 0);
    g_assert_cmpuint(peers_take(peers, &peer, 15, now_us + SECOND), >, 0);
    g_assert_cmpuint(peers_take(peers, &peer, 15, now_us + 2 * SECOND), ==, 0);
    /* However long it waits, no more than the burst; what costs more than that costs the burst. */
    g_assert_cmpuint(peers_take(peers, &peer, 1000, now_us + 3600 * SECOND), ==, 0);
    g_assert_cmpuint(peers_take(peers, &peer, 1, now_us + 3600 * SECOND), ==, 1);
    peers_free(peers);
}

static void test_no_rate_is_no_limit(void)
{
    struct peers *peers = peers_new(0, 0, 0);
    struct peer_key peer = key("192.0.2.1");

    for (guint i = 0; i < 100; i++)
        g_assert_cmpuint(peers_take(peers, &peer, 1000000, 0), ==, 0);
    g_assert_cmpuint(peers_known(peers), ==, 0);
    peers_free(peers);
}

static void test_connections_are_counted(void)
{
    struct peers *peers = peers_new(0, 0, 2);
    /* One customer has a whole /64. */
    struct peer_key a = key("2001:db8:0:1::1"), b = key("2001:db8:0:1:ffff::2"),
                    c = key("2001:db8:0:2::1");

    g_assert_true(peers_connect(peers, &a));
    g_assert_true(peers_connect(peers, &b));
    g_assert_false(peers_connect(peers, &b));
    g_assert_true(peers_connect(peers, &c));
    peers_disconnect(peers, &a);
    g_assert_true(peers_connect(peers, &b));
    peers_free(peers);
}

static void test_loopback(void)
{
    const char *const loopback[] = { "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1" };
    const char *const other[] = { "128.0.0.1", "::2", "fe80::1", "::ffff:10.0.0.1", "7f00::1" };

    for (guint i = 0; i < G_N_ELEMENTS(loopback); i++) {
        struct peer_key peer = key(loopback[i]);

        g_assert_true(peer_key_is_loopback(&peer));
    }
    for (guint i = 0; i < G_N_ELEMENTS(other); i++) {
        struct peer_key peer = key(other[i]);

        g_assert_false(peer_key_is_loopback(&peer));
    }
}

/* An attacker with many addresses cannot make the table grow without end. */
static void test_the_table_is_bounded(void)
{
    struct peers *peers = peers_new(1, 2, 0);
    gint64 now_us = g_get_monotonic_time();

    for (guint i = 0; i < 70000; i++) {
        g_autofree char *text = g_strdup_printf("10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        struct peer_key peer = key(text);

        peers_take(peers, &peer, 2, now_us);
    }
    g_assert_cmpuint(peers_known(peers), <=, 65536);
    peers_free(peers);
}

static void test_listen(void)
{
    const char *const wrong[] = {
        "",      "8080",   "host.example:80", "127.0.0.1",   "127.0.0.1:70000",
        "[::1]", "::1:80", "[127.0.0.1]:80",  "127.0.0.1:-1"
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(listener_t) listener = listener_open("localhost:0", &error);
    g_autoptr(listener_t) every = listener_open("0.0.0.0:0", NULL);

    g_assert_no_error(error);
    g_assert_true(g_str_has_prefix(listener->address, "127.0.0.1:"));
    g_assert_false(g_str_has_suffix(listener->address, ":0"));
    g_assert_true(listener->loopback);
    g_assert_false(every->loopback);
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_assert_null(listener_open(wrong[i], &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
        g_clear_error(&error);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/node/peers/tokens", test_tokens_come_back);
    g_test_add_func("/node/peers/no-rate", test_no_rate_is_no_limit);
    g_test_add_func("/node/peers/connections", test_connections_are_counted);
    g_test_add_func("/node/peers/loopback", test_loopback);
    g_test_add_func("/node/peers/bounded", test_the_table_is_bounded);
    g_test_add_func("/node/listen", test_listen);
    return g_test_run();
}
