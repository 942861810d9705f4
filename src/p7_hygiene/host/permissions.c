/*
 * permissions.c: who may change what root trusts (PERM-01, 07 to 12, 15). What asks about all
 * files is in permissions_walk.c.
 */
#include "p7_hygiene/host/modes.h"
#include "p7_hygiene/host/subtree.h"

#include "catalogue_judges.h"

#include <string.h>
#include <sys/stat.h>

#define UNIT_ENTRIES_MAX 20000

struct account_file {
    const char *path;
    struct modes_wanted wanted;
};

void judge_host_permissions_account_files(const struct asset_view *view, struct finding *finding)
{
    static const struct account_file files[] = {
        { "/etc/passwd", { 0644, NULL, 0 } },      { "/etc/passwd-", { 0644, NULL, 0 } },
        { "/etc/group", { 0644, NULL, 0 } },       { "/etc/group-", { 0644, NULL, 0 } },
        { "/etc/shadow", { 0640, "shadow", 0 } },  { "/etc/shadow-", { 0640, "shadow", 0 } },
        { "/etc/gshadow", { 0640, "shadow", 0 } }, { "/etc/gshadow-", { 0640, "shadow", 0 } },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        const struct host_file *file = host_stat(view->host, files[i].path);

        if (file->state == HOST_OK)
            modes_check(view->host, finding, file, &files[i].wanted);
        else
            host_gap(finding, file);
    }
    finding_not_measured(finding, REASON_ABSENT, "/etc/passwd");
}

/* --- what root runs -------------------------------------------------------------------------- */

struct trusted {
    struct host *host;
    struct finding *finding;
    GHashTable *seen;
    guint looked;
    const char *source; /* the file that names the paths */
};

static void trust(struct trusted *trusted, const char *path)
{
    const struct host_file *culprit = NULL;
    g_autofree char *found = NULL, *key = NULL;

    if (path[0] != '/') {
        finding_fail(trusted->finding, trusted->source, 0, "PATH", path, "absolute paths only");
        return;
    }
    trusted->looked++;
    if (modes_only_root_writes(trusted->host, path, trusted->seen, &culprit))
        return;
    found = modes_text(culprit->mode, culprit->uid, culprit->gid);
    if (trusted->source && culprit->mode & S_ISVTX) {
        /* Open to all by design: wrong is who names it. */
        key = g_strdup_printf("%s %s", culprit->path, found);
        finding_fail(trusted->finding, trusted->source, 0, "PATH", key, "folders of root only");
        return;
    }
    if (g_strcmp0(culprit->path, path) != 0 || trusted->source)
        key = g_strdup_printf("%s%s%s", path, trusted->source ? ", named in " : "",
                              trusted->source ? trusted->source : "");
    finding_fail(trusted->finding, culprit->path, 0, key, found, "owned by root, 0755 or tighter");
}

static void trust_path_variable(struct trusted *trusted, const char *value)
{
    g_autofree char *plain = g_strdup(value);
    g_auto(GStrv) folders = NULL;

    g_strstrip(plain);
    if (*plain == '"' || *plain == '\'') {
        memmove(plain, plain + 1, strlen(plain));
        plain[strcspn(plain, "\"'")] = 0;
    }
    folders = g_strsplit(plain, ":", -1);
    for (char **folder = folders; *folder; folder++)
        if (!strchr(*folder, '$'))
            trust(trusted, **folder ? *folder : ".");
}

/* Programs named by absolute path in a command line, as far as a shell's first words show. */
static void trust_command(struct trusted *trusted, const char *command)
{
    g_auto(GStrv) words = g_strsplit_set(command, " \t;|&()<>\"'`", -1);

    for (char **word = words; *word; word++)
        if ((*word)[0] == '/' && host_stat(trusted->host, *word)->state == HOST_OK &&
            S_ISREG(host_stat(trusted->host, *word)->mode))
            trust(trusted, *word);
}

/* "m h dom mon dow user command" or "@daily user command", and PATH=; see crontab(5). */
static void trust_crontab_line(guint number, const char *text, gsize length, gpointer data)
{
    const guint times = 5;
    g_autofree char *line = g_strstrip(g_strndup(text, length));
    g_auto(GStrv) words = NULL;
    guint skip, count;

    if (!*line || *line == '#')
        return;
    if (g_str_has_prefix(line, "PATH") && strchr(line, '=')) {
        trust_path_variable(data, strchr(line, '=') + 1);
        return;
    }
    words = g_strsplit_set(line, " \t", -1);
    skip = *line == '@' ? 1 : times;
    for (count = 0; words[count] && skip; count++)
        skip -= *words[count] != 0;
    while (words[count] && !*words[count])
        count++;
    if (words[count] && g_str_equal(words[count], "root")) {
        g_autofree char *command = g_strjoinv(" ", words + count + 1);

        trust_command(data, command);
    }
}

static void trust_crontab(struct trusted *trusted, const char *path)
{
    const struct host_file *file = host_read(trusted->host, path);

    trusted->source = path;
    host_each_line(file, trust_crontab_line, trusted);
    trusted->source = NULL;
}

static void trust_setting_line(guint number, const char *text, gsize length, gpointer data)
{
    static const char *const keys[] = { "ENV_SUPATH", "ENV_PATH", "PATH" };
    g_autofree char *line = g_strstrip(g_strndup(text, length));
    const char *path;

    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
        if (g_str_has_prefix(line, keys[i]) && strchr(" \t=", line[strlen(keys[i])]) &&
            line[strlen(keys[i])]) {
            path = strchr(line, '/');
            if (path)
                trust_path_variable(data, path);
            return;
        }
}

/* ExecStart= and its like; the prefixes of systemd.service(5) are taken off. */
static void trust_unit_line(guint number, const char *text, gsize length, gpointer data)
{
    g_autofree char *line = g_strstrip(g_strndup(text, length));
    const char *command;

    if (!g_str_has_prefix(line, "Exec") || !strchr(line, '='))
        return;
    command = strchr(line, '=') + 1;
    trust_command(data, command + strspn(command, "-@:+! \t"));
}

static void trust_ldso_line(guint number, const char *text, gsize length, gpointer data)
{
    g_autofree char *line = g_strndup(text, length);

    line[strcspn(line, "#")] = 0;
    g_strstrip(line);
    if (*line == '/')
        trust(data, line);
}

static void trust_all(struct trusted *trusted, const char *pattern, host_line_fn each)
{
    g_auto(GStrv) paths = host_glob(trusted->host, pattern);

    for (char **path = paths; *path; path++) {
        trust(trusted, *path);
        if (each) {
            trusted->source = *path;
            host_each_line(host_read(trusted->host, *path), each, trusted);
            trusted->source = NULL;
        }
    }
}

void judge_host_permissions_root_paths(const struct asset_view *view, struct finding *finding)
{
    static const struct {
        const char *pattern;
        host_line_fn each;
    } places[] = {
        { "/root", NULL },
        { "/root/.bashrc", NULL },
        { "/root/.profile", NULL },
        { "/root/.bash_profile", NULL },
        { "/etc/login.defs", trust_setting_line },
        { "/etc/environment", trust_setting_line },
        { "/etc/profile", NULL },
        { "/etc/profile.d/*", NULL },
        { "/etc/bash.bashrc", NULL },
        { "/etc/ld.so.conf", trust_ldso_line },
        { "/etc/ld.so.conf.d/*.conf", trust_ldso_line },
        { "/etc/sudoers", NULL },
        { "/etc/sudoers.d/*", NULL },
        { "/etc/cron.hourly/*", NULL },
        { "/etc/cron.daily/*", NULL },
        { "/etc/cron.weekly/*", NULL },
        { "/etc/cron.monthly/*", NULL },
        { "/var/spool/cron/crontabs/root", NULL },
        { "/etc/rc.local", NULL },
        { "/etc/init.d/*", NULL },
        { "/etc/systemd/system/*.service", trust_unit_line },
        { "/etc/systemd/system/*.service.d/*.conf", trust_unit_line },
    };
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    struct trusted trusted = { view->host, finding, seen, 0, NULL };
    g_auto(GStrv) tables = host_glob(view->host, "/etc/cron.d/*");
    g_autofree char *count = NULL;

    trust_path_variable(&trusted, "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin");
    for (gsize i = 0; i < G_N_ELEMENTS(places); i++)
        trust_all(&trusted, places[i].pattern, places[i].each);
    trust(&trusted, "/etc/crontab");
    trust_crontab(&trusted, "/etc/crontab");
    for (char **table = tables; *table; table++) {
        trust(&trusted, *table);
        trust_crontab(&trusted, *table);
    }
    count = g_strdup_printf("%u", trusted.looked);
    if (finding->outcome == OUTCOME_NONE)
        finding_pass(finding, NULL, 0, "paths that root trusts", count,
                     "owned by root, writable by nobody else");
    /* What only root may list is not among the paths looked at. */
    host_gap(finding, host_stat(view->host, "/root/.profile"));
    host_gap(finding, host_stat(view->host, "/var/spool/cron/crontabs/root"));
}

/* --- preloaded libraries --------------------------------------------------------------------- */

static void look_for_preload(guint line, const char *text, gsize length, gpointer data)
{
    static const char *const variables[] = { "LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH" };
    g_autofree char *plain = g_strstrip(g_strndup(text, length));
    const char *at = plain;

    if (g_str_has_prefix(at, "export "))
        at += strlen("export ");
    for (gsize i = 0; i < G_N_ELEMENTS(variables); i++) {
        gsize name = strlen(variables[i]);

        if (g_str_has_prefix(at, variables[i]) && at[name] && strchr("= \t", at[name]))
            finding_fail(data, "/etc/environment", line, variables[i], at + name + 1, "not set");
    }
}

static void look_at_preload_line(guint line, const char *text, gsize length, gpointer data)
{
    g_autofree char *plain = g_strndup(text, length);

    plain[strcspn(plain, "#")] = 0;
    g_strstrip(plain);
    if (*plain)
        finding_fail(data, "/etc/ld.so.preload", line, NULL, plain, "no library");
}

void judge_host_permissions_preload(const struct asset_view *view, struct finding *finding)
{
    const struct host_file *preload = host_read(view->host, "/etc/ld.so.preload");
    const struct host_file *environment = host_read(view->host, "/etc/environment");

    host_each_line(preload, look_at_preload_line, finding);
    host_each_line(environment, look_for_preload, finding);
    if (finding->outcome == OUTCOME_NONE)
        finding_pass(finding, "/etc/ld.so.preload", 0, NULL,
                     preload->state == HOST_ABSENT ? "absent" : "empty", "absent or empty");
    host_gap(finding, preload);
    host_gap(finding, environment);
}

/* --- fixed files ----------------------------------------------------------------------------- */

/* Judges what matches of `patterns` (ends with NULL); FALSE when nothing is there. */
static gboolean check_files(struct host *host, struct finding *finding, const char *const *patterns,
                            const struct modes_wanted *wanted)
{
    gboolean any = FALSE;

    for (; *patterns; patterns++) {
        g_auto(GStrv) paths = host_glob(host, *patterns);

        for (char **path = paths; *path; path++) {
            const struct host_file *file = host_stat(host, *path);

            any |= file->state != HOST_ABSENT;
            if (file->state == HOST_OK)
                modes_check(host, finding, file, wanted);
            else
                host_gap(finding, file);
        }
    }
    return any;
}

void judge_host_permissions_ssh_host_keys(const struct asset_view *view, struct finding *finding)
{
    static const char *const keys[] = { "/etc/ssh/ssh_host_*_key", NULL };
    static const struct modes_wanted wanted = { 0600, "_ssh", 0640 };

    if (!check_files(view->host, finding, keys, &wanted))
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "openssh-server");
}

void judge_host_permissions_banner_files(const struct asset_view *view, struct finding *finding)
{
    static const char *const files[] = { "/etc/motd", "/etc/issue", "/etc/issue.net", "/etc/shells",
                                         NULL };
    static const struct modes_wanted wanted = { 0644, NULL, 0 };

    if (!check_files(view->host, finding, files, &wanted))
        finding_not_applicable(finding, REASON_NOT_USED, "/etc/issue");
}

void judge_host_permissions_old_passwords(const struct asset_view *view, struct finding *finding)
{
    static const char *const files[] = { "/etc/security/opasswd*", NULL };
    static const struct modes_wanted wanted = { 0600, NULL, 0 };

    if (!check_files(view->host, finding, files, &wanted))
        finding_not_applicable(finding, REASON_NOT_USED, "/etc/security/opasswd");
}

void judge_host_permissions_raw_devices(const struct asset_view *view, struct finding *finding)
{
    static const char *const devices[] = {
        "/dev/mem",  "/dev/kmem",    "/dev/port", "/dev/kcore",   "/dev/sd*", "/dev/vd*",
        "/dev/xvd*", "/dev/nvme*n*", "/dev/dm-*", "/dev/mmcblk*", "/dev/md*",
    };
    const mode_t others = S_IRWXO;

    for (gsize i = 0; i < G_N_ELEMENTS(devices); i++) {
        g_auto(GStrv) paths = host_glob(view->host, devices[i]);

        for (char **path = paths; *path; path++) {
            const struct host_file *file = host_lstat(view->host, *path);
            g_autofree char *found = NULL;

            if (file->state != HOST_OK || !(S_ISBLK(file->mode) || S_ISCHR(file->mode)))
                continue;
            found = modes_text(file->mode, file->uid, file->gid);
            finding_check(finding, !(file->mode & others), *path, 0, "mode", found,
                          "no access for others");
        }
    }
    if (!host_is_live(view->host))
        finding_not_measured(finding, REASON_OFFLINE, "/dev");
    else
        finding_not_measured(finding, REASON_ABSENT, "/dev");
}

/* --- units ----------------------------------------------------------------------------------- */

static gboolean look_at_unit(const struct subtree_entry *entry, gpointer data)
{
    struct trusted *trusted = data;
    struct host_file file;
    mode_t open;

    if (!subtree_status(entry, &file))
        return TRUE;
    trusted->looked++;
    open = S_IWOTH | (file.gid ? S_IWGRP : 0);
    if (file.uid != 0 || (!S_ISLNK(file.mode) && (file.mode & open))) {
        g_autofree char *found = modes_text(file.mode, file.uid, file.gid);

        finding_fail(trusted->finding, entry->path, 0, "mode", found,
                     "owned by root, writable by root only");
    }
    return TRUE;
}

void judge_host_permissions_unit_files(const struct asset_view *view, struct finding *finding)
{
    static const char *const folders[] = {
        "/etc/systemd/system",           "/run/systemd/system",
        "/run/systemd/transient",        "/run/systemd/generator",
        "/run/systemd/generator.early",  "/run/systemd/generator.late",
        "/usr/local/lib/systemd/system",
    };
    struct trusted trusted = { view->host, finding, NULL, 0, NULL };
    struct subtree_gap gap = { 0 };
    gboolean any = FALSE;

    for (gsize i = 0; i < G_N_ELEMENTS(folders); i++) {
        const struct host_file *folder = host_stat(view->host, folders[i]);

        if (folder->state != HOST_OK)
            continue;
        any = TRUE;
        if (folder->uid != 0 || folder->mode & S_IWOTH) {
            g_autofree char *found = modes_text(folder->mode, folder->uid, folder->gid);

            finding_fail(finding, folders[i], 0, "mode", found, "owned by root, 0755");
        }
        subtree_each(view->host, folders[i], UNIT_ENTRIES_MAX, look_at_unit, &trusted, &gap);
    }
    if (any && finding->outcome == OUTCOME_NONE) {
        g_autofree char *count = g_strdup_printf("%u entries", trusted.looked);

        finding_pass(finding, folders[0], 0, NULL, count, "owned by root, writable by root only");
    }
    subtree_report(&gap, finding);
    finding_not_applicable(finding, REASON_NOT_INSTALLED, "systemd");
}
