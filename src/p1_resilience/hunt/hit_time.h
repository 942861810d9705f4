/* hit_time.h: when a log line says it was written. */
#pragma once
#include <glib.h>

#define HIT_TIME_NONE G_MININT64

/*
 * Microseconds UTC of the first time stamp near the start of a line, in these forms:
 *     2024-05-17T10:05:57[.123][Z|+02:00], also with a space (RFC 3339, ISO 8601; no zone: UTC)
 *     [17/May/2015:10:05:57 +0200]         (Apache, nginx)
 *     1700000000[.123]                     (squid, Zeek: at the very start, or behind "ts":)
 * HIT_TIME_NONE when there is none, as in classic syslog, which has no year.
 */
gint64 hit_time(const char *line, gsize length);
