/* indicator_private.h: between the files of indicator.h. */
#pragma once
#include "p1_resilience/hunt/indicator.h"

#define INDICATOR_ONLY_MASK (((1u << INDICATOR_KINDS) - 1) << 8)

/* Four octets without leading zeros; RFC 4291 section 2.2. 4 and 16 bytes, network order. */
gboolean indicator_address4(const char *text, gsize length, guint8 *address);
gboolean indicator_address6(const char *text, gsize length, guint8 *address);
gboolean indicator_port(const char *text, gsize length, guint *port); /* 1..65535 */

gboolean indicator_has_any(const char *text, gsize length, const char *bytes);
gboolean indicator_is_expression(const char *text, gsize length); /* has bytes of one */

/* Each fills `out` unless it refuses (INDICATOR_CHANGES and above). */
enum indicator_why indicator_parse_name(const char *text, gsize length, struct indicator *out);
/* Without what follows a URL in running text (INDICATOR_IN_TEXT, or a mere host), and a fragment.
 */
gsize indicator_url_length(const char *text, gsize length, guint flags);
gsize indicator_trimmed(const char *text, gsize length); /* without what closes a sentence */
enum indicator_why indicator_parse_url(const char *text, gsize length, struct indicator *out);
enum indicator_why indicator_parse_email(const char *text, gsize length, struct indicator *out);
