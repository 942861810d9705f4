/* verify_said.h: what a verified statement says, and what of it was opened, line by line. */
#pragma once
#include "base/json.h"

/* "  LABEL      text", escaped. */
void verify_line(GString *out, const char *label, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* By the predicate of a statement of this type; of many there is nothing more to say. */
void verify_said_lines(GString *out, const char *type, const json_t *predicate, gboolean french);
/* By an array of openings, of an assessment, a hunt or what is held. */
void verify_openings_lines(GString *out, const json_t *openings, gboolean french);
