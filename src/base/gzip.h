/* gzip.h: gzip files (RFC 1952) in memory. */
#pragma once
#include <glib.h>

/* The first member of the file, unpacked; NULL when it is no gzip, is cut or exceeds `most` bytes.
 */
GByteArray *gzip_unpack(gconstpointer data, gsize length, gsize most);

/* At most 4 GB. */
GByteArray *gzip_pack(gconstpointer data, guint length);
