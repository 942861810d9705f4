/*
 * routes_replay.c: entente routes replay: the alarms that would have been raised.
 *
 * One worker reads the files, whatever their form, in order of time, watches, and writes what it
 * tells itself: the same files and profile give the same text.
 */
#include "base/clock.h"
#include "base/error.h"
#include "base/terminal.h"
#include "cli/routes_command.h"
#include "p2_internet/routes/mrt_run.h"
#include "p2_internet/routes/watch_alarm.h"
#include "p2_internet/routes/watch_profile.h"
#include "profile/values.h"
#include "rpki/payload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEMORY ((guint64)1 << 30) /* bytes: routes that are held, incidents, payloads */

struct outcome {
    struct watch_counts counts;
    guint64 told[WATCH_ALARMS];
};

struct replaying {
    struct watch_options options;
    gboolean json;
    struct outcome outcome;
};

struct taker {
    struct replaying *replaying;
    struct watch *watch;
    struct text_out *out;
};

/* --- in the worker --- */

static char *report_text(const struct watch_report *report)
{
    g_autofree char *at = clock_format(report->at_us), *text = terminal_escape(report->text);

    return g_strdup_printf("%s %-6s %-8s %-14s %s\n", at, watch_step_name(report->step),
                           watch_rows[report->alarm].severity, watch_rows[report->alarm].id, text);
}

static void tell(const struct watch_report *report, gpointer data)
{
    struct taker *taker = data;

    if (report->step == WATCH_OPENED)
        taker->replaying->outcome.told[report->alarm]++;
    if (taker->replaying->json) {
        g_autoptr(json_t) line = watch_report_json(report);
        char *text = json_dumps(line, JSON_COMPACT);

        text_append(taker->out, text, strlen(text));
        text_append(taker->out, "\n", 1);
        free(text);
    } else {
        g_autofree char *text = report_text(report);

        text_append(taker->out, text, strlen(text));
    }
}

static gpointer begin(gpointer data)
{
    struct taker *taker = g_new0(struct taker, 1);

    taker->replaying = data;
    taker->watch = watch_new(&taker->replaying->options, tell, taker);
    return taker;
}

static void put(gpointer state, const char *feed, const struct route_element *element,
                struct text_out *out)
{
    struct taker *taker = state;

    taker->out = out;
    watch_take(taker->watch, feed, element);
}

static void end(gpointer state, gpointer data)
{
    struct taker *taker = state;

    watch_count(taker->watch, &((struct replaying *)data)->outcome.counts);
    watch_free(taker->watch);
    g_free(taker);
}

/* --- the command --- */

static gboolean read_ignored(const struct routes_arguments *given, struct watch_options *options,
                             GError **error)
{
    options->ignored = g_array_new(FALSE, FALSE, sizeof(guint32));
    for (char **text = given->ignored; text && *text; text++) {
        guint32 number;

        if (!value_parse_as(*text, &number, error)) {
            g_prefix_error(error, "--ignore-peer: ");
            return FALSE;
        }
        g_array_append_val(options->ignored, number);
    }
    return TRUE;
}

/* NULL without an error: none was given. */
static struct relations *read_relations(char **paths, GError **error)
{
    g_autoptr(relations_t) relations = relations_new();

    if (!paths || !*paths)
        return NULL;
    for (; *paths; paths++)
        if (!relations_read(relations, *paths, error)) {
            g_prefix_error(error, "--relationships: ");
            return NULL;
        }
    relations_seal(relations);
    return g_steal_pointer(&relations);
}

static gboolean check_arguments(const struct routes_arguments *given, char **files,
                                const char *profile, GError **error)
{
    if (!files[0])
        return input_error(error, "which recordings: names, folders, or - for standard input");
    if (given->min_peers < 0)
        return input_error(error, "--min-peers: %d is not a number of peers", given->min_peers);
    return profile ||
           input_error(error, "a profile says which prefixes are yours (--profile FILE)");
}

static void sum_up(const struct context *context, const struct replaying *replaying)
{
    const struct watch_counts *counts = &replaying->outcome.counts;
    guint64 alarms = 0;

    for (guint i = 0; i < WATCH_ALARMS; i++)
        alarms += replaying->outcome.told[i];
    if (!context->quiet)
        fprintf(stderr,
                "entente: %" G_GUINT64_FORMAT " routes and states, %" G_GUINT64_FORMAT
                " of what is ours; %" G_GUINT64_FORMAT " alarms, %u of them open at the end\n",
                counts->elements, counts->concerning, alarms, counts->open);
    if (counts->dropped)
        fprintf(stderr, "entente: %" G_GUINT64_FORMAT " routes were not kept: too many\n",
                counts->dropped);
}

static int replay(const struct context *context, char **files, struct replaying *replaying,
                  GError **error)
{
    g_autoptr(GPtrArray) inputs = inputs_list(files);
    const struct mrt_job job = {
        .begin = begin,
        .put = put,
        .views = BMP_VIEW_PRE_POLICY,
        .hears = TRUE,
        .end = end,
        .result = &replaying->outcome,
        .result_size = sizeof replaying->outcome,
        .problem = routes_problem,
        .memory = MEMORY,
        .data = replaying,
    };
    struct mrt_scan_summary summary;
    struct cli_stream stream;

    fflush(stdout);
    if (!cli_stream_open(&stream, context, error))
        return EXIT_SYSTEM;
    if (!mrt_run(inputs, &job, fileno(stream.file), &summary, error)) {
        cli_stream_discard(&stream);
        return error_exit_status(*error);
    }
    if (!cli_stream_end(&stream, error))
        return EXIT_SYSTEM;
    sum_up(context, replaying);
    for (guint i = 0; i < WATCH_ALARMS; i++)
        if (replaying->outcome.told[i])
            return EXIT_FOUND;
    return routes_read_status(&summary);
}

static int run(const struct context *context, gconstpointer shared, char **files, GError **error)
{
    const struct routes_arguments *given = shared;
    g_autofree char *path = cli_profile_path(context);
    g_autoptr(payload_t) payload = payload_new(clock_now_us());
    g_autoptr(profile_t) profile = NULL;
    g_autoptr(GPtrArray) prefixes = NULL, systems = NULL;
    g_autoptr(relations_t) relations = NULL;
    g_autoptr(GPtrArray) hosts = NULL;
    struct replaying replaying = { .json = cli_format_is(context, "json", FALSE) };
    int status;

    if (!check_arguments(given, files, path, error))
        return EXIT_INPUT;
    profile = profile_load(path, error);
    if (!profile || !watch_of_profile(profile, &prefixes, &systems, error))
        return EXIT_INPUT;
    if (given->relationships && !(relations = read_relations(given->relationships, error)))
        return EXIT_INPUT;
    if (given->name_servers && !(hosts = watch_hosts_read(given->name_servers, error)))
        return EXIT_INPUT;
    if (!routes_payloads(context, given, payload, error))
        return EXIT_SYSTEM;
    replaying.options = (struct watch_options){ .prefixes = prefixes,
                                                .systems = systems,
                                                .relations = relations,
                                                .hosts = hosts,
                                                .min_peers = (guint)given->min_peers };
    if (vrp_set_count(payload_vrps(payload)))
        replaying.options.vrps = payload_vrps(payload);
    if (aspa_set_count(payload_aspas(payload)))
        replaying.options.aspas = payload_aspas(payload);
    status = read_ignored(given, &replaying.options, error)
                 ? replay(context, files, &replaying, error)
                 : EXIT_INPUT;
    g_array_unref(replaying.options.ignored);
    return status;
}

const struct subcommand routes_subcommand_replay = { "replay", run };
