/* case_text.h: cases, clocks and steps in words for people: English or French, escaped. */
#pragma once
#include "cli/casework.h"

/* "in 3 h 20 min", "2 d 4 h late"; `time` as JSON documents have it; NULL: "". Owned by the caller.
 */
char *case_text_left(const char *time, gint64 now_us, gboolean french);
/* "3 h 20 min", "45 s". Owned by the caller. */
char *case_text_duration(gint64 time_us, gboolean french);
/* "2026-11-22 10:41", UTC. Owned by the caller. */
char *case_text_time(const char *time);

/* "Call for help"; the id itself for a kind that is not known here. Borrowed. */
const char *case_text_kind(const struct casework *work, const char *kind);
/* "Accepted" of a state of the kind's main machine. Borrowed. */
const char *case_text_state(const struct casework *work, const char *kind, const char *state);
/* "Acknowledge" of a clock; borrowed. */
const char *case_text_clock(const struct casework *work, const char *kind, const char *clock);
/* "Close with a verdict" of a step; borrowed. */
const char *case_text_step(const struct casework *work, const char *kind, const char *machine,
                           const char *event);

/*
 * Puts a document out: as JSON where that is asked for, else what `as_text` makes of it; nothing
 * when its member `rows` has none.
 */
gboolean case_text_put(const struct casework *work, const json_t *document, const char *rows,
                       char *(*as_text)(const struct casework *work, const json_t *document),
                       GError **error);

/* Rows of cases_list() as a table. Owned by the caller. */
char *case_text_list(const struct casework *work, const json_t *list);
/* Items of cases_inbox() as a table. Owned by the caller. */
char *case_text_inbox(const struct casework *work, const json_t *inbox);

/* The case for people (case_show.c): parties, states, clocks, events, and what we may do now as
 * commands. `view` is of case_json(). Owned by the caller. */
char *case_text_show(struct casework *work, const json_t *view, const struct kase *kase);

/*
 * Adds to the JSON of a case what is not delivered (case_delivery.c): "undelivered" [{"event",
 * "to", "attempts", "refused"?, "unreachable"?}], and "unreachable" to parties.
 */
gboolean case_delivery_add(const struct casework *work, json_t *view, GError **error);
/* Adds the lines of one event (its hash). */
void case_delivery_text(const struct casework *work, const json_t *view, const char *event,
                        GString *text);

/* Adds the steps that we may take now, as commands to paste (case_options.c). */
void case_text_options(const struct casework *work, const struct kase *kase, GString *text);
