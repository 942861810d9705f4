/*
 * forked_log.h: two histories of one log, both signed by its key: the same up to FORK_AT entries,
 * different behind. What a witness must never cosign both of.
 */
#pragma once
#include "log/checkpoint.h"
#include "log/tree.h"

#include <string.h>

#define FORK_AT 3u
#define FORKED_LEAVES 256u
#define FORKED_ORIGIN "log.example/forked"

struct forked_log {
    struct merkle *merkle;
    struct merkle_hash leaves[FORKED_LEAVES];
    struct signing_key *key;
};
typedef struct forked_log forked_log_t;

static inline struct forked_log *forked_log_new(guint fork)
{
    static const guint8 seed[KEY_SEED_SIZE] = { 17 };
    struct forked_log *log = g_new0(struct forked_log, 1);

    log->merkle = merkle_new();
    log->key = signing_key_from_seed(FORKED_ORIGIN, seed, NULL);
    for (guint i = 0; i < FORKED_LEAVES; i++) {
        const guint entry[] = { i, i < FORK_AT ? 0 : fork };

        log->leaves[i] = merkle_leaf(log->merkle, entry, sizeof entry);
    }
    return log;
}

static inline void forked_log_free(struct forked_log *log)
{
    merkle_free(log->merkle);
    signing_key_free(log->key);
    g_free(log);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(forked_log_t, forked_log_free)

static inline struct note_key *forked_log_key(const struct forked_log *log)
{
    return note_key_new(NOTE_KEY_ED25519, log->key->public);
}

static inline struct merkle_hash forked_log_root(const struct forked_log *log, guint64 size)
{
    return merkle_root(log->merkle, log->leaves, size);
}

static inline gboolean forked_log_node(gpointer data, guint level, guint64 index,
                                       struct merkle_hash *hash, GError **error)
{
    struct forked_log *log = data;

    (void)error;
    *hash = merkle_root(log->merkle, log->leaves + (index << level), (gsize)1 << level);
    return TRUE;
}

/* The body of an add-checkpoint request from `old_size` to `size`. */
static inline char *forked_log_request(struct forked_log *log, guint64 old_size, guint64 size)
{
    const struct merkle_hash root = forked_log_root(log, size);
    g_autoptr(GBytes) note = checkpoint_sign(log->key, size, &root);
    struct merkle_hash path[MERKLE_PATH_LIMIT];
    GString *body = g_string_new(NULL);
    guint length = 0;

    if (old_size <= size)
        tree_consistency(log->merkle, old_size, size, forked_log_node, log, path, &length, NULL);
    g_string_printf(body, "old %" G_GUINT64_FORMAT "\n", old_size);
    for (guint i = 0; i < length; i++) {
        g_autofree char *base64 = g_base64_encode(path[i].bytes, MERKLE_HASH_SIZE);

        g_string_append_printf(body, "%s\n", base64);
    }
    g_string_append_c(body, '\n');
    g_string_append_len(body, g_bytes_get_data(note, NULL), (gssize)g_bytes_get_size(note));
    return g_string_free(body, FALSE);
}
