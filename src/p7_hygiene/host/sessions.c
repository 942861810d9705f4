/* Judges of sessions: what they create, how long they live, who still uses them, what proves a
 * person, and what polkit grants. */
#include "p7_hygiene/host/accounts.h"
#include "p7_hygiene/host/logins.h"
#include "p7_hygiene/host/pam.h"
#include "p7_hygiene/host/sshd.h"

#include "catalogue_judges.h"

#include <string.h>
#include <sys/stat.h>

#define DAY_S 86400
#define DORMANT_DAYS 90
#define IDLE_S_MAX 900
#define UMASK_WANTED 027

/* Files a login shell of everybody reads, in that order. */
static char **shell_files(struct host *host)
{
    g_auto(GStrv) parts = host_glob(host, "/etc/profile.d/*.sh");
    GPtrArray *files = g_ptr_array_new();

    g_ptr_array_add(files, g_strdup("/etc/profile"));
    g_ptr_array_add(files, g_strdup("/etc/bash.bashrc"));
    g_ptr_array_add(files, g_strdup("/etc/bashrc"));
    for (guint i = 0; parts[i]; i++)
        g_ptr_array_add(files, g_strdup(parts[i]));
    g_ptr_array_add(files, NULL);
    return (char **)g_ptr_array_free(files, FALSE);
}

/* Words of a shell line without its comment; separators count as blanks. */
static char **shell_words(const char *text, gsize length)
{
    g_autofree char *copy = g_strndup(text, length);
    g_auto(GStrv) parts = NULL;
    GPtrArray *words = g_ptr_array_new();

    parts = g_strsplit_set(copy, " \t;&|(){}\"'", -1);
    for (guint i = 0; parts[i] && parts[i][0] != '#'; i++)
        if (*parts[i])
            g_ptr_array_add(words, g_strdup(parts[i]));
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(words, FALSE);
}

/* "027" or "0027"; symbolic masks ("u=rwx,g=rx,o=") are turned into bits. -1 when neither. */
static int umask_of(const char *text)
{
    guint64 value;
    guint allowed = 0;
    g_auto(GStrv) clauses = NULL;

    if (g_ascii_string_to_unsigned(text, 8, 0, 0777, &value, NULL))
        return (int)value;
    if (!strchr(text, '='))
        return -1;
    clauses = g_strsplit(text, ",", -1);
    for (guint i = 0; clauses[i]; i++) {
        const char *equal = strchr(clauses[i], '=');
        guint bits = 0;

        if (!equal)
            return -1;
        for (const char *right = equal + 1; *right; right++)
            bits |= *right == 'r' ? 4 : *right == 'w' ? 2 : *right == 'x' ? 1 : 0;
        for (const char *who = clauses[i]; who < equal; who++)
            allowed |= *who == 'u'   ? bits << 6
                       : *who == 'g' ? bits << 3
                       : *who == 'o' ? bits
                                     : bits << 6 | bits << 3 | bits;
    }
    return (int)(~allowed & 0777);
}

static void judge_mask(struct finding *finding, const char *path, guint line, const char *key,
                       const char *text)
{
    int mask = umask_of(text);

    /* 027 or tighter: every bit of 027 is masked. */
    finding_check(finding, mask >= 0 && (mask & UMASK_WANTED) == UMASK_WANTED, path, line, key,
                  text, "027 or tighter");
}

struct shell_file {
    struct finding *finding;
    const char *path;
    gint64 timeout;
    guint timeout_line;
    gboolean readonly;
};

static void look_for_umask(guint line, const char *text, gsize length, gpointer data)
{
    const struct shell_file *file = data;
    g_auto(GStrv) words = shell_words(text, length);

    for (guint i = 0; words[i] && words[i + 1]; i++)
        if (g_str_equal(words[i], "umask") && umask_of(words[i + 1]) >= 0)
            judge_mask(file->finding, file->path, line, "umask", words[i + 1]);
}

/* pam_umask takes its argument, the gecos field, login.defs in this order (pam_umask(8)). */
static void judge_pam_umask(struct host *host, struct finding *finding)
{
    static const char *const services[] = { "common-session", "system-auth", "login" };

    for (guint i = 0; i < G_N_ELEMENTS(services); i++) {
        g_autoptr(pam_stack_t) stack = NULL;
        g_autoptr(GPtrArray) rules = NULL;

        if (!pam_has_service(host, services[i]))
            continue;
        stack = pam_stack_read(host, services[i], PAM_SESSION);
        rules = pam_flat(stack);
        for (guint k = 0; k < rules->len; k++) {
            const struct pam_rule *rule = rules->pdata[k];
            const char *mask =
                g_str_equal(rule->module, "pam_umask") ? pam_argument(rule, "umask") : NULL;

            if (mask)
                judge_mask(finding, rule->path, rule->line, "pam_umask", mask);
        }
        return;
    }
}

void judge_host_account_umask(const struct asset_view *view, struct finding *finding)
{
    const struct host_file *defs = host_read(view->host, "/etc/login.defs");
    g_auto(GStrv) files = shell_files(view->host);
    guint line;
    g_autofree char *mask = key_lookup(defs, "UMASK", &line);

    if (!host_gap(finding, defs)) {
        if (mask)
            judge_mask(finding, defs->path, line, "UMASK", mask);
        else
            finding_fail(finding, defs->path, 0, "UMASK", "not set", "027 or tighter");
    }
    judge_pam_umask(view->host, finding);
    for (guint i = 0; files[i]; i++) {
        const struct host_file *content = host_read(view->host, files[i]);
        struct shell_file file = { .finding = finding, .path = files[i] };

        if (!host_gap(finding, content))
            host_each_line(content, look_for_umask, &file);
    }
}

static void look_for_timeout(guint line, const char *text, gsize length, gpointer data)
{
    struct shell_file *file = data;
    g_auto(GStrv) words = shell_words(text, length);
    gboolean fixes = FALSE;

    for (guint i = 0; words[i]; i++) {
        const char *word = words[i];

        if (g_str_equal(word, "readonly") ||
            ((g_str_equal(word, "declare") || g_str_equal(word, "typeset")) && words[i + 1] &&
             words[i + 1][0] == '-' && strchr(words[i + 1], 'r')))
            fixes = TRUE;
        if (g_str_has_prefix(word, "TMOUT=")) {
            gint64 seconds;

            if (g_ascii_string_to_signed(word + strlen("TMOUT="), 10, 0, G_MAXINT32, &seconds,
                                         NULL)) {
                file->timeout = seconds;
                file->timeout_line = line;
            }
        }
        if (fixes && (g_str_equal(word, "TMOUT") || g_str_has_prefix(word, "TMOUT=")))
            file->readonly = TRUE;
    }
}

/* "15min", "900", "900s" of systemd.time(7), as far as logind.conf uses it; -1 otherwise. */
static gint64 span_seconds(const char *text)
{
    static const struct {
        const char *unit;
        gint64 seconds;
    } units[] = { { "", 1 }, { "s", 1 }, { "sec", 1 }, { "m", 60 }, { "min", 60 }, { "h", 3600 } };
    char *end;
    gint64 number = g_ascii_strtoll(text, &end, 10);

    if (end == text || number < 0 || number > G_MAXINT32)
        return -1;
    while (*end == ' ')
        end++;
    for (guint i = 0; i < G_N_ELEMENTS(units); i++)
        if (g_str_equal(end, units[i].unit))
            return number * units[i].seconds;
    return -1;
}

/* Whether logind ends idle sessions in time; drop-ins come after the file. */
static gboolean judge_logind(struct host *host, struct finding *finding)
{
    g_auto(GStrv) parts = host_glob(host, "/etc/systemd/logind.conf.d/*.conf");
    const struct host_file *winner = host_read(host, "/etc/systemd/logind.conf");
    guint line;
    g_autofree char *value = key_lookup(winner, "StopIdleSessionSec", &line);
    gint64 seconds;

    for (guint i = 0; parts[i]; i++) {
        const struct host_file *file = host_read(host, parts[i]);
        guint at;
        char *later = key_lookup(file, "StopIdleSessionSec", &at);

        if (later) {
            g_free(value);
            value = later;
            winner = file;
            line = at;
        }
    }
    seconds = value ? span_seconds(value) : -1;
    if (seconds <= 0)
        return FALSE;
    finding_check(finding, seconds <= IDLE_S_MAX, winner->path, line, "StopIdleSessionSec", value,
                  "at most 900 s");
    return TRUE;
}

void judge_host_account_idle_shell(const struct asset_view *view, struct finding *finding)
{
    g_auto(GStrv) files = shell_files(view->host);
    gboolean readonly = FALSE;
    guint seen = 0;

    for (guint i = 0; files[i]; i++) {
        const struct host_file *content = host_read(view->host, files[i]);
        struct shell_file file = { .path = files[i] };

        if (host_gap(finding, content))
            continue;
        host_each_line(content, look_for_timeout, &file);
        readonly |= file.readonly;
        if (file.timeout_line) {
            g_autofree char *found = g_strdup_printf("%" G_GINT64_FORMAT " s", file.timeout);

            seen++;
            finding_check(finding, file.timeout >= 1 && file.timeout <= IDLE_S_MAX, file.path,
                          file.timeout_line, "TMOUT", found, "1 to 900 s");
        }
    }
    if (seen)
        finding_check(finding, readonly, NULL, 0, "TMOUT",
                      readonly ? "readonly" : "users may change it", "readonly");
    else if (!judge_logind(view->host, finding))
        finding_fail(finding, "/etc/profile", 0, "TMOUT", "not set", "at most 900 s, readonly");
}

/* An account that somebody could still use: it has a shell, and has not expired. */
static gboolean is_enabled(const struct account *account, gint64 today)
{
    const struct shadow_entry *entry = account->shadow;

    return account_has_shell(account) &&
           !(entry && entry->expire != ACCOUNT_NONE && entry->expire <= today);
}

static void judge_dormant(const struct asset_view *view, struct finding *finding,
                          const struct account *account)
{
    const struct logins *logins = logins_of(view->host);
    const gint64 now_s = view->now_us / G_USEC_PER_SEC, limit = now_s - DORMANT_DAYS * DAY_S;
    const gint64 *in_wtmp = g_hash_table_lookup(logins->by_name, account->name);
    gint64 last = MAX(logins_lastlog(view->host, account->uid), in_wtmp ? *in_wtmp : -1);
    gint64 changed = account->shadow && account->shadow->changed != ACCOUNT_NONE
                         ? account->shadow->changed * DAY_S
                         : 0;
    const char *wanted = "a login within 90 days";
    g_autofree char *found = NULL;

    if (last > 0) {
        found = g_strdup_printf("last login %" G_GINT64_FORMAT " days ago", (now_s - last) / DAY_S);
        finding_check(finding, last >= limit, "/etc/passwd", account->line, account->name, found,
                      wanted);
    } else if (changed >= limit) {
        finding_pass(finding, "/etc/passwd", account->line, account->name,
                     "never logged in; its password is younger than 90 days", wanted);
    } else if (last == 0 || (logins->oldest_s && logins->oldest_s < limit)) {
        finding_fail(finding, "/etc/passwd", account->line, account->name, "never logged in",
                     wanted);
    } else {
        finding_incomplete(finding, REASON_NO_RECORD, "the login records do not go back 90 days");
    }
}

void judge_host_account_no_dormant(const struct asset_view *view, struct finding *finding)
{
    const struct accounts *accounts = accounts_of(view->host);
    const struct logins *logins = logins_of(view->host);
    const gint64 today = view->now_us / G_USEC_PER_SEC / DAY_S;
    guint people = 0;

    if (host_missing(finding, accounts->passwd))
        return;
    for (guint i = 0; i < accounts->users->len; i++) {
        const struct account *account = accounts->users->pdata[i];

        people += account_is_human(account) && is_enabled(account, today);
    }
    if (!people) {
        finding_not_applicable(finding, REASON_NOT_USED, "no enabled account of a person");
        return;
    }
    if (logins->lastlog != HOST_OK && logins->wtmp != HOST_OK) {
        gboolean denied = logins->lastlog == HOST_DENIED || logins->wtmp == HOST_DENIED;

        finding_not_measured(finding, denied ? REASON_NEEDS_ROOT : REASON_ABSENT,
                             "/var/log/lastlog, /var/log/wtmp");
        return;
    }
    for (guint i = 0; i < accounts->users->len; i++) {
        const struct account *account = accounts->users->pdata[i];

        if (account_is_human(account) && is_enabled(account, today))
            judge_dormant(view, finding, account);
    }
    /* Without the shadow file an expired account looks enabled. */
    host_gap(finding, accounts->shadow);
}

static gboolean is_second_factor(const char *module)
{
    static const char *const modules[] = {
        "pam_u2f",    "pam_oath", "pam_google_authenticator", "pam_yubico", "pam_duo",
        "pam_pkcs11", "pam_p11",  "pam_privacyidea",          "pam_fido2",  "pam_linotp",
        NULL
    };

    return g_strv_contains(modules, module);
}

/* Knows the password, has no token. */
static enum pam_answer password_thief(const struct pam_rule *rule, gpointer data)
{
    const struct pam_rule **asked = data;

    if (is_second_factor(rule->module)) {
        *asked = rule;
        return PAM_SAYS_AUTH_ERR;
    }
    if (g_str_equal(rule->module, "pam_deny") || g_str_equal(rule->module, "pam_rootok") ||
        (g_str_equal(rule->module, "pam_faillock") && pam_argument(rule, "authfail")))
        return PAM_SAYS_AUTH_ERR;
    return PAM_SAYS_SUCCESS;
}

/* The rule by which a stack refuses who has no second factor, or NULL. */
static const struct pam_rule *second_factor_of(const struct pam_stack *stack)
{
    const struct pam_rule *asked = NULL;

    return !pam_run(stack, password_thief, &asked) ? asked : NULL;
}

/* Every alternative has two steps. */
static gboolean asks_for_two_steps(const char *methods)
{
    g_auto(GStrv) alternatives = g_strsplit(methods, " ", -1);

    for (guint i = 0; alternatives[i]; i++)
        if (!strchr(alternatives[i], ','))
            return FALSE;
    return alternatives[0] != NULL;
}

/* Keys of security tokens that ask for a PIN or a finger are two factors in one. */
static gboolean takes_verified_tokens_only(const struct sshd *sshd)
{
    g_autoptr(sshd_setting_t) types = sshd_get(sshd, "PubkeyAcceptedAlgorithms");
    g_autoptr(sshd_setting_t) options = sshd_get(sshd, "PubkeyAuthOptions");
    g_autoptr(sshd_setting_t) password = sshd_get(sshd, "PasswordAuthentication");
    g_auto(GStrv) names =
        sshd_algorithms("PubkeyAcceptedAlgorithms", types->path ? types->value : "");

    for (guint i = 0; names[i]; i++)
        if (!g_str_has_prefix(names[i], "sk-"))
            return FALSE;
    return strstr(options->value, "verify-required") != NULL &&
           g_ascii_strcasecmp(password->value, "no") == 0;
}

static void judge_sshd_factors(const struct sshd *sshd, struct finding *finding,
                               const struct pam_rule *factor)
{
    g_autoptr(sshd_setting_t) methods = sshd_get(sshd, "AuthenticationMethods");
    g_autoptr(sshd_setting_t) keys = sshd_get(sshd, "PubkeyAuthentication");
    g_autoptr(GPtrArray) some = sshd_conditional(sshd, "AuthenticationMethods");
    const char *wanted = "two steps, as publickey,keyboard-interactive";

    if (asks_for_two_steps(methods->value))
        finding_pass(finding, methods->path, methods->line, "AuthenticationMethods", methods->value,
                     wanted);
    else if (takes_verified_tokens_only(sshd))
        finding_pass(finding, NULL, 0, "PubkeyAuthOptions", "verify-required, sk keys only",
                     wanted);
    else if (factor && g_ascii_strcasecmp(keys->value, "no") == 0)
        finding_pass(finding, factor->path, factor->line, factor->module, factor->control, wanted);
    else if (factor)
        finding_warn(finding, factor->path, factor->line, factor->module,
                     "asked with a password, not with a key", wanted);
    else
        finding_fail(finding, methods->path, methods->line, "AuthenticationMethods", methods->value,
                     wanted);
    for (guint i = 0; i < some->len; i++) {
        const struct sshd_setting *setting = some->pdata[i];
        g_autofree char *key = g_strdup_printf("AuthenticationMethods (%s)", setting->condition);

        if (!asks_for_two_steps(setting->value))
            finding_warn(finding, setting->path, setting->line, key, setting->value, wanted);
    }
}

void judge_host_account_second_factor(const struct asset_view *view, struct finding *finding)
{
    const struct sshd *sshd = sshd_of(view->host);
    const char *service = sshd->installed ? "sshd" : "login";
    g_autoptr(pam_stack_t) stack = pam_stack_read(view->host, service, PAM_AUTH);
    const struct pam_rule *factor = second_factor_of(stack);

    if (sshd->installed) {
        if (!sshd_or_finding(view->host, finding))
            return;
        judge_sshd_factors(sshd, finding, factor);
        sshd_gaps(sshd, finding);
    } else if (stack->rules->len) {
        if (factor)
            finding_pass(finding, factor->path, factor->line, factor->module, factor->control,
                         "a second factor at the console");
        else
            finding_fail(finding, "/etc/pam.d/login", 0, "auth", "one factor",
                         "a second factor at the console");
    } else {
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "openssh-server, PAM");
    }
    for (guint i = 0; i < stack->files->len; i++)
        host_gap(finding, stack->files->pdata[i]);
}

struct polkit_file {
    struct finding *finding;
    gboolean vendor; /* part of a package: its maker's decision, not a local one */
    const char *path;
    gboolean comment; /* inside of a block comment of JavaScript */
};

static void report_yes(const struct polkit_file *file, guint line, const char *key,
                       const char *found, const char *wanted)
{
    if (file->vendor)
        finding_warn(file->finding, file->path, line, key, found, wanted);
    else
        finding_fail(file->finding, file->path, line, key, found, wanted);
}

/* A rule about one service account, as systemd-network, gives nothing to a person. */
static gboolean concerns_service_only(const struct accounts *accounts, const char *text)
{
    const char *at = strstr(text, "subject.user");
    g_auto(GStrv) parts = NULL;
    const struct account *account;

    if (!at || strstr(text, "isInGroup") || strstr(at + 1, "subject.user"))
        return FALSE;
    parts = g_strsplit_set(at, "\"'", 3);
    account = g_strv_length(parts) == 3 ? accounts_user(accounts, parts[1]) : NULL;
    return account && !account_is_human(account) && account->uid != 0 &&
           !account_has_shell(account);
}

/* `return polkit.Result.YES` of a rules file, `ResultAny=yes` and its like of a pkla file. */
static void look_for_yes(guint line, const char *text, gsize length, gpointer data)
{
    struct polkit_file *file = data;
    g_autofree char *copy = g_strstrip(g_strndup(text, length));
    const char *at = copy;

    if (g_str_has_suffix(file->path, ".pkla")) {
        g_auto(GStrv) pair = g_strsplit(copy, "=", 2);

        if (g_str_has_prefix(copy, "Result") && pair[1] &&
            g_ascii_strcasecmp(g_strstrip(pair[1]), "yes") == 0)
            report_yes(file, line, g_strstrip(pair[0]), "yes", "auth_admin");
        return;
    }
    if (file->comment) {
        at = strstr(at, "*/");
        if (!at)
            return;
        file->comment = FALSE;
    }
    if (g_str_has_prefix(at, "//"))
        return;
    if (strstr(at, "polkit.Result.YES"))
        report_yes(file, line, "polkit.Result", "YES", "AUTH_ADMIN");
    if (strstr(at, "/*") && !strstr(at, "*/"))
        file->comment = TRUE;
}

void judge_host_account_polkit_asks(const struct asset_view *view, struct finding *finding)
{
    static const char *const patterns[] = {
        "/etc/polkit-1/rules.d/*.rules",
        "/run/polkit-1/rules.d/*.rules",
        "/usr/local/share/polkit-1/rules.d/*.rules",
        "/usr/share/polkit-1/rules.d/*.rules",
        "/etc/polkit-1/localauthority/*/*.pkla",
        "/var/lib/polkit-1/localauthority/*/*.pkla",
    };
    static const char *const folders[] = { "/etc/polkit-1/rules.d",
                                           "/var/lib/polkit-1/localauthority" };
    guint files = 0;

    if (host_stat(view->host, "/etc/polkit-1")->state == HOST_ABSENT &&
        host_stat(view->host, "/usr/share/polkit-1/rules.d")->state == HOST_ABSENT) {
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "polkit");
        return;
    }
    for (guint i = 0; i < G_N_ELEMENTS(patterns); i++) {
        g_auto(GStrv) paths = host_glob(view->host, patterns[i]);

        for (guint k = 0; paths[k]; k++) {
            const struct host_file *content = host_read(view->host, paths[k]);
            struct polkit_file file = { .finding = finding, .path = paths[k] };

            if (host_gap(finding, content))
                continue;
            files++;
            file.vendor =
                g_str_has_prefix(paths[k], "/usr/share/") || strstr(paths[k], "vendor.d/");
            if (content->text && concerns_service_only(accounts_of(view->host), content->text))
                continue;
            host_each_line(content, look_for_yes, &file);
        }
    }
    /* A folder that cannot be listed looks empty to the pattern. */
    for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
        enum host_state state;
        g_auto(GStrv) names = host_list(view->host, folders[i], &state);

        if (!names && state == HOST_DENIED)
            finding_incomplete(finding, REASON_NEEDS_ROOT, "%s", folders[i]);
    }
    if (finding->outcome == OUTCOME_NONE) {
        g_autofree char *found = g_strdup_printf("%u rule files; none answers yes", files);

        finding_pass(finding, "/etc/polkit-1", 0, NULL, found, "no rule answers yes");
    }
}
