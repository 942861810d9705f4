/*
 * worker.h: a forked, confined process that does one job and sends messages back.
 *
 * The worker inherits what the parent had in memory, so nothing has to be sent to it. Messages
 * come back over one pipe, framed as
 *
 *     "EW" | kind: u8 | 0: u8 | length: u32, native order | body
 *
 * with at most WORKER_MESSAGE_MAX bytes of body. A frame that is not so ends the worker: what was
 * received before stays good. The parent kills a worker that passes its deadline and reaps every
 * worker it started; a worker whose parent dies is killed by the kernel. All descriptors but the
 * pipe, the root and those it is to keep are closed in it; its standard streams are /dev/null; its
 * locale is "C", so that what it finds does not depend on who asked.
 *
 * Workers are forked, so they are started from a process with a single thread.
 */
#pragma once
#include "sandbox/confine.h"

#include <glib.h>

#define WORKER_MESSAGE_MAX (4u << 20)

struct worker_pipe; /* the worker's end */

/* The job; returning ends the worker well. */
typedef void (*worker_job)(struct worker_pipe *out, gpointer data);

/* In the worker. FALSE when the parent is gone or the message is too long: return from the job. */
gboolean worker_send(struct worker_pipe *out, guint8 kind, gconstpointer body, gsize length);

enum worker_end {
    WORKER_RUNS,
    WORKER_DONE,    /* the job returned */
    WORKER_CRASHED, /* a signal, a refused system call, an abort, a memory limit */
    WORKER_BABBLED, /* sent what is no frame */
    WORKER_TIMEOUT, /* passed its deadline or its CPU limit */
};

struct worker;

/*
 * Starts a worker. `root` as for confinement_enter(). `limits` may be NULL. `deadline_us` is on
 * the clock of g_get_monotonic_time().
 */
struct worker *worker_start(const struct confinement *confinement, int root,
                            const struct confine_limits *limits, gint64 deadline_us, worker_job job,
                            gpointer data, GError **error);

/*
 * The same, and the `count` descriptors `kept` stay open in it, under their numbers: what it reads
 * was opened by who may. Standard input (0) may be among them.
 */
struct worker *worker_start_keeping(const struct confinement *confinement, int root,
                                    const int *kept, guint count,
                                    const struct confine_limits *limits, gint64 deadline_us,
                                    worker_job job, gpointer data, GError **error);

/* Kills it if it still runs, reaps it, frees it. */
void worker_free(struct worker *worker);
typedef struct worker worker_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(worker_t, worker_free)

void worker_set_deadline(struct worker *worker, gint64 deadline_us);

/*
 * Waits until one of `workers` (NULL entries are skipped) has a message, has ended or has passed
 * its deadline; gives its index, or -1 when there is no worker. A worker past its deadline is
 * killed here. Messages are left to gather for `linger_us` first, unless a worker ends: waking up
 * once for many costs less.
 */
int worker_wait(struct worker *const *workers, guint count, guint linger_us);

/*
 * The next whole message, or NULL: then look at worker_end(). The bytes are borrowed until the
 * next call on this worker.
 */
const guint8 *worker_next(struct worker *worker, guint8 *kind, gsize *length);

/* How it ended (WORKER_RUNS: not yet); once it ended, no message comes any more. */
enum worker_end worker_end(const struct worker *worker);
/* What happened, for people: "signal 11 (Segmentation fault)"; NULL while it runs or when done. */
const char *worker_end_text(const struct worker *worker);

/*
 * Takes a message. FALSE: it is none that can be; or `error` is set, and says why nothing more is
 * wanted.
 */
typedef gboolean (*worker_take)(guint8 kind, const guint8 *body, gsize length, gpointer data,
                                GError **error);

/*
 * Hears a worker to its end, message by message. FALSE: `take` would not, and ENTENTE_ERROR_SYSTEM
 * or its own error says so; or the worker did not end well, ENTENTE_ERROR_SYSTEM. `name`, of whom
 * the worker reads, begins the message.
 */
gboolean worker_hear(struct worker *worker, const char *name, worker_take take, gpointer data,
                     GError **error);

/*
 * One job, one answer: the body of the first message, or NULL and ENTENTE_ERROR_SYSTEM after a
 * crash, `limit_us` microseconds, or silence. For parsers of foreign documents.
 */
GBytes *worker_call(const struct confinement *confinement, int root,
                    const struct confine_limits *limits, gint64 limit_us, worker_job job,
                    gpointer data, GError **error);
