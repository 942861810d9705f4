#include "base/error.h"
#include "register/community_policy.h"

#include <string.h>

gboolean root_keys_read(const json_t *value, struct root_keys *root, GError **error)
{
    const json_t *item;
    size_t index;

    root->threshold = (guint)json_number(value, "threshold", 0);
    root->keys = g_ptr_array_new_with_free_func((GDestroyNotify)public_key_free);
    json_array_foreach(json_object_get(value, "keys"), index, item)
    {
        const char *text = json_string_value(item);
        g_autoptr(public_key_t) key = public_key_parse(text ? text : "", error);

        if (!key || (root_keys_has(root, key->bytes) &&
                     !input_error(error, "the root key \"%s\" stands twice", text))) {
            root_keys_clear(root);
            return FALSE;
        }
        g_ptr_array_add(root->keys, g_steal_pointer(&key));
    }
    if (root->threshold && root->threshold <= root->keys->len)
        return TRUE;
    root_keys_clear(root);
    return input_error(error, "the threshold of the root keys is not from one to their number");
}

static gpointer copy_key(gconstpointer key, gpointer data)
{
    (void)data;
    return public_key_copy(key);
}

void root_keys_copy(struct root_keys *to, const struct root_keys *from)
{
    to->threshold = from->threshold;
    to->keys = g_ptr_array_copy(from->keys, copy_key, NULL);
    g_ptr_array_set_free_func(to->keys, (GDestroyNotify)public_key_free);
}

void root_keys_clear(struct root_keys *root)
{
    g_clear_pointer(&root->keys, g_ptr_array_unref);
    root->threshold = 0;
}

gboolean root_keys_has(const struct root_keys *root, const guint8 bytes[KEY_PUBLIC_SIZE])
{
    for (guint i = 0; i < root->keys->len; i++)
        if (memcmp(((const struct public_key *)root->keys->pdata[i])->bytes, bytes,
                   KEY_PUBLIC_SIZE) == 0)
            return TRUE;
    return FALSE;
}

gboolean root_keys_equal(const struct root_keys *a, const struct root_keys *b)
{
    if (a->threshold != b->threshold || a->keys->len != b->keys->len)
        return FALSE;
    for (guint i = 0; i < a->keys->len; i++)
        if (!root_keys_has(b, ((const struct public_key *)a->keys->pdata[i])->bytes))
            return FALSE;
    return TRUE;
}

static gint compare_texts(gconstpointer left, gconstpointer right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

json_t *root_keys_json(const struct root_keys *root)
{
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    json_t *keys = json_array();

    for (guint i = 0; i < root->keys->len; i++)
        g_ptr_array_add(texts, public_key_text(root->keys->pdata[i]));
    g_ptr_array_sort(texts, compare_texts);
    for (guint i = 0; i < texts->len; i++)
        json_array_append_new(keys, json_string(texts->pdata[i]));
    return json_pack("{s:o, s:i}", "keys", keys, "threshold", (int)root->threshold);
}

void root_keys_id(const struct root_keys *root, guint8 id[32])
{
    g_autoptr(json_t) value = root_keys_json(root);
    g_autoptr(GBytes) bytes = json_canonical(value, NULL);
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    gsize size = 32;

    g_checksum_update(sum, g_bytes_get_data(bytes, NULL), (gssize)g_bytes_get_size(bytes));
    g_checksum_get_digest(sum, id, &size);
}
