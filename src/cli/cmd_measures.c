#include "assess/catalogue.h"
#include "base/json.h"
#include "base/terminal.h"
#include "cli/commands.h"

#include <string.h>

static const char *in_language(const struct text *text, gboolean french)
{
    return french ? text->fr : text->en;
}

static char *as_text(gboolean french, gboolean colour, guint width)
{
    static const char *const headings[] = { "ID", "REF", "V", "P", "SEVERITY", "TITLE", NULL };
    static const char *const french_headings[] = {
        "ID", "REF", "V", "P", "GRAVITÉ", "TITRE", NULL
    };
    g_autoptr(text_table_t) table = text_table_new(french ? french_headings : headings);
    const struct measure *rows;
    gsize count;

    rows = catalogue_measures(&count);
    for (gsize i = 0; i < count; i++) {
        g_autofree char *version = g_strdup_printf("%u", rows[i].version);
        g_autofree char *principle = g_strdup_printf("%u", rows[i].principle);
        const char *const cells[] = { rows[i].id,
                                      rows[i].catalogue_id,
                                      version,
                                      principle,
                                      severity_word(rows[i].severity, french),
                                      in_language(&rows[i].title, french) };

        text_table_row(table, cells, NULL);
    }
    return text_table_format(table, colour, width);
}

/* The array whose canonical form has the catalogue's digest. */
static char *as_json(void)
{
    g_autoptr(json_t) all = json_array();
    const struct measure *rows;
    gsize count;

    rows = catalogue_measures(&count);
    for (gsize i = 0; i < count; i++)
        json_array_append_new(all, catalogue_row_json(&rows[i]));
    return json_pretty(all);
}

/* A cell of a Markdown table: '|' and line feeds would end it. */
static void put_cell(GString *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *text == '\n' ? ' ' : *text);
    }
    g_string_append(out, " | ");
}

static char *as_markdown(gboolean french)
{
    GString *out = g_string_new(NULL);
    const struct measure *rows;
    gsize count;

    rows = catalogue_measures(&count);
    g_string_append_printf(out,
                           "# Catalogue of measures %s\n\n%" G_GSIZE_FORMAT " measures, `%s`\n\n",
                           CATALOGUE_VERSION, count, catalogue_digest());
    g_string_append(out, "| id | ref | version | principle | severity | title | references |\n"
                         "|---|---|---|---|---|---|---|\n");
    for (gsize i = 0; i < count; i++) {
        g_autofree char *references = g_strjoinv(", ", (char **)rows[i].references);

        g_string_append_printf(out, "| `%s` | %s | %u | %u | %s | ", rows[i].id,
                               rows[i].catalogue_id ? rows[i].catalogue_id : "", rows[i].version,
                               rows[i].principle, severity_name(rows[i].severity));
        put_cell(out, in_language(&rows[i].title, french));
        put_cell(out, references);
        out->str[out->len - 1] = '\n';
    }
    return g_string_free(out, FALSE);
}

static int run(const struct context *context, void *state, char **arguments, GError **error)
{
    gboolean french = g_str_equal(cli_language(context), "fr");
    g_autofree char *text = NULL;

    if (arguments[0])
        return input_error(error, "\"%s\": measures takes options only (see: entente explain %s)",
                           arguments[0], arguments[0]);
    if (cli_format_is(context, "json", FALSE))
        text = as_json();
    else if (cli_format_is(context, "markdown", FALSE))
        text = as_markdown(french);
    else
        text = as_text(french, !context->output && terminal_has_colour(stdout),
                       terminal_width(stdout));
    return cli_output(context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

const struct command command_measures = {
    .name = "measures",
    .summary = "List the catalogue of measures",
    .arguments = "",
    .formats = "text, json, markdown",
    .details =
        "V is the version of a measure, P the principle it serves (see: entente explain ID).\n\n"
        "Example: entente measures --format markdown --output measures.md",
    .run = run,
};
