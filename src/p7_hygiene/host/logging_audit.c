/*
 * logging_audit.c: the audit trail, accounting and watchers of files (LOGS-03 to 05, 09, 10).
 */
#include "p7_hygiene/host/audit.h"
#include "p7_hygiene/host/dpkg.h"
#include "p7_hygiene/host/settings.h"
#include "p7_hygiene/host/units.h"

#include "catalogue_judges.h"

#include <string.h>

#define AUDITD_CONF "/etc/audit/auditd.conf"

void judge_host_log_auditd(const struct asset_view *view, struct finding *finding)
{
    gboolean installed = dpkg_installed(view->host, "auditd");
    const struct dpkg *dpkg = dpkg_get(view->host);

    if (host_is_container(view->host)) {
        finding_not_applicable(finding, REASON_CONTAINER, "auditd");
        return;
    }
    if (dpkg->state != HOST_OK) {
        host_missing(finding, host_read(view->host, DPKG_STATUS));
        return;
    }
    finding_check(finding, installed, DPKG_STATUS, 0, "auditd",
                  installed ? "installed" : "not installed", "installed");
    if (installed)
        finding_check(
            finding, unit_is_enabled(view->host, "auditd.service"), NULL, 0, "auditd.service",
            unit_is_enabled(view->host, "auditd.service") ? "enabled" : "not enabled", "enabled");
}

/* --- rules -------------------------------------------------------------------------------------
 */

/* A class is covered when one of its files is watched, or one of its system calls is traced. */
struct audit_class {
    const char *name;
    gboolean required; /* the others are advice */
    const char *files[8], *syscalls[8];
};

static void judge_class(const struct audit_rules *rules, const struct audit_class *class,
                        struct finding *finding)
{
    const struct audit_rule *rule = NULL;

    for (gsize i = 0; !rule && i < G_N_ELEMENTS(class->files) && class->files[i]; i++)
        rule = audit_watches(rules, class->files[i]);
    for (gsize i = 0; !rule && i < G_N_ELEMENTS(class->syscalls) && class->syscalls[i]; i++)
        rule = audit_traces(rules, class->syscalls[i]);
    if (rule)
        finding_pass(finding, rule->path, rule->line, class->name, "watched", "watched");
    else if (class->required)
        finding_fail(finding, NULL, 0, class->name, "not watched", "watched");
    else
        finding_pass(finding, NULL, 0, class->name, "not watched (advice only)", NULL);
}

void judge_host_log_audit_rules(const struct asset_view *view, struct finding *finding)
{
    static const struct audit_class classes[] = {
        { "accounts", TRUE, { "/etc/passwd", "/etc/shadow", "/etc/group" }, { NULL } },
        { "sudo rules", TRUE, { "/etc/sudoers", "/etc/sudoers.d" }, { NULL } },
        { "clock", TRUE, { "/etc/localtime" }, { "adjtimex", "settimeofday", "clock_settime" } },
        { "kernel modules",
          TRUE,
          { "/usr/sbin/insmod", "/sbin/insmod" },
          { "init_module", "finit_module", "delete_module" } },
        { "mounts", TRUE, { NULL }, { "mount" } },
        { "logins",
          TRUE,
          { "/var/log/lastlog", "/var/log/wtmp", "/var/log/btmp", "/var/run/utmp", "/run/utmp",
            "/var/log/faillog", "/var/run/faillock" },
          { NULL } },
        { "network identity",
          FALSE,
          { "/etc/hosts", "/etc/network", "/etc/issue" },
          { "sethostname", "setdomainname" } },
        { "deletions", FALSE, { NULL }, { "unlink", "unlinkat", "rename", "renameat" } },
        { "permission changes",
          FALSE,
          { NULL },
          { "chmod", "fchmod", "fchmodat", "chown", "setxattr" } },
    };
    const struct audit_rules *rules = audit_rules_get(view->host);

    if (!rules->present && !dpkg_installed(view->host, "auditd")) {
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "auditd");
        return;
    }
    if (rules->unread) {
        finding_not_measured(finding,
                             rules->state == HOST_DENIED ? REASON_NEEDS_ROOT : REASON_UNREADABLE,
                             "%s", rules->unread);
        return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(classes); i++)
        judge_class(rules, &classes[i], finding);
    finding_check(finding, rules->enabled == 2 && !rules->rules_after_lock, rules->lock_path,
                  rules->lock_line, "-e",
                  rules->enabled != 2       ? "rules can be changed until the next start"
                  : rules->rules_after_lock ? "2, but rules follow, which are refused"
                                            : "2",
                  "2, as the last line");
}

/* --- auditd.conf -------------------------------------------------------------------------------
 */

struct audit_setting {
    const char *key, *fallback; /* the daemon's own default */
    const char *good[6];
    gboolean strict; /* else a warning only */
};

void judge_host_log_audit_space(const struct asset_view *view, struct finding *finding)
{
    static const struct audit_setting wanted[] = {
        { "max_log_file_action", "rotate", { "keep_logs" }, TRUE },
        { "space_left_action", "syslog", { "email", "exec", "single", "halt" }, TRUE },
        { "admin_space_left_action", "suspend", { "single", "halt", "exec", "email" }, FALSE },
        { "disk_full_action", "suspend", { "halt", "single" }, FALSE },
        { "disk_error_action", "suspend", { "halt", "single", "syslog" }, FALSE },
    };
    const struct host_file *file = host_read(view->host, AUDITD_CONF);
    g_autoptr(GArray) settings = NULL;

    if (file->state == HOST_ABSENT) {
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "auditd");
        return;
    }
    if (host_missing(finding, file))
        return;
    settings = settings_read(file);
    for (gsize i = 0; i < G_N_ELEMENTS(wanted); i++) {
        const struct setting *setting = settings_last(settings, NULL, wanted[i].key);
        const char *value = setting ? setting->value : wanted[i].fallback;
        guint line = setting ? setting->line : 0;
        g_autofree char *lower = g_ascii_strdown(value, -1);

        if (g_strv_contains((const char *const *)wanted[i].good, lower))
            finding_pass(finding, file->path, line, wanted[i].key, value, wanted[i].good[0]);
        else if (wanted[i].strict)
            finding_fail(finding, file->path, line, wanted[i].key, value, wanted[i].good[0]);
        else
            finding_warn(finding, file->path, line, wanted[i].key, value, wanted[i].good[0]);
    }
}

/* --- integrity of files ------------------------------------------------------------------------
 */

struct integrity_tool {
    const char *packages[3];
    const char *databases[4]; /* patterns; none: the daemon keeps its own elsewhere */
    const char *jobs[4];      /* units, or paths of cron jobs; none: a daemon */
};

static gboolean any_file(struct host *host, const char *const *patterns)
{
    for (; *patterns; patterns++) {
        g_auto(GStrv) found = host_glob(host, *patterns);

        if (*found)
            return TRUE;
    }
    return FALSE;
}

static gboolean any_job(struct host *host, const char *const *jobs)
{
    for (; *jobs; jobs++)
        if (**jobs == '/' ? host_stat(host, *jobs)->state == HOST_OK : unit_is_enabled(host, *jobs))
            return TRUE;
    return FALSE;
}

static gboolean judge_tool(const struct asset_view *view, const struct integrity_tool *tool,
                           struct finding *finding)
{
    const char *package = dpkg_first_installed(view->host, tool->packages);
    gboolean good;

    if (!package)
        return FALSE;
    finding_pass(finding, DPKG_STATUS, 0, package, "installed", "installed");
    if (tool->databases[0]) {
        good = any_file(view->host, tool->databases);
        finding_check(finding, good, tool->databases[0], 0, "database", good ? "there" : "absent",
                      "there");
    }
    if (tool->jobs[0]) {
        good = any_job(view->host, tool->jobs);
        finding_check(finding, good, NULL, 0, tool->jobs[0], good ? "enabled" : "not enabled",
                      "enabled");
    }
    return TRUE;
}

void judge_host_log_file_integrity(const struct asset_view *view, struct finding *finding)
{
    static const struct integrity_tool tools[] = {
        { { "aide", "aide-dynamic" },
          { "/var/lib/aide/aide.db", "/var/lib/aide/aide.db.gz" },
          {
              "dailyaidecheck.timer",
              "aidecheck.timer",
              "/etc/cron.daily/aide",
          } },
        { { "tripwire" }, { "/var/lib/tripwire/*.twd" }, { "/etc/cron.daily/tripwire" } },
        { { "samhain" }, { "/var/lib/samhain/samhain_file" }, { "samhain.service" } },
        { { "integrit" }, { "/var/lib/integrit/*.cdb" }, { "/etc/cron.daily/integrit" } },
        { { "osquery" }, { NULL }, { "osqueryd.service" } },
        { { "wazuh-agent", "ossec-hids-agent" }, { NULL }, { "wazuh-agent.service" } },
    };
    const struct dpkg *dpkg = dpkg_get(view->host);
    gboolean any = FALSE;

    if (dpkg->state != HOST_OK) {
        host_missing(finding, host_read(view->host, DPKG_STATUS));
        return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(tools); i++)
        any |= judge_tool(view, &tools[i], finding);
    if (!any)
        finding_fail(finding, DPKG_STATUS, 0, NULL, "no tool that watches files is installed",
                     "aide with a database and its timer");
}

void judge_host_log_accounting(const struct asset_view *view, struct finding *finding)
{
    const struct dpkg *dpkg = dpkg_get(view->host);
    gboolean acct = dpkg_installed(view->host, "acct");
    gboolean sysstat = dpkg_installed(view->host, "sysstat");
    g_autoptr(GArray) settings = settings_read(host_read(view->host, "/etc/default/sysstat"));
    const struct setting *enabled = settings_last(settings, NULL, "ENABLED");

    if (dpkg->state != HOST_OK) {
        host_missing(finding, host_read(view->host, DPKG_STATUS));
        return;
    }
    if (acct)
        finding_pass(finding, DPKG_STATUS, 0, "acct", "installed", "installed");
    if (sysstat && enabled && settings_is_true(enabled->value))
        finding_pass(finding, enabled->path, enabled->line, "ENABLED", enabled->value, "true");
    else if (sysstat && !acct)
        finding_warn(finding, "/etc/default/sysstat", enabled ? enabled->line : 0, "ENABLED",
                     enabled ? enabled->value : "not set", "true");
    if (!acct && !sysstat)
        finding_warn(finding, DPKG_STATUS, 0, NULL, "neither acct nor sysstat is installed",
                     "one of them");
}
