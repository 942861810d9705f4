#include "base/json.h"
#include "base/terminal.h"
#include "cli/commands.h"
#include "community/frozen.h"
#include "p9_norms/progress.h"

#include <string.h>

struct state {
    char *from, *to;
};

static const struct command_option options[] = {
    { "from", 0, G_OPTION_ARG_STRING, offsetof(struct state, from),
      "The earlier state: a size of the log, a date, or a convening that commitments name",
      "WHEN" },
    { "to", 0, G_OPTION_ARG_STRING, offsetof(struct state, to),
      "The later state (default: the last trusted checkpoint)", "WHEN" },
    { NULL },
};

static json_t *compare(struct community *community, const struct state *state, GError **error)
{
    g_autoptr(json_t) earlier = NULL, later = NULL;
    guint64 from, to;

    if (!frozen_size(community, state->from, &from, error) ||
        !(state->to ? frozen_size(community, state->to, &to, error)
                    : frozen_last(community, &to, error)))
        return NULL;
    earlier = frozen_register(community, from, error);
    later = earlier ? frozen_register(community, to, error) : NULL;
    return later ? progress_compare(earlier, later, error) : NULL;
}

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;
    gboolean french = g_str_equal(cli_language(context), "fr");
    g_autofree char *folder = cli_data_folder(context, error), *text = NULL;
    g_autoptr(community_t) community = NULL;
    g_autoptr(json_t) progress = NULL;

    if (arguments[0] || !state->from)
        return input_error(error, "progress takes --from WHEN (and --to WHEN), for example "
                                  "--from 2025-11-12");
    community = folder ? community_open(folder, error) : NULL;
    progress = community ? compare(community, state, error) : NULL;
    if (!progress)
        return EXIT_SYSTEM;
    text = cli_format_is(context, "json", FALSE)
               ? json_pretty(progress)
               : progress_text(progress, french, !context->output && terminal_has_colour(stdout),
                               terminal_width(stdout));
    return cli_output(context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

const struct command command_progress = {
    .name = "progress",
    .summary = "Show what became of the Call between two convenings",
    .arguments = "",
    .formats = "text, json",
    .details = "The same cohort is compared, joiners and leavers stand apart, nobody is ranked. "
               "The figures are those of the log as this machine remembers it (see: entente log "
               "follow), and anyone who has the log can make them again.\n\n"
               "Example: entente progress --from 2025-11-12 --to 2026-11-12",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
