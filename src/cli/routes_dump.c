/* routes_dump.c: entente routes dump: MRT files as text or JSON Lines. */
#include "base/error.h"
#include "base/file.h"
#include "cli/routes_command.h"
#include "p2_internet/routes/element_json.h"
#include "p2_internet/routes/line.h"
#include "p2_internet/routes/mrt_run.h"

#include <stdio.h>
#include <unistd.h>

struct dumping {
    struct line_options lines;
    const struct route_filter *filter;
    struct mrt_counts counts;
};

/* ---- text */

static gpointer begin_lines(gpointer data)
{
    const struct dumping *dumping = data;

    return line_writer_new(&dumping->lines, dumping->filter);
}

static const char *take_lines(gpointer state, const struct mrt_record *record,
                              struct mrt_peers *peers, struct text_out *out)
{
    return line_record(state, record, peers, out);
}

static void end_lines(gpointer state, gpointer data)
{
    struct dumping *dumping = data;

    mrt_counts_add(&dumping->counts, line_counts(state));
    line_writer_free(state);
}

/* ---- JSON Lines */

struct json_state {
    struct mrt_reader *reader;
    const struct route_filter *filter;
    struct text_out *out;
    gboolean has_filter;
};

static gpointer begin_json(gpointer data)
{
    const struct dumping *dumping = data;
    struct json_state *state = g_new0(struct json_state, 1);

    state->reader = mrt_reader_new(dumping->filter);
    state->filter = dumping->filter;
    state->has_filter = !route_filter_is_empty(dumping->filter);
    return state;
}

static void put_element(const struct route_element *element, gpointer data)
{
    const struct json_state *state = data;

    if (element->kind != ROUTE_STATE || !state->has_filter)
        element_json(NULL, element, state->out);
}

static const char *take_json(gpointer data, const struct mrt_record *record,
                             struct mrt_peers *peers, struct text_out *out)
{
    struct json_state *state = data;
    const char *problem = NULL;

    state->out = out;
    mrt_elements(state->reader, record, peers, put_element, state, &problem);
    return problem;
}

/* Of recordings in any form, in order of time. */
static void put_in_order(gpointer data, const char *feed, const struct route_element *element,
                         struct text_out *out)
{
    const struct json_state *state = data;

    if (element->kind == ROUTE_STATE ? !state->has_filter
                                     : route_filter_takes(state->filter, &element->prefix))
        element_json(feed, element, out);
}

static void end_json(gpointer data, gpointer dumping)
{
    struct json_state *state = data;

    mrt_counts_add(&((struct dumping *)dumping)->counts, mrt_reader_counts(state->reader));
    mrt_reader_free(state->reader);
    g_free(state);
}

/* ---- the command */

static gboolean dump(const struct context *context, GPtrArray *inputs, const struct mrt_job *job,
                     struct mrt_scan_summary *summary, GError **error)
{
    struct file_draft draft;

    if (!context->output || g_str_equal(context->output, "-")) {
        fflush(stdout);
        return mrt_run(inputs, job, STDOUT_FILENO, summary, error);
    }
    if (!file_draft_open(&draft, context->output, TRUE, error))
        return FALSE;
    if (mrt_run(inputs, job, draft.fd, summary, error))
        return file_draft_finish(&draft, 0644, error);
    file_draft_discard(&draft);
    return FALSE;
}

static void warn(const struct mrt_scan_summary *summary, const struct mrt_counts *counts)
{
    if (summary->problems > MRT_SCAN_PROBLEMS)
        fprintf(stderr, "entente: %" G_GUINT64_FORMAT " places could not be read\n",
                summary->problems);
    if (counts->withdrawn)
        fprintf(stderr,
                "entente: %" G_GUINT64_FORMAT
                " messages or entries are malformed: treated as withdrawn (RFC 7606)\n",
                counts->withdrawn);
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct routes_arguments *given = shared;
    gboolean json = cli_format_is(context, "json", FALSE);
    struct dumping dumping = {
        .lines = { .by_rfc = given->by_rfc, .large = given->large, .originated = given->originated }
    };
    g_autoptr(route_filter_t) filter = routes_filter(given, error);
    const struct mrt_job job = {
        .options = { .takers = (guint)MAX(given->threads, 0),
                     .filter = filter,
                     .stop_at_empty = !json && !given->by_rfc },
        .begin = json ? begin_json : begin_lines,
        .take = json ? take_json : take_lines,
        .put = given->by_time ? put_in_order : NULL,
        .views = BMP_VIEW_ALL,
        .end = json ? end_json : end_lines,
        .result = &dumping.counts,
        .result_size = sizeof dumping.counts,
        .problem = routes_problem,
        .data = &dumping,
    };
    g_autoptr(GPtrArray) inputs = NULL;
    struct mrt_scan_summary summary;

    if (!filter)
        return EXIT_INPUT;
    if (!arguments[0])
        return input_error(error, "which MRT files: names, folders, or - for standard input");
    if (given->threads < 0)
        return input_error(error, "--threads: %d is not a number of threads", given->threads);
    if (given->by_time && !json)
        return input_error(error, "--by-time gives JSON Lines only: --format json");
    dumping.filter = filter;
    inputs = inputs_list(arguments);
    if (!dump(context, inputs, &job, &summary, error))
        return error_exit_status(*error);
    if (!context->quiet)
        warn(&summary, &dumping.counts);
    return routes_read_status(&summary);
}

const struct subcommand routes_subcommand_dump = { "dump", run };
