#include "p7_hygiene/host/exposure_calls.h"

#include <string.h>

static const guint set_weights[CALL_SETS] = {
    [SET_CLOCK] = 1000,    [SET_DEBUG] = 1000,        [SET_MODULE] = 1000,  [SET_MOUNT] = 1000,
    [SET_RAW_IO] = 1000,   [SET_REBOOT] = 1000,       [SET_SWAP] = 1000,    [SET_PRIVILEGED] = 700,
    [SET_RESOURCES] = 700, [SET_CPU_EMULATION] = 250, [SET_OBSOLETE] = 250,
};

static const struct {
    const char *name;
    const char *members; /* calls and sets, by spaces; only what the judged sets have */
} call_sets[] = {
    [SET_CLOCK] = { "@clock", "adjtimex clock_adjtime clock_adjtime64 clock_settime "
                              "clock_settime64 settimeofday" },
    [SET_DEBUG] = { "@debug", "lookup_dcookie perf_event_open pidfd_getfd ptrace rtas "
                              "s390_runtime_instr sys_debug_setcontext" },
    [SET_MODULE] = { "@module", "delete_module finit_module init_module" },
    [SET_MOUNT] = { "@mount", "chroot fsconfig fsmount fsopen fspick mount mount_setattr "
                              "move_mount open_tree pivot_root umount umount2" },
    [SET_RAW_IO] = { "@raw-io", "ioperm iopl pciconfig_iobase pciconfig_read pciconfig_write "
                                "s390_pci_mmio_read s390_pci_mmio_write" },
    [SET_REBOOT] = { "@reboot", "kexec_file_load kexec_load reboot" },
    [SET_SWAP] = { "@swap", "swapoff swapon" },
    [SET_PRIVILEGED] = { "@privileged",
                         "@chown @clock @module @raw-io @reboot @swap _sysctl acct bpf capset "
                         "chroot fanotify_init fanotify_mark nfsservctl open_by_handle_at "
                         "pivot_root quotactl quotactl_fd setdomainname setfsuid setfsuid32 "
                         "setgroups setgroups32 sethostname setresuid setresuid32 setreuid "
                         "setreuid32 setuid setuid32 vhangup" },
    [SET_RESOURCES] = { "@resources", "ioprio_set mbind migrate_pages move_pages nice "
                                      "sched_setaffinity sched_setattr sched_setparam "
                                      "sched_setscheduler set_mempolicy "
                                      "set_mempolicy_home_node setpriority setrlimit" },
    [SET_CPU_EMULATION] = { "@cpu-emulation",
                            "modify_ldt subpage_prot switch_endian vm86 vm86old" },
    [SET_OBSOLETE] = { "@obsolete", "_sysctl afs_syscall bdflush break create_module ftime "
                                    "get_kernel_syms getpmsg gtty idle lock mpx prof profil "
                                    "putpmsg query_module security sgetmask ssetmask stime stty "
                                    "sysfs tuxcall ulimit uselib ustat vserver" },
    /* Sets that only appear inside others or in filters. */
    { "@chown", "chown chown32 fchown fchown32 fchownat lchown lchown32" },
    { "@setuid", "setgid setgid32 setgroups setgroups32 setregid setregid32 setresgid "
                 "setresgid32 setresuid setresuid32 setreuid setreuid32 setuid setuid32" },
    { "@system-service", "@chown @resources @setuid capset" },
};

#define SET_DEPTH 4

/* Adds the calls that a name stands for. */
static void expand(const char *name, GHashTable *calls, guint depth)
{
    if (*name != '@') {
        g_hash_table_add(calls, g_strdup(name));
        return;
    }
    for (guint i = 0; i < G_N_ELEMENTS(call_sets) && depth; i++) {
        g_auto(GStrv) members = NULL;

        if (!g_str_equal(call_sets[i].name, name))
            continue;
        members = g_strsplit(call_sets[i].members, " ", -1);
        for (char **member = members; *member; member++)
            expand(*member, calls, depth - 1);
    }
}

struct call_filter {
    gboolean set, allow;
    GHashTable *calls; /* those allowed, or those denied */
};

struct call_filter *call_filter_read(const struct unit *service)
{
    struct call_filter *filter = g_new0(struct call_filter, 1);

    filter->calls = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < service->settings->len; i++) {
        const struct unit_setting *setting =
            &g_array_index(service->settings, struct unit_setting, i);
        g_auto(GStrv) words = NULL;
        gboolean deny;

        if (!g_str_equal(setting->section, "Service") ||
            !g_str_equal(setting->key, "SystemCallFilter"))
            continue;
        if (!*setting->value) {
            filter->set = FALSE;
            g_hash_table_remove_all(filter->calls);
            continue;
        }
        deny = *setting->value == '~';
        if (!filter->set) {
            filter->set = TRUE;
            filter->allow = !deny;
        }
        words = g_strsplit_set(setting->value + deny, " \t", -1);
        for (char **word = words; *word; word++) {
            g_autoptr(GHashTable) calls =
                g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
            GHashTableIter iterator;
            gpointer call;

            (*word)[strcspn(*word, ":")] = 0; /* "call:EPERM" */
            if (**word)
                expand(*word, calls, SET_DEPTH);
            g_hash_table_iter_init(&iterator, calls);
            while (g_hash_table_iter_next(&iterator, &call, NULL)) {
                if (deny == !filter->allow)
                    g_hash_table_add(filter->calls, g_strdup(call));
                else
                    g_hash_table_remove(filter->calls, call);
            }
        }
    }
    return filter;
}

guint call_filter_badness(const struct call_filter *filter, enum call_set set)
{
    g_autoptr(GHashTable) calls = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GHashTableIter iterator;
    gpointer call;

    if (!filter->set)
        return 10;
    expand(call_sets[set].name, calls, SET_DEPTH);
    g_hash_table_iter_init(&iterator, calls);
    while (g_hash_table_iter_next(&iterator, &call, NULL)) {
        gboolean listed = g_hash_table_contains(filter->calls, call);

        if (filter->allow && listed)
            return 9;
        if (!filter->allow && !listed)
            return 10;
    }
    return 0;
}

void call_filter_free(struct call_filter *filter)
{
    g_hash_table_unref(filter->calls);
    g_free(filter);
}

guint call_set_weight(enum call_set set)
{
    return set_weights[set];
}
