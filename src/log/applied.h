/*
 * applied.h: how far a node's own folder has taken in a log that is kept in a database.
 *
 * FOLDER/applied holds origin, size and root as the text of a checkpoint (unsigned): below that
 * size all is in synced tiles. The folder is locked while it is open, against other processes.
 */
#pragma once
#include "statement/merkle.h"

struct applied;
typedef struct applied applied_t;

/*
 * Makes the folder when it is missing. ENTENTE_ERROR_INPUT: it holds another log, or one with a WAL
 * of its own; _POLICY: locked.
 */
struct applied *applied_open(const char *folder, const char *origin, guint64 *size,
                             struct merkle_hash *root, GError **error);
gboolean applied_mark(struct applied *applied, guint64 size, const struct merkle_hash *root,
                      GError **error);
void applied_close(struct applied *applied);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(applied_t, applied_close)
