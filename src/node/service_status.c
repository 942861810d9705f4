/* service_status.c: how the node is: for probes, for Prometheus, and what its API is. */
#include "config.h"
#include "node/description.h"
#include "node/node.h"
#include "node/peers.h"
#include "node/problem.h"
#include "node/services.h"

#include <string.h>

#define TEXT "text/plain; charset=utf-8"
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define FOR_AN_HOUR "public, max-age=3600"
#define METRICS_COST 20

struct status {
    struct node_content *description;
};

static gpointer start(struct node *node, GError **error)
{
    g_autoptr(GBytes) text = g_bytes_new_static(node_embedded->data, node_embedded->length);
    struct status *status = g_new0(struct status, 1);

    status->description =
        node_content_new(text, JSON_TYPE, FOR_AN_HOUR, "\"" ENTENTE_VERSION "\"", NULL);
    return status;
}

static void stop(gpointer service)
{
    struct status *status = service;

    node_content_unref(status->description);
    g_free(status);
}

static void answer_root(struct node *node, gpointer service, const struct node_request *request,
                        struct node_answer *answer)
{
    g_autofree const char **names = node_service_names(node);
    g_autofree char *digest = portal_digest(), *viewer = g_strconcat("sha256:", digest, NULL);
    json_t *list = json_array();

    for (guint i = 0; names[i]; i++)
        json_array_append_new(list, json_string(names[i]));
    answer_json(answer, 200,
                json_pack("{s:s, s:s, s:o, s:s, s:s}", "software", "entente", "version",
                          ENTENTE_VERSION, "services", list, "description", "/openapi.json",
                          "viewer", viewer));
}

static void answer_health(struct node *node, gpointer service, const struct node_request *request,
                          struct node_answer *answer)
{
    answer_bytes(answer, 200, TEXT, g_bytes_new_static("ok\n", strlen("ok\n")));
}

static void answer_ready(struct node *node, gpointer service, const struct node_request *request,
                         struct node_answer *answer)
{
    const char *name = NULL, *why = NULL;

    const gboolean ready = node_is_ready(node, &name, &why);
    json_t *members = ready ? json_pack("{s:b}", "ready", TRUE)
                            : json_pack("{s:b, s:s, s:s}", "ready", FALSE, "service", name,
                                        "reason", why ? why : "unknown");

    node_state(node, members);
    answer_json(answer, ready ? 200 : 503, members);
    answer->retry_after_s = !ready;
}

static void answer_metrics(struct node *node, gpointer service, const struct node_request *request,
                           struct node_answer *answer)
{
    struct peer_key key;
    char *text;

    if (!node_options(node)->open_metrics &&
        !(peer_key_parse(request->peer, &key) && peer_key_is_loopback(&key))) {
        answer_problem(answer, 403, "The numbers are for this machine (--open-metrics).");
        return;
    }
    text = node_metrics(node);
    answer_bytes(answer, 200, METRICS_TYPE, g_bytes_new_take(text, strlen(text)));
}

static void answer_description(struct node *node, gpointer service,
                               const struct node_request *request, struct node_answer *answer)
{
    struct status *status = service;

    answer->status = 200;
    answer->content = node_content_ref(status->description);
}

static const struct route routes[] = {
    { "GET", "/healthz", ROUTE_AT_ONCE, 0, 0, answer_health },
    { "GET", "/readyz", ROUTE_WORK, 0, 1, answer_ready },
    { "GET", "/metrics", ROUTE_WORK, 0, METRICS_COST, answer_metrics },
    { "GET", "/openapi.json", ROUTE_AT_ONCE, 0, 1, answer_description },
    { "GET", "/api/v1", ROUTE_AT_ONCE, 0, 1, answer_root },
    { NULL },
};

const struct service service_status = {
    .name = "status",
    .start = start,
    .stop = stop,
    .routes = routes,
};
