/* Judges of sudo and of root's own login. */
#include "p7_hygiene/host/accounts.h"
#include "p7_hygiene/host/sudoers.h"

#include "catalogue_judges.h"

#include <string.h>
#include <sys/stat.h>

#define TIMEOUT_MIN_MAX 15
#define SUDOERS_MODE 0440

/* The rules, or NULL when the finding says why there are none. */
static const struct sudoers *sudoers_or_finding(struct host *host, struct finding *finding)
{
    const struct sudoers *sudoers = sudoers_of(host);

    if (sudoers->file->state == HOST_ABSENT) {
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "sudo");
        return NULL;
    }
    return host_missing(finding, sudoers->file) ? NULL : sudoers;
}

static void sudoers_gaps(const struct sudoers *sudoers, struct finding *finding)
{
    for (guint i = 0; i < sudoers->files->len; i++)
        host_gap(finding, sudoers->files->pdata[i]);
    if (sudoers->denied)
        finding_incomplete(finding, REASON_NEEDS_ROOT, "%s", sudoers->denied);
    if (sudoers->problem)
        finding_incomplete(finding, REASON_UNREADABLE, "%s", sudoers->problem);
}

enum holder { HOLDER_ROOT, HOLDER_SERVICE, HOLDER_PERSON };

/* Whose a name of a user list is; groups, netgroups and unknown names count as people. */
static enum holder holder_of(const struct accounts *accounts, const char *name)
{
    const struct account *account;

    if (g_str_equal(name, "root") || g_str_equal(name, "#0"))
        return HOLDER_ROOT;
    account = accounts_user(accounts, name);
    return account && !account_is_human(account) && !account_has_shell(account) ? HOLDER_SERVICE
                                                                                : HOLDER_PERSON;
}

/* The strongest claim of a list: a person before a service before root alone. */
static enum holder holder_of_rule(const struct accounts *accounts, const struct sudoers *sudoers,
                                  const struct sudo_rule *rule)
{
    g_auto(GStrv) users = sudoers_users(sudoers, rule->users);
    enum holder holder = HOLDER_ROOT;

    for (guint i = 0; users[i]; i++)
        if (*users[i] != '!')
            holder = MAX(holder, holder_of(accounts, users[i]));
    return holder;
}

static char *rule_text(const struct sudo_rule *rule)
{
    return g_strdup_printf("(%s) %s%s%s", rule->runas, rule->no_password ? "NOPASSWD: " : "",
                           rule->negated ? "!" : "", rule->command);
}

void judge_host_account_sudo_asks_password(const struct asset_view *view, struct finding *finding)
{
    const struct sudoers *sudoers = sudoers_or_finding(view->host, finding);
    const struct accounts *accounts = accounts_of(view->host);
    const char *wanted = "a password for every command";

    if (!sudoers)
        return;
    for (guint i = 0; i < sudoers->rules->len; i++) {
        const struct sudo_rule *rule = sudoers->rules->pdata[i];
        g_autofree char *users = NULL, *text = NULL;
        enum holder holder;

        if (!rule->no_password || rule->negated || !g_str_equal(rule->command, "ALL"))
            continue;
        holder = holder_of_rule(accounts, sudoers, rule);
        if (holder == HOLDER_ROOT)
            continue;
        users = g_strjoinv(", ", rule->users);
        text = rule_text(rule);
        if (holder == HOLDER_SERVICE)
            finding_warn(finding, rule->path, rule->line, users, text, "named commands");
        else
            finding_fail(finding, rule->path, rule->line, users, text, wanted);
    }
    for (guint i = 0; i < sudoers->defaults->len; i++) {
        const struct sudo_default *setting = sudoers->defaults->pdata[i];
        const char *whom = setting->scope_names ? setting->scope_names : "everybody";

        if (g_str_equal(setting->name, "authenticate") && setting->off)
            finding_fail(finding, setting->path, setting->line, whom, "!authenticate", wanted);
        else if (g_str_equal(setting->name, "exempt_group") && !setting->off && setting->value)
            finding_fail(finding, setting->path, setting->line, "exempt_group", setting->value,
                         wanted);
    }
    if (finding->outcome == OUTCOME_NONE)
        finding_pass(finding, sudoers->file->path, 0, NULL, "no NOPASSWD: ALL, no !authenticate",
                     wanted);
    sudoers_gaps(sudoers, finding);
}

static void judge_flag(const struct sudoers *sudoers, struct finding *finding, const char *name,
                       gboolean initial, gboolean needs_value)
{
    const struct sudo_default *setting = sudoers_default(sudoers, name);
    gboolean on = setting ? !setting->off && (!needs_value || setting->value) : initial;

    finding_check(finding, on, setting ? setting->path : sudoers->file->path,
                  setting ? setting->line : 0, name,
                  !setting         ? (initial ? "set (default)" : "not set")
                  : setting->off   ? "off"
                  : setting->value ? setting->value
                                   : "set",
                  "set");
    for (guint i = 0; i < sudoers->defaults->len; i++) {
        const struct sudo_default *some = sudoers->defaults->pdata[i];

        if (some->scope && some->off && g_str_equal(some->name, name)) {
            g_autofree char *found = g_strdup_printf("off for %s", some->scope_names);

            finding_warn(finding, some->path, some->line, name, found, "set");
        }
    }
}

void judge_host_account_sudo_defaults(const struct asset_view *view, struct finding *finding)
{
    const struct sudoers *sudoers = sudoers_or_finding(view->host, finding);
    const struct sudo_default *timeout;
    double minutes = TIMEOUT_MIN_MAX;

    if (!sudoers)
        return;
    judge_flag(sudoers, finding, "use_pty", FALSE, FALSE);
    judge_flag(sudoers, finding, "logfile", FALSE, TRUE);
    judge_flag(sudoers, finding, "env_reset", TRUE, FALSE);
    timeout = sudoers_default(sudoers, "timestamp_timeout");
    if (timeout && timeout->value)
        minutes = g_ascii_strtod(timeout->value, NULL);
    else if (timeout && timeout->off)
        minutes = 0;
    finding_check(finding, minutes >= 0 && minutes <= TIMEOUT_MIN_MAX,
                  timeout ? timeout->path : sudoers->file->path, timeout ? timeout->line : 0,
                  "timestamp_timeout",
                  timeout && timeout->value ? timeout->value
                  : timeout                 ? "0"
                                            : "15 (default)",
                  "0 to 15 minutes");
    sudoers_gaps(sudoers, finding);
}

/* Programs that start a shell or run what they are given. */
static gboolean starts_shells(const char *name)
{
    static const char *const programs[] = {
        "sh",     "bash",    "dash",        "zsh",     "ksh",    "fish",   "csh",     "tcsh",
        "su",     "sudo",    "env",         "vi",      "vim",    "view",   "nvim",    "emacs",
        "nano",   "pico",    "ed",          "joe",     "less",   "more",   "most",    "man",
        "awk",    "gawk",    "mawk",        "find",    "perl",   "ruby",   "lua",     "node",
        "php",    "tclsh",   "expect",      "gdb",     "strace", "script", "screen",  "tmux",
        "xargs",  "watch",   "time",        "nohup",   "nice",   "ftp",    "sftp",    "ssh",
        "git",    "tar",     "zip",         "rsync",   "docker", "podman", "nsenter", "unshare",
        "chroot", "busybox", "systemd-run", "crontab", "visudo", "mysql",  "psql",    "sqlite3",
        "nmap",   "tcpdump", NULL,
    };

    return g_strv_contains(programs, name) || g_str_has_prefix(name, "python");
}

static void judge_command(struct finding *finding, const struct sudo_rule *rule, const char *users)
{
    g_autofree char *text = rule_text(rule), *program = NULL, *name = NULL;
    const char *blank = strchr(rule->command, ' '), *arguments;

    if (rule->negated) {
        finding_fail(finding, rule->path, rule->line, users, text, "no exclusion by !");
        return;
    }
    if (g_str_equal(rule->command, "ALL") || g_str_equal(rule->command, "list"))
        return;
    program = blank ? g_strndup(rule->command, blank - rule->command) : g_strdup(rule->command);
    arguments = blank ? blank + 1 : "";
    name = g_path_get_basename(program);
    if (strpbrk(program, "*?[") || g_str_has_suffix(program, "/"))
        finding_fail(finding, rule->path, rule->line, users, text, "named programs");
    else if (strpbrk(arguments, "*?[") && *arguments != '^')
        finding_fail(finding, rule->path, rule->line, users, text, "exact arguments");
    else if (starts_shells(name) && !rule->no_exec)
        finding_fail(finding, rule->path, rule->line, users, text,
                     "no program that starts a shell, or NOEXEC");
    else
        finding_pass(finding, rule->path, rule->line, users, text, "an exact command");
}

void judge_host_account_sudo_commands(const struct asset_view *view, struct finding *finding)
{
    const struct sudoers *sudoers = sudoers_or_finding(view->host, finding);
    const struct accounts *accounts = accounts_of(view->host);

    if (!sudoers)
        return;
    for (guint i = 0; i < sudoers->rules->len; i++) {
        const struct sudo_rule *rule = sudoers->rules->pdata[i];
        g_autofree char *users = g_strjoinv(", ", rule->users);

        if (holder_of_rule(accounts, sudoers, rule) != HOLDER_ROOT)
            judge_command(finding, rule, users);
    }
    sudoers_gaps(sudoers, finding);
    if (finding->outcome == OUTCOME_NONE)
        finding_pass(finding, sudoers->file->path, 0, NULL,
                     "no rule names single commands; administrators have all",
                     "exact commands, or an administrator");
}

static void judge_sudo_file(struct host *host, struct finding *finding, const char *path)
{
    const struct host_file *file = host_stat(host, path);
    g_autofree char *found = NULL;

    if (file->state == HOST_ABSENT || host_gap(finding, file))
        return;
    found = g_strdup_printf("%04o %u:%u", file->mode & 07777, file->uid, file->gid);
    if (S_ISDIR(file->mode))
        finding_check(finding, file->uid == 0 && !(file->mode & (S_IWGRP | S_IWOTH)), path, 0, NULL,
                      found, "root's, not writable by others");
    else
        finding_check(finding,
                      file->uid == 0 && file->gid == 0 && !(file->mode & 07777 & ~SUDOERS_MODE),
                      path, 0, NULL, found, "0440 0:0");
}

void judge_host_account_sudo_file_modes(const struct asset_view *view, struct finding *finding)
{
    const struct sudoers *sudoers = sudoers_of(view->host);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    enum host_state state;
    g_auto(GStrv) parts = host_list(view->host, "/etc/sudoers.d", &state);

    if (sudoers->file->state == HOST_ABSENT) {
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "sudo");
        return;
    }
    for (guint i = 0; i < sudoers->files->len; i++) {
        const struct host_file *file = sudoers->files->pdata[i];

        if (g_hash_table_add(seen, (gpointer)file->path))
            judge_sudo_file(view->host, finding, file->path);
    }
    for (guint i = 0; parts && parts[i]; i++) {
        g_autofree char *path = g_build_filename("/etc/sudoers.d", parts[i], NULL);

        if (!g_hash_table_contains(seen, path))
            judge_sudo_file(view->host, finding, path);
    }
    judge_sudo_file(view->host, finding, "/etc/sudoers.d");
    for (guint i = 0; i < sudoers->folders->len; i++)
        if (!g_str_equal(sudoers->folders->pdata[i], "/etc/sudoers.d"))
            judge_sudo_file(view->host, finding, sudoers->folders->pdata[i]);
    if (!parts && state == HOST_DENIED)
        finding_incomplete(finding, REASON_NEEDS_ROOT, "/etc/sudoers.d");
    if (sudoers->file->state == HOST_DENIED)
        finding_incomplete(finding, REASON_NEEDS_ROOT, "files included by /etc/sudoers");
}

/* A person who may run everything as root, or NULL. */
static const char *other_administrator(const struct accounts *accounts,
                                       const struct sudoers *sudoers)
{
    for (guint i = 0; i < sudoers->rules->len; i++) {
        const struct sudo_rule *rule = sudoers->rules->pdata[i];
        g_auto(GStrv) users = NULL;

        if (rule->negated || !g_str_equal(rule->command, "ALL"))
            continue;
        users = sudoers_users(sudoers, rule->users);
        for (guint k = 0; users[k]; k++) {
            const struct account *account;

            if (*users[k] == '%') {
                const struct group *group = accounts_group(accounts, users[k] + 1);
                g_autoptr(GPtrArray) members = group ? accounts_members(accounts, group) : NULL;

                for (guint m = 0; members && m < members->len; m++) {
                    account = accounts_user(accounts, members->pdata[m]);
                    if (account && account->uid != 0 && account_has_shell(account))
                        return account->name;
                }
                continue;
            }
            account = accounts_user(accounts, users[k]);
            if (account && account->uid != 0 && account_has_shell(account))
                return account->name;
        }
    }
    return NULL;
}

void judge_host_account_root_locked(const struct asset_view *view, struct finding *finding)
{
    const struct accounts *accounts = accounts_of(view->host);
    const struct sudoers *sudoers = sudoers_of(view->host);
    const struct account *root;
    const char *administrator;

    if (host_missing(finding, accounts->passwd) || host_missing(finding, accounts->shadow))
        return;
    root = accounts_user(accounts, "root");
    if (!root) {
        finding_not_applicable(finding, REASON_NOT_USED, "no account named root");
        return;
    }
    if (!account_has_password(root)) {
        finding_pass(finding, accounts->shadow->path, root->shadow ? root->shadow->line : 0, "root",
                     "locked", "locked");
        return;
    }
    if (sudoers->file->state != HOST_ABSENT && host_missing(finding, sudoers->file))
        return;
    administrator = other_administrator(accounts, sudoers);
    if (!administrator) {
        finding_not_applicable(finding, REASON_NOT_USED, "nobody else may administer with sudo");
        return;
    }
    {
        g_autofree char *found =
            g_strdup_printf("a password, though %s may use sudo", administrator);

        finding_fail(finding, accounts->shadow->path, root->shadow ? root->shadow->line : 0, "root",
                     found, "locked");
    }
}
