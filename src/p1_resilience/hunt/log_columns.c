#include "p1_resilience/hunt/log_columns.h"

#include "p1_resilience/hunt/view.h"

#include <string.h>

#define DEPTH_MAX 64u
#define PATH_MAX_BYTES 512u
#define FIELDS_LINE "#fields"
#define SEPARATOR_LINE "#separator "

enum form { FORM_UNKNOWN, FORM_ZEEK, FORM_JSON, FORM_CSV, FORM_OTHER };

struct span {
    gsize start, length; /* in the bytes taken */
};

struct log_columns {
    char *const *names;
    gboolean joins; /* both "host" and "uri" are asked for */
    enum form form;
    guint8 separator;
    GByteArray *wanted; /* of each column */
    gint host, uri;     /* columns; -1 */
    gboolean any;       /* something that was asked for was there */
    GArray *kept;       /* struct span, of the line */
};

/* The log's bytes, and the one that is looked at. */
struct text {
    const guint8 *bytes;
    gsize at, end;
};

struct log_look *log_look_new(void)
{
    struct log_look *look = g_new0(struct log_look, 1);

    look->text = g_byte_array_new();
    look->joined = g_byte_array_new();
    look->places = g_array_new(FALSE, FALSE, sizeof(struct log_joined));
    return look;
}

void log_look_free(struct log_look *look)
{
    if (!look)
        return;
    g_byte_array_unref(look->text);
    g_byte_array_unref(look->joined);
    g_array_unref(look->places);
    g_free(look);
}

static gboolean is_name(const char *name, const guint8 *text, gsize length)
{
    return strlen(name) == length && g_ascii_strncasecmp(name, (const char *)text, length) == 0;
}

static gboolean is_asked_for(const struct log_columns *columns, const guint8 *text, gsize length)
{
    for (char *const *name = columns->names; *name; name++)
        if (is_name(*name, text, length))
            return TRUE;
    return FALSE;
}

struct log_columns *log_columns_new(char *const *names)
{
    struct log_columns *columns = g_new0(struct log_columns, 1);

    columns->names = names;
    columns->joins = is_asked_for(columns, (const guint8 *)"host", strlen("host")) &&
                     is_asked_for(columns, (const guint8 *)"uri", strlen("uri"));
    columns->wanted = g_byte_array_new();
    columns->kept = g_array_new(FALSE, FALSE, sizeof(struct span));
    log_columns_begin(columns);
    return columns;
}

void log_columns_free(struct log_columns *columns)
{
    if (!columns)
        return;
    g_byte_array_unref(columns->wanted);
    g_array_unref(columns->kept);
    g_free(columns);
}

void log_columns_begin(struct log_columns *columns)
{
    columns->form = FORM_UNKNOWN;
    columns->separator = '\t';
    columns->any = FALSE;
    columns->host = columns->uri = -1;
    g_byte_array_set_size(columns->wanted, 0);
}

const char *log_columns_problem(const struct log_columns *columns)
{
    return columns->any || columns->form == FORM_UNKNOWN
               ? NULL
               : "it has no column or member that was asked for";
}

static void keep(struct log_columns *columns, gsize start, gsize length)
{
    const struct span span = { start, length };

    g_array_append_val(columns->kept, span);
}

/* ---- the URL that two columns make */

static void join(struct log_columns *columns, const struct text *text, struct span host,
                 struct span uri, struct log_look *look)
{
    const struct log_joined joined = { (guint32)host.start, look->joined->len };
    const guint8 *path = text->bytes + uri.start;
    gboolean is_json = columns->form == FORM_JSON;
    guint from;

    /* A request to a proxy names the host itself; "-" is none. */
    if (!columns->joins || !host.length || !uri.length ||
        (path[0] != '/' && !(is_json && uri.length > 1 && path[0] == '\\' && path[1] == '/')) ||
        (host.length == 1 && text->bytes[host.start] == '-'))
        return;
    g_byte_array_append(look->joined, (const guint8 *)"http://", strlen("http://"));
    g_byte_array_append(look->joined, text->bytes + host.start, (guint)host.length);
    from = look->joined->len;
    g_byte_array_append(look->joined, path, (guint)uri.length);
    if (is_json) /* never longer than it was */
        g_byte_array_set_size(look->joined,
                              from + (guint)view_unescape(HUNT_VIEW_JSON, path, uri.length,
                                                          look->joined->data + from));
    g_byte_array_append(look->joined, (const guint8 *)"\n", 1);
    g_array_append_val(look->places, joined);
}

/* ---- columns */

/* The next column of the line, without its quotes; FALSE behind the last. */
static gboolean next_column(const struct log_columns *columns, struct text *line,
                            struct span *column)
{
    const guint8 *bytes = line->bytes;
    gsize at = line->at;

    if (at > line->end)
        return FALSE;
    if (columns->form == FORM_CSV && at < line->end && bytes[at] == '"') {
        column->start = ++at;
        while (at < line->end && (bytes[at] != '"' || (at + 1 < line->end && bytes[at + 1] == '"')))
            at += bytes[at] == '"' ? 2 : 1;
        at = MIN(at, line->end);
        column->length = at - column->start;
        while (at < line->end && bytes[at] != columns->separator)
            at++;
    } else {
        column->start = at;
        while (at < line->end && bytes[at] != columns->separator)
            at++;
        column->length = at - column->start;
    }
    line->at = at + 1;
    return TRUE;
}

/* Which columns the line of names asks for; FALSE: none. */
static gboolean take_header(struct log_columns *columns, struct text line)
{
    struct span column;
    gboolean any = FALSE;

    g_byte_array_set_size(columns->wanted, 0);
    columns->host = columns->uri = -1;
    while (next_column(columns, &line, &column)) {
        const guint8 *name = line.bytes + column.start;
        guint8 wanted = (guint8)is_asked_for(columns, name, column.length);

        if (is_name("host", name, column.length))
            columns->host = (gint)columns->wanted->len;
        if (is_name("uri", name, column.length))
            columns->uri = (gint)columns->wanted->len;
        any |= wanted;
        g_byte_array_append(columns->wanted, &wanted, 1);
    }
    columns->any |= any;
    return any;
}

static void take_row(struct log_columns *columns, struct text line, struct log_look *look)
{
    struct span column, host = { 0 }, uri = { 0 };

    for (guint i = 0; i < columns->wanted->len && next_column(columns, &line, &column); i++) {
        if (columns->wanted->data[i])
            keep(columns, column.start, column.length);
        if ((gint)i == columns->host)
            host = column;
        if ((gint)i == columns->uri)
            uri = column;
    }
    join(columns, &line, host, uri, look);
}

static gboolean begins(const struct text *line, const char *with)
{
    gsize length = strlen(with);

    return line->end - line->at >= length && memcmp(line->bytes + line->at, with, length) == 0;
}

/* "#separator \x09"; "#fields" and what parts them. */
static void take_zeek_header(struct log_columns *columns, struct text line)
{
    const guint8 *value = line.bytes + line.at + strlen(SEPARATOR_LINE);

    if (begins(&line, SEPARATOR_LINE "\\x") && line.end - line.at == strlen(SEPARATOR_LINE) + 4) {
        int high = g_ascii_xdigit_value((char)value[2]), low = g_ascii_xdigit_value((char)value[3]);

        if (high >= 0 && low >= 0)
            columns->separator = (guint8)(high << 4 | low);
    } else if (begins(&line, FIELDS_LINE) && line.end - line.at > strlen(FIELDS_LINE)) {
        line.at += strlen(FIELDS_LINE) + 1;
        take_header(columns, line);
    }
}

/* ---- members */

struct walk {
    struct log_columns *columns;
    struct text line;
    char path[PATH_MAX_BYTES];
    gsize path_length;
    guint depth;
    struct span host, uri;
};

static void skip_space(struct text *line)
{
    while (line->at < line->end && strchr(" \t\r", line->bytes[line->at]) && line->bytes[line->at])
        line->at++;
}

static gboolean takes(struct walk *walk, char byte)
{
    skip_space(&walk->line);
    if (walk->line.at == walk->line.end || walk->line.bytes[walk->line.at] != (guint8)byte)
        return FALSE;
    walk->line.at++;
    return TRUE;
}

/* Between its quotes, as it is written. */
static gboolean take_string(struct walk *walk, struct span *string)
{
    struct text *line = &walk->line;

    if (!takes(walk, '"'))
        return FALSE;
    string->start = line->at;
    while (line->at < line->end && line->bytes[line->at] != '"')
        line->at += line->bytes[line->at] == '\\' ? 2 : 1;
    if (line->at >= line->end)
        return FALSE;
    string->length = line->at++ - string->start;
    return TRUE;
}

/* Whether the path ends in the name, at a dot or whole. */
static gboolean path_ends(const struct walk *walk, const char *name)
{
    gsize length = strlen(name), before;

    if (length > walk->path_length)
        return FALSE;
    before = walk->path_length - length;
    return g_ascii_strncasecmp(walk->path + before, name, length) == 0 &&
           (!before || walk->path[before - 1] == '.');
}

static gboolean path_is_asked_for(const struct walk *walk)
{
    for (char *const *name = walk->columns->names; *name; name++)
        if (path_ends(walk, *name))
            return TRUE;
    return FALSE;
}

static gboolean walk_value(struct walk *walk, gboolean wanted);

static gboolean walk_member(struct walk *walk, gboolean wanted)
{
    const gsize length = walk->path_length;
    struct span name;
    gboolean good;

    if (!take_string(walk, &name) || !takes(walk, ':'))
        return FALSE;
    if (length + 1 + name.length <= sizeof walk->path) { /* else no name that is asked for */
        if (length)
            walk->path[walk->path_length++] = '.';
        memcpy(walk->path + walk->path_length, walk->line.bytes + name.start, name.length);
        walk->path_length += name.length;
        wanted = wanted || path_is_asked_for(walk);
    }
    walk->columns->any |= wanted;
    good = walk_value(walk, wanted);
    walk->path_length = length;
    return good;
}

/* Members or elements, up to `close`. */
static gboolean walk_many(struct walk *walk, gboolean wanted, char close,
                          gboolean (*each)(struct walk *, gboolean))
{
    gboolean good = TRUE;

    if (walk->depth == DEPTH_MAX)
        return FALSE;
    walk->depth++;
    if (!takes(walk, close)) {
        do
            good = each(walk, wanted);
        while (good && takes(walk, ','));
        good = good && takes(walk, close);
    }
    walk->depth--;
    return good;
}

static gboolean walk_value(struct walk *walk, gboolean wanted)
{
    struct text *line = &walk->line;
    struct span value;

    if (takes(walk, '{'))
        return walk_many(walk, wanted, '}', walk_member);
    if (takes(walk, '['))
        return walk_many(walk, wanted, ']', walk_value);
    if (line->at < line->end && line->bytes[line->at] == '"') {
        if (!take_string(walk, &value))
            return FALSE;
        if (path_ends(walk, "host"))
            walk->host = value;
        if (path_ends(walk, "uri"))
            walk->uri = value;
    } else {
        value.start = line->at;
        while (line->at < line->end && line->bytes[line->at] &&
               !strchr(",]} \t\r", line->bytes[line->at]))
            line->at++;
        value.length = line->at - value.start;
        if (!value.length)
            return FALSE;
    }
    if (wanted)
        keep(walk->columns, value.start, value.length);
    return TRUE;
}

static void take_object(struct log_columns *columns, struct text line, struct log_look *look)
{
    struct walk walk = { .columns = columns, .line = line };

    if (!walk_value(&walk, FALSE)) {
        g_array_set_size(columns->kept, 0);
        keep(columns, line.at, line.end - line.at);
        columns->any = TRUE;
        return;
    }
    join(columns, &line, walk.host, walk.uri, look);
}

/* ---- lines */

/* The form of a log whose first line this is; CSV is of the separator that shows a column. */
static void recognise(struct log_columns *columns, const struct text *line)
{
    static const char separators[] = ",;\t|";

    if (line->bytes[line->at] == '{') {
        columns->form = FORM_JSON;
    } else if (line->bytes[line->at] == '#') {
        columns->form = FORM_ZEEK;
    } else {
        columns->form = FORM_CSV;
        for (guint i = 0; i < strlen(separators); i++) {
            columns->separator = (guint8)separators[i];
            if (take_header(columns, *line))
                return;
        }
        columns->form = FORM_OTHER;
    }
}

static void take_line(struct log_columns *columns, struct text line, struct log_look *look)
{
    gboolean is_first = columns->form == FORM_UNKNOWN;

    if (line.at == line.end)
        return;
    if (is_first)
        recognise(columns, &line);
    if (columns->form == FORM_JSON)
        take_object(columns, line, look);
    else if (columns->form == FORM_ZEEK && line.bytes[line.at] == '#')
        take_zeek_header(columns, line);
    else if (columns->form == FORM_ZEEK || (columns->form == FORM_CSV && !is_first))
        take_row(columns, line, look);
}

void log_columns_take(struct log_columns *columns, const guint8 *bytes, gsize length,
                      struct log_look *look)
{
    struct text line = { .bytes = bytes };

    g_byte_array_set_size(look->text, (guint)length);
    if (length)
        memset(look->text->data, ' ', length);
    g_byte_array_set_size(look->joined, 0);
    g_array_set_size(look->places, 0);
    for (gsize next; line.at < length; line.at = next) {
        const guint8 *feed = memchr(bytes + line.at, '\n', length - line.at);

        next = feed ? (gsize)(feed - bytes) + 1 : length;
        line.end = feed ? next - 1 : length;
        if (feed)
            look->text->data[line.end] = '\n';
        if (line.end > line.at && bytes[line.end - 1] == '\r')
            line.end--;
        g_array_set_size(columns->kept, 0);
        take_line(columns, line, look);
        for (guint i = 0; i < columns->kept->len; i++) {
            const struct span *span = &g_array_index(columns->kept, struct span, i);

            memcpy(look->text->data + span->start, bytes + span->start, span->length);
        }
    }
}
