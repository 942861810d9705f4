/*
 * queue.h: submissions on their way to the writer: bounded, judged in parallel, taken in order.
 *
 * A ring of submissions with two cursors: workers take the next unjudged ones, a few at a time,
 * hash them and run `check`; the writer takes from the front what is judged. So entries keep the
 * order they came in.
 */
#pragma once
#include "log/writer.h"

struct queued {
    GBytes *entry;
    struct merkle_hash leaf;
    log_submitted_fn done;
    gpointer data;
    GError *refusal; /* `check` said no */
    gboolean judged;
};
void queued_clear(struct queued *submission);

struct log_queue;
typedef struct log_queue log_queue_t;

struct log_queue *log_queue_new(const struct log_writer_options *options);
/* Closes, waits for the workers. All submissions must have been taken. */
void log_queue_free(struct log_queue *queue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(log_queue_t, log_queue_free)

/* FALSE: full, or closed. */
gboolean log_queue_push(struct log_queue *queue, GBytes *entry, log_submitted_fn done,
                        gpointer data);

/*
 * Waits for at least one, and `delay_ms` for more; moves at most `most` submissions whose entries
 * take at most `bytes` in a bundle to `out`. 0: closed and empty.
 */
guint log_queue_take(struct log_queue *queue, guint most, gsize bytes, guint delay_ms,
                     struct queued *out);

/* Takes no more; what is in it can still be taken. */
void log_queue_close(struct log_queue *queue);
guint log_queue_length(struct log_queue *queue);
