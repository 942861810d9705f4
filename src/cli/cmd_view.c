#include "assess/report_bundle.h"
#include "assess/report_html.h"
#include "assess/verifier_html.h"
#include "base/file.h"
#include "cli/commands.h"
#include "community/community.h"

#include <string.h>

/* As much as any assessment holds, and less than would exhaust a small machine. */
#define ASSESSMENT_MAX (256 * 1024 * 1024)

struct state {
    gboolean offline_verifier, manifest;
};

static int put(const struct context *context, const char *text, GError **error)
{
    return cli_output(context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

/* With the policy of the community of this machine, when it belongs to one. */
static int put_verifier(const struct context *context, GError **error)
{
    g_autofree char *data = cli_data_folder(context, error);
    g_autoptr(community_t) community = NULL;
    g_autofree char *html = NULL;

    if (!data)
        return EXIT_SYSTEM;
    if (community_exists(data) && !(community = community_open(data, error)))
        return EXIT_INPUT;
    html = verifier_html(community ? community_genesis(community)->predicate : NULL, error);
    return html ? put(context, html, error) : EXIT_SYSTEM;
}

static int put_manifest(const struct context *context, GError **error)
{
    g_autofree char *manifest = web_manifest();

    return put(context, manifest, error);
}

static int put_report(const struct context *context, const char *path, GError **error)
{
    g_autoptr(GBytes) document = file_read(path, ASSESSMENT_MAX, error);
    g_autofree char *html = NULL;
    gsize length, html_length;
    const char *text;

    if (!document)
        return EXIT_SYSTEM;
    text = g_bytes_get_data(document, &length);
    html = report_html(path, text, length, NULL, cli_language(context), &html_length, error);
    if (!html)
        return EXIT_INPUT;
    return cli_output(context, html, html_length, error) ? EXIT_DONE : EXIT_SYSTEM;
}

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;

    if (state->offline_verifier || state->manifest) {
        if (arguments[0] || (state->offline_verifier && state->manifest))
            return input_error(error, "--offline-verifier and --manifest stand alone");
        return state->manifest ? put_manifest(context, error) : put_verifier(context, error);
    }
    if (!arguments[0] || arguments[1])
        return input_error(error,
                           "name one assessment (a file made by: entente assess --format json)");
    return put_report(context, arguments[0], error);
}

static const struct command_option options[] = {
    { "offline-verifier", 0, G_OPTION_ARG_NONE, offsetof(struct state, offline_verifier),
      "Make the verifier as one HTML file, with the community's genesis policy in it", NULL },
    { "manifest", 0, G_OPTION_ARG_NONE, offsetof(struct state, manifest),
      "List the viewer's files and their SHA-256; the list's own is the viewer's digest", NULL },
    { NULL },
};

const struct command command_view = {
    .name = "view",
    .summary = "Make the HTML report of an assessment, or the verifier as one file",
    .arguments = "[FILE]",
    .formats = "html",
    .details = "The report is one file that opens in any browser, without network. So is the\n"
               "verifier of proofs, statements and reports.\n"
               "Example: entente view assessment.json --output report.html\n"
               "         entente view --offline-verifier --output verifier.html",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
