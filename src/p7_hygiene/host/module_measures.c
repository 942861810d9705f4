/* Judges of kernel modules (data/measures/host/modules.yaml). */
#include "catalogue_judges.h"
#include "p7_hygiene/host/bootconfig.h"
#include "p7_hygiene/host/dpkg.h"
#include "p7_hygiene/host/modules.h"
#include "p7_hygiene/host/units.h"

#include <string.h>
#include <strings.h>

#define WANTED "install NAME /bin/false and blacklist NAME"

static gboolean has_no_modules(struct host *host)
{
    return host_is_live(host) && modules(host)->loaded_state == HOST_ABSENT;
}

/* Whether modules say anything here: not in a container, not with a kernel that has none. */
static gboolean cannot_judge(const struct asset_view *view, struct finding *finding)
{
    const struct modules *facts = modules(view->host);

    if (host_is_container(view->host)) {
        finding_not_applicable(finding, REASON_CONTAINER, "the host's kernel");
        return TRUE;
    }
    if (has_no_modules(view->host)) {
        finding_not_applicable(finding, REASON_NOT_USED, "the kernel loads no modules");
        return TRUE;
    }
    if (!facts->has_kernels && !facts->lines->len) {
        finding_not_measured(finding, REASON_ABSENT, "/lib/modules");
        return TRUE;
    }
    if (facts->gap)
        finding_incomplete(finding,
                           facts->state == HOST_DENIED ? REASON_NEEDS_ROOT : REASON_UNREADABLE,
                           "%s", facts->gap);
    return FALSE;
}

/* module_blacklist= keeps a module out whoever asks (kernel-parameters). */
static gboolean is_barred_at_boot(struct host *host, const char *name)
{
    g_autofree char *plain = g_strdelimit(g_strdup(name), "-", '_');

    return boot_parameter_has(boot_config(host), "module_blacklist", plain) ||
           boot_parameter_has(boot_config(host), "module_blacklist", name);
}

static void judge_blocked(struct host *host, struct finding *finding, const char *name)
{
    const struct modules *facts = modules(host);
    const struct module_line *install = module_install(facts, name);
    const struct module_line *blacklist = module_blacklist(facts, name);
    const char *builtin = module_builtin(facts, name);
    gboolean blocked = install && module_line_blocks(install);

    if (module_is_loaded(facts, name))
        finding_fail(finding, "/proc/modules", 0, name, "loaded", "not loaded");
    if (builtin)
        finding_warn(finding, builtin, 0, name, "built into the kernel: cannot be blocked",
                     "not in the kernel");
    else if (facts->has_kernels && !module_shipped(facts, name))
        finding_pass(finding, "/lib/modules", 0, name, "not shipped", "not shipped, or blocked");
    else if (is_barred_at_boot(host, name))
        finding_pass(finding, BOOT_COMMAND_LINE, 0, name, "module_blacklist", WANTED);
    else if (blocked && blacklist)
        finding_pass(finding, install->path, install->line, name, install->command, WANTED);
    else if (blocked)
        finding_warn(finding, install->path, install->line, name,
                     "install line only: no blacklist line for its aliases", WANTED);
    else if (install)
        finding_fail(finding, install->path, install->line, name, install->command, WANTED);
    else if (blacklist)
        finding_fail(finding, blacklist->path, blacklist->line, name,
                     "blacklist only: a request by name still loads it", WANTED);
    else
        finding_fail(finding, module_shipped(facts, name), 0, name, "can be loaded", WANTED);
}

static void judge_list(const struct asset_view *view, struct finding *finding,
                       const char *const *names)
{
    if (cannot_judge(view, finding))
        return;
    for (; *names; names++)
        judge_blocked(view->host, finding, *names);
}

void judge_host_modules_rare_file_systems(const struct asset_view *view, struct finding *finding)
{
    static const char *const names[] = { "cramfs", "freevxfs", "hfs", "hfsplus", "jffs2", NULL };
    static const char *const strict[] = { "udf", NULL }; /* CIS level 2 */

    judge_list(view, finding, names);
    if (host_has_role(view->host, "high-security"))
        judge_list(view, finding, strict);
}

void judge_host_modules_rare_protocols(const struct asset_view *view, struct finding *finding)
{
    static const char *const names[] = { "dccp", "tipc", "rds", "sctp", NULL };

    judge_list(view, finding, names);
}

static gboolean is_seat(struct host *host)
{
    return host_has_role(host, "workstation") || host_has_role(host, "laptop");
}

#define USBGUARD_FILE "/etc/usbguard/usbguard-daemon.conf"

struct option {
    const char *key;
    char *value;
    guint line;
};

static void read_option(guint number, const char *text, gsize length, gpointer data)
{
    struct option *option = data;
    g_autofree char *line = g_strstrip(g_strndup(text, length));
    gsize key = strlen(option->key);

    if (strncmp(line, option->key, key) != 0 || line[key] != '=')
        return;
    g_free(option->value);
    option->value = g_strdup(line + key + 1);
    option->line = number;
}

/* usbguard runs at boot and blocks what no rule allows; "block" is its own default. */
static gboolean judge_usbguard(struct host *host, struct finding *finding, gboolean only_good)
{
    struct option target = { .key = "ImplicitPolicyTarget" };
    gboolean enabled, blocks;

    if (!dpkg_installed(host, "usbguard"))
        return FALSE;
    host_each_line(host_read(host, USBGUARD_FILE), read_option, &target);
    enabled = unit_is_enabled(host, "usbguard.service");
    blocks =
        !target.value || g_str_equal(target.value, "block") || g_str_equal(target.value, "reject");
    if ((enabled && blocks) || !only_good) {
        finding_check(finding, enabled, NULL, 0, "usbguard.service",
                      enabled ? "enabled" : "not enabled", "enabled");
        if (!host_gap(finding, host_read(host, USBGUARD_FILE)))
            finding_check(finding, blocks, USBGUARD_FILE, target.line, target.key,
                          target.value ? target.value : "block (default)", "block or reject");
    }
    g_free(target.value);
    return enabled && blocks;
}

void judge_host_modules_usb_storage(const struct asset_view *view, struct finding *finding)
{
    static const char *const names[] = { "usb-storage", NULL };

    if (is_seat(view->host))
        finding_not_applicable(finding, REASON_ROLE, "a workstation may use USB storage");
    else if (host_is_container(view->host) || !judge_usbguard(view->host, finding, TRUE))
        judge_list(view, finding, names);
}

void judge_host_modules_dma_ports(const struct asset_view *view, struct finding *finding)
{
    static const char *const names[] = { "firewire-core", "thunderbolt", NULL };

    if (is_seat(view->host))
        finding_not_applicable(finding, REASON_ROLE, "a workstation may use these ports");
    else
        judge_list(view, finding, names);
}

void judge_host_modules_usbguard(const struct asset_view *view, struct finding *finding)
{
    if (host_is_container(view->host))
        finding_not_applicable(finding, REASON_CONTAINER, "the host's devices");
    else if (!is_seat(view->host) && !dpkg_installed(view->host, "usbguard"))
        finding_not_applicable(finding, REASON_ROLE, "asked of workstations");
    else if (!dpkg_installed(view->host, "usbguard"))
        finding_fail(finding, NULL, 0, "usbguard", "not installed", "installed and enabled");
    else
        judge_usbguard(view->host, finding, FALSE);
}

#define LOCKDOWN_FILE "/sys/kernel/security/lockdown"
#define SIGNATURE_FILE "/sys/module/module/parameters/sig_enforce"

void judge_host_modules_signed(const struct asset_view *view, struct finding *finding)
{
    const struct host_file *lockdown = host_read(view->host, LOCKDOWN_FILE);
    const struct host_file *enforced = host_read(view->host, SIGNATURE_FILE);
    gboolean locked, required;
    g_autofree char *text = NULL;

    if (host_is_container(view->host)) {
        finding_not_applicable(finding, REASON_CONTAINER, "the host's kernel");
        return;
    }
    if (has_no_modules(view->host)) {
        finding_not_applicable(finding, REASON_NOT_USED, "the kernel loads no modules");
        return;
    }
    locked = lockdown->state == HOST_OK &&
             (strstr(lockdown->text, "[integrity]") || strstr(lockdown->text, "[confidentiality]"));
    required = enforced->state == HOST_OK && *enforced->text == 'Y';
    if (lockdown->state == HOST_OK)
        text = g_strchomp(g_strdup(lockdown->text));
    if (locked)
        finding_pass(finding, LOCKDOWN_FILE, 0, "lockdown", text, "integrity");
    else if (required)
        finding_pass(finding, SIGNATURE_FILE, 0, "sig_enforce", "Y", "Y");
    else if (lockdown->state == HOST_OK && enforced->state != HOST_DENIED)
        finding_fail(finding, LOCKDOWN_FILE, 0, "lockdown", text, "integrity, or sig_enforce=Y");
    else if (enforced->state == HOST_OK && lockdown->state != HOST_DENIED)
        finding_fail(finding, SIGNATURE_FILE, 0, "sig_enforce", "N", "Y, or lockdown=integrity");
    else
        finding_not_measured(finding,
                             lockdown->state == HOST_DENIED || enforced->state == HOST_DENIED
                                 ? REASON_NEEDS_ROOT
                                 : REASON_ABSENT,
                             "%s", LOCKDOWN_FILE);
}
