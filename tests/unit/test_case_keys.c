/* Who may speak for a signatory in cases (case_keys.h), from a register. */
#include "community.h"
#include "process/case_keys.h"

/* The verdict on one key, and whether it is among those that may speak. */
static enum case_verdict verdict_on(const struct community *community, const struct actor *actor,
                                    const struct signing_key *key, gint64 time_us)
{
    const struct case_keys keys = case_keys_of_register(community->reg);
    g_autofree char *hint = public_key_hint(key->public);
    enum case_verdict why = CASE_GAP;
    g_autoptr(GPtrArray) list = keys.keys(keys.data, actor->id, time_us, hint, &why);
    gboolean found = FALSE;

    for (guint i = 0; list && i < list->len; i++)
        found |= memcmp(((struct public_key *)list->pdata[i])->bytes, key->public->bytes,
                        KEY_PUBLIC_SIZE) == 0;
    g_assert_cmpint(found, ==, why == CASE_APPLIED);
    return why;
}

static void delegate(struct community *community, const struct actor *actor,
                     const struct signing_key *key, const char *role, const char *limit)
{
    g_autofree char *vkey = public_key_text(key->public);
    json_t *predicate = delegation_json(community, vkey, role, 10);

    if (limit)
        json_object_set_new(predicate, "predicates", json_pack("[s]", limit));
    g_assert_cmpint(fold_now(community, entry_by_root(actor, PREDICATE_DELEGATION, predicate)), ==,
                    REGISTER_COUNTS);
}

static void test_issuers_and_single_keys_speak(void)
{
    struct community *community = community_new();
    const struct actor *state = actor_at(community, 0), *company = actor_at(community, 1);
    const gint64 now_us = community->now_us;

    g_assert_cmpint(verdict_on(community, state, state->issuer, now_us), ==, CASE_APPLIED);
    g_assert_cmpint(verdict_on(community, state, state->root[0], now_us), ==, CASE_APPLIED);
    /* One of several root keys, and a key of somebody else, do not. */
    g_assert_cmpint(verdict_on(community, company, company->root[0], now_us), !=, CASE_APPLIED);
    g_assert_cmpint(verdict_on(community, company, state->issuer, now_us), ==, CASE_UNKNOWN_KEY);
    /* Nor after its end. */
    g_assert_cmpint(verdict_on(community, state, state->issuer, now_us + 101 * DAY_US), ==,
                    CASE_EXPIRED);
    community_free(community);
}

static void test_limits_are_respected(void)
{
    struct community *community = community_new();
    const struct actor *state = actor_at(community, 0);
    g_autoptr(signing_key_t) cases = key_of("state.example/desk"),
                             host = key_of("state.example/host"),
                             owner = key_of("state.example/owner");

    delegate(community, state, cases, "issuer", PREDICATE_CASE_EVENT);
    delegate(community, state, host, "issuer", PREDICATE_ASSESSMENT);
    delegate(community, state, owner, "owner", NULL);
    g_assert_cmpint(verdict_on(community, state, cases, community->now_us), ==, CASE_APPLIED);
    g_assert_cmpint(verdict_on(community, state, host, community->now_us), ==, CASE_ROLE);
    g_assert_cmpint(verdict_on(community, state, owner, community->now_us), ==, CASE_ROLE);
    community_free(community);
}

static void test_a_revoked_key_is_silent_from_then_on(void)
{
    struct community *community = community_new();
    const struct actor *state = actor_at(community, 0);
    const gint64 before_us = community->now_us;

    g_assert_cmpint(
        fold_now(community, entry_by_root(state, PREDICATE_REVOCATION,
                                          revocation_json(community, state->issuer, "lost",
                                                          community->entries->len))),
        ==, REGISTER_COUNTS);
    g_assert_cmpint(verdict_on(community, state, state->issuer, before_us), ==, CASE_APPLIED);
    g_assert_cmpint(verdict_on(community, state, state->issuer, community->now_us + DAY_US), ==,
                    CASE_REVOKED);
    community_free(community);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/case-keys/issuers_and_single_keys_speak", test_issuers_and_single_keys_speak);
    g_test_add_func("/case-keys/limits_are_respected", test_limits_are_respected);
    g_test_add_func("/case-keys/a_revoked_key_is_silent_from_then_on",
                    test_a_revoked_key_is_silent_from_then_on);
    return g_test_run();
}
