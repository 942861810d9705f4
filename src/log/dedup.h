/*
 * dedup.h: where an entry already is: leaf hash -> index.
 *
 * FOLDER/dedup is a table in a mapped file, open-addressed, at most half full:
 *
 *     page 0      magic, log2 of the slots, salt, entries taken in and on disk
 *     slots       fragment of the leaf hash (8 bytes) || index + 1 (8 bytes); zero: free
 *
 * It is a hint: whoever asks compares the hash in the tile, so a wrong or old slot does no harm and
 * a lost one allows a duplicate. Where a hash goes is keyed by the salt, so that nobody can pile up
 * entries in one place. Not thread-safe, except that dedup_sync() may run beside the others.
 */
#pragma once
#include "statement/merkle.h"

struct dedup;
typedef struct dedup dedup_t;

/*
 * Opens the table, or makes an empty one when there is none, it is damaged, or it knows more
 * entries than `size`. `known`: all entries below it are in; the caller adds the others.
 */
struct dedup *dedup_open(const char *folder, guint64 size, guint64 *known, GError **error);
void dedup_free(struct dedup *dedup);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(dedup_t, dedup_free)

/* Goes through the indexes that may hold `leaf`; `cursor` begins at 0. FALSE: no more. */
gboolean dedup_next(const struct dedup *dedup, const struct merkle_hash *leaf, guint64 *cursor,
                    guint64 *index);

/* Adds; the table doubles when it is half full. When there is no space for that it stays as it is.
 */
void dedup_add(struct dedup *dedup, const struct merkle_hash *leaf, guint64 index);

/* Everything added so far reaches the disk; `size` entries are known from now on. */
gboolean dedup_sync(struct dedup *dedup, guint64 size, GError **error);
