#include "p2_internet/routes/mrt_scan.h"

#include "p2_internet/routes/mrt_private.h"
#include "stream/input_stream.h"

/* Bytes of records: all blocks stay in the caches. A longer record has a block of its own. */
#define BLOCK_SIZE ((gsize)256 << 10)
#define OUT_MAX ((gsize)16 << 20) /* bytes of text that a block holds until its turn */

/* From `offset` of the block on, entries are of these peers. */
struct table {
    gsize offset;
    struct mrt_peers *peers; /* NULL: that table is cut */
};

struct problem {
    guint64 offset;
    const char *text; /* static */
    char *owned;      /* or one that is not; NULL */
    gboolean is_end;  /* of what is read: it is told in any case */
};

struct block {
    guint64 sequence;
    const struct input *input;
    guint8 *bytes;
    gsize length, room;
    guint64 offset;   /* of its first byte in the unpacked input */
    GArray *tables;   /* of struct table */
    GArray *taken;    /* gsize: offsets of the records that are to be taken */
    GArray *problems; /* of struct problem: of takers, then of the reader */
    guint64 records, problem_count;
    gboolean is_last; /* of its input */
    struct text_out out;
};

struct scan {
    const GPtrArray *inputs;
    const struct mrt_scan_options *options;
    const struct mrt_scan_calls *calls;
    struct mrt_scan_summary *summary;
    GAsyncQueue *empty, *full;
    struct block end; /* behind the last in `full`: has no bytes */
    GMutex ordering;  /* of what follows */
    GCond turn;       /* `next` went on */
    struct block **done;
    guint blocks;
    guint64 next;
    guint told; /* problems of the input that were told in full */
    gint stopped;
};

static void clear_table(gpointer data)
{
    mrt_peers_unref(((struct table *)data)->peers);
}

static void clear_problem(gpointer data)
{
    g_free(((struct problem *)data)->owned);
}

static struct block *block_new(void)
{
    struct block *block = g_new0(struct block, 1);

    block->room = BLOCK_SIZE;
    block->bytes = g_malloc(block->room);
    block->tables = g_array_new(FALSE, FALSE, sizeof(struct table));
    block->problems = g_array_new(FALSE, FALSE, sizeof(struct problem));
    block->taken = g_array_new(FALSE, FALSE, sizeof(gsize));
    g_array_set_clear_func(block->tables, clear_table);
    g_array_set_clear_func(block->problems, clear_problem);
    return block;
}

static void block_free(gpointer data)
{
    struct block *block = data;

    g_array_unref(block->tables);
    g_array_unref(block->problems);
    g_array_unref(block->taken);
    text_clear(&block->out);
    g_free(block->bytes);
    g_free(block);
}

static void block_reset(struct block *block)
{
    block->length = 0;
    block->records = block->problem_count = 0;
    block->is_last = FALSE;
    block->out.length = 0;
    g_array_set_size(block->tables, 0);
    g_array_set_size(block->problems, 0);
    g_array_set_size(block->taken, 0);
}

static void add_problem(struct block *block, struct problem problem)
{
    block->problem_count++;
    if (problem.is_end || block->problems->len <= MRT_SCAN_PROBLEMS)
        g_array_append_val(block->problems, problem);
}

/* ---- the reader */

/* Where one input stands. */
struct reading {
    struct scan *scan;
    const struct input *input;
    struct input_stream *stream;
    struct mrt_peers *peers;
    guint64 sequence, offset;
    guint8 *rest; /* of the block before: the beginning of a record */
    gsize rest_length, rest_room;
    gboolean at_end;
};

static void add_table(struct block *block, gsize offset, struct mrt_peers *peers)
{
    struct table table = { offset, mrt_peers_ref(peers) };

    g_array_append_val(block->tables, table);
}

static void note_peers(struct reading *reading, struct block *block, gsize at,
                       const struct mrt_record *record)
{
    mrt_peers_unref(reading->peers);
    reading->peers = mrt_peers_read(record);
    if (!reading->peers)
        add_problem(block, (struct problem){ .offset = block->offset + at,
                                             .text = "the table of peers is cut" });
    add_table(block, at, reading->peers);
}

/* Where the last whole record of the block ends. `*step` says why no further. */
static gsize find_end(struct reading *reading, struct block *block, gsize from, enum mrt_step *step,
                      gsize *wanted)
{
    const struct route_filter *filter = reading->scan->options->filter;
    struct mrt_record record;
    gsize at = from, size = 0;

    while ((*step = mrt_record_at(block->bytes + at, block->length - at, &record, &size)) ==
           MRT_RECORD) {
        if (!record.length && reading->scan->options->stop_at_empty) {
            *step = MRT_TORN;
            break;
        }
        if (G_UNLIKELY(mrt_is_peers(&record)))
            note_peers(reading, block, at, &record);
        if (!filter || mrt_record_meets(&record, filter))
            g_array_append_val(block->taken, at);
        block->records++;
        at += size;
    }
    *wanted = size;
    return at;
}

static void make_room(struct block *block, gsize room)
{
    if (block->room >= room)
        return;
    block->room = room;
    block->bytes = g_realloc(block->bytes, room);
}

static void fill(struct reading *reading, struct block *block, gsize until)
{
    while (block->length < until && !reading->at_end) {
        gsize got =
            input_stream_fill(reading->stream, block->bytes + block->length, until - block->length);

        reading->at_end = got == 0;
        block->length += got;
    }
}

static void keep_rest(struct reading *reading, struct block *block, gsize end)
{
    reading->rest_length = block->length - end;
    if (reading->rest_room < reading->rest_length) {
        reading->rest_room = reading->rest_length;
        reading->rest = g_realloc(reading->rest, reading->rest_room);
    }
    memcpy(reading->rest, block->bytes + end, reading->rest_length);
    block->length = end;
}

/* What is wrong where the input ends, if anything is. */
static void judge_end(struct reading *reading, struct block *block, gsize end, enum mrt_step step)
{
    const char *broken = input_stream_problem(reading->stream);
    struct problem problem = { .offset = block->offset + end, .is_end = TRUE };

    if (broken)
        problem.offset = block->offset + block->length;
    else if (step == MRT_TORN)
        problem.text = "no record can be there; what follows is not read";
    else if (block->length > end)
        problem.text = "it is cut: the record that begins there does not end";
    else
        return;
    problem.owned = g_strdup(broken);
    add_problem(block, problem);
}

/* FALSE: the input ends with this block. */
static gboolean fill_block(struct reading *reading, struct block *block)
{
    enum mrt_step step = MRT_MORE;
    gsize end = 0, wanted = 0;

    block_reset(block);
    block->input = reading->input;
    block->sequence = reading->sequence++;
    block->offset = reading->offset;
    add_table(block, 0, reading->peers);
    make_room(block, MAX(BLOCK_SIZE, reading->rest_length));
    if (reading->rest_length)
        memcpy(block->bytes, reading->rest, reading->rest_length);
    block->length = reading->rest_length;
    fill(reading, block, MAX(BLOCK_SIZE, block->length));
    end = find_end(reading, block, 0, &step, &wanted);
    while (end == 0 && step == MRT_MORE && !reading->at_end && wanted) { /* a long record */
        make_room(block, wanted);
        fill(reading, block, wanted);
        end = find_end(reading, block, 0, &step, &wanted);
    }
    if (step == MRT_TORN || reading->at_end) {
        judge_end(reading, block, end, step);
        block->length = end;
        block->is_last = TRUE;
        return FALSE;
    }
    keep_rest(reading, block, end);
    reading->offset += end;
    return TRUE;
}

static guint64 read_input(struct scan *scan, struct input *input, guint64 sequence)
{
    struct reading reading = { .scan = scan, .input = input, .sequence = sequence };
    gboolean more = TRUE;

    reading.stream = input_stream_new(input);
    while (more && !g_atomic_int_get(&scan->stopped)) {
        struct block *block = g_async_queue_pop(scan->empty);

        more = fill_block(&reading, block);
        g_async_queue_push(scan->full, block);
    }
    input_stream_free(reading.stream);
    mrt_peers_unref(reading.peers);
    g_free(reading.rest);
    return reading.sequence;
}

static gpointer read_all(gpointer data)
{
    struct scan *scan = data;
    guint64 sequence = 0;

    for (guint i = 0; i < scan->inputs->len && !g_atomic_int_get(&scan->stopped); i++) {
        struct input *input = scan->inputs->pdata[i];

        if (input->fd >= 0)
            sequence = read_input(scan, input, sequence);
    }
    g_async_queue_push(scan->full, &scan->end);
    return NULL;
}

/* ---- takers */

static void give(struct scan *scan, struct block *block)
{
    if (block->out.length && !g_atomic_int_get(&scan->stopped) &&
        !scan->calls->give(&block->out, scan->calls->data))
        g_atomic_int_set(&scan->stopped, TRUE);
    block->out.length = 0;
}

/* Of a few bytes that make much text: waits for the block's turn, so that it is not held. */
static void give_part(struct scan *scan, struct block *block)
{
    g_mutex_lock(&scan->ordering);
    while (scan->next != block->sequence)
        g_cond_wait(&scan->turn, &scan->ordering);
    give(scan, block);
    g_mutex_unlock(&scan->ordering);
}

static void take_records(struct scan *scan, struct block *block, gpointer state)
{
    const struct table *tables = (const struct table *)block->tables->data;
    guint table = 0;
    gsize size;

    for (guint i = 0; i < block->taken->len; i++) {
        gsize at = g_array_index(block->taken, gsize, i);
        struct mrt_record record;
        const char *problem;

        if (mrt_record_at(block->bytes + at, block->length - at, &record, &size) != MRT_RECORD)
            break; /* the reader saw that it is one */
        while (table + 1 < block->tables->len && tables[table + 1].offset <= at)
            table++;
        problem = scan->calls->take(state, &record, tables[table].peers, &block->out);
        if (problem)
            add_problem(block, (struct problem){ .offset = block->offset + at, .text = problem });
        if (G_UNLIKELY(block->out.length > OUT_MAX))
            give_part(scan, block);
    }
}

static void tell(struct scan *scan, const struct block *block, gboolean is_end)
{
    for (guint i = 0; i < block->problems->len; i++) {
        const struct problem *problem = &g_array_index(block->problems, struct problem, i);

        if (problem->is_end != is_end || (!is_end && scan->told++ >= MRT_SCAN_PROBLEMS))
            continue;
        scan->calls->tell(block->input, problem->offset,
                          problem->owned ? problem->owned : problem->text, scan->calls->data);
    }
}

static void hand_over(struct scan *scan, struct block *block)
{
    scan->summary->bytes += block->length;
    scan->summary->records += block->records;
    scan->summary->files += block->is_last;
    scan->summary->problems += block->problem_count;
    give(scan, block);
    tell(scan, block, FALSE);
    tell(scan, block, TRUE);
    if (block->is_last)
        scan->told = 0;
}

/* Hands over all blocks whose turn it is. */
static void put_in_order(struct scan *scan, struct block *block)
{
    g_mutex_lock(&scan->ordering);
    scan->done[block->sequence % scan->blocks] = block;
    while ((block = scan->done[scan->next % scan->blocks]) != NULL) {
        scan->done[scan->next % scan->blocks] = NULL;
        scan->next++;
        hand_over(scan, block);
        g_async_queue_push(scan->empty, block);
    }
    g_cond_broadcast(&scan->turn);
    g_mutex_unlock(&scan->ordering);
}

struct taker {
    struct scan *scan;
    gpointer state;
};

static gpointer take_blocks(gpointer data)
{
    struct taker *taker = data;
    struct scan *scan = taker->scan;
    struct block *block;

    while ((block = g_async_queue_pop(scan->full)) != &scan->end) {
        take_records(scan, block, taker->state);
        put_in_order(scan, block);
    }
    g_async_queue_push(scan->full, &scan->end); /* for the others too */
    return NULL;
}

void mrt_scan(const GPtrArray *inputs, const struct mrt_scan_options *options,
              const struct mrt_scan_calls *calls, struct mrt_scan_summary *summary)
{
    struct mrt_scan_options own = *options;
    struct scan scan = { .inputs = inputs, .options = &own, .calls = calls, .summary = summary };
    g_autofree struct taker *takers = g_new0(struct taker, options->takers);
    g_autofree GThread **threads = g_new0(GThread *, options->takers);
    GThread *reader;

    *summary = (struct mrt_scan_summary){ 0 };
    if (own.filter && route_filter_is_empty(own.filter))
        own.filter = NULL;
    scan.blocks = 2 * options->takers + 2;
    scan.done = g_new0(struct block *, scan.blocks);
    scan.empty = g_async_queue_new_full(block_free);
    scan.full = g_async_queue_new();
    g_mutex_init(&scan.ordering);
    g_cond_init(&scan.turn);
    for (guint i = 0; i < scan.blocks; i++)
        g_async_queue_push(scan.empty, block_new());
    for (guint i = 0; i < options->takers; i++)
        takers[i] = (struct taker){ &scan, calls->begin(calls->data) };
    reader = g_thread_new("mrt-read", read_all, &scan);
    for (guint i = 1; i < options->takers; i++)
        threads[i] = g_thread_new("mrt-take", take_blocks, &takers[i]);
    take_blocks(&takers[0]);
    for (guint i = 1; i < options->takers; i++)
        g_thread_join(threads[i]);
    g_thread_join(reader);
    for (guint i = 0; i < options->takers; i++)
        calls->end(takers[i].state, calls->data);
    summary->stopped = g_atomic_int_get(&scan.stopped) != 0;
    g_async_queue_unref(scan.empty);
    g_async_queue_unref(scan.full);
    g_free(scan.done);
    g_mutex_clear(&scan.ordering);
    g_cond_clear(&scan.turn);
}
