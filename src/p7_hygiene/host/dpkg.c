#include "p7_hygiene/host/dpkg.h"

#include "p7_hygiene/host/line_stream.h"
#include "p7_hygiene/host/scratch.h"

#include <string.h>

#define INFO "/var/lib/dpkg/info"
#define LIST_MAX (64u << 20) /* bytes of one file list */
#define TEXTS_BLOCK 16384

static void diversion_clear(gpointer data)
{
    struct dpkg_diversion *diversion = data;

    g_free(diversion->path);
    g_free(diversion->moved);
    g_free(diversion->package);
}

void dpkg_free(struct dpkg *dpkg)
{
    g_array_unref(dpkg->packages);
    g_hash_table_unref(dpkg->by_name);
    g_array_unref(dpkg->diversions);
    g_hash_table_unref(dpkg->overrides);
    g_string_chunk_free(dpkg->texts);
    g_free(dpkg);
}

static struct dpkg *dpkg_new(void)
{
    struct dpkg *dpkg = g_new0(struct dpkg, 1);

    dpkg->packages = g_array_new(FALSE, FALSE, sizeof(struct dpkg_package));
    dpkg->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    dpkg->diversions = g_array_new(FALSE, FALSE, sizeof(struct dpkg_diversion));
    g_array_set_clear_func(dpkg->diversions, diversion_clear);
    dpkg->overrides = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    dpkg->texts = g_string_chunk_new(TEXTS_BLOCK);
    return dpkg;
}

char *dpkg_map_path(const char *path)
{
    static const char *const merged[] = { "/bin/",   "/sbin/",  "/lib/",
                                          "/lib32/", "/lib64/", "/libx32/" };

    for (gsize i = 0; i < G_N_ELEMENTS(merged); i++)
        if (g_str_has_prefix(path, merged[i]))
            return g_strconcat("/usr", path, NULL);
    return g_strdup(path);
}

/* --- the status file ------------------------------------------------------------------------- */

/* The stanza that is being read. */
struct stanza {
    struct dpkg *dpkg;
    struct dpkg_package package;
};

/* "Status: want flag state": few of them differ, so each word is kept once. */
static void read_status(struct stanza *stanza, const char *value, gsize length, guint line)
{
    const char **const words[] = { &stanza->package.want, &stanza->package.flag,
                                   &stanza->package.state };
    g_autofree char *copy = g_strndup(value, length);
    char *at = copy;

    for (gsize i = 0; i < G_N_ELEMENTS(words) && *at; i++) {
        char *word = at;

        at += strcspn(at, " \t");
        while (*at == ' ' || *at == '\t')
            *at++ = 0;
        *words[i] = g_string_chunk_insert_const(stanza->dpkg->texts, word);
    }
}

static const char *keep(struct stanza *stanza, const char *value, gsize length)
{
    return g_string_chunk_insert_len(stanza->dpkg->texts, value, length);
}

static void read_package(struct stanza *stanza, const char *value, gsize length, guint line)
{
    if (!length)
        return;
    stanza->package.name = keep(stanza, value, length);
    stanza->package.line = line;
}

static void read_version(struct stanza *stanza, const char *value, gsize length, guint line)
{
    stanza->package.version = keep(stanza, value, length);
}

static void read_architecture(struct stanza *stanza, const char *value, gsize length, guint line)
{
    stanza->package.architecture = keep(stanza, value, length);
}

static void read_source(struct stanza *stanza, const char *value, gsize length, guint line)
{
    gsize name = 0;

    while (name < length && value[name] != ' ' && value[name] != '(')
        name++;
    stanza->package.source = keep(stanza, value, name);
}

static void end_stanza(struct stanza *stanza)
{
    static const struct dpkg_package empty = {
        .architecture = "", .version = "", .want = "unknown", .flag = "ok", .state = "not-installed"
    };
    struct dpkg_package *package = &stanza->package;
    struct dpkg *dpkg = stanza->dpkg;

    if (package->name) {
        const struct dpkg_package *known = dpkg_find(dpkg, package->name);
        /* Before the append, which may move what `known` points to. */
        gboolean better = !known || (!dpkg_is_installed(known) && dpkg_is_installed(package));

        if (!package->source)
            package->source = package->name;
        g_array_append_vals(dpkg->packages, package, 1);
        if (better)
            g_hash_table_insert(dpkg->by_name, (char *)package->name,
                                GUINT_TO_POINTER(dpkg->packages->len));
    }
    *package = empty;
}

static const struct field {
    const char *name; /* without case */
    gsize length;
    void (*read)(struct stanza *stanza, const char *value, gsize length, guint line);
} fields[] = {
    { "Package:", 8, read_package }, { "Version:", 8, read_version },
    { "Status:", 7, read_status },   { "Architecture:", 13, read_architecture },
    { "Source:", 7, read_source },
};

static void on_status_line(guint number, const char *text, gsize length, gpointer data)
{
    if (!length) {
        end_stanza(data);
        return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
        const struct field *field = &fields[i];
        const char *value = text + field->length, *end = text + length;

        if ((text[0] | 0x20) != (field->name[0] | 0x20) || length < field->length ||
            g_ascii_strncasecmp(text, field->name, field->length) != 0)
            continue;
        while (value < end && (*value == ' ' || *value == '\t'))
            value++;
        while (value < end && g_ascii_isspace(end[-1]))
            end--;
        field->read(data, value, end - value, number);
        return;
    }
}

static struct line_stream status_lines(struct stanza *stanza)
{
    end_stanza(stanza);
    return (struct line_stream){ .each = on_status_line, .data = stanza };
}

struct dpkg *dpkg_parse(const char *text, gsize length)
{
    struct stanza stanza = { .dpkg = dpkg_new() };
    struct line_stream lines = status_lines(&stanza);

    line_stream_add(&lines, text, length);
    line_stream_end(&lines);
    end_stanza(&stanza);
    return stanza.dpkg;
}

static void load_diversions(struct host *host, struct dpkg *dpkg)
{
    const struct host_file *file = host_read(host, "/var/lib/dpkg/diversions");
    g_auto(GStrv) lines = g_strsplit(file->text ? file->text : "", "\n", -1);

    /* Three lines each: the path, where others' files go, the package that keeps the path. */
    for (char **line = lines; line[0] && line[1] && line[2]; line += 3) {
        struct dpkg_diversion diversion = { dpkg_map_path(line[0]), dpkg_map_path(line[1]),
                                            g_strdup(line[2]) };

        g_array_append_val(dpkg->diversions, diversion);
    }
}

static void load_overrides(struct host *host, struct dpkg *dpkg)
{
    const struct host_file *file = host_read(host, "/var/lib/dpkg/statoverride");
    g_auto(GStrv) lines = g_strsplit(file->text ? file->text : "", "\n", -1);

    for (char **line = lines; *line; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", 4); /* user group mode path */

        if (g_strv_length(words) == 4)
            g_hash_table_replace(dpkg->overrides, dpkg_map_path(words[3]),
                                 g_strjoin(" ", words[0], words[1], words[2], NULL));
    }
}

/* A status file that cannot be read to its end says nothing. */
static struct dpkg *dpkg_read(struct host *host)
{
    struct stanza stanza = { .dpkg = dpkg_new() };
    struct line_stream lines = status_lines(&stanza);
    enum host_state state = line_stream_read(host, DPKG_STATUS, HOST_FILE_MAX, &lines);

    if (state == HOST_OK) {
        end_stanza(&stanza);
    } else {
        dpkg_free(stanza.dpkg);
        stanza.dpkg = dpkg_new();
    }
    stanza.dpkg->state = state;
    return stanza.dpkg;
}

static gpointer load(struct host *host)
{
    struct dpkg *dpkg = dpkg_read(host);

    load_diversions(host, dpkg);
    load_overrides(host, dpkg);
    return dpkg;
}

struct dpkg *dpkg_get(struct host *host)
{
    static const struct fact_kind kind = { "dpkg", load, (GDestroyNotify)dpkg_free };

    return host_fact(host, &kind);
}

const struct dpkg_package *dpkg_find(const struct dpkg *dpkg, const char *name)
{
    guint index = GPOINTER_TO_UINT(g_hash_table_lookup(dpkg->by_name, name));

    return index ? &g_array_index(dpkg->packages, struct dpkg_package, index - 1) : NULL;
}

gboolean dpkg_is_installed(const struct dpkg_package *package)
{
    static const char *const states[] = { "installed", "triggers-awaited", "triggers-pending",
                                          NULL };

    return package && g_strv_contains(states, package->state);
}

gboolean dpkg_installed(struct host *host, const char *name)
{
    return dpkg_is_installed(dpkg_find(dpkg_get(host), name));
}

const char *dpkg_first_installed(struct host *host, const char *const *names)
{
    for (; *names; names++)
        if (dpkg_installed(host, *names))
            return *names;
    return NULL;
}

/* --- file lists ------------------------------------------------------------------------------ */

/* Paths that are looked for, and a filter by length that turns nearly every listed line away. */
struct search {
    const struct dpkg *dpkg;
    GHashTable *wanted; /* mapped path -> struct wish */
    guint8 lengths[512];
    char *package;
};

static gboolean may_be_wanted(const struct search *search, gsize length)
{
    return search->lengths[length % G_N_ELEMENTS(search->lengths)];
}

static const char *diverted(const struct search *search, const char *path)
{
    for (guint i = 0; i < search->dpkg->diversions->len; i++) {
        const struct dpkg_diversion *diversion =
            &g_array_index(search->dpkg->diversions, struct dpkg_diversion, i);

        if (g_str_equal(diversion->path, path) && !g_str_equal(diversion->package, search->package))
            return diversion->moved;
    }
    return path;
}

/* A listed path counts under its own length, with "/usr" added, or where a diversion put it. */
static void look_at_line(struct search *search, const char *text, gsize length, GHashTable *owners)
{
    g_autofree char *line = NULL, *path = NULL;
    const char *place, *given;

    if (!may_be_wanted(search, length) && !may_be_wanted(search, length + strlen("/usr")))
        return;
    line = g_strndup(text, length);
    path = dpkg_map_path(line);
    place = diverted(search, path);
    given = g_hash_table_lookup(search->wanted, place);
    if (given)
        g_hash_table_replace(owners, g_strdup(given), g_strdup(search->package));
}

static void wish(struct search *search, const char *path)
{
    char *mapped = dpkg_map_path(path);

    search->lengths[strlen(mapped) % G_N_ELEMENTS(search->lengths)] = 1;
    for (guint i = 0; i < search->dpkg->diversions->len; i++) {
        const struct dpkg_diversion *diversion =
            &g_array_index(search->dpkg->diversions, struct dpkg_diversion, i);

        if (g_str_equal(diversion->moved, mapped))
            search->lengths[strlen(diversion->path) % G_N_ELEMENTS(search->lengths)] = 1;
    }
    g_hash_table_replace(search->wanted, mapped, (char *)path);
}

static void look_at_list(struct search *search, const char *text, gsize length, GHashTable *owners)
{
    for (const char *at = text, *end = text + length; at < end;) {
        const char *stop = memchr(at, '\n', end - at);

        if (!stop)
            stop = end;
        look_at_line(search, at, stop - at, owners);
        at = stop + 1;
    }
}

/* "libc6:amd64.list" -> "libc6"; NULL when the name is no file list. */
static char *package_of_list(const char *name)
{
    gsize length = strlen(name), colon = strcspn(name, ":");

    if (!g_str_has_suffix(name, ".list"))
        return NULL;
    return g_strndup(name, MIN(colon, length - strlen(".list")));
}

GHashTable *dpkg_owners(struct host *host, const char *const *paths, gsize count)
{
    GHashTable *owners = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    struct dpkg *dpkg = dpkg_get(host);
    struct search search = { .dpkg = dpkg };
    g_auto(GStrv) names = count ? host_list(host, INFO, NULL) : NULL;
    g_auto(scratch_t) list = { NULL };

    search.wanted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (gsize i = 0; i < count; i++)
        wish(&search, paths[i]);
    for (char **name = names; name && *name; name++) {
        g_autofree char *path = NULL;

        search.package = package_of_list(*name);
        if (!search.package)
            continue;
        path = g_strconcat(INFO "/", *name, NULL);
        if (scratch_read(host, path, LIST_MAX, TRUE, &list) == HOST_OK)
            look_at_list(&search, list.text, list.length, owners);
        else
            dpkg->list_unread = TRUE;
        g_clear_pointer(&search.package, g_free);
    }
    g_hash_table_unref(search.wanted);
    return owners;
}

/* info/NAME.suffix, or info/NAME:ARCH.suffix for packages that may be there more than once. */
static char *info_path(struct host *host, const struct dpkg_package *package, const char *suffix)
{
    char *path = g_strdup_printf(INFO "/%s:%s.%s", package->name, package->architecture, suffix);

    if (host_stat(host, path)->state == HOST_OK)
        return path;
    g_free(path);
    return g_strdup_printf(INFO "/%s.%s", package->name, suffix);
}

gboolean dpkg_package_has(struct host *host, const char *package, const char *path)
{
    struct search search = { .dpkg = dpkg_get(host), .package = (char *)package };
    const struct dpkg_package *stanza = dpkg_find(search.dpkg, package);
    g_autoptr(GHashTable) owners = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_auto(scratch_t) list = { NULL };
    g_autofree char *name = NULL;

    if (!stanza)
        return FALSE;
    name = info_path(host, stanza, "list");
    search.wanted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    wish(&search, path);
    if (scratch_read(host, name, LIST_MAX, TRUE, &list) == HOST_OK)
        look_at_list(&search, list.text, list.length, owners);
    g_hash_table_unref(search.wanted);
    return g_hash_table_size(owners) > 0;
}

char *dpkg_md5sums_path(struct host *host, const struct dpkg_package *package)
{
    return info_path(host, package, "md5sums");
}
