#include "p1_resilience/recover/sample.h"

#include <math.h>
#include <sodium.h>
#include <string.h>

struct sample {
    struct dice dice;
    guint64 left;
    GHashTable *moved; /* place to index, where they differ */
};

guint64 sample_size(double confidence, double fraction, guint64 population)
{
    double size;

    if (fraction <= 0 || confidence >= 1)
        return population;
    if (fraction >= 1 || confidence <= 0)
        return MIN(population, 1);
    size = ceil(log1p(-confidence) / log1p(-fraction));
    return size >= (double)population ? population : (guint64)size;
}

void sample_seed(const guint8 root[DICE_SEED], const char *id, guint8 seed[DICE_SEED])
{
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, root, DICE_SEED);
    crypto_hash_sha256_update(&state, (const guint8 *)id, strlen(id));
    crypto_hash_sha256_final(&state, seed);
}

struct sample *sample_new(const guint8 seed[DICE_SEED], guint64 population)
{
    struct sample *sample = g_new0(struct sample, 1);

    dice_init(&sample->dice, seed);
    sample->left = population;
    sample->moved = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    return sample;
}

static guint64 at_place(const struct sample *sample, guint64 place)
{
    const guint64 *index = g_hash_table_lookup(sample->moved, &place);

    return index ? *index : place;
}

gboolean sample_next(struct sample *sample, guint64 *index)
{
    guint64 place, last;

    if (sample->left == 0)
        return FALSE;
    place = dice_below(&sample->dice, sample->left);
    last = --sample->left;
    *index = at_place(sample, place);
    if (place != last) {
        guint64 moved = at_place(sample, last);

        g_hash_table_insert(sample->moved, g_memdup2(&place, sizeof place),
                            g_memdup2(&moved, sizeof moved));
    }
    g_hash_table_remove(sample->moved, &last);
    return TRUE;
}

void sample_free(struct sample *sample)
{
    if (!sample)
        return;
    g_hash_table_unref(sample->moved);
    g_free(sample);
}
