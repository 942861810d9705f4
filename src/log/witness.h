/*
 * witness.h: cosigns checkpoints of configured logs, each only if it extends the last (C2SP
 * tlog-witness). The state is one durable row per origin, compared and swapped before a signature
 * leaves.
 */
#pragma once
#include "log/checkpoint.h"

#define WITNESS_REQUEST_LIMIT (64u << 10)

struct witness;

/* `key` borrowed; signs cosignature/v1. */
struct witness *witness_open(const char *path, const struct signing_key *key, GError **error);
void witness_close(struct witness *witness);
typedef struct witness witness_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(witness_t, witness_close)

/* Configures a log; `url` or NULL. A second key of the same origin is added. */
gboolean witness_add_log(struct witness *witness, const struct note_key *log, const char *url,
                         GError **error);

struct witness_answer {
    guint status;             /* HTTP: 200 400 403 404 409 422 500 */
    const char *content_type; /* static */
    GBytes *body;
};
void witness_answer_clear(struct witness_answer *answer);

/* POST add-checkpoint. Thread-safe. `now_s`: POSIX seconds. */
void witness_add_checkpoint(struct witness *witness, const void *body, gsize length, guint64 now_s,
                            struct witness_answer *answer);
/* GET HEX/checkpoint: the last cosigned note of the origin whose SHA-256 is `hex`; 404. */
void witness_latest(struct witness *witness, const char *hex, struct witness_answer *answer);

struct witness_log {
    char *origin, *url;
    guint64 size;
    struct merkle_hash root;
    gint64 cosigned_s; /* 0: never */
};
/* (struct witness_log *) */
GPtrArray *witness_list(struct witness *witness, GError **error);
