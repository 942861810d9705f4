#include "p1_resilience/hunt/inspector.h"

#include "p1_resilience/hunt/hit_line.h"
#include "p1_resilience/hunt/utf16.h"

#include <string.h>

#define PIECE ((gsize)256 << 10) /* bytes, unless a line is longer */

struct hunt_inspector {
    struct hunt_inspector_options options;
    struct hunt_scanner *scanner;
    struct hit_line *line;
    GByteArray *piece; /* a copy, with the padding that the scanner reads */
    /* of the content at hand */
    const char *name;
    guint unit, mark; /* bytes of it for one of the piece, and before all */
    hunt_hit_function take;
    gpointer data;
    struct hunt_inspected *result;
};

static void tell(const struct hunt_hit *hit, gpointer data)
{
    struct hunt_inspector *inspector = data;
    struct hunt_inspected *result = inspector->result;
    const guint64 max = inspector->options.hits_max;

    if (max && result->hits + result->suppressed >= max)
        result->untold++;
    else
        inspector->take(hit, inspector->data);
    if (hit->suppressed_by)
        result->suppressed++;
    else
        result->hits++;
}

struct hunt_inspector *hunt_inspector_new(const struct hunt_table *table,
                                          const struct hunt_inspector_options *options)
{
    struct hunt_inspector *inspector = g_new0(struct hunt_inspector, 1);
    const struct hunt_needles needles = hunt_table_needles(table);

    inspector->options = *options;
    inspector->scanner = hunt_scanner_new(&needles);
    if (options->defanged)
        hunt_scanner_defanged(inspector->scanner);
    inspector->piece = g_byte_array_new();
    inspector->line = hit_line_new(table, &inspector->options.rule, tell, inspector);
    return inspector;
}

void hunt_inspector_free(struct hunt_inspector *inspector)
{
    if (!inspector)
        return;
    hunt_scanner_free(inspector->scanner);
    hit_line_free(inspector->line);
    g_byte_array_unref(inspector->piece);
    g_free(inspector);
}

static void take_match(const struct hunt_match *match, gpointer data)
{
    struct hunt_inspector *inspector = data;
    const struct hunt_hit hit = {
        .file = inspector->name,
        .line = match->line,
        .offset = inspector->mark + match->offset * inspector->unit,
        .token = match->token,
        .token_length = match->token_length,
        .view = match->view,
        .time_us = hit_time((const char *)match->text, match->text_length),
        .text = match->text,
        .text_length = match->text_length,
        .hash = match->hash,
        .key = match->key,
        .key_length = match->key_length,
    };

    hit_line_add(inspector->line, &hit, match->whole, match->repeated);
}

/* What of the content is scanned, in bytes of the piece. */
struct content {
    const guint8 *bytes;
    gsize at, length;
    enum utf16 utf16;
};

/* Fills the piece with `size` of what follows, and gives how much that is. */
static gsize copy(struct hunt_inspector *inspector, const struct content *content, gsize size)
{
    size = MIN(size, content->length - content->at);
    g_byte_array_set_size(inspector->piece, (guint)(size + HUNT_SCAN_PADDING));
    if (content->utf16)
        utf16_narrow(content->utf16, content->bytes + 2 * content->at, size,
                     inspector->piece->data);
    else if (size)
        memcpy(inspector->piece->data, content->bytes + content->at, size);
    memset(inspector->piece->data + size, 0, HUNT_SCAN_PADDING);
    return size;
}

/* The next piece; gives how much of it is whole lines. 0: there is no cut in what may be held. */
static gsize next_piece(struct hunt_inspector *inspector, const struct content *content)
{
    for (gsize size = PIECE; size <= INSPECTOR_LINE_MAX; size *= 2) {
        gsize length = copy(inspector, content, size), cut;
        const guint8 *feed;

        if (content->at + length == content->length)
            return length;
        feed = memrchr(inspector->piece->data, '\n', length);
        cut = feed ? (gsize)(feed + 1 - inspector->piece->data) : 0;
        if (size == INSPECTOR_LINE_MAX && !cut)
            cut = hunt_scan_cut(inspector->piece->data, length);
        if (cut)
            return cut;
    }
    return 0;
}

/* Passes over a run without an end. */
static void skip_run(struct hunt_inspector *inspector, struct content *content)
{
    gsize length, past;

    do {
        length = copy(inspector, content, PIECE);
        for (past = 0; past < length && !hunt_scan_cut(inspector->piece->data + past, 1);)
            past++;
        content->at += past;
        inspector->result->passed_over += past * inspector->unit;
    } while (past == length && content->at < content->length);
}

/* Whether the content's last unit is the end of a line. */
static gboolean ends_line(const struct content *content)
{
    guint8 last = content->bytes[content->length - 1];

    if (content->utf16)
        utf16_narrow(content->utf16, content->bytes + 2 * (content->length - 1), 1, &last);
    return last == '\n';
}

void hunt_inspect(struct hunt_inspector *inspector, const char *name, const guint8 *bytes,
                  gsize length, hunt_hit_function take, gpointer data,
                  struct hunt_inspected *result)
{
    const struct hunt_scan_counts *counts = hunt_scanner_counts(inspector->scanner);
    const guint64 out_of_time = hit_line_out_of_time(inspector->line);
    struct content content = { .utf16 = utf16_by_mark(bytes, length) };

    *result = (struct hunt_inspected){ 0 };
    inspector->mark = content.utf16 ? UTF16_MARK : 0;
    inspector->unit = content.utf16 ? 2 : 1;
    content.bytes = bytes + inspector->mark;
    content.length = (length - inspector->mark) / inspector->unit;
    inspector->name = name;
    inspector->take = take;
    inspector->data = data;
    inspector->result = result;
    while (content.at < content.length) {
        const gsize piece = next_piece(inspector, &content);
        const guint64 before = counts->lines;

        if (!piece) {
            skip_run(inspector, &content);
            continue;
        }
        hunt_scan_lines(inspector->scanner, inspector->piece->data, piece, content.at,
                        result->lines + 1, take_match, inspector);
        result->lines += counts->lines - before;
        content.at += piece;
    }
    hit_line_end(inspector->line);
    result->out_of_time = hit_line_out_of_time(inspector->line) - out_of_time;
    if (content.length && !ends_line(&content))
        result->lines++;
}
