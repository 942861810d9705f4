/*
 * Module bmp (p2_internet/routes/bmp.h): what GoBGP told, and messages of each type made by hand;
 * torn in any place it says the same, and flipped bits never do harm.
 */
#include "base/error.h"
#include "p2_internet/routes/bmp.h"
#include "route_vector.h"

#include <string.h>

#define START ((gint64)1795313214 * G_USEC_PER_SEC)
#define NOW ((gint64)1795316814 * G_USEC_PER_SEC)
#define AS2 0x20 /* peer flag A: AS numbers of two bytes */

struct station {
    struct bmp_reader *reader;
    GString *told;
};

static void tell(const struct route_element *element, gpointer data)
{
    struct station *station = data;
    char peer[IP_PREFIX_TEXT], prefix[IP_PREFIX_TEXT] = "";
    GString *told = station->told;

    ip_address_format(element->peer->family, element->peer->address, peer);
    g_string_append_printf(told, "%s %s AS%u", route_kind_name(element->kind), peer,
                           element->peer->as);
    if (element->kind == ROUTE_STATE) {
        g_string_append_printf(told, " %u>%u", element->old_state, element->new_state);
    } else {
        ip_prefix_format(&element->prefix, prefix);
        g_string_append_printf(told, " %s", prefix);
    }
    if (element->flags & ROUTE_HAS_PATH_ID)
        g_string_append_printf(told, " #%u", element->path_id);
    if (element->flags & ROUTE_POST_POLICY)
        g_string_append(told, " post");
    if (element->flags & ROUTE_ADJ_OUT)
        g_string_append(told, " out");
    if (element->flags & ROUTE_LOC_RIB)
        g_string_append(told, " loc");
    if (element->flags & ROUTE_INSTANCE)
        g_string_append(told, " vrf");
    if (element->attributes) {
        g_string_append(told, " by ");
        bgp_path_append_text(&element->attributes->path, told);
    }
    g_string_append_printf(told, " %+" G_GINT64_FORMAT "\n",
                           element->time_us / G_USEC_PER_SEC - START / G_USEC_PER_SEC);
}

static void station_open(struct station *station, guint views)
{
    station->told = g_string_new(NULL);
    station->reader = bmp_reader_new("router", views, tell, station);
}

static void station_close(struct station *station)
{
    bmp_reader_free(station->reader);
    g_string_free(station->told, TRUE);
}

static void feed(struct station *station, const GByteArray *bytes)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(bmp_reader_feed(station->reader, bytes->data, bytes->len, NOW, &error));
    g_assert_no_error(error);
}

/* ---- what GoBGP told */

#define UP "state 127.0.0.2 AS64513 1>6 +0\n"
#define DOWN "state 127.0.0.2 AS64513 6>1 +14\n"
#define BEFORE                                                                                     \
    "announce 127.0.0.2 AS64513 198.51.100.0/24 by 64513 65001 +1\n"                               \
    "announce 127.0.0.2 AS64513 192.0.2.0/24 by 64513 +1\n"                                        \
    "announce 127.0.0.2 AS64513 2001:db8:1::/48 by 64513 +1\n"

static void test_gobgp(void)
{
    static const struct {
        guint views;
        const char *told;
    } rows[] = {
        { BMP_VIEW_PRE_POLICY, UP BEFORE "withdraw 127.0.0.2 AS64513 2001:db8:1::/48 +11\n" DOWN },
        { BMP_VIEW_POST_POLICY, UP "announce 127.0.0.2 AS64513 2001:db8:1::/48 post by 64513 +1\n"
                                   "withdraw 127.0.0.2 AS64513 2001:db8:1::/48 post +11\n" DOWN },
        { BMP_VIEW_LOC_RIB, "announce 0.0.0.0 AS64512 2001:db8:1::/48 loc by 64513 +1\n"
                            "withdraw 0.0.0.0 AS64512 2001:db8:1::/48 loc +1\n" },
        { 0, "" },
    };
    g_autoptr(GByteArray) bytes = route_vector("gobgp-3.10.bmp");

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct bmp_counts *counts;
        const struct bmp_peer *peer;
        struct station station;
        guint64 offset;

        station_open(&station, rows[i].views);
        feed(&station, bytes);
        g_assert_cmpstr(station.told->str, ==, rows[i].told);
        counts = bmp_reader_counts(station.reader);
        g_assert_cmpuint(counts->messages[BMP_ROUTE_MONITORING], ==, 8);
        g_assert_cmpuint(counts->messages[BMP_STATISTICS], ==, 1);
        g_assert_cmpuint(counts->messages[BMP_PEER_UP], ==, 1);
        g_assert_cmpuint(counts->messages[BMP_PEER_DOWN], ==, 1);
        g_assert_cmpuint(counts->messages[BMP_INITIATION], ==, 1);
        g_assert_cmpuint(counts->malformed + counts->broken + counts->unknown, ==, 0);
        g_assert_null(bmp_reader_problem(station.reader, &offset));
        g_assert_cmpstr(bmp_reader_router(station.reader), ==, "GoBGP");
        g_assert_cmpstr(bmp_reader_description(station.reader), ==, "3.10.0");
        g_assert_cmpuint(bmp_reader_peers(station.reader)->len, ==, 1);
        peer = bmp_reader_peers(station.reader)->pdata[0];
        g_assert_false(peer->is_up);
        g_assert_cmpuint(peer->down_reason, ==, 3);
        g_assert_true(bmp_reader_end(station.reader, NOW, NULL));
        station_close(&station);
    }
}

/* In whatever pieces it comes. */
static void test_pieces(void)
{
    g_autoptr(GByteArray) bytes = route_vector("gobgp-3.10.bmp");
    struct station whole, torn;

    station_open(&whole, BMP_VIEW_ALL);
    feed(&whole, bytes);
    for (guint size = 1; size < 200; size += 7) {
        station_open(&torn, BMP_VIEW_ALL);
        for (guint at = 0; at < bytes->len; at += size)
            g_assert_true(bmp_reader_feed(torn.reader, bytes->data + at, MIN(size, bytes->len - at),
                                          NOW, NULL));
        g_assert_cmpstr(torn.told->str, ==, whole.told->str);
        g_assert_true(bmp_reader_end(torn.reader, NOW, NULL));
        station_close(&torn);
    }
    station_close(&whole);
}

/* A stream that ends early says where; the sessions that stood are down. */
static void test_torn(void)
{
    g_autoptr(GByteArray) bytes = route_vector("gobgp-3.10.bmp");
    g_autoptr(GError) error = NULL;
    struct station station;

    station_open(&station, BMP_VIEW_PRE_POLICY);
    g_byte_array_set_size(bytes, 300);
    feed(&station, bytes);
    g_assert_false(bmp_reader_end(station.reader, NOW, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_assert_cmpstr(error->message, ==, "router: offset 217: the last message is cut");
    g_assert_cmpstr(station.told->str, ==, UP "state 127.0.0.2 AS64513 6>1 +3600\n");
    station_close(&station);
}

/* ---- messages made by hand */

static void add(GByteArray *to, const void *bytes, gsize length)
{
    g_byte_array_append(to, bytes, (guint)length);
}

static void add_number(GByteArray *to, guint32 number, guint size)
{
    for (guint i = size; i-- > 0;)
        add(to, &(guint8){ (guint8)(number >> 8 * i) }, 1);
}

static void add_zeroes(GByteArray *to, guint count)
{
    for (guint i = 0; i < count; i++)
        add(to, "", 1);
}

static void add_message(GByteArray *to, guint type, const GByteArray *body)
{
    add_number(to, BMP_VERSION, 1);
    add_number(to, BMP_HEADER_SIZE + body->len, 4);
    add_number(to, type, 1);
    add(to, body->data, body->len);
}

static void add_tlv(GByteArray *to, guint type, const void *bytes, gsize length)
{
    add_number(to, type, 2);
    add_number(to, (guint32)length, 2);
    add(to, bytes, length);
}

/* 192.0.2.1 of AS 64496, without a time. */
static GByteArray *of_peer(guint type, guint flags, guint distinguisher)
{
    GByteArray *body = g_byte_array_new();

    add_number(body, type, 1);
    add_number(body, flags, 1);
    add_zeroes(body, 4);
    add_number(body, distinguisher, 4);
    add_zeroes(body, 12);
    add(body, "\xc0\x00\x02\x01", 4);
    add_number(body, 64496, 4);
    add(body, "\x0a\x00\x00\x01", 4);
    add_zeroes(body, 8);
    return body;
}

static void add_bgp(GByteArray *to, enum bgp_message_type type, const GByteArray *body)
{
    for (guint i = 0; i < 16; i++)
        add(to, "\xff", 1);
    add_number(to, BGP_HEADER_SIZE + body->len, 2);
    add_number(to, type, 1);
    add(to, body->data, body->len);
}

/* `add_path`: what is said of IPv4 unicast: 1 receives, 2 sends. */
static void add_open(GByteArray *to, guint add_path)
{
    g_autoptr(GByteArray) open = g_byte_array_new();

    add_number(open, 4, 1);
    add_number(open, 64496, 2);
    add_number(open, 90, 2);
    add(open, "\x0a\x00\x00\x01", 4);
    add(open, "\x08\x02\x06\x45\x04\x00\x01\x01", 8);
    add_number(open, add_path, 1);
    add_bgp(to, BGP_OPEN, open);
}

static void add_up(GByteArray *to, guint type, guint distinguisher, guint sent, guint received)
{
    g_autoptr(GByteArray) body = of_peer(type, 0, distinguisher);

    add_zeroes(body, 20);
    add_open(body, sent);
    add_open(body, received);
    add_message(to, BMP_PEER_UP, body);
}

/* 203.0.113.0/24 by 64496 and 64497; with a path identifier or without. */
static void add_routes(GByteArray *to, guint type, guint flags, guint distinguisher, gboolean as4,
                       gboolean has_path_id)
{
    g_autoptr(GByteArray) body = of_peer(type, flags, distinguisher);
    g_autoptr(GByteArray) update = g_byte_array_new();
    guint width = as4 ? 4 : 2;

    add_number(update, 0, 2);
    add_number(update, 4 + 3 + 2 + 2 * width + 7, 2);
    add(update, "\x40\x01\x01\x00\x40\x02", 6);
    add_number(update, 2 + 2 * width, 1);
    add(update, "\x02\x02", 2);
    add_number(update, 64496, width);
    add_number(update, 64497, width);
    add(update, "\x40\x03\x04\xc0\x00\x02\x01", 7);
    if (has_path_id)
        add_number(update, 7, 4);
    add(update, "\x18\xcb\x00\x71", 4);
    add_bgp(body, BGP_UPDATE, update);
    add_message(to, BMP_ROUTE_MONITORING, body);
}

#define PREFIX " AS64496 203.0.113.0/24"
#define BY " by 64496 64497 +3600\n"

static void test_as_width(void)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    struct station station;

    add_up(bytes, BMP_GLOBAL, 0, 0, 0);
    add_routes(bytes, BMP_GLOBAL, AS2, 0, FALSE, FALSE);
    add_routes(bytes, BMP_GLOBAL, 0, 0, TRUE, FALSE);
    station_open(&station, BMP_VIEW_ALL);
    feed(&station, bytes);
    g_assert_cmpstr(station.told->str, ==,
                    "state 192.0.2.1 AS64496 1>6 +3600\n"
                    "announce 192.0.2.1" PREFIX BY "announce 192.0.2.1" PREFIX BY);
    station_close(&station);
}

/* Only what both OPENs agree on, in the direction of the table. */
static void test_add_path(void)
{
    enum { RECEIVES = 1, SENDS = 2, OUT = 0x10 };
    static const struct {
        guint type, sent, received, flags;
        gboolean has_path_id;
        const char *told;
    } rows[] = {
        { BMP_GLOBAL, RECEIVES, SENDS, 0, TRUE, "192.0.2.1" PREFIX " #7" BY },
        { BMP_GLOBAL, RECEIVES, SENDS, OUT, FALSE, "192.0.2.1" PREFIX " out" BY },
        { BMP_GLOBAL, SENDS, RECEIVES, 0, FALSE, "192.0.2.1" PREFIX BY },
        { BMP_GLOBAL, SENDS, RECEIVES, OUT, TRUE, "192.0.2.1" PREFIX " #7 out" BY },
        { BMP_GLOBAL, SENDS, SENDS, 0, FALSE, "192.0.2.1" PREFIX BY },
        { BMP_GLOBAL, RECEIVES, 0, 0, FALSE, "192.0.2.1" PREFIX BY },
        { BMP_LOC_RIB, RECEIVES, RECEIVES, 0, TRUE, "192.0.2.1" PREFIX " #7 loc" BY },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        struct station station;

        station_open(&station, BMP_VIEW_ALL);
        add_up(bytes, rows[i].type, 0, rows[i].sent, rows[i].received);
        feed(&station, bytes);
        g_string_truncate(station.told, 0);
        g_byte_array_set_size(bytes, 0);
        add_routes(bytes, rows[i].type, rows[i].flags, 0, TRUE, rows[i].has_path_id);
        feed(&station, bytes);
        g_assert_true(g_str_has_prefix(station.told->str, "announce "));
        g_assert_cmpstr(station.told->str + strlen("announce "), ==, rows[i].told);
        station_close(&station);
    }
}

/* The same address in a VRF is another peer, whose routes are told only where they are asked for.
 */
static void test_instances(void)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    struct station station;

    add_up(bytes, BMP_GLOBAL, 0, 0, 0);
    add_up(bytes, BMP_RD_INSTANCE, 65536, 1, 2);
    add_routes(bytes, BMP_RD_INSTANCE, 0, 65536, TRUE, TRUE);
    add_routes(bytes, BMP_GLOBAL, 0, 0, TRUE, FALSE);
    station_open(&station, BMP_VIEW_ALL);
    feed(&station, bytes);
    g_assert_cmpuint(bmp_reader_peers(station.reader)->len, ==, 2);
    g_assert_cmpstr(station.told->str, ==,
                    "state 192.0.2.1 AS64496 1>6 +3600\n"
                    "state 192.0.2.1 AS64496 1>6 vrf +3600\n"
                    "announce 192.0.2.1" PREFIX " #7 vrf" BY "announce 192.0.2.1" PREFIX BY);
    station_close(&station);
    station_open(&station, BMP_VIEW_PRE_POLICY);
    feed(&station, bytes);
    g_assert_cmpstr(station.told->str, ==,
                    "state 192.0.2.1 AS64496 1>6 +3600\n"
                    "announce 192.0.2.1" PREFIX BY);
    station_close(&station);
}

/* Each reason of RFC 7854 and 9069 ends the session; without what belongs to it, it is counted. */
static void test_down(void)
{
    static const struct {
        guint reason;
        const char *with; /* "n" a NOTIFICATION, "e" an event, "" nothing */
        gboolean is_fine;
    } rows[] = {
        { 1, "n", TRUE }, { 2, "e", TRUE }, { 3, "n", TRUE }, { 4, "", TRUE },  { 5, "", TRUE },
        { 6, "e", TRUE }, { 9, "", TRUE },  { 1, "", FALSE }, { 2, "", FALSE }, { 3, "e", FALSE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GByteArray) bytes = g_byte_array_new(), body = of_peer(BMP_GLOBAL, 0, 0);
        g_autoptr(GByteArray) notification = g_byte_array_new();
        const struct bmp_peer *peer;
        struct station station;

        add_up(bytes, BMP_GLOBAL, 0, 0, 0);
        add_number(body, rows[i].reason, 1);
        add_number(notification, 0x0602, 2);
        if (rows[i].with[0] == 'n')
            add_bgp(body, BGP_NOTIFICATION, notification);
        else if (rows[i].with[0])
            add_number(body, 24, 2);
        add_message(bytes, BMP_PEER_DOWN, body);
        station_open(&station, BMP_VIEW_PRE_POLICY);
        feed(&station, bytes);
        g_assert_cmpstr(station.told->str, ==,
                        "state 192.0.2.1 AS64496 1>6 +3600\nstate 192.0.2.1 AS64496 6>1 +3600\n");
        g_assert_cmpuint(bmp_reader_counts(station.reader)->malformed, ==, !rows[i].is_fine);
        peer = bmp_reader_peers(station.reader)->pdata[0];
        g_assert_cmpuint(peer->down_reason, ==, rows[i].reason);
        g_assert_true(bmp_reader_end(station.reader, NOW, NULL));
        station_close(&station);
    }
}

static void test_statistics(void)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new(), body = of_peer(BMP_GLOBAL, 0, 0);
    const struct bmp_peer *peer;
    struct station station;
    guint64 offset = 0;
    guint first;

    add_up(bytes, BMP_GLOBAL, 0, 0, 0);
    add_number(body, 3, 4);
    add_tlv(body, 7, "\0\0\0\1\0\0\0\2", 8);
    add_tlv(body, 99, "?", 1);
    add_tlv(body, 8, "\0\0\0\0\0\x0a\xae\x60", 8);
    add_message(bytes, BMP_STATISTICS, body);
    first = bytes->len;
    body->data[42 + 3] = 4; /* one more than there are */
    add_message(bytes, BMP_STATISTICS, body);
    station_open(&station, BMP_VIEW_ALL);
    feed(&station, bytes);
    peer = bmp_reader_peers(station.reader)->pdata[0];
    g_assert_cmpuint(peer->routes_in, ==, (1ull << 32) + 2);
    g_assert_cmpuint(peer->routes_used, ==, 700000);
    g_assert_cmpuint(bmp_reader_counts(station.reader)->malformed, ==, 1);
    g_assert_cmpstr(bmp_reader_problem(station.reader, &offset), ==,
                    "it ends before its statistics");
    g_assert_cmpuint(offset, ==, first);
    station_close(&station);
}

static void test_router(void)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new(), names = g_byte_array_new();
    g_autoptr(GByteArray) end = g_byte_array_new(), mirror = of_peer(BMP_GLOBAL, 0, 0);
    g_autoptr(GByteArray) nothing = g_byte_array_new();
    struct station station;
    guint16 reason;

    add_tlv(names, 0, "hello", 5);
    add_tlv(names, 1, "made \xff here", 11);
    add_tlv(names, 2, "edge-1", 6);
    add_message(bytes, BMP_INITIATION, names);
    add_tlv(mirror, 1, "\0\1", 2);
    add_message(bytes, BMP_ROUTE_MIRRORING, mirror);
    add_message(bytes, 77, nothing);
    station_open(&station, BMP_VIEW_ALL);
    feed(&station, bytes);
    g_assert_cmpstr(bmp_reader_router(station.reader), ==, "edge-1");
    g_assert_cmpstr(bmp_reader_description(station.reader), ==, "made \xef\xbf\xbd here");
    g_assert_cmpuint(bmp_reader_counts(station.reader)->lost, ==, 1);
    g_assert_cmpuint(bmp_reader_counts(station.reader)->unknown, ==, 1);
    g_assert_false(bmp_reader_terminated(station.reader, &reason));
    g_byte_array_set_size(bytes, 0);
    add_tlv(end, 1, "\0\2", 2);
    add_message(bytes, BMP_TERMINATION, end);
    feed(&station, bytes);
    g_assert_true(bmp_reader_terminated(station.reader, &reason));
    g_assert_cmpuint(reason, ==, 2);
    g_assert_cmpstr(station.told->str, ==, "");
    station_close(&station);
}

/* What cannot be a message ends the stream, at once and for good. */
static void test_broken(void)
{
    static const struct {
        const char *bytes;
        gsize length;
    } rows[] = {
        { "\x02", 1 },
        { "\x03\0\0\0\x05\x04", 6 },
        { "\x03\0\0\0\0\x04", 6 },
        { "\x03\0\x10\0\x01\x00", 6 },
        { "\x03\xff\xff\xff\xff\x00", 6 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        g_autoptr(GError) error = NULL, again = NULL;
        struct station station;

        station_open(&station, BMP_VIEW_ALL);
        add_routes(bytes, BMP_GLOBAL, 0, 0, TRUE, FALSE);
        add(bytes, rows[i].bytes, rows[i].length);
        g_assert_false(bmp_reader_feed(station.reader, bytes->data, bytes->len, NOW, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
        g_assert_true(g_str_has_prefix(error->message, "router: offset 99: "));
        g_assert_cmpstr(station.told->str, ==, "announce 192.0.2.1" PREFIX BY);
        g_assert_cmpuint(bmp_reader_counts(station.reader)->sessionless, ==, 1);
        g_byte_array_set_size(bytes, 99);
        g_assert_false(bmp_reader_feed(station.reader, bytes->data, bytes->len, NOW, &again));
        g_assert_cmpstr(again->message, ==, error->message);
        g_assert_cmpuint(bmp_reader_counts(station.reader)->elements, ==, 1);
        station_close(&station);
    }
}

/* A message of the largest size is read, whatever it holds; its length alone decides. */
static void test_largest(void)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new(), body = of_peer(BMP_GLOBAL, 0, 0);
    struct station station;

    add_zeroes(body, (guint)BMP_MESSAGE_MAX - BMP_HEADER_SIZE - body->len);
    add_message(bytes, BMP_ROUTE_MONITORING, body);
    add_routes(bytes, BMP_GLOBAL, 0, 0, TRUE, FALSE);
    station_open(&station, BMP_VIEW_ALL);
    feed(&station, bytes);
    g_assert_cmpuint(bmp_reader_counts(station.reader)->malformed, ==, 1);
    g_assert_cmpuint(bmp_reader_counts(station.reader)->elements, ==, 1);
    station_close(&station);
}

/* Each bit of the capture flipped: the reader goes on or says where it stopped. */
static void test_flipped(void)
{
    g_autoptr(GByteArray) bytes = route_vector("gobgp-3.10.bmp");
    guint refused = 0;

    for (guint i = 0; i < bytes->len * 8; i++) {
        g_autoptr(GError) error = NULL;
        struct station station;

        bytes->data[i / 8] ^= (guint8)(1u << i % 8);
        station_open(&station, BMP_VIEW_ALL);
        if (!bmp_reader_feed(station.reader, bytes->data, bytes->len, NOW, &error)) {
            g_assert_nonnull(strstr(error->message, "offset"));
            refused++;
        }
        g_assert_cmpuint(bmp_reader_counts(station.reader)->elements, <, 100);
        bmp_reader_end(station.reader, NOW, NULL);
        station_close(&station);
        bytes->data[i / 8] ^= (guint8)(1u << i % 8);
    }
    g_assert_cmpuint(refused, >, 0);
}

static void test_recognised(void)
{
    g_autoptr(GByteArray) bytes = route_vector("gobgp-3.10.bmp");

    g_assert_true(bmp_is_stream(bytes->data, bytes->len));
    g_assert_true(bmp_is_stream(bytes->data, BMP_HEADER_SIZE));
    g_assert_false(bmp_is_stream(bytes->data, 5));
    g_assert_false(bmp_is_stream("{\"type\":\"ris_message\"}", 22));
    g_assert_false(bmp_is_stream("\x03\0\0\0\x19\x09", 6));
    g_assert_false(bmp_is_stream("\x5b\x53\x00\x00\x00\x0d\x00\x01", 8)); /* MRT */
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bmp/gobgp", test_gobgp);
    g_test_add_func("/bmp/pieces", test_pieces);
    g_test_add_func("/bmp/torn", test_torn);
    g_test_add_func("/bmp/as-width", test_as_width);
    g_test_add_func("/bmp/add-path", test_add_path);
    g_test_add_func("/bmp/instances", test_instances);
    g_test_add_func("/bmp/down", test_down);
    g_test_add_func("/bmp/statistics", test_statistics);
    g_test_add_func("/bmp/router", test_router);
    g_test_add_func("/bmp/broken", test_broken);
    g_test_add_func("/bmp/largest", test_largest);
    g_test_add_func("/bmp/flipped", test_flipped);
    g_test_add_func("/bmp/recognised", test_recognised);
    return g_test_run();
}
