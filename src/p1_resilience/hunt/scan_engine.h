/*
 * scan_engine.h: the parts of a scanner, for scan*.c only.
 *
 *     scan.c        raw text, then the views of what is escaped; order, lines, once per line
 *     scan_sweep.c  a text to candidates, by class masks
 *     scan_queue.c  candidates through the filters to the exact key
 */
#pragma once
#include "p1_resilience/hunt/class.h"
#include "p1_resilience/hunt/hunt_key.h"
#include "p1_resilience/hunt/scan.h"

/* Bytes whose masks are made at a time: text and masks stay in the first-level cache. */
#define SWEEP_WORDS 192

#define QUEUE_SIZE 256

/* A key that may be one: positions in the text. Its kind is its key's letter. */
struct candidate {
    guint64 hash;
    guint32 token, end; /* the token's bytes */
    guint32 key;        /* names: where the key begins in the token */
    guint32 kind;
};

/* An address that may be in a network. */
struct candidate4 {
    guint32 address;
    guint32 token, end;
};

/* A key that is there. Positions in `bytes` of the queue. */
struct found {
    guint64 hash;
    guint32 offset; /* in the scanned bytes */
    guint32 token, token_length;
    guint32 key, key_length;
    guint64 line;
    guint8 view;
    gboolean whole, repeated, skip;
};

/* A piece of the raw text whose view is to be scanned. */
struct segment {
    guint32 start, length;
    enum hunt_view view;
    guint32 place; /* of its view in the text made of all of them */
};

struct hunt_scanner {
    struct hunt_needles needles;
    hunt_classify classify;
    gboolean has_bit_steps; /* bmi, bmi2, lzcnt */
    struct hunt_scan_counts counts;
    /* The text that is swept now; positions are relative to it. */
    const guint8 *text;
    guint32 length;
    GArray *segments; /* of views; while the raw text is swept they are added, then read */
    gboolean in_view, defanged;
    const struct log_look *look; /* of the next scan; or NULL */
    guint queued, queued4;
    struct candidate queue[QUEUE_SIZE];
    struct candidate4 queue4[QUEUE_SIZE];
    GArray *found;     /* struct found */
    GByteArray *bytes; /* tokens and keys of `found` */
    GByteArray *view_text;
    const guint8 *raw;                 /* the scanned bytes */
    hunt_masks masks[SWEEP_WORDS + 2]; /* one before the window and one behind it too */
    guint64 telling[SWEEP_WORDS];      /* dots of the window that the sieve holds back */
};

/* Finds the candidates in `text`. Adds the segments to unescape, unless it is a view. */
void scan_sweep(struct hunt_scanner *scanner, const guint8 *text, guint32 length);

/* Decides all that is queued; the text may change after it. */
void scan_queue_flush(struct hunt_scanner *scanner);
void scan_queue_flush4(struct hunt_scanner *scanner);

/* These only note what is to be decided, and fetch ahead. */
static inline void scan_queue_push(struct hunt_scanner *scanner, guint64 hash, guint32 token,
                                   guint32 key, guint32 end, guint8 kind)
{
    if (scanner->queued == QUEUE_SIZE)
        scan_queue_flush(scanner);
    __builtin_prefetch(table_filter_word(scanner->needles.filters[0], hash));
    scanner->queue[scanner->queued++] =
        (struct candidate){ .hash = hash, .token = token, .end = end, .key = key, .kind = kind };
}

static inline void scan_queue_push4(struct hunt_scanner *scanner, guint32 address, guint32 token,
                                    guint32 end)
{
    if (scanner->queued4 == QUEUE_SIZE)
        scan_queue_flush4(scanner);
    __builtin_prefetch(&scanner->needles.networks[address >> 14]);
    scanner->queue4[scanner->queued4++] =
        (struct candidate4){ .address = address, .token = token, .end = end };
}

/* Another back end than the best one: they must all give the same. */
void hunt_scanner_classify_with(struct hunt_scanner *scanner,
                                const struct hunt_classifier *classifier);

/* The kinds that are rare enough to be decided at once. */
void scan_address6(struct hunt_scanner *scanner, const guint8 address[16], guint32 token,
                   guint32 end);
void scan_digest(struct hunt_scanner *scanner, guint32 token, guint32 end);
void scan_email(struct hunt_scanner *scanner, guint32 token, guint32 end);
void scan_url(struct hunt_scanner *scanner, guint32 colon);
