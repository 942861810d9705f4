#include "p1_resilience/hunt/view.h"

#include <string.h>

const char *hunt_view_name(enum hunt_view view)
{
    static const char *const names[] = { "raw", "json", "pct", "defanged", "joined" };

    return names[view];
}

static guint8 ascii_or_space(guint value)
{
    return value < 0x80 ? (guint8)value : ' ';
}

/* `count` hex digits before `end`; FALSE when there are fewer. */
static gboolean hex_digits(const guint8 *at, const guint8 *end, guint count, guint *value)
{
    *value = 0;
    if ((gsize)(end - at) < count)
        return FALSE;
    for (guint i = 0; i < count; i++) {
        int digit = g_ascii_xdigit_value(at[i]);

        if (digit < 0)
            return FALSE;
        *value = *value << 4 | (guint)digit;
    }
    return TRUE;
}

/* One character at `*at`, which moves behind it. */
static guint8 json_character(const guint8 **at, const guint8 *end)
{
    static const char letters[] = "ntrbf", controls[] = "\n\t\r\b\f";
    const guint8 *from = *at;
    const char *letter;
    guint value;

    if (*from != '\\' || from + 1 == end) {
        *at = from + 1;
        return *from;
    }
    if (from[1] == 'u' && hex_digits(from + 2, end, 4, &value)) {
        *at = from + 6;
        return ascii_or_space(value);
    }
    *at = from + 2;
    letter = from[1] ? strchr(letters, from[1]) : NULL;
    return letter ? (guint8)controls[letter - letters] : from[1];
}

static guint8 percent_character(const guint8 **at, const guint8 *end)
{
    const guint8 *from = *at;
    guint value;

    if (*from == '%' && hex_digits(from + 1, end, 2, &value)) {
        *at = from + 3;
        return ascii_or_space(value);
    }
    *at = from + 1;
    return *from;
}

static guint8 character(enum hunt_view view, const guint8 **at, const guint8 *end)
{
    return view == HUNT_VIEW_JSON ? json_character(at, end) : percent_character(at, end);
}

gsize view_unescape(enum hunt_view view, const guint8 *bytes, gsize length, guint8 *to)
{
    const guint8 *at = bytes, *end = bytes + length;
    guint8 sign = view == HUNT_VIEW_JSON ? '\\' : '%', *out = to;

    while (at < end) {
        const guint8 *escape = memchr(at, sign, end - at);
        gsize plain = (escape ? escape : end) - at;

        memcpy(out, at, plain);
        out += plain;
        at += plain;
        if (escape)
            *out++ = character(view, &at, end);
    }
    return out - to;
}

gsize view_origin(enum hunt_view view, const guint8 *bytes, gsize length, gsize at)
{
    const guint8 *from = bytes, *end = bytes + length;

    while (at > 0 && from < end) {
        character(view, &from, end);
        at--;
    }
    return from - bytes;
}

gboolean view_matters(const guint8 *at, const guint8 *end, enum hunt_view *view,
                      const guint8 **next)
{
    guint value;

    if (*at == '%') {
        *view = HUNT_VIEW_PERCENT;
        *next = at + 1;
        return hex_digits(at + 1, end, 2, &value);
    }
    *view = HUNT_VIEW_JSON;
    *next = at + 2;
    return at + 1 < end && at[1] != '"' && at[1] != '\\';
}
