/*
 * checkpoint.h: what a log says about itself: origin, size, root (C2SP tlog-checkpoint).
 *
 *     ORIGIN LF  SIZE LF  base64(ROOT) LF           as the text of a signed note
 *
 * Extension lines are read over and never written.
 */
#pragma once
#include "statement/merkle.h"
#include "statement/note.h"

#define CHECKPOINT_SIZE_LIMIT G_MAXINT64

struct checkpoint {
    char *origin;
    guint64 size;
    struct merkle_hash root;
};
typedef struct checkpoint checkpoint_t;

/* Reads the text of a note. NULL and ENTENTE_ERROR_INPUT. */
struct checkpoint *checkpoint_parse(const void *text, gsize length, GError **error);
struct checkpoint *checkpoint_copy(const struct checkpoint *checkpoint);
void checkpoint_free(struct checkpoint *checkpoint);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(checkpoint_t, checkpoint_free)

/* The text, ending in LF. */
char *checkpoint_text(const char *origin, guint64 size, const struct merkle_hash *root);

/* The note, signed by the log's key (whose name is the origin). */
GBytes *checkpoint_sign(const struct signing_key *log, guint64 size,
                        const struct merkle_hash *root);
