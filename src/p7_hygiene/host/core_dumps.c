/*
 * Judge of core dumps: the hard limit of limits.conf(5) and limits.d (read in this order, sorted;
 * the last line of a domain wins), or systemd-coredump told to keep nothing (coredump.conf(5)).
 */
#include "catalogue_judges.h"
#include "p7_hygiene/host/host.h"

#include <string.h>
#include <strings.h>

struct limit {
    char *path, *value;
    guint line;
};

struct limits {
    const char *path;
    GHashTable *domains; /* domain -> struct limit on hard core */
};

static void limit_free(struct limit *limit)
{
    g_free(limit->path);
    g_free(limit->value);
    g_free(limit);
}

static void read_limit(guint number, const char *text, gsize length, gpointer data)
{
    struct limits *limits = data;
    gsize end = length;
    g_autofree char *copy = NULL;
    g_auto(GStrv) words = NULL;
    const char *word[4] = { NULL };
    gsize count = 0;
    struct limit *limit;

    for (gsize i = 0; i < length; i++)
        if (text[i] == '#') {
            end = i;
            break;
        }
    copy = g_strndup(text, end);
    words = g_strsplit_set(copy, " \t\r", -1);
    for (char **each = words; *each && count < G_N_ELEMENTS(word); each++)
        if (**each)
            word[count++] = *each;
    if (count != G_N_ELEMENTS(word) || strcasecmp(word[2], "core") != 0 ||
        (!g_str_equal(word[1], "hard") && !g_str_equal(word[1], "-")))
        return;
    limit = g_new0(struct limit, 1);
    limit->path = g_strdup(limits->path);
    limit->value = g_strdup(word[3]);
    limit->line = number;
    g_hash_table_replace(limits->domains, g_strdup(word[0]), limit);
}

static void read_limits(struct host *host, struct finding *finding, struct limits *limits)
{
    g_auto(GStrv) more = host_glob(host, "/etc/security/limits.d/*.conf");

    limits->path = "/etc/security/limits.conf";
    if (!host_gap(finding, host_read(host, limits->path)))
        host_each_line(host_read(host, limits->path), read_limit, limits);
    for (char **path = more; *path; path++) {
        limits->path = *path;
        if (!host_gap(finding, host_read(host, *path)))
            host_each_line(host_read(host, *path), read_limit, limits);
    }
}

struct coredump {
    char *path;
    guint line; /* of Storage= */
    char *storage, *size;
    const char *reading;
};

static void read_option(guint number, const char *text, gsize length, gpointer data)
{
    struct coredump *coredump = data;
    g_autofree char *copy = g_strndup(text, length);
    char *value = strchr(copy, '=');

    if (!value)
        return;
    *value++ = 0;
    if (g_str_equal(g_strstrip(copy), "Storage")) {
        g_free(coredump->storage);
        g_free(coredump->path);
        coredump->storage = g_strdup(g_strstrip(value));
        coredump->path = g_strdup(coredump->reading);
        coredump->line = number;
    } else if (g_str_equal(copy, "ProcessSizeMax")) {
        g_free(coredump->size);
        coredump->size = g_strdup(g_strstrip(value));
    }
}

static void read_coredump(struct host *host, struct coredump *coredump)
{
    static const char *const sources[] = {
        "/etc/systemd/coredump.conf",
        "/usr/lib/systemd/coredump.conf.d/*.conf",
        "/run/systemd/coredump.conf.d/*.conf",
        "/etc/systemd/coredump.conf.d/*.conf",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(sources); i++) {
        g_auto(GStrv) paths = host_glob(host, sources[i]);

        for (char **path = paths; *path; path++) {
            coredump->reading = *path;
            host_each_line(host_read(host, *path), read_option, coredump);
        }
    }
}

/* A handler that is no systemd-coredump is not told by coredump.conf. */
static gboolean is_other_handler(const char *pattern)
{
    return pattern && *pattern && !strstr(pattern, "systemd-coredump");
}

static gboolean judge_limits(struct finding *finding, GHashTable *domains)
{
    const struct limit *all = g_hash_table_lookup(domains, "*");
    GHashTableIter iter;
    gpointer domain, value;

    if (!all || !g_str_equal(all->value, "0"))
        return FALSE;
    finding_pass(finding, all->path, all->line, "* hard core", all->value, "0");
    g_hash_table_iter_init(&iter, domains);
    while (g_hash_table_iter_next(&iter, &domain, &value)) {
        const struct limit *limit = value;

        if (limit != all && !g_str_equal(limit->value, "0"))
            finding_warn(finding, limit->path, limit->line, domain, limit->value, "0");
    }
    return TRUE;
}

void judge_host_kernel_core_dumps(const struct asset_view *view, struct finding *finding)
{
    struct limits limits = { .domains = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                                              (GDestroyNotify)limit_free) };
    struct coredump coredump = { NULL };
    const struct host_file *file = host_read(view->host, "/proc/sys/kernel/core_pattern");
    g_autofree char *pattern = file->state == HOST_OK ? g_strchomp(g_strdup(file->text)) : NULL;
    const struct limit *all;

    read_limits(view->host, finding, &limits);
    read_coredump(view->host, &coredump);
    all = g_hash_table_lookup(limits.domains, "*");
    if (judge_limits(finding, limits.domains)) {
        /* judged */
    } else if (pattern && (!*pattern || g_str_equal(pattern, "|/bin/false"))) {
        finding_pass(finding, file->path, 0, "kernel.core_pattern", *pattern ? pattern : "empty",
                     "no dump is written");
    } else if (g_strcmp0(coredump.storage, "none") == 0 && g_strcmp0(coredump.size, "0") == 0) {
        if (is_other_handler(pattern))
            finding_warn(finding, file->path, 0, "kernel.core_pattern", pattern,
                         "systemd-coredump, which coredump.conf tells to keep nothing");
        else
            finding_pass(finding, coredump.path, coredump.line, "Storage", "none, ProcessSizeMax 0",
                         "none, ProcessSizeMax 0");
    } else {
        finding_fail(finding, all ? all->path : "/etc/security/limits.conf", all ? all->line : 0,
                     "* hard core", all ? all->value : "not set", "0");
    }
    g_hash_table_unref(limits.domains);
    g_free(coredump.path);
    g_free(coredump.storage);
    g_free(coredump.size);
}
