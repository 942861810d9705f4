#include "log/evidence.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"

#include <string.h>

#define FILE_MODE 0644
#define FOLDER_MODE 0700
#define NAME_BYTES 8 /* of the digest in a file's name */

static json_t *hash_json(const struct merkle_hash *hash)
{
    g_autofree char *text = g_base64_encode(hash->bytes, MERKLE_HASH_SIZE);

    return json_string(text);
}

static json_t *path_json(const struct merkle_hash *path, guint length)
{
    json_t *hashes = json_array();

    for (guint i = 0; i < length; i++)
        json_array_append_new(hashes, hash_json(&path[i]));
    return hashes;
}

static json_t *note_json(const struct evidence_note *note)
{
    gsize length;
    const char *text = g_bytes_get_data(note->note, &length);

    return json_pack("{s:s%, s:s*}", "note", text, length, "from", note->from);
}

static json_t *start(const char *kind, const char *origin, const GPtrArray *log_keys)
{
    g_autofree char *now = clock_format(clock_now_us());
    json_t *keys = json_array();

    for (guint i = 0; i < log_keys->len; i++) {
        g_autofree char *vkey = note_key_text(log_keys->pdata[i]);

        json_array_append_new(keys, json_string(vkey));
    }
    return json_pack("{s:s, s:s, s:s, s:o, s:s}", "schema", EVIDENCE_SCHEMA, "kind", kind, "origin",
                     origin, "log_keys", keys, "observed", now);
}

static void add_notes(json_t *bundle, const struct evidence_note *notes, guint count)
{
    json_t *list = json_array();

    for (guint i = 0; i < count; i++)
        json_array_append_new(list, note_json(&notes[i]));
    json_object_set_new(bundle, "notes", list);
}

json_t *evidence_split_view(const char *origin, const GPtrArray *log_keys,
                            const struct evidence_note notes[2], const struct merkle_hash *prefix,
                            const struct merkle_hash *path, guint length)
{
    json_t *bundle = start("split-view", origin, log_keys);

    add_notes(bundle, notes, 2);
    if (prefix) {
        json_object_set_new(bundle, "prefix", hash_json(prefix));
        json_object_set_new(bundle, "path", path_json(path, length));
    }
    return bundle;
}

json_t *evidence_rolled_back(const char *origin, const GPtrArray *log_keys,
                             const struct evidence_note notes[2])
{
    json_t *bundle = start("rolled-back", origin, log_keys);

    add_notes(bundle, notes, 2);
    return bundle;
}

json_t *evidence_receipt(const char *origin, const GPtrArray *log_keys, const json_t *receipt,
                         const json_t *entry, const struct evidence_note *checkpoint, guint64 index,
                         const struct merkle_hash *leaf, const struct merkle_hash *path,
                         guint length)
{
    json_t *bundle = start("receipt", origin, log_keys);

    add_notes(bundle, checkpoint, 1);
    json_object_set_new(bundle, "receipt", json_deep_copy(receipt));
    json_object_set_new(bundle, "entry", json_deep_copy(entry));
    if (path) {
        json_object_set_new(bundle, "index", json_integer((json_int_t)index));
        json_object_set_new(bundle, "leaf", hash_json(leaf));
        json_object_set_new(bundle, "path", path_json(path, length));
    }
    return bundle;
}

char *evidence_write(const char *folder, const json_t *bundle, GError **error)
{
    g_autoptr(json_t) timeless = json_copy((json_t *)bundle);
    g_autoptr(GBytes) canonical = NULL;
    g_autofree char *digest = NULL, *text = json_pretty(bundle), *name = NULL, *path = NULL;

    json_object_del(timeless, "observed");
    canonical = json_canonical(timeless, error);
    if (!canonical || !file_make_folder(folder, FOLDER_MODE, error))
        return NULL;
    digest = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, canonical);
    digest[2 * NAME_BYTES] = '\0';
    name = g_strdup_printf("%s-%s.json", json_text(bundle, "kind"), digest);
    path = g_build_filename(folder, name, NULL);
    /* What was seen before is not written again. */
    if (!g_file_test(path, G_FILE_TEST_EXISTS) &&
        !file_create(path, text, strlen(text), FILE_MODE, error))
        return NULL;
    return g_steal_pointer(&path);
}
