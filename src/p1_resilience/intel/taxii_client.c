#include "p1_resilience/intel/taxii_client.h"

#include "base/error.h"
#include "base/file.h"
#include "p1_resilience/intel/foreign.h"
#include "p1_resilience/intel/stix.h"

#include <string.h>

#define TRIES 6
#define PAUSE_US G_USEC_PER_SEC /* where a busy server says nothing; doubles */
#define PAUSE_MAX_US (120 * (gint64)G_USEC_PER_SEC)
#define FILE_MODE 0600
#define DATE_LAST "X-TAXII-Date-Added-Last"
#define STATUS_TOO_MANY 429
#define STATUS_UNAVAILABLE 503
#define DETAIL_MAX 300

/* --- one request --- */

static gboolean is_busy(const struct http_answer *answer)
{
    return answer->status == STATUS_TOO_MANY || answer->status == STATUS_UNAVAILABLE;
}

static void wait_for(gint64 pause_us)
{
    g_usleep((gulong)pause_us);
}

static gboolean fetch(const struct client *client, const struct http_request *request,
                      struct http_answer *answer, GError **error)
{
    gint64 pause_us = PAUSE_US;

    for (guint i = 1;; i++) {
        if (!http_fetch(client->http, request, answer, error))
            return FALSE;
        if (!is_busy(answer) || i == TRIES || answer->retry_after_us > PAUSE_MAX_US)
            return TRUE;
        wait_for((answer->retry_after_us ? answer->retry_after_us : pause_us) +
                 G_USEC_PER_SEC / 10);
        pause_us *= 2;
        http_answer_clear(answer);
    }
}

gboolean client_ask(const struct client *client, const char *method, const char *url, GBytes *body,
                    struct http_answer *answer, GError **error)
{
    g_autoptr(GPtrArray) headers = g_ptr_array_new_with_free_func(g_free);
    g_autofree char **authorized =
        client->authorize ? client->authorize(method, url, body, client->authorize_data) : NULL;
    struct http_request request = {
        .method = method, .url = url, .body = body, .wanted = DATE_LAST
    };

    request.content_type = body ? TAXII_MEDIA_TYPE : NULL;
    g_ptr_array_add(headers, g_strdup("Accept: " TAXII_MEDIA_TYPE));
    for (char **line = authorized; line && *line; line++)
        g_ptr_array_add(headers, *line);
    g_ptr_array_add(headers, NULL);
    request.headers = (const char *const *)headers->pdata;
    if (!fetch(client, &request, answer, error))
        return FALSE;
    if (answer->status == 401 || answer->status == 403) {
        policy_error(error, "%s: refused (%u): %s", url, answer->status,
                     answer->status == 401 ? "it does not know who asks"
                                           : "these credentials may not do that");
        http_answer_clear(answer);
        return FALSE;
    }
    return TRUE;
}

/* An answer that is none of those that were hoped for. */
static gboolean refuse_answer(const char *url, const struct http_answer *answer, GError **error)
{
    gsize length = 0;
    const char *bytes = answer->body ? g_bytes_get_data(answer->body, &length) : NULL;
    g_autofree char *cut = g_strndup(bytes ? bytes : "", MIN(length, DETAIL_MAX));
    g_autofree char *text = g_utf8_make_valid(cut, -1);

    return system_error(error, "%s: answers %u: %s", url, answer->status, text);
}

/* --- pages --- */

static char *objects_url(const char *url, const char *collection)
{
    const char *slash = g_str_has_suffix(url, "/") ? "" : "/";
    g_autofree char *name = collection ? g_uri_escape_string(collection, NULL, FALSE) : NULL;

    return name ? g_strdup_printf("%s%scollections/%s/objects/", url, slash, name)
                : g_strdup_printf("%s%sobjects/", url, slash);
}

static void add_member(GString *url, const char *name, const char *value)
{
    g_autofree char *escaped = value ? g_uri_escape_string(value, ":,", FALSE) : NULL;

    if (value)
        g_string_append_printf(url, "%c%s=%s", strchr(url->str, '?') ? '&' : '?', name, escaped);
}

/* The members in the order in which they are signed (taxii_filter.h). */
static char *page_url(const struct pull *pull, const struct pull_place *place)
{
    static const char *const fields[] = { "id", "type", "version", "spec_version" };
    g_autofree char *objects = objects_url(pull->url, pull->collection);
    g_autofree char *limit = pull->limit ? g_strdup_printf("%u", pull->limit) : NULL;
    GString *url = g_string_new(objects);

    add_member(url, "added_after", place->added_after);
    add_member(url, "limit", limit);
    add_member(url, "next", place->next);
    for (guint i = 0; i < G_N_ELEMENTS(fields); i++)
        for (const char *const *match = pull->match; match && *match; match++) {
            gsize length = strlen(fields[i]);
            g_autofree char *name = g_strdup_printf("match[%s]", fields[i]);

            if (g_str_has_prefix(*match, fields[i]) && (*match)[length] == '=')
                add_member(url, name, *match + length + 1);
        }
    return g_string_free(url, FALSE);
}

/* What names the pull: where, and all that is asked there. */
static char *source_of(const struct pull *pull)
{
    const struct pull_place nowhere = { 0 };
    struct pull bare = *pull;

    bare.limit = 0;
    return page_url(&bare, &nowhere);
}

/* One page while it is kept. */
struct page {
    const struct pull *pull;
    const char *source;
    struct pull_state *state;
    GBytes *body;
    foreign_document_t document;
    GPtrArray *objects; /* GBytes: new ones */
    GPtrArray *read;    /* char *: id, version of each of them */
};

static void page_clear(struct page *page)
{
    foreign_document_clear(&page->document);
    g_ptr_array_unref(page->objects);
    g_ptr_array_unref(page->read);
}

/* Objects of this page that were not read before, here or in another page. */
static gboolean sort_out(struct page *page, struct pulled *pulled, GError **error)
{
    g_autoptr(GHashTable) here = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < page->document.items->len; i++) {
        const struct foreign_item *item =
            &g_array_index(page->document.items, struct foreign_item, i);
        gboolean has;

        if (!pull_state_has(page->state, page->source, item->id, item->version, &has, error))
            return FALSE;
        if (has || !g_hash_table_add(here, g_strconcat(item->id, " ", item->version, NULL))) {
            pulled->known++;
            continue;
        }
        g_ptr_array_add(page->objects,
                        g_bytes_new_from_bytes(page->body, item->offset, item->length));
        g_ptr_array_add(page->read, g_strdup(item->id));
        g_ptr_array_add(page->read, g_strdup(item->version));
    }
    return TRUE;
}

static gboolean write_file(const struct page *page, gint64 number, GError **error)
{
    g_autofree char *mark = g_compute_checksum_for_string(G_CHECKSUM_SHA256, page->source, -1);
    g_autofree char *name = g_strdup_printf("taxii-%.8s-%08" G_GINT64_FORMAT ".json", mark, number);
    g_autofree char *path = g_build_filename(page->pull->folder, name, NULL);
    g_autoptr(GString) text = g_string_new("{\"objects\":[");

    for (guint i = 0; i < page->objects->len; i++) {
        gsize length;
        const char *bytes = g_bytes_get_data(page->objects->pdata[i], &length);

        g_string_append(text, i ? ",\n" : "\n");
        g_string_append_len(text, bytes, (gssize)length);
    }
    g_string_append(text, "\n]}\n");
    return file_write(path, text->str, text->len, FILE_MODE, error);
}

static gboolean keep_objects(struct page *page, struct pull_place *place, struct pulled *pulled,
                             GError **error)
{
    if (!sort_out(page, pulled, error))
        return FALSE;
    if (!page->objects->len)
        return TRUE;
    if (page->pull->take ? !page->pull->take(page->objects, page->pull->take_data, error)
                         : !write_file(page, place->number, error))
        return FALSE;
    place->number++;
    pulled->objects += page->objects->len;
    return TRUE;
}

/*
 * A microsecond before: servers may give several objects one moment, of which the last may come
 * later than this pull. What comes twice is known.
 */
static char *just_before(const char *time)
{
    gint64 time_us;
    g_autoptr(GDateTime) at = NULL;
    g_autofree char *text = NULL;

    if (!stix_time_parse(time, &time_us))
        return g_strdup(time);
    time_us--;
    at = g_date_time_new_from_unix_utc(time_us / G_USEC_PER_SEC);
    text = at ? g_date_time_format(at, "%Y-%m-%dT%H:%M:%S") : NULL;
    return text ? g_strdup_printf("%s.%06dZ", text, (int)(time_us % G_USEC_PER_SEC))
                : g_strdup(time);
}

static void note_last(struct pull_place *place, const char *last)
{
    gint64 time_us;

    if (!last || !stix_time_parse(last, &time_us) ||
        (place->last && stix_time_compare(last, place->last) <= 0))
        return;
    g_free(place->last);
    place->last = g_strdup(last);
}

/* Where the pull is after this page. FALSE with an error: the server leads nowhere. */
static gboolean move_on(const struct page *page, struct pull_place *place, gboolean *more,
                        GError **error)
{
    const struct foreign_document *document = &page->document;

    *more = document->more && document->items->len > 0;
    if (document->more && document->next) {
        if (g_strcmp0(place->next, document->next) == 0)
            return system_error(error, "%s: its next page is the same page", page->pull->url);
        g_free(place->next);
        place->next = g_strdup(document->next);
        *more = TRUE;
        return TRUE;
    }
    g_clear_pointer(&place->next, g_free);
    if (document->more && !page->objects->len)
        return system_error(error, "%s: says that more follows, and not how", page->pull->url);
    if (place->last) {
        g_free(place->added_after);
        place->added_after = just_before(place->last);
    }
    return TRUE;
}

static gboolean take_page(struct page *page, const struct http_answer *answer,
                          struct pull_place *place, struct pulled *pulled, gboolean *more,
                          GError **error)
{
    page->body = answer->body;
    if (!foreign_read(FOREIGN_ENVELOPE, answer->body, page->pull->url, &page->document, error) ||
        !keep_objects(page, place, pulled, error))
        return FALSE;
    note_last(place, answer->wanted);
    pulled->pages++;
    return move_on(page, place, more, error) &&
           pull_state_save(page->state, page->source, place, page->read, error);
}

static gboolean pull_page(const struct client *client, const struct pull *pull, const char *source,
                          struct pull_state *state, struct pull_place *place, struct pulled *pulled,
                          gboolean *more, GError **error)
{
    g_autofree char *url = page_url(pull, place);
    g_auto(http_answer_t) answer = { 0 };
    struct page page = { .pull = pull,
                         .source = source,
                         .state = state,
                         .objects = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref),
                         .read = g_ptr_array_new_with_free_func(g_free) };
    gboolean done = client_ask(client, "GET", url, NULL, &answer, error);

    if (done && place->next && (answer.status == 400 || answer.status == 404)) {
        /* It does not know the token any more: from where the last whole pull ended. */
        g_clear_pointer(&place->next, g_free);
        *more = TRUE;
    } else if (done && answer.status != 200) {
        done = refuse_answer(url, &answer, error);
    } else if (done) {
        done = take_page(&page, &answer, place, pulled, more, error);
    }
    page_clear(&page);
    return done;
}

gboolean client_pull(const struct client *client, const struct pull *pull, struct pull_state *state,
                     struct pulled *pulled, GError **error)
{
    g_autofree char *source = source_of(pull);
    g_auto(pull_place_t) place = { 0 };
    gboolean more = TRUE;

    *pulled = (struct pulled){ 0 };
    if (!pull_state_load(state, source, &place, error))
        return FALSE;
    if (pull->added_after) {
        pull_place_clear(&place);
        place.added_after = g_strdup(pull->added_after);
    }
    while (more) {
        if (!pull_page(client, pull, source, state, &place, pulled, &more, error))
            return FALSE;
        if (more && client->progress && !client->progress(pulled->objects, client->progress_data))
            return system_error(error, "%s: stopped; the next pull goes on from here", pull->url);
    }
    return TRUE;
}

/* --- writing --- */

#define PUSH_OBJECTS 500u
#define ENVELOPE_HEAD "{\"objects\":["
#define PUSH_BYTES (1u << 20)
#define STATUS_BYTES (PUSH_BYTES << 4)
#define POLLS 60u

static void note_failures(const struct foreign_document *status, struct pushed *pushed)
{
    for (guint i = 0; i < status->items->len && pushed->why->len < FOREIGN_FAILURES; i++) {
        const struct foreign_item *one = &g_array_index(status->items, struct foreign_item, i);

        g_ptr_array_add(
            pushed->why,
            g_strdup_printf("%s: %s", one->id, *one->version ? one->version : "no reason given"));
    }
}

/* In a worker. */
static gboolean read_status(const char *url, const struct http_answer *answer,
                            struct foreign_document *status, GError **error)
{
    foreign_document_clear(status);
    if (g_bytes_get_size(answer->body) <= STATUS_BYTES)
        return foreign_read(FOREIGN_STATUS, answer->body, url, status, error);
    return input_error(error, "%s: a status of more than %u bytes", url, STATUS_BYTES);
}

/* ".../collections/X/objects/" -> ".../status/ID/" */
static char *status_url(const char *objects, const char *id)
{
    const char *end = g_strrstr(objects, "/collections/");
    g_autofree char *escaped = g_uri_escape_string(id, NULL, FALSE);

    return end ? g_strdup_printf("%.*s/status/%s/", (int)(end - objects), objects, escaped) : NULL;
}

/* Asks until nothing is pending any more, or it has been long enough. */
static gboolean follow_status(const struct client *client, const char *objects,
                              struct foreign_document *status, GError **error)
{
    for (guint i = 0; status->more && i < POLLS; i++) {
        g_autofree char *url = status_url(objects, status->next);
        g_auto(http_answer_t) answer = { 0 };

        if (!url)
            return TRUE;
        wait_for(MIN((gint64)(i + 1) * PAUSE_US / 2, 5 * PAUSE_US));
        if (!client_ask(client, "GET", url, NULL, &answer, error))
            return FALSE;
        if (answer.status != 200)
            return refuse_answer(url, &answer, error);
        if (!read_status(url, &answer, status, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean push_some(const struct client *client, const char *url, GString *text, guint count,
                          struct pushed *pushed, GError **error)
{
    g_autoptr(GBytes) body = NULL;
    g_auto(http_answer_t) answer = { 0 };
    g_auto(foreign_document_t) status = { 0 };

    g_string_append(text, "]}");
    body = g_bytes_new(text->str, text->len);
    if (!client_ask(client, "POST", url, body, &answer, error))
        return FALSE;
    if (answer.status != 202)
        return refuse_answer(url, &answer, error);
    if (!read_status(url, &answer, &status, error) || !follow_status(client, url, &status, error))
        return FALSE;
    pushed->sent += count;
    pushed->taken += status.successes;
    pushed->refused += status.failures;
    pushed->pending += status.pendings;
    note_failures(&status, pushed);
    return TRUE;
}

gboolean client_push(const struct client *client, const char *url, const char *collection,
                     const GPtrArray *objects, struct pushed *pushed, GError **error)
{
    g_autofree char *target = objects_url(url, collection);

    for (guint i = 0; i < objects->len;) {
        g_autoptr(GString) text = g_string_new(ENVELOPE_HEAD);
        guint count = 0;

        for (; i < objects->len && count < PUSH_OBJECTS; i++, count++) {
            gsize length;
            const char *bytes = g_bytes_get_data(objects->pdata[i], &length);

            if (count && text->len + length > PUSH_BYTES)
                break;
            if (count)
                g_string_append_c(text, ',');
            g_string_append_len(text, bytes, (gssize)length);
        }
        if (!push_some(client, target, text, count, pushed, error))
            return FALSE;
        if (client->progress && !client->progress(pushed->sent, client->progress_data))
            return system_error(error, "%s: stopped", url);
    }
    return TRUE;
}
