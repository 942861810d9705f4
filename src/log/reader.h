/*
 * reader.h: reads a log from tiles, wherever they lie, and believes none of them unverified.
 *
 * Every tile is checked against the root of the checkpoint it is read under: a parent's entries
 * are recomputed from the child, the top from the right edge. Verified full tiles are kept expanded
 * (511 nodes) in a bounded cache. Not thread-safe: one reader per thread.
 */
#pragma once
#include "log/checkpoint.h"
#include "log/tile.h"
#include "log/tree.h"

/*
 * Fetches "checkpoint", "tile/...", "history". NULL and an error: ENTENTE_ERROR_INPUT when it is
 * not there (a partial tile may have given way to the full one), _FOUND when it is larger than
 * `limit`, _SYSTEM when it cannot be had.
 */
struct log_source {
    GBytes *(*fetch)(gpointer data, const char *path, gsize limit, GError **error);
    gpointer data;
    GDestroyNotify free_data;
    /* The widths (guint) of the partial tiles that lie beside the full one at `path`. NULL where
     * they cannot be listed. */
    GArray *(*partials)(gpointer data, const char *path);
};

/* A folder in the layout of tlog-tiles. */
struct log_source log_source_folder(const char *folder);

/* The same behind a URL; makes an HTTP client of its own. */
struct http_options;
struct log_source log_source_http(const char *url, const struct http_options *options);

struct log_reader;
typedef struct log_reader log_reader_t;

/* Takes the source over. */
struct log_reader *log_reader_new(struct log_source source);
void log_reader_free(struct log_reader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(log_reader_t, log_reader_free)

/* The note at "checkpoint", unverified. */
struct note *log_reader_checkpoint(struct log_reader *reader, GError **error);

/* Sets the size and root that all that follows is verified against; they may only grow. */
gboolean log_reader_trust(struct log_reader *reader, guint64 size, const struct merkle_hash *root,
                          GError **error);

/* One entry, verified; ENTENTE_ERROR_FOUND when the log shows another than its root says. */
GBytes *log_reader_entry(struct log_reader *reader, guint64 index, GError **error);

/* The leaf hash of an entry, verified. */
gboolean log_reader_leaf(struct log_reader *reader, guint64 index, struct merkle_hash *leaf,
                         GError **error);

/*
 * A data tile of a log of certificates (TILE_DATA), verified by nobody: compare the hash of each
 * leaf with log_reader_leaf(). `*width` is how many it holds.
 */
GBytes *log_reader_data(struct log_reader *reader, guint64 tile, gsize limit, guint *width,
                        GError **error);

/* The certificate at "issuer/FINGERPRINT" of such a log, as it comes. */
GBytes *log_reader_issuer(struct log_reader *reader, const char *fingerprint, gsize limit,
                          GError **error);

/* Entries from `first` (inclusive), in order, until `each` gives FALSE. */
typedef gboolean (*log_entry_fn)(guint64 index, GBytes *entry, gpointer data, GError **error);
gboolean log_reader_each(struct log_reader *reader, guint64 first, guint64 end, log_entry_fn each,
                         gpointer data, GError **error);

/* The perfect nodes of the log when it had `size` entries; tree_root() gives the root it had. */
gboolean log_reader_edge(struct log_reader *reader, guint64 size, struct tree_edge *edge,
                         GError **error);

/* `path` has room for MERKLE_PATH_LIMIT. */
gboolean log_reader_inclusion(struct log_reader *reader, guint64 index, guint64 size,
                              struct merkle_hash *path, guint *length, GError **error);
/* The root that the trusted log had at `size`. */
gboolean log_reader_root(struct log_reader *reader, guint64 size, struct merkle_hash *root,
                         GError **error);
gboolean log_reader_consistency(struct log_reader *reader, guint64 old_size, guint64 size,
                                struct merkle_hash *path, guint *length, GError **error);
