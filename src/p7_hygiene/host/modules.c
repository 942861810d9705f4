#include "p7_hygiene/host/modules.h"

#include "p7_hygiene/host/bootconfig.h"

#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>

static const char *const folders[] = {
    "/etc/modprobe.d",     "/run/modprobe.d", "/usr/local/lib/modprobe.d",
    "/usr/lib/modprobe.d", "/lib/modprobe.d",
};

static char *plain(const char *name)
{
    return g_strdelimit(g_strdup(name), "-", '_');
}

static void line_free(struct module_line *line)
{
    g_free(line->name);
    g_free(line->command);
    g_free(line->path);
    g_free(line);
}

GPtrArray *module_lines_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)line_free);
}

static void add_line(GPtrArray *lines, const char *path, guint number, const char *text)
{
    g_autofree char *copy = g_strstrip(g_strdup(text));
    gsize verb = strcspn(copy, " \t"), name;
    gboolean install = strncmp(copy, "install", MAX(verb, strlen("install"))) == 0;
    const char *rest = copy + verb + strspn(copy + verb, " \t");
    struct module_line *line;

    if (!install && strncmp(copy, "blacklist", MAX(verb, strlen("blacklist"))) != 0)
        return;
    name = strcspn(rest, " \t");
    if (!name)
        return;
    line = g_new0(struct module_line, 1);
    line->name = g_strdelimit(g_strndup(rest, name), "-", '_');
    line->command = install ? g_strdup(rest + name + strspn(rest + name, " \t")) : NULL;
    line->path = g_strdup(path);
    line->line = number;
    g_ptr_array_add(lines, line);
}

void module_lines_parse(GPtrArray *lines, const char *text, gsize length, const char *path)
{
    g_autoptr(GString) joined = g_string_new(NULL);
    const char *end = text + length;
    guint number = 1, first = 1;

    while (text < end) {
        const char *stop = memchr(text, '\n', end - text);
        gsize part = (stop ? stop : end) - text;
        gboolean goes_on = part && text[part - 1] == '\\';

        g_string_append_len(joined, text, goes_on ? part - 1 : part);
        if (!goes_on || !stop) {
            if (joined->len && *joined->str != '#')
                add_line(lines, path, first, joined->str);
            g_string_truncate(joined, 0);
            first = number + 1;
        }
        if (!stop)
            break;
        text = stop + 1;
        number++;
    }
}

static int compare_names(gconstpointer left, gconstpointer right, gpointer data)
{
    return strcmp(left, right);
}

struct walk {
    struct host *host;
    struct modules *modules;
};

static gboolean read_named(gpointer name, gpointer folder, gpointer data)
{
    struct walk *walk = data;
    g_autofree char *path = g_build_filename(folder, name, NULL);
    const struct host_file *file = host_read(walk->host, path);

    if (file->state == HOST_OK) {
        module_lines_parse(walk->modules->lines, file->text, file->length, path);
    } else if (file->state != HOST_ABSENT && !walk->modules->gap &&
               !host_is_null_device(walk->host, path)) {
        walk->modules->state = file->state;
        walk->modules->gap = g_strdup(path);
    }
    return FALSE;
}

static void load_lines(struct host *host, struct modules *modules)
{
    g_autoptr(GTree) names = g_tree_new_full(compare_names, NULL, g_free, NULL);
    struct walk walk = { .host = host, .modules = modules };

    for (gsize i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_auto(GStrv) entries = host_list(host, folders[i], NULL);

        for (char **name = entries; name && *name; name++)
            if (g_str_has_suffix(*name, ".conf") && !g_tree_lookup(names, *name))
                g_tree_insert(names, g_strdup(*name), (gpointer)folders[i]);
    }
    g_tree_foreach(names, read_named, &walk);
}

/* "kernel/drivers/usb/storage/usb-storage.ko.xz" -> "usb_storage". NULL when it is no module. */
static char *module_name(const char *path, gsize length)
{
    g_autofree char *copy = g_strndup(path, length);
    g_autofree char *base = g_path_get_basename(copy);
    char *suffix = strstr(base, ".ko");

    if (!suffix)
        return NULL;
    *suffix = 0;
    return plain(base);
}

struct listing {
    GHashTable *names;
    const char *source; /* the value for each; NULL: the file itself */
    const char *folder; /* of the kernel, "/lib/modules/6.1.0-37-amd64" */
};

/* modules.dep has "FILE: DEPENDENCIES", modules.builtin has "FILE". */
static void read_listed(guint number, const char *text, gsize length, gpointer data)
{
    struct listing *listing = data;
    const char *colon = memchr(text, ':', length);
    gsize end = colon ? (gsize)(colon - text) : length;
    char *name = module_name(text, end);

    if (name)
        g_hash_table_replace(listing->names, name,
                             listing->source
                                 ? g_strdup(listing->source)
                                 : g_strdup_printf("%s/%.*s", listing->folder, (int)end, text));
}

static void load_kernels(struct host *host, struct modules *modules)
{
    g_auto(GStrv) kernels = host_glob(host, "/lib/modules/*");
    const char *running = boot_config(host)->release;

    for (char **kernel = kernels; *kernel; kernel++) {
        g_autofree char *shipped = g_build_filename(*kernel, "modules.dep", NULL);
        g_autofree char *builtin = g_build_filename(*kernel, "modules.builtin", NULL);
        struct listing listing = { .names = modules->shipped, .folder = *kernel };
        g_autofree char *release = g_path_get_basename(*kernel);

        if (host_read(host, shipped)->state != HOST_OK)
            continue;
        modules->has_kernels = TRUE;
        host_each_line(host_read(host, shipped), read_listed, &listing);
        listing.names = modules->builtin;
        listing.source = builtin;
        if (!running || g_str_equal(running, release))
            host_each_line(host_read(host, builtin), read_listed, &listing);
    }
}

static void read_loaded(guint number, const char *text, gsize length, gpointer data)
{
    const char *space = memchr(text, ' ', length);

    if (space)
        g_hash_table_add(data, g_strndup(text, space - text));
}

static gpointer modules_load(struct host *host)
{
    struct modules *modules = g_new0(struct modules, 1);
    const struct host_file *loaded = host_read(host, "/proc/modules");

    modules->loaded = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    modules->shipped = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    modules->builtin = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    modules->lines = module_lines_new();
    modules->loaded_state = loaded->state;
    host_each_line(loaded, read_loaded, modules->loaded);
    load_kernels(host, modules);
    load_lines(host, modules);
    return modules;
}

static void modules_free(gpointer fact)
{
    struct modules *modules = fact;

    g_hash_table_unref(modules->loaded);
    g_hash_table_unref(modules->shipped);
    g_hash_table_unref(modules->builtin);
    g_ptr_array_unref(modules->lines);
    g_free(modules->gap);
    g_free(modules);
}

static const struct fact_kind modules_kind = { "modules", modules_load, modules_free };

const struct modules *modules(struct host *host)
{
    return host_fact(host, &modules_kind);
}

gboolean module_is_loaded(const struct modules *modules, const char *name)
{
    g_autofree char *key = plain(name);

    return g_hash_table_contains(modules->loaded, key);
}

const char *module_shipped(const struct modules *modules, const char *name)
{
    g_autofree char *key = plain(name);

    return g_hash_table_lookup(modules->shipped, key);
}

const char *module_builtin(const struct modules *modules, const char *name)
{
    g_autofree char *key = plain(name);

    return g_hash_table_lookup(modules->builtin, key);
}

const struct module_line *module_blacklist(const struct modules *modules, const char *name)
{
    g_autofree char *key = plain(name);

    for (guint i = 0; i < modules->lines->len; i++) {
        const struct module_line *line = modules->lines->pdata[i];

        if (!line->command && g_str_equal(line->name, key))
            return line;
    }
    return NULL;
}

const struct module_line *module_install(const struct modules *modules, const char *name)
{
    g_autofree char *key = plain(name);

    for (guint i = 0; i < modules->lines->len; i++) {
        const struct module_line *line = modules->lines->pdata[i];

        if (line->command && fnmatch(line->name, key, 0) == 0)
            return line;
    }
    return NULL;
}

gboolean module_line_blocks(const struct module_line *line)
{
    gsize end = strcspn(line->command, " \t");
    g_autofree char *program = g_strndup(line->command, end);
    g_autofree char *base = g_path_get_basename(program);
    const char *rest = line->command + end + strspn(line->command + end, " \t");

    return (g_str_equal(base, "false") || g_str_equal(base, "true")) && (!*rest || *rest == '#');
}
