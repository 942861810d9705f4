/* refang.c: see refang.h. The spellings are those of reports, feeds and trackers in the wild. */
#include "p1_resilience/hunt/refang.h"

#include <string.h>

/* Spellings of one character; the longest that fits is taken. Letters match in any case. */
static const struct spelling {
    const char *from, *to;
} spellings[] = {
    { "[://]", "://" }, { "[:]//", "://" }, { ":[//]", "://" }, { ":\\\\", "://" },
    { "[dot]", "." },   { "(dot)", "." },   { "{dot}", "." },   { "[at]", "@" },
    { "(at)", "@" },    { "{at}", "@" },    { "[.]", "." },     { "(.)", "." },
    { "{.}", "." },     { "[d]", "." },     { "[@]", "@" },     { "(@)", "@" },
    { "{@}", "@" },     { "[:]", ":" },     { "[/]", "/" },     { "[.", "." },
    { ".]", "." },      { "\\.", "." },     { "\u3002", "." },  { "\uff0e", "." },
    { "\uff61", "." },  { "\u200b", "" },   { "\u200c", "" },   { "\u200d", "" },
    { "\ufeff", "" },   { "\u00ad", "" },   { "\u201c", "" },   { "\u201d", "" },
    { "\u2018", "" },   { "\u2019", "" },
};

/* Schemes that are none, on purpose. '?' stands for any of the letters that replace "tt". */
static const struct spelling schemes[] = {
    { "h??p://", "http" },   { "h??ps://", "https" }, { "meow://", "http" },
    { "meows://", "https" }, { "ftx://", "ftp" },     { "f?p://", "ftp" },
};
#define SCHEME_REPLACED "xX*tT"
#define SCHEME_MAX 6 /* letters */

#define AROUND "\"'`<>"
#define AFTER ",;"

/* Bytes that begin one of the spellings, or stand around a value. */
static const guint8 suspicious[256] = {
    ['['] = 1,  ['('] = 1,  ['{'] = 1,  [']'] = 1,  ['\\'] = 1, ['"'] = 1,
    ['\''] = 1, ['`'] = 1,  ['<'] = 1,  ['>'] = 1,  [','] = 1,  [';'] = 1,
    [' '] = 1,  ['\t'] = 1, [0xc2] = 1, [0xe2] = 1, [0xe3] = 1, [0xef] = 1,
};

static const struct spelling *scheme_of(const char *text, gsize length)
{
    for (guint i = 0; i < G_N_ELEMENTS(schemes); i++) {
        const char *from = schemes[i].from;
        gsize at = 0;

        while (at < length && from[at] &&
               (from[at] == '?' ? text[at] && strchr(SCHEME_REPLACED, text[at])
                                : from[at] == g_ascii_tolower(text[at])))
            at++;
        if (!from[at])
            return &schemes[i];
    }
    return NULL;
}

/* Whether the scheme of a URL is written as none. */
static gboolean scheme_is_odd(const char *text, gsize length)
{
    const struct spelling *scheme = scheme_of(text, length);

    return scheme && memcmp(text, scheme->to, strlen(scheme->to)) != 0;
}

gboolean refang_needed(const char *text, gsize length)
{
    guint8 seen = 0;
    gboolean colon = FALSE;

    for (gsize i = 0; i < length; i++) {
        seen |= suspicious[(guint8)text[i]];
        colon |= text[i] == ':';
    }
    return seen || (colon && scheme_is_odd(text, length));
}

/* Where a replacement stands. */
enum place {
    PLACE_HOST,       /* or anything before a path */
    PLACE_PATH,       /* of a host that had to be put right */
    PLACE_PLAIN_PATH, /* of a host that had not: who wrote it meant what it says */
};

/* Half a bracket is a slip in a host; in a path it is part of it. */
static gboolean may_stand(const struct spelling *spelling, enum place place)
{
    gboolean is_half = g_str_equal(spelling->from, "[.") || g_str_equal(spelling->from, ".]");

    return place == PLACE_HOST || (place == PLACE_PATH && !is_half) || !*spelling->to;
}

static const struct spelling *spelling_at(const char *text, gsize length, enum place place)
{
    for (guint i = 0; i < G_N_ELEMENTS(spellings); i++) {
        gsize size = strlen(spellings[i].from);

        if (size <= length && g_ascii_strncasecmp(text, spellings[i].from, size) == 0 &&
            may_stand(&spellings[i], place))
            return &spellings[i];
    }
    return NULL;
}

/* Whether a path, or a query, begins at the last byte of what is written. */
static gboolean begins_path(const GString *out)
{
    char last = out->str[out->len - 1], before = out->len > 1 ? out->str[out->len - 2] : ':';

    return last == '?' || last == '#' || (last == '/' && before != ':' && before != '/');
}

gboolean refang_begins_url(const char *text, gsize length)
{
    static const char *const marks[] = { "://", "[://]", "[:]//", ":[//]", ":\\\\" };
    gsize at = 0;

    while (at < length && at < SCHEME_MAX && (g_ascii_isalpha(text[at]) || text[at] == '*'))
        at++;
    for (guint i = 0; at > 0 && i < G_N_ELEMENTS(marks); i++)
        if (length - at >= strlen(marks[i]) && memcmp(text + at, marks[i], strlen(marks[i])) == 0)
            return TRUE;
    return FALSE;
}

static gboolean is_of_name(char c)
{
    return g_ascii_isalnum(c) || c == '-' || c == '_';
}

/* " dot " and " at " between characters of names, when nothing else there has spaces. */
static gsize word_at(const char *text, gsize at, gsize length, char *mark)
{
    static const struct {
        const char *word;
        char mark;
    } words[] = { { " dot ", '.' }, { " at ", '@' } };

    for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
        gsize size = strlen(words[i].word);

        if (at > 0 && at + size < length && is_of_name(text[at - 1]) &&
            is_of_name(text[at + size]) &&
            g_ascii_strncasecmp(text + at, words[i].word, size) == 0) {
            *mark = words[i].mark;
            return size;
        }
    }
    return 0;
}

/* One pass; whether it changed anything. */
static gboolean replace(const char *text, gsize length, GString *out)
{
    enum place place = PLACE_HOST;
    gboolean changed = FALSE;

    g_string_truncate(out, 0);
    for (gsize at = 0; at < length;) {
        const struct spelling *found =
            suspicious[(guint8)text[at]] || text[at] == '.' || text[at] == ':'
                ? spelling_at(text + at, length - at, place)
                : NULL;
        gsize size = 0;
        char mark;

        if (found) {
            g_string_append(out, found->to);
            at += strlen(found->from);
            if (place == PLACE_HOST && g_str_equal(found->to, "/"))
                place = PLACE_PATH;
        } else if (text[at] == ' ' && (size = word_at(text, at, length, &mark)) > 0) {
            g_string_append_c(out, mark);
            at += size;
        } else {
            g_string_append_c(out, text[at++]);
            if (place == PLACE_HOST && begins_path(out))
                place = changed ? PLACE_PATH : PLACE_PLAIN_PATH;
            continue;
        }
        changed = TRUE;
    }
    return changed;
}

static gboolean is_around(char c)
{
    return g_ascii_isspace(c) || (c && strchr(AROUND, c));
}

/* Quotes, brackets and spaces around the text, and commas behind it; whether there were any. */
static gboolean strip(GString *text)
{
    gsize before = text->len, start = 0;

    while (text->len > 0 && (is_around(text->str[text->len - 1]) ||
                             (text->str[text->len - 1] && strchr(AFTER, text->str[text->len - 1]))))
        g_string_truncate(text, text->len - 1);
    while (start < text->len && is_around(text->str[start]))
        start++;
    g_string_erase(text, 0, (gssize)start);
    return text->len != before;
}

static gboolean fix_scheme(GString *text)
{
    const struct spelling *scheme;

    if (!scheme_is_odd(text->str, text->len))
        return FALSE;
    scheme = scheme_of(text->str, text->len);
    g_string_erase(text, 0, strstr(text->str, "://") - text->str);
    g_string_prepend(text, scheme->to);
    return TRUE;
}

void refang(const char *text, gsize length, GString *out)
{
    g_autoptr(GString) before = g_string_new_len(text, (gssize)length);
    gboolean changed = TRUE;

    g_string_truncate(out, 0);
    g_string_append_len(out, text, (gssize)length);
    /* Each change makes the text shorter, or a scheme right: it ends. */
    while (changed) {
        changed = strip(out);
        g_string_assign(before, "");
        g_string_append_len(before, out->str, (gssize)out->len);
        changed |= replace(before->str, before->len, out);
        changed |= fix_scheme(out);
    }
}
