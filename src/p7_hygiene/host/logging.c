/*
 * logging.c: whether traces are written, kept, and carried off the host (LOGS-01, 02, 06 to 08,
 * 11). The audit trail and what watches files are in logging_audit.c.
 */
#include "base/clock.h"
#include "p7_hygiene/host/dpkg.h"
#include "p7_hygiene/host/journald_file.h"
#include "p7_hygiene/host/modes.h"
#include "p7_hygiene/host/releases.h"
#include "p7_hygiene/host/rsyslog.h"
#include "p7_hygiene/host/settings.h"
#include "p7_hygiene/host/subtree.h"
#include "p7_hygiene/host/units.h"

#include "catalogue_judges.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- journald --------------------------------------------------------------------------------- */

/* Later folders of this list lose against earlier ones for drop-ins of the same name. */
static const char *const journald_folders[] = {
    "/etc/systemd",
    "/run/systemd",
    "/usr/local/lib/systemd",
    "/usr/lib/systemd",
};

struct journald {
    GPtrArray *files; /* of GArray of settings, in the order in which they apply */
    gboolean any;
    const struct host_file *gap;
};

static void add_settings(struct host *host, struct journald *journald, const char *path)
{
    const struct host_file *file = host_read(host, path);

    if (file->state == HOST_ABSENT)
        return;
    journald->any = TRUE;
    if (file->state == HOST_OK)
        g_ptr_array_add(journald->files, settings_read(file));
    else
        journald->gap = file;
}

static gint compare_names(gconstpointer left, gconstpointer right, gpointer unused)
{
    return strcmp(left, right);
}

static void read_journald(struct host *host, struct journald *journald)
{
    g_autoptr(GTree) parts = g_tree_new_full(compare_names, NULL, g_free, g_free);
    gboolean have_main = FALSE;

    for (gsize i = 0; i < G_N_ELEMENTS(journald_folders); i++) {
        g_autofree char *path = g_strconcat(journald_folders[i], "/journald.conf", NULL);
        g_autofree char *pattern = g_strconcat(path, ".d/*.conf", NULL);
        g_auto(GStrv) found = host_glob(host, pattern);

        if (!have_main && host_stat(host, path)->state != HOST_ABSENT) {
            have_main = TRUE;
            add_settings(host, journald, path);
        }
        for (char **part = found; *part; part++) {
            char *name = g_path_get_basename(*part);

            if (g_tree_lookup(parts, name))
                g_free(name);
            else
                g_tree_insert(parts, name, g_strdup(*part));
        }
    }
    for (GTreeNode *node = g_tree_node_first(parts); node; node = g_tree_node_next(node))
        add_settings(host, journald, g_tree_node_value(node));
}

static const struct setting *journald_setting(const struct journald *journald, const char *key)
{
    const struct setting *last = NULL;

    for (guint i = 0; i < journald->files->len; i++) {
        const struct setting *found = settings_last(journald->files->pdata[i], "Journal", key);

        if (found && *found->value)
            last = found;
        else if (found)
            last = NULL; /* an empty assignment goes back to the default */
    }
    return last;
}

static void judge_storage(const struct asset_view *view, struct finding *finding,
                          const struct setting *storage)
{
    const char *value = storage ? storage->value : "auto";
    gboolean folder = host_stat(view->host, "/var/log/journal")->state == HOST_OK;
    g_autofree char *found = NULL;

    found = g_strdup_printf("%s%s", value,
                            !g_str_equal(value, "auto") ? ""
                            : folder                    ? ", /var/log/journal is there"
                                     : ", /var/log/journal is absent: lost at the next start");
    finding_check(finding,
                  g_str_equal(value, "persistent") || (g_str_equal(value, "auto") && folder),
                  storage ? storage->path : NULL, storage ? storage->line : 0, "Storage", found,
                  "persistent");
}

/*
 * What journald does beside what it is told to: on the running machine, the file of this machine
 * was written since the start. Whether it runs is known by its socket.
 */
static void judge_last_entry(const struct asset_view *view, struct finding *finding)
{
    const struct host_file *machine = host_read(view->host, "/etc/machine-id");
    const struct host_file *boot = host_read(view->host, "/proc/sys/kernel/random/boot_id");
    g_autofree char *id = g_strstrip(g_strdup(machine->text ? machine->text : ""));
    g_autofree char *path = g_build_filename("/var/log/journal", id, "system.journal", NULL);
    g_auto(GStrv) groups = g_strsplit(boot->text ? boot->text : "", "-", -1);
    g_autofree char *joined = g_strjoinv("", groups);
    const char *start = g_strstrip(joined);
    g_autofree char *time = NULL, *found = NULL;
    struct journald_file file;
    enum host_state state;

    if (!host_is_live(view->host) || !*id || !*start ||
        host_stat(view->host, "/run/systemd/journal/socket")->state != HOST_OK)
        return;
    if (!journald_file_read(view->host, path, &file, &state)) {
        if (state == HOST_ABSENT)
            finding_fail(finding, path, 0, "last entry", "no file: nothing is kept",
                         "an entry of this start");
        else
            finding_incomplete(
                finding, state == HOST_DENIED ? REASON_NEEDS_ROOT : REASON_UNREADABLE, "%s", path);
        return;
    }
    time = clock_format(file.last_us / G_USEC_PER_SEC * G_USEC_PER_SEC);
    found = g_strdup_printf("%s, %s", time,
                            g_str_equal(file.boot, start) ? "this start" : "an earlier start");
    finding_check(finding, g_str_equal(file.boot, start) && file.entries, path, 0, "last entry",
                  found, "an entry of this start");
}

void judge_host_log_journal_kept(const struct asset_view *view, struct finding *finding)
{
    struct journald journald = { g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref),
                                 FALSE, NULL };
    const struct setting *limit, *compress;

    read_journald(view->host, &journald);
    if (!journald.any && !dpkg_installed(view->host, "systemd")) {
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "systemd-journald");
        g_ptr_array_unref(journald.files);
        return;
    }
    judge_storage(view, finding, journald_setting(&journald, "Storage"));
    limit = journald_setting(&journald, "SystemMaxUse");
    if (limit)
        finding_pass(finding, limit->path, limit->line, "SystemMaxUse", limit->value, "set");
    else
        finding_warn(finding, NULL, 0, "SystemMaxUse", "not set: a tenth of the disk, at most 4 GB",
                     "set, so that the time covered is a decision");
    compress = journald_setting(&journald, "Compress");
    if (compress)
        finding_check(finding,
                      g_ascii_isdigit(*compress->value) || settings_is_true(compress->value),
                      compress->path, compress->line, "Compress", compress->value, "yes");
    if (journald.gap)
        host_gap(finding, journald.gap);
    if (finding->outcome < OUTCOME_FAIL)
        judge_last_entry(view, finding);
    g_ptr_array_unref(journald.files);
}

/* --- logs off the host ------------------------------------------------------------------------ */

static gboolean is_loopback(const char *target)
{
    return !target || g_str_has_prefix(target, "127.") || g_str_has_prefix(target, "localhost") ||
           g_str_equal(target, "::1") || g_str_has_prefix(target, "[::1]");
}

static gboolean is_tls_driver(const char *driver)
{
    return driver &&
           (g_ascii_strcasecmp(driver, "gtls") == 0 || g_ascii_strcasecmp(driver, "ossl") == 0);
}

/* The driver and its mode may be given with the action, globally, or by directives. */
static gboolean sends_by_tls(const struct rsyslog *rsyslog, const struct rsyslog_statement *action)
{
    const struct rsyslog_statement *legacy_driver =
        rsyslog_directive(rsyslog, "DefaultNetstreamDriver");
    const struct rsyslog_statement *legacy_mode =
        rsyslog_directive(rsyslog, "ActionSendStreamDriverMode");
    const char *driver = rsyslog_parameter(action, "streamdriver");
    const char *mode = rsyslog_parameter(action, "streamdrivermode");

    if (!driver)
        driver = rsyslog_parameter(action, "streamdriver.name");
    if (!mode)
        mode = rsyslog_parameter(action, "streamdriver.mode");
    for (guint i = 0; !driver && i < rsyslog->statements->len; i++) {
        const struct rsyslog_statement *statement = rsyslog->statements->pdata[i];

        if (statement->kind == RSYSLOG_OBJECT && g_str_equal(statement->name, "global"))
            driver = rsyslog_parameter(statement, "defaultnetstreamdriver");
    }
    if (!driver && legacy_driver)
        driver = legacy_driver->value;
    if (!mode && legacy_mode)
        mode = legacy_mode->value;
    return is_tls_driver(driver) && g_strcmp0(mode, "1") == 0;
}

static void judge_forward(const struct rsyslog *rsyslog, const struct rsyslog_statement *action,
                          struct finding *finding)
{
    const char *type = rsyslog_parameter(action, "type");
    const char *target =
        action->kind == RSYSLOG_FORWARD ? action->value : rsyslog_parameter(action, "target");
    const char *protocol = rsyslog_parameter(action, "protocol");
    gboolean tls;

    if (action->kind == RSYSLOG_OBJECT &&
        !(g_str_equal(action->name, "action") &&
          (g_strcmp0(type, "omfwd") == 0 || g_strcmp0(type, "omrelp") == 0)))
        return;
    if (is_loopback(target))
        return;
    if (g_strcmp0(type, "omrelp") == 0)
        tls = g_strcmp0(rsyslog_parameter(action, "tls"), "on") == 0;
    else if (action->kind == RSYSLOG_FORWARD)
        tls = g_str_equal(action->name, "@@") && sends_by_tls(rsyslog, action);
    else
        tls = g_strcmp0(protocol, "tcp") == 0 && sends_by_tls(rsyslog, action);
    finding_check(finding, tls, action->path, action->line, target, tls ? "by TLS" : "in the clear",
                  "by TLS");
}

static void judge_journal_upload(const struct asset_view *view, struct finding *finding)
{
    const struct host_file *file = host_read(view->host, "/etc/systemd/journal-upload.conf");
    g_autoptr(GArray) settings = settings_read(file);
    const struct setting *url = settings_last(settings, "Upload", "URL");

    if (!url || !unit_is_enabled(view->host, "systemd-journal-upload.service"))
        return;
    finding_check(finding, !g_str_has_prefix(url->value, "http:"), url->path, url->line, "URL",
                  url->value, "https");
}

void judge_host_log_sent_away(const struct asset_view *view, struct finding *finding)
{
    static const char *const agents[] = { "syslog-ng-core", "filebeat", "fluent-bit",
                                          "td-agent",       "vector",   "promtail",
                                          "wazuh-agent",    "nxlog-ce", "splunkforwarder",
                                          "elastic-agent",  NULL };
    const struct rsyslog *rsyslog = rsyslog_get(view->host);
    const char *agent;

    if (host_has_role(view->host, "log-collector")) {
        finding_not_applicable(finding, REASON_ROLE, "log-collector");
        return;
    }
    for (guint i = 0; i < rsyslog->statements->len; i++)
        judge_forward(rsyslog, rsyslog->statements->pdata[i], finding);
    judge_journal_upload(view, finding);
    agent = dpkg_first_installed(view->host, agents);
    if (finding->outcome == OUTCOME_NONE && agent)
        finding_not_measured(finding, REASON_UNSUPPORTED, "%s", agent);
    else if (finding->outcome == OUTCOME_NONE && !rsyslog->unread)
        finding_fail(finding, rsyslog->present ? "/etc/rsyslog.conf" : NULL, 0, NULL,
                     "logs stay on this machine", "sent to another machine, by TLS");
    if (rsyslog->unread)
        finding_incomplete(finding,
                           rsyslog->state == HOST_DENIED ? REASON_NEEDS_ROOT : REASON_UNREADABLE,
                           "%s", rsyslog->unread);
}

/* --- modes and listeners ---------------------------------------------------------------------- */

#define LOG_MODE_MAX 0640

static void judge_create_mode(const char *value, const char *path, guint line,
                              struct finding *finding)
{
    char *end = NULL;
    guint64 mode = g_ascii_strtoull(value, &end, 8);

    finding_check(finding, end && !*end && !(mode & ~(guint64)LOG_MODE_MAX), path, line,
                  "FileCreateMode", value, "0640 or tighter");
}

/* Inputs that listen to the network: modules load, then an input or a Run directive opens a port.
 */
static gboolean is_listener(const struct rsyslog_statement *statement)
{
    static const char *const types[] = { "imudp", "imtcp", "imptcp", "imrelp" };
    static const char *const directives[] = { "UDPServerRun", "InputTCPServerRun",
                                              "InputPTCPServerRun", "InputRELPServerRun" };
    const char *type = rsyslog_parameter(statement, "type");

    if (statement->kind == RSYSLOG_OBJECT && g_str_equal(statement->name, "input"))
        for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
            if (g_strcmp0(type, types[i]) == 0)
                return TRUE;
    if (statement->kind == RSYSLOG_DIRECTIVE)
        for (gsize i = 0; i < G_N_ELEMENTS(directives); i++)
            if (g_ascii_strcasecmp(statement->name, directives[i]) == 0)
                return TRUE;
    return FALSE;
}

void judge_host_log_rsyslog_modes(const struct asset_view *view, struct finding *finding)
{
    const struct rsyslog *rsyslog = rsyslog_get(view->host);
    const gboolean collector = host_has_role(view->host, "log-collector");
    gboolean set = FALSE;

    if (!rsyslog->present) {
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "rsyslog");
        return;
    }
    for (guint i = 0; i < rsyslog->statements->len; i++) {
        const struct rsyslog_statement *statement = rsyslog->statements->pdata[i];
        const char *mode = rsyslog_parameter(statement, "filecreatemode");

        if (statement->kind == RSYSLOG_DIRECTIVE &&
            g_ascii_strcasecmp(statement->name, "FileCreateMode") == 0)
            mode = statement->value;
        if (mode) {
            judge_create_mode(mode, statement->path, statement->line, finding);
            set = TRUE;
        }
        if (is_listener(statement) && !collector)
            finding_fail(finding, statement->path, statement->line,
                         statement->value ? statement->name : rsyslog_parameter(statement, "type"),
                         "listens to the network", "no listener, unless the role is log-collector");
    }
    if (!set && !rsyslog->unread)
        finding_fail(finding, "/etc/rsyslog.conf", 0, "FileCreateMode", "not set: 0644",
                     "0640 or tighter");
    if (rsyslog->unread)
        finding_incomplete(finding,
                           rsyslog->state == HOST_DENIED ? REASON_NEEDS_ROOT : REASON_UNREADABLE,
                           "%s", rsyslog->unread);
}

#define LOG_ENTRIES_MAX 100000

struct log_files {
    struct finding *finding;
    guint looked;
};

/*
 * Readable by all by design: who was logged in (utmp(5)), and the package manager's diary, which
 * repeats what /var/lib/dpkg/status tells everybody.
 */
static gboolean is_public_log(const char *path)
{
    static const char *const names[] = { "wtmp",     "lastlog",          "faillog",
                                         "dpkg.log", "alternatives.log", "history.log",
                                         "eipp.log", "bootstrap.log",    "fontconfig.log",
                                         "README",   "wtmp.db",          "lastlog2.db" };
    const char *name = strrchr(path, '/') + 1;

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        gsize length = strlen(names[i]);

        if (g_str_has_prefix(name, names[i]) && strchr(".-", name[length]))
            return TRUE;
        if (g_str_equal(name, names[i]))
            return TRUE;
    }
    return g_str_has_prefix(path, "/var/log/installer/");
}

static gboolean look_at_log(const struct subtree_entry *entry, gpointer data)
{
    struct log_files *files = data;
    g_autofree char *found = NULL;
    struct host_file file;

    if (!S_ISREG(entry->type) || !subtree_status(entry, &file))
        return TRUE;
    files->looked++;
    if (!(file.mode & S_IWOTH) && (!(file.mode & S_IROTH) || is_public_log(entry->path)))
        return TRUE;
    found = modes_text(file.mode, file.uid, file.gid);
    finding_fail(files->finding, entry->path, 0, "mode", found, "0640 or tighter");
    return TRUE;
}

void judge_host_log_file_modes(const struct asset_view *view, struct finding *finding)
{
    struct log_files files = { finding, 0 };
    struct subtree_gap gap = { 0 };

    if (!subtree_each(view->host, "/var/log", LOG_ENTRIES_MAX, look_at_log, &files, &gap)) {
        finding_not_measured(finding, REASON_ABSENT, "/var/log");
        return;
    }
    if (finding->outcome == OUTCOME_NONE) {
        g_autofree char *found = g_strdup_printf("%u files", files.looked);

        finding_pass(finding, "/var/log", 0, NULL, found, "not readable by all");
    }
    subtree_report(&gap, finding);
}

/* --- banners -----------------------------------------------------------------------------------
 */

/* What agetty(8) puts in for \m \r \s \v \S tells an attacker what runs here. */
static void judge_banner(const struct asset_view *view, struct finding *finding, const char *path,
                         gboolean wanted)
{
    const struct host_file *file = host_read(view->host, path);
    g_autofree char *text = NULL, *lower = NULL, *id = NULL;
    static const char escapes[] = "mrsvS";
    gboolean good = TRUE;
    const char *name;

    if (host_gap(finding, file))
        return;
    text = g_strndup(file->text ? file->text : "", file->length);
    g_strstrip(text);
    if (!*text) {
        if (wanted)
            finding_fail(finding, path, 0, NULL, file->state == HOST_OK ? "empty" : "absent",
                         "a warning to whoever logs in");
        return;
    }
    for (const char *at = text; (at = strchr(at, '\\')); at++)
        if (at[1] && strchr(escapes, at[1])) {
            const char escape[] = { '\\', at[1], 0 };

            finding_fail(finding, path, 0, NULL, escape, "no system details");
            good = FALSE;
        }
    lower = g_ascii_strdown(text, -1);
    id = release_os_field(view->host, "ID");
    name = strstr(lower, "gnu/linux")       ? "GNU/Linux"
           : strstr(lower, "debian")        ? "Debian"
           : strstr(lower, "ubuntu")        ? "Ubuntu"
           : id && *id && strstr(lower, id) ? id
                                            : NULL;
    if (name) {
        finding_fail(finding, path, 0, NULL, name, "no name of the system");
        good = FALSE;
    }
    if (good)
        finding_pass(finding, path, 0, NULL, text, "no system details");
}

void judge_host_log_banners(const struct asset_view *view, struct finding *finding)
{
    judge_banner(view, finding, "/etc/issue", TRUE);
    judge_banner(view, finding, "/etc/issue.net", TRUE);
    judge_banner(view, finding, "/etc/motd", FALSE);
}

/* --- rotation ----------------------------------------------------------------------------------
 */

#define KEEP_DAYS 90

struct rotation {
    gint64 rotate, days; /* days between two rotations; 0: by size only */
    gint64 max_age;      /* 0: none */
};

struct logrotate {
    struct finding *finding;
    struct rotation global, block;
    GString *names; /* of the block that is open or about to open */
    gboolean in_block, in_script;
    guint judged;
    const char *path;
    guint block_line;
};

static void set_rotation(struct rotation *rotation, const char *word, const char *value)
{
    static const struct {
        const char *word;
        gint64 days;
    } periods[] = {
        { "hourly", 1 }, { "daily", 1 }, { "weekly", 7 }, { "monthly", 30 }, { "yearly", 365 },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(periods); i++)
        if (g_str_equal(word, periods[i].word))
            rotation->days = periods[i].days;
    if (g_str_equal(word, "rotate") && value)
        rotation->rotate = g_ascii_strtoll(value, NULL, 10);
    else if (g_str_equal(word, "maxage") && value)
        rotation->max_age = g_ascii_strtoll(value, NULL, 10);
    else if (g_str_equal(word, "size"))
        rotation->days = 0;
}

/* Logs that tell of intrusions: the measure is about them, not about every log. */
static gboolean is_security_log(const char *names)
{
    static const char *const logs[] = { "/syslog", "/auth.log", "/messages", "/secure", "/kern.log",
                                        "/sudo",   "/audit/",   "/faillog",  "/btmp",   "/wtmp" };

    for (gsize i = 0; i < G_N_ELEMENTS(logs); i++)
        if (strstr(names, logs[i]))
            return TRUE;
    return FALSE;
}

static void judge_rotation(struct logrotate *logrotate)
{
    const struct rotation *rotation = &logrotate->block;
    gint64 days = rotation->rotate * rotation->days;
    g_autofree char *found = NULL;

    if (!is_security_log(logrotate->names->str))
        return;
    logrotate->judged++;
    if (rotation->max_age && (rotation->rotate < 0 || rotation->max_age < days))
        days = rotation->max_age;
    found = rotation->days == 0 && !rotation->max_age
                ? g_strdup("by size: no time can be told")
                : g_strdup_printf("%" G_GINT64_FORMAT " days", days);
    if (rotation->days == 0 && !rotation->max_age)
        finding_warn(logrotate->finding, logrotate->path, logrotate->block_line,
                     logrotate->names->str, found, "kept for 90 days");
    else
        finding_check(logrotate->finding,
                      days >= KEEP_DAYS || (rotation->rotate < 0 && !rotation->max_age),
                      logrotate->path, logrotate->block_line, logrotate->names->str, found,
                      "kept for 90 days");
}

static void read_logrotate_line(guint number, const char *text, gsize length, gpointer data)
{
    static const char *const scripts[] = { "prerotate",  "postrotate", "firstaction",
                                           "lastaction", "preremove",  NULL };
    struct logrotate *logrotate = data;
    g_autofree char *line = g_strstrip(g_strndup(text, length));
    g_auto(GStrv) words = NULL;
    char *brace;

    if (logrotate->in_script) {
        logrotate->in_script = !g_str_equal(line, "endscript");
        return;
    }
    if (!*line || *line == '#')
        return;
    brace = strchr(line, '{');
    if (!logrotate->in_block && (*line == '/' || *line == '"' || brace)) {
        if (!logrotate->names->len)
            logrotate->block_line = number;
        if (brace)
            *brace = 0;
        g_string_append_printf(logrotate->names, "%s%s", logrotate->names->len ? " " : "",
                               g_strstrip(line));
        if (brace) {
            logrotate->in_block = TRUE;
            logrotate->block = logrotate->global;
        }
        return;
    }
    if (*line == '}') {
        judge_rotation(logrotate);
        g_string_truncate(logrotate->names, 0);
        logrotate->in_block = FALSE;
        return;
    }
    words = g_strsplit_set(line, " \t=", -1);
    if (g_strv_contains(scripts, words[0]))
        logrotate->in_script = TRUE;
    else
        set_rotation(logrotate->in_block ? &logrotate->block : &logrotate->global, words[0],
                     words[1]);
}

static void read_logrotate(struct host *host, struct logrotate *logrotate, const char *path)
{
    const struct host_file *file = host_read(host, path);

    logrotate->path = file->path;
    logrotate->in_block = logrotate->in_script = FALSE;
    g_string_truncate(logrotate->names, 0);
    host_each_line(file, read_logrotate_line, logrotate);
    host_gap(logrotate->finding, file);
}

void judge_host_log_rotation(const struct asset_view *view, struct finding *finding)
{
    struct logrotate logrotate = { .finding = finding };
    g_auto(GStrv) parts = host_glob(view->host, "/etc/logrotate.d/*");
    gboolean runs = unit_is_enabled(view->host, "logrotate.timer") ||
                    host_stat(view->host, "/etc/cron.daily/logrotate")->state == HOST_OK;

    if (!dpkg_installed(view->host, "logrotate") &&
        host_stat(view->host, "/etc/logrotate.conf")->state == HOST_ABSENT) {
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "logrotate");
        return;
    }
    logrotate.names = g_string_new(NULL);
    finding_check(finding, runs, NULL, 0, "logrotate.timer",
                  runs ? "enabled" : "neither the timer nor the daily job", "enabled");
    read_logrotate(view->host, &logrotate, "/etc/logrotate.conf");
    for (char **part = parts; *part; part++)
        read_logrotate(view->host, &logrotate, *part);
    g_string_free(logrotate.names, TRUE);
}
