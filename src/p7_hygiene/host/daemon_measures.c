/* Judgements on the configuration of common daemons (NETS-06 to 09, 11, 12). */
#include "p7_hygiene/host/settings.h"
#include "p7_hygiene/host/sockets.h"

#include "catalogue_judges.h"

#include <string.h>
#include <sys/stat.h>

#define DOCKER_PORT 2375 /* the daemon's API without TLS */

/* snmpd.conf(5): rocommunity NAME, rwcommunity NAME, com2sec [-Cn CTX] SECNAME SOURCE COMMUNITY. */
void judge_host_service_snmp_community(const struct asset_view *view, struct finding *finding)
{
    const struct host_file *file = host_read(view->host, "/etc/snmp/snmpd.conf");
    g_autoptr(GArray) settings = settings_read(file);

    if (file->state == HOST_ABSENT) {
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "snmpd");
        return;
    }
    if (host_missing(finding, file))
        return;
    for (guint i = 0; i < settings->len; i++) {
        const struct setting *setting = &g_array_index(settings, struct setting, i);
        gboolean is_community = g_str_has_prefix(setting->key, "rocommunity") ||
                                g_str_has_prefix(setting->key, "rwcommunity");
        gboolean is_map = g_str_has_prefix(setting->key, "com2sec");
        g_auto(GStrv) words = g_strsplit_set(setting->value, " \t", -1);
        const char *community;

        if ((!is_community && !is_map) || !words[0])
            continue;
        community = words[is_map ? g_strv_length(words) - 1 : 0];
        if (g_ascii_strcasecmp(community, "public") == 0 ||
            g_ascii_strcasecmp(community, "private") == 0)
            finding_fail(finding, file->path, setting->line, setting->key, community,
                         "SNMPv3 users, no well-known community");
        else
            finding_redacted(finding, OUTCOME_WARN, file->path, setting->line, setting->key,
                             strlen(community));
    }
    if (finding->outcome == OUTCOME_NONE)
        finding_pass(finding, file->path, 0, "community", "none", "SNMPv3 users, no community");
}

/* Redis: open when it binds elsewhere than loopback without a password (redis.conf). */
static void judge_redis(struct host *host, struct finding *finding)
{
    const struct host_file *file = host_read(host, "/etc/redis/redis.conf");
    g_autoptr(GArray) settings = settings_read(file);
    const struct setting *bind = settings_last(settings, NULL, "bind");
    const struct setting *protection = settings_last(settings, NULL, "protected-mode");
    gboolean guarded = settings_last(settings, NULL, "requirepass") ||
                       settings_last(settings, NULL, "aclfile") ||
                       settings_last(settings, NULL, "user");
    gboolean is_protected = !protection || settings_is_true(protection->value);

    if (file->state != HOST_OK) {
        host_gap(finding, file);
        return;
    }
    /* Protected mode refuses outsiders only as long as neither bind nor a password is set. */
    finding_check(finding, guarded || (bind ? settings_all_loopback(bind->value) : is_protected),
                  file->path, bind ? bind->line : 0, "bind", bind ? bind->value : "(all addresses)",
                  "loopback, or a password");
    if (!is_protected && !guarded)
        finding_fail(finding, file->path, protection->line, "protected-mode", protection->value,
                     "yes");
}

static void judge_mongo(struct host *host, struct finding *finding)
{
    const struct host_file *file = host_read(host, "/etc/mongod.conf");
    g_autoptr(GArray) settings = settings_read(file);
    const struct setting *bind = settings_last(settings, NULL, "bindIp");
    const struct setting *all = settings_last(settings, NULL, "bindIpAll");
    const struct setting *authorization = settings_last(settings, NULL, "authorization");
    gboolean open =
        all ? settings_is_true(all->value) : bind && !settings_all_loopback(bind->value);

    if (file->state != HOST_OK) {
        host_gap(finding, file);
        return;
    }
    finding_check(finding, !open || (authorization && settings_is_true(authorization->value)),
                  file->path, bind ? bind->line : 0, "net.bindIp",
                  all    ? "all addresses"
                  : bind ? bind->value
                         : "127.0.0.1",
                  "loopback, or security.authorization: enabled");
}

/* pg_hba.conf: TYPE DATABASE USER [ADDRESS [MASK]] METHOD; `trust` asks for nothing. */
static void judge_postgresql(struct host *host, struct finding *finding)
{
    g_auto(GStrv) paths = host_glob(host, "/etc/postgresql/*/*/pg_hba.conf");

    for (char **path = paths; *path; path++) {
        const struct host_file *file = host_read(host, *path);
        g_auto(GStrv) lines = NULL;

        if (file->state != HOST_OK) {
            host_gap(finding, file);
            continue;
        }
        lines = g_strsplit(file->text, "\n", -1);
        for (guint i = 0; lines[i]; i++) {
            g_autofree char *line = g_strstrip(g_strdup(lines[i]));
            g_auto(GStrv) words = g_regex_split_simple("[ \t]+", line, G_REGEX_RAW, 0);
            guint count = g_strv_length(words);
            const char *method = count > 4 ? words[count > 5 && strchr(words[4], '.') ? 5 : 4] : "";

            if (*line == '#' || !g_str_has_prefix(line, "host") || count < 5)
                continue;
            finding_check(finding, !g_str_equal(method, "trust") || settings_is_loopback(words[3]),
                          *path, i + 1, words[3], method,
                          "scram-sha-256 or another proof of identity");
        }
        if (finding->outcome == OUTCOME_NONE)
            finding_pass(finding, *path, 0, "host", "local connections only", "no trust");
    }
}

static void judge_mysql(struct host *host, struct finding *finding)
{
    static const char *const patterns[] = { "/etc/mysql/my.cnf", "/etc/mysql/conf.d/*.cnf",
                                            "/etc/mysql/mysql.conf.d/*.cnf",
                                            "/etc/mysql/mariadb.conf.d/*.cnf" };
    g_autofree char *value = NULL;
    g_autofree char *where = NULL;
    guint line = 0;
    gboolean server = FALSE, no_network = FALSE;

    for (guint i = 0; i < G_N_ELEMENTS(patterns); i++) {
        g_auto(GStrv) paths = host_glob(host, patterns[i]);

        for (char **path = paths; *path; path++) {
            const struct host_file *file = host_read(host, *path);
            g_autoptr(GArray) settings = settings_read(file);

            host_gap(finding, file);
            for (guint s = 0; s < settings->len; s++) {
                const struct setting *setting = &g_array_index(settings, struct setting, s);
                g_autofree char *key = g_strdelimit(g_strdup(setting->key), "_", '-');

                if (!g_str_has_prefix(setting->section, "mysqld") &&
                    !g_str_has_prefix(setting->section, "mariadb") &&
                    !g_str_equal(setting->section, "server"))
                    continue;
                server = TRUE;
                no_network |= g_str_equal(key, "skip-networking");
                if (!g_str_equal(key, "bind-address"))
                    continue;
                g_free(value);
                g_free(where);
                value = g_strdup(setting->value);
                where = g_strdup(*path);
                line = setting->line;
            }
        }
    }
    if (server && !no_network)
        finding_check(finding, value && settings_all_loopback(value), where ? where : "/etc/mysql",
                      line, "bind-address", value ? value : "(all addresses)", "loopback");
}

static void judge_memcached(struct host *host, struct finding *finding)
{
    const struct host_file *file = host_read(host, "/etc/memcached.conf");
    g_autoptr(GArray) settings = settings_read(file);
    const struct setting *bind = settings_last(settings, NULL, "-l");
    const struct setting *socket = settings_last(settings, NULL, "-s");

    if (file->state != HOST_OK) {
        host_gap(finding, file);
        return;
    }
    finding_check(finding, socket || (bind && settings_all_loopback(bind->value)), file->path,
                  bind ? bind->line : 0, "-l", bind ? bind->value : "(all addresses)", "loopback");
}

static void judge_elasticsearch(struct host *host, struct finding *finding)
{
    const struct host_file *file = host_read(host, "/etc/elasticsearch/elasticsearch.yml");
    g_autoptr(GArray) settings = settings_read(file);
    const struct setting *bind = settings_last(settings, NULL, "network.host");
    const struct setting *security = settings_last(settings, NULL, "xpack.security.enabled");

    if (file->state != HOST_OK) {
        host_gap(finding, file);
        return;
    }
    finding_check(finding,
                  !bind || settings_all_loopback(bind->value) || !security ||
                      settings_is_true(security->value),
                  file->path, bind ? bind->line : 0, "network.host", bind ? bind->value : "_local_",
                  "_local_, or xpack.security.enabled: true");
}

void judge_host_service_databases_closed(const struct asset_view *view, struct finding *finding)
{
    judge_redis(view->host, finding);
    judge_mongo(view->host, finding);
    judge_postgresql(view->host, finding);
    judge_mysql(view->host, finding);
    judge_memcached(view->host, finding);
    judge_elasticsearch(view->host, finding);
    finding_not_applicable(finding, REASON_NOT_INSTALLED,
                           "redis, mongod, postgresql, mysql, memcached, elasticsearch");
}

/* exports(5): PATH CLIENT(OPTIONS)...; "*" or no client is everybody. */
void judge_host_service_nfs_exports(const struct asset_view *view, struct finding *finding)
{
    g_auto(GStrv) more = host_glob(view->host, "/etc/exports.d/*.exports");
    g_autoptr(GPtrArray) paths = g_ptr_array_new();

    g_ptr_array_add(paths, (gpointer) "/etc/exports");
    for (char **path = more; *path; path++)
        g_ptr_array_add(paths, *path);
    for (guint p = 0; p < paths->len; p++) {
        const struct host_file *file = host_read(view->host, paths->pdata[p]);
        g_auto(GStrv) lines = NULL;

        if (file->state != HOST_OK) {
            host_gap(finding, file);
            continue;
        }
        lines = g_strsplit(file->text, "\n", -1);
        for (guint i = 0; lines[i]; i++) {
            g_auto(GStrv) words = NULL;

            lines[i][strcspn(lines[i], "#")] = 0;
            words = g_strsplit_set(g_strstrip(lines[i]), " \t", -1);
            for (guint w = 1; words[0] && words[w]; w++) {
                gboolean everybody = *words[w] == '*' || *words[w] == '(';
                gboolean writable = strstr(words[w], "(rw") || strstr(words[w], ",rw");
                gboolean root = strstr(words[w], "no_root_squash") != NULL;

                if (*words[w])
                    finding_check(finding, !root && !(everybody && writable), file->path, i + 1,
                                  words[0], words[w], "named clients, root squashed");
            }
        }
    }
    finding_not_applicable(finding, REASON_NOT_USED, "/etc/exports");
}

void judge_host_service_samba(const struct asset_view *view, struct finding *finding)
{
    const struct host_file *file = host_read(view->host, "/etc/samba/smb.conf");
    g_auto(GStrv) lines = NULL;
    g_autofree char *protocol = NULL, *signing = NULL, *guest = NULL;
    guint protocol_line = 0, signing_line = 0, guest_line = 0;

    if (file->state == HOST_ABSENT) {
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "samba");
        return;
    }
    if (host_missing(finding, file))
        return;
    /* Names of parameters have spaces and any case (smb.conf(5)); the last one wins. */
    lines = g_strsplit(file->text, "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        char *line = g_strstrip(lines[i]), *equals = strchr(line, '=');
        g_autofree char *key = NULL;
        char **target = NULL;

        if (*line == '#' || *line == ';' || !equals)
            continue;
        key = g_ascii_strdown(line, equals - line);
        g_strstrip(key);
        if (g_str_equal(key, "server min protocol") || g_str_equal(key, "min protocol")) {
            target = &protocol;
            protocol_line = i + 1;
        } else if (g_str_equal(key, "server signing")) {
            target = &signing;
            signing_line = i + 1;
        } else if (g_str_equal(key, "map to guest")) {
            target = &guest;
            guest_line = i + 1;
        }
        if (target) {
            g_free(*target);
            *target = g_ascii_strdown(equals + 1, -1);
            g_strstrip(*target);
        }
    }
    /* Samba 4.11 and later start at SMB2_02 by themselves. */
    finding_check(finding,
                  !protocol || g_str_has_prefix(protocol, "smb2") ||
                      g_str_has_prefix(protocol, "smb3"),
                  file->path, protocol_line, "server min protocol",
                  protocol ? protocol : "SMB2_02 (default)", "SMB2 or later");
    finding_check(finding, signing && g_str_equal(signing, "mandatory"), file->path, signing_line,
                  "server signing", signing ? signing : "default", "mandatory");
    finding_check(finding, !guest || g_str_equal(guest, "never"), file->path, guest_line,
                  "map to guest", guest ? guest : "never (default)", "never");
}

void judge_host_service_php(const struct asset_view *view, struct finding *finding)
{
    static const struct {
        const char *key;
        gboolean wanted_off;    /* else: wanted non-empty */
        const char *when_unset; /* PHP's built-in default */
    } keys[] = {
        { "expose_php", TRUE, "1" },
        { "allow_url_include", TRUE, "0" },
        { "display_errors", TRUE, "1" },
        { "disable_functions", FALSE, "" },
    };
    g_auto(GStrv) paths = host_glob(view->host, "/etc/php/*/*/php.ini");

    for (char **path = paths; *path; path++) {
        const struct host_file *file = host_read(view->host, *path);
        g_autoptr(GArray) settings = settings_read(file);

        /* The command line's own file serves no visitor. */
        if (strstr(*path, "/cli/"))
            continue;
        if (host_gap(finding, file))
            continue;
        for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
            const struct setting *setting = settings_last(settings, NULL, keys[i].key);
            const char *value = setting ? setting->value : keys[i].when_unset;
            gboolean good = keys[i].wanted_off ? !settings_is_true(value) : *value != 0;

            finding_check(finding, good, *path, setting ? setting->line : 0, keys[i].key,
                          *value ? value : "(none)", keys[i].wanted_off ? "Off" : "a list");
        }
    }
    finding_not_applicable(finding, REASON_NOT_INSTALLED, "php");
}

void judge_host_service_docker_socket(const struct asset_view *view, struct finding *finding)
{
    static const char *const paths[] = { "/run/docker.sock", "/var/run/docker.sock" };
    const struct sockets *sockets = sockets_get(view->host);
    const struct host_file *socket = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(paths) && !(socket && socket->state == HOST_OK); i++)
        socket = host_stat(view->host, paths[i]);
    if (socket->state == HOST_OK) {
        g_autofree char *mode = g_strdup_printf("%04o", socket->mode & 07777);

        finding_check(finding, !(socket->mode & S_IWOTH), socket->path, 0, "mode", mode,
                      "0660 or tighter");
    }
    for (guint i = 0; i < sockets->listeners->len; i++) {
        const struct listener *listener = &g_array_index(sockets->listeners, struct listener, i);

        if (listener->port == DOCKER_PORT && g_str_equal(listener->protocol, "tcp"))
            finding_fail(finding, listener->source, 0, "tcp/2375", "the API without TLS",
                         "a local socket, or TLS on tcp/2376");
    }
    finding_not_applicable(finding, REASON_NOT_INSTALLED, "docker");
}
