/*
 * oscal.h: an assessment as OSCAL assessment-results (NIST, 1.2.1).
 *
 * Every finding is an observation. What was judged is a finding with the measure's id as its
 * objective: pass is satisfied; fail and warn are not. What was not measured, does not apply or
 * went wrong has an observation only: OSCAL has no state for it, and none would be true. A failure
 * or a warning is a risk with the fix as its recommendation; a waiver in force makes the risk a
 * deviation-approved with a deadline. Assets are inventory items, the organisation is a party.
 * UUIDs are made from names, so that two runs differ only in what changed.
 */
#pragma once
#include "assess/assessment.h"

#include <glib.h>

/* Owned by the caller. */
char *oscal_write(const struct assessment *assessment, gboolean french, gsize *length);
