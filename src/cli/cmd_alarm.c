/* cmd_alarm.c: what live sources opened: cases of the kind "alarm", which stay here. */
#include "cli/alarm_public.h"
#include "cli/commands.h"

#define KIND "alarm"

struct state {
    struct case_arguments given;
    struct alarm_public_options public;
    char *verdict, *evidence, *case_id;
};

#define MEMBER(NAME) offsetof(struct state, NAME)

static const struct command_option options[] = {
    { "verdict", 0, G_OPTION_ARG_STRING, MEMBER(verdict),
      "close: attack, mistake, planned or false-alarm", "VERDICT" },
    { "evidence", 0, G_OPTION_ARG_STRING, MEMBER(evidence), "close: what was found", "TEXT" },
    { "case", 0, G_OPTION_ARG_STRING, MEMBER(case_id), "close: the case that was opened for it",
      "ID" },
    { "report", 0, G_OPTION_ARG_FILENAME, MEMBER(public.report),
      "publish: the incident is in FILE, as \"routes replay --format json\" writes it", "FILE" },
    { "raw", 0, G_OPTION_ARG_NONE, MEMBER(public.raw),
      "publish: show the routes as they came, too, with the peers that said them", NULL },
    { "yes", 'y', G_OPTION_ARG_NONE, MEMBER(given.yes), "publish: sign without asking", NULL },
    { "all", 0, G_OPTION_ARG_NONE, MEMBER(given.all), "list: those that are closed, too", NULL },
    { "overdue", 0, G_OPTION_ARG_NONE, MEMBER(given.overdue), "list: only what is overdue", NULL },
    { "limit", 0, G_OPTION_ARG_INT, MEMBER(given.limit), "list: so many at most (default: 100)",
      "N" },
    CASEWORK_OPTIONS(struct case_arguments), /* `given` comes first */
    { NULL },
};

static int list(const struct context *context, const struct state *state, char **arguments,
                GError **error)
{
    struct case_arguments given = state->given;

    if (arguments[0])
        return input_error(error, "\"%s\": list takes options only", arguments[0]);
    given.kind = (char *)KIND;
    return case_list(context, &given, error);
}

static int show(const struct context *context, const struct state *state, char **arguments,
                GError **error)
{
    return case_show(context, &state->given.work, arguments, KIND, error);
}

static int acknowledge(const struct context *context, const struct state *state, char **arguments,
                       GError **error)
{
    if (!arguments[0] || arguments[1])
        return input_error(error, "ack takes one alarm (entente alarm list)");
    return case_step(context, &state->given, arguments[0], "acknowledge", KIND, NULL, error);
}

static int close_alarm(const struct context *context, const struct state *state, char **arguments,
                       GError **error)
{
    g_autoptr(json_t) fields = json_object();

    if (!arguments[0] || arguments[1])
        return input_error(error, "close takes one alarm (entente alarm list)");
    if (!state->verdict)
        return input_error(error, "--verdict attack, mistake, planned or false-alarm?");
    json_object_set_new(fields, "verdict", json_safe_string(state->verdict));
    if (state->evidence)
        json_object_set_new(fields, "evidence", json_safe_string(state->evidence));
    if (state->case_id)
        json_object_set_new(fields, "case", json_safe_string(state->case_id));
    return case_step(context, &state->given, arguments[0], "close", KIND, fields, error);
}

static int publish(const struct context *context, const struct state *state, char **arguments,
                   GError **error)
{
    return alarm_publish(context, &state->given, &state->public, arguments, error);
}

static int public(const struct context *context, const struct state *state, char **arguments,
                  GError **error)
{
    return alarm_public(context, &state->given, arguments, error);
}

static const struct {
    const char *name;
    int (*run)(const struct context *context, const struct state *state, char **arguments,
               GError **error);
} subcommands[] = {
    { "list", list },         { "show", show },       { "ack", acknowledge },
    { "close", close_alarm }, { "publish", publish }, { "public", public },
};

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const char *asked = arguments[0] ? arguments[0] : "list";

    for (guint i = 0; i < G_N_ELEMENTS(subcommands); i++)
        if (g_str_equal(subcommands[i].name, asked))
            return subcommands[i].run(context, data, arguments + !!arguments[0], error);
    return input_error(error, "\"%s\": alarm does list, show, ack, close, publish or public",
                       asked);
}

const struct command command_alarm = {
    .name = "alarm",
    .summary = "See, acknowledge and close what live sources found",
    .arguments = "[list|show ID|ack ID|close ID --verdict VERDICT|publish ID|public [ENTRY|WHO]]",
    .formats = "text, json",
    .details =
        "Sources open alarms by themselves: a log that shows two faces, a receipt that was "
        "not\nhonoured. An alarm stays on this machine; while it is open, its source adds "
        "to it\ninstead of opening another.\n\n"
        "Only \"publish\" makes one public: of a route to a network that the own endorsement "
        "names\n"
        "(entente endorse --network), so that others say whether they see it, too.\n\n"
        "Example: entente alarm list\n"
        "         entente alarm ack 3f2a\n"
        "         entente alarm close 3f2a --verdict mistake --evidence 'our mirror was old'",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
