/*
 * feed_text.c: running text - a report, a mail, a page - whose indicators stand among words.
 *
 * Digests are taken wherever they stand. Names, addresses, URLs and e-mail addresses are taken when
 * they are defanged, since that is how their author says that they are meant: links to vendors and
 * names of files are not. With --all-text the others are taken as well.
 */
#include "p1_resilience/hunt/feed_private.h"
#include "p1_resilience/hunt/refang.h"

#include <string.h>

/* A word ends at white space and at these; brackets inside of it are its defanging. */
static gboolean ends_word(char c)
{
    return g_ascii_isspace(c) || (c && strchr("\"`<>|,;", c));
}

static gboolean is_open(char c)
{
    return c && strchr("([{*_'\"", c);
}

static gboolean is_close(char c)
{
    return c && strchr(")]}*_'\".,;:!?", c);
}

/* The word without what a sentence puts around it, but with the brackets that it is defanged by. */
static void trim(const char **word, gsize *length)
{
    while (*length && is_open(**word) && !feed_begins(*word, *length, "[.]") &&
           !feed_begins(*word, *length, "(.)")) {
        (*word)++;
        (*length)--;
    }
    while (*length && is_close((*word)[*length - 1]))
        (*length)--;
}

static gboolean is_hash(const char *word, gsize length)
{
    if (length != 32 && length != 40 && length != 64 && length != 128)
        return FALSE;
    for (gsize i = 0; i < length; i++)
        if (!g_ascii_isxdigit(word[i]))
            return FALSE;
    return TRUE;
}

static void parse_word(struct feed_parser *parser, const char *word, gsize length, guint64 line,
                       const struct assertion *as)
{
    g_auto(indicator_t) indicator = { 0 };
    g_autoptr(GString) meant = g_string_new(NULL);
    enum indicator_why why;
    gboolean defanged;

    trim(&word, &length);
    if (length < 4 || length > INDICATOR_LENGTH_LIMIT)
        return;
    if (is_hash(word, length)) {
        feed_add(parser, word, length, INDICATOR_ONLY(INDICATOR_HASH), line, as);
        return;
    }
    refang(word, length, meant);
    defanged = meant->len != length || memcmp(meant->str, word, length) != 0;
    if (!defanged && !memchr(word, '.', length) && !memchr(word, ':', length))
        return;
    if (!indicator_parse(word, length, parser->flags | INDICATOR_IN_TEXT, &indicator, &why))
        return; /* a word like any other */
    if (!defanged && !parser->options->all_text)
        feed_skip(parser, FEED_SKIP_NOT_DEFANGED, line, NULL, word, length);
    else
        feed_add(parser, word, length, INDICATOR_IN_TEXT, line, as);
}

void feed_parse_text(struct feed_parser *parser, const char *text, gsize length)
{
    struct feed_lines lines = { text, text + length, 0 };
    struct assertion as;
    const char *line;
    gsize size;

    as = feed_assertion(
        feed_source_add(parser,
                        &(struct feed_source){ .format = FEED_TEXT, .tlp = parser->options->tlp }),
        parser->options->tlp);
    while (feed_lines_next(&lines, &line, &size) && !parser->parent_gone) {
        const char *end = line + size;

        parser->done = (guint64)(line - text);
        for (const char *at = line, *word; at < end;) {
            while (at < end && ends_word(*at))
                at++;
            for (word = at; at < end && !ends_word(*at); at++)
                ;
            if (at > word)
                parse_word(parser, word, (gsize)(at - word), lines.number, &as);
        }
    }
}
