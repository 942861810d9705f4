#include "p7_hygiene/host/ssh_statements.h"

#include <string.h>

#define SSH_FOLDER "/etc/ssh/"

struct reading {
    struct host *host;
    struct ssh_statements *out;
    enum ssh_role role;
    guint depth;
};

struct in_file {
    struct reading *reading;
    const char *path;
    const struct ssh_scope *base;  /* of the Include line that named this file */
    const struct ssh_scope *scope; /* in force at this line */
};

static void statement_free(struct ssh_statement *statement)
{
    g_free(statement->keyword);
    g_strfreev(statement->arguments);
    g_free(statement);
}

static void scope_free(struct ssh_scope *scope)
{
    g_free(scope->condition);
    g_free(scope);
}

void ssh_statements_free(struct ssh_statements *statements)
{
    g_ptr_array_unref(statements->list);
    g_ptr_array_unref(statements->scopes);
    g_ptr_array_unref(statements->files);
    g_free(statements->problem);
    g_free(statements->denied);
    g_free(statements);
}

/*
 * The next word of a line, cut out in place, and the cursor after it: words end at white space or
 * at one `=` (strdelim of OpenSSH). NULL at the end of the line.
 */
static char *next_word(char **cursor)
{
    char *at = *cursor + strspn(*cursor, " \t\r\f"), *end;

    if (!*at)
        return NULL;
    if (*at == '"') {
        end = strchr(++at, '"');
        if (!end)
            return NULL;
        *end++ = 0;
    } else {
        gboolean assigned;

        end = at + strcspn(at, " \t\r\"=");
        assigned = *end == '=';
        if (*end == '"') {
            *cursor = end;
            return g_steal_pointer(&at);
        }
        if (*end)
            *end++ = 0;
        if (assigned) {
            *cursor = end;
            return at;
        }
    }
    end += strspn(end, " \t\r");
    if (*end == '=')
        end++;
    *cursor = end;
    return at;
}

/* Arguments after the keyword: quotes, escapes, `#` ends the line (argv_split of OpenSSH). */
static char **split_arguments(const char *text)
{
    GPtrArray *words = g_ptr_array_new();

    for (;;) {
        g_autoptr(GString) word = NULL;
        char quote = 0;

        text += strspn(text, " \t\r\f");
        if (!*text || *text == '#')
            break;
        word = g_string_new(NULL);
        for (; *text && (quote || !strchr(" \t\r\f", *text)); text++) {
            if (*text == '\\' && text[1] && strchr("'\"\\", text[1]))
                g_string_append_c(word, *++text);
            else if (*text == '\\' && !quote && text[1] == ' ')
                g_string_append_c(word, *++text);
            else if (!quote && (*text == '"' || *text == '\''))
                quote = *text;
            else if (quote && *text == quote)
                quote = 0;
            else
                g_string_append_c(word, *text);
        }
        g_ptr_array_add(words, g_string_free(g_steal_pointer(&word), FALSE));
    }
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(words, FALSE);
}

static const struct ssh_scope *new_scope(struct reading *reading, const struct ssh_scope *base,
                                         const char *condition, gboolean everyone)
{
    struct ssh_scope *scope = g_new0(struct ssh_scope, 1);

    scope->condition = base->condition ? g_strdup_printf("%s and %s", base->condition, condition)
                                       : g_strdup(condition);
    scope->everyone = base->everyone && everyone;
    g_ptr_array_add(reading->out->scopes, scope);
    return scope;
}

/* Whether a criterion of Match keeps nobody out. */
static gboolean covers_everyone(const char *attribute, const char *patterns)
{
    static const char *const open_attributes[] = { "user", "group", "host", "address",
                                                   "localaddress" };
    g_auto(GStrv) list = g_strsplit(patterns, ",", -1);
    gboolean known = FALSE;

    for (guint i = 0; i < G_N_ELEMENTS(open_attributes); i++)
        known |= g_ascii_strcasecmp(attribute, open_attributes[i]) == 0;
    if (!known)
        return FALSE;
    for (guint i = 0; list[i]; i++)
        if (list[i][0] == '!')
            return FALSE;
    return g_strv_contains((const char *const *)list, "*") ||
           (g_strv_contains((const char *const *)list, "0.0.0.0/0") &&
            g_strv_contains((const char *const *)list, "::/0"));
}

static void enter_match(struct in_file *file, const char *rest)
{
    g_autofree char *copy = g_strdup(rest), *condition = NULL;
    g_autoptr(GString) text = g_string_new("Match");
    gboolean everyone = TRUE, any = FALSE;
    char *cursor = copy, *attribute;

    while ((attribute = next_word(&cursor)) && *attribute != '#') {
        const char *value = NULL;

        any = TRUE;
        g_string_append_printf(text, " %s", attribute);
        if (g_ascii_strcasecmp(attribute, "all") == 0)
            continue;
        if (g_ascii_strcasecmp(attribute, "canonical") == 0 ||
            g_ascii_strcasecmp(attribute, "final") == 0) {
            everyone = FALSE;
            continue;
        }
        value = next_word(&cursor);
        if (!value)
            break;
        g_string_append_printf(text, " %s", value);
        everyone &= covers_everyone(attribute, value);
    }
    file->scope = new_scope(file->reading, file->base, text->str, any && everyone);
}

static void enter_host(struct in_file *file, char *const *patterns)
{
    g_autofree char *joined = g_strjoinv(" ", (char **)patterns);
    g_autofree char *condition = g_strconcat("Host ", joined, NULL);
    gboolean everyone = g_strv_contains((const char *const *)patterns, "*");

    for (; *patterns; patterns++)
        everyone &= (*patterns)[0] != '!';
    file->scope = new_scope(file->reading, file->base, condition, everyone);
}

static void read_file(struct reading *reading, const char *path, const struct ssh_scope *scope);

/* A folder that cannot be listed would look empty to the pattern: remembers it. */
static void note_denied(struct reading *reading, const char *pattern)
{
    gsize fixed = strcspn(pattern, "*?[");
    g_autofree char *start = g_strndup(pattern, fixed);
    g_autofree char *folder = g_path_get_dirname(start);
    enum host_state state;
    g_auto(GStrv) names = NULL;

    if (!pattern[fixed] || reading->out->denied)
        return;
    names = host_list(reading->host, folder, &state);
    if (state == HOST_DENIED)
        reading->out->denied = g_steal_pointer(&folder);
}

static void include(struct in_file *file, guint line, char *const *patterns)
{
    struct reading *reading = file->reading;

    if (reading->depth >= SSH_DEPTH_MAX) {
        if (!reading->out->problem)
            reading->out->problem = g_strdup_printf("%s:%u: Include nested deeper than %u files",
                                                    file->path, line, SSH_DEPTH_MAX);
        return;
    }
    for (; *patterns; patterns++) {
        g_autofree char *pattern =
            **patterns == '/' ? g_strdup(*patterns) : g_strconcat(SSH_FOLDER, *patterns, NULL);
        g_auto(GStrv) paths = host_glob(reading->host, pattern);

        note_denied(reading, pattern);
        reading->depth++;
        for (guint i = 0; paths[i]; i++)
            read_file(reading, paths[i], file->scope);
        reading->depth--;
    }
}

static void read_line(guint line, const char *text, gsize length, gpointer data)
{
    struct in_file *file = data;
    struct ssh_statements *out = file->reading->out;
    g_autofree char *copy = g_strndup(text, length);
    g_auto(GStrv) arguments = NULL;
    struct ssh_statement *statement;
    char *cursor = copy, *keyword;

    keyword = next_word(&cursor);
    if (!keyword || !*keyword || *keyword == '#')
        return;
    if (g_ascii_strcasecmp(keyword, "match") == 0) {
        enter_match(file, cursor);
        return;
    }
    arguments = split_arguments(cursor);
    if (!arguments[0])
        return;
    if (file->reading->role == SSH_CLIENT && g_ascii_strcasecmp(keyword, "host") == 0) {
        enter_host(file, arguments);
        return;
    }
    if (g_ascii_strcasecmp(keyword, "include") == 0) {
        include(file, line, arguments);
        return;
    }
    if (out->list->len >= SSH_STATEMENTS_MAX) {
        if (!out->problem)
            out->problem = g_strdup_printf("%s:%u: more than %u statements", file->path, line,
                                           SSH_STATEMENTS_MAX);
        return;
    }
    statement = g_new0(struct ssh_statement, 1);
    statement->keyword = g_ascii_strdown(keyword, -1);
    statement->arguments = g_steal_pointer(&arguments);
    statement->path = file->path;
    statement->line = line;
    statement->scope = file->scope;
    g_ptr_array_add(out->list, statement);
}

static void read_file(struct reading *reading, const char *path, const struct ssh_scope *scope)
{
    const struct host_file *content;
    struct in_file file = { .reading = reading, .base = scope, .scope = scope };

    if (reading->out->files->len >= SSH_FILES_MAX) {
        if (!reading->out->problem)
            reading->out->problem =
                g_strdup_printf("%s: more than %u files included", path, SSH_FILES_MAX);
        return;
    }
    content = host_read(reading->host, path);
    g_ptr_array_add(reading->out->files, (gpointer)content);
    file.path = content->path;
    host_each_line(content, read_line, &file);
}

struct ssh_statements *ssh_statements_read(struct host *host, const char *path, enum ssh_role role)
{
    struct ssh_statements *out = g_new0(struct ssh_statements, 1);
    struct reading reading = { .host = host, .out = out, .role = role };
    struct ssh_scope *all = g_new0(struct ssh_scope, 1);

    out->list = g_ptr_array_new_with_free_func((GDestroyNotify)statement_free);
    out->scopes = g_ptr_array_new_with_free_func((GDestroyNotify)scope_free);
    out->files = g_ptr_array_new();
    all->everyone = TRUE;
    g_ptr_array_add(out->scopes, all);
    read_file(&reading, path, all);
    return out;
}

void ssh_statements_prepend(struct ssh_statements *statements, guint position, const char *option,
                            const char *path, guint line)
{
    g_autofree char *copy = g_strdup(option);
    g_auto(GStrv) arguments = NULL;
    char *cursor = copy, *keyword = next_word(&cursor);
    struct ssh_statement *statement;

    if (!keyword || !(arguments = split_arguments(cursor))[0])
        return;
    statement = g_new0(struct ssh_statement, 1);
    statement->keyword = g_ascii_strdown(keyword, -1);
    statement->arguments = g_steal_pointer(&arguments);
    statement->path = path;
    statement->line = line;
    statement->scope = statements->scopes->pdata[0];
    g_ptr_array_insert(statements->list, position, statement);
}

void ssh_statements_gaps(const struct ssh_statements *statements, struct finding *finding)
{
    for (guint i = 0; i < statements->files->len; i++)
        host_gap(finding, statements->files->pdata[i]);
    if (statements->denied)
        finding_incomplete(finding, REASON_NEEDS_ROOT, "%s", statements->denied);
    if (statements->problem)
        finding_incomplete(finding, REASON_UNREADABLE, "%s", statements->problem);
}

char *ssh_statement_value(const struct ssh_statement *statement)
{
    return g_strjoinv(" ", statement->arguments);
}
