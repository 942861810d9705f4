#include "statement/key_store.h"

#include "base/error.h"
#include "base/file.h"
#include "statement/key_file.h"
#include "statement/key_import.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX ".key"

char *key_store_name(const char *domain)
{
    const char *name = domain && key_name_is_valid(domain) ? domain : g_get_host_name();

    return g_strdup(key_name_is_valid(name) ? name : "localhost");
}

char *key_store_path(const char *data_folder, const char *file_name)
{
    g_autofree char *base = g_strconcat(file_name, SUFFIX, NULL);

    return g_build_filename(data_folder, "keys", base, NULL);
}

static struct signing_key *create(const char *path, const char *key_name, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autoptr(signing_key_t) key = signing_key_generate(key_name, error);

    if (!key || !file_make_folder(folder, 0700, error) || !key_file_create(path, key, NULL, error))
        return NULL;
    return g_steal_pointer(&key);
}

struct signing_key *key_store_load_or_create(const char *data_folder, const char *key_name,
                                             const struct passphrase_source *source, gboolean *made,
                                             GError **error)
{
    g_autofree char *path = key_store_path(data_folder, KEY_STORE_DEFAULT);

    if (made)
        *made = FALSE;
    if (access(path, F_OK) < 0 && errno == ENOENT) {
        g_autoptr(GError) problem = NULL;
        struct signing_key *key = create(path, key_name, &problem);

        if (key && made)
            *made = TRUE;
        if (key)
            return key;
        if (access(path, F_OK) < 0) { /* else another process was quicker */
            g_propagate_error(error, g_steal_pointer(&problem));
            return NULL;
        }
    }
    return key_import_private_file(path, key_name, source, error);
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Seal keys sign nothing: seal/seal_key_store.h lists them. */
static gboolean is_seal_key(const char *path)
{
    g_autoptr(GBytes) bytes = file_read(path, KEY_FORM_LIMIT, NULL);

    return bytes && g_str_has_prefix(g_bytes_get_data(bytes, NULL), KEY_FORM_SEAL);
}

GPtrArray *key_store_public_keys(const char *data_folder, GError **error)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)public_key_free);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *folder = g_build_filename(data_folder, "keys", NULL);
    g_autoptr(GDir) entries = g_dir_open(folder, 0, NULL);
    const char *entry;

    while (entries && (entry = g_dir_read_name(entries)))
        if (g_str_has_suffix(entry, SUFFIX) && *entry != '.')
            g_ptr_array_add(names, g_build_filename(folder, entry, NULL));
    g_ptr_array_sort(names, compare_names);
    for (guint i = 0; i < names->len; i++) {
        struct public_key *key;

        if (is_seal_key(names->pdata[i]))
            continue;
        key = key_import_public_argument(names->pdata[i], error);
        if (!key)
            return NULL;
        g_ptr_array_add(keys, key);
    }
    return g_steal_pointer(&keys);
}
