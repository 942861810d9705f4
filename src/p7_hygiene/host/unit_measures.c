/* Judgements on services as units (UNIT). */
#include "p7_hygiene/host/bus.h"
#include "p7_hygiene/host/exposure.h"
#include "p7_hygiene/host/sockets.h"

#include "catalogue_judges.h"

#include <string.h>
#include <sys/stat.h>

#define EXPOSURE_LIMIT 70 /* tenths: from here on a network service fails */

/* The program of the main process: the first word of ExecStart=, without its prefixes. */
static char *program_of(const struct unit *unit)
{
    const struct unit_setting *start = unit_last(unit, "Service", "ExecStart");
    const char *at = start ? start->value : "";

    at += strspn(at, "-@+!:");
    return g_strndup(at, strcspn(at, " \t"));
}

/*
 * Whether the service faces the network: one of its processes listens beyond loopback (when the
 * listener's program is known), or a socket unit hands it such a socket, or it is a daemon that is
 * made to.
 */
static gboolean faces_network(struct host *host, const struct unit *unit, const char *program)
{
    static const char *const daemons[] = {
        "sshd",         "nginx",   "apache2",   "named",        "unbound", "postfix",  "exim4",
        "dovecot",      "chronyd", "ntpd",      "smbd",         "nmbd",    "slapd",    "snmpd",
        "squid",        "cupsd",   "rsyncd",    "vsftpd",       "mysqld",  "mariadbd", "postgres",
        "redis-server", "mongod",  "memcached", "avahi-daemon", "rpcbind", "haproxy",  "knotd",
        "openvpn",      "dnsmasq", NULL,
    };
    g_autofree char *base = g_path_get_basename(program);
    const struct sockets *sockets = sockets_get(host);

    for (guint i = 0; i < sockets->listeners->len; i++) {
        const struct listener *listener = &g_array_index(sockets->listeners, struct listener, i);

        /* The kernel keeps 15 characters of a program's name. */
        if (listener->program && !listener_is_loopback(listener) &&
            strncmp(listener->program, base, 15) == 0)
            return TRUE;
    }
    return g_strv_contains(daemons, base);
}

void judge_host_unit_exposure(const struct asset_view *view, struct finding *finding)
{
    g_auto(GStrv) names = units_enabled(view->host, ".service");

    for (char **name = names; *name; name++) {
        const struct unit *unit = unit_get(view->host, *name);
        g_autofree char *program = program_of(unit);
        g_autofree char *found = NULL;
        struct exposure exposure;

        if (!unit->path || !faces_network(view->host, unit, program))
            continue;
        exposure = exposure_of(unit);
        found = g_strdup_printf("%u.%u %s; most by %s, %s, %s", exposure.tenths / 10,
                                exposure.tenths % 10, exposure_label(exposure.tenths),
                                exposure.worst[0] ? exposure.worst[0] : "-",
                                exposure.worst[1] ? exposure.worst[1] : "-",
                                exposure.worst[2] ? exposure.worst[2] : "-");
        finding_check(finding, exposure.tenths < EXPOSURE_LIMIT, unit->path, 0, *name, found,
                      "an exposure below 7.0");
    }
    finding_not_applicable(finding, REASON_NOT_USED, "no enabled network service");
}

void judge_host_unit_unprivileged(const struct asset_view *view, struct finding *finding)
{
    g_auto(GStrv) names = units_enabled(view->host, ".service");

    for (char **name = names; *name; name++) {
        const struct unit *unit = unit_get(view->host, *name);
        const struct unit_setting *type = unit_last(unit, "Service", "Type");
        const struct unit_setting *user = unit_last(unit, "Service", "User");
        g_autofree char *bounding = unit_words(unit, "Service", "CapabilityBoundingSet");
        gboolean root = !user || g_str_equal(user->value, "root");

        if (!unit->path || (type && g_str_equal(type->value, "oneshot")) ||
            unit_truth(unit, "Service", "DynamicUser", FALSE))
            continue;
        if (!root)
            finding_pass(finding, user->path, user->line, *name, user->value, "not root");
        else if (*bounding)
            finding_pass(finding, unit->path, 0, *name, bounding, "a capability bounding set");
        else
            finding_warn(finding, unit->path, 0, *name, "root with every capability",
                         "User=, DynamicUser= or CapabilityBoundingSet=");
    }
    finding_not_applicable(finding, REASON_NOT_USED, "no enabled daemon");
}

void judge_host_unit_none_failed(const struct asset_view *view, struct finding *finding)
{
    g_autoptr(GPtrArray) units = bus_failed_units(BUS_SOCKET);

    if (!units) {
        finding_not_measured(finding, REASON_ABSENT, "system bus");
        return;
    }
    for (guint i = 0; i < units->len; i++) {
        const struct bus_unit *unit = units->pdata[i];

        finding_fail(finding, NULL, 0, unit->name, unit->active, "active or inactive");
    }
    if (units->len == 0)
        finding_pass(finding, NULL, 0, "failed units", "none", "none");
}

void judge_host_unit_programs(const struct asset_view *view, struct finding *finding)
{
    g_auto(GStrv) names = units_enabled(view->host, ".service");

    for (char **name = names; *name; name++) {
        const struct unit *unit = unit_get(view->host, *name);
        g_autofree char *program = program_of(unit);
        const struct host_file *file;
        g_autofree char *found = NULL;

        if (!unit->path || !*program)
            continue;
        if (*program != '/') {
            finding_fail(finding, unit->path, 0, *name, program, "an absolute path");
            continue;
        }
        file = host_stat(view->host, program);
        if (file->state == HOST_ABSENT && !host_is_live(view->host))
            continue; /* a tree need not hold the programs */
        if (file->state == HOST_ABSENT) {
            finding_warn(finding, unit->path, 0, *name, program, "a program that is there");
            continue;
        }
        if (host_gap(finding, file))
            continue;
        found = g_strdup_printf("%s %04o owner %u", program, file->mode & 07777, file->uid);
        finding_check(finding, file->uid == 0 && !(file->mode & (S_IWGRP | S_IWOTH)), unit->path, 0,
                      *name, found, "root's own, not writable by others");
    }
    finding_not_applicable(finding, REASON_NOT_USED, "no enabled service with a program here");
}
