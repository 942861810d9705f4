/*
 * log_database.h: a log in a PostgreSQL database that several nodes share (store.h).
 *
 *     entente_log      one row a log: size and root committed, the epoch of who may commit, the
 *                      lease, the largest checkpoint signed (the lock row), the note published
 *     entente_batch    all entries: (first index, count, root behind it, bundle), one row a commit
 *     entente_history  what history.h keeps in a file
 *
 * Whoever sequences holds the lease, by the database's clock, and the row's epoch. Taking the lease
 * raises the epoch, and every change names the epoch it was made under: so who was paused or cut
 * off while another took over can neither commit, nor sign, nor publish any more.
 */
#pragma once
#include "log/lock_row.h"
#include "store/store.h"

struct log_head {
    guint64 size; /* committed */
    struct merkle_hash root;
    guint64 epoch;                   /* 0: nobody has sequenced yet */
    gboolean held;                   /* the lease runs */
    char holder[256];                /* the URL that its holder gave */
    struct lock_state signed_state;  /* the largest checkpoint ever signed */
    guint64 published_size, version; /* of the note that is published; it changes with each */
};

/*
 * Connects, and makes the tables where there are none. ENTENTE_ERROR_POLICY: the server does not
 * keep what it commits (fsync off).
 */
struct store *log_database_open(const char *url, GError **error);

/* Adds the row of an empty log; one of an empty log that is there is kept. ENTENTE_ERROR_POLICY:
 * the origin was in use before. */
gboolean log_database_create(struct store *store, const char *origin, GError **error);

/* ENTENTE_ERROR_POLICY: there is no such log. */
gboolean log_head_read(struct store *store, const char *origin, struct log_head *head,
                       GError **error);

/* Whether a failure may pass: the server was away, or busy with another. */
gboolean log_database_may_return(const struct store *store);

/* The channel on which commits and publications of the log are told; the caller's. */
char *log_database_channel(const char *origin);

/*
 * The lease. Taken when nobody holds it; `*epoch` 0: another was faster. Renewed and given back
 * under the epoch; `*held` FALSE: it is another's now. A holder that died in the middle of a commit
 * is put out of it.
 */
gboolean log_lease_take(struct store *store, const char *origin, const char *holder,
                        gint64 lease_us, guint64 *epoch, GError **error);
gboolean log_lease_renew(struct store *store, const char *origin, guint64 epoch, gint64 lease_us,
                         gboolean *held, GError **error);
gboolean log_lease_release(struct store *store, const char *origin, guint64 epoch, GError **error);

/*
 * Batches from `first` on, up to `end`; they must join. FALSE of `each` without an error becomes
 * ENTENTE_ERROR_FOUND.
 */
struct wal_record;
typedef gboolean (*log_batch_fn)(const struct wal_record *record, GBytes *bundle,
                                 GPtrArray *entries, gpointer data, GError **error);
gboolean log_batches_read(struct store *store, const char *origin, guint64 first, guint64 end,
                          log_batch_fn each, gpointer data, GError **error);
