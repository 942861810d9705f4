/* Judges of the kernel's run-time parameters (data/measures/host/kernel.yaml). */
#include "catalogue_judges.h"
#include "p7_hygiene/host/sysctl_judges.h"

#include <string.h>

/* clang-format off */
SYSCTL_JUDGE(judge_host_kernel_aslr,
    { "kernel.randomize_va_space", SYSCTL_IS, 2, "2" })
SYSCTL_JUDGE(judge_host_kernel_pointers_hidden,
    { "kernel.kptr_restrict", SYSCTL_AT_LEAST, 1, "0" })
SYSCTL_JUDGE(judge_host_kernel_log_restricted,
    { "kernel.dmesg_restrict", SYSCTL_IS, 1 })
SYSCTL_JUDGE(judge_host_kernel_ptrace_scope,
    { "kernel.yama.ptrace_scope", SYSCTL_AT_LEAST, 1 })
SYSCTL_JUDGE(judge_host_kernel_unprivileged_bpf,
    { "kernel.unprivileged_bpf_disabled", SYSCTL_AT_LEAST, 1 })
SYSCTL_JUDGE(judge_host_kernel_bpf_jit_hardened,
    { "net.core.bpf_jit_harden", SYSCTL_IS, 2, "0" })
SYSCTL_JUDGE(judge_host_kernel_perf_restricted,
    { "kernel.perf_event_paranoid", SYSCTL_AT_LEAST, 2, "2" })
SYSCTL_JUDGE(judge_host_kernel_setuid_core_dumps,
    { "fs.suid_dumpable", SYSCTL_IS, 0, "0" })
SYSCTL_JUDGE(judge_host_kernel_protected_links,
    { "fs.protected_hardlinks", SYSCTL_IS, 1 },
    { "fs.protected_symlinks", SYSCTL_IS, 1 })
SYSCTL_JUDGE(judge_host_kernel_protected_files,
    { "fs.protected_fifos", SYSCTL_IS, 2, "0" },
    { "fs.protected_regular", SYSCTL_IS, 2, "0" })
SYSCTL_JUDGE(judge_host_kernel_kexec_disabled,
    { "kernel.kexec_load_disabled", SYSCTL_IS, 1, "0" })
SYSCTL_JUDGE(judge_host_kernel_low_addresses,
    { "vm.mmap_min_addr", SYSCTL_AT_LEAST, 65536 })
SYSCTL_JUDGE(judge_host_kernel_unprivileged_userfaultfd,
    { "vm.unprivileged_userfaultfd", SYSCTL_IS, 0, "0" })
SYSCTL_JUDGE(judge_host_kernel_line_disciplines,
    { "dev.tty.ldisc_autoload", SYSCTL_IS, 0 })
SYSCTL_JUDGE(judge_host_kernel_panic_on_oops,
    { "kernel.panic_on_oops", SYSCTL_IS, 1 })
/* clang-format on */

#define STRICT_ROLE "high-security" /* asked only of hosts that declare it */

/* What is right for some hosts only: a pass where it holds, else asked of the role alone. */
static void judge_strict(const struct asset_view *view, struct finding *finding,
                         const struct sysctl_rule *rules, gsize count)
{
    if (host_has_role(view->host, STRICT_ROLE) || sysctl_holds(view->host, rules, count))
        sysctl_judge(view->host, finding, rules, count);
    else if (host_is_container(view->host))
        finding_not_applicable(finding, REASON_CONTAINER, "the host's kernel");
    else
        finding_not_applicable(finding, REASON_ROLE, "asked of hosts with the role %s",
                               STRICT_ROLE);
}

void judge_host_kernel_modules_disabled(const struct asset_view *view, struct finding *finding)
{
    static const struct sysctl_rule rules[] = {
        { "kernel.modules_disabled", SYSCTL_IS, 1, "0" },
    };

    judge_strict(view, finding, rules, G_N_ELEMENTS(rules));
}

/* Either switch closes user namespaces; Debian's own one is the older. */
void judge_host_kernel_user_namespaces(const struct asset_view *view, struct finding *finding)
{
    static const struct sysctl_rule debian[] = {
        { "kernel.unprivileged_userns_clone", SYSCTL_IS, 0 },
    };
    static const struct sysctl_rule upstream[] = {
        { "user.max_user_namespaces", SYSCTL_IS, 0 },
    };
    gboolean closed = sysctl_holds(view->host, debian, G_N_ELEMENTS(debian));

    if (closed)
        judge_strict(view, finding, debian, G_N_ELEMENTS(debian));
    else
        judge_strict(view, finding, upstream, G_N_ELEMENTS(upstream));
}

/* A workstation may keep what Debian allows: sync, remount read-only, kill, reboot. */
void judge_host_kernel_sysrq(const struct asset_view *view, struct finding *finding)
{
    static const struct sysctl_rule off[] = { { "kernel.sysrq", SYSCTL_IS, 0 } };
    static const struct sysctl_rule desktop[] = { { "kernel.sysrq", SYSCTL_IS, 438 } };
    gboolean seat = host_has_role(view->host, "workstation") || host_has_role(view->host, "laptop");

    if (seat && sysctl_holds(view->host, desktop, G_N_ELEMENTS(desktop)))
        sysctl_judge(view->host, finding, desktop, G_N_ELEMENTS(desktop));
    else
        sysctl_judge(view->host, finding, off, G_N_ELEMENTS(off));
}

/* The switch exists since Linux 6.6. */
void judge_host_kernel_io_uring(const struct asset_view *view, struct finding *finding)
{
    static const struct sysctl_rule rules[] = {
        { "kernel.io_uring_disabled", SYSCTL_IS, 2, "0" },
    };

    if (!sysctl_is_dead(view->host) &&
        host_stat(view->host, "/proc/sys/kernel/io_uring_disabled")->state == HOST_ABSENT)
        finding_not_applicable(finding, REASON_NOT_USED, "this kernel has no such switch");
    else
        sysctl_judge(view->host, finding, rules, G_N_ELEMENTS(rules));
}

/* Bits of kernel.tainted that speak of the origin of code (admin-guide/tainted-kernels). */
static const struct taint {
    guint bit;
    char letter;
    const char *meaning;
} taints[] = {
    { 0, 'P', "a proprietary module was loaded" },
    { 1, 'F', "a module was loaded by force" },
    { 12, 'O', "a module from outside the kernel tree was loaded" },
    { 13, 'E', "an unsigned module was loaded" },
};

/* Names of the loaded modules that carry the taint, from lines "name ... Live 0x0 (OE)". */
static char *tainting_modules(struct host *host, char letter)
{
    const struct host_file *file = host_read(host, "/proc/modules");
    g_auto(GStrv) lines = g_strsplit(file->state == HOST_OK ? file->text : "", "\n", -1);
    GString *names = g_string_new(NULL);

    for (char **line = lines; *line; line++) {
        const char *flags = strrchr(*line, '(');

        if (flags && strchr(flags, letter))
            g_string_append_printf(names, "%s%.*s", names->len ? ", " : ": ",
                                   (int)strcspn(*line, " "), *line);
    }
    return g_string_free(names, FALSE);
}

void judge_host_kernel_untainted(const struct asset_view *view, struct finding *finding)
{
    const struct host_file *file = host_read(view->host, "/proc/sys/kernel/tainted");
    guint64 mask;
    gboolean clean = TRUE;

    if (host_is_container(view->host)) {
        finding_not_applicable(finding, REASON_CONTAINER, "the host's kernel");
        return;
    }
    if (host_missing(finding, file))
        return;
    mask = g_ascii_strtoull(file->text, NULL, 10);
    for (gsize i = 0; i < G_N_ELEMENTS(taints); i++) {
        g_autofree char *names = NULL;
        g_autofree char *found = NULL;

        if (!(mask >> taints[i].bit & 1))
            continue;
        names = tainting_modules(view->host, taints[i].letter);
        found = g_strdup_printf("bit %u: %s%s", taints[i].bit, taints[i].meaning, names);
        clean = finding_check(finding, FALSE, file->path, 0, "kernel.tainted", found,
                              "bits 0, 1, 12 and 13 clear");
    }
    if (clean)
        finding_pass(finding, file->path, 0, "kernel.tainted", g_strchomp(file->text),
                     "bits 0, 1, 12 and 13 clear");
}

/* One key that files set, against the kernel. */
static void judge_drift(struct host *host, struct finding *finding,
                        const struct sysctl_files *files, const char *path)
{
    const struct sysctl_line *winner = sysctl_winner(files, path, FALSE);
    const struct sysctl_line *local = sysctl_winner(files, path, TRUE);
    g_autofree char *name = sysctl_name(path);
    g_autofree char *found = NULL;
    enum host_state state;
    g_autofree char *live = sysctl_live(host, path, &state);

    if (!winner)
        return;
    if (!live) {
        if (state == HOST_DENIED)
            finding_incomplete(finding, REASON_NEEDS_ROOT, "/proc/sys/%s", path);
        return; /* a key that this kernel does not have cannot drift */
    }
    if (sysctl_same(live, winner->value)) {
        finding_pass(finding, winner->path, winner->line, name, live, winner->value);
        return;
    }
    if (local && sysctl_same(live, local->value)) {
        found = g_strdup_printf("%s; %s:%u sets %s at the next boot", live, winner->path,
                                winner->line, winner->value);
        finding_pass(finding, local->path, local->line, name, found, local->value);
        return;
    }
    finding_fail(finding, winner->path, winner->line, name, live, winner->value);
}

/* Keys below /proc/sys that the lines speak of: patterns are expanded over what is there. */
static GHashTable *keys_of(struct host *host, const struct sysctl_files *files)
{
    GHashTable *keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < files->lines->len; i++) {
        const struct sysctl_line *line = files->lines->pdata[i];
        g_autofree char *pattern = g_strconcat("/proc/sys/", line->key, NULL);
        g_auto(GStrv) paths = NULL;

        if (!strpbrk(line->key, "*?[")) {
            g_hash_table_add(keys, g_strdup(line->key));
            continue;
        }
        paths = host_glob(host, pattern);
        for (char **path = paths; *path; path++)
            g_hash_table_add(keys, g_strdup(*path + strlen("/proc/sys/")));
    }
    return keys;
}

static int compare_keys(gconstpointer left, gconstpointer right)
{
    return strcmp(left, right);
}

void judge_host_kernel_sysctl_drift(const struct asset_view *view, struct finding *finding)
{
    const struct sysctl_files *files = sysctl_files(view->host);
    g_autoptr(GHashTable) keys = keys_of(view->host, files);
    g_autoptr(GList) sorted = g_list_sort(g_hash_table_get_keys(keys), compare_keys);

    if (host_is_container(view->host)) {
        finding_not_applicable(finding, REASON_CONTAINER, "the host's kernel");
        return;
    }
    if (sysctl_is_dead(view->host)) {
        finding_not_measured(finding, REASON_OFFLINE, "/proc/sys");
        return;
    }
    for (const GList *key = sorted; key; key = key->next)
        judge_drift(view->host, finding, files, key->data);
    for (guint i = 0; i < files->unread->len; i++) {
        const struct sysctl_line *line = files->unread->pdata[i];
        g_autofree char *name = sysctl_name(line->key);
        enum host_state state;
        g_autofree char *live = sysctl_live(view->host, line->key, &state);

        if (line->value && live && !sysctl_same(live, line->value))
            finding_fail(finding, line->path, line->line, name, live,
                         "a file that is read at boot (a link in /etc/sysctl.d)");
    }
    if (files->state != HOST_OK)
        finding_incomplete(finding,
                           files->state == HOST_DENIED ? REASON_NEEDS_ROOT : REASON_UNREADABLE,
                           "%s", files->gap);
    finding_not_applicable(finding, REASON_NOT_USED, "no file sets a kernel parameter");
}
