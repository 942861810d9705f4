/* Modules public_alarm and route_sighting: what of an incident may be published, which routes are
 * the one of an alarm, and who had it when. */
#include "base/clock.h"
#include "base/error.h"
#include "p2_internet/routes/route_sighting.h"

#include <string.h>

#define SECOND G_USEC_PER_SEC
#define HOUR ((gint64)3600 * SECOND)
#define START ((gint64)1790000000 * SECOND)

/* --- elements --- */

struct heard {
    struct route_peer peer;
    struct bgp_attributes attributes;
    struct bgp_segment segment;
    guint32 asns[8];
};

/* By the peer 10.0.0.`peer`; `path` ends with 0. */
static void hear_of(struct route_sightings *sightings, gint64 time_us, guint8 peer,
                    enum route_kind kind, const char *prefix, const guint32 *path)
{
    struct heard heard = { .peer = { 4, { 10, 0, 0, peer }, 50000u + peer, { 0 } } };
    struct route_element element = {
        .time_us = time_us, .kind = kind, .safi = BGP_UNICAST, .peer = &heard.peer
    };
    guint count = 0;

    for (; path && path[count]; count++)
        heard.asns[count] = path[count];
    heard.segment = (struct bgp_segment){ BGP_AS_SEQUENCE, (guint16)count };
    heard.attributes.path = (struct bgp_path){ heard.asns, &heard.segment, count, 1, count, 1 };
    if (prefix)
        g_assert_true(ip_prefix_parse(prefix, &element.prefix, NULL));
    if (kind == ROUTE_ANNOUNCE || kind == ROUTE_RIB)
        element.attributes = &heard.attributes;
    if (kind == ROUTE_STATE)
        element.old_state = 6, element.new_state = 1;
    route_sightings_take(sightings, &element);
}
#define PATH(...) ((const guint32[]){ __VA_ARGS__, 0 })

/* Seen from START to START + 1 h, by AS666, as the whole path says. */
static struct route_sightings *looking_for(json_t *path, json_int_t as, const char *own)
{
    g_autofree char *first = clock_format(START), *last = clock_format(START + HOUR);
    g_autoptr(json_t) predicate =
        json_pack("{s:s, s:s, s:I, s:s, s:s, s:o}", "own", own, "prefix", "192.0.2.0/24", "as", as,
                  "first", first, "last", last, "path", path);
    g_autoptr(GError) error = NULL;
    struct public_alarm alarm;

    g_assert_true(public_alarm_read(predicate, &alarm, &error));
    g_assert_no_error(error);
    return route_sightings_new(&alarm, 1);
}

static struct route_sighting found_by(struct route_sightings *sightings)
{
    struct route_sighting found;

    route_sightings_find(sightings, &found);
    return found;
}

static struct route_sighting one_route(json_t *path, json_int_t as, const char *own,
                                       const guint32 *heard)
{
    g_autoptr(route_sightings_t) sightings = looking_for(path, as, own);

    hear_of(sightings, START, 1, ROUTE_ANNOUNCE, "192.0.2.0/24", heard);
    return found_by(sightings);
}

/* --- which routes --- */

static void test_the_path_decides_from_the_other_as_on(void)
{
    /* The origin: not who only carries it; repeated or not. */
    g_assert_cmpuint(
        one_route(json_pack("[i, i]", 1, 666), 666, "192.0.2.0/24", PATH(7, 8, 666)).peers, ==, 1);
    g_assert_cmpuint(
        one_route(json_pack("[i, i]", 1, 666), 666, "192.0.2.0/24", PATH(7, 666, 666)).peers, ==,
        1);
    g_assert_cmpuint(
        one_route(json_pack("[i, i]", 1, 666), 666, "192.0.2.0/24", PATH(7, 666, 3333)).peers, ==,
        0);
    /* A false neighbour before our origin: both. */
    g_assert_cmpuint(
        one_route(json_pack("[i, i, i]", 1, 666, 3333), 666, "192.0.2.0/24", PATH(7, 666, 3333))
            .peers,
        ==, 1);
    g_assert_cmpuint(
        one_route(json_pack("[i, i, i]", 1, 666, 3333), 666, "192.0.2.0/24", PATH(7, 1299, 3333))
            .peers,
        ==, 0);
    /* Through our own AS: what is wrong is whom it comes out at. */
    g_assert_cmpuint(
        one_route(json_pack("[i, i, i]", 8, 3333, 15169), 3333, "AS3333", PATH(7, 8, 3333, 15169))
            .peers,
        ==, 1);
    g_assert_cmpuint(
        one_route(json_pack("[i, i, i]", 8, 3333, 15169), 3333, "AS3333", PATH(7, 9, 3333, 15169))
            .peers,
        ==, 0);
    /* Our own AS as a false origin: anybody may have it from us. */
    g_assert_cmpuint(one_route(json_pack("[i, i]", 8, 3333), 3333, "AS3333", PATH(9, 3333)).peers,
                     ==, 1);
    /* A path that does not have the AS: wherever it stands. */
    g_assert_cmpuint(one_route(json_array(), 666, "192.0.2.0/24", PATH(7, 666, 3333)).peers, ==, 1);
}

/* --- when --- */

static void test_held_is_seen_while_it_is_held(void)
{
    g_autoptr(route_sightings_t) sightings =
        looking_for(json_pack("[i, i]", 1, 666), 666, "192.0.2.0/24");
    struct route_sighting found;

    /* 1: before, and gone before; 2: replaced before; 3: from before on; 4: within; 5: after. */
    hear_of(sightings, START - 3 * HOUR, 1, ROUTE_ANNOUNCE, "192.0.2.0/24", PATH(1, 666));
    hear_of(sightings, START - 3 * HOUR, 2, ROUTE_ANNOUNCE, "192.0.2.0/24", PATH(1, 666));
    hear_of(sightings, START - 3 * HOUR, 3, ROUTE_RIB, "192.0.2.0/24", PATH(1, 666));
    hear_of(sightings, START - 2 * HOUR, 1, ROUTE_WITHDRAW, "192.0.2.0/24", NULL);
    hear_of(sightings, START - 2 * HOUR, 2, ROUTE_ANNOUNCE, "192.0.2.0/24", PATH(1, 3333));
    hear_of(sightings, START + 60 * SECOND, 4, ROUTE_ANNOUNCE, "192.0.2.0/24", PATH(1, 666));
    hear_of(sightings, START + 90 * SECOND, 4, ROUTE_STATE, NULL, NULL);
    hear_of(sightings, START + 100 * SECOND, 1, ROUTE_ANNOUNCE, "8.8.8.0/24", PATH(1, 15169));
    hear_of(sightings, START + 3 * HOUR, 3, ROUTE_WITHDRAW, "192.0.2.0/24", NULL);
    hear_of(sightings, START + 3 * HOUR, 5, ROUTE_ANNOUNCE, "192.0.2.0/24", PATH(1, 666));
    found = found_by(sightings);
    g_assert_cmpuint(found.peers, ==, 2);
    g_assert_cmpuint(found.of, ==, 3); /* 2 and 5 said nothing in that time, nor around it */
    g_assert_cmpint(found.first_us, ==, START - HOUR);
    g_assert_cmpint(found.last_us, ==, START + 2 * HOUR);
    g_assert_true(g_str_has_prefix(found.routes[0], "10.0.0.3 AS50003 "));
    g_assert_true(g_str_has_prefix(found.routes[1], "10.0.0.4 AS50004 "));
}

static void test_a_session_that_ends_takes_the_route_along(void)
{
    g_autoptr(route_sightings_t) sightings =
        looking_for(json_pack("[i, i]", 1, 666), 666, "192.0.2.0/24");
    struct route_sighting found;

    hear_of(sightings, START, 1, ROUTE_ANNOUNCE, "192.0.2.0/24", PATH(1, 666));
    hear_of(sightings, START + 60 * SECOND, 1, ROUTE_STATE, NULL, NULL);
    hear_of(sightings, START + 120 * SECOND, 1, ROUTE_ANNOUNCE, "8.8.8.0/24", PATH(1, 15169));
    found = found_by(sightings);
    g_assert_cmpint(found.first_us, ==, START);
    g_assert_cmpint(found.last_us, ==, START + 60 * SECOND);
    /* Asked again, it is the same. */
    g_assert_cmpint(found_by(sightings).last_us, ==, START + 60 * SECOND);
    g_assert_cmpuint(found_by(sightings).peers, ==, 1);
}

static void test_who_hears_nobody_cannot_tell(void)
{
    g_autoptr(route_sightings_t) sightings =
        looking_for(json_pack("[i, i]", 1, 666), 666, "192.0.2.0/24");
    struct route_sighting found = found_by(sightings);

    g_assert_cmpstr(route_sighting_word(&found), ==, "cannot-tell");
    hear_of(sightings, START + 3 * HOUR, 1, ROUTE_ANNOUNCE, "192.0.2.0/24", PATH(1, 666));
    found = found_by(sightings);
    g_assert_cmpstr(route_sighting_word(&found), ==, "cannot-tell");
    hear_of(sightings, START, 2, ROUTE_ANNOUNCE, "8.8.8.0/24", PATH(1, 15169));
    found = found_by(sightings);
    g_assert_cmpstr(route_sighting_word(&found), ==, "not-seen");
    hear_of(sightings, START, 2, ROUTE_ANNOUNCE, "192.0.2.0/24", PATH(1, 666));
    found = found_by(sightings);
    g_assert_cmpstr(route_sighting_word(&found), ==, "seen");
}

/* Peers in another order are the same evidence. */
static void test_the_order_of_peers_does_not_matter(void)
{
    static const guint8 orders[][4] = { { 1, 2, 3, 4 }, { 4, 3, 2, 1 }, { 2, 4, 1, 3 } };
    g_autofree char *before = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(orders); i++) {
        g_autoptr(route_sightings_t) sightings =
            looking_for(json_pack("[i, i]", 1, 666), 666, "192.0.2.0/24");
        g_autoptr(json_t) predicate = NULL;
        struct route_sighting found;

        for (guint j = 0; j < G_N_ELEMENTS(orders[i]); j++)
            hear_of(sightings, START, orders[i][j], ROUTE_ANNOUNCE, "192.0.2.0/24", PATH(1, 666));
        found = found_by(sightings);
        predicate = route_sighting_predicate(&found, "ab", "recording");
        if (before)
            g_assert_cmpstr(json_text(predicate, "evidence"), ==, before);
        g_free(before);
        before = g_strdup(json_text(predicate, "evidence"));
        g_assert_nonnull(before);
    }
}

/* --- what is published --- */

static struct profile *profile_of_ours(void)
{
    static const char text[] = "signatory: {name: Ville Exemple, group: state}\n"
                               "assets:\n"
                               "  prefixes:\n"
                               "    - {prefix: 192.0.2.0/24, name: web}\n"
                               "  as:\n"
                               "    - {number: 3333, name: ours}\n";
    g_autoptr(GError) error = NULL;
    struct profile *profile = profile_parse(text, strlen(text), "entente.yaml", &error);

    g_assert_no_error(error);
    return profile;
}

static const char *const evidence[] = { "10.0.0.1 AS1 2026-09-21T14:13:20Z 4001", NULL };

static struct watch_report report_of(const char *ours, const char *path)
{
    struct watch_report report = { .alarm = WATCH_ORIGIN,
                                   .key = "k",
                                   .ours = ours,
                                   .has_prefix = TRUE,
                                   .has_as = TRUE,
                                   .as = 666,
                                   .peers = 0,
                                   .most_peers = 3,
                                   .first_us = START,
                                   .last_us = START + HOUR,
                                   .text = "",
                                   .path = path,
                                   .evidence = (char *const *)evidence };

    g_assert_true(ip_prefix_parse("192.0.2.0/25", &report.prefix, NULL));
    return report;
}

static void test_what_is_published(void)
{
    g_autoptr(profile_t) profile = profile_of_ours();
    struct watch_report report = report_of("web", "1 1 (64512 64513) 2 {7,8} 666");
    g_autoptr(GError) error = NULL;
    g_autoptr(json_t) alarm = public_alarm_of(&report, profile, FALSE, &error);
    g_autoptr(json_t) raw = public_alarm_of(&report, profile, TRUE, NULL);
    g_autoptr(json_t) path = json_pack("[i, i, i, i]", 1, 2, 0, 666);

    g_assert_no_error(error);
    g_assert_cmpstr(json_text(alarm, "own"), ==, "192.0.2.0/24");
    g_assert_cmpstr(json_text(alarm, "prefix"), ==, "192.0.2.0/25");
    g_assert_cmpint(json_number(alarm, "peers", 0), ==, 3);
    g_assert_true(json_equal(json_object_get(alarm, "path"), path));
    g_assert_null(json_object_get(json_object_get(alarm, "evidence"), "routes"));
    g_assert_cmpuint(json_array_size(json_object_get(json_object_get(raw, "evidence"), "routes")),
                     ==, 1);
    json_decref(alarm);
    report.ours = "ours";
    alarm = public_alarm_of(&report, profile, FALSE, NULL);
    g_assert_cmpstr(json_text(alarm, "own"), ==, "AS3333");
}

static void assert_not_for_others(const struct watch_report *report, const struct profile *profile)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(json_t) alarm = public_alarm_of(report, profile, FALSE, &error);

    g_assert_null(alarm);
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
}

static void test_what_is_not_for_others(void)
{
    g_autoptr(profile_t) profile = profile_of_ours();
    struct watch_report report = report_of("somebody's", "1 666");

    assert_not_for_others(&report, profile);
    report = report_of("web", "1 666");
    report.has_as = FALSE;
    assert_not_for_others(&report, profile);
    report = report_of("web", "1 666");
    report.has_prefix = FALSE;
    assert_not_for_others(&report, profile);
    report = report_of("web", "1 666");
    report.alarm = WATCH_RPKI_NOTFOUND;
    assert_not_for_others(&report, profile);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/route-sighting/path", test_the_path_decides_from_the_other_as_on);
    g_test_add_func("/route-sighting/held", test_held_is_seen_while_it_is_held);
    g_test_add_func("/route-sighting/session", test_a_session_that_ends_takes_the_route_along);
    g_test_add_func("/route-sighting/nobody", test_who_hears_nobody_cannot_tell);
    g_test_add_func("/route-sighting/order", test_the_order_of_peers_does_not_matter);
    g_test_add_func("/public-alarm/published", test_what_is_published);
    g_test_add_func("/public-alarm/not-for-others", test_what_is_not_for_others);
    return g_test_run();
}
