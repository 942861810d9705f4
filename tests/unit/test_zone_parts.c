/*
 * Small parts of the check of zones: names of addresses (p2_internet/zone/reverse.h), what earlier
 * checks have seen (past.h), networks of servers by payloads (networks.h).
 */
#include "p2_internet/zone/networks.h"
#include "p2_internet/zone/past.h"
#include "p2_internet/zone/reverse.h"

static void test_names_of_addresses(void)
{
    static const struct {
        const char *address, *name;
    } rows[] = {
        { "192.0.2.1", "1.2.0.192.in-addr.arpa." },
        { "4321:0:1:2:3:4:567:89ab", /* RFC 3596 section 2.5 */
          "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa." },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct sockaddr_storage address;
        char text[REVERSE_TEXT];

        g_assert_true(zone_address_parse(rows[i].address, 53, &address, NULL));
        reverse_name(&address, text);
        g_assert_cmpstr(text, ==, rows[i].name);
    }
}

#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void test_the_past_goes_on(void)
{
    g_autoptr(json_t) keys = json_pack("[{s:s}]", "digest", DIGEST);
    g_autoptr(json_t) first = json_object(), second = json_object();
    g_autoptr(zone_past_t) nothing = zone_past_new(NULL), something = NULL;

    g_assert_cmpint(zone_past_key(nothing, DIGEST), ==, ZONE_NEVER);
    g_assert_cmpint(zone_past_pending(nothing), ==, ZONE_NEVER);
    zone_past_put(nothing, first, keys, TRUE, 1000);
    something = zone_past_new(first);
    g_assert_cmpint(zone_past_key(something, DIGEST), ==, 1000);
    g_assert_cmpint(zone_past_pending(something), ==, 1000);
    zone_past_put(something, second, keys, FALSE, 2000);
    g_assert_true(json_equal(json_object_get(first, "keys"), json_object_get(second, "keys")));
    g_assert_null(json_object_get(second, "cds_pending_since")); /* it was done */
}

static void test_a_past_that_is_none(void)
{
    g_autoptr(json_t) record =
        json_pack("{s:s, s:[{s:s}, {s:s, s:s}, s]}", "cds_pending_since", "some day", "keys",
                  "digest", "00", "digest", "11", "first_seen", "never", "key");
    g_autoptr(zone_past_t) past = zone_past_new(record);

    g_assert_cmpint(zone_past_key(past, "00"), ==, ZONE_NEVER);
    g_assert_cmpint(zone_past_key(past, "11"), ==, ZONE_NEVER);
    g_assert_cmpint(zone_past_pending(past), ==, ZONE_NEVER);
}

static void add(struct vrp_set *set, const char *prefix, guint32 as)
{
    struct vrp vrp = { .asn = as };

    g_assert_true(ip_prefix_parse(prefix, &vrp.prefix, NULL));
    vrp.max_length = vrp.prefix.length;
    g_assert_true(vrp_set_add(set, &vrp));
}

/* The longest payload names the AS; one for nobody (AS 0) names none. */
static void test_networks_by_payloads(void)
{
    g_autoptr(vrp_set_t) vrps = vrp_set_new();
    const struct zone_network_source source = { .vrps = vrps };
    struct zone_server servers[3] = { 0 };
    g_autoptr(GArray) networks = NULL;
    const struct zone_network *network;

    add(vrps, "192.0.2.0/24", 64500);
    add(vrps, "192.0.2.0/25", 64502);
    add(vrps, "192.0.2.0/25", 64501);
    add(vrps, "192.0.2.0/26", 0);
    add(vrps, "2001:db8::/32", 64503);
    vrp_set_seal(vrps);
    zone_address_parse("192.0.2.1", 53, &servers[0].address, NULL);
    zone_address_parse("2001:db8::1", 53, &servers[1].address, NULL);
    zone_address_parse("198.51.100.1", 53, &servers[2].address, NULL);
    networks = zone_networks_find(&source, servers, 3, NULL);
    g_assert_cmpuint(networks->len, ==, 3);

    network = &g_array_index(networks, struct zone_network, 0);
    g_assert_true(network->is_there && !network->is_announced && !network->has_rov);
    g_assert_cmpuint(network->prefix.length, ==, 25);
    g_assert_cmpuint(network->origins->len, ==, 2);
    g_assert_cmpuint(g_array_index(network->origins, struct zone_origin, 0).as, ==, 64501);
    g_assert_cmpuint(g_array_index(network->origins, struct zone_origin, 1).as, ==, 64502);
    network = &g_array_index(networks, struct zone_network, 1);
    g_assert_cmpuint(g_array_index(network->origins, struct zone_origin, 0).as, ==, 64503);
    network = &g_array_index(networks, struct zone_network, 2);
    g_assert_false(network->is_there);
    g_assert_cmpuint(network->origins->len, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/zone/reverse", test_names_of_addresses);
    g_test_add_func("/zone/past", test_the_past_goes_on);
    g_test_add_func("/zone/no-past", test_a_past_that_is_none);
    g_test_add_func("/zone/networks", test_networks_by_payloads);
    return g_test_run();
}
