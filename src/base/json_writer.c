#include "base/json.h"

#include <string.h>

struct json_writer {
    GString *out;
    gboolean need_comma;
};

struct json_writer *json_writer_new(void)
{
    struct json_writer *writer = g_new0(struct json_writer, 1);

    writer->out = g_string_sized_new(4096);
    return writer;
}

static void put_text(GString *out, const char *text)
{
    static const char hex[] = "0123456789abcdef";
    g_autofree char *valid = NULL;
    const char *from;

    if (!g_utf8_validate(text, -1, NULL))
        text = valid = g_utf8_make_valid(text, -1);
    g_string_append_c(out, '"');
    for (from = text; *text; text++) {
        guchar byte = *text;

        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        g_string_append_len(out, from, text - from);
        from = text + 1;
        if (byte == '"' || byte == '\\') {
            g_string_append_c(out, '\\');
            g_string_append_c(out, byte);
        } else if (byte == '\n') {
            g_string_append(out, "\\n");
        } else if (byte == '\t') {
            g_string_append(out, "\\t");
        } else {
            g_string_append(out, "\\u00");
            g_string_append_c(out, hex[byte >> 4]);
            g_string_append_c(out, hex[byte & 15]);
        }
    }
    g_string_append_len(out, from, text - from);
    g_string_append_c(out, '"');
}

static void begin(struct json_writer *writer, const char *key)
{
    if (writer->need_comma)
        g_string_append_c(writer->out, ',');
    if (key) {
        put_text(writer->out, key);
        g_string_append_c(writer->out, ':');
    }
    writer->need_comma = TRUE;
}

void json_begin_object(struct json_writer *writer, const char *key)
{
    begin(writer, key);
    g_string_append_c(writer->out, '{');
    writer->need_comma = FALSE;
}

void json_end_object(struct json_writer *writer)
{
    g_string_append_c(writer->out, '}');
    writer->need_comma = TRUE;
}

void json_begin_array(struct json_writer *writer, const char *key)
{
    begin(writer, key);
    g_string_append_c(writer->out, '[');
    writer->need_comma = FALSE;
}

void json_end_array(struct json_writer *writer)
{
    g_string_append_c(writer->out, ']');
    writer->need_comma = TRUE;
}

void json_put_string(struct json_writer *writer, const char *key, const char *text)
{
    if (!text) {
        json_put_null(writer, key);
        return;
    }
    begin(writer, key);
    put_text(writer->out, text);
}

void json_put_integer(struct json_writer *writer, const char *key, gint64 number)
{
    begin(writer, key);
    g_string_append_printf(writer->out, "%" G_GINT64_FORMAT, number);
}

void json_put_boolean(struct json_writer *writer, const char *key, gboolean truth)
{
    begin(writer, key);
    g_string_append(writer->out, truth ? "true" : "false");
}

void json_put_null(struct json_writer *writer, const char *key)
{
    begin(writer, key);
    g_string_append(writer->out, "null");
}

void json_put_value(struct json_writer *writer, const char *key, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    begin(writer, key);
    g_string_append(writer->out, text ? text : "null");
    free(text);
}

char *json_writer_finish(struct json_writer *writer, gsize *length)
{
    char *text;

    g_string_append_c(writer->out, '\n');
    if (length)
        *length = writer->out->len;
    text = g_string_free(writer->out, FALSE);
    g_free(writer);
    return text;
}
