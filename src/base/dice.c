#include "base/dice.h"

#include <sodium.h>
#include <string.h>

#define NUMBERS_A_BLOCK (DICE_SEED / sizeof(guint64))

void dice_init(struct dice *dice, const guint8 seed[DICE_SEED])
{
    memset(dice, 0, sizeof *dice);
    memcpy(dice->seed, seed, DICE_SEED);
    dice->used = NUMBERS_A_BLOCK;
}

guint64 dice_next(struct dice *dice)
{
    guint64 number;

    if (dice->used == NUMBERS_A_BLOCK) {
        crypto_hash_sha256_state state;
        guint64 counter = GUINT64_TO_BE(dice->blocks++);

        crypto_hash_sha256_init(&state);
        crypto_hash_sha256_update(&state, dice->seed, sizeof dice->seed);
        crypto_hash_sha256_update(&state, (const guint8 *)&counter, sizeof counter);
        crypto_hash_sha256_final(&state, dice->block);
        dice->used = 0;
    }
    memcpy(&number, dice->block + dice->used++ * sizeof number, sizeof number);
    return GUINT64_FROM_BE(number);
}

guint64 dice_below(struct dice *dice, guint64 bound)
{
    /* 2^64 modulo bound numbers at the top would make the small ones likelier. */
    guint64 excess = (G_MAXUINT64 % bound + 1) % bound, number;

    do
        number = dice_next(dice);
    while (excess && number > G_MAXUINT64 - excess);
    return number % bound;
}
