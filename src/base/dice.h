/*
 * dice.h: a stream of numbers that anyone can repeat who knows its seed.
 *
 *     block i = SHA-256(seed || be64(i)), four numbers each, big-endian
 */
#pragma once
#include <glib.h>

#define DICE_SEED 32u /* bytes of a seed and of a block */

struct dice {
    guint8 seed[DICE_SEED];
    guint8 block[DICE_SEED];
    guint64 blocks;
    guint used; /* numbers taken of the block */
};

void dice_init(struct dice *dice, const guint8 seed[DICE_SEED]);
guint64 dice_next(struct dice *dice);

/* 0 .. bound - 1, each as likely; `bound` is at least 1. */
guint64 dice_below(struct dice *dice, guint64 bound);
