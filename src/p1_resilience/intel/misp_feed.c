#include "p1_resilience/intel/misp_feed.h"

#include "base/error.h"
#include "base/file.h"

#include <string.h>

#define MANIFEST "manifest.json"
#define HASHES "hashes.csv"
#define FILE_MODE 0644
#define FOLDER_MODE 0755
#define FILE_LIMIT (256u << 20)
#define MD5_DIGITS 32u
#define UUID_DIGITS 36u

json_t *misp_feed_entry(const json_t *event)
{
    static const char *const members[] = { "info", "date", "analysis", "threat_level_id",
                                           "timestamp" };
    const json_t *creator = json_object_get(event, "Orgc"), *tag;
    json_t *entry = json_object(), *tags = json_array();
    size_t i;

    json_object_set_new(entry, "Orgc", json_object());
    json_object_set_new(
        json_object_get(entry, "Orgc"), "name",
        json_safe_string(json_text(creator, "name") ? json_text(creator, "name") : ""));
    if (json_text(creator, "uuid"))
        json_object_set(json_object_get(entry, "Orgc"), "uuid", json_object_get(creator, "uuid"));
    json_array_foreach(json_object_get(event, "Tag"), i, tag)
    {
        json_t *kept = json_object();

        if (json_object_get(tag, "colour"))
            json_object_set(kept, "colour", json_object_get(tag, "colour"));
        json_object_set_new(kept, "name", json_safe_string(json_text(tag, "name")));
        json_array_append_new(tags, kept);
    }
    json_object_set_new(entry, "Tag", tags);
    for (i = 0; i < G_N_ELEMENTS(members); i++)
        if (json_object_get(event, members[i]))
            json_object_set(entry, members[i], json_object_get(event, members[i]));
    return entry;
}

/* One line for the value, or for each part of "a|b". */
static void add_value(const char *value, const char *uuid, GString *lines)
{
    g_auto(GStrv) parts = value ? g_strsplit(value, "|", -1) : NULL;

    for (char **part = parts; part && *part; part++)
        if (**part) {
            g_autofree char *md5 = g_compute_checksum_for_string(G_CHECKSUM_MD5, *part, -1);

            g_string_append_printf(lines, "%s,%s\n", md5, uuid);
        }
}

static void add_attributes(const json_t *holder, const char *uuid, GString *lines)
{
    const json_t *attribute;
    size_t i;

    json_array_foreach(json_object_get(holder, "Attribute"), i, attribute)
        add_value(json_text(attribute, "value"), uuid, lines);
}

void misp_feed_hashes(const json_t *event, GString *lines)
{
    const char *uuid = json_text(event, "uuid");
    const json_t *object;
    size_t i;

    add_attributes(event, uuid, lines);
    json_array_foreach(json_object_get(event, "Object"), i, object)
        add_attributes(object, uuid, lines);
}

/* --- the folder --- */

static json_t *read_manifest(const char *path, GError **error)
{
    g_autoptr(json_t) manifest = NULL;

    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return json_object();
    manifest = json_read_file(path, FILE_LIMIT, error);
    if (!manifest || json_is_object(manifest))
        return g_steal_pointer(&manifest);
    input_error(error, "%s: no manifest of MISP", path);
    return NULL;
}

/* The lines of events that are not written anew. */
static GString *read_hashes(const char *path, const json_t *anew, GError **error)
{
    g_autoptr(GBytes) bytes = NULL;
    GString *kept = g_string_new(NULL);
    g_auto(GStrv) lines = NULL;

    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return kept;
    bytes = file_read(path, FILE_LIMIT, error);
    if (!bytes) {
        g_string_free(kept, TRUE);
        return NULL;
    }
    lines = g_strsplit(g_bytes_get_data(bytes, NULL), "\n", -1);
    for (char **line = lines; *line; line++)
        if (strlen(*line) >= MD5_DIGITS + 1 + UUID_DIGITS &&
            !json_object_get(anew, *line + MD5_DIGITS + 1))
            g_string_append_printf(kept, "%s\n", *line);
    return kept;
}

static gboolean write_json(const char *path, const json_t *value, GError **error)
{
    char *text = json_dumps(value, JSON_COMPACT);
    gboolean done = file_write(path, text, strlen(text), FILE_MODE, error);

    free(text);
    return done;
}

static gboolean write_event(const char *folder, json_t *event, GError **error)
{
    g_autofree char *name = g_strconcat(json_text(event, "uuid"), ".json", NULL);
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autoptr(json_t) whole = json_pack("{s:O}", "Event", event);

    return write_json(path, whole, error);
}

static gboolean add(const char *folder, const GPtrArray *events, json_t *anew, GString *hashes,
                    GError **error)
{
    for (guint i = 0; i < events->len; i++) {
        const char *uuid = json_text(events->pdata[i], "uuid");

        /* It becomes the name of a file. */
        if (!uuid || !g_uuid_string_is_valid(uuid))
            return input_error(error, "an event without a UUID");
        if (!write_event(folder, events->pdata[i], error))
            return FALSE;
        json_object_set_new(anew, uuid, misp_feed_entry(events->pdata[i]));
        misp_feed_hashes(events->pdata[i], hashes);
    }
    return TRUE;
}

gboolean misp_feed_add(const char *folder, const GPtrArray *events, GError **error)
{
    g_autofree char *manifest_path = g_build_filename(folder, MANIFEST, NULL);
    g_autofree char *hashes_path = g_build_filename(folder, HASHES, NULL);
    g_autoptr(json_t) manifest = NULL, anew = json_object();
    g_autoptr(GString) fresh = g_string_new(NULL);
    g_autoptr(GString) hashes = NULL;

    if (!file_make_folder(folder, FOLDER_MODE, error))
        return FALSE;
    manifest = read_manifest(manifest_path, error);
    if (!manifest || !add(folder, events, anew, fresh, error))
        return FALSE;
    hashes = read_hashes(hashes_path, anew, error);
    if (!hashes)
        return FALSE;
    g_string_append_len(hashes, fresh->str, (gssize)fresh->len);
    json_object_update(manifest, anew);
    return file_write(hashes_path, hashes->str, hashes->len, FILE_MODE, error) &&
           write_json(manifest_path, manifest, error);
}
