/* Judges of SSH's algorithms, its keys, and the client's defaults. */
#include "p7_hygiene/host/host.h"
#include "p7_hygiene/host/ssh_key.h"
#include "p7_hygiene/host/sshd.h"

#include "catalogue_judges.h"

#include <string.h>

#define RSA_BITS_MIN 3072
#define REQUIRED_RSA_MIN 2048

/* Judges each name a list of algorithms stands for; the first bad one is named. */
static void judge_algorithms(const struct sshd *sshd, struct finding *finding, const char *keyword,
                             gboolean (*bad)(const char *name), const char *wanted)
{
    g_autoptr(sshd_setting_t) setting = sshd_get(sshd, keyword);
    g_auto(GStrv) names = sshd_algorithms(keyword, setting->path ? setting->value : "");
    g_autoptr(GString) weak = g_string_new(NULL);

    for (guint i = 0; names[i]; i++)
        if (bad(names[i]))
            g_string_append_printf(weak, "%s%s", weak->len ? "," : "", names[i]);
    if (weak->len && !setting->path)
        g_string_append(weak, " (default)");
    finding_check(finding, weak->len == 0, setting->path, setting->line, keyword,
                  weak->len ? weak->str : setting->value, wanted);
}

static gboolean is_weak_cipher(const char *name)
{
    static const char *const strong[] = { "chacha20-poly1305@*", "aes*-gcm@*", "aes*-ctr" };

    for (guint i = 0; i < G_N_ELEMENTS(strong); i++)
        if (g_pattern_match_simple(strong[i], name))
            return FALSE;
    return TRUE;
}

static gboolean is_weak_mac(const char *name)
{
    return strstr(name, "md5") || strstr(name, "sha1") || g_str_has_prefix(name, "umac-64") ||
           strstr(name, "-96") || strstr(name, "ripemd");
}

static gboolean is_weak_exchange(const char *name)
{
    return g_str_has_suffix(name, "-sha1") || strstr(name, "group1-");
}

static gboolean is_weak_signature(const char *name)
{
    return g_str_has_prefix(name, "ssh-rsa") || g_str_has_prefix(name, "ssh-dss");
}

void judge_host_ssh_ciphers(const struct asset_view *view, struct finding *finding)
{
    const struct sshd *sshd = sshd_or_finding(view->host, finding);

    if (!sshd)
        return;
    judge_algorithms(sshd, finding, "Ciphers", is_weak_cipher,
                     "chacha20-poly1305, aes-gcm, aes-ctr only");
    sshd_gaps(sshd, finding);
}

void judge_host_ssh_macs(const struct asset_view *view, struct finding *finding)
{
    const struct sshd *sshd = sshd_or_finding(view->host, finding);

    if (!sshd)
        return;
    judge_algorithms(sshd, finding, "MACs", is_weak_mac, "no md5, sha1, umac-64 or 96 bits");
    sshd_gaps(sshd, finding);
}

/* The first exchange both sides know is taken: a hybrid must come first to be used. */
static void judge_post_quantum(const struct sshd *sshd, struct finding *finding)
{
    g_autoptr(sshd_setting_t) setting = sshd_get(sshd, "KexAlgorithms");
    g_auto(GStrv) names = sshd_algorithms("KexAlgorithms", setting->path ? setting->value : "");
    const char *first = names[0] ? names[0] : "";
    const char *wanted = "sntrup761x25519 or mlkem768x25519 first";

    if (g_str_has_prefix(first, "sntrup761x25519-") || g_str_has_prefix(first, "mlkem768x25519-"))
        finding_pass(finding, setting->path, setting->line, "KexAlgorithms", first, wanted);
    else
        finding_warn(finding, setting->path, setting->line, "KexAlgorithms", first, wanted);
}

void judge_host_ssh_key_exchange(const struct asset_view *view, struct finding *finding)
{
    const struct sshd *sshd = sshd_or_finding(view->host, finding);

    if (!sshd)
        return;
    judge_algorithms(sshd, finding, "KexAlgorithms", is_weak_exchange, "no sha1, no group 1");
    judge_post_quantum(sshd, finding);
    sshd_gaps(sshd, finding);
}

struct public_key_file {
    struct finding *finding;
    const char *path;
    gboolean seen;
};

static void judge_host_key(guint line, const char *text, gsize length, gpointer data)
{
    struct public_key_file *file = data;
    g_autofree char *copy = g_strndup(text, length);
    g_autofree char *found = NULL;
    struct ssh_public_key key;

    if (!ssh_public_key_parse(copy, &key))
        return;
    file->seen = TRUE;
    found = key.bits ? g_strdup_printf("%s, %u bits", key.type, key.bits) : g_strdup(key.type);
    finding_check(file->finding,
                  !g_str_has_prefix(key.type, "ssh-dss") && (!key.bits || key.bits >= RSA_BITS_MIN),
                  file->path, line, "HostKey", found,
                  "ed25519, ecdsa, or RSA of 3072 bits or more");
    ssh_public_key_clear(&key);
}

/* The public half says type and size, and anyone may read it. */
static void judge_host_key_file(struct host *host, struct finding *finding, const char *path)
{
    g_autofree char *public = g_strconcat(path, ".pub", NULL);
    const struct host_file *file = host_read(host, public);
    struct public_key_file data = { .finding = finding, .path = file->path };

    if (file->state == HOST_ABSENT || host_gap(finding, file))
        return;
    host_each_line(file, judge_host_key, &data);
    if (!data.seen)
        finding_warn(finding, public, 0, "HostKey", "no public key", "a readable public key");
}

void judge_host_ssh_host_keys(const struct asset_view *view, struct finding *finding)
{
    const struct sshd *sshd = sshd_or_finding(view->host, finding);
    g_autoptr(sshd_setting_t) least = NULL;
    g_autoptr(GPtrArray) keys = NULL;
    g_autofree char *found = NULL;
    gint64 bits;

    if (!sshd)
        return;
    judge_algorithms(sshd, finding, "HostKeyAlgorithms", is_weak_signature,
                     "no ssh-rsa, no ssh-dss");
    judge_algorithms(sshd, finding, "PubkeyAcceptedAlgorithms", is_weak_signature,
                     "no ssh-rsa, no ssh-dss");
    least = sshd_get(sshd, "RequiredRSASize");
    found = least->path ? g_strdup(least->value) : g_strdup_printf("%s (default)", least->value);
    finding_check(
        finding,
        g_ascii_string_to_signed(least->value, 10, REQUIRED_RSA_MIN, G_MAXINT32, &bits, NULL),
        least->path, least->line, "RequiredRSASize", found, "at least 2048");
    keys = sshd_all(sshd, "HostKey");
    for (guint i = 0; i < keys->len; i++)
        judge_host_key_file(view->host, finding, ((struct sshd_setting *)keys->pdata[i])->value);
    sshd_gaps(sshd, finding);
}

void judge_host_ssh_host_key_unique(const struct asset_view *view, struct finding *finding)
{
    finding_not_applicable(finding, REASON_FLEET_ONLY,
                           "one host cannot tell whether another has its key");
}

static gboolean is_not_off(const char *value)
{
    return g_ascii_strcasecmp(value, "no") != 0 && g_ascii_strcasecmp(value, "off") != 0;
}

static gboolean is_yes(const char *value)
{
    return g_ascii_strcasecmp(value, "yes") == 0;
}

static gboolean is_no(const char *value)
{
    return g_ascii_strcasecmp(value, "no") == 0;
}

/*
 * ssh_config(5): the first value obtained wins, over all sections that match. A section for some
 * hosts counts as long as no value for every host came before it.
 */
static void judge_client(const struct ssh_statements *client, struct finding *finding,
                         const char *keyword, const char *initial, gboolean (*good)(const char *),
                         const char *wanted)
{
    g_autofree char *name = g_ascii_strdown(keyword, -1);
    g_autofree char *found = NULL;

    for (guint i = 0; i < client->list->len; i++) {
        const struct ssh_statement *statement = client->list->pdata[i];
        g_autofree char *value = NULL, *key = NULL;

        if (!g_str_equal(statement->keyword, name))
            continue;
        value = ssh_statement_value(statement);
        if (statement->scope->everyone) {
            finding_check(finding, good(value), statement->path, statement->line, keyword, value,
                          wanted);
            return;
        }
        key = g_strdup_printf("%s (%s)", keyword, statement->scope->condition);
        if (good(value))
            finding_pass(finding, statement->path, statement->line, key, value, wanted);
        else
            finding_warn(finding, statement->path, statement->line, key, value, wanted);
    }
    found = g_strdup_printf("%s (default)", initial);
    finding_check(finding, good(initial), NULL, 0, keyword, found, wanted);
}

void judge_host_ssh_client(const struct asset_view *view, struct finding *finding)
{
    struct ssh_statements *client =
        ssh_statements_read(view->host, "/etc/ssh/ssh_config", SSH_CLIENT);
    const struct host_file *file = client->files->pdata[0];

    if (file->state == HOST_ABSENT && host_stat(view->host, "/usr/bin/ssh")->state == HOST_ABSENT) {
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "openssh-client");
    } else if (file->state == HOST_ABSENT || !host_missing(finding, file)) {
        judge_client(client, finding, "StrictHostKeyChecking", "ask", is_not_off, "ask or yes");
        judge_client(client, finding, "HashKnownHosts", "no", is_yes, "yes");
        judge_client(client, finding, "ForwardAgent", "no", is_no, "no");
        ssh_statements_gaps(client, finding);
    }
    ssh_statements_free(client);
}
