#include "base/error.h"
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* RFC 8785 section 3.2.2.2: only what must be escaped is. */
static void put_string(GString *out, const char *text, gsize length)
{
    g_string_append_c(out, '"');
    for (const char *at = text; at < text + length; at++) {
        const char *plain = at;
        guchar byte;

        while (at < text + length && (guchar)*at >= 0x20 && *at != '"' && *at != '\\')
            at++;
        g_string_append_len(out, plain, at - plain);
        if (at == text + length)
            break;
        byte = *at;
        switch (byte) {
        case '"':
            g_string_append(out, "\\\"");
            break;
        case '\\':
            g_string_append(out, "\\\\");
            break;
        case '\b':
            g_string_append(out, "\\b");
            break;
        case '\t':
            g_string_append(out, "\\t");
            break;
        case '\n':
            g_string_append(out, "\\n");
            break;
        case '\f':
            g_string_append(out, "\\f");
            break;
        case '\r':
            g_string_append(out, "\\r");
            break;
        default:
            g_string_append_printf(out, "\\u%04x", byte);
        }
    }
    g_string_append_c(out, '"');
}

/* RFC 8785 section 3.2.2.3: ECMAScript Number::toString (the shortest digits that read back). */
static gboolean put_real(GString *out, double number, GError **error)
{
    char digits[32], text[40], *exponent_at;
    int precision, exponent, count;

    if (!isfinite(number))
        return input_error(error, "a number that is not finite has no canonical form (RFC 8785)");
    if (number == 0) {
        g_string_append_c(out, '0');
        return TRUE;
    }
    for (precision = 0; precision <= 16; precision++) {
        g_ascii_formatd(text, sizeof text,
                        (char[]){ '%', '.', '0' + precision / 10, '0' + precision % 10, 'e', 0 },
                        fabs(number));
        if (g_ascii_strtod(text, NULL) == fabs(number))
            break;
    }
    exponent_at = strchr(text, 'e');
    exponent = atoi(exponent_at + 1);
    count = 0;
    for (const char *at = text; at < exponent_at; at++)
        if (*at != '.')
            digits[count++] = *at;
    while (count > 1 && digits[count - 1] == '0')
        count--;
    digits[count] = 0;
    if (number < 0)
        g_string_append_c(out, '-');
    if (exponent >= 21 || exponent < -6) {
        g_string_append_c(out, digits[0]);
        if (count > 1)
            g_string_append_printf(out, ".%s", digits + 1);
        g_string_append_printf(out, "e%c%d", exponent < 0 ? '-' : '+', abs(exponent));
    } else if (exponent < 0) {
        g_string_append(out, "0.");
        for (int i = -1; i > exponent; i--)
            g_string_append_c(out, '0');
        g_string_append(out, digits);
    } else if (count <= exponent + 1) {
        g_string_append(out, digits);
        for (int i = count; i <= exponent; i++)
            g_string_append_c(out, '0');
    } else {
        g_string_append_len(out, digits, exponent + 1);
        g_string_append_printf(out, ".%s", digits + exponent + 1);
    }
    return TRUE;
}

/* RFC 8785 section 3.2.3: names are compared as arrays of UTF-16 code units. */
static int compare_names(const void *left, const void *right)
{
    const char *a = *(const char *const *)left, *b = *(const char *const *)right;

    while (*a && *b) {
        gunichar x = g_utf8_get_char(a), y = g_utf8_get_char(b);

        if (x != y) {
            /* A surrogate (0xD800..) sorts before 0xE000..0xFFFF. */
            guint u = x > 0xFFFF ? 0xD800 + ((x - 0x10000) >> 10) : x;
            guint v = y > 0xFFFF ? 0xD800 + ((y - 0x10000) >> 10) : y;

            if (u == v) {
                u = x;
                v = y;
            }
            return u < v ? -1 : 1;
        }
        a = g_utf8_next_char(a);
        b = g_utf8_next_char(b);
    }
    return *a ? 1 : *b ? -1 : 0;
}

static gboolean put_value(GString *out, const json_t *value, GError **error)
{
    const json_int_t safe = G_GINT64_CONSTANT(9007199254740992);
    const char *key;
    json_t *member;
    size_t index;
    gsize i = 0;

    switch (json_typeof(value)) {
    case JSON_OBJECT: {
        gsize count = json_object_size(value);
        g_autofree const char **names = g_new(const char *, count + 1);

        json_object_foreach((json_t *)value, key, member) names[i++] = key;
        qsort(names, count, sizeof *names, compare_names);
        g_string_append_c(out, '{');
        for (i = 0; i < count; i++) {
            if (i)
                g_string_append_c(out, ',');
            put_string(out, names[i], strlen(names[i]));
            g_string_append_c(out, ':');
            if (!put_value(out, json_object_get(value, names[i]), error))
                return FALSE;
        }
        g_string_append_c(out, '}');
        return TRUE;
    }
    case JSON_ARRAY:
        g_string_append_c(out, '[');
        json_array_foreach(value, index, member)
        {
            if (index)
                g_string_append_c(out, ',');
            if (!put_value(out, member, error))
                return FALSE;
        }
        g_string_append_c(out, ']');
        return TRUE;
    case JSON_STRING:
        put_string(out, json_string_value(value), json_string_length(value));
        return TRUE;
    case JSON_INTEGER:
        if (json_integer_value(value) > safe || json_integer_value(value) < -safe)
            return input_error(error,
                               "the integer %" JSON_INTEGER_FORMAT
                               " has no canonical form (RFC 8785: at most 2^53)",
                               json_integer_value(value));
        g_string_append_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return TRUE;
    case JSON_REAL:
        return put_real(out, json_real_value(value), error);
    case JSON_TRUE:
        g_string_append(out, "true");
        return TRUE;
    case JSON_FALSE:
        g_string_append(out, "false");
        return TRUE;
    case JSON_NULL:
        g_string_append(out, "null");
        return TRUE;
    }
    return input_error(error, "unknown kind of JSON value");
}

GBytes *json_canonical(const json_t *value, GError **error)
{
    g_autoptr(GString) out = g_string_new(NULL);

    if (!put_value(out, value, error))
        return NULL;
    return g_string_free_to_bytes(g_steal_pointer(&out));
}
