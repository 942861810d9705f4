/* Judges of scheduled jobs: who may schedule, and what root runs. */
#include "p7_hygiene/host/cron.h"

#include "catalogue_judges.h"

#include <string.h>
#include <sys/stat.h>

static gboolean exists(struct host *host, const char *path)
{
    return host_stat(host, path)->state != HOST_ABSENT;
}

static gboolean cron_is_there(struct host *host)
{
    return exists(host, "/etc/crontab") || exists(host, "/usr/sbin/cron") ||
           exists(host, "/usr/sbin/crond");
}

void judge_host_cron_table_modes(const struct asset_view *view, struct finding *finding)
{
    static const struct {
        const char *path;
        mode_t most;
    } entries[] = {
        { "/etc/crontab", 0600 },     { "/etc/cron.hourly", 0700 },  { "/etc/cron.daily", 0700 },
        { "/etc/cron.weekly", 0700 }, { "/etc/cron.monthly", 0700 }, { "/etc/cron.d", 0700 },
    };

    if (!cron_is_there(view->host)) {
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "cron");
        return;
    }
    for (guint i = 0; i < G_N_ELEMENTS(entries); i++) {
        const struct host_file *file = host_stat(view->host, entries[i].path);
        g_autofree char *found = NULL, *wanted = NULL;

        if (file->state == HOST_ABSENT || host_gap(finding, file))
            continue;
        found = g_strdup_printf("%04o %u:%u", file->mode & 07777, file->uid, file->gid);
        wanted = g_strdup_printf("%04o 0:0", entries[i].most);
        finding_check(finding,
                      !(file->mode & 07777 & ~entries[i].most) && file->uid == 0 && file->gid == 0,
                      entries[i].path, 0, NULL, found, wanted);
    }
    finding_not_applicable(finding, REASON_NOT_USED, "no table");
}

/* NAME.allow is there and closed, NAME.deny is not. */
static void judge_lists(struct host *host, struct finding *finding, const char *name)
{
    enum { ALLOW_MODE = 0640 };
    g_autofree char *allow = g_strdup_printf("/etc/%s.allow", name);
    g_autofree char *deny = g_strdup_printf("/etc/%s.deny", name);
    const struct host_file *file = host_stat(host, allow);

    if (file->state == HOST_ABSENT) {
        finding_fail(finding, allow, 0, NULL, "no such file", "a list of users, 0640");
    } else if (!host_gap(finding, file)) {
        g_autofree char *found = g_strdup_printf("%04o, uid %u", file->mode & 07777, file->uid);

        finding_check(finding, !(file->mode & 07777 & ~ALLOW_MODE) && file->uid == 0, allow, 0,
                      NULL, found, "at most 0640, uid 0");
    }
    if (exists(host, deny))
        finding_fail(finding, deny, 0, NULL, "present", "no such file");
}

void judge_host_cron_allow_list(const struct asset_view *view, struct finding *finding)
{
    struct host *host = view->host;
    gboolean at = exists(host, "/usr/bin/at") || exists(host, "/etc/at.allow") ||
                  exists(host, "/etc/at.deny");

    if (cron_is_there(host))
        judge_lists(host, finding, "cron");
    if (at)
        judge_lists(host, finding, "at");
    finding_not_applicable(finding, REASON_NOT_INSTALLED, "cron, at");
}

/* Whom a path trusts: the first of the file and its folders that is not root's alone, or NULL. */
static char *weak_link(struct host *host, const char *path)
{
    g_autofree char *at = g_strdup(path);

    for (;;) {
        const struct host_file *file = host_stat(host, at);
        char *slash = strrchr(at, '/');

        if (file->state == HOST_OK) {
            /* A sticky folder lets nobody replace the file of another. */
            gboolean sticky = S_ISDIR(file->mode) && (file->mode & S_ISVTX);
            gboolean open =
                !sticky && ((file->mode & S_IWOTH) || ((file->mode & S_IWGRP) && file->gid != 0));

            if (open || file->uid != 0)
                return g_strdup_printf("%s is %04o, uid %u", at, file->mode & 07777, file->uid);
        }
        if (!slash || slash == at)
            return NULL;
        *slash = 0;
    }
}

static void judge_program(struct host *host, struct finding *finding, const struct cron_job *job,
                          const char *path)
{
    g_autofree char *weak = weak_link(host, path);

    if (weak)
        finding_fail(finding, job->path, job->line, path, weak, "root's, not writable by others");
    else if (host_stat(host, path)->state == HOST_OK)
        finding_pass(finding, job->path, job->line, path, "root's, not writable by others",
                     "root's, not writable by others");
}

/* Follows PATH as the shell does; a folder of it that others may fill is a failure. */
static void judge_name(struct host *host, struct finding *finding, const struct cron_job *job,
                       const char *name)
{
    g_auto(GStrv) folders = g_strsplit(job->search, ":", -1);

    for (guint i = 0; folders[i]; i++) {
        g_autofree char *weak = NULL, *path = NULL;
        const struct host_file *folder;

        if (folders[i][0] != '/') {
            finding_fail(finding, job->path, job->line, name, job->search,
                         "PATH of absolute folders");
            return;
        }
        folder = host_stat(host, folders[i]);
        weak = weak_link(host, folders[i]);
        /* Whoever may add a file to a sticky folder can add this name, too. */
        if (!weak && folder->state == HOST_OK && (folder->mode & S_IWOTH))
            weak = g_strdup_printf("%s is %04o", folders[i], folder->mode & 07777);
        if (!weak && g_str_has_prefix(folders[i], "/tmp"))
            weak = g_strdup(folders[i]);
        if (weak) {
            g_autofree char *found = g_strdup_printf("PATH: %s", weak);

            finding_fail(finding, job->path, job->line, name, found,
                         "folders that only root writes");
            return;
        }
        path = g_build_filename(folders[i], name, NULL);
        if (host_stat(host, path)->state == HOST_OK) {
            judge_program(host, finding, job, path);
            return;
        }
    }
}

static gboolean is_builtin(const char *word)
{
    static const char *const builtins[] = { "cd",    "test",    "[",      "echo",   "true",
                                            "false", "exit",    "set",    "export", "umask",
                                            "unset", "read",    "trap",   "return", "shift",
                                            "wait",  ":",       "printf", "for",    "case",
                                            "esac",  "command", "eval",   NULL };

    return g_strv_contains(builtins, word);
}

/* A script after the name of its interpreter runs as much as a program does. */
static void judge_script(struct host *host, struct finding *finding, const struct cron_job *job,
                         const GPtrArray *words)
{
    static const char *const interpreters[] = { "sh",     "bash",    "dash", "ksh",       "zsh",
                                                "python", "python3", "perl", "ruby",      "php",
                                                "node",   "source",  ".",    "run-parts", NULL };
    g_autofree char *name = g_path_get_basename(words->pdata[0]);

    if (!g_strv_contains(interpreters, name))
        return;
    for (guint i = 1; i < words->len; i++) {
        const char *word = words->pdata[i];

        if (*word == '-')
            continue;
        if (*word == '/')
            judge_program(host, finding, job, word);
        return;
    }
}

/* A name that begins with a dash in the folder becomes an option of the program. */
static void judge_wildcards(struct finding *finding, const struct cron_job *job,
                            const GPtrArray *words)
{
    static const char *const dangerous[] = { "tar", "rsync", "chown", "chmod", "chgrp",
                                             "zip", "7z",    "7za",   "scp",   NULL };
    g_autofree char *name = g_path_get_basename(words->pdata[0]);

    if (!g_strv_contains(dangerous, name))
        return;
    for (guint i = 1; i < words->len; i++) {
        const char *word = words->pdata[i];
        g_autofree char *shown = NULL;

        if (g_str_equal(word, "--"))
            return;
        if (!strchr(word, CRON_WILDCARD))
            continue;
        shown = g_strdelimit(g_strdup(word), "\001", '*');
        if (*word == CRON_WILDCARD)
            finding_fail(finding, job->path, job->line, name, shown, "./* or a folder");
        else
            finding_warn(finding, job->path, job->line, name, shown, "a folder");
    }
}

static void judge_job(struct host *host, struct finding *finding, const struct cron_job *job)
{
    g_autoptr(GPtrArray) commands = NULL;

    if (job->line == 0) {
        judge_program(host, finding, job, job->command);
        return;
    }
    commands = cron_commands(job->command);
    for (guint i = 0; i < commands->len; i++) {
        const GPtrArray *words = commands->pdata[i];
        const char *first = words->pdata[0];

        if (*first == '/')
            judge_program(host, finding, job, first);
        else if (!is_builtin(first) && !strchr(first, '$') && !strchr(first, '/'))
            judge_name(host, finding, job, first);
        else if (strchr(first, '/') && *first != '$')
            finding_warn(finding, job->path, job->line, first, "a relative path",
                         "an absolute path");
        judge_script(host, finding, job, words);
        judge_wildcards(finding, job, words);
    }
}

void judge_host_cron_root_commands(const struct asset_view *view, struct finding *finding)
{
    const struct cron *cron = cron_of(view->host);
    guint jobs = 0;

    for (guint i = 0; i < cron->jobs->len; i++) {
        const struct cron_job *job = cron->jobs->pdata[i];

        if (!g_str_equal(job->user, "root"))
            continue;
        jobs++;
        judge_job(view->host, finding, job);
    }
    for (guint i = 0; i < cron->files->len; i++)
        host_gap(finding, cron->files->pdata[i]);
    if (cron->denied)
        finding_incomplete(finding, REASON_NEEDS_ROOT, "%s", cron->denied);
    if (jobs && finding->outcome == OUTCOME_NONE) {
        g_autofree char *found =
            g_strdup_printf("%u jobs; none starts a file others may write", jobs);

        finding_pass(finding, NULL, 0, NULL, found, "root's own files");
    }
    finding_not_applicable(finding, REASON_NOT_USED, "root has no jobs");
}
