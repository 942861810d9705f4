/* clock.h: times are gint64 microseconds UTC since 1970; texts are RFC 3339. */
#pragma once
#include <glib.h>

gint64 clock_now_us(void);

/* "2026-11-22T03:28:00Z", with ".123456" only when there are microseconds. Owned by the caller. */
char *clock_format(gint64 time_us);

/* Reads RFC 3339, or a date alone ("2027-01-31": midnight UTC). */
gboolean clock_parse(const char *text, gint64 *time_us, GError **error);
