/* feed_recognise.c: which format a file is in, by what stands in it. */
#include "base/error.h"
#include "p1_resilience/hunt/feed_private.h"
#include "stream/decompress.h"

#include <string.h>

#define SAMPLE_BYTES (64u << 10)
#define SAMPLE_LINES 200
#define UNPACKED_LIMIT (1u << 30)
#define UNPACK_STEP (1u << 20)

gboolean feed_begins(const char *text, gsize length, const char *prefix)
{
    gsize size = strlen(prefix);

    return length >= size && memcmp(text, prefix, size) == 0;
}

gboolean feed_lines_next(struct feed_lines *lines, const char **line, gsize *length)
{
    const char *start = lines->at, *end;

    if (start >= lines->end)
        return FALSE;
    end = memchr(start, '\n', (gsize)(lines->end - start));
    if (!end)
        end = lines->end;
    lines->at = end + 1;
    lines->number++;
    while (start < end && g_ascii_isspace(*start))
        start++;
    while (start < end && g_ascii_isspace(end[-1]))
        end--;
    *line = start;
    *length = (gsize)(end - start);
    return TRUE;
}

gboolean feed_line_is_comment(const char *line, gsize length)
{
    return !length || line[0] == '#' || line[0] == ';' || line[0] == '!' ||
           (length > 1 && memcmp(line, "//", 2) == 0);
}

/* What the lines of a sample look like. */
struct sample {
    guint lines, hosts, values, words, datasets;
};

static gsize word_length(const char *line, gsize length)
{
    gsize at = 0;

    while (at < length && !g_ascii_isspace(line[at]))
        at++;
    return at;
}

static gboolean is_value(const char *text, gsize length)
{
    g_auto(indicator_t) indicator = { 0 };
    enum indicator_why why;

    return indicator_parse(text, length, INDICATOR_FORCE, &indicator, &why);
}

/* "0.0.0.0 name", "::1 name". */
static gboolean is_of_hosts(const char *line, gsize length)
{
    gsize word = word_length(line, length);
    g_auto(indicator_t) indicator = { 0 };
    enum indicator_why why;

    return word < length &&
           indicator_parse(line, word,
                           INDICATOR_VERBATIM | INDICATOR_ONLY(INDICATOR_IPV4) |
                               INDICATOR_ONLY(INDICATOR_IPV6),
                           &indicator, &why) &&
           g_ascii_isspace(line[word]) && line[length - 1] != ';' &&
           !strpbrk("#;", (char[]){ line[word + 1], '\0' });
}

static void look_at(struct sample *sample, const char *line, gsize length)
{
    g_autoptr(GString) value = g_string_new(NULL);
    gsize word = word_length(line, length);

    sample->lines++;
    sample->hosts += is_of_hosts(line, length);
    sample->datasets += feed_suricata_value(line, length, value);
    sample->values += is_value(line, word);
    sample->words += word == length || line[word + 1] == '#' || line[word + 1] == ';';
}

static enum feed_format recognise_lines(const char *text, gsize length)
{
    struct feed_lines lines = { text, text + MIN(length, SAMPLE_BYTES), 0 };
    struct sample sample = { 0 };
    const char *line;
    gsize size;

    if (feed_csv_has_header(text, length))
        return FEED_CSV;
    while (sample.lines < SAMPLE_LINES && feed_lines_next(&lines, &line, &size)) {
        if (feed_begins(line, size, "#fields\tindicator"))
            return FEED_ZEEK;
        if (!feed_line_is_comment(line, size))
            look_at(&sample, line, size);
    }
    if (sample.hosts * 2 > sample.lines)
        return FEED_HOSTS;
    if (sample.datasets * 2 > sample.lines)
        return FEED_SURICATA;
    if (sample.values * 2 >= sample.lines)
        return FEED_PLAIN;
    if (feed_csv_has_column(text, length))
        return FEED_CSV;
    /* A list with much on it that is nothing is a list still, unless its lines are sentences. */
    return sample.words * 3 >= sample.lines * 2 ? FEED_PLAIN : FEED_TEXT;
}

/* '[' begins defanged lists, too: "[.]evil[.]example". */
static gboolean is_json(const char *text, gsize length)
{
    gsize at = 1;

    if (!length || (text[0] != '{' && text[0] != '['))
        return FALSE;
    while (at < length && g_ascii_isspace(text[at]))
        at++;
    return at == length || strchr("{}[]\"", text[at]);
}

static gboolean parse_characters(struct feed_parser *parser, const char *text, gsize length,
                                 GError **error)
{
    enum feed_format format;
    gsize start = 0;

    while (start < length && g_ascii_isspace(text[start]))
        start++;
    if (memchr(text, '\0', MIN(length, SAMPLE_BYTES)))
        return input_error(error, "%s: is not text, and no feed that is known", parser->path);
    if (is_json(text + start, length - start))
        return feed_parse_json(parser, text, length, error);
    if (parser->surveys) /* nothing else has versions */
        return TRUE;
    if (start < length && text[start] == '<' &&
        (g_strstr_len(text, (gssize)MIN(length, SAMPLE_BYTES), "<ioc") ||
         g_strstr_len(text, (gssize)MIN(length, SAMPLE_BYTES), "STIX_Package")))
        return input_error(error, "%s: OpenIOC and STIX 1 are not read; ask for STIX 2.1 or MISP",
                           parser->path);
    format = recognise_lines(text, length);
    if (format == FEED_CSV)
        feed_parse_csv(parser, text, length);
    else if (format == FEED_TEXT)
        feed_parse_text(parser, text, length);
    else
        feed_parse_lines(parser, format, text, length);
    return TRUE;
}

/* UTF-16 with its byte order mark, as some editors save it. */
static char *from_utf16(const guint8 *bytes, gsize length, GError **error)
{
    gsize units = length / 2 - 1;
    g_autofree gunichar2 *text = g_new(gunichar2, units + 1);

    for (gsize i = 0; i < units; i++) {
        const guint8 *unit = bytes + 2 * (i + 1);

        text[i] = bytes[0] == 0xff ? (gunichar2)(unit[0] | unit[1] << 8)
                                   : (gunichar2)(unit[0] << 8 | unit[1]);
    }
    return g_utf16_to_utf8(text, (glong)units, NULL, NULL, error);
}

/* The whole of a packed file. */
static GByteArray *unpack(enum compression compression, const guint8 *data, gsize length,
                          const char *path, GError **error)
{
    g_autoptr(decompressor_t) decompressor = decompressor_new(compression, error);
    struct decompress_step step = { .in = data, .in_left = length, .is_last = TRUE };
    g_autoptr(GByteArray) out = g_byte_array_new();

    while (decompressor && !step.out_left) {
        gsize have = out->len;

        if (have > UNPACKED_LIMIT) {
            input_error(error, "%s: unpacks to more than 1 GB", path);
            return NULL;
        }
        g_byte_array_set_size(out, (guint)(have + MAX(have, UNPACK_STEP)));
        step.out = out->data + have;
        step.out_left = out->len - have;
        if (!decompress(decompressor, &step, error)) {
            g_prefix_error(error, "%s: ", path);
            return NULL;
        }
    }
    if (!decompressor)
        return NULL;
    if (!decompressor_is_whole(decompressor)) {
        input_error(error, "%s: is cut short", path);
        return NULL;
    }
    g_byte_array_set_size(out, (guint)(out->len - step.out_left));
    return g_steal_pointer(&out);
}

gboolean feed_parse(struct feed_parser *parser, GBytes *bytes, GError **error)
{
    static const char mark[] = "\xef\xbb\xbf";
    g_autoptr(GByteArray) unpacked = NULL;
    gsize length;
    const guint8 *data = g_bytes_get_data(bytes, &length);
    enum compression compression = compression_of(data, length);

    if (compression != COMPRESSION_NONE) {
        unpacked = unpack(compression, data, length, parser->path, error);
        if (!unpacked)
            return FALSE;
        data = unpacked->data;
        length = unpacked->len;
    }
    if (!length)
        data = (const guint8 *)""; /* GLib has NULL for no bytes */
    if (length >= 2 &&
        ((data[0] == 0xff && data[1] == 0xfe) || (data[0] == 0xfe && data[1] == 0xff))) {
        g_autofree char *text = from_utf16(data, length, NULL);

        return text ? parse_characters(parser, text, strlen(text), error)
                    : input_error(error, "%s: begins as UTF-16, and is not", parser->path);
    }
    if (length >= 3 && memcmp(data, mark, 3) == 0) {
        data += 3;
        length -= 3;
    }
    return parse_characters(parser, (const char *)data, length, error);
}
