/* Judges of users and groups. */
#include "p7_hygiene/host/accounts.h"

#include "catalogue_judges.h"

#include <string.h>

#define DAY_US (86400 * (gint64)G_USEC_PER_SEC)
#define PASSWORD_DAYS_MAX 365
#define PASSWORD_WARN_MIN 7
#define INACTIVE_DAYS_MAX 45

/* The users, or NULL when the finding says why they cannot be judged. */
static const struct accounts *users_or_finding(struct host *host, struct finding *finding)
{
    const struct accounts *accounts = accounts_of(host);

    return host_missing(finding, accounts->passwd) ? NULL : accounts;
}

static void report_nis(const struct accounts *accounts, struct finding *finding)
{
    for (guint i = 0; i < accounts->odd->len; i++) {
        const struct odd_line *odd = accounts->odd->pdata[i];

        if (odd->nis)
            finding_fail(finding, odd->path, odd->line, odd->text, "accounts of a NIS server",
                         "local accounts only");
    }
}

void judge_host_account_single_root(const struct asset_view *view, struct finding *finding)
{
    const struct accounts *accounts = users_or_finding(view->host, finding);

    if (!accounts)
        return;
    for (guint i = 0; i < accounts->users->len; i++) {
        const struct account *account = accounts->users->pdata[i];

        if (account->uid == 0)
            finding_check(finding, g_str_equal(account->name, "root"), accounts->passwd->path,
                          account->line, account->name, "uid 0", "only root has uid 0");
    }
    report_nis(accounts, finding);
    if (finding->outcome == OUTCOME_NONE)
        finding_pass(finding, accounts->passwd->path, 0, "uid 0", "nobody", "only root");
}

void judge_host_account_empty_passwords(const struct asset_view *view, struct finding *finding)
{
    const struct accounts *accounts = users_or_finding(view->host, finding);
    guint judged = 0;

    if (!accounts)
        return;
    for (guint i = 0; i < accounts->users->len; i++) {
        const struct account *account = accounts->users->pdata[i];

        if (!*account->password)
            finding_fail(finding, accounts->passwd->path, account->line, account->name, "empty",
                         "a password, or locked");
    }
    for (guint i = 0; i < accounts->shadows->len; i++) {
        const struct shadow_entry *entry = accounts->shadows->pdata[i];

        judged++;
        if (!*entry->hash)
            finding_fail(finding, accounts->shadow->path, entry->line, entry->name, "empty",
                         "a password, or locked");
    }
    if (accounts->shadow->state == HOST_OK && finding->outcome == OUTCOME_NONE) {
        g_autofree char *found = g_strdup_printf("none of %u is empty", judged);

        finding_pass(finding, accounts->shadow->path, 0, NULL, found, "no empty password");
    }
    if (accounts->shadow->state != HOST_OK && finding->outcome == OUTCOME_NONE)
        host_missing(finding, accounts->shadow);
}

void judge_host_account_shadowed(const struct asset_view *view, struct finding *finding)
{
    const struct accounts *accounts = users_or_finding(view->host, finding);

    if (!accounts)
        return;
    for (guint i = 0; i < accounts->users->len; i++) {
        const struct account *account = accounts->users->pdata[i];
        const char *field = account->password;

        if (g_str_equal(field, "x"))
            continue;
        if (!*field)
            finding_fail(finding, accounts->passwd->path, account->line, account->name, "empty",
                         "x");
        else if (hash_scheme_of(field).strength == HASH_LOCKED)
            finding_warn(finding, accounts->passwd->path, account->line, account->name,
                         "locked in passwd", "x");
        else
            finding_redacted(finding, OUTCOME_FAIL, accounts->passwd->path, account->line,
                             account->name, strlen(field));
    }
    if (finding->outcome == OUTCOME_NONE)
        finding_pass(finding, accounts->passwd->path, 0, NULL, "x for every account", "x");
}

static void judge_hash(struct finding *finding, const char *path, guint line, const char *name,
                       const char *field, guint *hashes)
{
    struct hash_scheme scheme = hash_scheme_of(field);
    const char *wanted = "yescrypt, scrypt, bcrypt or sha512crypt";
    g_autofree char *found = g_strdup_printf("%s%s", scheme.name, scheme.locked ? " (locked)" : "");

    if (scheme.strength <= HASH_LOCKED)
        return;
    (*hashes)++;
    if (scheme.strength == HASH_FAIR)
        finding_warn(finding, path, line, name, found, wanted);
    else
        finding_check(finding, scheme.strength == HASH_STRONG, path, line, name, found, wanted);
}

void judge_host_account_strong_hashes(const struct asset_view *view, struct finding *finding)
{
    const struct accounts *accounts = users_or_finding(view->host, finding);
    guint hashes = 0;

    if (!accounts)
        return;
    for (guint i = 0; i < accounts->users->len; i++) {
        const struct account *account = accounts->users->pdata[i];

        judge_hash(finding, accounts->passwd->path, account->line, account->name, account->password,
                   &hashes);
    }
    for (guint i = 0; i < accounts->shadows->len; i++) {
        const struct shadow_entry *entry = accounts->shadows->pdata[i];

        judge_hash(finding, accounts->shadow->path, entry->line, entry->name, entry->hash, &hashes);
    }
    if (accounts->shadow->state != HOST_OK && finding->outcome != OUTCOME_FAIL) {
        host_gap(finding, accounts->shadow);
        host_missing(finding, accounts->shadow);
    } else if (!hashes) {
        finding_not_applicable(finding, REASON_NOT_USED, "no account has a password");
    }
}

/* Says each value that stands twice; `kind` names it. */
static void report_twice(struct finding *finding, const char *path, GHashTable *seen,
                         const char *kind, const char *value, const char *name, guint line)
{
    const char *before = g_hash_table_lookup(seen, value);

    if (!before) {
        g_hash_table_insert(seen, g_strdup(value), (gpointer)name);
        return;
    }
    {
        g_autofree char *found = g_strdup_printf("%s %s, as %s", kind, value, before);

        finding_fail(finding, path, line, name, found, "unique");
    }
}

static GHashTable *text_table(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

void judge_host_account_unique_ids(const struct asset_view *view, struct finding *finding)
{
    const struct accounts *accounts = users_or_finding(view->host, finding);
    g_autoptr(GHashTable) uids = text_table(), users = text_table();
    g_autoptr(GHashTable) gids = text_table(), groups = text_table();

    if (!accounts || host_missing(finding, accounts->group))
        return;
    for (guint i = 0; i < accounts->groups->len; i++) {
        const struct group *group = accounts->groups->pdata[i];
        g_autofree char *gid = g_strdup_printf("%" G_GINT64_FORMAT, group->gid);

        report_twice(finding, accounts->group->path, gids, "gid", gid, group->name, group->line);
        report_twice(finding, accounts->group->path, groups, "name", group->name, group->name,
                     group->line);
    }
    for (guint i = 0; i < accounts->users->len; i++) {
        const struct account *account = accounts->users->pdata[i];
        g_autofree char *uid = g_strdup_printf("%" G_GINT64_FORMAT, account->uid);
        g_autofree char *gid = g_strdup_printf("%" G_GINT64_FORMAT, account->gid);

        report_twice(finding, accounts->passwd->path, uids, "uid", uid, account->name,
                     account->line);
        report_twice(finding, accounts->passwd->path, users, "name", account->name, account->name,
                     account->line);
        if (!g_hash_table_contains(gids, gid)) {
            g_autofree char *found = g_strdup_printf("gid %s", gid);

            finding_fail(finding, accounts->passwd->path, account->line, account->name, found,
                         "a group of /etc/group");
        }
    }
    for (guint i = 0; i < accounts->odd->len; i++) {
        const struct odd_line *odd = accounts->odd->pdata[i];

        if (!odd->nis)
            finding_warn(finding, odd->path, odd->line, odd->text, "fields are missing",
                         "a whole line");
    }
    if (finding->outcome == OUTCOME_NONE) {
        g_autofree char *found =
            g_strdup_printf("%u users, %u groups", accounts->users->len, accounts->groups->len);

        finding_pass(finding, accounts->passwd->path, 0, NULL, found, "unique names and numbers");
    }
}

void judge_host_account_system_locked(const struct asset_view *view, struct finding *finding)
{
    /* Their programs do one thing and are normal shells in Debian. */
    static const char *const special[] = { "root", "sync", "halt", "shutdown", NULL };
    const struct accounts *accounts = users_or_finding(view->host, finding);

    if (!accounts)
        return;
    for (guint i = 0; i < accounts->users->len; i++) {
        const struct account *account = accounts->users->pdata[i];

        if (account_is_human(account) || account->uid == 0 ||
            g_strv_contains(special, account->name))
            continue;
        if (account_has_shell(account))
            finding_fail(finding, accounts->passwd->path, account->line, account->name,
                         *account->shell ? account->shell : "empty (/bin/sh)", "/usr/sbin/nologin");
        if (account_has_password(account))
            finding_fail(finding, accounts->shadow->path,
                         account->shadow ? account->shadow->line : 0, account->name, "a password",
                         "locked");
    }
    if (finding->outcome == OUTCOME_NONE && accounts->shadow->state == HOST_OK)
        finding_pass(finding, accounts->passwd->path, 0, NULL, "closed for login",
                     "nologin and locked");
    host_gap(finding, accounts->shadow);
    if (accounts->shadow->state != HOST_OK)
        host_missing(finding, accounts->shadow);
}

void judge_host_account_privileged_groups(const struct asset_view *view, struct finding *finding)
{
    static const struct {
        const char *name, *power;
        gboolean
            expected;     /* an administrators' group: members are listed, and are theirs to know */
        const char *role; /* where membership is part of the job */
    } groups[] = {
        { "shadow", "reads password hashes", FALSE, NULL },
        { "disk", "reads and writes raw disks", FALSE, NULL },
        { "kmem", "reads kernel memory", FALSE, NULL },
        { "docker", "starts containers as root", FALSE, "container-host" },
        { "lxd", "starts containers as root", FALSE, "container-host" },
        { "incus-admin", "starts containers as root", FALSE, "container-host" },
        { "sudo", "administrators", TRUE, NULL },
        { "wheel", "administrators", TRUE, NULL },
        { "adm", "reads the logs", TRUE, NULL },
    };
    const struct accounts *accounts = users_or_finding(view->host, finding);

    if (!accounts || host_missing(finding, accounts->group))
        return;
    for (guint i = 0; i < G_N_ELEMENTS(groups); i++) {
        const struct group *group = accounts_group(accounts, groups[i].name);
        g_autoptr(GPtrArray) members = group ? accounts_members(accounts, group) : NULL;
        g_autofree char *list = NULL, *found = NULL;

        if (!group)
            continue;
        if (members->len == 0) {
            finding_pass(finding, accounts->group->path, group->line, group->name, "no members",
                         "no members");
            continue;
        }
        g_ptr_array_add(members, NULL);
        list = g_strjoinv(", ", (char **)members->pdata);
        found = g_strdup_printf("%s (%s)", list, groups[i].power);
        if (groups[i].expected)
            finding_pass(finding, accounts->group->path, group->line, group->name, found,
                         "administrators you know");
        else if (groups[i].role && host_has_role(view->host, groups[i].role))
            finding_warn(finding, accounts->group->path, group->line, group->name, found,
                         "administrators you know");
        else
            finding_fail(finding, accounts->group->path, group->line, group->name, found,
                         "no members");
    }
    if (finding->outcome == OUTCOME_NONE)
        finding_pass(finding, accounts->group->path, 0, NULL, "no such group", "no members");
}

static void judge_days(struct finding *finding, const char *path, guint line, const char *key,
                       const char *what, gint64 days, gint64 least, gint64 most)
{
    g_autofree char *found = days == ACCOUNT_NONE
                                 ? g_strdup_printf("%s: not set", what)
                                 : g_strdup_printf("%s: %" G_GINT64_FORMAT " days", what, days);
    g_autofree char *wanted =
        most == G_MAXINT64
            ? g_strdup_printf("at least %" G_GINT64_FORMAT, least)
            : g_strdup_printf("%" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, least, most);

    finding_check(finding, days != ACCOUNT_NONE && days >= least && days <= most, path, line, key,
                  found, wanted);
}

static gint64 days_of(const char *text)
{
    gint64 days;

    return text && g_ascii_string_to_signed(text, 10, 0, G_MAXINT32, &days, NULL) ? days
                                                                                  : ACCOUNT_NONE;
}

static void judge_default_days(struct host *host, struct finding *finding, const char *path,
                               const char *key, gint64 least, gint64 most)
{
    const struct host_file *file = host_read(host, path);
    guint line;
    g_autofree char *value = key_lookup(file, key, &line);

    if (!host_gap(finding, file))
        judge_days(finding, path, line, key, "new accounts", days_of(value), least, most);
}

void judge_host_account_password_ageing(const struct asset_view *view, struct finding *finding)
{
    const struct accounts *accounts = users_or_finding(view->host, finding);

    if (!accounts)
        return;
    judge_default_days(view->host, finding, "/etc/login.defs", "PASS_MAX_DAYS", 1,
                       PASSWORD_DAYS_MAX);
    judge_default_days(view->host, finding, "/etc/login.defs", "PASS_WARN_AGE", PASSWORD_WARN_MIN,
                       G_MAXINT64);
    judge_default_days(view->host, finding, "/etc/default/useradd", "INACTIVE", 0,
                       INACTIVE_DAYS_MAX);
    for (guint i = 0; i < accounts->users->len; i++) {
        const struct account *account = accounts->users->pdata[i];
        const struct shadow_entry *entry = account->shadow;

        if (!entry || !account_has_password(account) || !*entry->hash)
            continue;
        judge_days(finding, accounts->shadow->path, entry->line, account->name, "longest use",
                   entry->most, 1, PASSWORD_DAYS_MAX);
        judge_days(finding, accounts->shadow->path, entry->line, account->name, "warning",
                   entry->warn, PASSWORD_WARN_MIN, G_MAXINT64);
        judge_days(finding, accounts->shadow->path, entry->line, account->name, "idle after",
                   entry->inactive, 0, INACTIVE_DAYS_MAX);
    }
    host_gap(finding, accounts->shadow);
}

void judge_host_account_change_not_future(const struct asset_view *view, struct finding *finding)
{
    const struct accounts *accounts = users_or_finding(view->host, finding);
    /* A day of grace: the file counts days of UTC, the machine may live east of it. */
    gint64 today = view->now_us / DAY_US + 1;

    if (!accounts || host_missing(finding, accounts->shadow))
        return;
    for (guint i = 0; i < accounts->shadows->len; i++) {
        const struct shadow_entry *entry = accounts->shadows->pdata[i];
        g_autofree char *found = NULL;

        if (entry->changed <= today)
            continue;
        found = g_strdup_printf("changed on day %" G_GINT64_FORMAT, entry->changed);
        finding_fail(finding, accounts->shadow->path, entry->line, entry->name, found,
                     "today or before");
    }
    if (finding->outcome == OUTCOME_NONE)
        finding_pass(finding, accounts->shadow->path, 0, NULL, "no date lies ahead",
                     "today or before");
}
