/*
 * drill.h: whether a backup would come back: nine aspects, each proven, failed or not proven.
 *
 * A drill writes nothing over live data: files are restored as streams, digested and dropped. What
 * could not be looked at is "not-proven" with its reason, and never passes: a check that read
 * nothing proves nothing.
 */
#pragma once
#include "base/json.h"
#include "p1_resilience/recover/manifest.h"
#include "p1_resilience/recover/repository.h"
#include "p1_resilience/recover/sample.h"

enum drill_aspect {
    DRILL_ACCESS,       /* the password opens the repository; no stale lock holds it */
    DRILL_FRESHNESS,    /* the newest snapshot and all gaps of the last month are within the RPO */
    DRILL_MANIFEST,     /* the manifest is the one that the log has */
    DRILL_RESTORE,      /* the sampled files come back as the manifest says */
    DRILL_TIME,         /* at that rate, everything is back within the RTO */
    DRILL_COMPLETENESS, /* all paths are covered, nothing changed as under ransomware */
    DRILL_INTEGRITY,    /* the store was read and is whole */
    DRILL_IMMUTABILITY, /* who backs up cannot delete */
    DRILL_ISOLATION,    /* it lies elsewhere */
    DRILL_ASPECTS,
};
const char *drill_aspect_name(enum drill_aspect aspect);

enum drill_verdict { DRILL_NOT_PROVEN, DRILL_PROVEN, DRILL_FAILED };
const char *drill_verdict_name(enum drill_verdict verdict); /* "not-proven", ... */

struct drill_finding {
    enum drill_verdict verdict;
    const char *reason; /* a word: "stale-lock"; static; NULL: proven */
    char *detail;       /* for people here, never published; or NULL */
};

enum drill_outcome {
    DRILL_INTACT,
    DRILL_DIFFERENT, /* other bytes, though size and time are those of the manifest */
    DRILL_LOST,      /* not in the snapshot, or it cannot be restored */
    DRILL_CHANGED,   /* between manifest and snapshot: says nothing; another is drawn instead */
};
const char *drill_outcome_name(enum drill_outcome outcome);

struct drill_file {
    guint64 index; /* of the manifest's records */
    enum drill_outcome outcome;
    guint64 bytes; /* that came back */
};

struct drill_options {
    const char *id;                  /* of this drill: random hex */
    guint8 seed[DICE_SEED];          /* sample_seed() of it */
    const struct manifest *manifest; /* or NULL: `manifest_finding` says why */
    struct drill_finding manifest_finding;
    double confidence, fraction; /* 0..1 */
    guint64 files;               /* as many instead; 0: by confidence */
    struct store_check check;
    gboolean canary;
    gint64 now_us;
    void (*progress)(const char *what, guint64 done, guint64 total, gpointer data); /* or NULL */
    gpointer progress_data;
};

struct drill {
    struct drill_finding findings[DRILL_ASPECTS];
    gint64 started_us, ended_us;
    guint snapshots;
    char *snapshot; /* the one restored from; NULL: none */
    gint64 snapshot_us;
    guint64 wanted; /* files the sample was to have */
    GArray *files;  /* struct drill_file, in the order drawn */
    guint64 intact, bad, skipped, bytes;
    gint64 restore_us;                /* spent on them */
    gint64 projected_us;              /* of a full restore; 0: not known */
    guint64 total_files, total_bytes; /* of the snapshot */
    gboolean compared;                /* with the snapshot before: `change` */
    struct listing_change change;
    gint64 packs; /* read by the check; -1: not said */
};
struct drill *drill_run(const struct asset *asset, const struct repository *repository,
                        const struct drill_options *options);
void drill_free(struct drill *drill);
typedef struct drill drill_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(drill_t, drill_free)

/* The worst of all: failed before not proven. */
enum drill_verdict drill_verdict(const struct drill *drill);

/* [{"aspect","verdict","reason"?,"detail"?}]; details only when `inside` (they stay here). */
json_t *drill_findings_json(const struct drill *drill, gboolean inside);
