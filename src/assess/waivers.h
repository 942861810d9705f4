/*
 * waivers.h: failures that somebody answers for, until a day, with a reason.
 *
 * A waiver is a journal event of kind WAIVER_EVENT: its key is the measure's id, its asset the
 * name of one asset or absent for all, its body {"reason", "until", "by"} or {"removed": true,
 * "by"}. The newest event for the same measure and asset counts; a waiver for one asset goes
 * before one for all. A waiver never changes an outcome or a score; one past its day is shown as
 * expired.
 */
#pragma once
#include "finding/measure.h"
#include "journal/journal.h"

#include <glib.h>

#define WAIVER_EVENT "waiver"
#define WAIVER_MAX_DAYS 366
#define WAIVER_REASON_MAX 1000 /* bytes */

struct waiver_record {
    char *measure;
    char *asset; /* NULL: all assets */
    char *by, *reason;
    gint64 since_us, until_us; /* until midnight UTC at the end of that day */
};
void waiver_record_free(struct waiver_record *record);
typedef struct waiver_record waiver_record_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(waiver_record_t, waiver_record_free)

/* Those that stand, expired ones too, ordered by measure and asset: of struct waiver_record. */
GPtrArray *waivers_list(const struct records *records);

/* The one for this measure on this asset, or NULL. Borrowed from the list. */
const struct waiver_record *waivers_find(const GPtrArray *waivers, const char *measure,
                                         const char *asset);

/* "2027-01-31": the last day, which must lie in the future and at most WAIVER_MAX_DAYS ahead. */
gboolean waiver_parse_until(const char *text, gint64 now_us, gint64 *until_us, GError **error);

/* Refuses an empty or overlong reason. */
gboolean waiver_record_new(struct journal *journal, const struct waiver_record *record,
                           GError **error);
gboolean waiver_remove(struct journal *journal, const char *measure, const char *asset,
                       const char *by, GError **error);
