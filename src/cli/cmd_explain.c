#include "assess/catalogue.h"
#include "base/terminal.h"
#include "cli/commands.h"

#include <string.h>

static int run(const struct context *context, void *state, char **arguments, GError **error)
{
    const struct measure *measure;
    gboolean french = g_str_equal(cli_language(context), "fr");
    g_autofree char *text = NULL;

    if (!arguments[0])
        return input_error(error, "name a measure (see: entente measures)");
    measure = catalogue_find(arguments[0]);
    if (!measure)
        return input_error(error, "%s: no such measure (see: entente measures)", arguments[0]);
    text = g_strdup_printf("%s\n\n%s\n%s\n", french ? measure->title.fr : measure->title.en,
                           french ? measure->why.fr : measure->why.en,
                           french ? measure->fix.fr : measure->fix.en);
    return cli_output(context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

const struct command command_explain = {
    .name = "explain",
    .summary = "Explain a measure or a principle",
    .arguments = "ID|PRINCIPLE",
    .details = "Example: entente explain host.ssh.root-login",
    .run = run,
};
