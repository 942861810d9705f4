/*
 * past.h: what an assessment takes from before: answers and waivers from the journal, and from
 * the run before it when each finding was first seen and last changed, and the trend.
 */
#pragma once
#include "assess/assessment.h"
#include "journal/records.h"

#include <glib.h>

#define PAST_TREND_MAX 500u /* earlier runs kept in the trend; the oldest go first */

/*
 * The events that judges and reports ask for, from the journal of the data folder; empty when
 * there is none. `data_folder` may be NULL.
 */
struct records *past_records(const char *data_folder, GError **error);

/* Puts waivers beside the findings they are for; outcomes and scores stay. */
void past_apply_waivers(struct assessment *assessment, const struct records *records);

/* What a saved run leaves for the next one, in a file beside its document. */
#define PAST_NAME "past.json"
struct past;
void past_free(struct past *past);
typedef struct past past_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(past_t, past_free)

/*
 * From the latest saved run of the same tree (`root` NULL: this machine), or NULL: none, or none
 * that can be read. A small file: reading the document itself takes longer than the assessment.
 */
struct past *past_run(const char *data_folder, const char *root);

/* The text of PAST_NAME, after past_apply_run(). */
char *past_write(const struct assessment *assessment, gsize *length);

/*
 * `past` (NULL: none) is of the latest saved run. A finding keeps the time it was first seen as
 * long as it neither passes nor stops to apply, and the time of its last change as long as its
 * outcome stays the same. The trend becomes the previous trend and the previous run.
 */
void past_apply_run(struct assessment *assessment, const struct past *past);
