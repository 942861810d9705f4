/*
 * hunting.h: how the logs of this organisation are searched for what partners warn of, read before
 * judging; a member of the facts of cooperation.h:
 *
 *     { "tables": how many are installed, "newest_age_s"?, "expired": how many of them,
 *       "logs": [ { "name", "state": "current" | "older-tables" | "never", "age_s"?, "unread"? } ],
 *       "record": hits over time (hunt_record.h),
 *       "alarms": { "raised", "overdue" } or null: there never was a case }
 */
#pragma once
#include "base/json.h"
#include "profile/profile.h"

/* NULL without an error: no log is named and no table installed. */
json_t *hunting_read(const char *data_folder, const struct profile *profile, gint64 now_us,
                     GError **error);
