/*
 * sieve.h: what a scanner passes over, made of the keys it looks for.
 *
 * Most dots of a log belong to no key, and a few bytes around them tell so: the last dot of a name
 * by the end of the label before it and the beginning of the one behind it; an IPv4 address by its
 * second and third octet. A sieve lets every dot through that a key may have, and a few others.
 */
#pragma once
#include "p1_resilience/hunt/hunt_key.h"

/* What is known of a name. */
enum sieve_name {
    SIEVE_NAME_HAS_ENDING, /* to be set in the endings */
    SIEVE_NAME_PASSES,     /* the scanner looks at all that are like it */
    SIEVE_NAME_REFUSES,    /* it keeps a sieve from being used */
};

/* `name` is in lower case, as in its key; sets `ending` to the hash of its ending. */
enum sieve_name sieve_name(const guint8 *name, gsize length, guint64 *ending);

/* The number of words, a power of two, for `count` endings. */
gsize sieve_words(gsize count);

void sieve_set_ending(guint64 *endings, gsize words, guint64 ending);

/*
 * Fills HUNT_KEY_MIDDLES_WORDS words at `middles` from the bitmap of /24 networks. FALSE: so much
 * is set that asking them is not worth it.
 */
gboolean sieve_middles(const guint64 *networks, guint64 *middles);
