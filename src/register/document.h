/* document.h: for register/ alone: one signatory of the register as JSON. */
#pragma once
#include "base/json.h"

struct reg_signatory;
struct reg_entry;
struct reg_assessment;

/* Owned by the caller. */
json_t *document_signatory(const struct reg_signatory *signatory, gint64 now_us);

/* "fresh" (90 days at most), "ageing" (365 days at most), "stale". */
const char *freshness_class(gint64 age_us);

/* The latest assessment that its signatory does not dispute; NULL: none. */
const struct reg_entry *document_latest(const struct reg_signatory *signatory);
/* Of an assessment. Nobody is younger than the log says, nor than they say themselves. */
gint64 document_age_us(const struct reg_entry *entry, gint64 now_us);
json_t *document_bands(const struct reg_assessment *assessment);
/* What the undisputed reviews say, the worst first: "contradicted", ..., "self-declared". */
const char *document_review_status(const struct reg_assessment *assessment);
/* How a signatory came by its group: "policy", "attested", "self-declared", "removed". */
const char *document_standing(const struct reg_signatory *signatory);
/* Where and when something was said: {"index", "entry", "time", "disputed"}. */
json_t *document_place(const struct reg_entry *entry);
