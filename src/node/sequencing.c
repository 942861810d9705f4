#include "node/sequencing.h"

#include "base/clock.h"
#include "base/error.h"
#include "log/receipt.h"
#include "log/tile.h"
#include "log/tlog_proof.h"
#include "log/writer.h"
#include "node/admission.h"
#include "node/domain_check.h"
#include "node/metrics.h"
#include "node/places.h"
#include "node/problem.h"
#include "node/publisher.h"
#include "node/submission.h"
#include "statement/key.h"

#include <stdio.h>
#include <string.h>

#define WAIT_DEFAULT_S 10
#define WAIT_MOST_S 60
#define CHECKERS 4         /* threads that ask for domain control */
#define CHECKS_WAITING 256 /* submissions at most before those */
#define ANSWERERS 4        /* threads that make proofs and sign receipts */
#define CHECK_LIMIT_US (10 * G_USEC_PER_SEC)
#define RETRY_S 1
#define RETRY_CHECK_S 10
#define CLERK_LOOK_US (G_USEC_PER_SEC / 20)
#define LAST_QUORUM_WAIT_US (3 * G_USEC_PER_SEC) /* when the node stops */

struct sequencing {
    struct node *node;
    const struct signing_key *key;
    void (*failed)(const GError *error, gpointer data);
    gpointer data;
    struct admission *admission;
    struct log_writer *writer;
    struct publisher *publisher;
    GThreadPool *checkers, *answerers;
    GAsyncQueue *done;  /* struct submission_job *, from the writer; to the clerk */
    GPtrArray *waiting; /* struct submission_job *; the clerk's */
    GThread *clerk;
    gint closing, finishing, ready;
    char wake, end; /* their addresses, in `done` */
    guint64 refused, included, accepted;
    gint pending_checks, with_writer;
};

static void job_free(struct submission_job *job)
{
    g_bytes_unref(job->entry);
    g_free(job->domain);
    g_free(job->id);
    g_free(job->reason);
    g_free(job->detail);
    g_free(job);
}

/* --- answers --- */

/* Takes `more` over. */
static void answer_receipt(struct sequencing *log, const struct submission_job *job, guint status,
                           struct receipt *receipt, json_t *more, struct node_answer *answer)
{
    g_autoptr(json_t) members = more;
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(json_t) envelope = NULL;
    gsize length;
    const void *data;

    receipt->entry = job->leaf;
    bytes = receipt_sign(receipt, log->key, NULL);
    data = bytes ? g_bytes_get_data(bytes, &length) : NULL;
    envelope = data ? json_parse(data, length, RECEIPT_LIMIT, "receipt", NULL) : NULL;
    if (!envelope) {
        answer_problem(answer, 500, "The receipt cannot be made.");
        return;
    }
    json_object_set(members, "receipt", envelope);
    answer_json(answer, status, g_steal_pointer(&members));
}

static void answer_refused(struct sequencing *log, const struct submission_job *job,
                           struct node_answer *answer)
{
    struct receipt receipt = {
        .status = RECEIPT_REFUSED,
        .time_us = publisher_time_us(log->publisher),
        .reason = job->reason,
    };
    json_t *more = json_pack("{s:o, s:o}", "reason", json_safe_string(job->reason), "detail",
                             json_safe_string(job->detail));

    __atomic_fetch_add(&log->refused, 1, __ATOMIC_RELAXED);
    answer_receipt(log, job, 403, &receipt, more, answer);
}

static void answer_accepted(struct sequencing *log, const struct submission_job *job,
                            struct node_answer *answer)
{
    const struct community_policy *policy =
        admission_policy(log->admission, admission_size(log->admission));
    gint64 now_us = publisher_time_us(log->publisher);
    struct receipt receipt = {
        .status = RECEIPT_ACCEPTED,
        .time_us = now_us,
        .by_us = now_us + policy->merge_delay_s * G_USEC_PER_SEC,
    };
    g_autofree char *by = clock_format(receipt.by_us);

    __atomic_fetch_add(&log->accepted, 1, __ATOMIC_RELAXED);
    answer_receipt(log, job, 202, &receipt, json_pack("{s:s}", "by", by), answer);
}

/* The path to a job's entry under a note; FALSE when it is not (yet) there, or another is. */
static gboolean find_path(struct sequencing *log, const struct submission_job *job, GBytes *bytes,
                          struct merkle_hash *path, guint *length)
{
    g_autoptr(note_t) note =
        note_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), "checkpoint", NULL);
    g_autoptr(checkpoint_t) checkpoint = note ? checkpoint_parse(g_bytes_get_data(note->text, NULL),
                                                                 g_bytes_get_size(note->text), NULL)
                                              : NULL;
    g_autoptr(merkle_t) merkle = merkle_new();

    return checkpoint && job->index < checkpoint->size &&
           log_writer_inclusion(log->writer, job->index, checkpoint->size, path, length, NULL) &&
           merkle_includes(merkle, &job->leaf, job->index, checkpoint->size, path, *length,
                           &checkpoint->root);
}

/* FALSE: no proof can be had under what is published; nothing is answered. */
static gboolean answer_included(struct sequencing *log, const struct submission_job *job,
                                struct node_answer *answer)
{
    struct receipt receipt = { .status = RECEIPT_INCLUDED, .index = job->index };
    struct merkle_hash path[MERKLE_PATH_LIMIT];
    g_autofree char *proof = NULL;
    g_autoptr(GBytes) note = NULL;
    guint64 size;
    guint length;

    note = publisher_checkpoint(log->publisher, &size);
    if (!note || !find_path(log, job, note, path, &length))
        return FALSE;
    receipt.time_us = publisher_time_us(log->publisher);
    proof = tlog_proof_text(job->index, path, length, note);
    __atomic_fetch_add(&log->included, 1, __ATOMIC_RELAXED);
    answer_receipt(log, job, 200, &receipt,
                   json_pack("{s:I, s:s}", "index", (json_int_t)job->index, "proof", proof),
                   answer);
    return TRUE;
}

/* Whether the entry is where it was said to be, published or not. */
static gboolean is_there(struct sequencing *log, const struct submission_job *job)
{
    g_autoptr(GBytes) note = log_writer_checkpoint(log->writer);
    struct merkle_hash path[MERKLE_PATH_LIMIT];
    guint length;

    return note && find_path(log, job, note, path, &length);
}

static void answer_busy(struct node_answer *answer, const char *detail, guint after_s)
{
    answer_problem(answer, 503, detail);
    answer->retry_after_s = after_s;
}

static void answer_added(struct sequencing *log, const struct submission_job *job,
                         struct node_answer *answer)
{
    if (!answer_included(log, job, answer))
        answer_accepted(log, job, answer);
}

static void answer_full(struct sequencing *log, const struct submission_job *job,
                        struct node_answer *answer)
{
    answer_busy(answer, "Too many entries wait.", RETRY_S);
}

static void answer_failed(struct sequencing *log, const struct submission_job *job,
                          struct node_answer *answer)
{
    answer_busy(answer, "The log takes no entries now; nothing is known of this one.",
                RETRY_CHECK_S);
}

static void admit(struct sequencing *log, struct submission_job *job);

/* On an answerer's thread: all that takes signatures and proofs. Ends the job. */
static void answer_job(gpointer data, gpointer service)
{
    static void (*const answers[])(struct sequencing *, const struct submission_job *,
                                   struct node_answer *) = {
        [SUBMISSION_ADDED] = answer_added,
        [SUBMISSION_REFUSED] = answer_refused,
        [SUBMISSION_FULL] = answer_full,
        [SUBMISSION_FAILED] = answer_failed,
    };
    struct submission_job *job = data;
    struct node_answer answer = { .file = -1 };

    if (job->is_hint && !is_there(service, job)) { /* it was another entry's place */
        job->is_hint = FALSE;
        admit(service, job);
        return;
    }
    answers[job->end](service, job, &answer);
    node_answer_now(job->later, &answer);
    job_free(job);
}

/* --- the clerk --- */

static void hand_to_answerer(struct sequencing *log, struct submission_job *job)
{
    g_thread_pool_push(log->answerers, job, NULL);
}

static void take_job(struct sequencing *log, struct submission_job *job)
{
    if (job->end == SUBMISSION_ADDED && job->is_new)
        admission_fold(log->admission, job->index, job->entry);
    if (job->end == SUBMISSION_ADDED)
        g_ptr_array_add(log->waiting, job);
    else
        hand_to_answerer(log, job);
}

static void answer_due(struct sequencing *log)
{
    gint64 now_us = g_get_monotonic_time();
    gboolean finishing = g_atomic_int_get(&log->finishing);
    guint64 size;
    g_autoptr(GBytes) note = publisher_checkpoint(log->publisher, &size);

    for (guint i = log->waiting->len; i > 0; i--) {
        struct submission_job *job = log->waiting->pdata[i - 1];

        if (job->index >= size && now_us < job->until_us && !finishing)
            continue;
        g_ptr_array_remove_index_fast(log->waiting, i - 1);
        hand_to_answerer(log, job);
    }
}

static gboolean load(struct sequencing *log, GError **error)
{
    struct log_writer_numbers numbers;
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(note_t) note = NULL;
    g_autoptr(checkpoint_t) checkpoint = NULL;

    log_writer_numbers(log->writer, &numbers);
    if (!numbers.size)
        return TRUE;
    bytes = log_writer_checkpoint(log->writer);
    if (!bytes) {
        log_writer_works(log->writer, error);
        return FALSE;
    }
    note = note_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), "checkpoint", error);
    checkpoint = note ? checkpoint_parse(g_bytes_get_data(note->text, NULL),
                                         g_bytes_get_size(note->text), error)
                      : NULL;
    return checkpoint && log_writer_settle(log->writer, checkpoint->size, error) &&
           admission_load(log->admission, node_log_folder(log->node), checkpoint->size,
                          &checkpoint->root, error);
}

/* What came in; FALSE: the end was among it. */
static gboolean take_jobs(struct sequencing *log)
{
    gpointer item = g_async_queue_timeout_pop(log->done, CLERK_LOOK_US);
    gboolean goes_on = TRUE;

    for (; item; item = g_async_queue_try_pop(log->done)) {
        if (item == &log->end)
            goes_on = FALSE;
        else if (item != &log->wake)
            take_job(log, item);
    }
    return goes_on;
}

static gpointer clerk(gpointer data)
{
    struct sequencing *log = data;
    g_autoptr(GError) error = NULL;

    if (!load(log, &error)) {
        log->failed(error, log->data);
        return NULL;
    }
    publisher_start(log->publisher);
    g_atomic_int_set(&log->ready, 1);
    while (take_jobs(log)) {
        answer_due(log);
        if (!error && !log_writer_works(log->writer, &error))
            log->failed(error, log->data);
    }
    /* Nothing new is committed: publish it if the quorum can be had, then answer what it is. */
    publisher_stop(log->publisher, LAST_QUORUM_WAIT_US);
    g_atomic_int_set(&log->finishing, 1);
    answer_due(log);
    return NULL;
}

static void was_published(gpointer data)
{
    struct sequencing *log = data;

    g_async_queue_push(log->done, &log->wake);
}

/* --- on their way in --- */

static void was_submitted(enum log_submitted outcome, guint64 index, const GError *error,
                          gpointer data)
{
    static const enum submission_end ends[] = {
        [LOG_ADDED] = SUBMISSION_ADDED,
        [LOG_DUPLICATE] = SUBMISSION_ADDED,
        [LOG_REFUSED] = SUBMISSION_REFUSED,
        [LOG_FAILED] = SUBMISSION_FAILED,
    };
    struct submission_job *job = data;
    struct sequencing *log = job->log;

    job->end = ends[outcome];
    job->is_new = outcome == LOG_ADDED;
    job->index = index;
    if (outcome == LOG_REFUSED) {
        const char *reason =
            error->domain == ADMISSION_REFUSAL ? register_verdict_name(error->code) : NULL;

        job->reason = g_strdup(reason ? reason : "malformed");
        job->detail = g_strdup(error->message);
    }
    g_async_queue_push(log->done, job);
    g_atomic_int_add(&log->with_writer, -1);
}

static void submit(struct sequencing *log, struct submission_job *job)
{
    g_atomic_int_inc(&log->with_writer);
    if (log_writer_submit(log->writer, job->entry, was_submitted, job))
        return;
    g_atomic_int_add(&log->with_writer, -1);
    job->end = SUBMISSION_FULL;
    g_async_queue_push(log->done, job);
}

static void refuse_domain(struct sequencing *log, struct submission_job *job, const char *detail)
{
    job->end = SUBMISSION_REFUSED;
    job->reason = g_strdup("domain");
    job->detail = g_strdup(detail);
    g_async_queue_push(log->done, job);
}

/* On a checker's thread: what admission refuses is not worth a question to the network. */
static void check_domain(gpointer data, gpointer service)
{
    struct submission_job *job = data;
    struct sequencing *log = service;
    const struct dns_options dns = node_dns_options(log->node);
    struct http_options http = node_http_options(log->node);
    g_autoptr(domain_checker_t) checker = NULL;
    g_autoptr(GError) error = NULL;

    g_atomic_int_add(&log->pending_checks, -1);
    if (g_atomic_int_get(&log->closing)) {
        job->end = SUBMISSION_FAILED;
        g_async_queue_push(log->done, job);
        return;
    }
    if (!admission_check(job->entry, log->admission, NULL)) {
        submit(log, job); /* the writer's check says why */
        return;
    }
    http.timeout_us = CHECK_LIMIT_US;
    checker = domain_checker_new(&dns, &http, &error);
    if (checker && domain_check(checker, job->domain, job->id, &error))
        submit(log, job);
    else
        refuse_domain(log, job, error->message);
}

/* Who claims a domain is asked for control of it first; there is no other way into the log. */
static void admit(struct sequencing *log, struct submission_job *job)
{
    if (!admission_claims_domain(log->admission, job->entry, &job->domain, &job->id)) {
        submit(log, job);
    } else if (g_atomic_int_get(&log->closing)) {
        job->end = SUBMISSION_FAILED;
        g_async_queue_push(log->done, job);
    } else {
        g_atomic_int_inc(&log->pending_checks);
        g_thread_pool_push(log->checkers, job, NULL);
    }
}

static gint64 wait_us(const struct node_request *request)
{
    const char *text = request->query(request, "wait");
    guint64 seconds = WAIT_DEFAULT_S;

    if (text && !g_ascii_string_to_unsigned(text, 10, 0, WAIT_MOST_S, &seconds, NULL))
        return -1;
    return (gint64)seconds * G_USEC_PER_SEC;
}

void sequencing_answer(struct sequencing *log, const struct node_request *request,
                       struct node_answer *answer)
{
    gint64 wait = wait_us(request);
    g_autoptr(merkle_t) merkle = NULL;
    struct submission_job *job;
    gsize length;
    const void *data = g_bytes_get_data(request->body, &length);

    if (wait < 0 || !length) {
        answer_problem(answer, 400,
                       length ? "\"wait\" is a number of seconds from 0 to 60."
                              : "The body is an envelope: the entry itself.");
        return;
    }
    if (!g_atomic_int_get(&log->ready)) {
        answer_busy(answer, "The log is still being read.", RETRY_S);
        return;
    }
    if (g_atomic_int_get(&log->pending_checks) >= CHECKS_WAITING) {
        answer_busy(answer, "Too many domains are being checked.", RETRY_CHECK_S);
        return;
    }
    merkle = merkle_new();
    job = g_new0(struct submission_job, 1);
    job->log = log;
    job->entry = g_bytes_ref(request->body);
    job->leaf = merkle_leaf(merkle, data, length);
    job->until_us = g_get_monotonic_time() + wait;
    job->later = node_answer_later(request);
    if (admission_find(log->admission, &job->leaf, &job->index)) {
        job->end = SUBMISSION_ADDED;
        job->is_hint = TRUE;
        g_async_queue_push(log->done, job);
    } else {
        admit(log, job);
    }
}

/* --- life --- */

struct sequencing *sequencing_new(const struct sequencing_options *wanted, GError **error)
{
    g_autoptr(sequencing_t) log = g_new0(struct sequencing, 1);
    const struct log_writer_options options = {
        .folder = node_log_folder(wanted->node),
        .lock_file = node_options(wanted->node)->lock_file,
        .commits = wanted->commits,
        .key = wanted->key,
        .check = admission_check,
        .check_data = log->admission = admission_new(wanted->genesis),
    };
    struct publisher_options publishing = {
        .admission = log->admission,
        .http = node_http_options(wanted->node),
        .published = was_published,
        .data = log,
    };

    log->node = wanted->node;
    log->key = wanted->key;
    log->failed = wanted->failed;
    log->data = wanted->data;
    log->done = g_async_queue_new();
    log->waiting = g_ptr_array_new();
    log->writer = log_writer_open(&options, error);
    if (!log->writer)
        return NULL;
    publishing.writer = log->writer;
    log->publisher = publisher_new(&publishing);
    log->checkers = g_thread_pool_new(check_domain, log, CHECKERS, TRUE, error);
    log->answerers =
        log->checkers ? g_thread_pool_new(answer_job, log, ANSWERERS, TRUE, error) : NULL;
    if (!log->answerers)
        return NULL;
    log->clerk = g_thread_new("clerk", clerk, log);
    return g_steal_pointer(&log);
}

/* Until it has answered all it took: a batch under way is in no queue any more. */
static void wait_for_writer(struct sequencing *log)
{
    while (g_atomic_int_get(&log->with_writer))
        g_usleep(G_USEC_PER_SEC / 100);
}

/* What an answerer sent round again when the clerk had gone. */
static void answer_rest(struct sequencing *log)
{
    gpointer item;

    wait_for_writer(log);
    while ((item = g_async_queue_try_pop(log->done))) {
        struct submission_job *job = item;

        if (item == &log->wake || item == &log->end)
            continue;
        if (job->is_hint) {
            job->is_hint = FALSE;
            job->end = SUBMISSION_FAILED;
        }
        answer_job(job, log);
    }
}

void sequencing_finish(struct sequencing *log)
{
    g_atomic_int_set(&log->ready, 0);
    g_atomic_int_set(&log->closing, 1);
    if (!log->clerk)
        return;
    g_thread_pool_free(g_steal_pointer(&log->checkers), FALSE, TRUE);
    wait_for_writer(log);
    g_async_queue_push(log->done, &log->end);
    g_thread_join(g_steal_pointer(&log->clerk));
    g_thread_pool_free(g_steal_pointer(&log->answerers), FALSE, TRUE);
    answer_rest(log);
}

void sequencing_free(struct sequencing *log)
{
    if (!log)
        return;
    sequencing_finish(log);
    if (log->checkers)
        g_thread_pool_free(log->checkers, TRUE, TRUE);
    g_clear_pointer(&log->publisher, publisher_free);
    g_clear_pointer(&log->writer, log_writer_close);
    g_clear_pointer(&log->admission, admission_free);
    g_async_queue_unref(log->done);
    g_ptr_array_unref(log->waiting);
    g_free(log);
}

gboolean sequencing_is_ready(struct sequencing *log, const char **why)
{
    *why = "the log is being read";
    if (!g_atomic_int_get(&log->ready))
        return FALSE;
    *why = "the log's writer has stopped";
    return log_writer_works(log->writer, NULL);
}

void sequencing_metrics(struct sequencing *log, GString *text)
{
    struct log_writer_numbers numbers;

    log_writer_numbers(log->writer, &numbers);
    metric_add(text, METRIC_GAUGE, "log_size", "Entries committed.", numbers.size);
    metric_add(text, METRIC_GAUGE, "log_queued", "Entries that wait for the sequencer.",
               numbers.queued);
    metric_add(text, METRIC_COUNTER, "log_batches_total", "Batches committed.", numbers.batches);
    metric_add(text, METRIC_COUNTER, "log_duplicates_total", "Entries that were there already.",
               numbers.duplicates);
    metric_add(text, METRIC_COUNTER, "log_receipts_refused_total", "Signed refusals.",
               __atomic_load_n(&log->refused, __ATOMIC_RELAXED));
    metric_add(text, METRIC_COUNTER, "log_receipts_included_total", "Receipts with a proof.",
               __atomic_load_n(&log->included, __ATOMIC_RELAXED));
    metric_add(text, METRIC_COUNTER, "log_receipts_accepted_total", "Receipts that promise.",
               __atomic_load_n(&log->accepted, __ATOMIC_RELAXED));
    metric_add_seconds(text, METRIC_GAUGE, "log_last_sync_seconds", "The last sync of the WAL.",
                       numbers.last_sync_us);
    metric_add_seconds(text, METRIC_COUNTER, "log_sync_seconds_total", "All syncs of the WAL.",
                       numbers.sync_us_total);
    publisher_metrics(log->publisher, text);
}
