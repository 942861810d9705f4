/*
 * mirror.h: a verified copy of a log in a folder, in the layout of tlog-tiles: checkpoint, tiles,
 * bundles, history.
 *
 * Entries come from a reader that verified them; the copy computes every tile itself, and its
 * checkpoint is written last, when the computed root is the checkpoint's. A copy that was killed
 * goes on from its last checkpoint.
 */
#pragma once
#include "log/reader.h"

struct mirror;
typedef struct mirror mirror_t;

/* Makes the folder when missing. ENTENTE_ERROR_FOUND: the copy there is damaged. */
struct mirror *mirror_open(const char *folder, GError **error);
void mirror_close(struct mirror *mirror);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(mirror_t, mirror_close)

/* What the copy holds. */
guint64 mirror_size(const struct mirror *mirror);
const struct merkle_hash *mirror_root(const struct mirror *mirror);

/*
 * Copies the entries up to `checkpoint`, which the reader trusts; `each` (or NULL) sees every new
 * one and may refuse. They do not count before mirror_keep(). ENTENTE_ERROR_FOUND: the log does
 * not begin with what was copied before; the copy stays as it was.
 */
gboolean mirror_copy(struct mirror *mirror, struct log_reader *reader,
                     const struct checkpoint *checkpoint, log_entry_fn each, gpointer data,
                     GError **error);
/* Makes `note` (whose checkpoint was copied) the checkpoint of the copy. */
gboolean mirror_keep(struct mirror *mirror, GBytes *note, GError **error);

/* Bytes of the copied history, and adding to it (whole records; durable). */
guint64 mirror_history_size(const struct mirror *mirror);
gboolean mirror_history_append(struct mirror *mirror, GBytes *bytes, GError **error);
