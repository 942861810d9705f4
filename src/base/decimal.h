/*
 * decimal.h: the one reading of numbers in signed texts and paths: ASCII digits alone, no sign, no
 * leading zero, at most 2^63 - 1 (peers keep sizes in signed integers).
 */
#pragma once
#include <glib.h>

/* FALSE for any other text; `text` need not end in a NUL. */
gboolean decimal_parse(const char *text, gsize length, guint64 *number);
