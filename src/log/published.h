/*
 * published.h: what a log's folder shows to everybody beside tiles: FOLDER/checkpoint, and
 * FOLDER/history (history.h). Written by who sequences, or by who follows a database; a size that
 * was shown never goes back. Not thread-safe.
 */
#pragma once
#include "log/checkpoint.h"
#include "log/tile_set.h"

struct published {
    char *folder, *origin;
    GPtrArray *keys;        /* struct note_key *: the log's */
    guint64 size, trusted;  /* of the checkpoint, of the history's last; 0: none */
    guint64 history_length; /* bytes of whole records */
    gboolean has_history;
};

/* `keys` is taken over. */
void published_init(struct published *published, const char *folder, const char *origin,
                    GPtrArray *keys);
void published_clear(struct published *published);

/*
 * Reads both files. ENTENTE_ERROR_FOUND: not of this log, or not what its tiles say; _POLICY: more
 * than `signed_size`, which `place` knows to be the largest ever signed.
 */
gboolean published_read(struct published *published, struct tile_set *tiles, guint64 signed_size,
                        const char *place, GError **error);

/* Reads a note of this log; `name` is for messages. ENTENTE_ERROR_FOUND: not signed by it. */
struct checkpoint *published_parse(const struct published *published, GBytes *bytes,
                                   const char *name, GError **error);
/* ENTENTE_ERROR_FOUND when the tiles have another root. */
gboolean published_has_root(struct tile_set *tiles, const struct checkpoint *checkpoint,
                            const char *name, GError **error);

/* Shows a note that was parsed and whose root the tiles have; with `trusted` it goes into the
 * history, if it is larger than the last one there. Tiles of its size come first. */
gboolean published_put(struct published *published, struct tile_set *tiles, GBytes *note,
                       guint64 size, gboolean trusted, GError **error);
/* A note for the history alone; the tiles of its size are there. */
gboolean published_remember(struct published *published, GBytes *note, guint64 size,
                            GError **error);
