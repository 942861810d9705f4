/* fix_diff.h: two texts as a unified diff (POSIX diff -u), three lines of context. */
#pragma once
#include <glib.h>

/* `from` and `to` are the names in the header ("/dev/null" for none). "" when nothing differs. */
char *fix_diff(const char *from, const char *to, const char *old, gsize old_length, const char *new,
               gsize new_length);
