/*
 * history.h: when entries were there. The file "history" beside a log's tiles holds every
 * checkpoint that first reached the quorum, in order of size:
 *
 *     be32 length || note            (cosigned checkpoint, verbatim)
 *
 * The log time of an entry is the median cosignature time of the first of them that includes it.
 * Leaving one out can only make an entry look younger, never older.
 */
#pragma once
#include "log/quorum.h"

struct log_moment {
    guint64 size;  /* entries below it were there at ... */
    gint64 time_s; /* ... this POSIX time */
    struct merkle_hash root;
    guint8 policy[MERKLE_HASH_SIZE]; /* digest of the policy it was judged by */
};

/*
 * Gives the policy in force for a log of `size`; borrowed. A history is judged with the policies
 * the log itself holds.
 */
typedef const struct quorum_policy *(*log_policy_fn)(gpointer data, guint64 size);

/*
 * Reads the history (struct log_moment); records that do not verify, do not make the quorum or do
 * not grow in size and time are left out and counted in `refused`. ENTENTE_ERROR_INPUT for bytes
 * that are no history; a last record cut short is none.
 */
GArray *log_history_read(GBytes *bytes, log_policy_fn policy, gpointer data, guint *refused,
                         GError **error);
void log_history_append(GByteArray *bytes, GBytes *note);

/* The log time of entry `index` in microseconds; 0 when no trusted checkpoint includes it yet. */
gint64 log_history_time_us(const GArray *moments, guint64 index);
