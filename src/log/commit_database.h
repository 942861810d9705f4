/*
 * commit_database.h: the commit log of who sequences a log that a PostgreSQL database keeps.
 *
 * The commit of a batch is one statement, and so one transaction: it moves the log's row from the
 * size before to the size and root behind the batch, if the row still has our epoch, and puts the
 * batch beside it. A commit whose answer was lost is sent again: either it finds the row where it
 * left it, or the batch is there already, or another node has taken over. Signing and publishing
 * move the same row, under the same condition.
 */
#pragma once
#include "log/commit_log.h"

struct commit_database_options {
    const char *url, *folder, *origin;
    guint64 epoch;      /* of the lease that was taken */
    gint64 patience_us; /* how long the server may be away; 0: 30 s */
};

/* ENTENTE_ERROR_POLICY: the epoch is over, or the folder is ahead of the database. */
struct commit_log *commit_database_open(const struct commit_database_options *options,
                                        GError **error);
