#include "node/taxii_page.h"

#include "base/error.h"
#include "node/taxii_answers.h"
#include "p1_resilience/intel/egress.h"
#include "p1_resilience/intel/stix.h"

#include <string.h>

#define PAGE_OBJECTS 1000u
#define PAGE_BYTES (8u << 20)
#define LOOKS 64u /* at the store, for a reader who may have little of it */

/* One page while it is made. */
struct making {
    const struct taxii_view *view;
    enum taxii_list list;
    struct egress *egress;
    const struct marking_context *context;
    GHashTable *known; /* id -> whether the reader may know it */
    GString *text;
    struct taxii_page *page;
};

/* --- what the reader may have --- */

static struct markings *learn_markings(const struct taxii_view *view, GError **error)
{
    g_autoptr(GPtrArray) definitions =
        taxii_store_of_type(view->store, view->collection->id, "marking-definition", error);
    g_autoptr(markings_t) markings = markings_new();

    if (!definitions)
        return NULL;
    for (guint i = 0; i < definitions->len; i++) {
        gsize length;
        const char *bytes = g_bytes_get_data(definitions->pdata[i], &length);
        g_autoptr(json_t) object = json_loadb(bytes, length, 0, NULL);

        if (object)
            markings_learn(markings, object);
    }
    return g_steal_pointer(&markings);
}

static gboolean look_up(const char *id, const struct making *making)
{
    gboolean onward = FALSE;
    g_autoptr(GBytes) bytes =
        taxii_store_object(making->view->store, making->view->collection->id, id, &onward, NULL);
    gsize length = 0;
    const char *text = bytes ? g_bytes_get_data(bytes, &length) : NULL;
    g_autoptr(json_t) object = text ? json_loadb(text, length, 0, NULL) : NULL;

    return object && egress_decide(marking_level(object, making->context),
                                   egress_recipient(making->egress), onward) == EGRESS_PASS;
}

static gboolean is_visible(const char *id, gpointer data)
{
    struct making *making = data;
    gpointer known;

    if (!g_hash_table_lookup_extended(making->known, id, NULL, &known)) {
        known = GINT_TO_POINTER(look_up(id, making));
        g_hash_table_insert(making->known, g_strdup(id), known);
    }
    return GPOINTER_TO_INT(known);
}

/* --- what the page says --- */

static void put_string(GString *text, const char *value)
{
    g_autoptr(json_t) string = json_safe_string(value);
    char *dump = json_dumps(string, JSON_ENCODE_ANY | JSON_COMPACT);

    g_string_append(text, dump);
    free(dump);
}

static void put_row(struct making *making, const struct taxii_row *row,
                    const struct egress_item *item)
{
    GString *text = making->text;
    g_autofree char *added = taxii_time(row->added_us);
    const char *written = stix_version(item->object), *version = written ? written : added;
    gsize length;
    const char *bytes = g_bytes_get_data(item->sent, &length);

    if (making->page->count)
        g_string_append_c(text, ',');
    if (making->list == TAXII_MANIFEST) {
        g_string_append(text, "{\"id\":");
        put_string(text, row->id);
        g_string_append_printf(text,
                               ",\"date_added\":\"%s\",\"version\":\"%s\",\"media_type\":"
                               "\"application/stix+json;version=",
                               added, version);
        g_string_append_printf(text, "%s\"}", g_str_equal(row->spec, "2.0") ? "2.0" : "2.1");
    } else if (making->list == TAXII_OBJECT_VERSIONS) {
        put_string(text, version);
    } else {
        g_string_append_len(text, bytes, (gssize)length);
    }
    if (!making->page->count++)
        making->page->first_us = row->added_us;
    making->page->last_us = row->added_us;
}

/* What may go of these rows, onto the page. */
static void put_rows(struct making *making, const GPtrArray *rows)
{
    g_autofree struct egress_item *items = g_new0(struct egress_item, rows->len);

    for (guint i = 0; i < rows->len; i++) {
        const struct taxii_row *row = rows->pdata[i];

        items[i].text = g_bytes_get_data(row->bytes, &items[i].length);
        items[i].object = json_loadb(items[i].text, items[i].length, 0, NULL);
        items[i].onward = row->onward;
    }
    egress_objects(making->egress, items, rows->len, is_visible, making);
    for (guint i = 0; i < rows->len; i++) {
        if (items[i].sent) {
            put_row(making, rows->pdata[i], &items[i]);
            g_bytes_unref(items[i].sent);
        }
        json_decref((json_t *)items[i].object);
    }
}

/* From `*after_us` on, until the page is full or there is no more. */
static gboolean fill(struct making *making, const char *object, const struct taxii_filter *filter,
                     gint64 *after_us, gboolean *more, GError **error)
{
    const guint wanted = filter->limit ? MIN(filter->limit, PAGE_OBJECTS) : PAGE_OBJECTS;
    guint looks = 0;

    do {
        g_autoptr(GPtrArray) rows =
            taxii_store_page(making->view->store, making->view->collection->id, object, filter,
                             *after_us, wanted - making->page->count, after_us, more, error);

        if (!rows)
            return FALSE;
        put_rows(making, rows);
    } while (*more && making->page->count < wanted && making->text->len < PAGE_BYTES &&
             ++looks < LOOKS);
    return TRUE;
}

static void finish_text(struct making *making, const struct taxii_filter *filter, gint64 reached_us,
                        gboolean more, const char *scope)
{
    static const char *const names[] = {
        [TAXII_OBJECTS] = "objects",
        [TAXII_MANIFEST] = "objects",
        [TAXII_OBJECT] = "objects",
        [TAXII_OBJECT_VERSIONS] = "versions",
    };
    GString *text = g_string_new("{");

    if (more) {
        g_autofree char *next =
            taxii_next_make(taxii_store_secret(making->view->store), scope, filter, reached_us);

        g_string_append_printf(text, "\"more\":true,\"next\":\"%s\"", next);
    }
    if (making->page->count)
        g_string_append_printf(text, "%s\"%s\":[", more ? "," : "", names[making->list]);
    g_string_prepend_len(making->text, text->str, (gssize)text->len);
    g_string_append(making->text, making->page->count ? "]}" : "}");
    g_string_free(text, TRUE);
    making->page->body = g_string_free_to_bytes(g_steal_pointer(&making->text));
}

static gboolean finish_egress(const struct taxii_view *view, struct egress *egress, GError **error)
{
    gboolean done;

    g_mutex_lock(view->journal_lock);
    done = egress_finish(egress, error);
    g_mutex_unlock(view->journal_lock);
    return done;
}

gboolean taxii_page_make(const struct taxii_view *view, enum taxii_list list, const char *object,
                         const struct taxii_filter *filter, gint64 after_us, const char *scope,
                         struct taxii_page *page, GError **error)
{
    g_autoptr(markings_t) markings = learn_markings(view, error);
    const struct marking_context context = { .markings = markings,
                                             .fallback = view->collection->tlp };
    const struct egress_recipient recipient = taxii_recipient(view->collection, view->reader);
    g_autoptr(egress_t) egress = egress_new(&recipient, &context, view->journal);
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    struct making making = { view, list, egress, &context, known, g_string_new(NULL), page };
    gboolean more = FALSE;

    *page = (struct taxii_page){ 0 };
    if (!markings || !fill(&making, object, filter, &after_us, &more, error) ||
        !finish_egress(view, egress, error)) {
        g_string_free(making.text, TRUE);
        return FALSE;
    }
    finish_text(&making, filter, after_us, more, scope);
    return TRUE;
}

gboolean taxii_page_knows(const struct taxii_view *view, const char *object)
{
    g_autoptr(markings_t) markings = learn_markings(view, NULL);
    const struct marking_context context = { .markings = markings,
                                             .fallback = view->collection->tlp };
    const struct egress_recipient recipient = taxii_recipient(view->collection, view->reader);
    g_autoptr(egress_t) egress = egress_new(&recipient, &context, NULL);
    const struct making making = { .view = view, .egress = egress, .context = &context };

    return markings && look_up(object, &making);
}
