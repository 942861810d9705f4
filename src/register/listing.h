/*
 * listing.h: the register for people who look through it: signatories by filters and in pages,
 * entries from the newest back, counts, and how all that grew. Nothing here ranks anybody: no
 * order is by score.
 */
#pragma once
#include "register/register.h"

#define REGISTER_PAGE_LIMIT 1000u /* rows at most */

enum register_order {
    REGISTER_BY_NAME,
    REGISTER_BY_DOMAIN,
    REGISTER_BY_COUNTRY,
    REGISTER_BY_GROUP,
    REGISTER_BY_JOINED,
    REGISTER_BY_EVIDENCE, /* the latest assessment; none comes last */
};
/* "name", "evidence"; FALSE for other words. */
gboolean register_order_parse(const char *word, enum register_order *order);

/* Which signatories; NULL, 0 and GROUP_UNKNOWN let everybody through. */
struct register_query {
    const char *text; /* words; each must be in the name, the domain or the id */
    const char *country, *attested, *freshness;
    enum group group;
    guint principle; /* endorsed */
    enum register_order order;
    gboolean backwards;
    guint64 offset, limit;
};
/* {"total", "offset", "signatories": [row]}; who was removed by a policy is not in it. */
json_t *register_list(const struct reg *reg, const struct register_query *query, gint64 now_us);

/* Entries below index `before`, the newest first. */
struct register_span {
    guint64 before, count;
    const char *signatory, *type; /* an id in hexadecimal, a predicate's type; or NULL */
};
/* Rows as register_entry() gives them, with the signatory's name and domain. */
json_t *register_newest(const struct reg *reg, const struct register_span *span);

/*
 * {"signatories", "groups": {GROUP: {"signatories", "attested", "fresh"}}, "countries": {CC: n},
 * "freshness": {CLASS: n}, "principles": [{"n", "endorsed", "commitments", "assessed"}], "entries":
 * {"counted", "refused", "disputed"}, "types": {TYPE: n}}.
 */
json_t *register_counts(const struct reg *reg, gint64 now_us);

/*
 * The same over time, by log time: {"step_s", "buckets": [{"time", "by_group", "commitments": [9],
 * "assessed": [9], "freshness", "size"}]}, oldest first, each as of its time. Empty while no entry
 * has a log time.
 */
json_t *register_growth(const struct reg *reg, gint64 now_us);
