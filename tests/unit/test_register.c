/* Module register: a community's life, and every attack ends in its reason. */
#include "community.h"

static void test_a_community_lives(void)
{
    struct community *community = community_new();
    struct actor *newcomer = actor_new(community, "new.example", GROUP_PRIVATE_SECTOR, 1, 1);
    g_autofree char *before = NULL, *half = NULL, *after = NULL;

    g_assert_cmpint(endorse(community, newcomer), ==, REGISTER_COUNTS);
    g_assert_cmpint(delegate_issuer(community, newcomer), ==, REGISTER_COUNTS);
    g_assert_cmpint(assess(community, newcomer, newcomer->issuer, 4), ==, REGISTER_COUNTS);
    before = standing_of(community, newcomer);
    g_assert_cmpint(attest(community, actor_at(community, 0), newcomer), ==, REGISTER_COUNTS);
    half = standing_of(community, newcomer);
    g_assert_cmpint(attest(community, actor_at(community, 2), newcomer), ==, REGISTER_COUNTS);
    after = standing_of(community, newcomer);
    g_assert_cmpstr(before, ==, "self-declared");
    g_assert_cmpstr(half, ==, "self-declared");
    g_assert_cmpstr(after, ==, "attested");
    community_free(community);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/register/a-community-lives", test_a_community_lives);
    return g_test_run();
}
