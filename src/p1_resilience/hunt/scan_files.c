#include "p1_resilience/hunt/scan_files.h"

#include "base/error.h"
#include "p1_resilience/hunt/hit_line.h"
#include "p1_resilience/hunt/scan_pool.h"
#include "sandbox/worker.h"

#include <string.h>

#define BATCH_FILES 128                /* open at a time */
#define BATCH_BYTES ((guint64)4 << 30) /* before the next worker is started */
#define MEMORY_BASE ((guint64)2 << 30) /* bytes of address space beside the table's */
#define MEMORY_A_THREAD ((guint64)128 << 20)
#define CPU_LIMIT_S (30u * 24 * 3600)
#define SILENCE_LIMIT_US ((gint64)600 * G_USEC_PER_SEC)
#define STEP_BYTES ((guint64)32 << 20) /* between two messages of a worker that finds nothing */
#define THREADS_MAX 256u

enum message {
    MESSAGE_MATCHES, /* to the end of a block */
    MESSAGE_SOME,    /* matches of a block, of which more follow */
    MESSAGE_INPUT,
    MESSAGE_COUNTS,
};

struct job {
    struct hunt_needles needles;
    const GPtrArray *inputs; /* of this batch */
    struct scan_pool_options pool;
    struct worker_pipe *out;
    guint64 told; /* bytes at the last message */
};

/* ---- in the worker */

static gboolean send_matches(struct worker_pipe *out, const GByteArray *matches)
{
    const guint8 *at = matches->data, *end = at + matches->len;

    while (at < end) {
        const guint8 *stop = at;

        while (stop < end) {
            struct match_record record;
            gsize size;

            memcpy(&record, stop, sizeof record);
            size = sizeof record + record.token_length + record.key_length + record.text_length;
            if ((gsize)(stop - at) + size > WORKER_MESSAGE_MAX)
                break;
            stop += size;
        }
        if (stop == at ||
            !worker_send(out, stop < end ? MESSAGE_SOME : MESSAGE_MATCHES, at, (gsize)(stop - at)))
            return FALSE;
        at = stop;
    }
    return TRUE;
}

static gboolean take_block(const GByteArray *matches, const struct input_record *input,
                           const char *problem, gpointer data)
{
    struct job *job = data;
    g_autoptr(GByteArray) body = NULL;

    if (!send_matches(job->out, matches))
        return FALSE;
    if (!input->is_last && input->bytes - job->told < STEP_BYTES)
        return TRUE;
    job->told = input->is_last ? 0 : input->bytes;
    body = g_byte_array_new();
    g_byte_array_append(body, (const guint8 *)input, sizeof *input);
    if (problem)
        g_byte_array_append(body, (const guint8 *)problem, input->problem_length);
    return worker_send(job->out, MESSAGE_INPUT, body->data, body->len);
}

static void scan_job(struct worker_pipe *out, gpointer data)
{
    struct job *job = data;
    struct hunt_scan_counts counts;

    job->out = out;
    scan_pool_run(&job->needles, job->inputs, &job->pool, take_block, job, &counts);
    worker_send(out, MESSAGE_COUNTS, &counts, sizeof counts);
}

/* ---- in the parent */

struct hunt {
    const struct hunt_table *table;
    GPtrArray *batch; /* inputs, borrowed */
    const struct hunt_scan_options *options;
    const struct hunt_scan_calls *calls;
    struct hunt_scan_summary *summary;
    struct hit_line *line;
    guint ended;         /* inputs of the batch that came to their end */
    guint64 read_before; /* bytes of the inputs before the one that is read */
    gboolean stopped, babbles;
};

static void take_hit(const struct hunt_hit *hit, gpointer data)
{
    struct hunt *hunt = data;

    if (hit->suppressed_by)
        hunt->summary->suppressed++;
    else
        hunt->summary->hits++;
    hunt->calls->hit(hit, hunt->calls->data);
}

/* `is_some`: more of the last line may follow. FALSE: the worker says what cannot be. */
static gboolean take_matches(struct hunt *hunt, const guint8 *body, gsize length, gboolean is_some)
{
    gboolean goes_on = is_some;

    while (length) {
        const struct input *input;
        struct match_record record;
        struct hunt_hit hit;
        guint64 size;

        if (length < sizeof record)
            return FALSE;
        memcpy(&record, body, sizeof record);
        size = (guint64)record.token_length + record.key_length + record.text_length;
        if (size > length - sizeof record || record.input >= hunt->batch->len ||
            record.view >= HUNT_VIEWS)
            return FALSE;
        input = hunt->batch->pdata[record.input];
        body += sizeof record;
        length -= sizeof record + size;
        hit = (struct hunt_hit){
            .file = input->name,
            .line = record.line + input->lines_before,
            .offset = record.offset + input->from,
            .token = body,
            .token_length = record.token_length,
            .view = record.view,
            .time_us = record.time_us,
            .hash = record.hash,
            .key = body + record.token_length,
            .key_length = record.key_length,
        };
        if (hunt->options->with_text) {
            hit.text = body + record.token_length + record.key_length;
            hit.text_length = record.text_length;
        }
        hit_line_add(hunt->line, &hit, record.whole, record.repeated);
        goes_on = is_some || record.goes_on;
        body += size;
    }
    if (!goes_on)
        hit_line_end(hunt->line);
    return TRUE;
}

static void tell_end(struct hunt *hunt, const struct hunt_scanned *scanned)
{
    hunt->summary->files++;
    hunt->summary->unread += scanned->problem != NULL;
    hunt->summary->read += scanned->read;
    hunt->summary->bytes += scanned->bytes;
    hunt->summary->lines += scanned->lines;
    if (hunt->calls->scanned)
        hunt->calls->scanned(scanned, hunt->calls->data);
}

static gboolean take_input(struct hunt *hunt, const guint8 *body, gsize length)
{
    g_autofree char *problem = NULL;
    const struct input *input;
    struct input_record record;

    if (length < sizeof record)
        return FALSE;
    memcpy(&record, body, sizeof record);
    if (record.input >= hunt->batch->len || record.problem_length != length - sizeof record ||
        record.input < hunt->ended)
        return FALSE;
    input = hunt->batch->pdata[record.input];
    if (record.problem_length)
        problem = g_strndup((const char *)body + sizeof record, record.problem_length);
    if (record.is_last) {
        hit_line_end(hunt->line);
        hunt->ended = record.input + 1;
        tell_end(hunt, &(struct hunt_scanned){ input->name, record.read, record.bytes, record.lines,
                                               problem,
                                               hunt->options->with_digest ? record.digest : NULL });
        hunt->read_before += record.read;
        record.read = 0;
    }
    if (hunt->calls->progress &&
        !hunt->calls->progress(hunt->read_before + record.read, input->name, hunt->calls->data))
        hunt->stopped = TRUE;
    return TRUE;
}

static gboolean take_message(struct hunt *hunt, guint8 kind, const guint8 *body, gsize length)
{
    struct hunt_scan_counts counts;

    if (kind == MESSAGE_MATCHES || kind == MESSAGE_SOME)
        return take_matches(hunt, body, length, kind == MESSAGE_SOME);
    if (kind == MESSAGE_INPUT)
        return take_input(hunt, body, length);
    if (kind != MESSAGE_COUNTS || length != sizeof counts)
        return FALSE;
    memcpy(&counts, body, sizeof counts);
    hunt->summary->candidates += counts.candidates;
    hunt->summary->filter_passes += counts.filter_passes;
    return TRUE;
}

/* Until the worker ends; the message that is there when it babbles is the last. */
static void listen_to(struct hunt *hunt, struct worker *worker)
{
    const guint8 *body;
    gsize length;
    guint8 kind;

    while (!hunt->stopped && !hunt->babbles && worker_wait(&worker, 1, 0) == 0) {
        while (!hunt->babbles && (body = worker_next(worker, &kind, &length)) != NULL)
            hunt->babbles = !take_message(hunt, kind, body, length);
        if (worker_end(worker) != WORKER_RUNS)
            return;
        if (hunt->batch->len > 1 || ((struct input *)hunt->batch->pdata[0])->size)
            worker_set_deadline(worker, g_get_monotonic_time() + SILENCE_LIMIT_US);
    }
}

/* What the worker did not come to. */
static void name_unread(struct hunt *hunt, const char *why)
{
    for (guint i = hunt->ended; i < hunt->batch->len; i++) {
        const struct input *input = hunt->batch->pdata[i];

        tell_end(hunt, &(struct hunt_scanned){
                           .name = input->name,
                           .problem = input->problem ? input->problem : why,
                       });
    }
}

/* Inputs without a descriptor pass by the worker: they are told in their turn, before others. */
static void drop_closed(struct hunt *hunt)
{
    for (guint i = 0; i < hunt->batch->len;) {
        const struct input *input = hunt->batch->pdata[i];

        if (input->fd < 0) {
            tell_end(hunt,
                     &(struct hunt_scanned){ .name = input->name, .problem = input->problem });
            g_ptr_array_remove_index(hunt->batch, i);
        } else {
            i++;
        }
    }
}

static gboolean scan_batch(struct hunt *hunt, const struct confinement *confinement, GError **error)
{
    struct job job = {
        .needles = hunt_table_needles(hunt->table),
        .inputs = hunt->batch,
        .pool = { .threads = hunt->options->threads,
                  .with_text = hunt->options->with_text,
                  .with_time = TRUE,
                  .defanged = hunt->options->defanged,
                  .source = hunt->options->source },
    };
    struct confine_limits limits = {
        .memory = MEMORY_BASE + hunt_table_bytes(hunt->table) + job.pool.threads * MEMORY_A_THREAD,
        .cpu_s = CPU_LIMIT_S,
    };
    g_autofree int *kept = g_new(int, hunt->batch->len);
    g_autoptr(worker_t) worker = NULL;

    if (!hunt->batch->len)
        return TRUE;
    for (guint i = 0; i < hunt->batch->len; i++)
        kept[i] = ((const struct input *)hunt->batch->pdata[i])->fd;
    worker = worker_start_keeping(confinement, -1, kept, hunt->batch->len, &limits, G_MAXINT64,
                                  scan_job, &job, error);
    if (!worker)
        return FALSE;
    listen_to(hunt, worker);
    hit_line_end(hunt->line);
    if (hunt->stopped)
        name_unread(hunt, "interrupted");
    else if (hunt->babbles)
        name_unread(hunt, "its worker was not understood, and was stopped");
    else if (worker_end(worker) != WORKER_DONE)
        name_unread(hunt, worker_end_text(worker));
    else
        name_unread(hunt, "its worker ended before it");
    return TRUE;
}

/* Opens inputs from `*next` on, for one worker. */
static void open_batch(struct hunt *hunt, GPtrArray *inputs, guint *next)
{
    guint64 bytes = 0;

    hunt->ended = 0;
    g_ptr_array_set_size(hunt->batch, 0);
    while (*next < inputs->len && hunt->batch->len < BATCH_FILES && bytes < BATCH_BYTES) {
        struct input *input = inputs->pdata[(*next)++];

        input->with_digest = hunt->options->with_digest;
        input_open(input);
        bytes += input->size;
        g_ptr_array_add(hunt->batch, input);
    }
    drop_closed(hunt);
}

gboolean hunt_scan_files(const struct hunt_table *table, GPtrArray *inputs,
                         const struct hunt_scan_options *options,
                         const struct hunt_scan_calls *calls, struct hunt_scan_summary *summary,
                         GError **error)
{
    g_autoptr(confinement_t) confinement = confinement_new(0, error);
    g_autoptr(GPtrArray) batch = g_ptr_array_new();
    struct hunt_scan_options own = *options;
    struct hunt hunt = { table, batch, &own, calls, summary };
    g_autoptr(hit_line_t) line = hit_line_new(table, &own.rule, take_hit, &hunt);
    gint64 start_us = g_get_monotonic_time();
    guint next = 0;

    *summary = (struct hunt_scan_summary){ 0 };
    hunt.line = line;
    if (!confinement)
        return FALSE;
    own.threads = CLAMP(own.threads ? own.threads : g_get_num_processors(), 1, THREADS_MAX);
    while (next < inputs->len && !hunt.stopped) {
        gboolean done;

        open_batch(&hunt, inputs, &next);
        done = scan_batch(&hunt, confinement, error);
        for (guint i = 0; i < batch->len; i++)
            input_close(batch->pdata[i]);
        if (!done)
            return FALSE;
    }
    for (; next < inputs->len; next++)
        tell_end(&hunt, &(struct hunt_scanned){
                            .name = ((const struct input *)inputs->pdata[next])->name,
                            .problem = "interrupted",
                        });
    summary->out_of_time = hit_line_out_of_time(line);
    summary->elapsed_us = g_get_monotonic_time() - start_us;
    return TRUE;
}
