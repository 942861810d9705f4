#include "p7_hygiene/host/settings.h"

#include <string.h>

#define MAX_SETTINGS 20000

static void setting_clear(gpointer data)
{
    struct setting *setting = data;

    g_free(setting->section);
    g_free(setting->key);
    g_free(setting->value);
}

struct reading {
    GArray *settings;
    const char *path;
    char *section;
};

static char *unquoted(const char *text)
{
    char *value = g_strstrip(g_strdup(text));
    gsize length = strlen(value);

    if (length >= 2 && (*value == '"' || *value == '\'') && value[length - 1] == *value) {
        memmove(value, value + 1, length - 2);
        value[length - 2] = 0;
    }
    return value;
}

static void on_line(guint line, const char *text, gsize length, gpointer data)
{
    struct reading *reading = data;
    g_autofree char *copy = g_strndup(text, length);
    struct setting setting = { .path = reading->path, .line = line };
    char *at = g_strstrip(copy), *comment;
    gsize key;

    if (!*at || *at == '#' || *at == ';' || reading->settings->len >= MAX_SETTINGS)
        return;
    if (*at == '[') {
        g_free(reading->section);
        reading->section = g_strndup(at + 1, strcspn(at + 1, "]"));
        return;
    }
    comment = strstr(at, " #");
    if (comment)
        *comment = 0;
    key = strcspn(at, " \t=:");
    setting.section = g_strdup(reading->section);
    setting.key = g_strndup(at, key);
    at += key;
    at += strspn(at, " \t");
    if (*at == '=' || *at == ':')
        at++;
    setting.value = unquoted(at);
    g_array_append_val(reading->settings, setting);
    /* cppcheck-suppress memleak ; the array has taken it */
}

GArray *settings_read(const struct host_file *file)
{
    struct reading reading = { g_array_new(FALSE, TRUE, sizeof(struct setting)), file->path,
                               g_strdup("") };

    g_array_set_clear_func(reading.settings, setting_clear);
    host_each_line(file, on_line, &reading);
    g_free(reading.section);
    return reading.settings;
}

static gboolean is_setting(const struct setting *setting, const char *section, const char *key)
{
    return g_ascii_strcasecmp(setting->key, key) == 0 &&
           (!section || g_ascii_strcasecmp(setting->section, section) == 0);
}

const struct setting *settings_last(const GArray *settings, const char *section, const char *key)
{
    for (guint i = settings->len; i-- > 0;) {
        const struct setting *setting = &g_array_index(settings, struct setting, i);

        if (is_setting(setting, section, key))
            return setting;
    }
    return NULL;
}

gboolean settings_is_true(const char *value)
{
    static const char *const yes[] = { "yes", "true", "on", "1", "enabled", NULL };
    g_autofree char *lower = g_ascii_strdown(value, -1);

    return g_strv_contains(yes, lower);
}

gboolean settings_is_loopback(const char *address)
{
    static const char *const names[] = { "localhost", "loopback-only", "::1",
                                         "-::1",      "_local_",       NULL };
    g_autofree char *lower = g_ascii_strdown(address, -1);

    return g_str_has_prefix(address, "127.") || *address == '/' || g_strv_contains(names, lower);
}

gboolean settings_all_loopback(const char *list)
{
    g_auto(GStrv) words = g_strsplit_set(list, " ,;[]\"'", -1);
    gboolean any = FALSE;

    for (char **word = words; *word; word++) {
        if (**word && !settings_is_loopback(*word))
            return FALSE;
        any |= **word != 0;
    }
    return any;
}
