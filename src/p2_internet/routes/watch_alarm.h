/*
 * watch_alarm.h: an incident of our routes as an alarm: what it is about, and the text for people.
 *
 *     watch_report -> watch_report_json() -> one line -> watch_report_read() -> route_alarm_text()
 *
 * The line is what a process that reads routes, and has no keys, hands to one that has. It is read
 * as what others wrote is: every member is checked. It also stands in the alarm's text, so that the
 * incident can be had from the case again.
 */
#pragma once
#include "base/json.h"
#include "p2_internet/routes/watch.h"

#define ROUTE_ALARM_SOURCE "routes" /* of its cases */
#define ROUTE_ALARM_LINE_MAX ((gsize)32 << 10)

/* As a line of `entente routes replay --format json` (docs/schema/routes-replay.json). */
json_t *watch_report_json(const struct watch_report *report);

/* A report that was read, and what it borrows from. */
struct read_report {
    struct watch_report report;
    json_t *json;
    char **evidence;
};
void read_report_clear(struct read_report *read);
typedef struct read_report read_report_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(read_report_t, read_report_clear)

/* Keeps a reference to `json`. ENTENTE_ERROR_INPUT: not what watch_report_json() makes. */
gboolean watch_report_read(json_t *json, struct read_report *read, GError **error);

/* What the alarm is about, the same for the same incident: "routes|" and its key. The caller's. */
char *route_alarm_topic(const struct watch_report *report);

/*
 * The sentence in English (the first line, and so the title), the same in French, what it was seen
 * by, and the report as JSON on the last line. The caller's.
 */
char *route_alarm_text(const struct watch_report *report);

/* The report in such a text, wherever it stands. NULL: there is none that can be read. */
json_t *route_alarm_json_of(const char *text);
