#include "p7_hygiene/host/audit.h"

#include <stdlib.h>
#include <string.h>

#define LOCKED 2

static void rule_free(gpointer data)
{
    struct audit_rule *rule = data;

    g_free(rule->watch);
    g_strfreev(rule->syscalls);
    g_free(rule);
}

struct audit_rules *audit_rules_new(void)
{
    struct audit_rules *rules = g_new0(struct audit_rules, 1);

    rules->rules = g_ptr_array_new_with_free_func(rule_free);
    rules->enabled = -1;
    return rules;
}

void audit_rules_free(struct audit_rules *rules)
{
    g_ptr_array_unref(rules->rules);
    g_free(rules);
}

struct line_reader {
    struct audit_rules *rules;
    const struct host_file *file;
};

static void read_filter(struct audit_rule *rule, const char *filter)
{
    static const char *const paths[] = { "path=", "dir=" };

    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++)
        if (g_str_has_prefix(filter, paths[i])) {
            g_free(rule->watch);
            rule->watch = g_strdup(filter + strlen(paths[i]));
        }
    if (g_str_has_prefix(filter, "perm="))
        rule->writes = strpbrk(filter + strlen("perm="), "wa") != NULL;
}

/* The words of a rule; FALSE when the line is a control option. */
static gboolean read_rule(struct audit_rule *rule, char **words, guint count)
{
    g_autoptr(GPtrArray) syscalls = g_ptr_array_new();
    gboolean is_rule = FALSE;

    rule->writes = TRUE;
    for (guint i = 0; i + 1 < count; i++) {
        const char *value = words[i + 1];

        if (g_str_equal(words[i], "-w")) {
            g_free(rule->watch);
            rule->watch = g_strdup(value);
            is_rule = TRUE;
        } else if (g_str_equal(words[i], "-p")) {
            rule->writes = strpbrk(value, "wa") != NULL;
        } else if (g_str_equal(words[i], "-F")) {
            read_filter(rule, value);
        } else if (g_str_equal(words[i], "-a") || g_str_equal(words[i], "-A")) {
            is_rule = !strstr(value, "never");
            if (!is_rule)
                break;
        } else if (g_str_equal(words[i], "-S")) {
            g_auto(GStrv) names = g_strsplit(value, ",", -1);

            for (char **name = names; *name; name++)
                g_ptr_array_add(syscalls, g_strdup(*name));
        }
    }
    g_ptr_array_add(syscalls, NULL);
    rule->syscalls = g_strdupv((char **)syscalls->pdata);
    for (guint i = 0; i + 1 < syscalls->len; i++)
        g_free(syscalls->pdata[i]);
    return is_rule;
}

static void read_line(guint number, const char *text, gsize length, gpointer data)
{
    struct line_reader *reader = data;
    struct audit_rules *rules = reader->rules;
    g_autofree char *line = g_strstrip(g_strndup(text, length));
    g_auto(GStrv) raw = NULL;
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    struct audit_rule *rule;

    if (!*line || *line == '#')
        return;
    raw = g_strsplit_set(line, " \t", -1);
    for (char **word = raw; *word; word++)
        if (**word)
            g_ptr_array_add(words, *word);
    if (g_str_equal(words->pdata[0], "-D")) {
        g_ptr_array_set_size(rules->rules, 0);
        return;
    }
    if (g_str_equal(words->pdata[0], "-e") && words->len > 1) {
        rules->enabled = atoi(words->pdata[1]);
        rules->rules_after_lock = FALSE;
        rules->lock_path = reader->file->path;
        rules->lock_line = number;
        return;
    }
    rule = g_new0(struct audit_rule, 1);
    rule->path = reader->file->path;
    rule->line = number;
    if (!read_rule(rule, (char **)words->pdata, words->len)) {
        rule_free(rule);
        return;
    }
    rules->rules_after_lock |= rules->enabled == LOCKED;
    g_ptr_array_add(rules->rules, rule);
}

void audit_rules_add(struct audit_rules *rules, const struct host_file *file)
{
    struct line_reader reader = { rules, file };

    if (file->state == HOST_ABSENT)
        return;
    rules->present = TRUE;
    if (file->state != HOST_OK) {
        rules->state = file->state;
        rules->unread = file->path;
        return;
    }
    host_each_line(file, read_line, &reader);
}

static gpointer load(struct host *host)
{
    struct audit_rules *rules = audit_rules_new();
    enum host_state state;
    g_auto(GStrv) names = host_list(host, "/etc/audit/rules.d", &state);

    if (state == HOST_DENIED) {
        rules->present = TRUE;
        rules->state = state;
        rules->unread = "/etc/audit/rules.d";
    }
    for (char **name = names; name && *name; name++) {
        g_autofree char *path = g_strconcat("/etc/audit/rules.d/", *name, NULL);

        if (g_str_has_suffix(*name, ".rules"))
            audit_rules_add(rules, host_read(host, path));
    }
    if (!rules->present)
        audit_rules_add(rules, host_read(host, "/etc/audit/audit.rules"));
    return rules;
}

const struct audit_rules *audit_rules_get(struct host *host)
{
    static const struct fact_kind kind = { "audit rules", load, (GDestroyNotify)audit_rules_free };

    return host_fact(host, &kind);
}

const struct audit_rule *audit_watches(const struct audit_rules *rules, const char *path)
{
    for (guint i = 0; i < rules->rules->len; i++) {
        const struct audit_rule *rule = rules->rules->pdata[i];
        gsize length = rule->watch ? strlen(rule->watch) : 0;

        while (length > 1 && rule->watch[length - 1] == '/')
            length--;
        if (length && rule->writes && strncmp(path, rule->watch, length) == 0 &&
            (!path[length] || path[length] == '/'))
            return rule;
    }
    return NULL;
}

const struct audit_rule *audit_traces(const struct audit_rules *rules, const char *syscall)
{
    for (guint i = 0; i < rules->rules->len; i++) {
        const struct audit_rule *rule = rules->rules->pdata[i];

        if (g_strv_contains((const char *const *)rule->syscalls, syscall) ||
            g_strv_contains((const char *const *)rule->syscalls, "all"))
            return rule;
    }
    return NULL;
}
