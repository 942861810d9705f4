/* contact_result.h: what came of a contact drill, and of many. */
#pragma once
#include "cli/casework.h"

/*
 * {"case", "contact", "level", "sent", "due", "answered"?, "answered_after_s"?, "human", "result"}
 * of a drill of ours. Result: ok, late, bounced (nothing could be handed in, or it was refused),
 * wrong-key (an answer came by a key that may not), wrong-answer (another number), silent, waiting.
 */
json_t *contact_result(struct casework *work, const struct kase *kase);

/* {"sent", "ended", "ok", "failed", "rate_percent", "median_s", "p90_s"}; null where nothing is. */
json_t *contact_summary(const json_t *results);
