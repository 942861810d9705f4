/*
 * uptime.h: how often each witness of a policy was there: of the checkpoints that first reached
 * the quorum, day by day, how many already carried its cosignature. A witness that comes later
 * than the quorum is not seen in it.
 */
#pragma once
#include "base/json.h"
#include "register/community_policy.h"

#define UPTIME_DAYS 30

/*
 * Reads the log's history (log/history.h). Lines are counted by the witness' key as they stand: the
 * log verified them before it kept them. [{"name", "domain", "group", "checkpoints", "cosigned",
 * "days": [{"day", "checkpoints", "cosigned"}]}] in the policy's order, days with a checkpoint
 * only.
 */
json_t *uptime_of(GBytes *history, const struct community_policy *policy, gint64 now_us);
