/*
 * feed_csv.c: CSV (RFC 4180; also separated by semicolons or tabs) whose header names a column of
 * values. The header may be a comment, as abuse.ch writes it.
 */
#include "base/clock.h"
#include "p1_resilience/hunt/feed_private.h"

#include <string.h>

#define COLUMNS_MAX 256
#define HEADER_LIMIT 4096
#define SAMPLE_ROWS 50

/* What a column means, by its name in lower case without spaces, '_' and '-'. */
enum column {
    COLUMN_OTHER,
    COLUMN_VALUE, /* several may be: each is a value */
    COLUMN_TO_IDS,
    COLUMN_ID,
    COLUMN_FROM,
    COLUMN_UNTIL,
    COLUMN_CONFIDENCE,
    COLUMN_TLP,
    COLUMN_LABELS,
};

static const struct {
    const char *name;
    enum column column;
} names[] = {
    { "ioc", COLUMN_VALUE },
    { "iocvalue", COLUMN_VALUE },
    { "indicator", COLUMN_VALUE },
    { "indicatorvalue", COLUMN_VALUE },
    { "observable", COLUMN_VALUE },
    { "value", COLUMN_VALUE },
    { "ip", COLUMN_VALUE },
    { "ipaddress", COLUMN_VALUE },
    { "ipv4", COLUMN_VALUE },
    { "ipv6", COLUMN_VALUE },
    { "dstip", COLUMN_VALUE },
    { "cidr", COLUMN_VALUE },
    { "network", COLUMN_VALUE },
    { "domain", COLUMN_VALUE },
    { "domainname", COLUMN_VALUE },
    { "host", COLUMN_VALUE },
    { "hostname", COLUMN_VALUE },
    { "fqdn", COLUMN_VALUE },
    { "url", COLUMN_VALUE },
    { "md5", COLUMN_VALUE },
    { "md5hash", COLUMN_VALUE },
    { "sha1", COLUMN_VALUE },
    { "sha1hash", COLUMN_VALUE },
    { "sha256", COLUMN_VALUE },
    { "sha256hash", COLUMN_VALUE },
    { "sha512", COLUMN_VALUE },
    { "hash", COLUMN_VALUE },
    { "email", COLUMN_VALUE },
    { "toids", COLUMN_TO_IDS },
    { "uuid", COLUMN_ID },
    { "id", COLUMN_ID },
    { "iocid", COLUMN_ID },
    { "validfrom", COLUMN_FROM },
    { "firstseen", COLUMN_FROM },
    { "firstseenutc", COLUMN_FROM },
    { "validuntil", COLUMN_UNTIL },
    { "expires", COLUMN_UNTIL },
    { "expiration", COLUMN_UNTIL },
    { "confidence", COLUMN_CONFIDENCE },
    { "confidencelevel", COLUMN_CONFIDENCE },
    { "tlp", COLUMN_TLP },
    { "tags", COLUMN_LABELS },
    { "labels", COLUMN_LABELS },
    { "malwareprintable", COLUMN_LABELS },
};

static const char delimiters[] = ",;\t";

struct csv {
    char delimiter;
    guint count;
    guint8 columns[COLUMNS_MAX]; /* enum column */
};

/* One row, which may span lines inside of quotes; *at goes behind it. */
static void split_row(char delimiter, const char **at, const char *end, guint64 *lines,
                      GPtrArray *cells)
{
    g_autoptr(GString) cell = g_string_new(NULL);
    gboolean quoted = FALSE;
    const char *c = *at;

    g_ptr_array_set_size(cells, 0);
    for (; c < end; c++) {
        if (quoted) {
            *lines += *c == '\n';
            if (*c == '"' && c + 1 < end && c[1] == '"')
                g_string_append_c(cell, *c++);
            else if (*c == '"')
                quoted = FALSE;
            else
                g_string_append_c(cell, *c);
        } else if (*c == '\n') {
            break;
        } else if (*c == '"' && !cell->str[strspn(cell->str, "\t ")]) {
            g_string_truncate(cell, 0);
            quoted = TRUE;
        } else if (*c == delimiter) {
            g_ptr_array_add(cells, g_strndup(g_strstrip(cell->str), cell->len));
            g_string_truncate(cell, 0);
        } else {
            g_string_append_c(cell, *c);
        }
    }
    g_ptr_array_add(cells, g_strdup(g_strstrip(cell->str)));
    *lines += 1;
    *at = MIN(c + 1, end);
}

static enum column column_of(const char *cell)
{
    g_autoptr(GString) name = g_string_new(NULL);

    for (; *cell; cell++)
        if (g_ascii_isalnum(*cell))
            g_string_append_c(name, g_ascii_tolower(*cell));
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (g_str_equal(names[i].name, name->str))
            return names[i].column;
    return COLUMN_OTHER;
}

/* The line's cells in this notation as columns; whether one is of values. */
static gboolean read_header(const char *line, gsize length, char delimiter, struct csv *csv)
{
    g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func(g_free);
    const char *at = line, *end = line + length;
    gboolean has_values = FALSE;
    guint64 lines = 0;

    while (at < end && (*at == '#' || g_ascii_isspace(*at)))
        at++;
    split_row(delimiter, &at, end, &lines, cells);
    if (at < end || cells->len > COLUMNS_MAX)
        return FALSE;
    csv->delimiter = delimiter;
    csv->count = cells->len;
    for (guint i = 0; i < cells->len; i++) {
        csv->columns[i] = (guint8)column_of(cells->pdata[i]);
        has_values |= csv->columns[i] == COLUMN_VALUE;
    }
    return has_values;
}

/* A comment is a header when the first row has as many cells; "# ip" alone never is. */
static gboolean row_fits(const struct csv *csv, struct feed_lines lines)
{
    g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func(g_free);
    const char *line;
    guint64 count = 0;
    gsize length;

    while (feed_lines_next(&lines, &line, &length))
        if (length && line[0] != '#') {
            split_row(csv->delimiter, &line, lines.end, &count, cells);
            return csv->count > 1 && cells->len == csv->count;
        }
    return FALSE;
}

/* The header: the first line that is no comment, or a comment before; `lines` goes behind it. */
static gboolean find_header(struct feed_lines *lines, struct csv *csv)
{
    const char *line;
    gsize length;

    while (feed_lines_next(lines, &line, &length)) {
        gboolean comment = length && line[0] == '#';

        for (const char *delimiter = delimiters; length && *delimiter; delimiter++)
            if (length < HEADER_LIMIT && read_header(line, length, *delimiter, csv) &&
                (!comment || row_fits(csv, *lines)))
                return TRUE;
        if (length && !comment)
            return FALSE;
    }
    return FALSE;
}

/*
 * Without a header: the columns whose cells are indicators in nearly all of the first rows, where
 * these all have as many cells, at least two.
 */
static gboolean find_value_columns(const char *text, gsize length, struct csv *csv)
{
    g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func(g_free);
    guint good[COLUMNS_MAX] = { 0 }, rows = 0;
    gboolean any = FALSE;
    const char *at = text, *end = text + length;
    guint64 lines = 0;

    csv->count = 0;
    while (at < end && rows < SAMPLE_ROWS) {
        gboolean comment = *at == '#' || *at == '\n' || *at == '\r';

        split_row(csv->delimiter, &at, end, &lines, cells);
        if (comment)
            continue;
        if (cells->len < 2 || cells->len > COLUMNS_MAX || (rows && cells->len != csv->count))
            return FALSE;
        csv->count = cells->len;
        rows++;
        for (guint i = 0; i < cells->len; i++) {
            g_auto(indicator_t) indicator = { 0 };
            enum indicator_why why;

            good[i] += indicator_parse(cells->pdata[i], strlen(cells->pdata[i]), INDICATOR_FORCE,
                                       &indicator, &why);
        }
    }
    for (guint i = 0; i < csv->count; i++) {
        csv->columns[i] = rows > 1 && good[i] * 10 >= rows * 9 ? COLUMN_VALUE : COLUMN_OTHER;
        any |= csv->columns[i] == COLUMN_VALUE;
    }
    return any;
}

/* Finds the columns; *at goes behind the header, where there is one, and *number to its line. */
static gboolean find_columns(const char *text, gsize length, struct csv *csv, const char **at,
                             guint64 *number)
{
    struct feed_lines lines = { text, text + length, 0 };

    *at = text;
    *number = 0;
    if (find_header(&lines, csv)) {
        *at = MIN(lines.at, text + length);
        *number = lines.number;
        return TRUE;
    }
    for (const char *delimiter = delimiters; *delimiter; delimiter++) {
        csv->delimiter = *delimiter;
        if (find_value_columns(text, length, csv))
            return TRUE;
    }
    return FALSE;
}

gboolean feed_csv_has_header(const char *text, gsize length)
{
    struct feed_lines lines = { text, text + length, 0 };
    struct csv csv;

    return find_header(&lines, &csv);
}

gboolean feed_csv_has_column(const char *text, gsize length)
{
    struct csv csv;
    const char *at;
    guint64 number;

    return find_columns(text, length, &csv, &at, &number);
}

static gint64 time_of(const char *text)
{
    g_autofree char *rfc = NULL;
    gint64 time_us = 0;

    if (!*text)
        return 0;
    if (clock_parse(text, &time_us, NULL))
        return time_us;
    /* "2024-05-01 12:00:00" is common, and UTC where its feed says so */
    if (strlen(text) >= 19 && text[10] == ' ') {
        rfc = g_strdup_printf("%.10sT%.8sZ", text, text + 11);
        if (clock_parse(rfc, &time_us, NULL))
            return time_us;
    }
    return 0;
}

static gboolean is_no(const char *text)
{
    return g_str_equal(text, "0") || g_ascii_strcasecmp(text, "false") == 0 ||
           g_ascii_strcasecmp(text, "no") == 0;
}

/* What the row's other cells say about its values. */
static void describe(const struct csv *csv, const GPtrArray *cells, struct assertion *as)
{
    for (guint i = 0; i < MIN(csv->count, cells->len); i++) {
        const char *cell = cells->pdata[i];
        enum tlp tlp;
        guint64 number;

        if (!*cell)
            continue;
        if (csv->columns[i] == COLUMN_ID)
            as->object = cell;
        else if (csv->columns[i] == COLUMN_FROM)
            as->valid_from_us = time_of(cell);
        else if (csv->columns[i] == COLUMN_UNTIL)
            as->valid_until_us = time_of(cell);
        else if (csv->columns[i] == COLUMN_LABELS && !g_str_equal(cell, "None"))
            as->labels = cell;
        else if (csv->columns[i] == COLUMN_TLP && tlp_parse(cell, &tlp))
            as->tlp = tlp;
        else if (csv->columns[i] == COLUMN_TO_IDS && is_no(cell))
            as->flags &= ~(guint)ASSERTION_TO_IDS;
        else if (csv->columns[i] == COLUMN_CONFIDENCE &&
                 g_ascii_string_to_unsigned(cell, 10, 0, 100, &number, NULL))
            as->confidence = (guint8)number;
    }
}

static void parse_row(struct feed_parser *parser, const struct csv *csv, const GPtrArray *cells,
                      guint64 line, struct assertion as)
{
    describe(csv, cells, &as);
    for (guint i = 0; i < MIN(csv->count, cells->len); i++) {
        const char *cell = cells->pdata[i];

        if (csv->columns[i] != COLUMN_VALUE || !*cell)
            continue;
        if (!(as.flags & ASSERTION_TO_IDS) && !parser->options->include_non_ids)
            feed_skip(parser, FEED_SKIP_NOT_TO_IDS, line, NULL, cell, strlen(cell));
        else
            feed_add(parser, cell, strlen(cell), 0, line, &as);
    }
}

void feed_parse_csv(struct feed_parser *parser, const char *text, gsize length)
{
    g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func(g_free);
    const char *at, *end = text + length;
    struct csv csv = { 0 };
    struct assertion as;
    guint64 number;

    find_columns(text, length, &csv, &at, &number);
    as = feed_assertion(
        feed_source_add(parser,
                        &(struct feed_source){ .format = FEED_CSV, .tlp = parser->options->tlp }),
        parser->options->tlp);
    while (at < end && !parser->parent_gone) {
        guint64 first = number + 1;
        gboolean comment = *at == '#';

        split_row(csv.delimiter, &at, end, &number, cells);
        parser->done = (guint64)(at - text);
        if (!comment)
            parse_row(parser, &csv, cells, first, as);
    }
}
