/*
 * scan_sieve.h: of a window's dots those that a key may have: part of both sweeps of scan_sweep.c.
 *
 * It decides by a few bytes around a dot, whatever token the dot is in: which that is, is found out
 * for the dots that are held back. Dots are first listed and then looked at, because how many a
 * word has cannot be foretold.
 */
#pragma once
#include "p1_resilience/hunt/scan_window.h"

#include <string.h>

/* Dots of a word that are listed unasked. */
#define SIEVE_NAMES_AT_ONCE 3
#define SIEVE_ADDRESSES_AT_ONCE 2
#define SIEVE_BEFORE 8 /* bytes that are read before a dot */

/* Those of `dots` that another dot, of `followers` or `next`, follows behind one to three bytes. */
HOT guint64 followed_by_dot(guint64 dots, guint64 followers, guint64 next)
{
    return dots & (followers >> 2 | next << 62 | followers >> 3 | next << 61 | followers >> 4 |
                   next << 60);
}

/* The first of three dots as in an IPv4 address. */
HOT guint64 three_dots(const hunt_masks *masks)
{
    guint64 dots = masks[0][CLASS_DOT], next = masks[1][CLASS_DOT];

    return followed_by_dot(dots, followed_by_dot(dots, dots, next), followed_by_dot(next, next, 0));
}

/* Letters, digits and '_': what neither ends a label nor is trimmed. */
HOT guint64 word_bytes(const hunt_masks *masks)
{
    return masks[0][CLASS_HOST] & ~masks[0][CLASS_DOT] & ~masks[0][CLASS_DASH];
}

HOT void sieve_names(const struct window *window, const guint16 *dots, guint count,
                     const guint64 *words)
{
    struct hunt_scanner *scanner = window->scanner;
    const struct hunt_sieve sieve = scanner->needles.sieve;
    guint64 hashes[PLACES_MAX];

    for (guint i = 0; i < count; i++) {
        guint place = dots[i], bit = place % CLASS_BYTES;
        const guint64 *at = words + place / CLASS_BYTES;
        const guint8 *dot = window->text + window->base + place;
        guint64 run = at[0] << (CLASS_BYTES - 1 - bit) << 1 | at[-1] >> bit, before;
        guint16 after;

        memcpy(&before, dot - SIEVE_BEFORE, sizeof before);
        memcpy(&after, dot + 1, sizeof after);
        hashes[i] = hunt_key_ending(GUINT64_FROM_LE(before),
                                    MIN((guint)__builtin_clzll(~run | 1), HUNT_KEY_ENDING_BYTES),
                                    GUINT16_FROM_LE(after));
        __builtin_prefetch(&sieve.endings[hunt_key_filter_word(hashes[i], sieve.ending_words)]);
    }
    for (guint i = 0; i < count; i++) {
        guint place = dots[i];
        guint64 hash = hashes[i];
        guint64 set = sieve.endings[hunt_key_filter_word(hash, sieve.ending_words)];

        if (set >> (hash & 63) & set >> (hash >> 6 & 63) & 1)
            scanner->telling[place / CLASS_BYTES] |= (guint64)1 << place % CLASS_BYTES;
    }
}

HOT void sieve_addresses(const struct window *window, const guint16 *dots, guint count,
                         const hunt_masks *masks)
{
    struct hunt_scanner *scanner = window->scanner;
    const guint64 *middles = scanner->needles.sieve.middles;

    for (guint i = 0; i < count; i++) {
        guint place = dots[i], bit = place % CLASS_BYTES, middle;
        guint64 here = bits_from(masks + place / CLASS_BYTES, bit, CLASS_DOT), octets;

        here &= here - 1; /* not the first dot */
        here &= here - 1; /* nor the second */
        memcpy(&octets, window->text + window->base + place + 1, sizeof octets);
        octets = GUINT64_FROM_LE(octets) & low_bits(8 * (lowest(here) - 1));
        middle = hunt_key_middle(octets);
        if (middles[middle / 64] >> middle % 64 & 1)
            scanner->telling[place / CLASS_BYTES] |= (guint64)1 << bit;
    }
}

/* Fills `telling` for `count` words of the window. */
HOT void sieve_window(const struct window *window, guint count)
{
    struct hunt_scanner *scanner = window->scanner;
    const struct hunt_needles *needles = &scanner->needles;
    const hunt_masks *masks = (const hunt_masks *)scanner->masks + 1;
    gboolean names = needles->last_labels != NULL, addresses = needles->networks != NULL;
    guint16 named[PLACES_MAX], numbered[PLACES_MAX], *to_named = named, *to_numbered = numbered;
    guint64 words[SWEEP_WORDS + 2];

    words[0] = word_bytes(masks - 1);
    words[1] = word_bytes(masks);
    for (guint i = 0; i < count; i++) {
        guint64 dots = masks[i][CLASS_DOT], next = word_bytes(masks + i + 1), letters, longer;

        words[i + 2] = next;
        scanner->telling[i] = 0;
        if (names) {
            guint64 next_letters = next & ~masks[i + 1][CLASS_DIGIT];

            letters = words[i + 1] & ~masks[i][CLASS_DIGIT];
            dots &= letters >> 1 | next_letters << 63;
            longer = dots & (words[i + 1] >> 2 | next << 62);
            if (window->base == 0 && i == 0)
                longer &= ~low_bits(SIEVE_BEFORE);
            scanner->telling[i] = dots & ~longer;
            to_named = list_places(to_named, longer, i * CLASS_BYTES, SIEVE_NAMES_AT_ONCE);
        }
        if (addresses) {
            guint64 three = three_dots(masks + i);

            if (needles->sieve.middles)
                to_numbered =
                    list_places(to_numbered, three, i * CLASS_BYTES, SIEVE_ADDRESSES_AT_ONCE);
            else
                scanner->telling[i] |= three;
        }
    }
    sieve_names(window, named, (guint)(to_named - named), words + 1);
    sieve_addresses(window, numbered, (guint)(to_numbered - numbered), masks);
}
