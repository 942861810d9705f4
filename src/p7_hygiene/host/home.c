/* Judges of home folders: who may look in, and what lies about in them. */
#include "p7_hygiene/host/homes.h"
#include "p7_hygiene/host/ssh_key.h"
#include "p7_hygiene/host/sshd.h"

#include "catalogue_judges.h"

#include <string.h>
#include <sys/stat.h>

#define HOME_MODE 0750
#define OTHERS_WRITE (S_IWGRP | S_IWOTH)
#define OTHERS_ANY (S_IRWXG | S_IRWXO)
#define RSA_BITS_LEAST 2048
#define RSA_BITS_GOOD 3072
#define HISTORY_LINE_MAX 4096 /* bytes of a line that are searched */

static char *mode_text(const struct host_file *file)
{
    return g_strdup_printf("%04o, uid %u", file->mode & 07777, file->uid);
}

/* The homes, or NULL when the finding says why there are none to judge. */
static const GPtrArray *homes_or_finding(struct host *host, struct finding *finding)
{
    const GPtrArray *homes;

    if (host_missing(finding, accounts_of(host)->passwd))
        return NULL;
    homes = homes_of(host);
    if (homes->len == 0) {
        finding_not_applicable(finding, REASON_NOT_USED, "no account of a person");
        return NULL;
    }
    return homes;
}

/* A home that only root may look into leaves the finding incomplete. */
static gboolean home_gap(struct finding *finding, const struct home *home)
{
    if (home->fd >= 0)
        return FALSE;
    host_gap(finding, &home->folder);
    return TRUE;
}

void judge_host_home_folder_modes(const struct asset_view *view, struct finding *finding)
{
    const GPtrArray *homes = homes_or_finding(view->host, finding);

    if (!homes)
        return;
    for (guint i = 0; i < homes->len; i++) {
        const struct home *home = homes->pdata[i];
        const struct account *account = home->account;
        const struct host_file *folder = &home->folder;
        g_autofree char *found = NULL, *wanted = NULL;

        if (!account_is_human(account))
            continue;
        /* stat(2) needs no right on the folder itself: a mode that keeps us out is still known. */
        if (folder->mode == 0 && folder->state != HOST_ABSENT) {
            host_gap(finding, folder);
            continue;
        }
        if (folder->state == HOST_ABSENT) {
            if (account_has_shell(account))
                finding_fail(finding, account->home, 0, account->name, "no such folder",
                             "a folder of its own");
            continue;
        }
        found = mode_text(folder);
        wanted = g_strdup_printf("at most %04o, uid %" G_GINT64_FORMAT, HOME_MODE, account->uid);
        finding_check(finding,
                      S_ISDIR(folder->mode) && !(folder->mode & 07777 & ~(HOME_MODE | S_ISGID)) &&
                          folder->uid == account->uid,
                      account->home, 0, account->name, found, wanted);
    }
    finding_not_applicable(finding, REASON_NOT_USED, "no account of a person");
}

static void judge_dot_file(struct finding *finding, struct home *home, const char *name)
{
    static const char *const trust[] = { ".rhosts", ".shosts", ".forward", NULL };
    static const char *const secret[] = { ".netrc", ".pgpass", ".my.cnf", NULL };
    const struct host_file *file = home_stat(home, name);
    g_autofree char *found = NULL;

    if (file->state != HOST_OK || !S_ISREG(file->mode))
        return;
    found = mode_text(file);
    if (g_strv_contains(trust, name))
        finding_fail(finding, file->path, 0, home->account->name, "present", "no such file");
    else if (g_strv_contains(secret, name))
        finding_check(finding, !(file->mode & OTHERS_ANY), file->path, 0, home->account->name,
                      found, "0600");
    else if (file->mode & OTHERS_WRITE)
        finding_fail(finding, file->path, 0, home->account->name, found,
                     "not writable by group or others");
    else if (file->uid != home->account->uid && file->uid != 0)
        finding_fail(finding, file->path, 0, home->account->name, found, "owned by the user");
}

void judge_host_home_dot_files(const struct asset_view *view, struct finding *finding)
{
    static const char *const deeper[] = { ".ssh/config", ".ssh/rc", ".ssh/environment",
                                          ".config/git/config", ".config/fish/config.fish" };
    const GPtrArray *homes = homes_or_finding(view->host, finding);

    if (!homes)
        return;
    for (guint i = 0; i < homes->len; i++) {
        struct home *home = homes->pdata[i];
        g_auto(GStrv) names = home_list(home, "");
        guint looked = 0;

        if (home_gap(finding, home))
            continue;
        for (guint k = 0; names && names[k]; k++)
            if (names[k][0] == '.') {
                judge_dot_file(finding, home, names[k]);
                looked++;
            }
        for (guint k = 0; k < G_N_ELEMENTS(deeper); k++)
            judge_dot_file(finding, home, deeper[k]);
        if (names) {
            g_autofree char *found = g_strdup_printf("%u dot files looked at", looked);

            finding_pass(finding, home->folder.path, 0, home->account->name, found,
                         "no trust files, no rc file others may write");
        }
    }
    finding_not_applicable(finding, REASON_NOT_USED, "no home is there");
}

struct key_file {
    struct finding *finding;
    const struct host_file *file;
    const char *user;
    guint keys;
};

/* Whether a from= list holds a pattern for every address. */
static gboolean is_open_from(const char *from)
{
    g_auto(GStrv) patterns = g_strsplit(from, ",", -1);

    for (guint i = 0; patterns[i]; i++)
        if (strspn(patterns[i], "*.?") == strlen(patterns[i]) ||
            g_str_has_suffix(patterns[i], "/0"))
            return TRUE;
    return FALSE;
}

static void judge_authorized_key(guint line, const char *text, gsize length, gpointer data)
{
    struct key_file *keys = data;
    g_autofree char *copy = g_strndup(text, length), *found = NULL, *from = NULL;
    struct ssh_public_key key;
    gboolean weak, open;

    if (!ssh_public_key_parse(g_strchomp(copy), &key))
        return;
    keys->keys++;
    from = ssh_public_key_option(&key, "from");
    open = from && is_open_from(from);
    weak = g_str_has_prefix(key.type, "ssh-dss") ||
           (g_str_has_prefix(key.type, "ssh-rsa") && key.bits < RSA_BITS_LEAST);
    found = key.bits
                ? g_strdup_printf("%s of %u bits, %s%s", key.type, key.bits,
                                  key.comment ? key.comment : "no comment", open ? ", from=*" : "")
                : g_strdup_printf("%s, %s%s", key.type, key.comment ? key.comment : "no comment",
                                  open ? ", from=*" : "");
    if (weak || open)
        finding_fail(keys->finding, keys->file->path, line, keys->user, found,
                     weak ? "ed25519, ecdsa, or RSA of 3072 bits" : "named addresses");
    else if (!key.comment || (key.bits && key.bits < RSA_BITS_GOOD))
        finding_warn(keys->finding, keys->file->path, line, keys->user, found,
                     key.comment ? "RSA of 3072 bits" : "a comment that names the owner");
    else
        finding_pass(keys->finding, keys->file->path, line, keys->user, found,
                     "a strong key of a known owner");
    ssh_public_key_clear(&key);
}

static guint judge_authorized_keys(struct finding *finding, const struct home *home,
                                   const struct host_file *file)
{
    struct key_file keys = { .finding = finding, .file = file, .user = home->account->name };
    g_autofree char *mode = NULL;

    if (file->state == HOST_ABSENT)
        return 0;
    if (S_ISLNK(file->mode)) {
        finding_warn(finding, file->path, 0, home->account->name, "a link", "a regular file");
        return 1;
    }
    if (host_gap(finding, file))
        return 0;
    mode = mode_text(file);
    finding_check(finding,
                  !(file->mode & OTHERS_ANY) && (file->uid == home->account->uid || file->uid == 0),
                  file->path, 0, home->account->name, mode, "0600, owned by the user");
    host_each_line(file, judge_authorized_key, &keys);
    return keys.keys + 1;
}

/* %u, %h and %% of AuthorizedKeysFile (sshd_config(5) TOKENS). */
static char *expand_tokens(const char *pattern, const struct account *account)
{
    GString *out = g_string_new(NULL);

    for (; *pattern; pattern++) {
        if (*pattern != '%' || !pattern[1]) {
            g_string_append_c(out, *pattern);
            continue;
        }
        switch (*++pattern) {
        case 'u':
            g_string_append(out, account->name);
            break;
        case 'h':
            g_string_append(out, account->home);
            break;
        case 'U':
            g_string_append_printf(out, "%" G_GINT64_FORMAT, account->uid);
            break;
        default:
            g_string_append_c(out, *pattern);
        }
    }
    return g_string_free(out, FALSE);
}

void judge_host_home_authorized_keys(const struct asset_view *view, struct finding *finding)
{
    const GPtrArray *homes = homes_or_finding(view->host, finding);
    g_autoptr(sshd_setting_t) setting = NULL;
    g_auto(GStrv) patterns = NULL;
    guint seen = 0;

    if (!homes)
        return;
    setting = sshd_get(sshd_of(view->host), "AuthorizedKeysFile");
    patterns = g_strsplit(setting->value, " ", -1);
    for (guint i = 0; i < homes->len; i++) {
        struct home *home = homes->pdata[i];
        const struct host_file *folder;

        if (home_gap(finding, home))
            continue;
        folder = home_stat(home, ".ssh");
        if (folder->state == HOST_OK && (folder->mode & OTHERS_WRITE)) {
            g_autofree char *mode = mode_text(folder);

            finding_fail(finding, folder->path, 0, home->account->name, mode, "0700");
        }
        host_gap(finding, folder);
        for (guint k = 0; patterns[k]; k++) {
            g_autofree char *path = expand_tokens(patterns[k], home->account);
            g_autofree char *prefix = g_strconcat(home->account->home, "/", NULL);
            const struct host_file *file;

            if (g_str_equal(path, "none"))
                continue;
            if (g_str_has_prefix(path, prefix))
                file = home_read(home, path + strlen(prefix));
            else
                file = *path == '/' ? host_read(view->host, path) : home_read(home, path);
            seen += judge_authorized_keys(finding, home, file);
        }
    }
    if (!seen)
        finding_not_applicable(finding, REASON_NOT_USED, "no authorized_keys file");
}

void judge_host_home_private_keys(const struct asset_view *view, struct finding *finding)
{
    const GPtrArray *homes = homes_or_finding(view->host, finding);

    if (!homes)
        return;
    for (guint i = 0; i < homes->len; i++) {
        struct home *home = homes->pdata[i];
        g_auto(GStrv) names = NULL;

        if (home_gap(finding, home))
            continue;
        names = home_list(home, ".ssh");
        if (!names)
            host_gap(finding, home_stat(home, ".ssh"));
        for (guint k = 0; names && names[k]; k++) {
            g_autofree char *name = g_build_filename(".ssh", names[k], NULL);
            const struct host_file *file = home_stat(home, name);
            g_autofree char *found = NULL;
            enum ssh_private kind;

            if (file->state != HOST_OK || !S_ISREG(file->mode) || g_str_has_suffix(name, ".pub") ||
                g_str_has_prefix(names[k], "known_hosts"))
                continue;
            file = home_read(home, name);
            if (host_gap(finding, file))
                continue;
            kind = ssh_private_key_kind(file->text, file->length);
            if (kind == SSH_NOT_PRIVATE)
                continue;
            found = g_strdup_printf("%s, %04o",
                                    kind == SSH_PRIVATE_ENCRYPTED ? "encrypted" : "not encrypted",
                                    file->mode & 07777);
            finding_check(finding, kind == SSH_PRIVATE_ENCRYPTED && !(file->mode & OTHERS_ANY),
                          file->path, 0, home->account->name, found, "encrypted, 0600");
        }
    }
    finding_not_applicable(finding, REASON_NOT_USED, "no private key in a home");
}

/* What a password on a command line looks like; group 1 is the secret. */
static const struct {
    const char *rule, *pattern;
} secret_patterns[] = {
    { "mysql -p",
      "\\b(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-dump)\\b.*?\\s-p([^\\s-]\\S*)" },
    { "--password=", "\\s--?pass(?:word|wd)?[= ]([^\\s$-]\\S*)" },
    { "sshpass", "\\bsshpass\\s+-p\\s*(\\S+)" },
    { "Authorization header", "(?i)authorization:\\s*(?:bearer|basic|token)\\s+([^\\s$\"']+)" },
    { "curl -u", "\\bcurl\\b.*?\\s(?:-u|--user)[ =]?['\"]?[^\\s:'\"]+:([^\\s$'\"]+)" },
    { "password in a URL", "\\b[a-z][a-z0-9+.-]*://[^\\s/:@]+:([^\\s/@$]+)@" },
    { "secret in a variable",
      "(?i)\\b\\w*(?:password|passwd|secret|token|api_?key)\\w*=['\"]?([^\\s$'\"]{4,})" },
    { "redis-cli -a", "\\bredis-cli\\b.*?\\s-a\\s+(\\S+)" },
    { "AWS key", "\\b((?:AKIA|ASIA)[0-9A-Z]{16})\\b" },
    { "password in SQL", "(?i)\\b(?:identified\\s+by|password)\\s+'([^']+)'" },
};

struct history {
    struct finding *finding;
    const struct host_file *file;
    GRegex *const *patterns;
};

static void search_line(guint line, const char *text, gsize length, gpointer data)
{
    const struct history *history = data;
    g_autofree char *copy = g_utf8_make_valid(text, MIN(length, HISTORY_LINE_MAX));

    for (guint i = 0; i < G_N_ELEMENTS(secret_patterns); i++) {
        g_autoptr(GMatchInfo) match = NULL;

        if (g_regex_match(history->patterns[i], copy, 0, &match)) {
            g_autofree char *secret = g_match_info_fetch(match, 1);

            finding_redacted(history->finding, OUTCOME_FAIL, history->file->path, line,
                             secret_patterns[i].rule, strlen(secret));
            return;
        }
    }
}

void judge_host_home_history_secrets(const struct asset_view *view, struct finding *finding)
{
    static const char *const names[] = {
        ".bash_history",     ".zsh_history",    ".ash_history",    ".sh_history",
        ".ksh_history",      ".history",        ".mysql_history",  ".mariadb_history",
        ".psql_history",     ".python_history", ".sqlite_history", ".rediscli_history",
        ".node_repl_history"
    };
    const GPtrArray *homes = homes_or_finding(view->host, finding);
    GRegex *patterns[G_N_ELEMENTS(secret_patterns)];

    if (!homes)
        return;
    for (guint i = 0; i < G_N_ELEMENTS(patterns); i++)
        patterns[i] = g_regex_new(secret_patterns[i].pattern, G_REGEX_OPTIMIZE, 0, NULL);
    for (guint i = 0; i < homes->len; i++) {
        struct home *home = homes->pdata[i];

        if (home_gap(finding, home))
            continue;
        for (guint k = 0; k < G_N_ELEMENTS(names); k++) {
            const struct host_file *file = home_read(home, names[k]);
            struct history history = { finding, file, patterns };
            g_autofree char *mode = NULL;

            /* A link to /dev/null is a common way to keep no history. */
            if (file->state == HOST_ABSENT || S_ISLNK(file->mode) || host_gap(finding, file))
                continue;
            mode = mode_text(file);
            finding_check(finding, !(file->mode & OTHERS_ANY), file->path, 0, home->account->name,
                          mode, "0600");
            host_each_line(file, search_line, &history);
        }
    }
    for (guint i = 0; i < G_N_ELEMENTS(patterns); i++)
        g_regex_unref(patterns[i]);
    finding_not_applicable(finding, REASON_NOT_USED, "no history is kept");
}

void judge_host_home_cloud_credentials(const struct asset_view *view, struct finding *finding)
{
    static const struct {
        const char *name,
            *sign; /* the file holds a secret when `sign` stands in it; NULL: always */
    } files[] = {
        { ".aws/credentials", NULL },
        { ".azure/accessTokens.json", NULL },
        { ".azure/msal_token_cache.json", NULL },
        { ".config/doctl/config.yaml", NULL },
        { ".config/gcloud/access_tokens.db", NULL },
        { ".config/gcloud/application_default_credentials.json", NULL },
        { ".config/gcloud/credentials.db", NULL },
        { ".config/gh/hosts.yml", "oauth_token" },
        { ".config/openstack/clouds.yaml", NULL },
        { ".config/rclone/rclone.conf", NULL },
        { ".docker/config.json", "\"auth\"" },
        { ".git-credentials", NULL },
        { ".kube/config", NULL },
        { ".npmrc", "_auth" },
        { ".pypirc", "password" },
        { ".s3cfg", NULL },
        { ".terraform.d/credentials.tfrc.json", NULL },
        { ".vault-token", NULL },
    };
    const GPtrArray *homes = homes_or_finding(view->host, finding);

    if (!homes)
        return;
    for (guint i = 0; i < homes->len; i++) {
        struct home *home = homes->pdata[i];

        if (home_gap(finding, home))
            continue;
        for (guint k = 0; k < G_N_ELEMENTS(files); k++) {
            const struct host_file *file =
                files[k].sign ? home_read(home, files[k].name) : home_stat(home, files[k].name);
            g_autofree char *mode = NULL;

            if (file->state == HOST_ABSENT || S_ISLNK(file->mode) || host_gap(finding, file) ||
                (files[k].sign && !strstr(file->text, files[k].sign)))
                continue;
            mode = mode_text(file);
            finding_check(finding, !(file->mode & OTHERS_ANY) && file->uid == home->account->uid,
                          file->path, 0, home->account->name, mode, "0600, owned by the user");
        }
    }
    finding_not_applicable(finding, REASON_NOT_USED, "no cloud credentials in a home");
}
