/*
 * score.h: from findings to a score and a coverage for each principle (docs/scoring.md).
 *
 * A finding weighs severity times criticality. Weights are kept doubled, so that the half of a
 * warning is a whole number.
 */
#pragma once
#include "assess/principles.h"
#include "finding/measure.h"

#include <glib.h>

#define SCORE_NONE (-1) /* nothing was measured: not assessed, never 0 */

struct score {
    guint64 met2, unmet2, unassessed2; /* doubled weights */
    guint counts[OUTCOME_ERROR + 1];   /* findings by outcome */
};

/* Weight of one finding: 10, 5, 3, 1, 0 for critical to info, times 1, 2 or 3. */
guint score_weight(enum severity severity, guint criticality);

/* Adds a finding. Imported ones (with a source) are not to be added. */
void score_add(struct score *score, enum outcome outcome, enum severity severity,
               guint criticality);

/* 0..100, or SCORE_NONE when the measured weight is 0. */
int score_value(const struct score *score);
/* 0..100, or SCORE_NONE when nothing applies. */
int score_coverage(const struct score *score);
