#include "assess/assessment_json.h"
#include "assess/diff.h"
#include "assess/reports.h"
#include "base/error.h"
#include "base/terminal.h"
#include "cli/commands.h"

#include <string.h>
#include <unistd.h>

struct state {
    char *fail_on_new;
};

/* "last" is the newest saved run, "previous" the one before it. */
static const struct {
    const char *word;
    guint back;
} words[] = { { "last", 1 }, { "previous", 2 } };

static char *saved_path(const char *data, const char *run)
{
    return reports_path(data, run, "assessment.json");
}

/* From "last", "previous", a run's id, or a file to a path. */
static char *resolve(const char *data, const char *name, GError **error)
{
    g_auto(GStrv) runs = reports_list(data);
    guint count = g_strv_length(runs);

    for (guint i = 0; i < G_N_ELEMENTS(words); i++)
        if (g_str_equal(words[i].word, name)) {
            if (count >= words[i].back)
                return saved_path(data, runs[count - words[i].back]);
            input_error(error, "there is no %s run: %u saved so far (entente assess saves one)",
                        name, count);
            return NULL;
        }
    if (g_strv_contains((const char *const *)runs, name))
        return saved_path(data, name);
    if (!g_str_equal(name, "-") && access(name, F_OK) != 0) {
        input_error(error, "\"%s\" is neither a file nor a saved run", name);
        return NULL;
    }
    return g_strdup(name);
}

static struct assessment *load(const char *data, const char *name, GError **error)
{
    g_autofree char *path = resolve(data, name, error);

    return path ? assessment_read_file(path, error) : NULL;
}

static int run(const struct context *context, void *state_data, char **arguments, GError **error)
{
    const struct state *state = state_data;
    g_autofree char *data = cli_data_folder(context, error);
    guint count = g_strv_length(arguments);
    enum severity least = SEVERITY_INFO;
    g_autoptr(assessment_t) before = NULL;
    g_autoptr(assessment_t) after = NULL;
    g_autoptr(diff_t) diff = NULL;
    g_autofree char *text = NULL;

    if (!data)
        return EXIT_SYSTEM;
    if (count != 0 && count != 2) {
        input_error(error, "two assessments: entente diff OLD NEW");
        return EXIT_INPUT;
    }
    if (state->fail_on_new && !severity_parse(state->fail_on_new, &least, error))
        return EXIT_INPUT;
    before = load(data, count ? arguments[0] : "previous", error);
    after = before ? load(data, count ? arguments[1] : "last", error) : NULL;
    if (!after)
        return error_exit_status(*error);
    diff = diff_new(before, after);
    text = cli_format_is(context, "json", FALSE)
               ? diff_format_json(diff)
               : diff_format_text(diff, g_str_equal(cli_language(context), "fr"),
                                  !context->output && terminal_has_colour(stdout),
                                  terminal_width(stdout));
    if (!cli_output(context, text, strlen(text), error))
        return EXIT_SYSTEM;
    return state->fail_on_new && diff_has_failing(diff, least) ? EXIT_FOUND : EXIT_DONE;
}

static const struct command_option options[] = {
    { "fail-on-new", 0, G_OPTION_ARG_STRING, offsetof(struct state, fail_on_new),
      "Exit 1 when something of at least this severity fails that did not", "SEVERITY" },
    { NULL },
};

const struct command command_diff = {
    .name = "diff",
    .summary = "Say what changed between two assessments",
    .arguments = "[OLD NEW]",
    .formats = "text, json",
    .details =
        "OLD and NEW are assessment documents, ids of saved runs, \"last\" or \"previous\".\n"
        "Without them: previous and last. What only a new measure of the catalogue found\n"
        "is shown apart, and does not count for --fail-on-new.\n\n"
        "Example: entente diff previous last --fail-on-new high",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
