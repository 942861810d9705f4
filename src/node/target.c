#include "node/target.h"

#include <string.h>

#define OK 200u
#define PARTIAL 206u
#define BAD 400u
#define TOO_LONG 414u
#define NOT_SATISFIABLE 416u

/* One character, decoded; -1 at a broken escape or a character that stands for trouble. */
static int decode(const char **text, gboolean in_query)
{
    guchar c = *(*text)++;

    if (c == '%') {
        int high = g_ascii_xdigit_value((*text)[0]);
        int low = high < 0 ? -1 : g_ascii_xdigit_value((*text)[1]);

        if (low < 0)
            return -1;
        *text += 2;
        c = high * 16 + low;
        /* An escaped '/' would be another path to a proxy than to us. */
        if (!in_query && (c == '/' || c == '\\'))
            return -1;
    } else if (c == '+' && in_query) {
        c = ' ';
    }
    return c < 0x20 || c == 0x7f ? -1 : c;
}

static const char *skip_authority(const char *text)
{
    static const char *const schemes[] = { "http://", "https://" };

    for (guint i = 0; i < G_N_ELEMENTS(schemes); i++)
        if (g_ascii_strncasecmp(text, schemes[i], strlen(schemes[i])) == 0) {
            text += strlen(schemes[i]);
            return text + strcspn(text, "/?");
        }
    return text;
}

static guint parse_query(const char *text, struct target *target)
{
    gboolean in_value = FALSE;

    while (*text) {
        int c;

        if (*text == '&' || (*text == '=' && !in_value)) {
            /* A name alone has an empty value. */
            guint ends = *text == '&' && !in_value ? 2 : 1;

            if (target->query_length + ends + 2 > sizeof target->query)
                return TOO_LONG;
            memset(target->query + target->query_length, 0, ends);
            target->query_length += ends;
            in_value = *text++ == '=';
            continue;
        }
        c = decode(&text, TRUE);
        if (c < 0)
            return BAD;
        if (target->query_length + 3 > sizeof target->query)
            return TOO_LONG;
        target->query[target->query_length++] = c;
    }
    target->query[target->query_length++] = '\0';
    if (!in_value)
        target->query[target->query_length++] = '\0';
    return OK;
}

static guint parse_path(const char **text, struct target *target)
{
    gsize length = 0;
    guint status = OK;

    if (**text == '?' || !**text)
        target->path[length++] = '/'; /* "http://host" */
    else if (**text != '/')
        status = BAD;
    while (status == OK && **text && **text != '?') {
        int c = decode(text, FALSE);

        if (c < 0)
            status = BAD;
        else if (length + 1 >= sizeof target->path)
            status = TOO_LONG;
        else
            target->path[length++] = c;
    }
    target->path[length] = '\0';
    return status;
}

guint target_parse(const char *text, struct target *target)
{
    guint status;

    target->query_length = 0;
    text = skip_authority(text);
    status = parse_path(&text, target);
    return status == OK && *text == '?' ? parse_query(text + 1, target) : status;
}

const char *target_query(const struct target *target, const char *name)
{
    const char *at = target->query, *end = target->query + target->query_length;

    while (at < end) {
        const char *value = at + strlen(at) + 1;

        if (strcmp(at, name) == 0)
            return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}

gboolean route_matches(const char *pattern, const char *path, const char **parameter, gsize *length)
{
    *parameter = NULL;
    *length = 0;
    for (;;) {
        gsize segment;

        while (*pattern && *pattern == *path && *pattern != '{' && *pattern != '*') {
            pattern++;
            path++;
        }
        if (*pattern != '{' && *pattern != '*')
            return !*pattern && !*path;
        if (!*parameter)
            *parameter = path;
        if (*pattern == '*') {
            *length = strlen(*parameter);
            return TRUE;
        }
        /* One segment, which is not empty. */
        segment = strcspn(path, "/");
        if (!segment)
            return FALSE;
        path += segment;
        *length = (gsize)(path - *parameter);
        pattern = strchr(pattern, '}') + 1;
    }
}

static gboolean read_number(const char **text, guint64 *number)
{
    const char *from = *text;

    *number = 0;
    for (; g_ascii_isdigit(**text); ++*text) {
        if (*number > (G_MAXINT64 - 9) / 10)
            return FALSE;
        *number = *number * 10 + (**text - '0');
    }
    return *text > from;
}

guint range_parse(const char *text, guint64 size, guint64 *first, guint64 *count)
{
    guint64 last = size - 1;

    *first = 0;
    *count = size;
    if (!text || !g_str_has_prefix(text, "bytes=") || strchr(text, ','))
        return OK;
    text += strlen("bytes=");
    if (*text == '-') {
        guint64 tail;

        text++;
        if (!read_number(&text, &tail) || *text)
            return OK;
        if (!tail || !size)
            return NOT_SATISFIABLE;
        *count = MIN(tail, size);
        *first = size - *count;
        return PARTIAL;
    }
    if (!read_number(&text, first) || *text++ != '-' ||
        (*text && (!read_number(&text, &last) || *text || last < *first))) {
        *first = 0;
        return OK;
    }
    if (*first >= size) {
        *first = 0;
        return NOT_SATISFIABLE;
    }
    *count = MIN(last, size - 1) - *first + 1;
    return PARTIAL;
}
