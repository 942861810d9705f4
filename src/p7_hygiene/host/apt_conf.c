#include "p7_hygiene/host/apt_conf.h"

#include <string.h>

#define DEPTH_MAX 64

static void item_free(gpointer data)
{
    struct apt_item *item = data;

    g_free(item->name);
    g_free(item->value);
    g_free(item);
}

struct apt_conf *apt_conf_new(void)
{
    struct apt_conf *conf = g_new0(struct apt_conf, 1);

    conf->items = g_ptr_array_new_with_free_func(item_free);
    return conf;
}

void apt_conf_free(struct apt_conf *conf)
{
    g_ptr_array_unref(conf->items);
    g_free(conf);
}

const struct apt_item *apt_conf_find(const struct apt_conf *conf, const char *name)
{
    for (guint i = 0; i < conf->items->len; i++) {
        const struct apt_item *item = conf->items->pdata[i];

        if (g_ascii_strcasecmp(item->name, name) == 0)
            return item;
    }
    return NULL;
}

gboolean apt_conf_is_true(const char *value)
{
    static const char *const yes[] = { "1", "true", "yes", "on", "with", "enable" };

    for (gsize i = 0; i < G_N_ELEMENTS(yes); i++)
        if (g_ascii_strcasecmp(value, yes[i]) == 0)
            return TRUE;
    return g_ascii_isdigit(*value) && g_ascii_strtoull(value, NULL, 10) > 0;
}

/* --- reading --------------------------------------------------------------------------------- */

struct reader {
    struct apt_conf *conf;
    const char *path, *at, *end;
    guint line;
    GPtrArray *scopes; /* names of the open blocks */
};

static void take(struct reader *reader)
{
    if (*reader->at == '\n')
        reader->line++;
    reader->at++;
}

static gboolean starts(const struct reader *reader, const char *text)
{
    gsize length = strlen(text);

    return (gsize)(reader->end - reader->at) >= length && memcmp(reader->at, text, length) == 0;
}

static void skip_line(struct reader *reader)
{
    while (reader->at < reader->end && *reader->at != '\n')
        reader->at++;
}

/* Blanks and comments; "#clear" and "#include" are no comments. */
static void skip_space(struct reader *reader)
{
    while (reader->at < reader->end) {
        if (g_ascii_isspace(*reader->at)) {
            take(reader);
        } else if (starts(reader, "//") || (*reader->at == '#' && !starts(reader, "#clear") &&
                                            !starts(reader, "#include"))) {
            skip_line(reader);
        } else if (starts(reader, "/*")) {
            while (reader->at < reader->end && !starts(reader, "*/"))
                take(reader);
            for (guint i = 0; i < 2 && reader->at < reader->end; i++)
                take(reader);
        } else {
            return;
        }
    }
}

/* A word, or a text in double quotes; NULL when neither stands here. */
static char *read_word(struct reader *reader)
{
    g_autoptr(GString) word = g_string_new(NULL);
    const char *start = reader->at;

    if (reader->at < reader->end && *reader->at == '"') {
        take(reader);
        while (reader->at < reader->end && *reader->at != '"') {
            g_string_append_c(word, *reader->at);
            take(reader);
        }
        if (reader->at < reader->end)
            take(reader);
        return g_strdup(word->str);
    }
    while (reader->at < reader->end && !g_ascii_isspace(*reader->at) &&
           !strchr("{};\"", *reader->at) && *reader->at && !starts(reader, "//"))
        take(reader);
    return reader->at == start ? NULL : g_strndup(start, reader->at - start);
}

static char *full_name(const struct reader *reader, const char *name)
{
    GString *full = g_string_new(NULL);

    for (guint i = 0; i < reader->scopes->len; i++)
        g_string_append_printf(full, "%s::", (const char *)reader->scopes->pdata[i]);
    g_string_append(full, name);
    return g_string_free(full, FALSE);
}

/* #clear removes a name with everything below it. */
static void clear_name(struct apt_conf *conf, const char *name)
{
    gsize length = strlen(name);

    while (length >= 2 && g_str_has_suffix(name, "::") && name[length - 1] == ':') {
        length -= 2;
        break;
    }
    for (guint i = conf->items->len; i-- > 0;) {
        const struct apt_item *item = conf->items->pdata[i];

        if (g_ascii_strncasecmp(item->name, name, length) == 0 &&
            (!item->name[length] || g_str_has_prefix(item->name + length, "::")))
            g_ptr_array_remove_index(conf->items, i);
    }
}

static void set_value(struct reader *reader, const char *name, const char *value, guint line)
{
    struct apt_item *item = NULL;

    if (!g_str_has_suffix(name, "::"))
        item = (struct apt_item *)apt_conf_find(reader->conf, name);
    if (!item) {
        item = g_new0(struct apt_item, 1);
        item->name = g_strdup(name);
        g_ptr_array_add(reader->conf->items, item);
    }
    g_free(item->value);
    item->value = g_strdup(value);
    item->path = reader->path;
    item->line = line;
}

static void read_directive(struct reader *reader)
{
    gboolean clear = starts(reader, "#clear");

    while (reader->at < reader->end && !g_ascii_isspace(*reader->at) && *reader->at != ';')
        take(reader);
    for (;;) {
        g_autofree char *name = NULL, *full = NULL;

        skip_space(reader);
        name = read_word(reader);
        if (!name)
            break;
        full = full_name(reader, name);
        if (clear)
            clear_name(reader->conf, full);
        else if (!reader->conf->unread) {
            reader->conf->unread = reader->path;
            reader->conf->state = HOST_UNREADABLE;
        }
    }
    if (reader->at < reader->end && *reader->at == ';')
        take(reader);
}

/* `name value;`, `name { ... };`, or a lone `"value";` within a block, which is a list item. */
static void read_statement(struct reader *reader)
{
    gboolean quoted = *reader->at == '"';
    guint line = reader->line;
    g_autofree char *name = read_word(reader), *value = NULL, *full = NULL;

    skip_space(reader);
    if (reader->at < reader->end && *reader->at == '{') {
        take(reader);
        if (reader->scopes->len < DEPTH_MAX)
            g_ptr_array_add(reader->scopes, g_steal_pointer(&name));
        return;
    }
    if (reader->at < reader->end && *reader->at != ';' && *reader->at != '}')
        value = read_word(reader);
    if (value) {
        full = full_name(reader, name);
        set_value(reader, full, value, line);
    } else if (quoted || reader->scopes->len) {
        full = full_name(reader, "");
        set_value(reader, full, name, line);
    }
    skip_space(reader);
    while (reader->at < reader->end && !strchr(";{}", *reader->at))
        take(reader);
    if (reader->at < reader->end && *reader->at == ';')
        take(reader);
}

void apt_conf_add(struct apt_conf *conf, const char *path, const char *text, gsize length)
{
    struct reader reader = { conf, path, text, text + length, 1, NULL };

    reader.scopes = g_ptr_array_new_with_free_func(g_free);
    for (skip_space(&reader); reader.at < reader.end; skip_space(&reader)) {
        const char *before = reader.at;

        if (*reader.at == '}') {
            if (reader.scopes->len)
                g_ptr_array_set_size(reader.scopes, reader.scopes->len - 1);
            take(&reader);
        } else if (*reader.at == '#') {
            read_directive(&reader);
        } else if (strchr(";{", *reader.at) && *reader.at) {
            take(&reader);
        } else if (*reader.at) {
            read_statement(&reader);
        }
        if (reader.at == before)
            take(&reader);
    }
    g_ptr_array_unref(reader.scopes);
}

/* --- the fact -------------------------------------------------------------------------------- */

static void add_file(struct host *host, struct apt_conf *conf, const char *path)
{
    const struct host_file *file = host_read(host, path);

    if (file->state == HOST_OK) {
        apt_conf_add(conf, file->path, file->text, file->length);
    } else if (file->state != HOST_ABSENT) {
        conf->state = file->state;
        conf->unread = file->path;
    }
}

/* Names that run-parts takes: letters, digits, '-', '_', and "." only in ".conf". */
static gboolean is_part(const char *name)
{
    if (*name == '.')
        return FALSE;
    return g_str_has_suffix(name, ".conf") || !strpbrk(name, ".~");
}

static gpointer load(struct host *host)
{
    struct apt_conf *conf = apt_conf_new();
    g_auto(GStrv) names = host_list(host, "/etc/apt/apt.conf.d", NULL);

    for (char **name = names; name && *name; name++) {
        g_autofree char *path = g_strconcat("/etc/apt/apt.conf.d/", *name, NULL);

        if (is_part(*name))
            add_file(host, conf, path);
    }
    add_file(host, conf, "/etc/apt/apt.conf");
    return conf;
}

const struct apt_conf *apt_conf_get(struct host *host)
{
    static const struct fact_kind kind = { "apt.conf", load, (GDestroyNotify)apt_conf_free };

    return host_fact(host, &kind);
}
