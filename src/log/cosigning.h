/*
 * cosigning.h: what a log says to a witness and what it hears (C2SP tlog-witness, add-checkpoint).
 *
 *     "old " SIZE LF  (base64(HASH) LF)*  LF  NOTE          the request
 */
#pragma once
#include "log/checkpoint.h"
#include "net/http.h"

#define COSIGNING_ANSWER_LIMIT (64u << 10) /* bytes of a witness' answer */

/* The body of a request. */
GBytes *cosigning_request(guint64 old_size, const struct merkle_hash *path, guint length,
                          GBytes *note);

enum cosigning_outcome {
    COSIGNING_GOOD,         /* 200 with this witness' cosignature */
    COSIGNING_OTHER_SIZE,   /* 409: it last cosigned `size`: ask again from there */
    COSIGNING_CONFLICT,     /* 409 without a size, 422: it holds another history */
    COSIGNING_NOT_ACCEPTED, /* 403, 404: it does not know this log or its key */
    COSIGNING_BROKEN,       /* an answer that is none: other statuses, a false cosignature */
};
const char *cosigning_outcome_name(enum cosigning_outcome outcome);

struct cosigning_answer {
    enum cosigning_outcome outcome;
    guint64 size;   /* COSIGNING_OTHER_SIZE */
    char *line;     /* COSIGNING_GOOD: "— NAME base64 LF", verified */
    guint64 time_s; /* of the cosignature */
    char *message;  /* for the others, for people */
};
void cosigning_answer_clear(struct cosigning_answer *answer);

/*
 * Judges the answer to a request for `text` (the checkpoint's). Lines of other keys are left
 * out; the line of `witness` must verify.
 */
void cosigning_read(const struct http_answer *http, GBytes *text, const struct note_key *witness,
                    struct cosigning_answer *answer);
