/* Judgements on what listens and what is installed to listen (NETS-01 to 05, 13, 14). */
#include "p7_hygiene/host/dpkg.h"
#include "p7_hygiene/host/settings.h"
#include "p7_hygiene/host/sockets.h"
#include "p7_hygiene/host/units.h"
#include "profile/profile.h"

#include "catalogue_judges.h"

#include <arpa/inet.h>
#include <string.h>

/* Without a profile only SSH is expected. */
static const char *const default_listeners[] = { "tcp/22", NULL };

void judge_host_service_listeners_declared(const struct asset_view *view, struct finding *finding)
{
    const struct sockets *sockets = sockets_get(view->host);
    const struct asset *asset = view->asset;
    const char *const *declared =
        asset && asset->listeners ? (const char *const *)asset->listeners : default_listeners;
    g_autofree char *wanted = g_strjoinv(", ", (char **)declared);

    if (!sockets->known) {
        finding_not_measured(finding, REASON_ABSENT, "/proc/net/tcp");
        return;
    }
    for (guint i = 0; i < sockets->listeners->len; i++) {
        const struct listener *listener = &g_array_index(sockets->listeners, struct listener, i);
        g_autofree char *name = listener_name(listener);
        g_autofree char *address = listener_address(listener);
        g_autofree char *found = g_strdup_printf("%s%s%s", name, listener->program ? " by " : "",
                                                 listener->program ? listener->program : "");

        if (!listener_is_loopback(listener))
            finding_check(finding, g_strv_contains(declared, name), listener->source, 0, address,
                          found, wanted);
    }
    if (finding->outcome == OUTCOME_NONE)
        finding_pass(finding, "/proc/net", 0, "listeners", "only on loopback", wanted);
}

/* Fails for each installed package of a list; passes when the database names none. */
static void judge_absent(const struct asset_view *view, struct finding *finding,
                         const char *const *packages, const char *wanted)
{
    const struct dpkg *dpkg = dpkg_get(view->host);

    if (dpkg->state != HOST_OK) {
        host_missing(finding, host_read(view->host, DPKG_STATUS));
        return;
    }
    for (; *packages; packages++) {
        const struct dpkg_package *package = dpkg_find(dpkg, *packages);

        if (package && dpkg_is_installed(package))
            finding_fail(finding, DPKG_STATUS, package->line, *packages, package->version, wanted);
    }
    if (finding->outcome == OUTCOME_NONE)
        finding_pass(finding, DPKG_STATUS, 0, "legacy", "none installed", wanted);
}

void judge_host_service_no_legacy_servers(const struct asset_view *view, struct finding *finding)
{
    static const char *const packages[] = {
        "telnetd",
        "telnetd-ssl",
        "inetutils-telnetd",
        "rsh-server",
        "rsh-redone-server",
        "nis",
        "ypserv",
        "tftpd",
        "tftpd-hpa",
        "atftpd",
        "talkd",
        "inetutils-talkd",
        "xinetd",
        "inetutils-inetd",
        "openbsd-inetd",
        "rlinetd",
        "ftpd",
        "inetutils-ftpd",
        "fingerd",
        "inetutils-syslogd",
        NULL,
    };

    judge_absent(view, finding, packages, "not installed");
}

void judge_host_service_no_legacy_clients(const struct asset_view *view, struct finding *finding)
{
    static const char *const packages[] = { "telnet",
                                            "telnet-ssl",
                                            "inetutils-telnet",
                                            "rsh-client",
                                            "rsh-redone-client",
                                            "talk",
                                            "inetutils-talk",
                                            "nis",
                                            "yp-tools",
                                            "ftp",
                                            "tnftp",
                                            "inetutils-ftp",
                                            "ldap-utils",
                                            NULL };

    if (host_has_role(view->host, "workstation"))
        finding_not_applicable(finding, REASON_ROLE, "workstation");
    else
        judge_absent(view, finding, packages, "not installed");
}

void judge_host_service_only_declared(const struct asset_view *view, struct finding *finding)
{
    static const struct {
        const char *unit, *role; /* the role that makes it right */
    } services[] = {
        { "avahi-daemon.service", "workstation" },
        { "cups.service", "print" },
        { "isc-dhcp-server.service", "dhcp" },
        { "kea-dhcp4-server.service", "dhcp" },
        { "named.service", "dns" },
        { "bind9.service", "dns" },
        { "dnsmasq.service", "dns" },
        { "slapd.service", "directory" },
        { "nfs-server.service", "file" },
        { "nfs-kernel-server.service", "file" },
        { "rpcbind.service", "file" },
        { "rpcbind.socket", "file" },
        { "rsync.service", "file" },
        { "smbd.service", "file" },
        { "nmbd.service", "file" },
        { "vsftpd.service", "file" },
        { "snmpd.service", "monitored" },
        { "squid.service", "proxy" },
        { "autofs.service", "workstation" },
        { "dovecot.service", "mail" },
        { "apache2.service", "web" },
        { "nginx.service", "web" },
        { "gdm.service", "workstation" },
        { "lightdm.service", "workstation" },
        { "sddm.service", "workstation" },
    };
    guint seen = 0;

    for (guint i = 0; i < G_N_ELEMENTS(services); i++) {
        const struct unit *unit = unit_get(view->host, services[i].unit);
        gboolean declared = host_has_role(view->host, services[i].role);
        g_autofree char *wanted =
            g_strdup_printf("disabled, or role %s in the profile", services[i].role);

        if (unit->enablement != UNIT_ENABLED)
            continue;
        seen++;
        finding_check(finding, declared, unit->path, 0, services[i].unit,
                      declared ? "enabled and declared" : "enabled", wanted);
    }
    if (!seen)
        finding_pass(finding, "/etc/systemd/system", 0, "services", "none of the list is enabled",
                     "only services of a declared role");
}

void judge_host_service_mail_local(const struct asset_view *view, struct finding *finding)
{
    static const struct {
        const char *path, *key, *when_unset; /* what the program does without the setting */
    } servers[] = {
        { "/etc/postfix/main.cf", "inet_interfaces", "all" },
        { "/etc/exim4/update-exim4.conf.conf", "dc_local_interfaces", "" },
    };

    if (host_has_role(view->host, "mail")) {
        finding_not_applicable(finding, REASON_ROLE, "mail");
        return;
    }
    for (guint i = 0; i < G_N_ELEMENTS(servers); i++) {
        const struct host_file *file = host_read(view->host, servers[i].path);
        g_autoptr(GArray) settings = settings_read(file);
        const struct setting *setting = settings_last(settings, NULL, servers[i].key);
        const char *value = setting ? setting->value : servers[i].when_unset;

        if (host_gap(finding, file) || file->state == HOST_ABSENT)
            continue;
        /* An empty list means every interface to exim. */
        finding_check(finding, settings_all_loopback(value), servers[i].path,
                      setting ? setting->line : 0, servers[i].key,
                      *value ? value : "(all interfaces)", "loopback only");
    }
    finding_not_applicable(finding, REASON_NOT_INSTALLED, "postfix, exim4");
}

/* resolv.conf(5): up to three name servers; loopback means a resolver of our own. */
void judge_host_service_resolvers(const struct asset_view *view, struct finding *finding)
{
    const struct host_file *file = host_read(view->host, "/etc/resolv.conf");
    g_autoptr(GArray) settings = settings_read(file);
    g_autoptr(GString) servers = g_string_new(NULL);
    guint count = 0, line = 0;
    gboolean local = FALSE;

    if (host_missing(finding, file))
        return;
    for (guint i = 0; i < settings->len; i++) {
        const struct setting *setting = &g_array_index(settings, struct setting, i);

        if (!g_str_equal(setting->key, "nameserver"))
            continue;
        count++;
        line = setting->line;
        local |= settings_is_loopback(setting->value);
        g_string_append_printf(servers, "%s%s", servers->len ? ", " : "", setting->value);
    }
    if (!count)
        finding_fail(finding, file->path, 0, "nameserver", "none",
                     "two name servers, or a local validating resolver");
    else if (local || count >= 2)
        finding_pass(finding, file->path, line, "nameserver", servers->str,
                     "two name servers, or a local validating resolver");
    else
        finding_warn(finding, file->path, line, "nameserver", servers->str,
                     "two name servers, or a local validating resolver");
}

/* Names that no hosts file should send elsewhere: update servers and the like. */
static gboolean is_well_known(const char *name)
{
    static const char *const suffixes[] = {
        "debian.org", "ubuntu.com",    "kernel.org",      "github.com",
        "google.com", "microsoft.com", "letsencrypt.org", "mozilla.org",
    };

    for (guint i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        gsize name_length = strlen(name), length = strlen(suffixes[i]);

        if (name_length >= length &&
            g_ascii_strcasecmp(name + name_length - length, suffixes[i]) == 0 &&
            (name_length == length || name[name_length - length - 1] == '.'))
            return TRUE;
    }
    return FALSE;
}

void judge_host_service_hosts_file(const struct asset_view *view, struct finding *finding)
{
    const struct host_file *file = host_read(view->host, "/etc/hosts");
    const struct host_file *name_file = host_read(view->host, "/etc/hostname");
    g_autofree char *own = name_file->text ? g_strstrip(g_strdup(name_file->text)) : NULL;
    g_auto(GStrv) lines = NULL;
    gboolean has_localhost = FALSE, has_own = FALSE;

    if (host_missing(finding, file))
        return;
    lines = g_strsplit(file->text, "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        g_auto(GStrv) words = NULL;

        lines[i][strcspn(lines[i], "#")] = 0;
        words = g_strsplit_set(g_strstrip(lines[i]), " \t", -1);
        for (guint w = 1; words[0] && words[w]; w++) {
            has_localhost |= g_str_equal(words[w], "localhost") && settings_is_loopback(words[0]);
            has_own |= own && *own &&
                       (g_str_equal(words[w], own) ||
                        (g_str_has_prefix(words[w], own) && words[w][strlen(own)] == '.'));
            if (is_well_known(words[w]))
                finding_fail(finding, file->path, i + 1, words[w], words[0], "asked of the DNS");
        }
    }
    finding_check(finding, has_localhost, file->path, 0, "localhost",
                  has_localhost ? "present" : "missing", "127.0.0.1 localhost");
    if (own && *own && !has_own)
        finding_warn(finding, file->path, 0, own, "own name missing", "an entry for the own name");
}
