/*
 * Modules watch, watch_judge, watch_incident, watch_absence, watch_ours and watch_profile: each
 * alarm is raised by what it is about, and by nothing that lies beside it.
 */
#include "base/error.h"
#include "watch_lab.h"

#include <string.h>

/* --- one route --- */

static struct aspa_set *providers(void)
{
    struct aspa_set *set = aspa_set_new();

    aspa_set_add(set, 3333, (const guint32[]){ 1299, 174 }, 2, 0);
    aspa_set_add(set, 1299, (const guint32[]){ 0 }, 1, 0);
    aspa_set_add(set, 174, (const guint32[]){ 0 }, 1, 0);
    aspa_set_add(set, 7018, (const guint32[]){ 3356 }, 1, 0);
    aspa_set_seal(set);
    return set;
}

/* 7018 buys from 3356 and 1299, of whom 3333 buys, too; 174 is a peer of 1299. */
static struct relations *known_relations(void)
{
    static const char text[] = "3356|7018|-1\n1299|7018|-1\n1299|3333|-1\n1299|174|0\n";
    struct relations *relations = relations_new();

    g_assert_true(relations_take(relations, text, strlen(text), "rel", NULL));
    relations_seal(relations);
    return relations;
}

enum { WITH_ROAS = 1, WITH_ASPAS = 2, WITH_RELATIONS = 4 };

static const struct {
    struct said said;
    guint peers, with;
    const char *told;
} cases[] = {
    /* What is as it should be. */
    { { "193.0.0.0/21", "50001 1299 3333", 0, 0 }, 5, WITH_ROAS | WITH_ASPAS, "" },
    { { "193.0.0.0/22", "50001 174 3333 3333", 0, 0 }, 5, WITH_ROAS, "" },
    { { "193.0.0.0/21", "3333", 0, 0 }, 5, WITH_ROAS, "" },
    { { "8.8.8.0/24", "50001 15169", 0, 0 }, 5, WITH_ROAS, "" },
    { { "2001:67c:2e8::/48", "50001 1299 3333", 0, 0 }, 5, 0, "" },
    { { "193.0.16.0/24", "50001 1299 3333 12654", 0, 0 }, 5, 0, "" }, /* a customer's */
    { { "8.8.8.0/24", "3333 777 15169", 0, 0 }, 5, 0, "" },           /* ours feeds the collector */
    /* Origins. */
    { { "193.0.0.0/21", "50001 666", 0, 0 }, 2, 0, "opened origin 193.0.0.0/21 AS666" },
    { { "193.0.0.0/21", "50001 666", 0, 0 }, 1, 0, "" }, /* one peer alone */
    { { "193.0.0.0/21", "50001 {3333,666}", 0, 0 }, 2, 0, "opened origin 193.0.0.0/21 AS0" },
    { { "193.0.1.0/24", "50001 666", 0, 0 }, 2, 0, "opened sub-prefix 193.0.1.0/24 AS666" },
    { { "193.0.1.0/24", "50001 666", 0, 0 },
      2,
      WITH_ROAS,
      "opened rpki-invalid 193.0.1.0/24 AS666; opened sub-prefix 193.0.1.0/24 AS666" },
    { { "193.0.4.0/24", "50001 12654", 0, 0 }, 3, WITH_ROAS, "" }, /* ROA, and our customer */
    { { "193.0.4.0/24", "50001 12654", 0, 0 }, 2, 0, "opened sub-prefix 193.0.4.0/24 AS12654" },
    { { "84.205.64.0/24", "50001 3333", 0, 0 }, 1, 0, "opened squatting 84.205.64.0/24 AS3333" },
    { { "84.205.64.128/25", "50001 666", 0, 0 }, 1, 0, "opened squatting 84.205.64.128/25 AS666" },
    { { "193.0.1.0/24", "50001 1299 3333", 0, 0 }, 3, 0, "opened more-specific 193.0.1.0/24 AS0" },
    { { "193.0.0.0/16", "50001 666", 0, 0 }, 1, 0, "opened super-prefix 193.0.0.0/16 AS666" },
    { { "0.0.0.0/0", "50001 666", 0, 0 }, 3, 0, "" },
    { { "193.0.0.0/21", "50001 666 3333", 0, 0 }, 2, 0, "opened first-hop 193.0.0.0/21 AS666" },
    { { "8.8.8.0/24", "50001 1299 3333", 0, 0 }, 3, 0, "opened as-misuse 8.8.8.0/24 AS0" },
    /* RPKI. */
    { { "193.0.1.0/24", "50001 1299 3333", 0, 0 },
      1,
      WITH_ROAS,
      "opened rpki-invalid 193.0.1.0/24 AS3333" },
    { { "2001:67c:2e8::/48", "50001 1299 3333", 0, 0 },
      1,
      WITH_ROAS,
      "opened rpki-notfound 2001:67c:2e8::/48 AS0" },
    /* Paths. */
    { { "193.0.0.0/21", "50001 1299 7018 174 3333", 0, 0 },
      2,
      WITH_ASPAS,
      "opened aspa-invalid 193.0.0.0/21 AS174" },
    { { "193.0.0.0/21", "50001 3356 7018 1299 3333", 0, 1299 },
      2,
      WITH_ASPAS,
      "opened leak 193.0.0.0/21 AS7018" },
    { { "193.0.0.0/21", "50001 3356 7018 1299 3333", 0, 0 },
      2,
      WITH_RELATIONS,
      "opened leak 193.0.0.0/21 AS7018" },
    { { "193.0.0.0/21", "50001 7018 1299 3333", 0, 0 }, 3, WITH_RELATIONS, "" },
    { { "193.0.0.0/21", "50001 174 1299 3333", 0, 0 }, 3, WITH_RELATIONS, "" },
    { { "8.8.8.0/24", "50001 1299 3333 174 15169", 0, 0 }, 2, 0, "opened leak 8.8.8.0/24 AS3333" },
    { { "8.8.8.0/24", "50001 6939 3333 12654 15169", 0, 0 }, 3, 0, "" },
    { { "193.0.16.0/24", "50001 666 3333 12654", 0, 0 },
      3,
      0,
      "opened upstream 193.0.16.0/24 AS666" },
    { { "193.0.16.0/24", "50001 1299 3333 666", 0, 0 },
      3,
      0,
      "opened downstream 193.0.16.0/24 AS666" },
    { { "193.0.0.0/21", "50001 64512 1299 3333", 0, 0 },
      2,
      0,
      "opened bogon 193.0.0.0/21 AS64512" },
    { { "193.0.0.0/21", "50001 1299 3333 1299 3333", 0, 0 }, 1, 0, "opened loop 193.0.0.0/21 AS0" },
    { { "193.0.0.0/21", "50001 1299 3333", 0xffff029a, 0 },
      2,
      0,
      "opened blackhole 193.0.0.0/21 AS0" },
    { { "193.0.0.0/21", "50001 1299 3333", 0xffff029b, 0 }, 2, 0, "" },
};

static void test_one_route(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(lab_t) lab = lab_new();

        if (cases[i].with & WITH_ROAS)
            lab->options.vrps = roas();
        if (cases[i].with & WITH_ASPAS)
            lab->options.aspas = providers();
        if (cases[i].with & WITH_RELATIONS)
            lab->options.relations = known_relations();
        lab_begin(lab);
        g_test_message("%s %s", cases[i].said.prefix, cases[i].said.path);
        all_say(lab, cases[i].peers, &cases[i].said);
        assert_told(lab, cases[i].told);
    }
}

/* --- incidents --- */

static void pass(struct lab *lab, guint seconds)
{
    for (guint i = 0; i < seconds; i += 10) {
        lab->now_us += 10 * SECOND;
        watch_tick(lab->watch, lab->now_us);
    }
}

static const struct said good = { "193.0.0.0/21", "50001 1299 3333", 0, 0 };
static const struct said bad = { "193.0.0.0/21", "50001 666", 0, 0 };
static const struct said gone = { "193.0.0.0/21", NULL, 0, 0 };

static void test_an_incident_from_end_to_end(void)
{
    g_autoptr(lab_t) lab = lab_new();

    lab_begin(lab);
    all_say(lab, 4, &good);
    say(lab, 1, &bad);
    assert_told(lab, "");
    say(lab, 2, &bad);
    assert_told(lab, "opened origin 193.0.0.0/21 AS666");
    g_assert_nonnull(strstr(lab->texts->str, "AS666: our prefix is announced"));
    g_assert_nonnull(strstr(lab->texts->str, "seen by 2 peers"));
    g_assert_nonnull(strstr(lab->texts->str, "10.0.0.1 AS50001 2026-09-21T"));
    /* Back and forth within five minutes is one incident. */
    all_say(lab, 2, &good);
    live(lab, 200);
    all_say(lab, 2, &bad);
    live(lab, 200);
    assert_told(lab, "");
    /* Twice as many within the hour are no news, after it they are. */
    all_say(lab, 4, &bad);
    assert_told(lab, "");
    live(lab, 3600);
    say(lab, 5, &bad);
    assert_told(lab, "grew origin 193.0.0.0/21 AS666");
    all_say(lab, 5, &good);
    live(lab, 290);
    assert_told(lab, "");
    live(lab, 20);
    assert_told(lab, "closed origin 193.0.0.0/21 AS666");
    {
        struct watch_counts counts;

        watch_count(lab->watch, &counts);
        g_assert_cmpuint(counts.open, ==, 0);
        g_assert_cmpuint(counts.incidents, ==, 0);
        g_assert_cmpuint(counts.held, ==, 5);
    }
}

static void take_key(const struct watch_report *report, gpointer data)
{
    g_string_append_printf(data, "%s\n", report->key);
}

static void test_what_is_open(void)
{
    g_autoptr(lab_t) lab = lab_new();
    g_autoptr(GString) open = g_string_new(NULL);

    lab_begin(lab);
    all_say(lab, 2, &(struct said){ "193.0.1.0/24", "50001 666", 0, 0 });
    all_say(lab, 2, &bad);
    say(lab, 1, &(struct said){ "193.0.2.0/24", "50001 666", 0, 0 });
    watch_each_open(lab->watch, take_key, open);
    g_assert_cmpstr(open->str, ==,
                    "origin|193.0.0.0/21|193.0.0.0/21|666\n"
                    "sub-prefix|193.0.0.0/21|193.0.1.0/24|666\n");
}

static void test_whom_nobody_listens_to(void)
{
    g_autoptr(lab_t) lab = lab_new();
    const guint32 ignored = 50001;

    lab->options.ignored = g_array_new(FALSE, FALSE, sizeof(guint32));
    g_array_append_val(lab->options.ignored, ignored);
    lab->options.min_peers = 3;
    lab_begin(lab);
    all_say(lab, 3, &bad); /* the first does not count */
    assert_told(lab, "");
    say(lab, 4, &bad);
    assert_told(lab, "opened origin 193.0.0.0/21 AS666");
}

/* New payloads change what is said of routes that are held. */
static void test_new_payloads(void)
{
    g_autoptr(lab_t) lab = lab_new();
    g_autoptr(vrp_set_t) set = roas();

    lab_begin(lab);
    say(lab, 1, &(struct said){ "193.0.1.0/24", "50001 1299 3333", 0, 0 });
    assert_told(lab, "");
    watch_set_rpki(lab->watch, set, NULL, lab->now_us);
    assert_told(lab, "opened rpki-invalid 193.0.1.0/24 AS3333");
    g_assert_nonnull(strstr(lab->texts->str, "RPKI: invalid-length (serial 7)"));
    watch_set_rpki(lab->watch, NULL, NULL, lab->now_us);
    live(lab, 310);
    assert_told(lab, "closed rpki-invalid 193.0.1.0/24 AS3333");
}

/* --- what is not seen --- */

static void test_visibility(void)
{
    g_autoptr(lab_t) lab = lab_new();

    lab_begin(lab);
    all_say(lab, 10, &good);
    live(lab, 60);
    for (guint i = 1; i <= 5; i++)
        say(lab, i, &gone);
    live(lab, 120);
    assert_told(lab, ""); /* half of them have it */
    say(lab, 6, &gone);
    live(lab, 50);
    assert_told(lab, ""); /* routes may settle */
    live(lab, 30);
    assert_told(lab, "opened visibility 193.0.0.0/21 AS0");
    g_assert_nonnull(strstr(lab->texts->str, "have it no more; 6 peers"));
    all_say(lab, 10, &good);
    live(lab, 320);
    assert_told(lab, "closed visibility 193.0.0.0/21 AS0");
    for (guint i = 1; i <= 10; i++)
        say(lab, i, &gone);
    live(lab, 90);
    assert_told(lab, "opened visibility 193.0.0.0/21 AS0");
}

/* The minute is that of the loss, however late anybody speaks again. */
static void test_visibility_since_the_loss(void)
{
    const struct said other = { "8.8.8.0/24", "50001 15169", 0, 0 };
    g_autoptr(lab_t) lab = lab_new();

    lab_begin(lab);
    all_say(lab, 4, &good);
    lab->now_us += 10 * SECOND;
    all_say(lab, 4, &gone);
    lab->now_us += 50 * SECOND;
    say(lab, 200, &other);
    assert_told(lab, "");
    lab->now_us += 40 * SECOND;
    say(lab, 200, &other);
    assert_told(lab, "opened visibility 193.0.0.0/21 AS0");
    g_assert_nonnull(strstr(lab->texts->str, "4 peers, since 2026-09-21T14:13:30"));
}

/* Back within the minute, and lost again: another loss, with a minute of its own. */
static void test_visibility_lost_twice(void)
{
    g_autoptr(lab_t) lab = lab_new();

    lab_begin(lab);
    all_say(lab, 4, &good);
    all_say(lab, 4, &gone);
    lab->now_us += 55 * SECOND;
    all_say(lab, 4, &good);
    all_say(lab, 4, &gone);
    lab->now_us += 50 * SECOND;
    say(lab, 200, &(struct said){ "8.8.8.0/24", "50001 15169", 0, 0 });
    assert_told(lab, "");
    live(lab, 10);
    assert_told(lab, "opened visibility 193.0.0.0/21 AS0");
}

static void test_a_peer_that_goes_is_no_loss(void)
{
    g_autoptr(lab_t) lab = lab_new();

    lab_begin(lab);
    all_say(lab, 10, &good);
    say(lab, 9, &bad);
    say(lab, 10, &bad);
    assert_told(lab, "opened origin 193.0.0.0/21 AS666");
    for (guint i = 3; i <= 10; i++) {
        const struct route_peer peer = peer_at(i);

        watch_take(lab->watch, FEED,
                   &(struct route_element){ .time_us = lab->now_us,
                                            .peer = &peer,
                                            .kind = ROUTE_STATE,
                                            .old_state = 6,
                                            .new_state = 1 });
    }
    live(lab, 320);
    assert_told(lab,
                "closed origin 193.0.0.0/21 AS666"); /* its peers are gone, and no other word */
    /* Back, they count again: eight of ten that lose it then are a loss. */
    all_say(lab, 10, &good);
    for (guint i = 3; i <= 10; i++)
        say(lab, i, &gone);
    live(lab, 90);
    assert_told(lab, "opened visibility 193.0.0.0/21 AS0");
    g_assert_nonnull(strstr(lab->texts->str, "have it no more; 8 peers, since"));
}

static void test_stale_peers_do_not_count(void)
{
    g_autoptr(lab_t) lab = lab_new();

    lab->options.stale_us = 600 * SECOND;
    lab_begin(lab);
    all_say(lab, 2, &bad);
    assert_told(lab, "opened origin 193.0.0.0/21 AS666");
    live(lab, 590);
    assert_told(lab, "");
    live(lab, 340);
    assert_told(lab, "closed origin 193.0.0.0/21 AS666");
}

static void test_silence(void)
{
    g_autoptr(lab_t) lab = lab_new();

    lab_begin(lab);
    say(lab, 1, &good);
    pass(lab, 120);
    assert_told(lab, "");
    pass(lab, 10);
    assert_told(lab, "opened silence - AS0");
    g_assert_nonnull(strstr(lab->texts->str, FEED ": a feed says nothing: here we are blind"));
    pass(lab, 600);
    assert_told(lab, "");
    live(lab, 20);
    assert_told(lab, "closed silence - AS0");
}

/* --- the profile --- */

static void test_profile(void)
{
    static const char nothing[] = "signatory: {name: A, group: state}\n";
    g_autoptr(lab_t) lab = lab_new();
    g_autoptr(profile_t) empty = profile_parse(nothing, strlen(nothing), "p", NULL);
    g_autoptr(GError) error = NULL;
    GPtrArray *prefixes = NULL, *systems = NULL;

    g_assert_cmpuint(lab->prefixes->len, ==, 3);
    /* Without origins of its own, a prefix has our AS numbers. */
    g_assert_cmpuint(
        g_array_index(((struct watch_prefix *)lab->prefixes->pdata[2])->origins, guint32, 0), ==,
        3333);
    g_assert_false(watch_of_profile(empty, &prefixes, &systems, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/watch/one-route", test_one_route);
    g_test_add_func("/watch/incident", test_an_incident_from_end_to_end);
    g_test_add_func("/watch/open", test_what_is_open);
    g_test_add_func("/watch/ignored", test_whom_nobody_listens_to);
    g_test_add_func("/watch/new-payloads", test_new_payloads);
    g_test_add_func("/watch/visibility", test_visibility);
    g_test_add_func("/watch/visibility-since-the-loss", test_visibility_since_the_loss);
    g_test_add_func("/watch/visibility-lost-twice", test_visibility_lost_twice);
    g_test_add_func("/watch/peer-gone", test_a_peer_that_goes_is_no_loss);
    g_test_add_func("/watch/stale", test_stale_peers_do_not_count);
    g_test_add_func("/watch/silence", test_silence);
    g_test_add_func("/watch/profile", test_profile);
    return g_test_run();
}
