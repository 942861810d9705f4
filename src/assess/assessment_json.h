/*
 * assessment_json.h: an assessment as a document (docs/schema/assessment.json), out and in.
 */
#pragma once
#include "assess/assessment.h"

#include <glib.h>

#define ASSESSMENT_DOCUMENT_MAX (64u << 20) /* bytes of a document that is read */
#define ASSESSMENT_FINDINGS_MAX 200000u
#define ASSESSMENT_MEASURES_MAX 20000u
#define ASSESSMENT_ASSETS_MAX 100000u
#define ASSESSMENT_TREND_MAX 1000u

/* Compact, with a line feed at its end. */
char *assessment_write_json(const struct assessment *assessment, gsize *length);

/*
 * Reads a document, whoever wrote it: members beyond the schema are ignored, what is missing or of
 * the wrong kind is refused with ENTENTE_ERROR_INPUT and the place. Scores are computed again from
 * the findings, never believed.
 */
struct assessment *assessment_parse_json(const void *data, gsize length, const char *name,
                                         GError **error);
struct assessment *assessment_read_file(const char *path, GError **error);
