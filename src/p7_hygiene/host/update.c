/*
 * update.c: whether fixes arrive, from whom, and are in use (UPDT-01 to 04, 07, 08, 11). Where
 * packages come from is in update_sources.c.
 */
#include "p7_hygiene/host/apt_conf.h"
#include "p7_hygiene/host/apt_lists.h"
#include "p7_hygiene/host/dpkg.h"
#include "p7_hygiene/host/releases.h"
#include "p7_hygiene/host/scratch.h"
#include "p7_hygiene/host/units.h"

#include "catalogue_judges.h"

#include <string.h>

#define US_PER_DAY (G_GINT64_CONSTANT(24) * 60 * 60 * G_USEC_PER_SEC)

void judge_host_update_supported_release(const struct asset_view *view, struct finding *finding)
{
    g_autofree char *id = release_os_field(view->host, "ID");
    g_autofree char *codename = release_os_field(view->host, "VERSION_CODENAME");
    g_autofree char *found = NULL;
    const struct release *release = id && codename ? release_find(id, codename) : NULL;
    gint64 now_s = view->now_us / G_USEC_PER_SEC;

    if (!id || !codename || !release) {
        if (!id && !host_missing(finding, host_read(view->host, "/usr/lib/os-release")))
            finding_not_measured(finding, REASON_UNSUPPORTED, "/etc/os-release");
        finding_not_measured(finding, REASON_UNSUPPORTED, "%s %s", id ? id : "",
                             codename ? codename : "");
        return;
    }
    found = g_strdup_printf("%s %s, updates until %s%s%s", id, codename,
                            release->supported_s ? release->supported : "-",
                            release->extended_s ? ", LTS until " : "", release->extended);
    if (!release->released_s || release->released_s > now_s)
        finding_warn(finding, "/etc/os-release", 0, "VERSION_CODENAME", found, "a release");
    else if (now_s < release->supported_s)
        finding_pass(finding, "/etc/os-release", 0, "VERSION_CODENAME", found, "supported today");
    else if (now_s < release->extended_s)
        finding_warn(finding, "/etc/os-release", 0, "VERSION_CODENAME", found,
                     "a release with full security support: LTS leaves packages out");
    else
        finding_fail(finding, "/etc/os-release", 0, "VERSION_CODENAME", found, "supported today");
}

static gboolean no_dpkg(const struct asset_view *view, struct finding *finding)
{
    const struct dpkg *dpkg = dpkg_get(view->host);

    if (dpkg->state == HOST_ABSENT)
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "dpkg");
    else if (dpkg->state != HOST_OK)
        host_missing(finding, host_read(view->host, DPKG_STATUS));
    return dpkg->state != HOST_OK;
}

void judge_host_update_security_updates(const struct asset_view *view, struct finding *finding)
{
    const struct apt_updates *updates;

    if (no_dpkg(view, finding))
        return;
    updates = apt_updates_get(view->host);
    for (guint i = 0; i < updates->pending->len; i++) {
        const struct apt_update *update = &g_array_index(updates->pending, struct apt_update, i);

        finding_fail(finding, DPKG_STATUS, update->installed->line, update->installed->name,
                     update->installed->version, update->version);
    }
    if (updates->lists && finding->outcome == OUTCOME_NONE)
        finding_pass(finding, APT_LISTS, 0, NULL, "no installed package is older than its fix",
                     "all security updates installed");
    if (updates->unread)
        finding_incomplete(finding,
                           updates->state == HOST_DENIED ? REASON_NEEDS_ROOT : REASON_UNSUPPORTED,
                           "%s", updates->unread);
    finding_not_measured(finding, REASON_ABSENT, "package lists of a security suite in " APT_LISTS);
}

void judge_host_update_lists_fresh(const struct asset_view *view, struct finding *finding)
{
    static const char *const places[] = { "/var/lib/apt/periodic/update-success-stamp",
                                          APT_LISTS "/partial", APT_LISTS };
    const gint64 good_days = 2, bad_days = 14;
    const struct host_file *newest = NULL;
    g_autofree char *found = NULL;
    gint64 days;

    if (no_dpkg(view, finding))
        return;
    if (!host_is_live(view->host)) {
        finding_not_measured(finding, REASON_OFFLINE, APT_LISTS);
        return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
        const struct host_file *place = host_stat(view->host, places[i]);

        if (place->state == HOST_OK && (!newest || place->mtime_us > newest->mtime_us))
            newest = place;
    }
    if (!newest) {
        finding_not_measured(finding, REASON_ABSENT, APT_LISTS);
        return;
    }
    days = (view->now_us - newest->mtime_us) / US_PER_DAY;
    found = g_strdup_printf("%" G_GINT64_FORMAT " days ago", days);
    if (days > bad_days)
        finding_fail(finding, newest->path, 0, "last refresh", found, "within 2 days");
    else if (days > good_days)
        finding_warn(finding, newest->path, 0, "last refresh", found, "within 2 days");
    else
        finding_pass(finding, newest->path, 0, "last refresh", found, "within 2 days");
}

/* --- automatic updates ----------------------------------------------------------------------- */

static void check_periodic(const struct apt_conf *conf, struct finding *finding, const char *name)
{
    const struct apt_item *item = apt_conf_find(conf, name);
    const char *value = item ? item->value : NULL;

    /* A number of days; "always"; 0 switches it off. */
    finding_check(finding, value && *value && !g_str_equal(value, "0"),
                  item ? item->path : "/etc/apt/apt.conf.d", item ? item->line : 0, name,
                  value ? value : "not set", "1");
}

static const struct apt_item *security_origin(const struct apt_conf *conf)
{
    static const char *const lists[] = { "Unattended-Upgrade::Origins-Pattern",
                                         "Unattended-Upgrade::Allowed-Origins" };

    for (guint i = 0; i < conf->items->len; i++) {
        const struct apt_item *item = conf->items->pdata[i];
        g_autofree char *value = g_ascii_strdown(item->value, -1);

        for (gsize j = 0; j < G_N_ELEMENTS(lists); j++)
            if (g_ascii_strncasecmp(item->name, lists[j], strlen(lists[j])) == 0 &&
                strstr(value, "security"))
                return item;
    }
    return NULL;
}

void judge_host_update_automatic(const struct asset_view *view, struct finding *finding)
{
    static const char *const timers[] = { "apt-daily.timer", "apt-daily-upgrade.timer" };
    const struct apt_conf *conf;
    const struct apt_item *origin, *enable;

    if (no_dpkg(view, finding))
        return;
    conf = apt_conf_get(view->host);
    finding_check(finding, dpkg_installed(view->host, "unattended-upgrades"), DPKG_STATUS, 0,
                  "unattended-upgrades",
                  dpkg_installed(view->host, "unattended-upgrades") ? "installed" : "not installed",
                  "installed");
    check_periodic(conf, finding, "APT::Periodic::Update-Package-Lists");
    check_periodic(conf, finding, "APT::Periodic::Unattended-Upgrade");
    enable = apt_conf_find(conf, "APT::Periodic::Enable");
    if (enable && !apt_conf_is_true(enable->value))
        finding_fail(finding, enable->path, enable->line, enable->name, enable->value, "1");
    origin = security_origin(conf);
    finding_check(finding, origin != NULL, origin ? origin->path : "/etc/apt/apt.conf.d",
                  origin ? origin->line : 0, "Unattended-Upgrade::Origins-Pattern",
                  origin ? origin->value : "no security origin", "the security origin");
    for (gsize i = 0; i < G_N_ELEMENTS(timers); i++)
        if (unit_get(view->host, timers[i])->enablement == UNIT_MASKED)
            finding_fail(finding, NULL, 0, timers[i], "masked", "enabled");
    if (conf->unread)
        finding_incomplete(finding,
                           conf->state == HOST_DENIED ? REASON_NEEDS_ROOT : REASON_UNREADABLE, "%s",
                           conf->unread);
}

/* --- old code still running ------------------------------------------------------------------ */

#define PROCESSES_MAX 2000
#define MAPS_MAX (4u << 20) /* bytes of one process's maps */

/* The replaced program or library of a line of maps that is mapped to be executed; or NULL. */
static char *replaced_file(const char *line, gsize length)
{
    static const char suffix[] = " (deleted)";
    static const char *const places[] = { "/usr/", "/lib", "/bin/", "/sbin/", "/opt/" };
    const gsize cut = strlen(suffix);
    const char *path = memchr(line, '/', length), *space = memchr(line, ' ', length);

    if (!path || !space || (gsize)(line + length - path) <= cut || space + 4 > line + length ||
        space[3] != 'x' || memcmp(line + length - cut, suffix, cut) != 0)
        return NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(places); i++)
        if (g_str_has_prefix(path, places[i]))
            return g_strndup(path, line + length - cut - path);
    return NULL;
}

static void look_at_maps(struct host *host, const char *pid, const struct scratch *maps,
                         GHashTable *replaced)
{
    for (const char *at = maps->text, *end = at + maps->length; at < end;) {
        const char *stop = memchr(at, '\n', end - at);
        char *path;

        if (!stop)
            stop = end;
        path = stop[-1] == ')' ? replaced_file(at, stop - at) : NULL;
        if (path && !g_hash_table_contains(replaced, path))
            g_hash_table_insert(replaced, path, g_strdup(pid));
        else
            g_free(path);
        at = stop + 1;
    }
}

void judge_host_update_restarts(const struct asset_view *view, struct finding *finding)
{
    static const char *const flags[] = { "/run/reboot-required", "/var/run/reboot-required" };
    g_autoptr(GHashTable) replaced = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_auto(scratch_t) maps = { NULL };
    GHashTableIter iter;
    gpointer path, pid;
    guint denied = 0, looked = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(flags); i++)
        if (host_stat(view->host, flags[i])->state == HOST_OK) {
            finding_fail(finding, flags[i], 0, NULL, "a restart is due", "no such file");
            break;
        }
    for (char *const *one = host_processes(view->host); *one && looked < PROCESSES_MAX; one++) {
        g_autofree char *process = g_strconcat("/proc/", *one, NULL);
        g_autofree char *name = g_strconcat(process, "/maps", NULL);

        switch (scratch_read(view->host, name, MAPS_MAX, FALSE, &maps)) {
        case HOST_OK:
            looked++;
            if (maps.length)
                look_at_maps(view->host, process, &maps, replaced);
            break;
        case HOST_DENIED:
            denied++;
            break;
        default: /* ended in the meantime */
            break;
        }
    }
    g_hash_table_iter_init(&iter, replaced);
    while (g_hash_table_iter_next(&iter, &path, &pid))
        finding_fail(finding, path, 0, pid, "replaced on disk, the old one still runs",
                     "restarted since the update");
    if (finding->outcome == OUTCOME_NONE && looked)
        finding_pass(finding, NULL, 0, NULL, "no process runs a replaced file", NULL);
    if (denied)
        finding_incomplete(finding, REASON_NEEDS_ROOT, "maps of %u processes", denied);
    finding_not_measured(finding, REASON_ABSENT, "/proc");
}

/* --- package states -------------------------------------------------------------------------- */

static gboolean has_pending(const struct apt_updates *updates, const struct dpkg_package *package)
{
    for (guint i = 0; i < updates->pending->len; i++)
        if (g_array_index(updates->pending, struct apt_update, i).installed == package)
            return TRUE;
    return FALSE;
}

void judge_host_update_package_states(const struct asset_view *view, struct finding *finding)
{
    const struct dpkg *dpkg = dpkg_get(view->host);
    g_autofree char *count = NULL;

    if (no_dpkg(view, finding))
        return;
    for (guint i = 0; i < dpkg->packages->len; i++) {
        const struct dpkg_package *package = &g_array_index(dpkg->packages, struct dpkg_package, i);
        g_autofree char *status =
            g_strdup_printf("%s %s %s", package->want, package->flag, package->state);

        if (g_str_equal(package->state, "not-installed"))
            continue;
        if (!dpkg_is_installed(package) || !g_str_equal(package->flag, "ok"))
            finding_fail(finding, DPKG_STATUS, package->line, package->name, status,
                         g_str_equal(package->state, "config-files") ? "purged" : "installed");
        else if (g_str_equal(package->want, "hold") &&
                 has_pending(apt_updates_get(view->host), package))
            finding_fail(finding, DPKG_STATUS, package->line, package->name,
                         "held back, with a security update waiting", "not held");
    }
    count = g_strdup_printf("%u packages", dpkg->packages->len);
    if (finding->outcome == OUTCOME_NONE)
        finding_pass(finding, DPKG_STATUS, 0, NULL, count, "installed, or gone completely");
}

void judge_host_update_helpers(const struct asset_view *view, struct finding *finding)
{
    static const char *const packages[] = { "debsums", "needrestart", "apt-listchanges" };

    if (no_dpkg(view, finding))
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(packages); i++)
        if (dpkg_installed(view->host, packages[i]))
            finding_pass(finding, DPKG_STATUS, 0, packages[i], "installed", "installed");
        else
            finding_warn(finding, DPKG_STATUS, 0, packages[i], "not installed", "installed");
}
