/*
 * keyed.h: hashes of what strangers choose: with a secret seed, so that nobody can make a table
 * slow by sending what falls together.
 */
#pragma once
#include <glib.h>
#include <sodium.h>
#include <string.h>

struct keyed {
    guint8 seed[crypto_shorthash_KEYBYTES];
};

static inline void keyed_init(struct keyed *keyed)
{
    randombytes_buf(keyed->seed, sizeof keyed->seed);
}

static inline guint keyed_hash(const struct keyed *keyed, gconstpointer bytes, gsize length)
{
    guint8 hash[crypto_shorthash_BYTES];
    guint number;

    crypto_shorthash(hash, bytes, length, keyed->seed);
    memcpy(&number, hash, sizeof number);
    return number;
}
