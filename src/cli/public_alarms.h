/* public_alarms.h: alarms on routes that signatories published, and who sees them too, as commands
 * show them. */
#pragma once
#include "cli/casework.h"
#include "p2_internet/routes/public_alarm.h"

/* A report of the watch (watch_report_json()) that an alarm's case holds; NULL: none. */
json_t *public_alarms_report(const json_t *view);

/* Where the case is a route alarm that was published: "published" of its document. */
void public_alarms_add(struct casework *work, json_t *view);

/* Tables for people; owned by the caller. */
char *public_alarms_text(const struct context *context, const json_t *list);
char *public_alarms_answers_text(const struct context *context, const json_t *alarm);
