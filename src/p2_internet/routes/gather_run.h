/* gather_run.h: MRT files, read by a confined worker and gathered (gather.h). */
#pragma once
#include "p2_internet/routes/gather.h"
#include "p2_internet/routes/mrt_scan.h"

struct gather_job {
    const struct route_filter *filter; /* routes of other prefixes are passed over */
    const struct aspa_set *aspas;      /* or NULL */
    guint threads;                     /* 0: as many as processors */
    guint64 memory;                    /* bytes that the caller has, which a worker inherits */
    /* What cannot be read; `has_offset`: where. */
    void (*problem)(const char *file, gboolean has_offset, guint64 offset, const char *problem,
                    gpointer unused);
};

/* `files`: names and folders, ends with NULL. FALSE: the worker could not work. */
gboolean gather_files(struct gather *gather, char **files, const struct gather_job *job,
                      struct mrt_scan_summary *summary, GError **error);
