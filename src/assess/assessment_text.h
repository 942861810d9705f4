/*
 * assessment_text.h: an assessment for the terminal: the nine principles side by side, then the
 * fixes that are worth most.
 */
#pragma once
#include "assess/assessment.h"

#include <glib.h>

#define FIXES_SHOWN 10

/* `french`: the language of all words. `width` as text_table_format(). Everything is escaped. */
char *assessment_format_text(const struct assessment *assessment, gboolean french, gboolean colour,
                             guint width);
