#include "base/json.h"
#include "base/terminal.h"
#include "cli/commands.h"
#include "p9_norms/norms.h"

#include <string.h>

struct state {
    gboolean supporters;
    int principle;
};

static const struct command_option options[] = {
    { "principle", 'p', G_OPTION_ARG_INT, offsetof(struct state, principle),
      "Only what serves principle N", "N" },
    { "supporters", 0, G_OPTION_ARG_NONE, offsetof(struct state, supporters),
      "The figures of the Call's supporters, as they were published", NULL },
    { NULL },
};

static char *principles_text(guint16 mask)
{
    GString *text = g_string_new(NULL);

    for (guint n = 1; mask >> n; n++)
        if (mask & (1u << n))
            g_string_append_printf(text, "%s%u", text->len ? " " : "", n);
    return g_string_free(text, FALSE);
}

static gboolean is_wanted(const struct norm *norm, int principle)
{
    return principle == 0 || (norm->principles & (1u << principle));
}

static char *norms_text(int principle, gboolean french, gboolean colour, guint width)
{
    static const char *const headings[] = { "ID", "PRINCIPLES", "TITLE", NULL };
    static const char *const french_headings[] = { "ID", "PRINCIPES", "TITRE", NULL };
    g_autoptr(text_table_t) table = text_table_new(french ? french_headings : headings);

    for (gsize i = 0; i < NORMS; i++) {
        const struct norm *norm = &norms[i];
        g_autofree char *id = g_strdup_printf("%s:%s", norm_systems[norm->system].name, norm->id);
        g_autofree char *served = principles_text(norm->principles);
        const char *const cells[] = { id, served, french ? norm->title.fr : norm->title.en };

        if (is_wanted(norm, principle))
            text_table_row(table, cells, NULL);
    }
    return text_table_format(table, colour, width);
}

static json_t *norms_json(int principle)
{
    json_t *all = json_array();

    for (gsize i = 0; i < NORMS; i++) {
        const struct norm *norm = &norms[i];
        const struct norm_system *system = &norm_systems[norm->system];
        json_t *served, *row;

        if (!is_wanted(norm, principle))
            continue;
        served = json_array();
        for (guint n = 1; n <= 9; n++)
            if (norm->principles & (1u << n))
                json_array_append_new(served, json_integer(n));
        row = json_pack("{s:s++, s:s, s:s, s:{s:s, s:s}, s:o}", "id", system->name, ":", norm->id,
                        "system", system->name, "reference", system->reference, "title", "en",
                        norm->title.en, "fr", norm->title.fr, "principles", served);
        if (norm->unchecked)
            json_object_set_new(row, "unchecked", json_true());
        json_array_append_new(all, row);
    }
    return all;
}

static char *supporters_text(gboolean french, gboolean colour, guint width)
{
    static const char *const headings[] = { "DATE",          "TOTAL",     "STATES", "PUBLIC",
                                            "CIVIL SOCIETY", "COMPANIES", "SOURCE", NULL };
    static const char *const french_headings[] = {
        "DATE", "TOTAL", "ÉTATS", "PUBLICS", "SOCIÉTÉ CIVILE", "ENTREPRISES", "SOURCE", NULL
    };
    g_autoptr(text_table_t) table = text_table_new(french ? french_headings : headings);

    for (gsize i = 0; i < supporters_count; i++) {
        const struct supporters *row = &supporters[i];
        const char *const cells[] = { row->date,          row->total,
                                      row->states,        row->public_authorities,
                                      row->civil_society, row->companies,
                                      row->source };

        text_table_row(table, cells, NULL);
    }
    return text_table_format(table, colour, width);
}

static json_t *supporters_json(void)
{
    json_t *all = json_array();

    for (gsize i = 0; i < supporters_count; i++) {
        const struct supporters *row = &supporters[i];

        json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "date",
                                             row->date, "total", row->total, "states", row->states,
                                             "public_authorities", row->public_authorities,
                                             "civil_society", row->civil_society, "companies",
                                             row->companies, "source", row->source));
    }
    return all;
}

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;
    gboolean french = g_str_equal(cli_language(context), "fr");
    gboolean colour = !context->output && terminal_has_colour(stdout);
    guint width = terminal_width(stdout);
    g_autofree char *text = NULL;

    if (arguments[0])
        return input_error(error, "\"%s\": norms takes options only", arguments[0]);
    if (state->principle < 0 || state->principle > 9)
        return input_error(error, "--principle %d: the principles are 1 to 9", state->principle);
    if (cli_format_is(context, "json", FALSE)) {
        g_autoptr(json_t) value =
            state->supporters ? supporters_json() : norms_json(state->principle);

        text = json_pretty(value);
    } else {
        text = state->supporters ? supporters_text(french, colour, width)
                                 : norms_text(state->principle, french, colour, width);
    }
    return cli_output(context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

const struct command command_norms = {
    .name = "norms",
    .summary = "List the norms and confidence-building measures that commitments name",
    .arguments = "",
    .formats = "text, json",
    .details = "un: the norms of A/70/174; gcsc: those of the Global Commission; osce and un-cbm: "
               "confidence-building measures. Which principles they serve is our reading.\n\n"
               "Example: entente norms --principle 2",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
