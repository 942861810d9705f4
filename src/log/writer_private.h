/*
 * writer_private.h: the parts of a writer, for the files that make it up.
 *
 *     submit -> queue (check, leaf hash: workers) -> sequencer -> WAL: committed, answered
 *                                                       |
 *                                                       +-> tile thread -> tile files
 *                                                                            |
 *                              sync thread, once a WAL file <----------------+
 *
 * What the threads share is under `lock`; `size` <= what the WAL holds, `tiled` <= `size`.
 */
#pragma once
#include "log/commit_log.h"
#include "log/dedup.h"
#include "log/published.h"
#include "log/queue.h"
#include "log/tile_set.h"
#include "log/tree.h"
#include "log/writer.h"

#include <pthread.h>

/* A committed batch on its way into tiles. */
struct batch {
    GBytes *bytes; /* the WAL record */
    gsize length;  /* of the bundle in it */
    guint64 first;
    guint count;
    struct merkle_hash *leaves;
};

struct log_writer {
    char *folder, *origin;
    const struct signing_key *key;
    struct log_writer_options options; /* numbers filled in; its strings are not used */

    struct commit_log *commits; /* WAL and lock row; or a database */
    struct tree_edge edge;
    struct merkle *merkle;
    struct dedup *dedup; /* or NULL; sequencer; dedup_sync() by the sync thread */
    struct log_queue *queue;
    struct tile_set *tiles;
    pthread_t sequencer, tiler, syncer;
    gboolean is_running;

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    guint64 size, tiled;
    struct merkle_hash root; /* of `size` */
    GQueue batches;          /* struct batch *, not yet in tiles; the leaves stay until then */
    gsize batch_bytes;
    gboolean sync_wanted, ending;
    guint64 sync_size; /* up to where */
    GError *failure;   /* set once: the writer stopped */
    struct log_writer_numbers numbers;

    pthread_mutex_t sign_lock; /* of what follows; taken before `lock` */
    struct lock_state signed_state;
    GBytes *signed_note; /* of signed_state, or NULL */

    pthread_mutex_t publish_lock; /* of what follows; taken before the others */
    struct published published;
};

/* Stops the writer for good. Takes the error over. */
void writer_fail(struct log_writer *writer, GError *error);
/* Whether it has stopped; the error is a copy. */
gboolean writer_works(struct log_writer *writer, GError **error);

/* Starts and ends the threads (writer.c). */
void writer_start(struct log_writer *writer);
/* FALSE: it had failed. */
gboolean writer_stop(struct log_writer *writer);

/* Frees everything; the threads are ended (writer_open.c). */
void writer_free(struct log_writer *writer);
