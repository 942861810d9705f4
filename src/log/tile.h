/*
 * tile.h: where hashes and entries lie (C2SP tlog-tiles): paths, widths, bundles.
 *
 *     tile/L/N[.p/W]        256 (or W) hashes of level 8 * L, 32 bytes each
 *     tile/entries/N[.p/W]  256 (or W) entries, each be16 length || bytes
 *     tile/data/N[.p/W]     256 (or W) leaves of a log of certificates (written, not parsed here)
 */
#pragma once
#include "statement/merkle.h"

#define TILE_WIDTH 256u
#define TILE_HEIGHT 8u
#define TILE_BYTES (TILE_WIDTH * MERKLE_HASH_SIZE)
#define TILE_LEVEL_LIMIT 63u
#define TILE_ENTRIES (-1) /* as a level: a bundle of entries */
#define TILE_DATA (-2)    /* the same in a log of certificates (C2SP static-ct-api) */
#define ENTRY_LIMIT 65535u
#define BUNDLE_LIMIT (TILE_WIDTH * (2u + ENTRY_LIMIT))

struct tile {
    int level;     /* 0..63, or TILE_ENTRIES */
    guint64 index; /* N */
    guint width;   /* 1..256 */
};

/* "tile/0/x001/x234/067.p/112". Owned by the caller. */
char *tile_path(const struct tile *tile);
/* Only the one canonical form is read. ENTENTE_ERROR_INPUT. */
gboolean tile_parse(const char *path, struct tile *tile, GError **error);

/* How many hashes (or entries) tile `index` of `level` has in a log of `size`: 0..256. */
guint tile_width(int level, guint64 index, guint64 size);

/* The tile that holds the perfect node (`level` from the leaves, `index`) in a log of `size`, and
 * the range of its hashes of which the node is the root. */
struct tile tile_of_node(guint level, guint64 index, guint64 size, guint *first, guint *count);

/*
 * Splits a bundle: exactly `width` entries that use all its bytes. `entries` (GBytes *, slices of
 * `bundle`). NULL and ENTENTE_ERROR_INPUT.
 */
GPtrArray *bundle_split(GBytes *bundle, guint width, GError **error);
void bundle_append(GByteArray *bundle, const void *entry, gsize length); /* at most ENTRY_LIMIT */
