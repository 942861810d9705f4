/*
 * Module routes_feed (p2_internet/routes/routes_feed.h): MRT, BMP and RIS Live are known by what
 * they hold, and say through it what they say by their own readers; torn ends are told with offset.
 */
#include "base/error.h"
#include "p2_internet/routes/routes_feed.h"
#include "route_vector.h"

#include <string.h>

static void tell(const char *feed, const struct route_element *element, gpointer data)
{
    char prefix[IP_PREFIX_TEXT] = "-";

    if (element->kind != ROUTE_STATE && element->kind != ROUTE_HEARD)
        ip_prefix_format(&element->prefix, prefix);
    g_string_append_printf(data, "%s %s %s\n", feed, route_kind_name(element->kind), prefix);
}

static const struct {
    const char *file;
    enum routes_form form;
    const char *told;
    guint64 problems;
} rows[] = {
    { "gobgp-3.10.bmp", ROUTES_BMP,
      "GoBGP state -\nGoBGP announce 198.51.100.0/24\nGoBGP announce 192.0.2.0/24\n"
      "GoBGP announce 2001:db8:1::/48\nGoBGP withdraw 2001:db8:1::/48\nGoBGP state -\n",
      0 },
    { "ris-live-stream.json", ROUTES_RIS_LIVE, "rrc00 announce 45.161.192.0/23\nrrc01 state -\n",
      1 },
    { "gobgp-updates.mrt", ROUTES_MRT,
      "file announce 198.51.100.0/24\nfile announce 192.0.2.0/24\n"
      "file announce 2001:db8:1::/48\nfile withdraw 2001:db8:1::/48\n",
      0 },
};

/* In one piece and in many. */
static void test_forms(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GByteArray) bytes = route_vector(rows[i].file);

        for (gsize size = bytes->len; size; size /= 3) {
            g_autoptr(GString) told = g_string_new(NULL);
            g_autoptr(routes_feed_t) feed =
                routes_feed_new("file", BMP_VIEW_PRE_POLICY, tell, told);
            struct routes_feed_counts counts;
            GError *error = NULL;
            guint64 offset;

            for (gsize at = 0; at < bytes->len; at += size) {
                g_assert_true(routes_feed_take(feed, bytes->data + at, MIN(size, bytes->len - at),
                                               0, &error));
                g_assert_no_error(error);
            }
            g_assert_true(routes_feed_end(feed, 0, &error));
            g_assert_no_error(error);
            g_assert_cmpint(routes_feed_form(feed), ==, rows[i].form);
            g_assert_cmpstr(told->str, ==, rows[i].told);
            routes_feed_count(feed, &counts);
            g_assert_cmpuint(counts.problems, ==, rows[i].problems);
            g_assert_cmpint(routes_feed_problem(feed, &offset) != NULL, ==, rows[i].problems != 0);
        }
    }
}

/* Cut within a message or record: told, with the place where that begins. */
static void test_torn(void)
{
    static const struct {
        const char *file, *problem;
        guint length;
    } cuts[] = {
        { "gobgp-3.10.bmp", "file: offset 217: the last message is cut", 300 },
        { "gobgp-updates.mrt", "file: offset 105: the last record is cut", 150 },
        { "gobgp-updates.mrt", "file: offset 0: neither MRT nor BMP nor lines of RIS Live", 7 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cuts); i++) {
        g_autoptr(GByteArray) bytes = route_vector(cuts[i].file);
        g_autoptr(GString) told = g_string_new(NULL);
        g_autoptr(routes_feed_t) feed = routes_feed_new("file", BMP_VIEW_ALL, tell, told);
        g_autoptr(GError) error = NULL;

        g_assert_true(routes_feed_take(feed, bytes->data, cuts[i].length, 0, NULL));
        g_assert_false(routes_feed_end(feed, 0, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
        g_assert_cmpstr(error->message, ==, cuts[i].problem);
    }
}

/* A KEEPALIVE of a peer is a word of it, and no route; what the collector itself sends is none. */
static void test_heard(void)
{
    static const guint8 head[] = { 0x6a, 0xb1, 0x3b, 0x80, 0, 16, 0, 0, 0, 0, 0, 39 };
    static const guint8 session[] = { 0, 0, 0xfb, 0xf4, 0, 0, 0xfb, 0xf5, 0, 0,
                                      0, 1, 10,   0,    0, 1, 10,   0,    0, 2 };
    static const guint8 length_and_type[] = { 0, 19, 4 };
    static const struct {
        guint8 subtype;
        const char *told;
    } rows_of[] = { { MRT_MESSAGE_AS4, "file heard -\n" }, { MRT_MESSAGE_AS4_LOCAL, "" } };

    for (guint i = 0; i < G_N_ELEMENTS(rows_of); i++) {
        g_autoptr(GString) told = g_string_new(NULL);
        g_autoptr(routes_feed_t) feed = routes_feed_new("file", BMP_VIEW_ALL, tell, told);
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        struct routes_feed_counts counts;

        g_byte_array_append(bytes, head, sizeof head);
        bytes->data[7] = rows_of[i].subtype;
        g_byte_array_append(bytes, session, sizeof session);
        for (guint n = 0; n < 16; n++)
            g_byte_array_append(bytes, (const guint8 *)"\xff", 1);
        g_byte_array_append(bytes, length_and_type, sizeof length_and_type);
        g_assert_true(routes_feed_take(feed, bytes->data, bytes->len, 0, NULL));
        g_assert_true(routes_feed_end(feed, 0, NULL));
        g_assert_cmpstr(told->str, ==, rows_of[i].told);
        routes_feed_count(feed, &counts);
        g_assert_cmpuint(counts.elements, ==, 0);
        g_assert_cmpuint(counts.problems, ==, 0);
    }
}

/* What is of no form is refused, and goes on being refused. */
static void test_unknown(void)
{
    static const char *const texts[] = {
        "BZh91AY&SY is a beginning of bzip2, which is unpacked elsewhere, not here.......",
        "{\"type\":\"FeatureCollection\",\"features\":[]}                                    ",
    };

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GString) told = g_string_new(NULL);
        g_autoptr(routes_feed_t) feed = routes_feed_new("file", BMP_VIEW_ALL, tell, told);
        g_autoptr(GError) error = NULL;

        g_assert_false(routes_feed_take(feed, texts[i], strlen(texts[i]), 0, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
        g_assert_false(routes_feed_take(feed, texts[i], strlen(texts[i]), 0, NULL));
        g_assert_cmpint(routes_feed_form(feed), ==, ROUTES_UNKNOWN);
        g_assert_cmpstr(told->str, ==, "");
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/routes-feed/forms", test_forms);
    g_test_add_func("/routes-feed/torn", test_torn);
    g_test_add_func("/routes-feed/heard", test_heard);
    g_test_add_func("/routes-feed/unknown", test_unknown);
    return g_test_run();
}
