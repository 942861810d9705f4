/*
 * case_private.h: for the files of the fold alone.
 *
 *     case_fold.c   events: gaps, forks, the order; when what is applied
 *     case_chain.c  what each author said in each stream
 *     case_arrival.c  whether another party may come in, by TLP
 *     case_judge.c  one event: whether it may have its effect
 *     case_step.c   one step: the effect
 *     case_clock.c  clocks
 *     case_state.c  the state: lookups, copies
 *
 * Events stand in the order of (order_us, depth, hash): order_us is the event's own time, raised to
 * that of its causes; depth is one more than that of the deepest cause. So causes come first, and
 * where a new event stands is found without looking at the others.
 *
 * The newest event is applied to the state as it is. One that comes in before others rolls the
 * state back to the last copy before it (one is kept every SNAPSHOT_EVENTS) and forward again.
 */
#pragma once
#include "process/case.h"

struct slot {
    struct case_event *event;
    gboolean placed; /* in the order; else it waits */
    gboolean forked; /* evidence: another event has its number */
    gint64 order_us;
    guint depth;
    enum case_verdict fixed;   /* APPLIED: to be judged by the state; else the verdict for ever */
    enum case_verdict verdict; /* once it was applied */
    gint64 clock_us;           /* witnessed, else said */
    gint64 said_us;            /* its own, as far as its commitment bears it out */
    gboolean witnessed;
    struct slot *previous;
    GPtrArray *heads; /* struct slot *, or NULL */
};

/* The events of one author in one stream, by seq from 1. */
struct chain {
    GPtrArray *slots; /* struct slot * */
};

struct snapshot {
    guint applied, entries;
    struct kase *kase;
};

struct case_fold {
    struct case_options options;
    char *self, *log;
    struct slot *opening;
    GHashTable *slots;       /* hash -> struct slot, all there are */
    GHashTable *chains;      /* "author\nstream" -> struct chain */
    GHashTable *wanted;      /* hash -> GPtrArray of the slots that wait for it */
    GPtrArray *want_opening; /* struct slot * */
    guint waiting;
    GPtrArray *order; /* struct slot * */
    guint applied;    /* of them, in `kase` */
    struct kase *kase;
    GPtrArray *snapshots;
    struct kase *shown; /* `kase` with what clocks did since; or NULL */
    guint shown_from;   /* entries that `kase` has */
};

/* case_chain.c: the chain of an author in a stream; NULL: there is none. */
struct chain *case_chain(const struct case_fold *fold, const char *author, const char *stream);
struct chain *case_chain_make(struct case_fold *fold, const char *author, const char *stream);
/* Whether an event has its place, or lost a fork; else it waits, or is not here. */
gboolean case_slot_is_there(const struct slot *slot);

/* How a machine came from one state into the next; the past of a state, shared by copies. */
struct case_change {
    guint references;
    const char *from;
    const struct slot *cause; /* NULL: a clock */
    struct case_change *older;
};
struct case_change *case_change_ref(struct case_change *change);
void case_change_unref(struct case_change *change);

/* case_state.c */
struct kase *kase_new(void);
void kase_free(struct kase *kase);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(kase_t, kase_free)
/* All but the entries, which are one array. */
struct kase *kase_copy(const struct kase *kase);
struct case_party *kase_party(const struct kase *kase, const char *id);
struct case_state *kase_state(const struct kase *kase, const char *machine, const char *instance);
struct case_entry *kase_entry(struct kase *kase);
/* The value of a field for a machine's instance, else for the case. NULL: none. */
const json_t *kase_field(const struct kase *kase, const struct case_state *state,
                         const char *field);
/* The time that a field of type time or date holds (a date: its last second). FALSE: none. */
gboolean kase_field_time(const struct kase *kase, const struct case_state *state, const char *field,
                         gint64 *time_us);
gboolean kase_owns(const struct kase *kase, const struct case_party *party);
const struct process_role *kase_role(const struct kase *kase, const struct case_party *party);

/* The moment at which something happens to a case, and why. */
struct moment {
    const struct case_options *options;
    gint64 time_us, said_us; /* of a slot; of a clock both are its due time */
    gboolean witnessed;
    const struct slot *slot;           /* NULL: a clock */
    const struct process_clock *clock; /* or NULL */
};

/* case_judge.c: what an opening is worth by itself, whatever else is said in the case. */
enum case_verdict case_judge_opening(const struct case_event *event);
/* Gives the verdict, and the effect when it is CASE_APPLIED. */
enum case_verdict case_judge(struct kase *kase, const struct moment *moment);
/* Whether what a row demands beyond states and roles holds (when, earlier, only, by_other). */
gboolean case_guards_hold(const struct kase *kase, const struct process_step *step,
                          const struct case_state *state, const char *party);

/* case_arrival.c: an event that is applied marks what it says. `step` NULL: the opening. */
void case_mark(struct kase *kase, const struct case_event *event, const struct process_step *step);
void case_hand_marks_on(struct case_party *from, struct case_party *to);

/* case_step.c */
void case_take_step(struct kase *kase, const struct moment *moment, const struct process_step *step,
                    struct case_state *state);
void case_start(struct kase *kase, const struct moment *moment);
void case_add_party(struct kase *kase, const struct moment *moment, const char *id,
                    const char *role);
/* Takes a step that follows by itself in every instance of a machine. */
void case_follow(struct kase *kase, const struct moment *moment, const char *machine,
                 const char *event, const char *instance, guint depth);
void case_run_causes(struct kase *kase, const struct moment *moment,
                     const struct process_cause *causes, const char *instance, guint depth);
/* The fields of an event become those of the case, or of an instance. */
void case_merge_fields(struct kase *kase, const struct moment *moment, struct case_state *state);

/* case_clock.c */
void case_clocks_moved(struct kase *kase, const struct moment *moment,
                       const struct case_state *state, const char *from);
/* Before an event leads `state` to `to` (which may be where it is). */
void case_clocks_event(struct kase *kase, const struct moment *moment,
                       const struct case_state *state, const char *event, const char *to);
void case_clocks_fields(struct kase *kase, const struct moment *moment, const json_t *before,
                        const struct case_state *state);
/* What clocks did before `time_us`. */
void case_clocks_run(struct kase *kase, const struct case_options *options, gint64 time_us);
/* Whether case_clocks_run() would do anything. */
gboolean case_clocks_due(const struct kase *kase, gint64 time_us);
/* Standings and warnings as of a moment; in order of due time. */
void case_clocks_show(struct kase *kase, gint64 now_us);
/* `days` working days after a moment, Monday to Friday in a zone (NULL: UTC). */
gint64 case_working_days(gint64 from_us, guint days, const char *zone);
