#include "register/draw.h"

#include "base/dice.h"
#include "base/error.h"

#include <sodium.h>
#include <string.h>

#define FINDINGS_SEED "entente/review-draw/1\n"
#define REVIEWERS_SEED "entente/review-reviewer/1\n"

const char *const draw_class_names[DRAW_CLASSES] = { "critical", "high", "medium", "low", "info" };
static const guint64 class_weights[DRAW_CLASSES] = { 10, 5, 3, 1, 0 };

/* A stream of its own for each purpose. */
static void seed_dice(struct dice *dice, const char *text, const struct merkle_hash *checkpoint,
                      const struct merkle_hash *commitments)
{
    crypto_hash_sha256_state state;
    guint8 seed[DICE_SEED];

    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const guint8 *)text, strlen(text));
    crypto_hash_sha256_update(&state, checkpoint->bytes, MERKLE_HASH_SIZE);
    crypto_hash_sha256_update(&state, commitments->bytes, MERKLE_HASH_SIZE);
    crypto_hash_sha256_final(&state, seed);
    dice_init(dice, seed);
}

gboolean draw_order_read(const json_t *predicate, guint64 leaves, struct draw_order *order,
                         GError **error)
{
    const json_t *value = json_object_get(predicate, "order");
    guint64 sum;

    memset(order, 0, sizeof *order);
    if (!value) {
        order->counts[DRAW_MEDIUM] = leaves;
        return TRUE;
    }
    order->first = sum = (guint64)json_number(value, "first", G_MAXINT64);
    for (guint i = 0; i < DRAW_CLASSES && sum <= leaves; i++) {
        gint64 count = json_number(value, draw_class_names[i], 0);

        if (count < 0 || (guint64)count > leaves)
            return input_error(error, "the order of the findings is malformed");
        order->counts[i] = (guint64)count;
        sum += (guint64)count;
    }
    return sum == leaves ||
           input_error(error,
                       "the order of the findings does not add up to the %" G_GUINT64_FORMAT
                       " entries committed",
                       leaves);
}

enum draw_class draw_order_class(const struct draw_order *order, guint64 index)
{
    guint64 at = order->first;

    if (index < at)
        return DRAW_CLASSES;
    for (guint i = 0; i < DRAW_CLASSES; i++) {
        at += order->counts[i];
        if (index < at)
            return (enum draw_class)i;
    }
    return DRAW_CLASSES;
}

/* The leaf that is the `place`-th of [start, end) when those in `drawn` are passed over. */
static guint64 nth_left(const GArray *drawn, guint64 start, guint64 place)
{
    guint64 index = start + place;
    gboolean moved;

    /* Each one drawn at or below moves it up by one; few are drawn, so looking again is cheap. */
    do {
        guint64 below = 0;

        for (guint i = 0; i < drawn->len; i++) {
            guint64 other = g_array_index(drawn, guint64, i);

            below += other >= start && other <= index;
        }
        moved = index != start + place + below;
        index = start + place + below;
    } while (moved);
    return index;
}

GArray *draw_findings(const struct merkle_hash *checkpoint_root,
                      const struct commitment_root *commitments, const struct draw_order *order,
                      guint wanted)
{
    GArray *drawn = g_array_new(FALSE, FALSE, sizeof(guint64));
    guint64 left[DRAW_CLASSES];
    struct dice dice;

    memcpy(left, order->counts, sizeof left);
    seed_dice(&dice, FINDINGS_SEED, checkpoint_root, &commitments->hash);
    while (drawn->len < wanted) {
        guint64 weight = 0, start = order->first, number, index;
        gboolean only_info;
        guint rank = 0;

        for (guint i = 0; i < DRAW_CLASSES; i++)
            weight += left[i] * class_weights[i];
        only_info = weight == 0;
        if (only_info)
            weight = left[DRAW_INFO];
        if (weight == 0)
            break;
        number = dice_below(&dice, weight);
        for (;; rank++) {
            guint64 each = only_info ? rank == DRAW_INFO : class_weights[rank];

            if (number < left[rank] * each) {
                index = nth_left(drawn, start, number / each);
                break;
            }
            number -= left[rank] * each;
            start += order->counts[rank];
        }
        left[rank]--;
        g_array_append_val(drawn, index);
    }
    return drawn;
}

GArray *draw_reviewers(const struct merkle_hash *checkpoint_root,
                       const struct commitment_root *commitments, guint count, guint wanted)
{
    GArray *drawn = g_array_new(FALSE, FALSE, sizeof(guint));
    g_autoptr(GArray) left = g_array_new(FALSE, FALSE, sizeof(guint));
    struct dice dice;

    for (guint i = 0; i < count; i++)
        g_array_append_val(left, i);
    seed_dice(&dice, REVIEWERS_SEED, checkpoint_root, &commitments->hash);
    while (drawn->len < wanted && left->len) {
        guint place = (guint)dice_below(&dice, left->len);

        g_array_append_val(drawn, g_array_index(left, guint, place));
        g_array_remove_index(left, place);
    }
    return drawn;
}
