/* case_kinds.c: `entente case kinds`: what kinds of cases there are, and how they go. */
#include "base/terminal.h"
#include "cli/case_command.h"

#include <string.h>

static char *overview(const struct context *context, const struct kind *only)
{
    static const char *const english[] = { "KIND", "WHAT", "P", "TLP UP TO", "OPENED WITH", NULL };
    static const char *const french[] = { "TYPE", "QUOI", "P", "TLP MAX", "OUVERT AVEC", NULL };
    const gboolean is_french = cli_is_french(context);
    g_autoptr(text_table_t) table = text_table_new(is_french ? french : english);

    for (const struct kind *kind = only ? only : kinds; kind->id && (!only || kind == only);
         kind++) {
        g_autofree char *fields = g_strjoinv(", ", (char **)kind->opens_with);
        g_autofree char *principle =
            kind->principle ? g_strdup_printf("%d", kind->principle) : g_strdup("");
        const char *const cells[] = { kind->id, is_french ? kind->title.fr : kind->title.en,
                                      principle, tlp_name(kind->tlp_ceiling), fields };

        text_table_row(table, cells, NULL);
    }
    return cli_table(context, table);
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct case_arguments *given = shared;
    const struct kind *only = given->kind ? kind_find(given->kind) : NULL;
    g_autofree char *text = NULL;

    if (arguments[0])
        return input_error(error, "\"%s\": kinds takes options only", arguments[0]);
    if (given->kind && !only)
        return input_error(error, "\"%s\" is no kind of case (entente case kinds)", given->kind);
    if (cli_format_is(context, "markdown", FALSE)) {
        text = kinds_markdown(only, cli_is_french(context));
    } else if (cli_format_is(context, "json", FALSE)) {
        g_autoptr(json_t) document = kinds_json(only);

        text = json_pretty(document);
    } else {
        text = overview(context, only);
    }
    return cli_output(context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

const struct subcommand case_subcommand_kinds = { "kinds", run };
