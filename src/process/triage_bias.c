/*
 * triage_bias.c: whether acceptance of calls for help depends on who called.
 *
 * For each dimension a table of groups by accepted and declined; Pearson's chi-square with
 * (groups - 1) degrees of freedom; p by the regularised incomplete gamma function Q(k/2, x/2): its
 * series below a + 1, its continued fraction (Lentz) above (Abramowitz and Stegun 6.5.29, 6.5.31).
 * Groups under 5 calls are neither shown nor counted in the test.
 */
#include "base/clock.h"
#include "process/cases_private.h"
#include "process/triage_private.h"

#include <math.h>

#define BIAS_SCHEMA "entente/triage-bias/1"
#define GROUP_MINIMUM 5
#define EXPECTED_MINIMUM 5.0 /* below it in a cell the test is only a hint */
#define ITERATIONS 500
#define PRECISION 1e-14
#define TINY 1e-300
#define DECIMALS 10000.0
#define SECONDS_PER_HOUR 3600.0

static const char *const dimensions[] = { "country", "sector", "language" };

/* --- probability --- */

static double lower_by_series(double a, double x)
{
    double term = 1 / a, sum = term;

    for (guint n = 1; n < ITERATIONS && fabs(term) > fabs(sum) * PRECISION; n++) {
        term *= x / (a + n);
        sum += term;
    }
    return sum * exp(-x + a * log(x) - lgamma(a));
}

static double upper_by_fraction(double a, double x)
{
    double b = x + 1 - a, c = 1 / TINY, d = 1 / b, h = d;

    for (guint n = 1; n < ITERATIONS; n++) {
        const double an = -(double)n * (n - a);
        double delta;

        b += 2;
        d = an * d + b;
        d = fabs(d) < TINY ? TINY : d;
        c = b + an / c;
        c = fabs(c) < TINY ? TINY : c;
        d = 1 / d;
        delta = d * c;
        h *= delta;
        if (fabs(delta - 1) < PRECISION)
            break;
    }
    return h * exp(-x + a * log(x) - lgamma(a));
}

double triage_chi_square_p(double chi_square, guint degrees)
{
    const double a = degrees / 2.0, x = chi_square / 2;

    if (x <= 0 || degrees == 0)
        return 1;
    return x < a + 1 ? 1 - lower_by_series(a, x) : upper_by_fraction(a, x);
}

/* --- what is kept for it --- */

static gboolean put(struct cases *cases, const struct kase *kase, const char *dimension,
                    const char *value, gboolean accepted, gint64 wait_s, GError **error)
{
    return cases_do(cases, error,
                    "INSERT INTO outcome (id, dimension, value, accepted, wait, ended) "
                    "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id, dimension, value) DO NOTHING",
                    "tttiii", kase->id, dimension, value, (gint64)accepted, wait_s, kase->ended_us);
}

static gboolean put_values(struct cases *cases, const struct kase *kase, const char *dimension,
                           gboolean accepted, gint64 wait_s, GError **error)
{
    const json_t *value = json_object_get(kase->fields, dimension), *item;
    size_t index;

    if (json_is_string(value))
        return put(cases, kase, dimension, json_string_value(value), accepted, wait_s, error);
    json_array_foreach(value, index, item)
    {
        if (json_is_string(item) &&
            !put(cases, kase, dimension, json_string_value(item), accepted, wait_s, error))
            return FALSE;
    }
    return TRUE;
}

gboolean triage_outcome_write(struct cases *cases, const struct kase *kase, GError **error)
{
    const char *role = cases_role_of(kase, cases->self);
    const struct process_role *ours = role ? kind_role(kase->kind, role) : NULL;
    const struct case_entry *decision = NULL;
    gboolean accepted;

    if (!triage_inputs_score(kase->kind, kase->fields) || !ours || !ours->addressed)
        return TRUE;
    if (!cases_do(cases, error, "DELETE FROM outcome WHERE id = $1", "t", kase->id))
        return FALSE;
    for (guint i = 0; i < kase->entries->len && !decision; i++) {
        const struct case_entry *entry = kase->entries->pdata[i];

        if (entry->event && entry->verdict == CASE_APPLIED &&
            (g_str_equal(entry->event->event, TRIAGE_ACCEPT) ||
             g_str_equal(entry->event->event, TRIAGE_DECLINE)))
            decision = entry;
    }
    if (!kase->ended_us || !decision)
        return TRUE;
    accepted = g_str_equal(decision->event->event, TRIAGE_ACCEPT);
    for (guint i = 0; i < G_N_ELEMENTS(dimensions); i++)
        if (!put_values(cases, kase, dimensions[i], accepted,
                        (decision->clock_us - kase->opened_us) / G_USEC_PER_SEC, error))
            return FALSE;
    return TRUE;
}

/* Months are 30 days from the epoch on: long enough to hide the day. */
gboolean triage_outcome_fold(struct cases *cases, const char *id, GError **error)
{
    return cases_do(cases, error,
                    "INSERT INTO tally (month, dimension, value, accepted, calls, wait) "
                    "SELECT ended / $1, dimension, value, accepted, 1, wait FROM outcome "
                    "WHERE id = $2 "
                    "ON CONFLICT (month, dimension, value, accepted) DO UPDATE SET "
                    "calls = tally.calls + 1, wait = tally.wait + excluded.wait",
                    "it", CASES_MONTH_US, id) &&
           cases_do(cases, error, "DELETE FROM outcome WHERE id = $1", "t", id);
}

/* --- the check --- */

struct group {
    char *value;
    gint64 calls, accepted, wait_s;
};

static void group_free(gpointer data)
{
    struct group *group = data;

    g_free(group->value);
    g_free(group);
}

static GPtrArray *read_groups(struct cases *cases, const char *dimension, gint64 from_us,
                              gint64 until_us, guint *suppressed, GError **error)
{
    g_autoptr(GPtrArray) groups = g_ptr_array_new_with_free_func(group_free);
    g_autoptr(query_t) query = NULL;
    gboolean row;

    query =
        cases_ask(cases, error,
                  "SELECT value, sum(calls), sum(accepted), sum(wait) FROM ("
                  "SELECT value, 1 AS calls, accepted, wait FROM outcome WHERE dimension = $1 AND "
                  "ended >= $2 AND ended < $3 UNION ALL "
                  "SELECT value, calls, accepted * calls, wait FROM tally WHERE dimension = $1 AND "
                  "month >= $2 / $4 AND month <= $3 / $4) AS both GROUP BY value ORDER BY value",
                  "tiii", dimension, from_us, until_us, CASES_MONTH_US);
    for (;;) {
        struct group *group;

        if (!query || !query_step(query, &row, error))
            return NULL;
        if (!row)
            return g_steal_pointer(&groups);
        if (query_integer(query, 1) < GROUP_MINIMUM) {
            ++*suppressed;
            continue;
        }
        group = g_new0(struct group, 1);
        group->value = cases_text_column(query, 0);
        group->calls = query_integer(query, 1);
        group->accepted = query_integer(query, 2);
        group->wait_s = query_integer(query, 3);
        g_ptr_array_add(groups, group);
    }
}

static json_t *rounded(double number)
{
    return json_real(round(number * DECIMALS) / DECIMALS);
}

static void test_groups(const GPtrArray *groups, json_t *result)
{
    double calls = 0, accepted = 0, chi_square = 0, least = HUGE_VAL;

    for (guint i = 0; i < groups->len; i++) {
        const struct group *group = groups->pdata[i];

        calls += (double)group->calls;
        accepted += (double)group->accepted;
    }
    if (groups->len < 2 || accepted <= 0 || accepted >= calls) {
        json_object_set_new(result, "p", json_null());
        json_object_set_new(result, "untested",
                            json_string(groups->len < 2 ? "fewer than two groups"
                                                        : "all calls were decided alike"));
        return;
    }
    for (guint i = 0; i < groups->len; i++) {
        const struct group *group = groups->pdata[i];
        const double yes = (double)group->calls * accepted / calls, no = (double)group->calls - yes,
                     off = (double)group->accepted - yes;

        chi_square += off * off / yes + off * off / no;
        least = fmin(least, fmin(yes, no));
    }
    json_object_set_new(result, "chi_square", rounded(chi_square));
    json_object_set_new(result, "degrees", json_integer(groups->len - 1));
    json_object_set_new(result, "p", rounded(triage_chi_square_p(chi_square, groups->len - 1)));
    json_object_set_new(result, "few", json_boolean(least < EXPECTED_MINIMUM));
}

static json_t *check(struct cases *cases, const char *dimension, gint64 from_us, gint64 now_us,
                     GError **error)
{
    guint suppressed = 0;
    g_autoptr(GPtrArray) groups =
        read_groups(cases, dimension, from_us, now_us, &suppressed, error);
    json_t *result, *list;

    if (!groups)
        return NULL;
    result = json_object();
    list = json_array();
    for (guint i = 0; i < groups->len; i++) {
        const struct group *group = groups->pdata[i];
        json_t *item = json_object();

        json_object_set_new(item, "value", json_safe_string(group->value));
        json_object_set_new(item, "calls", json_integer(group->calls));
        json_object_set_new(item, "accepted", json_integer(group->accepted));
        json_object_set_new(
            item, "mean_wait_hours",
            rounded((double)group->wait_s / SECONDS_PER_HOUR / (double)group->calls));
        json_array_append_new(list, item);
    }
    json_object_set_new(result, "dimension", json_string(dimension));
    json_object_set_new(result, "groups", list);
    json_object_set_new(result, "suppressed_groups", json_integer(suppressed));
    test_groups(groups, result);
    return result;
}

json_t *triage_bias(struct cases *cases, gint64 from_us, gint64 now_us, GError **error)
{
    g_autofree char *from = clock_format(from_us), *until = clock_format(now_us);
    g_autoptr(json_t) list = json_array();

    for (guint i = 0; i < G_N_ELEMENTS(dimensions); i++) {
        json_t *one = check(cases, dimensions[i], from_us, now_us, error);

        if (!one)
            return NULL;
        json_array_append_new(list, one);
    }
    return json_pack("{sssssssisO}", "schema", BIAS_SCHEMA, "from", from, "until", until,
                     "least_calls_shown", GROUP_MINIMUM, "dimensions", list);
}
