/*
 * runner.h: judges measures over assets, in confined workers that run side by side.
 *
 * Measures that read the same things (the second word of their id: host.ssh.*) go to one worker,
 * so that a fact is parsed once. The file-system walk has a worker of its own, started first; so
 * do measures that talk to the system bus. A worker judges its queue in order and sends one
 * finding each; so whatever happens to a worker happened to the first measure without a finding:
 * it gets `error` (crash or timeout), and a fresh worker goes on behind it. All other findings are
 * as if nothing had happened.
 */
#pragma once
#include "finding/measure.h"

#include <glib.h>

#define RUNNER_LIMIT_US (10 * G_USEC_PER_SEC)
#define RUNNER_WALK_LIMIT_US (300 * G_USEC_PER_SEC)

/* One asset and what there is to look at. `view.host` NULL: nothing of kind host is judged. */
struct runner_asset {
    struct asset_view view;
    const char *kind; /* as measure.asset_kind: "host", "signatory" */
};

struct runner_options {
    gboolean no_walk;
    gboolean bus; /* the system bus is there; else what needs it is judged with the others */
    gint64 limit_us, walk_limit_us; /* 0: the defaults above */
    guint workers; /* common ones; 0: as many as are worth it, at most one a processor */
    /* Called in the parent after each finding; may be NULL. */
    void (*progress)(guint done, guint total, gpointer data);
    gpointer progress_data;
};

/*
 * Judges every measure on every asset of its kind. Gives findings (struct finding, owned by the
 * array) ordered as measures, then assets. NULL when no worker can be started at all.
 */
GPtrArray *runner_run(const struct measure *const *measures, gsize n_measures,
                      const struct runner_asset *assets, gsize n_assets,
                      const struct runner_options *options, GError **error);
