/*
 * log_columns.h: of logs with columns, only those with given names: what is looked at of a line.
 *
 *     Zeek        the names in its "#fields" lines, wherever they stand; its own separator
 *     JSON lines  members: "ip" is any member of that name, "src.ip" one that stands in a "src";
 *                 all that lies below it, through lists
 *     CSV         the names in the first line; comma, semicolon, tabulator or bar; in quotes or not
 *
 * The text to look at is as long as the log's, line by line and byte by byte, with spaces for what
 * is not asked for, so that places stay true. Where "host" and "uri" are both asked for, the URL
 * that they make is looked at, too: no column holds it. A line of JSON that is none is looked at
 * whole: what cannot be told apart is not left out.
 */
#pragma once
#include <glib.h>

/* Which byte of the log a joined text stands for. */
struct log_joined {
    guint32 start; /* in the log's bytes: where the host begins */
    guint32 place; /* in the joined text */
};

struct log_look {
    GByteArray *text;   /* as long as the bytes that were taken */
    GByteArray *joined; /* lines */
    GArray *places;     /* struct log_joined, in order */
};
struct log_look *log_look_new(void);
void log_look_free(struct log_look *look);
typedef struct log_look log_look_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(log_look_t, log_look_free)

struct log_columns;
typedef struct log_columns log_columns_t;

/* Borrows the names, which end with NULL. */
struct log_columns *log_columns_new(char *const *names);
void log_columns_free(struct log_columns *columns);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(log_columns_t, log_columns_free)

/* Another log begins. */
void log_columns_begin(struct log_columns *columns);

/* Whole lines, the last of which may lack its end; replaces what is in `look`. */
void log_columns_take(struct log_columns *columns, const guint8 *bytes, gsize length,
                      struct log_look *look);

/* Why nothing of the log was looked at; NULL. Valid as long as the columns are. */
const char *log_columns_problem(const struct log_columns *columns);
