/*
 * line_stream.h: a text that comes in pieces, given on line by line, so that a large file (dpkg's
 * status, an unpacked package list) is never held as a whole.
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

struct line_stream {
    host_line_fn each; /* gets every line without its line feed, not NUL-terminated; from 1 */
    gpointer data;
    guint count;   /* of the lines given on */
    GString *rest; /* the beginning of a line whose end has not come yet; NULL until needed */
};

void line_stream_add(struct line_stream *lines, const char *text, gsize length);
/* What is left is the last line; nothing is, when the text ended with a line feed. */
void line_stream_end(struct line_stream *lines);

/*
 * Gives on the lines of a regular file of at most `limit` bytes, and ends them. When the state is
 * not HOST_OK (a larger file is HOST_UNREADABLE), some lines may have been given on.
 */
enum host_state line_stream_read(struct host *host, const char *path, gsize limit,
                                 struct line_stream *lines);
