#include "assess/report_html.h"
#include "base/file.h"
#include "cli/commands.h"

/* As much as any assessment holds, and less than would exhaust a small machine. */
#define ASSESSMENT_MAX (256 * 1024 * 1024)

static int run(const struct context *context, void *state, char **arguments, GError **error)
{
    g_autoptr(GBytes) document = NULL;
    g_autofree char *html = NULL;
    gsize length, html_length;
    const char *text;

    if (!arguments[0] || arguments[1])
        return input_error(error,
                           "name one assessment (a file made by: entente assess --format json)");
    if (!(document = file_read(arguments[0], ASSESSMENT_MAX, error)))
        return EXIT_SYSTEM;
    text = g_bytes_get_data(document, &length);
    html =
        report_html(arguments[0], text, length, NULL, cli_language(context), &html_length, error);
    if (!html)
        return EXIT_INPUT;
    return cli_output(context, html, html_length, error) ? EXIT_DONE : EXIT_SYSTEM;
}

const struct command command_view = {
    .name = "view",
    .summary = "Make the HTML report of an assessment",
    .arguments = "FILE",
    .formats = "html",
    .details = "The report is one file that opens in any browser, without network.\n"
               "Example: entente view assessment.json --output report.html",
    .run = run,
};
