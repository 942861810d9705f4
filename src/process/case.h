/*
 * case.h: a case: folded from its events in their order (case_event.h), by the rules of its kind.
 *
 * Folding is pure: the same events, witnessed times and present moment give the same case, on every
 * side. Steps that a clock takes ("then") are taken at its due time, between the events before and
 * after it. Deadlines come from events alone; anyone who holds them can compute them again.
 *
 * Who sees what: the stream "shared" is every party's; "ROLE:ID" is that of one party, of those
 * whose role sees all, and of nobody else; "local" never leaves its author. Whoever writes into a
 * stream names all its parties in `to` (case_recipients()): each then has every number of a chain.
 * Who brings in a party sends it the adding event first, then what is in the shared stream, also
 * what comes in later without naming it; what may then be in it, and who may bring others to it, is
 * a matter of its TLP level (tlp_rule.h, case_arrival()).
 *
 * Clocks begin with the log time of an event where its commitment is proven, else with its own
 * ("claimed"); never before its anchor, nor before the events that it names. Commitments are an
 * hour apart. So when a duty was done, and when a clock of less than four hours begins, is taken
 * from the event itself as far as its commitment bears it out (CASE_COMMITMENT_US): nobody is late
 * because an hour was not yet full, and nobody gains more than that hour by a false clock.
 */
#pragma once
#include "process/case_event.h"
#include "process/tlp_rule.h"

/* What an hour's commitment holds was said at most so long before its log time. */
#define CASE_COMMITMENT_US ((gint64)70 * 60 * G_USEC_PER_SEC)

#define CASE_SCHEMA "entente/case/1"
#define CASE_VIEWER_AUDITOR "auditor" /* sees every event, and the content of none */
#define CASE_VIEWER_OUTSIDE "outside" /* no party: sees what is said to all parties alone */

struct case_party {
    char *id; /* signatory id, or "key:..." */
    char *role;
    gboolean left;    /* handed over, or withdrew */
    char *offered_by; /* not NULL: this party's role is offered to it, and not yet taken over */
    enum tlp marked, marked_apart; /* by it, of what it says to all, and in a stream of its own */
    guint64 files;                 /* bytes that it announced, when it has no account */
};

struct case_change; /* how a machine came into its state (case_private.h) */

struct case_state {
    const struct process_machine *machine;
    char *instance; /* or NULL */
    const char *state;
    gint64 since_us;
    gboolean since_witnessed;
    char *by;       /* the party that led it here; steps that are nobody's leave it as it was */
    json_t *fields; /* of an instance: the newest of each said of it; or NULL */
    struct case_change *change;
};

enum clock_standing {
    CLOCK_RUNNING,
    CLOCK_PAUSED,
    CLOCK_MET,     /* done in time */
    CLOCK_OVERDUE, /* not done, and past due */
    CLOCK_MISSED,  /* done, but late */
    CLOCK_EXPIRED, /* ran out, and what happens then has happened */
};
const char *clock_standing_name(enum clock_standing standing);

/*
 * One run of a clock. A run that was met or expired gives way to the next one; one that was missed
 * stays. When the main machine comes to an end, what still runs is dropped.
 */
struct case_clock {
    const struct process_clock *clock;
    char *instance;
    char *bearer; /* the party whose duty it is; NULL: any of the role */
    gint64 from_us, due_us;
    gint64 met_us;      /* 0: not yet */
    gint64 paused_us;   /* since when it stands still; 0: it does not */
    gint64 warned_s;    /* the last warning that has come, as the kind has it; 0: none */
    gboolean witnessed; /* start, and end when there is one, are log times */
    enum clock_standing standing;
};

struct case_entry {
    const struct case_event *event; /* NULL: a step that followed by itself */
    enum case_verdict verdict;
    gint64 clock_us;                   /* the time that counts */
    gboolean witnessed;                /* it is a log time */
    const struct process_step *step;   /* that was taken; NULL: none */
    const struct process_clock *clock; /* that took it; NULL: an event did, or the entry before */
    char *instance;
    const char *from_state, *to_state;
};

struct kase {
    const struct kind *kind; /* NULL: the opening is not there yet */
    char *id;
    enum tlp tlp;
    gboolean red;                           /* the shared stream has an event that is RED */
    GPtrArray *parties;                     /* struct case_party * */
    GPtrArray *states;                      /* struct case_state * */
    GPtrArray *clocks;                      /* struct case_clock *, by due_us */
    GPtrArray *entries;                     /* struct case_entry *, in order */
    json_t *fields;                         /* the newest of each, said of the case as a whole */
    gint64 opened_us, changed_us, ended_us; /* ended_us 0: open */
};
typedef struct kase kase_t;

/* A case being folded. */
struct case_fold;
typedef struct case_fold case_fold_t;

struct case_options {
    const char *self; /* the id of the party that folds; NULL: whoever; all is for them */
    const char *log;  /* origin */
    struct case_keys keys;
    /* The log time of an event, when its commitment is proven here; 0: not. Or NULL. */
    gint64 (*witnessed_us)(gpointer data, const struct case_hash *event);
    /* Whether a checkpoint that an event names as its anchor is the log's. Or NULL: not known. */
    gboolean (*anchor)(gpointer data, guint64 size, const struct case_hash *root,
                       gint64 *log_time_us);
    /* The time zone of a party (IANA), for working days; NULL: not known. Or NULL: UTC for all. */
    const char *(*zone)(gpointer data, const char *party);
    gpointer data;
};

/* The texts of `options` are copied. */
struct case_fold *case_fold_new(const struct case_options *options);
void case_fold_free(struct case_fold *fold);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(case_fold_t, case_fold_free)

/*
 * Takes an event (a reference is kept). Out of order is fine: what lacks its causes waits
 * (CASE_GAP) and is judged when they come. `now_us`: an event more than 5 minutes ahead of it is
 * refused. The signatures are judged unless `signers` of the event says that they were.
 *
 * What is CASE_REPLAYED, _FORKED, _OTHER_LOG, _MIS_ADDRESSED before a party is known, or not signed
 * well, is not of the case; nor is an opening that cannot open it, and what waits for one goes on
 * waiting. All else keeps its place in its author's chain, whatever the verdict, and is judged
 * again when events come before it.
 */
enum case_verdict case_fold_add(struct case_fold *fold, struct case_event *event, gint64 now_us);

/* The case as of `now_us`, with all that clocks did by then. Borrowed until the next call. */
const struct kase *case_fold_at(struct case_fold *fold, gint64 now_us);

/* What is known of times changed (a commitment was proven): all is folded again. */
void case_fold_refresh(struct case_fold *fold);

/* The verdict on an event as of now; CASE_UNKNOWN_KIND for one that was never added. */
enum case_verdict case_fold_verdict(struct case_fold *fold, const struct case_hash *hash);

/* The last event of each other party in a stream, as `heads` of the next one: {author: hex}; as of
 * the last case_fold_at(). */
json_t *case_fold_heads(const struct case_fold *fold, const char *stream, const char *but);
/* seq and hash of the last event of an author in a stream; 0: none. */
guint32 case_fold_last(const struct case_fold *fold, const char *author, const char *stream,
                       struct case_hash *hash);
/* An event that was added, whatever it is worth; NULL: none such. Borrowed. */
const struct case_event *case_fold_event(const struct case_fold *fold,
                                         const struct case_hash *hash);
/* seq numbers of an author that are missing before waiting events: "3-5"; NULL: none. */
char *case_fold_gaps(const struct case_fold *fold, const char *author, const char *stream);

const struct case_party *case_party_of(const struct kase *kase, const char *id);
/* `instance` NULL: of a machine that has one state. */
const struct case_state *case_state_of(const struct kase *kase, const char *machine,
                                       const char *instance);

/* Whether a stream may be read by a party of the case. */
gboolean case_stream_is_seen(const struct kase *kase, const char *stream, const char *party);
/* All other parties of a stream: `to` of an event that `from` says there. */
char **case_recipients(const struct kase *kase, const char *stream, const char *from);
/* Whether an event is for a party: it wrote it, is named, or came later into its stream. */
gboolean case_event_is_for(const struct kase *kase, const struct case_event *event,
                           const char *party);

/* Whether somebody else may have the role: several may, or nobody has it. */
gboolean case_role_is_free(const struct kase *kase, const struct process_role *role);
/* Whether a step brings another signatory into the case: who then sees what is in it. */
gboolean case_step_brings_in(const struct process_step *step);

/* What stands against it, by the TLP levels of what is in the case. */
struct case_arrival {
    enum tlp level;                  /* the most closed that who comes would see */
    gboolean closed;                 /* it is for those it named: nobody can come in later */
    const struct case_party *source; /* somebody else marked it: to be asked; NULL: nobody */
    gboolean reason;                 /* why who comes needs to know must be said */
};
/* `by` brings somebody in with an event at the level `said`; `role` (or NULL) of who comes. */
struct case_arrival case_arrival(const struct kase *kase, const char *by, enum tlp said,
                                 const char *role);

/* What a party may do now (struct process_step const *, with the instance it applies to). */
struct case_option {
    const struct process_step *step;
    char *instance;
    gboolean reason; /* the field "reason" is needed, too: case_arrival() */
};
GPtrArray *case_options(const struct kase *kase, const char *party);

/* The case as JSON (docs/schema/case.json), for `viewer` (NULL: all of it); what its role, streams
 * and TLP do not allow it to see is left out and counted; local notes of ours are not even that. */
json_t *case_json(const struct kase *kase, const char *viewer);
