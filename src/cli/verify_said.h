/* verify_said.h: what a verified statement says, and what of it was opened, line by line. */
#pragma once
#include "base/json.h"

/* "  LABEL      text", escaped. */
void verify_line(GString *out, const char *label, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* By the predicates of an assessment and of a hunt; by an array of openings of either. */
void verify_principles_lines(GString *out, const json_t *predicate, gboolean french);
/* How much is held, by type. */
void verify_indicators_lines(GString *out, const json_t *indicators, gboolean french);
void verify_hunt_lines(GString *out, const json_t *hunt, gboolean french);
void verify_openings_lines(GString *out, const json_t *openings, gboolean french);
