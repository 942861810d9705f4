/*
 * crypto.c: policy of OpenSSL, private keys, added authorities, entropy, secrets in files
 * (CRYP-01, 03 to 06). Certificates in use are in certificates.c.
 */
#include "p7_hygiene/host/modes.h"
#include "p7_hygiene/host/releases.h"
#include "p7_hygiene/host/scratch.h"
#include "p7_hygiene/host/secrets.h"
#include "p7_hygiene/host/settings.h"
#include "p7_hygiene/host/subtree.h"

#include "catalogue_judges.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPENSSL_CNF "/etc/ssl/openssl.cnf"

/* --- CRYP-01 -----------------------------------------------------------------------------------
 */

static const struct setting *section_setting(const GArray *settings, const char *section,
                                             const char *key)
{
    return section ? settings_last(settings, section, key) : NULL;
}

/* openssl_conf -> [x] ssl_conf -> [y] system_default -> [z] (config(5ssl)). */
static const char *system_section(const GArray *settings)
{
    const struct setting *init = settings_last(settings, "", "openssl_conf");
    const struct setting *ssl, *section;

    ssl = section_setting(settings, init ? init->value : NULL, "ssl_conf");
    section = section_setting(settings, ssl ? ssl->value : NULL, "system_default");
    return section ? section->value : NULL;
}

static void judge_protocol(const struct setting *protocol, struct finding *finding)
{
    static const char *const good[] = { "TLSv1.2", "TLSv1.3", "DTLSv1.2", NULL };

    finding_check(finding, g_strv_contains(good, protocol->value), protocol->path, protocol->line,
                  protocol->key, protocol->value, "TLSv1.2 or TLSv1.3");
}

static void judge_level(const struct setting *ciphers, struct finding *finding)
{
    const char *level = strstr(ciphers->value, "SECLEVEL=");

    finding_check(finding, !level || atoi(level + strlen("SECLEVEL=")) >= 2, ciphers->path,
                  ciphers->line, ciphers->key, ciphers->value, "@SECLEVEL=2 or higher");
}

void judge_host_crypto_openssl_policy(const struct asset_view *view, struct finding *finding)
{
    const struct host_file *file = host_read(view->host, OPENSSL_CNF);
    g_autofree char *id = release_os_field(view->host, "ID");
    g_autoptr(GArray) settings = NULL;
    const struct setting *protocol, *ciphers;
    const char *section;

    if (file->state == HOST_ABSENT) {
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "openssl");
        return;
    }
    if (host_missing(finding, file))
        return;
    settings = settings_read(file);
    section = system_section(settings);
    protocol = section_setting(settings, section, "MinProtocol");
    ciphers = section_setting(settings, section, "CipherString");
    if (protocol)
        judge_protocol(protocol, finding);
    if (ciphers)
        judge_level(ciphers, finding);
    if (protocol && ciphers)
        return;
    /* Debian and Ubuntu build OpenSSL 3 with both as its default. */
    if (g_strcmp0(id, "debian") == 0 || g_strcmp0(id, "ubuntu") == 0)
        finding_pass(finding, OPENSSL_CNF, 0, protocol ? "CipherString" : "MinProtocol",
                     "not set: the distribution's build has TLSv1.2 and level 2",
                     "TLSv1.2, @SECLEVEL=2");
    else
        finding_warn(finding, OPENSSL_CNF, 0, protocol ? "CipherString" : "MinProtocol", "not set",
                     "TLSv1.2, @SECLEVEL=2");
}

/* --- CRYP-03 -----------------------------------------------------------------------------------
 */

#define ENTRIES_MAX 100000
#define KEY_FILE_MAX (256u << 10)
#define KEY_MODE_MAX 0640
#define UID_HUMAN_MIN 1000 /* login.defs UID_MIN of Debian */

struct keys {
    struct host *host;
    struct finding *finding;
    struct scratch content;
    guint found;
};

/* Asked for every file below /etc, so the name is measured once. */
static gboolean ends_with_any(const char *name, const char *const *ends, gsize count)
{
    const gsize length = strlen(name);

    for (gsize i = 0; i < count; i++) {
        const gsize tail = strlen(ends[i]);

        if (tail <= length && memcmp(name + length - tail, ends[i], tail) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean may_hold_key(const struct subtree_entry *entry)
{
    static const char *const ends[] = { ".key", ".pem", "_key", ".p12", ".pfx", ".priv", ".jks" };

    if (!S_ISREG(entry->type))
        return FALSE;
    if (strstr(entry->path, "/private/") || g_str_has_prefix(entry->name, "id_"))
        return TRUE;
    return ends_with_any(entry->name, ends, G_N_ELEMENTS(ends));
}

static gboolean is_key(struct keys *keys, const struct subtree_entry *entry)
{
    static const char mark[] = "PRIVATE KEY-----";

    if (g_str_has_suffix(entry->name, ".p12") || g_str_has_suffix(entry->name, ".pfx") ||
        g_str_has_suffix(entry->name, ".jks"))
        return TRUE;
    if (scratch_read(keys->host, entry->path, KEY_FILE_MAX, FALSE, &keys->content) != HOST_OK)
        return FALSE;
    return memmem(keys->content.text, keys->content.length, mark, strlen(mark)) != NULL;
}

static gboolean look_at_key(const struct subtree_entry *entry, gpointer data)
{
    struct keys *keys = data;
    struct host_file file;
    g_autofree char *found = NULL;

    if (!may_hold_key(entry) || !subtree_status(entry, &file) || !S_ISREG(file.mode) ||
        !file.size || file.size > KEY_FILE_MAX || !is_key(keys, entry))
        return TRUE;
    keys->found++;
    found = modes_text(file.mode, file.uid, file.gid);
    finding_check(keys->finding,
                  !(file.mode & 07777 & ~(mode_t)KEY_MODE_MAX) && file.uid < UID_HUMAN_MIN,
                  entry->path, 0, "mode", found, "0640 or tighter, owned by root or the service");
    return TRUE;
}

void judge_host_crypto_private_keys(const struct asset_view *view, struct finding *finding)
{
    struct keys keys = { view->host, finding, { NULL }, 0 };
    struct subtree_gap gap = { 0 };

    subtree_each(view->host, "/etc", ENTRIES_MAX, look_at_key, &keys, &gap);
    scratch_clear(&keys.content);
    if (!keys.found && !gap.denied && !gap.unread && !gap.cut)
        finding_not_applicable(finding, REASON_NOT_USED, "no private key below /etc");
    subtree_report(&gap, finding);
}

/* --- CRYP-04 -----------------------------------------------------------------------------------
 */

#define CERTIFICATES "/etc/ssl/certs"

static gboolean look_at_local_authority(const struct subtree_entry *entry, gpointer data)
{
    if ((S_ISREG(entry->type) || S_ISLNK(entry->type)) && g_str_has_suffix(entry->name, ".crt"))
        finding_fail(data, entry->path, 0, NULL, "an authority added on this machine",
                     "none, or waived with its purpose");
    return TRUE;
}

/* Links of update-ca-certificates and c_rehash, and the bundle, have their place here. */
static void look_at_trusted(struct host *host, int folder, const char *name,
                            struct finding *finding)
{
    static const char *const own[] = { "ca-certificates.crt", "java", "ssl-cert-snakeoil.pem",
                                       NULL };
    char target[PATH_MAX];
    ssize_t length;
    g_autofree char *path = NULL;

    if (g_strv_contains(own, name))
        return;
    /* Hundreds, nearly all of them links: one look at each. */
    length = readlinkat(folder, name, target, sizeof target - 1);
    target[MAX(length, 0)] = 0;
    if (length >= 0 && (!strchr(target, '/') || strstr(target, "share/ca-certificates/") ||
                        g_str_has_prefix(target, CERTIFICATES "/")))
        return;
    path = g_strconcat(CERTIFICATES "/", name, NULL);
    if (length < 0) {
        const struct host_file *file = host_lstat(host, path);

        if (file->state != HOST_OK || !S_ISREG(file->mode))
            return;
    }
    finding_fail(finding, path, 0, NULL, length < 0 ? "a file of its own" : target,
                 "links to packaged authorities only");
}

void judge_host_crypto_local_authorities(const struct asset_view *view, struct finding *finding)
{
    struct subtree_gap gap = { 0 };
    enum host_state state;
    g_auto(GStrv) names = host_list(view->host, CERTIFICATES, &state);
    int folder = names ? host_open(view->host, CERTIFICATES, O_PATH | O_DIRECTORY) : -1;

    subtree_each(view->host, "/usr/local/share/ca-certificates", ENTRIES_MAX,
                 look_at_local_authority, finding, &gap);
    for (char **name = names; folder >= 0 && *name; name++)
        look_at_trusted(view->host, folder, *name, finding);
    if (folder >= 0)
        close(folder);
    if (finding->outcome == OUTCOME_NONE && folder >= 0)
        finding_pass(finding, CERTIFICATES, 0, NULL, "packaged authorities only", NULL);
    subtree_report(&gap, finding);
    if (state == HOST_DENIED)
        finding_incomplete(finding, REASON_NEEDS_ROOT, CERTIFICATES);
    finding_not_applicable(finding, REASON_NOT_INSTALLED, "ca-certificates");
}

/* --- CRYP-05 -----------------------------------------------------------------------------------
 */

void judge_host_crypto_entropy(const struct asset_view *view, struct finding *finding)
{
    const guint64 least = 256;
    const struct host_file *file = host_read(view->host, "/proc/sys/kernel/random/entropy_avail");
    g_autofree char *found = NULL;

    if (host_missing(finding, file))
        return;
    found = g_strstrip(g_strndup(file->text, file->length));
    finding_check(finding, g_ascii_strtoull(found, NULL, 10) >= least, file->path, 1, NULL, found,
                  "256 or more");
}

/* --- CRYP-06 -----------------------------------------------------------------------------------
 */

#define SCAN_BYTES_MAX (64u << 20) /* content looked at in one run */
#define SCAN_FILE_MAX (256u << 10) /* of one file: larger ones are data */
#define HITS_PER_FILE 5

struct secret_scan {
    struct host *host;
    struct finding *finding;
    struct scratch content;
    const char *path;
    guint64 left;
    guint files, hits; /* hits: in the current file */
    gboolean home;     /* only what starts with a dot, directly in the start */
};

static gboolean note_secret(const char *rule, guint line, const char *secret, gsize length,
                            gpointer data)
{
    struct secret_scan *scan = data;

    finding_redacted(scan->finding, OUTCOME_FAIL, scan->path, line, rule, length);
    return ++scan->hits < HITS_PER_FILE;
}

/* Endings of what is neither configuration nor program text. */
static gboolean is_data(const char *name)
{
    static const char *const ends[] = {
        ".png",         ".jpg",    ".gif",  ".svg", ".ico",    ".woff", ".woff2", ".ttf",
        ".pdf",         ".gz",     ".xz",   ".bz2", ".zip",    ".jar",  ".so",    ".a",
        ".o",           ".pyc",    ".mo",   ".po",  ".css",    ".html", ".htm",   ".md",
        ".rst",         ".map",    ".crt",  ".pub", ".min.js", ".csv",  ".db",    ".sqlite",
        ".txt.example", ".sample", ".dist", ".h",   ".hpp",    ".d.ts",
    };

    return ends_with_any(name, ends, G_N_ELEMENTS(ends));
}

/* Program text quotes its values; configuration need not. */
static gboolean is_program(const char *name)
{
    static const char *const ends[] = { ".php", ".py", ".js", ".ts",   ".rb",  ".pl",  ".pm",  ".c",
                                        ".cc",  ".go", ".rs", ".java", ".lua", ".tcl", ".json" };

    return ends_with_any(name, ends, G_N_ELEMENTS(ends));
}

/* Folders of tools in homes, and of program text that packages manage: noise, and large. */
static gboolean is_noise(const char *name)
{
    static const char *const names[] = {
        ".cache",        ".local",      ".npm",        ".cargo",  ".rustup",      ".git",
        ".mozilla",      ".gem",        ".m2",         ".gradle", "node_modules", "site-packages",
        "dist-packages", "__pycache__", "third_party", NULL
    };

    return g_strv_contains(names, name);
}

static void scan_file(struct secret_scan *scan, const struct subtree_entry *entry)
{
    if (scratch_read(scan->host, entry->path, SCAN_FILE_MAX, FALSE, &scan->content) != HOST_OK)
        return;
    scan->left -= MIN(scan->left, scan->content.length);
    scan->files++;
    if (memchr(scan->content.text, 0, MIN(scan->content.length, 1024)))
        return;
    scan->path = entry->path;
    scan->hits = 0;
    secrets_scan(scan->content.text, scan->content.length, !is_program(entry->name), note_secret,
                 scan);
}

/* A folder that others may not enter hides what is in it. */
static gboolean look_at_file(const struct subtree_entry *entry, gpointer data)
{
    struct secret_scan *scan = data;
    struct host_file file;

    if (scan->home && entry->depth == 0 && entry->name[0] != '.')
        return FALSE;
    if (S_ISDIR(entry->type))
        return !is_noise(entry->name) && subtree_status(entry, &file) && (file.mode & S_IXOTH);
    if (S_ISREG(entry->type) && scan->left && !is_data(entry->name) &&
        !g_str_equal(entry->path, "/etc/nsswitch.conf") && subtree_status(entry, &file) &&
        S_ISREG(file.mode) && (file.mode & S_IROTH) && file.size && file.size <= SCAN_FILE_MAX)
        scan_file(scan, entry);
    return FALSE;
}

void judge_host_crypto_secrets_in_files(const struct asset_view *view, struct finding *finding)
{
    static const char *const places[] = { "/etc", "/srv", "/var/www", "/opt" };
    struct secret_scan scan = { .host = view->host, .finding = finding, .left = SCAN_BYTES_MAX };
    struct subtree_gap gap = { 0 };
    g_auto(GStrv) homes = host_glob(view->host, "/home/*");

    for (gsize i = 0; i < G_N_ELEMENTS(places); i++)
        subtree_each(view->host, places[i], ENTRIES_MAX, look_at_file, &scan, &gap);
    scan.home = TRUE;
    for (char **home = homes; *home; home++) {
        const struct host_file *folder = host_lstat(view->host, *home);

        if (folder->state == HOST_OK && S_ISDIR(folder->mode) && (folder->mode & S_IXOTH))
            subtree_each(view->host, *home, ENTRIES_MAX, look_at_file, &scan, &gap);
    }
    scratch_clear(&scan.content);
    if (finding->outcome == OUTCOME_NONE) {
        g_autofree char *found =
            g_strdup_printf("none in %u files that others may read", scan.files);

        finding_pass(finding, NULL, 0, NULL, found, "none");
    }
    if (!scan.left)
        finding_incomplete(finding, REASON_UNREADABLE, "more than %u MiB of text",
                           SCAN_BYTES_MAX >> 20);
    subtree_report(&gap, finding);
}
