/*
 * service_misp.c: the MISP events of a collection as a feed that MISP servers fetch.
 *
 *     /misp/ALIAS/manifest.json, /misp/ALIAS/hashes.csv, /misp/ALIAS/UUID.json
 *
 * Events lie in DATA/misp/ALIAS (`entente intel push --misp-feed`). Each goes through the egress
 * point for who asks: the manifest lists what they may have, and the rest is not there.
 */
#include "journal/journal.h"
#include "node/places.h"
#include "node/problem.h"
#include "node/services.h"
#include "node/taxii_answers.h"
#include "p1_resilience/intel/egress.h"
#include "p1_resilience/intel/misp_feed.h"

#include <string.h>

#define FOLDER "misp"
#define MANIFEST "manifest.json"
#define HASHES "hashes.csv"
#define EVENT_LIMIT (64u << 20)
#define EVENT_COST 20
#define SUFFIX ".json"

struct misp_service {
    struct node *node;
    const struct taxii_share *share;
};

static gpointer start(struct node *node, GError **error)
{
    const struct taxii_share *share = taxii_share(node);
    struct misp_service *own = share ? g_new0(struct misp_service, 1) : NULL;

    (void)error;
    if (own)
        *own = (struct misp_service){ node, share };
    return own;
}

/* One request for one collection's feed. */
struct asking {
    const struct misp_service *own;
    const struct taxii_collection *collection;
    char *folder;
    struct egress *egress;
};

/* The event that may go of a file; NULL: none may, or it is none. */
static json_t *event_of(const struct asking *asking, const char *name)
{
    g_autofree char *path = g_build_filename(asking->folder, name, NULL);
    g_autoptr(json_t) whole = json_read_file(path, EVENT_LIMIT, NULL);
    const json_t *event = json_object_get(whole, "Event");
    enum egress_verdict verdict;
    json_t *sent = event ? egress_misp_event(asking->egress, event, FALSE, &verdict) : NULL;
    json_t *inside = json_object_get(sent, "Event");

    if (inside) {
        json_incref(inside);
        json_decref(sent);
        return inside;
    }
    return sent;
}

/* "UUID.json", and nothing that leads elsewhere. */
static gboolean is_event(const char *name)
{
    g_autofree char *uuid =
        g_str_has_suffix(name, SUFFIX) ? g_strndup(name, strlen(name) - strlen(SUFFIX)) : NULL;

    return uuid && g_uuid_string_is_valid(uuid);
}

static void answer_event(const struct asking *asking, const char *name, struct node_answer *answer)
{
    g_autoptr(json_t) event = is_event(name) ? event_of(asking, name) : NULL;

    if (event)
        answer_json(answer, 200, json_pack("{s:O}", "Event", event));
    else
        answer_problem(answer, 404, "There is no such event.");
}

/* All events that may go: for the manifest as `entries`, for the hashes as `lines`. */
static void list_events(const struct asking *asking, json_t *entries, GString *lines)
{
    g_autoptr(GDir) files = g_dir_open(asking->folder, 0, NULL);
    const char *name;

    while (files && (name = g_dir_read_name(files))) {
        g_autoptr(json_t) event = is_event(name) ? event_of(asking, name) : NULL;

        if (!event || !json_text(event, "uuid"))
            continue;
        if (entries)
            json_object_set_new(entries, json_text(event, "uuid"), misp_feed_entry(event));
        else
            misp_feed_hashes(event, lines);
    }
}

static void answer_file(const struct asking *asking, const char *name, struct node_answer *answer)
{
    if (g_str_equal(name, MANIFEST)) {
        json_t *entries = json_object();

        list_events(asking, entries, NULL);
        answer_json(answer, 200, entries);
    } else if (g_str_equal(name, HASHES)) {
        GString *lines = g_string_new(NULL);

        list_events(asking, NULL, lines);
        answer_bytes(answer, 200, "text/csv", g_string_free_to_bytes(lines));
    } else {
        answer_event(asking, name, answer);
    }
}

static void answer_feed(struct node *node, gpointer service, const struct node_request *request,
                        struct node_answer *answer)
{
    static const char *const closed[] = { "Vary", "Authorization", NULL };
    const struct misp_service *own = service;
    g_auto(GStrv) parts = g_strsplit(request->parameter, "/", 2);
    const struct marking_context context = { .fallback = TLP_AMBER };
    const struct taxii_reader *reader;
    struct egress_recipient recipient;
    g_autofree char *root = node_place(node, FOLDER);
    struct asking asking = { .own = own };
    g_autoptr(GError) error = NULL;
    gboolean noted;

    if (!taxii_who(own->share, request, &reader, answer))
        return;
    asking.collection = taxii_config_collection(own->share->config, parts[0]);
    if (!asking.collection || !taxii_may_read(asking.collection, reader)) {
        answer_problem(answer, 404, "There is no such feed.");
        return;
    }
    recipient = taxii_recipient(asking.collection, reader);
    asking.folder = g_build_filename(root, asking.collection->alias, NULL);
    asking.egress = egress_new(&recipient, &context, own->share->journal);
    answer_file(&asking, parts[1], answer);
    g_mutex_lock(own->share->journal_lock);
    noted = egress_finish(asking.egress, &error);
    g_mutex_unlock(own->share->journal_lock);
    if (!noted) {
        node_answer_clear(answer);
        answer_problem(answer, 503, "The journal cannot be written now.");
    }
    answer->headers = closed;
    egress_free(asking.egress);
    g_free(asking.folder);
}

static const struct route routes[] = {
    { "GET", "/misp/{collection}/{file}", ROUTE_WORK, 0, EVENT_COST, answer_feed },
    { NULL },
};

const struct service service_misp = {
    .name = "misp",
    .start = start,
    .stop = g_free,
    .routes = routes,
};
