/*
 * mrt_run.h: recorded routes read by a confined worker, which writes what it makes of them itself:
 * records of MRT files by all processors, or elements of files of any form in order of time.
 *
 * The parent opens the files and the output; the worker has their descriptors, and nothing else of
 * the machine. What it counted comes back when it ends, as the bytes of one structure: it began
 * with the parent's, so several workers, one after another, add up.
 */
#pragma once
#include "p2_internet/routes/mrt_scan.h"
#include "p2_internet/routes/routes_merge.h"

#define MRT_RUN_BATCH 128u /* inputs that one worker reads: no more are open at a time */

struct mrt_job {
    struct mrt_scan_options options; /* takers 0: as many as processors */
    /* As in struct mrt_scan_calls, in the worker. */
    gpointer (*begin)(gpointer data);
    const char *(*take)(gpointer state, const struct mrt_record *record, struct mrt_peers *peers,
                        struct text_out *out);
    /*
     * In place of take(), with the one state: what routes_merge() gives, of files of any form; at
     * most MRT_RUN_BATCH of them.
     */
    void (*put)(gpointer state, const char *feed, const struct route_element *element,
                struct text_out *out);
    guint views;    /* with put(): enum bmp_view */
    gboolean hears; /* with put(): elements of ROUTE_HEARD, too */
    void (*end)(gpointer state, gpointer data);
    gpointer result; /* within the caller's data: comes back as end() left it */
    gsize result_size;
    /* In the parent: what cannot be read; `has_offset`: where. */
    void (*problem)(const char *file, gboolean has_offset, guint64 offset, const char *problem,
                    gpointer data);
    guint64 memory; /* bytes that the caller's data has, beside what reading needs */
    gpointer data;
};

/*
 * Reads all inputs, in order (with put() by time), and writes to
 * `output` (-1: nothing is). FALSE: the worker could not be started or the output not be written.
 * An output that nobody reads any more is no error: summary->stopped.
 */
gboolean mrt_run(GPtrArray *inputs, const struct mrt_job *job, int output,
                 struct mrt_scan_summary *summary, GError **error);
