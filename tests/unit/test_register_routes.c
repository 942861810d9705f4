/* Modules fold_routes and predicate_routes: whose networks are whose, alarms about them, and who
 * sees it too; what is forged, foreign, said twice or too often ends in its reason. */
#include "community.h"

#define HOUR_US (G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC)
#define DIGEST "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"
#define ROUTE "192.0.2.9 AS64500 2026-11-22T02:00:00Z 40010100"
#define ALARMS_A_DAY 48
#define ANSWERS 24

static void pass(struct community *community, gint64 us)
{
    community->now_us += us;
}

/* --- networks --- */

/* `networks` ends with NULL. */
static enum register_verdict name_networks(struct community *community, const struct actor *actor,
                                           const char *const *networks)
{
    json_t *endorsement = endorsement_json(community, actor), *list = json_array();

    for (; *networks; networks++)
        json_array_append_new(list, json_string(*networks));
    json_object_set_new(endorsement, "networks", list);
    return fold_now(community, entry_by_root(actor, PREDICATE_ENDORSEMENT, endorsement));
}
#define NETWORKS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void test_a_network_is_whose_root_named_it_first(void)
{
    struct community *community = community_new();
    struct actor *state = actor_at(community, 0), *company = actor_at(community, 1);

    g_assert_cmpint(
        name_networks(community, state, NETWORKS("192.0.2.0/24", "2001:db8::/32", "AS64500")), ==,
        REGISTER_COUNTS);
    /* The same, a part of it, the same in other words, the same AS. */
    g_assert_cmpint(name_networks(community, company, NETWORKS("192.0.2.0/24")), ==,
                    REGISTER_CONFLICT);
    g_assert_cmpint(name_networks(community, company, NETWORKS("192.0.2.128/25")), ==,
                    REGISTER_CONFLICT);
    g_assert_cmpint(name_networks(community, company, NETWORKS("2001:0DB8:0::/32")), ==,
                    REGISTER_CONFLICT);
    g_assert_cmpint(name_networks(community, company, NETWORKS("AS64500")), ==, REGISTER_CONFLICT);
    g_assert_cmpint(name_networks(community, company, NETWORKS("192.0.3.0/24", "AS64501")), ==,
                    REGISTER_COUNTS);
    /* What its owner gives up is free, and it may name again what is its own. */
    g_assert_cmpint(name_networks(community, state, NETWORKS("192.0.2.0/24")), ==, REGISTER_COUNTS);
    g_assert_cmpint(name_networks(community, company, NETWORKS("192.0.3.0/24", "AS64500")), ==,
                    REGISTER_COUNTS);
    community_free(community);
}

static void test_what_is_no_network_is_malformed(void)
{
    static const char *const wrong[] = {
        "192.0.2.1/24", "192.0.2.0",  "192.0.2.0/33",         "AS0", "AS4294967296", "AS064500",
        "as64500",      "2001:db8::", "1:2:3:4:5:6:7:8:9/64", "AS"
    };
    struct community *community = community_new();

    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_test_message("%s", wrong[i]);
        g_assert_cmpint(name_networks(community, actor_at(community, 0), NETWORKS(wrong[i])), ==,
                        REGISTER_MALFORMED);
    }
    community_free(community);
}

/* --- alarms --- */

static json_t *alarm_json(struct community *community, const char *own, const char *prefix)
{
    json_t *alarm = said_now(community);
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, ROUTE "\n", -1);

    json_object_update_new(
        alarm,
        json_pack("{s:s, s:s, s:s, s:s, s:i, s:[i, i], s:s, s:s, s:i, s:{s:s, s:[s]}}", "tlp",
                  "clear", "alarm", "origin", "own", own, "prefix", prefix, "as", 64666, "path",
                  64500, 64666, "first", "2026-11-22T02:00:00Z", "last", "2026-11-22T02:30:00Z",
                  "peers", 2, "evidence", "sha256", digest, "routes", ROUTE));
    return alarm;
}

static enum register_verdict publish(struct community *community, const struct actor *actor,
                                     json_t *alarm)
{
    return fold_now(community, entry_of(actor->domain, actor->id, PREDICATE_ROUTE_ALARM, alarm,
                                        KEYS(actor->issuer)));
}

static struct community *community_with_networks(void)
{
    struct community *community = community_new();

    g_assert_cmpint(
        name_networks(community, actor_at(community, 0), NETWORKS("192.0.2.0/24", "AS64500")), ==,
        REGISTER_COUNTS);
    g_assert_cmpint(name_networks(community, actor_at(community, 1), NETWORKS("192.0.0.0/16")), ==,
                    REGISTER_COUNTS);
    return community;
}

static void test_an_alarm_is_about_the_own_network(void)
{
    struct community *community = community_with_networks();
    struct actor *state = actor_at(community, 0), *company = actor_at(community, 1),
                 *society = actor_at(community, 2);
    json_t *other;

    g_assert_cmpint(
        publish(community, state, alarm_json(community, "192.0.2.0/24", "192.0.2.0/25")), ==,
        REGISTER_COUNTS);
    g_assert_cmpint(publish(community, state, alarm_json(community, "AS64500", "203.0.113.0/24")),
                    ==, REGISTER_COUNTS);
    /* A part of what is named is the own, too. */
    g_assert_cmpint(
        publish(community, state, alarm_json(community, "192.0.2.64/26", "192.0.2.64/26")), ==,
        REGISTER_COUNTS);
    /* Another's, also where the other's lies within the own; nobody's; by one who named none. */
    g_assert_cmpint(
        publish(community, company, alarm_json(community, "192.0.2.0/24", "192.0.2.0/24")), ==,
        REGISTER_CONFLICT);
    g_assert_cmpint(
        publish(community, state, alarm_json(community, "198.51.100.0/24", "198.51.100.0/24")), ==,
        REGISTER_CONFLICT);
    g_assert_cmpint(
        publish(community, society, alarm_json(community, "192.0.2.0/24", "192.0.2.0/24")), ==,
        REGISTER_CONFLICT);
    /* The route is elsewhere, or does not go through the own AS. */
    g_assert_cmpint(
        publish(community, state, alarm_json(community, "192.0.2.0/24", "198.51.100.0/24")), ==,
        REGISTER_CONFLICT);
    other = alarm_json(community, "AS64500", "203.0.113.0/24");
    json_object_set_new(other, "path", json_pack("[i]", 64666));
    g_assert_cmpint(publish(community, state, other), ==, REGISTER_CONFLICT);
    g_assert_cmpint(publish(community, state, alarm_json(community, "192.0.2.0/24", "AS64500")), ==,
                    REGISTER_MALFORMED);
    community_free(community);
}

static void test_forged_alarms(void)
{
    struct community *community = community_with_networks();
    struct actor *state = actor_at(community, 0), *society = actor_at(community, 2);
    json_t *alarm = alarm_json(community, "192.0.2.0/24", "192.0.2.0/24");
    struct signing_key *stranger = key_of("stranger.example/issuer");

    /* In another's name; by nobody's key; with other evidence than its digest says; not clear. */
    g_assert_cmpint(fold_now(community, entry_of(state->domain, state->id, PREDICATE_ROUTE_ALARM,
                                                 json_incref(alarm), KEYS(society->issuer))),
                    ==, REGISTER_ROLE);
    g_assert_cmpint(fold_now(community, entry_of(state->domain, state->id, PREDICATE_ROUTE_ALARM,
                                                 json_incref(alarm), KEYS(stranger))),
                    ==, REGISTER_UNKNOWN_KEY);
    json_object_set_new(alarm, "tlp", json_string("amber"));
    g_assert_cmpint(publish(community, state, json_incref(alarm)), ==, REGISTER_MALFORMED);
    json_object_set_new(alarm, "tlp", json_string("clear"));
    json_object_set_new(json_object_get(alarm, "evidence"), "sha256", json_string(DIGEST));
    g_assert_cmpint(publish(community, state, json_incref(alarm)), ==, REGISTER_MALFORMED);
    json_object_del(json_object_get(alarm, "evidence"), "routes");
    json_object_set_new(alarm, "last", json_string("2026-11-22T01:00:00Z"));
    g_assert_cmpint(publish(community, state, json_incref(alarm)), ==, REGISTER_MALFORMED);
    json_object_set_new(alarm, "last", json_string("2026-11-22T02:00:00Z"));
    g_assert_cmpint(publish(community, state, alarm), ==, REGISTER_COUNTS);
    signing_key_free(stranger);
    community_free(community);
}

static void test_alarms_are_not_repeated_nor_many(void)
{
    struct community *community = community_with_networks();
    struct actor *state = actor_at(community, 0);
    json_t *alarm = alarm_json(community, "192.0.2.0/24", "192.0.2.0/24"), *old;

    old = alarm_json(community, "AS64500", "192.0.2.0/24");
    json_object_set(old, "time", json_object_get(alarm, "time"));
    g_assert_cmpint(publish(community, state, json_incref(alarm)), ==, REGISTER_COUNTS);
    g_assert_cmpint(publish(community, state, alarm), ==, REGISTER_CONFLICT); /* the same bytes */
    g_assert_cmpint(publish(community, state, old), ==, REGISTER_CONFLICT);   /* not later */
    g_assert_cmpint(
        publish(community, state, alarm_json(community, "192.0.2.0/24", "192.0.2.0/24")), ==,
        REGISTER_CONFLICT);
    for (guint i = 1; i < ALARMS_A_DAY; i++) {
        g_autofree char *prefix = g_strdup_printf("192.0.2.%u/32", i);

        g_assert_cmpint(publish(community, state, alarm_json(community, "192.0.2.0/24", prefix)),
                        ==, REGISTER_COUNTS);
    }
    g_assert_cmpint(
        publish(community, state, alarm_json(community, "192.0.2.0/24", "192.0.2.255/32")), ==,
        REGISTER_CONFLICT);
    pass(community, DAY_US);
    g_assert_cmpint(
        publish(community, state, alarm_json(community, "192.0.2.0/24", "192.0.2.0/24")), ==,
        REGISTER_COUNTS);
    community_free(community);
}

/* --- sightings --- */

/* The leaf hash of the entry that was folded last. The caller's. */
static char *last_leaf(const struct community *community)
{
    g_autoptr(json_t) entry = register_entry(community->reg, community->entries->len - 1);

    return g_strdup(json_text(entry, "entry"));
}

static json_t *sighting_json(struct community *community, const char *alarm, guint peers, guint of)
{
    json_t *sighting = said_now(community);

    json_object_update_new(
        sighting, json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:[s]}", "alarm", alarm, "seen",
                            !of     ? "cannot-tell"
                            : peers ? "seen"
                                    : "not-seen",
                            "from", "2026-11-22T01:00:00Z", "until", "2026-11-22T03:30:00Z",
                            "peers", (int)peers, "of", (int)of, "sources", "recording"));
    if (peers)
        json_object_update_new(sighting,
                               json_pack("{s:s, s:s, s:s}", "first", "2026-11-22T02:00:00Z", "last",
                                         "2026-11-22T02:30:00Z", "evidence", DIGEST));
    return sighting;
}

static enum register_verdict answer(struct community *community, const struct actor *actor,
                                    json_t *sighting)
{
    g_autofree char *subject = g_strdup(json_text(sighting, "alarm"));

    return fold_now(community, entry_of("route-alarm", subject, PREDICATE_ROUTE_SIGHTING, sighting,
                                        KEYS(actor->issuer)));
}

static void test_another_sees_it_too(void)
{
    struct community *community = community_with_networks();
    struct actor *state = actor_at(community, 0), *company = actor_at(community, 1),
                 *society = actor_at(community, 2);
    g_autoptr(json_t) value = NULL;
    g_autofree char *alarm = NULL, *other = NULL;
    const json_t *shown, *answers;

    g_assert_cmpint(
        publish(community, state, alarm_json(community, "192.0.2.0/24", "192.0.2.0/25")), ==,
        REGISTER_COUNTS);
    alarm = last_leaf(community);
    g_assert_cmpint(answer(community, company, sighting_json(community, alarm, 2, 3)), ==,
                    REGISTER_COUNTS);
    other = last_leaf(community);
    g_assert_cmpint(answer(community, society, sighting_json(community, alarm, 0, 3)), ==,
                    REGISTER_COUNTS);
    /* By itself; to what is no alarm; to an entry that is not there. */
    g_assert_cmpint(answer(community, state, sighting_json(community, alarm, 1, 1)), ==,
                    REGISTER_CONFLICT);
    g_assert_cmpint(answer(community, society, sighting_json(community, other, 1, 1)), ==,
                    REGISTER_CONFLICT);
    g_assert_cmpint(answer(community, society, sighting_json(community, DIGEST, 1, 1)), ==,
                    REGISTER_CONFLICT);
    value = register_signatory(community->reg, state->id, community->now_us, NULL);
    shown = json_array_get(json_object_get(value, "route_alarms"), 0);
    g_assert_cmpstr(json_text(shown, "entry"), ==, alarm);
    answers = json_object_get(shown, "sightings");
    g_assert_cmpuint(json_array_size(answers), ==, 2);
    g_assert_cmpstr(json_text(json_array_get(answers, 0), "by_domain"), ==, company->domain);
    g_assert_cmpstr(json_text(json_array_get(answers, 1), "seen"), ==, "not-seen");
    community_free(community);
}

/* A word that does not follow from what was counted, or that nothing shows. */
static void test_an_answer_follows_from_its_figures(void)
{
    static const struct {
        const char *member;
        json_int_t value;
    } figures[] = { { "peers", 0 }, { "of", 0 }, { "peers", 4 } };
    static const struct {
        const char *member, *value;
    } texts[] = {
        { "seen", "not-seen" },
        { "seen", "cannot-tell" },
        { "first", "2026-11-22T00:00:00Z" },
        { "last", "2026-11-22T04:00:00Z" },
        { "first", "2026-11-22T03:00:00Z" },
        { "until", "2026-11-22T00:30:00Z" },
    };
    static const char *const needed[] = { "first", "last", "evidence" };
    struct community *community = community_with_networks();
    struct actor *state = actor_at(community, 0), *society = actor_at(community, 2);
    g_autofree char *alarm = NULL;
    json_t *sighting;

    g_assert_cmpint(
        publish(community, state, alarm_json(community, "192.0.2.0/24", "192.0.2.0/25")), ==,
        REGISTER_COUNTS);
    alarm = last_leaf(community);
    for (guint i = 0; i < G_N_ELEMENTS(figures); i++) {
        sighting = sighting_json(community, alarm, 2, 3);
        json_object_set_new(sighting, figures[i].member, json_integer(figures[i].value));
        g_assert_cmpint(answer(community, society, sighting), ==, REGISTER_MALFORMED);
    }
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        sighting = sighting_json(community, alarm, 2, 3);
        json_object_set_new(sighting, texts[i].member, json_string(texts[i].value));
        g_assert_cmpint(answer(community, society, sighting), ==, REGISTER_MALFORMED);
    }
    for (guint i = 0; i < G_N_ELEMENTS(needed); i++) {
        sighting = sighting_json(community, alarm, 2, 3);
        json_object_del(sighting, needed[i]);
        g_assert_cmpint(answer(community, society, sighting), ==, REGISTER_MALFORMED);
    }
    g_assert_cmpint(
        fold_now(community, entry_of("route-alarm", DIGEST, PREDICATE_ROUTE_SIGHTING,
                                     sighting_json(community, alarm, 2, 3), KEYS(society->issuer))),
        ==, REGISTER_MALFORMED);
    community_free(community);
}

static void test_answers_are_few(void)
{
    struct community *community = community_with_networks();
    struct actor *state = actor_at(community, 0), *society = actor_at(community, 2);
    g_autofree char *alarm = NULL;

    g_assert_cmpint(
        publish(community, state, alarm_json(community, "192.0.2.0/24", "192.0.2.0/25")), ==,
        REGISTER_COUNTS);
    alarm = last_leaf(community);
    for (guint i = 0; i < ANSWERS; i++) {
        g_assert_cmpint(answer(community, society, sighting_json(community, alarm, 0, 3)), ==,
                        REGISTER_COUNTS);
        g_assert_cmpint(answer(community, society, sighting_json(community, alarm, 0, 3)), ==,
                        REGISTER_CONFLICT);
        pass(community, HOUR_US);
    }
    g_assert_cmpint(answer(community, society, sighting_json(community, alarm, 0, 3)), ==,
                    REGISTER_CONFLICT);
    pass(community, 30 * DAY_US);
    g_assert_cmpint(
        answer(community, actor_at(community, 1), sighting_json(community, alarm, 0, 3)), ==,
        REGISTER_CONFLICT); /* nobody waits for it any more */
    community_free(community);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/register-routes/networks", test_a_network_is_whose_root_named_it_first);
    g_test_add_func("/register-routes/no-network", test_what_is_no_network_is_malformed);
    g_test_add_func("/register-routes/own", test_an_alarm_is_about_the_own_network);
    g_test_add_func("/register-routes/forged", test_forged_alarms);
    g_test_add_func("/register-routes/alarms-bounded", test_alarms_are_not_repeated_nor_many);
    g_test_add_func("/register-routes/sees-it-too", test_another_sees_it_too);
    g_test_add_func("/register-routes/figures", test_an_answer_follows_from_its_figures);
    g_test_add_func("/register-routes/answers-bounded", test_answers_are_few);
    return g_test_run();
}
