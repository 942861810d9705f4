#include "p1_resilience/hunt/scan_pool.h"

#include "p1_resilience/hunt/hit_time.h"

#include <string.h>

struct pool {
    const struct hunt_needles *needles;
    const struct scan_pool_options *options;
    struct scan_source *source;
    GAsyncQueue *empty;      /* blocks to be filled */
    GAsyncQueue *full;       /* of the unpacking thread; NULL: scanners read for themselves */
    struct source_block end; /* behind the last in `full`: known by its capacity of 0 */
    GMutex reading;
    /* The order; under `ordering`. */
    GMutex ordering;
    struct source_block **done; /* by sequence modulo `blocks` */
    guint blocks;
    guint64 next;
    GHashTable *line_keys; /* of the line that goes on over blocks: GBytes -> whole */
    guint64 input_lines, input_bytes;
    gboolean stopped;
    scan_pool_take take;
    gpointer data;
    struct hunt_scan_counts counts;
};

/* What a scanning thread holds. */
struct seat {
    struct pool *pool;
    struct source_block *block;
    const guint8 *looked_at; /* the block's bytes, or the columns of them */
    struct hunt_scanner *scanner;
};

static void note_match(const struct hunt_match *match, gpointer data)
{
    struct seat *seat = data;
    const struct scan_pool_options *options = seat->pool->options;
    struct match_record record = {
        .line = match->line,
        .offset = seat->block->mark + match->offset * seat->block->unit,
        .hash = match->hash,
        .time_us = G_MININT64,
        .input = seat->block->input,
        .token_length = (guint32)match->token_length,
        .key_length = (guint32)match->key_length,
        .text_length = options->with_text ? (guint32)MIN(match->text_length, SCAN_TEXT_MAX) : 0,
        .view = (guint8)match->view,
        .whole = match->whole != FALSE,
        .repeated = match->repeated != FALSE,
    };
    /* The line as it is in the log, not as it was looked at. */
    const guint8 *text = seat->block->bytes + (match->text - seat->looked_at);

    if (options->with_time)
        record.time_us = hit_time((const char *)text, match->text_length);
    g_byte_array_append(seat->block->matches, (const guint8 *)&record, sizeof record);
    g_byte_array_append(seat->block->matches, match->token, record.token_length);
    g_byte_array_append(seat->block->matches, match->key, record.key_length);
    g_byte_array_append(seat->block->matches, text, record.text_length);
}

static gsize record_size(const struct match_record *record)
{
    return sizeof *record + record->token_length + record->key_length + record->text_length;
}

/*
 * Whether a key on the line that goes on over blocks is news: the rule of scan.c, over more than
 * one block. Notes it.
 */
static gboolean is_news(struct pool *pool, struct match_record *record, const guint8 *key)
{
    GBytes *bytes = g_bytes_new(key, record->key_length);
    gpointer whole;
    gboolean seen = g_hash_table_lookup_extended(pool->line_keys, bytes, NULL, &whole);

    if (seen && (whole || !record->whole)) {
        g_bytes_unref(bytes);
        return FALSE;
    }
    record->repeated = record->repeated || seen;
    g_hash_table_replace(pool->line_keys, bytes, GINT_TO_POINTER(record->whole));
    return TRUE;
}

/*
 * Numbers the lines of a block's matches, and takes out what its first line had before. Keys are
 * remembered of the line that goes on only.
 */
static void settle(struct pool *pool, struct source_block *block)
{
    gboolean goes_on = !block->is_last && block->length && block->bytes[block->length - 1] != '\n';
    gboolean on_first = block->continues; /* line_keys are of the first line */
    guint8 *from = block->matches->data, *to = from, *end = from + block->matches->len;

    if (!on_first)
        g_hash_table_remove_all(pool->line_keys);
    while (from < end) {
        struct match_record record;
        gsize size;

        memcpy(&record, from, sizeof record);
        size = record_size(&record);
        if (on_first && record.line > 1) {
            g_hash_table_remove_all(pool->line_keys);
            on_first = FALSE;
        }
        if (!(on_first || (goes_on && record.line == block->lines + 1)) ||
            is_news(pool, &record, from + sizeof record + record.token_length)) {
            record.goes_on = goes_on && record.line == block->lines + 1;
            record.line += pool->input_lines;
            memmove(to, from, size);
            memcpy(to, &record, sizeof record);
            to += size;
        }
        from += size;
    }
    if (on_first && block->lines > 0)
        g_hash_table_remove_all(pool->line_keys);
    g_byte_array_set_size(block->matches, (guint)(to - block->matches->data));
}

static void hand_over(struct pool *pool, struct source_block *block)
{
    struct input_record record = { .read = block->read, .input = block->input };

    settle(pool, block);
    pool->input_lines += block->lines;
    pool->input_bytes += block->length * block->unit;
    record.is_last = block->is_last != FALSE;
    memcpy(record.digest, block->digest, sizeof record.digest);
    record.bytes = pool->input_bytes;
    record.lines = pool->input_lines;
    if (block->is_last && block->length && block->bytes[block->length - 1] != '\n')
        record.lines++;
    record.problem_length = block->problem ? (guint32)strlen(block->problem) : 0;
    if (!pool->stopped && !pool->take(block->matches, &record, block->problem, pool->data))
        pool->stopped = TRUE;
    if (block->is_last)
        pool->input_lines = pool->input_bytes = 0;
}

/* Hands over all blocks whose turn it is. */
static void put_in_order(struct pool *pool, struct source_block *block)
{
    g_mutex_lock(&pool->ordering);
    pool->done[block->sequence % pool->blocks] = block;
    while ((block = pool->done[pool->next % pool->blocks]) != NULL) {
        pool->done[pool->next % pool->blocks] = NULL;
        pool->next++;
        hand_over(pool, block);
        g_async_queue_push(pool->empty, block);
    }
    g_mutex_unlock(&pool->ordering);
}

static gboolean is_stopped(struct pool *pool)
{
    gboolean stopped;

    g_mutex_lock(&pool->ordering);
    stopped = pool->stopped;
    g_mutex_unlock(&pool->ordering);
    return stopped;
}

/* A filled block, or NULL after the last. */
static struct source_block *next_block(struct pool *pool)
{
    struct source_block *block;
    gboolean more;

    if (pool->full) {
        block = g_async_queue_pop(pool->full);
        if (block->capacity)
            return block;
        g_async_queue_push(pool->full, block); /* the end: for the others too */
        return NULL;
    }
    block = g_async_queue_pop(pool->empty);
    g_mutex_lock(&pool->reading);
    more = !is_stopped(pool) && scan_source_next(pool->source, block);
    g_mutex_unlock(&pool->reading);
    if (more)
        return block;
    g_async_queue_push(pool->empty, block);
    return NULL;
}

static gpointer unpack_all(gpointer data)
{
    struct pool *pool = data;

    while (TRUE) {
        struct source_block *block = g_async_queue_pop(pool->empty);

        if (is_stopped(pool) || !scan_source_next(pool->source, block)) {
            g_async_queue_push(pool->empty, block);
            break;
        }
        g_async_queue_push(pool->full, block);
    }
    g_async_queue_push(pool->full, &pool->end);
    return NULL;
}

static gpointer scan_blocks(gpointer data)
{
    struct pool *pool = data;
    struct seat seat = { .pool = pool, .scanner = hunt_scanner_new(pool->needles) };
    const struct hunt_scan_counts *counts = hunt_scanner_counts(seat.scanner);

    if (pool->options->defanged)
        hunt_scanner_defanged(seat.scanner);
    while ((seat.block = next_block(pool)) != NULL) {
        guint64 before = counts->lines;

        g_byte_array_set_size(seat.block->matches, 0);
        seat.looked_at = seat.block->bytes;
        if (seat.block->look) {
            seat.looked_at = seat.block->look->text->data;
            hunt_scanner_join(seat.scanner, seat.block->look);
        }
        hunt_scan_lines(seat.scanner, seat.looked_at, seat.block->length, seat.block->offset, 1,
                        note_match, &seat);
        seat.block->lines = counts->lines - before;
        put_in_order(pool, seat.block);
    }
    g_mutex_lock(&pool->ordering);
    pool->counts.bytes += counts->bytes;
    pool->counts.lines += counts->lines;
    pool->counts.candidates += counts->candidates;
    pool->counts.filter_passes += counts->filter_passes;
    pool->counts.matches += counts->matches;
    g_mutex_unlock(&pool->ordering);
    hunt_scanner_free(seat.scanner);
    return NULL;
}

/* Whether what is read has to be unpacked, or comes from a pipe that may pause. */
static gboolean needs_reader(const GPtrArray *inputs)
{
    for (guint i = 0; i < inputs->len; i++) {
        const struct input *input = inputs->pdata[i];

        if (input->fd >= 0 && (input->compression != COMPRESSION_NONE || !input->size))
            return TRUE;
    }
    return FALSE;
}

void scan_pool_run(const struct hunt_needles *needles, const GPtrArray *inputs,
                   const struct scan_pool_options *options, scan_pool_take take, gpointer data,
                   struct hunt_scan_counts *counts)
{
    struct pool pool = { .needles = needles, .options = options, .take = take, .data = data };
    g_autofree GThread **threads = g_new0(GThread *, options->threads);
    GThread *reader = NULL;

    pool.blocks = 2 * options->threads + 2;
    pool.source = scan_source_new(inputs, &options->source);
    pool.empty = g_async_queue_new_full((GDestroyNotify)source_block_free);
    pool.done = g_new0(struct source_block *, pool.blocks);
    pool.line_keys =
        g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
    g_mutex_init(&pool.reading);
    g_mutex_init(&pool.ordering);
    for (guint i = 0; i < pool.blocks; i++)
        g_async_queue_push(pool.empty, source_block_new());
    if (needs_reader(inputs)) {
        pool.full = g_async_queue_new();
        reader = g_thread_new("unpack", unpack_all, &pool);
    }
    for (guint i = 1; i < options->threads; i++)
        threads[i] = g_thread_new("scan", scan_blocks, &pool);
    scan_blocks(&pool);
    for (guint i = 1; i < options->threads; i++)
        g_thread_join(threads[i]);
    if (reader)
        g_thread_join(reader);
    *counts = pool.counts;
    g_async_queue_unref(pool.empty);
    g_clear_pointer(&pool.full, g_async_queue_unref);
    g_free(pool.done);
    g_hash_table_unref(pool.line_keys);
    g_mutex_clear(&pool.reading);
    g_mutex_clear(&pool.ordering);
    scan_source_free(pool.source);
}
