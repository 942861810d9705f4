#include "base/nearest_word.h"

#include <string.h>

#define WORD_MAX 64     /* bytes of two words whose distance is taken */
#define DISTANCE_MAX 3u /* edits between a word and its suggestion */

/* Levenshtein distance, or WORD_MAX when a word is longer than that. */
static guint edits(const char *a, const char *b)
{
    gsize length_a = strlen(a), length_b = strlen(b);
    guint row[WORD_MAX + 1];

    if (length_a > WORD_MAX || length_b > WORD_MAX)
        return WORD_MAX;
    for (guint j = 0; j <= length_b; j++)
        row[j] = j;
    for (guint i = 1; i <= length_a; i++) {
        guint diagonal = row[0];

        row[0] = i;
        for (guint j = 1; j <= length_b; j++) {
            guint above = row[j];
            guint replaced = diagonal + (a[i - 1] != b[j - 1]);

            row[j] = MIN(replaced, MIN(above, row[j - 1]) + 1);
            diagonal = above;
        }
    }
    return row[length_b];
}

void nearest_word_try(struct nearest_word *nearest, const char *known)
{
    guint distance = edits(nearest->word, known);
    /* A short word has nothing near that shares no letter with it. */
    gboolean near = distance <= DISTANCE_MAX && distance < strlen(nearest->word);

    if (near && (!nearest->best || distance < nearest->distance)) {
        nearest->best = known;
        nearest->distance = distance;
    }
}
