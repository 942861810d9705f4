/*
 * ct_record.h: what is kept of a check of certificates in the journal, one event a domain (its
 * name is the key), for the measures:
 *
 *     { "time", "logs": [ { "log", "origin"?, "size", "from", "until", "past", "unreadable",
 *       "problem"? } ], "known", "unknown", "not-allowed", "look-alike": counts that stand }
 */
#pragma once
#include "p2_internet/ct/ct_known.h"
#include "p2_internet/ct/ct_log.h"

#define CT_EVENT "ct-check"

/* Certificates of one domain that are not expired, in all logs. */
struct ct_tally {
    guint verdicts[CT_IMITATION + 1];
};

json_t *ct_record_log(const struct ct_result *result);
json_t *ct_record(const struct ct_tally *tally, json_t *logs, gint64 now_us);
