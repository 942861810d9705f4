#include "process/case_keys.h"

#include "register/register.h"

static enum case_verdict verdict_of(enum register_verdict verdict)
{
    switch (verdict) {
    case REGISTER_COUNTS:
        return CASE_APPLIED;
    case REGISTER_REVOKED:
        return CASE_REVOKED;
    case REGISTER_EXPIRED:
        return CASE_EXPIRED;
    case REGISTER_ROLE:
        return CASE_ROLE;
    default:
        return CASE_UNKNOWN_KEY;
    }
}

static GPtrArray *keys_of(gpointer data, const char *party, gint64 time_us, const char *hint,
                          enum case_verdict *why)
{
    enum register_verdict verdict;
    GPtrArray *keys = register_signers(data, party, predicate_find(PREDICATE_CASE_EVENT), time_us,
                                       hint, &verdict);

    *why = verdict_of(verdict);
    return keys;
}

struct case_keys case_keys_of_register(const struct reg *reg)
{
    return (struct case_keys){ .keys = keys_of, .data = (gpointer)reg };
}
