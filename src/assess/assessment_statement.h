/*
 * assessment_statement.h: what an assessment says in public, and the private openings beside it.
 *
 * The statement (predicate urn:entente:predicate:assessment:1) names the document by the SHA-256
 * of its exact bytes, whose random nonce keeps the digest from telling anything; it holds the
 * catalogue, the times, coverage and a band of each principle, and the root of salted commitments.
 * It never holds an exact score or anything of a finding.
 *
 *     band    1       2        3        4        5        null
 *     score   0-19    20-39    40-59    60-79    80-100   not assessed
 *
 * Committed entries, in this order:
 *     {"type": "score", "principle", "score", "coverage", "weights", "counts"}      nine of them
 *     {"type": "finding", "principle", "catalogue_id", "severity", "asset": {...}, and the members
 *      of the document's finding: "measure", "outcome", "evidence" ...}             every finding
 *
 * Findings stand by severity, the most severe first; "order" says how many there are of each and
 * the index of the first, so that findings can be drawn by lot, weighted by severity, unopened.
 */
#pragma once
#include "statement/commitment.h"
#include "statement/key.h"

#define ASSESSMENT_DOCUMENT_NAME "assessment.json"
#define ASSESSMENT_ENVELOPE_NAME "assessment.dsse.json"
#define ASSESSMENT_OPENINGS_NAME "openings.json" /* private: mode 0600, part of the backup */

/* 1..5; 0 for "not assessed" (`score` negative). The cut points stand here alone. */
guint assessment_band(gint64 score);

/*
 * From the exact bytes of assessment.json and `tree`, the same as a tree (NULL: parsed here): the
 * signed envelope and the openings, as the texts of their files. Both are owned by the caller.
 * ENTENTE_ERROR_INPUT when the bytes are no assessment.
 */
gboolean assessment_statement_make(GBytes *document, json_t *tree, const struct signing_key *key,
                                   GBytes **envelope, GBytes **openings, GError **error);

/*
 * Whether a committed entry is one that `id` names: a measure id, a catalogue id, or the number of
 * a principle ("7"), which names its score.
 */
gboolean assessment_entry_is(const json_t *value, const char *id);
