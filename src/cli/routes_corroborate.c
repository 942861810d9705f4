/*
 * routes_corroborate.c: entente routes corroborate: whether our own recordings show the routes that
 * others published alarms about; with --publish, said so in the log.
 */
#include "base/clock.h"
#include "base/error.h"
#include "base/terminal.h"
#include "cli/ceremony.h"
#include "cli/public_alarms.h"
#include "cli/routes_command.h"
#include "p2_internet/routes/corroboration.h"

#include <stdio.h>
#include <string.h>

#define SOURCE "recording"

/* --- what is shown --- */

static json_t *sighting_json(const struct corroboration *corroboration, guint i)
{
    static const char *const members[] = { "index", "entry", "publisher", "publisher_domain",
                                           "alarm", "own",   "prefix",    "as" };
    const json_t *alarm = json_array_get(corroboration->alarms, i);
    json_t *value = json_object(), *routes = json_array();

    for (guint j = 0; j < G_N_ELEMENTS(members); j++)
        json_object_set(value, members[j], json_object_get(alarm, members[j]));
    json_object_set_new(
        value, "sighting",
        route_sighting_predicate(&corroboration->found[i], json_text(alarm, "entry"), SOURCE));
    for (guint j = 0; j < ROUTE_SIGHTING_ROUTES && *corroboration->found[i].routes[j]; j++)
        json_array_append_new(routes, json_safe_string(corroboration->found[i].routes[j]));
    json_object_set_new(value, "routes", routes);
    return value;
}

static char *as_json(const struct corroboration *corroboration)
{
    g_autoptr(json_t) list = json_array(), document = NULL;

    for (guint i = 0; i < corroboration->count; i++)
        json_array_append_new(list, sighting_json(corroboration, i));
    document = json_pack("{s:s, s:O}", "schema", "entente/routes-corroborate/1", "alarms", list);
    return json_pretty(document);
}

static char *time_text(gint64 time_us)
{
    return time_us ? clock_format(time_us) : g_strdup("");
}

static char *as_text(const struct context *context, const struct corroboration *corroboration)
{
    static const char *const headings[] = { "ENTRY", "PUBLISHER",  "PREFIX",    "AS", "ANSWER",
                                            "PEERS", "FIRST SEEN", "LAST SEEN", NULL };
    g_autoptr(text_table_t) table = text_table_new(headings);

    for (guint i = 0; i < corroboration->count; i++) {
        const json_t *alarm = json_array_get(corroboration->alarms, i);
        const struct route_sighting *found = &corroboration->found[i];
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

static gboolean show(const struct context *context, const struct corroboration *corroboration,
                     gboolean publishes, GError **error)
{
    g_autofree char *text = cli_format_is(context, "json", FALSE) ? as_json(corroboration)
                                                                  : as_text(context, corroboration);

    /* When they are published the output is about the statements; people see what they sign for. */
    if (!publishes)
        return cli_output(context, text, strlen(text), error);
    if (!context->quiet)
        fputs(text, stderr);
    return TRUE;
}

/* --- publishing --- */

static int publish(struct ceremony *ceremony, const struct corroboration *corroboration,
                   GError **error)
{
    int worst = EXIT_DONE;

    for (guint i = 0; i < corroboration->count && worst == EXIT_DONE; i++) {
        const char *entry = json_text(json_array_get(corroboration->alarms, i), "entry");
        json_t *predicate = ceremony_predicate(ceremony);
        g_autoptr(json_t) members =
            route_sighting_predicate(&corroboration->found[i], entry, SOURCE);

        json_object_update(predicate, members);
        worst = ceremony_finish(ceremony, PREDICATE_ROUTE_SIGHTING, "route-alarm", entry, predicate,
                                KEY_ROLE_ISSUER, NULL, error);
    }
    return worst;
}

/* --- the command --- */

static int corroborate(struct ceremony *ceremony, const struct routes_arguments *given,
                       char **files, struct corroboration *corroboration, GError **error)
{
    g_autoptr(json_t) list =
        public_alarms_of(ceremony->registry->reg, NULL, ceremony->registry->now_us, error);
    const struct corroboration_wish wish = { ceremony->id, ceremony->registry->now_us,
                                             given->publish ? CORROBORATE_HOURLY
                                                            : CORROBORATE_TO_SEE };
    g_autoptr(GPtrArray) inputs = inputs_list(files);
    gboolean whole = TRUE;
    int status = EXIT_DONE;

    if (!list)
        return EXIT_SYSTEM;
    if (!given->alarms)
        corroboration_ask_all(corroboration, list, &wish);
    else if (!corroboration_ask_named(corroboration, list, given->alarms, &wish, error))
        return EXIT_INPUT;
    if (corroboration->count &&
        !corroboration_read(corroboration, inputs, routes_problem, &whole, error))
        return EXIT_SYSTEM;
    if (!show(ceremony->context, corroboration, given->publish, error))
        return EXIT_SYSTEM;
    if (given->publish)
        status = publish(ceremony, corroboration, error);
    for (guint i = 0; i < corroboration->count && status == EXIT_DONE; i++)
        if (corroboration->found[i].peers)
            status = EXIT_FOUND;
    return status != EXIT_DONE || whole ? status : EXIT_INPUT;
}

static int run(const struct context *context, gconstpointer shared, char **files, GError **error)
{
    const struct routes_arguments *given = shared;
    g_autoptr(ceremony_t) ceremony = NULL;
    g_autoptr(corroboration_t) corroboration = corroboration_new();

    if (!files[0])
        return input_error(error, "which recordings: names, folders, or - for standard input");
    if (!given->alarms == !given->all)
        return input_error(error, "which alarms: --alarm ENTRY, or --all that others published");
    ceremony = ceremony_open(context, &given->ceremony, error);
    if (!ceremony)
        return EXIT_SYSTEM;
    if (!ceremony_needs_community(ceremony, error))
        return EXIT_INPUT;
    if (given->publish && !ceremony_needs_self(ceremony, error))
        return EXIT_INPUT;
    return corroborate(ceremony, given, files, corroboration, error);
}

const struct subcommand routes_subcommand_corroborate = { "corroborate", run };
