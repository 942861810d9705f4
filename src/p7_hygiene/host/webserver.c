/*
 * Judgement on nginx and Apache (NETS-10): their directives with includes followed.
 *
 * nginx: statements end in ';' or open a block with '{'; `include` takes a glob relative to
 * /etc/nginx. Apache: one directive a line, '\' continues, Include and IncludeOptional take globs
 * relative to /etc/apache2; <Sections> open and close like directives.
 */
#include "p7_hygiene/host/host.h"

#include "catalogue_judges.h"

#include <string.h>

#define INCLUDE_DEPTH 8
#define MAX_DIRECTIVES 20000

struct directive {
    char *name, *arguments;
    char *path;
    guint line;
};

static void directive_clear(gpointer data)
{
    struct directive *directive = data;

    g_free(directive->name);
    g_free(directive->arguments);
    g_free(directive->path);
}

static void add(GArray *directives, const char *path, guint line, char *const *words)
{
    struct directive directive = { .path = g_strdup(path), .line = line };

    directive.name = g_ascii_strdown(words[0], -1);
    directive.arguments = g_strjoinv(" ", (char **)words + 1);
    g_array_append_val(directives, directive);
    /* cppcheck-suppress memleak ; the array has taken it */
}

typedef void (*reader)(struct host *host, const struct host_file *file, GArray *directives,
                       guint depth);

static void follow(struct host *host, const char *base, const char *pattern, reader read,
                   GArray *directives, guint depth)
{
    g_autofree char *absolute =
        *pattern == '/' ? g_strdup(pattern) : g_build_filename(base, pattern, NULL);
    g_auto(GStrv) paths = depth < INCLUDE_DEPTH ? host_glob(host, absolute) : NULL;

    for (char **path = paths; path && *path; path++) {
        const struct host_file *file = host_read(host, *path);

        if (file->state == HOST_OK)
            read(host, file, directives, depth + 1);
    }
}

static void read_nginx(struct host *host, const struct host_file *file, GArray *directives,
                       guint depth)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    guint line = 1, begun = 1;

    for (const char *at = file->text; *at && directives->len < MAX_DIRECTIVES;) {
        gsize length;

        if (*at == '\n' || g_ascii_isspace(*at)) {
            line += *at++ == '\n';
        } else if (*at == '#') {
            at += strcspn(at, "\n");
        } else if (strchr(";{}", *at)) {
            if (words->len) {
                g_ptr_array_add(words, NULL);
                if (g_str_equal(words->pdata[0], "include") && words->pdata[1])
                    follow(host, "/etc/nginx", words->pdata[1], read_nginx, directives, depth);
                else
                    add(directives, file->path, begun, (char **)words->pdata);
            }
            g_ptr_array_set_size(words, 0);
            at++;
        } else {
            gboolean quoted = *at == '"' || *at == '\'';

            if (!words->len)
                begun = line;
            length = quoted ? strcspn(at + 1, *at == '"' ? "\"" : "'") : strcspn(at, " \t\r\n;{}");
            g_ptr_array_add(words, g_strndup(at + quoted, length));
            at += length + quoted;
            at += quoted && *at ? 1 : 0;
        }
    }
}

static void read_apache(struct host *host, const struct host_file *file, GArray *directives,
                        guint depth)
{
    g_auto(GStrv) lines = g_strsplit(file->text, "\n", -1);

    for (guint i = 0; lines[i] && directives->len < MAX_DIRECTIVES; i++) {
        g_autoptr(GString) joined = g_string_new(g_strstrip(lines[i]));
        g_auto(GStrv) words = NULL;
        guint begun = i + 1;

        while (joined->len && joined->str[joined->len - 1] == '\\' && lines[i + 1]) {
            g_string_truncate(joined, joined->len - 1);
            g_string_append(joined, g_strstrip(lines[++i]));
        }
        if (!joined->len || *joined->str == '#')
            continue;
        words = g_regex_split_simple("[ \t]+", joined->str, G_REGEX_RAW, 0);
        if (g_ascii_strncasecmp(words[0], "include", strlen("include")) == 0 && words[1])
            follow(host, "/etc/apache2", words[1], read_apache, directives, depth);
        else
            add(directives, file->path, begun, words);
    }
}

/* Whether the arguments hold the word, in any case. */
static gboolean has_word(const char *arguments, const char *word)
{
    g_auto(GStrv) words = g_strsplit_set(arguments, " \t", -1);

    for (char **at = words; *at; at++)
        if (g_ascii_strcasecmp(*at, word) == 0)
            return TRUE;
    return FALSE;
}

static gboolean allows_old_tls(const char *arguments, gboolean apache)
{
    static const char *const old[] = { "SSLv2", "SSLv3", "TLSv1", "TLSv1.0", "TLSv1.1" };

    for (guint i = 0; i < G_N_ELEMENTS(old); i++) {
        g_autofree char *plus = g_strconcat("+", old[i], NULL);
        g_autofree char *minus = g_strconcat("-", old[i], NULL);

        if (has_word(arguments, old[i]) || has_word(arguments, plus))
            return TRUE;
        /* "all" brings in what is not taken away again. */
        if (apache && has_word(arguments, "all") && i >= 2 && i != 3 && !has_word(arguments, minus))
            return TRUE;
    }
    return FALSE;
}

struct rule {
    const char *name, *wanted;
    gboolean (*is_bad)(const char *arguments);
    const char *bad_when_unset; /* what the server does by itself; NULL: nothing bad */
};

static gboolean is_on(const char *arguments)
{
    return !has_word(arguments, "off") && !has_word(arguments, "build");
}

static gboolean is_root_user(const char *arguments)
{
    return has_word(arguments, "root");
}

static gboolean nginx_old_tls(const char *arguments)
{
    return allows_old_tls(arguments, FALSE);
}

static gboolean apache_old_tls(const char *arguments)
{
    return allows_old_tls(arguments, TRUE);
}

static gboolean is_autoindex(const char *arguments)
{
    return has_word(arguments, "on");
}

static gboolean is_talkative(const char *arguments)
{
    return !has_word(arguments, "Prod") && !has_word(arguments, "ProductOnly");
}

static gboolean has_indexes(const char *arguments)
{
    return has_word(arguments, "Indexes") || has_word(arguments, "+Indexes");
}

static gboolean traces(const char *arguments)
{
    return !has_word(arguments, "off");
}

static const struct rule nginx_rules[] = {
    { "server_tokens", "off", is_on, "on (default)" },
    { "ssl_protocols", "TLSv1.2 TLSv1.3", nginx_old_tls, NULL },
    { "autoindex", "off", is_autoindex, NULL },
    { "user", "an account that is not root", is_root_user, NULL },
};

static const struct rule apache_rules[] = {
    { "servertokens", "Prod", is_talkative, "Full (default)" },
    { "sslprotocol", "-all +TLSv1.2 +TLSv1.3", apache_old_tls, NULL },
    { "options", "no Indexes", has_indexes, NULL },
    { "user", "an account that is not root", is_root_user, NULL },
    { "traceenable", "off", traces, "on (default)" },
};

static void judge(struct finding *finding, const GArray *directives, const char *path,
                  const struct rule *rules, guint count)
{
    for (guint r = 0; r < count; r++) {
        gboolean seen = FALSE;

        for (guint i = 0; i < directives->len; i++) {
            const struct directive *directive = &g_array_index(directives, struct directive, i);

            if (!g_str_equal(directive->name, rules[r].name))
                continue;
            seen = TRUE;
            finding_check(finding, !rules[r].is_bad(directive->arguments), directive->path,
                          directive->line, rules[r].name, directive->arguments, rules[r].wanted);
        }
        if (!seen && rules[r].bad_when_unset)
            finding_fail(finding, path, 0, rules[r].name, rules[r].bad_when_unset, rules[r].wanted);
    }
}

void judge_host_service_web(const struct asset_view *view, struct finding *finding)
{
    static const struct {
        const char *path;
        reader read;
        const struct rule *rules;
        guint count;
    } servers[] = {
        { "/etc/nginx/nginx.conf", read_nginx, nginx_rules, G_N_ELEMENTS(nginx_rules) },
        { "/etc/apache2/apache2.conf", read_apache, apache_rules, G_N_ELEMENTS(apache_rules) },
    };

    for (guint i = 0; i < G_N_ELEMENTS(servers); i++) {
        const struct host_file *file = host_read(view->host, servers[i].path);
        g_autoptr(GArray) directives = g_array_new(FALSE, TRUE, sizeof(struct directive));

        g_array_set_clear_func(directives, directive_clear);
        if (file->state != HOST_OK) {
            host_gap(finding, file);
            continue;
        }
        servers[i].read(view->host, file, directives, 0);
        judge(finding, directives, file->path, servers[i].rules, servers[i].count);
    }
    finding_not_applicable(finding, REASON_NOT_INSTALLED, "nginx, apache2");
}
