#include "p1_resilience/hunt/hit_time.h"

#include <string.h>

#define LOOKED_AT 256   /* bytes of the line */
#define EPOCH_DIGITS 10 /* 2001 to 2286 */

static gboolean digits(const char *text, guint count, int *number)
{
    *number = 0;
    for (guint i = 0; i < count; i++) {
        if (!g_ascii_isdigit(text[i]))
            return FALSE;
        *number = *number * 10 + (text[i] - '0');
    }
    return TRUE;
}

/* ".123456" at `*at`: microseconds. */
static gint64 fraction(const char **at)
{
    gint64 sum = 0, unit = G_USEC_PER_SEC / 10;

    if ((**at != '.' && **at != ',') || !g_ascii_isdigit((*at)[1]))
        return 0;
    for ((*at)++; g_ascii_isdigit(**at); (*at)++, unit /= 10)
        sum += unit * (**at - '0');
    return sum;
}

/* "+0200", "+02:00", "Z"; nothing is UTC. Seconds. */
static int zone(const char *at)
{
    int hours, minutes, sign;

    if (*at == ' ' && (at[1] == '+' || at[1] == '-'))
        at++;
    sign = *at == '-' ? -1 : 1;
    if ((*at != '+' && *at != '-') || !digits(at + 1, 2, &hours) ||
        !digits(at + (at[3] == ':' ? 4 : 3), 2, &minutes))
        return 0;
    return sign * (hours * 3600 + minutes * 60);
}

static gint64 utc(int year, int month, int day, const char *clock)
{
    g_autoptr(GDateTime) time = NULL;
    int hour, minute, second, offset;
    gint64 us;

    if (!digits(clock, 2, &hour) || clock[2] != ':' || !digits(clock + 3, 2, &minute) ||
        clock[5] != ':' || !digits(clock + 6, 2, &second))
        return HIT_TIME_NONE;
    time = g_date_time_new_utc(year, month, day, hour, minute, MIN(second, 59));
    if (!time)
        return HIT_TIME_NONE;
    clock += 8;
    us = fraction(&clock);
    offset = zone(clock);
    return (g_date_time_to_unix(time) - offset) * G_USEC_PER_SEC + us;
}

/* 2024-05-17T10:05:57 */
static gint64 iso(const char *at)
{
    int year, month, day;

    if (!digits(at, 4, &year) || at[4] != '-' || !digits(at + 5, 2, &month) || at[7] != '-' ||
        !digits(at + 8, 2, &day) || (at[10] != 'T' && at[10] != ' ' && at[10] != 't'))
        return HIT_TIME_NONE;
    return utc(year, month, day, at + 11);
}

/* 17/May/2015:10:05:57 */
static gint64 common_log(const char *at)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char name[4] = { 0 };
    const char *month;
    int year, day;

    if (!digits(at, 2, &day) || at[2] != '/' || at[6] != '/' || !digits(at + 7, 4, &year) ||
        at[11] != ':')
        return HIT_TIME_NONE;
    memcpy(name, at + 3, 3);
    month = strstr(months, name);
    if (!month || (month - months) % 3)
        return HIT_TIME_NONE;
    return utc(year, (int)(month - months) / 3 + 1, day, at + 12);
}

static gint64 epoch(const char *at)
{
    gint64 seconds = 0;
    guint count = 0;

    for (; g_ascii_isdigit(*at) && count <= EPOCH_DIGITS; at++, count++)
        seconds = seconds * 10 + (*at - '0');
    if (count != EPOCH_DIGITS || (*at && !strchr(".,\t }", *at)))
        return HIT_TIME_NONE;
    return seconds * G_USEC_PER_SEC + fraction(&at);
}

gint64 hit_time(const char *line, gsize length)
{
    char text[LOOKED_AT + 32] = { 0 }; /* zeros behind it: no reader goes past them */
    const char *ts;
    gint64 time;

    memcpy(text, line, MIN(length, LOOKED_AT));
    time = epoch(text);
    if (time == HIT_TIME_NONE && (ts = strstr(text, "\"ts\":")) != NULL)
        time = epoch(ts + strlen("\"ts\":"));
    for (const char *at = text; time == HIT_TIME_NONE && *at; at++) {
        if (!g_ascii_isdigit(*at) || (at > text && g_ascii_isdigit(at[-1])))
            continue;
        time = iso(at);
        if (time == HIT_TIME_NONE)
            time = common_log(at);
    }
    return time;
}
