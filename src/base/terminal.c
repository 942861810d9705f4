#include "base/terminal.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_WITHOUT_TERMINAL 100
#define NARROWEST_TERMINAL 20

#define NARROWEST_BESIDE 30  /* columns: with less room the last one stands below wide others */
#define NARROWEST_WRAPPED 12 /* columns: no other is wrapped to less */
#define STACKED_INDENT 4

struct row {
    char **cells;
    enum style *styles;
};

struct text_table {
    guint columns;
    char **headings;
    gboolean *right;
    GPtrArray *rows; /* of struct row */
};

gboolean terminal_has_colour(FILE *stream)
{
    const char *no_colour = g_getenv("NO_COLOR");
    const char *kind = g_getenv("TERM");

    if (no_colour && *no_colour)
        return FALSE;
    return isatty(fileno(stream)) && !(kind && g_str_equal(kind, "dumb"));
}

guint terminal_width(FILE *stream)
{
    const char *columns = g_getenv("COLUMNS");
    struct winsize size;
    guint64 wanted;

    if (columns &&
        g_ascii_string_to_unsigned(columns, 10, NARROWEST_TERMINAL, G_MAXINT16, &wanted, NULL))
        return (guint)wanted;
    if (isatty(fileno(stream)) && ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 &&
        size.ws_col >= NARROWEST_TERMINAL)
        return size.ws_col;
    return WIDTH_WITHOUT_TERMINAL;
}

/* Characters that change how their neighbours are shown, or are not shown at all. */
static gboolean is_deceptive(gunichar character)
{
    if (character < 0x20 || (character >= 0x7F && character < 0xA0))
        return TRUE;
    switch (g_unichar_type(character)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_UNASSIGNED:
        return TRUE;
    default:
        return FALSE;
    }
}

char *terminal_escape(const char *text)
{
    GString *out = g_string_sized_new(strlen(text) + 16);

    while (*text) {
        gunichar character = g_utf8_get_char_validated(text, -1);

        if (character == (gunichar)-1 || character == (gunichar)-2) {
            g_string_append_printf(out, "\\x%02x", (guchar)*text++);
            continue;
        }
        if (character == '\n')
            g_string_append(out, "\\n");
        else if (character == '\t')
            g_string_append(out, "\\t");
        else if (!is_deceptive(character))
            g_string_append_unichar(out, character);
        else if (character < 0x80)
            g_string_append_printf(out, "\\x%02x", character);
        else
            g_string_append_printf(out, "\\u{%04x}", character);
        text = g_utf8_next_char(text);
    }
    return g_string_free(out, FALSE);
}

guint terminal_columns(const char *text)
{
    guint columns = 0;

    for (; *text; text = g_utf8_next_char(text)) {
        gunichar character = g_utf8_get_char(text);

        if (!g_unichar_iszerowidth(character))
            columns += g_unichar_iswide(character) ? 2 : 1;
    }
    return columns;
}

char *terminal_style(const char *text, enum style style, gboolean colour)
{
    static const char *const codes[] = {
        [STYLE_PLAIN] = "",  [STYLE_BOLD] = "1", [STYLE_DIM] = "2",  [STYLE_GOOD] = "36",
        [STYLE_WARN] = "33", [STYLE_BAD] = "31", [STYLE_ODD] = "35",
    };

    if (!colour || style == STYLE_PLAIN)
        return g_strdup(text);
    return g_strdup_printf("\033[%sm%s\033[0m", codes[style], text);
}

static void row_free(struct row *row)
{
    g_strfreev(row->cells);
    g_free(row->styles);
    g_free(row);
}

struct text_table *text_table_new(const char *const *headings)
{
    struct text_table *table = g_new0(struct text_table, 1);

    table->headings = g_strdupv((char **)headings);
    table->columns = g_strv_length(table->headings);
    table->right = g_new0(gboolean, table->columns);
    table->rows = g_ptr_array_new_with_free_func((GDestroyNotify)row_free);
    return table;
}

void text_table_align_right(struct text_table *table, guint column)
{
    g_return_if_fail(column < table->columns);
    table->right[column] = TRUE;
}

void text_table_row(struct text_table *table, const char *const *cells, const enum style *styles)
{
    struct row *row = g_new0(struct row, 1);

    row->cells = g_new0(char *, table->columns + 1);
    for (guint i = 0; i < table->columns; i++)
        row->cells[i] = terminal_escape(cells[i] ? cells[i] : "");
    row->styles = styles ? g_memdup2(styles, sizeof *styles * table->columns) : NULL;
    g_ptr_array_add(table->rows, row);
}

static void put_cell(GString *out, const char *text, guint width, gboolean right, gboolean last,
                     enum style style, gboolean colour)
{
    guint columns = terminal_columns(text);
    guint pad = columns < width ? width - columns : 0;
    g_autofree char *styled = terminal_style(text, style, colour);

    if (right)
        g_string_append_printf(out, "%*s", (int)pad, "");
    g_string_append(out, styled);
    if (!right && !last)
        g_string_append_printf(out, "%*s", (int)pad, "");
}

/* The longest start of `text` that fits `width` columns, cut at a space when there is one. */
static const char *fitting_end(const char *text, guint width)
{
    const char *space = NULL;
    guint columns = 0;

    for (const char *at = text; *at; at = g_utf8_next_char(at)) {
        gunichar character = g_utf8_get_char(at);

        columns += g_unichar_iszerowidth(character) ? 0 : g_unichar_iswide(character) ? 2 : 1;
        if (columns > width)
            return space ? space : at > text ? at : g_utf8_next_char(at);
        if (*at == ' ')
            space = at;
    }
    return text + strlen(text);
}

/* One line of a cell, and what is left of it in `*text`. */
static char *take_line(const char **text, guint width)
{
    const char *end = fitting_end(*text, width);
    char *line = g_strndup(*text, (gsize)(end - *text));

    while (*end == ' ')
        end++;
    *text = end;
    return line;
}

static void end_line(GString *out)
{
    while (out->len && out->str[out->len - 1] == ' ')
        g_string_truncate(out, out->len - 1);
    g_string_append_c(out, '\n');
}

/* How a table fits: a width for each column; a stacked last column stands below the others. */
struct layout {
    guint *widths;
    gboolean stacked;
};

static void put_row(GString *out, const struct text_table *table, char *const *cells,
                    const enum style *styles, const struct layout *layout, gboolean colour)
{
    guint last = table->columns - 1, side = layout->stacked ? last : table->columns;
    g_autofree const char **rest = g_memdup2(cells, sizeof *rest * table->columns);
    gboolean more = TRUE;

    while (more) {
        more = FALSE;
        for (guint i = 0; i < side; i++) {
            g_autofree char *line = take_line(&rest[i], layout->widths[i]);

            put_cell(out, line, layout->widths[i], table->right[i], i == side - 1,
                     styles ? styles[i] : STYLE_PLAIN, colour && *line);
            if (i < side - 1)
                g_string_append(out, "  ");
            more |= *rest[i] != '\0';
        }
        end_line(out);
    }
    while (layout->stacked && *rest[last]) {
        g_autofree char *line = take_line(&rest[last], layout->widths[last]);

        g_string_append_printf(out, "%*s", STACKED_INDENT, "");
        put_cell(out, line, 0, FALSE, TRUE, styles ? styles[last] : STYLE_PLAIN, colour);
        end_line(out);
    }
}

/* The widest of the columns that may be wrapped: those that are read from the left. */
static guint widest(const struct text_table *table, const guint *widths)
{
    guint found = 0;

    for (guint i = 1; i < table->columns; i++)
        if (!table->right[i] && (table->right[found] || widths[i] > widths[found]))
            found = i;
    return found;
}

/*
 * Makes natural widths fit `width`: the last column takes the room that is left, or stands below
 * the others when that is little. Of a table that ends in numbers, the widest column is wrapped.
 */
static void fit(const struct text_table *table, guint width, struct layout *layout)
{
    guint last = table->columns - 1, total = 2 * last;

    for (guint i = 0; i <= last; i++)
        total += layout->widths[i];
    if (!width || total <= width)
        return;
    if (table->right[last]) {
        guint column = widest(table, layout->widths), excess = total - width;

        if (layout->widths[column] > excess)
            layout->widths[column] = MAX(layout->widths[column] - excess, NARROWEST_WRAPPED);
        return;
    }
    total -= layout->widths[last];
    layout->stacked = total > width / 2 && total + NARROWEST_BESIDE > width;
    if (layout->stacked)
        layout->widths[last] = MAX(width, NARROWEST_WRAPPED + STACKED_INDENT) - STACKED_INDENT;
    else
        layout->widths[last] = width - total;
}

char *text_table_format(const struct text_table *table, gboolean colour, guint width)
{
    g_autofree guint *widths = g_new0(guint, table->columns);
    g_autofree enum style *heading_styles = g_new(enum style, table->columns);
    struct layout layout = { widths, FALSE };
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < table->columns; i++) {
        widths[i] = terminal_columns(table->headings[i]);
        heading_styles[i] = STYLE_BOLD;
    }
    for (guint r = 0; r < table->rows->len; r++) {
        const struct row *row = table->rows->pdata[r];

        for (guint i = 0; i < table->columns; i++)
            widths[i] = MAX(widths[i], terminal_columns(row->cells[i]));
    }
    fit(table, width, &layout);
    put_row(out, table, table->headings, heading_styles, &layout, colour);
    for (guint r = 0; r < table->rows->len; r++) {
        const struct row *row = table->rows->pdata[r];

        put_row(out, table, row->cells, row->styles, &layout, colour);
    }
    return g_string_free(out, FALSE);
}

void text_table_free(struct text_table *table)
{
    g_strfreev(table->headings);
    g_free(table->right);
    g_ptr_array_unref(table->rows);
    g_free(table);
}
