/*
 * cmd_help.c: `entente help ask|offer|queue|bias|formula`: assistance between signatories. What
 * explains a command, `entente help COMMAND`, is found before this one (cli.c).
 */
#include "base/clock.h"
#include "base/nearest_word.h"
#include "base/terminal.h"
#include "cli/case_command.h"
#include "cli/case_text.h"
#include "cli/commands.h"
#include "process/triage.h"

#include <stdio.h>
#include <string.h>

#define ASK_KIND "assistance"
#define OFFER_KIND "capacity-offer"
#define TEXT_FIELD "what"
#define QUEUE_DEFAULT 100u
#define HUNDREDTHS 100
#define DAY_US (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)
#define HOUR_US (3600.0 * G_USEC_PER_SEC)
#define BIAS_DAYS 365

struct state {
    struct case_arguments given;
    char *from;
};

#define MEMBER(NAME) offsetof(struct state, NAME)

static const struct command_option options[] = {
    { "to", 0, G_OPTION_ARG_STRING_ARRAY, MEMBER(given.to),
      "ask, offer: this signatory (domain, name or id); may be given several times", "SIGNATORY" },
    { "field", 0, G_OPTION_ARG_STRING_ARRAY, MEMBER(given.fields),
      "ask, offer: a field; @FILE takes it from a file; may be given several times", "NAME=VALUE" },
    { "file", 0, G_OPTION_ARG_FILENAME_ARRAY, MEMBER(given.files),
      "ask, offer: attach this file; may be given several times", "FILE" },
    { "tlp", 0, G_OPTION_ARG_STRING, MEMBER(given.tlp),
      "clear, green, amber, amber+strict or red (default: the kind's)", "LEVEL" },
    { "limit", 0, G_OPTION_ARG_INT, MEMBER(given.limit), "queue: so many at most (default: 100)",
      "N" },
    { "from", 0, G_OPTION_ARG_STRING, MEMBER(from),
      "bias: calls decided since then (default: a year ago)", "DATE" },
    CASEWORK_OPTIONS(struct case_arguments), /* `given` comes first */
    { NULL },
};

/* --- ask, offer --- */

struct takers {
    const struct reg *reg;
    const char *kind;
    GString *names;
};

static void add_taker(const char *id, const char *domain, gpointer data)
{
    struct takers *takers = data;
    const json_t *intake = json_object_get(register_mailbox(takers->reg, id), "intake"), *kind;
    size_t index;

    json_array_foreach(intake, index, kind)
    {
        if (g_strcmp0(json_string_value(kind), takers->kind) == 0)
            g_string_append_printf(takers->names, "%s%s", takers->names->len ? ", " : "", domain);
    }
}

/* Who said in the log that they take such cases. */
static char *who_takes(const struct context *context, const struct state *state, const char *kind)
{
    g_autoptr(casework_t) work = casework_open(context, &state->given.work, NULL);
    struct takers takers = { work ? casework_register(work) : NULL, kind, g_string_new(NULL) };

    if (takers.reg)
        register_each(takers.reg, add_taker, &takers);
    return g_string_free(takers.names, FALSE);
}

static int open_case(const struct context *context, const struct state *state, const char *kind,
                     char **arguments, GError **error)
{
    g_autofree char *text = *arguments ? g_strjoinv(" ", arguments) : NULL;

    if (!state->given.to) {
        g_autofree char *takers = who_takes(context, state, kind);

        return input_error(error, "whom? --to SIGNATORY; %s%s",
                           *takers ? "these take such calls: "
                                   : "nobody here says that they take "
                                     "such calls",
                           takers);
    }
    return case_open(context, &state->given, kind, TEXT_FIELD, text, error);
}

static int ask(const struct context *context, const struct state *state, char **arguments,
               GError **error)
{
    return open_case(context, state, ASK_KIND, arguments, error);
}

static int offer(const struct context *context, const struct state *state, char **arguments,
                 GError **error)
{
    return open_case(context, state, OFFER_KIND, arguments, error);
}

/* --- queue --- */

static char *inputs_text(const json_t *inputs)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)inputs, name, value)
        g_string_append_printf(text, "%s%s=%s", text->len ? " " : "", name,
                               json_is_string(value) ? json_string_value(value) : "?");
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *queue_text(const struct casework *work, const json_t *queue)
{
    static const char *const english[] = { "SCORE",  "CASE",    "STATE", "WAITING",
                                           "INPUTS", "SUBJECT", NULL };
    static const char *const french[] = { "NOTE",    "DOSSIER", "ÉTAT", "ATTENTE",
                                          "DONNÉES", "OBJET",   NULL };
    g_autoptr(text_table_t) table = text_table_new(work->french ? french : english);
    const json_t *item;
    size_t index;

    text_table_align_right(table, 0);
    json_array_foreach(json_object_get(queue, "queue"), index, item)
    {
        const int score = (int)json_number(item, "score_hundredths", 0);
        g_autofree char *points =
            g_strdup_printf("%d.%02d", score / HUNDREDTHS, score % HUNDREDTHS);
        g_autofree char *id = g_strndup(json_text(item, "id"), CASEWORK_SHORT_ID);
        g_autofree char *inputs = inputs_text(json_object_get(item, "inputs")), *waiting = NULL;
        const char *title = json_text(item, "title");
        gint64 opened_us = work->now_us;

        clock_parse(json_text(item, "opened"), &opened_us, NULL);
        waiting = case_text_duration(MAX(work->now_us - opened_us, 0), work->french);
        text_table_row(table,
                       (const char *const[]){
                           points, id,
                           case_text_state(work, json_text(item, "kind"), json_text(item, "state")),
                           waiting, inputs, title ? title : "" },
                       NULL);
    }
    return cli_table(work->context, table);
}

static int queue(const struct context *context, const struct state *state, char **arguments,
                 GError **error)
{
    g_autoptr(casework_t) work = NULL;
    g_autoptr(json_t) list = NULL;

    if (arguments[0] || state->given.limit < 0)
        return input_error(error, "queue takes options only; --limit a number from 0");
    work = casework_open(context, &state->given.work, error);
    if (!work)
        return EXIT_SYSTEM;
    list = triage_queue(work->cases, state->given.limit ? (guint)state->given.limit : QUEUE_DEFAULT,
                        work->now_us, error);
    if (!list || !case_text_put(work, list, "queue", queue_text, error))
        return EXIT_SYSTEM;
    if (!context->quiet && !json_number(list, "total", 0))
        fputs(work->french ? "Aucune demande n’attend de réponse ici.\n"
                           : "No call waits for an answer here.\n",
              stderr);
    return EXIT_DONE;
}

/* --- bias --- */

/* Why there is no test: what triage_bias() says, in French. */
static const char *untested_text(const char *why, gboolean french)
{
    static const struct process_text texts[] = {
        { "fewer than two groups", "moins de deux groupes" },
        { "all calls were decided alike", "toutes les demandes ont eu la même issue" },
    };

    for (guint i = 0; french && i < G_N_ELEMENTS(texts); i++)
        if (g_strcmp0(texts[i].en, why) == 0)
            return texts[i].fr;
    return why;
}

static void add_groups(const json_t *dimension, gboolean french, GString *text)
{
    const json_t *group, *p = json_object_get(dimension, "p");
    g_autofree char *name = terminal_escape(json_text(dimension, "dimension"));
    const int hidden = (int)json_number(dimension, "suppressed_groups", 0);
    size_t index;

    g_string_append_printf(text, "\n%s\n", name);
    json_array_foreach(json_object_get(dimension, "groups"), index, group)
    {
        const double hours = json_number_value(json_object_get(group, "mean_wait_hours"));
        g_autofree char *value = terminal_escape(json_text(group, "value"));
        g_autofree char *wait = case_text_duration((gint64)(hours * HOUR_US), french);

        g_string_append_printf(text,
                               french ? "  %-20s %d demandes, %d acceptées, attente moyenne %s\n"
                                      : "  %-20s %d calls, %d accepted, waited %s on average\n",
                               value, (int)json_number(group, "calls", 0),
                               (int)json_number(group, "accepted", 0), wait);
    }
    if (hidden)
        g_string_append_printf(text,
                               french ? "  %d groupes trop petits pour être montrés\n"
                                      : "  %d groups are too small to be shown\n",
                               hidden);
    if (json_is_number(p))
        g_string_append_printf(text, "  chi2 = %.3f, %d df, p = %.3f\n",
                               json_number_value(json_object_get(dimension, "chi_square")),
                               (int)json_number(dimension, "degrees", 0), json_number_value(p));
    else
        g_string_append_printf(text, french ? "  pas de test\u202f: %s\n" : "  not tested: %s\n",
                               untested_text(json_text(dimension, "untested"), french));
}

static int bias(const struct context *context, const struct state *state, char **arguments,
                GError **error)
{
    g_autoptr(casework_t) work = NULL;
    g_autoptr(json_t) report = NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *json = NULL, *from = NULL, *until = NULL;
    const json_t *dimension;
    gint64 from_us;
    size_t index;

    if (arguments[0])
        return input_error(error, "\"%s\": bias takes options only", arguments[0]);
    work = casework_open(context, &state->given.work, error);
    if (!work)
        return EXIT_SYSTEM;
    from_us = work->now_us - BIAS_DAYS * DAY_US;
    if (state->from && !clock_parse(state->from, &from_us, error))
        return EXIT_INPUT;
    report = triage_bias(work->cases, from_us, work->now_us, error);
    if (!report)
        return EXIT_SYSTEM;
    if (cli_format_is(context, "json", FALSE)) {
        json = json_pretty(report);
        return cli_output(context, json, strlen(json), error) ? EXIT_DONE : EXIT_SYSTEM;
    }
    from = case_text_time(json_text(report, "from"));
    until = case_text_time(json_text(report, "until"));
    g_string_append_printf(text, "%s .. %s UTC\n", from, until);
    json_array_foreach(json_object_get(report, "dimensions"), index, dimension)
        add_groups(dimension, work->french, text);
    return cli_output(context, text->str, text->len, error) ? EXIT_DONE : EXIT_SYSTEM;
}

/* --- formula --- */

static void add_formula(const json_t *kind, const char *language, GString *text)
{
    const json_t *input, *choice;
    size_t index, number;

    g_string_append_printf(text, "%s\n  %s\n", json_text(kind, "kind"), json_text(kind, "formula"));
    json_array_foreach(json_object_get(kind, "inputs"), index, input)
    {
        g_string_append_printf(text, "\n  %s: %s\n", json_text(input, "field"),
                               json_text(json_object_get(input, "title"), language));
        json_array_foreach(json_object_get(input, "choices"), number, choice)
            g_string_append_printf(text, "    %d  %s\n", (int)json_number(choice, "weight", 0),
                                   json_text(json_object_get(choice, "title"), language));
    }
}

static int formula(const struct context *context, const struct state *state, char **arguments,
                   GError **error)
{
    g_autoptr(json_t) document = triage_formula();
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *json = NULL;
    const json_t *kind;
    size_t index;

    (void)state;
    if (arguments[0])
        return input_error(error, "\"%s\": formula takes options only", arguments[0]);
    if (cli_format_is(context, "json", FALSE)) {
        json = json_pretty(document);
        return cli_output(context, json, strlen(json), error) ? EXIT_DONE : EXIT_SYSTEM;
    }
    json_array_foreach(json_object_get(document, "kinds"), index, kind)
        add_formula(kind, cli_language(context), text);
    g_string_append(text, cli_is_french(context)
                              ? "\nNi la nationalité, ni les opinions, ni l'adhésion n'y entrent.\n"
                              : "\nNationality, politics and membership have no part in it.\n");
    return cli_output(context, text->str, text->len, error) ? EXIT_DONE : EXIT_SYSTEM;
}

/* --- the command --- */

static const struct {
    const char *name;
    int (*run)(const struct context *context, const struct state *state, char **arguments,
               GError **error);
} subcommands[] = {
    { "ask", ask },   { "offer", offer },     { "queue", queue },
    { "bias", bias }, { "formula", formula },
};

/* Somebody who wants a command explained, and mistyped it. */
static int refuse(const struct context *context, const char *word, GError **error)
{
    struct nearest_word nearest = { .word = word };

    for (const struct command *const *command = context->commands; *command; command++)
        nearest_word_try(&nearest, (*command)->name);
    for (guint i = 0; i < G_N_ELEMENTS(subcommands); i++)
        nearest_word_try(&nearest, subcommands[i].name);
    if (nearest.best)
        return input_error(error, "there is no command \"%s\"; did you mean \"%s\"?", word,
                           nearest.best);
    return input_error(error,
                       "\"%s\": help does ask, offer, queue, bias or formula, and explains "
                       "every command of entente --help",
                       word);
}

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    if (!arguments[0])
        return input_error(error, "help does ask, offer, queue, bias or formula");
    for (guint i = 0; i < G_N_ELEMENTS(subcommands); i++)
        if (g_str_equal(subcommands[i].name, arguments[0]))
            return subcommands[i].run(context, data, arguments + 1, error);
    return refuse(context, arguments[0], error);
}

const struct command command_help = {
    .name = "help",
    .summary = "Ask for help, offer it, answer calls in a fair order; or explain a command",
    .arguments = "[COMMAND] | ask [TEXT...] | offer [TEXT...] | queue | bias | formula",
    .formats = "text, json",
    .details =
        "COMMAND  what that command does, as entente COMMAND --help\n"
        "ask      a call for help to --to SIGNATORY; what is missing is asked for\n"
        "offer    capacity to help, to --to SIGNATORY\n"
        "queue    calls that wait for an answer here, in the order of the public formula\n"
        "bias     acceptance and waiting by country, sector and language, and what chance makes "
        "of it\n"
        "formula  how the order is made\n\n"
        "Example: entente help ask --to secours.example 'Our files are encrypted' \\\n"
        "           --field continuing=yes --field channel='+33 1 02 03 04 05'\n"
        "         entente help queue\n"
        "         entente help formula",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
