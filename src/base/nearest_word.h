/*
 * nearest_word.h: what somebody who mistyped a word meant, by Levenshtein distance.
 *
 * struct nearest_word nearest = { .word = "asess" };
 * nearest_word_try(&nearest, "assess"), ... then nearest.best, or NULL when nothing is near.
 */
#pragma once
#include <glib.h>

/* Both words are borrowed. */
struct nearest_word {
    const char *word, *best;
    guint distance; /* of `best` */
};

/* Keeps `known` when it is nearer than what was tried before. */
void nearest_word_try(struct nearest_word *nearest, const char *known);
