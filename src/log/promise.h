/*
 * promise.h: what a log promised a submitter: a receipt or a refusal (receipt:1), signed by the
 * log's key.
 */
#pragma once
#include "base/json.h"
#include "statement/merkle.h"
#include "statement/note.h"

#define PROMISE_LIMIT (64u << 10) /* bytes of an envelope */

enum promise_status { PROMISE_INCLUDED, PROMISE_ACCEPTED, PROMISE_REFUSED };

struct promise {
    enum promise_status status;
    struct merkle_hash leaf; /* of the entry */
    guint64 index;           /* PROMISE_INCLUDED */
    gint64 time_us;          /* the log's clock */
    gint64 by_us;            /* PROMISE_ACCEPTED: included by then */
    char *reason;            /* PROMISE_REFUSED */
};
void promise_clear(struct promise *promise);

/*
 * Reads and verifies a receipt of the log `origin`, by one of `log_keys` (struct note_key *).
 * ENTENTE_ERROR_INPUT: malformed; _FOUND: not signed by the log, or for another log.
 */
gboolean promise_read(const json_t *envelope, const char *origin, const GPtrArray *log_keys,
                      struct promise *promise, GError **error);
