/*
 * scan_source.h: inputs, one after another, as blocks that can be scanned each by itself.
 *
 * A block ends at the end of a line. A line that is longer than a block is cut where no token is
 * cut (hunt_scan_cut()); where even that is not found, the block grows up to TOKEN_MAX.
 */
#pragma once
#include "p1_resilience/hunt/log_columns.h"
#include "p1_resilience/hunt/scan.h"
#include "stream/input.h"

#define SOURCE_DIGEST_SIZE 32

#define SOURCE_BLOCK ((gsize)512 << 10)    /* bytes: stays in the second-level cache */
#define SOURCE_TOKEN_MAX ((gsize)64 << 20) /* bytes without anything that ends a token */

struct source_block {
    guint64 sequence;
    guint input;   /* its index */
    guint8 *bytes; /* `capacity` and HUNT_SCAN_PADDING */
    gsize capacity, length;
    guint64 offset;        /* of its first byte in the unpacked input, or of its units */
    guint unit;            /* bytes of the input for one of the block: 2 of UTF-16, else 1 */
    guint mark;            /* bytes of the byte order mark before all units */
    guint64 read;          /* bytes of the input, as it lies, that were read until its end */
    gboolean continues;    /* begins within a line */
    gboolean is_last;      /* of its input */
    struct log_look *look; /* with columns: what to scan instead of the bytes; else NULL */
    char *problem;         /* why the rest of the input is not there; NULL */
    guint8 digest[SOURCE_DIGEST_SIZE]; /* with is_last: SHA-256 of the bytes read, when asked for */
    /* For scan_pool.c. */
    GByteArray *matches;
    guint64 lines;
};
struct source_block *source_block_new(void);
void source_block_free(struct source_block *block);

/* How the inputs are read. */
struct scan_source_options {
    char *const *columns; /* only these (log_columns.h), ended by NULL; NULL: whole lines */
    gboolean utf16;       /* look for UTF-16 without a byte order mark, too */
};

struct scan_source;
/* Borrows the inputs and options; inputs that are not open are passed over. */
struct scan_source *scan_source_new(const GPtrArray *inputs,
                                    const struct scan_source_options *options);
void scan_source_free(struct scan_source *source);

/* The next block, in order; FALSE after the last. For one thread at a time. */
gboolean scan_source_next(struct scan_source *source, struct source_block *block);
