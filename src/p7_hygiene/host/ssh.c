/* Judges of the SSH server: who may log in, how, and what a session may do. */
#include "p7_hygiene/host/host.h"
#include "p7_hygiene/host/sshd.h"

#include "catalogue_judges.h"

#include <string.h>
#include <sys/stat.h>

#define ISSUE_SIZE_MAX 4000
#define ROOT_ONLY 0600

/* How good one value of a keyword is. */
typedef enum outcome (*grade_fn)(const char *value);

struct rule {
    const char *keyword, *wanted;
    grade_fn grade;
    gboolean narrowed; /* weaker for some connections only is a warning: it may be needed */
};

static void report(struct finding *finding, enum outcome outcome, const char *keyword,
                   const struct sshd_setting *setting, const char *wanted)
{
    g_autofree char *key = setting->condition
                               ? g_strdup_printf("%s (%s)", keyword, setting->condition)
                               : g_strdup(keyword);
    g_autofree char *found =
        setting->path ? g_strdup(setting->value) : g_strdup_printf("%s (default)", setting->value);

    if (outcome == OUTCOME_FAIL)
        finding_fail(finding, setting->path, setting->line, key, found, wanted);
    else if (outcome == OUTCOME_WARN)
        finding_warn(finding, setting->path, setting->line, key, found, wanted);
    else
        finding_pass(finding, setting->path, setting->line, key, found, wanted);
}

static void judge_rule(const struct sshd *sshd, struct finding *finding, const struct rule *rule)
{
    g_autoptr(sshd_setting_t) all = sshd_get(sshd, rule->keyword);
    g_autoptr(GPtrArray) some = sshd_conditional(sshd, rule->keyword);

    report(finding, rule->grade(all->value), rule->keyword, all, rule->wanted);
    for (guint i = 0; i < some->len; i++) {
        const struct sshd_setting *setting = some->pdata[i];
        enum outcome outcome = rule->grade(setting->value);

        report(finding, rule->narrowed ? MIN(outcome, OUTCOME_WARN) : outcome, rule->keyword,
               setting, rule->wanted);
    }
}

static void judge_rules(const struct asset_view *view, struct finding *finding,
                        const struct rule *rules, gsize count)
{
    const struct sshd *sshd = sshd_or_finding(view->host, finding);

    if (!sshd)
        return;
    for (gsize i = 0; i < count; i++)
        judge_rule(sshd, finding, &rules[i]);
    sshd_gaps(sshd, finding);
}

static gboolean is(const char *value, const char *wanted)
{
    return g_ascii_strcasecmp(value, wanted) == 0;
}

static enum outcome good_when(gboolean good)
{
    return good ? OUTCOME_PASS : OUTCOME_FAIL;
}

static enum outcome grade_no(const char *value)
{
    return good_when(is(value, "no"));
}

static enum outcome grade_yes(const char *value)
{
    return good_when(is(value, "yes"));
}

static enum outcome grade_root_login(const char *value)
{
    if (is(value, "no"))
        return OUTCOME_PASS;
    return is(value, "prohibit-password") || is(value, "without-password") ||
                   is(value, "forced-commands-only")
               ? OUTCOME_WARN
               : OUTCOME_FAIL;
}

void judge_host_ssh_root_login(const struct asset_view *view, struct finding *finding)
{
    static const struct rule rules[] = { { "PermitRootLogin", "no", grade_root_login, FALSE } };

    judge_rules(view, finding, rules, G_N_ELEMENTS(rules));
}

void judge_host_ssh_empty_passwords(const struct asset_view *view, struct finding *finding)
{
    static const struct rule rules[] = { { "PermitEmptyPasswords", "no", grade_no, FALSE } };

    judge_rules(view, finding, rules, G_N_ELEMENTS(rules));
}

/* What a list of AuthenticationMethods asks for, over all its alternatives. */
struct methods {
    gboolean password_alone; /* one alternative is a password and nothing else, or none are set */
    gboolean several;        /* every alternative has at least two steps */
};

static gboolean is_password_method(const char *method)
{
    return g_str_has_prefix(method, "password") || g_str_has_prefix(method, "keyboard-interactive");
}

static struct methods methods_of(const char *value)
{
    struct methods methods = { .several = TRUE };
    g_auto(GStrv) alternatives = g_strsplit(value, " ", -1);

    if (is(value, "any"))
        return (struct methods){ .password_alone = TRUE };
    for (guint i = 0; alternatives[i]; i++) {
        g_auto(GStrv) steps = g_strsplit(alternatives[i], ",", -1);
        gboolean only_passwords = TRUE;

        for (guint k = 0; steps[k]; k++)
            only_passwords &= is_password_method(steps[k]);
        methods.password_alone |= only_passwords;
        methods.several &= g_strv_length(steps) >= 2;
    }
    return methods;
}

void judge_host_ssh_password_login(const struct asset_view *view, struct finding *finding)
{
    static const char *const keywords[] = { "PasswordAuthentication",
                                            "KbdInteractiveAuthentication" };
    const struct sshd *sshd = sshd_or_finding(view->host, finding);
    g_autoptr(sshd_setting_t) required = NULL, pam = NULL;
    gboolean password_alone;

    if (!sshd)
        return;
    required = sshd_get(sshd, "AuthenticationMethods");
    pam = sshd_get(sshd, "UsePAM");
    password_alone = methods_of(required->value).password_alone;
    if (!password_alone)
        report(finding, OUTCOME_PASS, "AuthenticationMethods", required,
               "no alternative is a password alone");
    for (guint i = 0; i < G_N_ELEMENTS(keywords); i++) {
        g_autoptr(sshd_setting_t) all = sshd_get(sshd, keywords[i]);
        g_autoptr(GPtrArray) some = sshd_conditional(sshd, keywords[i]);
        /* Without PAM the keyboard-interactive method has nobody to ask on this system. */
        gboolean idle = i == 1 && !is(pam->value, "yes") && !all->path;

        report(finding, password_alone && !idle ? grade_no(all->value) : OUTCOME_PASS, keywords[i],
               all, password_alone ? "no" : "no, or a second factor");
        for (guint k = 0; password_alone && k < some->len; k++)
            report(finding, grade_no(((struct sshd_setting *)some->pdata[k])->value), keywords[i],
                   some->pdata[k], "no");
    }
    if (!password_alone) {
        g_autoptr(GPtrArray) some = sshd_conditional(sshd, "AuthenticationMethods");

        for (guint i = 0; i < some->len; i++) {
            const struct sshd_setting *setting = some->pdata[i];

            report(finding, good_when(!methods_of(setting->value).password_alone),
                   "AuthenticationMethods", setting, "no alternative is a password alone");
        }
    }
    sshd_gaps(sshd, finding);
}

void judge_host_ssh_forwarding(const struct asset_view *view, struct finding *finding)
{
    static const struct rule rules[] = {
        { "X11Forwarding", "no", grade_no, TRUE },
        { "AllowTcpForwarding", "no", grade_no, TRUE },
        { "AllowAgentForwarding", "no", grade_no, TRUE },
    };
    static const struct rule tunnel = { "PermitTunnel", "no", grade_no, TRUE };
    const struct sshd *sshd = sshd_or_finding(view->host, finding);
    g_autoptr(sshd_setting_t) disabled = NULL;

    if (!sshd)
        return;
    disabled = sshd_get(sshd, "DisableForwarding");
    if (is(disabled->value, "yes")) {
        static const struct rule whole = { "DisableForwarding", "yes", grade_yes, TRUE };
        g_autoptr(sshd_setting_t) x11 = sshd_get(sshd, "X11Forwarding");

        judge_rule(sshd, finding, &whole);
        /* Before 10.0 the keyword did not stop X11 (CVE-2025-32728): say no by name too. */
        report(finding, is(x11->value, "no") ? OUTCOME_PASS : OUTCOME_WARN, "X11Forwarding", x11,
               "no");
    } else {
        for (guint i = 0; i < G_N_ELEMENTS(rules); i++)
            judge_rule(sshd, finding, &rules[i]);
    }
    judge_rule(sshd, finding, &tunnel);
    sshd_gaps(sshd, finding);
}

static gboolean in_range(const char *text, gint64 least, gint64 most)
{
    gint64 value;

    return g_ascii_string_to_signed(text, 10, least, most, &value, NULL);
}

static enum outcome grade_tries(const char *value)
{
    return good_when(in_range(value, 1, 4));
}

/* Zero is no limit at all. */
static enum outcome grade_grace(const char *value)
{
    gint64 seconds = sshd_seconds(value);

    return good_when(seconds >= 1 && seconds <= 60);
}

static enum outcome grade_sessions(const char *value)
{
    return good_when(in_range(value, 0, 10));
}

/* "start:rate:full", or one number for all. */
static enum outcome grade_startups(const char *value)
{
    g_auto(GStrv) parts = g_strsplit(value, ":", 4);

    if (g_strv_length(parts) == 1)
        return good_when(in_range(value, 1, 10));
    return good_when(g_strv_length(parts) == 3 && in_range(parts[0], 1, 10) &&
                     in_range(parts[1], 30, 100) && in_range(parts[2], 1, 60));
}

static enum outcome grade_alive_interval(const char *value)
{
    return good_when(sshd_seconds(value) > 0);
}

/* Zero never ends a connection. */
static enum outcome grade_alive_count(const char *value)
{
    return good_when(in_range(value, 1, 3));
}

void judge_host_ssh_limits(const struct asset_view *view, struct finding *finding)
{
    static const struct rule rules[] = {
        { "MaxAuthTries", "1 to 4", grade_tries, FALSE },
        { "LoginGraceTime", "1 to 60 s", grade_grace, FALSE },
        { "MaxSessions", "at most 10", grade_sessions, FALSE },
        { "MaxStartups", "at most 10:30:60", grade_startups, FALSE },
        { "ClientAliveInterval", "more than 0 s", grade_alive_interval, FALSE },
        { "ClientAliveCountMax", "1 to 3", grade_alive_count, FALSE },
    };

    judge_rules(view, finding, rules, G_N_ELEMENTS(rules));
}

static enum outcome grade_log_level(const char *value)
{
    return good_when(is(value, "INFO") || is(value, "VERBOSE"));
}

void judge_host_ssh_log_level(const struct asset_view *view, struct finding *finding)
{
    static const struct rule rules[] = {
        { "LogLevel", "INFO or VERBOSE", grade_log_level, FALSE },
    };

    judge_rules(view, finding, rules, G_N_ELEMENTS(rules));
}

static enum outcome grade_rhosts(const char *value)
{
    return good_when(is(value, "yes") || is(value, "shosts-only"));
}

void judge_host_ssh_legacy_trust(const struct asset_view *view, struct finding *finding)
{
    static const struct rule rules[] = {
        { "HostbasedAuthentication", "no", grade_no, FALSE },
        { "IgnoreRhosts", "yes", grade_rhosts, FALSE },
        { "PermitUserEnvironment", "no", grade_no, FALSE },
        { "StrictModes", "yes", grade_yes, FALSE },
        { "GSSAPIAuthentication", "no", grade_no, FALSE },
        { "UsePAM", "yes", grade_yes, FALSE },
    };

    judge_rules(view, finding, rules, G_N_ELEMENTS(rules));
}

/* A list that lets everybody in limits nobody. */
static gboolean limits_nobody(const char *keyword, const char *value)
{
    g_auto(GStrv) patterns = g_strsplit(value, " ", -1);

    return g_str_has_prefix(keyword, "Allow") &&
           g_strv_contains((const char *const *)patterns, "*");
}

void judge_host_ssh_allow_list(const struct asset_view *view, struct finding *finding)
{
    static const char *const keywords[] = { "AllowUsers", "AllowGroups", "DenyUsers",
                                            "DenyGroups" };
    const struct sshd *sshd = sshd_or_finding(view->host, finding);
    guint useful = 0;

    if (!sshd)
        return;
    for (guint i = 0; i < G_N_ELEMENTS(keywords); i++) {
        g_autoptr(GPtrArray) all = sshd_all(sshd, keywords[i]);

        for (guint k = 0; k < all->len; k++) {
            const struct sshd_setting *setting = all->pdata[k];
            gboolean open = limits_nobody(keywords[i], setting->value);

            useful += !open;
            report(finding, good_when(!open), keywords[i], setting, "named users or groups");
        }
    }
    if (!useful)
        finding_fail(finding, sshd->file->path, 0, "AllowGroups", "every account may try",
                     "AllowUsers, AllowGroups, DenyUsers or DenyGroups");
    sshd_gaps(sshd, finding);
}

/* Names that tell a stranger what runs here, and the escapes getty would fill in. */
static const char *names_the_system(const char *text)
{
    static const char *const telling[] = { "debian",  "ubuntu", "gnu/linux", "linux", "kernel",
                                           "openssh", "\\m",    "\\r",       "\\s",   "\\v" };
    g_autofree char *lower = g_ascii_strdown(text, -1);

    for (guint i = 0; i < G_N_ELEMENTS(telling); i++)
        if (strstr(lower, telling[i]))
            return telling[i];
    return NULL;
}

void judge_host_ssh_banner(const struct asset_view *view, struct finding *finding)
{
    const struct sshd *sshd = sshd_or_finding(view->host, finding);
    g_autoptr(sshd_setting_t) banner = NULL;
    const struct host_file *file;
    const char *telling;

    if (!sshd)
        return;
    banner = sshd_get(sshd, "Banner");
    if (is(banner->value, "none")) {
        report(finding, OUTCOME_FAIL, "Banner", banner, "a file with the legal notice");
        return;
    }
    report(finding, OUTCOME_PASS, "Banner", banner, "a file with the legal notice");
    file = host_read(view->host, banner->value);
    if (file->state == HOST_ABSENT) {
        finding_fail(finding, banner->value, 0, NULL, "no such file", "the legal notice");
    } else if (file->state != HOST_OK) {
        host_gap(finding, file);
    } else {
        g_autofree char *notice =
            g_strstrip(g_strndup(file->text, MIN(file->length, ISSUE_SIZE_MAX)));

        telling = names_the_system(notice);
        finding_check(finding, *notice && !telling, file->path, 0, NULL, telling ? telling : notice,
                      "a notice that does not name the system");
    }
    sshd_gaps(sshd, finding);
}

static void check_file(struct host *host, struct finding *finding, const char *path, mode_t most)
{
    const struct host_file *file = host_stat(host, path);
    g_autofree char *found = NULL, *wanted = NULL;

    if (file->state == HOST_ABSENT || host_gap(finding, file))
        return;
    found = g_strdup_printf("%04o %u:%u", file->mode & 07777, file->uid, file->gid);
    wanted = g_strdup_printf("%04o 0:0", most);
    finding_check(finding, !(file->mode & 07777 & ~most) && file->uid == 0 && file->gid == 0, path,
                  0, NULL, found, wanted);
}

void judge_host_ssh_file_modes(const struct asset_view *view, struct finding *finding)
{
    const struct sshd *sshd = sshd_of(view->host);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_auto(GStrv) drop_ins = host_glob(view->host, "/etc/ssh/sshd_config.d/*");

    if (!sshd->installed) {
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "openssh-server");
        return;
    }
    for (guint i = 0; i < sshd->statements->files->len; i++) {
        const struct host_file *file = sshd->statements->files->pdata[i];

        if (g_hash_table_add(seen, (gpointer)file->path))
            check_file(view->host, finding, file->path, ROOT_ONLY);
    }
    for (guint i = 0; drop_ins[i]; i++)
        if (!g_hash_table_contains(seen, drop_ins[i]))
            check_file(view->host, finding, drop_ins[i], ROOT_ONLY);
    check_file(view->host, finding, "/etc/ssh/sshd_config.d", 0755);
    if (sshd->file->state == HOST_DENIED)
        finding_incomplete(finding, REASON_NEEDS_ROOT, "files included by %s", sshd->file->path);
}
