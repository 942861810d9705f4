/*
 * base64.h: RFC 4648 with its strict reading: padding is required in the standard alphabet, bits
 * past the end are zero, white space is refused. One text has one meaning.
 */
#pragma once
#include <glib.h>

/* Section 4 (standard alphabet, padded), for what is public. NULL when `text` is not that. */
GBytes *base64_decode(const char *text, gssize length);

/* Sections 4 or 5 (standard, URL-safe; the latter also without padding), as DSSE allows. */
GBytes *base64_decode_any(const char *text, gssize length);

/* Into exactly `size` bytes; FALSE when `text` holds another number. Suits secret memory. */
gboolean base64_decode_into(const char *text, gssize length, guint8 *out, gsize size);

/* Lower-case hexadecimal; the reader refuses upper case and any other length. */
char *hex_encode(const guint8 *bytes, gsize length);
gboolean hex_decode_into(const char *text, guint8 *out, gsize size);
