/*
 * Module register: a community's life, from its first member to many; what each kind of entry does
 * to it (fold_keys, fold_many, fold_policy, fold_review, fold_said, fold_signatories, policy_read).
 */
#include "register_lab.h"

static void test_attested_by_two_groups(void)
{
    struct community *community = community_new();
    struct actor *newcomer = joined(community, "new.example", GROUP_PRIVATE_SECTOR);
    struct actor *second = joined(community, "second.example", GROUP_STATE);

    assert_standing(community, newcomer, "self-declared");
    g_assert_cmpint(attest(community, actor_at(community, 0), newcomer), ==, REGISTER_COUNTS);
    assert_standing(community, newcomer, "self-declared");
    g_assert_cmpint(attest(community, actor_at(community, 2), newcomer), ==, REGISTER_COUNTS);
    assert_standing(community, newcomer, "attested");
    /* What was attested may attest; two of one group are one too few. */
    g_assert_cmpint(attest(community, newcomer, second), ==, REGISTER_COUNTS);
    g_assert_cmpint(attest(community, actor_at(community, 1), second), ==, REGISTER_COUNTS);
    assert_standing(community, second, "self-declared");
    g_assert_cmpint(attest(community, actor_at(community, 0), second), ==, REGISTER_COUNTS);
    assert_standing(community, second, "attested");
    community_free(community);
}

/* Two names of one organisation, in two groups, vouch as one; and nobody vouches for itself so. */
static void test_one_organisation_vouches_once(void)
{
    struct community *community = community_new();
    struct actor *office = joined(community, "office.state.example", GROUP_PRIVATE_SECTOR);
    struct actor *newcomer = joined(community, "new.example", GROUP_PRIVATE_SECTOR);

    g_assert_cmpint(attest(community, actor_at(community, 0), office), ==, REGISTER_COUNTS);
    g_assert_cmpint(attest(community, actor_at(community, 1), office), ==, REGISTER_COUNTS);
    assert_standing(community, office, "self-declared");
    g_assert_cmpint(attest(community, actor_at(community, 2), office), ==, REGISTER_COUNTS);
    assert_standing(community, office, "attested");
    g_assert_cmpint(attest(community, actor_at(community, 0), newcomer), ==, REGISTER_COUNTS);
    g_assert_cmpint(attest(community, office, newcomer), ==, REGISTER_COUNTS);
    assert_standing(community, newcomer, "self-declared");
    g_assert_cmpint(attest(community, actor_at(community, 2), newcomer), ==, REGISTER_COUNTS);
    assert_standing(community, newcomer, "attested");
    community_free(community);
}

/* When who vouched falls, those who stand on it fall, too. */
static void test_withdrawn_attestations_fall_through(void)
{
    struct community *community = community_new();
    struct actor *first = joined(community, "first.example", GROUP_PRIVATE_SECTOR);
    struct actor *second = joined(community, "second.example", GROUP_STATE);
    json_t *withdrawn;

    attest(community, actor_at(community, 0), first);
    attest(community, actor_at(community, 2), first);
    attest(community, first, second);
    attest(community, actor_at(community, 0), second);
    assert_standing(community, second, "attested");
    withdrawn = attestation_json(community, first);
    json_object_set_new(withdrawn, "withdrawn", json_true());
    g_assert_cmpint(fold_now(community, entry_of(first->domain, first->id, PREDICATE_ATTESTATION,
                                                 withdrawn, KEYS(actor_at(community, 2)->issuer))),
                    ==, REGISTER_COUNTS);
    assert_standing(community, first, "self-declared");
    assert_standing(community, second, "self-declared");
    /* And stand again when they are vouched for again. */
    attest(community, actor_at(community, 2), first);
    assert_standing(community, second, "attested");
    community_free(community);
}

static enum register_verdict change_policy(struct community *community, json_t *policy,
                                           guint version, struct signing_key *const *keys)
{
    g_autofree char *previous = hex_encode(register_policy(community->reg)->hash, 32);

    json_object_set_new(policy, "version", json_integer(version));
    json_object_set_new(policy, "previous", json_string(previous));
    community->now_us += G_USEC_PER_SEC;
    return fold_now(community, policy_entry(policy, keys));
}

static void expect_policy(struct community *community, json_t *policy, guint version,
                          struct signing_key *const *keys, enum register_verdict expected)
{
    const enum register_verdict verdict = change_policy(community, policy, version, keys);

    g_assert_cmpint(verdict, ==, expected);
}

static void test_a_policy_changes_by_the_old_quorum(void)
{
    struct community *community = community_new();
    struct actor *state = actor_at(community, 0), *company = actor_at(community, 1);
    struct actor *society = actor_at(community, 2);
    struct actor *newcomer = joined(community, "new.example", GROUP_STATE);
    struct actor *with[4] = { state, company, society, newcomer };
    struct actor *without[3] = { newcomer, company, society };
    guint64 changed;

    /* Not before it is attested. */
    expect_policy(community, policy_json(community, with, 4, 1), 2,
                  KEYS(state->root[0], company->root[0], company->root[1], society->root[0]),
                  REGISTER_CONFLICT);
    attest(community, state, newcomer);
    attest(community, society, newcomer);
    /* One root key of a two-of-three member is none; neither are issuers. */
    expect_policy(community, policy_json(community, with, 4, 1), 2,
                  KEYS(state->root[0], company->root[0], society->root[0]), REGISTER_QUORUM);
    expect_policy(community, policy_json(community, with, 4, 1), 2,
                  KEYS(state->issuer, company->issuer, society->issuer), REGISTER_QUORUM);
    /* One signature twice is one. */
    expect_policy(community, policy_json(community, with, 4, 1), 2,
                  KEYS(state->root[0], company->root[0], company->root[0], society->root[0]),
                  REGISTER_QUORUM);
    /* The quorum of the new one is not that of the old one; nor is the log's key. */
    expect_policy(community, policy_json(community, without, 3, 1), 2,
                  KEYS(newcomer->root[0], company->root[0], company->root[1], society->root[0],
                       community->log),
                  REGISTER_QUORUM);
    changed = community->entries->len;
    expect_policy(community, policy_json(community, without, 3, 1), 2,
                  KEYS(state->root[0], company->root[2], company->root[1], society->root[0]),
                  REGISTER_COUNTS);
    g_assert_cmpuint(register_policy(community->reg)->version, ==, 2);
    g_assert_cmpuint(register_policy_at(community->reg, changed)->version, ==, 1);
    g_assert_cmpuint(register_policy_at(community->reg, changed + 1)->version, ==, 2);
    /* Who left is no longer attested by the policy; the newcomer is, by it. */
    assert_standing(community, state, "self-declared");
    assert_standing(community, newcomer, "policy");
    /* A policy that skips a version, or forgets what it follows. */
    expect_policy(community, policy_json(community, with, 4, 1), 4,
                  KEYS(newcomer->root[0], company->root[0], company->root[1], society->root[0]),
                  REGISTER_CONFLICT);
    community_free(community);
}

static void assert_policy_refused(json_t *policy, const char *word)
{
    g_autoptr(json_t) owned = policy;
    g_autoptr(GError) error = NULL;
    g_autoptr(community_policy_t) read = community_policy_read(policy, &error);

    g_assert_null(read);
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, word));
}

static void test_policies_that_could_not_count(void)
{
    struct community *community = community_new();
    struct actor *members[3] = { actor_at(community, 0), actor_at(community, 1),
                                 actor_at(community, 2) };
    struct actor *twins[3] = { members[0], members[1], members[0] };
    json_t *policy = policy_json(community, members, 3, 1);

    json_object_set_new(policy, "operator", json_string("company.example"));
    assert_policy_refused(policy, "operates the log");
    policy = policy_json(community, members, 3, 1);
    json_object_set_new(policy, "operator", json_string("log.company.example"));
    assert_policy_refused(policy, "operates the log");
    assert_policy_refused(policy_json(community, members, 3, 2), "quorum asks for 2");
    assert_policy_refused(policy_json(community, twins, 3, 1), "one organisation");
    policy = policy_json(community, members, 3, 1);
    json_object_set_new(json_object_get(policy, "quorum"), "state", json_integer(0));
    assert_policy_refused(policy, "leaves a group out");
    policy = policy_json(community, members, 3, 1);
    json_object_set_new(json_array_get(json_object_get(policy, "members"), 1), "witness",
                        json_incref(json_object_get(
                            json_array_get(json_object_get(policy, "members"), 0), "witness")));
    assert_policy_refused(policy, "two places");
    policy = policy_json(community, members, 3, 1);
    json_object_set_new(policy, "log", json_string("call.example/other"));
    assert_policy_refused(policy, "not as its origin");
    community_free(community);
}

static void test_a_policy_is_read_from_yaml(void)
{
    struct community *community = community_new();
    struct actor *state = actor_at(community, 0);
    g_autofree char *log = public_key_text(community->log->public);
    g_autofree char *root = public_key_text(state->root[0]->public);
    g_autofree char *yaml =
        g_strdup_printf("log: %s\nlog_keys: [%s]\noperator: operator.example\nmembers:\n"
                        "  - {name: A state, domain: state.example, group: state, country: FR,\n"
                        "     root: {threshold: 1, keys: [%s]}}\n"
                        "quorum: {state: 0, private-sector: 0, civil-society: 0}\n",
                        ORIGIN, log, root);
    g_autoptr(GError) error = NULL;
    g_autoptr(community_policy_t) policy =
        community_policy_parse(yaml, strlen(yaml), "policy.yaml", &error);
    g_autoptr(community_policy_t) again = NULL;

    g_assert_no_error(error);
    g_assert_true(policy->witnesses->none);
    g_assert_cmpint(policy->max_age_s, ==, 86400);
    g_assert_cmpuint(community_policy_signers(policy, GROUP_STATE), ==, 1);
    g_assert_cmpuint(community_policy_signers(policy, GROUP_CIVIL_SOCIETY), ==, 0);
    again = community_policy_read(policy->predicate, &error);
    g_assert_cmpmem(policy->hash, 32, again->hash, 32);
    g_assert_null(community_policy_parse("log: a\nlog: b\n", 14, "p.yaml", &error));
    g_assert_nonnull(strstr(error->message, "p.yaml:2:1"));
    community_free(community);
}

static void test_recovery_replaces_the_root(void)
{
    struct community *community = community_new();
    struct actor *company = actor_at(community, 1);
    g_autoptr(signing_key_t) fresh = key_of("company.example/root-new");
    g_autofree char *vkey = public_key_text(fresh->public);
    g_autofree char *issuer = public_key_text(company->issuer->public);
    json_t *root = said_now(community);
    g_autoptr(json_t) value = NULL;

    json_object_set_new(root, "root", json_pack("{s:i, s:[s]}", "threshold", 1, "keys", vkey));
    g_assert_cmpint(fold_now(community, entry_by_root(company, PREDICATE_RECOVERY, root)), ==,
                    REGISTER_COUNTS);
    /* The id stays; the old keys are nothing; the new one signs. */
    value = signatory_of(community, company);
    g_assert_cmpstr(json_text(value, "id"), ==, company->id);
    g_assert_cmpint(
        fold_now(community, entry_by_root(company, PREDICATE_DELEGATION,
                                          delegation_json(community, issuer, "issuer", 20))),
        ==, REGISTER_REVOKED);
    g_assert_cmpint(fold_now(community, entry_of(company->domain, company->id, PREDICATE_DELEGATION,
                                                 delegation_json(community, issuer, "issuer", 20),
                                                 KEYS(fresh))),
                    ==, REGISTER_COUNTS);
    community_free(community);
}

/* Who lost its root keys, or sits on a domain, is removed by the quorum; the domain is free. */
static void test_removal_frees_the_domain(void)
{
    struct community *community = community_new();
    struct actor *squatter = joined(community, "bank.example", GROUP_PRIVATE_SECTOR);
    struct actor *bank = actor_new(community, "true.bank.example", GROUP_PRIVATE_SECTOR, 1, 1);
    struct actor *members[3] = { actor_at(community, 0), actor_at(community, 1),
                                 actor_at(community, 2) };
    json_t *policy = policy_json(community, members, 3, 1);

    json_object_set_new(policy, "removed", json_pack("[s]", squatter->id));
    expect_policy(
        community, policy, 2,
        KEYS(members[0]->root[0], members[1]->root[0], members[1]->root[1], members[2]->root[0]),
        REGISTER_COUNTS);
    assert_standing(community, squatter, "removed");
    g_assert_cmpint(assess(community, squatter, squatter->issuer, 5), ==, REGISTER_REVOKED);
    g_free((char *)bank->domain);
    bank->domain = g_strdup("bank.example");
    g_assert_cmpint(endorse(community, bank), ==, REGISTER_COUNTS);
    community_free(community);
}

static void test_commitments_are_updated_by_their_signatory(void)
{
    struct community *community = community_new();
    struct actor *state = actor_at(community, 0), *society = actor_at(community, 2);
    json_t *commitment = said_now(community), *update;
    g_autoptr(json_t) entry = NULL;
    g_autoptr(json_t) value = NULL;

    json_object_update_new(commitment,
                           json_pack("{s:{s:s}, s:i, s:[s], s:[s], s:[i], s:s, s:s, s:s}", "text",
                                     "en", "We publish our policy.", "principle", 9, "norms", "c",
                                     "cbms", "OSCE-1", "gcsc", 1, "kind", "normative", "due",
                                     "2027-11-12", "convening", "Paris Peace Forum 2027"));
    update = json_deep_copy(commitment);
    g_assert_cmpint(fold_now(community, entry_of(state->domain, state->id, PREDICATE_COMMITMENT,
                                                 commitment, KEYS(state->issuer))),
                    ==, REGISTER_COUNTS);
    entry = last_entry(community);
    json_object_set_new(update, "status", json_string("done"));
    json_object_set(update, "of", json_object_get(entry, "entry"));
    /* By another signatory, then by its own. */
    g_assert_cmpint(fold_now(community, entry_of(society->domain, society->id, PREDICATE_COMMITMENT,
                                                 json_incref(update), KEYS(society->issuer))),
                    ==, REGISTER_CONFLICT);
    g_assert_cmpint(fold_now(community, entry_of(state->domain, state->id, PREDICATE_COMMITMENT,
                                                 update, KEYS(state->issuer))),
                    ==, REGISTER_COUNTS);
    value = signatory_of(community, state);
    g_assert_cmpuint(json_array_size(json_object_get(value, "commitments")), ==, 2);
    g_assert_true(json_is_true(json_object_get(value, "single_key")));
    community_free(community);
}

static json_t *review_json(struct community *community, const json_t *assessment)
{
    const json_t *draw = json_object_get(assessment, "draw");
    json_t *review = said_now(community);

    json_object_set(review, "assessment", json_object_get(assessment, "entry"));
    json_object_set_new(review, "draw",
                        json_pack("{s:O, s:O}", "size", json_object_get(draw, "size"), "root",
                                  json_object_get(draw, "root")));
    json_object_set(review, "indices", json_object_get(draw, "indices"));
    json_object_set_new(review, "verdict", json_string("contradicted"));
    return review;
}

static void test_reviews_are_by_lot(void)
{
    struct community *community = community_new();
    struct actor *state = actor_at(community, 0), *society = actor_at(community, 2);
    g_autoptr(GArray) moments = g_array_new(FALSE, TRUE, sizeof(struct log_moment));
    struct log_moment moment = { .size = community->entries->len + 1,
                                 .time_s = (gint64)(community->now_us / G_USEC_PER_SEC) + 60 };
    g_autoptr(json_t) value = NULL;
    g_autoptr(json_t) after = NULL;
    const json_t *assessment;
    json_t *other;

    memset(moment.root.bytes, 7, sizeof moment.root.bytes);
    g_array_append_val(moments, moment);
    register_set_moments(community->reg, moments);
    g_assert_cmpint(assess(community, state, state->issuer, 4), ==, REGISTER_COUNTS);
    value = signatory_of(community, state);
    assessment = json_object_get(value, "assessment");
    g_assert_cmpstr(json_text(assessment, "status"), ==, "self-declared");
    /* Not by itself; not over other findings than those drawn. */
    g_assert_cmpint(
        fold_now(community, entry_of("", json_text(assessment, "entry"), PREDICATE_REVIEW,
                                     review_json(community, assessment), KEYS(state->issuer))),
        ==, REGISTER_ROLE);
    other = review_json(community, assessment);
    json_object_set_new(other, "indices", json_pack("[i]", 10));
    g_assert_cmpint(fold_now(community, entry_of("", json_text(assessment, "entry"),
                                                 PREDICATE_REVIEW, other, KEYS(society->issuer))),
                    ==, REGISTER_CONFLICT);
    g_assert_cmpint(
        fold_now(community, entry_of("", json_text(assessment, "entry"), PREDICATE_REVIEW,
                                     review_json(community, assessment), KEYS(society->issuer))),
        ==, REGISTER_COUNTS);
    after = signatory_of(community, state);
    g_assert_cmpstr(json_text(json_object_get(after, "assessment"), "status"), ==, "contradicted");
    community_free(community);
}

static void assert_same_register(const struct community *community, const struct reg *other)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) a = register_document(community->reg, community->now_us, &error);
    g_autoptr(GBytes) b = NULL;

    g_assert_no_error(error);
    b = register_document(other, community->now_us, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(a, NULL), g_bytes_get_size(a), g_bytes_get_data(b, NULL),
                    g_bytes_get_size(b));
}

/* One random step in a community: right or wrong, by whoever. */
static void random_step(struct community *community, GRand *random)
{
    const guint count = community->actors->len;
    struct actor *by = actor_at(community, (guint)g_rand_int_range(random, 0, (gint)count));
    struct actor *of = actor_at(community, (guint)g_rand_int_range(random, 0, (gint)count));
    g_autofree char *vkey = public_key_text(of->issuer->public);

    switch (g_rand_int_range(random, 0, 9)) {
    case 0:
        endorse(community, by);
        break;
    case 1:
        delegate_issuer(community, by);
        break;
    case 2:
        fold_now(community, entry_of(by->domain, by->id, PREDICATE_DELEGATION,
                                     delegation_json(community, vkey, "issuer", 30),
                                     KEYS(by->root[0], of->issuer)));
        break;
    case 3:
        if (!g_rand_int_range(random, 0, 6))
            fold_now(community, entry_by_root(by, PREDICATE_REVOCATION,
                                              revocation_json(community, by->issuer, "lost",
                                                              community->entries->len / 2)));
        break;
    case 4:
        fold_now(community, g_bytes_ref(community->entries->pdata[g_rand_int_range(
                                random, 0, (gint)community->entries->len)]));
        break;
    case 5:
        assess(community, by, of->issuer, 1 + g_rand_int_range(random, 0, 5));
        break;
    default:
        attest(community, by, of);
    }
}

/* The same entries, one by one and in batches on threads, give the same bytes. */
static void test_rebuilt_byte_for_byte(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(20181112);
    g_autoptr(GHashTable) verdicts = g_hash_table_new(NULL, NULL);

    for (guint round = 0; round < 6; round++) {
        struct community *community = community_new();
        g_autoptr(reg_t) again = NULL;
        g_autoptr(GPtrArray) head = NULL;

        for (guint i = 0; i < 6; i++) {
            g_autofree char *domain = g_strdup_printf("actor-%u.example", i);

            actor_new(community, domain, (enum group)(GROUP_STATE + i % 3), 1 + i % 2, 1 + i % 2);
        }
        for (guint i = 0; i < 150; i++)
            random_step(community, random);
        again = register_new(community->genesis);
        register_fold_many(again, community->entries,
                           (const gint64 *)(gpointer)community->times->data, 1 + round % 3);
        assert_same_register(community, again);
        for (guint i = 0; i < community->entries->len; i++) {
            g_autoptr(json_t) entry = register_entry(again, i);
            const char *verdict = json_text(entry, "verdict");

            g_hash_table_add(verdicts, (gpointer)g_intern_string(verdict ? verdict : "counts"));
        }
        community_free(community);
    }
    /* The walk went somewhere. */
    g_assert_cmpuint(g_hash_table_size(verdicts), >=, 6);
}

/* How long a hundred thousand entries take; measured with G_TEST_SLOW (-m slow). */
static void test_many_entries(void)
{
    struct community *community = community_new();
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    const guint count = g_test_slow() ? 100000 : 300;
    g_autoptr(reg_t) reg = register_new(community->genesis);
    g_autoptr(GBytes) document = NULL;
    gint64 start_us;
    clock_t used;

    for (guint i = 0; i < community->entries->len; i++)
        g_ptr_array_add(entries, g_bytes_ref(community->entries->pdata[i]));
    while (entries->len < count) {
        struct actor *actor = actor_at(community, entries->len % 3);
        g_autofree char *digest = g_strdup_printf("%064x", entries->len);

        g_ptr_array_add(entries,
                        entry_of("assessment.json", digest, PREDICATE_ASSESSMENT,
                                 assessment_json(community, actor, 3), KEYS(actor->issuer)));
    }
    start_us = g_get_monotonic_time();
    used = clock();
    register_fold_many(reg, entries, NULL, 0);
    g_test_message("%u entries of %zu bytes folded in %.2f s, %.2f s of processors", entries->len,
                   g_bytes_get_size(entries->pdata[entries->len - 1]),
                   (double)(g_get_monotonic_time() - start_us) / G_USEC_PER_SEC,
                   (double)(clock() - used) / CLOCKS_PER_SEC);
    start_us = g_get_monotonic_time();
    document = register_document(reg, community->now_us, NULL);
    g_test_message("document of %zu bytes in %.3f s", g_bytes_get_size(document),
                   (double)(g_get_monotonic_time() - start_us) / G_USEC_PER_SEC);
    g_assert_cmpuint(register_size(reg), ==, count);
    for (guint64 i = 0; i < count; i += count / 10) {
        g_autoptr(json_t) entry = register_entry(reg, i);

        g_assert_true(json_is_true(json_object_get(entry, "counts")));
    }
    community_free(community);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test)(void);
    } tests[] = {
        { "/register/attested-by-two-groups", test_attested_by_two_groups },
        { "/register/one-organisation-vouches-once", test_one_organisation_vouches_once },
        { "/register/withdrawn-falls-through", test_withdrawn_attestations_fall_through },
        { "/register/policy/old-quorum", test_a_policy_changes_by_the_old_quorum },
        { "/register/policy/could-not-count", test_policies_that_could_not_count },
        { "/register/policy/yaml", test_a_policy_is_read_from_yaml },
        { "/register/recovery", test_recovery_replaces_the_root },
        { "/register/removal", test_removal_frees_the_domain },
        { "/register/commitments", test_commitments_are_updated_by_their_signatory },
        { "/register/reviews", test_reviews_are_by_lot },
        { "/register/rebuilt", test_rebuilt_byte_for_byte },
        { "/register/many", test_many_entries },
    };

    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add_func(tests[i].path, tests[i].test);
    return g_test_run();
}
