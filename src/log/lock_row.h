/*
 * lock_row.h: the largest checkpoint that a log ever signed, kept apart from its data.
 *
 * One row an origin in a small database (SQLite, synchronous=FULL), better on another volume than
 * the data and never restored with them. It moves forward before a checkpoint is signed, never
 * after: data behind it are a restored backup, and data that do not have its root are another
 * tree. Each opening leaves its own token in the row; whoever opened it before is fenced off at the
 * next move.
 */
#pragma once
#include "statement/merkle.h"

struct lock_row;
typedef struct lock_row lock_row_t;

struct lock_state {
    guint64 size;
    struct merkle_hash root;
    gint64 time_us; /* when it was signed; never goes back */
};

/* Adds the row of an empty log; one of an empty log that is there is kept. ENTENTE_ERROR_POLICY:
 * the origin was in use before. */
gboolean lock_row_create(const char *path, const char *origin, GError **error);

/* Reads the row. ENTENTE_ERROR_POLICY: there is none. */
struct lock_row *lock_row_open(const char *path, const char *origin, struct lock_state *state,
                               GError **error);
void lock_row_close(struct lock_row *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lock_row_t, lock_row_close)

/* Takes the row over; after the data were found not to be behind it. */
gboolean lock_row_take(struct lock_row *row, GError **error);

/* Durably moves the row from what this opening last saw to `next`. ENTENTE_ERROR_POLICY: another
 * writer has moved or taken it meanwhile. */
gboolean lock_row_advance(struct lock_row *row, const struct lock_state *next, GError **error);
