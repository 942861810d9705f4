/*
 * Module watch_state: what the watch knows as text and back, so that nothing is told twice; a text
 * that is cut or changed anywhere is none.
 */
#include "base/error.h"
#include "p2_internet/routes/watch_hosts.h"
#include "p2_internet/routes/watch_profile.h"
#include "p2_internet/routes/watch_state.h"

#include <string.h>

#define START ((gint64)1790000000 * G_USEC_PER_SEC)
#define SECOND G_USEC_PER_SEC
#define LASTING "RIS Live"
#define PASSING "BMP 192.0.2.1"

static const char profile_text[] = "signatory: {name: A, group: state}\n"
                                   "assets:\n"
                                   "  prefixes:\n"
                                   "    - {prefix: 193.0.0.0/21, name: core, origins: [3333]}\n"
                                   "    - {prefix: 84.205.64.0/24, name: dark, dormant: true}\n"
                                   "  as:\n"
                                   "    - {number: 3333, name: us}\n";

static const char hosts_text[] = "ns1.example.org 192.0.2.53\n";

struct lab {
    struct profile *profile;
    GPtrArray *prefixes, *systems, *hosts, *untold;
    struct watch *watch;
    GString *told;
    gint64 now_us;
};

static void take_report(const struct watch_report *report, gpointer data)
{
    struct lab *lab = data;

    g_string_append_printf(lab->told, "%s %s;", watch_step_name(report->step), report->key);
}

static void begin(struct lab *lab)
{
    const struct watch_options options = { .prefixes = lab->prefixes,
                                           .systems = lab->systems,
                                           .hosts = lab->hosts };

    watch_free(lab->watch);
    lab->watch = watch_new(&options, take_report, lab);
    g_string_truncate(lab->told, 0);
}

static struct lab *lab_with(const char *text)
{
    struct lab *lab = g_new0(struct lab, 1);

    lab->profile = profile_parse(text, strlen(text), "p", NULL);
    g_assert_true(watch_of_profile(lab->profile, &lab->prefixes, &lab->systems, NULL));
    lab->hosts = watch_hosts_parse(hosts_text, "hosts", NULL);
    lab->untold = g_ptr_array_new_with_free_func(g_free);
    lab->told = g_string_new(NULL);
    lab->now_us = START;
    begin(lab);
    return lab;
}

static void lab_free(struct lab *lab)
{
    watch_free(lab->watch);
    g_ptr_array_unref(lab->prefixes);
    g_ptr_array_unref(lab->systems);
    g_ptr_array_unref(lab->hosts);
    g_ptr_array_unref(lab->untold);
    g_string_free(lab->told, TRUE);
    profile_free(lab->profile);
    g_free(lab);
}
typedef struct lab lab_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lab_t, lab_free)

/* The peer 10.0.0.N, AS 50000 + N; `origin` 0: withdrawn. */
static void say(struct lab *lab, const char *feed, guint number, const char *prefix, guint32 origin)
{
    struct route_peer peer = { .family = 4, .as = 50000 + number };
    guint32 asns[] = { 50000 + number, origin };
    struct bgp_segment segment = { BGP_AS_SEQUENCE, 2 };
    static const guint8 community[] = { 0xff, 0xff, 0x02, 0x9b };
    struct bgp_attributes attributes = {
        .path = { .asns = asns, .segments = &segment, .asn_count = 2, .segment_count = 1 },
        .communities = { community, sizeof community },
    };
    struct route_element element = { .time_us = lab->now_us,
                                     .kind = origin ? ROUTE_ANNOUNCE : ROUTE_WITHDRAW,
                                     .safi = BGP_UNICAST,
                                     .peer = &peer,
                                     .attributes = origin ? &attributes : NULL };

    peer.address[0] = 10;
    peer.address[3] = (guint8)number;
    g_assert_true(ip_prefix_parse(prefix, &element.prefix, NULL));
    watch_take(lab->watch, feed, &element);
}

static gboolean keeps(const char *feed)
{
    return g_str_equal(feed, LASTING);
}

static void restart(struct lab *lab)
{
    g_autoptr(GError) error = NULL;
    GString *text = watch_state_text(lab->watch, keeps, lab->untold);

    g_ptr_array_set_size(lab->untold, 0);
    begin(lab);
    g_assert_true(
        watch_state_read(lab->watch, text->str, text->len, lab->now_us, lab->untold, &error));
    g_assert_no_error(error);
    g_string_free(text, TRUE);
}

static void assert_told(struct lab *lab, const char *expected)
{
    g_assert_cmpstr(lab->told->str, ==, expected);
    g_string_truncate(lab->told, 0);
}

static void assert_counts(const struct lab *lab, guint held, guint open)
{
    struct watch_counts counts;

    watch_count(lab->watch, &counts);
    g_assert_cmpuint(counts.held, ==, held);
    g_assert_cmpuint(counts.open, ==, open);
}

static void live(struct lab *lab, guint seconds)
{
    for (guint i = 0; i < seconds; i += 10) {
        lab->now_us += 10 * SECOND;
        watch_hear(lab->watch, LASTING, lab->now_us);
        watch_tick(lab->watch, lab->now_us);
    }
}

static void test_an_incident_outlives_a_restart(void)
{
    g_autoptr(lab_t) lab = lab_with(profile_text);

    for (guint peer = 1; peer <= 4; peer++)
        say(lab, LASTING, peer, "193.0.0.0/21", 3333);
    say(lab, LASTING, 1, "193.0.1.0/24", 666);
    say(lab, LASTING, 2, "193.0.1.0/24", 666);
    assert_told(lab, "opened sub-prefix|core|193.0.1.0/24|666;");
    g_ptr_array_add(lab->untold, g_strdup("{\"a\":\"line\"}"));
    restart(lab);
    g_assert_cmpuint(lab->untold->len, ==, 1);
    g_assert_cmpstr(lab->untold->pdata[0], ==, "{\"a\":\"line\"}");
    assert_counts(lab, 6, 1);
    say(lab, LASTING, 3, "193.0.1.0/24", 666); /* seen by more, and no news */
    live(lab, 600);
    assert_told(lab, "");
    for (guint peer = 1; peer <= 3; peer++)
        say(lab, LASTING, peer, "193.0.1.0/24", 0);
    live(lab, 200);
    restart(lab);
    live(lab, 120);
    assert_told(lab, "closed sub-prefix|core|193.0.1.0/24|666;");
    assert_counts(lab, 4, 0);
}

/* A router tells all it has again, or is silent: no route is believed in until it does. */
static void test_a_router_begins_anew(void)
{
    g_autoptr(lab_t) lab = lab_with(profile_text);

    for (guint peer = 1; peer <= 4; peer++)
        say(lab, PASSING, peer, "193.0.0.0/21", 3333);
    say(lab, PASSING, 1, "84.205.64.0/24", 666);
    assert_told(lab, "opened squatting|dark|84.205.64.0/24|666;");
    restart(lab);
    assert_counts(lab, 0, 1);
    lab->now_us += 100 * SECOND;
    watch_tick(lab->watch, lab->now_us); /* nobody is missed yet */
    say(lab, PASSING, 1, "84.205.64.0/24", 666);
    for (guint peer = 1; peer <= 4; peer++)
        say(lab, PASSING, peer, "193.0.0.0/21", 3333);
    assert_told(lab, "");
    assert_counts(lab, 5, 1);
    restart(lab);
    lab->now_us += 130 * SECOND;
    watch_tick(lab->watch, lab->now_us);
    assert_told(lab, "opened silence|" PASSING "||0;");
    restart(lab);
    lab->now_us += 130 * SECOND;
    watch_tick(lab->watch, lab->now_us);
    assert_told(lab, "");
    watch_hear(lab->watch, PASSING, lab->now_us);
    watch_tick(lab->watch, lab->now_us);
    assert_told(lab, "closed silence|" PASSING "||0;");
}

/* Whoever announces a name server's prefix when the watch begins is right, and not after. */
static void test_what_was_learned_is_kept(void)
{
    g_autoptr(lab_t) lab = lab_with(profile_text);

    for (guint peer = 1; peer <= 4; peer++)
        say(lab, LASTING, peer, "192.0.2.0/24", 4200);
    live(lab, 900);
    restart(lab);
    assert_told(lab, "");
    for (guint peer = 1; peer <= 2; peer++)
        say(lab, LASTING, peer, "192.0.2.0/24", 666);
    assert_told(lab, "opened origin|ns1.example.org|192.0.2.0/24|666;");
    restart(lab);
    live(lab, 60);
    assert_told(lab, "");
    assert_counts(lab, 4, 1);
}

static void test_what_the_profile_lost_is_forgotten(void)
{
    g_autoptr(lab_t) lab = lab_with(profile_text);
    g_autoptr(lab_t) other = lab_with("signatory: {name: A, group: state}\n"
                                      "assets: {prefixes: [{prefix: 193.0.0.0/21, name: core}]}\n");
    g_autoptr(GError) error = NULL;
    GString *text;

    say(lab, LASTING, 1, "84.205.64.0/24", 666);
    say(lab, LASTING, 1, "193.0.0.0/21", 3333);
    text = watch_state_text(lab->watch, keeps, lab->untold);
    g_assert_true(
        watch_state_read(other->watch, text->str, text->len, lab->now_us, other->untold, &error));
    assert_counts(other, 1, 0);
    g_string_free(text, TRUE);
}

/* Lines with the digest that they need. */
static gboolean read_lines(struct lab *lab, const char *lines)
{
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, lines, -1);
    g_autofree char *text = g_strdup_printf("%ssha256 %s\n", lines, digest);

    begin(lab);
    return watch_state_read(lab->watch, text, strlen(text), lab->now_us, lab->untold, NULL);
}

#define HEAD "{\"state\": \"entente/routes-state/1\", \"sampled\": 0, \"learning\": 0}\n"
#define PEER                                                                                       \
    "{\"peer\": \"0a000001000000000000000000000000\", \"family\": 4, \"as\": 50001, "              \
    "\"bgp_id\": \"0a000001\", \"feed\": \"" LASTING "\", \"last\": 0}\n"
#define ROUTE(TYPE)                                                                                \
    "{\"route\": \"193.0.1.0/24\", \"id\": 0, \"present\": 6, \"otc\": 0, "                        \
    "\"path\": [[" TYPE ", [50001, 666]]], \"communities\": \"\"}\n"

static void test_a_path_has_segments_of_a_type(void)
{
    g_autoptr(lab_t) lab = lab_with(profile_text);

    g_assert_true(read_lines(lab, HEAD PEER ROUTE("2")));
    assert_counts(lab, 1, 0);
    g_assert_false(read_lines(lab, HEAD PEER ROUTE("0")));
    g_assert_false(read_lines(lab, HEAD PEER ROUTE("5")));
    g_assert_false(read_lines(lab, HEAD PEER ROUTE("9")));
}

/* Nobody saw it last at a time that was yet to come: it ends five minutes from now. */
static void test_a_clock_that_was_set_back(void)
{
    g_autoptr(lab_t) lab = lab_with(profile_text);

    for (guint peer = 1; peer <= 3; peer++)
        say(lab, LASTING, peer, "193.0.1.0/24", 666);
    for (guint peer = 1; peer <= 3; peer++)
        say(lab, LASTING, peer, "193.0.1.0/24", 0);
    assert_counts(lab, 0, 1);
    lab->now_us -= (gint64)86400 * SECOND;
    restart(lab);
    assert_counts(lab, 0, 1);
    live(lab, 310);
    assert_told(lab, "closed sub-prefix|core|193.0.1.0/24|666;");
}

static void test_a_changed_text_is_none(void)
{
    g_autoptr(lab_t) lab = lab_with(profile_text);
    GString *text;

    say(lab, LASTING, 1, "84.205.64.0/24", 666);
    text = watch_state_text(lab->watch, keeps, lab->untold);
    for (gsize i = 0; i <= text->len; i += 7) {
        g_autoptr(GError) error = NULL;
        g_autofree char *changed = g_memdup2(text->str, text->len);

        begin(lab);
        if (i < text->len)
            changed[i] ^= 1;
        g_assert_true(watch_state_read(lab->watch, changed, text->len, lab->now_us, lab->untold,
                                       &error) == (i == text->len));
        if (i < text->len)
            g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
        begin(lab);
        g_assert_false(i < text->len &&
                       watch_state_read(lab->watch, text->str, i, lab->now_us, lab->untold, NULL));
    }
    g_string_free(text, TRUE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/watch-state/restart", test_an_incident_outlives_a_restart);
    g_test_add_func("/watch-state/router", test_a_router_begins_anew);
    g_test_add_func("/watch-state/learned", test_what_was_learned_is_kept);
    g_test_add_func("/watch-state/profile", test_what_the_profile_lost_is_forgotten);
    g_test_add_func("/watch-state/segments", test_a_path_has_segments_of_a_type);
    g_test_add_func("/watch-state/clock", test_a_clock_that_was_set_back);
    g_test_add_func("/watch-state/changed", test_a_changed_text_is_none);
    return g_test_run();
}
