/*
 * drill_record.h: what is kept of backups in the journal: {"root","time","files","bytes"} of each
 * manifest, and of each drill {"drill","tool","time","verdict","aspects","snapshot_time"?,
 * "projected_s"?,"total_bytes","total_files","snapshots","sample","restored"}. The event's key is
 * the backup's name. No name of a file is in them.
 */
#pragma once
#include "journal/records.h"
#include "p1_resilience/recover/drill.h"

#define DRILL_EVENT "recovery-drill"
#define MANIFEST_EVENT "backup-manifest"

/* How often a backup is to be drilled: as the profile says, else every 30 days. */
gint64 drill_every_us(const struct asset *asset);

/* The body of the event. */
json_t *drill_record(const struct drill *drill, const struct asset *asset, const char *id);
/* The newest drill of a backup, or NULL; `time_us` is when. Owned by the caller. */
json_t *drill_record_latest(const struct records *records, const char *backup);

/* "verdict" and "reason" of an aspect in a record; NULL: it has none such. */
const char *drill_record_verdict(const json_t *record, enum drill_aspect aspect,
                                 const char **reason);
/* A time of a record in microseconds; 0: it has none such. */
gint64 drill_record_time(const json_t *record, const char *member);

/* Members of statement and record alike. */
json_t *drill_sample_json(const struct drill *drill);
json_t *drill_restored_json(const struct drill *drill);
