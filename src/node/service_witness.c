/*
 * service_witness.c: cosigns checkpoints of the logs it was told of (C2SP tlog-witness), and always
 * of the community's own log.
 */
#include "base/clock.h"
#include "base/error.h"
#include "log/witness.h"
#include "node/metrics.h"
#include "node/places.h"
#include "node/problem.h"
#include "node/services.h"
#include "statement/base64.h"

#define WITNESS_KEY "witness"
#define STATE "witness.db"
#define COSIGN_COST 20
#define READ_COST 5

struct witness_service {
    struct node *node;
    struct signing_key *key;
    struct community_policy *genesis; /* or NULL */
    struct witness *witness;
    guint64 by_status[6]; /* by the hundreds */
};

static void stop(gpointer service)
{
    struct witness_service *own = service;

    g_clear_pointer(&own->witness, witness_close);
    g_clear_pointer(&own->genesis, community_policy_free);
    signing_key_free(own->key);
    g_free(own);
}

static gpointer start(struct node *node, GError **error)
{
    struct signing_key *key = node_key(node, WITNESS_KEY, error);
    struct witness_service *own;
    GError *failure = NULL;

    if (!key)
        return NULL;
    own = g_new0(struct witness_service, 1);
    own->node = node;
    own->key = key;
    own->genesis = node_genesis(node, &failure);
    if (failure) {
        g_propagate_error(error, failure);
        stop(own);
        return NULL;
    }
    return own;
}

static gboolean run(gpointer service, GError **error)
{
    struct witness_service *own = service;
    g_autofree char *path = node_place(own->node, STATE);

    own->witness = witness_open(path, own->key, error);
    if (!own->witness)
        return FALSE;
    for (guint i = 0; own->genesis && i < own->genesis->log_keys->len; i++)
        if (!witness_add_log(own->witness, own->genesis->log_keys->pdata[i], own->genesis->url,
                             error))
            return FALSE;
    return TRUE;
}

static void take(struct witness_service *own, struct witness_answer *from, struct node_answer *to)
{
    guint hundreds = MIN(from->status / 100, G_N_ELEMENTS(own->by_status) - 1);

    __atomic_fetch_add(&own->by_status[hundreds], 1, __ATOMIC_RELAXED);
    to->status = from->status;
    to->content_type = from->content_type;
    to->body = g_steal_pointer(&from->body);
    witness_answer_clear(from);
}

static void answer_add(struct node *node, gpointer service, const struct node_request *request,
                       struct node_answer *answer)
{
    struct witness_service *own = service;
    struct witness_answer from = { 0 };
    gsize length;
    const void *data = g_bytes_get_data(request->body, &length);

    witness_add_checkpoint(own->witness, data, length, clock_now_us() / G_USEC_PER_SEC, &from);
    take(own, &from, answer);
}

static void answer_latest(struct node *node, gpointer service, const struct node_request *request,
                          struct node_answer *answer)
{
    struct witness_service *own = service;
    struct witness_answer from = { 0 };

    witness_latest(own->witness, request->parameter, &from);
    take(own, &from, answer);
}

static json_t *log_json(const struct witness_log *log)
{
    g_autofree char *root = hex_encode(log->root.bytes, sizeof log->root.bytes);
    json_t *value = json_pack("{s:o, s:I, s:s}", "origin", json_safe_string(log->origin), "size",
                              (json_int_t)log->size, "root", root);

    if (log->url)
        json_object_set_new(value, "url", json_safe_string(log->url));
    if (log->cosigned_s) {
        g_autofree char *time = clock_format(log->cosigned_s * G_USEC_PER_SEC);

        json_object_set_new(value, "cosigned", json_string(time));
    }
    return value;
}

static void answer_logs(struct node *node, gpointer service, const struct node_request *request,
                        struct node_answer *answer)
{
    struct witness_service *own = service;
    g_autoptr(note_key_t) key = note_key_new(NOTE_KEY_COSIGNATURE, own->key->public);
    g_autofree char *vkey = note_key_text(key);
    g_autoptr(GPtrArray) logs = witness_list(own->witness, NULL);
    json_t *list;

    if (!logs) {
        answer_problem(answer, 503, "The witness' state cannot be read.");
        return;
    }
    list = json_array();
    for (guint i = 0; i < logs->len; i++)
        json_array_append_new(list, log_json(logs->pdata[i]));
    answer_json(answer, 200, json_pack("{s:s, s:o}", "key", vkey, "logs", list));
}

static void metrics(gpointer service, GString *text)
{
    struct witness_service *own = service;

    metric_add(text, METRIC_COUNTER, "witness_answers_good_total", "Cosignatures and reads.",
               __atomic_load_n(&own->by_status[2], __ATOMIC_RELAXED));
    metric_add(text, METRIC_COUNTER, "witness_answers_refused_total", "Requests refused.",
               __atomic_load_n(&own->by_status[4], __ATOMIC_RELAXED));
    metric_add(text, METRIC_COUNTER, "witness_answers_failed_total", "Requests that failed here.",
               __atomic_load_n(&own->by_status[5], __ATOMIC_RELAXED));
}

static const struct route routes[] = {
    { "POST", "/witness/add-checkpoint", ROUTE_WORK, WITNESS_REQUEST_LIMIT, COSIGN_COST,
      answer_add },
    { "GET", "/witness/{origin}/checkpoint", ROUTE_WORK, 0, READ_COST, answer_latest },
    { "GET", "/api/v1/witness/logs", ROUTE_WORK, 0, READ_COST, answer_logs },
    { NULL },
};

const struct service service_witness = {
    .name = "witness",
    .start = start,
    .run = run,
    .stop = stop,
    .routes = routes,
    .metrics = metrics,
};
