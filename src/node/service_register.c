/*
 * service_register.c: the published register, its entries and their proofs as JSON. A convenience:
 * a client that must not believe this node reads the tiles and folds them itself.
 */
#include "base/clock.h"
#include "base/error.h"
#include "log/quorum.h"
#include "node/metrics.h"
#include "node/places.h"
#include "node/problem.h"
#include "node/services.h"
#include "node/view.h"
#include "statement/base64.h"

#include <string.h>

#define READ_COST 5
#define REGISTER_COST 50
#define PROOF_TYPE "text/plain; charset=utf-8"
#define BRIEFLY "public, max-age=1"

struct register_service {
    struct node *node;
    struct community_policy *genesis;
    struct view *view;
};

static void stop(gpointer service)
{
    struct register_service *own = service;

    g_clear_pointer(&own->view, view_free);
    community_policy_free(own->genesis);
    g_free(own);
}

static gpointer start(struct node *node, GError **error)
{
    const char *folder = node_log_folder(node);
    struct community_policy *genesis = folder ? node_genesis(node, error) : NULL;
    struct register_service *own;

    if (!genesis)
        return NULL;
    own = g_new0(struct register_service, 1);
    own->node = node;
    own->genesis = genesis;
    own->view = view_new(folder, genesis);
    return own;
}

static gboolean run(gpointer service, GError **error)
{
    struct register_service *own = service;

    view_start(own->view);
    return TRUE;
}

struct view *register_view(gpointer service)
{
    struct register_service *own = service;

    return own->view;
}

/* --- answers --- */

const struct shown *register_hold(struct view *view, struct node_answer *answer)
{
    const struct shown *shown = view_hold(view);

    if (shown->checkpoint)
        return shown;
    view_release(view);
    answer_problem(answer, 503, "Nothing is published yet.");
    answer->retry_after_s = 1;
    return NULL;
}

static gboolean hold(struct register_service *own, const struct shown **shown,
                     struct node_answer *answer)
{
    *shown = register_hold(own->view, answer);
    return *shown != NULL;
}

/* In place of what is held: what was published a moment ago is shown too. */
static gboolean hold_newer(struct register_service *own, const struct shown **shown,
                           struct node_answer *answer)
{
    view_release(own->view);
    view_refresh(own->view);
    return hold(own, shown, answer);
}

static void answer_error(struct node_answer *answer, const GError *error)
{
    if (g_error_matches(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT)) {
        answer_problem(answer, 404, error->message);
        return;
    }
    answer_problem(answer, 503, "The log's files cannot be read now.");
    answer->retry_after_s = 1;
}

static json_t *policy_json(const struct shown *shown)
{
    const struct community_policy *policy = register_policy(shown->reg);
    g_autofree char *hash = hex_encode(policy->hash, sizeof policy->hash);

    return json_pack("{s:s, s:i, s:s, s:O}", "log", policy->origin, "version", (int)policy->version,
                     "hash", hash, "policy", policy->predicate);
}

static void answer_policy(struct node *node, gpointer service, const struct node_request *request,
                          struct node_answer *answer)
{
    struct register_service *own = service;
    const struct shown *shown;

    if (!hold(own, &shown, answer))
        return;
    answer_json(answer, 200, policy_json(shown));
    view_release(own->view);
}

static json_t *margins_json(const struct quorum_verdict *verdict)
{
    json_t *list = json_array();

    for (guint i = 0; verdict->margins && i < verdict->margins->len; i++) {
        const struct quorum_margin *margin =
            &g_array_index(verdict->margins, struct quorum_margin, i);

        json_array_append_new(
            list, json_pack("{s:o, s:i, s:i, s:i, s:i}", "group", json_safe_string(margin->group),
                            "needed", (int)margin->needed, "have", (int)margin->have, "members",
                            (int)margin->members, "margin", margin->margin));
    }
    return list;
}

static json_t *checkpoint_json(const struct shown *shown)
{
    const struct checkpoint *checkpoint = shown->checkpoint;
    g_autofree char *root = hex_encode(checkpoint->root.bytes, sizeof checkpoint->root.bytes);
    struct quorum_verdict now;
    g_autoptr(checkpoint_t) judged =
        quorum_judge(shown->policy, shown->note, clock_now_us() / G_USEC_PER_SEC, &now);
    gsize length;
    const char *note = g_bytes_get_data(shown->note->bytes, &length);
    json_t *value = json_pack("{s:s, s:I, s:s, s:b, s:o, s:s%}", "origin", checkpoint->origin,
                              "size", (json_int_t)checkpoint->size, "root", root, "witnessed",
                              now.reason == QUORUM_GOOD && !shown->policy->none, "margins",
                              margins_json(&now), "note", note, length);

    if (quorum_reason_name(now.reason))
        json_object_set_new(value, "reason", json_string(quorum_reason_name(now.reason)));
    if (now.log_time_s) {
        g_autofree char *time = clock_format((gint64)now.log_time_s * G_USEC_PER_SEC);

        json_object_set_new(value, "log_time", json_string(time));
    }
    quorum_verdict_clear(&now);
    return value;
}

static void answer_checkpoint(struct node *node, gpointer service,
                              const struct node_request *request, struct node_answer *answer)
{
    struct register_service *own = service;
    const struct shown *shown;

    if (!hold(own, &shown, answer))
        return;
    answer_json(answer, 200, checkpoint_json(shown));
    answer->cache = BRIEFLY;
    view_release(own->view);
}

static json_t *entry_json(struct register_service *own, const struct shown *shown, guint64 index,
                          GError **error)
{
    g_autoptr(GBytes) bytes = view_entry(own->view, index, error);
    g_autofree char *proof = bytes ? view_proof(own->view, index, error) : NULL;
    json_t *envelope, *value;
    gsize length;
    const void *data;

    if (!proof)
        return NULL;
    data = g_bytes_get_data(bytes, &length);
    /* An entry that is no JSON is in the log all the same: then only its bytes can be given. */
    envelope = json_parse(data, length, ENTRY_LIMIT, "entry", NULL);
    value = json_pack("{s:I, s:s}", "index", (json_int_t)index, "proof", proof);
    if (envelope) {
        json_object_set_new(value, "entry", envelope);
    } else {
        g_autofree char *base64 = g_base64_encode(data, length);

        json_object_set_new(value, "bytes", json_string(base64));
    }
    json_object_set_new(value, "register", register_entry(shown->reg, index));
    return value;
}

static void answer_entry(struct node *node, gpointer service, const struct node_request *request,
                         struct node_answer *answer)
{
    struct register_service *own = service;
    g_autoptr(GError) error = NULL;
    const struct shown *shown;
    json_t *value = NULL;
    guint64 index;

    if (!g_ascii_string_to_unsigned(request->parameter, 10, 0, G_MAXINT64, &index, NULL)) {
        answer_problem(answer, 400, "The index of an entry is a number.");
        return;
    }
    if (!hold(own, &shown, answer))
        return;
    if (index >= shown->checkpoint->size && !hold_newer(own, &shown, answer))
        return;
    if (index >= shown->checkpoint->size)
        input_error(&error, "The published log has %" G_GUINT64_FORMAT " entries.",
                    shown->checkpoint->size);
    else
        value = entry_json(own, shown, index, &error);
    if (value)
        answer_json(answer, 200, value);
    else
        answer_error(answer, error);
    view_release(own->view);
}

static void answer_proof(struct node *node, gpointer service, const struct node_request *request,
                         struct node_answer *answer)
{
    struct register_service *own = service;
    g_autoptr(GError) error = NULL;
    const struct shown *shown;
    struct merkle_hash leaf;
    char *proof = NULL;
    gboolean found;
    guint64 index;

    if (!hex_decode_into(request->parameter, leaf.bytes, sizeof leaf.bytes)) {
        answer_problem(answer, 400, "A leaf hash is 64 lower-case hexadecimal digits.");
        return;
    }
    if (!hold(own, &shown, answer))
        return;
    found = view_find(own->view, &leaf, &index);
    if (!found) {
        if (!hold_newer(own, &shown, answer))
            return;
        found = view_find(own->view, &leaf, &index);
    }
    if (found)
        proof = view_proof(own->view, index, &error);
    else
        input_error(&error, "The published log has no such entry.");
    if (proof)
        answer_bytes(answer, 200, PROOF_TYPE, g_bytes_new_take(proof, strlen(proof)));
    else
        answer_error(answer, error);
    view_release(own->view);
}

static void answer_register(struct node *node, gpointer service, const struct node_request *request,
                            struct node_answer *answer)
{
    struct register_service *own = service;
    g_autoptr(GError) error = NULL;
    const struct shown *shown;
    GBytes *document;

    if (!hold(own, &shown, answer))
        return;
    document = view_document(own->view, &error);
    view_release(own->view);
    if (document)
        answer_bytes(answer, 200, JSON_TYPE, document);
    else
        answer_error(answer, error);
}

static void answer_signatory(struct node *node, gpointer service,
                             const struct node_request *request, struct node_answer *answer)
{
    struct register_service *own = service;
    g_autoptr(GError) error = NULL;
    const struct shown *shown;
    json_t *value;

    if (!hold(own, &shown, answer))
        return;
    value = register_signatory(shown->reg, request->parameter, clock_now_us(), &error);
    view_release(own->view);
    if (value)
        answer_json(answer, 200, value);
    else
        answer_error(answer, error);
}

/* --- how it is --- */

static gboolean is_ready(gpointer service, const char **why)
{
    struct register_service *own = service;
    const struct shown *shown = view_hold(own->view);
    gboolean ready = shown->checkpoint != NULL;

    view_release(own->view);
    *why = "nothing is published, or it is still being read";
    return ready;
}

static void metrics(gpointer service, GString *text)
{
    struct register_service *own = service;
    g_autofree char *trouble = view_trouble(own->view);
    const struct shown *shown = view_hold(own->view);
    guint64 size = register_size(shown->reg);
    guint64 log_time_s = shown->verdict ? shown->verdict->log_time_s : 0;

    view_release(own->view);
    metric_add(text, METRIC_GAUGE, "register_size", "Entries in the published register.", size);
    metric_add(text, METRIC_GAUGE, "register_log_time_seconds",
               "Log time of the published checkpoint; 0: unwitnessed.", log_time_s);
    metric_add(text, METRIC_GAUGE, "register_trouble", "1: what is new could not be taken in.",
               trouble != NULL);
}

static const struct route routes[] = {
    { "GET", "/api/v1/policy", ROUTE_WORK, 0, READ_COST, answer_policy },
    { "GET", "/api/v1/checkpoint", ROUTE_WORK, 0, READ_COST, answer_checkpoint },
    { "GET", "/api/v1/entries/{index}", ROUTE_WORK, 0, READ_COST, answer_entry },
    { "GET", "/api/v1/proofs/{leaf}", ROUTE_WORK, 0, READ_COST, answer_proof },
    { "GET", "/api/v1/register", ROUTE_WORK, 0, REGISTER_COST, answer_register },
    { "GET", "/api/v1/signatories/{signatory}", ROUTE_WORK, 0, READ_COST, answer_signatory },
    { NULL },
};

const struct service service_register = {
    .name = "register",
    .start = start,
    .run = run,
    .stop = stop,
    .routes = routes,
    .metrics = metrics,
    .ready = is_ready,
};
