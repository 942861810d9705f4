/*
 * Modules websocket and stream (net/), and ris_client (p2_internet/routes/), whose connections
 * tests/e2e/test_routes_live.py makes: the examples of RFC 6455, frames in any pieces, and what
 * breaks a rule.
 */
#include "base/error.h"
#include "base/json.h"
#include "net/stream.h"
#include "net/websocket.h"
#include "p2_internet/routes/ris_client.h"
#include "p2_internet/routes/watch.h"
#include "p2_internet/routes/watch_hosts.h"

#include <string.h>

#define KEY "dGhlIHNhbXBsZSBub25jZQ==" /* RFC 6455 section 1.3 */
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define HEAD                                                                                       \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"            \
    "Sec-WebSocket-Accept: " ACCEPT "\r\n\r\n"

static void tell(enum websocket_kind kind, const guint8 *bytes, gsize length, gpointer data)
{
    g_string_append_printf(data, "%d:%.*s;", (int)kind, (int)length, (const char *)bytes);
}

/* What the bytes say, in pieces of `step`; NULL: they break a rule. The caller's. */
static char *told(const char *head, const void *frames, gsize length, gsize step, GError **error)
{
    g_autoptr(GString) said = g_string_new(NULL);
    g_autoptr(websocket_t) socket = websocket_new(KEY, tell, said);
    g_autoptr(GByteArray) all = g_byte_array_new();

    g_byte_array_append(all, (const guint8 *)head, (guint)strlen(head));
    g_byte_array_append(all, frames, (guint)length);
    for (gsize at = 0; at < all->len; at += step) {
        if (!websocket_take(socket, all->data + at, MIN(step, all->len - at), error)) {
            g_assert_false(websocket_take(socket, "", 0, NULL));
            return NULL;
        }
    }
    return g_string_free(g_steal_pointer(&said), FALSE);
}

static void test_the_head(void)
{
    static const struct {
        const char *head, *problem;
    } wrong[] = {
        { "HTTP/1.1 403 Forbidden\r\n\r\n", "403" },
        { "\r\n\r\n", "answers" },
        { "HTTP/1.1 101 X\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", "upgrade" },
        { "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n", "upgrade" },
        { "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOp=\r\n\r\n",
          "Accept is wrong" },
        { "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: "
          "Upgrade\r\nSec-WebSocket-Accept: " ACCEPT
          "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
          "extension" },
    };
    g_autofree char *accept = websocket_accept(KEY), *request = websocket_request("h:1", "/x", KEY),
                    *one = websocket_key(), *other = websocket_key(), *long_head = NULL;
    g_autoptr(GError) endless = NULL;

    g_assert_cmpstr(accept, ==, ACCEPT);
    g_assert_cmpstr(one, !=, other);
    g_assert_true(g_str_has_prefix(request, "GET /x HTTP/1.1\r\nHost: h:1\r\n"));
    g_assert_true(g_str_has_suffix(request, "\r\n\r\n"));
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(told(wrong[i].head, "", 0, 7, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
        g_assert_nonnull(strstr(error->message, wrong[i].problem));
    }
    long_head = g_strnfill(WEBSOCKET_HEAD_MAX + 1, 'a');
    g_assert_null(told(long_head, "", 0, 4096, &endless));
    g_assert_nonnull(strstr(endless->message, "does not end"));
}

static void test_frames_in_any_pieces(void)
{
    /* RFC 6455 section 5.7: whole, in two with a ping between, a long one, a close. */
    g_autoptr(GByteArray) frames = g_byte_array_new();
    g_autofree char *long_text = g_strnfill(300, 'x'), *expected = NULL;

    g_byte_array_append(frames, (const guint8 *)"\x81\x05Hello", 7);
    g_byte_array_append(frames, (const guint8 *)"\x01\x03Hel\x89\x02hi\x80\x02lo", 13);
    g_byte_array_append(frames, (const guint8 *)"\x82\x7e\x01\x2c", 4);
    g_byte_array_append(frames, (const guint8 *)long_text, 300);
    g_byte_array_append(frames, (const guint8 *)"\x81\x00\x88\x00", 4);
    expected = g_strdup_printf("1:Hello;9:hi;1:Hello;2:%s;1:;8:;", long_text);
    for (gsize step = 1; step < 600; step = step * 3 + 1) {
        g_autoptr(GError) error = NULL;
        g_autofree char *said = told(HEAD, frames->data, frames->len, step, &error);

        g_assert_no_error(error);
        g_assert_cmpstr(said, ==, expected);
    }
}

static void test_what_breaks_a_rule(void)
{
    static const struct {
        const char *bytes;
        gsize length;
        const char *problem;
    } wrong[] = {
        { "\xc1\x00", 2, "reserved" },
        { "\x81\x80", 2, "masked" },
        { "\x83\x00", 2, "unknown" },
        { "\x8b\x00", 2, "unknown" },
        { "\x09\x00", 2, "control" },
        { "\x89\x7e\x00\x7e", 4, "control" },
        { "\x81\x7e\x00\x05", 4, "too long" },
        { "\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xff", 10, "too long" },
        { "\x80\x00", 2, "its begin" },
        { "\x01\x00\x81\x00", 4, "within another" },
        { "\x81\x7f\x00\x00\x00\x00\x00\x10\x00\x01", 10, "more than" },
        { "\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10, "more than" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(told(HEAD, wrong[i].bytes, wrong[i].length, 1, &error));
        g_assert_nonnull(strstr(error->message, wrong[i].problem));
    }
}

static void test_what_is_sent(void)
{
    static const guint8 mask[] = { 0x37, 0xfa, 0x21, 0x3d }; /* RFC 6455 section 5.7 */
    g_autoptr(GByteArray) out = g_byte_array_new();
    g_autofree char *long_text = g_strnfill(70000, 'x');

    websocket_append(out, WEBSOCKET_TEXT, "Hello", 5, mask);
    g_assert_cmpmem(out->data, out->len, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
    g_byte_array_set_size(out, 0);
    websocket_append(out, WEBSOCKET_BINARY, long_text, 200, mask);
    g_assert_cmpmem(out->data, 4, "\x82\xfe\x00\xc8", 4);
    g_assert_cmpuint(out->len, ==, 208);
    g_byte_array_set_size(out, 0);
    websocket_append(out, WEBSOCKET_TEXT, long_text, 70000, mask);
    g_assert_cmpmem(out->data, 10, "\x81\xff\x00\x00\x00\x00\x00\x01\x11\x70", 10);
}

static void test_what_is_asked_for(void)
{
    struct watch_prefix prefix = { 0 };
    struct watch_as system = { .as = 3333 };
    g_autoptr(GPtrArray) prefixes = g_ptr_array_new(), systems = g_ptr_array_new(), hosts = NULL,
                         all = NULL;
    static const char *const expected[] = {
        "{\"type\":\"ris_subscribe\",\"data\":{\"prefix\":\"2001:67c:2e8::/48\",\"socketOptions\":{"
        "\"includeRaw\":true,\"acknowledge\":true},\"moreSpecific\":true,\"lessSpecific\":true}}",
        "{\"type\":\"ris_subscribe\",\"data\":{\"prefix\":\"192.0.2.53/32\",\"socketOptions\":{"
        "\"includeRaw\":true,\"acknowledge\":true},\"moreSpecific\":true,\"lessSpecific\":true}}",
        "{\"type\":\"ris_subscribe\",\"data\":{\"path\":\"3333\",\"socketOptions\":{\"includeRaw\":"
        "true,\"acknowledge\":true}}}",
        "{\"type\":\"ris_subscribe\",\"data\":{\"type\":\"RIS_PEER_STATE\",\"socketOptions\":{"
        "\"includeRaw\":true,\"acknowledge\":true}}}",
    };

    g_assert_true(ip_prefix_parse("2001:67c:2e8::/48", &prefix.prefix, NULL));
    g_ptr_array_add(prefixes, &prefix);
    g_ptr_array_add(systems, &system);
    hosts = watch_hosts_parse("ns1 192.0.2.53\n", "list", NULL);
    all = ris_subscriptions(prefixes, systems, hosts);
    g_assert_cmpuint(all->len, ==, G_N_ELEMENTS(expected));
    for (guint i = 0; i < all->len; i++)
        g_assert_cmpstr(all->pdata[i], ==, expected[i]);
}

static void test_addresses(void)
{
    static const char *const wrong[] = { "https://ris.example/", "wss://", "wss://me@ris.example/",
                                         "ris.example", "wss:///v1" };
    const struct stream_options options = { .timeout_us = 5 * G_USEC_PER_SEC };
    g_autoptr(GError) error = NULL;

    g_assert_true(ris_url_check(RIS_LIVE_RIPE, NULL));
    g_assert_true(ris_url_check("ws://[::1]:8080", NULL));
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_false(ris_url_check(wrong[i], NULL));
    /* A name that others set does not lead to this machine. */
    g_assert_null(stream_open("http://127.0.0.1:9/", &options, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/websocket/head", test_the_head);
    g_test_add_func("/websocket/frames", test_frames_in_any_pieces);
    g_test_add_func("/websocket/broken", test_what_breaks_a_rule);
    g_test_add_func("/websocket/sent", test_what_is_sent);
    g_test_add_func("/websocket/asked", test_what_is_asked_for);
    g_test_add_func("/websocket/addresses", test_addresses);
    return g_test_run();
}
