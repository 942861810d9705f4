/*
 * service_forward.c: a node without a log of its own hands entries on to its community's log
 * (forwarder.h).
 */
#include "base/error.h"
#include "log/tile.h"
#include "node/forwarder.h"
#include "node/services.h"

#include <string.h>

#define ENTRY_COST 50
#define LOG_FOLDER "log"

struct forward {
    struct node *node;
    char *url; /* of the log's API, without the last '/' */
    struct forwarder *forwarder;
};

static void stop(gpointer service)
{
    struct forward *forward = service;

    forwarder_free(forward->forwarder);
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

static gboolean run(gpointer service, GError **error)
{
    struct forward *forward = service;

    forward->forwarder = forwarder_new(forward->node, FALSE, error);
    return forward->forwarder != NULL;
}

static void finish(gpointer service)
{
    struct forward *forward = service;

    if (forward->forwarder)
        forwarder_finish(forward->forwarder);
}

static void answer_entries(struct node *node, gpointer service, const struct node_request *request,
                           struct node_answer *answer)
{
    struct forward *forward = service;

    forwarder_send(forward->forwarder, forward->url, request, answer);
}

static void metrics(gpointer service, GString *text)
{
    struct forward *forward = service;

    forwarder_metrics(forward->forwarder, text);
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
