#include "p7_hygiene/host/cron.h"

#include <string.h>

enum { TIME_FIELDS = 5 };

static const char *const part_folders[] = {
    "/etc/cron.hourly",
    "/etc/cron.daily",
    "/etc/cron.weekly",
    "/etc/cron.monthly",
};

void cron_job_free(struct cron_job *job)
{
    g_free(job->user);
    g_free(job->command);
    g_free(job->search);
    g_free(job);
}

struct table {
    const struct host_file *file;
    const char *user;
    GPtrArray *jobs;
    char *search;
};

/* The next blank-separated field, cut out; NULL at the end. */
static char *take_field(const char **cursor)
{
    const char *at = *cursor + strspn(*cursor, " \t"), *end = at + strcspn(at, " \t");

    *cursor = end;
    return end == at ? NULL : g_strndup(at, end - at);
}

/* NAME = value; FALSE when the line is a job. */
static gboolean read_assignment(struct table *table, const char *text)
{
    const char *equal = strchr(text, '=');
    g_autofree char *name = NULL, *value = NULL;
    gsize length;

    if (!equal)
        return FALSE;
    name = g_strstrip(g_strndup(text, equal - text));
    length = strlen(name);
    if (length >= 2 && (*name == '"' || *name == '\'') && name[length - 1] == *name) {
        memmove(name, name + 1, length - 1);
        name[length - 2] = 0;
    }
    for (const char *at = name; *at; at++)
        if (!g_ascii_isalnum(*at) && *at != '_')
            return FALSE;
    if (!*name || g_ascii_isdigit(*name))
        return FALSE;
    value = g_strstrip(g_strdup(equal + 1));
    length = strlen(value);
    if (length >= 2 && (*value == '"' || *value == '\'') && value[length - 1] == *value) {
        memmove(value, value + 1, length - 1);
        value[length - 2] = 0;
    }
    if (g_str_equal(name, "PATH")) {
        g_free(table->search);
        table->search = g_steal_pointer(&value);
    }
    return TRUE;
}

static void read_line(guint line, const char *text, gsize length, gpointer data)
{
    struct table *table = data;
    g_autofree char *copy = g_strndup(text, length), *user = NULL, *command = NULL;
    const char *at = g_strstrip(copy);
    struct cron_job *job;
    char *percent;

    if (!*at || *at == '#' || table->jobs->len >= CRON_JOBS_MAX || read_assignment(table, at))
        return;
    /* "@daily" stands for the five fields of time. */
    for (guint i = 0; i < (*copy == '@' ? 1 : TIME_FIELDS); i++) {
        g_autofree char *field = take_field(&at);

        if (!field)
            return;
    }
    user = table->user ? g_strdup(table->user) : take_field(&at);
    if (!user)
        return;
    command = g_strstrip(g_strdup(at));
    if (!*command)
        return;
    /* What follows a bare % is input, not command. */
    for (percent = command; (percent = strchr(percent, '%')); percent++)
        if (percent == command || percent[-1] != '\\') {
            *percent = 0;
            break;
        }
    job = g_new0(struct cron_job, 1);
    job->path = table->file->path;
    job->line = line;
    job->user = g_steal_pointer(&user);
    job->command = g_steal_pointer(&command);
    job->search = g_strdup(table->search);
    g_ptr_array_add(table->jobs, job);
}

void cron_read_table(const struct host_file *file, const char *user, GPtrArray *jobs)
{
    struct table table = {
        .file = file,
        .user = user,
        .jobs = jobs,
        .search = g_strdup(CRON_PATH_DEFAULT),
    };

    host_each_line(file, read_line, &table);
    g_free(table.search);
}

/* Names that run-parts and cron.d take: letters, digits, underscores, hyphens. */
static gboolean is_part_name(const char *name)
{
    for (; *name; name++)
        if (!g_ascii_isalnum(*name) && *name != '_' && *name != '-')
            return FALSE;
    return TRUE;
}

/* host_list(), keeping the folder in mind when only root may list it. */
static char **list_folder(struct host *host, struct cron *cron, const char *path)
{
    enum host_state state;
    char **names = host_list(host, path, &state);

    if (state == HOST_DENIED)
        cron->denied = path;
    return names;
}

static void read_table(struct host *host, struct cron *cron, const char *path, const char *user)
{
    const struct host_file *file = host_read(host, path);

    g_ptr_array_add(cron->files, (gpointer)file);
    cron_read_table(file, user, cron->jobs);
}

static gpointer cron_load(struct host *host)
{
    struct cron *cron = g_new0(struct cron, 1);
    g_auto(GStrv) names = list_folder(host, cron, "/etc/cron.d");

    cron->jobs = g_ptr_array_new_with_free_func((GDestroyNotify)cron_job_free);
    cron->files = g_ptr_array_new();
    read_table(host, cron, "/etc/crontab", NULL);
    for (guint i = 0; names && names[i]; i++) {
        g_autofree char *path = g_build_filename("/etc/cron.d", names[i], NULL);

        if (is_part_name(names[i]))
            read_table(host, cron, path, NULL);
    }
    read_table(host, cron, "/var/spool/cron/crontabs/root", "root");
    for (guint i = 0; i < G_N_ELEMENTS(part_folders); i++) {
        g_auto(GStrv) scripts = list_folder(host, cron, part_folders[i]);

        for (guint k = 0; scripts && scripts[k] && cron->jobs->len < CRON_JOBS_MAX; k++) {
            g_autofree char *path = g_build_filename(part_folders[i], scripts[k], NULL);
            struct cron_job *job;

            if (!is_part_name(scripts[k]))
                continue;
            job = g_new0(struct cron_job, 1);
            job->path = host_stat(host, path)->path;
            job->user = g_strdup("root");
            job->command = g_steal_pointer(&path);
            job->search = g_strdup(CRON_PATH_DEFAULT);
            g_ptr_array_add(cron->jobs, job);
        }
    }
    return cron;
}

static void cron_unload(gpointer fact)
{
    struct cron *cron = fact;

    g_ptr_array_unref(cron->jobs);
    g_ptr_array_unref(cron->files);
    g_free(cron);
}

static const struct fact_kind cron_kind = { "cron", cron_load, cron_unload };

const struct cron *cron_of(struct host *host)
{
    return host_fact(host, &cron_kind);
}

static gboolean is_assignment(const char *word)
{
    const char *at = word;

    while (g_ascii_isalnum(*at) || *at == '_')
        at++;
    return at > word && *at == '=' && !g_ascii_isdigit(*word);
}

/* Words that only lead to the command behind them, with their options ("nice -n 10"). */
static gboolean is_leader(const char *word)
{
    static const char *const leaders[] = { "if",     "then", "else", "elif", "while",
                                           "until",  "do",   "!",    "{",    "}",
                                           "fi",     "done", "time", "exec", "nohup",
                                           "ionice", "nice", "env",  NULL };

    return *word == '-' || strspn(word, "0123456789") == strlen(word) || is_assignment(word) ||
           g_strv_contains(leaders, word);
}

struct splitting {
    GPtrArray *commands, *words;
    GString *word;
    gboolean in_word, redirected; /* the next word is the target of a redirection */
};

static void end_word(struct splitting *splitting)
{
    if (!splitting->in_word)
        return;
    if (splitting->redirected)
        splitting->redirected = FALSE;
    else if (splitting->words->len > 0 || !is_leader(splitting->word->str))
        g_ptr_array_add(splitting->words, g_strdup(splitting->word->str));
    g_string_truncate(splitting->word, 0);
    splitting->in_word = FALSE;
}

static void end_command(struct splitting *splitting)
{
    end_word(splitting);
    splitting->redirected = FALSE;
    if (splitting->words->len == 0)
        return;
    g_ptr_array_add(splitting->commands, splitting->words);
    splitting->words = g_ptr_array_new_with_free_func(g_free);
}

GPtrArray *cron_commands(const char *text)
{
    struct splitting splitting = {
        .commands = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref),
        .words = g_ptr_array_new_with_free_func(g_free),
        .word = g_string_new(NULL),
    };
    char quote = 0;

    for (; *text; text++) {
        if (quote) {
            if (*text == quote)
                quote = 0;
            else if (*text == '\\' && quote == '"' && text[1])
                g_string_append_c(splitting.word, *++text);
            else
                g_string_append_c(splitting.word, *text);
        } else if (*text == '\'' || *text == '"') {
            quote = *text;
            splitting.in_word = TRUE;
        } else if (*text == '\\' && text[1]) {
            g_string_append_c(splitting.word, *++text);
            splitting.in_word = TRUE;
        } else if (strchr(" \t", *text)) {
            end_word(&splitting);
        } else if (*text == '#' && !splitting.in_word) {
            while (text[1] && text[1] != '\n')
                text++;
        } else if (*text == '<' || *text == '>') {
            /* "2>" : the number belongs to the redirection. */
            if (splitting.in_word &&
                strspn(splitting.word->str, "0123456789") == splitting.word->len) {
                g_string_truncate(splitting.word, 0);
                splitting.in_word = FALSE;
            }
            end_word(&splitting);
            while (text[1] == '>' || text[1] == '<' || text[1] == '&')
                text++;
            splitting.redirected = TRUE;
        } else if (strchr(";|&()\n`", *text) || (*text == '$' && text[1] == '(')) {
            end_command(&splitting);
        } else {
            g_string_append_c(splitting.word, *text == '*' || *text == '?' ? CRON_WILDCARD : *text);
            splitting.in_word = TRUE;
        }
    }
    end_command(&splitting);
    g_string_free(splitting.word, TRUE);
    g_ptr_array_unref(splitting.words);
    return splitting.commands;
}
