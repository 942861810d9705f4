/*
 * sarif.h: an assessment as SARIF 2.1.0 (OASIS), for code-scanning and dashboards.
 *
 * Measures are rules; findings are results: pass, fail (a warning is a fail of level note),
 * notApplicable, and open for what was not measured. Paths are relative to the base ROOT. A
 * waiver is an external suppression, rejected once it has expired.
 */
#pragma once
#include "assess/assessment.h"

#include <glib.h>

/* Owned by the caller. */
char *sarif_write(const struct assessment *assessment, gboolean french, gsize *length);
