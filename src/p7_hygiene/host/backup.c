/*
 * backup.c: whether somebody makes copies, and where to (BKUP-01 to 03).
 */
#include "p7_hygiene/host/cron.h"
#include "p7_hygiene/host/dpkg.h"
#include "p7_hygiene/host/units.h"

#include "catalogue_judges.h"

#include <string.h>

#define US_PER_DAY (G_GINT64_CONSTANT(24) * 60 * 60 * G_USEC_PER_SEC)
#define FRESH_DAYS 7

static const char *const tools[] = {
    "restic",      "borg",          "borgmatic",  "duplicity", "duply",
    "rsnapshot",   "rdiff-backup",  "kopia",      "bup",       "tarsnap",
    "backupninja", "deja-dup",      "pgbackrest", "wal-g",     "proxmox-backup-client",
    "autorestic",  "resticprofile", "rustic",     "snapraid",  "dar",
};

/* Agents that a server elsewhere asks for copies. */
static const char *const agents[] = {
    "bacula-fd", "bareos-filedaemon", "amanda-client", "backuppc", "urbackup-client",
    "veeam",     "veeamagent",        "burp",          NULL
};

struct job {
    char *command, *path;
    guint line;
    char *environment; /* of the unit, with its files; "" for cron */
};

static void job_free(gpointer data)
{
    struct job *job = data;

    g_free(job->command);
    g_free(job->path);
    g_free(job->environment);
    g_free(job);
}

/* A tool's name as the last part of some word: "/usr/bin/restic", not "restic-notes". */
static gboolean names_tool(const char *command)
{
    g_auto(GStrv) words = g_strsplit_set(command, " \t;|&()'\"", -1);

    for (char **word = words; *word; word++) {
        const char *slash = strrchr(*word, '/'), *name = slash ? slash + 1 : *word;

        for (gsize i = 0; i < G_N_ELEMENTS(tools); i++)
            if (g_str_equal(name, tools[i]))
                return TRUE;
    }
    return FALSE;
}

static void add_job(GPtrArray *jobs, const char *command, const char *path, guint line,
                    char *environment)
{
    struct job *job = g_new0(struct job, 1);

    job->command = g_strdup(command);
    job->path = g_strdup(path);
    job->line = line;
    job->environment = environment;
    g_ptr_array_add(jobs, job);
}

static char *environment_of(struct host *host, const struct unit *unit)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < unit->settings->len; i++) {
        const struct unit_setting *setting = &g_array_index(unit->settings, struct unit_setting, i);

        if (g_str_equal(setting->key, "Environment"))
            g_string_append_printf(text, "%s\n", setting->value);
        if (g_str_equal(setting->key, "EnvironmentFile")) {
            const char *path = setting->value + strspn(setting->value, "-");
            const struct host_file *file = *path == '/' ? host_read(host, path) : NULL;

            if (file && file->text)
                g_string_append_printf(text, "%s\n", file->text);
        }
    }
    return g_string_free(text, FALSE);
}

static void add_timers(struct host *host, GPtrArray *jobs)
{
    g_auto(GStrv) timers = units_enabled(host, ".timer");

    for (char **timer = timers; timer && *timer; timer++) {
        const struct unit_setting *named = unit_last(unit_get(host, *timer), "Timer", "Unit");
        g_autofree char *service =
            named
                ? g_strdup(named->value)
                : g_strdup_printf("%.*s.service", (int)(strlen(*timer) - strlen(".timer")), *timer);
        const struct unit *unit = unit_get(host, service);

        for (guint i = 0; i < unit->settings->len; i++) {
            const struct unit_setting *setting =
                &g_array_index(unit->settings, struct unit_setting, i);

            if (g_str_has_prefix(setting->key, "ExecStart") && names_tool(setting->value))
                add_job(jobs, setting->value, setting->path, setting->line,
                        environment_of(host, unit));
        }
    }
}

static void add_cron(struct host *host, GPtrArray *jobs)
{
    const struct cron *cron = cron_of(host);

    for (guint i = 0; i < cron->jobs->len; i++) {
        const struct cron_job *job = cron->jobs->pdata[i];
        const struct host_file *script = job->line ? NULL : host_read(host, job->path);
        const char *text = script && script->text ? script->text : job->command;

        if (text && names_tool(text))
            add_job(jobs, text, job->path, job->line, g_strdup(""));
    }
}

static GPtrArray *jobs_of(struct host *host)
{
    GPtrArray *jobs = g_ptr_array_new_with_free_func(job_free);

    add_timers(host, jobs);
    add_cron(host, jobs);
    return jobs;
}

/* --- BKUP-01 -----------------------------------------------------------------------------------
 */

/* What tools touch when they have finished; read-only runs touch some of it too. */
static const struct host_file *newest_trace(struct host *host)
{
    static const char *const patterns[] = {
        "/root/.cache/restic/*/snapshots", "/var/cache/restic/*/snapshots",
        "/root/.cache/borg/*/chunks*",     "/root/.config/borg/security/*/manifest-timestamp",
        "/root/.cache/duplicity/*",        "/var/log/rsnapshot.log",
        "/var/log/backupninja.log",        "/var/lib/bacula/*.state",
        "/var/lib/borgmatic/last-success", "/var/lib/entente/backup-success-stamp",
    };
    const struct host_file *newest = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(patterns); i++) {
        g_auto(GStrv) paths = host_glob(host, patterns[i]);

        for (char **path = paths; *path; path++) {
            const struct host_file *file = host_stat(host, *path);

            if (file->state == HOST_OK && (!newest || file->mtime_us > newest->mtime_us))
                newest = file;
        }
    }
    return newest;
}

static void judge_trace(const struct asset_view *view, struct finding *finding)
{
    const struct host_file *trace = newest_trace(view->host);
    g_autofree char *found = NULL;
    gint64 days;

    if (!trace) {
        finding_warn(finding, NULL, 0, "last backup", "no trace of a finished one",
                     "within 7 days");
        return;
    }
    days = (view->now_us - trace->mtime_us) / US_PER_DAY;
    found = g_strdup_printf("%" G_GINT64_FORMAT " days ago", days);
    finding_check(finding, days < FRESH_DAYS, trace->path, 0, "last backup", found,
                  "within 7 days");
}

void judge_host_backup_scheduled(const struct asset_view *view, struct finding *finding)
{
    g_autoptr(GPtrArray) jobs = jobs_of(view->host);
    const char *agent = dpkg_first_installed(view->host, agents);

    for (guint i = 0; i < jobs->len; i++) {
        const struct job *job = jobs->pdata[i];

        finding_pass(finding, job->path, job->line, NULL, "a backup job", "a backup job");
    }
    if (agent)
        finding_pass(finding, DPKG_STATUS, 0, agent, "installed", "a backup job or agent");
    if (!jobs->len && !agent)
        finding_fail(finding, NULL, 0, NULL, "no backup job, no agent of a backup server",
                     "a scheduled backup");
    else if (jobs->len)
        judge_trace(view, finding);
}

/* --- BKUP-02 -----------------------------------------------------------------------------------
 */

/* Behind `-r`, `--repo`, or RESTIC_REPOSITORY= and BORG_REPO=; NULL when none is named. */
static char *repository_of(const struct job *job)
{
    static const char *const options[] = { "-r", "--repo", "--repository" };
    static const char *const variables[] = { "RESTIC_REPOSITORY=", "BORG_REPO=" };
    g_autofree char *both = g_strconcat(job->environment, "\n", job->command, NULL);
    g_auto(GStrv) words = g_strsplit_set(both, " \t\n\"'", -1);

    for (char **word = words; *word; word++) {
        for (gsize i = 0; i < G_N_ELEMENTS(variables); i++)
            if (g_str_has_prefix(*word, variables[i]))
                return g_strdup(*word + strlen(variables[i]));
        for (gsize i = 0; i < G_N_ELEMENTS(options); i++) {
            gsize length = strlen(options[i]);

            if (g_str_equal(*word, options[i]) && word[1])
                return g_strdup(word[1]);
            if (g_str_has_prefix(*word, options[i]) && (*word)[length] == '=')
                return g_strdup(*word + length + 1);
        }
    }
    return NULL;
}

/* "sftp:host:/x", "s3:...", "ssh://host/x", "user@host:x"; a path is on this machine. */
static gboolean is_elsewhere(const char *repository)
{
    return *repository != '/' && *repository != '.' && strchr(repository, ':') &&
           !g_str_has_prefix(repository, "file:") && !g_str_has_prefix(repository, "local:");
}

/* Only the kind of place is evidence: an address may hold a password. */
static char *place_text(const char *repository)
{
    return is_elsewhere(repository)
               ? g_strdup_printf("%.*s", (int)strcspn(repository, ":"), repository)
               : g_strdup(repository);
}

void judge_host_backup_protected(const struct asset_view *view, struct finding *finding)
{
    g_autoptr(GPtrArray) jobs = jobs_of(view->host);
    const char *agent = dpkg_first_installed(view->host, agents);

    for (guint i = 0; i < jobs->len; i++) {
        const struct job *job = jobs->pdata[i];
        g_autofree char *repository = repository_of(job);
        g_autofree char *place = repository ? place_text(repository) : NULL;

        if (!repository)
            continue;
        if (!is_elsewhere(repository))
            finding_fail(finding, job->path, job->line, "repository", place, "off this machine");
        else if (g_str_has_prefix(repository, "rest:"))
            finding_pass(finding, job->path, job->line, "repository", place,
                         "elsewhere, append-only where the server says so");
        else
            finding_warn(finding, job->path, job->line, "repository", place,
                         "elsewhere, with credentials that cannot delete (append-only)");
    }
    if (agent)
        finding_pass(finding, DPKG_STATUS, 0, agent, "pulled by a server elsewhere",
                     "elsewhere, out of reach of this machine");
    if (!jobs->len)
        finding_not_applicable(finding, REASON_NOT_USED, "no backup job");
    else
        finding_not_measured(finding, REASON_ABSENT, "where the backup goes");
}

/* --- BKUP-03 -----------------------------------------------------------------------------------
 */

void judge_host_backup_restore_tested(const struct asset_view *view, struct finding *finding)
{
    finding_not_measured(finding, REASON_NO_RECORD, "restore drill");
}
