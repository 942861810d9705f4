/*
 * service_triage.c: in which order calls for help are answered, for everybody to read: the formula
 * that this program computes, and the check over the calls that this node's signatory closed.
 *
 *     GET /api/v1/triage    {"formula": entente/triage/1, "bias": entente/triage-bias/1 | null}
 *
 * The check is made by service_delivery.c, which has the cases open; it has sums of groups alone.
 */
#include "node/node.h"
#include "node/problem.h"
#include "node/services.h"
#include "process/triage.h"

#define READ_COST 5

struct triage {
    json_t *formula; /* of the program: it never changes */
};

static gpointer start(struct node *node, GError **error)
{
    struct triage *own = g_new0(struct triage, 1);

    own->formula = triage_formula();
    return own;
}

static void stop(gpointer service)
{
    struct triage *own = service;

    json_decref(own->formula);
    g_free(own);
}

static void answer_triage(struct node *node, gpointer service, const struct node_request *request,
                          struct node_answer *answer)
{
    struct triage *own = service;
    gpointer delivery = node_service(node, &service_delivery);
    json_t *bias = delivery ? delivery_bias(delivery) : NULL;

    answer_json(answer, 200,
                json_pack("{s:o, s:o?}", "formula", json_deep_copy(own->formula), "bias", bias));
}

static const struct route routes[] = {
    { "GET", "/api/v1/triage", ROUTE_AT_ONCE, 0, READ_COST, answer_triage },
    { NULL },
};

const struct service service_triage = {
    .name = "triage",
    .start = start,
    .stop = stop,
    .routes = routes,
};
