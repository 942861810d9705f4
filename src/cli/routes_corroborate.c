/*
 * routes_corroborate.c: entente routes corroborate: whether our own recordings show the routes that
 * others published alarms about; with --publish, said so in the log.
 *
 * One worker reads the files, in order of time, for all alarms at once. Nobody is answered for what
 * was not heard, nor by himself, nor twice within the hour.
 */
#include "base/clock.h"
#include "base/error.h"
#include "base/terminal.h"
#include "cli/ceremony.h"
#include "cli/public_alarms.h"
#include "cli/routes_command.h"
#include "p2_internet/routes/mrt_run.h"
#include "p2_internet/routes/route_sighting.h"

#include <stdio.h>
#include <string.h>

#define SOURCE "recording"
#define MEMORY ((guint64)1 << 30) /* bytes: peers, and the routes they hold */
#define HOUR_US ((gint64)3600 * G_USEC_PER_SEC)
#define WAITED_FOR_US (30 * 24 * HOUR_US) /* after that no answer counts */

/* The alarms that are asked about, and what was found of each. */
struct asking {
    json_t *alarms; /* those of the register */
    struct public_alarm wanted[ROUTE_SIGHTING_ALARMS];
    struct route_sighting found[ROUTE_SIGHTING_ALARMS];
    guint count;
};

/* --- in the worker --- */

static gpointer begin(gpointer data)
{
    const struct asking *asking = data;

    return route_sightings_new(asking->wanted, asking->count);
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
    struct asking *asking = data;

    route_sightings_find(state, asking->found);
    route_sightings_free(state);
}

/* --- which alarms --- */

static gint64 time_of(const json_t *value, const char *member)
{
    gint64 time_us = 0;

    clock_parse(json_text(value, member), &time_us, NULL);
    return time_us;
}

static gboolean answered_lately(const json_t *alarm, const char *self, gint64 now_us)
{
    const json_t *answer;
    size_t i;

    json_array_foreach(json_object_get(alarm, "sightings"), i, answer)
    {
        if (g_strcmp0(json_text(answer, "by"), self) == 0 &&
            now_us < time_of(answer, "said_at") + HOUR_US)
            return TRUE;
    }
    return FALSE;
}

/* Whether an answer of ours could count. */
static gboolean is_for_us(const struct ceremony *ceremony, const json_t *alarm, gboolean publishes)
{
    const gint64 now_us = ceremony->registry->now_us;

    return g_strcmp0(json_text(alarm, "publisher"), ceremony->id) != 0 &&
           !json_is_true(json_object_get(alarm, "disputed")) &&
           now_us < time_of(alarm, "said_at") + WAITED_FOR_US &&
           (!publishes || !answered_lately(alarm, ceremony->id, now_us));
}

static gboolean ask(struct asking *asking, const json_t *alarm, GError **error)
{
    if (asking->count == ROUTE_SIGHTING_ALARMS)
        return input_error(error, "%u alarms are too many at once: name %u at most",
                           asking->count + 1, ROUTE_SIGHTING_ALARMS);
    if (!public_alarm_read(alarm, &asking->wanted[asking->count], error))
        return FALSE;
    asking->count++;
    json_array_append(asking->alarms, (json_t *)alarm);
    return TRUE;
}

/* The newest first; what cannot be read is nobody's route. */
static void ask_all(struct asking *asking, const struct ceremony *ceremony, const json_t *list,
                    gboolean publishes)
{
    for (size_t i = json_array_size(list); i > 0 && asking->count < ROUTE_SIGHTING_ALARMS; i--) {
        const json_t *alarm = json_array_get(list, i - 1);

        if (is_for_us(ceremony, alarm, publishes))
            ask(asking, alarm, NULL);
    }
}

static gboolean ask_named(struct asking *asking, const struct ceremony *ceremony,
                          const json_t *list, char **names, gboolean publishes, GError **error)
{
    for (; *names; names++) {
        const json_t *alarm = public_alarms_named(list, *names, error);

        if (!alarm)
            return FALSE;
        if (publishes && !is_for_us(ceremony, alarm, publishes))
            return policy_error(error,
                                "%s: no answer of ours would count: it is our own alarm, an "
                                "old or disputed one, or was answered within the hour",
                                *names);
        if (!ask(asking, alarm, error))
            return FALSE;
    }
    return TRUE;
}

/* --- what is shown --- */

static json_t *sighting_json(const struct asking *asking, guint i)
{
    static const char *const members[] = { "index", "entry", "publisher", "publisher_domain",
                                           "alarm", "own",   "prefix",    "as" };
    const json_t *alarm = json_array_get(asking->alarms, i);
    json_t *value = json_object(), *routes = json_array();

    for (guint j = 0; j < G_N_ELEMENTS(members); j++)
        json_object_set(value, members[j], json_object_get(alarm, members[j]));
    json_object_set_new(
        value, "sighting",
        route_sighting_predicate(&asking->found[i], json_text(alarm, "entry"), SOURCE));
    for (guint j = 0; j < ROUTE_SIGHTING_ROUTES && *asking->found[i].routes[j]; j++)
        json_array_append_new(routes, json_safe_string(asking->found[i].routes[j]));
    json_object_set_new(value, "routes", routes);
    return value;
}

static char *as_json(const struct asking *asking)
{
    g_autoptr(json_t) list = json_array(), document = NULL;

    for (guint i = 0; i < asking->count; i++)
        json_array_append_new(list, sighting_json(asking, i));
    document = json_pack("{s:s, s:O}", "schema", "entente/routes-corroborate/1", "alarms", list);
    return json_pretty(document);
}

static char *time_text(gint64 time_us)
{
    return time_us ? clock_format(time_us) : g_strdup("");
}

static char *as_text(const struct context *context, const struct asking *asking)
{
    static const char *const headings[] = { "ENTRY", "PUBLISHER",  "PREFIX",    "AS", "ANSWER",
                                            "PEERS", "FIRST SEEN", "LAST SEEN", NULL };
    g_autoptr(text_table_t) table = text_table_new(headings);

    for (guint i = 0; i < asking->count; i++) {
        const json_t *alarm = json_array_get(asking->alarms, i);
        const struct route_sighting *found = &asking->found[i];
        g_autofree char *index =
            g_strdup_printf("%" G_GINT64_FORMAT, json_number(alarm, "index", 0));
        g_autofree char *as = g_strdup_printf("AS%" G_GINT64_FORMAT, json_number(alarm, "as", 0));
        g_autofree char *peers = g_strdup_printf("%u of %u", found->peers, found->of);
        g_autofree char *first = time_text(found->first_us), *last = time_text(found->last_us);
        const char *const cells[] = { index,
                                      json_text(alarm, "publisher_domain"),
                                      json_text(alarm, "prefix"),
                                      as,
                                      route_sighting_word(found),
                                      peers,
                                      first,
                                      last };

        text_table_row(table, cells, NULL);
    }
    return cli_table(context, table);
}

static gboolean show(const struct context *context, const struct asking *asking, gboolean publishes,
                     GError **error)
{
    g_autofree char *text =
        cli_format_is(context, "json", FALSE) ? as_json(asking) : as_text(context, asking);

    /* When they are published the output is about the statements; people see what they sign for. */
    if (!publishes)
        return cli_output(context, text, strlen(text), error);
    if (!context->quiet)
        fputs(text, stderr);
    return TRUE;
}

/* --- publishing --- */

static int publish(struct ceremony *ceremony, const struct asking *asking, GError **error)
{
    int worst = EXIT_DONE;

    for (guint i = 0; i < asking->count && worst == EXIT_DONE; i++) {
        const char *entry = json_text(json_array_get(asking->alarms, i), "entry");
        json_t *predicate = ceremony_predicate(ceremony);
        g_autoptr(json_t) members = route_sighting_predicate(&asking->found[i], entry, SOURCE);

        json_object_update(predicate, members);
        worst = ceremony_finish(ceremony, PREDICATE_ROUTE_SIGHTING, "route-alarm", entry, predicate,
                                KEY_ROLE_ISSUER, NULL, error);
    }
    return worst;
}

/* --- the command --- */

static gboolean read_files(struct asking *asking, char **files, gboolean *whole, GError **error)
{
    g_autoptr(GPtrArray) inputs = inputs_list(files);
    const struct mrt_job job = {
        .options = { .takers = 1 },
        .begin = begin,
        .put = put,
        .views = BMP_VIEW_PRE_POLICY,
        .end = end,
        .result = asking->found,
        .result_size = sizeof asking->found,
        .problem = routes_problem,
        .memory = MEMORY,
        .data = asking,
    };
    struct mrt_scan_summary summary;

    if (inputs->len > MRT_RUN_BATCH)
        return input_error(error, "%u files are too many at once: give %u at most, or join them",
                           inputs->len, MRT_RUN_BATCH);
    if (!mrt_run(inputs, &job, -1, &summary, error))
        return FALSE;
    *whole = !summary.problems;
    return TRUE;
}

static int corroborate(struct ceremony *ceremony, const struct routes_arguments *given,
                       char **files, struct asking *asking, GError **error)
{
    g_autoptr(json_t) list =
        public_alarms_list(ceremony->registry->reg, NULL, ceremony->registry->now_us, error);
    gboolean whole = TRUE;
    int status = EXIT_DONE;

    if (!list)
        return EXIT_SYSTEM;
    if (!given->alarms)
        ask_all(asking, ceremony, list, given->publish);
    else if (!ask_named(asking, ceremony, list, given->alarms, given->publish, error))
        return EXIT_INPUT;
    if (asking->count && !read_files(asking, files, &whole, error))
        return EXIT_SYSTEM;
    if (!show(ceremony->context, asking, given->publish, error))
        return EXIT_SYSTEM;
    if (given->publish)
        status = publish(ceremony, asking, error);
    for (guint i = 0; i < asking->count && status == EXIT_DONE; i++)
        if (asking->found[i].peers)
            status = EXIT_FOUND;
    return status != EXIT_DONE || whole ? status : EXIT_INPUT;
}

static int run(const struct context *context, gconstpointer shared, char **files, GError **error)
{
    const struct routes_arguments *given = shared;
    g_autoptr(ceremony_t) ceremony = NULL;
    g_autofree struct asking *asking = g_new0(struct asking, 1);
    int status;

    if (!files[0])
        return input_error(error, "which recordings: names, folders, or - for standard input");
    if (!given->alarms == !given->all)
        return input_error(error, "which alarms: --alarm ENTRY, or --all that others published");
    ceremony = ceremony_open(context, &given->ceremony, error);
    if (!ceremony)
        return EXIT_SYSTEM;
    if (!ceremony->registry)
        return input_error(error, "this machine belongs to no community: \"entente join\" one");
    if (given->publish && !ceremony_needs_self(ceremony, error))
        return EXIT_INPUT;
    asking->alarms = json_array();
    status = corroborate(ceremony, given, files, asking, error);
    json_decref(asking->alarms);
    return status;
}

const struct subcommand routes_subcommand_corroborate = { "corroborate", run };
