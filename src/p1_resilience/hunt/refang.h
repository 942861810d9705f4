/*
 * refang.h: undoes what people do to indicators in reports so that nobody clicks on them:
 * "hxxps[:]//evil[.]example/a" is "https://evil.example/a".
 */
#pragma once
#include <glib.h>

/* Whether refang() would change anything but surrounding spaces; cheap. */
gboolean refang_needed(const char *text, gsize length);

/* Whether the text begins as a URL does, however its scheme is written. */
gboolean refang_begins_url(const char *text, gsize length);

/*
 * Replaces `out` by the text as it was meant: dots, at signs, colons, schemes, slashes; without
 * surrounding quotes, brackets and commas, and without invisible characters. Repeated until it
 * does not change any more; refang of a refanged text is the same text.
 */
void refang(const char *text, gsize length, GString *out);
