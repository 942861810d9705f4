/*
 * cases_numbers.c: how cases are answered, in numbers without a word of content: for measures,
 * metrics and the follow-up report.
 */
#include "base/clock.h"
#include "process/cases_private.h"

#define NUMBERS_SCHEMA "entente/case-numbers/1"
#define ACKNOWLEDGE "acknowledge" /* clock of being told that a case arrived */
#define ANSWER "answer"
#define ALARM "alarm"
#define DRILL "drill"
#define MEDIAN 50
#define NINETIETH 90

static json_t *object_in(json_t *object, const char *member)
{
    json_t *inner = json_object_get(object, member);

    if (inner)
        return inner;
    inner = json_object();
    json_object_set_new(object, member, inner);
    return inner;
}

/* {kind: n} */
static gboolean count_open(struct cases *cases, json_t *numbers, GError **error)
{
    g_autoptr(query_t) query = cases_ask(
        cases, error, "SELECT kind, count(*) FROM head WHERE ended = 0 GROUP BY kind ORDER BY kind",
        "");
    json_t *open = object_in(numbers, "open");
    gboolean row;

    for (;;) {
        if (!query || !query_step(query, &row, error))
            return FALSE;
        if (!row)
            return TRUE;
        json_object_set_new(open, query_text(query, 0), json_integer(query_integer(query, 1)));
    }
}

/* {kind: {clock: n}}, of clocks that are ours. */
static gboolean count_overdue(struct cases *cases, gint64 now_us, json_t *numbers, GError **error)
{
    g_autoptr(query_t) query =
        cases_ask(cases, error,
                  "SELECT kind, clock, count(*) FROM clock WHERE own = 1 AND open = 1"
                  " AND due <= $1 GROUP BY kind, clock ORDER BY kind, clock",
                  "i", now_us);
    json_t *overdue = object_in(numbers, "overdue");
    gint64 total = 0;
    gboolean row;

    for (;;) {
        if (!query || !query_step(query, &row, error))
            return FALSE;
        if (!row)
            break;
        total += query_integer(query, 2);
        json_object_set_new(object_in(overdue, query_text(query, 0)), query_text(query, 1),
                            json_integer(query_integer(query, 2)));
    }
    json_object_set_new(numbers, "overdue_total", json_integer(total));
    return TRUE;
}

static int compare_times(gconstpointer a, gconstpointer b)
{
    const gint64 left = *(const gint64 *)a, right = *(const gint64 *)b;

    return left < right ? -1 : left > right;
}

/* The smallest that `percent` of all do not exceed, in seconds. */
static json_t *percentile(const GArray *sorted, guint percent)
{
    const guint rank = (sorted->len * percent + 99) / 100;

    return sorted->len
               ? json_integer(g_array_index(sorted, gint64, MAX(rank, 1) - 1) / G_USEC_PER_SEC)
               : json_null();
}

/*
 * How one clock was kept, of `own` (or others') duty, begun in [from, now): in time, late, still
 * open past due, still running. `kind` NULL: all kinds.
 */
static json_t *kept(struct cases *cases, const char *kind, const char *clock, gboolean own,
                    gint64 from_us, gint64 now_us, GError **error)
{
    g_autoptr(query_t) query = cases_ask(
        cases, error,
        kind ? "SELECT begun, due, met, standing FROM clock WHERE own = $1 AND begun >= $2 AND "
               "clock = $3 AND kind = $4"
             : "SELECT begun, due, met, standing FROM clock WHERE own = $1 AND begun >= $2 AND "
               "clock = $3",
        kind ? "iitt" : "iit", (gint64)own, from_us, clock, kind);
    g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(gint64));
    gint64 in_time = 0, late = 0, missed = 0, running = 0;
    json_t *result;
    gboolean row;

    for (;;) {
        gint64 begun, due, met, took;
        enum clock_standing standing;

        if (!query || !query_step(query, &row, error))
            return NULL;
        if (!row)
            break;
        begun = query_integer(query, 0);
        due = query_integer(query, 1);
        met = query_integer(query, 2);
        took = met - begun;
        standing = (enum clock_standing)query_integer(query, 3);
        in_time += standing == CLOCK_MET;
        late += standing == CLOCK_MISSED;
        missed += standing == CLOCK_EXPIRED || (!met && due <= now_us);
        running += !met && due > now_us;
        if (met && standing != CLOCK_EXPIRED)
            g_array_append_val(times, took);
    }
    g_array_sort(times, compare_times);
    result = json_object();
    json_object_set_new(result, "in_time", json_integer(in_time));
    json_object_set_new(result, "late", json_integer(late));
    json_object_set_new(result, "missed", json_integer(missed));
    json_object_set_new(result, "running", json_integer(running));
    json_object_set_new(result, "median_s", percentile(times, MEDIAN));
    json_object_set_new(result, "p90_s", percentile(times, NINETIETH));
    return result;
}

static gboolean set_kept(struct cases *cases, json_t *numbers, const char *member, const char *kind,
                         const char *clock, gboolean own, gint64 from_us, gint64 now_us,
                         GError **error)
{
    json_t *value = kept(cases, kind, clock, own, from_us, now_us, error);

    if (value)
        json_object_set_new(numbers, member, value);
    return value != NULL;
}

/* By kind: how our own acknowledgements were kept. */
static gboolean count_acknowledged(struct cases *cases, gint64 from_us, gint64 now_us,
                                   json_t *numbers, GError **error)
{
    json_t *all = object_in(numbers, "acknowledged");

    for (const struct kind *kind = kinds; kind->id; kind++) {
        const struct process_clock *clock = kind->clocks;

        while (clock && clock->id && !g_str_equal(clock->id, ACKNOWLEDGE))
            clock++;
        if (clock && clock->id &&
            !set_kept(cases, all, kind->id, kind->id, ACKNOWLEDGE, TRUE, from_us, now_us, error))
            return FALSE;
    }
    return set_kept(cases, numbers, "acknowledged_all", NULL, ACKNOWLEDGE, TRUE, from_us, now_us,
                    error);
}

static gboolean count_closed(struct cases *cases, gint64 from_us, json_t *numbers, GError **error)
{
    g_autoptr(query_t) query = cases_ask(cases, error,
                                         "SELECT kind, state, count(*) FROM head WHERE ended >= $1 "
                                         "AND ended > 0 GROUP BY kind, state ORDER BY kind, state",
                                         "i", from_us);
    json_t *closed = object_in(numbers, "closed");
    gboolean row;

    for (;;) {
        if (!query || !query_step(query, &row, error))
            return FALSE;
        if (!row)
            return TRUE;
        json_object_set_new(object_in(closed, query_text(query, 0)), query_text(query, 1),
                            json_integer(query_integer(query, 2)));
    }
}

json_t *cases_numbers(struct cases *cases, gint64 from_us, gint64 now_us, GError **error)
{
    g_autoptr(json_t) numbers = json_object();
    gint64 cases_ever, alarms;

    json_object_set_new(numbers, "schema", json_string(NUMBERS_SCHEMA));
    cases_set_time(numbers, "from", from_us);
    cases_set_time(numbers, "until", now_us);
    if (!cases_number(cases, &cases_ever, 0, error, "SELECT count(*) FROM head", "") ||
        !cases_number(cases, &alarms, 0, error,
                      "SELECT count(*) FROM clock WHERE kind = $1 AND clock = $2 "
                      "AND open = 1",
                      "tt", ALARM, ACKNOWLEDGE) ||
        !count_open(cases, numbers, error) || !count_overdue(cases, now_us, numbers, error) ||
        !count_closed(cases, from_us, numbers, error) ||
        !count_acknowledged(cases, from_us, now_us, numbers, error) ||
        !set_kept(cases, numbers, "drills_answered", DRILL, ANSWER, TRUE, from_us, now_us, error) ||
        !set_kept(cases, numbers, "drills_asked", DRILL, ANSWER, FALSE, from_us, now_us, error))
        return NULL;
    json_object_set_new(numbers, "cases", json_integer(cases_ever));
    json_object_set_new(numbers, "alarms_unacknowledged", json_integer(alarms));
    return g_steal_pointer(&numbers);
}
