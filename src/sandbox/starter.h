/*
 * starter.h: confined workers for a process that has threads.
 *
 * Whoever has threads must not fork. A starter is a process forked while there was one thread; it
 * reads no foreign byte, and forks one worker (worker.h) for each call. What is asked and answered
 * goes over a socket of the call's own between the caller and the worker, so that calls of several
 * threads run side by side, and nothing of one call is there in the next:
 *
 *     length: u64, native order | bytes        the question; then the answer
 *
 * A worker that crashes, hangs or passes a limit is a failed call. The starter ends when the
 * process does that it starts for, whatever ended that. It ignores SIGTERM: what stops a service
 * is said to all of its processes, and answers may be owed still.
 */
#pragma once
#include "sandbox/confine.h"

#define STARTER_QUESTION_MAX (64u << 20) /* bytes */

/* In a worker: the answer; NULL ends the call without one. Owned by the caller. */
typedef GBytes *(*starter_job)(gconstpointer bytes, gsize length);

struct starter;
/*
 * While there is one thread. `jobs` (static) are those that calls name by their place. A worker
 * has `limit_us` for a call.
 */
struct starter *starter_new(const starter_job *jobs, guint count,
                            const struct confine_limits *limits, gint64 limit_us, GError **error);
void starter_free(struct starter *starter);
typedef struct starter starter_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(starter_t, starter_free)

/*
 * Thread-safe. NULL and ENTENTE_ERROR_SYSTEM: no answer came, or one of more than `most` bytes.
 * The answer comes from who has read foreign bytes: it is to be checked as they are.
 */
GBytes *starter_call(struct starter *starter, guint job, GBytes *question, gsize most,
                     GError **error);
