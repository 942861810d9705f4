#include "p2_internet/routes/mrt_run.h"

#include "base/error.h"
#include "sandbox/worker.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MEMORY_BASE ((guint64)2 << 30)
#define MEMORY_A_TAKER ((guint64)256 << 20)
#define CPU_LIMIT_S (30u * 24 * 3600)
#define TAKERS_MAX 64u
#define OUT_PIECE ((gsize)64 << 10) /* bytes that are written at a time */
#define PROBLEM_MAX 1024u           /* bytes of one that is told */

enum message { MESSAGE_PROBLEM, MESSAGE_RESULT };

struct problem_message {
    guint64 offset;
    guint32 input, length; /* the text stands behind it */
};

struct result_message {
    struct mrt_scan_summary summary;
    gint32 write_error; /* errno, or 0 */
    guint32 length;     /* the job's result stands behind it */
};

struct run {
    const struct mrt_job *job;
    GPtrArray *batch;
    int output;
    struct mrt_scan_options options;
    struct worker_pipe *out;
    int write_error;
};

/* ---- in the worker */

static gpointer begin(gpointer data)
{
    struct run *run = data;

    return run->job->begin(run->job->data);
}

static void end(gpointer state, gpointer data)
{
    struct run *run = data;

    run->job->end(state, run->job->data);
}

static gboolean write_out(const struct text_out *out, gpointer data)
{
    struct run *run = data;
    const char *at = out->bytes, *stop = at + out->length;

    while (run->output >= 0 && at < stop) {
        ssize_t written = write(run->output, at, (gsize)(stop - at));

        if (written > 0)
            at += written;
        else if (errno != EINTR) {
            run->write_error = errno;
            return FALSE;
        }
    }
    return TRUE;
}

static void tell(const struct input *input, guint64 offset, const char *problem, gpointer data)
{
    struct run *run = data;
    struct problem_message message = { .offset = offset };
    g_autoptr(GByteArray) body = g_byte_array_new();

    g_ptr_array_find(run->batch, input, &message.input);
    message.length = (guint32)MIN(strlen(problem), PROBLEM_MAX);
    g_byte_array_append(body, (const guint8 *)&message, sizeof message);
    g_byte_array_append(body, (const guint8 *)problem, message.length);
    worker_send(run->out, MESSAGE_PROBLEM, body->data, body->len);
}

struct merging {
    struct run *run;
    gpointer state;
    struct text_out out;
};

static gboolean put(const char *feed, const struct route_element *element, gpointer data)
{
    struct merging *merging = data;
    gboolean goes_on = TRUE;

    if (element->kind == ROUTE_HEARD && !merging->run->job->hears)
        return TRUE;
    merging->run->job->put(merging->state, feed, element, &merging->out);
    if (merging->out.length >= OUT_PIECE) {
        goes_on = write_out(&merging->out, merging->run);
        merging->out.length = 0;
    }
    return goes_on;
}

static void tell_merged(const struct input *input, guint64 offset, const char *problem,
                        gpointer data)
{
    tell(input, offset, problem, ((struct merging *)data)->run);
}

static void merge(struct run *run, struct mrt_scan_summary *summary)
{
    struct merging merging = { .run = run, .state = begin(run) };
    const struct routes_merge_calls calls = { put, tell_merged, &merging };
    struct routes_merge_summary merged;

    routes_merge(run->batch, run->job->views, &calls, &merged);
    *summary = (struct mrt_scan_summary){ .files = merged.files,
                                          .bytes = merged.bytes,
                                          .problems = merged.problems,
                                          .stopped = merged.stopped };
    end(merging.state, run);
    if (merging.out.length && !merged.stopped)
        summary->stopped = !write_out(&merging.out, run);
    text_clear(&merging.out);
}

static void scan_job(struct worker_pipe *out, gpointer data)
{
    struct run *run = data;
    const struct mrt_job *job = run->job;
    const struct mrt_scan_calls calls = { begin, job->take, end, write_out, tell, run };
    struct result_message message = { .length = (guint32)job->result_size };
    g_autoptr(GByteArray) body = g_byte_array_new();

    run->out = out;
    if (job->put)
        merge(run, &message.summary);
    else
        mrt_scan(run->batch, &run->options, &calls, &message.summary);
    message.write_error = run->write_error;
    g_byte_array_append(body, (const guint8 *)&message, sizeof message);
    if (job->result_size)
        g_byte_array_append(body, job->result, (guint)job->result_size);
    worker_send(out, MESSAGE_RESULT, body->data, body->len);
}

/* ---- in the parent */

static gboolean take_problem(struct run *run, const guint8 *body, gsize length)
{
    struct problem_message message;
    g_autofree char *text = NULL;

    if (length < sizeof message)
        return FALSE;
    memcpy(&message, body, sizeof message);
    if (message.input >= run->batch->len || message.length != length - sizeof message)
        return FALSE;
    text = g_strndup((const char *)body + sizeof message, message.length);
    run->job->problem(((const struct input *)run->batch->pdata[message.input])->name, TRUE,
                      message.offset, text, run->job->data);
    return TRUE;
}

/* FALSE: the worker says what cannot be. */
static gboolean take_message(struct run *run, guint8 kind, const guint8 *body, gsize length,
                             struct result_message *result, gboolean *has_result)
{
    if (kind == MESSAGE_PROBLEM)
        return take_problem(run, body, length);
    if (kind != MESSAGE_RESULT || length != sizeof *result + run->job->result_size)
        return FALSE;
    memcpy(result, body, sizeof *result);
    if (run->job->result_size)
        memcpy(run->job->result, body + sizeof *result, run->job->result_size);
    *has_result = TRUE;
    return TRUE;
}

/* The worker's result; FALSE: it came to none. */
static gboolean listen_to(struct run *run, struct worker *worker, struct result_message *result,
                          GError **error)
{
    gboolean has_result = FALSE;
    const guint8 *body;
    gsize length;
    guint8 kind;

    while (worker_wait(&worker, 1, 0) == 0) {
        while ((body = worker_next(worker, &kind, &length)) != NULL)
            if (!take_message(run, kind, body, length, result, &has_result))
                return system_error(error, "the worker that reads was not understood");
        if (worker_end(worker) != WORKER_RUNS)
            break;
    }
    if (has_result)
        return TRUE;
    return system_error(error, "the worker that reads ended: %s",
                        worker_end_text(worker) ? worker_end_text(worker) : "without a result");
}

static void add_summary(struct mrt_scan_summary *to, const struct mrt_scan_summary *more)
{
    to->files += more->files;
    to->bytes += more->bytes;
    to->records += more->records;
    to->problems += more->problems;
    to->stopped |= more->stopped;
}

static gboolean run_batch(struct run *run, const struct confinement *confinement,
                          struct mrt_scan_summary *summary, GError **error)
{
    const struct confine_limits limits = {
        .memory = MEMORY_BASE + run->job->memory + run->options.takers * MEMORY_A_TAKER,
        .cpu_s = CPU_LIMIT_S,
        .appends = TRUE,
    };
    g_autofree int *kept = g_new(int, run->batch->len + 1);
    struct result_message result = { 0 };
    g_autoptr(worker_t) worker = NULL;
    guint count = 0;

    for (guint i = 0; i < run->batch->len; i++)
        if (((const struct input *)run->batch->pdata[i])->fd >= 0)
            kept[count++] = ((const struct input *)run->batch->pdata[i])->fd;
    if (!count)
        return TRUE;
    if (run->output >= 0)
        kept[count++] = run->output;
    worker = worker_start_keeping(confinement, -1, kept, count, &limits, G_MAXINT64, scan_job, run,
                                  error);
    if (!worker || !listen_to(run, worker, &result, error))
        return FALSE;
    add_summary(summary, &result.summary);
    if (result.write_error && result.write_error != EPIPE)
        return errno_error(error, result.write_error, "the output cannot be written");
    return TRUE;
}

static void open_batch(struct run *run, GPtrArray *inputs, guint *next,
                       struct mrt_scan_summary *summary)
{
    g_ptr_array_set_size(run->batch, 0);
    while (*next < inputs->len && run->batch->len < MRT_RUN_BATCH) {
        struct input *input = inputs->pdata[(*next)++];

        if (!input_open(input)) {
            summary->problems++;
            summary->unopened++;
            run->job->problem(input->name, FALSE, 0, input->problem, run->job->data);
        }
        g_ptr_array_add(run->batch, input);
    }
}

gboolean mrt_run(GPtrArray *inputs, const struct mrt_job *job, int output,
                 struct mrt_scan_summary *summary, GError **error)
{
    g_autoptr(confinement_t) confinement = confinement_new(0, error);
    g_autoptr(GPtrArray) batch = g_ptr_array_new();
    struct run run = { .job = job, .batch = batch, .output = output, .options = job->options };
    gboolean done = TRUE;
    guint next = 0;

    *summary = (struct mrt_scan_summary){ 0 };
    if (!confinement)
        return FALSE;
    if (job->put && inputs->len > MRT_RUN_BATCH)
        return input_error(error, "%u files are too many at once: give %u at most, or join them",
                           inputs->len, MRT_RUN_BATCH);
    if (job->put)
        run.options.takers = 1;
    if (!run.options.takers)
        run.options.takers = g_get_num_processors();
    run.options.takers = MIN(run.options.takers, TAKERS_MAX);
    while (done && next < inputs->len && !summary->stopped) {
        open_batch(&run, inputs, &next, summary);
        done = run_batch(&run, confinement, summary, error);
        for (guint i = 0; i < batch->len; i++)
            input_close(batch->pdata[i]);
    }
    return done;
}
