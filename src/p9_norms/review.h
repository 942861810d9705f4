/*
 * review.h: what a reviewer is handed, judged against what was drawn (register_draw()).
 *
 * Three things are told apart. A file that opens other leaves than those drawn, or of another
 * assessment, is no answer. An opening that its commitment does not bear out shows that the file is
 * not what was committed to; nobody signed the file, so it is for the reviewer to ask again before
 * it is held against anyone. An opening that verifies and is of another severity than its place
 * claims convicts its signer by its own signature.
 */
#pragma once
#include "base/json.h"

#define REVIEW_SCHEMA "entente/review-check/1"

/* The severity of a measure in the own catalogue, "high"; NULL: it is not there. */
typedef const char *(*review_severity_fn)(const char *measure);

/*
 * Judges the entries of a disclosure by the draw. With `severity_of`, severities are compared with
 * the own catalogue's, too: for assessments made with that one; else NULL. The result follows
 * docs/schema/review-check.json: "suggested" is "contradicted" or null, since whether evidence
 * convinces is for people. ENTENTE_ERROR_FOUND: it is no answer; _INPUT: nothing is drawn yet, or
 * it is malformed.
 */
json_t *review_check(const json_t *draw, const json_t *disclosure, review_severity_fn severity_of,
                     GError **error);

/* For people, all of it escaped. Owned by the caller. */
char *review_check_text(const json_t *check);
/* The draw (register_draw()), for people. Owned by the caller. */
char *review_draw_text(const json_t *draw);
