/*
 * witness_request.h: the body of add-checkpoint (C2SP tlog-witness).
 *
 *     "old " SIZE LF, base64 hash LF (0 to 63 times), LF, checkpoint note
 */
#pragma once
#include "log/checkpoint.h"

struct witness_request {
    guint64 old_size;
    struct merkle_hash path[MERKLE_PATH_LIMIT];
    guint length;
    struct note *note;
    struct checkpoint *checkpoint;
};
typedef struct witness_request witness_request_t;

/* ENTENTE_ERROR_INPUT for any other body. */
struct witness_request *witness_request_parse(const void *body, gsize length, GError **error);
void witness_request_free(struct witness_request *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(witness_request_t, witness_request_free)
