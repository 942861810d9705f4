/* Judges of network parameters and interfaces (data/measures/host/network.yaml). */
#include "catalogue_judges.h"
#include "p7_hygiene/host/sysctl_judges.h"

#include <linux/if.h>
#include <string.h>

#define NO_IPV6 TRUE /* the last member of a rule: without IPv6 there is nothing to protect */

/*
 * The kernel joins conf.all and conf.INTERFACE by "or" for redirects, by "and" for source routes,
 * by "or" for martians, and looks at the interface alone for what IPv6 accepts (include/linux/
 * inetdevice.h, net/ipv6/ndisc.c): so interfaces are judged where `all` does not decide.
 */
/* clang-format off */
SYSCTL_JUDGE(judge_host_network_redirects_refused,
    { "net.ipv4.conf.all.accept_redirects", SYSCTL_IS, 0, "1" },
    { "net.ipv4.conf.default.accept_redirects", SYSCTL_IS, 0, "1" },
    { "net.ipv6.conf.all.accept_redirects", SYSCTL_IS, 0, "1", NO_IPV6 },
    { "net.ipv6.conf.default.accept_redirects", SYSCTL_IS, 0, "1", NO_IPV6 },
    { "net.ipv4.conf.*.accept_redirects", SYSCTL_IS, 0 },
    { "net.ipv6.conf.*.accept_redirects", SYSCTL_IS, 0, NULL, NO_IPV6 })
SYSCTL_JUDGE(judge_host_network_secure_redirects_refused,
    { "net.ipv4.conf.all.secure_redirects", SYSCTL_IS, 0, "1" },
    { "net.ipv4.conf.default.secure_redirects", SYSCTL_IS, 0, "1" },
    { "net.ipv4.conf.*.secure_redirects", SYSCTL_IS, 0 })
SYSCTL_JUDGE(judge_host_network_redirects_not_sent,
    { "net.ipv4.conf.all.send_redirects", SYSCTL_IS, 0, "1" },
    { "net.ipv4.conf.default.send_redirects", SYSCTL_IS, 0, "1" },
    { "net.ipv4.conf.*.send_redirects", SYSCTL_IS, 0 })
SYSCTL_JUDGE(judge_host_network_source_routes_refused,
    { "net.ipv4.conf.all.accept_source_route", SYSCTL_IS, 0, "0" },
    { "net.ipv4.conf.default.accept_source_route", SYSCTL_IS, 0, "1" },
    { "net.ipv6.conf.all.accept_source_route", SYSCTL_IS, 0, "0", NO_IPV6 },
    { "net.ipv6.conf.default.accept_source_route", SYSCTL_IS, 0, "0", NO_IPV6 })
SYSCTL_JUDGE(judge_host_network_martians_logged,
    { "net.ipv4.conf.all.log_martians", SYSCTL_IS, 1, "0" },
    { "net.ipv4.conf.default.log_martians", SYSCTL_IS, 1, "0" })
SYSCTL_JUDGE(judge_host_network_broadcast_echo_ignored,
    { "net.ipv4.icmp_echo_ignore_broadcasts", SYSCTL_IS, 1, "1" },
    { "net.ipv4.icmp_ignore_bogus_error_responses", SYSCTL_IS, 1, "1" })
SYSCTL_JUDGE(judge_host_network_syn_cookies,
    { "net.ipv4.tcp_syncookies", SYSCTL_IS, 1, "1" })
SYSCTL_JUDGE(judge_host_network_time_wait_kept,
    { "net.ipv4.tcp_rfc1337", SYSCTL_IS, 1, "0" })
/* clang-format on */

static gboolean is_seat(struct host *host)
{
    return host_has_role(host, "workstation") || host_has_role(host, "laptop");
}

void judge_host_network_no_forwarding(const struct asset_view *view, struct finding *finding)
{
    static const struct sysctl_rule rules[] = {
        { "net.ipv4.ip_forward", SYSCTL_IS, 0, "0" },
        { "net.ipv6.conf.all.forwarding", SYSCTL_IS, 0, "0", NO_IPV6 },
    };

    if (host_has_role(view->host, "router") || host_has_role(view->host, "container-host"))
        finding_not_applicable(finding, REASON_ROLE, "a router or a host of containers forwards");
    else
        sysctl_judge(view->host, finding, rules, G_N_ELEMENTS(rules));
}

void judge_host_network_router_adverts_refused(const struct asset_view *view,
                                               struct finding *finding)
{
    static const struct sysctl_rule rules[] = {
        { "net.ipv6.conf.all.accept_ra", SYSCTL_IS, 0, "1", NO_IPV6 },
        { "net.ipv6.conf.default.accept_ra", SYSCTL_IS, 0, "1", NO_IPV6 },
    };

    if (is_seat(view->host))
        finding_not_applicable(finding, REASON_ROLE, "a workstation learns its addresses");
    else if (!sysctl_is_dead(view->host) &&
             host_stat(view->host, "/proc/sys/net/ipv6")->state == HOST_ABSENT &&
             host_stat(view->host, "/proc/sys/net/ipv4")->state == HOST_OK)
        finding_not_applicable(finding, REASON_NOT_USED, "IPv6");
    else
        sysctl_judge(view->host, finding, rules, G_N_ELEMENTS(rules));
}

/* What ANSSI asks at its high level; route_localnet is wrong on any host. */
void judge_host_network_arp_strict(const struct asset_view *view, struct finding *finding)
{
    static const struct sysctl_rule rules[] = {
        { "net.ipv4.conf.all.route_localnet", SYSCTL_IS, 0, "0" },
        { "net.ipv4.conf.all.arp_ignore", SYSCTL_IS, 2, "0" },
        { "net.ipv4.conf.all.arp_filter", SYSCTL_IS, 1, "0" },
        { "net.ipv4.conf.all.drop_gratuitous_arp", SYSCTL_IS, 1, "0" },
    };
    enum host_state state;
    g_autofree char *localnet = sysctl_live(view->host, "net/ipv4/conf/all/route_localnet", &state);

    if (host_has_role(view->host, "high-security") ||
        sysctl_holds(view->host, rules, G_N_ELEMENTS(rules)))
        sysctl_judge(view->host, finding, rules, G_N_ELEMENTS(rules));
    else if (localnet && !sysctl_same(localnet, "0"))
        sysctl_judge(view->host, finding, rules, 1);
    else
        finding_not_applicable(finding, REASON_ROLE, "asked of hosts with the role high-security");
}

/* The kernel takes the larger of conf.all and conf.INTERFACE. */
static void judge_reverse_path(struct host *host, struct finding *finding, const char *interface,
                               const char *all)
{
    const struct sysctl_files *files = sysctl_files(host);
    g_autofree char *path = g_strdup_printf("net/ipv4/conf/%s/rp_filter", interface);
    g_autofree char *name = sysctl_name(path);
    g_autofree char *proc = g_strconcat("/proc/sys/", path, NULL);
    g_autofree char *found = NULL;
    const struct sysctl_line *winner = sysctl_winner(files, path, FALSE);
    enum host_state state;
    g_autofree char *own = sysctl_live(host, path, &state);
    gint64 effective;

    if (!winner)
        winner = sysctl_winner(files, "net/ipv4/conf/all/rp_filter", FALSE);
    if (!own) {
        if (state != HOST_ABSENT)
            finding_incomplete(finding, REASON_UNREADABLE, "%s", proc);
        return;
    }
    effective = MAX(g_ascii_strtoll(own, NULL, 10), g_ascii_strtoll(all, NULL, 10));
    found = g_strdup_printf("%" G_GINT64_FORMAT " (all %s, %s %s)", effective, all, interface, own);
    finding_check(finding, effective == 1 || effective == 2, winner ? winner->path : proc,
                  winner ? winner->line : 0, name, found, "1 (strict) or 2 (loose)");
    sysctl_gap(finding, files);
}

void judge_host_network_reverse_path(const struct asset_view *view, struct finding *finding)
{
    static const struct sysctl_rule files_only[] = {
        { "net.ipv4.conf.all.rp_filter", SYSCTL_AT_LEAST, 1, "0" },
    };
    g_auto(GStrv) interfaces = NULL;
    enum host_state state;
    g_autofree char *all = sysctl_live(view->host, "net/ipv4/conf/all/rp_filter", &state);

    if (sysctl_is_dead(view->host)) {
        sysctl_judge(view->host, finding, files_only, G_N_ELEMENTS(files_only));
        return;
    }
    if (!all) {
        finding_not_measured(finding, state == HOST_DENIED ? REASON_NEEDS_ROOT : REASON_ABSENT,
                             "/proc/sys/net/ipv4/conf/all/rp_filter");
        return;
    }
    interfaces = host_list(view->host, "/proc/sys/net/ipv4/conf", NULL);
    for (char **name = interfaces; name && *name; name++)
        if (!g_str_equal(*name, "all") && !g_str_equal(*name, "default") &&
            !g_str_equal(*name, "lo"))
            judge_reverse_path(view->host, finding, *name, all);
    if (finding->outcome == OUTCOME_NONE) /* no interface yet: what the next one will get */
        judge_reverse_path(view->host, finding, "default", all);
}

/* /sys/class/net/NAME/flags, or -1. */
static gint64 interface_flags(struct host *host, const char *folder, char **path)
{
    const struct host_file *file;

    *path = g_strconcat(folder, "/flags", NULL);
    file = host_read(host, *path);
    return file->state == HOST_OK ? g_ascii_strtoll(file->text, NULL, 16) : -1;
}

static gboolean has(struct host *host, const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);

    return host_stat(host, path)->state == HOST_OK;
}

#define NETWORK_FOLDER "/sys/class/net"

/* Whether the interface is up: its flags say so, else its operstate; "" when neither can be read.
 */
static const char *link_state(struct host *host, const char *folder, char **path)
{
    gint64 flags = interface_flags(host, folder, path);
    const struct host_file *file;

    if (flags >= 0)
        return flags & IFF_UP ? "up" : "down";
    g_free(*path);
    *path = g_strconcat(folder, "/operstate", NULL);
    file = host_read(host, *path);
    return file->state != HOST_OK ? "" : g_str_has_prefix(file->text, "down") ? "down" : "up";
}

void judge_host_network_no_wireless(const struct asset_view *view, struct finding *finding)
{
    g_auto(GStrv) folders = host_glob(view->host, NETWORK_FOLDER "/*");

    if (is_seat(view->host)) {
        finding_not_applicable(finding, REASON_ROLE, "a workstation may use wireless links");
        return;
    }
    for (char **folder = folders; *folder; folder++) {
        g_autofree char *path = NULL;
        g_autofree char *name = g_path_get_basename(*folder);
        const char *state;

        if (!has(view->host, *folder, "wireless") && !has(view->host, *folder, "phy80211"))
            continue;
        state = link_state(view->host, *folder, &path);
        if (*state)
            finding_check(finding, g_str_equal(state, "down"), path, 0, name, state,
                          "down, or declared as a workstation");
        else
            finding_incomplete(finding, REASON_UNREADABLE, "%s", path);
    }
    if (*folders)
        finding_not_applicable(finding, REASON_NO_HARDWARE, "no wireless interface");
    else
        finding_not_measured(finding, REASON_ABSENT, NETWORK_FOLDER);
}

void judge_host_network_no_promiscuous(const struct asset_view *view, struct finding *finding)
{
    g_auto(GStrv) folders = host_glob(view->host, NETWORK_FOLDER "/*");

    for (char **folder = folders; *folder; folder++) {
        g_autofree char *path = NULL;
        gint64 flags = interface_flags(view->host, *folder, &path);
        g_autofree char *name = g_path_get_basename(*folder);

        if (flags < 0)
            continue; /* bonding_masters and the like are no interfaces */
        if (flags & IFF_PROMISC && has(view->host, *folder, "brport"))
            finding_pass(finding, path, 0, name, "promiscuous: a port of a bridge",
                         "not promiscuous");
        else
            finding_check(finding, !(flags & IFF_PROMISC), path, 0, name,
                          flags & IFF_PROMISC ? "promiscuous" : "not promiscuous",
                          "not promiscuous");
    }
    finding_not_measured(finding, REASON_ABSENT, NETWORK_FOLDER);
}
