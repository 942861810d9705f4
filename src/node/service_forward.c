/*
 * service_forward.c: a node without a log of its own hands entries on to its community's log, and
 * the answer back as it is: receipts are the log's, and this node could not make one.
 */
#include "base/error.h"
#include "base/file.h"
#include "log/tile.h"
#include "node/metrics.h"
#include "node/places.h"
#include "node/problem.h"
#include "node/services.h"

#include <string.h>

#define ENTRY_COST 50
#define SENDERS 8
#define SENDERS_WAITING 512
#define ANSWER_LIMIT (1u << 20)
#define TIMEOUT_US (75 * G_USEC_PER_SEC) /* the longest wait the log allows, and some more */
#define RETRY_S 5
#define LOG_FOLDER "log"

struct forward {
    struct node *node;
    char *url; /* of the log's API, without the last '/' */
    GThreadPool *senders;
    gint waiting;
    guint64 sent, failed;
};

struct parcel {
    struct node_later *later;
    GBytes *body;
    char *url;
};

static void stop(gpointer service)
{
    struct forward *forward = service;

    if (forward->senders)
        g_thread_pool_free(forward->senders, FALSE, TRUE);
    g_free(forward->url);
    g_free(forward);
}

static gpointer start(struct node *node, GError **error)
{
    g_autofree char *own_log = node_place(node, LOG_FOLDER);
    struct community_policy *genesis;
    struct forward *forward = NULL;

    if (node_options(node)->log_folder || g_file_test(own_log, G_FILE_TEST_IS_DIR))
        return NULL;
    genesis = node_genesis(node, error);
    if (!genesis)
        return NULL;
    if (genesis->url && node_load_network(node, error)) {
        gsize length = strlen(genesis->url);

        forward = g_new0(struct forward, 1);
        forward->node = node;
        forward->url = g_strndup(genesis->url, length - g_str_has_suffix(genesis->url, "/"));
    }
    community_policy_free(genesis);
    return forward;
}

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
    struct forward *forward = service;
    struct parcel *parcel = data;
    struct http_options options = node_http_options(forward->node);
    const struct http_request request = {
        .method = "POST",
        .url = parcel->url,
        .content_type = JSON_TYPE,
        .body = parcel->body,
    };
    struct http_answer from = { 0 };
    struct node_answer answer = { .file = -1 };
    g_autoptr(http_t) http = NULL;

    options.timeout_us = TIMEOUT_US;
    options.limit = ANSWER_LIMIT;
    http = http_new(&options);
    if (http_fetch(http, &request, &from, NULL)) {
        take(&from, &answer);
        __atomic_fetch_add(&forward->sent, 1, __ATOMIC_RELAXED);
    } else {
        answer_problem(&answer, 502, "The community's log does not answer.");
        answer.retry_after_s = RETRY_S;
        __atomic_fetch_add(&forward->failed, 1, __ATOMIC_RELAXED);
    }
    http_answer_clear(&from);
    g_atomic_int_add(&forward->waiting, -1);
    node_answer_now(parcel->later, &answer);
    g_bytes_unref(parcel->body);
    g_free(parcel->url);
    g_free(parcel);
}

/* Takes the parcel over. */
static void hand_to_sender(struct forward *forward, struct parcel *parcel)
{
    g_atomic_int_inc(&forward->waiting);
    g_thread_pool_push(forward->senders, parcel, NULL);
}

static gboolean run(gpointer service, GError **error)
{
    struct forward *forward = service;

    forward->senders = g_thread_pool_new(send_parcel, forward, SENDERS, TRUE, error);
    return forward->senders != NULL;
}

/* Those on their way come back first. */
static void finish(gpointer service)
{
    struct forward *forward = service;

    if (forward->senders)
        g_thread_pool_free(g_steal_pointer(&forward->senders), FALSE, TRUE);
}

static void answer_entries(struct node *node, gpointer service, const struct node_request *request,
                           struct node_answer *answer)
{
    struct forward *forward = service;
    const char *wait = request->query(request, "wait");
    struct parcel *parcel;

    if (wait && (!*wait || strlen(wait) > 2 || strspn(wait, "0123456789") != strlen(wait))) {
        answer_problem(answer, 400, "\"wait\" is a number of seconds from 0 to 60.");
        return;
    }
    if (!forward->senders || g_atomic_int_get(&forward->waiting) >= SENDERS_WAITING) {
        answer_problem(answer, 503, "Too many entries wait to be handed on.");
        answer->retry_after_s = RETRY_S;
        return;
    }
    parcel = g_new0(struct parcel, 1);
    parcel->body = g_bytes_ref(request->body);
    parcel->url = g_strdup_printf("%s/api/v1/entries%s%s", forward->url, wait ? "?wait=" : "",
                                  wait ? wait : "");
    parcel->later = node_answer_later(request);
    hand_to_sender(forward, parcel);
}

static void metrics(gpointer service, GString *text)
{
    struct forward *forward = service;

    metric_add(text, METRIC_COUNTER, "forward_answered_total", "Entries handed on and answered.",
               __atomic_load_n(&forward->sent, __ATOMIC_RELAXED));
    metric_add(text, METRIC_COUNTER, "forward_failed_total", "Entries the log did not answer.",
               __atomic_load_n(&forward->failed, __ATOMIC_RELAXED));
}

static const struct route routes[] = {
    { "POST", "/api/v1/entries", ROUTE_AT_ONCE, ENTRY_LIMIT, ENTRY_COST, answer_entries },
    { NULL },
};

const struct service service_forward = {
    .name = "forward",
    .start = start,
    .run = run,
    .finish = finish,
    .stop = stop,
    .routes = routes,
    .metrics = metrics,
};
