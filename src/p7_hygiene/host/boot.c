/* Judges of the boot chain and the kernel's command line (data/measures/host/boot.yaml). */
#include "catalogue_judges.h"
#include "p7_hygiene/host/bootconfig.h"
#include "p7_hygiene/host/deb_version.h"
#include "p7_hygiene/host/dpkg.h"
#include "p7_hygiene/host/units.h"

#include <string.h>
#include <sys/stat.h>

#define AUDIT_BACKLOG_LEAST 8192 /* events kept before auditd reads them (CIS 6.2.1.4) */

/* In a container the kernel, its boot loader and its console are the host's. */
static gboolean is_foreign(const struct asset_view *view, struct finding *finding)
{
    if (!host_is_container(view->host))
        return FALSE;
    finding_not_applicable(finding, REASON_CONTAINER, "the host's boot chain");
    return TRUE;
}

/* The command line; NULL when nothing can be judged, which `finding` then says. */
static const struct boot_config *command_line(const struct asset_view *view,
                                              struct finding *finding)
{
    if (is_foreign(view, finding) ||
        host_missing(finding, host_read(view->host, BOOT_COMMAND_LINE)))
        return NULL;
    return boot_config(view->host);
}

static const char *parameter_text(const struct boot_parameter *parameter)
{
    return parameter ? parameter->text : "not set";
}

/* A number or a yes as the kernel reads booleans (kstrtobool). */
static gboolean is_on(const char *value)
{
    static const char *const yes[] = { "1", "y", "Y", "on", "yes", NULL };

    return value && g_strv_contains(yes, value);
}

static const struct host_file *grub_file(struct host *host)
{
    const struct host_file *grub = host_stat(host, "/boot/grub/grub.cfg");

    return grub->state == HOST_ABSENT ? host_stat(host, "/boot/grub2/grub.cfg") : grub;
}

struct superusers {
    char *names;                    /* as written in `set superusers=` */
    guint line;                     /* of it */
    char *account;                  /* of password_pbkdf2 */
    guint account_line, plain_line; /* plain: of a `password` that is not hashed */
};

static void read_superusers(guint number, const char *text, gsize length, gpointer data)
{
    struct superusers *found = data;
    g_autofree char *line = g_strstrip(g_strndup(text, length));
    const char *rest = line;

    if (g_str_has_prefix(rest, "set "))
        rest += strspn(rest + 4, " \t") + 4;
    if (g_str_has_prefix(rest, "superusers=")) {
        g_free(found->names);
        found->names = g_strdelimit(g_strdup(rest + strlen("superusers=")), "\"'", ' ');
        g_strstrip(found->names);
        found->line = number;
    } else if (g_str_has_prefix(rest, "password_pbkdf2 ")) {
        g_auto(GStrv) words = g_strsplit(rest, " ", 3);

        g_free(found->account);
        found->account = g_strdup(words[1]);
        found->account_line = number;
    } else if (g_str_has_prefix(rest, "password ")) {
        found->plain_line = number;
    }
}

static void superusers_clear(struct superusers *found)
{
    g_free(found->names);
    g_free(found->account);
}

/* grub takes space, comma, semicolon, ampersand and bar between names. */
static gboolean is_named(const char *names, const char *account)
{
    g_auto(GStrv) list = g_strsplit_set(names, " ,;&|", -1);

    return g_strv_contains((const char *const *)list, account);
}

/* Whether some file of /etc/grub.d would write the line at the next update-grub. */
static char *generator_of_superusers(struct host *host)
{
    g_auto(GStrv) paths = host_glob(host, "/etc/grub.d/*");

    for (char **path = paths; *path; path++) {
        const struct host_file *file = host_read(host, *path);
        struct superusers found = { NULL };
        gboolean set;

        host_each_line(file, read_superusers, &found);
        set = found.names && found.account;
        superusers_clear(&found);
        if (set)
            return g_strdup(*path);
    }
    return NULL;
}

void judge_host_boot_loader_password(const struct asset_view *view, struct finding *finding)
{
    const struct host_file *file;
    struct superusers found = { NULL };
    g_autofree char *generator = NULL, *text = NULL;

    if (is_foreign(view, finding))
        return;
    file = host_read(view->host, grub_file(view->host)->path);
    if (file->state == HOST_ABSENT) {
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "grub");
        return;
    }
    if (host_missing(finding, file))
        return;
    host_each_line(file, read_superusers, &found);
    generator = generator_of_superusers(view->host);
    if (!found.names && generator)
        text = g_strdup_printf("not set, but in %s: update-grub was not run", generator);
    finding_check(finding, found.names && *found.names, file->path, found.line, "superusers",
                  found.names ? found.names
                  : text      ? text
                              : "not set",
                  "set superusers=NAME");
    if (found.account && found.names && !is_named(found.names, found.account))
        finding_fail(finding, file->path, found.account_line, "password_pbkdf2",
                     "of an account that is no superuser", "of a superuser");
    else
        finding_check(finding, found.account != NULL, file->path,
                      found.account ? found.account_line : found.plain_line, "password_pbkdf2",
                      found.account      ? "a hashed password"
                      : found.plain_line ? "a password in the clear"
                                         : "not set",
                      "a hashed password");
    superusers_clear(&found);
}

void judge_host_boot_loader_file(const struct asset_view *view, struct finding *finding)
{
    const struct host_file *file;
    g_autofree char *mode = NULL, *owner = NULL;

    if (is_foreign(view, finding))
        return;
    file = grub_file(view->host);
    if (file->state == HOST_ABSENT) {
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "grub");
        return;
    }
    if (host_missing(finding, file))
        return;
    mode = g_strdup_printf("%04o", file->mode & 07777);
    owner = g_strdup_printf("%u:%u", file->uid, file->gid);
    finding_check(finding, (file->mode & 077) == 0, file->path, 0, "mode", mode, "0600 or less");
    finding_check(finding, file->uid == 0 && file->gid == 0, file->path, 0, "owner", owner, "0:0");
}

#define EFI_FOLDER "/sys/firmware/efi"
#define EFI_SECURE_BOOT EFI_FOLDER "/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define EFI_ATTRIBUTES 4 /* bytes before the value of a variable in efivarfs */

void judge_host_boot_secure_boot(const struct asset_view *view, struct finding *finding)
{
    const struct host_file *file = host_read(view->host, EFI_SECURE_BOOT);
    g_auto(GStrv) variables = NULL;
    gboolean on;

    if (is_foreign(view, finding))
        return;
    if (host_stat(view->host, "/sys/firmware")->state == HOST_ABSENT) {
        finding_not_measured(finding, host_is_live(view->host) ? REASON_ABSENT : REASON_OFFLINE,
                             "/sys/firmware");
        return;
    }
    if (host_stat(view->host, EFI_FOLDER)->state == HOST_ABSENT) {
        finding_not_applicable(finding, REASON_NO_HARDWARE, "no EFI");
        return;
    }
    variables = host_list(view->host, EFI_FOLDER "/efivars", NULL);
    if (file->state == HOST_ABSENT && variables && *variables) {
        finding_fail(finding, EFI_SECURE_BOOT, 0, "SecureBoot", "not supported by the firmware",
                     "1");
        return;
    }
    if (host_missing(finding, file))
        return;
    if (file->length <= EFI_ATTRIBUTES) {
        finding_not_measured(finding, REASON_UNREADABLE, "%s", file->path);
        return;
    }
    on = file->text[EFI_ATTRIBUTES] == 1;
    finding_check(finding, on, file->path, 0, "SecureBoot", on ? "1" : "0", "1");
}

/* "6.1.0-37-cloud-amd64" -> "6.1.0-37": flavours of one version are equals. */
static char *version_of(const char *release)
{
    gsize end = 0;

    for (gsize i = 0; release[i]; i++) {
        if ((release[i] == '-' || release[i] == '.') && !g_ascii_isdigit(release[i + 1]) &&
            !g_str_has_prefix(release + i + 1, "rc"))
            break;
        end = i + 1;
    }
    return g_strndup(release, end);
}

void judge_host_boot_newest_kernel(const struct asset_view *view, struct finding *finding)
{
    static const char prefix[] = "/boot/vmlinuz-";
    g_auto(GStrv) paths = host_glob(view->host, "/boot/vmlinuz-*");
    const char *release = boot_config(view->host)->release, *newest = NULL;
    g_autofree char *running = NULL, *newest_version = NULL;

    if (is_foreign(view, finding))
        return;
    if (!release) {
        host_missing(finding, host_read(view->host, "/proc/sys/kernel/osrelease"));
        return;
    }
    running = version_of(release);
    for (char **path = paths; *path; path++) {
        g_autofree char *version = version_of(*path + strlen(prefix));

        if (g_str_has_suffix(*path, ".old") || g_str_has_suffix(*path, ".bak") ||
            strstr(*path, "rescue"))
            continue;
        if (!newest || deb_version_compare(version, newest_version) > 0) {
            newest = *path;
            g_free(newest_version);
            newest_version = g_steal_pointer(&version);
        }
    }
    if (newest)
        finding_check(finding, deb_version_compare(running, newest_version) >= 0, newest, 0,
                      "running kernel", release, newest + strlen(prefix));
    finding_not_measured(finding, REASON_ABSENT, "/boot/vmlinuz-*");
}

/* Words that switch processor mitigations off (kernel-parameters); NULL: the bare word. */
static const struct weakening {
    const char *name, *value;
} weakenings[] = {
    { "mitigations", "off" },
    { "nopti", NULL },
    { "pti", "off" },
    { "kpti", "0" },
    { "nospectre_v1", NULL },
    { "nospectre_v2", NULL },
    { "nospectre_bhb", NULL },
    { "spectre_v2", "off" },
    { "spectre_v2_user", "off" },
    { "spectre_bhi", "off" },
    { "nospec_store_bypass_disable", NULL },
    { "spec_store_bypass_disable", "off" },
    { "ssbd", "force-off" },
    { "l1tf", "off" },
    { "mds", "off" },
    { "tsx_async_abort", "off" },
    { "mmio_stale_data", "off" },
    { "retbleed", "off" },
    { "srbds", "off" },
    { "gather_data_sampling", "off" },
    { "reg_file_data_sampling", "off" },
    { "spec_rstack_overflow", "off" },
    { "indirect_target_selection", "off" },
    { "tsa", "off" },
    { "vmscape", "off" },
    { "no_entry_flush", NULL },
    { "no_uaccess_flush", NULL },
};

void judge_host_boot_mitigations(const struct asset_view *view, struct finding *finding)
{
    const struct boot_config *boot = command_line(view, finding);
    const struct boot_parameter *mitigations;

    if (!boot)
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(weakenings); i++) {
        const struct boot_parameter *given = boot_parameter(boot, weakenings[i].name);

        if (given && (weakenings[i].value ? g_strcmp0(given->value, weakenings[i].value) == 0
                                          : !given->value))
            finding_fail(finding, BOOT_COMMAND_LINE, 0, given->name, given->text, "mitigations on");
    }
    mitigations = boot_parameter(boot, "mitigations");
    if (finding->outcome == OUTCOME_NONE)
        finding_pass(finding, BOOT_COMMAND_LINE, 0, "mitigations",
                     mitigations ? mitigations->text : "not switched off", "not off");
}

/* A build option, as evidence. */
static gboolean judge_build(const struct boot_config *boot, struct finding *finding,
                            const char *option, const char *good)
{
    g_autofree char *value = boot_build(boot, option);

    if (g_strcmp0(value, good) != 0)
        return FALSE;
    finding_pass(finding, boot->build_path, 0, option, value, good);
    return TRUE;
}

void judge_host_boot_slab_nomerge(const struct asset_view *view, struct finding *finding)
{
    const struct boot_config *boot = command_line(view, finding);
    const struct boot_parameter *given;

    if (!boot)
        return;
    given = boot_parameter(boot, "slab_nomerge");
    if (given)
        finding_pass(finding, BOOT_COMMAND_LINE, 0, "slab_nomerge", given->text, "slab_nomerge");
    else if (judge_build(boot, finding, "CONFIG_SLAB_MERGE_DEFAULT", "n"))
        return;
    else if (boot->build_path)
        finding_fail(finding, BOOT_COMMAND_LINE, 0, "slab_nomerge", "not set", "slab_nomerge");
    else
        finding_not_measured(finding, REASON_ABSENT, "how the kernel was built");
}

/* Whether the running page allocator shuffles, as the module parameter says. */
static gboolean shuffles_now(struct host *host)
{
    const struct host_file *file = host_read(host, "/sys/module/page_alloc/parameters/shuffle");

    return file->state == HOST_OK && *file->text == 'Y';
}

void judge_host_boot_memory_cleared(const struct asset_view *view, struct finding *finding)
{
    const struct boot_config *boot = command_line(view, finding);
    const struct boot_parameter *cleared, *shuffled;

    if (!boot)
        return;
    cleared = boot_parameter(boot, "init_on_alloc");
    shuffled = boot_parameter(boot, "page_alloc.shuffle");
    if (cleared)
        finding_check(finding, is_on(cleared->value), BOOT_COMMAND_LINE, 0, "init_on_alloc",
                      cleared->text, "init_on_alloc=1");
    else if (!judge_build(boot, finding, "CONFIG_INIT_ON_ALLOC_DEFAULT_ON", "y")) {
        if (boot->build_path)
            finding_fail(finding, BOOT_COMMAND_LINE, 0, "init_on_alloc", "not set",
                         "init_on_alloc=1");
        else
            finding_incomplete(finding, REASON_ABSENT, "how the kernel was built");
    }
    finding_check(finding, shuffled ? is_on(shuffled->value) : shuffles_now(view->host),
                  BOOT_COMMAND_LINE, 0, "page_alloc.shuffle",
                  shuffled                   ? shuffled->text
                  : shuffles_now(view->host) ? "on by default"
                                             : "not set",
                  "page_alloc.shuffle=1");
}

#define LSM_FILE "/sys/kernel/security/lsm"

void judge_host_boot_mandatory_access(const struct asset_view *view, struct finding *finding)
{
    static const char *const systems[] = { "apparmor", "selinux", "smack", "tomoyo", NULL };
    const struct boot_config *boot = command_line(view, finding);
    const struct boot_parameter *apparmor, *security;
    const struct host_file *file;
    g_autofree char *text = NULL;
    g_auto(GStrv) modules = NULL;
    gboolean active = FALSE;

    if (!boot)
        return;
    apparmor = boot_parameter(boot, "apparmor");
    security = boot_parameter(boot, "security");
    file = host_read(view->host, LSM_FILE);
    if (file->state == HOST_OK) {
        text = g_strstrip(g_strdup(file->text));
        modules = g_strsplit(text, ",", -1);
        for (gsize i = 0; systems[i]; i++)
            active |= g_strv_contains((const char *const *)modules, systems[i]);
        finding_check(finding, active, LSM_FILE, 0, "lsm", text, "apparmor in the list");
    } else {
        finding_incomplete(finding, file->state == HOST_DENIED ? REASON_NEEDS_ROOT : REASON_ABSENT,
                           "%s", LSM_FILE);
    }
    /* With SELinux running, apparmor=0 takes nothing away. */
    if (apparmor && g_strcmp0(apparmor->value, "0") == 0 &&
        !(modules && g_strv_contains((const char *const *)modules, "selinux")))
        finding_fail(finding, BOOT_COMMAND_LINE, 0, "apparmor", apparmor->text, "apparmor=1");
    if (security && g_strcmp0(security->value, "none") == 0)
        finding_fail(finding, BOOT_COMMAND_LINE, 0, "security", security->text,
                     "security=apparmor");
}

void judge_host_boot_audit_from_start(const struct asset_view *view, struct finding *finding)
{
    const struct boot_config *boot = command_line(view, finding);
    const struct boot_parameter *audit, *backlog;

    if (!boot)
        return;
    if (!dpkg_installed(view->host, "auditd")) {
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "auditd");
        return;
    }
    audit = boot_parameter(boot, "audit");
    backlog = boot_parameter(boot, "audit_backlog_limit");
    finding_check(finding, audit && is_on(audit->value), BOOT_COMMAND_LINE, 0, "audit",
                  parameter_text(audit), "audit=1");
    finding_check(finding,
                  backlog && backlog->value &&
                      g_ascii_strtoull(backlog->value, NULL, 10) >= AUDIT_BACKLOG_LEAST,
                  BOOT_COMMAND_LINE, 0, "audit_backlog_limit", parameter_text(backlog),
                  "audit_backlog_limit=8192 or more");
}

static gboolean processor_has(struct host *host, const char *text)
{
    const struct host_file *file = host_read(host, "/proc/cpuinfo");

    return file->state == HOST_OK && strstr(file->text, text);
}

void judge_host_boot_iommu(const struct asset_view *view, struct finding *finding)
{
    const struct boot_config *boot = command_line(view, finding);
    const struct boot_parameter *amd, *intel;
    g_auto(GStrv) units = NULL;

    if (!boot)
        return;
    if (processor_has(view->host, " hypervisor")) {
        finding_not_applicable(finding, REASON_NO_HARDWARE, "a virtual machine");
        return;
    }
    amd = boot_parameter(boot, "amd_iommu");
    intel = boot_parameter(boot, "intel_iommu");
    units = host_glob(view->host, "/sys/class/iommu/*");
    if (boot_parameter_has(boot, "iommu", "off") || boot_parameter_has(boot, "amd_iommu", "off") ||
        boot_parameter_has(boot, "intel_iommu", "off"))
        finding_fail(finding, BOOT_COMMAND_LINE, 0, "iommu", "switched off", "iommu=force");
    else if (boot_parameter_has(boot, "iommu", "force"))
        finding_pass(finding, BOOT_COMMAND_LINE, 0, "iommu", "iommu=force", "iommu=force");
    else if (boot_parameter_has(boot, "intel_iommu", "on"))
        finding_pass(finding, BOOT_COMMAND_LINE, 0, "intel_iommu", intel->text, "intel_iommu=on");
    else if (*units)
        finding_pass(finding, *units, 0, "iommu", "in use", "in use");
    else if (processor_has(view->host, "AuthenticAMD"))
        finding_pass(finding, BOOT_COMMAND_LINE, 0, "amd_iommu", amd ? amd->text : "on by default",
                     "not off");
    else
        finding_fail(finding, BOOT_COMMAND_LINE, 0, "iommu", "not set",
                     "iommu=force or intel_iommu=on");
}

#define VULNERABILITIES "/sys/devices/system/cpu/vulnerabilities"

void judge_host_boot_cpu_flaws(const struct asset_view *view, struct finding *finding)
{
    enum host_state state;
    g_auto(GStrv) names = NULL;

    if (is_foreign(view, finding))
        return;
    names = host_list(view->host, VULNERABILITIES, &state);
    for (char **name = names; name && *name; name++) {
        g_autofree char *path = g_build_filename(VULNERABILITIES, *name, NULL);
        const struct host_file *file = host_read(view->host, path);
        g_autofree char *text = NULL;

        if (host_gap(finding, file) || file->state != HOST_OK)
            continue;
        text = g_strchomp(g_strdup(file->text));
        finding_check(finding, !g_str_has_prefix(text, "Vulnerable"), path, 0, *name, text,
                      "mitigated or not affected");
    }
    finding_not_measured(finding, REASON_ABSENT, VULNERABILITIES);
}

void judge_host_boot_symbols_private(const struct asset_view *view, struct finding *finding)
{
    g_auto(GStrv) paths = host_glob(view->host, "/boot/System.map-*");
    const struct host_file *folder = host_stat(view->host, "/boot");
    g_autofree char *mode = NULL;

    if (is_foreign(view, finding) || host_missing(finding, folder))
        return;
    mode = g_strdup_printf("%04o", folder->mode & 07777);
    finding_check(finding, !(folder->mode & 022), "/boot", 0, "mode", mode, "0755 or less");
    for (char **path = paths; *path; path++) {
        const struct host_file *file = host_stat(view->host, *path);
        g_autofree char *bits = g_strdup_printf("%04o", file->mode & 07777);

        if (!host_gap(finding, file) && file->state == HOST_OK)
            finding_check(finding, !(file->mode & 077), *path, 0, "mode", bits, "0600 or less");
    }
}

/* Whether systemd is this tree's init. */
static gboolean has_systemd(struct host *host)
{
    return host_stat(host, "/lib/systemd/systemd")->state == HOST_OK ||
           host_stat(host, "/lib/systemd/system/ctrl-alt-del.target")->state != HOST_ABSENT ||
           host_stat(host, "/lib/systemd/system/reboot.target")->state == HOST_OK;
}

void judge_host_boot_ctrl_alt_del(const struct asset_view *view, struct finding *finding)
{
    const struct unit *unit;

    if (is_foreign(view, finding))
        return;
    if (host_has_role(view->host, "workstation") || host_has_role(view->host, "laptop")) {
        finding_not_applicable(finding, REASON_ROLE, "whoever sits at it may restart it");
        return;
    }
    unit = unit_get(view->host, "ctrl-alt-del.target");
    if (unit->enablement != UNIT_MASKED && !has_systemd(view->host)) {
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "systemd");
        return;
    }
    finding_check(finding, unit->enablement == UNIT_MASKED,
                  "/etc/systemd/system/ctrl-alt-del.target", 0, "ctrl-alt-del.target",
                  unit->enablement == UNIT_MASKED ? "masked" : "restarts the machine", "masked");
}

/* A rescue shell must ask for root's password: started by sulogin, and not told to skip it. */
static void judge_rescue(struct host *host, struct finding *finding, const char *name)
{
    const struct unit *unit = unit_get(host, name);
    const struct unit_setting *start;
    g_autofree char *environment = NULL;

    if (unit->enablement == UNIT_ABSENT)
        return;
    if (unit->enablement == UNIT_MASKED) {
        finding_pass(finding, unit->path, 0, name, "masked", "sulogin");
        return;
    }
    start = unit_last(unit, "Service", "ExecStart");
    finding_check(finding, start && strstr(start->value, "sulogin"),
                  start ? start->path : unit->path, start ? start->line : 0, "ExecStart",
                  start ? start->value : "not set", "sulogin");
    environment = unit_words(unit, "Service", "Environment");
    if (strstr(environment, "SYSTEMD_SULOGIN_FORCE=1"))
        finding_fail(finding, unit->path, 0, "Environment", "SYSTEMD_SULOGIN_FORCE=1",
                     "a shell only with root's password");
}

void judge_host_boot_rescue_password(const struct asset_view *view, struct finding *finding)
{
    if (is_foreign(view, finding))
        return;
    judge_rescue(view->host, finding, "rescue.service");
    judge_rescue(view->host, finding, "emergency.service");
    finding_not_applicable(finding, REASON_NOT_INSTALLED, "systemd");
}
