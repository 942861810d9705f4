/*
 * bogon.h: prefixes and AS numbers that are not to be seen in the Internet's routes.
 *
 * The IANA registries of special-purpose addresses (RFC 6890, 9602, 9637 and what they took up) and
 * of AS numbers (RFC 5398, 6996, 7300, 7607), and the lengths that networks filter (RFC 7454).
 */
#pragma once
#include "net/prefix.h"

enum bogon_prefix {
    BOGON_NONE,
    BOGON_DEFAULT,  /* 0.0.0.0/0, ::/0: no route of the Internet, and no mistake by itself */
    BOGON_SPECIAL,  /* lies in, or contains, space of a special purpose */
    BOGON_UNUSED,   /* IPv6 outside 2000::/3 */
    BOGON_SPECIFIC, /* longer than /24 or /48 */
    BOGON_BROAD,    /* shorter than /8 or /16 */
};
const char *bogon_prefix_name(enum bogon_prefix bogon); /* "special-purpose", ...; NULL: none */

/* `*why` (static, or NULL): the registry's entry, "documentation (RFC 5737)". May be NULL. */
enum bogon_prefix bogon_prefix_judge(const struct ip_prefix *prefix, const char **why);

/* Why this AS number is nobody's, static: "private use (RFC 6996)". NULL: it may be used. */
const char *bogon_as(guint32 as);
