#include "log/queue.h"

#include "base/error.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#define CHUNK_LIMIT 32 /* submissions a worker takes at a time */
#define THREADS_LIMIT 64u
#define LENGTH_SIZE 2 /* be16 before each entry of a bundle */

struct log_queue {
    gboolean (*check)(GBytes *entry, gpointer data, GError **error);
    gpointer check_data;
    struct queued *ring;
    guint capacity;
    pthread_t threads[THREADS_LIMIT];
    guint thread_count, idle;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t to_judge, to_take;
    guint64 front, unjudged, back; /* counted from the beginning: slot = number % capacity */
    guint wanted;                  /* the writer waits for so many; 0: for the front */
    gboolean closed;
};

void queued_clear(struct queued *submission)
{
    g_bytes_unref(submission->entry);
    g_clear_error(&submission->refusal);
}

static struct queued *slot(struct log_queue *queue, guint64 number)
{
    return &queue->ring[number % queue->capacity];
}

static void judge(const struct log_queue *queue, struct merkle *merkle, struct queued *submission)
{
    gsize length;
    const void *entry = g_bytes_get_data(submission->entry, &length);

    if (!length || length > ENTRY_LIMIT) {
        input_error(&submission->refusal, "an entry has 1 to %u bytes", ENTRY_LIMIT);
        return;
    }
    submission->leaf = merkle_leaf(merkle, entry, length);
    if (queue->check && !queue->check(submission->entry, queue->check_data, &submission->refusal) &&
        !submission->refusal)
        policy_error(&submission->refusal, "refused");
}

/* A fair share of what waits: few at a time when few wait. */
static guint chunk_size(const struct log_queue *queue)
{
    const guint64 waiting = queue->back - queue->unjudged;

    return (guint)CLAMP(waiting / queue->thread_count, 1, CHUNK_LIMIT);
}

static void *work(void *data)
{
    struct log_queue *queue = data;
    g_autoptr(merkle_t) merkle = merkle_new();

    pthread_mutex_lock(&queue->lock);
    for (;;) {
        guint64 first;
        guint count;

        queue->idle++;
        while (queue->unjudged == queue->back && !queue->closed)
            pthread_cond_wait(&queue->to_judge, &queue->lock);
        queue->idle--;
        if (queue->unjudged == queue->back)
            break;
        count = chunk_size(queue);
        first = queue->unjudged;
        queue->unjudged += count;
        pthread_mutex_unlock(&queue->lock);
        for (guint i = 0; i < count; i++)
            judge(queue, merkle, slot(queue, first + i));
        pthread_mutex_lock(&queue->lock);
        for (guint i = 0; i < count; i++)
            slot(queue, first + i)->judged = TRUE;
        if (first == queue->front || (queue->wanted && queue->back - queue->front >= queue->wanted))
            pthread_cond_signal(&queue->to_take);
    }
    pthread_mutex_unlock(&queue->lock);
    return NULL;
}

struct log_queue *log_queue_new(const struct log_writer_options *options)
{
    struct log_queue *queue = g_new0(struct log_queue, 1);
    const guint threads = options->threads ? options->threads : g_get_num_processors();
    pthread_condattr_t attributes;

    queue->check = options->check;
    queue->check_data = options->check_data;
    queue->capacity = options->queue;
    queue->ring = g_new0(struct queued, queue->capacity);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->to_judge, &attributes);
    pthread_cond_init(&queue->to_take, &attributes);
    pthread_condattr_destroy(&attributes);
    queue->thread_count = MIN(threads, THREADS_LIMIT);
    for (guint i = 0; i < queue->thread_count; i++)
        if (pthread_create(&queue->threads[i], NULL, work, queue) != 0)
            g_error("no thread for the log's checks");
    return queue;
}

void log_queue_free(struct log_queue *queue)
{
    if (!queue)
        return;
    log_queue_close(queue);
    for (guint i = 0; i < queue->thread_count; i++)
        pthread_join(queue->threads[i], NULL);
    pthread_cond_destroy(&queue->to_judge);
    pthread_cond_destroy(&queue->to_take);
    pthread_mutex_destroy(&queue->lock);
    g_free(queue->ring);
    g_free(queue);
}

gboolean log_queue_push(struct log_queue *queue, GBytes *entry, log_submitted_fn done,
                        gpointer data)
{
    gboolean room;

    pthread_mutex_lock(&queue->lock);
    room = !queue->closed && queue->back - queue->front < queue->capacity;
    if (room) {
        *slot(queue, queue->back++) =
            (struct queued){ .entry = g_bytes_ref(entry), .done = done, .data = data };
        if (queue->idle)
            pthread_cond_signal(&queue->to_judge);
    }
    pthread_mutex_unlock(&queue->lock);
    return room;
}

/* How many at the front can be taken. Locked. */
static guint takeable(struct log_queue *queue, guint most, gsize bytes)
{
    guint count = 0;

    while (count < most && queue->front + count < queue->unjudged) {
        const struct queued *submission = slot(queue, queue->front + count);
        gsize length;

        if (!submission->judged)
            break;
        length = submission->refusal ? 0 : LENGTH_SIZE + g_bytes_get_size(submission->entry);
        if (length > bytes)
            break;
        bytes -= length;
        count++;
    }
    return count;
}

/* Waits until `most` wait, or the time is over. Locked. */
static void wait_for_more(struct log_queue *queue, guint most, guint delay_ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += delay_ms / 1000;
    until.tv_nsec += (long)(delay_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    queue->wanted = most;
    while (queue->back - queue->front < most && !queue->closed)
        if (pthread_cond_timedwait(&queue->to_take, &queue->lock, &until) != 0)
            break;
    queue->wanted = 0;
}

guint log_queue_take(struct log_queue *queue, guint most, gsize bytes, guint delay_ms,
                     struct queued *out)
{
    guint count;

    pthread_mutex_lock(&queue->lock);
    while (!(count = takeable(queue, most, bytes)) &&
           !(queue->closed && queue->front == queue->back))
        pthread_cond_wait(&queue->to_take, &queue->lock);
    if (count && count < most && delay_ms) {
        wait_for_more(queue, most, delay_ms);
        count = takeable(queue, most, bytes);
    }
    for (guint i = 0; i < count; i++) {
        out[i] = *slot(queue, queue->front);
        slot(queue, queue->front++)->judged = FALSE;
    }
    pthread_mutex_unlock(&queue->lock);
    return count;
}

void log_queue_close(struct log_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = TRUE;
    pthread_cond_broadcast(&queue->to_judge);
    pthread_cond_broadcast(&queue->to_take);
    pthread_mutex_unlock(&queue->lock);
}

guint log_queue_length(struct log_queue *queue)
{
    guint length;

    pthread_mutex_lock(&queue->lock);
    length = (guint)(queue->back - queue->front);
    pthread_mutex_unlock(&queue->lock);
    return length;
}
