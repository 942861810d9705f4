#include "p7_hygiene/host/releases.h"

#include <string.h>

const struct release *release_find(const char *distribution, const char *codename)
{
    for (gsize i = 0; i < release_row_count; i++)
        if (g_str_equal(release_rows[i].distribution, distribution) &&
            g_str_equal(release_rows[i].codename, codename))
            return &release_rows[i];
    return NULL;
}

struct field_search {
    const char *key;
    char *value;
};

static void find_field(guint line, const char *text, gsize length, gpointer data)
{
    struct field_search *search = data;
    gsize key = strlen(search->key);
    g_autofree char *value = NULL;

    if (length <= key || memcmp(text, search->key, key) != 0 || text[key] != '=')
        return;
    value = g_strstrip(g_strndup(text + key + 1, length - key - 1));
    g_free(search->value);
    search->value = g_shell_unquote(value, NULL);
}

char *release_os_field(struct host *host, const char *key)
{
    struct field_search search = { key, NULL };
    const struct host_file *file = host_read(host, "/etc/os-release");

    if (file->state == HOST_ABSENT)
        file = host_read(host, "/usr/lib/os-release");
    host_each_line(file, find_field, &search);
    return search.value;
}
