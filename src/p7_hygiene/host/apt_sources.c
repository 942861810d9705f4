#include "p7_hygiene/host/apt_sources.h"

#include <string.h>

static void source_free(gpointer data)
{
    struct apt_source *source = data;

    g_strfreev(source->types);
    g_strfreev(source->uris);
    g_strfreev(source->suites);
    g_strfreev(source->components);
    g_strfreev(source->signed_by_paths);
    g_free(source->signed_by);
    g_free(source->trusted);
    g_free(source->allow_insecure);
    g_free(source->allow_weak);
    g_free(source->allow_downgrade);
    g_free(source->check_valid);
    g_free(source);
}

struct apt_sources *apt_sources_new(void)
{
    struct apt_sources *sources = g_new0(struct apt_sources, 1);

    sources->sources = g_ptr_array_new_with_free_func(source_free);
    sources->problems = g_ptr_array_new_with_free_func(g_free);
    return sources;
}

void apt_sources_free(struct apt_sources *sources)
{
    g_ptr_array_unref(sources->sources);
    g_ptr_array_unref(sources->problems);
    g_free(sources);
}

static char **words(const char *text)
{
    g_auto(GStrv) all = g_strsplit_set(text, " \t\n\r", -1);
    GPtrArray *kept = g_ptr_array_new();

    for (char **word = all; *word; word++)
        if (**word)
            g_ptr_array_add(kept, g_strdup(*word));
    g_ptr_array_add(kept, NULL);
    return (char **)g_ptr_array_free(kept, FALSE);
}

static void set(char **member, const char *value)
{
    g_free(*member);
    *member = g_strstrip(g_strdup(value));
}

/* An option of either form: names compare without case, "Signed-By" as "signed-by". */
static void set_option(struct apt_source *source, const char *name, const char *value)
{
    const struct {
        const char *name;
        char **member;
    } options[] = {
        { "trusted", &source->trusted },
        { "allow-insecure", &source->allow_insecure },
        { "allow-weak", &source->allow_weak },
        { "allow-downgrade-to-insecure", &source->allow_downgrade },
        { "check-valid-until", &source->check_valid },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(options); i++)
        if (g_ascii_strcasecmp(name, options[i].name) == 0)
            set(options[i].member, value);
    if (g_ascii_strcasecmp(name, "signed-by") == 0) {
        g_auto(GStrv) all = NULL;
        GPtrArray *paths = g_ptr_array_new();

        set(&source->signed_by, strstr(value, "-----BEGIN PGP") ? "embedded" : value);
        all = g_strsplit_set(source->signed_by, ", \t\n", -1);
        for (char **one = all; *one; one++)
            if (**one == '/')
                g_ptr_array_add(paths, g_strdup(*one));
        g_ptr_array_add(paths, NULL);
        g_strfreev(source->signed_by_paths);
        source->signed_by_paths = (char **)g_ptr_array_free(paths, FALSE);
    }
}

static struct apt_source *source_new(const char *path, guint line)
{
    struct apt_source *source = g_new0(struct apt_source, 1);

    source->path = path;
    source->line = line;
    source->enabled = TRUE;
    source->signed_by = g_strdup("");
    source->signed_by_paths = g_new0(char *, 1);
    return source;
}

static void problem(struct apt_sources *sources, const char *path, guint line, const char *what)
{
    g_ptr_array_add(sources->problems, g_strdup_printf("%s:%u: %s", path, line, what));
}

static void finish(struct apt_sources *sources, struct apt_source *source)
{
    if (source->types && *source->types && source->uris && *source->uris && source->suites &&
        *source->suites) {
        if (!source->components)
            source->components = g_new0(char *, 1);
        g_ptr_array_add(sources->sources, source);
        return;
    }
    problem(sources, source->path, source->line, "type, URI or suite is missing");
    source_free(source);
}

/* "[ a=b c=d ]": `text` stands behind the bracket; gives what follows the closing one, or NULL. */
static char *read_options(struct apt_source *source, char *text)
{
    char *end = strchr(text, ']');
    g_auto(GStrv) options = NULL;

    if (!end)
        return NULL;
    *end = 0;
    options = words(text);
    for (char **option = options; *option; option++) {
        char *equals = strchr(*option, '=');

        if (equals) {
            *equals = 0;
            set_option(source, *option, equals + 1);
        }
    }
    return end + 1;
}

static void add_line(struct apt_sources *sources, const char *path, guint line, char *text)
{
    struct apt_source *source;
    g_auto(GStrv) parts = NULL;
    char *rest;

    text[strcspn(text, "#")] = 0;
    g_strstrip(text);
    if (!*text)
        return;
    rest = text + strcspn(text, " \t[");
    source = source_new(path, line);
    source->types = g_new0(char *, 2);
    source->types[0] = g_strndup(text, rest - text);
    rest += strspn(rest, " \t");
    if (*rest == '[')
        rest = read_options(source, rest + 1);
    parts = words(rest ? rest : "");
    if (g_strv_length(parts) >= 2) {
        source->uris = g_new0(char *, 2);
        source->uris[0] = g_strdup(parts[0]);
        source->suites = g_new0(char *, 2);
        source->suites[0] = g_strdup(parts[1]);
        source->components = g_strdupv(parts + 2);
    }
    finish(sources, source);
}

void apt_sources_add_list(struct apt_sources *sources, const char *path, const char *text,
                          gsize length)
{
    g_autofree char *copy = g_strndup(text, length);
    g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);

    for (guint i = 0; lines[i]; i++)
        add_line(sources, path, i + 1, lines[i]);
}

static void set_field(struct apt_source *source, const char *name, const char *value)
{
    const struct {
        const char *name;
        char ***member;
    } lists[] = {
        { "types", &source->types },
        { "uris", &source->uris },
        { "suites", &source->suites },
        { "components", &source->components },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(lists); i++)
        if (g_ascii_strcasecmp(name, lists[i].name) == 0) {
            g_strfreev(*lists[i].member);
            *lists[i].member = words(value);
            return;
        }
    if (g_ascii_strcasecmp(name, "enabled") == 0) {
        g_autofree char *plain = g_strstrip(g_strdup(value));

        source->enabled = g_ascii_strcasecmp(plain, "no") != 0 &&
                          g_ascii_strcasecmp(plain, "false") != 0 && !g_str_equal(plain, "0");
    } else {
        set_option(source, name, value);
    }
}

/* A stanza: "Name: value" lines, continued by lines that start with a blank; "#" lines are out. */
struct stanza {
    struct apt_sources *sources;
    struct apt_source *source; /* NULL between stanzas */
    char *name;
    GString *value;
};

static void end_field(struct stanza *stanza)
{
    if (stanza->name && stanza->source)
        set_field(stanza->source, stanza->name, stanza->value->str);
    g_clear_pointer(&stanza->name, g_free);
    g_string_truncate(stanza->value, 0);
}

static void end_stanza(struct stanza *stanza)
{
    end_field(stanza);
    if (stanza->source)
        finish(stanza->sources, g_steal_pointer(&stanza->source));
}

static void add_deb822_line(struct stanza *stanza, const char *path, guint number, const char *line)
{
    const char *colon = strchr(line, ':');

    if (*line == '#')
        return;
    if (!line[strspn(line, " \t\r")]) {
        end_stanza(stanza);
    } else if (*line == ' ' || *line == '\t') {
        g_string_append_printf(stanza->value, "\n%s", line + 1);
    } else if (colon) {
        end_field(stanza);
        if (!stanza->source)
            stanza->source = source_new(path, number);
        stanza->name = g_strndup(line, colon - line);
        g_string_assign(stanza->value, colon + 1);
    } else {
        problem(stanza->sources, path, number, "no colon");
    }
}

void apt_sources_add_deb822(struct apt_sources *sources, const char *path, const char *text,
                            gsize length)
{
    g_autofree char *copy = g_strndup(text, length);
    g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);
    struct stanza stanza = { sources, NULL, NULL, g_string_new(NULL) };

    for (guint i = 0; lines[i]; i++)
        add_deb822_line(&stanza, path, i + 1, lines[i]);
    end_stanza(&stanza);
    g_string_free(stanza.value, TRUE);
}

static gpointer load(struct host *host)
{
    struct apt_sources *sources = apt_sources_new();
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) names = host_list(host, "/etc/apt/sources.list.d", NULL);

    g_ptr_array_add(paths, g_strdup("/etc/apt/sources.list"));
    for (char **name = names; name && *name; name++)
        if (g_str_has_suffix(*name, ".list") || g_str_has_suffix(*name, ".sources"))
            g_ptr_array_add(paths, g_strconcat("/etc/apt/sources.list.d/", *name, NULL));
    for (guint i = 0; i < paths->len; i++) {
        const struct host_file *file = host_read(host, paths->pdata[i]);

        if (file->state == HOST_OK && g_str_has_suffix(file->path, ".sources"))
            apt_sources_add_deb822(sources, file->path, file->text, file->length);
        else if (file->state == HOST_OK)
            apt_sources_add_list(sources, file->path, file->text, file->length);
        else if (file->state != HOST_ABSENT) {
            sources->state = file->state;
            sources->unread = file->path;
        }
    }
    return sources;
}

const struct apt_sources *apt_sources_get(struct host *host)
{
    static const struct fact_kind kind = { "apt sources", load, (GDestroyNotify)apt_sources_free };

    return host_fact(host, &kind);
}

/*
 * Mirrors keep the path: "http://HOST/debian", sometimes below /pub or /mirror. What is deeper
 * ("https://HOST/linux/debian") is somebody's own archive for Debian.
 */
gboolean apt_uri_is_distribution(const char *uri)
{
    static const char *const paths[] = { "debian",  "debian-security", "debian-archive",
                                         "ubuntu",  "ubuntu-ports",    "ubuntu-security",
                                         "raspbian" };
    static const char *const domains[] = { ".debian.org", ".ubuntu.com", ".raspbian.org" };
    const char *start = strstr(uri, "://"), *path;
    g_autofree char *name = NULL;

    start = start ? start + strlen("://") : uri;
    path = start + strcspn(start, "/");
    name = g_strndup(start, strcspn(start, "/:"));
    for (gsize i = 0; i < G_N_ELEMENTS(domains); i++)
        if (g_str_has_suffix(name, domains[i]))
            return TRUE;
    path += strspn(path, "/");
    if (g_str_has_prefix(path, "pub/") || g_str_has_prefix(path, "mirror/"))
        path = strchr(path, '/') + 1;
    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
        gsize length = strlen(paths[i]);

        if (g_str_has_prefix(path, paths[i]) && !path[length + strspn(path + length, "/")])
            return TRUE;
    }
    return FALSE;
}
