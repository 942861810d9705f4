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
 * A text table: columns sized to their content; cells are escaped. Where it is wider than the
 * terminal, the last column is wrapped, or put below the others; before numbers, the widest one is
 * wrapped.
 */
struct text_table;
/* Headings are NULL-terminated, and borrowed for the call. */
struct text_table *text_table_new(const char *const *headings);
void text_table_align_right(struct text_table *table, guint column);
/* One row; `cells` as many as headings; `styles` as many, or NULL. Both borrowed. */
void text_table_row(struct text_table *table, const char *const *cells, const enum style *styles);
/* The table as text; `width` 0 for no wrapping. */
char *text_table_format(const struct text_table *table, gboolean colour, guint width);
void text_table_free(struct text_table *table);
typedef struct text_table text_table_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(text_table_t, text_table_free)

/* `text` in `style` when `colour`; a new string. The text is not escaped here. */
char *terminal_style(const char *text, enum style style, gboolean colour);

/*
 * Progress on standard error: one line, rewritten at most ten times a second, only on a terminal.
 * `progress_end` clears it.
 */
struct progress;
struct progress *progress_begin(const char *what, guint64 total);
void progress_at(struct progress *progress, guint64 done, const char *detail);
/* Takes the line away for something else to be written; the next progress_at() puts it back. */
void progress_clear(struct progress *progress);
void progress_end(struct progress *progress);
