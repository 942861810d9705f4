/* document.h: for register/ alone: one signatory of the register as JSON. */
#pragma once
#include "base/json.h"

struct reg_signatory;

/* Owned by the caller. */
json_t *document_signatory(const struct reg_signatory *signatory, gint64 now_us);

/* "fresh" (90 days at most), "ageing" (365 days at most), "stale". */
const char *freshness_class(gint64 age_us);
