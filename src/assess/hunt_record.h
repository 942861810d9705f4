/*
 * hunt_record.h: what of the hunts an assessment shows: which logs were searched when, and hits
 * over time. The member "hunts" of its document (docs/schema/assessment.json).
 *
 * A document may go further than the logs: it holds no token, no file and no line; and an indicator
 * only where its TLP level lets it go to a community (CLEAR, GREEN). The others of a log, kind and
 * level are one row that says how many they are. Nothing of it goes into the statement.
 */
#pragma once
#include "base/json.h"
#include "p1_resilience/hunt/retro_store.h"

/*
 * { "hits": rows, "omitted": rows that were too many }, the most recent first, for the facts of
 * hunting.h. NULL: the store could not be read.
 */
json_t *hunt_record_read(struct retro_store *store, GError **error);

/* The member of the document, of the facts about hunts at `now_us`; NULL when there are none. */
json_t *hunt_record_member(const json_t *facts, gint64 now_us);
