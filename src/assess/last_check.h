/* last_check.h: what judges of the last check that the journal has share. */
#pragma once
#include "base/json.h"
#include "finding/measure.h"

/*
 * The body of the newest event of `kind` and `key`, and how old it is; NULL after saying that there
 * is none, and which `command` makes one. Owned by the caller.
 */
json_t *last_check(const struct asset_view *view, struct finding *finding, const char *kind,
                   const char *key, const char *command, gint64 *age_us);

/* Passes up to `fresh_days`, warns up to `stale_days`, and fails then. */
void last_check_judge_age(struct finding *finding, gint64 age_us, gint64 fresh_days,
                          gint64 stale_days);
