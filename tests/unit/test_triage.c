#include "desk_of_two.h"
#include "process/triage.h"
#include "process/triage_private.h"

#include <math.h>

static const char *const inputs[] = { "harm", "continuing", "means" };

static gboolean is_input(const char *field)
{
    for (guint i = 0; i < G_N_ELEMENTS(inputs); i++)
        if (g_str_equal(inputs[i], field))
            return TRUE;
    return FALSE;
}

/* --- the formula --- */

static void test_product(void)
{
    static const struct {
        const char *fields;
        gint64 score;
    } calls[] = {
        { "{'harm':'life','continuing':'yes','means':'none'}", 8 * 2 * 3 },
        { "{'harm':'money','continuing':'no','means':'team'}", 2 * 1 * 1 },
        { "{'harm':'data','continuing':'unknown','means':'some'}", 3 * 2 * 2 },
        { "{'continuing':'yes'}", 1 * 2 * 1 }, /* what was not answered counts least */
        { "{}", 1 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(calls); i++) {
        g_autoptr(json_t) members = fields(calls[i].fields);

        g_assert_cmpint(triage_inputs_score(kind_find("assistance"), members), ==, calls[i].score);
    }
}

/* The formula as published has these inputs and no other. */
static void test_the_inputs_are_public_and_three(void)
{
    g_autoptr(json_t) formula = triage_formula();
    const json_t *kind = json_array_get(json_object_get(formula, "kinds"), 0), *input;
    size_t index;

    g_assert_cmpuint(json_array_size(json_object_get(formula, "kinds")), ==, 1);
    g_assert_cmpstr(json_text(kind, "kind"), ==, "assistance");
    g_assert_nonnull(strstr(json_text(kind, "formula"), "waiting hours / 12"));
    g_assert_cmpuint(json_array_size(json_object_get(kind, "inputs")), ==, G_N_ELEMENTS(inputs));
    json_array_foreach(json_object_get(kind, "inputs"), index, input)
    {
        g_assert_true(is_input(json_text(input, "field")));
        g_assert_cmpuint(json_array_size(json_object_get(input, "choices")), >=, 2);
    }
}

/* A value of each type that any other call would have in another way. */
static json_t *some_value(const struct process_field *field)
{
    switch (field->type) {
    case FIELD_CHOICE:
        return json_string(field->choices[0].id);
    case FIELD_CHOICES:
        return json_pack("[s]", field->choices[0].id);
    case FIELD_YES_NO:
        return json_true();
    case FIELD_NUMBER:
        return json_integer(1000000);
    case FIELD_LANGUAGES:
        return json_pack("[s]", "ru");
    case FIELD_COUNTRY:
        return json_string("KP");
    default:
        return json_string("2026-11-22T00:00:00Z");
    }
}

/* Who asks, from where, for whom, in which language: nothing of it moves the score, whatever it
 * says. No field of the kind asks for more than that. */
static void test_nothing_else_enters(void)
{
    static const char *const never[] = { "nation", "citizen",  "politic", "relig",  "ethnic",
                                         "member", "signator", "endorse", "belief", "race" };
    const struct kind *kind = kind_find("assistance");
    g_autoptr(json_t) plain = fields("{'harm':'data','continuing':'yes','means':'some'}");
    guint tried = 0;

    for (const struct process_field *field = kind->fields; field->id; field++) {
        g_autoptr(json_t) changed = json_deep_copy(plain);

        for (guint i = 0; i < G_N_ELEMENTS(never); i++)
            g_assert_null(strstr(field->id, never[i]));
        if (is_input(field->id))
            continue;
        for (const struct process_choice *choice = field->choices; choice && choice->id; choice++)
            g_assert_cmpint(choice->score, ==, 0);
        json_object_set_new(changed, field->id, some_value(field));
        g_assert_cmpint(triage_inputs_score(kind, changed), ==, triage_inputs_score(kind, plain));
        tried++;
    }
    g_assert_cmpuint(tried, >=, 15);
}

/* --- waiting --- */

static void test_waiting_raises_the_score(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);
    struct cases *bob = world->sides[BOB].cases;
    const gint64 opened = world->now_us;
    const struct kase *kase;
    gint64 decided;

    carry(world, ALICE, TRUE);
    kase = cases_get(bob, id, world->now_us, NULL);
    g_assert_cmpint(triage_score(kase, opened), ==, 200);
    g_assert_cmpint(triage_score(kase, opened + 6 * HOUR), ==, 250);
    g_assert_cmpint(triage_score(kase, opened + 12 * HOUR), ==, 300);
    g_assert_cmpint(triage_score(kase, opened + 30 * DAY), ==, 6200);
    say(world, BOB, id, "triage", "{'harm':'life','means':'none','continuing':'yes'}");
    say(world, BOB, id, "accept", "{}");
    kase = cases_get(bob, id, world->now_us, NULL);
    decided = triage_score(kase, world->now_us);
    g_assert_cmpint(decided, >=, 4800);
    g_assert_cmpint(triage_score(kase, world->now_us + 30 * DAY), ==, decided);
}

static const char *first_of(json_t *queue)
{
    return json_text(json_array_get(json_object_get(queue, "queue"), 0), "id");
}

/* A weak call that waited long enough comes before a stronger one that just came. */
static void test_nobody_starves(struct world *world, gconstpointer data)
{
    g_autofree char *weak = open_case(
        world, ALICE, "assistance", "{'what':'a','continuing':'no','channel':'b','harm':'money'}");
    g_autofree char *strong = NULL, *late = NULL;
    g_autoptr(json_t) queue = NULL, later = NULL;
    struct cases *bob = world->sides[BOB].cases;

    strong = open_case(world, ALICE, "assistance",
                       "{'what':'a','continuing':'yes','channel':'b','harm':'life'}");
    carry(world, ALICE, TRUE);
    queue = triage_queue(bob, 10, world->now_us, NULL);
    g_assert_cmpint(json_number(queue, "total", 0), ==, 2);
    g_assert_cmpstr(first_of(queue), ==, strong);
    say(world, BOB, strong, "triage", "{'harm':'life','means':'team','continuing':'yes'}");
    say(world, BOB, strong, "accept", "{}");
    world->now_us += 8 * DAY; /* 16 points */
    late = open_case(world, ALICE, "assistance",
                     "{'what':'a','continuing':'yes','channel':'b','harm':'life'}"); /* 16 */
    carry(world, ALICE, TRUE);
    later = triage_queue(bob, 10, world->now_us, NULL);
    g_assert_cmpint(json_number(later, "total", 0), ==, 2); /* what was accepted left it */
    g_assert_cmpstr(first_of(later), ==, weak);
}

static void test_out_of_order_needs_a_reason(struct world *world, gconstpointer data)
{
    g_autofree char *first = open_case(world, ALICE, "assistance", HELP);
    g_autofree char *second = open_case(world, ALICE, "assistance", HELP), *said = NULL;
    g_autoptr(GError) error = NULL;
    gboolean done;

    carry(world, ALICE, TRUE);
    say(world, BOB, first, "triage", "{'harm':'life','means':'none','continuing':'yes'}");
    say(world, BOB, second, "triage", "{'harm':'money','means':'team','continuing':'no'}");
    said = try_say(world, BOB, 0, NULL, second, "accept", "{}", NULL, &done, &error);
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    g_assert_nonnull(strstr(error->message, "override"));
    g_clear_error(&error);
    g_free(said);
    said = try_say(world, BOB, 0, NULL, second, "accept", "{'override':'the same attack'}", NULL,
                   &done, &error);
    g_assert_no_error(error);
    say(world, BOB, first, "accept", "{}");
}

/* --- the bias check --- */

/* Values of any table of the distribution. */
static void test_chi_square(void)
{
    static const struct {
        double chi_square;
        guint degrees;
        double p;
    } table[] = {
        { 3.841459, 1, 0.05 },     { 5.991465, 2, 0.05 },   { 18.307038, 10, 0.05 },
        { 6.634897, 1, 0.01 },     { 0.004, 1, 0.949571 },  { 2.705543, 1, 0.1 },
        { 124.342113, 100, 0.05 }, { 10.827566, 1, 0.001 }, { 0, 3, 1 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(table); i++)
        g_assert_cmpfloat_with_epsilon(triage_chi_square_p(table[i].chi_square, table[i].degrees),
                                       table[i].p, 1e-6);
    g_assert_cmpfloat(triage_chi_square_p(1000, 1), <, 1e-100);
}

static void decide(struct world *world, const char *country, gboolean accept)
{
    g_autofree char *text =
        g_strdup_printf("{'what':'a','continuing':'no','channel':'b','country':'%s'}", country);
    g_autofree char *id = open_case(world, ALICE, "assistance", text), *draft = NULL;
    struct side *bob = &world->sides[BOB];
    g_autoptr(GError) error = NULL;
    gboolean done;

    carry(world, ALICE, TRUE);
    say(world, BOB, id, "acknowledge", "{}");
    if (accept) {
        say(world, BOB, id, "triage", "{'harm':'data','means':'some','continuing':'no'}");
        say(world, BOB, id, "accept", "{'override':'test'}");
        say(world, BOB, id, "start", "{}");
        say(world, BOB, id, "resolve", "{'outcome':'advised'}");
        say(world, BOB, id, "close", "{}");
        return;
    }
    draft = try_say(world, BOB, 0, NULL, id, "decline", "{'reason':'a','referral':'b'}", NULL,
                    &done, &error);
    g_assert_no_error(error);
    g_assert_true(cases_approve(bob->cases, draft, bob->keys[1], world->now_us, &done, &error));
}

static const json_t *dimension(const json_t *bias, const char *name)
{
    const json_t *item;
    size_t index;

    json_array_foreach(json_object_get(bias, "dimensions"), index, item)
    {
        if (g_str_equal(json_text(item, "dimension"), name))
            return item;
    }
    g_assert_not_reached();
}

static void check_bias(struct world *world)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(json_t) bias =
        triage_bias(world->sides[BOB].cases, START - DAY, world->now_us, &error);
    const json_t *countries, *groups;

    g_assert_no_error(error);
    countries = dimension(bias, "country");
    groups = json_object_get(countries, "groups");
    /* Six of Fiji, of which none was declined; five of Oman, of which one was accepted. */
    g_assert_cmpuint(json_array_size(groups), ==, 2);
    g_assert_cmpstr(json_text(json_array_get(groups, 0), "value"), ==, "FJ");
    g_assert_cmpint(json_number(json_array_get(groups, 0), "calls", 0), ==, 6);
    g_assert_cmpint(json_number(json_array_get(groups, 0), "accepted", 0), ==, 6);
    g_assert_cmpint(json_number(json_array_get(groups, 1), "accepted", 0), ==, 1);
    g_assert_cmpint(json_number(countries, "suppressed_groups", 0), ==, 1);
    /* 11 * (6*4 - 0*1)^2 / (6 * 5 * 7 * 4) = 7.542857 */
    g_assert_cmpfloat_with_epsilon(json_number_value(json_object_get(countries, "chi_square")),
                                   7.5429, 1e-4);
    g_assert_cmpint(json_number(countries, "degrees", 0), ==, 1);
    g_assert_cmpfloat_with_epsilon(json_number_value(json_object_get(countries, "p")), 0.0060,
                                   1e-4);
    g_assert_true(json_is_true(json_object_get(countries, "few")));
    g_assert_true(json_is_null(json_object_get(dimension(bias, "sector"), "p")));
}

static void test_bias_is_seen(struct world *world, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    guint happened;

    for (guint i = 0; i < 6; i++)
        decide(world, "FJ", TRUE);
    for (guint i = 0; i < 5; i++)
        decide(world, "OM", i == 0);
    for (guint i = 0; i < 4; i++)
        decide(world, "LU", FALSE); /* too few to show: it would show who they are */
    check_bias(world);
    /* Of erased cases the sums stay, and no case. */
    world->now_us += (kind_find("assistance")->retention_days + 1) * DAY;
    g_assert_true(cases_tick(world->sides[BOB].cases, world->now_us, &happened, &error));
    g_assert_cmpuint(happened, ==, 15);
    check_bias(world);
}

#define TEST(NAME)                                                                                 \
    g_test_add("/triage/" #NAME, struct world, NULL, world_set_up, test_##NAME, world_tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/triage/product", test_product);
    g_test_add_func("/triage/the_inputs_are_public_and_three",
                    test_the_inputs_are_public_and_three);
    g_test_add_func("/triage/nothing_else_enters", test_nothing_else_enters);
    g_test_add_func("/triage/chi_square", test_chi_square);
    TEST(waiting_raises_the_score);
    TEST(nobody_starves);
    TEST(out_of_order_needs_a_reason);
    TEST(bias_is_seen);
    return g_test_run();
}
