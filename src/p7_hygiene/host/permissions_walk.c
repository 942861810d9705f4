/*
 * permissions_walk.c: what only a look at every file can tell (PERM-02 to 06, 13, 14).
 */
#include "p7_hygiene/host/dpkg.h"
#include "p7_hygiene/host/modes.h"
#include "p7_hygiene/host/privileged.h"
#include "p7_hygiene/host/scratch.h"
#include "p7_hygiene/host/walk.h"

#include "catalogue_judges.h"

#include <string.h>
#include <sys/stat.h>

#define BITS(file) ((file)->mode & (S_ISUID | S_ISGID))

static void fail_entry(struct finding *finding, const struct walk_entry *entry, const char *key,
                       const char *wanted)
{
    g_autofree char *found = modes_text(entry->mode, entry->uid, entry->gid);

    finding_fail(finding, entry->path, 0, key, found, wanted);
}

/* What could not be kept counts as evidence left out. */
static void end_list(const struct walk *walk, enum walk_list list, struct finding *finding,
                     const char *wanted)
{
    const struct walk_found *found = &walk->found[list];

    finding->omitted += found->total - found->entries->len;
    if (finding->outcome == OUTCOME_NONE) {
        g_autofree char *text =
            g_strdup_printf("none among %" G_GUINT64_FORMAT " files", walk->entries);

        finding_pass(finding, NULL, 0, NULL, text, wanted);
    }
    walk_gap(walk, finding);
}

static void fail_all(const struct asset_view *view, struct finding *finding, enum walk_list list,
                     const char *wanted)
{
    const struct walk *walk = walk_get(view->host);
    const GArray *entries = walk->found[list].entries;

    for (guint i = 0; i < entries->len; i++)
        fail_entry(finding, &g_array_index(entries, struct walk_entry, i), "mode", wanted);
    end_list(walk, list, finding, wanted);
}

void judge_host_permissions_world_writable_files(const struct asset_view *view,
                                                 struct finding *finding)
{
    fail_all(view, finding, WALK_WORLD_WRITABLE, "not writable by others");
}

void judge_host_permissions_open_folders(const struct asset_view *view, struct finding *finding)
{
    fail_all(view, finding, WALK_OPEN_FOLDERS, "sticky bit and owned by root, or not writable");
}

/* Accounts of a directory service are not in /etc/passwd: an unknown number may be one of them. */
static gboolean has_remote_accounts(struct host *host)
{
    static const char *const services[] = { "sss", "ldap", "winbind", "nis", "nisplus" };
    const struct host_file *file = host_read(host, "/etc/nsswitch.conf");
    const char *line = file->text ? strstr(file->text, "passwd:") : NULL;
    g_autofree char *names = line ? g_strndup(line, strcspn(line, "\n#")) : NULL;

    for (gsize i = 0; names && i < G_N_ELEMENTS(services); i++)
        if (strstr(names, services[i]))
            return TRUE;
    return FALSE;
}

void judge_host_permissions_unowned_files(const struct asset_view *view, struct finding *finding)
{
    const struct walk_found *found = &walk_get(view->host)->found[WALK_UNOWNED];

    if (host_missing(finding, host_read(view->host, "/etc/passwd")) ||
        host_missing(finding, host_read(view->host, "/etc/group")))
        return;
    if (found->total && has_remote_accounts(view->host))
        finding_not_measured(finding, REASON_UNSUPPORTED, "accounts of a directory service");
    else
        fail_all(view, finding, WALK_UNOWNED, "a user and a group that exist");
}

/* --- setuid and setgid ----------------------------------------------------------------------- */

static char *setid_text(mode_t mode)
{
    return g_strdup_printf("%s%s%s", mode & S_ISUID ? "setuid" : "",
                           (mode & S_ISUID) && (mode & S_ISGID) ? ", " : "",
                           mode & S_ISGID ? "setgid" : "");
}

/* Known, of an installed package that lists it, and no more bits than that package gives it. */
static const char *known_package(struct host *host, const struct walk_entry *entry)
{
    g_autofree char *path = dpkg_map_path(entry->path);
    const struct privileged_file *known = privileged_known(path);

    if (!known || (BITS(entry) & ~known->bits) || entry->mode & S_IWOTH)
        return NULL;
    return dpkg_package_has(host, known->package, path) ? known->package : NULL;
}

static void judge_setid(struct host *host, struct finding *finding, const struct walk_entry *entry,
                        const char *owner)
{
    const struct dpkg *dpkg = dpkg_get(host);
    g_autofree char *path = dpkg_map_path(entry->path), *bits = setid_text(entry->mode);
    g_autofree char *text = NULL;
    const struct privileged_file *known = privileged_known(path);
    const char *override = g_hash_table_lookup(dpkg->overrides, path);

    if (owner && override) {
        text = g_strdup_printf("%s, of %s; override %s", bits, owner, override);
        finding_pass(finding, entry->path, 0, NULL, text, "known, or by dpkg-statoverride");
    } else if (owner && known && g_str_equal(known->package, owner) &&
               !(BITS(entry) & ~known->bits) && !(entry->mode & S_IWOTH)) {
        text = g_strdup_printf("%s, of %s", bits, owner);
        finding_pass(finding, entry->path, 0, NULL, text, "known for its package");
    } else if (owner && known && !(BITS(entry) & ~known->bits) && !(entry->mode & S_IWOTH)) {
        text = g_strdup_printf("%s, of %s", bits, owner); /* moved between packages */
        finding_pass(finding, entry->path, 0, NULL, text, "known for its package");
    } else {
        text =
            g_strdup_printf("%s, %s%s", bits, owner ? "of " : "of no package", owner ? owner : "");
        finding_fail(finding, entry->path, 0, NULL, text,
                     owner ? "not setuid or setgid as far as is known of that package"
                           : "of a package, or no such file");
    }
}

/*
 * The group of a setgid helper is a fence only as long as nobody is a member: who is, has without
 * the helper what it hands out one question at a time.
 */
static void judge_helper_groups(guint line, const char *text, gsize length, gpointer data)
{
    static const char *const fences[] = { "shadow",  "_ssh",     "ssh",   "crontab", "plocate",
                                          "mlocate", "postdrop", "msmtp", NULL };
    g_autofree char *copy = g_strndup(text, length);
    g_auto(GStrv) fields = g_strsplit(copy, ":", -1);
    g_autofree char *key = NULL;

    if (g_strv_length(fields) != 4 || !*fields[3] || !g_strv_contains(fences, fields[0]))
        return;
    key = g_strdup_printf("members of %s", fields[0]);
    finding_fail(data, "/etc/group", line, key, fields[3], "none: it is the group of setgid files");
}

void judge_host_permissions_setuid_files(const struct asset_view *view, struct finding *finding)
{
    const struct walk *walk = walk_get(view->host);
    const GArray *entries = walk->found[WALK_SETID].entries;
    g_autoptr(GPtrArray) unknown = g_ptr_array_new();
    g_autoptr(GHashTable) owners = NULL;
    struct dpkg *dpkg = dpkg_get(view->host);

    if (dpkg->state != HOST_OK) {
        host_missing(finding, host_read(view->host, DPKG_STATUS));
        return;
    }
    for (guint i = 0; i < entries->len; i++) {
        const struct walk_entry *entry = &g_array_index(entries, struct walk_entry, i);
        const char *package = known_package(view->host, entry);

        if (package)
            judge_setid(view->host, finding, entry, package);
        else
            g_ptr_array_add(unknown, entry->path);
    }
    owners = dpkg_owners(view->host, (const char *const *)unknown->pdata, unknown->len);
    for (guint i = 0, next = 0; i < entries->len && next < unknown->len; i++) {
        const struct walk_entry *entry = &g_array_index(entries, struct walk_entry, i);

        if (entry->path == unknown->pdata[next]) {
            next++;
            judge_setid(view->host, finding, entry, g_hash_table_lookup(owners, entry->path));
        }
    }
    host_each_line(host_read(view->host, "/etc/group"), judge_helper_groups, finding);
    end_list(walk, WALK_SETID, finding, "only known setuid and setgid files");
}

/* --- file capabilities ----------------------------------------------------------------------- */

static void judge_capability(struct host *host, struct finding *finding,
                             const struct walk_entry *entry, const char *owner)
{
    g_autofree char *path = dpkg_map_path(entry->path), *text = NULL;
    const struct privileged_capability *known = privileged_capability_known(path);
    guint64 permitted = 0, inheritable = 0;
    gboolean effective = FALSE;

    if (!privileged_read_capability(entry->capability, entry->capability_length, &permitted,
                                    &inheritable, &effective)) {
        finding_fail(finding, entry->path, 0, "security.capability", "malformed", "none");
        return;
    }
    text = privileged_capability_text(permitted, inheritable, effective);
    finding_check(finding, owner && known && !((permitted | inheritable) & ~known->permitted),
                  entry->path, 0, "security.capability", text,
                  known && owner ? "known for its package" : "none");
}

void judge_host_permissions_file_capabilities(const struct asset_view *view,
                                              struct finding *finding)
{
    const struct walk *walk = walk_get(view->host);
    const GArray *entries = walk->found[WALK_CAPABILITIES].entries;
    g_autoptr(GPtrArray) paths = g_ptr_array_new();
    g_autoptr(GHashTable) owners = NULL;

    for (guint i = 0; i < entries->len; i++)
        g_ptr_array_add(paths, g_array_index(entries, struct walk_entry, i).path);
    owners = dpkg_owners(view->host, (const char *const *)paths->pdata, paths->len);
    for (guint i = 0; i < entries->len; i++) {
        const struct walk_entry *entry = &g_array_index(entries, struct walk_entry, i);

        judge_capability(view->host, finding, entry, g_hash_table_lookup(owners, entry->path));
    }
    end_list(walk, WALK_CAPABILITIES, finding, "no capability beyond those known");
}

void judge_host_permissions_compilers(const struct asset_view *view, struct finding *finding)
{
    if (host_has_role(view->host, "workstation") || host_has_role(view->host, "developer") ||
        host_has_role(view->host, "build")) {
        finding_not_applicable(finding, REASON_ROLE, "a machine that builds software");
        return;
    }
    fail_all(view, finding, WALK_COMPILERS, "no compiler that all may execute");
}

/* --- package integrity ----------------------------------------------------------------------- */

#define SAMPLE_BYTES (16u << 20)   /* content hashed in one run */
#define SAMPLE_FILE_MAX (4u << 20) /* a larger file is left to a full check */
#define MD5_HEX 32
#define US_PER_DAY (G_GINT64_CONSTANT(24) * 60 * 60 * G_USEC_PER_SEC)

struct sample {
    struct host *host;
    struct finding *finding;
    const struct dpkg *dpkg;
    struct scratch content;
    guint64 left;
    guint files, bad;
};

static gboolean is_program_path(const char *path)
{
    return g_str_has_prefix(path, "/usr/bin/") || g_str_has_prefix(path, "/usr/sbin/") ||
           g_str_has_prefix(path, "/usr/lib/");
}

/* Where the package's file is now: another package may have diverted it. */
static char *real_path(const struct sample *sample, const char *package, const char *listed)
{
    char *path = dpkg_map_path(listed);

    for (guint i = 0; i < sample->dpkg->diversions->len; i++) {
        const struct dpkg_diversion *diversion =
            &g_array_index(sample->dpkg->diversions, struct dpkg_diversion, i);

        if (g_str_equal(diversion->path, path) && !g_str_equal(diversion->package, package)) {
            g_free(path);
            return g_strdup(diversion->moved);
        }
    }
    return path;
}

static void check_file(struct sample *sample, const char *package, const char *path,
                       const char *listed)
{
    g_autofree char *hex = NULL, *found = NULL;

    switch (scratch_read(sample->host, path, SAMPLE_FILE_MAX, FALSE, &sample->content)) {
    case HOST_OK:
        break;
    case HOST_DENIED:
        finding_incomplete(sample->finding, REASON_NEEDS_ROOT, "%s", path);
        return;
    default: /* excluded by dpkg's path-exclude, or replaced by a link: no changed binary */
        return;
    }
    if (sample->content.cut)
        return;
    sample->left -= MIN(sample->left, sample->content.length);
    sample->files++;
    hex = g_compute_checksum_for_data(G_CHECKSUM_MD5, (const guchar *)sample->content.text,
                                      sample->content.length);
    if (g_ascii_strncasecmp(hex, listed, MD5_HEX) == 0)
        return;
    sample->bad++;
    found = g_strdup_printf("MD5 %s", hex);
    finding_fail(sample->finding, path, 0, package, found,
                 "the content that the package installed");
}

static void check_package(struct sample *sample, const struct dpkg_package *package)
{
    g_autofree char *name = NULL;
    g_auto(GStrv) lines = NULL;
    struct scratch sums = { NULL };

    if (!dpkg_is_installed(package))
        return;
    name = dpkg_md5sums_path(sample->host, package);
    if (scratch_read(sample->host, name, HOST_FILE_MAX, TRUE, &sums) == HOST_OK)
        lines = g_strsplit(sums.text, "\n", -1);
    scratch_clear(&sums);
    for (char **line = lines; line && *line && sample->left; line++) {
        g_autofree char *listed = NULL, *path = NULL;

        if (strlen(*line) < MD5_HEX + 3)
            continue;
        listed = g_strconcat("/", *line + MD5_HEX + 2, NULL);
        path = real_path(sample, package->name, listed);
        if (is_program_path(path))
            check_file(sample, package->name, path, *line);
    }
}

/*
 * The sample: first the packages through which one becomes root, then all others in status order
 * from a place that moves on every day, until SAMPLE_BYTES are hashed.
 */
void judge_host_permissions_package_integrity(const struct asset_view *view,
                                              struct finding *finding)
{
    static const char *const first[] = { "login",
                                         "passwd",
                                         "sudo",
                                         "util-linux",
                                         "openssh-server",
                                         "libpam-modules",
                                         "libpam-modules-bin",
                                         "libpam0g",
                                         "bash",
                                         "dash",
                                         "cron" };
    struct sample sample = { .host = view->host, .finding = finding, .left = SAMPLE_BYTES };
    const GArray *packages;
    guint64 start = view->now_us / US_PER_DAY;
    g_autofree char *text = NULL;

    sample.dpkg = dpkg_get(view->host);
    packages = sample.dpkg->packages;
    if (sample.dpkg->state != HOST_OK) {
        host_missing(finding, host_read(view->host, DPKG_STATUS));
        return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(first); i++)
        check_package(&sample, dpkg_find(sample.dpkg, first[i]));
    for (guint i = 0; i < packages->len && sample.left; i++)
        check_package(&sample, &g_array_index(packages, struct dpkg_package,
                                              (start * 37 + i) % packages->len));
    scratch_clear(&sample.content);
    text = g_strdup_printf("%u of a sample of %u files changed", sample.bad, sample.files);
    if (sample.files)
        finding_check(finding, !sample.bad, NULL, 0, "digests", text, "none");
    finding_not_measured(finding, REASON_ABSENT, "/var/lib/dpkg/info/*.md5sums");
}
