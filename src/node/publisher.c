#include "node/publisher.h"

#include "base/clock.h"
#include "base/terminal.h"
#include "node/metrics.h"

#include <stdio.h>
#include <string.h>

#define LOOK_EVERY_US (G_USEC_PER_SEC / 5)   /* for growth, and whether to stop */
#define QUORUM_WAIT_US (5 * G_USEC_PER_SEC)  /* before a larger checkpoint is asked for instead */
#define LATE_EVERY_US (2 * G_USEC_PER_SEC)   /* cosignatures that came after the quorum */
#define AGAIN_EVERY_US (10 * G_USEC_PER_SEC) /* witnesses that did not answer are asked again */
#define FRESH_PART 8 /* cosignatures are renewed after this part of the age the policy allows */
#define FRESH_MOST_US (G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC)
#define FRESH_LEAST_US (10 * G_USEC_PER_SEC)

struct publisher {
    struct publisher_options options;
    struct witness_client *witnesses;
    const struct community_policy *policy; /* the one the witnesses are of */
    GThread *thread;
    GMutex lock;
    GCond changed;
    gboolean stopping;
    gint64 stop_limit_us;

    GBytes *note; /* as published, with lock; as what follows */
    guint64 size;
    guint cosignatures;
    gboolean trusted;
    gint64 published_us; /* monotonic */
    guint64 publications, waits;
    gint64 signed_us;         /* atomic: not before the last checkpoint was signed */
    gint64 asked_us, late_us; /* thread only */
    guint64 asked_size;
};

static gboolean consistency(guint64 old_size, guint64 size, struct merkle_hash *path, guint *length,
                            gpointer data, GError **error)
{
    const struct publisher *publisher = data;

    return log_writer_consistency(publisher->options.writer, old_size, size, path, length, error);
}

static void raise_alarm(const char *witness, guint64 size, const char *message, gpointer data)
{
    g_autofree char *name = terminal_escape(witness);
    g_autofree char *text = terminal_escape(message);

    fprintf(stderr, "ALARM: the witness %s holds another history of this log: %s\n", name, text);
}

struct publisher *publisher_new(const struct publisher_options *options)
{
    struct publisher *publisher = g_new0(struct publisher, 1);
    struct witness_client_options witnesses = {
        .http = options->http,
        .consistency = consistency,
        .alarm = raise_alarm,
        .data = publisher,
    };

    publisher->options = *options;
    g_mutex_init(&publisher->lock);
    g_cond_init(&publisher->changed);
    publisher->witnesses = witness_client_new(&witnesses);
    return publisher;
}

void publisher_free(struct publisher *publisher)
{
    if (!publisher)
        return;
    publisher_stop(publisher, 0);
    g_clear_pointer(&publisher->witnesses, witness_client_free);
    g_clear_pointer(&publisher->note, g_bytes_unref);
    g_mutex_clear(&publisher->lock);
    g_cond_clear(&publisher->changed);
    g_free(publisher);
}

GBytes *publisher_checkpoint(struct publisher *publisher, guint64 *size)
{
    GBytes *note;

    g_mutex_lock(&publisher->lock);
    note = publisher->note ? g_bytes_ref(publisher->note) : NULL;
    *size = publisher->size;
    g_mutex_unlock(&publisher->lock);
    return note;
}

gint64 publisher_time_us(struct publisher *publisher)
{
    return MAX(clock_now_us(), __atomic_load_n(&publisher->signed_us, __ATOMIC_ACQUIRE));
}

static gboolean is_stopping(struct publisher *publisher)
{
    gboolean stopping;

    g_mutex_lock(&publisher->lock);
    stopping = publisher->stopping;
    g_mutex_unlock(&publisher->lock);
    return stopping;
}

static guint64 size_of(GBytes *bytes)
{
    gsize length;
    const void *data = g_bytes_get_data(bytes, &length);
    g_autoptr(note_t) note = note_parse(data, length, "checkpoint", NULL);
    g_autoptr(checkpoint_t) checkpoint = note ? checkpoint_parse(g_bytes_get_data(note->text, NULL),
                                                                 g_bytes_get_size(note->text), NULL)
                                              : NULL;

    return checkpoint ? checkpoint->size : 0;
}

static void publish(struct publisher *publisher, GBytes *note, guint64 size, gboolean trusted,
                    guint cosignatures)
{
    g_autoptr(GError) error = NULL;

    if (!log_writer_publish(publisher->options.writer, note, trusted, &error)) {
        g_autofree char *text = terminal_escape(error->message);

        fprintf(stderr, "Not published: %s\n", text);
        return;
    }
    g_mutex_lock(&publisher->lock);
    g_clear_pointer(&publisher->note, g_bytes_unref);
    publisher->note = g_bytes_ref(note);
    publisher->size = size;
    publisher->trusted = trusted;
    publisher->cosignatures = cosignatures;
    publisher->published_us = g_get_monotonic_time();
    publisher->publications++;
    g_mutex_unlock(&publisher->lock);
    publisher->options.published(publisher->options.data);
}

/* Asks the witnesses of the policy in force for a log of `size`. */
static gboolean ask(struct publisher *publisher, GBytes *note, guint64 size,
                    const struct community_policy *policy)
{
    g_autoptr(GError) error = NULL;

    if (policy != publisher->policy) {
        witness_client_set_policy(publisher->witnesses, policy->witnesses);
        publisher->policy = policy;
    }
    if (!witness_client_ask(publisher->witnesses, note, &error)) {
        g_autofree char *text = terminal_escape(error->message);

        fprintf(stderr, "The witnesses are not asked: %s\n", text);
        return FALSE;
    }
    publisher->asked_us = g_get_monotonic_time();
    publisher->asked_size = size;
    return TRUE;
}

/* Publishes what came in, when that makes the quorum and is more than is published. */
static void take_cosignatures(struct publisher *publisher, gint64 limit_us)
{
    guint cosignatures = 0;
    gboolean quorum = FALSE, is_news;
    g_autoptr(GBytes) note =
        witness_client_collect(publisher->witnesses, limit_us, &cosignatures, &quorum);
    guint64 size;

    publisher->late_us = g_get_monotonic_time();
    if (!note || !quorum)
        return;
    size = size_of(note);
    g_mutex_lock(&publisher->lock);
    is_news = !publisher->note || !g_bytes_equal(note, publisher->note);
    g_mutex_unlock(&publisher->lock);
    if (is_news)
        publish(publisher, note, size, TRUE, cosignatures);
}

static gint64 renew_after_us(const struct community_policy *policy)
{
    gint64 part_us = policy->max_age_s * G_USEC_PER_SEC / FRESH_PART;

    return policy->max_age_s ? CLAMP(part_us, FRESH_LEAST_US, FRESH_MOST_US) : FRESH_MOST_US;
}

/* One round: whatever is due. */
static void round_once(struct publisher *publisher, gint64 wait_us)
{
    g_autoptr(GBytes) note = log_writer_checkpoint(publisher->options.writer);
    const struct community_policy *policy;
    gint64 now_us = g_get_monotonic_time();
    gboolean fresh, has_quorum;
    guint64 size;

    if (!note) /* the writer has stopped; the service says so */
        return;
    __atomic_store_n(&publisher->signed_us, log_writer_time_us(publisher->options.writer),
                     __ATOMIC_RELEASE);
    size = size_of(note);
    policy = admission_policy(publisher->options.admission, size);
    if (policy->witnesses->none || !policy->witnesses->witnesses->len) {
        if (!publisher->note || size > publisher->size)
            publish(publisher, note, size, FALSE, 0);
        return;
    }
    fresh = publisher->published_us && now_us - publisher->published_us < renew_after_us(policy);
    has_quorum = publisher->trusted && publisher->size == size && fresh;
    if (!has_quorum) {
        gboolean asked = publisher->asked_size == size && publisher->policy == policy &&
                         now_us - publisher->asked_us < AGAIN_EVERY_US;

        publisher->waits++;
        if (asked || ask(publisher, note, size, policy))
            take_cosignatures(publisher, wait_us);
    } else if (now_us - publisher->late_us > LATE_EVERY_US) {
        take_cosignatures(publisher, 0);
    }
}

static gpointer run(gpointer data)
{
    struct publisher *publisher = data;

    while (!is_stopping(publisher)) {
        round_once(publisher, QUORUM_WAIT_US);
        if (publisher->trusted || !publisher->waits)
            log_writer_wait(publisher->options.writer, publisher->size, LOOK_EVERY_US);
        else
            g_usleep(LOOK_EVERY_US);
    }
    if (publisher->stop_limit_us)
        round_once(publisher, publisher->stop_limit_us);
    return NULL;
}

void publisher_start(struct publisher *publisher)
{
    publisher->thread = g_thread_new("publisher", run, publisher);
}

void publisher_stop(struct publisher *publisher, gint64 limit_us)
{
    if (!publisher->thread)
        return;
    g_mutex_lock(&publisher->lock);
    publisher->stopping = TRUE;
    publisher->stop_limit_us = limit_us;
    g_mutex_unlock(&publisher->lock);
    g_thread_join(g_steal_pointer(&publisher->thread));
}

static void witness_metrics(struct publisher *publisher, GString *text)
{
    g_autoptr(GPtrArray) all = witness_client_numbers(publisher->witnesses);

    metric_head(text, "gauge", "witness_good", "1: the witness answered the last request well.");
    for (guint i = 0; i < all->len; i++) {
        const struct witness_numbers *numbers = all->pdata[i];
        g_autofree char *name = metric_label(numbers->name);
        g_autofree char *labels = g_strdup_printf("witness=\"%s\"", name);

        metric_sample(text, "witness_good", labels, numbers->state == WITNESS_GOOD);
    }
    metric_head(text, "gauge", "witness_cosigned_timestamp_seconds",
                "When the witness last cosigned; 0: never.");
    for (guint i = 0; i < all->len; i++) {
        const struct witness_numbers *numbers = all->pdata[i];
        g_autofree char *name = metric_label(numbers->name);
        g_autofree char *labels = g_strdup_printf("witness=\"%s\"", name);

        metric_sample(text, "witness_cosigned_timestamp_seconds", labels, numbers->cosigned_s);
    }
    metric_head(text, "counter", "witness_requests_failed_total", "Requests that failed.");
    for (guint i = 0; i < all->len; i++) {
        const struct witness_numbers *numbers = all->pdata[i];
        g_autofree char *name = metric_label(numbers->name);
        g_autofree char *labels = g_strdup_printf("witness=\"%s\"", name);

        metric_sample(text, "witness_requests_failed_total", labels, numbers->failed);
    }
}

void publisher_metrics(struct publisher *publisher, GString *text)
{
    g_mutex_lock(&publisher->lock);
    metric_add(text, METRIC_GAUGE, "log_published_size", "Entries under the published checkpoint.",
               publisher->size);
    metric_add(text, METRIC_GAUGE, "log_cosignatures", "Cosignatures of the published checkpoint.",
               publisher->cosignatures);
    metric_add(text, METRIC_GAUGE, "log_witnessed",
               "1: the published checkpoint has the policy's quorum.", publisher->trusted);
    metric_add(text, METRIC_COUNTER, "log_publications_total", "Checkpoints published.",
               publisher->publications);
    g_mutex_unlock(&publisher->lock);
    witness_metrics(publisher, text);
}
