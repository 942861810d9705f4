/*
 * fsck.h: checks a whole log, byte for byte, against a checkpoint.
 *
 * Every entry is hashed again; every tile of every level is built again from those hashes and
 * compared with what lies there, partial ones included; the last hashes must give the root. The
 * work is shared by threads, each with a source of its own, and can be resumed: what was checked is
 * kept as the roots of full tiles, which cannot hide anything, since the root depends on them.
 * Then the history and, of a folder, the WAL are held against the same tree.
 */
#pragma once
#include "log/checkpoint.h"
#include "log/reader.h"

struct log_fsck_options {
    /* Gives a source; called once for each thread. */
    struct log_source (*open)(gpointer data);
    gpointer open_data;
    const char *folder; /* of the log when it is local, for its WAL; or NULL */
    guint threads;      /* 0: one a core */
    const char
        *resume_file; /* read when it is there, kept up to date, removed at the end; or NULL */
    /* Called on the caller's thread, about ten times a second, and says whether to go on; or NULL.
     */
    gboolean (*progress)(guint64 tiles, guint64 of, gpointer data);
    gpointer progress_data;
};

/* What was looked at. */
struct log_fsck_counts {
    guint64 entries, tiles, partial_tiles; /* checked now */
    guint64 resumed;                       /* entries that an earlier run had checked */
    guint64 moments;                       /* of the history */
    guint64 wal_records;
};

struct log_fsck_finding {
    guint64 index; /* the first entry that cannot be believed; the size when all can */
    char *what;    /* which file, and how it differs */
};
void log_fsck_finding_clear(struct log_fsck_finding *finding);

/*
 * Checks the log of `checkpoint`, whose signatures the caller has judged. TRUE: all is as it should
 * be. FALSE and ENTENTE_ERROR_FOUND: something differs, `finding` says where first. FALSE and
 * another error: it could not be looked at, or `progress` said to stop.
 */
gboolean log_fsck(const struct log_fsck_options *options, const struct checkpoint *checkpoint,
                  struct log_fsck_counts *counts, struct log_fsck_finding *finding, GError **error);
