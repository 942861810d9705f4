#include "rpki/payload_text.h"

#include "base/error.h"

#include <string.h>

#define LINE_MAX_BYTES 4096u

struct text {
    struct payload_out *out;
    struct payload_csv *csv;
    struct payload_words *words; /* neither: no line has said anything yet */
    GString *line;               /* what came of a line that has not ended */
    guint64 number;              /* of lines that ended */
};

static gpointer begin(struct payload_out *out)
{
    struct text *text = g_new0(struct text, 1);

    text->out = out;
    text->line = g_string_new(NULL);
    return text;
}

static void end(gpointer state)
{
    struct text *text = state;

    payload_csv_free(text->csv);
    payload_words_free(text->words);
    g_string_free(text->line, TRUE);
    g_free(text);
}

static gboolean is_alone(char c)
{
    return c == '{' || c == '}' || c == ';' || c == ',';
}

static gboolean take_words(struct text *text, const char *line, GError **error)
{
    char word[PAYLOAD_TEXT_MAX];

    while (*(line += strspn(line, " \t"))) {
        const gsize length = is_alone(*line) ? 1 : strcspn(line, " \t{};,");

        if (length >= sizeof word)
            return input_error(error, "a word of more than %zu bytes", sizeof word - 1);
        memcpy(word, line, length);
        word[length] = '\0';
        line += length;
        if (!payload_words_take(text->words, word, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean take_line(struct text *text, char *line, GError **error)
{
    if (!text->csv && !text->words) {
        if (payload_csv_is_heading(line))
            text->csv = payload_csv_new(text->out);
        else
            text->words = payload_words_new(text->out);
    }
    return text->csv ? payload_csv_line(text->csv, line, error) : take_words(text, line, error);
}

/* A line that is whole: without its comment, and passed over when nothing is left. */
static gboolean end_line(struct text *text, GError **error)
{
    char *comment = text->csv ? NULL : strchr(text->line->str, '#');
    gboolean taken = TRUE;

    text->number++;
    if (comment)
        *comment = '\0';
    if (strlen(text->line->str) < text->line->len && !comment)
        taken = input_error(error, "a NUL");
    else if (*g_strstrip(text->line->str))
        taken = take_line(text, text->line->str, error);
    g_string_truncate(text->line, 0);
    return taken;
}

static gboolean placed(const struct text *text, GError **error)
{
    g_prefix_error(error, "line %" G_GUINT64_FORMAT ": ", text->number);
    return FALSE;
}

static gboolean feed(gpointer state, const char *bytes, gsize length, GError **error)
{
    struct text *text = state;

    while (length) {
        const char *line_end = memchr(bytes, '\n', length);
        const gsize piece = line_end ? (gsize)(line_end - bytes) : length;

        if (text->line->len + piece > LINE_MAX_BYTES) {
            text->number++;
            input_error(error, "more than %u bytes", LINE_MAX_BYTES);
            return placed(text, error);
        }
        g_string_append_len(text->line, bytes, (gssize)piece);
        if (!line_end)
            return TRUE;
        bytes += piece + 1;
        length -= piece + 1;
        if (!end_line(text, error))
            return error && *error ? placed(text, error) : FALSE;
    }
    return TRUE;
}

static gboolean finish(gpointer state, GError **error)
{
    struct text *text = state;

    if (text->line->len && !end_line(text, error))
        return error && *error ? placed(text, error) : FALSE;
    if (text->csv)
        return TRUE;
    if (!text->words)
        return input_error(error, "is empty");
    return payload_words_finish(text->words, error) || placed(text, error);
}

const struct payload_parser payload_text = { begin, feed, finish, end };
