#include "p1_resilience/hunt/http_requests.h"

#include <string.h>

#define METHOD_MAX 24 /* the longest registered one is VERSION-CONTROL */
#define CHUNK_DIGITS_MAX 15
#define LENGTH_DIGITS_MAX 18

enum state {
    REQUEST_LINE,
    FIELDS,
    BODY,
    CHUNK_SIZE,
    CHUNK,
    CHUNK_END,
    TRAILERS,
    OVER, /* nothing of ours follows */
};

struct http_reader {
    http_take take;
    gpointer data;
    enum state state;
    GString *line; /* as far as it is there, without its end */
    guint64 left;  /* bytes of the body or chunk */
    /* Of the request: */
    GString *target, *host, *agent; /* empty: not there */
    gboolean is_connect, is_chunked, is_upgrade;
};

struct http_reader *http_reader_new(http_take take, gpointer data)
{
    struct http_reader *reader = g_new0(struct http_reader, 1);

    reader->take = take;
    reader->data = data;
    reader->line = g_string_new(NULL);
    reader->target = g_string_new(NULL);
    reader->host = g_string_new(NULL);
    reader->agent = g_string_new(NULL);
    return reader;
}

void http_reader_free(struct http_reader *reader)
{
    if (!reader)
        return;
    g_string_free(reader->line, TRUE);
    g_string_free(reader->target, TRUE);
    g_string_free(reader->host, TRUE);
    g_string_free(reader->agent, TRUE);
    g_free(reader);
}

/* Methods are tokens (RFC 9110 section 5.6.2); those in use are capitals, with '-' or '_'. */
gboolean http_may_begin(guint8 byte)
{
    return g_ascii_isupper(byte);
}

static gboolean is_method_byte(guint8 byte)
{
    return g_ascii_isupper(byte) || byte == '-' || byte == '_';
}

static void give(const struct http_reader *reader, enum http_item item, const char *text,
                 gsize length)
{
    if (length)
        reader->take(item, (const guint8 *)text, length, reader->data);
}

/* Behind the scheme of a target that is a whole URL; NULL: it is none. */
static const char *after_scheme(const GString *target)
{
    const char *mark = strstr(target->str, "://");

    if (!mark || mark == target->str)
        return NULL;
    for (const char *at = target->str; at < mark; at++)
        if (!g_ascii_isalnum(*at) && !strchr("+-.", *at))
            return NULL;
    return mark + strlen("://");
}

static void give_request(struct http_reader *reader)
{
    const char *authority = after_scheme(reader->target);
    g_autoptr(GString) url = g_string_new(NULL);

    give(reader, HTTP_HOST, reader->host->str, reader->host->len);
    if (authority) {
        gsize length = strcspn(authority, "/?#");
        const char *end = memchr(authority, '@', length);

        if (end) {
            length -= (gsize)(end + 1 - authority);
            authority = end + 1;
        }
        give(reader, HTTP_HOST, authority, length);
        give(reader, HTTP_URL, reader->target->str, reader->target->len);
    } else if (reader->is_connect) {
        give(reader, HTTP_HOST, reader->target->str, reader->target->len);
        give(reader, HTTP_URL, reader->target->str, reader->target->len);
    } else if (reader->host->len && reader->target->len) {
        g_string_append(url, "http://");
        g_string_append_len(url, reader->host->str, (gssize)reader->host->len);
        g_string_append_len(url, reader->target->str, (gssize)reader->target->len);
        give(reader, HTTP_URL, url->str, url->len);
    }
    give(reader, HTTP_AGENT, reader->agent->str, reader->agent->len);
    g_string_truncate(reader->target, 0);
    g_string_truncate(reader->host, 0);
    g_string_truncate(reader->agent, 0);
}

/* METHOD SP target SP HTTP/1.x; FALSE: no request. */
static gboolean read_request_line(struct http_reader *reader)
{
    const char *line = reader->line->str, *first = strchr(line, ' '), *last = strrchr(line, ' ');

    if (!first || first == line || first == last || !g_str_has_prefix(last, " HTTP/1.") ||
        strlen(line) != reader->line->len)
        return FALSE;
    reader->is_connect = strncmp(line, "CONNECT ", strlen("CONNECT ")) == 0;
    reader->is_chunked = reader->is_upgrade = FALSE;
    reader->left = 0;
    g_string_append_len(reader->target, first + 1, last - first - 1);
    return TRUE;
}

static void read_host(struct http_reader *reader, const char *value, gsize length)
{
    if (!reader->host->len) /* of several, the first: the request is refused by servers */
        g_string_append_len(reader->host, value, (gssize)length);
}

static void read_agent(struct http_reader *reader, const char *value, gsize length)
{
    if (!reader->agent->len)
        g_string_append_len(reader->agent, value, (gssize)length);
}

static void read_length(struct http_reader *reader, const char *value, gsize length)
{
    /* What is no number is no length: who sends that hides a request in what seems a body. */
    if (length <= LENGTH_DIGITS_MAX && !reader->is_chunked && strspn(value, "0123456789") >= length)
        reader->left = g_ascii_strtoull(value, NULL, 10);
}

static void read_coding(struct http_reader *reader, const char *value, gsize length)
{
    reader->is_chunked = length >= 7 && g_ascii_strncasecmp(value + length - 7, "chunked", 7) == 0;
}

static void read_upgrade(struct http_reader *reader, const char *value, gsize length)
{
    (void)value;
    reader->is_upgrade = length > 0;
}

static const struct {
    const char *name;
    void (*read)(struct http_reader *reader, const char *value, gsize length);
} fields[] = {
    { "Host", read_host },
    { "User-Agent", read_agent },
    { "Content-Length", read_length },
    { "Transfer-Encoding", read_coding },
    { "Upgrade", read_upgrade },
};

static void read_field(struct http_reader *reader)
{
    const char *colon = strchr(reader->line->str, ':'), *value, *end;

    if (!colon)
        return;
    end = reader->line->str + reader->line->len;
    value = colon + 1;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    for (guint i = 0; i < G_N_ELEMENTS(fields); i++) {
        gsize length = strlen(fields[i].name);

        if ((gsize)(colon - reader->line->str) == length &&
            g_ascii_strncasecmp(reader->line->str, fields[i].name, length) == 0)
            fields[i].read(reader, value, (gsize)(end - value));
    }
}

static void end_fields(struct http_reader *reader)
{
    gboolean is_over = reader->is_connect || reader->is_upgrade;

    give_request(reader);
    if (is_over)
        reader->state = OVER;
    else if (reader->is_chunked)
        reader->state = CHUNK_SIZE;
    else
        reader->state = reader->left ? BODY : REQUEST_LINE;
}

/* RFC 9112 section 7.1 */
static gboolean read_chunk_size(struct http_reader *reader)
{
    gsize digits = strspn(reader->line->str, "0123456789abcdefABCDEF");

    if (digits == 0 || digits > CHUNK_DIGITS_MAX)
        return FALSE;
    reader->left = g_ascii_strtoull(reader->line->str, NULL, 16);
    reader->state = reader->left ? CHUNK : TRAILERS;
    return TRUE;
}

/* FALSE: this is no request. */
static gboolean read_line(struct http_reader *reader)
{
    gboolean is_empty = reader->line->len == 0;

    switch (reader->state) {
    case REQUEST_LINE:
        if (is_empty) /* some clients send one behind a body */
            return TRUE;
        reader->state = FIELDS;
        return read_request_line(reader);
    case FIELDS:
        if (is_empty)
            end_fields(reader);
        else
            read_field(reader);
        return TRUE;
    case CHUNK_SIZE:
        return read_chunk_size(reader);
    case CHUNK_END:
        reader->state = CHUNK_SIZE;
        return is_empty;
    case TRAILERS:
        if (is_empty)
            reader->state = REQUEST_LINE;
        return TRUE;
    default:
        return FALSE;
    }
}

/* What is there of a request line: a method, then a space; or half of an empty line's end. */
static gboolean may_be_request(const GString *line)
{
    gsize at = 0;

    if (strcmp(line->str, "\r") == 0)
        return TRUE;
    while (at < line->len && is_method_byte((guint8)line->str[at]))
        at++;
    return at == line->len ? at <= METHOD_MAX : at > 0 && at <= METHOD_MAX && line->str[at] == ' ';
}

/* A line's bytes up to its end, which is taken, too. TRUE: it is whole. */
static gboolean take_line(struct http_reader *reader, const guint8 **bytes, gsize *length)
{
    const guint8 *end = memchr(*bytes, '\n', *length);
    gsize size = end ? (gsize)(end - *bytes) : *length;

    g_string_append_len(reader->line, (const char *)*bytes,
                        (gssize)MIN(size, HTTP_LINE_MAX - reader->line->len));
    *bytes += size + (end != NULL);
    *length -= size + (end != NULL);
    if (end && reader->line->len && reader->line->str[reader->line->len - 1] == '\r')
        g_string_truncate(reader->line, reader->line->len - 1);
    return end != NULL;
}

enum http_progress http_reader_add(struct http_reader *reader, const guint8 *bytes, gsize length)
{
    while (length) {
        gboolean is_whole;

        if (reader->state == BODY || reader->state == CHUNK) {
            gsize step = (gsize)MIN(length, reader->left);

            bytes += step;
            length -= step;
            reader->left -= step;
            if (!reader->left)
                reader->state = reader->state == BODY ? REQUEST_LINE : CHUNK_END;
            continue;
        }
        is_whole = take_line(reader, &bytes, &length);
        if (reader->state == REQUEST_LINE && reader->line->len && !may_be_request(reader->line))
            return HTTP_OTHER;
        if (!is_whole)
            return HTTP_MORE;
        if (reader->state == REQUEST_LINE && strcmp(reader->line->str, "PRI * HTTP/2.0") == 0)
            return HTTP_TWO;
        if (!read_line(reader))
            return HTTP_OTHER;
        g_string_truncate(reader->line, 0);
        if (reader->state == OVER)
            return HTTP_OTHER;
    }
    return HTTP_MORE;
}

void http_reader_finish(struct http_reader *reader)
{
    if (reader->state == FIELDS)
        give_request(reader);
}
