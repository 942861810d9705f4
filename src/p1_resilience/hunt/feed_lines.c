/*
 * feed_lines.c: feeds of one value a line: lists, hosts files, Zeek's intelligence files, datasets
 * of Suricata.
 */
#include "p1_resilience/hunt/feed_private.h"

#include <string.h>

#define COMMENT_LIMIT 200 /* bytes of a comment that is kept */

/* Where a line says something behind its value: " # why", " ; SBL1"; else its end. */
static gsize comment_at(const char *line, gsize length)
{
    for (gsize i = 1; i < length; i++)
        if ((line[i] == '#' || line[i] == ';') && g_ascii_isspace(line[i - 1]))
            return i;
    return length;
}

static gsize without_spaces(const char *line, gsize length)
{
    while (length && g_ascii_isspace(line[length - 1]))
        length--;
    return length;
}

/* What is said, as a label of one line; NULL: nothing. Owned by the caller. */
static char *comment_of(const char *line, gsize at, gsize length)
{
    g_autofree char *text = NULL;

    while (at < length && (strchr("#;", line[at]) || g_ascii_isspace(line[at])) && line[at])
        at++;
    if (at == length)
        return NULL;
    text = g_strndup(line + at, MIN(length - at, COMMENT_LIMIT));
    return g_utf8_make_valid(text, -1);
}

/* "||evil.example^" of ad blockers is evil.example. */
static void without_anchors(const char **line, gsize *length)
{
    if (*length > 3 && memcmp(*line, "||", 2) == 0 && (*line)[*length - 1] == '^') {
        *line += 2;
        *length -= 3;
    }
}

static gsize word_length(const char *line, gsize length)
{
    gsize at = 0;

    while (at < length && !g_ascii_isspace(line[at]))
        at++;
    return at;
}

/* A value, and what stands behind a space: what is said of it. */
static void parse_plain(struct feed_parser *parser, const char *line, gsize length, guint64 number,
                        const struct assertion *as)
{
    gsize comment = comment_at(line, length), size = without_spaces(line, comment);
    gsize word = word_length(line, size);
    g_autofree char *label = NULL;
    struct assertion labelled = *as;

    if (word < size && !g_strstr_len(line, (gssize)size, " dot ") &&
        !g_strstr_len(line, (gssize)size, " at "))
        comment = size = word;
    if (comment < length)
        labelled.labels = label = comment_of(line, comment, length);
    without_anchors(&line, &size);
    feed_add(parser, line, size, 0, number, &labelled);
}

/* Names behind an address; the file's own names for the machine itself are nobody's. */
static void parse_hosts(struct feed_parser *parser, const char *line, gsize length, guint64 number,
                        const struct assertion *as)
{
    static const char *const own[] = { "localhost",
                                       "localhost.localdomain",
                                       "local",
                                       "broadcasthost",
                                       "ip6-localhost",
                                       "ip6-loopback",
                                       "ip6-localnet",
                                       "ip6-mcastprefix",
                                       "ip6-allnodes",
                                       "ip6-allrouters",
                                       "ip6-allhosts",
                                       "0.0.0.0",
                                       NULL };
    const char *end, *at;

    end = line + without_spaces(line, comment_at(line, length));
    for (at = line; at < end && !g_ascii_isspace(*at); at++)
        ;
    while (at < end) {
        const char *name;
        g_autofree char *copy = NULL;

        while (at < end && g_ascii_isspace(*at))
            at++;
        for (name = at; at < end && !g_ascii_isspace(*at); at++)
            ;
        copy = g_ascii_strdown(name, at - name);
        if (*copy && !g_strv_contains(own, copy))
            feed_add(parser, name, (gsize)(at - name), 0, number, as);
    }
}

static void parse_dataset(struct feed_parser *parser, const char *line, gsize length,
                          guint64 number, const struct assertion *as)
{
    g_autoptr(GString) value = g_string_new(NULL);
    const char *comma = memchr(line, ',', length);

    if (feed_suricata_value(line, length, value))
        feed_add(parser, value->str, value->len, 0, number, as);
    else
        feed_add(parser, line, comma ? (gsize)(comma - line) : length, 0, number, as);
}

/* ---- Zeek: a header that names the columns, separated by tabs */

enum zeek_column {
    ZEEK_INDICATOR,
    ZEEK_TYPE,
    ZEEK_SOURCE,
    ZEEK_DESCRIPTION,
    ZEEK_URL,
    ZEEK_COLUMNS
};
static const char *const zeek_columns[ZEEK_COLUMNS] = {
    "indicator", "indicator_type", "meta.source", "meta.desc", "meta.url",
};

#define ADDRESSES (INDICATOR_ONLY(INDICATOR_IPV4) | INDICATOR_ONLY(INDICATOR_IPV6))

static const struct {
    const char *type;
    guint only;
} zeek_types[] = {
    { "Intel::ADDR", ADDRESSES },
    { "Intel::SUBNET", ADDRESSES | INDICATOR_ONLY(INDICATOR_CIDR) },
    { "Intel::URL", INDICATOR_ONLY(INDICATOR_URL) },
    { "Intel::EMAIL", INDICATOR_ONLY(INDICATOR_EMAIL) },
    { "Intel::DOMAIN", INDICATOR_ONLY(INDICATOR_DOMAIN) },
    { "Intel::FILE_HASH", INDICATOR_ONLY(INDICATOR_HASH) },
    { "Intel::CERT_HASH", INDICATOR_ONLY(INDICATOR_HASH) },
};

struct zeek {
    int column[ZEEK_COLUMNS]; /* where it stands; -1: nowhere */
    GHashTable *sources;      /* name -> index + 1 */
};

static void zeek_header(struct zeek *zeek, const char *line, gsize length)
{
    g_autofree char *copy = g_strndup(line, length);
    g_auto(GStrv) names = g_strsplit(copy, "\t", -1);

    for (guint column = 0; column < ZEEK_COLUMNS; column++) {
        zeek->column[column] = -1;
        /* names[0] is "#fields" */
        for (int i = 1; names[0] && names[i]; i++)
            if (g_str_equal(names[i], zeek_columns[column]))
                zeek->column[column] = i - 1;
    }
}

static guint32 zeek_source(struct feed_parser *parser, struct zeek *zeek, const char *name)
{
    guint known = GPOINTER_TO_UINT(g_hash_table_lookup(zeek->sources, name));

    if (!known) {
        known = 1 + feed_source_add(parser, &(struct feed_source){ .name = (char *)name,
                                                                   .format = FEED_ZEEK,
                                                                   .tlp = parser->options->tlp });
        g_hash_table_insert(zeek->sources, g_strdup(name), GUINT_TO_POINTER(known));
    }
    return known - 1;
}

static const char *zeek_cell(const struct zeek *zeek, char **cells, enum zeek_column column)
{
    int at = zeek->column[column];

    return at >= 0 && (guint)at < g_strv_length(cells) && !g_str_equal(cells[at], "-") ? cells[at]
                                                                                       : "";
}

static void zeek_row(struct feed_parser *parser, struct zeek *zeek, const char *line, gsize length,
                     guint64 number)
{
    g_autofree char *copy = g_strndup(line, length);
    g_auto(GStrv) cells = g_strsplit(copy, "\t", -1);
    const char *value = zeek_cell(zeek, cells, ZEEK_INDICATOR);
    const char *type = zeek_cell(zeek, cells, ZEEK_TYPE);
    const char *description = zeek_cell(zeek, cells, ZEEK_DESCRIPTION);
    g_autofree char *url = NULL;
    struct assertion as;

    for (guint i = 0; i < G_N_ELEMENTS(zeek_types); i++) {
        if (!g_str_equal(zeek_types[i].type, type))
            continue;
        as = feed_assertion(zeek_source(parser, zeek, zeek_cell(zeek, cells, ZEEK_SOURCE)),
                            parser->options->tlp);
        as.labels = *description ? description : NULL;
        /* Zeek's URLs have no scheme, and a host alone stands for its first page. */
        if (zeek_types[i].only == INDICATOR_ONLY(INDICATOR_URL) && !strchr(value, '/'))
            value = url = g_strconcat(value, "/", NULL);
        feed_add(parser, value, strlen(value), zeek_types[i].only, number, &as);
        return;
    }
    feed_skip_sort(parser, FEED_SKIP_TYPE, number, NULL, type, value, strlen(value));
}

static void parse_zeek(struct feed_parser *parser, const char *text, gsize length)
{
    struct feed_lines lines = { text, text + length, 0 };
    struct zeek zeek = { .column = { 0, 1, 2, 3, 4 } };
    const char *line;
    gsize size;

    zeek.sources = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    while (feed_lines_next(&lines, &line, &size) && !parser->parent_gone) {
        if (feed_begins(line, size, "#fields"))
            zeek_header(&zeek, line, size);
        else if (size && line[0] != '#')
            zeek_row(parser, &zeek, line, size, lines.number);
        parser->done = (guint64)(line - text);
    }
    g_hash_table_unref(zeek.sources);
}

gboolean feed_suricata_value(const char *line, gsize length, GString *value)
{
    const char *comma = memchr(line, ',', length);
    gsize size = comma ? (gsize)(comma - line) : length, decoded;
    g_auto(indicator_t) indicator = { 0 };
    g_autofree char *text = g_strndup(line, size);
    g_autofree guchar *bytes = NULL;
    enum indicator_why why;

    for (gsize i = size + 1; i < length; i++)
        if (!g_ascii_isdigit(line[i]))
            return FALSE; /* no reputation */
    if (comma && indicator_parse(text, size, INDICATOR_VERBATIM, &indicator, &why)) {
        g_string_append_len(value, text, (gssize)size);
        return TRUE;
    }
    /* base64 of a value; a digest is made of the same letters, and is meant as it stands. */
    if (size % 4 || !size ||
        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                     "0123456789+/=") != size)
        return FALSE;
    bytes = g_base64_decode(text, &decoded);
    indicator_clear(&indicator);
    if (!bytes ||
        !indicator_parse((const char *)bytes, decoded, INDICATOR_VERBATIM, &indicator, &why))
        return FALSE;
    g_string_append_len(value, (const char *)bytes, (gssize)decoded);
    return TRUE;
}

void feed_parse_lines(struct feed_parser *parser, enum feed_format format, const char *text,
                      gsize length)
{
    static void (*const parse[FEED_FORMATS])(struct feed_parser *, const char *, gsize, guint64,
                                             const struct assertion *) = {
        [FEED_PLAIN] = parse_plain,
        [FEED_HOSTS] = parse_hosts,
        [FEED_SURICATA] = parse_dataset,
    };
    struct feed_lines lines = { text, text + length, 0 };
    struct assertion as;
    const char *line;
    gsize size;

    if (format == FEED_ZEEK) {
        parse_zeek(parser, text, length);
        return;
    }
    as = feed_assertion(
        feed_source_add(parser,
                        &(struct feed_source){ .format = format, .tlp = parser->options->tlp }),
        parser->options->tlp);
    while (feed_lines_next(&lines, &line, &size) && !parser->parent_gone) {
        parser->done = (guint64)(line - text);
        if (!feed_line_is_comment(line, size))
            parse[format](parser, line, size, lines.number, &as);
    }
}
