/*
 * mrt_scan.h: the records of files, read by all processors, and what they made of them in order.
 *
 *     reader: unpack, find where records end ── blocks ──> takers 1..n: take() each record
 *     (a thread of its own)                                └─> give(): texts in the order of the
 * file
 *
 * A block is whole records. The reader looks at their headers only, and takes apart the tables of
 * peers, since what stands behind one is read with it.
 */
#pragma once
#include "p2_internet/routes/mrt.h"
#include "p2_internet/routes/text_out.h"
#include "stream/input.h"

#define MRT_SCAN_PROBLEMS 3 /* of an input that are told in full; others are counted */

struct mrt_scan_calls {
    /* One state a taker; `end` is called once no taker runs any more. */
    gpointer (*begin)(gpointer data);
    /* Appends to `out` what comes of a record; a problem of it (static text), or NULL. */
    const char *(*take)(gpointer state, const struct mrt_record *record, struct mrt_peers *peers,
                        struct text_out *out);
    void (*end)(gpointer state, gpointer data);
    /* What was appended, in the order of the input, by one thread at a time. FALSE stops. */
    gboolean (*give)(const struct text_out *out, gpointer data);
    /* What cannot be read, at which byte of the unpacked file. In order with give(). */
    void (*tell)(const struct input *input, guint64 offset, const char *problem, gpointer data);
    gpointer data;
};

struct mrt_scan_options {
    guint takers; /* 1.. */
    /*
     * Records that do not meet it (mrt_record_meets()) are passed over by the reader, while their
     * bytes are in its cache. NULL, or an empty one: all are taken.
     */
    const struct route_filter *filter;
    gboolean stop_at_empty; /* an input ends at a record without body, as bgpdump has it */
};

struct mrt_scan_summary {
    guint64 files, bytes; /* bytes: unpacked */
    guint64 records;
    guint64 problems; /* told or not */
    guint64 unopened; /* of them, inputs that could not be opened */
    gboolean stopped;
};

/* Inputs (struct input) are open; those that are not are passed over. */
void mrt_scan(const GPtrArray *inputs, const struct mrt_scan_options *options,
              const struct mrt_scan_calls *calls, struct mrt_scan_summary *summary);
