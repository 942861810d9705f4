/*
 * service_taxii.c: collections of indicators for whom the configuration names, by TAXII 2.1.
 *
 * The root is /taxii2/intel/. A collection that somebody may neither read nor write is not there
 * for them (404); one that they may only write is not read (403), and the other way round.
 */
#include "base/clock.h"
#include "base/error.h"
#include "delivery/mailbox_request.h"
#include "node/metrics.h"
#include "node/node.h"
#include "node/places.h"
#include "node/services.h"
#include "node/taxii_answers.h"
#include "node/taxii_page.h"
#include "node/taxii_post.h"

#include <string.h>

#define ROOT "/taxii2/intel/"
#define COLLECTION ROOT "collections/{collection}/"
#define READ_COST 10
#define POST_COST 100
#define LOOK_COST 2

struct taxii_service {
    struct node *node;
    struct taxii_config *config;
    struct taxii_store *store;
    struct journal *journal;
    GMutex journal_lock;
    struct starter *workers;       /* that read what is posted */
    GPtrArray *authorities;        /* char *: names by which requests are signed */
    guint64 given, taken, refused; /* objects; atomic */
    struct taxii_share share;
};

const struct taxii_share *taxii_share(const struct node *node)
{
    struct taxii_service *own = node_service(node, &service_taxii);

    return own ? &own->share : NULL;
}

static void stop(gpointer service)
{
    struct taxii_service *own = service;

    starter_free(own->workers);
    taxii_store_close(own->store);
    journal_close(own->journal);
    g_mutex_clear(&own->journal_lock);
    g_ptr_array_unref(own->authorities);
    taxii_config_free(own->config);
    g_free(own);
}

static gpointer start(struct node *node, GError **error)
{
    const struct node_options *options = node_options(node);
    struct taxii_config *config = options->intel ? taxii_config_load(options->intel, error) : NULL;
    struct starter *workers = config ? taxii_head_starter(error) : NULL;
    struct taxii_service *own;

    if (!workers) {
        taxii_config_free(config);
        return NULL;
    }
    own = g_new0(struct taxii_service, 1);
    own->node = node;
    own->workers = workers;
    own->config = config;
    own->authorities = g_ptr_array_new_with_free_func(g_free);
    g_mutex_init(&own->journal_lock);
    for (char **url = options->public_urls; url && *url; url++) {
        char *authority = mailbox_authority(*url);

        if (authority)
            g_ptr_array_add(own->authorities, authority);
    }
    own->share = (struct taxii_share){ node, config, own->authorities, NULL, &own->journal_lock };
    return own;
}

/* Signatories are known by the register; a node without one could let none of them in. */
static gboolean has_register(const struct taxii_service *own, GError **error)
{
    for (guint i = 0; i < own->config->readers->len; i++) {
        const struct taxii_reader *reader = own->config->readers->pdata[i];

        if (reader->signatory && !node_service(own->node, &service_register))
            return input_error(error,
                               "%s: the reader \"%s\" is a signatory, and this node has no "
                               "register: it neither keeps nor copies the community's log",
                               node_options(own->node)->intel, reader->name);
    }
    return TRUE;
}

static gboolean run(gpointer service, GError **error)
{
    struct taxii_service *own = service;
    const struct node_options *options = node_options(own->node);
    g_autofree char *place =
        options->database ? g_strdup(options->database) : node_place(own->node, TAXII_STORE_FILE);

    if (!has_register(own, error))
        return FALSE;
    own->store = taxii_store_open(place, error);
    own->journal = own->store ? journal_open(options->data_folder, error) : NULL;
    own->share.journal = own->journal;
    return own->journal != NULL;
}

/* --- every request --- */

enum need { NEED_ANY, NEED_READ, NEED_WRITE, NEED_BOTH };

/* Who asks for what. */
struct asked {
    const struct taxii_reader *reader;
    const struct taxii_collection *collection;
    char **parts; /* of the path's parameter: collection, "objects", object; or NULL */
};
typedef struct asked asked_t;

static void asked_clear(struct asked *asked)
{
    g_clear_pointer(&asked->parts, g_strfreev);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(asked_t, asked_clear)

static gboolean begin(const struct taxii_service *own, const struct node_request *request,
                      struct asked *asked, struct node_answer *answer)
{
    if (!taxii_who(&own->share, request, &asked->reader, answer))
        return FALSE;
    if (taxii_accepts(request->header(request, "Accept")))
        return TRUE;
    taxii_error(answer, 406, "Answers are " TAXII_MEDIA_TYPE ".");
    return FALSE;
}

static gboolean refuse(struct node_answer *answer, guint status, const char *why)
{
    taxii_error(answer, status, why);
    return FALSE;
}

static gboolean begin_collection(const struct taxii_service *own,
                                 const struct node_request *request, enum need need,
                                 struct asked *asked, struct node_answer *answer)
{
    gboolean read, write;

    if (!begin(own, request, asked, answer))
        return FALSE;
    asked->parts = g_strsplit(request->parameter, "/", -1);
    asked->collection = taxii_config_collection(own->config, asked->parts[0]);
    read = asked->collection && taxii_may_read(asked->collection, asked->reader);
    write = asked->collection && taxii_may_write(asked->collection, asked->reader);
    if (!read && !write)
        return asked->reader ? refuse(answer, 404, "There is no such collection.")
                             : refuse(answer, 401, "Say who asks.");
    if (!read && (need == NEED_READ || need == NEED_BOTH))
        return refuse(answer, 403, "The collection cannot be read by these credentials.");
    if (!write && (need == NEED_WRITE || need == NEED_BOTH))
        return refuse(answer, asked->reader ? 403 : 401,
                      "The collection cannot be written by these credentials.");
    return TRUE;
}

static struct taxii_view view_of(struct taxii_service *own, const struct asked *asked)
{
    return (struct taxii_view){ own->store, own->journal, &own->journal_lock, asked->collection,
                                asked->reader };
}

/* --- what there is --- */

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text)
        json_object_set_new(object, key, json_string(text));
}

static void answer_discovery(struct node *node, gpointer service,
                             const struct node_request *request, struct node_answer *answer)
{
    struct taxii_service *own = service;
    char **urls = node_options(node)->public_urls;
    struct asked asked = { 0 };
    g_autofree char *root = NULL;
    json_t *value;

    if (!begin(own, request, &asked, answer))
        return;
    root = urls && *urls
               ? g_strdup_printf("%.*s" ROOT, (int)(strlen(*urls) - g_str_has_suffix(*urls, "/")),
                                 *urls)
               : g_strdup(ROOT);
    value = json_pack("{s:s}", "title", own->config->title);
    set_text(value, "description", own->config->description);
    set_text(value, "contact", own->config->contact);
    set_text(value, "default", root);
    json_object_set_new(value, "api_roots", json_pack("[s]", root));
    taxii_json(request, answer, 200, value);
}

static void answer_root(struct node *node, gpointer service, const struct node_request *request,
                        struct node_answer *answer)
{
    struct taxii_service *own = service;
    struct asked asked = { 0 };
    json_t *value;

    (void)node;
    if (!begin(own, request, &asked, answer))
        return;
    value =
        json_pack("{s:s, s:[s], s:I}", "title", own->config->title, "versions", TAXII_MEDIA_TYPE,
                  "max_content_length", (json_int_t)own->config->max_content_length);
    set_text(value, "description", own->config->description);
    taxii_json(request, answer, 200, value);
}

static json_t *describe(const struct taxii_collection *collection,
                        const struct taxii_reader *reader)
{
    json_t *value = json_pack("{s:s, s:s, s:s, s:b, s:b, s:[s, s]}", "id", collection->id, "title",
                              collection->title, "alias", collection->alias, "can_read",
                              taxii_may_read(collection, reader), "can_write",
                              taxii_may_write(collection, reader), "media_types", STIX_TYPE,
                              "application/stix+json;version=2.0");

    set_text(value, "description", collection->description);
    return value;
}

static void answer_collections(struct node *node, gpointer service,
                               const struct node_request *request, struct node_answer *answer)
{
    struct taxii_service *own = service;
    struct asked asked = { 0 };
    json_t *value = NULL, *list;

    (void)node;
    if (!begin(own, request, &asked, answer))
        return;
    list = json_array();
    for (guint i = 0; i < own->config->collections->len; i++) {
        const struct taxii_collection *collection = own->config->collections->pdata[i];

        if (taxii_may_read(collection, asked.reader) || taxii_may_write(collection, asked.reader))
            json_array_append_new(list, describe(collection, asked.reader));
    }
    value = json_object();
    if (json_array_size(list))
        json_object_set(value, "collections", list);
    json_decref(list);
    taxii_json(request, answer, 200, value);
}

static void answer_collection(struct node *node, gpointer service,
                              const struct node_request *request, struct node_answer *answer)
{
    g_auto(asked_t) asked = { 0 };

    (void)node;
    if (begin_collection(service, request, NEED_ANY, &asked, answer))
        taxii_json(request, answer, 200, describe(asked.collection, asked.reader));
}

/* --- pages --- */

static const char *query_of(const char *name, gpointer data)
{
    const struct node_request *request = data;

    return request->query(request, name);
}

static void say_dates(const struct taxii_page *page, struct node_answer *answer)
{
    g_autofree char *first = taxii_time(page->first_us), *last = taxii_time(page->last_us);

    if (!page->count)
        return;
    answer->added = g_new0(char *, 5);
    answer->added[0] = g_strdup("X-TAXII-Date-Added-First");
    answer->added[1] = g_steal_pointer(&first);
    answer->added[2] = g_strdup("X-TAXII-Date-Added-Last");
    answer->added[3] = g_steal_pointer(&last);
}

static void answer_list(struct taxii_service *own, const struct node_request *request,
                        enum taxii_list list, guint members, struct node_answer *answer)
{
    g_auto(asked_t) asked = { 0 };
    g_auto(taxii_filter_t) filter = { 0 };
    g_autoptr(GError) error = NULL;
    g_autofree char *scope = NULL;
    const char *object;
    struct taxii_view view;
    struct taxii_page page;
    gint64 after_us;

    if (!begin_collection(own, request, NEED_READ, &asked, answer))
        return;
    object = g_strv_length(asked.parts) > 2 ? asked.parts[2] : NULL;
    if (!taxii_filter_read(&filter, members, query_of, (gpointer)request, &error)) {
        taxii_error(answer, 400, error->message);
        return;
    }
    if (list == TAXII_OBJECT_VERSIONS)
        filter.versions = TAXII_ALL;
    scope = g_strdup_printf("%s\n%d\n%s", asked.collection->id, list, object ? object : "");
    after_us = filter.next ? taxii_next_read(taxii_store_secret(own->store), scope, &filter)
                           : filter.after_us;
    if (filter.next && after_us < 0) {
        taxii_error(answer, 400, "next: not of this server, or of other filters.");
        return;
    }
    view = view_of(own, &asked);
    if (!taxii_page_make(&view, list, object, &filter, after_us, scope, &page, &error)) {
        taxii_error(answer, 503, "The collection cannot be read now.");
        answer->retry_after_s = 1;
        return;
    }
    if (object && !page.count && !taxii_page_knows(&view, object)) {
        g_bytes_unref(page.body);
        taxii_error(answer, 404, "There is no such object.");
        return;
    }
    __atomic_fetch_add(&own->given, page.count, __ATOMIC_RELAXED);
    taxii_bytes(request, answer, 200, page.body);
    say_dates(&page, answer);
}

static void answer_objects(struct node *node, gpointer service, const struct node_request *request,
                           struct node_answer *answer)
{
    (void)node;
    answer_list(service, request, TAXII_OBJECTS,
                TAXII_PAGE | TAXII_ID | TAXII_TYPE | TAXII_VERSION | TAXII_SPEC, answer);
}

static void answer_manifest(struct node *node, gpointer service, const struct node_request *request,
                            struct node_answer *answer)
{
    (void)node;
    answer_list(service, request, TAXII_MANIFEST,
                TAXII_PAGE | TAXII_ID | TAXII_TYPE | TAXII_VERSION | TAXII_SPEC, answer);
}

static void answer_object(struct node *node, gpointer service, const struct node_request *request,
                          struct node_answer *answer)
{
    (void)node;
    answer_list(service, request, TAXII_OBJECT, TAXII_PAGE | TAXII_VERSION | TAXII_SPEC, answer);
}

static void answer_versions(struct node *node, gpointer service, const struct node_request *request,
                            struct node_answer *answer)
{
    (void)node;
    answer_list(service, request, TAXII_OBJECT_VERSIONS, TAXII_PAGE | TAXII_SPEC, answer);
}

/* --- writing --- */

static void answer_post(struct node *node, gpointer service, const struct node_request *request,
                        struct node_answer *answer)
{
    struct taxii_service *own = service;
    const gint64 now_us = clock_now_us();
    g_auto(asked_t) asked = { 0 };
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) body = NULL;
    json_t *status;
    char *text;

    (void)node;
    if (!begin_collection(own, request, NEED_WRITE, &asked, answer))
        return;
    if (!taxii_is_content_type(request->header(request, "Content-Type"))) {
        taxii_error(answer, 415, "Envelopes come as " TAXII_MEDIA_TYPE ".");
        return;
    }
    body = taxii_body(request, own->config->max_content_length, answer);
    if (!body)
        return;
    status = taxii_post(own->store, own->workers, asked.collection->id, body, now_us, &error);
    if (!status && g_error_matches(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT)) {
        taxii_error(answer, 422, error->message);
        return;
    }
    if (!status) {
        taxii_error(answer, 503, "The collection cannot be written now.");
        answer->retry_after_s = 1;
        return;
    }
    __atomic_fetch_add(&own->taken, json_integer_value(json_object_get(status, "success_count")),
                       __ATOMIC_RELAXED);
    __atomic_fetch_add(&own->refused, json_integer_value(json_object_get(status, "failure_count")),
                       __ATOMIC_RELAXED);
    text = json_dumps(status, JSON_COMPACT);
    taxii_store_keep_status(own->store, json_text(status, "id"), asked.reader->name, text, now_us,
                            NULL);
    free(text);
    taxii_json(request, answer, 202, status);
}

static void answer_status(struct node *node, gpointer service, const struct node_request *request,
                          struct node_answer *answer)
{
    struct taxii_service *own = service;
    struct asked asked = { 0 };
    g_autofree char *text = NULL;

    (void)node;
    if (!begin(own, request, &asked, answer))
        return;
    text = asked.reader
               ? taxii_store_status(own->store, request->parameter, asked.reader->name, NULL)
               : NULL;
    if (text)
        taxii_bytes(request, answer, 200, g_bytes_new(text, strlen(text)));
    else
        taxii_error(answer, 404, "There is no such status, or it is another's.");
}

static void answer_delete(struct node *node, gpointer service, const struct node_request *request,
                          struct node_answer *answer)
{
    struct taxii_service *own = service;
    g_auto(asked_t) asked = { 0 };
    g_auto(taxii_filter_t) filter = { 0 };
    g_autoptr(GError) error = NULL;
    struct taxii_view view;
    guint deleted;

    (void)node;
    if (!begin_collection(own, request, NEED_BOTH, &asked, answer))
        return;
    if (!taxii_filter_read(&filter, TAXII_VERSION | TAXII_SPEC, query_of, (gpointer)request,
                           &error)) {
        taxii_error(answer, 400, error->message);
        return;
    }
    if (!request->query(request, "match[version]"))
        filter.versions = TAXII_ALL; /* an object is deleted, not its newest version */
    view = view_of(own, &asked);
    if (!taxii_page_knows(&view, asked.parts[2]))
        taxii_error(answer, 404, "There is no such object.");
    else if (!taxii_store_delete(own->store, asked.collection->id, asked.parts[2], &filter,
                                 &deleted, &error))
        taxii_error(answer, 503, "The collection cannot be written now.");
    else if (!deleted)
        taxii_error(answer, 404, "There is no such version of the object.");
    else
        taxii_bytes(request, answer, 200, g_bytes_new_static("", 0));
}

/* Below the root, and nothing: said as TAXII says it. */
static void answer_nothing(struct node *node, gpointer service, const struct node_request *request,
                           struct node_answer *answer)
{
    struct asked asked = { 0 };

    (void)node;
    if (begin(service, request, &asked, answer))
        taxii_error(answer, 404, "There is nothing at this path; all of them end in \"/\".");
}

static void metrics(gpointer service, GString *text)
{
    struct taxii_service *own = service;
    gint64 count = 0;

    if (own->store)
        taxii_store_count(own->store, &count, NULL);
    metric_add(text, METRIC_GAUGE, "taxii_objects", "Versions of objects in all collections.",
               (guint64)count);
    metric_add(text, METRIC_COUNTER, "taxii_objects_given_total", "Objects given to readers.",
               __atomic_load_n(&own->given, __ATOMIC_RELAXED));
    metric_add(text, METRIC_COUNTER, "taxii_objects_taken_total", "Objects posted and kept.",
               __atomic_load_n(&own->taken, __ATOMIC_RELAXED));
    metric_add(text, METRIC_COUNTER, "taxii_objects_refused_total", "Objects posted and refused.",
               __atomic_load_n(&own->refused, __ATOMIC_RELAXED));
}

static const struct route routes[] = {
    { "GET", "/taxii2/", ROUTE_WORK, 0, LOOK_COST, answer_discovery },
    { "GET", ROOT, ROUTE_WORK, 0, LOOK_COST, answer_root },
    { "GET", ROOT "status/{status}/", ROUTE_WORK, 0, LOOK_COST, answer_status },
    { "GET", ROOT "collections/", ROUTE_WORK, 0, LOOK_COST, answer_collections },
    { "GET", COLLECTION, ROUTE_WORK, 0, LOOK_COST, answer_collection },
    { "GET", COLLECTION "manifest/", ROUTE_WORK, 0, READ_COST, answer_manifest },
    { "GET", COLLECTION "objects/", ROUTE_WORK, 0, READ_COST, answer_objects },
    { "POST", COLLECTION "objects/", ROUTE_WORK, TAXII_CONTENT_MAX, POST_COST, answer_post },
    { "GET", COLLECTION "objects/{object}/", ROUTE_WORK, 0, READ_COST, answer_object },
    { "DELETE", COLLECTION "objects/{object}/", ROUTE_WORK, 0, READ_COST, answer_delete },
    { "GET", COLLECTION "objects/{object}/versions/", ROUTE_WORK, 0, READ_COST, answer_versions },
    { "GET", "/taxii2/*", ROUTE_WORK, 0, LOOK_COST, answer_nothing },
    { NULL },
};

const struct service service_taxii = {
    .name = "taxii",
    .start = start,
    .run = run,
    .stop = stop,
    .routes = routes,
    .root = "/taxii2/",
    .refuse = taxii_error,
    .metrics = metrics,
};
