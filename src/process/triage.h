/*
 * triage.h: in which order calls for help are answered: a public formula of public inputs.
 *
 * The inputs are fields of the kind whose choices carry a score (data/processes/assistance.yaml):
 * harm, whether it goes on, means of the victim; and waiting time, so that nobody starves:
 *
 *     score = harm x continuing x means + waiting hours / 12
 *
 * Nationality, politics, religion, side in a conflict, and whether the victim's organisation
 * endorsed the Call are no inputs: a test holds that against the table.
 */
#pragma once
#include "process/cases.h"

/* The score of an assistance case as of `now_us`, in hundredths. */
gint64 triage_score(const struct kase *kase, gint64 now_us);
/* The queue: open calls not yet taken, highest first, each with its inputs and score. */
json_t *triage_queue(struct cases *cases, guint limit, gint64 now_us, GError **error);
/* The formula as published: its inputs and weights, and what a call may say that is no input. */
json_t *triage_formula(void);
/*
 * The bias check over cases closed since `from_us`: acceptance and waiting time by country, sector
 * and language; groups under 5 are not shown; chi-square with its degrees of freedom and p.
 */
json_t *triage_bias(struct cases *cases, gint64 from_us, gint64 now_us, GError **error);
