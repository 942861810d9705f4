/*
 * The settings of systemd.exec(5), systemd.resource-control(5) and their weights. A service is
 * first reduced to `facts` (who it runs as, what it may still do), then one table judges them.
 */
#include "p7_hygiene/host/exposure.h"
#include "p7_hygiene/host/exposure_calls.h"

#include <string.h>

enum capability {
    CAP_SYS_ADMIN,
    CAP_SETUID,
    CAP_SETGID,
    CAP_SETPCAP,
    CAP_SYS_PTRACE,
    CAP_SYS_TIME,
    CAP_NET_ADMIN,
    CAP_SYS_RAWIO,
    CAP_SYS_MODULE,
    CAP_CHOWN,
    CAP_FSETID,
    CAP_SETFCAP,
    CAP_DAC_OVERRIDE,
    CAP_DAC_READ_SEARCH,
    CAP_FOWNER,
    CAP_IPC_OWNER,
    CAP_AUDIT_CONTROL,
    CAP_AUDIT_READ,
    CAP_AUDIT_WRITE,
    CAP_SYSLOG,
    CAP_SYS_NICE,
    CAP_SYS_RESOURCE,
    CAP_MKNOD,
    CAP_KILL,
    CAP_NET_BIND_SERVICE,
    CAP_NET_BROADCAST,
    CAP_NET_RAW,
    CAP_SYS_BOOT,
    CAP_MAC_ADMIN,
    CAP_MAC_OVERRIDE,
    CAP_LINUX_IMMUTABLE,
    CAP_IPC_LOCK,
    CAP_SYS_CHROOT,
    CAP_BLOCK_SUSPEND,
    CAP_WAKE_ALARM,
    CAP_LEASE,
    CAP_SYS_TTY_CONFIG,
    CAP_SYS_PACCT,
    CAP_BPF,
    CAPABILITIES
};

static const char *const capability_names[CAPABILITIES] = {
    "CAP_SYS_ADMIN",
    "CAP_SETUID",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SYS_PTRACE",
    "CAP_SYS_TIME",
    "CAP_NET_ADMIN",
    "CAP_SYS_RAWIO",
    "CAP_SYS_MODULE",
    "CAP_CHOWN",
    "CAP_FSETID",
    "CAP_SETFCAP",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_IPC_OWNER",
    "CAP_AUDIT_CONTROL",
    "CAP_AUDIT_READ",
    "CAP_AUDIT_WRITE",
    "CAP_SYSLOG",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_MKNOD",
    "CAP_KILL",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_RAW",
    "CAP_SYS_BOOT",
    "CAP_MAC_ADMIN",
    "CAP_MAC_OVERRIDE",
    "CAP_LINUX_IMMUTABLE",
    "CAP_IPC_LOCK",
    "CAP_SYS_CHROOT",
    "CAP_BLOCK_SUSPEND",
    "CAP_WAKE_ALARM",
    "CAP_LEASE",
    "CAP_SYS_TTY_CONFIG",
    "CAP_SYS_PACCT",
    "CAP_BPF",
};

#define BIT(capability) (G_GUINT64_CONSTANT(1) << (capability))

struct facts {
    const struct unit *service;
    gboolean root, dynamic;
    gboolean dependencies; /* DefaultDependencies= */
    guint64 capabilities;
};

/* CapabilityBoundingSet=: a list, or with '~' all but a list; several lines add up. */
static guint64 bounding_set(const struct unit *service)
{
    const guint64 all = BIT(CAPABILITIES) - 1;
    guint64 set = all;
    gboolean touched = FALSE;

    for (guint i = 0; i < service->settings->len; i++) {
        const struct unit_setting *setting =
            &g_array_index(service->settings, struct unit_setting, i);
        gboolean invert = *setting->value == '~';
        g_auto(GStrv) words = NULL;
        guint64 named = 0;

        if (!g_str_equal(setting->section, "Service") ||
            !g_str_equal(setting->key, "CapabilityBoundingSet"))
            continue;
        words = g_strsplit_set(setting->value + invert, " \t", -1);
        for (char **word = words; *word; word++)
            for (guint c = 0; c < CAPABILITIES; c++)
                if (g_ascii_strcasecmp(*word, capability_names[c]) == 0)
                    named |= BIT(c);
        if (!*setting->value)
            set = 0;
        else if (invert)
            set &= ~named;
        else
            set = touched ? set | named : named;
        touched = TRUE;
    }
    return set;
}

static gboolean truth(const struct facts *facts, const char *key)
{
    return unit_truth(facts->service, "Service", key, FALSE);
}

static const char *value(const struct facts *facts, const char *key)
{
    const struct unit_setting *setting = unit_last(facts->service, "Service", key);

    return setting ? setting->value : "";
}

static gboolean is_yes(const char *text)
{
    return g_ascii_strcasecmp(text, "yes") == 0 || g_ascii_strcasecmp(text, "true") == 0 ||
           g_ascii_strcasecmp(text, "on") == 0 || g_str_equal(text, "1");
}

/* What a judge answers when the setting leaves both sums. */
#define NOT_APPLICABLE G_MAXUINT

static guint judge_user(const struct facts *facts)
{
    const char *user = value(facts, "User");

    if (g_str_equal(user, "nobody") || g_str_equal(user, "65534"))
        return 9;
    return facts->root ? 10 : 0;
}

static guint judge_groups(const struct facts *facts)
{
    g_autofree char *groups = unit_words(facts->service, "Service", "SupplementaryGroups");

    return facts->root ? NOT_APPLICABLE : *groups != 0;
}

static guint judge_remove_ipc(const struct facts *facts)
{
    return facts->root ? NOT_APPLICABLE : !(truth(facts, "RemoveIPC") || facts->dynamic);
}

static guint judge_tmp(const struct facts *facts)
{
    return facts->dependencies ? !(truth(facts, "PrivateTmp") || facts->dynamic) : NOT_APPLICABLE;
}

static guint judge_home(const struct facts *facts)
{
    const char *home = value(facts, "ProtectHome");

    if (!facts->dependencies)
        return NOT_APPLICABLE;
    if (is_yes(home))
        return 0;
    if (g_str_equal(home, "tmpfs"))
        return 1;
    return g_str_equal(home, "read-only") || facts->dynamic ? 5 : 10;
}

static guint judge_system(const struct facts *facts)
{
    const char *system = value(facts, "ProtectSystem");

    if (!facts->dependencies)
        return NOT_APPLICABLE;
    if (g_str_equal(system, "strict") || facts->dynamic)
        return 0;
    if (g_str_equal(system, "full"))
        return 3;
    return is_yes(system) ? 5 : 10;
}

static guint judge_root_directory(const struct facts *facts)
{
    const char *root = value(facts, "RootDirectory");

    if (!facts->dependencies)
        return NOT_APPLICABLE;
    return !(*value(facts, "RootImage") || (*root && !g_str_equal(root, "/")));
}

/* Each of these confines when it is true. DynamicUser= brings two of them with it. */
static guint judge_private_devices(const struct facts *facts)
{
    return !truth(facts, "PrivateDevices");
}
static guint judge_private_mounts(const struct facts *facts)
{
    return !truth(facts, "PrivateMounts");
}
static guint judge_private_users(const struct facts *facts)
{
    return !truth(facts, "PrivateUsers");
}
static guint judge_private_network(const struct facts *facts)
{
    return !truth(facts, "PrivateNetwork");
}
static guint judge_control_groups(const struct facts *facts)
{
    return !truth(facts, "ProtectControlGroups");
}
static guint judge_kernel_modules(const struct facts *facts)
{
    return !truth(facts, "ProtectKernelModules");
}
static guint judge_kernel_tunables(const struct facts *facts)
{
    return !truth(facts, "ProtectKernelTunables");
}
static guint judge_kernel_logs(const struct facts *facts)
{
    return !truth(facts, "ProtectKernelLogs");
}
static guint judge_clock(const struct facts *facts)
{
    return !truth(facts, "ProtectClock");
}
static guint judge_no_new_privileges(const struct facts *facts)
{
    return !(truth(facts, "NoNewPrivileges") || facts->dynamic);
}
static guint judge_suid(const struct facts *facts)
{
    return !(truth(facts, "RestrictSUIDSGID") || facts->dynamic);
}
static guint judge_hostname(const struct facts *facts)
{
    return !truth(facts, "ProtectHostname");
}
static guint judge_personality(const struct facts *facts)
{
    return !truth(facts, "LockPersonality");
}
static guint judge_writable_code(const struct facts *facts)
{
    return !truth(facts, "MemoryDenyWriteExecute");
}
static guint judge_realtime(const struct facts *facts)
{
    return !truth(facts, "RestrictRealtime");
}
static guint judge_delegate(const struct facts *facts)
{
    const char *delegate = value(facts, "Delegate");

    return *delegate && !g_str_equal(delegate, "no") && !g_str_equal(delegate, "false");
}
static guint judge_keyring(const struct facts *facts)
{
    const char *mode = value(facts, "KeyringMode");

    return *mode && !g_str_equal(mode, "private"); /* private is the default of system services */
}
static guint judge_notify(const struct facts *facts)
{
    return g_str_equal(value(facts, "NotifyAccess"), "all");
}
static guint judge_ambient(const struct facts *facts)
{
    g_autofree char *ambient = unit_words(facts->service, "Service", "AmbientCapabilities");

    return *ambient != 0;
}
static guint judge_umask(const struct facts *facts)
{
    const char *text = value(facts, "UMask");
    guint mask = *text ? g_ascii_strtoull(text, NULL, 8) : 0022;

    return !(mask & 0002) ? 10 : !(mask & 0004) ? 5 : !(mask & 0020) ? 2 : !(mask & 0040) ? 1 : 0;
}
static guint judge_proc(const struct facts *facts)
{
    const char *proc = value(facts, "ProtectProc");

    return g_str_equal(proc, "invisible") || g_str_equal(proc, "ptraceable") ? 0
           : g_str_equal(proc, "noaccess")                                   ? 1
                                                                             : 3;
}
static guint judge_proc_subset(const struct facts *facts)
{
    return !g_str_equal(value(facts, "ProcSubset"), "pid");
}
static guint judge_architectures(const struct facts *facts)
{
    g_autofree char *list = unit_words(facts->service, "Service", "SystemCallArchitectures");

    return !*list ? 10 : g_str_equal(list, "native") ? 0 : 8;
}

static gboolean is_local_address(const char *address)
{
    return g_str_equal(address, "localhost") || g_str_has_prefix(address, "127.") ||
           g_str_has_prefix(address, "::1");
}

static guint judge_ip(const struct facts *facts)
{
    g_autofree char *deny = unit_words(facts->service, "Service", "IPAddressDeny");
    g_autofree char *allow = unit_words(facts->service, "Service", "IPAddressAllow");
    g_auto(GStrv) words = g_strsplit_set(allow, " \t", -1);
    gboolean any = FALSE;

    if (!strstr(deny, "any") && !(strstr(deny, "0.0.0.0/0") && strstr(deny, "::/0")))
        return 10;
    for (char **word = words; *word; word++) {
        any |= **word != 0;
        if (**word && !is_local_address(*word))
            return 5;
    }
    return any ? 2 : 0;
}

static guint judge_devices(const struct facts *facts)
{
    const char *policy = value(facts, "DevicePolicy");
    g_autofree char *allow = unit_words(facts->service, "Service", "DeviceAllow");
    /* ProtectClock= lets the service read the hardware clock: an entry of its own. */
    gboolean entries = *allow || truth(facts, "ProtectClock");

    gboolean policy_set = g_str_equal(policy, "closed") || g_str_equal(policy, "strict") ||
                          truth(facts, "PrivateDevices");

    return !policy_set ? 10 : entries ? 5 : 0;
}

static const struct {
    const char *name;
    guint weight, range;
    guint (*judge)(const struct facts *facts);
} settings[] = {
    { "User", 2000, 10, judge_user },
    { "SupplementaryGroups", 200, 1, judge_groups },
    { "PrivateDevices", 1000, 1, judge_private_devices },
    { "PrivateMounts", 1000, 1, judge_private_mounts },
    { "PrivateNetwork", 2500, 1, judge_private_network },
    { "PrivateTmp", 1000, 1, judge_tmp },
    { "PrivateUsers", 1000, 1, judge_private_users },
    { "ProtectControlGroups", 1000, 1, judge_control_groups },
    { "ProtectKernelModules", 1000, 1, judge_kernel_modules },
    { "ProtectKernelTunables", 1000, 1, judge_kernel_tunables },
    { "ProtectKernelLogs", 1000, 1, judge_kernel_logs },
    { "ProtectClock", 1000, 1, judge_clock },
    { "ProtectHome", 1000, 10, judge_home },
    { "ProtectHostname", 50, 1, judge_hostname },
    { "ProtectSystem", 1000, 10, judge_system },
    { "RootDirectory", 200, 1, judge_root_directory },
    { "LockPersonality", 100, 1, judge_personality },
    { "MemoryDenyWriteExecute", 100, 1, judge_writable_code },
    { "NoNewPrivileges", 1000, 1, judge_no_new_privileges },
    { "UMask", 100, 10, judge_umask },
    { "KeyringMode", 1000, 1, judge_keyring },
    { "ProtectProc", 1000, 3, judge_proc },
    { "ProcSubset", 10, 1, judge_proc_subset },
    { "NotifyAccess", 1000, 1, judge_notify },
    { "RemoveIPC", 100, 1, judge_remove_ipc },
    { "Delegate", 100, 1, judge_delegate },
    { "RestrictRealtime", 500, 1, judge_realtime },
    { "RestrictSUIDSGID", 1000, 1, judge_suid },
    { "AmbientCapabilities", 500, 1, judge_ambient },
    { "SystemCallArchitectures", 1000, 10, judge_architectures },
    { "IPAddressDeny", 1000, 10, judge_ip },
    { "DeviceAllow", 1000, 10, judge_devices },
};

static const struct {
    guint64 any; /* bad when one of them is left */
    guint weight;
} capability_weights[] = {
    { BIT(CAP_SYS_ADMIN), 1500 },
    { BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SETPCAP), 1500 },
    { BIT(CAP_SYS_PTRACE), 1500 },
    { BIT(CAP_SYS_TIME), 1000 },
    { BIT(CAP_NET_ADMIN), 1000 },
    { BIT(CAP_SYS_RAWIO), 1000 },
    { BIT(CAP_SYS_MODULE), 1000 },
    { BIT(CAP_AUDIT_CONTROL) | BIT(CAP_AUDIT_READ) | BIT(CAP_AUDIT_WRITE), 500 },
    { BIT(CAP_SYSLOG), 500 },
    { BIT(CAP_SYS_NICE) | BIT(CAP_SYS_RESOURCE), 500 },
    { BIT(CAP_MKNOD), 500 },
    { BIT(CAP_CHOWN) | BIT(CAP_FSETID) | BIT(CAP_SETFCAP), 1000 },
    { BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) | BIT(CAP_IPC_OWNER),
      1000 },
    { BIT(CAP_KILL), 500 },
    { BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_NET_BROADCAST) | BIT(CAP_NET_RAW), 500 },
    { BIT(CAP_SYS_BOOT), 100 },
    { BIT(CAP_MAC_ADMIN) | BIT(CAP_MAC_OVERRIDE), 100 },
    { BIT(CAP_LINUX_IMMUTABLE), 75 },
    { BIT(CAP_IPC_LOCK), 50 },
    { BIT(CAP_SYS_CHROOT), 50 },
    { BIT(CAP_BLOCK_SUSPEND), 25 },
    { BIT(CAP_WAKE_ALARM), 25 },
    { BIT(CAP_LEASE), 25 },
    { BIT(CAP_SYS_TTY_CONFIG), 25 },
    { BIT(CAP_SYS_PACCT), 25 },
};

static const struct {
    const char *name;
    guint weight;
} name_spaces[] = { { "user", 1500 },  { "mnt", 500 }, { "ipc", 500 }, { "pid", 500 },
                    { "cgroup", 500 }, { "net", 500 }, { "uts", 100 } };

static const struct {
    const char *names; /* any of these allowed; NULL: any family that no other row names */
    guint weight;
} families[] = { { "AF_INET AF_INET6", 1500 },
                 { "AF_UNIX", 25 },
                 { "AF_NETLINK", 200 },
                 { "AF_PACKET", 1000 },
                 { NULL, 1250 } };

/* A list with '~' in front names what is denied; without, what is allowed; unset allows all. */
static gboolean list_allows(const char *list, const char *name)
{
    gboolean invert = *list == '~';
    g_auto(GStrv) words = g_strsplit_set(list + invert, " \t", -1);

    return g_strv_contains((const char *const *)words, name) != invert;
}

/* RestrictNamespaces=: unset or "no" allows all, "yes" none, else a list. */
static gboolean name_space_allowed(const struct facts *facts, const char *name)
{
    const char *text = value(facts, "RestrictNamespaces");

    if (!*text || g_str_equal(text, "no") || g_str_equal(text, "false"))
        return TRUE;
    return !is_yes(text) && list_allows(text, name);
}

static gboolean family_allowed(const struct facts *facts, const char *names)
{
    g_autofree char *list = unit_words(facts->service, "Service", "RestrictAddressFamilies");
    static const char known[] = "AF_INET AF_INET6 AF_UNIX AF_NETLINK AF_PACKET";
    g_auto(GStrv) words = NULL;

    if (!*list)
        return TRUE;
    if (g_str_equal(list, "none"))
        return FALSE;
    words = g_strsplit(names ? names : "", " ", -1);
    for (char **word = words; *word; word++)
        if (**word && list_allows(list, *word))
            return TRUE;
    if (names)
        return FALSE;
    /* Exotic families: a deny-list lets them in, an allow-list only when it names one. */
    if (*list == '~')
        return TRUE;
    g_strfreev(words);
    words = g_strsplit_set(list, " \t", -1);
    for (char **word = words; *word; word++)
        if (**word && !strstr(known, *word))
            return TRUE;
    return FALSE;
}

struct tally {
    struct exposure *exposure;
    guint costs[G_N_ELEMENTS(((struct exposure *)NULL)->worst)];
};

static void count(struct tally *tally, const char *name, guint weight, guint range, guint badness)
{
    struct exposure *exposure = tally->exposure;
    guint cost, place;

    if (badness == NOT_APPLICABLE)
        return;
    cost = (badness * weight + range - 1) / range;
    exposure->bad += cost;
    exposure->total += weight;
    for (place = G_N_ELEMENTS(exposure->worst); place && cost > tally->costs[place - 1]; place--) {
        if (place < G_N_ELEMENTS(exposure->worst)) {
            exposure->worst[place] = exposure->worst[place - 1];
            tally->costs[place] = tally->costs[place - 1];
        }
    }
    if (place < G_N_ELEMENTS(exposure->worst) && cost) {
        exposure->worst[place] = name;
        tally->costs[place] = cost;
    }
}

struct exposure exposure_of(const struct unit *service)
{
    struct exposure exposure = { 0 };
    struct tally tally = { .exposure = &exposure };
    struct facts facts = { .service = service };
    const char *user = value(&facts, "User");
    struct call_filter *filter = call_filter_read(service);

    facts.dynamic = truth(&facts, "DynamicUser");
    facts.root = !facts.dynamic && (!*user || g_str_equal(user, "root") || g_str_equal(user, "0"));
    facts.dependencies = unit_truth(service, "Unit", "DefaultDependencies", TRUE);
    facts.capabilities = bounding_set(service);
    if (truth(&facts, "PrivateDevices"))
        facts.capabilities &= ~(BIT(CAP_MKNOD) | BIT(CAP_SYS_RAWIO));
    if (truth(&facts, "ProtectKernelModules"))
        facts.capabilities &= ~BIT(CAP_SYS_MODULE);
    if (truth(&facts, "ProtectClock"))
        facts.capabilities &= ~(BIT(CAP_SYS_TIME) | BIT(CAP_WAKE_ALARM));
    if (truth(&facts, "ProtectKernelLogs"))
        facts.capabilities &= ~BIT(CAP_SYSLOG);

    for (guint i = 0; i < G_N_ELEMENTS(settings); i++)
        count(&tally, settings[i].name, settings[i].weight, settings[i].range,
              settings[i].judge(&facts));
    for (guint i = 0; i < G_N_ELEMENTS(capability_weights); i++)
        count(&tally, "CapabilityBoundingSet", capability_weights[i].weight, 1,
              (facts.capabilities & capability_weights[i].any) != 0);
    for (guint i = 0; i < G_N_ELEMENTS(name_spaces); i++)
        count(&tally, "RestrictNamespaces", name_spaces[i].weight, 1,
              name_space_allowed(&facts, name_spaces[i].name));
    for (guint i = 0; i < G_N_ELEMENTS(families); i++)
        count(&tally, "RestrictAddressFamilies", families[i].weight, 1,
              family_allowed(&facts, families[i].names));
    for (guint i = 0; i < CALL_SETS; i++)
        count(&tally, "SystemCallFilter", call_set_weight(i), 10, call_filter_badness(filter, i));
    call_filter_free(filter);
    exposure.tenths =
        exposure.total ? (exposure.bad * 100 + exposure.total - 1) / exposure.total : 0;
    return exposure;
}

const char *exposure_label(guint tenths)
{
    static const struct {
        guint from;
        const char *label;
    } labels[] = { { 100, "DANGEROUS" }, { 90, "UNSAFE" }, { 75, "EXPOSED" },
                   { 50, "MEDIUM" },     { 10, "OK" },     { 1, "SAFE" } };

    for (guint i = 0; i < G_N_ELEMENTS(labels); i++)
        if (tenths >= labels[i].from)
            return labels[i].label;
    return "PERFECT";
}
