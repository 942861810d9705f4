/* cmd_clock.c: whether time sources agree, are protected, and what this machine's clock lacks. */
#include "base/json.h"
#include "base/terminal.h"
#include "cli/commands.h"
#include "journal/journal.h"
#include "p2_internet/clock/clock_check.h"
#include "profile/profile.h"

#include <string.h>

#define SAMPLES_DEFAULT 3
#define SAMPLES_MOST 8
#define TIMEOUT_DEFAULT_S 3
#define TIMEOUT_MOST_S 60
#define PAUSE_US G_USEC_PER_SEC /* between two requests: slower than servers limit */
#define PAUSE_QUICK_US 20000    /* to addresses of this machine */
#define MS_US 1000.0

struct state {
    char **own;
    char *ca, *chrony;
    int samples, timeout_s;
    gboolean allow_private, no_local, quick, ask_again;
};

#define MEMBER(NAME) offsetof(struct state, NAME)

static const struct command_option options[] = {
    { "ca", 0, G_OPTION_ARG_FILENAME, MEMBER(ca),
      "Trust the certificates in this PEM file for NTS, not the system's (or ENTENTE_CA_FILE)",
      "FILE" },
    { "own", 0, G_OPTION_ARG_STRING_ARRAY, MEMBER(own),
      "An NTP server of your own, HOST[:PORT]: it is asked what it should not answer", "SERVER" },
    { "samples", 0, G_OPTION_ARG_INT, MEMBER(samples),
      "Requests to each source, a second apart (default: 3, at most 8)", "NUMBER" },
    { "timeout", 0, G_OPTION_ARG_INT, MEMBER(timeout_s), "Wait so long for an answer (default: 3)",
      "SECONDS" },
    { "quick", 0, G_OPTION_ARG_NONE, MEMBER(quick),
      "Do not pause between requests: for servers of your own", NULL },
    { "ask-again", 0, G_OPTION_ARG_NONE, MEMBER(ask_again),
      "Ask also sources that refused not long ago", NULL },
    { "chrony", 0, G_OPTION_ARG_STRING, MEMBER(chrony),
      "Ask the chronyd there for its state (default: the local one)", "HOST:PORT" },
    { "no-local", 0, G_OPTION_ARG_NONE, MEMBER(no_local),
      "Do not look at this machine's kernel clock and time service", NULL },
    { "allow-private", 0, G_OPTION_ARG_NONE, MEMBER(allow_private),
      "A public NTS server may send us to an address that is not public", NULL },
    { NULL },
};

/* ---- what is asked ---- */

static gboolean add_all(GPtrArray *list, char *const *texts, GError **error)
{
    for (; texts && *texts; texts++) {
        struct clock_source *source = clock_source_parse(*texts, error);

        if (!source)
            return FALSE;
        g_ptr_array_add(list, source);
        if (list->len > CLOCK_SOURCES_MAX)
            return input_error(error, "more than %u sources", CLOCK_SOURCES_MAX);
    }
    return TRUE;
}

static gboolean within(const char *option, int value, int most, GError **error)
{
    return (value >= 0 && value <= most) ||
           input_error(error, "--%s takes a number from 1 to %d", option, most);
}

static gboolean plan_all(const struct context *context, const struct state *state,
                         char *const *arguments, struct clock_plan *plan, GError **error)
{
    g_autofree char *path = cli_profile_path(context);
    g_autoptr(profile_t) profile = NULL;
    const gboolean asked = arguments[0] || state->own;

    if (!within("samples", state->samples, SAMPLES_MOST, error) ||
        !within("timeout", state->timeout_s, TIMEOUT_MOST_S, error))
        return FALSE;
    if (path) {
        profile = profile_load(path, error);
        if (!profile)
            return FALSE;
    }
    if (!add_all(plan->sources, arguments[0] || !profile ? arguments : profile->time_sources,
                 error) ||
        !add_all(plan->servers,
                 state->own || asked || !profile ? state->own : profile->time_servers, error))
        return FALSE;
    if (plan->sources->len || plan->servers->len)
        return TRUE;
    return input_error(error, "no source is named: entente clock check nts://HOST ..., or \"time\" "
                              "in entente.yaml(5)");
}

/* ---- what is shown ---- */

static char *milliseconds(gint64 time_us)
{
    return g_strdup_printf("%.3f", (double)time_us / MS_US);
}

static char *sources_table(const struct context *context, const struct clock_report *report)
{
    static const char *const headings[] = { "source",  "verdict", "offset ms", "+-",   "delay ms",
                                            "stratum", "leap",    "NTS",       "note", NULL };
    static const enum style styles[] = { STYLE_GOOD, STYLE_BAD, STYLE_WARN, STYLE_WARN };
    g_autoptr(text_table_t) table = text_table_new(headings);

    for (guint i = 2; i <= 5; i++)
        text_table_align_right(table, i);
    for (guint i = 0; i < report->count; i++) {
        const struct clock_row *row = &report->rows[i];
        const struct measured *measured = &row->measured;
        const gboolean has = !measured->reason;
        g_autofree char *offset = has ? milliseconds(measured->offset_us) : NULL;
        g_autofree char *distance = has ? milliseconds(measured->distance_us) : NULL;
        g_autofree char *delay = has ? milliseconds(measured->delay_us) : NULL;
        g_autofree char *stratum =
            has ? g_strdup_printf("%u", measured->header.stratum) : g_strdup("");
        g_autofree char *note = measured->reason
                                    ? g_strdup_printf("%s: %s", measured->reason, measured->problem)
                                : measured->certificate.out_of_time
                                    ? g_strdup("its certificate is not valid by our clock")
                                : measured->redirect ? g_strdup_printf("by %s", measured->redirect)
                                                     : g_strdup("");
        const char *cells[] = { row->source->text,
                                clock_word_name(row->word),
                                offset ? offset : "",
                                distance ? distance : "",
                                delay ? delay : "",
                                stratum,
                                has ? ntp_leap_name(measured->header.leap) : "",
                                has && measured->authenticated ? "yes" : "no",
                                note };
        const enum style row_styles[G_N_ELEMENTS(cells)] = { STYLE_PLAIN, styles[row->word] };

        text_table_row(table, cells, row_styles);
    }
    return cli_table(context, table);
}

static char *checks_table(const struct context *context, const struct clock_report *report)
{
    static const char *const headings[] = {
        "check", "outcome", "found", "rule", "what to do", NULL
    };
    static const enum style styles[] = { STYLE_GOOD, STYLE_WARN, STYLE_BAD, STYLE_DIM };
    g_autoptr(text_table_t) table = text_table_new(headings);

    for (const struct clock_judgement *row = clock_judgements; row->id; row++) {
        g_autoptr(GString) detail = g_string_new(NULL);
        const enum clock_outcome outcome = row->judge(report, detail);
        const gboolean good = outcome == CLOCK_PASS;
        const char *cells[] = { row->id, clock_outcome_name(outcome), detail->str,
                                good ? "" : row->reference, good ? "" : row->fix };
        const enum style row_styles[G_N_ELEMENTS(cells)] = { STYLE_PLAIN, styles[outcome] };

        text_table_row(table, cells, row_styles);
    }
    return cli_table(context, table);
}

/* A failure is found; a source without an answer is what could not be completed. */
static int status_of(const struct clock_report *report)
{
    int status = EXIT_DONE;

    for (const struct clock_judgement *row = clock_judgements; row->id; row++) {
        g_autoptr(GString) detail = g_string_new(NULL);

        if (row->judge(report, detail) == CLOCK_FAIL)
            return EXIT_FOUND;
    }
    for (guint i = 0; i < report->count; i++)
        if (report->rows[i].word == CLOCK_SILENT)
            status = EXIT_SYSTEM;
    for (guint i = 0; i < report->servers->len; i++)
        if (report->amplified[i].problem)
            status = EXIT_SYSTEM;
    return status;
}

static gboolean keep(const struct context *context, const json_t *document, GError **error)
{
    g_autofree char *folder = cli_data_folder(context, error);
    g_autoptr(journal_t) journal = folder ? journal_open(folder, error) : NULL;
    g_autofree char *text = json_dumps(document, JSON_COMPACT);

    return journal && journal_note(journal, CLOCK_EVENT, NULL, CLOCK_KEY, text, error);
}

static int show(const struct context *context, const struct clock_report *report, GError **error)
{
    g_autoptr(json_t) document = clock_report_json(report);
    g_autofree char *text = NULL;

    if (!keep(context, document, error))
        return EXIT_SYSTEM;
    if (cli_format_is(context, "json", FALSE)) {
        text = json_pretty(document);
    } else {
        g_autofree char *sources = sources_table(context, report);
        g_autofree char *checks = checks_table(context, report);

        text = g_strconcat(report->count ? sources : "", report->count ? "\n" : "", checks, NULL);
    }
    return cli_output(context, text, strlen(text), error) ? status_of(report) : EXIT_SYSTEM;
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct state *state = shared;
    g_autoptr(GPtrArray) sources =
        g_ptr_array_new_with_free_func((GDestroyNotify)clock_source_free);
    g_autoptr(GPtrArray) servers =
        g_ptr_array_new_with_free_func((GDestroyNotify)clock_source_free);
    g_auto(clock_report_t) report = { 0 };
    g_autoptr(refusals_t) refusals = NULL;
    g_autofree char *data = NULL;
    struct clock_plan plan = {
        .sources = sources,
        .servers = servers,
        .options = {
            .samples = (guint)(state->samples ? state->samples : SAMPLES_DEFAULT),
            .pause_us = state->quick ? PAUSE_QUICK_US : PAUSE_US,
            .timeout_us =
                (state->timeout_s ? state->timeout_s : TIMEOUT_DEFAULT_S) * G_USEC_PER_SEC,
            .ca_file = state->ca ? state->ca : g_getenv("ENTENTE_CA_FILE"),
            .allow_private = state->allow_private,
        },
        .chrony = state->chrony,
        .local = !state->no_local,
        .ask_again = state->ask_again,
    };

    if (!plan_all(context, state, arguments, &plan, error))
        return EXIT_INPUT;
    data = cli_data_folder(context, error);
    refusals = data ? refusals_load(data, error) : NULL;
    if (!refusals)
        return error_exit_status(*error);
    plan.refusals = refusals;
    clock_check(&plan, &report);
    if (!refusals_save(refusals, data, error))
        return EXIT_SYSTEM;
    return show(context, &report, error);
}

static const struct subcommand subcommand_check = { "check", run };
static const struct subcommand *const subcommands[] = { &subcommand_check, NULL };

const struct command command_clock = {
    .name = "clock",
    .summary = "Check time sources: offset, agreement, protection",
    .arguments = "check [SOURCE...]",
    .formats = "text, json",
    .details =
        "check  ask each source (nts://HOST[:PORT], ntp://HOST[:PORT]; default: those of the\n"
        "       profile), tell who lies, and look at this machine's own clock and at your own\n"
        "       servers. The result is kept for `entente assess`.\n\n"
        "Example: entente clock check nts://time.example.org ntp://ntp.example.net",
    .options = options,
    .state_size = sizeof(struct state),
    .subcommands = subcommands,
};
