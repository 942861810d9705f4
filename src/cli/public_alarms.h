/*
 * public_alarms.h: alarms on routes that signatories published, with who sees the route too, as the
 * register has them: every signature was verified when it was folded.
 */
#pragma once
#include "cli/casework.h"

/* Of everybody, or of `who` (domain, id, key): the members of the register, each with "publisher"
 * and "publisher_domain"; in the order of the log. NULL and ENTENTE_ERROR_INPUT: no such signatory.
 */
json_t *public_alarms_list(const struct reg *reg, const char *who, gint64 now_us, GError **error);

/* The one with this index or leaf hash. Borrowed. ENTENTE_ERROR_INPUT: there is none. */
const json_t *public_alarms_named(const json_t *list, const char *named, GError **error);

/* A report of the watch (watch_report_json()) that an alarm's case holds; NULL: none. */
json_t *public_alarms_report(const json_t *view);

/* Where the case is a route alarm that was published: "published" of its document. */
void public_alarms_add(struct casework *work, json_t *view);

/* Tables for people; owned by the caller. */
char *public_alarms_text(const struct context *context, const json_t *list);
char *public_alarms_answers_text(const struct context *context, const json_t *alarm);
