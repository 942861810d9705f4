#include "p7_hygiene/host/sysctl.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* By precedence: of two files with one name the first folder's counts (sysctl.d(5)). */
static const struct folder {
    const char *path;
    gboolean local;
} folders[] = {
    { "/etc/sysctl.d", TRUE },      { "/run/sysctl.d", TRUE },  { "/usr/local/lib/sysctl.d", TRUE },
    { "/usr/lib/sysctl.d", FALSE }, { "/lib/sysctl.d", FALSE }, /* where /lib is no link to /usr/lib
                                                                 */
};

#define PROCPS_FILE "/etc/sysctl.conf"

static void line_free(struct sysctl_line *line)
{
    g_free(line->key);
    g_free(line->value);
    g_free(line->path);
    g_free(line);
}

static void files_free(gpointer fact)
{
    struct sysctl_files *files = fact;

    g_ptr_array_unref(files->lines);
    g_ptr_array_unref(files->unread);
    g_free(files->gap);
    g_free(files);
}

static void swap_separators(char *text)
{
    for (; *text; text++)
        *text = *text == '.' ? '/' : *text == '/' ? '.' : *text;
}

char *sysctl_path(const char *key)
{
    const char *first = strpbrk(key, "/.");
    g_autofree char *path = g_strdup(*key == '/' ? key + 1 : key);

    if (first && *first == '.')
        swap_separators(path);
    return g_steal_pointer(&path);
}

char *sysctl_name(const char *path)
{
    char *name = g_strdup(path);

    swap_separators(name);
    return name;
}

struct reading {
    GPtrArray *lines;
    const char *path;
    gboolean local;
};

static void read_line(guint number, const char *text, gsize length, gpointer data)
{
    struct reading *reading = data;
    g_autofree char *copy = g_strndup(text, length);
    char *key = g_strstrip(copy), *value;
    struct sysctl_line *line;
    gboolean optional;

    if (!*key || *key == '#' || *key == ';')
        return;
    optional = *key == '-';
    key += optional;
    value = strchr(key, '=');
    if (!value && !optional)
        return; /* both programs report such a line and go on */
    if (value)
        *value++ = 0;
    key = g_strstrip(key);
    if (!*key)
        return;
    line = g_new0(struct sysctl_line, 1);
    line->key = sysctl_path(key);
    line->value = value ? g_strdup(g_strstrip(value)) : NULL;
    line->path = g_strdup(reading->path);
    line->line = number;
    line->optional = optional;
    line->local = reading->local;
    g_ptr_array_add(reading->lines, line);
}

GPtrArray *sysctl_lines_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)line_free);
}

void sysctl_lines_parse(GPtrArray *lines, const char *text, gsize length, const char *path,
                        gboolean local)
{
    struct host_file file = { .text = (char *)text, .length = length };
    struct reading reading = { .lines = lines, .path = path, .local = local };

    host_each_line(&file, read_line, &reading);
}

static void read_file(struct host *host, struct sysctl_files *files, GPtrArray *lines,
                      const char *path, gboolean local)
{
    const struct host_file *file = host_read(host, path);

    if (file->state == HOST_OK) {
        sysctl_lines_parse(lines, file->text, file->length, path, local);
    } else if (file->state != HOST_ABSENT && files->state == HOST_OK &&
               !host_is_null_device(host, path)) {
        files->state = file->state;
        files->gap = g_strdup(path);
    }
}

/* NAME.conf -> the folder whose file of that name counts. */
static void collect(struct host *host, GTree *names, const struct folder *folder)
{
    g_auto(GStrv) entries = host_list(host, folder->path, NULL);

    for (char **name = entries; name && *name; name++)
        if (g_str_has_suffix(*name, ".conf") && !g_tree_lookup(names, *name))
            g_tree_insert(names, g_strdup(*name), (gpointer)folder);
}

static gboolean is_sysctl_conf(struct host *host, const char *path)
{
    g_autofree char *target = host_link(host, path);

    return target && (g_str_equal(target, PROCPS_FILE) || g_str_equal(target, "../sysctl.conf"));
}

struct walk {
    struct host *host;
    struct sysctl_files *files;
    gboolean linked; /* sysctl.conf was read under another name */
};

static gboolean read_named(gpointer name, gpointer folder, gpointer data)
{
    struct walk *walk = data;
    g_autofree char *path = g_build_filename(((struct folder *)folder)->path, name, NULL);

    walk->linked |= is_sysctl_conf(walk->host, path);
    read_file(walk->host, walk->files, walk->files->lines, path, ((struct folder *)folder)->local);
    return FALSE;
}

static int compare_names(gconstpointer left, gconstpointer right, gpointer data)
{
    return strcmp(left, right);
}

static gpointer files_load(struct host *host)
{
    struct sysctl_files *files = g_new0(struct sysctl_files, 1);
    g_autoptr(GTree) names = g_tree_new_full(compare_names, NULL, g_free, NULL);
    struct walk walk = { .host = host, .files = files };
    gboolean systemd = host_stat(host, "/usr/lib/systemd/systemd-sysctl")->state == HOST_OK ||
                       host_stat(host, "/lib/systemd/systemd-sysctl")->state == HOST_OK;

    files->lines = sysctl_lines_new();
    files->unread = sysctl_lines_new();
    for (gsize i = 0; i < G_N_ELEMENTS(folders); i++)
        collect(host, names, &folders[i]);
    g_tree_foreach(names, read_named, &walk);
    if (!walk.linked)
        read_file(host, files, systemd ? files->unread : files->lines, PROCPS_FILE, TRUE);
    return files;
}

static const struct fact_kind files_kind = { "sysctl files", files_load, files_free };

const struct sysctl_files *sysctl_files(struct host *host)
{
    return host_fact(host, &files_kind);
}

static gboolean is_pattern(const char *key)
{
    return strpbrk(key, "*?[") != NULL;
}

const struct sysctl_line *sysctl_winner(const struct sysctl_files *files, const char *path,
                                        gboolean local)
{
    const struct sysctl_line *pattern = NULL;

    for (guint i = files->lines->len; i-- > 0;) {
        const struct sysctl_line *line = files->lines->pdata[i];

        if (local && !line->local)
            continue;
        if (g_str_equal(line->key, path))
            return line->value ? line : NULL;
        if (!pattern && line->value && is_pattern(line->key) &&
            fnmatch(line->key, path, FNM_PATHNAME | FNM_PERIOD) == 0)
            pattern = line;
    }
    return pattern;
}

char *sysctl_live(struct host *host, const char *path, enum host_state *state)
{
    g_autofree char *full = g_strconcat("/proc/sys/", path, NULL);
    const struct host_file *file = host_read(host, full);

    *state = file->state;
    return file->state == HOST_OK ? g_strchomp(g_strdup(file->text)) : NULL;
}

gboolean sysctl_is_dead(struct host *host)
{
    return !host_is_live(host) && host_stat(host, "/proc/sys")->state == HOST_ABSENT;
}

static gboolean parse_number(const char *text, gint64 *number)
{
    char *end;

    errno = 0;
    *number = g_ascii_strtoll(text, &end, 0);
    return end != text && !*end && errno == 0;
}

gboolean sysctl_same(const char *left, const char *right)
{
    gint64 a, b;

    if (parse_number(left, &a) && parse_number(right, &b))
        return a == b;
    for (;;) {
        gsize left_gap = strspn(left, " \t"), right_gap = strspn(right, " \t");

        if (!left_gap != !right_gap)
            return FALSE;
        left += left_gap;
        right += right_gap;
        if (*left != *right)
            return FALSE;
        if (!*left)
            return TRUE;
        left++;
        right++;
    }
}

static gboolean holds(const struct sysctl_rule *rule, const char *value)
{
    gint64 number;

    if (!parse_number(value, &number))
        return FALSE;
    return rule->relation == SYSCTL_IS ? number == rule->wanted : number >= rule->wanted;
}

/* Namespaced: a container has its own. The JIT's settings are the kernel's. */
static gboolean is_own_in_container(const char *path)
{
    return g_str_has_prefix(path, "net/") && !g_str_has_prefix(path, "net/core/bpf_");
}

static enum reason reason_of(enum host_state state)
{
    return state == HOST_DENIED   ? REASON_NEEDS_ROOT
           : state == HOST_ABSENT ? REASON_ABSENT
                                  : REASON_UNREADABLE;
}

void sysctl_gap(struct finding *finding, const struct sysctl_files *files)
{
    if (files->gap)
        finding_incomplete(finding, reason_of(files->state), "%s", files->gap);
}

static void judge_files(struct finding *finding, const struct sysctl_files *files,
                        const struct sysctl_rule *rule, const char *path, const char *wanted)
{
    const struct sysctl_line *winner = sysctl_winner(files, path, FALSE);

    if (winner)
        finding_check(finding, holds(rule, winner->value), winner->path, winner->line, rule->key,
                      winner->value, wanted);
    else
        finding_incomplete(finding, REASON_ABSENT, "%s: no file sets it and no kernel runs",
                           rule->key);
}

static void judge_live(struct finding *finding, const struct sysctl_files *files,
                       const struct sysctl_rule *rule, const char *path, const char *live,
                       const char *wanted)
{
    const struct sysctl_line *winner = sysctl_winner(files, path, FALSE);
    const struct sysctl_line *local = sysctl_winner(files, path, TRUE);
    g_autofree char *proc = g_strconcat("/proc/sys/", path, NULL);
    g_autofree char *found = NULL;

    if (!winner) {
        gboolean lost = holds(rule, live) && rule->initial && !holds(rule, rule->initial);

        found = g_strdup_printf(
            "%s; no file %s it%s", live, files->gap ? "that could be read sets" : "sets",
            lost                                                ? ": lost at the next boot"
            : rule->initial && sysctl_same(live, rule->initial) ? ": the kernel's default"
                                                                : "");
        if (lost)
            finding_warn(finding, proc, 0, rule->key, found, wanted);
        else
            finding_check(finding, holds(rule, live), proc, 0, rule->key, found, wanted);
        return;
    }
    found = sysctl_same(live, winner->value)
                ? g_strdup(live)
                : g_strdup_printf("%s; this file sets %s at the next boot", live, winner->value);
    if (holds(rule, live) && !holds(rule, winner->value) && !(local && holds(rule, local->value)))
        finding_warn(finding, winner->path, winner->line, rule->key, found, wanted);
    else
        finding_check(finding, holds(rule, live), winner->path, winner->line, rule->key, found,
                      wanted);
}

static void judge_rule(struct host *host, struct finding *finding, const struct sysctl_rule *rule)
{
    const struct sysctl_files *files = sysctl_files(host);
    g_autofree char *path = sysctl_path(rule->key);
    g_autofree char *wanted = g_strdup_printf(
        rule->relation == SYSCTL_IS ? "%" G_GINT64_FORMAT : "at least %" G_GINT64_FORMAT,
        rule->wanted);
    enum host_state state;
    g_autofree char *live = sysctl_live(host, path, &state);

    if (live || sysctl_is_dead(host))
        sysctl_gap(finding, files);
    if (live)
        judge_live(finding, files, rule, path, live, wanted);
    else if (sysctl_is_dead(host))
        judge_files(finding, files, rule, path, wanted);
    else if (state != HOST_ABSENT || !rule->optional)
        finding_incomplete(finding, reason_of(state), "/proc/sys/%s", path);
}

/* "net.ipv4.conf.*.send_redirects": the same of each interface that is there, but loopback. */
static void judge_interfaces(struct host *host, struct finding *finding,
                             const struct sysctl_rule *rule)
{
    const char *star = strchr(rule->key, '*');
    g_autofree char *stem = g_strndup(rule->key, star - rule->key);
    g_autofree char *below = sysctl_path(stem);
    g_autofree char *folder = g_strconcat("/proc/sys/", below, NULL);
    g_auto(GStrv) names = host_list(host, folder, NULL);

    for (char **name = names; name && *name; name++) {
        struct sysctl_rule own = *rule;
        g_autofree char *written = sysctl_name(*name); /* eth0.100 is written eth0/100 */
        g_autofree char *key = g_strconcat(stem, written, star + 1, NULL);

        if (g_str_equal(*name, "all") || g_str_equal(*name, "default") || g_str_equal(*name, "lo"))
            continue;
        own.key = key;
        own.optional = TRUE;
        judge_rule(host, finding, &own);
    }
}

void sysctl_judge(struct host *host, struct finding *finding, const struct sysctl_rule *rules,
                  gsize count)
{
    for (gsize i = 0; i < count; i++) {
        g_autofree char *path = sysctl_path(rules[i].key);

        if (strchr(path, '*'))
            judge_interfaces(host, finding, &rules[i]);
        else if (!host_is_container(host) || is_own_in_container(path))
            judge_rule(host, finding, &rules[i]);
    }
    if (host_is_container(host))
        finding_not_applicable(finding, REASON_CONTAINER, "the host's kernel");
    else
        finding_not_measured(finding, REASON_ABSENT, "the kernel has none of these settings");
}

gboolean sysctl_holds(struct host *host, const struct sysctl_rule *rules, gsize count)
{
    for (gsize i = 0; i < count; i++) {
        g_autofree char *path = sysctl_path(rules[i].key);
        enum host_state state;
        g_autofree char *live = sysctl_live(host, path, &state);

        if (live ? !holds(&rules[i], live) : state != HOST_ABSENT || !rules[i].optional)
            return FALSE;
    }
    return TRUE;
}
