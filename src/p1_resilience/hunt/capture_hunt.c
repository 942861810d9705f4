#include "p1_resilience/hunt/capture_hunt.h"

#include "sandbox/worker.h"
#include "stream/input_stream.h"

#include <string.h>

#define MEMORY_LIMIT ((guint64)6 << 30) /* bytes of address space: the stores' bounds in sum */
#define CPU_LIMIT_S (30u * 24 * 3600)
#define SILENCE_LIMIT_US ((gint64)600 * G_USEC_PER_SEC)
#define BATCH_BYTES (64u << 10)       /* of values, before they are sent */
#define STEP_BYTES ((guint64)8 << 20) /* of the file, between two messages */

enum message { MESSAGE_VALUES = 1, MESSAGE_PROGRESS, MESSAGE_END };

/* One value on its way; its text follows. */
struct value_record {
    enum capture_kind kind;
    guint32 length;
    struct flow_moment moment;
    struct packet_flow flow;
};

struct end_record {
    struct capture_counts counts;
    guint64 read;
    guint32 problem_length; /* 0: none; else it follows */
};

struct job {
    struct input *input;
    const struct quic_library *quic;
    struct worker_pipe *out;
    GByteArray *batch;
    guint64 told; /* bytes at the last message */
};

void capture_read_clear(struct capture_read *read)
{
    g_clear_pointer(&read->problem, g_free);
}

/* ---- in the worker */

static gboolean flush(struct job *job)
{
    gboolean done = TRUE;

    if (job->batch->len)
        done = worker_send(job->out, MESSAGE_VALUES, job->batch->data, job->batch->len);
    g_byte_array_set_size(job->batch, 0);
    return done;
}

static void send_value(const struct capture_value *value, gpointer data)
{
    struct job *job = data;
    struct value_record record;

    memset(&record, 0, sizeof record);
    record.kind = value->kind;
    record.length = (guint32)value->length;
    record.moment = value->moment;
    record.flow = value->flow;
    g_byte_array_append(job->batch, (const guint8 *)&record, sizeof record);
    g_byte_array_append(job->batch, (const guint8 *)value->text, record.length);
    if (job->batch->len >= BATCH_BYTES)
        flush(job);
}

static gsize fill(guint8 *to, gsize size, gpointer data)
{
    return input_stream_fill(data, to, size);
}

/* FALSE: the parent is gone. */
static gboolean send_progress(struct job *job, const struct input_stream *stream)
{
    guint64 done = input_stream_read(stream);

    if (done - job->told < STEP_BYTES)
        return TRUE;
    job->told = done;
    return flush(job) && worker_send(job->out, MESSAGE_PROGRESS, &done, sizeof done);
}

static void send_end(struct job *job, const struct capture_values *values,
                     const struct capture *capture, const struct input_stream *stream)
{
    const char *problem = input_stream_problem(stream);
    g_autoptr(GByteArray) body = g_byte_array_new();
    struct end_record end;

    if (!problem)
        problem = capture_problem(capture);
    memset(&end, 0, sizeof end);
    end.counts = *capture_values_counts(values);
    end.counts.gaps[CAPTURE_GAP_PASSED_OVER] = capture_passed_over(capture);
    end.read = input_stream_read(stream);
    end.problem_length = problem ? (guint32)strlen(problem) : 0;
    g_byte_array_append(body, (const guint8 *)&end, sizeof end);
    if (problem)
        g_byte_array_append(body, (const guint8 *)problem, end.problem_length);
    worker_send(job->out, MESSAGE_END, body->data, body->len);
}

static void read_job(struct worker_pipe *out, gpointer data)
{
    struct job *job = data;
    g_autoptr(input_stream_t) stream = input_stream_new(job->input);
    g_autoptr(capture_t) capture = capture_new(fill, stream);
    g_autoptr(capture_values_t) values = capture_values_new(job->quic, send_value, job);
    g_autoptr(GByteArray) batch = g_byte_array_new();
    struct capture_packet packet;

    job->out = out;
    job->batch = batch;
    while (capture_next(capture, &packet)) {
        capture_values_add(values, &packet);
        if (!send_progress(job, stream))
            return;
    }
    capture_values_finish(values);
    if (flush(job))
        send_end(job, values, capture, stream);
}

/* ---- in the parent */

struct listener {
    const struct capture_calls *calls;
    struct capture_read *read;
    gboolean ended, stopped, babbles;
};

static gboolean take_values(struct listener *listener, const guint8 *body, gsize length)
{
    while (length) {
        struct value_record record;
        struct capture_value value;

        if (length < sizeof record)
            return FALSE;
        memcpy(&record, body, sizeof record);
        body += sizeof record;
        length -= sizeof record;
        if (record.kind >= CAPTURE_KINDS || record.length == 0 ||
            record.length > CAPTURE_VALUE_MAX || record.length > length)
            return FALSE;
        value = (struct capture_value){ record.kind, (const char *)body, record.length,
                                        record.moment, record.flow };
        listener->calls->value(&value, listener->calls->data);
        body += record.length;
        length -= record.length;
    }
    return TRUE;
}

static gboolean take_progress(struct listener *listener, const guint8 *body, gsize length)
{
    guint64 done;

    if (length != sizeof done)
        return FALSE;
    memcpy(&done, body, sizeof done);
    if (listener->calls->progress && !listener->calls->progress(done, listener->calls->data))
        listener->stopped = TRUE;
    return TRUE;
}

static gboolean take_end(struct listener *listener, const guint8 *body, gsize length)
{
    struct end_record end;

    if (length < sizeof end)
        return FALSE;
    memcpy(&end, body, sizeof end);
    if (end.problem_length != length - sizeof end)
        return FALSE;
    listener->read->counts = end.counts;
    listener->read->read = end.read;
    if (end.problem_length)
        listener->read->problem = g_strndup((const char *)body + sizeof end, end.problem_length);
    listener->ended = TRUE;
    return TRUE;
}

static gboolean (*const take_message[])(struct listener *listener, const guint8 *body,
                                        gsize length) = {
    [MESSAGE_VALUES] = take_values,
    [MESSAGE_PROGRESS] = take_progress,
    [MESSAGE_END] = take_end,
};

static void listen_to(struct listener *listener, struct worker *worker, gboolean is_pipe)
{
    const guint8 *body;
    gsize length;
    guint8 kind;

    while (!listener->stopped && !listener->babbles && worker_wait(&worker, 1, 0) == 0) {
        while (!listener->babbles && (body = worker_next(worker, &kind, &length)) != NULL)
            listener->babbles = listener->ended || kind < MESSAGE_VALUES || kind > MESSAGE_END ||
                                !take_message[kind](listener, body, length);
        if (worker_end(worker) != WORKER_RUNS)
            return;
        if (!is_pipe) /* who waits for a pipe waits for whoever writes to it */
            worker_set_deadline(worker, g_get_monotonic_time() + SILENCE_LIMIT_US);
    }
}

gboolean capture_read_file(struct input *input, const struct quic_library *quic,
                           const struct capture_calls *calls, struct capture_read *read,
                           GError **error)
{
    struct confine_limits limits = { .memory = MEMORY_LIMIT, .cpu_s = CPU_LIMIT_S };
    g_autoptr(confinement_t) confinement = confinement_new(0, error);
    struct listener listener = { calls, read };
    struct job job = { .input = input, .quic = quic };
    g_autoptr(worker_t) worker = NULL;

    *read = (struct capture_read){ 0 };
    if (!confinement)
        return FALSE;
    if (!input_open(input)) {
        read->problem = g_strdup(input->problem);
        return TRUE;
    }
    worker = worker_start_keeping(confinement, -1, &input->fd, 1, &limits, G_MAXINT64, read_job,
                                  &job, error);
    if (worker)
        listen_to(&listener, worker, input->size == 0);
    input_close(input);
    if (!worker)
        return FALSE;
    if (listener.stopped)
        read->problem = g_strdup("interrupted");
    else if (listener.babbles)
        read->problem = g_strdup("its worker was not understood, and was stopped");
    else if (!listener.ended)
        read->problem =
            g_strdup(worker_end_text(worker) ? worker_end_text(worker) : "its worker ended early");
    return TRUE;
}
