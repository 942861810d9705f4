#include "p7_hygiene/host/rsyslog.h"

#include <string.h>

#define INCLUDE_DEPTH_MAX 8
#define STATEMENTS_MAX 20000

static void statement_free(gpointer data)
{
    struct rsyslog_statement *statement = data;

    g_free(statement->name);
    g_free(statement->value);
    g_free(statement->path);
    g_clear_pointer(&statement->parameters, g_hash_table_unref);
    g_free(statement);
}

struct rsyslog *rsyslog_new(void)
{
    struct rsyslog *rsyslog = g_new0(struct rsyslog, 1);

    rsyslog->statements = g_ptr_array_new_with_free_func(statement_free);
    return rsyslog;
}

void rsyslog_free(struct rsyslog *rsyslog)
{
    g_ptr_array_unref(rsyslog->statements);
    g_free(rsyslog->unread);
    g_free(rsyslog);
}

const struct rsyslog_statement *rsyslog_directive(const struct rsyslog *rsyslog, const char *name)
{
    for (guint i = rsyslog->statements->len; i-- > 0;) {
        const struct rsyslog_statement *statement = rsyslog->statements->pdata[i];

        if (statement->kind == RSYSLOG_DIRECTIVE && g_ascii_strcasecmp(statement->name, name) == 0)
            return statement;
    }
    return NULL;
}

const char *rsyslog_parameter(const struct rsyslog_statement *object, const char *name)
{
    return object->parameters ? g_hash_table_lookup(object->parameters, name) : NULL;
}

/* --- reading --------------------------------------------------------------------------------- */

struct reader {
    struct rsyslog *rsyslog;
    struct host *host; /* NULL: includes are not followed */
    const char *path, *at, *end;
    guint line, depth;
};

static void read_text(struct reader *reader);

static gboolean more(const struct reader *reader)
{
    return reader->at < reader->end;
}

static void take(struct reader *reader)
{
    if (*reader->at == '\n')
        reader->line++;
    reader->at++;
}

static struct rsyslog_statement *add(struct reader *reader, enum rsyslog_kind kind, char *name,
                                     char *value)
{
    struct rsyslog_statement *statement = g_new0(struct rsyslog_statement, 1);

    statement->kind = kind;
    statement->name = name;
    statement->value = value;
    statement->path = g_strdup(reader->path);
    statement->line = reader->line;
    g_ptr_array_add(reader->rsyslog->statements, statement);
    return statement;
}

static void include(struct reader *reader, const char *pattern)
{
    g_autofree char *plain = g_strdup(pattern);
    g_auto(GStrv) paths = NULL;

    if (!reader->host || reader->depth >= INCLUDE_DEPTH_MAX)
        return;
    if (g_str_has_suffix(plain, "/")) {
        g_free(plain);
        plain = g_strconcat(pattern, "*", NULL);
    }
    paths = host_glob(reader->host, plain);
    for (char **path = paths; *path; path++) {
        const struct host_file *file = host_read(reader->host, *path);
        struct reader inner = { reader->rsyslog,  reader->host, *path, NULL, NULL, 1,
                                reader->depth + 1 };

        if (file->state != HOST_OK) {
            if (!reader->rsyslog->unread && file->state != HOST_ABSENT) {
                reader->rsyslog->unread = g_strdup(*path);
                reader->rsyslog->state = file->state;
            }
            continue;
        }
        inner.at = file->text;
        inner.end = file->text + file->length;
        read_text(&inner);
    }
}

/* "$Name value", to the end of the line. */
static void read_directive(struct reader *reader)
{
    const char *stop = memchr(reader->at, '\n', reader->end - reader->at), *name = reader->at + 1;
    gsize length;
    char *value;

    if (!stop)
        stop = reader->end;
    for (length = 0; name + length < stop && !g_ascii_isspace(name[length]);)
        length++;
    value = g_strstrip(g_strndup(name + length, stop - name - length));
    value[strcspn(value, "#")] = 0;
    g_strchomp(value);
    reader->at = stop;
    if (length == strlen("IncludeConfig") &&
        g_ascii_strncasecmp(name, "IncludeConfig", length) == 0)
        include(reader, value);
    add(reader, RSYSLOG_DIRECTIVE, g_strndup(name, length), value);
}

/* A text in quotes, with backslashes; or a bare word. */
static char *read_value(struct reader *reader)
{
    GString *value = g_string_new(NULL);
    char quote = *reader->at == '"' || *reader->at == '\'' ? *reader->at : 0;

    if (quote)
        take(reader);
    while (more(reader) &&
           (quote ? *reader->at != quote : !g_ascii_isspace(*reader->at) && *reader->at != ')')) {
        if (quote && *reader->at == '\\' && reader->at + 1 < reader->end)
            take(reader);
        g_string_append_c(value, *reader->at);
        take(reader);
    }
    if (quote && more(reader))
        take(reader);
    return g_string_free(value, FALSE);
}

static void skip_blank(struct reader *reader)
{
    while (more(reader)) {
        if (*reader->at == '#')
            while (more(reader) && *reader->at != '\n')
                take(reader);
        else if (g_ascii_isspace(*reader->at) || *reader->at == ',')
            take(reader);
        else
            return;
    }
}

/* name( key="value" ... ): `reader` stands behind the parenthesis. */
static void read_object(struct reader *reader, const char *name, gsize length)
{
    struct rsyslog_statement *object =
        add(reader, RSYSLOG_OBJECT, g_ascii_strdown(name, length), NULL);
    const char *file;

    object->parameters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (skip_blank(reader); more(reader) && *reader->at != ')'; skip_blank(reader)) {
        const char *key = reader->at;
        g_autofree char *lower = NULL;

        while (more(reader) && (g_ascii_isalnum(*reader->at) || strchr("._-", *reader->at)) &&
               *reader->at)
            take(reader);
        lower = g_ascii_strdown(key, reader->at - key);
        skip_blank(reader);
        if (!more(reader) || *reader->at != '=' || !*lower) {
            if (more(reader) && *reader->at != ')')
                take(reader);
            continue;
        }
        take(reader);
        skip_blank(reader);
        if (more(reader))
            g_hash_table_replace(object->parameters, g_steal_pointer(&lower), read_value(reader));
    }
    if (more(reader))
        take(reader);
    file = g_str_equal(object->name, "include") ? rsyslog_parameter(object, "file") : NULL;
    if (file)
        include(reader, file);
}

static gboolean is_word(char sign)
{
    return g_ascii_isalnum(sign) || sign == '_';
}

/* An object's name and its parenthesis start here: reads it. */
static gboolean try_object(struct reader *reader)
{
    static const char *const names[] = { "action",  "module",     "input",  "global",  "include",
                                         "ruleset", "main_queue", "parser", "template" };
    const char *open = reader->at;
    gsize length;

    while (open < reader->end && is_word(*open))
        open++;
    length = open - reader->at;
    while (open < reader->end && (*open == ' ' || *open == '\t'))
        open++;
    if (open == reader->end || *open != '(')
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        if (strlen(names[i]) == length && g_ascii_strncasecmp(reader->at, names[i], length) == 0) {
            const char *name = reader->at;

            reader->at = open + 1;
            read_object(reader, name, length);
            return TRUE;
        }
    return FALSE;
}

/* " @host", " @@(o)host:514", " :omrelp:host:20514" as the action of a rule. */
static gboolean try_forward(struct reader *reader)
{
    static const char relp[] = ":omrelp:";
    const char *at = reader->at, *start;
    g_autofree char *target = NULL;

    if ((gsize)(reader->end - at) > strlen(relp) && memcmp(at, relp, strlen(relp)) == 0)
        at += strlen(relp);
    else
        while (at < reader->end && *at == '@' && at < reader->at + 2)
            at++;
    if (at == reader->at)
        return FALSE;
    start = at;
    while (at < reader->end && !g_ascii_isspace(*at) && *at != ';')
        at++;
    target = g_strndup(start, at - start);
    if (*target == '(') { /* options of the transport, as "(z9)" */
        char *close = strchr(target, ')');

        memmove(target, close ? close + 1 : target, strlen(close ? close + 1 : target) + 1);
    }
    if (!*target)
        return FALSE;
    add(reader, RSYSLOG_FORWARD, g_strndup(reader->at, start - reader->at),
        g_steal_pointer(&target));
    reader->at = at;
    return TRUE;
}

static void skip_comment(struct reader *reader)
{
    const char *end = memmem(reader->at, reader->end - reader->at, "*/", 2);

    while (more(reader) && reader->at < (end ? end + 2 : reader->end))
        take(reader);
}

static void read_text(struct reader *reader)
{
    gboolean line_start = TRUE, word_start = TRUE;

    while (more(reader) && reader->rsyslog->statements->len < STATEMENTS_MAX) {
        char sign = *reader->at;

        if (sign == '#' && word_start) {
            while (more(reader) && *reader->at != '\n')
                reader->at++;
            continue;
        }
        if (sign == '/' && reader->at + 1 < reader->end && reader->at[1] == '*' && word_start) {
            skip_comment(reader);
            continue;
        }
        if (line_start && sign == '$' && reader->at + 1 < reader->end &&
            g_ascii_isalpha(reader->at[1])) {
            read_directive(reader);
            continue;
        }
        if (word_start && is_word(sign) && try_object(reader)) {
            line_start = FALSE;
            continue;
        }
        if (word_start && !line_start && (sign == '@' || sign == ':') && try_forward(reader))
            continue;
        if (!g_ascii_isspace(sign))
            line_start = FALSE;
        word_start = !is_word(sign) && sign != '@' && sign != '"' && sign != '/';
        if (sign == '\n')
            line_start = word_start = TRUE;
        take(reader);
    }
}

void rsyslog_add(struct rsyslog *rsyslog, const char *path, const char *text, gsize length)
{
    struct reader reader = { rsyslog, NULL, path, text, text + length, 1, 0 };

    read_text(&reader);
}

static gpointer load(struct host *host)
{
    struct rsyslog *rsyslog = rsyslog_new();
    struct reader reader = { rsyslog, host, "", NULL, NULL, 1, 0 };

    rsyslog->present = host_stat(host, "/etc/rsyslog.conf")->state != HOST_ABSENT;
    include(&reader, "/etc/rsyslog.conf");
    return rsyslog;
}

const struct rsyslog *rsyslog_get(struct host *host)
{
    static const struct fact_kind kind = { "rsyslog", load, (GDestroyNotify)rsyslog_free };

    return host_fact(host, &kind);
}
