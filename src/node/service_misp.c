/*
 * service_misp.c: the MISP events of a collection as a feed that MISP servers fetch.
 *
 *     /misp/ALIAS/manifest.json, /misp/ALIAS/hashes.csv, /misp/ALIAS/UUID.json
 *
 * Events lie in DATA/misp/ALIAS (`entente intel push --misp-feed`). Each goes through the egress
 * point for who asks: the manifest lists what they may have, and the rest is not there.
 *
 * A manifest is made of all events: it is kept for each reader until a file in the folder changes,
 * a day at most (refusals are to be said again then), and its ETag says from which files it is.
 */
#include "journal/journal.h"
#include "node/places.h"
#include "node/problem.h"
#include "node/services.h"
#include "node/taxii_answers.h"
#include "p1_resilience/intel/egress.h"
#include "p1_resilience/intel/misp_feed.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FOLDER "misp"
#define MANIFEST "manifest.json"
#define HASHES "hashes.csv"
#define EVENT_LIMIT (64u << 20)
#define EVENT_COST 20
#define SUFFIX ".json"
#define CSV_TYPE "text/csv"
#define KEPT_US (24 * G_TIME_SPAN_HOUR)
#define KEPT_BYTES (64u << 20) /* of all lists that are kept */

/* A list for one reader. */
struct kept {
    char *tag; /* an ETag: of the files it was made of */
    GBytes *body;
    gint64 until_us; /* on the clock of g_get_monotonic_time() */
};

struct misp_service {
    struct node *node;
    const struct taxii_share *share;
    GMutex lock;      /* of: */
    GHashTable *kept; /* "ALIAS READER FILE" -> struct kept */
    gsize bytes;      /* of their bodies */
};

static void kept_free(gpointer data)
{
    struct kept *kept = data;

    g_free(kept->tag);
    g_bytes_unref(kept->body);
    g_free(kept);
}

static gpointer start(struct node *node, GError **error)
{
    const struct taxii_share *share = taxii_share(node);
    struct misp_service *own = share ? g_new0(struct misp_service, 1) : NULL;

    (void)error;
    if (!own)
        return NULL;
    own->node = node;
    own->share = share;
    g_mutex_init(&own->lock);
    own->kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, kept_free);
    return own;
}

static void stop(gpointer service)
{
    struct misp_service *own = service;

    g_hash_table_unref(own->kept);
    g_mutex_clear(&own->lock);
    g_free(own);
}

/* One request for one collection's feed. */
struct asking {
    struct misp_service *own;
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

/* --- lists of all events --- */

static gint by_name(gconstpointer one, gconstpointer other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

/* The names of the events' files, in order. */
static GPtrArray *list_files(const char *folder)
{
    g_autoptr(GDir) files = g_dir_open(folder, 0, NULL);
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    const char *name;

    while (files && (name = g_dir_read_name(files)))
        if (is_event(name))
            g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, by_name);
    return names;
}

/* Which files there are, and which content of them: an ETag. Owned by the caller. */
static char *tag_of(const struct asking *asking, const GPtrArray *names, const char *key)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

    g_checksum_update(sum, (const guchar *)key, (gssize)strlen(key));
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path = g_build_filename(asking->folder, names->pdata[i], NULL);
        struct stat status = { 0 };
        g_autofree char *line = NULL;

        if (stat(path, &status) < 0)
            status.st_size = -1;
        line = g_strdup_printf("\n%s %ld %ld.%09ld %lu", (char *)names->pdata[i],
                               (long)status.st_size, (long)status.st_mtim.tv_sec,
                               (long)status.st_mtim.tv_nsec, (unsigned long)status.st_ino);
        g_checksum_update(sum, (const guchar *)line, (gssize)strlen(line));
    }
    return g_strdup_printf("\"%.32s\"", g_checksum_get_string(sum));
}

/* What may go of all events: the manifest, or the hashes. */
static GBytes *make_list(const struct asking *asking, const GPtrArray *names, gboolean manifest)
{
    g_autoptr(json_t) entries = json_object();
    GString *lines = g_string_new(NULL);

    for (guint i = 0; i < names->len; i++) {
        g_autoptr(json_t) event = event_of(asking, names->pdata[i]);

        if (!event || !json_text(event, "uuid"))
            continue;
        if (manifest)
            json_object_set_new(entries, json_text(event, "uuid"), misp_feed_entry(event));
        else
            misp_feed_hashes(event, lines);
    }
    if (manifest) {
        char *text = json_dumps(entries, JSON_COMPACT);

        g_string_append(lines, text);
        free(text);
    }
    return g_string_free_to_bytes(lines);
}

/* The list that was made of the same files; NULL: it is not kept. */
static GBytes *kept_list(struct misp_service *own, const char *key, const char *tag)
{
    const struct kept *kept;
    GBytes *body = NULL;

    g_mutex_lock(&own->lock);
    kept = g_hash_table_lookup(own->kept, key);
    if (kept && g_str_equal(kept->tag, tag) && g_get_monotonic_time() < kept->until_us)
        body = g_bytes_ref(kept->body);
    g_mutex_unlock(&own->lock);
    return body;
}

static void keep_list(struct misp_service *own, const char *key, const char *tag, GBytes *body)
{
    struct kept *kept = g_new(struct kept, 1), *before;

    *kept = (struct kept){ g_strdup(tag), g_bytes_ref(body), g_get_monotonic_time() + KEPT_US };
    g_mutex_lock(&own->lock);
    before = g_hash_table_lookup(own->kept, key);
    own->bytes += g_bytes_get_size(body) - (before ? g_bytes_get_size(before->body) : 0);
    if (own->bytes > KEPT_BYTES) {
        g_hash_table_remove_all(own->kept);
        own->bytes = g_bytes_get_size(body);
    }
    g_hash_table_insert(own->kept, g_strdup(key), kept);
    g_mutex_unlock(&own->lock);
}

static void forget_lists(struct misp_service *own)
{
    g_mutex_lock(&own->lock);
    g_hash_table_remove_all(own->kept);
    own->bytes = 0;
    g_mutex_unlock(&own->lock);
}

static void answer_list(const struct asking *asking, const char *file, struct node_answer *answer)
{
    const struct egress_recipient *recipient = egress_recipient(asking->egress);
    g_autofree char *key = g_strdup_printf("%s %s %s", asking->collection->alias,
                                           recipient->id ? recipient->id : "", file);
    g_autoptr(GPtrArray) names = list_files(asking->folder);
    g_autofree char *tag = tag_of(asking, names, key);
    const gboolean manifest = g_str_equal(file, MANIFEST);
    GBytes *body = kept_list(asking->own, key, tag);

    if (!body) {
        body = make_list(asking, names, manifest);
        keep_list(asking->own, key, tag, body);
    }
    answer_bytes(answer, 200, manifest ? JSON_TYPE : CSV_TYPE, body);
    answer->cache = "private, no-cache";
    answer->etag = g_steal_pointer(&tag);
}

static void answer_file(const struct asking *asking, const char *name, struct node_answer *answer)
{
    if (g_str_equal(name, MANIFEST) || g_str_equal(name, HASHES))
        answer_list(asking, name, answer);
    else
        answer_event(asking, name, answer);
}

static void answer_feed(struct node *node, gpointer service, const struct node_request *request,
                        struct node_answer *answer)
{
    static const char *const closed[] = { "Vary", "Authorization, Entente-Signature", NULL };
    struct misp_service *own = service;
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
        forget_lists(asking.own); /* what was refused for them was not written down */
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
    .stop = stop,
    .routes = routes,
};
