/*
 * class.h: 64 bytes become one 64-bit word per class of byte; bit n is byte n.
 *
 * One function per instruction set, chosen at run time, all equal bit for bit. The idea (nibble
 * tables): class = low_table[byte & 15] & high_table[byte >> 4], two shuffles for 16 to 64 bytes.
 * Shuffles give 0 for a byte >= 0x80, which is what the rules want of it: a delimiter.
 */
#pragma once
#include <glib.h>

enum hunt_class {
    CLASS_HOST,  /* [A-Za-z0-9._-] */
    CLASS_DOT,   /* . */
    CLASS_DASH,  /* - */
    CLASS_COLON, /* : */
    CLASS_SLASH, /* / */
    CLASS_HEX,   /* [0-9A-Fa-f] */
    CLASS_DIGIT, /* [0-9] */
    CLASS_RARE,  /* @ \ % */
    CLASS_COUNT
};

/* One cache line: the classes of 64 bytes. */
typedef guint64 hunt_masks[CLASS_COUNT];

#define CLASS_BYTES 64 /* bytes a mask stands for */

/* Reads `words` x CLASS_BYTES bytes, writes as many masks; gives the number of LFs among them. */
typedef gsize (*hunt_classify)(const guint8 *bytes, gsize words, hunt_masks *masks);

struct hunt_classifier {
    const char *name; /* "scalar", "sse4.2", "avx2", "avx512bw", "neon" */
    hunt_classify classify;
    gboolean has_bit_steps; /* processors that have it have BMI, BMI2 and LZCNT */
};

/* Those that this processor runs, the slowest first: "scalar" always is. */
const struct hunt_classifier *hunt_classifiers(guint *count);

/* What a byte may be part of, for the few bytes that are looked at one by one. */
enum hunt_byte {
    BYTE_HOST = 1 << 0,      /* [A-Za-z0-9._-] */
    BYTE_WORD = 1 << 1,      /* [A-Za-z0-9_] */
    BYTE_HEX = 1 << 2,       /* [0-9A-Fa-f] */
    BYTE_ADDRESS6 = 1 << 3,  /* [0-9A-Fa-f:.] */
    BYTE_LOCAL = 1 << 4,     /* [A-Za-z0-9._%+-], before the @ of an address */
    BYTE_MAIL_HOST = 1 << 5, /* [A-Za-z0-9.-], behind it */
    BYTE_URL_END = 1 << 6,   /* whitespace, controls, >= 0x80, " ' < > \ ^ ` { | } */
    BYTE_CUT = 1 << 7,       /* whitespace, controls, " < >: ends every token in every view */
};
extern const guint8 hunt_bytes[256];

/* The back ends, where they exist: for class.c. */
gsize class_scalar(const guint8 *bytes, gsize words, hunt_masks *masks);
gsize class_sse42(const guint8 *bytes, gsize words, hunt_masks *masks);
gsize class_avx2(const guint8 *bytes, gsize words, hunt_masks *masks);
gsize class_avx512bw(const guint8 *bytes, gsize words, hunt_masks *masks);
gsize class_neon(const guint8 *bytes, gsize words, hunt_masks *masks);
