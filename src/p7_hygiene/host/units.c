#include "p7_hygiene/host/units.h"

#include <string.h>
#include <sys/stat.h>

static const char *const folders[] = {
    "/etc/systemd/system",     "/run/systemd/system", "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system", "/lib/systemd/system",
};

#define ALIAS_DEPTH 4
#define MAX_SETTINGS 4096

static void setting_clear(gpointer data)
{
    struct unit_setting *setting = data;

    g_free(setting->section);
    g_free(setting->key);
    g_free(setting->value);
}

GArray *unit_settings_new(void)
{
    GArray *settings = g_array_new(FALSE, TRUE, sizeof(struct unit_setting));

    g_array_set_clear_func(settings, setting_clear);
    return settings;
}

/* The next line, stripped, in place; NULL behind the last. */
static char *next_line(char **at, guint *number)
{
    char *line = *at, *stop = line ? strchr(line, '\n') : NULL;

    if (stop)
        *stop++ = 0;
    *at = stop;
    *number += line != NULL;
    return line ? g_strstrip(line) : NULL;
}

/* A trailing backslash joins the next line; comments in between are passed over. */
static void join_lines(GString *joined, char **at, guint *number)
{
    while (joined->len && joined->str[joined->len - 1] == '\\' && *at) {
        const char *next = next_line(at, number);

        if (*next == '#' || *next == ';')
            continue;
        g_string_truncate(joined, joined->len - 1);
        g_string_append_c(joined, ' ');
        g_string_append(joined, next);
    }
}

void unit_parse(const char *text, gsize length, const char *path, GArray *settings)
{
    g_autofree char *copy = g_strndup(text, length);
    g_autoptr(GString) joined = g_string_new(NULL);
    g_autofree char *section = g_strdup("");
    char *at = *copy ? copy : NULL, *line;
    guint number = 0;

    while (settings->len < MAX_SETTINGS && (line = next_line(&at, &number))) {
        struct unit_setting setting = { .path = path, .line = number };
        char *equals;

        if (!*line || *line == '#' || *line == ';')
            continue;
        if (g_str_has_suffix(line, "\\")) {
            g_string_assign(joined, line);
            join_lines(joined, &at, &number);
            line = joined->str;
        }
        if (*line == '[') {
            g_free(section);
            section = g_strndup(line + 1, strcspn(line + 1, "]"));
            continue;
        }
        equals = strchr(line, '=');
        if (!equals)
            continue;
        *equals = 0;
        setting.section = g_strdup(section);
        setting.key = g_strdup(g_strchomp(line));
        setting.value = g_strdup(g_strstrip(equals + 1));
        g_array_append_val(settings, setting);
        /* cppcheck-suppress memleak ; the array has taken it */
    }
}

/* The folders whose drop-ins apply to `name`, the most specific first. */
static GPtrArray *drop_in_folders(const char *name)
{
    GPtrArray *result = g_ptr_array_new_with_free_func(g_free);
    const char *dot = strrchr(name, '.'), *at = strchr(name, '@');

    g_ptr_array_add(result, g_strconcat(name, ".d", NULL));
    if (!dot)
        return result;
    if (at && at < dot && at + 1 != dot)
        g_ptr_array_add(result, g_strdup_printf("%.*s@%s.d", (int)(at - name), name, dot));
    for (const char *dash = dot; dash > name; dash--)
        if (*dash == '-' && dash + 1 != dot)
            g_ptr_array_add(result, g_strdup_printf("%.*s-%s.d", (int)(dash - name), name, dot));
    g_ptr_array_add(result, g_strconcat(dot + 1, ".d", NULL));
    return result;
}

static int compare_text(gconstpointer left, gconstpointer right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* A folder of the search path, listed once: asking for each unit takes dozens of opens. */
struct unit_folder {
    const char *path;
    GHashTable *names; /* of its entries; NULL when it is there and cannot be listed */
};

struct search_path {
    struct unit_folder folders[G_N_ELEMENTS(folders)];
    guint count;
};

static void free_search_path(gpointer fact)
{
    struct search_path *search = fact;

    for (guint i = 0; i < search->count; i++)
        g_clear_pointer(&search->folders[i].names, g_hash_table_unref);
    g_free(search);
}

/* Where /lib is /usr/lib, the last folder of the path is the one before it. */
static gboolean is_merged(struct host *host)
{
    g_autofree char *target = host_link(host, "/lib");

    return target && g_str_equal(target + strspn(target, "/"), "usr/lib");
}

static gpointer load_search_path(struct host *host)
{
    struct search_path *search = g_new0(struct search_path, 1);

    search->count = G_N_ELEMENTS(folders) - is_merged(host);
    for (guint i = 0; i < search->count; i++) {
        struct unit_folder *folder = &search->folders[i];
        enum host_state state;
        g_autofree char **names = host_list(host, folders[i], &state);

        folder->path = folders[i];
        if (state != HOST_OK && state != HOST_ABSENT)
            continue;
        folder->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        for (char **name = names; name && *name; name++)
            g_hash_table_add(folder->names, *name);
    }
    return search;
}

static const struct search_path *search_path(struct host *host)
{
    static const struct fact_kind kind = { "unit-folders", load_search_path, free_search_path };

    return host_fact(host, &kind);
}

static gboolean may_have(const struct unit_folder *folder, const char *name)
{
    return !folder->names || g_hash_table_contains(folder->names, name);
}

/* Lists FOLDER/NAME, if the folder has that name. */
static char **list_below(struct host *host, const struct unit_folder *folder, const char *name)
{
    g_autofree char *path = NULL;

    if (!may_have(folder, name))
        return NULL;
    path = g_strconcat(folder->path, "/", name, NULL);
    return host_list(host, path, NULL);
}

static void read_drop_ins(struct host *host, const char *name, GArray *settings)
{
    g_autoptr(GPtrArray) levels = drop_in_folders(name);
    g_autoptr(GHashTable) chosen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    const struct search_path *search = search_path(host);
    GHashTableIter iterator;
    gpointer key;

    for (guint level = 0; level < levels->len; level++) {
        for (guint i = 0; i < search->count; i++) {
            const struct unit_folder *folder = &search->folders[i];
            const char *below = levels->pdata[level];
            g_auto(GStrv) files = list_below(host, folder, below);

            for (char **file = files; file && *file; file++)
                if (g_str_has_suffix(*file, ".conf") && !g_hash_table_contains(chosen, *file))
                    g_hash_table_insert(chosen, g_strdup(*file),
                                        g_strconcat(folder->path, "/", below, "/", *file, NULL));
        }
    }
    g_hash_table_iter_init(&iterator, chosen);
    while (g_hash_table_iter_next(&iterator, &key, NULL))
        g_ptr_array_add(names, key);
    g_ptr_array_sort(names, compare_text);
    for (guint i = 0; i < names->len; i++) {
        const struct host_file *file =
            host_read(host, g_hash_table_lookup(chosen, names->pdata[i]));

        if (file->state == HOST_OK)
            unit_parse(file->text, file->length, file->path, settings);
    }
}

/*
 * Links below any *.wants or *.requires folder: name -> itself. Links in /etc and /run are the
 * administrator's; those in /usr/lib are the vendor's: both start.
 */
static gpointer load_links(struct host *host)
{
    GHashTable *links = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const struct search_path *search = search_path(host);

    for (guint i = 0; i < search->count; i++) {
        GHashTableIter iterator;
        gpointer name;

        if (!search->folders[i].names)
            continue;
        g_hash_table_iter_init(&iterator, search->folders[i].names);
        while (g_hash_table_iter_next(&iterator, &name, NULL)) {
            g_auto(GStrv) below = NULL;

            if (*(const char *)name == '.' ||
                !(g_str_has_suffix(name, ".wants") || g_str_has_suffix(name, ".requires")))
                continue;
            below = list_below(host, &search->folders[i], name);
            for (char **link = below; link && *link; link++)
                if (**link != '.')
                    g_hash_table_add(links, g_strdup(*link));
        }
    }
    return links;
}

static GHashTable *enabled_links(struct host *host)
{
    static const struct fact_kind kind = { "unit-links", load_links,
                                           (void (*)(gpointer))g_hash_table_unref };

    return host_fact(host, &kind);
}

static void load_unit(struct host *host, struct unit *unit, const char *name, guint depth)
{
    const struct search_path *search = search_path(host);

    for (guint i = 0; i < search->count && !unit->path; i++) {
        const struct unit_folder *folder = &search->folders[i];
        g_autofree char *path = NULL;
        const struct host_file *link, *file;

        if (!may_have(folder, name))
            continue;
        path = g_strconcat(folder->path, "/", name, NULL);
        link = host_lstat(host, path);
        if (link->state != HOST_OK)
            continue;
        if (S_ISLNK(link->mode)) {
            g_autofree char *target = host_link(host, path);
            g_autofree char *base = target ? g_path_get_basename(target) : NULL;

            if (target && g_str_equal(target, "/dev/null")) {
                unit->enablement = UNIT_MASKED;
                unit->path = g_steal_pointer(&path);
                return;
            }
            if (base && !g_str_equal(base, name) && depth < ALIAS_DEPTH) {
                load_unit(host, unit, base, depth + 1);
                return;
            }
        }
        file = host_read(host, path);
        if (file->state != HOST_OK)
            continue;
        unit->path = g_strdup(path);
        if (!file->length) {
            unit->enablement = UNIT_MASKED;
            return;
        }
        unit_parse(file->text, file->length, file->path, unit->settings);
    }
    if (!unit->path) {
        /* An instance is described by its template. */
        const char *at = strchr(name, '@'), *dot = strrchr(name, '.');

        if (at && dot && at + 1 < dot && depth < ALIAS_DEPTH) {
            g_autofree char *template = g_strdup_printf("%.*s@%s", (int)(at - name), name, dot);

            load_unit(host, unit, template, depth + 1);
        }
    }
    /* A link whose target is not in the tree (a package kept elsewhere) still says "enabled". */
    if (g_hash_table_contains(enabled_links(host), unit->name))
        unit->enablement = UNIT_ENABLED;
    else if (unit->path)
        unit->enablement = UNIT_STATIC;
    if (unit->path)
        read_drop_ins(host, unit->name, unit->settings);
}

static void unit_free(gpointer data)
{
    struct unit *unit = data;

    g_free(unit->name);
    g_free(unit->path);
    g_array_unref(unit->settings);
    g_free(unit);
}

static gpointer load_units(struct host *host)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, unit_free);
}

const struct unit *unit_get(struct host *host, const char *name)
{
    static const struct fact_kind kind = { "units", load_units,
                                           (void (*)(gpointer))g_hash_table_unref };
    GHashTable *units = host_fact(host, &kind);
    struct unit *unit = g_hash_table_lookup(units, name);

    if (!unit) {
        unit = g_new0(struct unit, 1);
        unit->name = g_strdup(name);
        unit->settings = unit_settings_new();
        g_hash_table_insert(units, unit->name, unit);
        load_unit(host, unit, name, 0);
    }
    return unit;
}

gboolean unit_is_enabled(struct host *host, const char *name)
{
    return unit_get(host, name)->enablement == UNIT_ENABLED;
}

char **units_enabled(struct host *host, const char *suffix)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    GHashTableIter iterator;
    gpointer name;

    g_hash_table_iter_init(&iterator, enabled_links(host));
    while (g_hash_table_iter_next(&iterator, &name, NULL))
        if (g_str_has_suffix(name, suffix) && unit_is_enabled(host, name))
            g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, compare_text);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

const struct unit_setting *unit_last(const struct unit *unit, const char *section, const char *key)
{
    for (guint i = unit->settings->len; i-- > 0;) {
        const struct unit_setting *setting = &g_array_index(unit->settings, struct unit_setting, i);

        if (g_str_equal(setting->section, section) && g_str_equal(setting->key, key))
            return *setting->value ? setting : NULL;
    }
    return NULL;
}

char *unit_words(const struct unit *unit, const char *section, const char *key)
{
    GString *words = g_string_new(NULL);

    for (guint i = 0; i < unit->settings->len; i++) {
        const struct unit_setting *setting = &g_array_index(unit->settings, struct unit_setting, i);

        if (!g_str_equal(setting->section, section) || !g_str_equal(setting->key, key))
            continue;
        if (!*setting->value)
            g_string_truncate(words, 0);
        else
            g_string_append_printf(words, "%s%s", words->len ? " " : "", setting->value);
    }
    return g_string_free(words, FALSE);
}

gboolean unit_truth(const struct unit *unit, const char *section, const char *key,
                    gboolean fallback)
{
    static const char *const yes[] = { "1", "yes", "y", "true", "t", "on", NULL };
    const struct unit_setting *setting = unit_last(unit, section, key);
    g_autofree char *lower = setting ? g_ascii_strdown(setting->value, -1) : NULL;

    return setting ? g_strv_contains(yes, lower) : fallback;
}
