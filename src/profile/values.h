/*
 * values.h: checks of the words a profile is made of. Each refuses with ENTENTE_ERROR_INPUT and
 * a message that says what is wrong with the value, without a place.
 */
#pragma once
#include <glib.h>

/* A domain name in A-label form with at least two labels (RFC 1123 section 2.1, RFC 5890). */
gboolean value_check_domain(const char *text, GError **error);

/* "192.0.2.0/24" or "2001:db8::/32"; host bits must be zero (RFC 4632 section 3.1). */
gboolean value_check_prefix(const char *text, GError **error);

/* "AS64500" or "64500": 1 to 4294967294; 0, 23456 and 4294967295 are reserved (RFC 7607, 6793,
 * 7300). */
gboolean value_parse_as(const char *text, guint32 *number, GError **error);

/* "tcp/22", "udp/53". */
gboolean value_check_listener(const char *text, GError **error);

/* "FR": an officially assigned code of ISO 3166-1 alpha-2, upper case. */
gboolean value_check_country(const char *text, GError **error);

/* "30m", "26h", "7d", "2w" to microseconds; at most ten years. */
gboolean value_parse_duration(const char *text, gint64 *microseconds, GError **error);

/* A URI with a scheme: "mailto:security@example.org", "tel:+33...", "https://..." (RFC 3986). */
gboolean value_check_uri(const char *text, GError **error);
