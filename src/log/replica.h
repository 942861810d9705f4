/*
 * replica.h: a node's own copy of a log that a database keeps: tiles, checkpoint and history in its
 * folder, made from the batches and notes of the database, and verified.
 *
 * Each batch must have the root it was committed with in the tree that this folder has; each note
 * must be signed by the log and have the root of these tiles. What was taken in is never taken
 * back: a database that has less, or other entries, than the folder (a restored backup, a standby
 * that was behind) is refused. Not thread-safe.
 */
#pragma once
#include "log/log_database.h"

struct replica;
typedef struct replica replica_t;

struct replica_options {
    const char *url, *folder, *origin;
    const GPtrArray *keys; /* struct note_key *: the log's; copied */
};

/*
 * ENTENTE_ERROR_SYSTEM: the database cannot be reached. Others are final: _FOUND, _POLICY: folder
 * and database contradict each other; _INPUT: the folder is another log's.
 */
struct replica *replica_open(const struct replica_options *options, GError **error);
/* Syncs what was taken in, so that the next opening begins there. */
void replica_close(struct replica *replica);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(replica_t, replica_close)

/*
 * Takes in what is new, and gives the row of the log as it was before. FALSE: as replica_open();
 * replica_may_go_on() says whether another try may go well.
 */
gboolean replica_take(struct replica *replica, struct log_head *head, GError **error);
gboolean replica_may_go_on(const struct replica *replica);

/* Waits until the database tells of something new, or the time is over. */
void replica_wait(struct replica *replica, gint64 limit_us);

guint64 replica_size(const struct replica *replica);
guint64 replica_published(const struct replica *replica);
/* The connection, for the lease. */
struct store *replica_store(struct replica *replica);
