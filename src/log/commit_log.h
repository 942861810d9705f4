/*
 * commit_log.h: where a log's writer commits. What is in it is committed, in order and for ever;
 * tiles follow behind it, and what is below its base is in synced tiles.
 *
 * Two rows: the WAL files and the lock row of one machine (commit_files.c), and a PostgreSQL
 * database that several nodes share (commit_database.h). The first member of each one's structure
 * is a struct commit_log. Whatever fails in it is final for the writer.
 *
 * Threads: append and the question before it are the sequencer's; mark is the sync thread's;
 * advance and publish may come from any thread, one at a time.
 */
#pragma once
#include "log/lock_row.h"
#include "log/wal.h"

struct commit_log;
typedef struct commit_log commit_log_t;

struct commit_log_calls {
    /* Where recovery begins: below it, all is in synced tiles. */
    void (*base)(const struct commit_log *log, guint64 *size, struct merkle_hash *root);
    /* Hands over all records from the base on. Once, before appending. */
    gboolean (*replay)(struct commit_log *log, wal_record_fn each, gpointer data, GError **error);
    /* Commits a record begun by wal_record_new(). TRUE: durable. */
    gboolean (*append)(struct commit_log *log, GByteArray *bytes, guint64 first, guint32 count,
                       const struct merkle_hash *root, GError **error);

    /* As in wal.h: enough was appended that the tiles should be synced; whether they are, up to the
     * last begin; whether a record of that many bytes must wait for it; whether all that was ever
     * appended is below the last begin. */
    gboolean (*is_full)(const struct commit_log *log);
    gboolean (*is_marked)(const struct commit_log *log);
    gboolean (*must_wait)(const struct commit_log *log, gsize length);
    gboolean (*is_empty)(const struct commit_log *log);
    gboolean (*begin)(struct commit_log *log, guint64 size, const struct merkle_hash *root,
                      gboolean synced, GError **error);
    gboolean (*mark)(struct commit_log *log, GError **error);

    /*
     * The lock row (lock_row.h): read; taken over, after the data were found not to be behind it;
     * moved. ENTENTE_ERROR_POLICY: there is none; another writer has it.
     */
    gboolean (*lock_read)(struct commit_log *log, struct lock_state *state, GError **error);
    gboolean (*lock_take)(struct commit_log *log, GError **error);
    gboolean (*lock_advance)(struct commit_log *log, const struct lock_state *next, GError **error);

    /* A note of a signed size, before the folder has it. */
    gboolean (*publish)(struct commit_log *log, GBytes *note, guint64 size, gboolean trusted,
                        GError **error);
    void (*close)(struct commit_log *log);
};

struct commit_log {
    const struct commit_log_calls *calls;
    const char *place; /* of the lock row, for messages; its owner's */
};

void commit_log_close(struct commit_log *log);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(commit_log_t, commit_log_close)

/* The WAL of FOLDER, and its lock row in `lock_file`. Errors as wal_open(). */
struct commit_log *commit_files_open(const char *folder, const char *lock_file, const char *origin,
                                     GError **error);
