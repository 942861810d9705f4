#include "base/decimal.h"

gboolean decimal_parse(const char *text, gsize length, guint64 *number)
{
    guint64 value = 0;

    if (!length || (length > 1 && text[0] == '0'))
        return FALSE;
    for (gsize i = 0; i < length; i++) {
        guint digit = (guint)(text[i] - '0');

        if (!g_ascii_isdigit(text[i]) || value > ((guint64)G_MAXINT64 - digit) / 10)
            return FALSE;
        value = value * 10 + digit;
    }
    *number = value;
    return TRUE;
}
