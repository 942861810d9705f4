/* scan_window.h: the text that is swept and its masks: part of both sweeps of scan_sweep.c. */
#pragma once
#include "p1_resilience/hunt/scan_engine.h"

/* Becomes part of each of the two sweeps at the end of this file. */
#define HOT static inline __attribute__((always_inline))

/*
 * The window: the text from `base`, as far as masks were made. There is a mask before the first
 * word and one behind the last, so that 64 bits may be taken from any bit, either way, without a
 * branch: what a run of bytes is like cannot be foretold, and a wrong guess costs as much as the
 * hash.
 */
struct window {
    struct hunt_scanner *scanner;
    const guint8 *text;
    guint32 length; /* of the text */
    guint32 base;   /* a multiple of CLASS_BYTES */
    /* Behind the last run that was looked at, by what began the look. */
    guint32 after_name, after_address6, after_hex, after_escape;
};

/* The 64 bits of `class` from `bit` of the word at `masks` on. */
HOT guint64 bits_from(const hunt_masks *masks, guint bit, enum hunt_class class)
{
    return masks[0][class] >> bit | masks[1][class] << 1 << (CLASS_BYTES - 1 - bit);
}

/* The 64 bits of `class` up to `bit`, which is the highest of them. */
HOT guint64 bits_to(const hunt_masks *masks, guint bit, enum hunt_class class)
{
    return masks[0][class] << (CLASS_BYTES - 1 - bit) | masks[-1][class] >> 1 >> bit;
}

HOT guint64 low_bits(guint32 count)
{
    return count < CLASS_BYTES ? ((guint64)1 << count) - 1 : ~(guint64)0;
}

HOT guint lowest(guint64 bits)
{
    return (guint)__builtin_ctzll(bits);
}

HOT guint highest(guint64 bits)
{
    return CLASS_BYTES - 1 - (guint)__builtin_clzll(bits);
}

#define PLACES_AT_ONCE_MAX 4
#define PLACES_MAX (SWEEP_WORDS * CLASS_BYTES / 2 + PLACES_AT_ONCE_MAX)

/*
 * Lists bits of a word: `to` gets `base` and the number of the bit; gives where to go on. Things
 * are first listed and then looked at, because how many a word has cannot be foretold. They never
 * stand side by side, so PLACES_MAX is enough for a window; the first `at_once` are written whether
 * they are there or not.
 */
HOT guint16 *list_places(guint16 *to, guint64 bits, guint base, guint at_once)
{
    const guint64 none = (guint64)1 << (CLASS_BYTES - 1);
    guint count = (guint)__builtin_popcountll(bits);

#pragma GCC unroll 4
    for (guint i = 0; i < at_once; i++, bits &= bits - 1)
        to[i] = (guint16)(base + lowest(bits | none));
    for (guint i = at_once; i < count; i++, bits &= bits - 1)
        to[i] = (guint16)(base + lowest(bits));
    return to + count;
}
