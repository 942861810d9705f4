/*
 * hunt_table_layout.h: what stands in the sections and values of a table of kind "hunt". Only
 * hunt_table.c and hunt_compile.c include it.
 *
 *     16 summary      one struct hunt_summary
 *     17 last labels  1024 words (hunt_key.h); absent without names
 *     18 networks     2^24 bits in words: the /24 networks that an IPv4 key meets; absent without
 *     19 URL hosts    2^k words (hunt_key.h); absent without URLs
 *     20 strings      UTF-8 texts, each ended by a zero byte; the first one is empty
 *     21 sources      struct hunt_source_row
 *     22 warnings     u32: names of warning lists
 *     23 skips        struct hunt_skip_row
 *     24 endings      2^k words (sieve.h); absent when a name has none
 *     25 middles      2^16 bits (sieve.h); absent without networks, or when too much is set
 *
 * u32 in rows that name a text are offsets in the strings; 0 is the empty text, which means none.
 *
 * A value is one assertion:
 *     kind, flags, TLP, present (bits below): one byte each
 *     varint source
 *     what is present, in this order: confidence byte; valid-from, valid-until u64 microseconds;
 *     varint warning; varint labels (a text); object, original, terms: text, ended by a zero byte
 * The one byte HUNT_VALUE_TERM asserts nothing: the key is a term (hit_terms.h) of an assertion.
 */
#pragma once
#include "p1_resilience/hunt/indicator.h"

enum hunt_section {
    HUNT_SUMMARY = 16,
    HUNT_LAST_LABELS,
    HUNT_NETWORKS,
    HUNT_URL_HOSTS,
    HUNT_STRINGS,
    HUNT_SOURCES,
    HUNT_WARNINGS,
    HUNT_SKIPS,
    HUNT_ENDINGS,
    HUNT_MIDDLES,
};

#define HUNT_LENGTHS6_WORDS 3
#define HUNT_VALUE_TERM 0xff /* no kind of indicator */
#define HUNT_KINDS_KEPT 16   /* counts in the summary; more than there are kinds */

struct hunt_summary {
    guint32 key_version;
    guint32 digests, emails; /* whether there are any */
    guint32 terms;           /* whether an assertion has any */
    guint64 lengths4, lengths6[HUNT_LENGTHS6_WORDS];
    guint64 kinds[HUNT_KINDS_KEPT]; /* assertions of each */
};

struct hunt_source_row {
    guint32 name, title, id, path;
    guint32 format, tlp;
    gint64 time_us;
    guint64 assertions;
};

struct hunt_skip_row {
    guint32 name, text;
    guint64 count;
};

G_STATIC_ASSERT(INDICATOR_KINDS <= HUNT_KINDS_KEPT);
G_STATIC_ASSERT(sizeof(struct hunt_summary) == 16 + 8 + 24 + 128);
G_STATIC_ASSERT(sizeof(struct hunt_source_row) == 40);
G_STATIC_ASSERT(sizeof(struct hunt_skip_row) == 16);

enum hunt_present {
    HUNT_HAS_CONFIDENCE = 1 << 0,
    HUNT_HAS_FROM = 1 << 1,
    HUNT_HAS_UNTIL = 1 << 2,
    HUNT_HAS_WARNING = 1 << 3,
    HUNT_HAS_LABELS = 1 << 4,
    HUNT_HAS_OBJECT = 1 << 5,
    HUNT_HAS_ORIGINAL = 1 << 6,
    HUNT_HAS_TERMS = 1 << 7,
};
