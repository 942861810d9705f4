/*
 * journal.h: the local, append-only, hash-chained record of events.
 *
 * The hash of an event is SHA-256 over one canonical encoding of all its members and the hash of
 * the event before it:
 *
 *     "entente/event/1\n" u64 seq, u64 time_us, kind, asset, key, body, signature, previous[32]
 *
 * integers big-endian; each of the five byte strings as u32 length and bytes, absent ones as
 * length 0xffffffff; previous is zero for event 1. Events count from 1 without gaps. The head
 * (last seq and its hash) stands in the database and, written after each commit, in the file
 * journal.head beside it.
 *
 * What journal_verify() finds: any event altered, removed, inserted or put elsewhere, damaged
 * indexes, and a cut tail, unless both journal.db and journal.head were rewritten. Whoever may
 * write both files can make a new, consistent, shorter or different journal; only a head kept
 * elsewhere (`entente journal verify --head`) shows that.
 *
 * Several processes may append at once. Times are this machine's clock, and never run backwards
 * within a journal.
 */
#pragma once
#include <glib.h>

#define JOURNAL_HASH 32u
#define JOURNAL_BODY_MAX (64u << 20) /* bytes of one event's body */

struct event {
    guint64 seq;       /* from 1 */
    gint64 time_us;    /* when it was appended */
    char *kind;        /* "answer", "waiver", "import", ... */
    char *asset;       /* name of an asset, or NULL */
    char *key;         /* which question, measure, alarm, case; or NULL */
    GBytes *body;      /* mostly JSON; never NULL */
    GBytes *signature; /* by who vouches for the body, or NULL */
    guint8 previous[JOURNAL_HASH], hash[JOURNAL_HASH];
};
struct event *event_copy(const struct event *event);
void event_free(struct event *event);
typedef struct event event_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(event_t, event_free)

struct journal;

/* The journal of a data folder. For writing it is made when missing. */
struct journal *journal_open(const char *folder, GError **error);
/* NULL without an error when there is no journal yet. */
struct journal *journal_open_existing(const char *folder, GError **error);
void journal_close(struct journal *journal);
typedef struct journal journal_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(journal_t, journal_close)

/*
 * Appends one event; when this returns TRUE it survives `kill -9` and a power cut. Only kind,
 * asset, key, body and signature of `event` are read; seq, time_us, previous and hash are set.
 */
gboolean journal_append(struct journal *journal, struct event *event, GError **error);

/* As journal_append(), for a body that is text. */
gboolean journal_note(struct journal *journal, const char *kind, const char *asset, const char *key,
                      const char *body, GError **error);

/* Which events; NULL and 0 mean any. */
struct journal_filter {
    const char *kind, *asset, *key;
    guint64 after; /* seq */
};
/* Calls `each` in order of seq until it returns FALSE. The event is borrowed for the call. */
typedef gboolean (*journal_each_fn)(const struct event *event, gpointer data);
gboolean journal_each(struct journal *journal, const struct journal_filter *filter,
                      journal_each_fn each, gpointer data, GError **error);

/* The last event's seq and hash; seq 0 and zeros when there is none. */
struct journal_head {
    guint64 seq;
    guint8 hash[JOURNAL_HASH];
};
gboolean journal_head(struct journal *journal, struct journal_head *head, GError **error);
/* "SEQ:HEX", as kept elsewhere. */
char *journal_head_format(const struct journal_head *head);
gboolean journal_head_parse(const char *text, struct journal_head *head, GError **error);

/*
 * Verifies every event, the order, both heads, and `known` (NULL for none), a head seen before.
 * ENTENTE_ERROR_FOUND names the first event that is wrong. `head` receives the last event.
 */
gboolean journal_verify(struct journal *journal, const struct journal_head *known,
                        struct journal_head *head, GError **error);
