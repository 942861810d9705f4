/* register_lab.h: for tests of the register: who stands where in a community. */
#pragma once
#include "community.h"

static inline void assert_standing(const struct community *community, const struct actor *actor,
                                   const char *wanted)
{
    g_autofree char *got = standing_of(community, actor);

    g_assert_cmpstr(got, ==, wanted);
}

static inline json_t *signatory_of(const struct community *community, const struct actor *actor)
{
    g_autoptr(GError) error = NULL;
    json_t *value = register_signatory(community->reg, actor->id, community->now_us, &error);

    g_assert_no_error(error);
    return value;
}

/* The entry that was folded last. */
static inline json_t *last_entry(const struct community *community)
{
    return register_entry(community->reg, community->entries->len - 1);
}

static inline struct actor *joined(struct community *community, const char *domain,
                                   enum group group)
{
    struct actor *actor = actor_new(community, domain, group, 1, 1);

    g_assert_cmpint(endorse(community, actor), ==, REGISTER_COUNTS);
    g_assert_cmpint(delegate_issuer(community, actor), ==, REGISTER_COUNTS);
    return actor;
}
