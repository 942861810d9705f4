/*
 * case.h: a case: folded from its events in their order (case_event.h), by the rules of its kind.
 *
 * Folding is pure: the same events, witnessed times and present moment give the same case, on every
 * side. Steps that a clock takes ("then") are taken at its due time, between the events before and
 * after it. Deadlines come from events alone; anyone who holds them can compute them again.
 */
#pragma once
#include "process/case_event.h"

struct case_party {
    char *id; /* signatory id, or "key:..." */
    char *role;
    gboolean left; /* handed over, or withdrew */
};

struct case_state {
    const struct process_machine *machine;
    char *instance; /* or NULL */
    const char *state;
    gint64 since_us;
    gboolean since_witnessed;
};

enum clock_standing { CLOCK_RUNNING, CLOCK_PAUSED, CLOCK_MET, CLOCK_OVERDUE, CLOCK_MISSED };
const char *clock_standing_name(enum clock_standing standing);

struct case_clock {
    const struct process_clock *clock;
    char *instance;
    char *bearer; /* the party whose duty it is; NULL: any of the role */
    gint64 from_us, due_us;
    gint64 met_us;                /* 0: not yet */
    gboolean witnessed;           /* start, and end when there is one, are log times */
    enum clock_standing standing; /* OVERDUE: still open past due; MISSED: done, but late */
};

struct case_entry {
    const struct case_event *event;
    enum case_verdict verdict;
    gint64 clock_us;    /* the time that counts */
    gboolean witnessed; /* it is a log time */
    const char *from_state, *to_state;
};

struct kase {
    const struct kind *kind;
    char *id;
    enum tlp tlp;
    GPtrArray *parties;                     /* struct case_party * */
    GPtrArray *states;                      /* struct case_state * */
    GPtrArray *clocks;                      /* struct case_clock *, by due_us */
    GPtrArray *entries;                     /* struct case_entry *, in order */
    json_t *fields;                         /* the newest of each */
    gint64 opened_us, changed_us, ended_us; /* ended_us 0: open */
};
typedef struct kase kase_t;

/* A case being folded. */
struct case_fold;
typedef struct case_fold case_fold_t;

struct case_options {
    const char *self; /* the id of the party that folds */
    const char *log;  /* origin */
    struct case_keys keys;
    /* The log time of an event, when its commitment is proven here; 0: not. Or NULL. */
    gint64 (*witnessed_us)(gpointer data, const struct case_hash *event);
    /* Whether a checkpoint that an event names as its anchor is the log's. Or NULL: not known. */
    gboolean (*anchor)(gpointer data, guint64 size, const struct case_hash *root,
                       gint64 *log_time_us);
    gpointer data;
};

struct case_fold *case_fold_new(const struct case_options *options);
void case_fold_free(struct case_fold *fold);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(case_fold_t, case_fold_free)

/*
 * Takes an event (a reference to its bytes is kept by the copy). Out of order is fine: what lacks
 * its causes waits (CASE_GAP) and is judged when they come. `now_us`: an event more than 5 minutes
 * ahead of it is refused.
 */
enum case_verdict case_fold_add(struct case_fold *fold, struct case_event *event, gint64 now_us);

/* The case as of `now_us`, with all that clocks did by then. Borrowed until the next call. */
const struct kase *case_fold_at(struct case_fold *fold, gint64 now_us);

/* The last event of each author in a stream, as `heads` of the next one: {author: hex}. */
json_t *case_fold_heads(const struct case_fold *fold, const char *stream, const char *but);
/* seq and hash of the last event of an author in a stream; 0: none. */
guint32 case_fold_last(const struct case_fold *fold, const char *author, const char *stream,
                       struct case_hash *hash);
/* seq numbers of an author that are missing before waiting events: "3-5"; NULL: none. */
char *case_fold_gaps(const struct case_fold *fold, const char *author, const char *stream);

/* What a party may do now (struct process_step const *, with the instance it applies to). */
struct case_option {
    const struct process_step *step;
    char *instance;
};
GPtrArray *case_options(const struct kase *kase, const char *party);

/* The case as JSON (docs/schema/case.json), for `viewer`; what its role, streams and TLP do not
 * allow it to see is left out and counted. */
json_t *case_json(const struct kase *kase, const char *viewer);
