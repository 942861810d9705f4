/*
 * scan_pool.h: threads that scan blocks, and what they found in the order of the input, the same
 * for any number of threads.
 *
 *     source ── block ──> scanner 1..n ──> put in order ──> take()
 *     (plain files: who is free reads for itself; compressed: a thread of its own unpacks)
 */
#pragma once
#include "p1_resilience/hunt/scan_source.h"

/* One match as it travels; token, key and text (in this order) stand behind it. */
struct match_record {
    guint64 line, offset, hash;
    gint64 time_us; /* of the line; G_MININT64 when it has none that can be read */
    guint32 input, token_length, key_length, text_length;
    guint8 view, whole, repeated;
    guint8 goes_on; /* its line does, behind the end of the block */
    guint8 zero[4];
};

/* Where an input stands, after a block of it; `is_last`: how it ended. */
struct input_record {
    guint64 read, bytes, lines;
    guint32 input, problem_length; /* the problem stands behind it */
    guint8 is_last, zero[7];
    guint8 digest[SOURCE_DIGEST_SIZE]; /* of the bytes read, with is_last, when asked for */
};

struct scan_pool_options {
    guint threads;      /* 1.. */
    gboolean with_text; /* lines too, cut at TEXT_MAX */
    gboolean with_time;
    gboolean defanged;
    struct scan_source_options source;
};

#define SCAN_TEXT_MAX 8192

/* Whole records of matches of one input, and then where it stands. FALSE stops everything. */
typedef gboolean (*scan_pool_take)(const GByteArray *matches, const struct input_record *input,
                                   const char *problem, gpointer data);

/* Adds up in `counts` what all scanners did. */
void scan_pool_run(const struct hunt_needles *needles, const GPtrArray *inputs,
                   const struct scan_pool_options *options, scan_pool_take take, gpointer data,
                   struct hunt_scan_counts *counts);
