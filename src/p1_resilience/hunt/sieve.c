#include "p1_resilience/hunt/sieve.h"

#include <stdio.h>
#include <string.h>

#define ENDINGS_PER_WORD 2 /* so that two bits of 64 are set by chance for one in 250 */
#define WORDS_MIN 64
#define MIDDLES_MAX (HUNT_KEY_MIDDLES_WORDS * 64 / 4) /* pairs of octets */

static gboolean is_word(guint8 byte)
{
    return g_ascii_isalnum(byte) || byte == '_';
}

enum sieve_name sieve_name(const guint8 *name, gsize length, guint64 *ending)
{
    const guint8 *dot = memrchr(name, '.', length), *last = dot ? dot + 1 : NULL;
    const guint8 *end = name + length;
    guint64 before = 0;
    guint run = 0;

    if (!dot) /* it matches nothing */
        return SIEVE_NAME_PASSES;
    if (last == end || !is_word(*last) || g_ascii_isdigit(*last))
        return SIEVE_NAME_REFUSES;
    if (last + 1 == end || !is_word(last[1]))
        return SIEVE_NAME_PASSES;
    while (run < HUNT_KEY_ENDING_BYTES && dot - run > name && is_word(dot[-1 - (gssize)run]))
        run++;
    for (guint i = 1; i <= run; i++)
        before |= (guint64)dot[-(gssize)i] << (64 - 8 * i);
    *ending = hunt_key_ending(before, run, (guint16)(last[0] | last[1] << 8));
    return SIEVE_NAME_HAS_ENDING;
}

gsize sieve_words(gsize count)
{
    gsize words = WORDS_MIN;

    while (words < count / ENDINGS_PER_WORD)
        words *= 2;
    return words;
}

void sieve_set_ending(guint64 *endings, gsize words, guint64 ending)
{
    endings[hunt_key_filter_word(ending, words)] |=
        (guint64)1 << (ending & 63) | (guint64)1 << (ending >> 6 & 63);
}

gboolean sieve_middles(const guint64 *networks, guint64 *middles)
{
    guint64 pairs[HUNT_KEY_MIDDLES_WORDS] = { 0 };
    guint count = 0;

    memset(middles, 0, HUNT_KEY_MIDDLES_WORDS * sizeof *middles);
    for (guint i = 0; i < HUNT_KEY_NETWORKS_BITS / 64; i++)
        pairs[i % HUNT_KEY_MIDDLES_WORDS] |= networks[i];
    for (guint pair = 0; pair < HUNT_KEY_MIDDLES_WORDS * 64; pair++) {
        char text[sizeof "255.255"];
        guint64 octets = 0;
        guint middle, length;

        if (!(pairs[pair / 64] >> pair % 64 & 1))
            continue;
        if (++count > MIDDLES_MAX)
            return FALSE;
        length = (guint)g_snprintf(text, sizeof text, "%u.%u", pair >> 8, pair & 255);
        memcpy(&octets, text, MIN(length, sizeof text - 1));
        middle = hunt_key_middle(GUINT64_FROM_LE(octets));
        middles[middle / 64] |= (guint64)1 << middle % 64;
    }
    return TRUE;
}
