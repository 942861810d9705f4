/* Looking through the register: filters, orders, pages, entries, counts, growth; 10,000 of them. */
#include "register/listing.h"

#include "community.h"

#define MANY 10000u
#define PAGE 50u
#define LIST_LIMIT_US (5 * G_USEC_PER_SEC) /* of a page of MANY, with sanitizers and other work */

static const enum group groups[] = { GROUP_STATE, GROUP_PRIVATE_SECTOR, GROUP_CIVIL_SOCIETY };

static json_t *list(const struct community *community, const struct register_query *query)
{
    struct register_query asked = *query;

    if (!asked.limit)
        asked.limit = PAGE;
    return register_list(community->reg, &asked, community->now_us);
}

/* The domains found, in order, with a space between them. */
static void expect(const struct community *community, struct register_query query,
                   const char *wanted)
{
    g_autoptr(json_t) document = list(community, &query);
    g_autoptr(GString) found = g_string_new(NULL);
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(document, "signatories"), i, row)
        g_string_append_printf(found, "%s%s", i ? " " : "", json_text(row, "domain"));
    g_assert_cmpstr(found->str, ==, wanted);
}

static struct actor *joins(struct community *community, const char *domain, const char *name,
                           const char *country, enum group group)
{
    struct actor *actor = actor_new(community, domain, group, 1, 1);

    g_free((char *)actor->name);
    actor->name = g_strdup(name);
    actor->country = country;
    g_assert_cmpint(endorse(community, actor), ==, REGISTER_COUNTS);
    return actor;
}

/* Three members by policy, and three that joined; one of them has evidence. */
static struct community *some(void)
{
    struct community *community = community_new();
    struct actor *zebra;

    joins(community, "epinal.example", "Ville d\u2019Épinal", "FR", GROUP_STATE);
    zebra = joins(community, "zebra.example", "zebra club", "DE", GROUP_CIVIL_SOCIETY);
    joins(community, "ant.example", "Ant \u0130nc", "DE", GROUP_PRIVATE_SECTOR);
    g_assert_cmpint(delegate_issuer(community, zebra), ==, REGISTER_COUNTS);
    g_assert_cmpint(assess(community, zebra, zebra->issuer, 4), ==, REGISTER_COUNTS);
    return community;
}

static void test_words_are_found_in_any_case_and_accent(void)
{
    struct community *community = some();
    g_autofree char *id = g_strndup(actor_at(community, 4)->id, 10);

    expect(community, (struct register_query){ .text = "epinal" }, "epinal.example");
    expect(community, (struct register_query){ .text = "ÉPINAL  ville" }, "epinal.example");
    expect(community, (struct register_query){ .text = "inc ant.example" }, "ant.example");
    expect(community, (struct register_query){ .text = id }, "zebra.example");
    expect(community, (struct register_query){ .text = "epinal zebra" }, "");
    community_free(community);
}

static void test_filters_narrow_together(void)
{
    struct community *community = some();

    expect(community, (struct register_query){ .country = "DE" }, "ant.example zebra.example");
    expect(community, (struct register_query){ .country = "DE", .group = GROUP_CIVIL_SOCIETY },
           "zebra.example");
    expect(community, (struct register_query){ .country = "DE", .freshness = "none" },
           "ant.example");
    expect(community, (struct register_query){ .freshness = "fresh" }, "zebra.example");
    expect(community, (struct register_query){ .principle = 2 }, "");
    expect(community, (struct register_query){ .principle = 9, .attested = "self-declared" },
           "ant.example epinal.example zebra.example");
    expect(community, (struct register_query){ .attested = "attested" }, "");
    community_free(community);
}

static void test_orders_and_pages(void)
{
    struct community *community = some();
    struct register_query query = { .attested = "self-declared", .limit = PAGE };
    static const struct {
        const char *word, *forwards, *backwards;
    } orders[] = {
        { "name", "ant.example epinal.example zebra.example",
          "zebra.example epinal.example ant.example" },
        { "country", "ant.example zebra.example epinal.example",
          "epinal.example zebra.example ant.example" },
        { "joined", "epinal.example zebra.example ant.example",
          "ant.example zebra.example epinal.example" },
        { "group", "epinal.example ant.example zebra.example",
          "zebra.example ant.example epinal.example" },
        { "evidence", "zebra.example ant.example epinal.example",
          "epinal.example ant.example zebra.example" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(orders); i++) {
        g_assert_true(register_order_parse(orders[i].word, &query.order));
        query.backwards = FALSE;
        expect(community, query, orders[i].forwards);
        query.backwards = TRUE;
        expect(community, query, orders[i].backwards);
    }
    g_assert_false(register_order_parse("score", &query.order));
    query.order = REGISTER_BY_NAME;
    query.backwards = FALSE;
    query.limit = 1;
    query.offset = 1;
    expect(community, query, "epinal.example");
    query.offset = 3;
    expect(community, query, "");
    query.offset = G_MAXUINT64 - 1;
    expect(community, query, "");
    community_free(community);
}

static void test_entries_from_the_newest_back(void)
{
    struct community *community = some();
    const guint64 size = register_size(community->reg);
    struct register_span span = { .before = G_MAXUINT64, .count = 2 };
    g_autoptr(json_t) newest = register_newest(community->reg, &span);
    g_autoptr(json_t) of_one = NULL, none = NULL;

    g_assert_cmpuint(json_array_size(newest), ==, 2);
    g_assert_cmpint(json_number(json_array_get(newest, 0), "index", -1), ==, size - 1);
    g_assert_cmpstr(json_text(json_array_get(newest, 0), "name"), ==, "zebra club");
    span = (struct register_span){ .before = size - 1,
                                   .count = 100,
                                   .signatory = actor_at(community, 4)->id };
    of_one = register_newest(community->reg, &span);
    g_assert_cmpuint(json_array_size(of_one), ==, 2); /* its endorsement, its delegation */
    span.type = PREDICATE_REVIEW;
    none = register_newest(community->reg, &span);
    g_assert_cmpuint(json_array_size(none), ==, 0);
    community_free(community);
}

static void test_counts_add_up(void)
{
    struct community *community = some();
    g_autoptr(json_t) counts = register_counts(community->reg, community->now_us);
    const json_t *state = json_object_get(json_object_get(counts, "groups"), "state");
    const json_t *seventh = json_array_get(json_object_get(counts, "principles"), 6);

    g_assert_cmpint(json_number(counts, "signatories", 0), ==, 6);
    g_assert_cmpint(json_number(state, "signatories", 0), ==, 2);
    g_assert_cmpint(json_number(state, "attested", 0), ==, 1);
    g_assert_cmpint(json_number(json_object_get(counts, "countries"), "DE", 0), ==, 2);
    g_assert_cmpint(json_number(json_object_get(counts, "freshness"), "fresh", 0), ==, 1);
    g_assert_cmpint(json_number(seventh, "assessed", 0), ==, 1);
    g_assert_cmpint(json_number(json_object_get(counts, "types"), PREDICATE_ASSESSMENT, 0), ==, 1);
    community_free(community);
}

/* What is asked a year later was fresh then and is stale now; before the log there was nothing. */
static void test_growth_is_as_of_each_time(void)
{
    struct community *community = some();
    const gint64 later_us = community->now_us + 400 * DAY_US;
    g_autoptr(json_t) growth = register_growth(community->reg, later_us);
    const json_t *buckets = json_object_get(growth, "buckets");
    const json_t *first = json_array_get(buckets, 0), *second = json_array_get(buckets, 1);
    const json_t *last = json_array_get(buckets, json_array_size(buckets) - 1);

    g_assert_cmpuint(json_array_size(buckets), >, 3);
    g_assert_cmpuint(json_array_size(buckets), <, 30);
    g_assert_cmpint(json_number(json_object_get(first, "by_group"), "state", -1), ==, 0);
    g_assert_cmpint(json_number(json_object_get(second, "freshness"), "fresh", -1), ==, 1);
    g_assert_cmpint(json_number(json_object_get(last, "freshness"), "fresh", -1), ==, 0);
    g_assert_cmpint(json_number(json_object_get(last, "freshness"), "stale", -1), ==, 1);
    g_assert_cmpint(json_number(json_object_get(last, "by_group"), "civil-society", -1), >=, 1);
    community_free(community);
}

/* A page of many must not cost as much as the whole. */
static void test_many_signatories(void)
{
    struct community *community = community_new();
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    g_autoptr(json_t) document = NULL, growth = NULL;
    struct register_query query = { .text = "organisation 7", .limit = PAGE };
    gint64 start_us;

    for (guint i = 0; i < MANY; i++) {
        g_autofree char *domain = g_strdup_printf("n%u.example", i);
        struct actor *actor = actor_new(community, domain, groups[i % 3], 1, 1);

        g_ptr_array_add(entries, entry_by_root(actor, PREDICATE_ENDORSEMENT,
                                               endorsement_json(community, actor)));
        g_ptr_array_remove(community->actors, actor); /* memory for secrets is scarce */
    }
    register_fold_many(community->reg, entries, NULL, 0);
    start_us = g_get_monotonic_time();
    document = list(community, &query);
    start_us = g_get_monotonic_time() - start_us;
    g_test_message("a page of %u signatories found in %.1f ms", MANY,
                   (double)start_us / G_TIME_SPAN_MILLISECOND);
    g_assert_cmpuint(json_array_size(json_object_get(document, "signatories")), ==, PAGE);
    g_assert_cmpint(start_us, <, LIST_LIMIT_US);
    start_us = g_get_monotonic_time();
    growth = register_growth(community->reg, community->now_us);
    g_test_message("growth in %.1f ms",
                   (double)(g_get_monotonic_time() - start_us) / G_TIME_SPAN_MILLISECOND);
    community_free(community);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/listing/words", test_words_are_found_in_any_case_and_accent);
    g_test_add_func("/listing/filters", test_filters_narrow_together);
    g_test_add_func("/listing/orders", test_orders_and_pages);
    g_test_add_func("/listing/entries", test_entries_from_the_newest_back);
    g_test_add_func("/listing/counts", test_counts_add_up);
    g_test_add_func("/listing/growth", test_growth_is_as_of_each_time);
    g_test_add_func("/listing/many", test_many_signatories);
    return g_test_run();
}
