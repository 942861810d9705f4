#include "base/clock.h"

#include "base/error.h"

gint64 clock_now_us(void)
{
    return g_get_real_time();
}

char *clock_format(gint64 time_us)
{
    gint64 seconds = time_us / G_USEC_PER_SEC;
    gint64 rest = time_us % G_USEC_PER_SEC;
    g_autoptr(GDateTime) moment = NULL;
    g_autofree char *text = NULL;

    if (rest < 0) {
        rest += G_USEC_PER_SEC;
        seconds--;
    }
    moment = g_date_time_new_from_unix_utc(seconds);
    if (!moment)
        return g_strdup("1970-01-01T00:00:00Z");
    /* Not %Y, which writes the year 47 with two digits. */
    text = g_date_time_format(moment, "%m-%dT%H:%M:%S");
    if (rest)
        return g_strdup_printf("%04d-%s.%06" G_GINT64_FORMAT "Z", g_date_time_get_year(moment),
                               text, rest);
    return g_strdup_printf("%04d-%sZ", g_date_time_get_year(moment), text);
}

static gboolean looks_like(const char *text, const char *shape)
{
    for (; *shape; shape++, text++)
        if (*shape == '0' ? !g_ascii_isdigit(*text) : *text != *shape)
            return FALSE;
    return TRUE;
}

gboolean clock_parse(const char *text, gint64 *time_us, GError **error)
{
    g_autofree char *full = NULL;
    g_autoptr(GDateTime) moment = NULL;

    if (looks_like(text, "0000-00-00") && !text[10])
        full = g_strconcat(text, "T00:00:00Z", NULL);
    else if (looks_like(text, "0000-00-00T00:00:00") || looks_like(text, "0000-00-00t00:00:00"))
        full = g_ascii_strup(text, -1);
    if (full)
        moment = g_date_time_new_from_iso8601(full, NULL);
    if (!moment)
        return input_error(error, "\"%.40s\" is not a time (2027-01-31 or 2027-01-31T12:00:00Z)",
                           text);
    *time_us = g_date_time_to_unix(moment) * G_USEC_PER_SEC + g_date_time_get_microsecond(moment);
    return TRUE;
}
