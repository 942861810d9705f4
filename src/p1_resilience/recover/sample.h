/*
 * sample.h: which files a drill restores: as many as the wanted confidence needs, drawn by dice
 * that nobody could know when the backup was made, and that anyone can throw again.
 */
#pragma once
#include "base/dice.h"

/*
 * How many of `population` files are to be restored so that damage to a `fraction` (0..1) of them
 * is met with `confidence` (0..1): ceil(ln(1 - confidence) / ln(1 - fraction)), at most all.
 */
guint64 sample_size(double confidence, double fraction, guint64 population);

/* SHA-256(root || id): the newest trusted root of the log and the id of the drill, as text. */
void sample_seed(const guint8 root[DICE_SEED], const char *id, guint8 seed[DICE_SEED]);

/*
 * Indices 0 .. population - 1 in a random order, one at a time: with numbers below what is left,
 * the drawn place changes with the last one (Fisher and Yates), remembered only where it moved.
 */
struct sample;
typedef struct sample sample_t;
struct sample *sample_new(const guint8 seed[DICE_SEED], guint64 population);
/* FALSE: all were drawn. */
gboolean sample_next(struct sample *sample, guint64 *index);
void sample_free(struct sample *sample);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sample_t, sample_free)
