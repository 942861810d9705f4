#include "assess/catalogue.h"
#include "base/terminal.h"
#include "cli/commands.h"

#include <string.h>

static int run(const struct context *context, void *state, char **arguments, GError **error)
{
    static const char *const headings[] = { "ID", "REF", "P", "SEVERITY", "TITLE", NULL };
    gboolean french = g_str_equal(cli_language(context), "fr");
    g_autoptr(table_t) table = table_new(headings);
    g_autofree char *text = NULL;
    const struct measure *rows;
    gsize count;

    rows = catalogue_measures(&count);
    for (gsize i = 0; i < count; i++) {
        g_autofree char *principle = g_strdup_printf("%u", rows[i].principle);
        const char *const cells[] = { rows[i].id, rows[i].catalogue_id, principle,
                                      severity_name(rows[i].severity),
                                      french ? rows[i].title.fr : rows[i].title.en };

        table_row(table, cells, NULL);
    }
    text = table_format(table, terminal_has_colour(stdout), terminal_width(stdout));
    return cli_output(context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

const struct command command_measures = {
    .name = "measures",
    .summary = "List the catalogue of measures",
    .arguments = "",
    .formats = "text, json, markdown",
    .details = "Example: entente measures --format markdown",
    .run = run,
};
