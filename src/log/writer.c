#include "log/writer_private.h"

#include "base/clock.h"
#include "base/error.h"

#include <string.h>
#include <time.h>

#define TILE_BACKLOG (64u << 20) /* bytes of committed batches that may wait for their tiles */

static void batch_free(struct batch *batch)
{
    g_bytes_unref(batch->bytes);
    g_free(batch->leaves);
    g_free(batch);
}

void writer_fail(struct log_writer *writer, GError *error)
{
    pthread_mutex_lock(&writer->lock);
    if (writer->failure)
        g_error_free(error);
    else
        writer->failure = error;
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
}

gboolean writer_works(struct log_writer *writer, GError **error)
{
    gboolean works;

    pthread_mutex_lock(&writer->lock);
    works = !writer->failure;
    if (!works && error)
        *error = g_error_copy(writer->failure);
    pthread_mutex_unlock(&writer->lock);
    return works;
}

/* ---- the sequencer ---- */

/* A batch while it is put together. */
struct assembly {
    struct queued *submissions;
    guint count; /* submissions */
    guint64 *indexes;
    enum log_submitted *outcomes;
    GByteArray *record;
    struct merkle_hash *leaves; /* of the entries that are new */
    guint added;
    GHashTable *here; /* leaf -> index + 1 of this batch, for those not yet in the table */
};

static guint leaf_hash(gconstpointer key)
{
    guint hash;

    memcpy(&hash, key, sizeof hash);
    return hash;
}

static gboolean leaf_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, MERKLE_HASH_SIZE) == 0;
}

/* The leaf hash of a committed entry: in a batch that still waits, or in its tile. */
static gboolean committed_leaf(struct log_writer *writer, guint64 index, struct merkle_hash *leaf)
{
    struct tile_nodes nodes = { writer->tiles, writer->merkle };
    gboolean found = FALSE;

    pthread_mutex_lock(&writer->lock);
    for (GList *item = writer->batches.head; item && !found; item = item->next) {
        const struct batch *batch = item->data;

        found = index >= batch->first && index - batch->first < batch->count;
        if (found)
            *leaf = batch->leaves[index - batch->first];
    }
    pthread_mutex_unlock(&writer->lock);
    return found || tile_set_node(&nodes, 0, index, leaf, NULL);
}

static gboolean is_duplicate(struct log_writer *writer, const struct assembly *batch,
                             const struct merkle_hash *leaf, guint64 *index)
{
    const guint64 here = GPOINTER_TO_SIZE(g_hash_table_lookup(batch->here, leaf));
    struct merkle_hash other;
    guint64 cursor = 0;

    if (here) {
        *index = here - 1;
        return TRUE;
    }
    while (dedup_next(writer->dedup, leaf, &cursor, index))
        if (*index < writer->edge.size - batch->added && committed_leaf(writer, *index, &other) &&
            leaf_equal(leaf, &other))
            return TRUE;
    return FALSE;
}

/* Decides on each submission, and grows the tree by those that are new. */
static void assemble(struct log_writer *writer, struct assembly *batch)
{
    struct merkle_hash completed[TREE_LEVELS];

    for (guint i = 0; i < batch->count; i++) {
        const struct queued *submission = &batch->submissions[i];
        struct merkle_hash *leaf = &batch->leaves[batch->added];
        gsize length;
        const void *entry = g_bytes_get_data(submission->entry, &length);

        batch->outcomes[i] = LOG_REFUSED;
        if (submission->refusal)
            continue;
        batch->outcomes[i] = LOG_DUPLICATE;
        if (writer->dedup && is_duplicate(writer, batch, &submission->leaf, &batch->indexes[i]))
            continue;
        batch->outcomes[i] = LOG_ADDED;
        batch->indexes[i] = writer->edge.size;
        *leaf = submission->leaf;
        bundle_append(batch->record, entry, length);
        tree_append(&writer->edge, writer->merkle, leaf, completed);
        if (writer->dedup)
            g_hash_table_insert(batch->here, leaf, GSIZE_TO_POINTER(batch->indexes[i] + 1));
        batch->added++;
    }
}

/* The next WAL file, when the present one is full and what the other held is in synced tiles. */
static gboolean change_file(struct log_writer *writer, gsize length, GError **error)
{
    const struct commit_log_calls *calls = writer->commits->calls;
    struct merkle_hash root;
    guint64 size;

    if (!calls->is_full(writer->commits))
        return TRUE;
    pthread_mutex_lock(&writer->lock);
    while (!calls->is_marked(writer->commits) && calls->must_wait(writer->commits, length) &&
           !writer->failure)
        pthread_cond_wait(&writer->changed, &writer->lock);
    size = writer->size;
    root = writer->root;
    pthread_mutex_unlock(&writer->lock);
    if (!writer_works(writer, error))
        return FALSE;
    if (!calls->is_marked(writer->commits))
        return TRUE;
    if (!calls->begin(writer->commits, size, &root, FALSE, error))
        return FALSE;
    pthread_mutex_lock(&writer->lock);
    writer->sync_wanted = TRUE;
    writer->sync_size = size;
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
    return TRUE;
}

/* Makes the batch durable, tells waiters, and hands it to the tile thread. */
static gboolean commit(struct log_writer *writer, struct assembly *assembly, GError **error)
{
    const guint64 first = writer->edge.size - assembly->added;
    const struct merkle_hash root = tree_root(&writer->edge, writer->merkle);
    const gsize length = wal_record_length(assembly->record);
    gint64 before, took;
    struct batch *batch;

    if (!writer_works(writer, error) || !change_file(writer, length, error))
        return FALSE;
    before = g_get_monotonic_time();
    if (!writer->commits->calls->append(writer->commits, assembly->record, first, assembly->added,
                                        &root, error))
        return FALSE;
    took = g_get_monotonic_time() - before;
    for (guint i = 0; writer->dedup && i < assembly->added; i++)
        dedup_add(writer->dedup, &assembly->leaves[i], first + i);
    batch = g_new0(struct batch, 1);
    batch->bytes = g_byte_array_free_to_bytes(g_steal_pointer(&assembly->record));
    batch->length = length;
    batch->first = first;
    batch->count = assembly->added;
    batch->leaves = g_memdup2(assembly->leaves, assembly->added * sizeof *assembly->leaves);

    pthread_mutex_lock(&writer->lock);
    while (writer->batch_bytes > TILE_BACKLOG && !writer->failure)
        pthread_cond_wait(&writer->changed, &writer->lock);
    g_queue_push_tail(&writer->batches, batch);
    writer->batch_bytes += g_bytes_get_size(batch->bytes);
    writer->size = writer->edge.size;
    writer->root = root;
    writer->numbers.batches++;
    writer->numbers.last_sync_us = took;
    writer->numbers.sync_us_total += took;
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
    return TRUE;
}

/* What `check` refused is refused; of the rest nothing is known when the writer stopped. */
static void judge_outcomes(struct log_writer *writer, struct assembly *batch, gboolean committed)
{
    guint refused = 0, duplicates = 0;

    for (guint i = 0; i < batch->count; i++) {
        if (!committed && !batch->submissions[i].refusal)
            batch->outcomes[i] = LOG_FAILED;
        refused += batch->outcomes[i] == LOG_REFUSED;
        duplicates += batch->outcomes[i] == LOG_DUPLICATE;
    }
    pthread_mutex_lock(&writer->lock);
    writer->numbers.refused += refused;
    writer->numbers.duplicates += duplicates;
    pthread_mutex_unlock(&writer->lock);
}

static void answer(struct log_writer *writer, struct assembly *batch, gboolean committed)
{
    g_autoptr(GError) failure = NULL;

    if (!committed)
        writer_works(writer, &failure);
    judge_outcomes(writer, batch, committed);
    for (guint i = 0; i < batch->count; i++) {
        struct queued *submission = &batch->submissions[i];

        if (submission->done)
            submission->done(batch->outcomes[i], batch->indexes[i],
                             submission->refusal ? submission->refusal : failure, submission->data);
        queued_clear(submission);
    }
}

/* After a failure nothing is assembled any more: the edge may be ahead of the WAL. */
static void take_batch(struct log_writer *writer, struct assembly *batch)
{
    gboolean committed = writer_works(writer, NULL);
    GError *error = NULL;

    batch->added = 0;
    batch->record = wal_record_new(0);
    g_hash_table_remove_all(batch->here);
    memset(batch->outcomes, 0, batch->count * sizeof *batch->outcomes);
    for (guint i = 0; i < batch->count; i++)
        if (batch->submissions[i].refusal)
            batch->outcomes[i] = LOG_REFUSED;
    if (committed) {
        assemble(writer, batch);
        if (batch->added && !commit(writer, batch, &error)) {
            writer_fail(writer, error);
            committed = FALSE;
        }
    }
    g_clear_pointer(&batch->record, g_byte_array_unref);
    answer(writer, batch, committed);
}

static void *run_sequencer(void *data)
{
    struct log_writer *writer = data;
    const guint most = writer->options.batch;
    struct assembly batch = {
        .submissions = g_new(struct queued, most),
        .indexes = g_new0(guint64, most),
        .outcomes = g_new0(enum log_submitted, most),
        .leaves = g_new(struct merkle_hash, most),
        .here = g_hash_table_new(leaf_hash, leaf_equal),
    };

    while ((batch.count = log_queue_take(writer->queue, most, WAL_PAYLOAD_LIMIT,
                                         writer->options.delay_ms, batch.submissions)))
        take_batch(writer, &batch);
    g_hash_table_unref(batch.here);
    g_free(batch.submissions);
    g_free(batch.indexes);
    g_free(batch.outcomes);
    g_free(batch.leaves);
    return NULL;
}

/* ---- tiles behind the WAL ---- */

static gboolean write_tiles(struct log_writer *writer, const struct batch *batch, GError **error)
{
    g_autoptr(GBytes) bundle = wal_record_bundle(batch->bytes, batch->length);
    g_autoptr(GPtrArray) entries = bundle_split(bundle, batch->count, error);

    return entries && tile_set_append(writer->tiles, batch->leaves, entries, error);
}

static void *run_tiler(void *data)
{
    struct log_writer *writer = data;

    pthread_mutex_lock(&writer->lock);
    for (;;) {
        struct batch *batch;
        GError *error = NULL;

        while (!writer->batches.head && !writer->ending && !writer->failure)
            pthread_cond_wait(&writer->changed, &writer->lock);
        batch = g_queue_peek_head(&writer->batches);
        if (!batch || writer->failure)
            break;
        pthread_mutex_unlock(&writer->lock);
        if (!write_tiles(writer, batch, &error))
            writer_fail(writer, error);
        pthread_mutex_lock(&writer->lock);
        if (writer->failure)
            break;
        g_queue_pop_head(&writer->batches);
        writer->batch_bytes -= g_bytes_get_size(batch->bytes);
        writer->tiled = batch->first + batch->count;
        batch_free(batch);
        pthread_cond_broadcast(&writer->changed);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

/* Locked; waits until the tiles of `size` are written. */
static gboolean wait_for_tiles(struct log_writer *writer, guint64 size)
{
    while (writer->tiled < size && !writer->failure)
        pthread_cond_wait(&writer->changed, &writer->lock);
    return !writer->failure;
}

/* The start of the present WAL file: all below it goes into synced tiles. */
static gboolean sync_up_to(struct log_writer *writer, guint64 size, GError **error)
{
    return tile_set_write_partial(writer->tiles, size, error) &&
           tile_set_sync(writer->tiles, error) &&
           (!writer->dedup || dedup_sync(writer->dedup, size, error)) &&
           writer->commits->calls->mark(writer->commits, error);
}

static void *run_syncer(void *data)
{
    struct log_writer *writer = data;

    pthread_mutex_lock(&writer->lock);
    for (;;) {
        GError *error = NULL;
        guint64 size;

        while (!writer->sync_wanted && !writer->ending && !writer->failure)
            pthread_cond_wait(&writer->changed, &writer->lock);
        if (!writer->sync_wanted || !wait_for_tiles(writer, writer->sync_size))
            break;
        size = writer->sync_size;
        pthread_mutex_unlock(&writer->lock);
        if (!sync_up_to(writer, size, &error))
            writer_fail(writer, error);
        pthread_mutex_lock(&writer->lock);
        writer->sync_wanted = FALSE;
        pthread_cond_broadcast(&writer->changed);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

/* ---- start and end ---- */

static void start_thread(pthread_t *thread, void *(*run)(void *), struct log_writer *writer)
{
    if (pthread_create(thread, NULL, run, writer) != 0)
        g_error("no thread for the log's writer");
}

void writer_start(struct log_writer *writer)
{
    writer->queue = log_queue_new(&writer->options);
    start_thread(&writer->tiler, run_tiler, writer);
    start_thread(&writer->syncer, run_syncer, writer);
    start_thread(&writer->sequencer, run_sequencer, writer);
    writer->is_running = TRUE;
}

gboolean writer_stop(struct log_writer *writer)
{
    if (writer->is_running) {
        log_queue_close(writer->queue);
        pthread_join(writer->sequencer, NULL);
        pthread_mutex_lock(&writer->lock);
        writer->ending = TRUE;
        pthread_cond_broadcast(&writer->changed);
        pthread_mutex_unlock(&writer->lock);
        pthread_join(writer->tiler, NULL);
        pthread_join(writer->syncer, NULL);
        writer->is_running = FALSE;
    }
    g_queue_clear_full(&writer->batches, (GDestroyNotify)batch_free);
    return !writer->failure;
}

/* ---- submitting and asking ---- */

gboolean log_writer_submit(struct log_writer *writer, GBytes *entry, log_submitted_fn done,
                           gpointer data)
{
    return log_queue_push(writer->queue, entry, done, data);
}

/* Who waits in log_writer_add(). */
struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    gboolean is_answered;
    enum log_submitted outcome;
    guint64 index;
    GError *error;
};

static void wake(enum log_submitted outcome, guint64 index, const GError *error, gpointer data)
{
    struct waiting *waiting = data;

    pthread_mutex_lock(&waiting->lock);
    waiting->is_answered = TRUE;
    waiting->outcome = outcome;
    waiting->index = index;
    waiting->error = error ? g_error_copy(error) : NULL;
    pthread_cond_signal(&waiting->answered);
    pthread_mutex_unlock(&waiting->lock);
}

static gboolean judge_answer(const struct waiting *waiting, guint64 *index, GError **error)
{
    const char *why = waiting->error ? waiting->error->message : "unknown";

    *index = waiting->index;
    if (waiting->outcome == LOG_REFUSED)
        return policy_error(error, "the log refuses the entry: %s", why);
    return waiting->outcome != LOG_FAILED || system_error(error, "the log has stopped: %s", why);
}

gboolean log_writer_add(struct log_writer *writer, GBytes *entry, guint64 *index, GError **error)
{
    struct waiting waiting = { .lock = PTHREAD_MUTEX_INITIALIZER,
                               .answered = PTHREAD_COND_INITIALIZER };
    gboolean done;

    if (!log_writer_submit(writer, entry, wake, &waiting))
        return system_error(error, "the log's queue is full: try again later");
    pthread_mutex_lock(&waiting.lock);
    while (!waiting.is_answered)
        pthread_cond_wait(&waiting.answered, &waiting.lock);
    pthread_mutex_unlock(&waiting.lock);
    done = judge_answer(&waiting, index, error);
    g_clear_error(&waiting.error);
    pthread_cond_destroy(&waiting.answered);
    pthread_mutex_destroy(&waiting.lock);
    return done;
}

gboolean log_writer_works(struct log_writer *writer, GError **error)
{
    return writer_works(writer, error);
}

gboolean log_writer_wait(struct log_writer *writer, guint64 size, gint64 limit_us)
{
    struct timespec until;
    gboolean grown;
    gint64 end;

    clock_gettime(CLOCK_MONOTONIC, &until);
    end = until.tv_sec * G_USEC_PER_SEC + until.tv_nsec / 1000 + limit_us;
    until.tv_sec = end / G_USEC_PER_SEC;
    until.tv_nsec = end % G_USEC_PER_SEC * 1000;
    pthread_mutex_lock(&writer->lock);
    while (writer->size <= size && !writer->failure)
        if (pthread_cond_timedwait(&writer->changed, &writer->lock, &until) != 0)
            break;
    grown = writer->size > size;
    pthread_mutex_unlock(&writer->lock);
    return grown;
}

void log_writer_numbers(struct log_writer *writer, struct log_writer_numbers *numbers)
{
    guint64 published;

    pthread_mutex_lock(&writer->publish_lock);
    published = writer->published.size;
    pthread_mutex_unlock(&writer->publish_lock);
    pthread_mutex_lock(&writer->lock);
    *numbers = writer->numbers;
    numbers->size = writer->size;
    pthread_mutex_unlock(&writer->lock);
    numbers->published = published;
    numbers->queued = log_queue_length(writer->queue);
}
