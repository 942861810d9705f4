/*
 * cases.h: all cases of this signatory, in DATA/cases.db, with attachments beside it.
 *
 *     event       every event with its verdict; the bytes as they came
 *     head        what listing needs of a case, so that a list needs no folding
 *     clock       one row a running clock, by due time and bearer
 *     draft       steps that wait for a second signature
 *     outbox      one row for each recipient of an event, until it acknowledged (delivery/)
 *     attached    which event announces which files
 *     attachment  DATA/attachments/CASE/...; which of them are whole
 *     desk        keys of people here and their roles: handler, coordinator, auditor
 *
 * An event, the head, the clocks and the outbox rows are one transaction: what was acknowledged is
 * there, and is sent. Several processes (the node, commands) use it at once.
 */
#pragma once
#include "process/case.h"
#include "statement/key.h"

struct cases;
typedef struct cases cases_t;

struct cases_options {
    const char *self;         /* signatory id; "local" before it endorsed: only own kinds */
    const char *origin;       /* or NULL */
    struct case_options fold; /* keys, times, anchors; self and log are taken from above */
    /* The newest trusted checkpoint for anchors; FALSE: none. */
    gboolean (*newest)(gpointer data, guint64 *size, struct case_hash *root, gint64 *time_us);
};

/* Not thread-safe: one a thread. The options' texts are copied, their data is borrowed. */
struct cases *cases_open(const char *data_folder, const struct cases_options *options,
                         GError **error);
/* For lists and numbers alone, changing nothing. NULL without an error: there are none. */
struct cases *cases_open_existing(const char *data_folder, GError **error);
void cases_close(struct cases *cases);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(cases_t, cases_close)

/* What a new event says; the rest (case, seq, heads, anchor, nonce) is filled in. */
struct case_draft {
    const char *id;           /* of the case (or its beginning); NULL: opens one */
    const char *kind;         /* to open one */
    const char *const *to;    /* to open one: ids of parties, ends with NULL */
    const char *const *roles; /* their roles, in the same order; NULL: the addressed role */
    const char *stream;       /* NULL: shared */
    const char *machine, *instance, *event; /* machine NULL: the only one that has the event */
    const json_t *fields;
    const char *tlp;          /* NULL: the case's */
    const char *const *files; /* paths to attach; or NULL */
};

/*
 * Signs and records an event; queues it for its recipients. `done` FALSE: it needs another
 * signature and waits as a draft (`event` is then the draft's id). ENTENTE_ERROR_INPUT: what is
 * wrong with it; _POLICY: not possible from this state, for this role, under this TLP.
 * `id` (or NULL) receives the case's id.
 */
gboolean cases_say(struct cases *cases, const struct case_draft *draft,
                   const struct signing_key *key, gint64 now_us, char **id, char **event,
                   gboolean *done, GError **error);
/* Adds a signature to a draft. ENTENTE_ERROR_POLICY: by the same key, or the case moved on. */
gboolean cases_approve(struct cases *cases, const char *draft, const struct signing_key *key,
                       gint64 now_us, gboolean *done, GError **error);
/* What a draft says, as case_event_json() has it. ENTENTE_ERROR_INPUT: there is none. */
json_t *cases_draft(struct cases *cases, const char *draft, GError **error);
gboolean cases_drop_draft(struct cases *cases, const char *draft, GError **error);

/* Takes an event that came from outside, or from the browser of someone without an account. */
enum case_verdict cases_take(struct cases *cases, GBytes *envelope, gint64 now_us, char **why,
                             GError **error);

/* Who we are in a case: in one of our own the name that we had when it began, which was "local" as
 * long as we had not endorsed the Call. Borrowed, as the case. */
const char *cases_self(const struct cases *cases, const struct kase *kase);

/* The case, folded; borrowed until the next call. NULL and ENTENTE_ERROR_INPUT: none, several. */
const struct kase *cases_get(struct cases *cases, const char *id, gint64 now_us, GError **error);

/* Whether the id of a case here begins so. */
gboolean cases_has(struct cases *cases, const char *id);

struct cases_filter {
    const char *kind, *state, *party, *text;
    gboolean open, ended;   /* both FALSE: open ones */
    gboolean overdue, mine; /* mine: something is for us to do */
    guint limit, offset;
};
/* Rows for lists ({"id","kind","state","title","opened","changed","due"?,"overdue","mine",...}),
 * with "total". Reads heads alone: 100,000 cases in under 50 ms. */
json_t *cases_list(struct cases *cases, const struct cases_filter *filter, gint64 now_us,
                   GError **error);
/* All that waits for us: clocks of ours, drafts to approve, cases new to us; by due time. */
json_t *cases_inbox(struct cases *cases, guint limit, gint64 now_us, GError **error);
/* Numbers without content, for measures and metrics (docs/schema/case-numbers.json): open, overdue
 * by kind and clock, median and 90th percentile of the time to acknowledge, alarms not
 * acknowledged, drills answered; of what began since `from_us`. */
json_t *cases_numbers(struct cases *cases, gint64 from_us, gint64 now_us, GError **error);

/* Due clocks become events; cases past retention are erased (content; the numbers stay). Gives how
 * many things happened. Call it once a minute and at start. */
gboolean cases_tick(struct cases *cases, gint64 now_us, guint *happened, GError **error);

/* Erases a case that ended, before its retention does. ENTENTE_ERROR_POLICY: it is open. */
gboolean cases_erase(struct cases *cases, const char *id, GError **error);

/* For delivery/: what is to be sent, and what was acknowledged. */
struct outbox_row {
    guint64 number;
    char *recipient; /* signatory id or "key:..." */
    char *id;        /* of the case */
    char *author;    /* ours; or another's, which is handed on to a party that we brought in */
    char *stream;
    guint32 seq;
    struct case_hash event;
    GBytes *envelope;
    guint attempts;
    gint64 next_us, created_us;
};
void outbox_row_free(struct outbox_row *row);
/* In order of recipient, case, number; each recipient's cases oldest first. */
GPtrArray *cases_outbox(struct cases *cases, gint64 now_us, guint limit, GError **error);
/* [{"event","to","attempts"}] of a case (its whole id): what its recipients do not have, or
 * refused; in the order in which it was said. */
json_t *cases_undelivered(struct cases *cases, const char *id, GError **error);
gboolean cases_sent(struct cases *cases, guint64 number, gint64 next_us, GError **error);
/*
 * What the event of a row names, and is not ours, is queued for the row's recipient as far as it
 * may see it: one who is not acknowledging may wait for what its author gave to us alone.
 */
gboolean cases_hand_on(struct cases *cases, const struct outbox_row *row, gint64 now_us,
                       GError **error);
/* Whose events of a case wait for others, and in which streams: a set of "author\nstream". */
GHashTable *cases_waiting(struct cases *cases, const char *id, GError **error);
/* All of a case up to number `seq` of `author` in `stream` arrived at `recipient`. */
gboolean cases_arrived(struct cases *cases, const char *recipient, const char *id,
                       const char *author, const char *stream, guint32 seq, GError **error);

/* Who wrote an event that is here (or was, before it was erased); NULL: none such. Owned by the
 * caller. */
char *cases_author(struct cases *cases, const struct case_hash *event);
/* What is known of the event's time changed: its case is folded anew. Fine when it is not here. */
gboolean cases_refresh(struct cases *cases, const struct case_hash *event, gint64 now_us,
                       GError **error);

/*
 * A file as events of one stream of a case announce it. What is here of another case, or of a
 * stream that others read, is another file, whatever its digest: it is neither shown nor counted.
 */
struct case_file {
    const char *id, *stream; /* borrowed */
    struct case_hash sha256;
    guint64 size;
};
struct case_file case_file_of(const struct case_event *event,
                              const struct case_attachment *attachment);

/*
 * Takes bytes of a file. CASE_APPLIED: they are kept, and `whole` says whether it is there now.
 * CASE_GAP: no accepted event announces it so far; it may come again (always so with `error` set).
 * CASE_NOT_ANNOUNCED: none that counts does. CASE_TOO_LARGE: it is larger than any that is taken.
 * CASE_MALFORMED: bytes beyond its size, or not those of its digest, which are asked for anew.
 */
enum case_verdict cases_attachment_add(struct cases *cases, const struct case_file *file,
                                       guint64 offset, GBytes *bytes, gboolean *whole,
                                       GError **error);
/* NULL: it is not here, or no accepted event announces it. Owned by the caller. */
char *cases_attachment_path(struct cases *cases, const struct case_file *file);

/* [{"sha256","name","size","stream","whole","have": bytes from the beginning}] that accepted events
 * of a case (its whole id) announce. */
json_t *cases_attachments(struct cases *cases, const char *id, GError **error);

/* Hashes of events (ours and others') recorded in [from, until), for the hourly commitment. */
GArray *cases_events_between(struct cases *cases, gint64 from_us, gint64 until_us, GError **error);

/* An alarm of a live source: opens a case of kind "alarm", or adds to the open one with this key.
 * Unsigned sources are signed by `key`, the machine's. The first line of `text` is the title. */
gboolean cases_alarm(struct cases *cases, const struct signing_key *key, const char *source,
                     const char *alarm_key, const char *severity, const char *text, gint64 now_us,
                     char **id, GError **error);

/* Whether an alarm with this key is open that its source did not clear. */
gboolean cases_alarm_stands(struct cases *cases, const char *alarm_key, gboolean *stands,
                            GError **error);

/* Whether one is open, be it cleared. */
gboolean cases_alarm_is_open(struct cases *cases, const char *alarm_key, gboolean *is_open,
                             GError **error);
/* How many were opened since then whose keys begin so, closed or not. */
gboolean cases_alarms_since(struct cases *cases, const char *key_prefix, gint64 since_us,
                            guint *count, GError **error);

/*
 * The source sees it no more: the open alarm is cleared, where nobody acknowledged it yet, and else
 * says so. Nothing is done where there is none.
 */
gboolean cases_alarm_over(struct cases *cases, const struct signing_key *key, const char *alarm_key,
                          const char *text, gint64 now_us, GError **error);
