#include "statement/commitment.h"

#include "base/error.h"
#include "statement/base64.h"

#include <sodium.h>
#include <string.h>

struct entry {
    guint8 salt[COMMITMENT_SALT_SIZE];
    json_t *value;
};

struct commitment {
    GArray *entries; /* struct entry */
    GArray *leaves;  /* struct merkle_hash */
    struct merkle *merkle;
};

static void entry_clear(gpointer data)
{
    json_decref(((struct entry *)data)->value);
}

struct commitment *commitment_new(void)
{
    struct commitment *commitment = g_new0(struct commitment, 1);

    commitment->entries = g_array_new(FALSE, FALSE, sizeof(struct entry));
    g_array_set_clear_func(commitment->entries, entry_clear);
    commitment->leaves = g_array_new(FALSE, FALSE, sizeof(struct merkle_hash));
    commitment->merkle = merkle_new();
    return commitment;
}

void commitment_free(struct commitment *commitment)
{
    if (!commitment)
        return;
    g_array_unref(commitment->entries);
    g_array_unref(commitment->leaves);
    merkle_free(commitment->merkle);
    g_free(commitment);
}

/* The leaf of one entry; FALSE when the value has no canonical form. */
static gboolean leaf_of(struct merkle *merkle, const guint8 salt[COMMITMENT_SALT_SIZE],
                        const json_t *value, struct merkle_hash *leaf, GError **error)
{
    g_autoptr(GBytes) canonical = json_canonical(value, error);
    g_autofree guint8 *entry = NULL;
    gsize length;
    const void *bytes;

    if (!canonical)
        return FALSE;
    bytes = g_bytes_get_data(canonical, &length);
    entry = g_malloc(COMMITMENT_SALT_SIZE + length);
    memcpy(entry, salt, COMMITMENT_SALT_SIZE);
    memcpy(entry + COMMITMENT_SALT_SIZE, bytes, length);
    *leaf = merkle_leaf(merkle, entry, COMMITMENT_SALT_SIZE + length);
    return TRUE;
}

static gboolean add(struct commitment *commitment, const guint8 salt[COMMITMENT_SALT_SIZE],
                    json_t *value, GError **error)
{
    struct entry entry = { .value = value };
    struct merkle_hash leaf;

    if (!leaf_of(commitment->merkle, salt, value, &leaf, error))
        return FALSE;
    memcpy(entry.salt, salt, COMMITMENT_SALT_SIZE);
    json_incref(value);
    g_array_append_val(commitment->entries, entry);
    g_array_append_val(commitment->leaves, leaf);
    return TRUE;
}

gboolean commitment_add(struct commitment *commitment, json_t *value, GError **error)
{
    guint8 salt[COMMITMENT_SALT_SIZE];

    if (sodium_init() < 0)
        return system_error(error, "libsodium finds no source of randomness");
    randombytes_buf(salt, sizeof salt);
    return add(commitment, salt, value, error);
}

gsize commitment_count(const struct commitment *commitment)
{
    return commitment->entries->len;
}

const json_t *commitment_value(const struct commitment *commitment, gsize index)
{
    return g_array_index(commitment->entries, struct entry, index).value;
}

static const struct merkle_hash *leaves_of(const struct commitment *commitment)
{
    return (const struct merkle_hash *)(const void *)commitment->leaves->data;
}

struct commitment_root commitment_root(const struct commitment *commitment)
{
    return (struct commitment_root){
        merkle_root(commitment->merkle, leaves_of(commitment), commitment->leaves->len),
        commitment->leaves->len,
    };
}

json_t *commitment_root_json(const struct commitment_root *root)
{
    g_autofree char *hex = hex_encode(root->hash.bytes, MERKLE_HASH_SIZE);

    return json_pack("{s:s, s:s, s:I}", "algorithm", COMMITMENT_ALGORITHM, "root", hex, "count",
                     (json_int_t)root->count);
}

gboolean commitment_root_read(const json_t *value, struct commitment_root *root, GError **error)
{
    gint64 count = json_number(value, "count", -1);

    if (g_strcmp0(json_text(value, "algorithm"), COMMITMENT_ALGORITHM) != 0)
        return input_error(error, "the commitments are not of the kind " COMMITMENT_ALGORITHM);
    if (count < 0 || count > COMMITMENT_COUNT_LIMIT ||
        !hex_decode_into(json_text(value, "root"), root->hash.bytes, MERKLE_HASH_SIZE))
        return input_error(error, "the commitments have no root in hex, or no sensible count");
    root->count = (guint64)count;
    return TRUE;
}

json_t *commitment_openings(const struct commitment *commitment)
{
    struct commitment_root root = commitment_root(commitment);
    json_t *openings = json_pack("{s:s}", "schema", COMMITMENT_OPENINGS_SCHEMA);
    json_t *entries = json_array();

    json_object_update_new(openings, commitment_root_json(&root));
    for (guint i = 0; i < commitment->entries->len; i++) {
        const struct entry *entry = &g_array_index(commitment->entries, struct entry, i);
        g_autofree char *salt = hex_encode(entry->salt, sizeof entry->salt);

        json_array_append_new(entries,
                              json_pack("{s:s, s:O}", "salt", salt, "value", entry->value));
    }
    json_object_set_new(openings, "entries", entries);
    return openings;
}

struct commitment *commitment_from_openings(const json_t *openings, GError **error)
{
    const json_t *entries = json_object_get(openings, "entries"), *item;
    g_autoptr(commitment_t) commitment = commitment_new();
    struct commitment_root stated, root;
    size_t index;

    if (g_strcmp0(json_text(openings, "schema"), COMMITMENT_OPENINGS_SCHEMA) != 0) {
        input_error(error, "not the openings of a commitment (" COMMITMENT_OPENINGS_SCHEMA ")");
        return NULL;
    }
    if (!commitment_root_read(openings, &stated, error))
        return NULL;
    json_array_foreach(entries, index, item)
    {
        guint8 salt[COMMITMENT_SALT_SIZE];
        json_t *value = json_object_get(item, "value");

        if (!value || !hex_decode_into(json_text(item, "salt"), salt, sizeof salt)) {
            input_error(error, "opening %zu has no salt in hex or no value", index);
            return NULL;
        }
        if (!add(commitment, salt, value, error))
            return NULL;
    }
    root = commitment_root(commitment);
    if (root.count != stated.count ||
        memcmp(root.hash.bytes, stated.hash.bytes, MERKLE_HASH_SIZE) != 0) {
        input_error(error, "the openings were altered: their root does not recompute");
        return NULL;
    }
    return g_steal_pointer(&commitment);
}

json_t *commitment_open(const struct commitment *commitment, gsize index)
{
    const struct entry *entry = &g_array_index(commitment->entries, struct entry, index);
    g_autofree char *salt = hex_encode(entry->salt, sizeof entry->salt);
    struct merkle_hash path[MERKLE_PATH_LIMIT];
    guint length = merkle_path(commitment->merkle, leaves_of(commitment), commitment->leaves->len,
                               index, path);
    json_t *hashes = json_array();

    for (guint i = 0; i < length; i++) {
        g_autofree char *hex = hex_encode(path[i].bytes, MERKLE_HASH_SIZE);

        json_array_append_new(hashes, json_string(hex));
    }
    return json_pack("{s:I, s:s, s:O, s:o}", "index", (json_int_t)index, "salt", salt, "value",
                     entry->value, "path", hashes);
}

gboolean commitment_verify(const json_t *opening, const struct commitment_root *root,
                           GError **error)
{
    const json_t *value = json_object_get(opening, "value"), *item;
    const json_t *hashes = json_object_get(opening, "path");
    gint64 index = json_number(opening, "index", -1);
    g_autoptr(merkle_t) merkle = merkle_new();
    struct merkle_hash path[MERKLE_PATH_LIMIT], leaf;
    guint8 salt[COMMITMENT_SALT_SIZE];
    size_t length;

    if (!value || index < 0 || !json_is_array(hashes) ||
        json_array_size(hashes) > MERKLE_PATH_LIMIT ||
        !hex_decode_into(json_text(opening, "salt"), salt, sizeof salt))
        return input_error(error, "an opening lacks its index, salt, value or path");
    json_array_foreach(
        hashes, length,
        item) if (!hex_decode_into(json_string_value(item), path[length].bytes,
                                   MERKLE_HASH_SIZE)) return input_error(error,
                                                                         "the path of opening "
                                                                         "%" G_GINT64_FORMAT
                                                                         " is malformed",
                                                                         index);
    if (!leaf_of(merkle, salt, value, &leaf, error))
        return FALSE;
    return merkle_includes(merkle, &leaf, (guint64)index, root->count, path, (guint)length,
                           &root->hash) ||
           found_error(error, "entry %" G_GINT64_FORMAT " is not what the signature commits to",
                       index);
}
