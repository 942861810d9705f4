#include "p7_hygiene/host/line_stream.h"

#include "p7_hygiene/host/scratch.h"

#include <string.h>

void line_stream_add(struct line_stream *lines, const char *text, gsize length)
{
    const char *at = text, *end = text + length, *stop;

    if (lines->rest && lines->rest->len && length) {
        stop = memchr(at, '\n', length);
        g_string_append_len(lines->rest, at, (stop ? stop : end) - at);
        if (!stop)
            return;
        lines->each(++lines->count, lines->rest->str, lines->rest->len, lines->data);
        g_string_truncate(lines->rest, 0);
        at = stop + 1;
    }
    while (at < end && (stop = memchr(at, '\n', end - at))) {
        lines->each(++lines->count, at, stop - at, lines->data);
        at = stop + 1;
    }
    if (at == end)
        return;
    if (!lines->rest)
        lines->rest = g_string_new(NULL);
    g_string_append_len(lines->rest, at, end - at);
}

void line_stream_end(struct line_stream *lines)
{
    if (lines->rest && lines->rest->len)
        lines->each(++lines->count, lines->rest->str, lines->rest->len, lines->data);
    if (lines->rest)
        g_string_free(g_steal_pointer(&lines->rest), TRUE);
}

static void add_piece(const char *text, gsize length, gpointer data)
{
    line_stream_add(data, text, length);
}

enum host_state line_stream_read(struct host *host, const char *path, gsize limit,
                                 struct line_stream *lines)
{
    enum host_state state = scratch_each_piece(host, path, limit, add_piece, lines);

    line_stream_end(lines);
    return state;
}
