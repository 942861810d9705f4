/* misp_client.c: a feed of MISP, event by event (refs: misp-core-format, "Feeds" of MISP). */
#include "base/error.h"
#include "base/file.h"
#include "p1_resilience/intel/foreign.h"
#include "p1_resilience/intel/taxii_client.h"

#include <string.h>

#define FILE_MODE 0600
#define MANIFEST "manifest.json"

static gboolean get(const struct client *client, const char *url, const char *name,
                    struct http_answer *answer, GError **error)
{
    g_autofree char *whole = g_strconcat(url, g_str_has_suffix(url, "/") ? "" : "/", name, NULL);

    if (!client_ask(client, "GET", whole, NULL, answer, error))
        return FALSE;
    if (answer->status == 200)
        return TRUE;
    system_error(error, "%s: answers %u", whole, answer->status);
    http_answer_clear(answer);
    return FALSE;
}

/* Whether the timestamp is later; both are digits. */
static gboolean is_newer(const char *timestamp, const char *held)
{
    return !held || g_ascii_strtoull(timestamp, NULL, 10) > g_ascii_strtoull(held, NULL, 10);
}

static gboolean take_event(const struct client *client, const struct pull *pull,
                           struct pull_state *state, const struct foreign_item *listed,
                           GError **error)
{
    const struct pull_place place = { 0 };
    g_autofree char *name = g_strconcat(listed->id, ".json", NULL);
    g_autofree char *path = g_build_filename(pull->folder, name, NULL);
    g_autoptr(GPtrArray) read = g_ptr_array_new();
    g_auto(http_answer_t) answer = { 0 };
    g_auto(foreign_document_t) document = { 0 };
    const struct foreign_item *event;
    gsize length;
    const void *bytes;

    if (!get(client, pull->url, name, &answer, error) ||
        !foreign_read(FOREIGN_MISP_EVENT, answer.body, name, &document, error))
        return FALSE;
    event = &g_array_index(document.items, struct foreign_item, 0);
    if (g_ascii_strcasecmp(event->id, listed->id) != 0)
        return input_error(error, "%s: is event %s", name, event->id);
    bytes = g_bytes_get_data(answer.body, &length);
    if (!file_write(path, bytes, length, FILE_MODE, error))
        return FALSE;
    g_ptr_array_add(read, listed->id);
    g_ptr_array_add(read, listed->version);
    return pull_state_save(state, pull->url, &place, read, error);
}

static gboolean take_events(const struct client *client, const struct pull *pull,
                            struct pull_state *state, const GArray *listed, struct pulled *pulled,
                            GError **error)
{
    for (guint i = 0; i < listed->len; i++) {
        const struct foreign_item *event = &g_array_index(listed, struct foreign_item, i);
        GError *failure = NULL;
        g_autofree char *held = pull_state_version(state, pull->url, event->id, &failure);

        if (failure) {
            g_propagate_error(error, failure);
            return FALSE;
        }
        if (!is_newer(event->version, held)) {
            pulled->known++;
            continue;
        }
        if (!take_event(client, pull, state, event, error))
            return FALSE;
        pulled->objects++;
        if (client->progress && !client->progress(pulled->objects, client->progress_data))
            return system_error(error, "%s: stopped; the next pull goes on from here", pull->url);
    }
    return TRUE;
}

/* What the feed does not list any more stays, and is counted. */
static guint64 count_vanished(const char *folder, const GArray *listed)
{
    g_autoptr(GDir) files = g_dir_open(folder, 0, NULL);
    g_autoptr(GHashTable) there = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    guint64 count = 0;
    const char *name;

    for (guint i = 0; i < listed->len; i++)
        g_hash_table_add(
            there, g_strconcat(g_array_index(listed, struct foreign_item, i).id, ".json", NULL));
    while (files && (name = g_dir_read_name(files)))
        count += g_str_has_suffix(name, ".json") && strcmp(name, MANIFEST) != 0 && name[0] != '.' &&
                 !g_hash_table_contains(there, name);
    return count;
}

gboolean client_pull_misp(const struct client *client, const struct pull *pull,
                          struct pull_state *state, struct pulled *pulled, GError **error)
{
    g_auto(http_answer_t) answer = { 0 };
    g_auto(foreign_document_t) manifest = { 0 };
    g_autofree char *path = g_build_filename(pull->folder, MANIFEST, NULL);
    gsize length;
    const void *bytes;

    *pulled = (struct pulled){ .pages = 1 };
    if (!get(client, pull->url, MANIFEST, &answer, error) ||
        !foreign_read(FOREIGN_MISP_MANIFEST, answer.body, MANIFEST, &manifest, error) ||
        !take_events(client, pull, state, manifest.items, pulled, error))
        return FALSE;
    pulled->vanished = count_vanished(pull->folder, manifest.items);
    /* Last: it lists what is there by now. */
    bytes = g_bytes_get_data(answer.body, &length);
    return file_write(path, bytes, length, FILE_MODE, error);
}
