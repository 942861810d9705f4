/*
 * progress.h: what became of the Call between two convenings: two registers of one log, each
 * frozen at a log size, compared (docs/progress.md has the formulas).
 *
 * Only signatories whose group is attested count in a group; the others are counted apart. Those
 * attested at both ends are the cohort, whose figures are compared with its own; joiners and
 * leavers stand beside it. Bands are compared only where both assessments were made with the same
 * catalogue. Nobody is ranked: lists are in the order of ids. What is missing is null, never zero.
 */
#pragma once
#include "base/json.h"

#define PROGRESS_SCHEMA "entente/progress/1"

/*
 * Compares two register documents (register.h) of one log, `from` not larger than `to`. The result
 * follows docs/schema/progress.json. ENTENTE_ERROR_INPUT: not two registers, or of two logs.
 */
json_t *progress_compare(const json_t *from, const json_t *to, GError **error);

/* For people. Owned by the caller. */
char *progress_text(const json_t *progress, gboolean french, gboolean colour, guint width);
