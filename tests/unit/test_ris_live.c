/*
 * Modules ris_live and ris_live_update (p2_internet/routes/): lines as RIS Live sends them, with
 * and without the UPDATE itself; what the members say is what the UPDATE says; broken lines do no
 * harm.
 */
#include "p2_internet/routes/ris_live.h"

#include <string.h>

struct station {
    struct ris_live *live;
    GString *told;
    gboolean has_raw; /* of the last route */
};

static void tell(const char *host, const struct route_element *element, gpointer data)
{
    struct station *station = data;
    char peer[IP_PREFIX_TEXT], prefix[IP_PREFIX_TEXT];
    GString *told = station->told;

    ip_address_format(element->peer->family, element->peer->address, peer);
    g_string_append_printf(told, "%s %s %s AS%u", host, route_kind_name(element->kind), peer,
                           element->peer->as);
    if (element->kind == ROUTE_STATE) {
        g_string_append_printf(told, " %u>%u", element->old_state, element->new_state);
    } else {
        ip_prefix_format(&element->prefix, prefix);
        g_string_append_printf(told, " %s", prefix);
        station->has_raw = element->raw.bytes != NULL;
    }
    if (element->flags & ROUTE_HAS_PATH_ID)
        g_string_append_printf(told, " #%u", element->path_id);
    if (element->attributes) {
        g_string_append(told, " by ");
        bgp_path_append_text(&element->attributes->path, told);
    }
    g_string_append_printf(told, " %" G_GINT64_FORMAT "\n", element->time_us);
}

static void station_open(struct station *station)
{
    *station = (struct station){ .told = g_string_new(NULL) };
    station->live = ris_live_new(tell, station);
}

static void station_close(struct station *station)
{
    ris_live_free(station->live);
    g_string_free(station->told, TRUE);
}

static void feed(struct station *station, const char *text)
{
    ris_live_feed(station->live, text, strlen(text));
}

static char *recorded(void)
{
    g_autofree char *path =
        g_test_build_filename(G_TEST_DIST, "vectors", "routes", "ris-live-stream.json", NULL);
    char *text;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

#define TOLD                                                                                       \
    "rrc00 announce 72.22.223.9 AS11708 45.161.192.0/23 by 11708 32097 1299 52320 263009 263009 "  \
    "263009 263009 263009 52993 268481 268481 1553627987890000\n"                                  \
    "rrc01 state 195.66.224.59 AS24931 6>1 1553625081880000\n"

static void test_recorded(void)
{
    g_autofree char *text = recorded();
    const struct ris_live_counts *counts;
    struct station station;
    guint64 offset;

    station_open(&station);
    feed(&station, text);
    ris_live_end(station.live);
    g_assert_cmpstr(station.told->str, ==, TOLD);
    counts = ris_live_counts(station.live);
    g_assert_cmpuint(counts->updates, ==, 1);
    g_assert_cmpuint(counts->made, ==, 0);
    g_assert_true(station.has_raw);
    g_assert_cmpuint(counts->states, ==, 1);
    g_assert_cmpuint(counts->sessions, ==, 3);
    g_assert_cmpuint(counts->errors, ==, 1);
    g_assert_cmpuint(counts->broken, ==, 1); /* the last line lacks a brace */
    g_assert_cmpstr(ris_live_error(station.live), ==, "this is a test error message");
    g_assert_true(g_str_has_prefix(ris_live_problem(station.live, &offset), "line:1:"));
    g_assert_cmpuint(offset, ==, strrchr(g_strchomp(text), '\n') + 1 - text);
    station_close(&station);
}

/* In whatever pieces; cut at any place, the lines before are told, and nothing else. */
static void test_pieces(void)
{
    g_autofree char *text = recorded();
    const gsize length = strlen(text);

    for (gsize size = 1; size < 400; size += 13) {
        struct station station;

        station_open(&station);
        for (gsize at = 0; at < length; at += size)
            ris_live_feed(station.live, text + at, MIN(size, length - at));
        ris_live_end(station.live);
        g_assert_cmpstr(station.told->str, ==, TOLD);
        station_close(&station);
    }
    for (gsize cut = 1; cut < length; cut++) {
        struct station station;
        guint64 offset;

        station_open(&station);
        ris_live_feed(station.live, text, cut);
        ris_live_end(station.live);
        g_assert_true(g_str_has_prefix(TOLD, station.told->str));
        if (ris_live_problem(station.live, &offset))
            g_assert_true(offset == 0 || text[offset - 1] == '\n');
        /* The stream goes on, with a line that is whole. */
        g_string_truncate(station.told, 0);
        feed(&station, text);
        ris_live_end(station.live);
        g_assert_cmpstr(station.told->str, ==, TOLD);
        station_close(&station);
    }
}

#define HEAD                                                                                       \
    "{\"type\":\"ris_message\",\"data\":{\"timestamp\":1700000000.5,\"peer\":\"2001:db8::9\","     \
    "\"peer_asn\":\"64496\",\"host\":\"rrc21.ripe.net\",\"type\":\"UPDATE\","
#define FROM "rrc21 announce 2001:db8::9 AS64496 "
#define WITHOUT "rrc21 withdraw 2001:db8::9 AS64496 "
#define AT " 1700000000500000\n"

/* What the members alone say. */
static void test_members(void)
{
    static const struct {
        const char *members, *told;
    } rows[] = {
        { "\"path\":[64496,[64500,64501]],\"origin\":\"igp\",\"med\":5,\"community\":[[64496,1]],"
          "\"aggregator\":\"64500:192.0.2.1\",\"announcements\":[{\"next_hop\":\"2001:db8::9,"
          "fe80::9\",\"prefixes\":[\"2001:db8:1::/48\",\"2001:db8:2::/47\"]},{\"next_hop\":"
          "\"192.0.2.1\",\"prefixes\":[\"198.51.100.0/24\"]}]}}\n",
          FROM "2001:db8:1::/48 by 64496 {64500,64501}" AT FROM
               "2001:db8:2::/47 by 64496 {64500,64501}" AT FROM
               "198.51.100.0/24 by 64496 {64500,64501}" AT },
        { "\"withdrawals\":[\"2001:db8:1::/48\",\"198.51.100.0/24\"]}}\n",
          WITHOUT "198.51.100.0/24" AT WITHOUT "2001:db8:1::/48" AT },
        { "\"path\":[64496],\"origin\":\"INCOMPLETE\",\"announcements\":[{\"next_hop\":\"2001:db8::"
          "9\","
          "\"prefixes\":[\"198.51.100.0/24\"]}],\"withdrawals\":[\"0.0.0.0/0\"]}}\n",
          WITHOUT "0.0.0.0/0" AT FROM "198.51.100.0/24 by 64496" AT },
        /* `raw` that is no message gives way to the members. */
        { "\"raw\":\"FFFF\",\"withdrawals\":[\"198.51.100.0/24\"]}}\n",
          WITHOUT "198.51.100.0/24" AT },
        { "\"raw\":\"xy\",\"withdrawals\":[\"198.51.100.0/24\"]}}\n",
          WITHOUT "198.51.100.0/24" AT },
        { "\"withdrawals\":[]}}\n", "" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *line = g_strconcat(HEAD, rows[i].members, NULL);
        struct station station;
        guint64 offset;

        station_open(&station);
        feed(&station, line);
        g_assert_cmpstr(ris_live_problem(station.live, &offset), ==, NULL);
        g_assert_cmpstr(station.told->str, ==, rows[i].told);
        g_assert_false(station.has_raw);
        g_assert_cmpuint(ris_live_counts(station.live)->made, ==, 1);
        station_close(&station);
    }
}

/* A path longer than a segment may be is of several. */
static void test_long_path(void)
{
    g_autoptr(GString) line = g_string_new(HEAD "\"origin\":\"egp\",\"path\":[64496");
    struct station station;
    guint hops = 1;

    for (; hops < 600; hops++)
        g_string_append(line, ",64497");
    g_string_append(line, "],\"announcements\":[{\"next_hop\":\"192.0.2.1\",\"prefixes\":"
                          "[\"198.51.100.0/24\"]}]}}\n");
    station_open(&station);
    feed(&station, line->str);
    g_assert_true(g_str_has_prefix(station.told->str, FROM "198.51.100.0/24 by 64496 64497 "));
    for (const char *at = station.told->str; (at = strstr(at, " 64497")); at++)
        hops--;
    g_assert_cmpuint(hops, ==, 1);
    station_close(&station);
}

/* Path identifiers are seen by what the members list: 198.51.100.0/24 with identifier 7. */
static void test_add_path(void)
{
    static const char raw[] = "\"raw\":\"FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF0033020000001440010100"
                              "40020602010000FBF0400304C00002010000000718C63364\"";
    g_autofree char *with =
        g_strconcat(HEAD, raw,
                    ",\"announcements\":[{\"next_hop\":\"192.0.2.1\",\"prefixes\":"
                    "[\"198.51.100.0/24\"]}]}}\n",
                    NULL);
    struct station station;

    station_open(&station);
    feed(&station, with);
    g_assert_cmpstr(station.told->str, ==, FROM "198.51.100.0/24 #7 by 64496" AT);
    g_assert_true(station.has_raw);
    station_close(&station);
}

/* Each says what is wrong, and the line after it is read. */
static void test_broken(void)
{
    static const struct {
        const char *line, *problem;
    } rows[] = {
        { "{\"type\":\"ris_mess", "line:1:" },
        { "[]", "it is no object with a type" },
        { "{\"type\":7}", "it is no object with a type" },
        { "{\"type\":\"ris_message\"}", "its host" },
        { "{\"type\":\"ris_message\",\"data\":{\"host\":\"../etc\"}}", "its host" },
        { "{\"type\":\"ris_message\",\"data\":{\"host\":\"rrc00\",\"peer\":\"1.2.3\"}}",
          "its peer" },
        { "{\"type\":\"ris_message\",\"data\":{\"host\":\"rrc00\",\"peer\":\"192.0.2.1\","
          "\"peer_asn\":\"4294967296\"}}",
          "its peer" },
        { "{\"type\":\"ris_message\",\"data\":{\"host\":\"rrc00\",\"peer\":\"192.0.2.1\","
          "\"peer_asn\":1,\"timestamp\":-1}}",
          "its timestamp" },
        { "{\"type\":\"ris_message\",\"data\":{\"host\":\"rrc00\",\"peer\":\"192.0.2.1\","
          "\"peer_asn\":1,\"timestamp\":1e300}}",
          "its timestamp" },
        { "{\"type\":\"ris_message\",\"data\":{\"host\":\"rrc00\",\"peer\":\"192.0.2.1\","
          "\"peer_asn\":1,\"timestamp\":1,\"type\":\"RIS_PEER_STATE\"}}",
          "it has no state" },
        { HEAD "\"withdrawals\":[\"198.51.100.1/24\"]}}", "its withdrawals" },
        { HEAD "\"withdrawals\":\"198.51.100.0/24\"}}", "its withdrawals" },
        { HEAD "\"announcements\":{}}}", "its announcements" },
        { HEAD "\"announcements\":[{}]}}", "its origin" },
        { HEAD "\"origin\":\"igp\",\"announcements\":[{}]}}", "its path" },
        { HEAD "\"origin\":\"igp\",\"path\":[\"1\"],\"announcements\":[{}]}}", "its path" },
        { HEAD "\"origin\":\"igp\",\"path\":[[]],\"announcements\":[{}]}}", "its path" },
        { HEAD "\"origin\":\"igp\",\"path\":[1],\"med\":-1,\"announcements\":[{}]}}", "its med" },
        { HEAD "\"origin\":\"igp\",\"path\":[1],\"aggregator\":\"1\",\"announcements\":[{}]}}",
          "its aggregator" },
        { HEAD "\"origin\":\"igp\",\"path\":[1],\"community\":[[1]],\"announcements\":[{}]}}",
          "its communities" },
        { HEAD "\"origin\":\"igp\",\"path\":[1],\"announcements\":[{\"next_hop\":\"192.0.2.1,"
               "192.0.2.2\",\"prefixes\":[]}]}}",
          "its announcements" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct station station;
        guint64 offset = 0;

        station_open(&station);
        feed(&station, "{\"type\":\"pong\"}\n\n");
        feed(&station, rows[i].line);
        feed(&station, "\r\n" HEAD "\"withdrawals\":[\"198.51.100.0/24\"]}}\n");
        g_assert_nonnull(ris_live_problem(station.live, &offset));
        g_assert_true(g_str_has_prefix(ris_live_problem(station.live, &offset), rows[i].problem));
        g_assert_cmpuint(offset, ==, strlen("{\"type\":\"pong\"}\n\n"));
        g_assert_cmpuint(ris_live_counts(station.live)->broken, ==, 1);
        g_assert_cmpuint(ris_live_counts(station.live)->others, ==, 1);
        g_assert_cmpuint(ris_live_counts(station.live)->lines, ==, 3);
        g_assert_cmpstr(station.told->str, ==, WITHOUT "198.51.100.0/24" AT);
        station_close(&station);
    }
}

/* A line without an end is not kept, and costs no other. */
static void test_long_line(void)
{
    g_autofree char *piece = g_strnfill(1000, 'x');
    struct station station;
    guint64 offset;

    station_open(&station);
    for (guint i = 0; i < 3000; i++)
        feed(&station, piece);
    feed(&station, "\n" HEAD "\"withdrawals\":[\"198.51.100.0/24\"]}}\n");
    g_assert_cmpstr(ris_live_problem(station.live, &offset), ==, "it is longer than lines may be");
    g_assert_cmpuint(offset, ==, 0);
    g_assert_cmpuint(ris_live_counts(station.live)->broken, ==, 1);
    g_assert_cmpstr(station.told->str, ==, WITHOUT "198.51.100.0/24" AT);
    station_close(&station);
}

static void test_flipped(void)
{
    g_autofree char *text = recorded();
    const gsize length = strlen(text);

    for (gsize i = 0; i < length * 8; i++) {
        struct station station;

        text[i / 8] ^= (char)(1u << i % 8);
        station_open(&station);
        ris_live_feed(station.live, text, length);
        ris_live_end(station.live);
        g_assert_cmpuint(ris_live_counts(station.live)->broken, <=, 4);
        g_assert_cmpuint(ris_live_counts(station.live)->lines, >=, 6);
        station_close(&station);
        text[i / 8] ^= (char)(1u << i % 8);
    }
}

static void test_recognised(void)
{
    g_autofree char *text = recorded();

    g_assert_true(ris_live_is_stream(text, strlen(text)));
    g_assert_true(ris_live_is_stream("{\n \"type\": \"ris_error\"", 23));
    g_assert_false(ris_live_is_stream("{\"type\":\"ris", 12));
    g_assert_false(ris_live_is_stream("{\"type\":\"other\"}", 16));
    g_assert_false(ris_live_is_stream("", 0));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ris-live/recorded", test_recorded);
    g_test_add_func("/ris-live/pieces", test_pieces);
    g_test_add_func("/ris-live/members", test_members);
    g_test_add_func("/ris-live/long-path", test_long_path);
    g_test_add_func("/ris-live/add-path", test_add_path);
    g_test_add_func("/ris-live/broken", test_broken);
    g_test_add_func("/ris-live/long-line", test_long_line);
    g_test_add_func("/ris-live/flipped", test_flipped);
    g_test_add_func("/ris-live/recognised", test_recognised);
    return g_test_run();
}
