#include "assess/catalogue.h"
#include "assess/principles.h"
#include "base/json.h"
#include "base/terminal.h"
#include "cli/commands.h"

#include <string.h>

#define INDENT 2u
#define LABEL_WIDTH 12

/* How things are shown. */
struct look {
    gboolean french, colour;
    guint width;
};

static const char *in_language(const struct text *text, const struct look *look)
{
    return look->french ? text->fr : text->en;
}

static void put_heading(GString *out, const char *english, const char *french,
                        const struct look *look)
{
    g_autofree char *styled =
        terminal_style(look->french ? french : english, STYLE_BOLD, look->colour);

    g_string_append_printf(out, "\n%s\n", styled);
}

/* A paragraph, indented and broken between words. */
static void put_paragraph(GString *out, const char *text, const struct look *look)
{
    g_auto(GStrv) words = g_strsplit_set(text, " \n", -1);
    guint column = 0;

    for (char **word = words; *word; word++) {
        guint columns = terminal_columns(*word);

        if (!columns)
            continue;
        if (column && column + 1 + columns > look->width) {
            g_string_append_c(out, '\n');
            column = 0;
        }
        g_string_append_printf(out, "%*s%s", column ? 1 : (int)INDENT, "", *word);
        column += columns + (column ? 1 : INDENT);
    }
    g_string_append_c(out, '\n');
}

static void put_member(GString *out, const char *english, const char *french, const char *value,
                       const struct look *look)
{
    const char *label = look->french ? french : english;
    int pad = MAX(LABEL_WIDTH - (int)terminal_columns(label), 1);

    g_string_append_printf(out, "%*s%s%*s%s\n", (int)INDENT, "", label, pad, "", value);
}

static void put_action(GString *out, const struct fix_action *action)
{
    const struct {
        const char *name, *value;
    } members[] = {
        { "path", action->path },   { "section", action->section }, { "key", action->key },
        { "owner", action->owner }, { "group", action->group },     { "value", action->value },
    };

    g_string_append_printf(out, "%*s%s", (int)INDENT, "", fix_kind_name(action->kind));
    for (guint i = 0; i < G_N_ELEMENTS(members); i++) {
        g_autofree char *escaped = members[i].value ? terminal_escape(members[i].value) : NULL;

        if (escaped)
            g_string_append_printf(out, " %s=%s", members[i].name, escaped);
    }
    if (action->mode)
        g_string_append_printf(out, " mode=%#o", action->mode);
    g_string_append_c(out, '\n');
}

static void put_needs(GString *out, const struct measure *measure, const struct look *look)
{
    static const struct {
        enum needs need;
        struct text text;
    } needs[] = {
        { NEEDS_LIVE, { "the running machine, not a tree", "la machine en marche" } },
        { NEEDS_WALK, { "the walk over all files", "le parcours de tous les fichiers" } },
        { NEEDS_BUS, { "the system bus", "le bus système" } },
    };

    for (guint i = 0; i < G_N_ELEMENTS(needs); i++)
        if (measure->needs & needs[i].need)
            put_member(out, "Needs", "Requiert", in_language(&needs[i].text, look), look);
}

static char *measure_text(const struct measure *measure, const struct look *look)
{
    GString *out = g_string_new(NULL);
    const struct principle *principle = &principles[measure->principle - 1];
    g_autofree char *title =
        terminal_style(in_language(&measure->title, look), STYLE_BOLD, look->colour);
    g_autofree char *numbered =
        g_strdup_printf("%u %s", principle->number, in_language(&principle->name, look));
    g_autofree char *version = g_strdup_printf("%u", measure->version);

    g_string_append_printf(out, "%s\n\n", title);
    put_member(out, "Id", "Identifiant", measure->id, look);
    if (measure->catalogue_id)
        put_member(out, "Reference", "Référence", measure->catalogue_id, look);
    put_member(out, "Version", "Version", version, look);
    put_member(out, "Principle", "Principe", numbered, look);
    put_member(out, "Severity", "Gravité", severity_word(measure->severity, look->french), look);
    put_member(out, "Function", "Fonction", function_name(measure->function), look);
    put_member(out, "Asset", "Bien", measure->asset_kind, look);
    put_needs(out, measure, look);
    put_heading(out, "Why", "Pourquoi", look);
    put_paragraph(out, in_language(&measure->why, look), look);
    put_heading(out, "Fix", "Correction", look);
    put_paragraph(out, in_language(&measure->fix, look), look);
    if (measure->n_actions)
        put_heading(out, "What entente fix does", "Ce que fait entente fix", look);
    for (gsize i = 0; i < measure->n_actions; i++)
        put_action(out, &measure->actions[i]);
    if (measure->references[0])
        put_heading(out, "References", "Références", look);
    for (const char *const *name = measure->references; *name; name++)
        g_string_append_printf(out, "%*s%s\n", (int)INDENT, "", *name);
    return g_string_free(out, FALSE);
}

static char *principle_text(const struct principle *principle, const struct look *look)
{
    static const char *const headings[] = { "ID", "SEVERITY", "TITLE", NULL };
    static const char *const french_headings[] = { "ID", "GRAVITÉ", "TITRE", NULL };
    GString *out = g_string_new(NULL);
    g_autoptr(text_table_t) table = text_table_new(look->french ? french_headings : headings);
    g_autofree char *title =
        terminal_style(in_language(&principle->name, look), STYLE_BOLD, look->colour);
    g_autofree char *measures = NULL;
    const struct measure *rows;
    gsize count;
    guint own = 0;

    g_string_append_printf(out, "%u  %s\n\n", principle->number, title);
    put_paragraph(out, in_language(&principle->text, look), look);
    rows = catalogue_measures(&count);
    for (gsize i = 0; i < count; i++) {
        const char *const cells[] = { rows[i].id, severity_word(rows[i].severity, look->french),
                                      in_language(&rows[i].title, look) };

        if (rows[i].principle != principle->number)
            continue;
        text_table_row(table, cells, NULL);
        own++;
    }
    measures = text_table_format(table, look->colour, look->width);
    if (own)
        g_string_append_printf(out, "\n%s", measures);
    else
        g_string_append(out,
                        look->french ? "\nAucune mesure pour l’instant.\n" : "\nNo measure yet.\n");
    return g_string_free(out, FALSE);
}

static char *principle_json(const struct principle *principle)
{
    g_autoptr(json_t) object =
        json_pack("{s:i,s:{s:s,s:s},s:{s:s,s:s}}", "number", principle->number, "name", "en",
                  principle->name.en, "fr", principle->name.fr, "text", "en", principle->text.en,
                  "fr", principle->text.fr);
    json_t *ids = json_array();
    const struct measure *rows;
    gsize count;

    rows = catalogue_measures(&count);
    for (gsize i = 0; i < count; i++)
        if (rows[i].principle == principle->number)
            json_array_append_new(ids, json_string(rows[i].id));
    json_object_set_new(object, "measures", ids);
    return json_pretty(object);
}

static char *measure_json(const struct measure *measure)
{
    g_autoptr(json_t) row = catalogue_row_json(measure);

    return json_pretty(row);
}

static int run(const struct context *context, void *state, char **arguments, GError **error)
{
    const struct look look = {
        .french = g_str_equal(cli_language(context), "fr"),
        .colour = !context->output && terminal_has_colour(stdout),
        .width = terminal_width(stdout),
    };
    gboolean json = cli_format_is(context, "json", FALSE);
    const struct measure *measure;
    g_autofree char *text = NULL;
    guint64 number;

    if (!arguments[0] || arguments[1])
        return input_error(
            error, "name one measure or a principle, 1 to %d (see: entente measures)", PRINCIPLES);
    if (g_ascii_string_to_unsigned(arguments[0], 10, 0, G_MAXUINT, &number, NULL)) {
        if (number < 1 || number > PRINCIPLES)
            return input_error(error, "%s is not a principle (1 to %d)", arguments[0], PRINCIPLES);
        text = json ? principle_json(&principles[number - 1])
                    : principle_text(&principles[number - 1], &look);
    } else {
        measure = catalogue_find_or_refuse(arguments[0], error);
        if (!measure)
            return EXIT_INPUT;
        text = json ? measure_json(measure) : measure_text(measure, &look);
    }
    return cli_output(context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

const struct command command_explain = {
    .name = "explain",
    .summary = "Explain a measure or a principle",
    .arguments = "ID|PRINCIPLE",
    .formats = "text, json",
    .details = "Example: entente explain host.ssh.root-login\n"
               "         entente explain 7",
    .run = run,
};
