#include "assess/answers.h"
#include "assess/catalogue.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/nearest_word.h"
#include "base/terminal.h"
#include "cli/commands.h"
#include "journal/records.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2000
#define DAY_LENGTH 10 /* "2026-11-22" */

struct state {
    char *value, *date, *note;
    gboolean list;
};

static struct records *load(const char *folder, GError **error)
{
    static const char *const kinds[] = { ANSWER_EVENT, NULL };
    g_autoptr(journal_t) journal = NULL;
    GError *problem = NULL;

    journal = journal_open_existing(folder, &problem);
    if (problem) {
        g_propagate_error(error, problem);
        return NULL;
    }
    return records_load(journal, kinds, error);
}

static char *format_day(gint64 time_us)
{
    g_autofree char *text = clock_format(time_us);

    return g_strndup(text, DAY_LENGTH);
}

static gboolean is_old(const struct measure *measure, const struct answer *answer)
{
    gint64 age = clock_now_us() - answer->date_us;

    return age > (gint64)answer_max_age_days(measure) * 86400 * G_USEC_PER_SEC;
}

static const char *title(const struct context *context, const struct measure *measure)
{
    return g_str_equal(cli_language(context), "fr") ? measure->title.fr : measure->title.en;
}

static void add_row(const struct context *context, const struct measure *measure,
                    const struct answer *answer, text_table_t *table, json_t *array)
{
    g_autofree char *day = answer->value ? format_day(answer->date_us) : g_strdup("");
    gboolean old = answer->value && is_old(measure, answer);
    g_autofree char *shown = g_strconcat(day, old ? " (too old)" : "", NULL);
    const char *const cells[] = { measure->id, answer_value_name(answer->value), shown,
                                  title(context, measure) };
    json_t *value = json_object();

    text_table_row(table, cells, NULL);
    json_object_set_new(value, "question", json_string(measure->id));
    json_object_set_new(value, "principle", json_integer(measure->principle));
    json_object_set_new(value, "text", json_string(title(context, measure)));
    json_object_set_new(value, "max_age_days", json_integer(answer_max_age_days(measure)));
    if (answer->value) {
        json_object_set_new(value, "value", json_string(answer_value_name(answer->value)));
        json_object_set_new(value, "date", json_string(day));
        json_object_set_new(value, "too_old", json_boolean(old));
        if (answer->note)
            json_object_set_new(value, "note", json_safe_string(answer->note));
    }
    json_array_append_new(array, value);
}

static int list(const struct context *context, const struct records *records, GError **error)
{
    static const char *const headings[] = { "QUESTION", "ANSWER", "DATE", "STATEMENT", NULL };
    static const char *const french_headings[] = { "QUESTION", "RÉPONSE", "DATE", "ÉNONCÉ", NULL };
    gboolean french = g_str_equal(cli_language(context), "fr");
    g_autoptr(text_table_t) table = text_table_new(french ? french_headings : headings);
    g_autoptr(json_t) array = json_array();
    g_autofree char *text = NULL;
    const struct measure *rows;
    gsize count;

    rows = catalogue_measures(&count);
    for (gsize i = 0; i < count; i++) {
        struct answer answer;

        if (answer_max_age_days(&rows[i]) == 0)
            continue;
        answer_find(records, rows[i].id, &answer);
        add_row(context, &rows[i], &answer, table, array);
        answer_clear(&answer);
    }
    text = cli_format_is(context, "json", FALSE) ? json_pretty(array) : cli_table(context, table);
    return cli_output(context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

static gboolean record(const char *folder, const struct measure *measure,
                       const struct answer *answer, GError **error)
{
    g_autoptr(journal_t) journal = journal_open(folder, error);

    return journal && answer_record(journal, measure, answer, clock_now_us(), error);
}

/* One line of the terminal without its line feed; NULL at the end of input. */
static char *ask(const char *prompt)
{
    char line[LINE_MAX_BYTES];

    fputs(prompt, stdout);
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
        return NULL;
    return g_strdup(g_strstrip(line));
}

/* y, n, p, a, or the whole word in English or French; an empty line leaves the question open. */
static gboolean read_value(const char *text, enum answer_value *value)
{
    static const struct {
        const char *letter;
        enum answer_value value;
    } letters[] = {
        { "y", ANSWER_YES },
        { "o", ANSWER_YES },
        { "oui", ANSWER_YES },
        { "n", ANSWER_NO },
        { "non", ANSWER_NO },
        { "p", ANSWER_PARTLY },
        { "en partie", ANSWER_PARTLY },
        { "a", ANSWER_NOT_APPLICABLE },
        { "sans objet", ANSWER_NOT_APPLICABLE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(letters); i++)
        if (g_ascii_strcasecmp(letters[i].letter, text) == 0) {
            *value = letters[i].value;
            return TRUE;
        }
    return answer_value_parse(text, value, NULL);
}

/* Asks one question until the answer can be recorded. `*stop` at the end of input. */
static gboolean ask_question(const struct context *context, const char *folder,
                             const struct measure *measure, gboolean *stop, GError **error)
{
    gboolean french = g_str_equal(cli_language(context), "fr");

    printf("\n%s (%s)\n", title(context, measure), measure->id);
    for (;;) {
        struct answer answer = { 0 };
        g_autofree char *line =
            ask(french ? "  oui, non, en partie, sans objet (vide\u202f: plus tard)\u202f: "
                       : "  yes, no, partly, not-applicable (empty: later): ");
        g_autofree char *date = NULL, *note = NULL;
        g_autoptr(GError) problem = NULL;

        *stop = !line;
        if (!line || !*line)
            return TRUE;
        if (!read_value(line, &answer.value))
            continue;
        date = ask(french ? "  à quelle date (vide\u202f: aujourd’hui)\u202f: "
                          : "  as of which day (empty: today): ");
        note = ask(french ? "  remarque (vide\u202f: aucune)\u202f: " : "  note (empty: none): ");
        answer.date_us = clock_now_us();
        answer.note = note && *note ? note : NULL;
        if (date && *date && !clock_parse(date, &answer.date_us, &problem)) {
            fprintf(stderr, "  %s\n", problem->message);
            continue;
        }
        if (record(folder, measure, &answer, &problem))
            return TRUE;
        if (!g_error_matches(problem, ENTENTE_ERROR, ENTENTE_ERROR_INPUT)) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return FALSE;
        }
        fprintf(stderr, "  %s\n", problem->message);
    }
}

/* Goes through what was never answered or has become too old. */
static int ask_all(const struct context *context, const char *folder, const struct records *records,
                   GError **error)
{
    const struct measure *rows;
    gboolean stop = FALSE;
    gsize count;

    rows = catalogue_measures(&count);
    for (gsize i = 0; i < count && !stop; i++) {
        struct answer answer;
        gboolean open;

        if (answer_max_age_days(&rows[i]) == 0)
            continue;
        answer_find(records, rows[i].id, &answer);
        open = answer.value == ANSWER_NONE || is_old(&rows[i], &answer);
        answer_clear(&answer);
        if (open && !ask_question(context, folder, &rows[i], &stop, error))
            return EXIT_SYSTEM;
    }
    puts("");
    return EXIT_DONE;
}

static gboolean refuse_question(const char *id, GError **error)
{
    struct nearest_word nearest = { .word = id };
    const struct measure *rows;
    gsize count;

    rows = catalogue_measures(&count);
    for (gsize i = 0; i < count; i++)
        if (answer_max_age_days(&rows[i]))
            nearest_word_try(&nearest, rows[i].id);
    if (nearest.best)
        return input_error(error, "\"%s\" is not a question; did you mean \"%s\"?", id,
                           nearest.best);
    return input_error(error, "\"%s\" is not a question; see entente answer --list", id);
}

static int answer_one(const struct context *context, const char *folder, const struct state *state,
                      const char *id, GError **error)
{
    const struct measure *measure = catalogue_find(id);
    struct answer answer = { .date_us = clock_now_us(), .note = state->note };
    gboolean stop;

    if (!measure || answer_max_age_days(measure) == 0) {
        refuse_question(id, error);
        return EXIT_INPUT;
    }
    if (!state->value && isatty(STDIN_FILENO))
        return ask_question(context, folder, measure, &stop, error) ? EXIT_DONE : EXIT_SYSTEM;
    if (!state->value) {
        input_error(error, "which answer? --value yes, no, partly or not-applicable");
        return EXIT_INPUT;
    }
    if (!answer_value_parse(state->value, &answer.value, error) ||
        (state->date && !clock_parse(state->date, &answer.date_us, error)) ||
        !record(folder, measure, &answer, error))
        return error_exit_status(*error);
    return EXIT_DONE;
}

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;
    g_autofree char *folder = cli_data_folder(context, error);
    g_autoptr(records_t) records = folder ? load(folder, error) : NULL;

    if (!records)
        return EXIT_SYSTEM;
    if (arguments[0] && arguments[1]) {
        input_error(error, "one question at a time");
        return EXIT_INPUT;
    }
    if (!arguments[0] && (state->value || state->date || state->note)) {
        input_error(error, "which question? entente answer QUESTION; see entente answer --list");
        return EXIT_INPUT;
    }
    if (arguments[0] && !state->list)
        return answer_one(context, folder, state, arguments[0], error);
    if (!state->list && !context->format && !context->output && isatty(STDIN_FILENO) &&
        isatty(STDOUT_FILENO))
        return ask_all(context, folder, records, error);
    return list(context, records, error);
}

static const struct command_option options[] = {
    { "value", 0, G_OPTION_ARG_STRING, offsetof(struct state, value),
      "The answer: yes, no, partly or not-applicable", "ANSWER" },
    { "date", 0, G_OPTION_ARG_STRING, offsetof(struct state, date),
      "The day it speaks of, as the day of the drill (default: today)", "DATE" },
    { "note", 0, G_OPTION_ARG_STRING, offsetof(struct state, note),
      "A sentence that is kept with it", "TEXT" },
    { "list", 0, G_OPTION_ARG_NONE, offsetof(struct state, list),
      "Show all questions and the newest answers", NULL },
    { NULL },
};

const struct command command_answer = {
    .name = "answer",
    .summary = "Answer what no program can see: training, drills, policies",
    .arguments = "[QUESTION]",
    .formats = "text, json",
    .details = "On a terminal, asks what is open. Answers are kept with their date in the journal\n"
               "and shown as self-declared; each has a greatest age.\n\n"
               "Example: entente answer org.incident-drill --value yes --date 2026-10-14 \\\n"
               "           --note \"ransomware table-top with the city\"",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
