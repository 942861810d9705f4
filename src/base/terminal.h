/*
 * terminal.h: text for people. What comes from outside is escaped: a control character, a broken
 * UTF-8 byte or a direction override never reaches the terminal as itself.
 */
#pragma once
#include <glib.h>
#include <stdio.h>

enum style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_GOOD, STYLE_WARN, STYLE_BAD, STYLE_ODD };

/* Whether `stream` is a terminal that may be coloured (NO_COLOR, TERM=dumb). */
gboolean terminal_has_colour(FILE *stream);

/* COLUMNS when it is set, else the columns of the terminal on `stream`, or 100 when it is none. */
guint terminal_width(FILE *stream);

/*
 * Escapes `text` (NUL-terminated bytes from anywhere): C0 and C1 controls, DEL, bidirectional and
 * invisible format characters, and bytes that are not UTF-8 become \n, \t, \xHH or \u{HHHH}.
 */
char *terminal_escape(const char *text);

/* Display columns of valid UTF-8 (wide characters are two, combining ones none). */
guint terminal_columns(const char *text);

/*
 * A table: columns sized to their content; cells are escaped. Where it is wider than the terminal,
 * the last column is wrapped, or put below the others; before numbers, the widest one is wrapped.
 */
struct table;
struct table *table_new(const char *const *headings); /* NULL-terminated, borrowed for the call */
void table_align_right(struct table *table, guint column);
/* One row; `cells` as many as headings; `styles` as many, or NULL. Both borrowed. */
void table_row(struct table *table, const char *const *cells, const enum style *styles);
/* The table as text; `width` 0 for no wrapping. */
char *table_format(const struct table *table, gboolean colour, guint width);
void table_free(struct table *table);
typedef struct table table_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(table_t, table_free)

/* `text` in `style` when `colour`; a new string. The text is not escaped here. */
char *terminal_style(const char *text, enum style style, gboolean colour);

/*
 * Progress on standard error: one line, rewritten at most ten times a second, only on a terminal.
 * `progress_end` clears it.
 */
struct progress;
struct progress *progress_begin(const char *what, guint64 total);
void progress_at(struct progress *progress, guint64 done, const char *detail);
void progress_end(struct progress *progress);
