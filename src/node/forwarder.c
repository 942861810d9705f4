#include "node/forwarder.h"

#include "base/error.h"
#include "node/metrics.h"
#include "node/problem.h"

#include <string.h>

#define SENDERS 32
#define SENDERS_WAITING 512
#define ANSWER_LIMIT (1u << 20)
#define TIMEOUT_US (75 * G_USEC_PER_SEC) /* the longest wait the log allows, and some more */
#define RETRY_S 5

struct forwarder {
    const struct node *node;
    gboolean is_private;
    GMutex lock; /* of the pool, which ends while requests may come */
    GThreadPool *senders;
    gint waiting;
    guint64 sent, failed;
};

struct parcel {
    struct node_later *later;
    GBytes *body;
    char *url, *peer;
};

static void take(struct http_answer *from, struct node_answer *to)
{
    static const char *const types[] = { JSON_TYPE, PROBLEM_TYPE };

    to->status = from->status;
    to->content_type = "application/octet-stream";
    for (guint i = 0; i < G_N_ELEMENTS(types); i++)
        if (from->content_type && g_str_has_prefix(from->content_type, types[i]))
            to->content_type = types[i];
    to->body = from->body ? g_bytes_ref(from->body) : NULL;
    to->retry_after_s = from->retry_after_us / G_USEC_PER_SEC;
}

static void send_parcel(gpointer data, gpointer service)
{
    struct forwarder *forwarder = service;
    struct parcel *parcel = data;
    struct http_options options = node_http_options(forwarder->node);
    g_autofree char *peer = g_strdup_printf("X-Forwarded-For: %s", parcel->peer);
    const char *const headers[] = { FORWARDED_HEADER ": 1", peer, NULL };
    const struct http_request request = {
        .method = "POST",
        .url = parcel->url,
        .content_type = JSON_TYPE,
        .body = parcel->body,
        .headers = forwarder->is_private ? headers : NULL,
    };
    struct http_answer from = { 0 };
    struct node_answer answer = { .file = -1 };
    g_autoptr(http_t) http = NULL;

    options.timeout_us = TIMEOUT_US;
    options.limit = ANSWER_LIMIT;
    options.allow_private |= forwarder->is_private;
    http = http_new(&options);
    if (http_fetch(http, &request, &from, NULL)) {
        take(&from, &answer);
        __atomic_fetch_add(&forwarder->sent, 1, __ATOMIC_RELAXED);
    } else {
        answer_problem(&answer, 502, "The community's log does not answer.");
        answer.retry_after_s = RETRY_S;
        __atomic_fetch_add(&forwarder->failed, 1, __ATOMIC_RELAXED);
    }
    http_answer_clear(&from);
    g_atomic_int_add(&forwarder->waiting, -1);
    node_answer_now(parcel->later, &answer);
    g_bytes_unref(parcel->body);
    g_free(parcel->url);
    g_free(parcel->peer);
    g_free(parcel);
}

struct forwarder *forwarder_new(const struct node *node, gboolean is_private, GError **error)
{
    struct forwarder *forwarder = g_new0(struct forwarder, 1);

    forwarder->node = node;
    forwarder->is_private = is_private;
    g_mutex_init(&forwarder->lock);
    forwarder->senders = g_thread_pool_new(send_parcel, forwarder, SENDERS, TRUE, error);
    if (forwarder->senders)
        return forwarder;
    forwarder_free(forwarder);
    return NULL;
}

void forwarder_finish(struct forwarder *forwarder)
{
    GThreadPool *senders;

    g_mutex_lock(&forwarder->lock);
    senders = g_steal_pointer(&forwarder->senders);
    g_mutex_unlock(&forwarder->lock);
    if (senders)
        g_thread_pool_free(senders, FALSE, TRUE);
}

void forwarder_free(struct forwarder *forwarder)
{
    if (!forwarder)
        return;
    forwarder_finish(forwarder);
    g_mutex_clear(&forwarder->lock);
    g_free(forwarder);
}

static struct parcel *parcel_new(const char *url, const char *wait,
                                 const struct node_request *request)
{
    struct parcel *parcel = g_new0(struct parcel, 1);

    parcel->body = g_bytes_ref(request->body);
    parcel->url =
        g_strdup_printf("%s/api/v1/entries%s%s", url, wait ? "?wait=" : "", wait ? wait : "");
    parcel->peer = g_strdup(request->peer);
    parcel->later = node_answer_later(request);
    return parcel;
}

void forwarder_send(struct forwarder *forwarder, const char *url,
                    const struct node_request *request, struct node_answer *answer)
{
    const char *wait = request->query(request, "wait");
    gboolean taken;

    if (wait && (!*wait || strlen(wait) > 2 || strspn(wait, "0123456789") != strlen(wait))) {
        answer_problem(answer, 400, "\"wait\" is a number of seconds from 0 to 60.");
        return;
    }
    g_mutex_lock(&forwarder->lock);
    taken = forwarder->senders && g_atomic_int_get(&forwarder->waiting) < SENDERS_WAITING;
    if (taken) {
        g_atomic_int_inc(&forwarder->waiting);
        g_thread_pool_push(forwarder->senders, parcel_new(url, wait, request), NULL);
    }
    g_mutex_unlock(&forwarder->lock);
    if (!taken) {
        answer_problem(answer, 503, "Too many entries wait to be handed on.");
        answer->retry_after_s = RETRY_S;
    }
}

void forwarder_metrics(struct forwarder *forwarder, GString *text)
{
    metric_add(text, METRIC_COUNTER, "forward_answered_total", "Entries handed on and answered.",
               __atomic_load_n(&forwarder->sent, __ATOMIC_RELAXED));
    metric_add(text, METRIC_COUNTER, "forward_failed_total", "Entries the log did not answer.",
               __atomic_load_n(&forwarder->failed, __ATOMIC_RELAXED));
}
