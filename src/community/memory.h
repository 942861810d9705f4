/*
 * memory.h: what this machine has seen of its community and never forgets: the largest checkpoint
 * it verified, receipts that are due, evidence. DATA/community/memory.db.
 */
#pragma once
#include "log/checkpoint.h"
#include "log/receipt.h"

struct memory;
struct memory *memory_open(const char *path, GError **error);
void memory_close(struct memory *memory);
typedef struct memory memory_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(memory_t, memory_close)

/* Small texts: "url". NULL when it was never set. */
char *memory_setting(struct memory *memory, const char *key, GError **error);
gboolean memory_set(struct memory *memory, const char *key, const char *value, GError **error);

/* The largest verified checkpoint. */
struct remembered {
    GBytes *note; /* NULL: none yet */
    guint64 size;
    struct merkle_hash root;
    gboolean trusted;   /* a quorum had cosigned it */
    gint64 verified_us; /* when */
};
void remembered_clear(struct remembered *remembered);
typedef struct remembered remembered_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(remembered_t, remembered_clear)

gboolean memory_largest(struct memory *memory, struct remembered *remembered, GError **error);
/* Compared and set in one step: a smaller one than what is there changes nothing. */
gboolean memory_remember(struct memory *memory, const struct checkpoint *checkpoint, GBytes *note,
                         gboolean trusted, gint64 now_us, GError **error);

/* Receipts. A refusal is not kept. */
struct kept_receipt {
    struct merkle_hash leaf;
    GBytes *envelope, *entry; /* JSON */
    gint64 due_us;
    enum receipt_verdict verdict; /* RECEIPT_PENDING: not judged yet */
};
gboolean memory_keep_receipt(struct memory *memory, const struct receipt *receipt, GBytes *envelope,
                             GBytes *entry, GError **error);
/* (struct kept_receipt *), oldest first; `only_pending`: those not judged yet. */
GPtrArray *memory_receipts(struct memory *memory, gboolean only_pending, GError **error);
gboolean memory_judge_receipt(struct memory *memory, const struct merkle_hash *leaf,
                              enum receipt_verdict verdict, GError **error);
