/* Module register: every attack on a community ends in its reason. */
#include "register_lab.h"

static void test_a_ring_attests_nobody(void)
{
    struct community *community = community_new();
    struct actor *ring[3] = { joined(community, "a.ring.example", GROUP_STATE),
                              joined(community, "b.ring.example", GROUP_PRIVATE_SECTOR),
                              joined(community, "c.ring.example", GROUP_CIVIL_SOCIETY) };

    for (guint i = 0; i < 3; i++)
        for (guint j = 0; j < 3; j++)
            g_assert_cmpint(attest(community, ring[i], ring[j]), ==,
                            i == j ? REGISTER_CONFLICT : REGISTER_ROLE);
    for (guint i = 0; i < 3; i++)
        assert_standing(community, ring[i], "self-declared");
    community_free(community);
}

static void test_an_incomplete_check_attests_nobody(void)
{
    struct community *community = community_new();
    struct actor *newcomer = joined(community, "new.example", GROUP_STATE);

    for (guint i = 0; i < 3; i++) {
        json_t *value = attestation_json(community, newcomer);

        json_object_set_new(value, "checked", json_pack("[s]", "domain"));
        g_assert_cmpint(
            fold_now(community, entry_of(newcomer->domain, newcomer->id, PREDICATE_ATTESTATION,
                                         value, KEYS(actor_at(community, i)->issuer))),
            ==, REGISTER_COUNTS);
    }
    assert_standing(community, newcomer, "self-declared");
    community_free(community);
}

/* Attested as one organisation, renamed to another: what was checked is not what is claimed. */
static void test_a_new_name_is_not_attested(void)
{
    struct community *community = community_new();
    struct actor *newcomer = joined(community, "new.example", GROUP_STATE);

    attest(community, actor_at(community, 0), newcomer);
    attest(community, actor_at(community, 2), newcomer);
    assert_standing(community, newcomer, "attested");
    g_free((char *)newcomer->domain);
    newcomer->domain = g_strdup("bank.example");
    g_assert_cmpint(endorse(community, newcomer), ==, REGISTER_COUNTS);
    assert_standing(community, newcomer, "self-declared");
    community_free(community);
}

static void test_one_organisation_in_two_groups(void)
{
    struct community *community = community_new();
    struct actor *twin = actor_new(community, "state.example", GROUP_CIVIL_SOCIETY, 1, 1);
    struct actor *own = actor_at(community, 0);

    /* Under its own keys again, and under new ones. */
    own->group = GROUP_CIVIL_SOCIETY;
    g_assert_cmpint(endorse(community, own), ==, REGISTER_CONFLICT);
    own->group = GROUP_STATE;
    signing_key_free(twin->root[0]);
    twin->root[0] = key_of("state.example/second-root");
    g_free(twin->id);
    {
        struct root_keys root = { 1, g_ptr_array_new() };
        guint8 id[32];

        g_ptr_array_add(root.keys, twin->root[0]->public);
        root_keys_id(&root, id);
        twin->id = hex_encode(id, sizeof id);
        g_ptr_array_unref(root.keys);
    }
    g_assert_cmpint(endorse(community, twin), ==, REGISTER_CONFLICT);
    community_free(community);
}

static void test_a_domain_taken_by_another(void)
{
    struct community *community = community_new();
    struct actor *squatter = actor_new(community, "elsewhere.example", GROUP_PRIVATE_SECTOR, 1, 1);

    g_free((char *)squatter->domain);
    squatter->domain = g_strdup("company.example");
    g_assert_cmpint(endorse(community, squatter), ==, REGISTER_CONFLICT);
    community_free(community);
}

static void test_a_stolen_key(void)
{
    struct community *community = community_new();
    struct actor *state = actor_at(community, 0);
    struct actor *friend = joined(community, "friend.example", GROUP_PRIVATE_SECTOR);
    guint64 before, stolen;
    g_autoptr(json_t) value = NULL;
    g_autoptr(json_t) entry = NULL;

    before = community->entries->len;
    g_assert_cmpint(assess(community, state, state->issuer, 5), ==, REGISTER_COUNTS);
    stolen = community->entries->len;
    g_assert_cmpint(assess(community, state, state->issuer, 1), ==, REGISTER_COUNTS);
    g_assert_cmpint(attest(community, state, friend), ==, REGISTER_COUNTS);
    g_assert_cmpint(attest(community, actor_at(community, 2), friend), ==, REGISTER_COUNTS);
    assert_standing(community, friend, "attested");
    g_assert_cmpint(fold_now(community, entry_by_root(state, PREDICATE_REVOCATION,
                                                      revocation_json(community, state->issuer,
                                                                      "stolen", stolen))),
                    ==, REGISTER_COUNTS);
    /* At or after the revocation: refused. In between: visible, disputed, not built upon. */
    g_assert_cmpint(assess(community, state, state->issuer, 1), ==, REGISTER_REVOKED);
    assert_standing(community, friend, "self-declared");
    entry = register_entry(community->reg, stolen);
    g_assert_true(json_is_true(json_object_get(entry, "disputed")));
    g_assert_true(json_is_true(json_object_get(entry, "counts")));
    value = signatory_of(community, state);
    g_assert_cmpint(json_number(json_object_get(value, "assessment"), "index", -1), ==,
                    (gint64)before);
    /* The key does not come back. */
    g_assert_cmpint(delegate_issuer(community, state), ==, REGISTER_REVOKED);
    community_free(community);
}

static void test_roles(void)
{
    struct community *community = community_new();
    struct actor *state = actor_at(community, 0), *company = actor_at(community, 1);
    g_autoptr(signing_key_t) thief = key_of("state.example/issuer/2027");
    g_autofree char *vkey = public_key_text(thief->public);
    g_autofree char *owner = NULL;
    json_t *limited, *root;

    /* A role key delegates nothing, recovers nothing, revokes nothing. */
    g_assert_cmpint(fold_now(community, entry_of(state->domain, state->id, PREDICATE_DELEGATION,
                                                 delegation_json(community, vkey, "issuer", 10),
                                                 KEYS(state->issuer))),
                    ==, REGISTER_ROLE);
    root = said_now(community);
    json_object_set_new(root, "root", json_pack("{s:i, s:[s]}", "threshold", 1, "keys", vkey));
    g_assert_cmpint(fold_now(community, entry_of(state->domain, state->id, PREDICATE_RECOVERY, root,
                                                 KEYS(state->issuer))),
                    ==, REGISTER_ROLE);
    g_assert_cmpint(
        fold_now(community, entry_of(state->domain, state->id, PREDICATE_REVOCATION,
                                     revocation_json(community, state->issuer, "stolen", 0),
                                     KEYS(state->issuer))),
        ==, REGISTER_ROLE);
    /* Nor does anybody for another. */
    g_assert_cmpint(fold_now(community, entry_of(company->domain, company->id, PREDICATE_DELEGATION,
                                                 delegation_json(community, vkey, "issuer", 10),
                                                 KEYS(state->root[0]))),
                    ==, REGISTER_ROLE);
    /* Root keys of a signatory with several sign no assessments; the only key of one may. */
    g_assert_cmpint(assess(community, company, company->root[0], 3), ==, REGISTER_SIGNATURE);
    g_assert_cmpint(assess(community, state, state->root[0], 3), ==, REGISTER_COUNTS);
    /* Beyond its limit. */
    limited = delegation_json(community, vkey, "issuer", 10);
    json_object_set_new(limited, "predicates", json_pack("[s]", PREDICATE_ASSESSMENT));
    g_assert_cmpint(fold_now(community, entry_by_root(state, PREDICATE_DELEGATION, limited)), ==,
                    REGISTER_COUNTS);
    g_assert_cmpint(assess(community, state, thief, 3), ==, REGISTER_COUNTS);
    g_assert_cmpint(
        fold_now(community, entry_of(company->domain, company->id, PREDICATE_ATTESTATION,
                                     attestation_json(community, company), KEYS(thief))),
        ==, REGISTER_ROLE);
    /* Another role. */
    {
        g_autoptr(signing_key_t) other = key_of("state.example/owner");

        owner = public_key_text(other->public);
        g_assert_cmpint(
            fold_now(community, entry_by_root(state, PREDICATE_DELEGATION,
                                              delegation_json(community, owner, "owner", 10))),
            ==, REGISTER_COUNTS);
        g_assert_cmpint(assess(community, state, other, 3), ==, REGISTER_ROLE);
        /* A key has one role. */
        g_assert_cmpint(
            fold_now(community, entry_by_root(state, PREDICATE_DELEGATION,
                                              delegation_json(community, owner, "issuer", 10))),
            ==, REGISTER_CONFLICT);
    }
    /* A key that nobody has. */
    {
        g_autoptr(signing_key_t) nobody = key_of("nobody.example/issuer");

        g_assert_cmpint(assess(community, state, nobody, 3), ==, REGISTER_UNKNOWN_KEY);
    }
    community_free(community);
}

static void test_expiry_is_judged_by_the_time_of_the_log(void)
{
    struct community *community = community_new();
    struct actor *state = actor_at(community, 0);
    GBytes *entry;
    g_autoptr(GBytes) kept = NULL;

    entry = entry_of(
        "assessment.json", "0000000000000000000000000000000000000000000000000000000000000001",
        PREDICATE_ASSESSMENT, assessment_json(community, state, 3), KEYS(state->issuer));
    kept = g_bytes_ref(entry);
    /* Its own clock says that all is well; the log says that it came a year later. */
    g_assert_cmpint(fold_at(community, entry, community->now_us + 365 * DAY_US), ==,
                    REGISTER_EXPIRED);
    /* Without a time of the log, its own is all there is. */
    g_assert_cmpint(fold_at(community, g_steal_pointer(&kept), 0), ==, REGISTER_COUNTS);
    community_free(community);
}

/* A time ahead of the log's would let a delegation outlive its 400 days. */
static void test_nothing_is_said_in_the_future(void)
{
    struct community *community = community_new();
    struct actor *state = actor_at(community, 0);
    const gint64 now_us = community->now_us;
    g_autofree char *vkey = public_key_text(state->issuer->public);
    GBytes *ahead;

    community->now_us += 900 * DAY_US;
    ahead =
        entry_by_root(state, PREDICATE_DELEGATION, delegation_json(community, vkey, "issuer", 400));
    g_assert_cmpint(fold_at(community, ahead, now_us), ==, REGISTER_CONFLICT);
    community_free(community);
}

static void test_another_log(void)
{
    struct community *community = community_new();
    struct actor *newcomer = actor_new(community, "new.example", GROUP_STATE, 1, 1);
    json_t *value = endorsement_json(community, newcomer);

    json_object_set_new(value, "log", json_string("call.example/else"));
    g_assert_cmpint(fold_now(community, entry_by_root(newcomer, PREDICATE_ENDORSEMENT, value)), ==,
                    REGISTER_OTHER_LOG);
    community_free(community);
}

/* The same payload under another signature brings an old statement back to nobody. */
static void test_the_same_payload_twice(void)
{
    struct community *community = community_new();
    struct actor *company = actor_at(community, 1);
    g_autofree char *vkey = public_key_text(company->issuer->public);
    json_t *value = delegation_json(community, vkey, "issuer", 10);
    GBytes *first = entry_of(company->domain, company->id, PREDICATE_DELEGATION, json_incref(value),
                             KEYS(company->root[0], company->root[1]));
    GBytes *again = entry_of(company->domain, company->id, PREDICATE_DELEGATION, value,
                             KEYS(company->root[1], company->root[2]));

    g_assert_false(g_bytes_equal(first, again));
    g_assert_cmpint(fold_now(community, first), ==, REGISTER_COUNTS);
    g_assert_cmpint(fold_now(community, again), ==, REGISTER_CONFLICT);
    community_free(community);
}

/* Signed earlier, submitted later: an old endorsement does not replace a newer one. */
static void test_an_older_endorsement_comes_late(void)
{
    struct community *community = community_new();
    struct actor *state = actor_at(community, 0);
    GBytes *older = entry_by_root(state, PREDICATE_ENDORSEMENT, endorsement_json(community, state));

    g_assert_cmpint(endorse(community, state), ==, REGISTER_COUNTS);
    g_assert_cmpint(fold_now(community, older), ==, REGISTER_CONFLICT);
    community_free(community);
}

static void test_duplicate_signers_count_once(void)
{
    struct community *community = community_new();
    struct actor *company = actor_at(community, 1);
    g_autofree char *vkey = public_key_text(company->issuer->public);

    g_assert_cmpint(fold_now(community, entry_of(company->domain, company->id, PREDICATE_DELEGATION,
                                                 delegation_json(community, vkey, "issuer", 10),
                                                 KEYS(company->root[0], company->root[0]))),
                    ==, REGISTER_SIGNATURE);
    community_free(community);
}

/* A key claimed by one who cannot sign with it is still its owner's. */
static void test_a_claimed_key_goes_to_who_can_sign(void)
{
    struct community *community = community_new();
    struct actor *thief = actor_at(community, 0);
    struct actor *owner = actor_new(community, "owner.example", GROUP_CIVIL_SOCIETY, 1, 1);
    g_autofree char *vkey = public_key_text(owner->root[0]->public);
    g_autofree char *issuer = public_key_text(owner->issuer->public);

    g_assert_cmpint(
        fold_now(community, entry_by_root(thief, PREDICATE_DELEGATION,
                                          delegation_json(community, vkey, "issuer", 10))),
        ==, REGISTER_COUNTS);
    g_assert_cmpint(
        fold_now(community, entry_by_root(thief, PREDICATE_DELEGATION,
                                          delegation_json(community, issuer, "issuer", 10))),
        ==, REGISTER_COUNTS);
    g_assert_cmpint(endorse(community, owner), ==, REGISTER_COUNTS);
    g_assert_cmpint(delegate_issuer(community, owner), ==, REGISTER_CONFLICT);
    g_assert_cmpint(fold_now(community, entry_of(owner->domain, owner->id, PREDICATE_DELEGATION,
                                                 delegation_json(community, issuer, "issuer", 10),
                                                 KEYS(owner->root[0], owner->issuer))),
                    ==, REGISTER_COUNTS);
    g_assert_cmpint(assess(community, owner, owner->issuer, 3), ==, REGISTER_COUNTS);
    community_free(community);
}

static void test_forms_that_are_not_the_one(void)
{
    struct community *community = community_new();
    struct actor *state = actor_at(community, 0);
    g_autoptr(GBytes) entry = entry_of(
        "assessment.json", "0000000000000000000000000000000000000000000000000000000000000001",
        PREDICATE_ASSESSMENT, assessment_json(community, state, 3), KEYS(state->issuer));
    g_autofree char *text = g_strndup(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry));
    g_autofree char *spaced = g_strconcat(text, "\n", NULL);
    g_autofree char *large = g_strnfill(65536, ' ');
    const char *const forms[] = { "", "{}", "null", spaced, large };
    g_autoptr(GBytes) local = NULL;
    g_autoptr(json_t) size = json_pack("{s:i}", "size", 3);

    for (guint i = 0; i < G_N_ELEMENTS(forms); i++)
        g_assert_cmpint(fold_now(community, g_bytes_new(forms[i], strlen(forms[i]))), ==,
                        REGISTER_MALFORMED);
    local =
        entry_of("letter.txt", "0000000000000000000000000000000000000000000000000000000000000001",
                 PREDICATE_DOCUMENT, json_incref(size), KEYS(state->issuer));
    g_assert_cmpint(fold_now(community, g_steal_pointer(&local)), ==, REGISTER_EXPOSURE);
    g_assert_cmpint(
        fold_now(community,
                 entry_of("a", "0000000000000000000000000000000000000000000000000000000000000001",
                          PREDICATE_PREFIX "unheard-of:1", json_object(), KEYS(state->issuer))),
        ==, REGISTER_UNKNOWN_PREDICATE);
    {
        g_autoptr(json_t) last = last_entry(community);

        g_assert_cmpstr(json_text(last, "verdict"), ==, "unknown-predicate");
    }
    community_free(community);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(void);
    } tests[] = {
        { "/register/attack/ring", test_a_ring_attests_nobody },
        { "/register/attack/incomplete-check", test_an_incomplete_check_attests_nobody },
        { "/register/attack/renamed", test_a_new_name_is_not_attested },
        { "/register/attack/two-groups", test_one_organisation_in_two_groups },
        { "/register/attack/domain-taken", test_a_domain_taken_by_another },
        { "/register/attack/stolen-key", test_a_stolen_key },
        { "/register/attack/roles", test_roles },
        { "/register/attack/expired", test_expiry_is_judged_by_the_time_of_the_log },
        { "/register/attack/future", test_nothing_is_said_in_the_future },
        { "/register/attack/other-log", test_another_log },
        { "/register/attack/same-payload", test_the_same_payload_twice },
        { "/register/attack/older-endorsement", test_an_older_endorsement_comes_late },
        { "/register/attack/duplicate-signers", test_duplicate_signers_count_once },
        { "/register/attack/claimed-key", test_a_claimed_key_goes_to_who_can_sign },
        { "/register/attack/forms", test_forms_that_are_not_the_one },
    };

    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add_func(tests[i].path, tests[i].test);
    return g_test_run();
}
