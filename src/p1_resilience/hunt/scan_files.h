/*
 * scan_files.h: hunting through files: what `entente hunt scan` and everything else that searches
 * logs calls.
 *
 *     parent: opens inputs ──descriptors──> worker, confined: reads, unpacks, scans (scan_pool.h)
 *             joins matches <──pipe──────── matches, where each input stands
 *             with assertions (hit.h)
 *
 * Nothing that comes from a log is parsed in the parent: it takes keys, looks them up in the table
 * and copies tokens. A worker that dies ends its batch of inputs, which are then said to be unread.
 */
#pragma once
#include "p1_resilience/hunt/hit.h"
#include "p1_resilience/hunt/scan_source.h"
#include "stream/input.h"

struct hunt_scan_options {
    guint threads; /* 0: as many as the processors that may be used */
    gboolean with_text;
    gboolean defanged;
    gboolean with_digest; /* of the bytes of each input, as they were read */
    struct scan_source_options source;
    struct hit_rule rule;
};

/* How one input came through. */
struct hunt_scanned {
    const char *name;           /* the input's own, as its hits have it */
    guint64 read, bytes, lines; /* as it lies; unpacked */
    const char *problem;        /* why not all of it was hunted; NULL */
    const guint8 *sha256; /* of the bytes read, when asked for; NULL: it never came to its end */
};

struct hunt_scan_summary {
    guint64 files, unread; /* of `files`, those not hunted to their end */
    guint64 read, bytes, lines;
    guint64 hits, suppressed, out_of_time;
    guint64 candidates, filter_passes;
    gint64 elapsed_us;
};

struct hunt_scan_calls {
    hunt_hit_function hit;
    void (*scanned)(const struct hunt_scanned *input,
                    gpointer data); /* at the end of each; or NULL */
    /* Now and then: bytes of the inputs done. FALSE stops. Or NULL. */
    gboolean (*progress)(guint64 done, const char *name, gpointer data);
    gpointer data;
};

/*
 * Scans the inputs in order. FALSE and ENTENTE_ERROR_SYSTEM when no worker can be had; inputs that
 * cannot be read are counted in the summary and told to calls->scanned().
 */
gboolean hunt_scan_files(const struct hunt_table *table, GPtrArray *inputs,
                         const struct hunt_scan_options *options,
                         const struct hunt_scan_calls *calls, struct hunt_scan_summary *summary,
                         GError **error);
