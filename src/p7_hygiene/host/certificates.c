#include "p7_hygiene/host/certificates.h"

#include "p7_hygiene/host/subtree.h"
#include "p7_hygiene/host/x509.h"

#include "catalogue_judges.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define CONFIG_ENTRIES_MAX 5000
#define RSA_BITS_MIN 2048
#define FAIL_DAYS 7
#define WARN_DAYS 30

static void use_free(gpointer data)
{
    struct certificate_use *use = data;

    g_free(use->certificate);
    g_free(use->key);
    g_free(use->path);
    g_free(use);
}

GPtrArray *certificates_new(void)
{
    return g_ptr_array_new_with_free_func(use_free);
}

/* --- configurations ----------------------------------------------------------------------------
 */

enum role { CERTIFICATE, KEY };

static const struct word {
    const char *name;
    enum role role;
} words[] = {
    { "ssl_certificate", CERTIFICATE },
    { "ssl_certificate_key", KEY }, /* nginx */
    { "sslcertificatefile", CERTIFICATE },
    { "sslcertificatekeyfile", KEY }, /* Apache */
    { "smtpd_tls_cert_file", CERTIFICATE },
    { "smtpd_tls_key_file", KEY }, /* Postfix */
    { "smtpd_tls_chain_files", CERTIFICATE },
    { "ssl_cert", CERTIFICATE },
    { "ssl_key", KEY }, /* Dovecot */
    { "ssl_server_cert_file", CERTIFICATE },
    { "ssl_server_key_file", KEY },
    { "crt", CERTIFICATE }, /* HAProxy */
};

static void add_path(GPtrArray *uses, const char *config, guint line, enum role role,
                     const char *value)
{
    struct certificate_use *last = uses->len ? uses->pdata[uses->len - 1] : NULL;
    g_autofree char *path = g_strdup(value + strspn(value, "<\"'"));

    path[strcspn(path, "\"';,")] = 0;
    if (*path != '/' || strchr(path, '$'))
        return;
    if (role == KEY) {
        if (last && !last->key && g_str_equal(last->path, config))
            last->key = g_steal_pointer(&path);
        return;
    }
    last = g_new0(struct certificate_use, 1);
    last->certificate = g_steal_pointer(&path);
    last->path = g_strdup(config);
    last->line = line;
    g_ptr_array_add(uses, last);
}

static void read_line(GPtrArray *uses, const char *path, guint number, const char *text)
{
    g_auto(GStrv) parts = g_strsplit_set(text, " \t=\r", -1);

    for (guint i = 0; parts[i]; i++) {
        g_autofree char *lower = g_ascii_strdown(parts[i], -1);

        if (*parts[i] == '#')
            return;
        for (gsize j = 0; *parts[i] && j < G_N_ELEMENTS(words); j++) {
            guint next = i + 1;

            if (!g_str_equal(lower, words[j].name))
                continue;
            while (parts[next] && !*parts[next])
                next++;
            if (parts[next] && g_str_equal(parts[next], "<"))
                next++;
            if (parts[next])
                add_path(uses, path, number, words[j].role, parts[next]);
        }
    }
}

void certificates_read(GPtrArray *uses, const char *path, const char *text, gsize length)
{
    g_autofree char *copy = g_strndup(text, length);
    g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);

    for (guint i = 0; lines[i]; i++)
        read_line(uses, path, i + 1, lines[i]);
}

struct collect {
    struct host *host;
    GPtrArray *uses;
};

static gboolean look_at_config(const struct subtree_entry *entry, gpointer data)
{
    struct collect *collect = data;
    const struct host_file *file;

    if (S_ISDIR(entry->type))
        return !g_str_has_suffix(entry->name, "-available");
    file = host_read(collect->host, entry->path);
    if (file->state == HOST_OK)
        certificates_read(collect->uses, file->path, file->text, file->length);
    return FALSE;
}

GPtrArray *certificates_in_use(struct host *host)
{
    static const char *const folders[] = { "/etc/nginx", "/etc/apache2", "/etc/postfix",
                                           "/etc/dovecot", "/etc/haproxy" };
    struct collect collect = { host, certificates_new() };
    struct subtree_gap gap = { 0 };

    for (gsize i = 0; i < G_N_ELEMENTS(folders); i++)
        subtree_each(host, folders[i], CONFIG_ENTRIES_MAX, look_at_config, &collect, &gap);
    g_free(gap.denied);
    g_free(gap.unread);
    return collect.uses;
}

/* --- judgement ---------------------------------------------------------------------------------
 */

static void judge_expiry(const struct x509 *certificate, const char *path, gint64 now_s,
                         struct finding *finding)
{
    g_autoptr(GDateTime) end = NULL;
    g_autofree char *found = NULL;
    gint64 days = (certificate->not_after_s - now_s) / (24 * 60 * 60);

    if (certificate->not_after_s != G_MININT64)
        end = g_date_time_new_from_unix_utc(certificate->not_after_s);
    if (!end) {
        finding_fail(finding, path, 0, "notAfter", "malformed", "a date");
        return;
    }
    found = g_date_time_format(end, "%Y-%m-%d");
    if (certificate->not_after_s <= now_s || days < FAIL_DAYS)
        finding_fail(finding, path, 0, "expires", found, "in 30 days or later");
    else if (days < WARN_DAYS)
        finding_warn(finding, path, 0, "expires", found, "in 30 days or later");
    else
        finding_pass(finding, path, 0, "expires", found, "in 30 days or later");
}

static void judge_strength(const struct x509 *certificate, const char *path,
                           struct finding *finding)
{
    g_autofree char *bits = NULL;

    if (certificate->key.kind == X509_KEY_RSA) {
        bits = g_strdup_printf("RSA %u", x509_key_bits(&certificate->key));
        finding_check(finding, x509_key_bits(&certificate->key) >= RSA_BITS_MIN, path, 0, "key",
                      bits, "2048 bits or more");
    }
    /* EdDSA signatures have no digest of their own. */
    if (certificate->digest)
        finding_check(finding, !certificate->is_weak, path, 0, "signature", certificate->digest,
                      "SHA-256 or better");
}

static void judge_key(struct host *host, const struct certificate_use *use,
                      const struct x509 *certificate, struct finding *finding)
{
    const char *path = use->key ? use->key : use->certificate;
    const struct host_file *file = host_read(host, path);
    enum x509_match match;

    if (file->state == HOST_ABSENT) {
        finding_fail(finding, path, 0, "key", "absent", "the certificate's key");
        return;
    }
    if (host_gap(finding, file))
        return;
    match = x509_match_key(certificate, file->text, file->length);
    if (match != X509_UNKNOWN)
        finding_check(finding, match == X509_MATCHES, path, 0, "key",
                      match == X509_MATCHES ? "matches" : "does not belong to the certificate",
                      "matches");
    else if (use->key)
        finding_incomplete(finding, REASON_UNSUPPORTED, "%s", path);
}

static void judge_use(const struct asset_view *view, const struct certificate_use *use,
                      struct finding *finding)
{
    const struct host_file *file = host_read(view->host, use->certificate);
    g_auto(x509_t) certificate = { 0 };

    if (file->state == HOST_ABSENT) {
        finding_fail(finding, use->path, use->line, use->certificate, "absent", "a certificate");
        return;
    }
    if (host_gap(finding, file))
        return;
    if (!x509_read(&certificate, file->text, file->length)) {
        finding_fail(finding, use->certificate, 0, NULL, "no certificate could be read",
                     "a certificate in PEM");
        return;
    }
    judge_expiry(&certificate, use->certificate, view->now_us / G_USEC_PER_SEC, finding);
    judge_strength(&certificate, use->certificate, finding);
    judge_key(view->host, use, &certificate, finding);
}

void judge_host_crypto_certificates(const struct asset_view *view, struct finding *finding)
{
    g_autoptr(GPtrArray) uses = certificates_in_use(view->host);

    for (guint i = 0; i < uses->len; i++)
        judge_use(view, uses->pdata[i], finding);
    finding_not_applicable(finding, REASON_NOT_USED, "no server names a certificate");
}
