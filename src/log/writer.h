/*
 * writer.h: the sequencer: the only one that appends to a log.
 *
 * Submissions are judged on worker threads; one thread takes them in batches. The commit point of a
 * batch is one write and one fdatasync of a WAL record with its entries, the new size and root
 * (wal.h). Only then are submitters answered; tiles follow behind it unsynced, and are synced
 * before the WAL is cut.
 *
 * Nothing is signed before it is durable: a checkpoint is signed when it is asked for, never per
 * batch. Before that, size and root go into the lock row (lock_row.h; better on another volume).
 * So the row is never behind anything signed, a batch pays one sync and not two, and the row costs
 * one a published checkpoint. A start whose data are behind the row, or do not have its root, is a
 * restored backup and is refused. Entries answered but never under a signed checkpoint are held by
 * the WAL alone: no signature of the log would be contradicted if a backup lacked them.
 *
 * An error of write or fsync is final: the writer stops, all that waits is answered LOG_FAILED, and
 * what is true is found out by the next start. Time in the row never goes back.
 */
#pragma once
#include "log/checkpoint.h"
#include "log/tile.h"

struct commit_log;
struct log_writer;

struct log_writer_options {
    const char *folder;            /* of the log: tile/, checkpoint, history, wal */
    const char *lock_file;         /* the lock row's database; NULL: FOLDER/lock.db */
    struct commit_log *commits;    /* where to commit (commit_log.h), taken over by the writer even
                                      when it cannot be opened; NULL: the WAL in the folder */
    const struct signing_key *key; /* the log's; borrowed; its name is the origin */
    guint batch;                   /* entries of a batch at most; 0: 4096 */
    guint delay_ms;                /* how long a batch waits for more; 0: not at all */
    guint queue;                   /* submissions waiting at most; 0: 16384 */
    guint threads;                 /* that run `check`; 0: one a core */
    gboolean keep_duplicates;      /* without the look-up of entries already there */
    /* Judges an entry before it is queued, on any thread; or NULL. */
    gboolean (*check)(GBytes *entry, gpointer data, GError **error);
    gpointer check_data;
};

/* Makes an empty log: folder, lock row, checkpoint of size 0. Refuses one that is there. */
gboolean log_create(const struct log_writer_options *options, GError **error);

/*
 * Makes a new WAL for a log that lost its own, when the tiles (brought back from a mirror) reach
 * exactly to the size and root in the lock row. Their edge is verified here; let fsck look at the
 * rest first. ENTENTE_ERROR_FOUND: tiles are missing or differ; _POLICY: there are more.
 */
gboolean log_restore(const struct log_writer_options *options, guint64 *size, GError **error);

/*
 * Opens for writing: recovers from the WAL, verifies edge and last bundle, takes the lock.
 * ENTENTE_ERROR_POLICY: another writer runs, the data are older than the lock row, or the file
 * system is not local. The message says what to do.
 */
struct log_writer *log_writer_open(const struct log_writer_options *options, GError **error);
/* Answers all that waits, syncs, cuts the WAL. */
void log_writer_close(struct log_writer *writer);
typedef struct log_writer log_writer_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(log_writer_t, log_writer_close)

enum log_submitted {
    LOG_ADDED,     /* durable, at this index */
    LOG_DUPLICATE, /* was there already, at this index */
    LOG_REFUSED,   /* `check` said no: `error` */
    LOG_FAILED,    /* the writer stopped: nothing is known of this entry */
};
/* On the writer's own thread; keep it short, and do not close the writer in it. */
typedef void (*log_submitted_fn)(enum log_submitted outcome, guint64 index, const GError *error,
                                 gpointer data);

/* Queues an entry (1..ENTRY_LIMIT bytes). FALSE: the queue is full (503), `done` is not called. */
gboolean log_writer_submit(struct log_writer *writer, GBytes *entry, log_submitted_fn done,
                           gpointer data);
/* Waits for the answer. ENTENTE_ERROR_POLICY when refused, _SYSTEM when failed or full. */
gboolean log_writer_add(struct log_writer *writer, GBytes *entry, guint64 *index, GError **error);

/* FALSE and why, when the writer has stopped for good. */
gboolean log_writer_works(struct log_writer *writer, GError **error);

/* The last committed checkpoint note, signed by the log alone; one sync (the lock row) when it has
 * grown since. NULL: the writer has stopped. */
GBytes *log_writer_checkpoint(struct log_writer *writer);
/* The clock, but never before a checkpoint already signed: for receipts. */
gint64 log_writer_time_us(struct log_writer *writer);
/* Waits until the size is above `size`, at most `limit_us`; for who collects cosignatures. */
gboolean log_writer_wait(struct log_writer *writer, guint64 size, gint64 limit_us);

/*
 * Publishes a (cosigned) note of a committed size at FOLDER/checkpoint, and, when `trusted`, adds
 * it to FOLDER/history (be32 length || note, in order of size): the record that log times are
 * derived from. Tiles of that size are there when it returns. Sizes never go back.
 */
gboolean log_writer_publish(struct log_writer *writer, GBytes *note, gboolean trusted,
                            GError **error);

/* Writes the tiles of a committed size, published or not, so that a reader of the folder has it. */
gboolean log_writer_settle(struct log_writer *writer, guint64 size, GError **error);

/* Proofs in the tree as committed, for witnesses and submitters. Wait for the tiles. */
gboolean log_writer_inclusion(struct log_writer *writer, guint64 index, guint64 size,
                              struct merkle_hash *path, guint *length, GError **error);
gboolean log_writer_consistency(struct log_writer *writer, guint64 old_size, guint64 size,
                                struct merkle_hash *path, guint *length, GError **error);

struct log_writer_numbers {
    guint64 size, published, batches, refused, duplicates, queued;
    gint64 last_sync_us, sync_us_total;
};
void log_writer_numbers(struct log_writer *writer, struct log_writer_numbers *numbers);
