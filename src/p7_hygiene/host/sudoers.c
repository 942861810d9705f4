#include "p7_hygiene/host/sudoers.h"

#include <string.h>

#define SUDOERS "/etc/sudoers"

struct reading {
    struct host *host;
    struct sudoers *out;
    guint depth;
};

struct in_file {
    struct reading *reading;
    const char *path;
    GString *pending;
    guint first_line;
};

static void rule_free(struct sudo_rule *rule)
{
    g_strfreev(rule->users);
    g_strfreev(rule->hosts);
    g_free(rule->runas);
    g_free(rule->command);
    g_free(rule);
}

static void default_free(struct sudo_default *setting)
{
    g_free(setting->scope_names);
    g_free(setting->name);
    g_free(setting->value);
    g_free(setting);
}

static void sudoers_unload(gpointer fact)
{
    struct sudoers *sudoers = fact;

    g_ptr_array_unref(sudoers->rules);
    g_ptr_array_unref(sudoers->defaults);
    g_ptr_array_unref(sudoers->files);
    g_ptr_array_unref(sudoers->folders);
    g_hash_table_unref(sudoers->aliases);
    g_free(sudoers->problem);
    g_free(sudoers->denied);
    g_free(sudoers);
}

static void skip_blanks(const char **cursor)
{
    *cursor += strspn(*cursor, " \t");
}

/* Text up to one of `ends` that is neither quoted nor escaped; quotes and escapes are kept out. */
static char *take_until(const char **cursor, const char *ends)
{
    GString *text = g_string_new(NULL);
    gboolean quoted = FALSE;
    const char *at = *cursor;

    for (; *at && (quoted || !strchr(ends, *at)); at++) {
        if (*at == '"')
            quoted = !quoted;
        else if (*at == '\\' && at[1])
            g_string_append_c(text, *++at);
        else
            g_string_append_c(text, *at);
    }
    *cursor = at;
    return g_strstrip(g_string_free(text, FALSE));
}

/* "a, !b, %c": items parted by commas; a blank without a comma ends the list. */
static char **take_list(const char **cursor, const char *ends)
{
    GPtrArray *items = g_ptr_array_new();
    g_autofree char *stops = g_strconcat(ends, ", \t", NULL);

    for (;;) {
        g_autoptr(GString) item = g_string_new(NULL);
        g_autofree char *rest = NULL;

        skip_blanks(cursor);
        while (**cursor == '!') {
            g_string_append_c(item, '!');
            (*cursor)++;
            skip_blanks(cursor);
        }
        rest = take_until(cursor, stops);
        g_string_append(item, rest);
        if (item->len)
            g_ptr_array_add(items, g_strdup(item->str));
        skip_blanks(cursor);
        if (**cursor != ',')
            break;
        (*cursor)++;
    }
    g_ptr_array_add(items, NULL);
    return (char **)g_ptr_array_free(items, FALSE);
}

static void read_alias(struct reading *reading, const char *kind, const char *text)
{
    while (*text) {
        g_autofree char *name = take_until(&text, "=");
        g_auto(GStrv) items = NULL;
        GPtrArray *list = g_ptr_array_new();

        if (*text != '=') {
            g_ptr_array_free(list, TRUE);
            return;
        }
        do {
            char *item;

            text++;
            item = take_until(&text, ",:");
            if (*item)
                g_ptr_array_add(list, item);
            else
                g_free(item);
        } while (*text == ',');
        g_ptr_array_add(list, NULL);
        items = (char **)g_ptr_array_free(list, FALSE);
        g_hash_table_replace(reading->out->aliases, g_strconcat(kind, " ", name, NULL),
                             g_steal_pointer(&items));
        if (*text == ':')
            text++;
    }
}

static char **alias_of(const struct sudoers *sudoers, const char *kind, const char *name)
{
    g_autofree char *key = g_strconcat(kind, " ", name, NULL);

    return g_hash_table_lookup(sudoers->aliases, key);
}

/* Items of a list with aliases replaced, negation carried inward. */
static void expand_into(const struct sudoers *sudoers, const char *kind, const char *item,
                        gboolean negated, guint depth, GPtrArray *out)
{
    char **members;

    while (*item == '!') {
        negated = !negated;
        item++;
    }
    members = depth < SUDO_ALIAS_DEPTH_MAX ? alias_of(sudoers, kind, item) : NULL;
    if (!members) {
        if (out->len < SUDO_RULES_MAX)
            g_ptr_array_add(out, g_strconcat(negated ? "!" : "", item, NULL));
        return;
    }
    for (; *members; members++)
        expand_into(sudoers, kind, *members, negated, depth + 1, out);
}

static char **expand(const struct sudoers *sudoers, const char *kind, char *const *items)
{
    GPtrArray *out = g_ptr_array_new();

    for (; *items; items++)
        expand_into(sudoers, kind, *items, FALSE, 0, out);
    g_ptr_array_add(out, NULL);
    return (char **)g_ptr_array_free(out, FALSE);
}

char **sudoers_users(const struct sudoers *sudoers, char *const *users)
{
    return expand(sudoers, "User_Alias", users);
}

static void read_default(struct in_file *file, const char *text)
{
    char scope = *text && strchr("@:!>", *text) ? *text++ : 0;
    g_autofree char *names = NULL;

    if (scope) {
        g_auto(GStrv) list = take_list(&text, "");

        names = g_strjoinv(",", list);
    }
    while (*text) {
        struct sudo_default *setting = g_new0(struct sudo_default, 1);
        g_autofree char *name = NULL;
        const char *start;

        skip_blanks(&text);
        while (*text == '!') {
            setting->off = !setting->off;
            text++;
        }
        start = text;
        text += strcspn(text, "=, \t");
        if (text > start && strchr("+-", text[-1]) && *text == '=')
            name = g_strndup(start, text - start - 1);
        else
            name = g_strndup(start, text - start);
        skip_blanks(&text);
        if ((*text == '+' || *text == '-') && text[1] == '=')
            text++;
        if (*text == '=') {
            text++;
            setting->value = take_until(&text, ",");
        }
        text += strcspn(text, ",");
        if (*text)
            text++;
        setting->scope = scope;
        setting->scope_names = g_strdup(names);
        setting->name = g_steal_pointer(&name);
        setting->path = file->path;
        setting->line = file->first_line;
        if (*setting->name)
            g_ptr_array_add(file->reading->out->defaults, setting);
        else
            default_free(setting);
    }
}

/* What lasts from one command of a list to the next. */
struct options {
    char *runas;
    gboolean no_password, no_exec;
};

/* "NOPASSWD:", "ROLE=x": tags and options in front of a command. */
static void take_tags(const char **cursor, struct options *options)
{
    for (;;) {
        const char *at, *word;
        gsize length;

        skip_blanks(cursor);
        word = at = *cursor;
        while (g_ascii_isupper(*at) || *at == '_')
            at++;
        length = at - word;
        at += strspn(at, " \t");
        if (length == 0 || (*at != ':' && *at != '='))
            return;
        if (*at == '=') {
            at++;
            at += strspn(at, " \t");
            at += strcspn(at, " \t,");
            *cursor = at;
            continue;
        }
        if (length == strlen("NOPASSWD") && strncmp(word, "NOPASSWD", length) == 0)
            options->no_password = TRUE;
        else if (length == strlen("PASSWD") && strncmp(word, "PASSWD", length) == 0)
            options->no_password = FALSE;
        else if (length == strlen("NOEXEC") && strncmp(word, "NOEXEC", length) == 0)
            options->no_exec = TRUE;
        else if (length == strlen("EXEC") && strncmp(word, "EXEC", length) == 0)
            options->no_exec = FALSE;
        *cursor = at + 1;
    }
}

static void add_command(struct in_file *file, char *const *users, char *const *hosts,
                        const struct options *options, const char *item)
{
    struct sudoers *out = file->reading->out;
    struct sudo_rule *rule;

    if (out->rules->len >= SUDO_RULES_MAX) {
        if (!out->problem)
            out->problem = g_strdup_printf("%s:%u: more than %u commands", file->path,
                                           file->first_line, SUDO_RULES_MAX);
        return;
    }
    rule = g_new0(struct sudo_rule, 1);
    while (*item == '!') {
        rule->negated = !rule->negated;
        item++;
        skip_blanks(&item);
    }
    /* "sha256:DIGEST /path": the digest pins the file. */
    if (g_str_has_prefix(item, "sha") && strchr(item, ' ') && strchr(item, ':'))
        item = strrchr(item, ' ') + 1;
    rule->users = g_strdupv((char **)users);
    rule->hosts = g_strdupv((char **)hosts);
    rule->runas = g_strdup(options->runas ? options->runas : "root");
    rule->command = g_strdup(item);
    rule->no_password = options->no_password;
    rule->no_exec = options->no_exec;
    rule->path = file->path;
    rule->line = file->first_line;
    g_ptr_array_add(out->rules, rule);
}

static void take_commands(struct in_file *file, const char **cursor, char *const *users,
                          char *const *hosts)
{
    struct options options = { 0 };

    for (;;) {
        g_autofree char *command = NULL;

        skip_blanks(cursor);
        if (**cursor == '(') {
            (*cursor)++;
            g_free(options.runas);
            options.runas = take_until(cursor, ")");
            if (**cursor)
                (*cursor)++;
        }
        take_tags(cursor, &options);
        skip_blanks(cursor);
        if (g_str_has_prefix(*cursor, "sha")) {
            /* The colon of a digest ends nothing. */
            const char *path = strchr(*cursor, '/');

            if (path)
                *cursor = path;
        }
        command = take_until(cursor, ",:");
        if (*command)
            add_command(file, users, hosts, &options, command);
        if (**cursor != ',')
            break;
        (*cursor)++;
    }
    g_free(options.runas);
}

static void read_rule(struct in_file *file, const char *text)
{
    g_auto(GStrv) users = take_list(&text, "=");

    while (*text) {
        g_auto(GStrv) hosts = take_list(&text, "=");

        skip_blanks(&text);
        if (*text != '=')
            return;
        text++;
        take_commands(file, &text, users, hosts);
        if (*text == ':')
            text++;
    }
}

static void read_file(struct reading *reading, const char *path);

static void read_include(struct in_file *file, const char *name, gboolean folder)
{
    struct reading *reading = file->reading;
    const char *at = name;
    g_autofree char *target = NULL, *path = NULL, *beside = NULL;
    g_auto(GStrv) names = NULL;
    enum host_state state;

    skip_blanks(&at);
    target = take_until(&at, " \t");
    if (!*target)
        return;
    if (reading->depth >= SUDO_DEPTH_MAX) {
        if (!reading->out->problem)
            reading->out->problem = g_strdup_printf("%s:%u: include nested deeper than %u files",
                                                    file->path, file->first_line, SUDO_DEPTH_MAX);
        return;
    }
    beside = g_path_get_dirname(file->path);
    path = *target == '/' ? g_strdup(target) : g_build_filename(beside, target, NULL);
    if (!folder) {
        read_file(reading, path);
        return;
    }
    names = host_list(reading->host, path, &state);
    if (state == HOST_DENIED && !reading->out->denied)
        reading->out->denied = g_strdup(path);
    for (guint i = 0; names && names[i]; i++) {
        g_autofree char *part = g_build_filename(path, names[i], NULL);

        if (!strchr(names[i], '.') && !g_str_has_suffix(names[i], "~"))
            read_file(reading, part);
    }
    g_ptr_array_add(reading->out->folders, g_steal_pointer(&path));
}

/* Cuts a comment off: `#` outside of quotes, unless digits follow (a uid) or it is escaped. */
static void cut_comment(char *text)
{
    gboolean quoted = FALSE;

    for (char *at = text; *at; at++) {
        if (*at == '\\' && at[1])
            at++;
        else if (*at == '"')
            quoted = !quoted;
        else if (*at == '#' && !quoted && !g_ascii_isdigit(at[1]) && at[1] != '-') {
            *at = 0;
            return;
        }
    }
}

static gboolean take_keyword(const char **text, const char *keyword)
{
    gsize length = strlen(keyword);

    if (strncmp(*text, keyword, length) != 0 || !strchr(" \t", (*text)[length]) || !(*text)[length])
        return FALSE;
    *text += length;
    skip_blanks(text);
    return TRUE;
}

static void read_logical_line(struct in_file *file, char *line)
{
    static const char *const aliases[] = { "User_Alias", "Runas_Alias", "Host_Alias", "Cmnd_Alias",
                                           "Cmd_Alias" };
    const char *text = line;

    skip_blanks(&text);
    if (*text == '#' || *text == '@') {
        const char *directive = text + 1;

        if (take_keyword(&directive, "includedir"))
            read_include(file, directive, TRUE);
        else if (take_keyword(&directive, "include"))
            read_include(file, directive, FALSE);
        if (*text == '@' || !g_ascii_isdigit(text[1]))
            return;
    }
    cut_comment(line);
    g_strchomp(line);
    if (!*text)
        return;
    for (guint i = 0; i < G_N_ELEMENTS(aliases); i++)
        if (take_keyword(&text, aliases[i])) {
            read_alias(file->reading,
                       g_str_equal(aliases[i], "Cmd_Alias") ? "Cmnd_Alias" : aliases[i], text);
            return;
        }
    if (g_str_has_prefix(text, "Defaults") && strchr("@:!> \t", text[strlen("Defaults")])) {
        read_default(file, text + strlen("Defaults"));
        return;
    }
    read_rule(file, text);
}

static void read_line(guint line, const char *text, gsize length, gpointer data)
{
    struct in_file *file = data;

    if (file->pending->len == 0)
        file->first_line = line;
    while (length && text[length - 1] == '\r')
        length--;
    g_string_append_len(file->pending, text, length);
    if (file->pending->len && file->pending->str[file->pending->len - 1] == '\\') {
        file->pending->str[file->pending->len - 1] = ' ';
        return;
    }
    read_logical_line(file, file->pending->str);
    g_string_truncate(file->pending, 0);
}

static void read_file(struct reading *reading, const char *path)
{
    const struct host_file *content;
    struct in_file file = { .reading = reading };

    if (reading->out->files->len >= SUDO_FILES_MAX) {
        if (!reading->out->problem)
            reading->out->problem =
                g_strdup_printf("%s: more than %u files included", path, SUDO_FILES_MAX);
        return;
    }
    content = host_read(reading->host, path);
    g_ptr_array_add(reading->out->files, (gpointer)content);
    file.path = content->path;
    file.pending = g_string_new(NULL);
    reading->depth++;
    host_each_line(content, read_line, &file);
    if (file.pending->len)
        read_logical_line(&file, file.pending->str);
    reading->depth--;
    g_string_free(file.pending, TRUE);
}

/* Aliases may be defined after their use: commands are replaced once all is read. */
static void expand_commands(struct sudoers *sudoers)
{
    GPtrArray *written = sudoers->rules;

    sudoers->rules = g_ptr_array_new_with_free_func((GDestroyNotify)rule_free);
    for (guint i = 0; i < written->len; i++) {
        struct sudo_rule *rule = written->pdata[i];
        char *one[] = { rule->command, NULL };
        g_auto(GStrv) commands = expand(sudoers, "Cmnd_Alias", one);

        for (guint k = 0; commands[k] && sudoers->rules->len < SUDO_RULES_MAX; k++) {
            struct sudo_rule *copy = g_new0(struct sudo_rule, 1);
            gboolean turned = *commands[k] == '!';

            *copy = *rule;
            copy->users = g_strdupv(rule->users);
            copy->hosts = g_strdupv(rule->hosts);
            copy->runas = g_strdup(rule->runas);
            copy->command = g_strdup(commands[k] + turned);
            copy->negated = rule->negated != turned;
            g_ptr_array_add(sudoers->rules, copy);
        }
    }
    g_ptr_array_unref(written);
}

static gpointer sudoers_load(struct host *host)
{
    struct sudoers *sudoers = g_new0(struct sudoers, 1);
    struct reading reading = { .host = host, .out = sudoers };

    sudoers->rules = g_ptr_array_new_with_free_func((GDestroyNotify)rule_free);
    sudoers->defaults = g_ptr_array_new_with_free_func((GDestroyNotify)default_free);
    sudoers->files = g_ptr_array_new();
    sudoers->folders = g_ptr_array_new_with_free_func(g_free);
    sudoers->aliases =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_strfreev);
    read_file(&reading, SUDOERS);
    sudoers->file = sudoers->files->pdata[0];
    expand_commands(sudoers);
    return sudoers;
}

static const struct fact_kind sudoers_kind = { "sudoers", sudoers_load, sudoers_unload };

const struct sudoers *sudoers_of(struct host *host)
{
    return host_fact(host, &sudoers_kind);
}

const struct sudo_default *sudoers_default(const struct sudoers *sudoers, const char *name)
{
    const struct sudo_default *last = NULL;

    for (guint i = 0; i < sudoers->defaults->len; i++) {
        const struct sudo_default *setting = sudoers->defaults->pdata[i];

        if (!setting->scope && g_str_equal(setting->name, name))
            last = setting;
    }
    return last;
}
