/*
 * intel_push.c: `entente intel push`: STIX objects to a TAXII server or into a collection of this
 * node, MISP events into a feed; whatever leaves does so through the egress point.
 */
#include "base/file.h"
#include "base/terminal.h"
#include "cli/intel_remote.h"
#include "p1_resilience/intel/misp_feed.h"
#include "p1_resilience/intel/stix.h"
#include "p1_resilience/intel/taxii_store.h"

#include <stdio.h>
#include <string.h>

/* What is to go, and by which rules. */
struct pushing {
    const struct context *context;
    const struct intel_arguments *given;
    struct profile *profile;
    char *identity; /* STIX id of this signatory; NULL: it has no name */
    struct journal *journal;
    struct egress_recipient recipient;
    const char **named;
    char *host;       /* of the URL: who gets it when nobody is named */
    GPtrArray *bytes; /* GBytes: documents, which the objects point into */
    GArray *items;    /* struct egress_item */
    struct markings *markings;
    GPtrArray *events; /* json_t: of MISP, as they may go */
};

static void pushing_clear(struct pushing *pushing)
{
    for (guint i = 0; i < pushing->items->len; i++) {
        struct egress_item *item = &g_array_index(pushing->items, struct egress_item, i);

        json_decref((json_t *)item->object);
        g_clear_pointer(&item->sent, g_bytes_unref);
    }
    g_array_unref(pushing->items);
    g_ptr_array_unref(pushing->bytes);
    g_ptr_array_unref(pushing->events);
    markings_free(pushing->markings);
    journal_close(pushing->journal);
    profile_free(pushing->profile);
    g_free(pushing->identity);
    g_free(pushing->named);
    g_free(pushing->host);
}

/* --- reading --- */

/* Made by somebody else: how far it goes on is for its source to say. */
static gboolean is_onward(const struct pushing *pushing, const json_t *object)
{
    const char *by = json_text(object, "created_by_ref");

    return by && g_strcmp0(by, pushing->identity) != 0;
}

static gboolean take_object(const struct stix_object *object, gpointer data, GError **error)
{
    struct pushing *pushing = data;
    struct egress_item item = { .text = object->text,
                                .length = object->length,
                                .object = json_incref((json_t *)object->json),
                                .onward = is_onward(pushing, object->json) };

    g_array_append_val(pushing->items, item);
    markings_learn(pushing->markings, object->json);
    return stix_check(object->json, NULL, error);
}

/* Members around the objects are heeded by the level of each. */
static gboolean read_stix(struct pushing *pushing, const char *path, GError **error)
{
    GBytes *bytes = file_read(path, STIX_LIMIT, error);
    gsize length;

    if (!bytes)
        return FALSE;
    g_ptr_array_add(pushing->bytes, bytes);
    return stix_read(g_bytes_get_data(bytes, &length), g_bytes_get_size(bytes), path, NULL,
                     take_object, pushing, error);
}

static gboolean take_event(struct pushing *pushing, struct egress *egress, const json_t *document,
                           const char *path, GError **error)
{
    const json_t *inner = json_object_get(document, "Event"), *event = inner ? inner : document;
    const char *creator = json_text(json_object_get(event, "Orgc"), "name");
    enum egress_verdict verdict;
    json_t *sent;

    if (!json_text(event, "uuid"))
        return input_error(error, "%s: no event of MISP", path);
    sent = egress_misp_event(egress, event,
                             creator && g_strcmp0(creator, pushing->profile->signatory.name) != 0,
                             &verdict);
    if (sent && json_object_get(sent, "Event")) {
        g_ptr_array_add(pushing->events, json_incref(json_object_get(sent, "Event")));
        json_decref(sent);
    } else if (sent) {
        g_ptr_array_add(pushing->events, sent);
    }
    return TRUE;
}

/* An event, a list of events, or what MISP answers to a search: {"response": [...]}. */
static gboolean read_events(struct pushing *pushing, struct egress *egress, const char *path,
                            GError **error)
{
    g_autoptr(json_t) document = json_read_file(path, STIX_LIMIT, error);
    const json_t *response = json_object_get(document, "response"), *event;
    const json_t *list = response ? response : document;
    size_t index;

    if (!document)
        return FALSE;
    if (!json_is_array(list))
        return take_event(pushing, egress, document, path, error);
    json_array_foreach(list, index, event)
    {
        if (!take_event(pushing, egress, event, path, error))
            return FALSE;
    }
    return json_array_size(list) > 0 || input_error(error, "%s: no event of MISP", path);
}

/* --- going --- */

static int push_url(struct pushing *pushing, struct egress *egress, GError **error)
{
    g_autoptr(GPtrArray) going = g_ptr_array_new();
    g_autoptr(GPtrArray) why = g_ptr_array_new_with_free_func(g_free);
    g_auto(intel_remote_t) remote = { 0 };
    struct pushed pushed = { .why = why };
    gboolean refused;

    egress_objects(egress, (struct egress_item *)pushing->items->data, pushing->items->len, NULL,
                   NULL);
    for (guint i = 0; i < pushing->items->len; i++) {
        struct egress_item *item = &g_array_index(pushing->items, struct egress_item, i);

        if (item->sent)
            g_ptr_array_add(going, item->sent);
    }
    if (!egress_finish(egress, error) ||
        !intel_remote_open(pushing->context, pushing->given, &remote, error) ||
        !client_push(&remote.client, pushing->given->url, pushing->given->collection, going,
                     &pushed, error))
        return EXIT_SYSTEM;
    intel_remote_clear(&remote);
    refused = intel_refusals(egress, "not sent");
    for (guint i = 0; i < why->len; i++) {
        g_autofree char *text = terminal_escape(why->pdata[i]);

        fprintf(stderr, "refused there: %s\n", text);
    }
    if (!pushing->context->quiet)
        fprintf(stderr,
                "%" G_GUINT64_FORMAT " sent, %" G_GUINT64_FORMAT " taken, %" G_GUINT64_FORMAT
                " refused there, %" G_GUINT64_FORMAT " still pending\n",
                pushed.sent, pushed.taken, pushed.refused, pushed.pending);
    return refused          ? EXIT_POLICY
           : pushed.pending ? EXIT_SYSTEM
           : pushed.refused ? EXIT_FOUND
                            : EXIT_DONE;
}

/* Into a collection of this node: nothing leaves yet. */
static int push_store(struct pushing *pushing, GError **error)
{
    g_autofree char *collection = intel_collection_id(pushing->given->store);
    g_autoptr(taxii_store_t) store = intel_store(pushing->context, pushing->given, error);
    g_autofree struct taxii_addition *additions =
        g_new0(struct taxii_addition, pushing->items->len);
    g_autofree struct taxii_head *heads = g_new0(struct taxii_head, pushing->items->len);
    guint fresh = 0, refused = 0;
    gboolean done;

    for (guint i = 0; i < pushing->items->len; i++) {
        const struct egress_item *item = &g_array_index(pushing->items, struct egress_item, i);

        taxii_head_of(item->object, item->text, item->length, &heads[i]);
        additions[i] = (struct taxii_addition){ .text = item->text,
                                                .length = item->length,
                                                .head = &heads[i] };
    }
    done =
        store && taxii_store_add(store, collection, additions, pushing->items->len, FALSE, error);
    for (guint i = 0; i < pushing->items->len; i++) {
        fresh += additions[i].is_new;
        if (additions[i].refused) {
            g_autofree char *text = terminal_escape(additions[i].refused);

            fprintf(stderr, "refused: %s: %s\n", heads[i].id, text);
            refused++;
        }
        g_free(additions[i].refused);
        taxii_head_clear(&heads[i]);
    }
    if (!done)
        return EXIT_SYSTEM;
    if (!pushing->context->quiet)
        fprintf(stderr, "%u new of %u, %u refused\n", fresh, pushing->items->len, refused);
    return refused ? EXIT_FOUND : EXIT_DONE;
}

static int push_feed(struct pushing *pushing, struct egress *egress, char **files, GError **error)
{
    gboolean refused;

    for (; *files; files++)
        if (!read_events(pushing, egress, *files, error))
            return EXIT_SYSTEM;
    if (!egress_finish(egress, error) ||
        !misp_feed_add(pushing->given->misp_feed, pushing->events, error))
        return EXIT_SYSTEM;
    refused = intel_refusals(egress, "not sent");
    if (!pushing->context->quiet)
        fprintf(stderr, "%u event%s in the feed\n", pushing->events->len,
                pushing->events->len == 1 ? "" : "s");
    return refused ? EXIT_POLICY : EXIT_DONE;
}

/* --- who gets it --- */

static gboolean set_recipient(struct pushing *pushing, GError **error)
{
    const struct intel_arguments *given = pushing->given;
    g_autoptr(GUri) uri = given->url ? g_uri_parse(given->url, G_URI_FLAGS_NONE, NULL) : NULL;
    GPtrArray *named = g_ptr_array_new();

    for (guint i = 0; given->named && given->named[i]; i++)
        g_ptr_array_add(named, given->named[i]);
    g_ptr_array_add(named, NULL);
    pushing->named = (const char **)g_ptr_array_free(named, FALSE);
    pushing->host = uri ? g_strdup(g_uri_get_host(uri)) : NULL;
    pushing->recipient = (struct egress_recipient){
        .kind = g_strcmp0(given->to, INTEL_PUBLIC) == 0 ? EGRESS_PUBLIC : EGRESS_SIGNATORY,
        .id = given->to       ? given->to
              : pushing->host ? pushing->host
                              : given->misp_feed,
        .through = given->collection ? given->collection : "push",
        .named = pushing->named,
    };
    return intel_level(given->ceiling, TLP_RED, &pushing->recipient.ceiling, error);
}

static gboolean load(struct pushing *pushing, GError **error)
{
    g_autofree char *path = cli_profile_path(pushing->context);
    g_autofree char *data = cli_data_folder(pushing->context, error);

    pushing->profile = path ? profile_load(path, error) : profile_default();
    pushing->journal = data && pushing->profile ? journal_open(data, error) : NULL;
    if (!pushing->journal)
        return FALSE;
    pushing->identity = intel_identity(pushing->profile);
    return set_recipient(pushing, error);
}

static int push(struct pushing *pushing, char **files, GError **error)
{
    const struct intel_arguments *given = pushing->given;
    const struct marking_context context = { .markings = pushing->markings, .fallback = TLP_AMBER };
    g_autoptr(egress_t) egress = NULL;

    if (!load(pushing, error))
        return EXIT_SYSTEM;
    egress = egress_new(&pushing->recipient, &context, pushing->journal);
    if (given->misp_feed)
        return push_feed(pushing, egress, files, error);
    for (; *files; files++)
        if (!read_stix(pushing, *files, error))
            return EXIT_SYSTEM;
    return given->url ? push_url(pushing, egress, error) : push_store(pushing, error);
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct intel_arguments *given = shared;
    struct pushing pushing = {
        .context = context,
        .given = given,
        .bytes = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref),
        .items = g_array_new(FALSE, FALSE, sizeof(struct egress_item)),
        .events = g_ptr_array_new_with_free_func((GDestroyNotify)json_decref),
        .markings = markings_new(),
    };
    int status = EXIT_INPUT;

    if (!arguments[0] ||
        (given->url != NULL) + (given->store != NULL) + (given->misp_feed != NULL) != 1)
        input_error(error, "entente intel push FILE... with --url URL, --store COLLECTION or "
                           "--misp-feed DIR");
    else
        status = push(&pushing, arguments, error);
    pushing_clear(&pushing);
    return status;
}

const struct subcommand intel_push = { "push", run };
