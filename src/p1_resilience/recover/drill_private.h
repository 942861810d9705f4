/* drill_private.h: the parts of a drill, for drill.c alone. */
#pragma once
#include "p1_resilience/recover/drill.h"

/* What the parts share. */
struct drilling {
    const struct asset *asset;
    const struct repository *repository;
    const struct drill_options *options;
    struct drill *drill;
    GPtrArray *snapshots;             /* that count, newest first */
    const struct snapshot *snapshot;  /* the newest */
    struct listing *listing, *before; /* of it, and of the one before it; or NULL */
};

/* Sets what an aspect comes to; the detail (or NULL) is copied, without secrets. */
void drill_set(struct drilling *drilling, enum drill_aspect aspect, enum drill_verdict verdict,
               const char *reason, const char *format, ...) G_GNUC_PRINTF(5, 6);
/* A trouble where nothing was to be seen: not proven, but damage is a failure. */
void drill_set_trouble(struct drilling *drilling, enum drill_aspect aspect,
                       const struct trouble *trouble);
void drill_say(const struct drilling *drilling, const char *what, guint64 done, guint64 total);

/* How `root` was stored: as many of its leading folders were left out (restic and borg keep a
 * relative path as it was given); -1: it is not in the listing. */
gint drill_stripped(const struct drilling *drilling, const char *root);

void drill_judge_freshness(struct drilling *drilling);
void drill_judge_completeness(struct drilling *drilling);
void drill_restore(struct drilling *drilling);
