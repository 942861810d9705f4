/* bgp.h, bgp_attributes.c, bgp_path.c, route.h: UPDATE messages, and what RFC 7606 makes of them.
 */
#include "p2_internet/routes/route.h"

#include <glib.h>
#include <string.h>

static const struct bgp_options wide = { .as4 = TRUE }, narrow = { 0 };

/* Bytes of hexadecimal digits; spaces are passed over. */
static GByteArray *bytes_of(const char *text)
{
    GByteArray *bytes = g_byte_array_new();

    while (*text) {
        guint8 byte;

        if (*text == ' ') {
            text++;
            continue;
        }
        byte = (guint8)(g_ascii_xdigit_value(text[0]) << 4 | g_ascii_xdigit_value(text[1]));
        g_byte_array_append(bytes, &byte, 1);
        text += 2;
    }
    return bytes;
}

static void parse(struct bgp_attributes *attributes, const struct bgp_options *options,
                  const char *text)
{
    g_autoptr(GByteArray) bytes = bytes_of(text);

    bgp_attributes_parse(bytes->data, bytes->len, options, attributes);
}

static void assert_path(const struct bgp_attributes *attributes, const char *wanted)
{
    g_autoptr(GString) text = g_string_new(NULL);

    bgp_path_append_text(&attributes->path, text);
    g_assert_cmpstr(text->str, ==, wanted);
}

#define ORIGIN "40 01 01 00 "
#define NEXT_HOP "40 03 04 c0000201 "
#define PATH4 "40 02 0a 02 02 0000fbf4 0000fbf5 " /* 64500 64501 */

static void test_sound_attributes(void)
{
    struct bgp_attributes attributes = { 0 };
    guint32 asn;

    parse(&attributes, &wide,
          ORIGIN PATH4 NEXT_HOP "80 04 04 0000000a 40 05 04 00000064 40 06 00 "
                                "c0 07 08 0000fbf4 c0000202 c0 08 04 fbf40001 "
                                "c0 20 0c 0000fbf4 00000001 00000002 c0 23 04 0000fbf4");
    g_assert_cmpint(attributes.verdict, ==, BGP_FINE);
    assert_path(&attributes, "64500 64501");
    g_assert_cmpuint(attributes.med, ==, 10);
    g_assert_cmpuint(attributes.local_pref, ==, 100);
    g_assert_cmpuint(attributes.aggregator_as, ==, 64500);
    g_assert_cmpuint(attributes.otc, ==, 64500);
    g_assert_cmpuint(attributes.communities.length, ==, 4);
    g_assert_cmpuint(attributes.large_communities.length, ==, 12);
    g_assert_true(BGP_HAS(&attributes, BGP_ATOMIC_AGGREGATE));
    g_assert_true(bgp_path_origin(&attributes.path, &asn));
    g_assert_cmpuint(asn, ==, 64501);
    g_assert_true(bgp_path_neighbour(&attributes.path, &asn));
    g_assert_cmpuint(asn, ==, 64500);
    bgp_attributes_clear(&attributes);
}

static void test_a_path_that_ends_in_a_set_has_no_origin(void)
{
    struct bgp_attributes attributes = { 0 };
    guint32 asn;

    parse(&attributes, &wide, "40 02 10 02 01 0000fbf4 01 02 0000fbf5 0000fbf6");
    assert_path(&attributes, "64500 {64501,64502}");
    g_assert_false(bgp_path_origin(&attributes.path, &asn));
    g_assert_cmpuint(bgp_path_length(&attributes.path), ==, 2);
    bgp_attributes_clear(&attributes);
}

/* RFC 6811 section 2. */
static void test_the_origin_may_be_the_peer_itself(void)
{
    static const struct {
        const char *attributes;
        guint32 origin; /* 0: none */
    } cases[] = {
        { PATH4, 64501 },
        { "40 02 00", 65551 },                               /* its own */
        { "40 02 06 03 01 0000fde9", 65551 },                /* (65001) */
        { "40 02 06 04 01 0000fde9", 65551 },                /* [65001] */
        { "40 02 0c 03 01 0000fde9 02 01 0000fbf4", 64500 }, /* (65001) 64500 */
        { "40 02 0c 03 01 0000fde9 01 01 0000fbf4", 0 },     /* (65001) {64500} */
        { "40 02 06 01 01 0000fbf4", 0 },                    /* {64500} */
        { "40 02 0a 03 02 0000fde9 0001000f", 0 },           /* (65001 65551): it is a member */
        { "40 02 0a 04 02 0001000f 0000fde9", 0 },           /* [65551 65001] */
    };
    const struct route_peer peer = { .family = 4, .as = 65551 };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct bgp_attributes attributes = { 0 };
        guint32 asn = 0;

        parse(&attributes, &wide, cases[i].attributes);
        g_assert_cmpint(route_origin(&attributes.path, &peer, &asn), ==, cases[i].origin != 0);
        g_assert_cmpuint(asn, ==, cases[i].origin);
        bgp_attributes_clear(&attributes);
    }
    g_assert_false(route_origin(&(struct bgp_path){ 0 }, NULL, &(guint32){ 0 }));
}

/* RFC 5065: what stands in a confederation is nobody's neighbour. */
static void test_the_neighbour_stands_behind_confederations(void)
{
    static const struct {
        const char *attributes;
        guint32 neighbour; /* 0: none */
    } cases[] = {
        { "40 02 0c 03 01 0000fde9 02 01 0000fbf4", 64500 },                /* (65001) 64500 */
        { "40 02 12 03 01 0000fde9 04 01 0000fdea 02 01 0000fbf4", 64500 }, /* (65001) [65002] .. */
        { "40 02 0c 03 01 0000fde9 01 01 0000fbf4", 0 },                    /* (65001) {64500} */
        { "40 02 06 03 01 0000fde9", 0 },                                   /* (65001) */
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct bgp_attributes attributes = { 0 };
        guint32 asn = 0;

        parse(&attributes, &wide, cases[i].attributes);
        g_assert_cmpint(bgp_path_neighbour(&attributes.path, &asn), ==, cases[i].neighbour != 0);
        g_assert_cmpuint(asn, ==, cases[i].neighbour);
        bgp_attributes_clear(&attributes);
    }
}

/* RFC 6793 section 4.2.3. 5ba0 is AS_TRANS. */
static void test_as4_paths_are_merged(void)
{
    static const struct {
        const char *attributes, *path;
    } cases[] = {
        /* One hop of the old kind stands before two of the new. */
        { "40 02 08 02 03 fbf4 5ba0 5ba0 c0 11 0a 02 02 00010000 00010001", "64500 65536 65537" },
        /* The new path is longer: it is passed over. */
        { "40 02 04 02 01 fbf4 c0 11 0a 02 02 00010000 00010001", "64500" },
        /* The part to be kept goes on past the first segment: a set counts one. */
        { "40 02 10 02 01 fbf4 01 02 fbf5 fbf6 02 02 5ba0 5ba0 c0 11 0a 02 02 00010000 00010001",
          "64500 {64501,64502} 65536 65537" },
        /* Confederations of the old path are kept with what they stand before. */
        { "40 02 0a 03 01 fbf5 02 02 fbf4 5ba0 c0 11 06 02 01 00010000", "(64501) 64500 65536" },
        /* Those of the new one are dropped. */
        { "40 02 06 02 02 fbf4 5ba0 c0 11 0c 03 01 0000fbf5 02 01 00010000", "64500 65536" },
        /* An aggregator that is not AS_TRANS: the one who set it knew no new attributes. */
        { "40 02 06 02 02 fbf4 5ba0 c0 07 06 fbf4 c0000201 c0 11 06 02 01 00010000",
          "64500 23456" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct bgp_attributes attributes = { 0 };

        parse(&attributes, &narrow, cases[i].attributes);
        assert_path(&attributes, cases[i].path);
        bgp_attributes_clear(&attributes);
    }
}

static void test_an_as4_aggregator_takes_over(void)
{
    struct bgp_attributes attributes = { 0 };

    parse(&attributes, &narrow, "c0 07 06 5ba0 c0000201 c0 12 08 00010000 c0000202");
    g_assert_cmpuint(attributes.aggregator_as, ==, 65536);
    g_assert_cmpmem(attributes.aggregator, 4, "\xc0\0\2\2", 4);
    bgp_attributes_clear(&attributes);
}

static void test_malformed_attributes_are_judged_by_their_kind(void)
{
    static const struct {
        const char *attributes;
        enum bgp_verdict verdict;
    } cases[] = {
        { "40 01 02 0000", BGP_WITHDRAWN },                     /* ORIGIN of two bytes */
        { "40 01 01 03", BGP_WITHDRAWN },                       /* a value that is none */
        { "c0 01 01 00", BGP_WITHDRAWN },                       /* flags of an optional one */
        { "40 02 03 02 01 fb", BGP_WITHDRAWN },                 /* a segment past the end */
        { "40 02 06 05 01 0000fbf4", BGP_WITHDRAWN },           /* a type that is none */
        { "40 02 02 02 00", BGP_WITHDRAWN },                    /* a segment without AS */
        { "40 02 06 02 01 00000000", BGP_WITHDRAWN },           /* AS 0, RFC 7607 */
        { "40 03 03 c00002", BGP_WITHDRAWN },                   /* NEXT_HOP of three bytes */
        { "80 04 03 000000", BGP_WITHDRAWN },                   /* MED of three */
        { "40 05 03 000000", BGP_DISCARDED },                   /* LOCAL_PREF of three */
        { "40 06 01 00", BGP_DISCARDED },                       /* ATOMIC_AGGREGATE with a value */
        { "c0 07 06 fbf4 c0000201", BGP_DISCARDED },            /* AGGREGATOR of two-byte numbers */
        { "c0 08 03 fbf400", BGP_WITHDRAWN },                   /* COMMUNITIES of three bytes */
        { "c0 08 00", BGP_WITHDRAWN },                          /* of none */
        { "c0 20 0b 0000fbf4 00000001 000000", BGP_WITHDRAWN }, /* a large one, cut */
        { "c0 23 02 fbf4", BGP_WITHDRAWN },                     /* OTC of two bytes */
        { "80 0e 02 0002", BGP_BROKEN }, /* MP_REACH_NLRI without its fields */
        { "80 0f 02 0002", BGP_BROKEN },
        { "40 01 01 00 40 01 01 02", BGP_DISCARDED }, /* twice: the first counts */
        { "80 0f 03 000201 80 0f 03 000201", BGP_BROKEN },
        { "40 01 05 00", BGP_WITHDRAWN }, /* past the end */
        { "c0 99 02 0000", BGP_FINE },    /* unknown */
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct bgp_attributes attributes = { 0 };

        parse(&attributes, &wide, cases[i].attributes);
        g_assert_cmpint(attributes.verdict, ==, cases[i].verdict);
        g_assert_cmpint(attributes.withdrawn, ==, cases[i].verdict == BGP_WITHDRAWN);
        g_assert_cmpint(attributes.problem != NULL, ==, cases[i].verdict != BGP_FINE);
        bgp_attributes_clear(&attributes);
    }
}

static void test_the_width_of_as_numbers_is_guessed_where_a_subtype_lies(void)
{
    const struct bgp_options options = { .as4 = FALSE, .guess_as_width = TRUE };
    struct bgp_attributes attributes = { 0 };

    parse(&attributes, &options, PATH4);
    assert_path(&attributes, "64500 64501");
    g_assert_cmpint(attributes.verdict, ==, BGP_FINE);
    bgp_attributes_clear(&attributes);
}

/* ---- whole messages */

static void note(const struct route_element *element, gpointer data)
{
    char text[IP_PREFIX_TEXT];

    ip_prefix_format(&element->prefix, text);
    g_string_append_printf(data, "%s%s %s", ((GString *)data)->len ? ", " : "",
                           route_kind_name(element->kind), text);
    if (element->flags & ROUTE_HAS_PATH_ID)
        g_string_append_printf(data, " id %u", element->path_id);
    if (element->flags & ROUTE_TREATED)
        g_string_append(data, " treated");
    if (element->flags & ROUTE_MASKED)
        g_string_append(data, " masked");
}

static enum bgp_verdict assert_elements(const struct bgp_options *options, const char *message,
                                        const char *wanted)
{
    static const struct route_peer peer = { .family = 4 };
    const struct route_source source = { .peer = &peer };
    g_autoptr(GByteArray) bytes = bytes_of(message);
    g_autoptr(GString) found = g_string_new(NULL);
    struct bgp_update update = { 0 };
    enum bgp_verdict verdict;

    bgp_update_parse(bytes->data, bytes->len, options, &update);
    route_elements_of(&update, &source, note, found);
    g_assert_cmpstr(found->str, ==, wanted);
    verdict = update.attributes.verdict;
    bgp_attributes_clear(&update.attributes);
    return verdict;
}

static void test_elements_come_in_their_order(void)
{
    /* 10/8 withdrawn; 192.0.2/24 in the body; 2001:db8::/32 announced, 2001:db8:1::/48 withdrawn.
     */
    g_assert_cmpint(
        assert_elements(&wide,
                        "0002 080a 0042 " ORIGIN PATH4 NEXT_HOP "80 0f 0a 000201 30 20010db80001 "
                        "80 0e 1a 000201 10 20010db8000000000000000000000001 00 20 20010db8 "
                        "18 c00002",
                        "withdraw 10.0.0.0/8, withdraw 2001:db8:1::/48, "
                        "announce 192.0.2.0/24, announce 2001:db8::/32"),
        ==, BGP_FINE);
}

static void test_path_identifiers_stand_before_prefixes(void)
{
    const struct bgp_options options = { .as4 = TRUE, .add_path = BGP_ADD_PATH_ALL };

    assert_elements(&options,
                    "0000 0018 " ORIGIN PATH4 NEXT_HOP "00000007 18 c00002 00000008 18 c00002",
                    "announce 192.0.2.0/24 id 7, announce 192.0.2.0/24 id 8");
}

static void test_malformed_announcements_are_withdrawals(void)
{
    g_assert_cmpint(assert_elements(&wide, "0000 0011 " PATH4 "40 03 01 c0 18 c00002",
                                    "withdraw 192.0.2.0/24 treated"),
                    ==, BGP_WITHDRAWN);
    /* NEXT_HOP is missing; then a prefix of 33 bits stands behind another. */
    g_assert_cmpint(assert_elements(&wide, "0000 0011 " ORIGIN PATH4 "18 c00002",
                                    "withdraw 192.0.2.0/24 treated"),
                    ==, BGP_WITHDRAWN);
    g_assert_cmpint(assert_elements(&wide,
                                    "0000 0018 " ORIGIN PATH4 NEXT_HOP "18 c00002 21 c000020180",
                                    "withdraw 192.0.2.0/24 treated"),
                    ==, BGP_WITHDRAWN);
}

static void test_what_stands_before_a_cut_prefix_was_announced(void)
{
    g_assert_cmpint(assert_elements(&wide, "0000 0018 " ORIGIN PATH4 NEXT_HOP "0d 0b0d 18 c0",
                                    "announce 11.8.0.0/13 masked"),
                    ==, BGP_BROKEN);
    g_assert_cmpint(assert_elements(&wide, "0009 080a", ""), ==, BGP_BROKEN);
}

static void test_ends_of_tables(void)
{
    static const struct {
        const char *message;
        gboolean ends;
    } cases[] = {
        { "0000 0000", TRUE },
        { "0000 0006 80 0f 03 000201", TRUE },
        { "0000 0008 80 0f 05 000201 0820", FALSE },
        { "0002 080a 0000", FALSE },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GByteArray) bytes = bytes_of(cases[i].message);
        struct bgp_update update = { 0 };

        g_assert_true(bgp_update_parse(bytes->data, bytes->len, &wide, &update));
        g_assert_cmpint(update.is_end_of_rib, ==, cases[i].ends);
        bgp_attributes_clear(&update.attributes);
    }
}

/* Roles (RFC 9234), ADD-PATH, four-byte AS numbers, in parameters of both lengths (RFC 9072). */
static void test_capabilities_of_an_open(void)
{
    static const char *const texts[] = {
        "04 5ba0 00b4 0a000001 15 02 13 41 04 00010000 09 01 03 45 08 00010103 00020102",
        "04 5ba0 00b4 0a000001 ff ff 0016 02 0013 41 04 00010000 09 01 03 45 08 00010103 00020102",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GByteArray) bytes = bytes_of(texts[i]);
        struct bgp_open open;

        g_assert_true(bgp_open_parse(bytes->data, bytes->len, &open));
        g_assert_true(open.as4);
        g_assert_cmpuint(open.as, ==, 65536);
        g_assert_true(open.has_role);
        g_assert_cmpuint(open.role, ==, 3);
        g_assert_cmpuint(open.add_path_ipv4, ==, 3);
        g_assert_cmpuint(open.add_path_ipv6, ==, 2);
        g_assert_false(bgp_open_parse(bytes->data, bytes->len - 1, &open));
    }
}

static void test_a_message_needs_marker_and_length(void)
{
    g_autoptr(GByteArray) bytes = bytes_of("ffffffffffffffffffffffffffffffff 0013 04");
    enum bgp_message_type type;
    struct bgp_span body;

    g_assert_true(bgp_message_split(bytes->data, bytes->len, &type, &body));
    g_assert_cmpint(type, ==, BGP_KEEPALIVE);
    g_assert_cmpuint(body.length, ==, 0);
    bytes->data[17] = 0x14;
    g_assert_false(bgp_message_split(bytes->data, bytes->len, &type, &body));
    bytes->data[17] = 0x12;
    g_assert_false(bgp_message_split(bytes->data, bytes->len, &type, &body));
    bytes->data[17] = 0x13;
    bytes->data[3] = 0;
    g_assert_false(bgp_message_split(bytes->data, bytes->len, &type, &body));
}

/* ---- the filter of route.h */

static struct ip_prefix prefix_of(const char *text)
{
    struct ip_prefix prefix;

    g_assert_true(ip_prefix_parse(text, &prefix, NULL));
    return prefix;
}

static void test_a_filter_takes_what_meets_it(void)
{
    static const char *const own[] = { "192.0.2.0/24", "192.0.2.128/25", "10.0.0.0/8",
                                       "2001:db8::/32" };
    static const struct {
        const char *prefix;
        gboolean taken;
    } cases[] = {
        { "192.0.2.0/24", TRUE },       { "192.0.2.64/26", TRUE },  { "192.0.0.0/16", TRUE },
        { "192.0.3.0/24", FALSE },      { "0.0.0.0/0", TRUE },      { "11.0.0.0/8", FALSE },
        { "9.0.0.0/8", FALSE },         { "8.0.0.0/6", TRUE },      { "255.255.255.255/32", FALSE },
        { "2001:db8:ffff::/48", TRUE }, { "2001:db9::/32", FALSE }, { "::/0", TRUE },
    };
    g_autoptr(route_filter_t) filter = route_filter_new();

    g_assert_true(route_filter_is_empty(filter));
    for (gsize i = 0; i < G_N_ELEMENTS(own); i++) {
        struct ip_prefix prefix = prefix_of(own[i]);

        route_filter_add(filter, &prefix);
    }
    route_filter_ready(filter);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct ip_prefix prefix = prefix_of(cases[i].prefix);

        g_assert_cmpint(route_filter_takes(filter, &prefix), ==, cases[i].taken);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bgp/sound", test_sound_attributes);
    g_test_add_func("/bgp/set", test_a_path_that_ends_in_a_set_has_no_origin);
    g_test_add_func("/bgp/origin-of-a-peer", test_the_origin_may_be_the_peer_itself);
    g_test_add_func("/bgp/neighbour", test_the_neighbour_stands_behind_confederations);
    g_test_add_func("/bgp/as4-path", test_as4_paths_are_merged);
    g_test_add_func("/bgp/as4-aggregator", test_an_as4_aggregator_takes_over);
    g_test_add_func("/bgp/malformed", test_malformed_attributes_are_judged_by_their_kind);
    g_test_add_func("/bgp/width", test_the_width_of_as_numbers_is_guessed_where_a_subtype_lies);
    g_test_add_func("/bgp/elements", test_elements_come_in_their_order);
    g_test_add_func("/bgp/path-ids", test_path_identifiers_stand_before_prefixes);
    g_test_add_func("/bgp/withdrawn", test_malformed_announcements_are_withdrawals);
    g_test_add_func("/bgp/cut", test_what_stands_before_a_cut_prefix_was_announced);
    g_test_add_func("/bgp/end-of-rib", test_ends_of_tables);
    g_test_add_func("/bgp/open", test_capabilities_of_an_open);
    g_test_add_func("/bgp/message", test_a_message_needs_marker_and_length);
    g_test_add_func("/route/filter", test_a_filter_takes_what_meets_it);
    return g_test_run();
}
