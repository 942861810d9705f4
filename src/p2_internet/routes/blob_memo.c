#include "p2_internet/routes/blob_memo.h"

#include <string.h>

#define WAYS 2u

struct slot {
    guint64 hash; /* 0: nothing is kept */
    guint8 *key;
    guint32 length, room, salt;
};

struct blob_memo {
    guint bits;
    gsize value_size;
    void (*clear)(gpointer value);
    struct slot *slots; /* WAYS after one another; behind them one for what is not kept */
    guint8 *values;
    guint8 *older; /* by set: the way to give up next */
    GArray *used;  /* gsize: slots with a key; what was never used is never touched */
};

struct blob_memo *blob_memo_new(guint bits, gsize value_size, void (*clear)(gpointer value))
{
    struct blob_memo *memo = g_new0(struct blob_memo, 1);
    gsize slots = ((gsize)1 << bits) + 1;

    g_assert(bits >= 1);
    memo->bits = bits - 1;
    memo->value_size = (value_size + 15) & ~(gsize)15;
    memo->clear = clear;
    memo->slots = g_new0(struct slot, slots);
    memo->values = g_malloc0_n(slots, memo->value_size);
    memo->older = g_malloc0((gsize)1 << memo->bits);
    memo->used = g_array_new(FALSE, FALSE, sizeof(gsize));
    return memo;
}

static gpointer value_at(const struct blob_memo *memo, gsize slot)
{
    return memo->values + slot * memo->value_size;
}

void blob_memo_free(struct blob_memo *memo)
{
    gsize unkept;

    if (!memo)
        return;
    unkept = (gsize)WAYS << memo->bits;
    g_array_append_val(memo->used, unkept);
    for (guint i = 0; i < memo->used->len; i++) {
        gsize slot = g_array_index(memo->used, gsize, i);

        g_free(memo->slots[slot].key);
        if (memo->clear)
            memo->clear(value_at(memo, slot));
    }
    g_array_unref(memo->used);
    g_free(memo->slots);
    g_free(memo->values);
    g_free(memo->older);
    g_free(memo);
}

/* Multiplies and folds, eight bytes at a time. Who makes it collide makes us slow, not wrong. */
static guint64 hash_of(const guint8 *bytes, gsize length, guint32 salt)
{
    const guint64 factor = G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);
    guint64 hash = (salt + 1) * factor ^ length, word;

    for (; length >= 8; bytes += 8, length -= 8) {
        memcpy(&word, bytes, 8);
        hash = (hash ^ word) * factor;
        hash ^= hash >> 29;
    }
    word = 0;
    memcpy(&word, bytes, length);
    hash = (hash ^ word) * factor;
    hash ^= hash >> 32;
    return hash | 1;
}

static gboolean is_of(const struct slot *slot, guint64 hash, const guint8 *bytes, gsize length,
                      guint32 salt)
{
    return slot->hash == hash && slot->length == length && slot->salt == salt &&
           memcmp(slot->key, bytes, length) == 0;
}

gpointer blob_memo_get(struct blob_memo *memo, const guint8 *bytes, gsize length, guint32 salt,
                       const guint8 **kept, gboolean *is_new)
{
    guint64 hash;
    gsize set, first;
    struct slot *slot;
    guint way;

    if (length > BLOB_MEMO_KEY_MAX || !length) {
        *kept = bytes;
        *is_new = TRUE;
        return value_at(memo, (gsize)WAYS << memo->bits);
    }
    hash = hash_of(bytes, length, salt);
    set = (hash >> 8) & (((gsize)1 << memo->bits) - 1);
    first = set * WAYS;
    for (way = 0; way < WAYS; way++) {
        slot = &memo->slots[first + way];
        if (is_of(slot, hash, bytes, length, salt)) {
            memo->older[set] = (guint8)(1 - way);
            *kept = slot->key;
            *is_new = FALSE;
            return value_at(memo, first + way);
        }
    }
    way = memo->older[set];
    memo->older[set] = (guint8)(1 - way);
    slot = &memo->slots[first + way];
    if (!slot->key) {
        gsize index = first + way;

        g_array_append_val(memo->used, index);
    }
    if (slot->room < length) {
        slot->room = (guint32)((length + 63) & ~(gsize)63);
        g_free(slot->key);
        slot->key = g_malloc(slot->room);
    }
    memcpy(slot->key, bytes, length);
    slot->hash = hash;
    slot->length = (guint32)length;
    slot->salt = salt;
    *kept = slot->key;
    *is_new = TRUE;
    return value_at(memo, first + way);
}
