/* hkdf.h: HKDF with SHA-256 (RFC 5869), its two halves apart; inputs in pieces. */
#pragma once
#include <glib.h>

#define HKDF_HASH_SIZE 32
#define HKDF_EXPAND_MAX (255 * HKDF_HASH_SIZE) /* bytes; RFC 5869 section 2.3 */

struct hkdf_part {
    const void *bytes;
    gsize length;
};

/* `salt` is HKDF_HASH_SIZE bytes, or NULL for the empty one. */
void hkdf_extract(const guint8 *salt, const struct hkdf_part *ikm, guint parts,
                  guint8 prk[HKDF_HASH_SIZE]);

/* At most HKDF_EXPAND_MAX bytes, and at most HKDF_INFO_PARTS pieces of info. */
#define HKDF_INFO_PARTS 6
void hkdf_expand(const guint8 prk[HKDF_HASH_SIZE], const struct hkdf_part *info, guint parts,
                 guint8 *out, gsize length);
