/*
 * prefix.h: IP prefixes, as announced in BGP and authorised in the RPKI.
 *
 * Bits past the length are zero, so equal prefixes are equal bytes and may be keys.
 */
#pragma once
#include <glib.h>

struct ip_prefix {
    guint8 family;      /* 4 or 6 */
    guint8 length;      /* 0..32 or 0..128 bits */
    guint8 address[16]; /* network order; IPv4 in the first four bytes, the rest zero */
};

#define IP_PREFIX_TEXT 50 /* bytes for the longest text and its NUL */

/* 32 or 128; for another family 0. */
guint ip_family_bits(guint8 family);

/*
 * Reads "192.0.2.0/24" or "2001:db8::/32". Refuses host bits that are set (RFC 4632 section 3.1)
 * with ENTENTE_ERROR_INPUT.
 */
gboolean ip_prefix_parse(const char *text, struct ip_prefix *out, GError **error);

/*
 * From the bytes of a packet: (length + 7) / 8 of them. Bits past the length are cleared; whether
 * there were any goes to `*masked` unless that is NULL. FALSE: the family does not have so many
 * bits.
 */
gboolean ip_prefix_from_bytes(guint8 family, guint length, const guint8 *bytes,
                              struct ip_prefix *out, gboolean *masked);

/* "192.0.2.0/24", "2001:db8::/32" (RFC 5952). Gives the number of bytes before the NUL. */
gsize ip_prefix_format(const struct ip_prefix *prefix, char *text);

/* An address without length; `text` as for a prefix. */
gsize ip_address_format(guint8 family, const guint8 *address, char *text);

/* Reads "192.0.2.1" or "2001:db8::1": family and 16 bytes. FALSE: it is no address. */
gboolean ip_address_parse(const char *text, guint8 *family, guint8 *address);

/* Whether `outer` contains `inner`; equal prefixes contain each other. */
gboolean ip_prefix_covers(const struct ip_prefix *outer, const struct ip_prefix *inner);

/* By family, then address, then length: what is contained follows what contains it. */
int ip_prefix_compare(gconstpointer a, gconstpointer b);

/* For GHashTable. */
guint ip_prefix_hash(gconstpointer prefix);
gboolean ip_prefix_equal(gconstpointer a, gconstpointer b);
