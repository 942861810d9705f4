/* Judges of passwords: how they are chosen, stored, tried and asked for (PAM, login.defs). */
#include "p7_hygiene/host/accounts.h"
#include "p7_hygiene/host/pam.h"
#include "p7_hygiene/host/sshd.h"

#include "catalogue_judges.h"

#include <string.h>
#include <sys/stat.h>

#define LOGIN_DEFS "/etc/login.defs"
#define ROUNDS_MIN 65536
#define LENGTH_MIN 14
#define CLASSES_MIN 3
#define REPEAT_MAX 3
#define DIFFERENT_MIN 2
#define DENY_MAX 5
#define UNLOCK_S_MIN 900
#define REMEMBER_MIN 24

static gint64 number_of(const char *text, gint64 otherwise)
{
    gint64 value;

    return text && g_ascii_string_to_signed(text, 10, G_MININT32, G_MAXINT32, &value, NULL)
               ? value
               : otherwise;
}

/* The service whose stack all others include, by distribution. */
static const char *common_service(struct host *host, enum pam_type type)
{
    static const char *const names[][3] = {
        [PAM_AUTH] = { "common-auth", "system-auth", "login" },
        [PAM_ACCOUNT] = { "common-account", "system-auth", "login" },
        [PAM_PASSWORD] = { "common-password", "system-auth", "passwd" },
        [PAM_SESSION] = { "common-session", "system-auth", "login" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(names[type]); i++)
        if (pam_has_service(host, names[type][i]))
            return names[type][i];
    return "other";
}

/* The common stack, or NULL when the finding says that PAM is not there. */
static struct pam_stack *common_or_finding(struct host *host, enum pam_type type,
                                           struct finding *finding)
{
    g_autoptr(pam_stack_t) stack = pam_stack_read(host, common_service(host, type), type);
    g_autoptr(GPtrArray) flat = pam_flat(stack);

    for (guint i = 0; i < stack->files->len; i++)
        host_gap(finding, stack->files->pdata[i]);
    if (stack->problem)
        finding_incomplete(finding, REASON_UNREADABLE, "%s", stack->problem);
    /* A substack may turn out empty. */
    if (flat->len)
        return g_steal_pointer(&stack);
    finding_not_applicable(finding, REASON_NOT_INSTALLED, "PAM");
    return NULL;
}

static const struct pam_rule *find_rule(const GPtrArray *rules, const char *module)
{
    for (guint i = 0; i < rules->len; i++)
        if (g_str_equal(((const struct pam_rule *)rules->pdata[i])->module, module))
            return rules->pdata[i];
    return NULL;
}

/* Whether a refusal of the rule ends in a refusal of the stack. */
static gboolean can_refuse(const struct pam_rule *rule)
{
    return rule->actions[PAM_SAYS_AUTH_ERR] == PAM_DO_BAD ||
           rule->actions[PAM_SAYS_AUTH_ERR] == PAM_DO_DIE;
}

static void judge_login_defs_method(struct host *host, struct finding *finding)
{
    const struct host_file *file = host_read(host, LOGIN_DEFS);
    const char *wanted = "YESCRYPT, or SHA512 with 65536 rounds";
    guint line = 0;
    g_autofree char *method = NULL, *least = NULL, *found = NULL;

    if (file->state != HOST_OK) {
        host_gap(finding, file);
        return;
    }
    method = key_lookup(file, "ENCRYPT_METHOD", &line);
    least = key_lookup(file, "SHA_CRYPT_MIN_ROUNDS", NULL);
    if (method && g_ascii_strcasecmp(method, "SHA512") == 0) {
        found = g_strdup_printf("%s, %s rounds", method, least ? least : "5000");
        finding_check(finding, number_of(least, 0) >= ROUNDS_MIN, file->path, line,
                      "ENCRYPT_METHOD", found, wanted);
        return;
    }
    finding_check(finding, method && g_ascii_strcasecmp(method, "YESCRYPT") == 0, file->path, line,
                  "ENCRYPT_METHOD", method ? method : "not set", wanted);
}

static void judge_unix_method(struct finding *finding, const struct pam_rule *rule)
{
    static const char *const strong[] = { "yescrypt", "gost_yescrypt", "blowfish" };
    static const char *const weak[] = { "md5", "bigcrypt", "sha256" };
    const char *wanted = "yescrypt, or sha512 with rounds=65536";
    const char *rounds = pam_argument(rule, "rounds");

    for (guint i = 0; i < G_N_ELEMENTS(weak); i++)
        if (pam_argument(rule, weak[i])) {
            finding_fail(finding, rule->path, rule->line, "pam_unix", weak[i], wanted);
            return;
        }
    for (guint i = 0; i < G_N_ELEMENTS(strong); i++)
        if (pam_argument(rule, strong[i])) {
            finding_pass(finding, rule->path, rule->line, "pam_unix", strong[i], wanted);
            return;
        }
    if (pam_argument(rule, "sha512")) {
        g_autofree char *found = g_strdup_printf("sha512, %s rounds", rounds ? rounds : "5000");

        finding_check(finding, number_of(rounds, 0) >= ROUNDS_MIN, rule->path, rule->line,
                      "pam_unix", found, wanted);
    } else {
        finding_pass(finding, rule->path, rule->line, "pam_unix", "as login.defs says", wanted);
    }
}

void judge_host_account_hash_policy(const struct asset_view *view, struct finding *finding)
{
    g_autoptr(pam_stack_t) stack = common_or_finding(view->host, PAM_PASSWORD, finding);
    g_autoptr(GPtrArray) rules = stack ? pam_flat(stack) : NULL;
    const struct pam_rule *rule = rules ? find_rule(rules, "pam_unix") : NULL;

    judge_login_defs_method(view->host, finding);
    if (rule)
        judge_unix_method(finding, rule);
}

/* A setting of a PAM module: its argument, else its files, the last of which wins. */
struct pam_setting {
    char *value;
    const char *path;
    guint line;
};

static struct pam_setting setting_of(struct host *host, const struct pam_rule *rule,
                                     const char *const *files, const char *name)
{
    struct pam_setting setting = { 0 };
    const char *argument = pam_argument(rule, name);

    for (guint i = 0; files[i]; i++) {
        const struct host_file *file = host_read(host, files[i]);
        guint line;
        char *value = key_lookup(file, name, &line);

        if (value) {
            g_free(setting.value);
            setting = (struct pam_setting){ value, file->path, line };
        }
    }
    if (argument) {
        g_free(setting.value);
        setting = (struct pam_setting){ g_strdup(argument), rule->path, rule->line };
    }
    return setting;
}

static void judge_number(struct host *host, struct finding *finding, const struct pam_rule *rule,
                         const char *const *files, const char *name, gint64 initial, gint64 least,
                         gint64 most, const char *wanted)
{
    struct pam_setting setting = setting_of(host, rule, files, name);
    gint64 value = number_of(setting.value, initial);
    g_autofree char *found = setting.value
                                 ? g_strdup(setting.value)
                                 : g_strdup_printf("%" G_GINT64_FORMAT " (default)", initial);

    finding_check(finding, value >= least && value <= most,
                  setting.path ? setting.path : rule->path,
                  setting.path ? setting.line : rule->line, name, found, wanted);
    g_free(setting.value);
}

/* minclass, or as many classes demanded by negative credits. */
static void judge_classes(struct host *host, struct finding *finding, const struct pam_rule *rule,
                          const char *const *files)
{
    static const char *const credits[] = { "dcredit", "ucredit", "lcredit", "ocredit" };
    struct pam_setting least = setting_of(host, rule, files, "minclass");
    gint64 classes = number_of(least.value, 0), demanded = 0;
    g_autofree char *found = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(credits); i++) {
        struct pam_setting credit = setting_of(host, rule, files, credits[i]);

        demanded += number_of(credit.value, 0) < 0;
        g_free(credit.value);
    }
    found =
        g_strdup_printf("minclass %" G_GINT64_FORMAT ", %" G_GINT64_FORMAT " classes by credits",
                        classes, demanded);
    finding_check(finding, MAX(classes, demanded) >= CLASSES_MIN,
                  least.path ? least.path : rule->path, least.path ? least.line : rule->line,
                  "minclass", found, "at least 3 classes");
    g_free(least.value);
}

void judge_host_account_password_quality(const struct asset_view *view, struct finding *finding)
{
    g_autoptr(pam_stack_t) stack = common_or_finding(view->host, PAM_PASSWORD, finding);
    g_autoptr(GPtrArray) rules = stack ? pam_flat(stack) : NULL, names = g_ptr_array_new();
    g_auto(GStrv) parts = host_glob(view->host, "/etc/security/pwquality.conf.d/*.conf");
    const struct pam_rule *rule = rules ? find_rule(rules, "pam_pwquality") : NULL;
    struct pam_setting for_root;
    const char *const *files;

    if (!stack)
        return;
    if (!rule) {
        const struct pam_rule *other = find_rule(rules, "pam_passwdqc");

        if (other)
            finding_warn(finding, other->path, other->line, "pam_passwdqc",
                         "another checker: its limits are not judged", "pam_pwquality");
        else
            finding_fail(finding, ((struct pam_rule *)rules->pdata[0])->path, 0, "pam_pwquality",
                         "not in the stack", "requisite pam_pwquality");
        return;
    }
    /* The parts first, the main file last (pwquality.conf(5)). */
    for (guint i = 0; parts[i]; i++)
        g_ptr_array_add(names, parts[i]);
    g_ptr_array_add(names, (gpointer) "/etc/security/pwquality.conf");
    for (guint i = 0; i < names->len; i++)
        host_gap(finding, host_read(view->host, names->pdata[i]));
    g_ptr_array_add(names, NULL);
    files = (const char *const *)names->pdata;
    finding_check(finding, can_refuse(rule), rule->path, rule->line, "pam_pwquality", rule->control,
                  "required or requisite");
    judge_number(view->host, finding, rule, files, "minlen", 8, LENGTH_MIN, G_MAXINT32,
                 "at least 14 (ANSSI: 15)");
    judge_classes(view->host, finding, rule, files);
    judge_number(view->host, finding, rule, files, "dictcheck", 1, 1, G_MAXINT32, "1");
    judge_number(view->host, finding, rule, files, "maxrepeat", 0, 1, REPEAT_MAX, "1 to 3");
    judge_number(view->host, finding, rule, files, "difok", 1, DIFFERENT_MIN, G_MAXINT32,
                 "at least 2");
    for_root = setting_of(view->host, rule, files, "enforce_for_root");
    finding_check(finding, for_root.value != NULL, for_root.path ? for_root.path : rule->path,
                  for_root.line, "enforce_for_root", for_root.value ? "set" : "not set", "set");
    g_free(for_root.value);
}

/* Modules that prepare or note something and prove nothing about a person. */
static gboolean is_helper(const char *module)
{
    static const char *const helpers[] = {
        "pam_env",           "pam_faildelay", "pam_group",    "pam_nologin", "pam_securetty",
        "pam_shells",        "pam_cap",       "pam_keyinit",  "pam_selinux", "pam_mount",
        "pam_gnome_keyring", "pam_kwallet5",  "pam_warn",     "pam_echo",    "pam_debug",
        "pam_loginuid",      "pam_limits",    "pam_motd",     "pam_tally2",  "pam_access",
        "pam_time",          "pam_issue",     "pam_apparmor", NULL,
    };

    return g_strv_contains(helpers, module);
}

struct attempt {
    gboolean conditions; /* what pam_succeed_if and its like answer */
    gboolean authfail;   /* pam_faillock authfail was reached */
    gboolean preauth;
};

/* Somebody without any proof at the door. */
static enum pam_answer stranger(const struct pam_rule *rule, gpointer data)
{
    static const char *const conditions[] = { "pam_succeed_if", "pam_localuser", "pam_listfile",
                                              NULL };
    struct attempt *attempt = data;

    if (g_str_equal(rule->module, "pam_permit") || is_helper(rule->module))
        return PAM_SAYS_SUCCESS;
    if (g_str_equal(rule->module, "pam_faillock")) {
        if (pam_argument(rule, "preauth")) {
            attempt->preauth = TRUE;
            return PAM_SAYS_SUCCESS;
        }
        attempt->authfail |= pam_argument(rule, "authfail") != NULL;
        return PAM_SAYS_AUTH_ERR;
    }
    if (attempt->conditions && g_strv_contains(conditions, rule->module))
        return PAM_SAYS_SUCCESS;
    return PAM_SAYS_AUTH_ERR;
}

void judge_host_account_lockout(const struct asset_view *view, struct finding *finding)
{
    static const char *const files[] = { "/etc/security/faillock.conf", NULL };
    g_autoptr(pam_stack_t) stack = common_or_finding(view->host, PAM_AUTH, finding);
    g_autoptr(GPtrArray) rules = stack ? pam_flat(stack) : NULL;
    const struct pam_rule *rule = rules ? find_rule(rules, "pam_faillock") : NULL;
    struct attempt attempt = { 0 };
    struct pam_setting unlock;
    gboolean forever;

    if (!stack)
        return;
    if (!rule) {
        finding_fail(finding, ((struct pam_rule *)rules->pdata[0])->path, 0, "pam_faillock",
                     "not in the stack", "preauth and authfail");
        return;
    }
    pam_run(stack, stranger, &attempt);
    finding_check(finding, attempt.preauth && can_refuse(rule), rule->path, rule->line,
                  "pam_faillock preauth",
                  !attempt.preauth   ? "not reached"
                  : can_refuse(rule) ? "reached before the password"
                                     : "cannot refuse",
                  "asked before the password");
    finding_check(finding, attempt.authfail, rule->path, rule->line, "pam_faillock authfail",
                  attempt.authfail ? "reached after a wrong password" : "not reached",
                  "told of wrong passwords");
    host_gap(finding, host_read(view->host, files[0]));
    judge_number(view->host, finding, rule, files, "deny", 3, 1, DENY_MAX, "1 to 5");
    unlock = setting_of(view->host, rule, files, "unlock_time");
    forever =
        unlock.value && (g_str_equal(unlock.value, "0") || g_str_equal(unlock.value, "never"));
    finding_check(finding, forever || number_of(unlock.value, 600) >= UNLOCK_S_MIN,
                  unlock.path ? unlock.path : rule->path, unlock.path ? unlock.line : rule->line,
                  "unlock_time", unlock.value ? unlock.value : "600 (default)",
                  "0, or at least 900 s");
    g_free(unlock.value);
}

void judge_host_account_password_history(const struct asset_view *view, struct finding *finding)
{
    static const char *const files[] = { "/etc/security/pwhistory.conf", NULL };
    g_autoptr(pam_stack_t) stack = common_or_finding(view->host, PAM_PASSWORD, finding);
    g_autoptr(GPtrArray) rules = stack ? pam_flat(stack) : NULL;
    const struct pam_rule *rule = rules ? find_rule(rules, "pam_pwhistory") : NULL;
    gboolean first, asks;

    if (!stack)
        return;
    if (!rule) {
        finding_fail(finding, ((struct pam_rule *)rules->pdata[0])->path, 0, "pam_pwhistory",
                     "not in the stack", "remember=24 use_authtok");
        return;
    }
    finding_check(finding, can_refuse(rule), rule->path, rule->line, "pam_pwhistory", rule->control,
                  "required or requisite");
    judge_number(view->host, finding, rule, files, "remember", 10, REMEMBER_MIN, G_MAXINT32,
                 "at least 24");
    /* The first module of a stack asks for the password, the others take it over. */
    first = rule == rules->pdata[0];
    asks = pam_argument(rule, "use_authtok") != NULL;
    finding_check(finding, asks || first, rule->path, rule->line, "use_authtok",
                  asks ? "set" : "not set", "set");
}

/* The program of pam_exec, and whether others may change it. */
static void judge_exec(struct host *host, struct finding *finding, const struct pam_rule *rule)
{
    for (guint i = 0; rule->arguments[i]; i++) {
        const char *path = rule->arguments[i];
        const struct host_file *file;

        if (*path != '/')
            continue;
        file = host_stat(host, path);
        if (file->state == HOST_OK && (file->uid != 0 || (file->mode & (S_IWGRP | S_IWOTH))))
            finding_fail(finding, rule->path, rule->line, "pam_exec", path,
                         "a program only root can change");
        else
            finding_warn(finding, rule->path, rule->line, "pam_exec", path,
                         "a program you know and need");
        return;
    }
}

static void judge_auth_rules(struct host *host, struct finding *finding, const GPtrArray *rules,
                             GHashTable *seen)
{
    for (guint i = 0; i < rules->len; i++) {
        const struct pam_rule *rule = rules->pdata[i];
        g_autofree char *place = g_strdup_printf("%s:%u", rule->path, rule->line);

        if (!g_hash_table_add(seen, g_steal_pointer(&place)))
            continue;
        if (g_str_equal(rule->module, "pam_unix"))
            finding_check(finding, !pam_argument(rule, "nullok"), rule->path, rule->line,
                          "pam_unix", pam_argument(rule, "nullok") ? "nullok" : "no nullok",
                          "no nullok");
        else if (g_str_equal(rule->module, "pam_permit") &&
                 rule->actions[PAM_SAYS_SUCCESS] == PAM_DO_DONE)
            finding_fail(finding, rule->path, rule->line, "pam_permit", rule->control,
                         "never sufficient");
        else if (g_str_equal(rule->module, "pam_exec"))
            judge_exec(host, finding, rule);
        else if (g_str_equal(rule->module, "pam_wheel") && pam_argument(rule, "trust"))
            finding_warn(finding, rule->path, rule->line, "pam_wheel", "trust",
                         "members of the group prove themselves");
    }
}

/* Display managers ask nobody for the greeter itself and for an automatic login. */
static gboolean is_open_by_design(const char *service)
{
    return g_str_has_suffix(service, "-autologin") || g_str_has_suffix(service, "-greeter") ||
           g_str_equal(service, "gdm-launch-environment");
}

static void judge_service(struct finding *finding, const char *service,
                          const struct pam_stack *stack)
{
    struct attempt attempt = { 0 };
    const struct pam_rule *last = stack->rules->pdata[stack->rules->len - 1];

    if (pam_run(stack, stranger, &attempt)) {
        if (is_open_by_design(service))
            finding_warn(finding, last->path, 0, service, "asks for no proof", "a login that asks");
        else
            finding_fail(finding, last->path, 0, service, "lets in whoever fails every proof",
                         "a stack that refuses");
        return;
    }
    attempt.conditions = TRUE;
    if (pam_run(stack, stranger, &attempt))
        finding_warn(finding, last->path, 0, service, "lets in without proof on a condition",
                     "a stack that refuses");
}

void judge_host_account_no_auth_bypass(const struct asset_view *view, struct finding *finding)
{
    enum host_state state;
    g_auto(GStrv) services = pam_services(view->host, &state);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    guint judged = 0;

    if (!services && state == HOST_ABSENT) {
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "PAM");
        return;
    }
    if (!services) {
        finding_not_measured(finding, state == HOST_DENIED ? REASON_NEEDS_ROOT : REASON_UNREADABLE,
                             "/etc/pam.d");
        return;
    }
    for (guint i = 0; services[i]; i++) {
        g_autoptr(pam_stack_t) stack = NULL;
        g_autoptr(GPtrArray) rules = NULL;
        const struct host_file *file;
        g_autofree char *path = g_build_filename("/etc/pam.d", services[i], NULL);

        file = host_stat(view->host, path);
        if (file->state == HOST_OK && !S_ISREG(file->mode))
            continue;
        stack = pam_stack_read(view->host, services[i], PAM_AUTH);
        for (guint k = 0; k < stack->files->len; k++)
            host_gap(finding, stack->files->pdata[k]);
        if (stack->problem)
            finding_incomplete(finding, REASON_UNREADABLE, "%s", stack->problem);
        /* Stacks made to be included are judged where they are; "other" is a service itself. */
        if (stack->rules->len == 0 || stack->problem || stack->by_other ||
            g_str_has_prefix(services[i], "common-"))
            continue;
        rules = pam_flat(stack);
        judged++;
        judge_auth_rules(view->host, finding, rules, seen);
        judge_service(finding, services[i], stack);
    }
    if (judged) {
        g_autofree char *found = g_strdup_printf("%u services", judged);

        finding_pass(finding, "/etc/pam.d", 0, "auth", found, "none lets a stranger in");
    }
    finding_not_applicable(finding, REASON_NOT_USED, "no service in /etc/pam.d");
}

/* Everybody proves who they are, but is in no special group. */
static enum pam_answer outsider(const struct pam_rule *rule, gpointer data)
{
    if (g_str_equal(rule->module, "pam_rootok") || g_str_equal(rule->module, "pam_deny"))
        return PAM_SAYS_AUTH_ERR;
    if (g_str_equal(rule->module, "pam_faillock") && pam_argument(rule, "authfail"))
        return PAM_SAYS_AUTH_ERR;
    if (g_str_equal(rule->module, "pam_wheel"))
        return pam_argument(rule, "trust") ? PAM_SAYS_IGNORE : PAM_SAYS_AUTH_ERR;
    return PAM_SAYS_SUCCESS;
}

void judge_host_account_su_restricted(const struct asset_view *view, struct finding *finding)
{
    g_autoptr(pam_stack_t) stack = NULL;
    g_autoptr(GPtrArray) rules = NULL;
    const struct pam_rule *rule = NULL;
    const struct accounts *accounts = accounts_of(view->host);
    const struct group *group;
    const char *name;

    if (!pam_has_service(view->host, "su")) {
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "su");
        return;
    }
    stack = pam_stack_read(view->host, "su", PAM_AUTH);
    rules = pam_flat(stack);
    for (guint i = 0; i < rules->len && !rule; i++) {
        rule = rules->pdata[i];
        if (!g_str_equal(rule->module, "pam_wheel") || pam_argument(rule, "trust") ||
            pam_argument(rule, "deny"))
            rule = NULL;
    }
    if (!rule) {
        finding_fail(finding, "/etc/pam.d/su", 0, "pam_wheel", "not in the stack",
                     "required pam_wheel.so use_uid group=NAME");
    } else {
        finding_check(finding, !pam_run(stack, outsider, NULL), rule->path, rule->line, "pam_wheel",
                      rule->control, "refuses whoever is not in the group");
        finding_check(finding, pam_argument(rule, "use_uid") != NULL, rule->path, rule->line,
                      "use_uid", pam_argument(rule, "use_uid") ? "set" : "not set", "set");
        name = pam_argument(rule, "group");
        group = accounts_group(accounts, name ? name : "wheel");
        if (group) {
            g_autofree char *members = g_strjoinv(", ", group->members);

            finding_pass(finding, accounts->group->path, group->line, group->name,
                         *members ? members : "no members", "a group you know");
        } else {
            finding_warn(finding, rule->path, rule->line, "group", name ? name : "wheel",
                         "a group of /etc/group");
        }
    }
    for (guint i = 0; i < stack->files->len; i++)
        host_gap(finding, stack->files->pdata[i]);
    if (stack->problem)
        finding_incomplete(finding, REASON_UNREADABLE, "%s", stack->problem);
}
