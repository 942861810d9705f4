#include "assess/assess.h"
#include "assess/assessment_json.h"
#include "assess/assessment_statement.h"
#include "assess/assessment_text.h"
#include "assess/import.h"
#include "assess/oscal.h"
#include "assess/past.h"
#include "assess/report_html.h"
#include "assess/reports.h"
#include "assess/sarif.h"
#include "base/terminal.h"
#include "cli/commands.h"
#include "cli/keys.h"

#include <string.h>

struct state {
    char **principles, **measures;
    char *root, *fail_on;
    gboolean no_walk, no_save, save;
};

static const struct command_option options[] = {
    { "principle", 'p', G_OPTION_ARG_STRING_ARRAY, offsetof(struct state, principles),
      "Only the measures of principle N, 1 to 9 (may be repeated)", "N" },
    { "measure", 'm', G_OPTION_ARG_STRING_ARRAY, offsetof(struct state, measures),
      "Only the measure ID (may be repeated)", "ID" },
    { "root", 0, G_OPTION_ARG_FILENAME, offsetof(struct state, root),
      "Audit the file tree or mounted image DIR instead of this machine", "DIR" },
    { "fail-on", 0, G_OPTION_ARG_STRING, offsetof(struct state, fail_on),
      "Exit 1 when something of at least this severity fails: info, low, medium, high, "
      "critical",
      "SEVERITY" },
    { "no-walk", 0, G_OPTION_ARG_NONE, offsetof(struct state, no_walk),
      "Skip the walk over all files (its measures become not-measured)", NULL },
    { "no-save", 0, G_OPTION_ARG_NONE, offsetof(struct state, no_save),
      "Keep nothing in the data folder", NULL },
    { "save", 0, G_OPTION_ARG_NONE, offsetof(struct state, save),
      "Keep the result also with --root, --principle or --measure", NULL },
    { NULL },
};

/* What a report is made of; `length` of the result, which is owned by the caller. */
struct report_request {
    const struct assessment *assessment;
    gboolean french, colour;
    guint width;
};

static char *make_text(const struct report_request *request, gsize *length, GError **error)
{
    char *text = assessment_format_text(request->assessment, request->french, request->colour,
                                        request->width);

    *length = strlen(text);
    return text;
}

static char *make_json(const struct report_request *request, gsize *length, GError **error)
{
    return assessment_write_json(request->assessment, length);
}

static char *make_html(const struct report_request *request, gsize *length, GError **error)
{
    gsize document_length;
    g_autofree char *document = assessment_write_json(request->assessment, &document_length);

    return report_html("assessment", document, document_length, NULL, request->french ? "fr" : "en",
                       length, error);
}

static char *make_sarif(const struct report_request *request, gsize *length, GError **error)
{
    return sarif_write(request->assessment, request->french, length);
}

static char *make_oscal(const struct report_request *request, gsize *length, GError **error)
{
    return oscal_write(request->assessment, request->french, length);
}

/* The first is the default. A new format is a row here and a word in the command's `formats`. */
static const struct {
    const char *name;
    char *(*make)(const struct report_request *request, gsize *length, GError **error);
} formats[] = {
    { "text", make_text },   { "json", make_json },   { "html", make_html },
    { "oscal", make_oscal }, { "sarif", make_sarif },
};

static gboolean read_principles(char **texts, struct assess_options *asked, GError **error)
{
    for (; texts && *texts; texts++) {
        guint64 number;

        if (!g_ascii_string_to_unsigned(*texts, 10, 1, PRINCIPLES, &number, NULL))
            return input_error(error, "--principle %s is not a principle (1 to %d)", *texts,
                               PRINCIPLES);
        asked->principles[number - 1] = TRUE;
    }
    return TRUE;
}

static void show_progress(guint done, guint total, gpointer data)
{
    struct progress **progress = data;

    if (!*progress)
        *progress = progress_begin("assess", total);
    progress_at(*progress, done, NULL);
}

/* A part of the catalogue or another tree says nothing about how this machine changed. */
static gboolean is_to_be_saved(const struct state *state)
{
    if (state->no_save)
        return FALSE;
    return state->save || !(state->root || state->principles || state->measures);
}

static struct assessment *assess(const struct context *context, const struct state *state,
                                 GError **error)
{
    g_autofree char *path = cli_profile_path(context);
    g_autoptr(profile_t) profile = path ? profile_load(path, error) : profile_default();
    /* A machine where nothing can be kept can be assessed all the same. */
    g_autofree char *data = cli_data_folder(context, NULL);
    g_autoptr(records_t) records = profile ? past_records(data, error) : NULL;
    struct progress *progress = NULL;
    struct assess_options asked = {
        .root = state->root,
        .measures = (const char *const *)state->measures,
        .no_walk = state->no_walk,
        .records = records,
        .data_folder = data,
        .progress = context->quiet ? NULL : show_progress,
        .progress_data = &progress,
    };
    struct assessment *assessment;

    if (!records || !read_principles(state->principles, &asked, error))
        return NULL;
    assessment = assess_run(profile, &asked, error);
    if (progress)
        progress_end(progress);
    if (assessment) {
        /* A tree that is not kept has no history either. */
        gboolean has_past = !state->root || is_to_be_saved(state);
        g_autoptr(past_t) past = has_past ? past_run(data, state->root) : NULL;

        if (!state->root && !state->principles && !state->measures)
            import_apply(assessment, records);
        past_apply_waivers(assessment, records);
        past_apply_run(assessment, past);
    }
    return assessment;
}

/* Saves the run: the document, its signed statement and the private openings; NULL with `error`. */
static char *save(const struct context *context, const struct assessment *assessment,
                  const struct signing_key *key, GError **error)
{
    g_autofree char *data = cli_data_folder(context, error);
    g_autoptr(GBytes) document = NULL;
    g_autoptr(GBytes) envelope = NULL;
    g_autoptr(GBytes) openings = NULL;
    g_autoptr(GBytes) report = NULL;
    g_autoptr(GBytes) past = NULL;
    g_autoptr(json_t) tree = NULL;
    gsize length;
    char *text;

    if (!data)
        return NULL;
    text = assessment_write_json(assessment, &length);
    document = g_bytes_new_take(text, length);
    tree = json_parse(text, length, ASSESSMENT_DOCUMENT_MAX, ASSESSMENT_DOCUMENT_NAME, error);
    if (!tree)
        return NULL;
    text = report_html("assessment", text, length, tree, cli_language(context), &length, error);
    if (!text)
        return NULL;
    report = g_bytes_new_take(text, length);
    text = past_write(assessment, &length);
    past = g_bytes_new_take(text, length);
    if (!assessment_statement_make(document, tree, key, &envelope, &openings, error))
        return NULL;
    {
        const struct report_file files[] = {
            { ASSESSMENT_DOCUMENT_NAME, document },
            { ASSESSMENT_OPENINGS_NAME, openings },
            { ASSESSMENT_ENVELOPE_NAME, envelope },
            { REPORT_HTML_NAME, report },
            { PAST_NAME, past },
        };

        return reports_save(data, assessment->run.id, files, G_N_ELEMENTS(files), error);
    }
}

static gboolean put_report(const struct context *context, const struct assessment *assessment,
                           const char *folder, GError **error)
{
    gboolean on_terminal = !context->output || g_str_equal(context->output, "-");
    const struct report_request request = {
        .assessment = assessment,
        .french = g_str_equal(cli_language(context), "fr"),
        .colour = on_terminal && terminal_has_colour(stdout),
        .width = terminal_width(stdout),
    };
    g_autofree char *program = cli_program();
    g_autofree char *text = NULL;
    gsize length = 0;
    guint format = 0;

    while (context->format && !g_str_equal(formats[format].name, context->format))
        format++; /* cli.c refused what is not in the command's `formats` */
    text = formats[format].make(&request, &length, error);
    if (!text || !cli_output(context, text, length, error))
        return FALSE;
    if (folder && format == 0 && on_terminal && !context->quiet)
        printf(request.french ? "\nConservé et signé dans %s\n"
                                "À lire dans un navigateur\u202f: %s/" REPORT_HTML_NAME "\n"
                                "À vérifier par\u202f: %s verify %s/" ASSESSMENT_ENVELOPE_NAME "\n"
                              : "\nKept and signed in %s\n"
                                "Read it in a browser: %s/" REPORT_HTML_NAME "\n"
                                "Verify with: %s verify %s/" ASSESSMENT_ENVELOPE_NAME "\n",
               folder, folder, program, folder);
    return TRUE;
}

static gboolean has_failure_from(const struct assessment *assessment, enum severity least)
{
    for (guint i = 0; i < assessment->findings->len; i++) {
        const struct assessed_finding *one = assessment->findings->pdata[i];

        if (one->finding->outcome == OUTCOME_FAIL && !one->finding->source &&
            one->measure->severity >= least && !(one->waiver && !one->waiver->expired))
            return TRUE;
    }
    return FALSE;
}

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;
    g_autoptr(assessment_t) assessment = NULL;
    g_autoptr(signing_key_t) key = NULL;
    g_autoptr(GError) unsigned_why = NULL;
    g_autofree char *folder = NULL;
    enum severity least = SEVERITY_INFO;
    gboolean kept;

    if (arguments[0])
        return input_error(error, "\"%s\": assess takes options only", arguments[0]);
    if (state->save && state->no_save)
        return input_error(error, "choose one of --save and --no-save");
    if (state->fail_on && !severity_parse(state->fail_on, &least, error))
        return EXIT_INPUT;
    /* Before the work: a passphrase may be asked for. */
    if (is_to_be_saved(state))
        key = cli_default_key(context, &unsigned_why);
    assessment = assess(context, state, error);
    if (!assessment)
        return EXIT_SYSTEM;
    if (key)
        assessment->run.signer = public_key_hint(key->public);
    /* What cannot be kept is shown all the same. */
    if (unsigned_why)
        g_propagate_error(error, g_steal_pointer(&unsigned_why));
    kept = !is_to_be_saved(state) || (key && (folder = save(context, assessment, key, error)));
    if (!put_report(context, assessment, folder, kept ? error : NULL) || !kept)
        return EXIT_SYSTEM;
    return state->fail_on && has_failure_from(assessment, least) ? EXIT_FOUND : EXIT_DONE;
}

const struct command command_assess = {
    .name = "assess",
    .summary = "Assess this machine against the nine principles",
    .arguments = "",
    .formats = "text, json, html, oscal, sarif",
    .details = "Looks, changes nothing, starts no other program. The result is kept in the data\n"
               "folder unless --no-save, --root, --principle or --measure is given.\n\n"
               "Example: entente assess --fail-on high\n"
               "         entente assess --root /mnt/image --format json",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
