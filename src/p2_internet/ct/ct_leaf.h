/*
 * ct_leaf.h: the entries of a log of certificates, as its data tiles hold them (C2SP static-ct-api,
 * RFC 6962 sections 3.1 to 3.4). Integers are big-endian.
 *
 *     TileLeaf = TimestampedEntry
 *                | precertificate u24 length, bytes    (of a precertificate only)
 *                | chain u16 length, fingerprints of 32 bytes
 *     TimestampedEntry = time u64 ms | type u16: 0 certificate, 1 precertificate
 *                | certificate u24 length, DER; or issuer key hash 32 and TBSCertificate u24 length
 *                | extensions u16 length, bytes
 *
 * The hash in the tree is that of 00 00 || TimestampedEntry: what stands behind it is the log's
 * word alone.
 */
#pragma once
#include "statement/merkle.h"

#include <glib.h>

#define CT_KEY_HASH 32u
#define CT_CERTIFICATE_MAX (1u << 20) /* bytes; the largest seen in logs are below 100 KB */

/* Borrowed from the tile. */
struct ct_leaf {
    guint64 time_ms;
    gboolean precertificate;
    const guint8 *issuer_key_hash; /* of a precertificate; else NULL */
    const guint8 *der;             /* certificate or TBSCertificate */
    gsize length;
    const guint8 *entry; /* the TimestampedEntry */
    gsize entry_length;
    const guint8 *chain; /* fingerprints of CT_KEY_HASH bytes: the log's word (ct_chain.h) */
    guint chain_count;
    guint64 index; /* what the extension leaf_index says; G_MAXUINT64: nothing */
};

/* The leaf at `*at`, which moves behind it. ENTENTE_ERROR_INPUT with the offset. */
gboolean ct_leaf_next(const void *tile, gsize size, gsize *at, struct ct_leaf *leaf,
                      GError **error);

/* The hash that stands in the tree. */
struct merkle_hash ct_leaf_hash(struct merkle *merkle, const struct ct_leaf *leaf);
