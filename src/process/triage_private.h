/* triage_private.h: for process/ alone: what a case's head keeps for the queue and the check. */
#pragma once
#include "process/triage.h"

#define TRIAGE_ACCEPT "accept"
#define TRIAGE_DECLINE "decline"

/* harm x continuing x means; a question that was not answered counts as its lowest choice. 0: the
 * kind has no inputs of triage. */
gint64 triage_inputs_score(const struct kind *kind, const json_t *fields);
/* {field: answer} of the inputs; what was not answered is null. */
json_t *triage_inputs(const struct kind *kind, const json_t *fields);
/* Orders the queue as the score does, at any moment: who waits gains alike, whoever it is. */
gint64 triage_rank(gint64 inputs_score, gint64 opened_us);
/* Whether `self` is asked for help in this case and nobody accepted or declined it yet. */
gboolean triage_is_waiting(const struct kase *kase, const char *self);

/* Whether a call may be accepted before those that rank above it: only with a reason in the field
 * "override". ENTENTE_ERROR_POLICY. */
gboolean triage_may_accept(struct cases *cases, const struct kase *kase, const json_t *fields,
                           GError **error);

/* What the bias check needs of a call that was decided and ended; inside a transaction. */
gboolean triage_outcome_write(struct cases *cases, const struct kase *kase, GError **error);
/* Adds it to the month's sums and lets go of the case. Inside a transaction. */
gboolean triage_outcome_fold(struct cases *cases, const char *id, GError **error);

/* The probability that chance alone gives a chi-square of at least this. */
double triage_chi_square_p(double chi_square, guint degrees);
