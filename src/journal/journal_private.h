/* journal_private.h: what the journal's own modules share. */
#pragma once
#include "journal/journal.h"
#include "store/store.h"

struct journal {
    struct store *store;
    char *path;      /* journal.db */
    char *head_path; /* journal.head */
    int lock;        /* journal.lock, held while appending; -1 when only reading */
};

/* SHA-256 of the canonical encoding of `event`, its `hash` aside. */
void event_digest(const struct event *event, guint8 hash[JOURNAL_HASH]);

/* The columns of an event, in the order that event_from_row() reads. */
#define EVENT_COLUMNS "seq, time_us, kind, asset, key, body, signature, previous, hash"
/* FALSE and ENTENTE_ERROR_FOUND when a column has not the type it must have. Free with
 * event_clear(). */
gboolean event_from_row(struct query *query, const char *path, struct event *event, GError **error);
void event_clear(struct event *event);
