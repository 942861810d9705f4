#include "p2_internet/routes/corroboration.h"

#include "base/clock.h"
#include "base/error.h"

#define MEMORY ((guint64)1 << 30) /* bytes: peers, and the routes they hold */
#define HOUR_US ((gint64)3600 * G_USEC_PER_SEC)
#define WAITED_FOR_US (30 * 24 * HOUR_US) /* after that no answer counts */

struct corroboration *corroboration_new(void)
{
    struct corroboration *corroboration = g_new0(struct corroboration, 1);

    corroboration->alarms = json_array();
    return corroboration;
}

void corroboration_free(struct corroboration *corroboration)
{
    if (!corroboration)
        return;
    json_decref(corroboration->alarms);
    g_free(corroboration);
}

/* --- which alarms --- */

static gint64 time_of(const json_t *value, const char *member)
{
    gint64 time_us = 0;

    clock_parse(json_text(value, member), &time_us, NULL);
    return time_us;
}

static gboolean is_answered(const json_t *alarm, const struct corroboration_wish *wish)
{
    const gint64 within_us = wish->purpose == CORROBORATE_ONCE ? WAITED_FOR_US : HOUR_US;
    const json_t *answer;
    size_t i;

    json_array_foreach(json_object_get(alarm, "sightings"), i, answer)
    {
        if (g_strcmp0(json_text(answer, "by"), wish->self) == 0 &&
            wish->now_us < time_of(answer, "said_at") + within_us)
            return TRUE;
    }
    return FALSE;
}

/* Whether an answer of ours could count. */
static gboolean is_for_us(const json_t *alarm, const struct corroboration_wish *wish)
{
    return g_strcmp0(json_text(alarm, "publisher"), wish->self) != 0 &&
           !json_is_true(json_object_get(alarm, "disputed")) &&
           wish->now_us < time_of(alarm, "said_at") + WAITED_FOR_US &&
           (wish->purpose == CORROBORATE_TO_SEE || !is_answered(alarm, wish));
}

static gboolean ask(struct corroboration *corroboration, const json_t *alarm, GError **error)
{
    if (corroboration->count == ROUTE_SIGHTING_ALARMS)
        return input_error(error, "%u alarms are too many at once: name %u at most",
                           corroboration->count + 1, ROUTE_SIGHTING_ALARMS);
    if (!public_alarm_read(alarm, &corroboration->wanted[corroboration->count], error))
        return FALSE;
    corroboration->count++;
    json_array_append(corroboration->alarms, (json_t *)alarm);
    return TRUE;
}

/* What cannot be read is nobody's route. */
void corroboration_ask_all(struct corroboration *corroboration, const json_t *list,
                           const struct corroboration_wish *wish)
{
    for (size_t i = json_array_size(list); i > 0 && corroboration->count < ROUTE_SIGHTING_ALARMS;
         i--) {
        const json_t *alarm = json_array_get(list, i - 1);

        if (is_for_us(alarm, wish))
            ask(corroboration, alarm, NULL);
    }
}

gboolean corroboration_ask_named(struct corroboration *corroboration, const json_t *list,
                                 char **names, const struct corroboration_wish *wish,
                                 GError **error)
{
    for (; *names; names++) {
        const json_t *alarm = public_alarm_named(list, *names, error);

        if (!alarm)
            return FALSE;
        if (wish->purpose != CORROBORATE_TO_SEE && !is_for_us(alarm, wish))
            return policy_error(error,
                                "%s: no answer of ours would count: it is our own alarm, an "
                                "old or disputed one, or was answered within the hour",
                                *names);
        if (!ask(corroboration, alarm, error))
            return FALSE;
    }
    return TRUE;
}

/* --- in the worker --- */

static gpointer begin(gpointer data)
{
    const struct corroboration *corroboration = data;

    return route_sightings_new(corroboration->wanted, corroboration->count);
}

static void put(gpointer state, const char *feed, const struct route_element *element,
                struct text_out *out)
{
    (void)feed;
    (void)out;
    route_sightings_take(state, element);
}

static void end(gpointer state, gpointer data)
{
    struct corroboration *corroboration = data;

    route_sightings_find(state, corroboration->found);
    route_sightings_free(state);
}

gboolean corroboration_read(struct corroboration *corroboration, GPtrArray *inputs,
                            void (*problem)(const char *file, gboolean has_offset, guint64 offset,
                                            const char *problem, gpointer data),
                            gboolean *whole, GError **error)
{
    const struct mrt_job job = {
        .begin = begin,
        .put = put,
        .views = BMP_VIEW_PRE_POLICY,
        .end = end,
        .result = corroboration->found,
        .result_size = sizeof corroboration->found,
        .problem = problem,
        .memory = MEMORY,
        .data = corroboration,
    };
    struct mrt_scan_summary summary;

    if (!mrt_run(inputs, &job, -1, &summary, error))
        return FALSE;
    *whole = !summary.problems;
    return TRUE;
}
