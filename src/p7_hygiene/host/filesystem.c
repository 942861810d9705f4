/*
 * Judges of file systems and mounts (data/measures/host/filesystem.yaml).
 *
 * What is mounted decides; /etc/fstab is judged alone where nothing is mounted (a tree without
 * /proc/self/mountinfo), and against the live mounts by host.filesystem.fstab-in-force.
 */
#include "catalogue_judges.h"
#include "p7_hygiene/host/dpkg.h"
#include "p7_hygiene/host/mounts.h"
#include "p7_hygiene/host/units.h"

#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The list that speaks for this host; NULL when nothing can be judged, which `finding` then says.
 */
static const GPtrArray *effective(const struct asset_view *view, struct finding *finding)
{
    const struct mounts *facts = mounts(view->host);

    if (facts->live_state == HOST_OK)
        return facts->live;
    if (!host_is_live(view->host) && facts->live_state == HOST_ABSENT &&
        facts->fstab_state == HOST_OK)
        return facts->fstab;
    host_missing(finding, host_read(view->host, MOUNTS_LIVE));
    return NULL;
}

/* Each once: "rw" stands in the options of the mount and of the file system. */
static char *options_of(const struct mount *mount)
{
    GString *text = g_string_new(NULL);

    for (char **option = mount->options; *option; option++) {
        gboolean seen = FALSE;

        for (char **before = mount->options; before < option; before++)
            seen |= g_str_equal(*before, *option);
        if (!seen)
            g_string_append_printf(text, "%s%s", text->len ? "," : "", *option);
    }
    return g_string_free(text, FALSE);
}

static void judge_options(struct finding *finding, const struct mount *mount,
                          const char *const *wanted)
{
    g_autofree char *found = options_of(mount);
    g_autofree char *list = g_strjoinv(",", (char **)wanted);
    gboolean good = TRUE;

    for (; *wanted; wanted++)
        good &= mount_has(mount, *wanted);
    finding_check(finding, good, mount->path, mount->line, mount->point, found, list);
}

/* tmp.mount is how systemd makes /tmp a file system of its own without a line in fstab. */
static gboolean judge_separate(struct host *host, struct finding *finding, const GPtrArray *list,
                               const char *point)
{
    const struct mount *mount = mount_at(list, point);
    gboolean unit = !mount && list == mounts(host)->fstab && g_str_equal(point, "/tmp") &&
                    unit_is_enabled(host, "tmp.mount");

    return finding_check(finding, mount || unit,
                         mount  ? mount->path
                         : unit ? "/etc/systemd/system/local-fs.target.wants/tmp.mount"
                         : list == mounts(host)->live ? MOUNTS_LIVE
                                                      : MOUNTS_FSTAB,
                         mount ? mount->line : 0, point,
                         mount  ? mount->type
                         : unit ? "tmp.mount is enabled"
                                : "part of another file system",
                         "a file system of its own");
}

static gboolean is_foreign(const struct asset_view *view, struct finding *finding)
{
    if (!host_is_container(view->host))
        return FALSE;
    finding_not_applicable(finding, REASON_CONTAINER, "the host mounts its file systems");
    return TRUE;
}

void judge_host_filesystem_tmp_separate(const struct asset_view *view, struct finding *finding)
{
    const GPtrArray *list;

    if (!is_foreign(view, finding) && (list = effective(view, finding)))
        judge_separate(view->host, finding, list, "/tmp");
}

static void judge_point(const struct asset_view *view, struct finding *finding, const char *point)
{
    static const char *const wanted[] = { "nodev", "nosuid", "noexec", NULL };
    const GPtrArray *list;
    const struct mount *mount;

    if (is_foreign(view, finding) || !(list = effective(view, finding)))
        return;
    mount = mount_at(list, point);
    if (mount)
        judge_options(finding, mount, wanted);
    else
        finding_not_applicable(finding, REASON_NOT_USED, "%s is no file system of its own", point);
}

void judge_host_filesystem_tmp_options(const struct asset_view *view, struct finding *finding)
{
    judge_point(view, finding, "/tmp");
}

void judge_host_filesystem_shm_options(const struct asset_view *view, struct finding *finding)
{
    judge_point(view, finding, "/dev/shm");
}

void judge_host_filesystem_data_separate(const struct asset_view *view, struct finding *finding)
{
    static const char *const points[] = { "/var", "/var/log", "/var/log/audit", "/var/tmp",
                                          "/home" };
    const GPtrArray *list;

    if (is_foreign(view, finding) || !(list = effective(view, finding)))
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(points); i++)
        judge_separate(view->host, finding, list, points[i]);
}

void judge_host_filesystem_data_options(const struct asset_view *view, struct finding *finding)
{
    static const struct {
        const char *point, *wanted[4];
    } points[] = {
        { "/home", { "nodev", "nosuid" } },
        { "/var", { "nodev", "nosuid" } },
        { "/var/tmp", { "nodev", "nosuid", "noexec" } },
        { "/var/log", { "nodev", "nosuid", "noexec" } },
        { "/var/log/audit", { "nodev", "nosuid", "noexec" } },
        { "/boot", { "nosuid", "noexec" } },
    };
    const GPtrArray *list;

    if (is_foreign(view, finding) || !(list = effective(view, finding)))
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(points); i++) {
        const struct mount *mount = mount_at(list, points[i].point);

        if (mount)
            judge_options(finding, mount, points[i].wanted);
    }
    finding_not_applicable(finding, REASON_NOT_USED, "no data lies on a file system of its own");
}

/* ptraceable (4) hides more than invisible (2) does (proc(5)). */
void judge_host_filesystem_processes_hidden(const struct asset_view *view, struct finding *finding)
{
    static const char *const good[] = { "2", "invisible", "4", "ptraceable", NULL };
    const GPtrArray *list;
    const struct mount *mount;
    const char *value;

    if (is_foreign(view, finding) || !(list = effective(view, finding)))
        return;
    mount = mount_at(list, "/proc");
    if (!mount && list == mounts(view->host)->live) {
        finding_not_measured(finding, REASON_ABSENT, "/proc is not mounted");
        return;
    }
    value = mount ? mount_value(mount, "hidepid") : NULL;
    finding_check(finding, value && g_strv_contains(good, value),
                  mount ? mount->path : MOUNTS_FSTAB, mount ? mount->line : 0, "hidepid",
                  value ? value : "not set", "invisible");
}

static gboolean is_nfs(const struct mount *mount)
{
    return g_str_equal(mount->type, "nfs") || g_str_equal(mount->type, "nfs4");
}

/* Versions 2 and 3 believe the client's user ids unless Kerberos vouches (sec=krb5). */
static void judge_nfs(struct finding *finding, const struct mount *mount)
{
    static const char *const wanted[] = { "nosuid", "nodev", NULL };
    const char *version = mount_value(mount, "vers"), *security = mount_value(mount, "sec");

    if (!version)
        version = mount_value(mount, "nfsvers");
    judge_options(finding, mount, wanted);
    if (version && *version < '4' && (!security || g_str_equal(security, "sys")))
        finding_warn(finding, mount->path, mount->line, mount->point, "NFS 2 or 3 with sec=sys",
                     "NFS 4 with sec=krb5p, or a network of its own");
}

void judge_host_filesystem_network_mounts(const struct asset_view *view, struct finding *finding)
{
    const struct mounts *facts = mounts(view->host);
    const GPtrArray *list = effective(view, finding);

    if (!list)
        return;
    for (guint i = 0; i < list->len; i++)
        if (is_nfs(list->pdata[i]))
            judge_nfs(finding, list->pdata[i]);
    for (guint i = 0; list == facts->live && i < facts->fstab->len; i++) {
        const struct mount *mount = facts->fstab->pdata[i];

        if (is_nfs(mount) && !mount_at(facts->live, mount->point))
            judge_nfs(finding, mount);
    }
    finding_not_applicable(finding, REASON_NOT_USED, "no NFS mount");
}

#define SWAPS "/proc/swaps"

/* What lies on this device or file: encrypted, not, or cannot tell. */
static void judge_swap(struct host *host, struct finding *finding, const char *name,
                       const char *type, guint line)
{
    const GPtrArray *live = mounts(host)->live;
    const struct mount *holder = g_str_equal(type, "file") ? mount_holding(live, name) : NULL;
    gboolean known, encrypted;

    if (g_str_has_prefix(name, "/dev/zram")) {
        finding_pass(finding, SWAPS, line, name, "in memory", "encrypted, or none");
        return;
    }
    encrypted = holder
                    ? block_is_encrypted(host, holder->source, holder->major, holder->minor, &known)
                    : block_is_encrypted(host, name, 0, 0, &known);
    if (known)
        finding_check(finding, encrypted, SWAPS, line, name, encrypted ? "encrypted" : "in clear",
                      "encrypted, or none");
    else
        finding_incomplete(finding, REASON_ABSENT, "/sys/block says nothing of %s", name);
}

static gboolean is_portable(struct host *host)
{
    return host_has_role(host, "laptop") || host_has_role(host, "workstation");
}

void judge_host_filesystem_swap_encrypted(const struct asset_view *view, struct finding *finding)
{
    const struct host_file *file = host_read(view->host, SWAPS);
    g_auto(GStrv) lines = NULL;

    if (is_foreign(view, finding) || host_missing(finding, file))
        return;
    lines = g_strsplit(file->text, "\n", -1);
    for (guint i = 1; lines[0] && lines[i]; i++) { /* the first line is the heading */
        g_autofree char *name = g_strndup(lines[i], strcspn(lines[i], " \t"));
        const char *rest = lines[i] + strlen(name) + strspn(lines[i] + strlen(name), " \t");
        g_autofree char *type = g_strndup(rest, strcspn(rest, " \t"));

        if (!*name)
            continue;
        if (!is_portable(view->host)) {
            finding_not_applicable(finding, REASON_ROLE, "asked of laptops and workstations");
            return;
        }
        judge_swap(view->host, finding, mount_unescape(name), type, i + 1);
    }
    if (finding->outcome == OUTCOME_NONE)
        finding_pass(finding, SWAPS, 0, "swap", "none", "encrypted, or none");
}

void judge_host_filesystem_disk_encrypted(const struct asset_view *view, struct finding *finding)
{
    static const char *const points[] = { "/", "/home" };
    const struct mounts *facts = mounts(view->host);

    if (is_foreign(view, finding))
        return;
    if (!is_portable(view->host)) {
        finding_not_applicable(finding, REASON_ROLE, "asked of laptops and workstations");
        return;
    }
    if (host_missing(finding, host_read(view->host, MOUNTS_LIVE)))
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(points); i++) {
        const struct mount *mount = mount_holding(facts->live, points[i]);
        gboolean known, encrypted;

        if (!mount || (i > 0 && mount == mount_holding(facts->live, points[0])))
            continue;
        encrypted =
            block_is_encrypted(view->host, mount->source, mount->major, mount->minor, &known);
        if (known)
            finding_check(finding, encrypted, mount->path, mount->line, points[i],
                          encrypted ? "on an encrypted device" : "in clear",
                          "on an encrypted device");
        else
            finding_incomplete(finding, REASON_ABSENT, "/sys/block says nothing of %s",
                               mount->source);
    }
}

/* File systems of this machine's disks and memory that data can fill. */
static gboolean can_fill(const struct mount *mount)
{
    static const char *const types[] = { "ext2", "ext3",     "ext4", "xfs",   "btrfs",
                                         "f2fs", "vfat",     "jfs",  "tmpfs", "bcachefs",
                                         "zfs",  "reiserfs", NULL };

    return g_strv_contains(types, mount->type) && !mount_has(mount, "ro");
}

#define FULL_PERCENT 90

static guint64 percent(guint64 used, guint64 total)
{
    return total ? (used * 100 + total - 1) / total : 0;
}

static void judge_room(struct host *host, struct finding *finding, const struct mount *mount)
{
    int fd = host_open(host, mount->point, O_DIRECTORY | O_PATH);
    struct statvfs room;
    g_autofree char *found = NULL;
    guint64 blocks, inodes;

    if (fd < 0)
        return; /* a mount point that is hidden from us cannot be asked */
    if (fstatvfs(fd, &room) == 0 && room.f_blocks) {
        /* as df: what is kept for root counts neither as used nor as free */
        guint64 used = room.f_blocks - room.f_bfree;

        blocks = percent(used, used + room.f_bavail);
        inodes = percent(room.f_files - room.f_ffree, room.f_files);
        found = g_strdup_printf("%" G_GUINT64_FORMAT " %% of blocks, %" G_GUINT64_FORMAT
                                " %% of inodes",
                                blocks, inodes);
        finding_check(finding, blocks <= FULL_PERCENT && inodes <= FULL_PERCENT, mount->path,
                      mount->line, mount->point, found, "90 % or less");
    }
    close(fd);
}

void judge_host_filesystem_not_full(const struct asset_view *view, struct finding *finding)
{
    const struct mounts *facts = mounts(view->host);

    if (host_missing(finding, host_read(view->host, MOUNTS_LIVE)))
        return;
    for (guint i = 0; i < facts->live->len; i++) {
        const struct mount *mount = facts->live->pdata[i];

        if (can_fill(mount) && mount_at(facts->live, mount->point) == mount)
            judge_room(view->host, finding, mount);
    }
    finding_not_measured(finding, REASON_ABSENT, "no local file system");
}

/* The kernel's own file systems get their safe options from systemd whatever fstab says. */
static gboolean is_kernel_own(const struct mount *mount)
{
    static const char *const types[] = { "proc", "sysfs", "devpts", "devtmpfs", NULL };

    return g_strv_contains(types, mount->type);
}

static gboolean is_not_mounted_at_boot(const struct mount *line)
{
    return mount_has(line, "noauto") || mount_has(line, "nofail") ||
           mount_has(line, "x-systemd.automount") || g_str_equal(line->type, "swap") ||
           *line->point != '/';
}

static void judge_in_force(struct finding *finding, const struct mount *line,
                           const struct mount *live)
{
    static const char *const options[] = { "nodev", "nosuid", "noexec", "ro" };
    const char *planned_hiding = mount_value(line, "hidepid"), *hiding = NULL;
    gboolean same = TRUE;

    for (gsize i = 0; i < G_N_ELEMENTS(options); i++) {
        gboolean planned = mount_has(line, options[i]), now = mount_has(live, options[i]);

        if (planned && !now)
            finding_fail(finding, line->path, line->line, line->point, "not in force", options[i]);
        else if (now && !planned && !is_kernel_own(live))
            finding_warn(finding, line->path, line->line, line->point,
                         "in force now, and not in fstab: lost at the next boot", options[i]);
        same &= planned == now || (now && is_kernel_own(live));
    }
    if (planned_hiding) {
        hiding = mount_value(live, "hidepid");
        same &= finding_check(
            finding,
            hiding && (g_str_equal(hiding, planned_hiding) ||
                       (g_str_equal(planned_hiding, "2") && g_str_equal(hiding, "invisible"))),
            line->path, line->line, line->point, hiding ? hiding : "hidepid is not in force",
            planned_hiding);
    }
    if (same)
        finding_pass(finding, line->path, line->line, line->point, "as in fstab", "as in fstab");
}

void judge_host_filesystem_fstab_in_force(const struct asset_view *view, struct finding *finding)
{
    const struct mounts *facts = mounts(view->host);

    if (is_foreign(view, finding) || host_missing(finding, host_read(view->host, MOUNTS_LIVE)))
        return;
    if (host_gap(finding, host_read(view->host, MOUNTS_FSTAB)))
        return;
    for (guint i = 0; i < facts->fstab->len; i++) {
        const struct mount *line = facts->fstab->pdata[i];
        const struct mount *live = mount_at(facts->live, line->point);

        if (live)
            judge_in_force(finding, line, live);
        else if (!is_not_mounted_at_boot(line))
            finding_fail(finding, line->path, line->line, line->point, "not mounted", "mounted");
    }
    finding_not_applicable(finding, REASON_NOT_USED, "%s has no file system", MOUNTS_FSTAB);
}

void judge_host_filesystem_no_automount(const struct asset_view *view, struct finding *finding)
{
    gboolean installed;

    if (is_portable(view->host)) {
        finding_not_applicable(finding, REASON_ROLE, "a workstation may mount what is plugged in");
        return;
    }
    if (host_missing(finding, host_read(view->host, DPKG_STATUS)))
        return;
    installed = dpkg_installed(view->host, "autofs");
    finding_check(finding, !installed, DPKG_STATUS, 0, "autofs",
                  installed ? "installed" : "not installed", "not installed");
}
