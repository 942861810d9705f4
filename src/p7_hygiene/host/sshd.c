#include "p7_hygiene/host/sshd.h"

#include <string.h>
#include <unistd.h>

#define SSHD_CONFIG "/etc/ssh/sshd_config"
#define SSHD_DEFAULTS "/etc/default/ssh"

/* Compiled defaults of OpenSSH 9.2 (servconf.c fill_default_server_options, myproposal.h). */
static const struct {
    const char *keyword, *value;
} defaults[] = {
    { "acceptenv", "" },
    { "addressfamily", "any" },
    { "allowagentforwarding", "yes" },
    { "allowgroups", "" },
    { "allowstreamlocalforwarding", "yes" },
    { "allowtcpforwarding", "yes" },
    { "allowusers", "" },
    { "authenticationmethods", "any" },
    { "authorizedkeyscommand", "none" },
    { "authorizedkeysfile", ".ssh/authorized_keys .ssh/authorized_keys2" },
    { "banner", "none" },
    { "ciphers", "chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,"
                 "aes128-gcm@openssh.com,aes256-gcm@openssh.com" },
    { "clientalivecountmax", "3" },
    { "clientaliveinterval", "0" },
    { "denygroups", "" },
    { "denyusers", "" },
    { "disableforwarding", "no" },
    { "gatewayports", "no" },
    { "gssapiauthentication", "no" },
    { "hostbasedauthentication", "no" },
    { "hostkeyalgorithms",
      "ssh-ed25519-cert-v01@openssh.com,ecdsa-sha2-nistp256-cert-v01@openssh.com,"
      "ecdsa-sha2-nistp384-cert-v01@openssh.com,ecdsa-sha2-nistp521-cert-v01@openssh.com,"
      "sk-ssh-ed25519-cert-v01@openssh.com,sk-ecdsa-sha2-nistp256-cert-v01@openssh.com,"
      "rsa-sha2-512-cert-v01@openssh.com,rsa-sha2-256-cert-v01@openssh.com,ssh-ed25519,"
      "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,sk-ssh-ed25519@openssh.com,"
      "sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256" },
    { "ignorerhosts", "yes" },
    { "kbdinteractiveauthentication", "yes" },
    { "kexalgorithms",
      "sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com,curve25519-sha256,"
      "curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,"
      "diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,"
      "diffie-hellman-group18-sha512,diffie-hellman-group14-sha256" },
    { "logingracetime", "120" },
    { "loglevel", "INFO" },
    { "macs", "umac-64-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com,"
              "hmac-sha2-512-etm@openssh.com,hmac-sha1-etm@openssh.com,umac-64@openssh.com,"
              "umac-128@openssh.com,hmac-sha2-256,hmac-sha2-512,hmac-sha1" },
    { "maxauthtries", "6" },
    { "maxsessions", "10" },
    { "maxstartups", "10:30:100" },
    { "passwordauthentication", "yes" },
    { "permitemptypasswords", "no" },
    { "permitrootlogin", "prohibit-password" },
    { "permittunnel", "no" },
    { "permituserenvironment", "no" },
    { "port", "22" },
    { "pubkeyauthentication", "yes" },
    { "requiredrsasize", "1024" },
    { "strictmodes", "yes" },
    { "usepam", "no" },
    { "x11forwarding", "no" },
};

/* Older names of the same keyword (servconf.c keywords[]). */
static const struct {
    const char *old, *now;
} renamed[] = {
    { "challengeresponseauthentication", "kbdinteractiveauthentication" },
    { "skeyauthentication", "kbdinteractiveauthentication" },
    { "dsaauthentication", "pubkeyauthentication" },
    { "pubkeyacceptedkeytypes", "pubkeyacceptedalgorithms" },
    { "hostbasedacceptedkeytypes", "hostbasedacceptedalgorithms" },
    { "hostdsakey", "hostkey" },
};

static const char *const host_keys[] = {
    "/etc/ssh/ssh_host_rsa_key",
    "/etc/ssh/ssh_host_ecdsa_key",
    "/etc/ssh/ssh_host_ed25519_key",
};

/* Everything the 9.2 build knows by name, against which wildcards are expanded. */
static const struct {
    const char *keyword, *all;
} known_algorithms[] = {
    { "ciphers", "3des-cbc,aes128-cbc,aes192-cbc,aes256-cbc,aes128-ctr,aes192-ctr,aes256-ctr,"
                 "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com" },
    { "macs", "hmac-sha1,hmac-sha1-96,hmac-sha2-256,hmac-sha2-512,hmac-md5,hmac-md5-96,"
              "umac-64@openssh.com,umac-128@openssh.com,hmac-sha1-etm@openssh.com,"
              "hmac-sha1-96-etm@openssh.com,hmac-sha2-256-etm@openssh.com,"
              "hmac-sha2-512-etm@openssh.com,hmac-md5-etm@openssh.com,"
              "hmac-md5-96-etm@openssh.com,umac-64-etm@openssh.com,umac-128-etm@openssh.com" },
    { "kexalgorithms",
      "diffie-hellman-group1-sha1,diffie-hellman-group14-sha1,diffie-hellman-group14-sha256,"
      "diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,"
      "diffie-hellman-group-exchange-sha1,diffie-hellman-group-exchange-sha256,"
      "ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,curve25519-sha256,"
      "curve25519-sha256@libssh.org,sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com" },
    { "hostkeyalgorithms",
      "ssh-ed25519,ssh-ed25519-cert-v01@openssh.com,sk-ssh-ed25519@openssh.com,"
      "sk-ssh-ed25519-cert-v01@openssh.com,ecdsa-sha2-nistp256,"
      "ecdsa-sha2-nistp256-cert-v01@openssh.com,ecdsa-sha2-nistp384,"
      "ecdsa-sha2-nistp384-cert-v01@openssh.com,ecdsa-sha2-nistp521,"
      "ecdsa-sha2-nistp521-cert-v01@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com,"
      "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com,webauthn-sk-ecdsa-sha2-nistp256@openssh.com,"
      "ssh-dss,ssh-dss-cert-v01@openssh.com,ssh-rsa,ssh-rsa-cert-v01@openssh.com,rsa-sha2-256,"
      "rsa-sha2-256-cert-v01@openssh.com,rsa-sha2-512,rsa-sha2-512-cert-v01@openssh.com" },
};

static const char *canonical(const char *keyword)
{
    for (guint i = 0; i < G_N_ELEMENTS(renamed); i++)
        if (g_str_equal(keyword, renamed[i].old))
            return renamed[i].now;
    return keyword;
}

static const char *default_of(const char *keyword)
{
    /* One list of signature algorithms serves host and user keys. */
    if (g_str_equal(keyword, "pubkeyacceptedalgorithms"))
        keyword = "hostkeyalgorithms";
    for (guint i = 0; i < G_N_ELEMENTS(defaults); i++)
        if (g_str_equal(keyword, defaults[i].keyword))
            return defaults[i].value;
    return "";
}

void sshd_setting_free(struct sshd_setting *setting)
{
    g_free(setting->value);
    g_free(setting);
}

static struct sshd_setting *default_setting(const char *value)
{
    struct sshd_setting *setting = g_new0(struct sshd_setting, 1);

    setting->value = g_strdup(value);
    return setting;
}

static struct sshd_setting *setting_of(const struct ssh_statement *statement)
{
    struct sshd_setting *setting = g_new0(struct sshd_setting, 1);

    setting->value = ssh_statement_value(statement);
    setting->path = statement->path;
    setting->line = statement->line;
    if (!statement->scope->everyone)
        setting->condition = statement->scope->condition;
    return setting;
}

/* A block that matches everyone overrides what stands outside of blocks. */
static gboolean overrides(const struct ssh_statement *statement)
{
    return statement->scope->everyone && statement->scope->condition;
}

static gboolean is_about(const struct ssh_statement *statement, const char *keyword)
{
    return g_ascii_strcasecmp(canonical(statement->keyword), keyword) == 0;
}

struct sshd_setting *sshd_get(const struct sshd *sshd, const char *keyword)
{
    const struct ssh_statement *winner = NULL;
    g_autofree char *name = g_ascii_strdown(keyword, -1);
    const GPtrArray *list = sshd->statements->list;

    for (guint i = 0; i < list->len; i++) {
        const struct ssh_statement *statement = list->pdata[i];

        if (!is_about(statement, name) || !statement->scope->everyone)
            continue;
        if (overrides(statement))
            return setting_of(statement);
        if (!winner)
            winner = statement;
    }
    return winner ? setting_of(winner) : default_setting(default_of(name));
}

GPtrArray *sshd_conditional(const struct sshd *sshd, const char *keyword)
{
    GPtrArray *found = g_ptr_array_new_with_free_func((GDestroyNotify)sshd_setting_free);
    g_autofree char *name = g_ascii_strdown(keyword, -1);
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    const GPtrArray *list = sshd->statements->list;

    for (guint i = 0; i < list->len; i++) {
        const struct ssh_statement *statement = list->pdata[i];

        if (!is_about(statement, name))
            continue;
        if (overrides(statement))
            break;
        if (!statement->scope->everyone && g_hash_table_add(seen, (gpointer)statement->scope))
            g_ptr_array_add(found, setting_of(statement));
    }
    return found;
}

GPtrArray *sshd_all(const struct sshd *sshd, const char *keyword)
{
    GPtrArray *found = g_ptr_array_new_with_free_func((GDestroyNotify)sshd_setting_free);
    g_autofree char *name = g_ascii_strdown(keyword, -1);
    const GPtrArray *list = sshd->statements->list;

    for (guint pass = 0; pass < 2 && found->len == 0; pass++)
        for (guint i = 0; i < list->len; i++) {
            const struct ssh_statement *statement = list->pdata[i];

            if (is_about(statement, name) && statement->scope->everyone &&
                overrides(statement) == (pass == 0))
                g_ptr_array_add(found, setting_of(statement));
        }
    if (found->len == 0 && g_str_equal(name, "hostkey"))
        for (guint i = 0; i < G_N_ELEMENTS(host_keys); i++)
            g_ptr_array_add(found, default_setting(host_keys[i]));
    else if (found->len == 0 && *default_of(name))
        g_ptr_array_add(found, default_setting(default_of(name)));
    return found;
}

static const char *known_of(const char *keyword)
{
    for (guint i = 0; i < G_N_ELEMENTS(known_algorithms); i++)
        if (g_str_equal(keyword, known_algorithms[i].keyword))
            return known_algorithms[i].all;
    return known_algorithms[G_N_ELEMENTS(known_algorithms) - 1].all;
}

static void add_once(GPtrArray *list, const char *name)
{
    for (guint i = 0; i < list->len; i++)
        if (g_str_equal(list->pdata[i], name))
            return;
    g_ptr_array_add(list, g_strdup(name));
}

static gboolean matches_any(char *const *patterns, const char *name)
{
    gboolean positive = FALSE;

    for (; *patterns; patterns++) {
        gboolean negated = **patterns == '!';

        if (!g_pattern_match_simple(*patterns + negated, name))
            continue;
        if (negated)
            return FALSE;
        positive = TRUE;
    }
    return positive;
}

/* Names of a list, those with wildcards replaced by what they match (kex_assemble_names). */
static void add_names(GPtrArray *out, const char *list, char *const *known)
{
    g_auto(GStrv) names = g_strsplit(list, ",", -1);

    for (guint i = 0; names[i]; i++) {
        char *const pattern[] = { names[i], NULL };

        if (!*names[i])
            continue;
        if (!strpbrk(names[i], "*?!")) {
            add_once(out, names[i]);
            continue;
        }
        for (guint k = 0; known[k]; k++)
            if (matches_any(pattern, known[k]))
                add_once(out, known[k]);
    }
}

char **sshd_algorithms(const char *keyword, const char *value)
{
    g_autofree char *name = g_ascii_strdown(keyword, -1);
    g_auto(GStrv) known = g_strsplit(known_of(name), ",", -1);
    g_auto(GStrv) initial = g_strsplit(default_of(name), ",", -1);
    GPtrArray *out = g_ptr_array_new();

    switch (*value) {
    case '+':
        add_names(out, default_of(name), known);
        add_names(out, value + 1, known);
        break;
    case '^':
        add_names(out, value + 1, known);
        add_names(out, default_of(name), known);
        break;
    case '-': {
        g_auto(GStrv) removed = g_strsplit(value + 1, ",", -1);

        for (guint i = 0; initial[i]; i++)
            if (!matches_any(removed, initial[i]))
                add_once(out, initial[i]);
        break;
    }
    default:
        add_names(out, *value ? value : default_of(name), known);
    }
    g_ptr_array_add(out, NULL);
    return (char **)g_ptr_array_free(out, FALSE);
}

gint64 sshd_seconds(const char *text)
{
    static const struct {
        char unit;
        gint64 seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
    const gint64 most = G_MAXINT32;
    gint64 total = 0;

    if (!*text)
        return -1;
    while (*text) {
        gint64 number, factor = 1;
        char *end;

        if (!g_ascii_isdigit(*text))
            return -1;
        number = (gint64)g_ascii_strtoull(text, &end, 10);
        if (*end) {
            factor = 0;
            for (guint i = 0; i < G_N_ELEMENTS(units); i++)
                if (g_ascii_tolower(*end) == units[i].unit)
                    factor = units[i].seconds;
            if (!factor)
                return -1;
            end++;
        }
        if (number < 0 || number > most / factor || (total += number * factor) > most)
            return -1;
        text = end;
    }
    return total;
}

struct options {
    char *text; /* the value of SSHD_OPTS, or NULL */
    guint line;
};

static void find_options(guint line, const char *text, gsize length, gpointer data)
{
    struct options *options = data;
    g_autofree char *copy = g_strndup(text, length);
    const char *at = g_strstrip(copy);

    if (g_str_has_prefix(at, "export "))
        at += strlen("export ");
    if (!g_str_has_prefix(at, "SSHD_OPTS="))
        return;
    g_free(options->text);
    options->text = g_shell_unquote(at + strlen("SSHD_OPTS="), NULL);
    options->line = line;
}

/* What the unit adds to the command line: -f FILE, -o OPTION, -p PORT. */
static void read_options(struct host *host, char **file, GPtrArray *settings, guint *line)
{
    g_auto(GStrv) words = NULL;
    struct options options = { 0 };

    host_each_line(host_read(host, SSHD_DEFAULTS), find_options, &options);
    *line = options.line;
    if (options.text && g_shell_parse_argv(options.text, NULL, &words, NULL))
        for (guint i = 0; words[i]; i++) {
            const char *word = words[i], *value;

            if (word[0] != '-' || !word[1] || !strchr("fop", word[1]))
                continue;
            value = word[2] ? word + 2 : words[i + 1];
            if (!value)
                break;
            if (!word[2])
                i++;
            if (word[1] == 'f') {
                g_free(*file);
                *file = g_strdup(value);
            } else {
                g_ptr_array_add(settings, word[1] == 'o' ? g_strdup(value)
                                                         : g_strconcat("Port ", value, NULL));
            }
        }
    g_free(options.text);
}

/* The listening sshd: its parent is process 1, or its title says so. */
static gboolean is_listener(struct host *host, const char *pid)
{
    g_autofree char *comm = g_strdup_printf("/proc/%s/comm", pid);
    g_autofree char *line = g_strdup_printf("/proc/%s/cmdline", pid);
    const struct host_file *name = host_read(host, comm), *title;

    if (g_strcmp0(name->text, "sshd\n") != 0)
        return FALSE;
    title = host_read(host, line);
    return title->text && strstr(title->text, "[listener]");
}

/* When a process started: ticks since boot in field 22 of its stat, and btime (proc(5)). */
static gint64 started_us(struct host *host, const char *pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%s/stat", pid);
    const struct host_file *status = host_read(host, path), *kernel = host_read(host, "/proc/stat");
    const char *after_name = status->text ? strrchr(status->text, ')') : NULL;
    const char *boot = kernel->text ? strstr(kernel->text, "\nbtime ") : NULL;
    g_auto(GStrv) fields = NULL;
    enum { START_AFTER_NAME = 20 };
    const gint64 ticks_per_s = sysconf(_SC_CLK_TCK);

    if (!after_name || !boot || ticks_per_s <= 0)
        return 0;
    fields = g_strsplit(after_name + 1, " ", START_AFTER_NAME + 2);
    if (g_strv_length(fields) < START_AFTER_NAME + 1)
        return 0;
    return g_ascii_strtoll(boot + strlen("\nbtime "), NULL, 10) * G_USEC_PER_SEC +
           g_ascii_strtoll(fields[START_AFTER_NAME], NULL, 10) * (G_USEC_PER_SEC / ticks_per_s);
}

static void look_at_daemon(struct host *host, struct sshd *sshd)
{
    char *const *pids = host_processes(host);
    const struct host_file *pid_file;

    for (guint i = 0; pids[i] && !sshd->running; i++) {
        if (is_listener(host, pids[i])) {
            sshd->running = TRUE;
            sshd->loaded_us = started_us(host, pids[i]);
        }
    }
    /* A reload keeps the process but writes the file of its number again. */
    pid_file = host_stat(host, "/run/sshd.pid");
    if (sshd->running && pid_file->state == HOST_OK)
        sshd->loaded_us = MAX(sshd->loaded_us, pid_file->mtime_us);
    for (guint i = 0; sshd->loaded_us && i < sshd->statements->files->len; i++) {
        const struct host_file *file = sshd->statements->files->pdata[i];

        if (file->state == HOST_OK && file->mtime_us > sshd->loaded_us)
            sshd->newer = file->path;
    }
}

static gpointer sshd_load(struct host *host)
{
    struct sshd *sshd = g_new0(struct sshd, 1);
    g_autoptr(GPtrArray) options = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *path = g_strdup(SSHD_CONFIG);
    guint line = 0;

    read_options(host, &path, options, &line);
    sshd->statements = ssh_statements_read(host, path, SSH_SERVER);
    sshd->file = sshd->statements->files->pdata[0];
    for (guint i = 0; i < options->len; i++)
        ssh_statements_prepend(sshd->statements, i, options->pdata[i], SSHD_DEFAULTS, line);
    sshd->installed = sshd->file->state != HOST_ABSENT;
    if (host_is_live(host)) {
        /* What a purge or a removal left in /etc serves nobody. */
        sshd->installed &= host_stat(host, "/usr/sbin/sshd")->state != HOST_ABSENT;
        if (sshd->installed)
            look_at_daemon(host, sshd);
    }
    return sshd;
}

static void sshd_unload(gpointer fact)
{
    struct sshd *sshd = fact;

    ssh_statements_free(sshd->statements);
    g_free(sshd);
}

static const struct fact_kind sshd_kind = { "sshd", sshd_load, sshd_unload };

const struct sshd *sshd_of(struct host *host)
{
    return host_fact(host, &sshd_kind);
}

const struct sshd *sshd_or_finding(struct host *host, struct finding *finding)
{
    const struct sshd *sshd = sshd_of(host);

    if (!sshd->installed) {
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "openssh-server");
        return NULL;
    }
    return host_missing(finding, sshd->file) ? NULL : sshd;
}

void sshd_gaps(const struct sshd *sshd, struct finding *finding)
{
    ssh_statements_gaps(sshd->statements, finding);
    if (sshd->newer)
        finding_warn(finding, sshd->newer, 0, "sshd", "the daemon was started before this change",
                     "reloaded after each change");
}
